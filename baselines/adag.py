"""`adag`, `adag-refined`, `adag-unsupervised`: our pre-trained networks, under the benchmark's common rules."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.declaration import Assumption
from baselines.method import Method
from baselines.registry import register

if TYPE_CHECKING:
    from adag.estimator import ADAG


@register
class AttentionDAGMethod(Method):
    """Zero-shot: one forward pass. Its DAG then passes the same threshold on |weight| as everyone's.

    ``relabel=true`` is a control: the network sees the variables in a random order (by the seed), and its graph is put
    back. What a checkpoint has learnt of single variables is then lost; one that knows none answers the same.
    """

    name = "adag"
    package = "adag"
    license = "MIT"
    paper = "Yin, Gao & Yu 2025, arXiv:2506.18285"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "as-trained")
    randomness = "deterministic"

    refine: ClassVar[bool] = False
    shipped: ClassVar[str] = "adag-foundation"

    def __init__(self, *, checkpoint: str | None = None, device: str = "cpu", relabel: bool = False) -> None:
        self.checkpoint, self.device, self.relabel = checkpoint or self.shipped, device, relabel
        self._model: ADAG | None = None

    @property
    def model(self) -> "ADAG":
        """The estimator, loaded once."""
        if self._model is None:
            from adag.estimator import ADAG

            self._model = ADAG(self.checkpoint, device=self.device, refine=self.refine)
        return self._model

    @property
    def version(self) -> str:
        """Package version and the checkpoint's name and digest."""
        return self.model.version

    @property
    def training(self) -> str:
        """From the model card."""
        return self.model.training

    def warm_up(self) -> None:
        """Load the weights and run the network once."""
        self.model.discover(np.random.default_rng(0).normal(size=(8, 3)))

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """One forward pass; `seed` is not needed, unless it is to relabel the variables."""
        return self.discover_many([X], seed=seed)[0]

    def discover_many(self, datasets: Sequence[NDArray[np.float64]], *, seed: int) -> list[CausalGraph]:
        """One forward pass for each shape of data set."""
        if not self.relabel:
            return [_by_common_rule(graph) for graph in self.model.discover_many(datasets)]
        rng = np.random.default_rng(seed)
        orders = [rng.permutation(X.shape[1]) for X in datasets]
        graphs = self.model.discover_many([X[:, order] for X, order in zip(datasets, orders, strict=True)])
        back = [[graph.names[k] for k in np.argsort(order)] for graph, order in zip(graphs, orders, strict=True)]
        return [_by_common_rule(graph.reordered(names)) for graph, names in zip(graphs, back, strict=True)]


@register
class RefinedADAG(AttentionDAGMethod):
    """The network's graph, then a local search under the likelihood of the data with the network's odds as the prior.

    The data choose the likelihood: one noise variance or many, Gaussian noise or noise of any shape.
    """

    name = "adag-refined"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "as-trained")
    refine = True


@register
class UnsupervisedADAG(RefinedADAG):
    """The network that was never shown a graph, and the same search: no true graph anywhere."""

    name = "adag-unsupervised"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "gaussian", "equal-variance", "as-trained")
    shipped = "adag-unsupervised"


def _by_common_rule(graph: CausalGraph) -> CausalGraph:
    assert graph.weights is not None
    return CausalGraph.from_weights(graph.weights, confidence=graph.confidence)
