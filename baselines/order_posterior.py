"""The posterior of a linear SEM's edges when its causal order is known, by sampling. Called by `oracle_order_bayes`.

Given the order, every variable is a regression on those before it, and each has nothing to do with the others. Its
posterior has two layers: which of the weights are zero (2 ** predecessors sets: half a million for the last of twenty
variables), and, for each set, a normal density cut to the boxes of the law of the weights, which has no closed form.
Both are sampled together, all variables and many chains at once; tests hold the answer against enumeration.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LOW, HIGH = 0.5, 2.0
"""|w| of an edge is uniform between these, of either sign."""
RUNG = 2.2
"""Ratio of neighbouring powers of the likelihood: near enough for chains to change places."""
WITHIN_BOX = 12.0 / (HIGH - LOW) ** 2
"""One over the variance of |w|: how stiff a direction of `_along_ridges` is that the data say nothing about."""


class EdgePosterior(NamedTuple):
    """What is known of the edges after the data."""

    probability: Array
    """P(i -> j), shape (d, d)."""
    weights: Array
    """E[w of i -> j, if there is the edge], shape (d, d); 0 where no sample had it."""


def edge_posterior(X: Array, p: float, *, sweeps: int, chains: int, rng: np.random.Generator) -> EdgePosterior:
    """Probability and mean weight of every edge, for variables in causal order.

    A Gibbs sampler. A sweep draws every weight anew given all others of its variable (zero or not, sign and size at
    once, from the exact law); then an edge may change its cause for another, given the rest; then all weights of a
    variable move together along a line. The last two are for causes that are nearly collinear, where one weight
    at a time would be slow. Chains at lower powers of the likelihood run beside them and change places with them
    (parallel tempering), each variable by itself. The first quarter of the sweeps is left out.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        Samples of mean 0 and noise variance 1, columns in causal order.
    p : float
        Probability that a variable is a cause of a later one, between 0 and 1, independently for all pairs.
    sweeps, chains : int
        More are nearer to the exact answer; so many chains at each power of `ladder`.
    rng : Generator
        For all draws.
    """
    d = X.shape[1]
    gram = X.T @ X
    odds = float(np.log(p) - np.log1p(-p))
    later = np.triu(np.ones((d, d), dtype=bool), 1)
    power = np.repeat(ladder(gram), chains)
    W = np.zeros((len(power), d, d))
    probability, total, count = (np.zeros((d, d)) for _ in range(3))
    burn_in = sweeps // 4
    for sweep in range(sweeps):
        chance = _one_by_one(W, power, gram, odds, rng)
        _swapped(W, power, gram, later, rng)
        if sweep % 3 == 0:
            _along_ridges(W, power, X, rng)
        _exchanged(W, power, gram, chains, sweep % 2, rng)
        if sweep >= burn_in:
            probability += chance[:chains].mean(0)
            total += W[:chains].sum(0)
            count += (W[:chains] != 0).sum(0)
    weights = np.divide(total, count, out=np.zeros((d, d)), where=count > 0)
    return EdgePosterior(probability / (sweeps - burn_in), weights)


def ladder(gram: Array) -> Array:
    """Powers of the likelihood at which chains run beside those that count: they cross from one mode to another.

    At the least of them the median variable's weight, given all others, is as free as its law: only there can an edge
    enter while others that are nearly collinear with it stay as they are.
    """
    least = min(0.05, 2.0 / float(np.median(np.diagonal(gram))))
    return np.asarray(np.geomspace(1.0, least, 1 + int(np.ceil(-np.log(least) / np.log(RUNG)))))


def _exchanged(W: Array, power: Array, gram: Array, chains: int, first: int, rng: np.random.Generator) -> None:
    """Let chains of neighbouring powers change places, variable by variable, by the ratio of their likelihoods."""
    fit = np.einsum("ckj,ckj->cj", W, gram - 0.5 * gram @ W)
    steps = len(power) // chains
    W, fit, power = (part.reshape(steps, chains, *part.shape[1:]) for part in (W, fit, power))
    for k in range(first, steps - 1, 2):
        ratio = (power[k] - power[k + 1])[:, None] * (fit[k + 1] - fit[k])
        c, j = np.nonzero(np.log(rng.random(ratio.shape)) < ratio)
        W[k, c, :, j], W[k + 1, c, :, j] = W[k + 1, c, :, j].copy(), W[k, c, :, j].copy()


def _one_by_one(W: Array, power: Array, gram: Array, odds: float, rng: np.random.Generator) -> Array:
    """Draw every weight given the others of its effect; the chance that each had of being an edge."""
    from scipy.special import expit

    chance = np.zeros(W.shape)
    for i in rng.permutation(W.shape[1] - 1):
        own = W[:, i, i + 1 :]
        # What is left of the effects when all other causes are taken off, times the cause.
        slope = gram[i, i + 1 :] - gram[i] @ W[:, :, i + 1 :] + gram[i, i] * own
        slope, curvature = power[:, None] * slope, power[:, None] * gram[i, i]
        negative, positive = _log_mass(curvature, slope)
        chance[:, i, i + 1 :] = expit(odds + np.logaddexp(negative, positive))
        edge = rng.random(own.shape) < chance[:, i, i + 1 :]
        W[:, i, i + 1 :] = np.where(edge, _weight(curvature, slope, negative, positive, rng), 0.0)
    return chance


def _swapped(W: Array, power: Array, gram: Array, later: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Of one edge into every variable, draw the cause anew: it, or any variable that is no cause, by their evidence."""
    edges = W != 0
    # One of the edges into j, each as likely; where there is none, nothing is taken and nothing will be put back.
    taken = (rng.random(W.shape) * edges).argmax(1)
    c, j = np.nonzero(edges.any(1))
    W[c, taken[c, j], j] = 0.0
    rest = W[c, :, j]  # (m, d), a row a chain and effect
    row, cause = np.nonzero(later[:, j].T & (rest == 0))  # who may take the place
    slope = power[c][row] * (gram[:, j].T - rest @ gram)[row, cause]
    curvature = power[c][row] * np.diagonal(gram)[cause]
    negative, positive = _log_mass(curvature, slope)
    evidence = np.full(rest.shape, -np.inf)
    evidence[row, cause] = np.logaddexp(negative, positive) + rng.gumbel(size=len(row))
    new = evidence.argmax(1)
    won = cause == new[row]  # in the order of the rows, one each
    W[c, new, j] = _weight(curvature[won], slope[won], negative[won], positive[won], rng)


