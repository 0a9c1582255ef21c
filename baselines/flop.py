"""`flop`: fast learning of order and parents, from the flopsearch package."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


@register
class FLOP(Method):
    """Iterated local search over orders with the Gaussian BIC; the penalty is the one its README recommends.

    Its random restarts draw from a generator inside the library that takes no seed: two calls may differ.
    """

    name = "flop"
    package = "flopsearch"
    kind = "cpdag"
    license = "MPL-2.0"
    paper = "Wienöbst, Henckel & Weichwald 2025, arXiv:2510.04970"
    assumes = ("linear", "gaussian", "faithful")
    randomness = "unseeded"
    spare_samples = 1

    def __init__(self, *, lambda_bic: float = 2.0, restarts: int = 20) -> None:
        self.lambda_bic, self.restarts = lambda_bic, restarts

    def warm_up(self) -> None:
        """Import flopsearch."""
        import flopsearch  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The CPDAG, in the encoding that `CausalGraph` uses; its ``timeout=`` never returns, so restarts it is."""
        import flopsearch

        found = flopsearch.flop(X, float(self.lambda_bic), restarts=self.restarts)
        return CausalGraph(adjacency=found.astype(np.int8), kind="cpdag")
