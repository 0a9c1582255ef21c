"""The command: ``python benchmarks/run.py --methods adag,notears --grid er2``.

Plans the trials that a run's folder does not have yet, executes them, then scores, draws and prints the whole run,
and writes its page.
The same line again resumes. Heavy libraries and Ray start only when there is a trial to run.
"""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import pandas as pd
import typer
from rich.console import Console

from adag.errors import UsageError
from baselines import get_method, split_specs
from baselines.registry import built_in_methods
from benchmarks import environment
from benchmarks.costs import CostModel
from benchmarks.datasets import load
from benchmarks.grid import data_grid, load_grid
from benchmarks.keys import Trial
from benchmarks.listing import print_choices, print_plan
from benchmarks.outcome import STATUSES
from benchmarks.progress import Watcher
from benchmarks.records import current, other_versions, read_records
from benchmarks.runlog import log, logging_to
from benchmarks.scoring import score_run
from benchmarks.selection import selected
from benchmarks.store import Store, refuse_foreign

console, errors = Console(), Console(stderr=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    grid: Annotated[str, typer.Option(help="A shipped grid's name, or a path to a .toml.")] = "small",
    data: Annotated[
        Path | None, typer.Option(help="Your own data instead of a grid: a folder of name.csv [and name.edges.csv].")
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated, e.g. adag,golem[num_iter=2000], or 'all' that apply; default: the grid's own."
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help='Some of the grid\'s cells, e.g. "d=5,10 graph=er"; the folder holds all parts.')
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Data sets a cell; default: the grid's.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Seconds a trial; default: the grid's.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; default: results/GRID.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="CPUs to use; default: all.")] = None,
    address: Annotated[
        str | None, typer.Option(help="A running Ray cluster (auto, host:port); default: local.")
    ] = None,
    memory: Annotated[
        float | None, typer.Option(min=0.1, help="GiB a trial; default: the method's own, or an equal share.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run the planned trials again, replacing them.")] = False,
    retry: Annotated[
        str | None, typer.Option(help="Run trials that ended so again: 'failed', or e.g. 'timeout,oom'.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List methods and grids, and stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and stop.")] = False,
) -> None:
    """Run methods over a grid of data sets, and print, score and draw the result. The same line again resumes."""
    if list_:
        print_choices(console)
        return
    plan, text = data_grid(data) if data else load_grid(grid)
    chosen = ",".join(cls.name for cls in built_in_methods()) if methods == "all" else methods
    specs = plan.specs(split_specs(chosen) if chosen else None)
    versions = {str(spec): get_method(spec).version for spec in specs}
    trials = plan.trials(specs, repeats, timeout)
    if methods and methods != "all" and (idle := set(specs) - {trial.method for trial in trials}):
        raise UsageError(
            f"method '{min(map(str, idle))}' has no trial in grid '{plan.name}': its cells have too many variables or "
            "no family for it, or [method-repeats] leaves it out; choose another grid, or other --methods"
        )
    if only is not None:
        trials = selected(trials, only)
    folder = out or Path("results") / plan.name
    again = _statuses(retry)
    if dry_run:  # looks, touches nothing
        refuse_foreign(folder, plan)
        records = read_records(folder)
        costs = CostModel.from_records(records)
        missing = trials if force else _missing(trials, records, versions, again)
        print_plan(specs, trials, missing, costs, workers or os.cpu_count() or 1, console)
        return
    with _resumable(), Store(folder, plan, text) as store, logging_to(folder):
        records = read_records(folder)
        costs = CostModel.from_records(records)
        missing = trials if force else _missing(trials, records, versions, again)
        store.discard([trial for trial in missing if force or again])
        part = f", only {only}" if only else ""
        heading = f"{plan.title}{part}: {len(trials)} trials planned, {len(missing)} to run, in {folder}"
        log.info("%s (%s)", heading, shlex.join(sys.argv[1:]))
        console.print(heading, highlight=False, soft_wrap=True)
        for note in other_versions(records, missing, versions):
            console.print(note, highlight=False, soft_wrap=True, markup=False)
        if missing:
            for key in {trial.dataset.graph: trial.dataset for trial in missing if not trial.dataset.degree}.values():
                load(key)  # data of their own that are not installed stop the run here, not every trial on its own
            _execute(missing, store, versions, costs, workers, address, memory)
        store.compact()
        table = score_run(folder)
        _report(folder, table)
        log.info("done")


