"""Local search from the network's graph, under the data's likelihood with the network's log-odds as the prior.

With many samples the data say more than a network of fixed precision can; the search lets them overrule it, and with
few it stays with the network. Called by `adag.estimator`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

LIKELIHOOD_SHARE = 0.5
"""Exponent of the likelihood once n >= d: the network's odds have seen the same data, so it counts for half."""
LEAST_PROBABILITY = 1e-5
"""The network is never taken to be surer than this: the data can overrule it."""
_NEGLIGIBLE = 1e-9


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
    moves : int
        Edges added, removed or reversed.
    """

    adjacency: NDArray[np.int8]
    probability: Array
    equal_variances: bool
    moves: int


def refine(probability: Array, covariance: Array, n: int, adjacency: NDArray[np.int8]) -> Refinement:
    """Climb from `adjacency` by single edges to a local optimum of the penalised likelihood.

    The score of a DAG is ``c log L - k/2 log n + sum over its k edges of log(P_ij / P_none)``, where L is the Gaussian
    likelihood of the data at its maximum over weights and variances, and c is 0.5 (half of that for n = d / 2,
    and so on: below n = d the likelihood of a large parent set means little).

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
    """
    d = len(covariance)
    start = np.asarray(adjacency) != 0
    none = np.clip(1.0 - probability - probability.T, LEAST_PROBABILITY, 1.0)
    prior = np.log(np.clip(probability, LEAST_PROBABILITY, 1.0) / none) - 0.5 * np.log(n)
    share = LIKELIHOOD_SHARE * min(1.0, n / d)
    # The score with free variances does not depend on units; unit variances keep the arithmetic well scaled.
    std = np.sqrt(np.diagonal(covariance))
    scaled = covariance / np.outer(std, std)
    equal, edges, moves = variances_look_equal(covariance, n, start), start, 0
    if not equal:
        search = _Search(scaled, n, start, prior, share, equal=False)
        moves, edges = search.climb(limit=4 * d * d), search.edges
        equal = variances_look_equal(covariance, n, edges)  # edges that were wrong may have made them look unequal
    if equal:
        search = _Search(covariance, n, edges, prior, share, equal=True)
        moves += search.climb(limit=4 * d * d)
    changed = search.edges != start
    changed |= changed.T
    mixed = np.where(changed, 0.5 * (probability + search.local_probability()), probability)
    return Refinement(search.edges.astype(np.int8), mixed, equal, moves)


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
    gram = covariance[np.ix_(inside, inside)] + _NEGLIGIBLE * np.diag(np.diagonal(covariance)[inside])
    explained = covariance[inside, j] @ np.linalg.solve(gram, covariance[inside, j])
    return max(own - float(explained), 1e-12 * own)


class _Search:
    """Greedy hill climbing over DAGs; every gain is a closed form of one regression a variable.

    ``change[i, j]`` is what toggling i -> j does to the residual variance of j; only the columns whose parents have
    changed are computed again after a move.
    """

    def __init__(self, covariance: Array, n: int, edges: Bools, prior: Array, share: float, equal: bool) -> None:
        self.covariance, self.n, self.d = covariance, n, len(covariance)
        self.edges, self.prior, self.share, self.equal = edges.copy(), prior, share, equal
        self.residual = np.empty(self.d)
        self.change = np.zeros((self.d, self.d))
        for j in range(self.d):
            self._regress(j)

    def climb(self, limit: int) -> int:
        """Make the best move until none raises the score; the number of moves."""
        for moves in range(limit):
            toggle, reverse = self.gains()
            may_toggle, may_reverse = self._allowed()
            toggle = np.where(may_toggle, toggle, -np.inf)
            reverse = np.where(may_reverse, reverse, -np.inf)
            best_toggle, best_reverse = int(toggle.argmax()), int(reverse.argmax())
            if max(toggle.flat[best_toggle], reverse.flat[best_reverse]) <= _NEGLIGIBLE:
                return moves
            if toggle.flat[best_toggle] >= reverse.flat[best_reverse]:
                i, j = divmod(best_toggle, self.d)
                self.edges[i, j] ^= True
                self._regress(j)
            else:
                i, j = divmod(best_reverse, self.d)
                self.edges[i, j], self.edges[j, i] = False, True
                self._regress(i)
                self._regress(j)
        return limit

    def gains(self) -> tuple[Array, Array]:
        """What toggling i -> j, and reversing i -> j (where it is an edge), adds to the score; both (d, d)."""
        both = self.change + self.change.T
        if self.equal:
            total = self.residual.sum()
            toggle, reverse = (-self.d * np.log1p(np.maximum(c / total, -1 + _NEGLIGIBLE)) for c in (self.change, both))
        else:
            toggle = -np.log1p(np.maximum(self.change / self.residual, -1 + _NEGLIGIBLE))
            reverse = toggle + toggle.T
        prior = np.where(self.edges, -self.prior, self.prior)
        half = 0.5 * self.n * self.share
        return half * toggle + prior, half * reverse + prior + prior.T

    def local_probability(self) -> Array:
        """P(i -> j) given all other edges as they are: what the best single move says of each pair; (d, d)."""
        toggle, reverse = self.gains()
        edges = self.edges
        joined = edges | edges.T
        # Relative to the present state (log-odds 0) of each pair: its other states that are one move away.
        odds = np.where(edges, 0.0, np.where(edges.T, reverse.T, toggle))
        none = np.where(edges, toggle, np.where(edges.T, toggle.T, 0.0))
        odds, none = np.minimum(odds, 0.0), np.minimum(none, 0.0)  # a better state that would close a cycle
        np.fill_diagonal(odds, -np.inf)
        other = np.where(joined, odds.T, np.minimum(toggle.T, 0.0))
        np.fill_diagonal(other, -np.inf)
        return np.exp(odds) / (np.exp(odds) + np.exp(other) + np.exp(none))

    def _allowed(self) -> tuple[Bools, Bools]:
        """Which toggles and which reversals leave the graph acyclic."""
        reach = self._reachability()
        toggles = self.edges | (~self.edges.T & ~reach.T)
        np.fill_diagonal(toggles, False)
        # i -> j may be turned unless another path leads from i to j; the product counts the children of i that do.
        through = self.edges.astype(np.float32) @ reach.astype(np.float32) - self.edges
        return toggles, self.edges & (through < 0.5)

    def _reachability(self) -> Bools:
        """Reflexive transitive closure by repeated squaring."""
        reach = (self.edges | np.eye(self.d, dtype=bool)).astype(np.float32)
        length = 1
        while length < self.d:
            reach = np.minimum(reach @ reach, 1.0)
            length *= 2
        return reach > 0

    def _regress(self, j: int) -> None:
        """Residual variance of j on its parents, and what each single change of the parents would do to it."""
        C = self.covariance
        parents = np.flatnonzero(self.edges[:, j])
        own = C[j, j]
        left = np.diagonal(C)
        partial = C[:, j]
        self.residual[j] = own
        if len(parents):
            gram = C[np.ix_(parents, parents)] + _NEGLIGIBLE * np.diag(np.diagonal(C)[parents])
            inverse = np.linalg.inv(gram)
            weights = inverse @ C[parents, j]
            self.residual[j] = max(own - C[parents, j] @ weights, 1e-12 * own)
            left = left - np.einsum("ki,ki->i", C[parents], inverse @ C[parents])
            partial = partial - weights @ C[parents]
        change = -np.square(partial) / np.maximum(left, 1e-12 * np.diagonal(C))
        if len(parents):
            change[parents] = np.square(weights) / np.diagonal(inverse)
        change[j] = 0.0
        self.change[:, j] = np.maximum(change, -(1 - _NEGLIGIBLE) * self.residual[j])
