"""`ica-lingam`: ICA-LiNGAM from the lingam package."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


@register
class ICALiNGAM(Method):
    """Order from an independent component analysis, then adaptive lasso; lingam's defaults."""

    name = "ica-lingam"
    package = "lingam"
    license = "MIT"
    paper = "Shimizu et al. 2006, JMLR 7:2003-2030"
    assumes = ("linear", "non-gaussian")
    randomness = "seeded"
    spare_samples = 1

    def __init__(self, *, max_iter: int = 1000) -> None:
        self.parameters = {"max_iter": max_iter}

    def warm_up(self) -> None:
        """Import lingam."""
        import lingam  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights of the pruned model; lingam's matrix has effects in rows, ours causes."""
        import lingam

        model = lingam.ICALiNGAM(random_state=seed % 2**32, **self.parameters)
        model.fit(X)
        return CausalGraph.from_weights(model.adjacency_matrix_.T)
