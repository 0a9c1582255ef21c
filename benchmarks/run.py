"""The command: ``python benchmarks/run.py --methods adag,notears --grid er2``.

Plans the trials that a run's folder does not have yet, executes them, then scores, draws and prints the whole run.
The same line again resumes. Heavy libraries and Ray start only when there is a trial to run.
"""

import contextlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer
from rich.console import Console
from rich.table import Table

from adag.errors import UsageError
from baselines import MethodSpec, available_methods, get_method, method_class, split_specs
from baselines.catalogue import row
from benchmarks import environment
from benchmarks.datasets import load
from benchmarks.grid import available_grids, load_grid
from benchmarks.keys import Trial
from benchmarks.progress import Watcher
from benchmarks.scoring import score_run
from benchmarks.store import Store, recorded, refuse_foreign

console, errors = Console(), Console(stderr=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    grid: Annotated[str, typer.Option(help="A shipped grid's name, or a path to a .toml.")] = "small",
    methods: Annotated[
        str | None, typer.Option(help="Comma-separated, e.g. adag,golem[num_iter=2000]; default: the grid's own.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Data sets a cell; default: the grid's.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0.1, help="Seconds a trial; default: the grid's.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; default: results/GRID.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="CPUs to use; default: all.")] = None,
    address: Annotated[
        str | None, typer.Option(help="A running Ray cluster (auto, host:port); default: local.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run the planned trials again, replacing them.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List methods and grids, and stop.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and stop.")] = False,
) -> None:
    """Run methods over a grid of data sets, and print, score and draw the result. The same line again resumes."""
    if list_:
        _list()
        return
    plan, text = load_grid(grid)
    specs = plan.specs(split_specs(methods) if methods else None)
    versions = {str(spec): get_method(spec).version for spec in specs}
    trials = plan.trials(specs, repeats, timeout)
    folder = out or Path("results") / plan.name
    if dry_run:  # looks, touches nothing
        refuse_foreign(folder, plan)
        done = set() if force else recorded(folder, versions)
        _plan(specs, trials, [trial for trial in trials if trial.key not in done])
        return
    with _resumable(), Store(folder, plan, text) as store:
        if force:
            store.discard(trials)
        done = store.done(versions)
        missing = [trial for trial in trials if trial.key not in done]
        console.print(
            f"{plan.title}: {len(trials)} trials planned, {len(missing)} to run, in {folder}",
            highlight=False,
            soft_wrap=True,
        )
        if missing:
            for key in {trial.dataset for trial in missing if trial.dataset.graph == "sachs"}:
                load(key)  # real data that are not installed stop the run here, not every trial on its own
            _execute(missing, store, versions, workers, address)
        store.compact()
        table = score_run(folder)
        _report(folder, table)


def _execute(
    missing: list[Trial], store: Store, versions: dict[str, str], workers: int | None, address: str | None
) -> None:
    from benchmarks.cluster import cluster
    from benchmarks.executor import execute  # brings Ray

    planned: dict[str, int] = {}
    for trial in missing:
        planned[str(trial.method)] = planned.get(str(trial.method), 0) + 1
    with cluster(address, workers) as slots, Watcher(console, planned) as watcher:
        training = {label: text for label in planned if (text := get_method(label).method.training)}
        environment.write(store.folder, slots, sys.argv[1:], training)

        def on_record(trial: Trial, record: dict[str, Any]) -> None:
            store.append(record)
            watcher.finished(str(trial.method), record)

        execute(missing, slots, versions, on_record)


def _report(folder: Path, table: Any) -> None:
    from benchmarks.figures import draw
    from benchmarks.summary import print_tables, read_trials

    print_tables(read_trials(folder), environment.pretrained(folder), console)
    failed = table[table["status"] != "ok"]
    for (label, status), rows in failed.groupby(["label", "status"]):
        example = rows["error"].iloc[0]
        console.print(f"{label}: {len(rows)} x {status}, e.g. {example}", markup=False, highlight=False, soft_wrap=True)
    for path in draw(folder):
        if path.suffix == ".png":
            console.print(f"figure: {path}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"table:  {folder / 'trials.csv'}", markup=False, highlight=False, soft_wrap=True)


def _list() -> None:
    table = Table(title="Methods", title_justify="left")
    for heading in ("name", "returns", "assumes", "answer", "version", "licence", "parameters and defaults"):
        table.add_column(heading, no_wrap=heading == "name")
    for name in available_methods():
        try:
            cls = method_class(name)
            entry, version = row(cls), cls().version
            table.add_row(name, entry.returns, entry.assumes, entry.answer, version, entry.license, entry.parameters)
        except UsageError as e:
            table.add_row(name, "", f"cannot be used: {e}", "", "", "", "")
    wide = console if console.is_terminal else Console(width=150)
    wide.print(table)
    wide.print("papers, and what the words mean: docs/methods.md\n")
    table = Table(title="Grids", title_justify="left")
    for heading in ("name", "title", "cells", "repeats", "trials"):
        table.add_column(heading)
    for name in available_grids():
        plan, _ = load_grid(name)
        cells = sum(len(block.expand()) for block in plan.cells)
        table.add_row(name, plan.title, str(cells), str(plan.repeats), str(len(plan.trials(plan.specs()))))
    wide.print(table)


def _plan(specs: list[MethodSpec], trials: list[Trial], missing: list[Trial]) -> None:
    table = Table()
    for heading in ("method", "planned", "to run"):
        table.add_column(heading)
    for spec in specs:
        table.add_row(
            str(spec).replace("[", "\\["),
            str(sum(trial.method == spec for trial in trials)),
            str(sum(trial.method == spec for trial in missing)),
        )
    console.print(table)


def main() -> None:
    """Run the command; what a user can mend is one line on stderr and exit code 2."""
    try:
        app()
    except UsageError as e:
        _refuse(str(e))
    except OSError as e:  # a full disk, a read-only folder: the journal keeps what was finished
        _refuse(f"{e}: free some space or choose another --out; finished trials are kept, the same line resumes")


@contextlib.contextmanager
def _resumable() -> Iterator[None]:
    """Ctrl-C inside the block ends the command with the line that resumes it; typer would only say "Aborted"."""
    try:
        yield
    except KeyboardInterrupt:
        arguments = [argument for argument in sys.argv[1:] if argument != "--force"]  # it would discard them
        resume = shlex.join(["python", "benchmarks/run.py", *arguments])
        message = f"\nstopped; finished trials are kept. Resume with: {resume}"
        errors.print(message, markup=False, highlight=False, soft_wrap=True)
        sys.exit(130)


def _refuse(message: str) -> NoReturn:
    errors.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
