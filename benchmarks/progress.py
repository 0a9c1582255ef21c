"""To watch a run: a bar with ETA and a tally per method on a terminal, plain lines when piped.

Called by `benchmarks.executor` through `Watcher`.
"""

import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PLAIN_INTERVAL_S = 15.0


class Watcher:
    """Shows finished trials per method: done, failed, mean seconds."""

    def __init__(self, console: Console, planned: dict[str, int]) -> None:
        self.console, self.planned = console, planned
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self._started = self._printed = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
                TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(), TextColumn("{task.fields[tally]}"),
                console=console,
            )  # fmt: skip
            self._tasks = {label: self._bar.add_task(label, total=total, tally="") for label, total in planned.items()}
            if len(planned) > 1:
                self._tasks[""] = self._bar.add_task("all", total=sum(planned.values()), tally="")

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()
        elif kind is None:
            self._print_line()

    def finished(self, label: str, record: dict[str, Any]) -> None:
        """Count one trial."""
        self.done[label] += 1
        if record["status"] == "ok":
            self.seconds[label] += record["runtime_s"]
        else:
            self.failed[label] += 1
        if self._bar:
            self._bar.update(self._tasks[label], advance=1, tally=self._tally(label))
            if "" in self._tasks:
                self._bar.update(self._tasks[""], advance=1, tally=f"{self.failed.total()} failed")
        elif time.monotonic() - self._printed >= PLAIN_INTERVAL_S:
            self._print_line()

    def _tally(self, label: str) -> str:
        succeeded = self.done[label] - self.failed[label]
        mean = f"{self.seconds[label] / succeeded:.3g} s/trial" if succeeded else ""
        return f"{mean}  {self.failed[label]} failed" if self.failed[label] else mean

    def _print_line(self) -> None:
        self._printed = time.monotonic()
        elapsed, done, total = self._printed - self._started, self.done.total(), sum(self.planned.values())
        eta = elapsed / done * (total - done) if done else float("nan")
        tally = ", ".join(
            f"{label} {self.done[label]}/{count}" + (f" ({self.failed[label]} failed)" if self.failed[label] else "")
            for label, count in self.planned.items()
        )
        self.console.print(
            f"{done}/{total} trials, {elapsed:.0f} s, ETA {eta:.0f} s: {tally}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
