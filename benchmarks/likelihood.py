"""How well an estimated DAG, refitted, predicts unseen samples. Called by `benchmarks.metrics`."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Fit(NamedTuple):
    """What a refit reads and what it is held against."""

    X: NDArray[np.float64]
    """The samples that the method saw, shape (n, d)."""
    covariance: NDArray[np.float64]
    """The population covariance, in the units of X."""


def held_out_loglik(dag: NDArray[np.int8], fit: Fit) -> float:
    """Expected log-likelihood of one unseen sample under the DAG's linear Gaussian model, in nats.

    Every variable is regressed on its estimated parents over the samples that the method saw (least squares, variance
    by degrees of freedom), so that a method is judged by its edges, with or without weights and however shrunk. The
    expectation is exact, from the population covariance: no held-out sample is drawn, and the law of the noise does not
    matter. Means count as known. NaN where a variable has as many parents as there are samples to fit them.
    """
    n, d = fit.X.shape
    X = fit.X - fit.X.mean(0)
    total = 0.0
    for j in range(d):
        parents = np.flatnonzero(dag[:, j])
        freedom = n - 1 - len(parents)
        if freedom < 1:
            return math.nan
        contrast = np.zeros(d)
        contrast[j] = 1.0
        contrast[parents] = -np.linalg.lstsq(X[:, parents], X[:, j])[0]
        variance = float(((X @ contrast) ** 2).sum()) / freedom
        if variance <= 0:
            return math.nan
        unseen = float(contrast @ fit.covariance @ contrast)
        total -= 0.5 * (math.log(2 * math.pi * variance) + unseen / variance)
    return total
