"""`boss`: best order score search with the Gaussian BIC, from causal-learn."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.endpoints import cpdag
from baselines.method import Method
from baselines.registry import register


@register
class BOSS(Method):
    """Moves variables within an order; causal-learn's defaults, whose penalty (2 log n a parameter) is four BICs."""

    name = "boss"
    package = "causal-learn"
    kind = "cpdag"
    license = "MIT"
    paper = "Andrews et al. 2023, arXiv:2310.17679"
    assumes = ("linear", "gaussian", "faithful")
    randomness = "seeded"

    def __init__(self, *, lambda_value: float = 2.0) -> None:
        self.lambda_value = lambda_value

    def warm_up(self) -> None:
        """Import causal-learn."""
        import causallearn.search.PermutationBased.BOSS  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The CPDAG; the search shuffles with Python's global generator, which the caller has seeded."""
        from causallearn.search.PermutationBased.BOSS import boss

        return cpdag(boss(X, parameters={"lambda_value": self.lambda_value}, verbose=False).graph)
