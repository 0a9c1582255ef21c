"""From causal-learn's matrix of endpoint marks to a CPDAG; called by `pc`, `ges`, `boss` and `grasp`."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph


def cpdag(ends: NDArray[np.int_]) -> CausalGraph:
    """The CPDAG of causal-learn's ``G.graph``; an edge with two arrowheads (``<->``) is left undirected.

    Parameters
    ----------
    ends : ndarray, shape (d, d)
        [i, j] is the mark at i's end of the edge between i and j: -1 tail, 1 arrowhead, 0 no edge. So i -> j has a
        tail at i and an arrowhead at j.
    """
    directed = (ends == -1) & (ends.T == 1)
    undirected = (ends != 0) & (ends.T != 0) & ~directed & ~directed.T
    return CausalGraph(adjacency=(directed + 2 * undirected).astype(np.int8), kind="cpdag")
