"""What a data set and a trial *are*: small frozen keys from which every worker derives the same data and seeds.

Called by every other file of this room.
"""

from dataclasses import dataclass
from typing import Any

from adag.acyclicity import EDGE_THRESHOLD
from adag.families import FamilyKey
from adag.seeds import seed_of
from baselines import MethodSpec

CELL = (
    "graph", "degree", "d", "n", "noise", "variance", "scale", "violation", "domain_family", "family_seed", "threshold",
)  # fmt: skip
"""The columns that name a cell of a grid."""
TRIAL = ("label", *CELL, "repeat")
"""The columns that name a trial: at most one record each in a run."""
LATER: dict[str, str | float | bool] = {
    "deterministic": True, "batch_size": 0, "given": "one domain", "violation": "none", "domain_family": "general",
    "family_seed": 0, "threshold": EDGE_THRESHOLD,
}  # fmt: skip
"""Columns that older runs do not have, and what is true of them."""


@dataclass(frozen=True, order=True)
class DatasetKey:
    """One data set: a cell and a repeat.

    ``graph`` is a family of `adag.random_graphs` or the name of real data; ``violation`` is one of `adag.violations`;
    ``domain_family`` and ``family_seed`` say with which other data sets it shares an order or a graph. ``threshold``
    says where weighted estimates are cut; the samples do not depend on it.
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
    domain_family: str = "general"
    family_seed: int = 0
    threshold: float = EDGE_THRESHOLD

    def canonical(self) -> str:
        """Stable text of the key; the seed depends on it, so its form must never change.

        A violation and a domain family are named only where there is one: keys without them are older than the words.
        """
        return "/".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key in self.__match_args__
            if key != "threshold"
            and (key, value := getattr(self, key))
            not in (("violation", "none"), ("domain_family", "general"), ("family_seed", 0))
        )

    @property
    def seed(self) -> int:
        """63-bit seed, a function of the key alone: the same data set in every grid and on every machine."""
        return seed_of("dataset:" + self.canonical())

    @property
    def family(self) -> FamilyKey | None:
        """The family of domains that it belongs to; None where it stands alone."""
        if self.domain_family == "general":
            return None
        return FamilyKey(self.domain_family, self.d, self.degree, self.graph, self.family_seed)  # type: ignore[arg-type]

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
