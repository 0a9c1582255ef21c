"""What a data set and a trial *are*: small frozen keys from which every worker derives the same data and seeds.

Called by every other file of this room.
"""

from dataclasses import asdict, dataclass
from typing import Any

from adag.seeds import seed_of
from baselines import MethodSpec

CELL = ("graph", "degree", "d", "n", "noise", "variance", "scale", "violation")
"""The columns that name a cell of a grid."""
TRIAL = ("label", *CELL, "repeat")
"""The columns that name a trial: at most one record each in a run."""


@dataclass(frozen=True, order=True)
class DatasetKey:
    """One data set: a cell and a repeat.

    ``graph`` is a family of `adag.random_graphs` or the name of real data; ``violation`` is one of `adag.violations`.
    """

    graph: str
    degree: float
    d: int
    n: int
    noise: str
    variance: str
    scale: str
    repeat: int
    violation: str = "none"

    def canonical(self) -> str:
        """Stable text of the key; the seed depends on it, so its form must never change.

        A violation is named only where there is one: keys without it are older than the word.
        """
        return "/".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in asdict(self).items()
            if (key, value) != ("violation", "none")
        )

    @property
    def seed(self) -> int:
        """63-bit seed, a function of the key alone: the same data set in every grid and on every machine."""
        return seed_of("dataset:" + self.canonical())

    @property
    def cell(self) -> tuple[Any, ...]:
        """The values of `CELL`."""
        return tuple(getattr(self, name) for name in CELL)


@dataclass(frozen=True)
class Trial:
    """One method on one data set, with its time limit in seconds."""

    method: MethodSpec
    dataset: DatasetKey
    timeout_s: float

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of `TRIAL`."""
        return (str(self.method), *self.dataset.cell, self.dataset.repeat)

    @property
    def seed(self) -> int:
        """The method's own seed for this trial."""
        return seed_of(f"trial:{self.method}:{self.dataset.canonical()}") % 2**31
