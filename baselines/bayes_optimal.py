"""`bayes-optimal`: the best answer there is, on average, for data of the benchmark's own prior; d <= 5.

Not a method to use but a line to measure by: every DAG is enumerated and weighed by its exact posterior probability
under the law that the data were drawn from, which no real user knows. Called through the registry.
"""

from functools import lru_cache
from itertools import combinations, permutations, product

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.method import Method
from baselines.registry import register

Array = NDArray[np.float64]

MOST_VARIABLES = 5
"""29,281 DAGs at d = 5; at d = 6 there would be 3.8 million."""
LOW, HIGH = 0.5, 2.0
"""|w| is uniform between these, of either sign."""


@register
class BayesOptimal(Method):
    """The DAG of least expected SHD under the exact posterior of raw ER graphs with unit Gaussian noise.

    Parameters
    ----------
    degree : float, default 1
        k of the ER-k graphs of the prior.
    """

    name = "bayes-optimal"
    package = "adag"
    license = "MIT"
    paper = "exact enumeration; see Yin, Gao & Yu 2025, arXiv:2506.18285 for the setting"
    assumes = ("linear", "gaussian", "equal-variance")
    randomness = "deterministic"
    most_variables = MOST_VARIABLES

    def __init__(self, *, degree: float = 1.0) -> None:
        self.degree = degree

    @property
    def training(self) -> str:
        """What it was told."""
        return f"told the law of the data: ER{self.degree:g}, |w| in (0.5, 2), noise N(0, 1), mean 0"

    def warm_up(self) -> None:
        """Import SciPy's integrals and enumerate the DAGs."""
        _points(MOST_VARIABLES - 1)
        _dags(MOST_VARIABLES)

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Sum over every DAG; `seed` is not needed."""
        d = X.shape[1]
        graphs, log_extensions = _dags(d)
        evidence = log_evidence(X)
        code = np.left_shift(1, np.arange(d))
        sets = np.einsum("gij,i->gj", graphs.astype(np.int64), code)  # parent set of j as a bit mask
        p = min(1.0 - 1e-12, 2.0 * self.degree / (d - 1))
        edges = graphs.sum((1, 2))
        prior = log_extensions + edges * np.log(p) + (d * (d - 1) // 2 - edges) * np.log1p(-p)
        log_posterior = prior + evidence[np.arange(d), sets].sum(1)
        posterior = np.exp(log_posterior - log_posterior.max())
        posterior /= posterior.sum()
        probability = np.einsum("g,gij->ij", posterior, graphs)
        return CausalGraph(graphs[least_expected(graphs, probability)], confidence=probability)


def least_expected(graphs: NDArray[np.int8], probability: Array) -> int:
    """Index of the graph of least expected SHD, given P(i -> j) of shape (d, d): all graphs are tried."""
    none = 1.0 - probability - probability.T
    gain = probability - none  # of an edge over leaving its pair empty
    return int(np.einsum("gij,ij->g", graphs, gain).argmax())


def log_evidence(X: Array, log2_points: int = 10) -> Array:
    """Log marginal likelihood of each variable given each set of parents, the weights integrated out.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        Samples of mean 0 and noise variance 1, as simulated.
    log2_points : int
        Of the sequence of points that an integral over two weights or more is the mean of.

    Returns
    -------
    ndarray, shape (d, 2 ** d)
        ``[j, mask]``, up to a constant in the mask; -inf where j is its own parent.
    """
    d = X.shape[1]
    gram = X.T @ X
    table = np.full((d, 2**d), -np.inf)
    for j in range(d):
        others = [i for i in range(d) if i != j]
        for size in range(d):
            for parents in combinations(others, size):
                table[j, sum(1 << i for i in parents)] = _log_integral(gram, j, list(parents), log2_points)
    return table


def _log_integral(gram: Array, j: int, parents: list[int], log2_points: int) -> float:
    """Log of the mean over the prior's weights w of ``exp(-|x_j - X_S w|^2 / 2)``."""
    k = len(parents)
    if k == 0:
        return float(-0.5 * gram[j, j])
    inner = gram[np.ix_(parents, parents)]
    inner = inner + 1e-9 * np.trace(inner) / k * np.eye(k)  # fewer samples than parents
    mean = np.linalg.solve(inner, gram[parents, j])
    left = gram[j, j] - gram[parents, j] @ mean
    signs = np.array(list(product((1.0, -1.0), repeat=k)))
    low, high = np.where(signs > 0, LOW, -HIGH), np.where(signs > 0, HIGH, -LOW)
    inside = boxes(low - mean, high - mean, np.linalg.cholesky(np.linalg.inv(inner)), log2_points).sum()
    density = -k * np.log(2.0 * (HIGH - LOW))
    volume = 0.5 * k * np.log(2.0 * np.pi) - 0.5 * np.linalg.slogdet(inner)[1]
    return float(-0.5 * left + density + volume + np.log(max(inside, 1e-300)))


def boxes(low: Array, high: Array, factor: Array, log2_points: int = 10) -> Array:
    """Probability that a normal vector of mean 0 lies in each of some boxes.

    One variable after the other, given those before (Genz 1992), averaged over a fixed Sobol sequence: the same
    answer every time, which SciPy's own integral cannot promise, and small probabilities keep their digits.

    Parameters
    ----------
    low, high : ndarray, shape (boxes, k)
        Corners.
    factor : ndarray, shape (k, k)
        Lower Cholesky factor of the covariance.
    log2_points : int
        Of the sequence.
    """
    from scipy.special import ndtr, ndtri

    k = len(factor)
    u = _points(k, log2_points)
    y = np.zeros((len(low), u.shape[0], k))
    inside = np.ones((len(low), u.shape[0]))
    for i in range(k):
        shift = y[..., :i] @ factor[i, :i]
        a = (low[:, i, None] - shift) / factor[i, i]
        b = (high[:, i, None] - shift) / factor[i, i]
        flip = a > 0  # the lower tail has digits that the upper one has not
        below, above = ndtr(np.where(flip, -b, a)), ndtr(np.where(flip, -a, b))
        inside *= above - below
        inner = ndtri(np.clip(below + u[:, i] * (above - below), 1e-300, 1.0 - 1e-16))
        y[..., i] = np.where(flip, -inner, inner)
    return inside.mean(1)


@lru_cache
def _points(k: int, log2: int = 10) -> Array:
    """A Sobol sequence in k dimensions, the last of which is never looked at; one point will do for one."""
    if k == 1:
        return np.full((1, 1), 0.5)
    from scipy.stats import qmc

    return qmc.Sobol(k, scramble=False).random_base2(log2) + 2.0 ** -(log2 + 1)


@lru_cache
def _dags(d: int) -> tuple[NDArray[np.int8], Array]:
    """Every DAG of d variables, shape (count, d, d), with the log share of the d! orders that each agrees with.

    A random order applied to a random undirected graph makes a DAG in proportion to that share.
    """
    pairs = list(combinations(range(d), 2))
    states = np.array(list(product((0, 1, 2), repeat=len(pairs))), dtype=np.int8)
    graphs = np.zeros((len(states), d, d), dtype=np.int8)
    for column, (i, j) in enumerate(pairs):
        graphs[:, i, j] = states[:, column] == 1
        graphs[:, j, i] = states[:, column] == 2
    agreeing = np.zeros(len(graphs))
    total = 0
    for order in permutations(range(d)):
        rank = np.argsort(order)
        backward = rank[:, None] > rank[None, :]
        agreeing += ~(graphs & backward).any((1, 2))
        total += 1
    acyclic = agreeing > 0
    return graphs[acyclic], np.log(agreeing[acyclic] / total)
