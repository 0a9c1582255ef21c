"""Do edges given probability p exist that often? ``python benchmarks/calibration.py [--out results/calibration]``.

Runs shipped checkpoints on fresh data sets of several regimes, writes ``bins.csv`` (predicted against observed) and
``errors.csv`` (expected calibration error), and draws the reliability plot from the former.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from adag.checkpoint import shipped
from adag.estimator import ADAG, PAIRS_PER_BATCH
from adag.moments import Moments
from adag.sem import Noise, Scale, Variance, simulate
from benchmarks import environment
from benchmarks.calibration_figures import draw
from benchmarks.command import run_command

SEED = 10_000_000_019
"""Data sets are drawn from here: not seeds of training, validation or the grids."""
BINS = 10
SIZES = (5, 10, 20, 50)
SAMPLES = (10, 50, 100, 500)
LIKELY = 0.05
"""Most pairs are no edge and nearly certain to be none, so a second error is of the pairs above this alone."""


@dataclass(frozen=True)
class Regime:
    """What data sets of a panel have in common."""

    name: str
    noises: tuple[Noise, ...] = ("gaussian",)
    variance: Variance = "equal"
    scale: Scale = "raw"


REGIMES = (
    Regime("raw, equal variances"),
    Regime("raw, unequal variances", variance="unequal"),
    Regime("standardised", scale="standardised"),
    Regime("iSCM", scale="iscm"),
    Regime("raw, non-Gaussian", noises=("exponential", "gumbel", "laplace", "uniform")),
)


def pairs_of(model: ADAG, regime: Regime, pairs: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Predicted probability and truth of about so many ordered pairs for each d and n; half ER, half SF graphs."""
    predicted, true = [], []
    cells = [(d, n, noise) for d in SIZES for n in SAMPLES for noise in regime.noises]
    for k, (d, n, noise) in enumerate(cells):
        generator = torch.Generator().manual_seed(SEED + 1000 * REGIMES.index(regime) + k)
        sets = max(1, round(pairs / (2 * len(regime.noises) * d * (d - 1))))
        off_diagonal = ~np.eye(d, dtype=bool)
        for graph in ("er", "sf"):
            A, X = simulate(
                sets, d, n, degree=1 if d <= 5 else 2, family=graph, noise=noise, variance=regime.variance,
                scale=regime.scale, generator=generator,
            )  # fmt: skip
            for part in range(0, sets, max(1, PAIRS_PER_BATCH["cpu"] // (d * d))):
                rows = slice(part, part + max(1, PAIRS_PER_BATCH["cpu"] // (d * d)))
                predicted.append(model.edge_probabilities(Moments.of(X[rows]))[:, off_diagonal].ravel())
                true.append((A[rows] != 0).numpy()[:, off_diagonal].ravel())
    return np.concatenate(predicted), np.concatenate(true)


def binned(predicted: NDArray[np.float64], true: NDArray[np.bool_]) -> pd.DataFrame:
    """Per bin of the predicted probability: pairs, their mean prediction, and how many of them are edges."""
    edges = np.linspace(0.0, 1.0, BINS + 1)
    k = np.clip(np.digitize(predicted, edges) - 1, 0, BINS - 1)
    count = np.bincount(k, minlength=BINS)
    some = np.maximum(count, 1)
    table = pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "pairs": count,
            "predicted": np.bincount(k, predicted, BINS) / some,
            "observed": np.bincount(k, true, BINS) / some,
        }
    )
    return table[table["pairs"] > 0].round(6)


def error(bins: pd.DataFrame) -> float:
    """Expected calibration error: mean |predicted - observed| over the bins, weighted by their pairs."""
    return float(np.average((bins["predicted"] - bins["observed"]).abs(), weights=bins["pairs"]))


def measure(model: ADAG, pairs: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Bins and errors of one checkpoint, regime by regime."""
    bins, errors = [], []
    name = model.card["name"]
    for regime in REGIMES:
        predicted, true = pairs_of(model, regime, pairs)
        table, likely = binned(predicted, true), predicted >= LIKELY
        bins.append(table.assign(checkpoint=name, regime=regime.name))
        values = {"checkpoint": name, "version": model.version, "regime": regime.name, "pairs": len(true)}
        values |= {"ece": error(table), "likely_pairs": int(likely.sum())}
        errors.append(values | {"ece_likely": error(binned(predicted[likely], true[likely]))})
    return pd.concat(bins), pd.DataFrame(errors)


def run(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/calibration"),
    checkpoints: Annotated[
        str | None, typer.Option(help="Comma-separated shipped names or files; default: every shipped one.")
    ] = None,
    pairs: Annotated[int, typer.Option(min=100, help="Ordered pairs of variables for each d, n and regime.")] = 10_000,
) -> None:
    """Measure the calibration of checkpoints, write and draw it; a minute of one thread each."""
    torch.set_num_threads(1)
    models = [ADAG(name, device="cpu") for name in (checkpoints.split(",") if checkpoints else shipped())]
    with threadpool_limits(1):
        bins, errors = zip(*(measure(model, pairs) for model in models), strict=True)
    out.mkdir(parents=True, exist_ok=True)
    first = ["checkpoint", "regime"]
    table = pd.concat(bins)
    table[[*first, *(column for column in table.columns if column not in first)]].to_csv(out / "bins.csv", index=False)
    pd.concat(errors).round(5).to_csv(out / "errors.csv", index=False)
    about = environment.describe(1, sys.argv[1:], script="benchmarks/calibration.py")
    about["checkpoints"] = {model.card["name"]: model.version for model in models}
    (out / "environment.json").write_text(json.dumps(about, indent=2) + "\n")
    print(pd.concat(errors).round(4).drop(columns="version").to_string(index=False))
    for path in draw(out):
        print(path)


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
