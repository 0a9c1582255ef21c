"""`grasp`: greedy relaxations of the sparsest permutation with the Gaussian BIC, from causal-learn."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.endpoints import cpdag
from baselines.method import Method
from baselines.registry import register


@register
class GRaSP(Method):
    """Tucks in a random order; causal-learn's defaults, whose penalty (2 log n a parameter) is four BICs."""

    name = "grasp"
    package = "causal-learn"
    kind = "cpdag"
    license = "MIT"
    paper = "Lam, Andrews & Ramsey 2022, arXiv:2206.05421"
    assumes = ("linear", "gaussian", "faithful")
    randomness = "seeded"

    def __init__(self, *, depth: int = 3, lambda_value: float = 2.0) -> None:
        self.depth, self.lambda_value = depth, lambda_value

    def warm_up(self) -> None:
        """Import causal-learn."""
        import causallearn.search.PermutationBased.GRaSP  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The CPDAG; the search shuffles with Python's global generator, which the caller has seeded."""
        from causallearn.search.PermutationBased.GRaSP import grasp

        parameters = {"lambda_value": self.lambda_value}
        return cpdag(grasp(X, depth=self.depth, parameters=parameters, verbose=False).graph)
