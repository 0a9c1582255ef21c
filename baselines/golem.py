"""`golem`: GOLEM (equal variances by default) from gcastle, on the CPU."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


@register
class Golem(Method):
    """Likelihood with soft sparsity and acyclicity penalties; gcastle's defaults, 100,000 iterations among them."""

    name = "golem"
    package = "gcastle"
    assumes = "linear, Gaussian, equal noise variances (equal_variances=false: unequal)"
    paper = "Ng, Ghassami & Zhang 2020"

    def __init__(
        self,
        *,
        lambda_1: float = 2e-2,
        lambda_2: float = 5.0,
        equal_variances: bool = True,
        learning_rate: float = 1e-3,
        num_iter: float = 1e5,
    ) -> None:
        self.parameters = {
            "lambda_1": lambda_1, "lambda_2": lambda_2, "equal_variances": equal_variances,
            "learning_rate": learning_rate, "num_iter": num_iter,
        }  # fmt: skip

    def warm_up(self) -> None:
        """Import gcastle."""
        import castle.algorithms  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Weights as optimised, before gcastle's own threshold."""
        import torch
        from castle.algorithms import GOLEM as Algorithm

        torch.set_default_dtype(torch.double)  # what importing gcastle sets, and its users therefore run with
        algorithm = Algorithm(**self.parameters, seed=seed % 2**32)
        algorithm.learn(X)
        return CausalGraph.from_weights(np.asarray(algorithm.weight_causal_matrix))
