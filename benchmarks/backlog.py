"""The trials that wait, and which method a free slot should turn to. Pure bookkeeping, called by `executor`."""

from collections import Counter, deque
from collections.abc import Sequence

from baselines import MethodSpec
from benchmarks.costs import CostModel
from benchmarks.keys import Trial

_LOAD_S = 5.0
"""Loading another method takes about this long: not worth it for a shorter job."""
LEAST_S = 1e-3
"""No trial is cheaper than its bookkeeping."""


class Backlog:
    """The trials that wait, by method and size (d, n); the longest first, so that the tail is short.

    Parameters
    ----------
    trials : sequence of Trial
        In any order.
    costs : CostModel
        Consulted anew at every decision: it learns meanwhile.
    """

    def __init__(self, trials: Sequence[Trial], costs: CostModel) -> None:
        self.costs = costs
        self._waiting: dict[MethodSpec, dict[tuple[int, int], deque[Trial]]] = {}
        self._suspects: dict[MethodSpec, deque[Trial]] = {}
        for trial in trials:
            self._queue(trial).append(trial)

    def __len__(self) -> int:
        return sum(map(self.left, self._waiting))

    def left(self, method: MethodSpec | None) -> int:
        """How many trials of a method wait."""
        if method is None:
            return 0
        return sum(map(len, self._waiting.get(method, {}).values())) + len(self._suspects.get(method, ()))

    def methods(self) -> list[MethodSpec]:
        """Methods with trials left."""
        return [method for method in self._waiting if self.left(method)]

    def take(self, method: MethodSpec, count: int) -> list[Trial]:
        """Remove and return up to `count` trials of the size that takes longest."""
        queue = max(filter(None, self._waiting[method].values()), key=self._one, default=None)
        return [queue.popleft() for _ in range(min(count, len(queue)))] if queue else []

    def take_suspect(self, method: MethodSpec) -> Trial | None:
        """Remove and return a trial that must run alone."""
        suspects = self._suspects.get(method)
        return suspects.popleft() if suspects else None

    def put_back(self, trial: Trial, *, suspect: bool = False) -> None:
        """Return a trial that was not run, or was lost with its actor: a suspect in that loss runs alone."""
        if suspect:
            self._suspects.setdefault(trial.method, deque()).append(trial)
        else:
            self._queue(trial).appendleft(trial)

    def next_seconds(self, method: MethodSpec) -> float:
        """Expected seconds of the trial that `take` would return first."""
        return max((self._one(queue) for queue in self._waiting[method].values() if queue), default=LEAST_S)

    def seconds(self, method: MethodSpec) -> float:
        """Expected seconds of all trials of a method."""
        queues = [*self._waiting[method].values(), self._suspects.get(method, deque())]
        return sum(len(queue) * self._one(queue) for queue in queues if queue)

    def neediest(self, methods: Sequence[MethodSpec], slots: Counter[MethodSpec]) -> MethodSpec | None:
        """The method with the most expected work per slot, one more slot included; None where none has any.

        A single trial cannot be shared: it counts in full. A method that was never seen goes first: it may be long.
        """

        def need(method: MethodSpec) -> tuple[bool, float]:
            work = max(self.seconds(method) / (1 + slots[method]), self.next_seconds(method))
            return not self.costs.knows(str(method)), work

        return max((m for m in methods if self.left(m)), key=need, default=None)

    def urgent(self, method: MethodSpec, slots: int) -> bool:
        """Whether another method has a trial that would end last of all unless a slot of this one turns to it now."""
        others = max((self.next_seconds(m) for m in self.methods() if m != method), default=0.0)
        if others < _LOAD_S or self.next_seconds(method) >= others:
            return False
        return others + _LOAD_S >= sum(map(self.seconds, self.methods())) / slots

    def _queue(self, trial: Trial) -> deque[Trial]:
        sizes = self._waiting.setdefault(trial.method, {})
        return sizes.setdefault((trial.dataset.d, trial.dataset.n), deque())

    def _one(self, queue: deque[Trial]) -> float:
        return max(self.costs.seconds(queue[0]), LEAST_S)
