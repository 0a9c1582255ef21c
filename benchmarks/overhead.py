"""What the executor itself costs: ``python -m benchmarks.overhead [--workers 2] [--out results/executor]``.

Two runs on a private Ray: many trials of a method that does nothing (seconds and memory that are the executor's own),
and fewer of a method that keeps a core busy for 50 ms (how much of the cores' time goes into `discover`). Both write
their journal to disk as a real run does. Prints the figures and what was asked of them, and writes them to
``overhead.json``. For an idle machine with as many cores as workers: the load at the start is part of the report.
"""

import contextlib
import json
import os
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from baselines import MethodSpec
from benchmarks import environment, probes
from benchmarks.cluster import cluster
from benchmarks.executor import execute
from benchmarks.grid import CellBlock, Grid
from benchmarks.keys import Trial
from benchmarks.records import read_records
from benchmarks.store import Store

GRID = Grid(
    name="overhead",
    title="Overhead of the executor",
    methods=("adag",),
    cells=(CellBlock(graph="er", degree=1, d=(5,), n=(20,)),),
)
_TEXT = 'title = "Overhead of the executor"\nmethods = []\n[[cells]]\ngraph = "er"\ndegree = 1\nd = [5]\nn = [20]\n'


def main(
    workers: Annotated[int, typer.Option(min=1, help="Cores.")] = 2,
    noop_trials: Annotated[int, typer.Option(min=100)] = 10_000,
    busy_trials: Annotated[int, typer.Option(min=100)] = 2_000,
    out: Annotated[Path | None, typer.Option(help="Folder for overhead.json; default: only print.")] = None,
) -> None:
    """Measure what a trial costs beyond its method."""
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(probes.package(Path(folder) / "probes")))
        report: dict[str, Any] = {"environment": environment.describe(workers, sys.argv[1:])}
        report["environment"]["command"] = shlex.join(["python", "-m", "benchmarks.overhead", *sys.argv[1:]])
        for name, spec, count in (
            ("noop", MethodSpec("probe-noop"), noop_trials),
            ("busy", MethodSpec("probe-spin", (("seconds", 0.05),)), busy_trials),
        ):
            load = round(os.getloadavg()[0], 2)
            report[name] = {"load": load} | _measure(GRID.trials([spec], count), workers, Path(folder) / name)
            print(name, json.dumps(report[name], indent=2), flush=True)
    report["asked"] = _asked(report["noop"], report["busy"])
    print("asked", json.dumps(report["asked"], indent=2))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "overhead.json").write_text(json.dumps(report, indent=2) + "\n")


def _asked(noop: dict[str, Any], busy: dict[str, Any]) -> dict[str, bool]:
    """The promises of a run, and whether they were kept here."""
    memory = noop["driver_memory_mib"]
    return {
        "noop: at most 5 ms a trial": noop["whole_overhead_per_trial_ms"] <= 5.0,
        "noop: the driver's memory grows by at most 16 MiB": memory[-1] - memory[0] <= 16.0,
        "busy: at least 95% of the cores' time in discover": busy["steady_share_in_discover"] >= 0.95,
        "every trial is a row on disk": all(part["rows_on_disk"] == part["trials"] for part in (noop, busy)),
    }


def _measure(trials: list[Trial], workers: int, folder: Path) -> dict[str, Any]:
    """Run trials as `run` does; "steady" counts from the first record of the last worker to start."""
    versions = {str(trials[0].method): "probe"}
    me = psutil.Process()
    memory: list[float] = []
    starts: list[tuple[float, int]] = []  # when each worker's first record came, and how many had come by then
    spent: list[dict[str, float]] = []  # CPU seconds by kind of process at those moments and at the end
    done, seconds = 0, 0.0
    inside: list[float] = []  # wall seconds in `discover` at those moments: the turns of others on the core included

    def on_record(trial: Trial, record: dict[str, Any]) -> None:
        nonlocal done, seconds
        store.append(record)
        done += 1
        seconds += record["runtime_s"]
        if record["first_call"]:
            starts.append((time.perf_counter(), done))
            spent.append(_cpu_seconds())
            inside.append(seconds)
        if done == len(trials):
            spent.append(_cpu_seconds())
            inside.append(seconds)
        if done % (len(trials) // 10) == 0:
            memory.append(round(me.memory_info().rss / 2**20, 1))

    with cluster(None, workers) as slots, Store(folder, GRID, _TEXT) as store:
        began = time.perf_counter()
        execute(trials, slots, versions, on_record, on_tick=lambda left: store.sync())
        ended = time.perf_counter()
        store.sync()
        rows = len(read_records(folder))
    own = (trials[0].method.params and dict(trials[0].method.params)["seconds"]) or 0.0
    steady, steady_trials = ended - starts[-1][0], done - starts[-1][1]
    return {
        "trials": done,
        "rows_on_disk": rows,
        "workers": slots,
        "whole_s": round(ended - began, 2),
        "whole_overhead_per_trial_ms": round(1000 * (slots * (ended - began) / done - own), 3),
        "whole_share_in_discover": round(own * done / (slots * (ended - began)), 4),
        "steady_overhead_per_trial_ms": round(1000 * (slots * steady / steady_trials - own), 3),
        "steady_share_in_discover": round(own * steady_trials / (slots * steady), 4),
        "steady_share_of_slots_in_discover": round((inside[-1] - inside[-2]) / (slots * steady), 4),
        "steady_cpu_per_trial_ms": {
            kind: round(1000 * (used - spent[-2].get(kind, 0.0)) / steady_trials, 3) for kind, used in spent[-1].items()
        },
        "driver_memory_mib": memory,
    }


def _cpu_seconds() -> dict[str, float]:
    """CPU seconds so far of this process, the slots' actors, their workers, and the rest of Ray."""
    total: dict[str, float] = {}
    me = psutil.Process()
    for process in [me, *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            command = " ".join(process.cmdline())
            kinds = {"benchmarks.worker": "workers", "ray::Supervisor": "actors"}
            kind = next((kind for words, kind in kinds.items() if words in command), "ray")
            times = process.cpu_times()
            kind = "driver" if process == me else kind
            total[kind] = total.get(kind, 0.0) + times.user + times.system
    return total


if __name__ == "__main__":
    typer.run(main)
