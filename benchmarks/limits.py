"""How close to the best possible answer? ``python -m benchmarks.limits [--variables 5 | --family order-consistent]``.

On ER2 graphs of 10 variables (ER1 of 5), raw equal-variance Gaussian data, the exact posterior of every edge can be
computed (`baselines.all_orders`) by who knows the law that the data were drawn from. The DAG of least expected SHD
under it is, on average over that law, as close as any method can be. Writes ``limits.csv``: its SHD and those of ADAG's
three, on the very data sets of the grids `er2`, `small` and `foundation`, or, for who knows the true order,
`order-consistent`. With 5 variables also the best answer of who is not told unit, mean and density (`told_less`).
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

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
from baselines.all_orders import Posterior, edge_probability_under, posterior
from baselines.bayes_optimal import log_evidence
from benchmarks import environment
from benchmarks.command import run_command
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.metrics import shd
from benchmarks.statistics import interval

METHODS = ("adag", "adag-refined", "adag-unsupervised")
LIMIT = "exact posterior"
TOLD_LESS = "exact posterior, told less"
FEW, MANY = 5, 10
DEGREES = {FEW: 1.0, MANY: 2.0}
"""k of the ERk graphs, by the number of variables: ER2 of 5 would be complete."""
UNITS = np.linspace(-5.0, 5.0, 11)
"""Units that are weighed, in deviations from the true one that the data leave, of its logarithm."""
DENSITIES = np.linspace(0.1, 0.9, 9)
LOG2_POINTS = 6
"""Of an integral over weights: 64 points change no edge's probability by more than 0.001 against 256."""
Shared = Literal["general", "order-consistent"]
Answer = tuple[NDArray[np.int8], NDArray[np.float64]]
"""A DAG and P(i -> j)."""


def answer(X: NDArray[np.float64], degree: float, order: NDArray[np.int64] | None = None) -> Answer:
    """The DAG of least expected SHD and P(i -> j), both (d, d), for raw ER data of unit Gaussian noise.

    With ``order`` (d variables, causes first) that of who knows it. Where the likeliest states of all pairs make a DAG,
    as under a known order they do, this is the optimum; otherwise `least_expected_shd` searches.
    """
    evidence, p = log_evidence(X, LOG2_POINTS), 2.0 * degree / (X.shape[1] - 1)
    probability = posterior(evidence, p).edge if order is None else edge_probability_under(order, evidence, p)
    return least_expected_shd(probability), probability


def told_less(X: NDArray[np.float64]) -> Answer:
    """As `answer`, of who knows the law but for three things that ADAG, and any user, is not told either.

    The noise's law, its equal variances and the range of the weights are still known. Integrated over are the
    variables' means (flat), the unit that the data are in, and with it the variance of the noise (flat in its
    logarithm, within `UNITS`), and the share of pairs that are joined (flat, `DENSITIES`).
    """
    n, d = X.shape
    centred = X - X.mean(0)  # with the means, one degree of freedom of each variable is gone
    laws: list[Posterior] = []
    mass = []
    for unit in np.exp(UNITS / np.sqrt(2.0 * d * (n - 1))):
        evidence = log_evidence(centred / unit, LOG2_POINTS)
        for p in DENSITIES:
            laws.append(posterior(evidence, float(p)))
            mass.append(laws[-1].log_evidence - (n - 1) * d * np.log(unit))
    share = np.exp(mass - np.logaddexp.reduce(mass))
    probability = np.einsum("l,lij->ij", share, [law.edge for law in laws])
    return least_expected_shd(probability), probability


