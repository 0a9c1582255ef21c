"""`golem`, `golem-ev` and `golem-nv`: GOLEM from gcastle; the last two on a GPU where there is one."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.declaration import Assumption
from baselines.device import checked, on_gpu
from baselines.method import Method
from baselines.registry import register


@register
class Golem(Method):
    """Likelihood with soft sparsity and acyclicity penalties; gcastle's defaults, 100,000 iterations among them."""

    name = "golem"
    package = "gcastle"
    license = "Apache-2.0"
    paper = "Ng, Ghassami & Zhang 2020, arXiv:2006.10201"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "gaussian", "equal-variance")
    randomness = "deterministic"

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
        algorithm = Algorithm(**self.parameters, seed=seed % 2**32, device_type=self._device_type())
        algorithm.learn(X)
        return CausalGraph.from_weights(np.asarray(algorithm.weight_causal_matrix))

    def _device_type(self) -> str:
        return "cpu"


class _OnAnyDevice(Golem):
    gpus = 1
    equal_variances: ClassVar[bool]

    def __init__(
        self,
        *,
        lambda_1: float = 2e-2,
        lambda_2: float = 5.0,
        learning_rate: float = 1e-3,
        num_iter: float = 1e5,
        device: str = "auto",
    ) -> None:
        self.device = checked(device, self.name)
        super().__init__(
            lambda_1=lambda_1, lambda_2=lambda_2, equal_variances=self.equal_variances,
            learning_rate=learning_rate, num_iter=num_iter,
        )  # fmt: skip

    def _device_type(self) -> str:
        return "gpu" if on_gpu(self.device, self.name) else "cpu"


@register
class GolemEV(_OnAnyDevice):
    """GOLEM-EV: `golem` with a choice of device; gcastle's defaults."""

    name = "golem-ev"
    equal_variances = True


@register
class GolemNV(_OnAnyDevice):
    """GOLEM-NV with the penalties that gcastle and the paper give for it; starts from zero, as gcastle does.

    The paper starts it from GOLEM-EV's answer instead. Its likelihood is the same for a graph and its reversals
    that share the skeleton and v-structures: among these the L1 penalty, and so the units, decide.
    """

    name = "golem-nv"
    assumes = ("linear", "gaussian")
    equal_variances = False

    def __init__(
        self,
        *,
        lambda_1: float = 2e-3,
        lambda_2: float = 5.0,
        learning_rate: float = 1e-3,
        num_iter: float = 1e5,
        device: str = "auto",
    ) -> None:
        super().__init__(
            lambda_1=lambda_1, lambda_2=lambda_2, learning_rate=learning_rate, num_iter=num_iter, device=device
        )
