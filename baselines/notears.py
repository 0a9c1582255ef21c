"""`notears` and `notears-standardised`: NOTEARS with L1 penalty and squared loss, from gcastle."""

import dataclasses
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.declaration import Assumption
from baselines.method import Method
from baselines.registry import register


@register
class Notears(Method):
    """Continuous optimisation under ``tr(exp(W * W)) = d``; gcastle's defaults."""

    name = "notears"
    package = "gcastle"
    license = "Apache-2.0"
    paper = "Zheng et al. 2018, arXiv:1803.01422"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "equal-variance")
    randomness = "deterministic"

    def __init__(
        self,
        *,
        lambda1: float = 0.1,
        loss_type: str = "l2",
        max_iter: int = 100,
        h_tol: float = 1e-8,
        rho_max: float = 1e16,
    ) -> None:
        self.parameters = {
            "lambda1": lambda1, "loss_type": loss_type, "max_iter": max_iter, "h_tol": h_tol, "rho_max": rho_max,
        }  # fmt: skip

    def warm_up(self) -> None:
        """Import gcastle."""
        import castle.algorithms  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights as optimised, before gcastle's own threshold; the algorithm draws no random numbers."""
        return CausalGraph.from_weights(self._optimised(X))

    def _optimised(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        from castle.algorithms import Notears as Algorithm

        algorithm = Algorithm(**self.parameters)
        algorithm.learn(X)
        return np.asarray(algorithm.weight_causal_matrix)


@register
class NotearsStandardised(Notears):
    """The same call on columns of mean 0 and variance 1: blind to units, and to what equal variances give away.

    Its least squares then assume noises of equal variance on that scale, which few data sets have.
    """

    name = "notears-standardised"
    assumes = ("linear",)

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The common threshold applies on the standardised scale; the weights handed out are in the data's units."""
        scale = X.std(axis=0)
        graph = CausalGraph.from_weights(self._optimised((X - X.mean(axis=0)) / scale))
        assert graph.weights is not None
        return dataclasses.replace(graph, weights=graph.weights * scale / scale[:, None])
