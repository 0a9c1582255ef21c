"""What ``--list`` and ``--dry-run`` print. Called by `run`."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adag.errors import UsageError
from baselines import MethodSpec, available_methods, method_class
from baselines.catalogue import row
from benchmarks.costs import CostModel
from benchmarks.grid import available_grids, load_grid
from benchmarks.keys import Trial
from benchmarks.progress import duration


def print_choices(console: Console) -> None:
    """Methods and grids."""
    table = Table(title="Methods", title_justify="left")
    for heading in ("name", "returns", "given", "assumes", "answer", "version", "licence", "parameters and defaults"):
        table.add_column(heading, no_wrap=heading == "name")
    for name in available_methods():
        try:
            cls = method_class(name)
            entry, version = row(cls), cls().version
            table.add_row(
                name, entry.returns, entry.given, entry.assumes, entry.answer, version, entry.license, entry.parameters
            )
        except UsageError as e:
            table.add_row(name, "", "", f"cannot be used: {e}", "", "", "", "")
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


def print_plan(
    specs: Sequence[MethodSpec],
    trials: Sequence[Trial],
    missing: Sequence[Trial],
    costs: CostModel,
    workers: int,
    console: Console,
) -> None:
    """Trials planned and to run, and the time that they will take by what the folder's records say."""
    planned, to_run = (Counter(trial.method for trial in some) for some in (trials, missing))
    table = Table()
    for heading in ("method", "planned", "to run", "seconds each", "seconds"):
        table.add_column(heading, justify="left" if heading == "method" else "right")
    total, unknown = 0.0, 0.0
    for spec in specs:
        own = [trial for trial in missing if trial.method == spec]
        if costs.knows(str(spec)) or not own:
            seconds = sum(map(costs.seconds, own))
            total += seconds
            each, text = (f"{seconds / len(own):.3g}", f"{seconds:.0f}") if own else ("-", "0")
        else:
            limit = sum(trial.timeout_s for trial in own)
            unknown += limit
            each, text = "unknown", f"at most {limit:.0f}"
        table.add_row(Text(str(spec)), str(planned[spec]), str(to_run[spec]), each, text)
    console.print(table)
    estimate = f"{duration(total / workers)}"
    if unknown:
        estimate += f", and at most {duration(unknown / workers)} for the methods with no trial here yet"
    text = f"{len(trials)} trials planned, {len(missing)} to run; estimated time on {workers} CPUs: {estimate}"
    console.print(text, highlight=False, soft_wrap=True)
