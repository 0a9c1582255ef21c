"""Makes little runs on disk with known estimates, for the tests of scoring, summary and figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from baselines import parse_spec
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.metrics import cpdag
from benchmarks.records import SCHEMA

KEYS = [
    DatasetKey(graph, degree, d, n, "gaussian", "equal", "raw", repeat)
    for graph, degree, d in (("er", 1.0, 5), ("sf", 2.0, 6))
    for n in (10, 20)
    for repeat in range(4)
]
METHODS = ("adag", "golem[num_iter=3000]", "notears", "pc")


def record(label: str, key: DatasetKey, **changes: Any) -> dict[str, Any]:
    """A finished trial whose estimate is the truth (pc: its CPDAG; golem: the truth less one edge)."""
    spec, truth = parse_spec(label), load(key).truth
    estimate = truth.copy()
    if spec.name == "pc":
        estimate = cpdag(truth)
    elif spec.name == "golem" and truth.any():
        estimate[tuple(np.argwhere(truth)[0])] = 0
    seconds = {"adag": 0.01, "pc": 0.02}.get(spec.name, 3.0) * (1 + key.repeat / 10)
    return {
        "label": label, "method": spec.name, "params": spec.params_text, "version": "1.0", "graph": key.graph,
        "degree": key.degree, "d": key.d, "n": key.n, "noise": key.noise, "variance": key.variance,
        "scale": key.scale, "repeat": key.repeat, "seed": key.seed, "status": "ok", "runtime_s": seconds,
        "timeout_s": 60.0, "first_call": False, "threads": 1, "device": "cpu", "error": "", "traceback": "",
        "kind": "cpdag" if spec.name == "pc" else "dag", "adjacency": estimate.ravel().tolist(), "weights": None,
        "confidence": None if spec.name == "pc" else truth.ravel().astype(float).tolist(), **changes,
    }  # fmt: skip


def failed(label: str, key: DatasetKey, status: str = "error") -> dict[str, Any]:
    """A trial without an estimate."""
    empty = {"kind": "", "adjacency": None, "confidence": None, "runtime_s": float("nan")}
    return record(label, key, status=status, error=f"{status} of the method", **empty)


def write(folder: Path, records: Sequence[dict[str, Any]]) -> Path:
    """A run's folder with these estimates."""
    folder.mkdir(parents=True, exist_ok=True)
    names = set(SCHEMA.names)
    unknown = set(records[0]) - names if records else set()
    assert not unknown, f"the store has no column {unknown}"
    pq.write_table(pa.Table.from_pylist(list(records), schema=SCHEMA), folder / "estimates.parquet")
    return folder


def whole_run(folder: Path) -> Path:
    """Every method on every key; one golem trial timed out."""
    records = [record(label, key) for label in METHODS for key in KEYS]
    at = next(i for i, r in enumerate(records) if r["method"] == "golem")
    records[at] = failed(METHODS[1], KEYS[0], "timeout")
    return write(folder, records)
