"""`dagma`: DAGMA with squared loss, from the dagma package."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


@register
class Dagma(Method):
    """Continuous optimisation under a log-determinant acyclicity; the package's defaults."""

    name = "dagma"
    package = "dagma"
    license = "Apache-2.0"
    paper = "Bello, Aragam & Ravikumar 2022, arXiv:2209.08037"
    assumes = ("linear", "equal-variance")
    randomness = "deterministic"

    def __init__(self, *, lambda1: float = 0.03, T: int = 5, lr: float = 0.0003) -> None:
        self.parameters = {"lambda1": lambda1, "T": T, "lr": lr}

    def warm_up(self) -> None:
        """Import dagma."""
        import dagma.linear  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights before the package's own threshold; it centres X in place and edits its default list ``s``."""
        from dagma.linear import DagmaLinear

        weights = DagmaLinear(loss_type="l2").fit(
            X.copy(), w_threshold=0.0, s=[1.0, 0.9, 0.8, 0.7, 0.6], **self.parameters
        )
        return CausalGraph.from_weights(weights)
