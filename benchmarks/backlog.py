"""The trials that wait, and which method a free slot should turn to. Pure bookkeeping, called by `executor`."""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from baselines import MethodSpec
from benchmarks.keys import Trial


class Backlog:
    """The trials that wait, by method; the longest first, so that the tail is short."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._waiting: dict[MethodSpec, deque[Trial]] = {}
        for trial in sorted(trials, key=lambda t: (-t.dataset.d, -t.dataset.n)):
            self._waiting.setdefault(trial.method, deque()).append(trial)
        self._finished: Counter[MethodSpec] = Counter()
        self._seconds: dict[MethodSpec, float] = defaultdict(float)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def left(self, method: MethodSpec | None) -> int:
        """How many trials of a method wait."""
        return len(self._waiting.get(method, ())) if method else 0

    def methods(self) -> list[MethodSpec]:
        """Methods with trials left."""
        return [method for method, trials in self._waiting.items() if trials]

    def take(self, method: MethodSpec) -> Trial:
        """Remove and return the next trial of a method."""
        return self._waiting[method].popleft()

    def put_back(self, trial: Trial) -> None:
        """Return a trial whose worker was lost."""
        self._waiting[trial.method].appendleft(trial)

    def observe(self, method: MethodSpec, seconds: float) -> None:
        """Learn how long a method's trials take."""
        if not math.isnan(seconds):
            self._finished[method] += 1
            self._seconds[method] += seconds

    def neediest(self, methods: Sequence[MethodSpec], slots: Counter[MethodSpec]) -> MethodSpec | None:
        """The method with the most expected work per slot, one more slot included; None where none has any."""

        def need(method: MethodSpec) -> float:
            unknown = self._finished.total() and sum(self._seconds.values()) / self._finished.total()
            seen = self._finished[method]
            mean = self._seconds[method] / seen if seen else unknown or 1.0
            return self.left(method) * max(mean, 1e-3) / (1 + slots[method])

        return max((m for m in methods if self.left(m)), key=need, default=None)
