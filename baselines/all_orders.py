"""Exact P(i -> j), over all DAGs by a sum over orders or under a known one, d up to a dozen. For `benchmarks.limits`.

A random order under which every earlier variable is a parent with probability p is a prior that factorises over the
variables once the order is known, so the 2 ** d sets of "those before" take the place of the d! orders (Koivisto &
Sood 2004, sec. 4; Koivisto 2006 for all edges at once). `bayes_optimal` enumerates DAGs instead, up to d = 5.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Posterior(NamedTuple):
    """What the data say under one law."""

    edge: Array
    """P(i -> j), shape (d, d)."""
    log_evidence: float
    """Log marginal likelihood of the law: what several laws are weighed by."""


def posterior(log_evidence: Array, p: float) -> Posterior:
    """Posterior probability of every edge.

    Parameters
    ----------
    log_evidence : ndarray, shape (d, 2 ** d)
        ``[j, mask]``: log marginal likelihood of variable j given the set of parents in the mask, -inf where j is
        one of them; see `bayes_optimal.log_evidence`.
    p : float
        Probability, in (0, 1), that a variable is a parent of a later one, independently for all pairs.

    """
    d, sets = log_evidence.shape
    mask = np.arange(sets)
    size = np.array([int(m).bit_count() for m in mask])
    scored = log_evidence + size * (np.log(p) - np.log1p(-p))
    rest = size * np.log1p(-p)  # of those before, every one might have been a parent
    before = np.stack([_sum_over_subsets(row, d) + rest for row in scored])  # (d, 2 ** d)

    forward = np.full(sets, -np.inf)
    forward[0] = 0.0
    for m in mask[1:]:  # in increasing order: every subset comes before its supersets
        last = [j for j in range(d) if m >> j & 1]
        forward[m] = np.logaddexp.reduce([forward[m ^ 1 << j] + before[j, m ^ 1 << j] for j in last])
    backward = np.full(sets, -np.inf)
    backward[-1] = 0.0
    for m in mask[-2::-1]:
        following = [j for j in range(d) if not m >> j & 1]
        backward[m] = np.logaddexp.reduce([before[j, m] + backward[m | 1 << j] for j in following])

    probability = np.zeros((d, d))
    for j in range(d):
        free = mask[(mask >> j & 1) == 0]
        around = np.full(sets, -np.inf)  # of j coming right after a set, whatever its parents
        around[free] = forward[free] + backward[free | 1 << j] + rest[free]
        family = scored[j] + _sum_over_supersets(around, d) - forward[-1]
        for i in range(d):
            probability[i, j] = np.exp(np.logaddexp.reduce(family[(mask >> i & 1) == 1])) if i != j else 0.0
    return Posterior(probability, float(forward[-1]))


def edge_probability_under(order: NDArray[np.int64], log_evidence: Array, p: float) -> Array:
    """Posterior probability of every edge for who knows the order: every variable is then a matter of its own.

    Parameters
    ----------
    order : ndarray, shape (d,)
        The variables, causes first.
    log_evidence, p
        As `posterior` takes them.

    Returns
    -------
    ndarray, shape (d, d)
        P(i -> j), 0 where j comes first.
    """
    d, sets = log_evidence.shape
    mask = np.arange(sets)
    size = np.array([int(m).bit_count() for m in mask])
    probability = np.zeros((d, d))
    for place, j in enumerate(order):
        later = sum(1 << int(k) for k in order[place:])
        possible = (mask & later) == 0
        scored = (log_evidence[j] + size * (np.log(p) - np.log1p(-p)))[possible]
        share = np.exp(scored - np.logaddexp.reduce(scored))
        for i in order[:place]:
            probability[i, j] = share[(mask[possible] >> int(i) & 1) == 1].sum()
    return probability


def _sum_over_subsets(values: Array, d: int) -> Array:
    """Log-sum-exp over all subsets of every set."""
    total = values.copy()
    for i in range(d):
        pair = total.reshape(-1, 2, 1 << i)
        pair[:, 1] = np.logaddexp(pair[:, 0], pair[:, 1])
    return total


def _sum_over_supersets(values: Array, d: int) -> Array:
    """Log-sum-exp over all supersets of every set: over all subsets of its complement."""
    return _sum_over_subsets(values[::-1], d)[::-1]
