"""How close to the best possible answer? ``python -m benchmarks.limits [--family order-consistent]``.

On ER2 graphs of 10 variables, raw equal-variance Gaussian data, the exact posterior of every edge can be computed
(`baselines.all_orders`) by who knows the law that the data were drawn from. The DAG of least expected SHD under it is,
on average over that law, as close as any method can be. Writes ``limits.csv``: its SHD and those of ADAG's three, on
the very data sets of the grids `er2`, `small` and `foundation`, or, for who knows the true order, `order-consistent`.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from rich.progress import track
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

from adag.decode import least_expected_shd
from adag.errors import UsageError
from adag.families import family_of
from baselines import get_method
from baselines.all_orders import edge_probability, edge_probability_under
from baselines.bayes_optimal import log_evidence
from benchmarks import environment
from benchmarks.command import run_command
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.metrics import shd
from benchmarks.statistics import interval

METHODS = ("adag", "adag-refined", "adag-unsupervised")
LIMIT = "exact posterior"
LOG2_POINTS = 6
"""Of an integral over weights: 64 points change no edge's probability by more than 0.001 against 256."""
Shared = Literal["general", "order-consistent"]


def answer(
    X: NDArray[np.float64], degree: float, order: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """The DAG of least expected SHD and P(i -> j), both (d, d), for raw ER data of unit Gaussian noise.

    With ``order`` (d variables, causes first) that of who knows it. Where the likeliest states of all pairs make a DAG,
    as under a known order they do, this is the optimum; otherwise `least_expected_shd` searches.
    """
    evidence, p = log_evidence(X, LOG2_POINTS), 2.0 * degree / (X.shape[1] - 1)
    probability = edge_probability(evidence, p) if order is None else edge_probability_under(order, evidence, p)
    return least_expected_shd(probability), probability


def measure(d: int, n: int, degree: float, repeats: int, shared: Shared = "general") -> pd.DataFrame:
    """One row a data set and answer."""
    family = family_of(shared, d, degree)
    order = None if family.order is None else family.order.numpy()
    methods = {name: get_method(name) for name in METHODS}
    rows = []
    for repeat in track(range(repeats), f"d = {d}, n = {n}"):
        data = load(DatasetKey("er", degree, d, n, "gaussian", "equal", "raw", repeat, domain_family=shared))
        X, off_diagonal = data.X.to_numpy(), ~np.eye(d, dtype=bool)
        found = {LIMIT: answer(X, degree, order)}
        for name, method in methods.items():
            graph = method.discover(X, seed=0)
            assert graph.confidence is not None
            found[name] = graph.adjacency, graph.confidence
        for name, (adjacency, confidence) in found.items():
            ranked = average_precision_score(data.truth[off_diagonal], confidence[off_diagonal])
            row = {"family": shared, "method": name, "d": d, "n": n, "degree": degree, "repeat": repeat}
            rows.append(row | {"shd": shd(adjacency, data.truth), "auprc": round(float(ranked), 5)})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean SHD with its interval, a row an n, and how far ADAG is above the limit."""
    rows = []
    for (shared, d, n), cell in table.groupby(["family", "d", "n"]):
        by_method = cell.pivot(index="repeat", columns="method", values="shd")
        row: dict[str, object] = {"family": shared, "d": d, "n": n}
        for name in (LIMIT, *METHODS):
            found = interval(by_method[name])
            row[name] = f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"
        best = min(METHODS, key=lambda name: by_method[name].mean())
        rows.append(row | {"best of ADAG / limit": f"{by_method[best].mean() / by_method[LIMIT].mean():.2f} ({best})"})
    return pd.DataFrame(rows)


def run(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/limits"),
    family: Annotated[
        str,
        typer.Option(help="What data sets share: 'general' (nothing), or 'order-consistent', the order being known."),
    ] = "general",
    samples: Annotated[str, typer.Option(help="Comma-separated numbers of samples.")] = "10,20,50,100",
    repeats: Annotated[int, typer.Option(min=1, help="Data sets for each.")] = 50,
) -> None:
    """Measure and write, in place of what the file has of that family; about 6 s of one thread a data set."""
    if family not in get_args(Shared):
        raise UsageError(f"--family cannot be '{family}': choose from {', '.join(get_args(Shared))}")
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "limits.csv"
    parts = [pd.read_csv(path).query("family != @family")] if path.exists() else []
    for n in samples.split(","):
        with threadpool_limits(1):
            parts.append(measure(10, int(n), 2.0, repeats, cast(Shared, family)))
        table = pd.concat(parts, ignore_index=True)
        table.to_csv(path, index=False)  # after each: what is computed is kept
    about = environment.describe(1, ["benchmarks.limits", *sys.argv[1:]], script="-m")
    about["versions"] = {name: get_method(name).version for name in METHODS}
    (out / f"{family}.environment.json").write_text(json.dumps(about, indent=2) + "\n")
    print(summary(table).to_string(index=False))


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