def _along_ridges(W: Array, power: Array, X: Array, rng: np.random.Generator) -> None:
    """Move all weights of a variable along a random line, as far as all keep their signs and sizes in the law's range.

    Lines lie along what the data cannot tell apart: their directions are draws from the normal law whose precision is
    that of the data, which depends on which edges there are but not on the weights.
    """
    chains, d, _ = W.shape
    n, gram = len(X), X.T @ X
    part = power[:, None, None]
    w = W.transpose(0, 2, 1)  # (chain, effect, cause)
    edges = w != 0
    both = edges[..., :, None] & edges[..., None, :]
    stiff = np.where(both, part[..., None] * gram, 0.0) + np.eye(d) * np.where(edges, WITHIN_BOX, 1.0)[..., None]
    noise = np.sqrt(part) * (rng.normal(size=(chains, d, n)) @ X) + np.sqrt(WITHIN_BOX) * rng.normal(size=w.shape)
    line = np.linalg.solve(stiff, np.where(edges, noise, 0.0)[..., None])[..., 0] * edges
    curvature = power[:, None] * np.einsum("cjk,cjk->cj", line @ gram, line)
    slope = power[:, None] * np.einsum("cjk,cjk->cj", gram - w @ gram, line)
    size, step = np.abs(w), line * np.sign(w)
    with np.errstate(divide="ignore", invalid="ignore"):
        to_low, to_high = (LOW - size) / step, (HIGH - size) / step
    first = np.where(step != 0, np.minimum(to_low, to_high), -np.inf).max(-1)
    last = np.where(step != 0, np.maximum(to_low, to_high), np.inf).min(-1)
    moving = (curvature > 0) & (first < last) & np.isfinite(first) & np.isfinite(last)
    c, j = np.nonzero(moving)
    a, b = curvature[c, j], slope[c, j]
    t = _cut_normal(b / a, 1.0 / np.sqrt(a), first[c, j], last[c, j], rng)
    moved = size[c, j] + t[:, None] * step[c, j]
    W[c, :, j] = np.where(edges[c, j], np.sign(w[c, j]) * moved.clip(LOW, HIGH), 0.0)


def _log_mass(curvature: Array | float, slope: Array) -> tuple[Array, Array]:
    """Log evidence for an edge of negative and of positive weight, against none.

    The mean of ``exp(slope w - curvature w^2 / 2)`` under the law of w, its two sides apart.
    """
    spread = 1.0 / np.sqrt(curvature)
    centre = slope / curvature
    scale = 0.5 * slope * centre + np.log(spread) + 0.5 * np.log(2.0 * np.pi) - np.log(2.0 * (HIGH - LOW))
    sides = (_log_between((LOW - m) / spread, (HIGH - m) / spread)[2] for m in (-centre, centre))
    negative, positive = sides
    return scale + negative, scale + positive


def _weight(
    curvature: Array | float, slope: Array, negative: Array, positive: Array, rng: np.random.Generator
) -> Array:
    """A weight of either sign, given that there is the edge."""
    from scipy.special import expit

    sign = np.where(rng.random(slope.shape) < expit(positive - negative), 1.0, -1.0)
    low, high = np.full(slope.shape, LOW), np.full(slope.shape, HIGH)
    return sign * _cut_normal(sign * slope / curvature, 1.0 / np.sqrt(curvature), low, high, rng)


def _cut_normal(mean: Array, std: Array | float, low: Array, high: Array, rng: np.random.Generator) -> Array:
    """Draw from normal laws cut to intervals, however far from the mean these lie."""
    from scipy.special import ndtri_exp

    a, b = (low - mean) / std, (high - mean) / std
    log_a, log_b, _ = _log_between(a, b)
    u = rng.random(a.shape)
    ratio = np.exp(log_a - log_b)
    z = ndtri_exp(np.minimum(log_b + np.log(ratio + u * (1.0 - ratio)), -1e-300))
    return np.clip(mean + std * np.where(a > 0, -z, z), low, high)


def _log_between(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """Logs of the normal distribution function at both ends, turned to its lower tail if a > 0, and of the mass."""
    from scipy.special import log_ndtr

    flip = a > 0  # the lower tail has digits that the upper one has not
    log_a, log_b = log_ndtr(np.where(flip, -b, a)), log_ndtr(np.where(flip, -a, b))
    with np.errstate(divide="ignore"):
        mass = log_b + np.log1p(-np.exp(log_a - log_b))
    return log_a, log_b, mass
