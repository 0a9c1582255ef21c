"""`direct-lingam`: DirectLiNGAM from the lingam package."""

import numpy as np
from numpy.typing import NDArray

from adag.errors import UsageError
from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


@register
class DirectLiNGAM(Method):
    """Orders the variables by independence of residuals, then adaptive lasso; lingam's defaults."""

    name = "direct-lingam"
    package = "lingam"
    license = "MIT"
    paper = "Shimizu et al. 2011, JMLR 12:1225-1248"
    assumes = ("linear", "non-gaussian")
    randomness = "deterministic"
    spare_samples = 1

    def __init__(self, *, measure: str = "pwling") -> None:
        if measure not in (known := ("pwling", "kernel", "pwling_fast")):  # lingam takes any other text for pwling
            raise UsageError(f"parameter 'measure' of method 'direct-lingam' is {measure!r}: write {', '.join(known)}")
        self.parameters = {"measure": measure}

    def warm_up(self) -> None:
        """Import lingam."""
        import lingam  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights of the pruned model; lingam's matrix has effects in rows, ours causes."""
        import lingam

        model = lingam.DirectLiNGAM(random_state=seed % 2**32, **self.parameters)
        model.fit(X)
        return CausalGraph.from_weights(model.adjacency_matrix_.T)
