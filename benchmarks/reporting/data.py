"""What a page computes and draws from in the browser, as JSON. Called by `page` and `overview`."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.claims import family
from benchmarks.keys import CELL
from benchmarks.look import look
from benchmarks.reporting.pack import packed
from benchmarks.reporting.prepared import Prepared
from benchmarks.reporting.scores import CHOICES, REGIME, Choice, Scores
from benchmarks.reporting.verdict import Standing, View
from benchmarks.summary import unsure

TITLES = {  # in the order of the filters
    "family": "graph", "d": "variables d", "n": "samples n", "noise": "noise", "variance": "variances",
    "scale": "scale", "violation": "violation", "family_seed": "family",
    "threshold": "cut at |w| <",
}  # fmt: skip


def for_browser(run: Prepared, graphs: dict[str, Any]) -> dict[str, Any]:
    """Everything that the scripts of a run's page read; `graphs` as `drill_down` gives them."""
    scores, choice = run.scores, run.choice
    return {
        "methods": methods(scores, run.trials),
        "metrics": [described(choice) for choice in CHOICES if choice.name in scores.values],
        "facets": facets(scores.cells),
        "cells": [
            {name: plain(row[name]) for name in (*REGIME, "n", "start", "stop")}
            for row in scores.cells.to_dict("records")
        ],
        "default": choice.name if choice else None,
        "views": {name: _view(view, scores) for name, view in run.views.items()},
        "cellViews": {name: [_view(view, scores) for view in views] for name, views in run.by_cell.items()},
        "datasets": {"cell": packed(scores.datasets[["cell"]]), "repeat": packed(scores.datasets[["repeat"]])},
        "values": {name: packed(table) for name, table in scores.values.items()},
        "seconds": packed(scores.runtime),
        "graphs": graphs,
        "errors": _errors(scores, run.trials),
        **_statuses(scores),
    }  # fmt: skip


def methods(scores: Scores, trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Label, colour, whether it promises one answer a seed, and whether it returns CPDAGs."""
    doubtful, cpdag = unsure(trials), set(trials.loc[trials["kind"] == "cpdag", "label"])
    return [
        {
            "label": label,
            "colour": look(label, scores.methods)[0],
            "unsure": label in doubtful,
            "cpdag": label in cpdag,
            "family": family(label),
        }
        for label in scores.methods
    ]


def described(choice: Choice) -> dict[str, Any]:
    """A metric that the reader may rank by."""
    return {"name": choice.name, "short": choice.short, "better": choice.better, "digits": choice.digits,
            "meaning": choice.meaning}  # fmt: skip


def facets(cells: pd.DataFrame) -> list[dict[str, Any]]:
    """What varies between cells, with its values: what the reader may filter by."""
    return [
        {"name": name, "title": title, "levels": _levels(cells[name])}
        for name, title in TITLES.items() if cells[name].nunique() > 1
    ]  # fmt: skip


def standing(one: Standing) -> list[float | int | None]:
    """A standing as numbers, in the order that ``static/views.js`` names."""
    return [*map(short, (one.mean, one.low, one.high, one.rank)), one.wins, *map(short, one.gap), int(one.behind)]


def _statuses(scores: Scores) -> dict[str, Any]:
    found = set(scores.status.stack().dropna())  # a slow method may have run on the first data sets alone
    statuses = ["ok", *sorted(found - {"ok"})]
    codes = scores.status.apply(lambda column: column.map({status: k for k, status in enumerate(statuses)}))
    return {"statuses": statuses, "status": packed(codes.astype(float))}


def _levels(column: pd.Series) -> list[Any]:
    return [plain(value) for value in (sorted(column.unique()) if column.dtype.kind in "iu" else column.unique())]


def plain(value: Any) -> Any:
    """A number of numpy's as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _view(view: View, scores: Scores) -> dict[str, Any]:
    return {
        "n": view.data_sets,
        "sure": view.sure,
        "rows": [[scores.methods.index(one.method), *standing(one)] for one in view.standings],
        "partial": [[scores.methods.index(label), count] for label, count in view.partial.items()],
    }


def short(value: float) -> float | None:
    """Five digits, and None for NaN, which JSON does not have."""
    return None if np.isnan(value) else float(f"{value:.5g}")


def _errors(scores: Scores, trials: pd.DataFrame) -> dict[str, Any]:
    """Messages of failed trials, each once, and which trials (data set * methods + method) have them."""
    failed = trials[trials["status"] != "ok"]
    texts = sorted(set(failed["error"]))
    keys = scores.datasets[[*CELL, "repeat"]].itertuples(index=False, name=None)
    place = {key: number for number, key in enumerate(keys)}
    named = zip(
        failed[[*CELL, "repeat"]].itertuples(index=False, name=None), failed["label"], failed["error"], strict=True
    )
    return {
        "texts": texts,
        "of": [[place[key] * len(scores.methods) + scores.methods.index(label), texts.index(text)]
               for key, label, text in named],
    }  # fmt: skip
