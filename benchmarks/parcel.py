"""Trials on their way to a worker: what one is, and how many travel together. Called by `executor` and `supervisor`."""

from collections import deque
from typing import NamedTuple

from benchmarks.outcome import Outcome

PARCEL_S = 0.9
"""Trials that together take about this long go to the worker as one; what takes longer goes alone."""
PARCEL = 64
"""No more than this many: so many data sets wait in the worker's memory."""


class Task(NamedTuple):
    """One trial on its way to a worker.

    Attributes
    ----------
    number : int
        The executor's name for it.
    trial : bytes
        Pickled `Trial`; pickled None for one `discover_many` over the last data sets.
    timeout_s : float
        Limit, from the start of its `discover`.
    seconds : float
        Expected; infinite where nothing is known.
    group : str
        What it may be batched with; "" where its method does not batch.
    """

    number: int
    trial: bytes
    timeout_s: float
    seconds: float
    group: str


class Answer(NamedTuple):
    """What became of a task; not `sure`: it may have died of what an earlier trial left behind in its worker."""

    task: Task
    outcome: Outcome
    sure: bool


def take(waiting: deque[Task], suspect: int | None, *, ahead: bool) -> list[Task]:
    """Remove and return the next parcel of the tasks that wait.

    Parameters
    ----------
    waiting : deque of Task
        In their order.
    suspect : int or None
        The number of a task that goes alone.
    ahead : bool
        Another parcel is still running: a task that is long, or of a batch, is left for later ([]).
    """
    if not waiting:
        return []
    if waiting[0].group or waiting[0].seconds > PARCEL_S or waiting[0].number == suspect:
        return [] if ahead else [waiting.popleft()]
    parcel, seconds = [waiting.popleft()], PARCEL_S
    while waiting and len(parcel) < PARCEL and not waiting[0].group and waiting[0].number != suspect:
        seconds -= parcel[-1].seconds
        if waiting[0].seconds > seconds:
            break
        parcel.append(waiting.popleft())
    return parcel
