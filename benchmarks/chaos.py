"""Does anything get lost? ``python -m benchmarks.chaos [--trials 1000] [--kills 5]``.

A run over probes that hang in LAPACK, segfault, exit, raise, outgrow their memory limit, return garbage and behave.
Its driver is killed (SIGKILL) at random moments and the same line typed again, until the run is whole. Then: one row
for each trial, each with its right status, the good estimates those of a run that nobody disturbed, and no process
left of any of the killed. Prints what was found; exit code 1 where something is wrong.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from baselines import method_class, parse_spec
from benchmarks import probes
from benchmarks.cluster import import_path
from benchmarks.grid import load_grid
from benchmarks.keys import TRIAL, Trial
from benchmarks.records import read_records

_BEHAVES = [f"probe-behaves[variant={k}]" for k in range(4)]
METHODS = (*_BEHAVES, *(probe.name for probe in probes.TROUBLES))
_GRID = """title = "Chaos"
methods = []
timeout_s = 60
[method-timeout-s]
probe-hangs = 1
probe-mixed = 15
[[cells]]
graph = "er"
degree = 1
d = [5]
n = [20]
"""
_TIMES = ["runtime_s", "first_call", "batch_runtime_s", "batch_size", "peak_memory_mib"]
_TOKEN = "ADAG_CHAOS"


def main(
    trials: Annotated[int, typer.Option(min=10, help="In all; a multiple of ten.")] = 1000,
    kills: Annotated[int, typer.Option(min=0)] = 5,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    seed: Annotated[int, typer.Option(help="Of the moments of the kills.")] = 0,
) -> None:
    """Run, kill, resume, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        report = chaos(Path(folder), METHODS, trials, kills, workers, seed)
    print(json.dumps(report, indent=2))
    sys.exit(1 if report["wrong"] else 0)


def chaos(folder: Path, methods: Sequence[str], trials: int, kills: int, workers: int, seed: int) -> dict[str, Any]:
    """Do what this file promises, inside a folder; what went wrong is listed under "wrong"."""
    sys.path.insert(0, str(probes.package(folder / "probes")))
    grid = folder / "chaos.toml"
    grid.write_text(_GRID)
    repeats = str(trials // len(methods))
    behave = [method for method in methods if method in _BEHAVES]
    plan, _ = load_grid(str(grid))
    planned = plan.trials([parse_spec(method) for method in methods], int(repeats))
    line = ["--grid", str(grid), "--repeats", repeats, "--workers", str(workers)]
    rng = random.Random(seed)
    moments = sorted(rng.randrange(trials) for _ in range(kills))
    began, killed, wrong = time.monotonic(), list[int](), list[str]()
    for moment in moments:
        command = [*line, "--methods", ",".join(methods), "--out", str(folder / "run")]
        at, left = _killed_at(moment, rng.random(), command)
        killed.append(at)
        wrong += [f"outlived the driver killed at {at} records: {name}" for name in left]
    for out, chosen in (("run", methods), ("undisturbed", behave)):
        command = [*line, "--methods", ",".join(chosen), "--out", str(folder / out)]
        result = subprocess.run(_command(command), capture_output=True, text=True, env=_environment(""))
        if result.returncode:
            wrong.append(f"exit code {result.returncode}: {result.stderr[-500:]}")
    wrong += _compare(folder, planned)
    statuses = Counter(read_records(folder / "run")["status"])
    seconds = round(time.monotonic() - began, 1)
    return {"rows": statuses.total(), "statuses": dict(statuses), "killed_at": killed, "s": seconds, "wrong": wrong}


def _killed_at(moment: int, wait: float, line: list[str]) -> tuple[int, list[str]]:
    """Start the command and kill it a moment after its folder has so many records; those, and what outlived it."""
    token = uuid.uuid4().hex
    folder = Path(line[-1])
    with subprocess.Popen(
        _command(line), env=_environment(token), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        while _records(folder) < moment and process.poll() is None:
            time.sleep(0.05)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while (left := _with_token(token)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return len(read_records(folder)), left


def _compare(folder: Path, plan: list[Trial]) -> list[str]:
    """What differs from what should have come."""
    wrong = []
    records = read_records(folder / "run")
    keys = list(records[list(TRIAL)].itertuples(index=False, name=None))
    if len(keys) != len(plan) or set(keys) != {trial.key for trial in plan}:
        wrong.append(f"{len(keys)} rows of {len(set(keys))} trials, planned were {len(plan)}")
    found = dict(zip(keys, records["status"], strict=True))
    for trial in plan:
        probe = method_class(trial.method.name)
        assert issubclass(probe, probes.Probe)
        if found.get(trial.key) != (expected := probe.expected(trial.seed)):
            wrong.append(f"{trial.key} is {found.get(trial.key)}, should be {expected}")
    good = records[records["label"].isin(_BEHAVES)].drop(columns=_TIMES).to_dict("records")
    undisturbed = read_records(folder / "undisturbed").drop(columns=_TIMES).to_dict("records")
    if _text(good) != _text(undisturbed):
        wrong.append("the well-behaved methods' rows are not those of the undisturbed run")
    return wrong


def _text(rows: list[dict[Any, Any]]) -> str:
    return json.dumps(rows, default=lambda value: value.tolist(), sort_keys=True)


def _records(folder: Path) -> int:
    """Records so far; the journal's end may be torn, the driver is writing."""
    journal = folder / "journal.jsonl"
    merged = len(read_records(folder)) if (folder / "estimates.parquet").exists() else 0
    with contextlib.suppress(FileNotFoundError):
        return max(merged, journal.read_bytes().count(b"\n"))
    return merged


def _command(line: list[str]) -> list[str]:
    return [sys.executable, "-m", "benchmarks.run", *line]


def _environment(token: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": import_path(), _TOKEN: token}


def _with_token(token: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(_TOKEN) == token and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[:100])
    return found


if __name__ == "__main__":
    typer.run(main)
