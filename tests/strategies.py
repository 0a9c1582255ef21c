"""Random graphs for Hypothesis: DAGs, and a true one beside an estimate. Used by the tests of all rooms."""

from typing import Literal, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Graph = NDArray[np.int8]
Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]
LEVELS = (128, 64, 160, 32, 96, 192, 0, 256)
"""An edge is where a random byte is below the level: no edge at 0, all at 256."""
ORDERS: tuple[Literal["same", "opposite", "another"], ...] = ("same", "opposite", "another")


class Pair(NamedTuple):
    """A truth and an estimate over the same variables; every matrix is (d, d)."""

    truth: Graph
    estimate: Graph
    A: Array
    """True weights, 0 off the true edges."""
    weights: Array
    """Estimated weights, of pairs without an estimated edge too."""
    scores: Array
    """Scores of the edges, many of them tied."""


@st.composite
def dags(draw: st.DrawFn, least: int = 2, most: int = 8) -> Graph:
    """DAGs of any density over `least` to `most` variables in any order; 1 at [i, j] for i -> j."""
    d, level = draw(st.integers(least, most)), draw(st.sampled_from(LEVELS))
    noise = _bytes(draw, (d + 1) * d).reshape(d + 1, d)
    return _dag(noise[1:], level, noise[0].argsort(kind="stable"))


@st.composite
def graph_pairs(draw: st.DrawFn) -> Pair:
    """A true DAG and an estimated one of 2 to 8 variables: of one order, of opposite orders, or of unrelated ones."""
    d = draw(st.integers(2, 8))
    levels = draw(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)))
    orders = draw(st.sampled_from(ORDERS))
    # One draw of bytes: a draw for each number takes longer than all metrics, and Hypothesis likes to repeat one draw
    # in the place of another, so that every third estimate would be the truth.
    noise = _bytes(draw, 2 * d + 5 * d * d)
    first, other = noise[: 2 * d].reshape(2, d).argsort(axis=1, kind="stable")
    second = {"same": first, "opposite": first[::-1], "another": other}[orders]
    edges, found, A, weights, scores = noise[2 * d :].reshape(5, d, d)
    truth, estimate = _dag(edges, levels[0], first), _dag(found, levels[1], second)
    return Pair(truth, estimate, _numbers(A) * truth, _numbers(weights), scores % 5 / 4.0)


def _bytes(draw: st.DrawFn, count: int) -> Bytes:
    return np.frombuffer(draw(st.binary(min_size=count, max_size=count)), dtype=np.uint8)


def _dag(noise: Bytes, level: int, order: NDArray[np.intp]) -> Graph:
    rank = order.argsort()
    return ((noise < level) & (rank[:, None] < rank)).astype(np.int8)


def _numbers(noise: Bytes) -> Array:
    return noise.view(np.int8) / 16.0
