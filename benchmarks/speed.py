"""How fast: ADAG beside NOTEARS, one by one and in batches, and a long table beside one matrix product.

``python benchmarks/speed.py [--out results/speed]``: one process, one thread, ER2 Gaussian data; prints each ratio
beside its target and writes ``speed.csv`` and ``environment.json``. Called by people.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from adag.estimator import ADAG
from adag.inference import Precision
from adag.sem import simulate
from baselines import get_method
from benchmarks import environment
from benchmarks.command import run_command

SEED = 8_000_000_011
"""Data sets are drawn from here: not seeds of training, validation or the grids."""
D, N = 20, 100
MANY, HALVED, PRODUCT = "adag, discover_many", "adag, discover_many, bfloat16", "X.T @ X, NumPy"
TABLE, FEW_ROWS = "adag, long table", "adag, 100 rows of it"
COLUMNS = ("quantity", "d", "n", "data_sets", "seconds", "against", "ratio", "target")


def samples(sets: int, n: int, d: int = D) -> NDArray[np.float64]:
    """ER2 Gaussian equal-variance data sets, shape (sets, n, d)."""
    generator = torch.Generator().manual_seed(SEED + n)
    return simulate(sets, d, n, degree=2, generator=generator)[1].numpy()


def seconds(action: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def single_calls(methods: list[str], sets: int) -> dict[str, float]:
    """Median seconds of one `discover`, by method, each on the same data sets and warmed up."""
    X = samples(sets, N)
    result = {}
    for name in methods:
        method = get_method(name)
        method.discover(X[0][:, :5].copy(), seed=0)  # imports and weights are not timed
        result[name] = float(np.median([seconds(lambda x=x, m=method: m.discover(x, seed=0)) for x in X]))  # type: ignore[misc]
    return result


def many(sets: int, precision: Precision = "float32") -> float:
    """Seconds a data set of one `ADAG.discover_many` over so many."""
    model, X = ADAG(device="cpu", precision=precision), list(samples(sets, N))
    model.discover_many(X[:8])
    return seconds(lambda: model.discover_many(X)) / sets


def long_table(rows: int, repeats: int = 3) -> tuple[float, float, float]:
    """Best of some calls: `ADAG.discover` on a long table, on its first 100 rows, and ``X.T @ X`` on all of it."""
    X = samples(1, rows)[0]
    model = ADAG(device="cpu")
    actions = (lambda: model.discover(X), lambda: model.discover(X[:N]), lambda: X.T @ X)
    whole, few, product = (min(seconds(action) for _ in range(repeats)) for action in actions)
    return whole, few, product


def measure(sets: int, few: int, rows: int) -> pd.DataFrame:
    """Every quantity with its ratio and target; what the issue asks for has a target, the rest is context."""
    single = single_calls(["adag", "adag-refined", "notears"], few)
    notears, batched, halved = single["notears"], many(sets), many(sets, "bfloat16")
    whole, constant, product = long_table(rows)
    lines: list[tuple[Any, ...]] = [
        ("notears, discover", D, N, few, notears, "", None, ""),
        ("adag, discover", D, N, few, single["adag"], "notears", notears / single["adag"], ">= 100"),
        ("adag-refined, discover", D, N, few, single["adag-refined"], "notears", notears / single["adag-refined"], ""),
        (MANY, D, N, sets, batched, "notears", notears / batched, ">= 5000"),
        (HALVED, D, N, sets, halved, "notears", notears / halved, ">= 5000"),
        (PRODUCT, D, rows, 1, product, "", None, ""),
        (FEW_ROWS, D, N, 1, constant, "", None, ""),
        (TABLE, D, rows, 1, whole, PRODUCT, whole / product, ""),
        ("the same less its constant", D, rows, 1, whole - constant, PRODUCT, (whole - constant) / product, "<= 5"),
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def show(table: pd.DataFrame, console: Console) -> None:
    """Print the table."""
    shown = Table(title="Seconds a data set, one thread", title_justify="left")
    for heading in ("quantity", "d", "n", "data sets", "seconds", "against", "ratio", "target"):
        shown.add_column(heading, justify="left" if heading in ("quantity", "against") else "right")
    for quantity, d, n, sets, value, against, ratio, target in table.to_numpy():
        of = "" if pd.isna(ratio) else f"{ratio:,.1f}"
        shown.add_row(quantity, str(d), f"{n:,}", f"{sets:,}", f"{value:.4g}", against, of, target)
    console.print(shown)


def run(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/speed"),
    sets: Annotated[int, typer.Option(min=1, help="Data sets of discover_many.")] = 1000,
    few: Annotated[int, typer.Option(min=1, help="Data sets of each method's single calls.")] = 5,
    rows: Annotated[int, typer.Option(min=1000, help="Rows of the long table.")] = 1_000_000,
) -> None:
    """Measure, print and write the speeds."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        table = measure(sets, few, rows)
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "speed.csv", index=False, float_format="%.6g")
    about = environment.describe(1, sys.argv[1:], script="benchmarks/speed.py")
    about["checkpoint"] = ADAG(device="cpu").version
    (out / "environment.json").write_text(json.dumps(about, indent=2) + "\n")
    show(table, Console() if sys.stdout.isatty() else Console(width=120))
    print(f"table: {out / 'speed.csv'}")


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
