"""To watch a run: bars with a tally per method on a terminal, plain lines when piped. Called by `run`."""

import time
from collections import Counter
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_INTERVAL_S = 15.0


class Watcher:
    """Shows finished and failed trials and mean seconds per method; rate and ETA of the run.

    Parameters
    ----------
    console : Console
        Its kind decides between bars and lines.
    planned : dict
        Trials to run, by label.
    slots : int
        CPUs at work.
    """

    def __init__(self, console: Console, planned: dict[str, int], slots: int) -> None:
        self.console, self.planned, self.slots = console, planned, slots
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self._work_left: float | None = None
        self._started = self._printed = time.monotonic()
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn(),
                TimeElapsedColumn(), TextColumn("{task.fields[tally]}", markup=False), console=console,
            )  # fmt: skip
            self._tasks = {label: self._bar.add_task(label, total=total, tally="") for label, total in planned.items()}
            self._all = self._bar.add_task("all", total=sum(planned.values()), tally="")

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
            self._bar.update(self._all, advance=1)

    def tick(self, work_left: float) -> None:
        """Note the seconds of work that are left, all slots together; says where the run is when it is time to."""
        self._work_left = work_left
        if self._bar:
            self._bar.update(self._all, tally=self.summary())
        elif time.monotonic() - self._printed >= PLAIN_INTERVAL_S:
            self._print_line()

    def summary(self) -> str:
        """Rate, ETA and failures, e.g. ``12.5 trials/s, ETA 1:05, 3 failed``."""
        elapsed, done = time.monotonic() - self._started, self.done.total()
        rate = f"{done / elapsed:.3g} trials/s" if done and elapsed else "starting"
        failed = f", {self.failed.total()} failed" if self.failed else ""
        return f"{rate}, ETA {duration(self._eta())}{failed}"

    def _eta(self) -> float | None:
        if self.done.total() == sum(self.planned.values()):
            return 0.0
        return None if self._work_left is None or not self.done else self._work_left / self.slots

    def _tally(self, label: str) -> str:
        succeeded = self.done[label] - self.failed[label]
        mean = f"{self.seconds[label] / succeeded:.3g} s/trial" if succeeded else ""
        return f"{mean}  {self.failed[label]} failed" if self.failed[label] else mean

    def _print_line(self) -> None:
        self._printed = time.monotonic()
        tally = ", ".join(
            f"{label} {self.done[label]}/{count}" + (f" ({self.failed[label]} failed)" if self.failed[label] else "")
            for label, count in self.planned.items()
        )
        head = f"{self.done.total()}/{sum(self.planned.values())} trials"
        elapsed = duration(self._printed - self._started)
        self.console.print(
            f"{head} in {elapsed}, {self.summary()}: {tally}", markup=False, highlight=False, soft_wrap=True
        )


def duration(seconds: float | None) -> str:
    """``1:02:03`` or ``2:03``; ``-`` for None."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
