"""The page over all runs: every cell of every run with its methods, and a way to each run's own page.

Called by `benchmarks.report`. A cell that two runs have is there twice, each time under its run's name.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.look import look
from benchmarks.reporting import headline
from benchmarks.reporting.data import described, facets, plain, short, standing
from benchmarks.reporting.prepared import Prepared
from benchmarks.reporting.scores import CHOICES, REGIME
from benchmarks.reporting.template import render
from benchmarks.reporting.verdict import View

RANKED_BY = ("shd_cpdag", "shd")
"""What nearly every run has; a run's own page has the other metrics."""


def overview(root: Path, runs: Sequence[Prepared]) -> str:
    """The HTML of the page over these runs, all of them folders of `root`."""
    choices = [choice for choice in CHOICES if choice.name in RANKED_BY]
    first = RANKED_BY[0]
    views = [view for run in runs for view in run.by_cell.get(first, [])]
    cells = pd.concat([run.scores.cells.assign(run=run.folder.name) for run in runs], ignore_index=True)
    labels = sorted(
        {label for run in runs for label in run.scores.methods}, key=lambda m: (not m.startswith("adag"), m)
    )
    data = {
        "methods": [{"label": label, "colour": look(label, labels)[0], "unsure": False} for label in labels],
        "metrics": [described(choice) for choice in choices],
        "default": first,
        "facets": [{"name": "run", "title": "run", "levels": list(dict.fromkeys(cells["run"]))}, *facets(cells)],
        "cells": [
            {name: plain(row[name]) for name in ("run", *REGIME, "n")} | {"sets": row["stop"] - row["start"]}
            for row in cells.to_dict("records")
        ],
        "rows": {choice.name: _rows(runs, labels, choice.name) for choice in choices},
        "sure": {
            choice.name: [view.sure if view else False for run in runs for view in _views(run, choice.name)]
            for choice in choices
        },
    }  # fmt: skip
    sizes = f"{len(runs)} runs", f"{len(cells)} cells", f"{sum(len(run.trials) for run in runs):,} trials"
    return render(
        "overview.html",
        data,
        sizes=sizes,
        where=headline.where(views),
        claims=headline.method_of_claims(),
        runs=[
            {"name": run.folder.name, "title": run.title, "facts": run.facts, "lead": run.sentences[:2]} for run in runs
        ],
        others=_others(root, {run.folder.name for run in runs}),
    )


def _rows(runs: Sequence[Prepared], labels: list[str], metric: str) -> list[list[Any]]:
    """A row per cell and method: cell, method, place, the standing, trials, failures, median seconds."""
    rows, number = list[list[Any]](), 0
    for run in runs:
        for view, (start, stop) in zip(
            _views(run, metric), run.scores.cells[["start", "stop"]].to_numpy(), strict=True
        ):
            places = {one.method: (k, one) for k, one in enumerate(view.standings, 1)} if view else {}
            status, seconds = run.scores.status.iloc[start:stop], run.scores.runtime.iloc[start:stop]
            for label in run.scores.methods:
                if not (planned := int(status[label].count())):
                    continue
                failed = int((status[label].dropna() != "ok").sum())
                place, one = places.get(label, (None, None))
                numbers = standing(one) if one else None
                rows.append(
                    [number, labels.index(label), place, numbers, planned, failed, short(seconds[label].median())]
                )
            number += 1
    return rows


def _views(run: Prepared, metric: str) -> Sequence[View | None]:
    return run.by_cell.get(metric, [None] * len(run.scores.cells))


def _others(root: Path, runs: set[str]) -> list[tuple[str, list[str]]]:
    """Figures of folders that are no runs (calibration, training), by folder."""
    folders = sorted({path.parent.parent for path in root.glob("*/figures/*.png")} - {root / name for name in runs})
    return [(folder.name, sorted(path.name for path in (folder / "figures").glob("*.png"))) for folder in folders]
