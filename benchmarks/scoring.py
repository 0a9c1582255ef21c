"""Score a run: estimates in, ``trials.csv`` and ``trials.parquet`` out. Never re-runs a method.

Called by `benchmarks.run`, and by `benchmarks.score` after a metric was added.
"""

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.datasets import load, sortabilities
from benchmarks.files import write_atomically
from benchmarks.keys import CELL, DatasetKey
from benchmarks.likelihood import Fit
from benchmarks.metrics import METRICS
from benchmarks.records import ARRAYS, read_records

cached_sortabilities = lru_cache(maxsize=4096)(lambda key: sortabilities(load(key)))


def score(records: pd.DataFrame) -> pd.DataFrame:
    """One row per trial: the record without its arrays, the data set's sortabilities, one column per metric.

    Trials without an estimate keep their row; their metrics are NaN.
    """
    rows = []
    ordered = records.sort_values([*CELL, "repeat"], kind="stable")  # a data set's trials in a row: one simulation
    for record in ordered.to_dict("records"):
        key = DatasetKey(**{name: record[name] for name in (*CELL, "repeat")})
        var, r2 = cached_sortabilities(key)
        row: dict[Any, Any] = {k: v for k, v in record.items() if k not in ARRAYS}
        data = load(key)
        edges = int(data.truth.sum()) if data.graph_known else float("nan")
        row |= {"true_edges": edges, "var_sortability": var, "r2_sortability": r2}
        rows.append(row | _metrics(record, key))
    table = pd.DataFrame(rows, index=ordered.index)
    return table.sort_index()


def score_run(folder: Path) -> pd.DataFrame:
    """Score the run in a folder and write its tables."""
    table = score(read_records(folder))
    for name, write in (("trials.parquet", _parquet), ("trials.csv", _csv)):
        write_atomically(folder / name, partial(write, table))
    return table


def _metrics(record: dict[Any, Any], key: DatasetKey) -> dict[str, float]:
    if record["status"] != "ok":
        return {metric.name: float("nan") for metric in METRICS}
    shape = (key.d, key.d)
    estimate = np.asarray(record["adjacency"], dtype=np.int8).reshape(shape)
    confidence, weights = (
        None if record[name] is None else np.asarray(record[name], dtype=np.float64).reshape(shape)
        for name in ("confidence", "weights")
    )
    data = load(key)
    fit = None if data.covariance is None else Fit(data.X.to_numpy(), data.covariance)
    known = METRICS if data.graph_known else [metric for metric in METRICS if metric.name == "nnz"]
    values = (record["kind"], estimate, data.truth, confidence, weights, data.weights, fit)
    return {metric.name: metric(*values) if metric in known else float("nan") for metric in METRICS}


def _parquet(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6g")
