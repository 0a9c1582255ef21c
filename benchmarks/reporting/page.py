"""The page of one run: what its template shows beside the sentences and the data of the browser.

Called by `benchmarks.report`. The same files give the same bytes: nothing of now or of this machine enters.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import environment
from benchmarks.records import read_records
from benchmarks.reporting import headline
from benchmarks.reporting.data import for_browser
from benchmarks.reporting.graphs import drill_down
from benchmarks.reporting.pictures import pictures
from benchmarks.reporting.prepared import Prepared
from benchmarks.reporting.template import render
from benchmarks.summary import given, unsure

FAILURES = 100
"""Kinds of failure listed in a page."""


def page(run: Prepared) -> str:
    """The HTML of a run's page."""
    graphs = drill_down(run.scores, read_records(run.folder))
    return render(
        "run.html",
        for_browser(run, graphs),
        title=run.title,
        description=run.grid.description if run.grid else "",
        lead=run.sentences,
        facts=run.facts,
        claims=headline.method_of_claims(),
        training=_training(run.folder),
        unsure=sorted(unsure(run.trials)),
        given=sorted(given(run.trials).items()),
        batched=_batched(run.trials),
        pictures=pictures(run.folder),
        failures=_failures(run.trials),
        environment=_machine(run.folder),
        kept=len(graphs),
        data_sets=len(run.scores.datasets),
        trials=len(run.trials),
    )


def _training(folder: Path) -> list[tuple[list[str], str]]:
    """What pre-trained methods have seen: methods of the same text together."""
    groups: dict[str, list[str]] = {}
    for label, text in sorted(environment.pretrained(folder).items()):
        groups.setdefault(text, []).append(label)
    return [(labels, text) for text, labels in groups.items()]


def _batched(trials: pd.DataFrame) -> list[tuple[str, str]]:
    """Median seconds a data set in one call of `discover_many`, by method."""
    if "batch_runtime_s" not in trials:  # runs older than the column
        return []
    medians = trials[trials["batch_size"] > 0].groupby("label")["batch_runtime_s"].median()
    return [(str(label), f"{seconds:.2g}") for label, seconds in medians.items()]


def _failures(trials: pd.DataFrame) -> dict[str, Any]:
    """Failures by method and message, the most frequent first."""
    failed = trials[trials["status"] != "ok"]
    cells: dict[tuple[str, str, str], list[str]] = {}
    for row in failed.itertuples(index=False):
        cell = f"{row.family}, d = {row.d}, n = {row.n}"
        cells.setdefault((str(row.label), str(row.status), str(row.error)), []).append(cell)
    kinds: list[dict[str, Any]] = [
        {"label": label, "status": status, "error": error, "count": len(named), "cells": list(dict.fromkeys(named))}
        for (label, status, error), named in cells.items()
    ]
    kinds.sort(key=lambda kind: (-kind["count"], kind["label"]))
    return {"kinds": kinds[:FAILURES], "more": len(kinds) - FAILURES, "trials": len(failed), "of": len(trials)}


def _machine(folder: Path) -> dict[str, Any]:
    path = folder / "environment.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}
