"""The metrics, one table of name, function, direction and what it is. Called by `scoring`.

A graph is an int8 matrix in gadjid's encoding: 1 at [i, j] for i -> j, 2 at both [i, j] and [j, i] for i -- j.
Every function takes (estimate, truth, confidence); NaN means that the metric is not defined there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import gadjid
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

Graph = NDArray[np.int8]
Confidence = NDArray[np.float64] | None
NAN = float("nan")


def shd(estimate: Graph, truth: Graph) -> float:
    """Structural Hamming distance: pairs of variables whose edge differs (missing, extra, reversed: 1 each)."""
    differs = (estimate != truth) | (estimate.T != truth.T)
    return float(np.triu(differs, 1).sum())


def cpdag(dag: Graph) -> Graph:
    """The CPDAG of a DAG: its skeleton and v-structures, closed under Meek's rules 1 to 3 (Meek 1995).

    Rule 4 is needed only with background knowledge.
    """
    adjacent = (dag | dag.T) != 0
    apart = ~adjacent
    np.fill_diagonal(apart, False)
    arrow = np.zeros(dag.shape, dtype=bool)  # compelled i -> j
    for k in range(len(dag)):
        parents = np.flatnonzero(dag[:, k])
        arrow[parents[apart[np.ix_(parents, parents)].any(0)], k] = True
    while True:
        free = adjacent & ~arrow & ~arrow.T  # still undirected
        # R1: a -> b, b -- c, a and c not adjacent: b -> c.
        rule1 = (arrow.T.astype(np.int64) @ apart) > 0
        # R2: a -> b -> c, a -- c: a -> c.
        rule2 = (arrow.astype(np.int64) @ arrow) > 0
        new = free & (rule1 | rule2)
        # R3: a -- b, a -- c, a -- d, b -> d, c -> d, b and c not adjacent: a -> d.
        for a, d in np.argwhere(free & ~new):
            between = np.flatnonzero(free[a] & arrow[:, d])
            new[a, d] |= bool(apart[np.ix_(between, between)].any())
        if not new.any():
            return arrow.astype(np.int8) + 2 * free.astype(np.int8)
        arrow |= new


def _shd(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return shd(estimate, truth)


def _shd_cpdag(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return shd(estimate, cpdag(truth))


def _nnz(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return float(((estimate != 0) | (estimate.T != 0)).sum() / 2)


def _tpr(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    if not truth.any():
        return NAN
    return float(((estimate == 1) & (truth == 1)).sum() / truth.sum())


def _fdr(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return float(((estimate == 1) & (truth == 0)).sum() / max(1, (estimate == 1).sum()))


def _f1(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return _f_score(estimate == 1, truth == 1)


def _f1_skeleton(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return _f_score(np.triu((estimate | estimate.T) != 0), np.triu((truth | truth.T) != 0))


def _f_score(estimate: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    if not truth.any():
        return NAN
    return float(2 * (estimate & truth).sum() / (estimate.sum() + truth.sum()))


def _sid(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    return float(gadjid.sid(truth, estimate, edge_direction="from row to column")[1])


def _auprc(estimate: Graph, truth: Graph, confidence: Confidence) -> float:
    if confidence is None or not truth.any():
        return NAN
    pairs = ~np.eye(len(truth), dtype=bool)
    return float(average_precision_score(truth[pairs], confidence[pairs]))


@dataclass(frozen=True)
class Metric:
    """A column of ``trials.csv``. A metric that does not apply to CPDAG estimates is NaN there."""

    name: str
    function: Callable[[Graph, Graph, Confidence], float]
    better: Literal["lower", "higher", "neither"]
    applies_to: tuple[str, ...]
    meaning: str

    def __call__(self, kind: str, estimate: Graph, truth: Graph, confidence: Confidence) -> float:
        """The metric of an estimate of the given kind ("dag" or "cpdag") against the true DAG."""
        if kind not in self.applies_to:
            return NAN
        if self.name == "shd_cpdag" and kind == "dag":
            estimate = cpdag(estimate)
        return self.function(estimate, truth, confidence)


DAG, BOTH = ("dag",), ("dag", "cpdag")
METRICS = (
    Metric("shd", _shd, "lower", DAG, "structural Hamming distance to the true DAG"),
    Metric("shd_cpdag", _shd_cpdag, "lower", BOTH, "the same between the CPDAGs of estimate and truth"),
    Metric("tpr", _tpr, "higher", DAG, "share of true edges found with their direction"),
    Metric("fdr", _fdr, "lower", DAG, "share of estimated edges that are not true (reversed ones included)"),
    Metric("f1", _f1, "higher", DAG, "F1 of directed edges"),
    Metric("f1_skeleton", _f1_skeleton, "higher", BOTH, "F1 of edges, directions ignored"),
    Metric("nnz", _nnz, "neither", BOTH, "number of estimated edges"),
    Metric("auprc", _auprc, "higher", DAG, "area under precision-recall of the edge scores; needs no threshold"),
    Metric("sid", _sid, "lower", DAG, "structural intervention distance: wrong effects of i on j"),
)
