"""From edge probabilities to the DAG of least expected SHD, and to weights on its edges.

SHD counts a missing, an extra or a reversed edge once, so the expected SHD of a graph under the network's
probabilities is a sum over pairs, and the best DAG solves a linear-ordering problem. Called by `adag.estimator`.
"""

import numpy as np
from numpy.typing import NDArray

from adag.acyclicity import are_acyclic

Array = NDArray[np.float64]


def expected_shd(probability: Array, adjacency: NDArray[np.int8]) -> float:
    """Expected SHD of a DAG under edge probabilities, both of shape (d, d); the pairs' states are marginals."""
    none = 1.0 - probability - probability.T
    state = np.where(adjacency != 0, probability, np.where(adjacency.T != 0, probability.T, none))
    return float(np.triu(1.0 - state, 1).sum())


def least_expected_shd(probability: Array) -> NDArray[np.int8]:
    """The DAG with the least expected SHD (exactly, unless the pairwise best states form a cycle).

    Parameters
    ----------
    probability : ndarray, shape (d, d) or (B, d, d)
        P(i -> j), with ``P + P.T <= 1``, of one data set or of many.

    Returns
    -------
    ndarray of int8, of the shape of `probability`
        Where the best state of every pair gives a DAG, that DAG, which is optimal. Otherwise the best DAG under an
        order found by insertion moves from the order of the net out-gain: a local optimum, never a cycle.
    """
    d = probability.shape[-1]
    P = probability.reshape(-1, d, d)
    turned = P.swapaxes(1, 2)
    gain = np.maximum(P - (1.0 - P - turned), 0.0)  # what an edge saves over leaving the pair empty
    gain[:, range(d), range(d)] = 0.0
    # Of two equally good directions exactly one is kept: the lower triangle must be strictly better.
    opposite = gain.swapaxes(1, 2)
    wins = (gain > opposite) | (np.triu(np.ones((d, d), dtype=bool), 1) & (gain == opposite))
    best = ((gain > 0) & wins).astype(np.int8)
    for k in np.flatnonzero(~are_acyclic(best)):
        order = _insertion_search(gain[k], np.argsort(gain[k].sum(0) - gain[k].sum(1), kind="stable"))
        rank = np.argsort(order)
        best[k] = (gain[k] > 0) & (rank[:, None] < rank[None, :])
    return best.reshape(probability.shape)


def _insertion_search(gain: Array, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move one variable at a time to its best position until no move raises the gain of the forward edges."""
    d = len(order)
    improved = True
    while improved:
        improved = False
        for v in range(d):
            at = int(np.flatnonzero(order == v)[0])
            rest = np.delete(order, at)
            # Gain of v at position k: edges into v from the k variables before it, out of v to those after it.
            into = np.concatenate([[0.0], np.cumsum(gain[rest, v])])
            out = np.concatenate([np.cumsum(gain[v, rest][::-1])[::-1], [0.0]])
            value = into + out
            best = int(np.argmax(value))
            if value[best] > value[at] + 1e-9:
                order = np.insert(rest, best, v)
                improved = True
    return order


def regression_weights(covariance: Array, adjacency: NDArray[np.int8], n: int | NDArray[np.int64]) -> Array:
    """Least squares of every variable on its parents, from the covariance alone.

    A ridge of ``1 / n`` on the correlation scale keeps it defined where parents outnumber samples or are collinear;
    it vanishes as n grows.

    Parameters
    ----------
    covariance, adjacency : ndarray, shape (d, d) or (B, d, d)
        Of one data set or of many.
    n : int or ndarray, shape (B,)
        Number of samples.

    Returns
    -------
    ndarray, of the shape of `covariance`
    """
    d = covariance.shape[-1]
    sets = covariance.reshape(-1, d, d)
    ridge = np.broadcast_to(1.0 / np.asarray(n), len(sets))
    std = np.sqrt(np.diagonal(sets, axis1=1, axis2=2))
    corr = sets / (std[:, :, None] * std[:, None, :])
    weights = np.zeros_like(corr)
    which, child, parent = np.nonzero(adjacency.reshape(-1, d, d).swapaxes(1, 2))
    row = which * d + child
    count = np.bincount(row, minlength=len(sets) * d)
    for k in np.unique(count[count > 0]):  # all variables with k parents in one call
        of, children = (index[:, None] for index in np.divmod(np.flatnonzero(count == k), d))
        parents = parent[count[row] == k].reshape(-1, k)
        gram = corr[of[:, :, None], parents[:, :, None], parents[:, None, :]] + ridge[of][:, :, None] * np.eye(k)
        solution = np.linalg.solve(gram, corr[of, parents, children][..., None])[..., 0]
        weights[of, parents, children] = solution * std[of, children] / std[of, parents]
    return weights.reshape(covariance.shape)
