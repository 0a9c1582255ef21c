# Every target works from a fresh clone: it first makes .venv, once.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup bench-small figures figures-of-runs figures-of-the-rest report docs test lint format pretrain clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Make .venv and install everything (does nothing when up to date)

$(STAMP): pyproject.toml constraints.txt requirements-data.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than Python 3.11: set PYTHON=python3.11 or newer"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-data.txt
	@touch $@

bench-small: setup ## Nine methods on five data sets a cell of the small grid, into runs/small
	$(BIN)/python benchmarks/run.py --grid small --repeats 5 --out runs/small

figures: setup ## Redraw every figure from the files under results/
	@$(MAKE) --no-print-directory --jobs figures-of-runs figures-of-the-rest

figures-of-runs:
	$(BIN)/python benchmarks/figures.py $(patsubst %/trials.csv,%,$(wildcard results/*/trials.csv))

figures-of-the-rest:
	$(if $(wildcard results/families/*.csv),$(BIN)/python benchmarks/families_figures.py results/families)
	$(if $(wildcard results/pretrain/*.log.jsonl),$(BIN)/python benchmarks/training_figures.py results/pretrain)
	$(if $(wildcard results/ablations/*.csv),$(BIN)/python benchmarks/ablation_figures.py results/ablations)
	$(if $(wildcard results/calibration/bins.csv),$(BIN)/python benchmarks/calibration_figures.py results/calibration)

report: setup ## Write the page of every run under results/, and one over all of them
	$(BIN)/python benchmarks/report.py

docs: setup ## Build the documentation into site/, to open in a browser; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "open site/index.html; to search it, run $(BIN)/python -m mkdocs serve"

test: setup ## Run the tests
	$(BIN)/python -m pytest -q -m 'not ray' -n 2 --dist loadfile
	$(BIN)/python -m pytest -q -m ray

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pretrain: setup ## Train the small checkpoint again, into runs/ (about an hour on one core)
	$(BIN)/python -m adag pretrain --config adag/configs/small.toml --out runs/adag-small.safetensors

clean: ## Remove the environment and caches (results stay)
	rm -rf .venv site .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
