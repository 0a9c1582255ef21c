"""`var-sort-regress`, `r2-sort-regress`, `random-sort-regress`: an order by a simple score, then regression.

From CausalDisco: each variable is regressed on all before it, with the lasso's penalty chosen by BIC. What the first
two find easily, a method may owe to the simulation's scale rather than to causal insight.
"""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


class _SortRegress(Method):
    package = "CausalDisco"
    license = "BSD-3-Clause"
    spare_samples = 1

    def warm_up(self) -> None:
        """Import CausalDisco."""
        import CausalDisco.baselines  # noqa: F401


@register
class VarSortRegress(_SortRegress):
    """By increasing variance."""

    name = "var-sort-regress"
    paper = "Reisach, Seiler & Weichwald 2021, arXiv:2102.13647"
    assumes = ("linear", "var-sortable")
    randomness = "deterministic"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights of the regressions; nothing is random."""
        from CausalDisco.baselines import var_sort_regress

        return CausalGraph.from_weights(var_sort_regress(X))


@register
class R2SortRegress(_SortRegress):
    """By increasing R2 of a variable given all others."""

    name = "r2-sort-regress"
    paper = "Reisach et al. 2023, arXiv:2303.18211"
    assumes = ("linear", "r2-sortable")
    randomness = "deterministic"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights of the regressions; nothing is random."""
        from CausalDisco.baselines import r2_sort_regress

        return CausalGraph.from_weights(r2_sort_regress(X))


@register
class RandomSortRegress(_SortRegress):
    """In random order: what regression alone is worth."""

    name = "random-sort-regress"
    paper = "Reisach, Seiler & Weichwald 2021, arXiv:2102.13647"
    assumes = ("linear",)
    randomness = "seeded"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights of the regressions, in an order drawn by `seed`."""
        from CausalDisco.baselines import random_sort_regress

        return CausalGraph.from_weights(random_sort_regress(X, seed=seed))