def _statuses(retry: str | None) -> set[str]:
    if retry is None:
        return set()
    failures = {str(status) for status in STATUSES} - {"ok"}
    chosen = failures if retry == "failed" else {part.strip() for part in retry.split(",")}
    if unknown := chosen - failures:
        choices = ", ".join(sorted(failures))
        raise UsageError(f"--retry cannot be '{', '.join(sorted(unknown))}': choose 'failed', or from {choices}")
    return chosen


def _missing(trials: list[Trial], records: pd.DataFrame, versions: dict[str, str], again: set[str]) -> list[Trial]:
    done = current(records[~records["status"].isin(again)], trials, versions)
    return [trial for trial in trials if trial.key not in done]


def _execute(
    missing: list[Trial],
    store: Store,
    versions: dict[str, str],
    costs: CostModel,
    workers: int | None,
    address: str | None,
    memory_gib: float | None,
) -> None:
    from benchmarks.cluster import cluster
    from benchmarks.executor import execute  # brings Ray

    planned: dict[str, int] = {}
    for trial in missing:
        planned[str(trial.method)] = planned.get(str(trial.method), 0) + 1
    with cluster(address, workers) as slots, Watcher(console, planned, slots) as watcher:
        training = {label: text for label in planned if (text := get_method(label).method.training)}
        environment.write(store.folder, slots, sys.argv[1:], training)

        def on_record(trial: Trial, record: dict[str, Any]) -> None:
            store.append(record)
            watcher.finished(str(trial.method), record)
            if record["status"] != "ok":
                log.info("%s on %s: %s: %s", trial.method, trial.dataset.canonical(), record["status"], record["error"])

        def on_tick(work_left: float) -> None:
            store.sync()
            watcher.tick(work_left)

        execute(
            missing,
            slots,
            versions,
            on_record,
            on_batch=lambda trial, record: store.append(record),
            on_tick=on_tick,
            costs=costs,
            memory_bytes=int(memory_gib * 2**30) if memory_gib else None,
        )
        log.info("finished: %s", watcher.summary())


def _report(folder: Path, table: Any) -> None:
    from benchmarks.drawn import drawn
    from benchmarks.figures import draw
    from benchmarks.report import write
    from benchmarks.summary import print_tables, read_trials

    trials = read_trials(folder)
    print_tables(trials, environment.pretrained(folder), console, drawn(trials, folder))
    failed = table[table["status"] != "ok"]
    for (label, status), rows in failed.groupby(["label", "status"]):
        example = rows["error"].iloc[0]
        console.print(f"{label}: {len(rows)} x {status}, e.g. {example}", markup=False, highlight=False, soft_wrap=True)
    for path in draw(folder):
        if path.suffix == ".png":
            console.print(f"figure: {path}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"table:  {folder / 'trials.csv'}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"report: {write(folder)}", markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command; what a user can mend is one line on stderr and exit code 2."""
    try:
        app()
    except UsageError as e:
        _refuse(str(e))
    except OSError as e:  # a full disk, a read-only folder: the journal keeps what was finished
        _refuse(f"{e}: free some space or choose another --out; finished trials are kept, {_resume()}")


@contextlib.contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C inside the block ends the command with the line that resumes it; typer would only say "Aborted"."""
    try:
        yield
    except KeyboardInterrupt:
        message = f"\nstopped; finished trials are kept. {_resume()}"
        errors.print(message, markup=False, highlight=False, soft_wrap=True)
        sys.exit(130)


def _resume() -> str:
    """The line that goes on; ``--force`` and ``--retry`` would discard what is finished."""
    kept, skip = list[str](), False
    for argument in sys.argv[1:]:
        if not skip and argument != "--force" and not argument.startswith("--retry"):
            kept.append(argument)
        skip = argument == "--retry"
    return "Resume with: " + shlex.join(["python", "benchmarks/run.py", *kept])


def _refuse(message: str) -> NoReturn:
    errors.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
