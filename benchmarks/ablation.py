"""Ablations of ADAG: ``python benchmarks/ablation.py train`` and ``... outside``; see each command's ``--help``.

``train`` trains small variants with one budget each and judges them on fresh data sets; ``outside`` takes a shipped
checkpoint beyond what it was trained on. Each writes its CSV as it goes; the same line again does what is missing.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from adag.checkpoint import DEFAULT, Checkpoint
from adag.decode import least_expected_shd
from adag.errors import UsageError
from adag.estimator import ADAG
from adag.inference import edge_probability
from adag.moments import Moments
from adag.pretrain import pretrain
from adag.sem import simulate
from benchmarks import environment
from benchmarks.ablation_figures import draw
from benchmarks.ablation_variants import Cell, Variant, variants
from benchmarks.command import run_command
from benchmarks.outside import Point, points, simulated
from benchmarks.statistics import interval

EVALUATION_SEED = 9_000_000_001
"""Data sets to judge by are drawn from here: not seeds of training, validation or the grids."""
FOLDER = Path("results/ablations")
app = typer.Typer(help=__doc__, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = FOLDER,
    sets: Annotated[int, typer.Option(min=2, help="Data sets a cell.")] = 200,
    only: Annotated[str | None, typer.Option(help="Comma-separated names of variants; default: all.")] = None,
) -> None:
    """Train the variants that ``trained.csv`` lacks, one thread each, and judge them; about 20 minutes of a core."""
    chosen = _chosen(only)
    file = out / "trained.csv"
    done = set(pd.read_csv(file)["variant"]) if file.exists() else set()
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for variant in chosen:
            if variant.name not in done:
                append(file, trained_rows(variant, sets))
                print(f"{variant.name}: in {file}", flush=True)
    _describe(out, "train", {})
    draw(out)


@app.command()
def outside(
    checkpoints: Annotated[str, typer.Option(help="Comma-separated shipped names or files.")] = DEFAULT,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = FOLDER,
    sets: Annotated[int, typer.Option(min=2, help="Data sets a point.")] = 50,
    force: Annotated[bool, typer.Option("--force", help="Measure again what is there.")] = False,
) -> None:
    """Judge checkpoints at d, n, degree, noise and weights inside and outside their training: ``outside.csv``."""
    file = out / "outside.csv"
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    versions = {}
    with threadpool_limits(1):
        for name in checkpoints.split(","):
            model = ADAG(name, device="cpu")
            versions[name] = model.version
            if file.exists():
                old = pd.read_csv(file)
                foreign = (old["checkpoint"] == model.card["name"]) & (force | (old["version"] != model.version))
                old[~foreign].to_csv(file, index=False)
            done = _points_done(file, model.version)
            for point in points():
                if (point.factor, point.value) not in done:
                    append(file, [outside_row(model, point, sets)])
            print(f"{name}: in {file}", flush=True)
    _describe(out, "outside", versions)
    draw(out)


def trained_rows(variant: Variant, sets: int) -> list[dict[str, Any]]:
    """Train one variant; a row for each of its places and cells."""
    config = variant.config()
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        made = pretrain(config, Path(folder) / "variant.safetensors")
    spent = time.process_time() - start
    about = {
        "seed": config.seed,
        "steps": config.steps,
        "tasks": made.card["tasks"],
        "distinct_tasks": made.card["distinct_tasks"],
        "parameters": sum(p.numel() for p in made.model.parameters()),
        "cpu_seconds": round(spent, 1),
    }
    rows = []
    for cell in variant.cells:
        judged = {"cell": str(cell)} | summary(errors(made, cell, sets))
        rows += [{"ablation": a, "value": v, "variant": variant.name} | about | judged for a, v in variant.places]
    return rows


@torch.no_grad()
def errors(made: Checkpoint, cell: Cell, sets: int) -> NDArray[np.float64]:
    """SHD of the DAG of least expected SHD on each of a cell's data sets."""
    generator = torch.Generator().manual_seed(EVALUATION_SEED + 10_000 * cell.d + cell.n)
    A, X = simulate(sets, cell.d, cell.n, degree=2, noise=cell.noise, scale=cell.scale, generator=generator)
    probability = edge_probability(made.model, Moments.of(X), [X], made.card["objective"]).double().numpy()
    return np.array([distance(one, a) for one, a in zip(least_expected_shd(probability), A.numpy(), strict=True)])


def distance(adjacency: NDArray[np.int8], A: NDArray[np.float64]) -> float:
    """SHD: a missing, an extra or a reversed edge counts once."""
    wrong = (adjacency != 0) != (A != 0)
    return float((wrong | wrong.T).sum() // 2)


def summary(values: NDArray[np.float64]) -> dict[str, Any]:
    """Mean with its 95% interval over data sets."""
    mean, low, high = interval(pd.Series(values))
    return {"data_sets": len(values), "shd": round(mean, 4), "shd_low": round(low, 4), "shd_high": round(high, 4)}


def outside_row(model: ADAG, point: Point, sets: int) -> dict[str, Any]:
    """One checkpoint at one point; data sets are drawn one by one, for n = 10^5 samples of each are much."""
    wrong, edges = [], []
    for k in range(sets):
        A, X = simulated(point, EVALUATION_SEED + 1_000_000 * (k + 1))
        graph = model.discover(X)
        wrong.append(distance(graph.adjacency, A))
        edges.append(float((A != 0).sum()))
    return {
        "checkpoint": model.card["name"],
        "version": model.version,
        "factor": point.factor,
        "value": point.value,
        "inside": point.inside(model.card["config"]["tasks"]),
        "true_edges": round(float(np.mean(edges)), 2),
    } | summary(np.array(wrong))


def append(file: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Add rows to a CSV, in one write."""
    table = pd.DataFrame(list(rows))
    with file.open("a") as stream:
        stream.write(table.to_csv(index=False, header=not file.exists() or not file.stat().st_size))


def _points_done(file: Path, version: str) -> set[tuple[str, str]]:
    if not file.exists():
        return set()
    table = pd.read_csv(file, dtype={"value": str})
    table = table[table["version"] == version]
    return set(zip(table["factor"], table["value"], strict=True))


def _chosen(only: str | None) -> list[Variant]:
    known = {variant.name: variant for variant in variants()}
    if only is None:
        return list(known.values())
    for name in only.split(","):
        if name not in known:
            raise UsageError(f"no variant '{name}': one of {', '.join(known)}")
    return [known[name] for name in only.split(",")]


def _describe(out: Path, command: str, checkpoints: dict[str, str]) -> None:
    """Write ``environment.json``, one entry for each of the two commands."""
    file = out / "environment.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    about = environment.describe(1, sys.argv[1:], script="benchmarks/ablation.py")
    known[command] = about | ({"checkpoints": checkpoints} if checkpoints else {})
    file.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    run_command(app)
