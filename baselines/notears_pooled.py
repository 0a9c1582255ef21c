"""`notears-pooled`: NOTEARS once on the rows of many data sets of a family, its support refitted on each."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.decode import regression_weights
from adag.graph import CausalGraph
from baselines.declaration import Assumption
from baselines.given import GivenFamily
from baselines.notears import Notears
from baselines.registry import register


@register
class NotearsPooled(Notears):
    """NOTEARS on the pooled rows of `domains` training domains, each centred by its own means, as if they were one.

    Estimated once for a family; its edges (by the common threshold) are then weighted by least squares on the data set
    at hand, and cut at that threshold again. Where the sign of a weight differs from domain to domain it averages out,
    and with it the edge.
    """

    name = "notears-pooled"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "equal-variance", "shared-weights")
    given = "training domains"

    def __init__(
        self,
        *,
        domains: int = 1000,
        lambda1: float = 0.1,
        loss_type: str = "l2",
        max_iter: int = 100,
        h_tol: float = 1e-8,
        rho_max: float = 1e16,
    ) -> None:
        super().__init__(lambda1=lambda1, loss_type=loss_type, max_iter=max_iter, h_tol=h_tol, rho_max=rho_max)
        self.domains = domains
        self.support: NDArray[np.int8] = np.zeros((0, 0), dtype=np.int8)

    def prepare(self, family: GivenFamily) -> None:
        """One graph for all of the family."""
        X = family.training(self.domains)
        pooled = (X - X.mean(axis=1, keepdims=True)).reshape(-1, X.shape[-1])
        self.support = CausalGraph.from_weights(self._optimised(pooled)).adjacency

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Least squares on the shared support; its ridge of 1 / n keeps it defined where n is small."""
        covariance = np.cov(X, rowvar=False, bias=True).astype(np.float64)
        return CausalGraph.from_weights(regression_weights(covariance, self.support, len(X)))
