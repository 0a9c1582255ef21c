"""True graphs and estimates for the drill-down, as short lists of numbers. Called by `page`.

An edge i -> j of a graph of d variables is the number i * d + j, an undirected edge i -- j (i < j) is -(i * d + j) - 1.
"""

import json
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.keys import CELL
from benchmarks.reporting.scores import Scores, readable

BUDGET = 450_000
"""Characters of graphs in a page. Beyond, whole data sets are left out: high repeats first, evenly over the cells."""
DATA_SETS = 1000
"""At most: each is derived from its key once more, for its true graph."""


def edges(adjacency: NDArray[np.int8]) -> list[int]:
    """A graph in gadjid's encoding as a list of numbers, in ascending order of directed, then undirected edges."""
    d = len(adjacency)
    directed = [int(i * d + j) for i, j in np.argwhere(adjacency == 1)]
    return directed + [-int(i * d + j) - 1 for i, j in np.argwhere(np.triu(adjacency == 2))]


def drill_down(scores: Scores, records: pd.DataFrame, budget: int = BUDGET) -> dict[str, Any]:
    """Graphs by data set: d, the names of the variables, the truth (None where not known), estimates by method.

    The first data set of each cell is kept, then the second of each, until the budget is spent; a data set is kept
    with all of its methods or not at all.
    """
    names = [*CELL, "repeat"]
    ok = records[records["status"] == "ok"]
    estimates: dict[tuple[object, ...], list[tuple[str, list[int]]]] = {}
    for trial, label, adjacency in zip(zip(*(ok[name].tolist() for name in names), strict=True), ok["label"],
                                     ok["adjacency"], strict=True):  # fmt: skip
        estimates.setdefault(trial, []).append((str(scores.methods.index(label)), adjacency))
    place = scores.datasets.groupby("cell").cumcount().to_numpy()
    kept: dict[str, Any] = {}
    spent = 0
    for dataset in np.argsort(place, kind="stable")[:DATA_SETS]:
        key = scores.key(int(dataset))
        entry: dict[str, Any] = {"d": key.d, "names": None, "truth": None, "estimates": {}}
        for method, adjacency in estimates.get((*key.cell, key.repeat), []):
            entry["estimates"][method] = edges(np.asarray(adjacency, dtype=np.int8).reshape(key.d, key.d))
        data = readable(key)
        if data is not None:
            columns = [str(name) for name in data.X.columns]
            entry["names"] = None if columns == [f"x{j}" for j in range(key.d)] else columns
            entry["truth"] = edges(data.truth) if data.graph_known else None
        spent += len(json.dumps(entry, separators=(",", ":")))
        if kept and spent > budget:
            break
        kept[str(dataset)] = entry
    return kept
