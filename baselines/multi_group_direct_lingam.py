"""`multi-group-direct-lingam`: DirectLiNGAM on several data sets that share an order, from the lingam package."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.given import GivenFamily
from baselines.method import Method
from baselines.registry import register


@register
class MultiGroupDirectLiNGAM(Method):
    """One order for the data set at hand and the family's first `domains` training domains, then adaptive lasso each.

    The order is found anew with every data set, so the number of training domains is limited. It rests on the shape of
    the noise: where that is Gaussian, the order is a guess.
    """

    name = "multi-group-direct-lingam"
    package = "lingam"
    license = "MIT"
    paper = "Shimizu 2012, Neurocomputing 81:104-107"
    assumes = ("linear", "non-gaussian", "shared-order")
    randomness = "deterministic"
    given = "training domains"
    spare_samples = 1

    def __init__(self, *, domains: int = 20) -> None:
        self.domains = domains
        self.others: list[NDArray[np.float64]] = []

    def warm_up(self) -> None:
        """Import lingam."""
        import lingam  # noqa: F401

    def prepare(self, family: GivenFamily) -> None:
        """Keep the other data sets."""
        self.others = list(family.training(self.domains))

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights of this data set's pruned model; lingam's matrix has effects in rows, ours causes."""
        import lingam

        model = lingam.MultiGroupDirectLiNGAM(random_state=seed % 2**32)
        model.fit([X, *self.others])
        return CausalGraph.from_weights(np.asarray(model.adjacency_matrices_[0]).T)
