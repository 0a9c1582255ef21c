"""Do two runs agree? ``python -m benchmarks.agreement [RUN_A RUN_B]``.

Every method that declares itself deterministic must have given the same graphs, and so have the same metrics, on any
number of workers, on any day: trials that both runs have are compared bit by bit. Without two runs' folders, every
installed method is run on a small grid by one worker, by two, and by two again, and these three are compared; also
whether the table marks the methods that promise nothing. Exit code 1 where something differs.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from adag.errors import UsageError
from baselines import available_methods, get_method, method_class, split_specs
from benchmarks.command import run_command
from benchmarks.grid import load_grid
from benchmarks.keys import TRIAL
from benchmarks.records import read_records
from benchmarks.scoring import score
from benchmarks.summary import read_trials, unsure

ANSWER = ("status", "kind", "adjacency", "weights", "confidence")
VARIES = (
    "runtime_s", "prepare_s", "batch_runtime_s", "batch_size", "first_call", "peak_memory_mib", "error", "traceback",
    "threads", "device",
)  # fmt: skip
"""What two runs may differ in; the rest of a scored row follows from trial and answer."""
GRID = """title = "Agreement"
methods = []
repeats = 1
timeout_s = 300

[[cells]]
graph = "er"
degree = 1
d = [5]
n = [20, 50]

[[cells]]
family = "heterogeneous"
graph = "er"
degree = 2
d = [10]
n = [20]

[method-params]
golem = { num_iter = 200 }
golem-ev = { num_iter = 200 }
golem-nv = { num_iter = 200 }
"""
"""Small enough for the slow, large enough for answers to differ."""


def disagreements(one: pd.DataFrame, two: pd.DataFrame) -> tuple[int, list[str]]:
    """How many trials of deterministic methods two runs' records share, and in what those differ."""
    one, two = (records[records["deterministic"].astype(bool)].set_index(list(TRIAL)) for records in (one, two))
    shared = one.index.intersection(two.index)
    found: list[str] = []
    if shared.empty:
        return 0, found
    scored = [score(records.loc[shared].reset_index()).set_index(list(TRIAL)) for records in (one, two)]
    for key in shared:
        a, b = one.loc[key], two.loc[key]
        found += [f"{key}: {name}" for name in ANSWER if _text(a[name]) != _text(b[name])]
        first, second = (table.loc[key].drop([*VARIES, "status", "kind"]) for table in scored)
        found += [f"{key}: {name}" for name in first.index if _text(first[name]) != _text(second[name])]
    return len(shared), found


def _text(value: Any) -> str:
    return json.dumps(value, default=lambda array: array.tolist())


def main(
    runs: Annotated[list[Path] | None, typer.Argument(help="Two runs' folders; default: three runs are made.")] = None,
    methods: Annotated[str, typer.Option(help="Methods of the runs that are made; all: every installed one.")] = "all",
    grid: Annotated[str | None, typer.Option(help="Their grid; default: a small one of this command's.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Data sets a cell; default: the grid's.")] = None,
) -> None:
    """Compare two runs, or make three and compare them."""
    if runs and len(runs) != 2:
        raise UsageError(f"{len(runs)} folders to compare: name two runs, or none to have three made")
    with tempfile.TemporaryDirectory() as folder:
        found = _compare(*runs) if runs else _three(Path(folder), methods, grid, repeats)
    for line in found:
        print(f"differs: {line}")
    sys.exit(1 if found else 0)


def _compare(one: Path, two: Path) -> list[str]:
    shared, found = disagreements(read_records(one), read_records(two))
    print(f"{one.name}, {two.name}: {shared} trials of deterministic methods in both, {len(found)} differences")
    return found or ([] if shared else [f"{one} and {two} share no trial of a deterministic method"])


def _three(folder: Path, methods: str, grid: str | None, repeats: int | None) -> list[str]:
    """Make the runs, and compare the others with the first; and the marks of the first's table with what it ran."""
    if grid is None:
        grid = str(folder / "agreement.toml")
        Path(grid).write_text(GRID)
    plan, _ = load_grid(grid)
    specs = plan.specs(split_specs(",".join(_installed()) if methods == "all" else methods))
    if methods == "all":  # that apply to one of the cells at least
        specs = [spec for spec in specs if plan.trials([spec])]
    line = ["--grid", grid, "--methods", ",".join(map(str, specs))]
    line += ["--repeats", str(repeats)] if repeats else []
    runs = {folder / "one-worker": "1", folder / "two-workers": "2", folder / "two-again": "2"}
    for run, workers in runs.items():
        command = [sys.executable, "-m", "benchmarks.run", *line, "--workers", workers, "--out", str(run)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise UsageError(f"'{run.name}' ended with exit code {result.returncode}: {result.stderr.strip()}")
    first, *others = runs
    found = [line for other in others for line in _compare(first, other)]
    trials = read_trials(first)
    print(trials.groupby(["label", "deterministic", "status"]).size().rename("trials").reset_index().to_string())
    print(f"marked in the table as not deterministic: {', '.join(sorted(unsure(trials))) or 'none'}")
    unpromised = {spec.name for spec in specs if method_class(spec.name).randomness == "unseeded"}
    marked = set(trials.loc[trials["label"].isin(unsure(trials)), "method"])
    return found + [f"{name} is marked in the table, or is not, against its word" for name in marked ^ unpromised]


def _installed() -> list[str]:
    """Names of the methods whose package is here; says which are not."""
    names = []
    for name in available_methods():
        try:
            names.append(get_method(name).version and name)
        except UsageError as e:
            print(f"left out: {e}")
    return names


if __name__ == "__main__":
    run_command(lambda: typer.run(main))
