"""`empty`: no edge, whatever the data; the line that every method has to beat."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register


@register
class Empty(Method):
    """The graph without edges: its SHD is the number of true edges."""

    name = "empty"
    package = "adag"
    license = "MIT"
    paper = "none: a point of reference"
    assumes = ()
    randomness = "deterministic"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """All weights zero."""
        return CausalGraph.from_weights(np.zeros((X.shape[1], X.shape[1])))
