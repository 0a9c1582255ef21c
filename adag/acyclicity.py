"""Acyclicity: the two smooth measures of the literature, and the one rule that turns weights into a DAG.

`project_to_dag` is applied to every weighted estimate of every method (see `CausalGraph.from_weights`), so that
no method gains from a threshold or a cycle rule of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import networkx as nx
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

EDGE_THRESHOLD = 0.3
"""|w| below this is no edge: the convention of NOTEARS (Zheng et al. 2018, sec. 4) and of its successors."""

_in_force = ContextVar("edge_threshold", default=EDGE_THRESHOLD)


@contextmanager
def edge_threshold(threshold: float) -> Iterator[None]:
    """Within this context every weighted estimate is cut at `threshold` unless its author says otherwise.

    For data whose scale is not the SEM's own: standardised, a quarter of the true edges of an ER2 graph of 10 variables
    with |w| in (0.5, 2) fall below 0.3. A benchmark's grid sets it for all methods alike.
    """
    token = _in_force.set(threshold)
    try:
        yield
    finally:
        _in_force.reset(token)


def h_expm(A: torch.Tensor) -> torch.Tensor:
    """tr(exp(A * A)) - d: zero exactly when A is a DAG (NOTEARS, Zheng et al. 2018, eq. 8).

    Parameters
    ----------
    A : Tensor, shape (..., d, d)
        Weighted adjacency matrices; the entries may be of either sign.

    Returns
    -------
    Tensor, shape (...)
    """
    return torch.linalg.matrix_exp(A * A).diagonal(dim1=-2, dim2=-1).sum(-1) - A.shape[-1]


def h_logdet(A: torch.Tensor, s: float = 1.0) -> torch.Tensor:
    """-logdet(s I - A * A) + d log s: zero exactly when A is a DAG (DAGMA, Bello et al. 2022, eq. 5).

    Defined where s exceeds the spectral radius of A * A; NaN or infinite elsewhere.
    """
    d = A.shape[-1]
    eye = torch.eye(d, dtype=A.dtype, device=A.device)
    sign, logabsdet = torch.linalg.slogdet(s * eye - A * A)
    value = -logabsdet + d * float(np.log(s))
    return torch.where(sign > 0, value, torch.full_like(value, torch.nan))


def is_acyclic(adjacency: ArrayLike) -> bool:
    """Whether the directed graph with an edge i -> j wherever ``adjacency[i, j] != 0`` has no cycle."""
    return bool(are_acyclic(np.asarray(adjacency)[None])[0])


def are_acyclic(adjacencies: ArrayLike) -> NDArray[np.bool_]:
    """`is_acyclic` of many graphs at once: shape (B, d, d) in, (B,) out."""
    edges = (np.asarray(adjacencies) != 0).astype(np.float32)
    ends = np.ones((len(edges), 1, edges.shape[-1]), dtype=np.float32)
    for _ in range(edges.shape[-1]):  # where does a walk of so many edges end? Nowhere, once no path is as long
        if not ends.any():
            break
        ends = np.minimum(ends @ edges, 1.0)
    return np.asarray(~ends.any((1, 2)))


def project_to_dag(weights: ArrayLike, threshold: float | None = None) -> NDArray[np.float64]:
    """Drop |w| < `threshold`, then the weakest edge that lies on a cycle, until none does.

    Parameters
    ----------
    weights : array_like, shape (d, d)
        ``weights[i, j]`` is the weight of i -> j; the diagonal is ignored.
    threshold : float, optional
        In the units of the weights; by default 0.3, or what `edge_threshold` says.

    Returns
    -------
    ndarray, shape (d, d), float64
        The surviving weights, zero elsewhere; its support is a DAG.
    """
    W = np.array(weights, dtype=np.float64, copy=True)
    np.fill_diagonal(W, 0.0)
    W[np.abs(W) < (_in_force.get() if threshold is None else threshold)] = 0.0
    if is_acyclic(W):
        return W
    graph = nx.from_numpy_array(W != 0, create_using=nx.DiGraph)
    # An edge lies on a cycle exactly when both its ends are in one strongly connected component. Removing edges
    # never creates a cycle, so one pass over components, re-split after each removal, is enough.
    pending = [c for c in nx.strongly_connected_components(graph) if len(c) > 1]
    while pending:
        inside = graph.subgraph(pending.pop())
        i, j = min(inside.edges, key=lambda e: (abs(W[e]), e))
        W[i, j] = 0.0
        component = graph.subgraph(inside.nodes)
        graph.remove_edge(i, j)
        pending += [set(c) for c in nx.strongly_connected_components(component) if len(c) > 1]
    return W