def measure(
    d: int, n: int, repeats: int, shared: Shared = "general", before: Sequence[dict[str, Any]] = ()
) -> pd.DataFrame:
    """One row a data set and answer; exact ones that are among the rows `before` are not computed again."""
    degree = DEGREES[d]
    family = family_of(shared, d, degree)
    order = None if family.order is None else family.order.numpy()
    exact: dict[str, Callable[[NDArray[np.float64]], Answer]] = {LIMIT: lambda X: answer(X, degree, order)}
    if d == FEW:
        exact[TOLD_LESS] = told_less
    methods = {name: get_method(name) for name in METHODS}
    kept = {
        (row["method"], row["repeat"]): row
        for row in before
        if row["method"] in exact and (row["family"], row["d"], row["n"]) == (shared, d, n)
    }
    rows = []
    for repeat in track(range(repeats), f"d = {d}, n = {n}"):
        data = load(DatasetKey("er", degree, d, n, "gaussian", "equal", "raw", repeat, domain_family=shared))
        X = data.X.to_numpy()
        found = {name: find(X) for name, find in exact.items() if (name, repeat) not in kept}
        for name, method in methods.items():
            graph = method.discover(X, seed=0)
            assert graph.confidence is not None
            found[name] = graph.adjacency, graph.confidence
        for name in (*exact, *methods):
            if name not in found:
                rows.append(kept[name, repeat])
                continue
            row = {"family": shared, "method": name, "d": d, "n": n, "degree": degree, "repeat": repeat}
            rows.append(row | _scores(found[name], data.truth))
    return pd.DataFrame(rows)


def _scores(found: Answer, truth: NDArray[np.int8]) -> dict[str, float]:
    adjacency, confidence = found
    apart = ~np.eye(len(truth), dtype=bool)
    ranked = average_precision_score(truth[apart], confidence[apart]) if truth.any() else np.nan
    return {"shd": shd(adjacency, truth), "auprc": round(float(ranked), 5)}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean SHD with its interval, a row an n, and how far ADAG is above the limit."""
    rows = []
    for (shared, d, n), cell in table.groupby(["family", "d", "n"]):
        by_method = cell.pivot(index="repeat", columns="method", values="shd")
        row: dict[str, object] = {"family": shared, "d": d, "n": n}
        for name in (name for name in (LIMIT, TOLD_LESS, *METHODS) if name in by_method):
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
    variables: Annotated[int, typer.Option(help="10, or 5 (where nothing is shared).")] = MANY,
    samples: Annotated[str, typer.Option(help="Comma-separated numbers of samples.")] = "10,20,50,100",
    repeats: Annotated[int, typer.Option(min=1, help="Data sets for each.")] = 50,
    force: Annotated[bool, typer.Option("--force", help="Compute again the exact answers that are there.")] = False,
) -> None:
    """Measure and write, in place of what the file has of that; of one thread, 6 s a data set, 1 s of 5 variables.

    Exact answers that the file has are kept, ADAG's are measured anew: a new checkpoint takes seconds.
    """
    if family not in get_args(Shared):
        raise UsageError(f"--family cannot be '{family}': choose from {', '.join(get_args(Shared))}")
    if variables not in DEGREES:
        raise UsageError(f"--variables cannot be {variables}: choose from {', '.join(map(str, DEGREES))}")
    if variables != MANY and family != "general":
        raise UsageError(f"the family {family} is measured with {MANY} variables: leave out --variables")
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    path = out / "limits.csv"
    old = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["family", "d"])
    before = [] if force else [{str(k): v for k, v in row.items()} for row in old.to_dict("records")]
    parts = [old[(old["family"] != family) | (old["d"] != variables)]] if len(old) else []
    for n in samples.split(","):
        with threadpool_limits(1):
            parts.append(measure(variables, int(n), repeats, cast(Shared, family), before))
        table = pd.concat(parts, ignore_index=True)
        table.to_csv(path, index=False)  # after each: what is computed is kept
    about = environment.describe(1, ["benchmarks.limits", *sys.argv[1:]], script="-m")
    about["versions"] = {name: get_method(name).version for name in METHODS}
    (out / f"{family}-{variables}.environment.json").write_text(json.dumps(about, indent=2) + "\n")
    print(summary(table).to_string(index=False))


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
