"""`notears-torch`: NOTEARS by Adam, from the notears-pytorch package; on a GPU where there is one."""

import numpy as np
from numpy.typing import NDArray

from adag.acyclicity import project_to_dag
from adag.graph import CausalGraph
from baselines.device import checked, on_gpu
from baselines.method import Method
from baselines.registry import register


@register
class NotearsTorch(Method):
    """NOTEARS's objective with a fixed number of Adam steps in single precision; the package's defaults.

    The package thresholds |w| at 0.3 itself and hands out the edges alone: no weights, hence no confidence.
    """

    name = "notears-torch"
    package = "notears-pytorch"
    license = "MIT"
    paper = "Joy & Zheleva 2026, arXiv:2605.17465; after Zheng et al. 2018, arXiv:1803.01422"
    assumes = ("linear", "equal-variance")
    randomness = "deterministic"
    gpus = 1

    def __init__(
        self,
        *,
        lambda1: float = 0.1,
        outer_iter: int = 50,
        inner_iter: int = 100,
        init_lr: float = 1e-2,
        h_tol: float = 1e-8,
        w_threshold: float = 0.3,
        device: str = "auto",
    ) -> None:
        self.device = checked(device, self.name)
        self.parameters = {
            "lambda1": lambda1, "outer_iter": outer_iter, "inner_iter": inner_iter, "init_lr": init_lr,
            "h_tol": h_tol, "w_threshold": w_threshold,
        }  # fmt: skip

    def warm_up(self) -> None:
        """Import the package."""
        import notears_pytorch  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The edges; should they have a cycle, one is dropped by the common rule (all weigh the same)."""
        import torch
        from notears_pytorch import notears_linear

        torch.set_default_dtype(torch.float32)  # the package casts the data to this, but not its weights
        edges = notears_linear(X, use_gpu=on_gpu(self.device, self.name), **self.parameters)
        return CausalGraph(adjacency=project_to_dag(edges).astype(np.int8))
