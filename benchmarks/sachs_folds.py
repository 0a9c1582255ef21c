"""Few-shot on real domains: ``python -m benchmarks.sachs_folds [--out results/families]``.

The nine conditions of Sachs et al. (2005) as nine domains over the same proteins: adapt to K of eight, score the ninth
against the consensus DAG, each in its turn. Writes ``sachs_folds.csv``, which `families_figures` draws.
"""

import json
import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from threadpoolctl import threadpool_limits

from adag.estimator import ADAG
from benchmarks import environment, families_figures, sachs
from benchmarks.command import run_command
from benchmarks.metrics import shd
from benchmarks.statistics import paired_difference

DOMAINS = (1, 2, 4, 8)
"""K: how many of the other conditions are adapted to; K < 8 from each of the eight as the first, in a ring."""


def rings(held_out: int, count: int, domains: int) -> list[list[int]]:
    """The sets of `domains` conditions that a fold is adapted to: neighbours in the ring of the ones not held out."""
    others = [k for k in range(count) if k != held_out]
    starts = range(len(others)) if domains < len(others) else range(1)
    return [sorted((others * 2)[start : start + domains]) for start in starts]


def measure(conditions: list[pd.DataFrame], truth: pd.DataFrame) -> pd.DataFrame:
    """SHD of every fold.

    Parameters
    ----------
    conditions : list of DataFrame
        The domains, columns as in `truth`.
    truth : DataFrame
        The one graph, cause in the row.

    Returns
    -------
    DataFrame
        ``condition, method, domains, shd, edges``; a mean over the sets of that many domains. ``domains`` is 0 for
        "adag" (zero-shot) and "adag-refined" (with the search that adapted checkpoints add).
    """
    A = truth.to_numpy().astype("int8")
    rows = []

    def score(held_out: int, method: str, domains: int, models: list[ADAG]) -> None:
        graphs = [model.discover(conditions[held_out][list(truth)]).adjacency for model in models]
        rows.append({
            "condition": held_out, "method": method, "domains": domains,
            "shd": sum(shd(graph, A) for graph in graphs) / len(graphs),
            "edges": sum(int(graph.sum()) for graph in graphs) / len(graphs),
        })  # fmt: skip

    start = ADAG(device="cpu")
    for held_out in range(len(conditions)):
        score(held_out, "adag", 0, [start])
        score(held_out, "adag-refined", 0, [ADAG(device="cpu", refine=True)])
        for domains in DOMAINS:
            sets = rings(held_out, len(conditions), domains)
            models = [start.adapt([conditions[k] for k in chosen]) for chosen in sets]
            score(held_out, "adag-adapted", domains, models)
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean SHD by method and K, and its difference to zero-shot with the 95% bootstrap interval over conditions."""
    first = table[table["method"] == "adag"].sort_values("condition")
    rows = []
    for method, domains in table[["method", "domains"]].drop_duplicates().itertuples(index=False, name=None):
        own = table[(table["method"] == method) & (table["domains"] == domains)].sort_values("condition")
        difference = paired_difference(own["shd"], first["shd"])
        rows.append({
            "method": method, "domains": domains, "shd": own["shd"].mean(), "edges": own["edges"].mean(),
            "difference": difference.mean, "low": difference.low, "high": difference.high,
        })  # fmt: skip
    return pd.DataFrame(rows).round(2)


def run(out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/families")) -> None:
    """Measure, print, write and draw; about a minute of one core."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        table = measure([sachs.condition(k) for k in range(len(sachs.CONDITIONS))], sachs.consensus())
    out.mkdir(parents=True, exist_ok=True)
    table.assign(condition=[list(sachs.CONDITIONS)[k] for k in table["condition"]]).round(4).to_csv(
        out / "sachs_folds.csv", index=False
    )
    about = environment.describe(1, ["benchmarks.sachs_folds", *sys.argv[1:]], script="-m")
    (out / "sachs_folds.environment.json").write_text(json.dumps(about, indent=2) + "\n")
    print(summary(table).to_string(index=False))
    for path in families_figures.draw_folds(out):
        print(path)


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
