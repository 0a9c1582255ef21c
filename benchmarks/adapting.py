"""What is adapting worth to a user? ``python -m benchmarks.adapting [--out results/families]``.

For families of both kinds: writes 50 unlabelled data sets of 20 rows and 10 variables as CSV files, calls the command
``python -m adag adapt`` on that folder, and scores 50 other domains of the family with and without it. Writes
``adapting.csv``; neither families nor data sets are those of a grid.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from adag.errors import UsageError
from adag.estimator import ADAG
from adag.families import FamilyKey, training_domains, tuning_domains
from adag.sem import Family
from adag.validation import read_csv
from benchmarks import environment
from benchmarks.command import run_command
from benchmarks.metrics import shd
from benchmarks.statistics import paired_difference

FAMILIES: tuple[Family, ...] = ("order-consistent", "heterogeneous")
SEEDS = (1, 2, 3, 4, 5)
"""Which families of a kind; the grids' are number 0."""
D, N, DEGREE = 10, 20, 2.0
DOMAINS = 50
"""CSV files to adapt to, and as many held out."""
Arrays = NDArray[np.float64]


def write_csvs(X: Arrays, folder: Path) -> list[Path]:
    """One CSV file a data set of ``X``, shape (count, n, d)."""
    folder.mkdir(parents=True)
    paths = [folder / f"{k:03}.csv" for k in range(len(X))]
    for path, samples in zip(paths, X, strict=True):
        pd.DataFrame(samples, columns=[f"v{j}" for j in range(samples.shape[1])]).to_csv(path, index=False)
    return paths


def adapted(folder: Path, out: Path) -> float:
    """Call the command on a folder as a user would; the seconds that it took, from start to end of the process."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "adag", "adapt", str(folder), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"python -m adag adapt failed: {done.stderr.strip() or done.stdout.strip()}")
    return time.perf_counter() - start


def errors(model: ADAG, files: list[Path], A: Arrays) -> Arrays:
    """SHD of each file's graph to the truth."""
    graphs = model.discover_many([read_csv(path) for path in files])
    return np.array([shd(g.adjacency, (a != 0).astype(np.int8)) for g, a in zip(graphs, A, strict=True)])


def measure(key: FamilyKey, folder: Path) -> tuple[pd.DataFrame, float]:
    """SHD of every held-out domain of one family, and the seconds of the command.

    Returns
    -------
    table : DataFrame
        ``zero_shot`` (the shipped checkpoint), ``searched`` (with the search that adapted checkpoints add: what is
        gained without any other domain) and ``adapted``, a row a domain.
    seconds : float
        Of the command.
    """
    A, X = (t.numpy() for t in tuning_domains(key, DOMAINS, N))
    write_csvs(training_domains(key, DOMAINS, N).numpy(), folder / "domains")
    held_out = write_csvs(X, folder / "held-out")
    seconds = adapted(folder / "domains", folder / "adapted.safetensors")
    models = {
        "zero_shot": ADAG(device="cpu"),
        "searched": ADAG(device="cpu", refine=True),
        "adapted": ADAG(folder / "adapted.safetensors", device="cpu"),
    }
    return pd.DataFrame({name: errors(model, held_out, A) for name, model in models.items()}), seconds


def row(table: pd.DataFrame) -> dict[str, float]:
    """Means, and the mean difference of adapted less zero-shot with its 95% bootstrap interval over domains."""
    difference = paired_difference(table["adapted"], table["zero_shot"])
    return {
        "held_out": len(table), **{str(name): float(mean) for name, mean in table.mean().items()},
        "difference": difference.mean, "low": difference.low, "high": difference.high,
    }  # fmt: skip


def run(out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/families")) -> None:
    """Measure all families, print and write; two minutes of one core."""
    torch.set_num_threads(1)
    rows = []
    with threadpool_limits(1), tempfile.TemporaryDirectory() as scratch:
        for family in FAMILIES:
            tables, spent = [], []
            what = {"family": family, "d": D, "n": N, "domains": DOMAINS}
            for seed in SEEDS:
                table, seconds = measure(FamilyKey(family, D, DEGREE, "er", seed), Path(scratch) / f"{family}-{seed}")
                rows.append({**what, "family_seed": str(seed), **row(table), "seconds": seconds})
                tables.append(table)
                spent.append(seconds)
            rows.append({**what, "family_seed": "all", **row(pd.concat(tables)), "seconds": max(spent)})
    out.mkdir(parents=True, exist_ok=True)
    written = pd.DataFrame(rows).round(3)
    written.to_csv(out / "adapting.csv", index=False)
    about = environment.describe(1, ["benchmarks.adapting", *sys.argv[1:]], script="-m")
    (out / "adapting.environment.json").write_text(json.dumps(about, indent=2) + "\n")
    print(written.to_string(index=False))


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
