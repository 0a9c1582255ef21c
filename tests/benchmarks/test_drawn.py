"""A run of two dozen methods stays readable: curves and columns are of the grid's own, and what is left out is told."""

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from run_maker import KEYS, record, write

from benchmarks.drawn import MOST, drawn
from benchmarks.figures import draw
from benchmarks.scoring import score_run
from benchmarks.summary import markdown, print_tables, read_trials

OWN = ("adag", "notears", "pc", "golem[num_iter=3000]")
OTHERS = ("boss", "dagma", "direct-lingam", "empty", "flop", "ges", "grasp", "ica-lingam", "var-sort-regress")
THEIRS = ("adag[checkpoint=mine]",)
GRID = """
title = "t"
methods = ["adag", "notears", "pc", "golem"]
[[cells]]
graph = "er"
degree = 1
d = [5]
n = [10, 20]
[method-params.golem]
num_iter = 3000
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    keys = [key for key in KEYS if key.d == 5]
    score_run(write(folder, [record(label, key) for label in (*OWN, *OTHERS, *THEIRS) for key in keys]))
    (folder / "grid.toml").write_text(GRID)
    return folder


def test_of_many_methods_the_grids_own_are_shown_and_the_users(run: Path) -> None:
    trials = read_trials(run)
    assert trials["label"].nunique() > MOST
    found = drawn(trials, run)
    assert set(found.trials["label"]) == {*OWN, *THEIRS}
    assert found.left_out == sorted(OTHERS)
    assert "5 methods" in found.note
    assert "boss, dagma" in found.note


def test_few_methods_and_a_choice_without_the_grids_own_are_all_shown(run: Path) -> None:
    trials = read_trials(run)
    few = trials[trials["label"].isin((*OWN, *OTHERS[:3]))]
    other = trials[trials["label"] != "notears"]
    assert other["label"].nunique() > MOST
    for some in (few, other):
        found = drawn(some, run)
        assert found.left_out == []
        assert found.note == ""
        pd.testing.assert_frame_equal(found.trials, some)


def test_of_a_grid_without_methods_of_its_own_all_are_shown(run: Path, tmp_path: Path) -> None:
    (tmp_path / "grid.toml").write_text(GRID.replace('["adag", "notears", "pc", "golem"]', "[]"))
    trials = read_trials(run)
    found = drawn(trials, tmp_path)
    assert found.left_out == []
    pd.testing.assert_frame_equal(found.trials, trials)


def test_tables_by_cell_have_the_shown_and_the_table_over_all_cells_every_method(run: Path) -> None:
    trials = read_trials(run)
    stream = io.StringIO()
    print_tables(trials, {}, Console(file=stream), drawn(trials, run))
    by_cell, whole = " ".join(stream.getvalue().split()).split("All cells together")
    assert "boss" not in by_cell
    assert "notears" in by_cell
    assert all(f"│ {label}" in whole for label in OTHERS)
    assert "9 more are in the page" in whole
    assert "boss" not in markdown(drawn(trials, run).trials)


def test_figures_say_whom_they_leave_out(run: Path) -> None:
    draw(run)
    text = (run / "figures" / "shd_vs_n.svg").read_text()
    assert ">boss<" not in text
    assert ">notears<" in text
    assert "9 more are in the page" in " ".join(text.split())
    assert ">adag[checkpoint=mine]<" in text
