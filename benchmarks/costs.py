"""What a trial will cost, learnt from those that have finished. Called by `backlog` and `run`.

The records of a run's folder teach it first, so what an earlier call has learnt is kept without a file of its own.
"""

import math

import pandas as pd

from benchmarks.keys import Trial

_D_POWER, _N_POWER = 2.0, 0.5
"""How cost grows with d and n from the nearest size that was seen; a guess that the first trial of a size replaces."""


class CostModel:
    """Mean seconds by method and size (d, n); unseen sizes are scaled from the nearest seen one of the method."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[tuple[int, int], tuple[int, float]]] = {}

    def observe(self, label: str, d: int, n: int, seconds: float) -> None:
        """Learn from a finished trial; a failure costs the time until it failed."""
        if not math.isnan(seconds):
            sizes = self._seen.setdefault(label, {})
            count, total = sizes.get((d, n), (0, 0.0))
            sizes[d, n] = (count + 1, total + seconds)

    @classmethod
    def from_records(cls, records: pd.DataFrame) -> "CostModel":
        """What the records of a run tell, of any version of its methods."""
        model = cls()
        for label, d, n, seconds in records[["label", "d", "n", "runtime_s"]].itertuples(index=False, name=None):
            model.observe(label, d, n, seconds)
        return model

    def knows(self, label: str) -> bool:
        """Whether a trial of the method was seen."""
        return label in self._seen

    def seconds(self, trial: Trial) -> float:
        """Expected seconds of a trial, at most its limit; 1 where its method was never seen."""
        sizes = self._seen.get(str(trial.method))
        if sizes is None:
            return min(1.0, trial.timeout_s)
        d, n = trial.dataset.d, trial.dataset.n
        near = (d, n) if (d, n) in sizes else min(sizes, key=lambda s: _distance(s, (d, n)))
        count, total = sizes[near]
        scaled = total / count * (d / near[0]) ** _D_POWER * (n / near[1]) ** _N_POWER
        return min(scaled, trial.timeout_s)


def _distance(a: tuple[int, int], b: tuple[int, int]) -> float:
    return _D_POWER * abs(math.log(a[0] / b[0])) + _N_POWER * abs(math.log(a[1] / b[1]))
