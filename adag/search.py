"""Greedy search over DAGs by single edges under a penalised likelihood; every gain comes of one regression a variable.

Called by `adag.refine`, which chooses the likelihood.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEGLIGIBLE = 1e-9
MOST_ROWS = 2_000
"""So many rows, evenly spaced, are enough to tell the shape of the noise."""
NEGENTROPY_WEIGHT = 2.0
"""Factor on the approximation of `negentropy`, which is a fraction of the truth where noise has sharp edges."""
_LOG_COSH_OF_NORMAL = 0.37457
_K1, _K2 = 79.047, 7.4129


def negentropy(residuals: Array) -> Array:
    """How far each centred column (n rows) is from Gaussian: entropy below that of a normal of its variance, in nats.

    The approximation of Hyvärinen (1998) by two moments, E[log cosh u] and E[u exp(-u^2 / 2)], with the constants of
    DirectLiNGAM (Hyvärinen & Smith 2013, eq. 13). For n Gaussian samples, n times it has mean and variance about 1.
    """
    u = residuals / np.sqrt(np.maximum(np.square(residuals).mean(0), 1e-300))
    size = np.abs(u)
    log_cosh = (size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0)).mean(0)
    odd = (u * np.exp(-0.5 * np.square(u))).mean(0)
    found: Array = _K1 * np.square(log_cosh - _LOG_COSH_OF_NORMAL) + _K2 * np.square(odd)
    return found


@dataclass(frozen=True)
class Score:
    """What a DAG is worth: ``share * log L + sum over its edges of prior``.

    Attributes
    ----------
    covariance : ndarray, shape (d, d)
        Sample covariance.
    n : int
        Number of samples.
    prior : ndarray, shape (d, d)
        Log-odds of each edge.
    share : float
        Exponent of the likelihood.
    equal : bool
        One noise variance for all variables, or one for each.
    samples : ndarray, shape (rows, d), optional
        All or some of the n, centred, in the units of `covariance`. With them the likelihood is that of noise of any
        shape: the Gaussian one plus the `negentropy` of the residuals, in as many rows; without, Gaussian.
    log_scale : float
        Sum of the logarithms of the standard deviations that the variables were divided by, for a value in the units
        they had.
    """

    covariance: Array
    n: int
    prior: Array
    share: float
    equal: bool
    samples: Array | None = None
    log_scale: float = 0.0

    @property
    def rows(self) -> int:
        """Samples in which the shape of the noise is seen."""
        return 0 if self.samples is None else len(self.samples)


class Search:
    """A DAG and what every single change of it would do to its score; it climbs.

    ``change[i, j]`` is what toggling i -> j does to the residual variance of j, ``reshape[i, j]`` what it does to the
    negentropy of j's residual; only the columns whose parents have changed are computed again after a move.
    """

    def __init__(self, score: Score, edges: Bools) -> None:
        self.of, self.d, self.edges = score, len(score.covariance), edges.copy()
        self.residual, self.shape = np.empty(self.d), np.zeros(self.d)
        self.change, self.reshape = np.zeros((self.d, self.d)), np.zeros((self.d, self.d))
        for j in range(self.d):
            self._regress(j)

    def moved(self, edges: Bools) -> "Search":
        """The same search at another DAG; what they have in common is not computed again."""
        other = object.__new__(Search)
        other.of, other.d, other.edges = self.of, self.d, edges.copy()
        other.residual, other.shape = self.residual.copy(), self.shape.copy()
        other.change, other.reshape = self.change.copy(), self.reshape.copy()
        other._follow(self.edges)
        return other

    def _follow(self, before: Bools) -> None:
        """Bring up to date what the edges have changed since."""
        for j in np.flatnonzero((before != self.edges).any(0)):
            self._regress(int(j))

    def value(self) -> float:
        """The score of the DAG, up to a constant that is the same for one noise variance and for many."""
        s = self.of
        spread = self.d * np.log(self.residual.mean()) if s.equal else np.log(self.residual).sum()
        likelihood = s.rows * self.shape.sum() - s.n * (0.5 * spread + s.log_scale)
        return float(s.share * likelihood + s.prior[self.edges].sum())

    def climb(self) -> int:
        """Make the best move until none raises the score; the number of moves.

        Where a variable has as many parents as there are samples nothing is left of it, and what a move is worth drowns
        in rounding: a move that did not raise the score is the last one, and is taken back.
        """
        limit, value = 4 * self.d * self.d, self.value()
        for moves in range(limit):
            toggle, reverse = self.gains()
            may_toggle, may_reverse = self._allowed()
            toggle = np.where(may_toggle, toggle, -np.inf)
            reverse = np.where(may_reverse, reverse, -np.inf)
            best_toggle, best_reverse = int(toggle.argmax()), int(reverse.argmax())
            if max(toggle.flat[best_toggle], reverse.flat[best_reverse]) <= NEGLIGIBLE:
                return moves
            before = self.edges.copy()
            if toggle.flat[best_toggle] >= reverse.flat[best_reverse]:
                i, j = divmod(best_toggle, self.d)
                self.edges[i, j] ^= True
            else:
                i, j = divmod(best_reverse, self.d)
                self.edges[i, j], self.edges[j, i] = False, True
            self._follow(before)
            if (raised := self.value()) <= value:
                mistaken, self.edges = self.edges, before
                self._follow(mistaken)
                return moves
            value = raised
        return limit

    def gains(self) -> tuple[Array, Array]:
        """What toggling i -> j, and reversing i -> j (where it is an edge), adds to the score; both (d, d)."""
        s = self.of
        if s.equal:
            both = self.change + self.change.T
            total = self.residual.sum()
            toggle, reverse = (
                -0.5 * self.d * np.log1p(np.maximum(c / total, -1 + NEGLIGIBLE)) for c in (self.change, both)
            )
        else:
            toggle = -0.5 * np.log1p(np.maximum(self.change / self.residual, -1 + NEGLIGIBLE))
            reverse = toggle + toggle.T
        prior = np.where(self.edges, -s.prior, s.prior)
        reshape = s.rows * self.reshape
        return (
            s.share * (s.n * toggle + reshape) + prior,
            s.share * (s.n * reverse + reshape + reshape.T) + prior + s.prior.T,
        )

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
        """Residual variance (and shape) of j on its parents, and what each single change of the parents would do."""
        C, Z = self.of.covariance, self.of.samples
        parents = np.flatnonzero(self.edges[:, j])
        own = C[j, j]
        left, partial = np.diagonal(C), C[:, j]
        self.residual[j] = own
        if len(parents):
            gram = C[np.ix_(parents, parents)] + NEGLIGIBLE * np.diag(np.diagonal(C)[parents])
            inverse = np.linalg.inv(gram)
            weights = inverse @ C[parents, j]
            self.residual[j] = max(own - C[parents, j] @ weights, 1e-12 * own)
            left = left - np.einsum("ki,ki->i", C[parents], inverse @ C[parents])
            partial = partial - weights @ C[parents]
        left = np.maximum(left, 1e-12 * np.diagonal(C))
        change = -np.square(partial) / left
        step = -partial / left  # the residual moves by so much of i's own residual on the parents
        if len(parents):
            change[parents] = np.square(weights) / np.diagonal(inverse)
            step[parents] = weights / np.diagonal(inverse)
        change[j] = 0.0
        self.change[:, j] = np.maximum(change, -(1 - NEGLIGIBLE) * self.residual[j])
        if Z is None:
            return
        residual, along = Z[:, j], Z
        if len(parents):
            residual = residual - Z[:, parents] @ weights
            along = Z - Z[:, parents] @ (inverse @ C[parents])
            along[:, parents] = Z[:, parents] @ inverse  # of a parent: its residual on the others, over its variance
        step[j] = 0.0
        shapes = NEGENTROPY_WEIGHT * negentropy(residual[:, None] + along * step)
        self.shape[j] = shapes[j]
        self.reshape[:, j] = shapes - shapes[j]


def perturbed(start: Search, tries: int, seed: int = 0) -> Search:
    """Iterated local search: put a variable elsewhere in the order, turn its edges to fit, climb; keep what is better.

    Parameters
    ----------
    start : Search
        At a local optimum.
    tries : int
        How often; each costs about as much as the climb to `start`.
    seed : int
        Of the variables and places. Variables are counted by how much they correlate with the others, so that the
        answer does not depend on the order in which they are given.
    """
    best, value = start, start.value()
    std = np.sqrt(np.diagonal(start.of.covariance))
    counted = np.argsort(np.abs(start.of.covariance / np.outer(std, std)).sum(0), kind="stable")
    rng = np.random.default_rng(seed)
    for _ in range(tries):
        order = _topological(best.edges, np.argsort(counted))
        variable = int(counted[rng.integers(best.d)])
        order.remove(variable)
        order.insert(int(rng.integers(best.d)), variable)
        rank = np.argsort(order)
        turned = (best.edges | best.edges.T) & (rank[:, None] < rank[None, :])
        if (turned == best.edges).all():
            continue
        other = best.moved(turned)
        other.climb()
        if other.value() > value + NEGLIGIBLE:
            best, value = other, other.value()
    return best


def _topological(edges: Bools, place: NDArray[np.int64]) -> list[int]:
    """The variables, causes first; of those that could be next, the one with the least `place`."""
    waiting, order = edges.sum(0), []
    ready = [(int(place[j]), int(j)) for j in np.flatnonzero(waiting == 0)]
    heapq.heapify(ready)
    while ready:
        _, j = heapq.heappop(ready)
        order.append(j)
        for child in np.flatnonzero(edges[j]):
            waiting[child] -= 1
            if not waiting[child]:
                heapq.heappush(ready, (int(place[child]), int(child)))
    return order
