"""Local search from the network's graph, under the data's likelihood with the network's log-odds as the prior.

With many samples the data say more than a network of fixed precision can; the search lets them overrule it, and with
few it stays with the network. Called by `adag.estimator`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adag.decode import regression_weights
from adag.search import MOST_ROWS, NEGLIGIBLE, Array, Bools, Score, Search, negentropy, perturbed

LIKELIHOOD_SHARE = 0.5
"""Exponent of the likelihood once n >= d: the network's odds have seen the same data, so it counts for half."""
LEAST_PROBABILITY = 1e-5
"""The network is never taken to be surer than this: the data can overrule it."""
TRIES_PER_VARIABLE = 3
"""Perturbed climbs where noise variances differ: such likelihoods have many local optima, the other has few."""


@dataclass(frozen=True)
class Refinement:
    """What the search found.

    Attributes
    ----------
    adjacency : ndarray, shape (d, d), int8
        A DAG.
    probability : ndarray, shape (d, d)
        The network's edge probabilities; for pairs that the search has changed, their mean with the pair's odds
        under the score given all other edges.
    equal_variances : bool
        Whether the likelihood with one noise variance for all variables was used.
    gaussian : bool
        Whether it was that of Gaussian noise.
    changed : int
        Pairs of variables whose edge the search added, removed or reversed.
    """

    adjacency: NDArray[np.int8]
    probability: Array
    equal_variances: bool
    gaussian: bool
    changed: int


def refine(
    probability: Array, covariance: Array, n: int, adjacency: NDArray[np.int8], samples: Array | None = None
) -> Refinement:
    """Climb from `adjacency` by single edges to an optimum of the penalised likelihood.

    The score of a DAG is ``c log L - k/2 log n + sum over its k edges of log(P_ij / P_none)``, where L is the
    likelihood of the data at its maximum over weights and variances, and c is 0.5 (half of that for n = d / 2,
    and so on: below n = d the likelihood of a large parent set means little). The data choose the likelihood: one noise
    variance or many (`variances_look_equal`), Gaussian or, where there are samples, any shape (`noise_looks_gaussian`).
    With one variance the nearest optimum is taken, unless it makes the variances look unequal; with many, the best of
    several near it (`adag.search.perturbed`).

    Parameters
    ----------
    probability : ndarray, shape (d, d)
        P(i -> j), with ``P + P.T <= 1``.
    covariance : ndarray, shape (d, d)
        Sample covariance.
    n : int
        Number of samples.
    adjacency : ndarray, shape (d, d)
        The DAG to start from.
    samples : ndarray, shape (rows, d), optional
        The data, or evenly spaced rows of it; without them noise is taken to be Gaussian.
    """
    d = len(covariance)
    start = np.asarray(adjacency) != 0
    none = np.clip(1.0 - probability - probability.T, LEAST_PROBABILITY, 1.0)
    prior = np.log(np.clip(probability, LEAST_PROBABILITY, 1.0) / none) - 0.5 * np.log(n)
    share = LIKELIHOOD_SHARE * min(1.0, n / d)
    std = np.sqrt(np.diagonal(covariance))
    if samples is not None:
        while len(samples) > MOST_ROWS:
            samples = samples[::2]
        samples = samples - samples.mean(0)
        if noise_looks_gaussian(samples, covariance, start):
            samples = None
    shared = Score(covariance, n, prior, share, equal=True, samples=samples)
    # With free variances a graph is worth the same in all units, and unit variances keep the arithmetic well scaled.
    scaled, units = None if samples is None else samples / std, float(np.log(std).sum())
    free = Score(covariance / np.outer(std, std), n, prior, share, equal=False, samples=scaled, log_scale=units)
    search = _optimum(shared, free, start)
    changed = search.edges != start
    changed |= changed.T
    mixed = np.where(changed, 0.5 * (probability + search.local_probability()), probability)
    return Refinement(
        search.edges.astype(np.int8), mixed, search.of.equal, samples is None, int(np.triu(changed).sum())
    )


def _optimum(shared: Score, free: Score, start: Bools) -> Search:
    """The best graph found from `start` under one noise variance for all variables, or under many if these differ.

    Wrong edges make equal variances look unequal. Before they are held to be, the optimum of one variance is looked for
    from other starts too: from the optimum of many, from no edges, and around the best of these.
    """
    d = len(start)

    def alike(edges: Bools) -> bool:
        return variances_look_equal(shared.covariance, shared.n, edges)

    def climbed(search: Search) -> Search:
        search.climb()
        return search

    one = climbed(Search(shared, start))
    if alike(start) or alike(one.edges):
        return one
    many = climbed(Search(free, start))
    others = (climbed(one.moved(edges)) for edges in (many.edges, np.zeros_like(start)))
    one = max(one, *others, key=Search.value)
    if alike(many.edges) or alike(one.edges):
        return one
    one = perturbed(one, d)  # a third of what the harder likelihood gets
    if alike(one.edges):
        return one
    many = perturbed(many, TRIES_PER_VARIABLE * d)
    return max(one, many, key=Search.value)


def noise_looks_gaussian(samples: Array, covariance: Array, edges: Bools) -> bool:
    """Whether the residuals of a DAG pass for Gaussian: the sum of n times their `negentropy` against 3 deviations.

    Parameters
    ----------
    samples : ndarray, shape (n, d)
        Centred.
    covariance : ndarray, shape (d, d)
        Of the variables.
    edges : ndarray of bool, shape (d, d)
        A DAG.
    """
    n, d = samples.shape
    weights = regression_weights(covariance, edges.astype(np.int8), n)
    statistic = n * negentropy(samples - samples @ weights).sum()
    return bool(statistic <= d + 3.0 * np.sqrt(d))  # mean and variance of each term are about 1 in normal samples


def variances_look_equal(covariance: Array, n: int, edges: Bools) -> bool:
    """Whether the noise variances, given the edges, pass for one: Bartlett's statistic against a BIC threshold.

    Parameters
    ----------
    covariance : ndarray, shape (d, d)
        Sample covariance (divided by n).
    n : int
        Number of samples.
    edges : ndarray of bool, shape (d, d)
        A DAG. Variables with too many parents to leave a degree of freedom have no say.
    """
    freedom = n - 1.0 - edges.sum(0)
    judged = freedom >= 1.0
    if judged.sum() < 2:
        return True
    residual = np.array([_residual_variance(covariance, edges[:, j], j) for j in np.flatnonzero(judged)])
    v = freedom[judged]
    variance = n * residual / v
    pooled = float((v * variance).sum() / v.sum())
    statistic = v.sum() * np.log(pooled) - float((v * np.log(variance)).sum())
    correction = 1.0 + ((1.0 / v).sum() - 1.0 / v.sum()) / (3.0 * (len(v) - 1.0))
    return bool(statistic / correction <= (len(v) - 1.0) * max(np.log(n), 2.0))


def _residual_variance(covariance: Array, parents: Bools, j: int) -> float:
    own = float(covariance[j, j])
    inside = np.flatnonzero(parents)
    if not len(inside):
        return own
    gram = covariance[np.ix_(inside, inside)] + NEGLIGIBLE * np.diag(np.diagonal(covariance)[inside])
    explained = covariance[inside, j] @ np.linalg.solve(gram, covariance[inside, j])
    return max(own - float(explained), 1e-12 * own)
