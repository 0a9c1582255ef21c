"""The metrics, one table of name, function, direction and what it is. Called by `scoring`.

A graph is an int8 matrix in gadjid's encoding: 1 at [i, j] for i -> j, 2 at both [i, j] and [j, i] for i -- j.
Every function takes a `Case`; NaN means that the metric is not defined there. ``python benchmarks/score.py RUN`` adds
a metric to an old run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import gadjid
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from adag.acyclicity import is_acyclic
from benchmarks.equivalence import Graph, consistent_extension, cpdag, is_cpdag
from benchmarks.likelihood import Fit, held_out_loglik

Confidence = NDArray[np.float64] | None
Weights = NDArray[np.float64] | None
NAN = float("nan")
ROWS = "from row to column"
"""gadjid's name for 1 at [i, j] meaning i -> j."""


class Case(NamedTuple):
    """An estimate beside the truth; None for what the method or the data set does not have."""

    estimate: Graph
    truth: Graph
    confidence: Confidence = None
    weights: Weights = None
    """Estimated weights."""
    A: Weights = None
    """True weights, in the units of the data."""
    fit: Fit | None = None
    """The samples and their population covariance."""


class Counts(NamedTuple):
    """True positives, estimated edges, true edges, true non-edges: what the shares below are made of."""

    hits: int
    found: int
    edges: int
    non_edges: int


def shd(estimate: Graph, truth: Graph) -> float:
    """Structural Hamming distance: pairs of variables whose edge differs (missing, extra, reversed: 1 each)."""
    differs = (estimate != truth) | (estimate.T != truth.T)
    return float(np.triu(differs, 1).sum())


def _skeleton(graph: Graph) -> NDArray[np.bool_]:
    return np.triu((graph != 0) | (graph.T != 0), 1)


def directed(case: Case) -> Counts:
    """Counts of edges with their direction; a reversed edge is a false one.

    Non-edges are pairs of variables without an edge, not ordered pairs: so `fpr` is that of NOTEARS and gcastle.
    """
    return _counts(case.estimate == 1, case.truth == 1)


def undirected(case: Case) -> Counts:
    """Counts of edges whatever their direction."""
    return _counts(_skeleton(case.estimate), _skeleton(case.truth))


def _counts(estimate: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Counts:
    d, edges = len(truth), int(truth.sum())
    return Counts(int((estimate & truth).sum()), int(estimate.sum()), edges, d * (d - 1) // 2 - edges)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else NAN


def _precision(c: Counts) -> float:
    return _share(c.hits, c.found)


def _recall(c: Counts) -> float:
    return _share(c.hits, c.edges)


def _f1(c: Counts) -> float:
    return 2 * c.hits / (c.found + c.edges) if c.edges else NAN


def _fdr(c: Counts) -> float:
    return (c.found - c.hits) / max(1, c.found)  # nothing found, nothing false


def _fpr(c: Counts) -> float:
    return _share(c.found - c.hits, c.non_edges)


def _of(share: Callable[[Counts], float], counts: Callable[[Case], Counts]) -> Callable[[Case], float]:
    return lambda case: share(counts(case))


def _shd(case: Case) -> float:
    return shd(case.estimate, case.truth)


def _shd_cpdag(case: Case) -> float:
    return shd(case.estimate, cpdag(case.truth))


def _shd_skeleton(case: Case) -> float:
    return float((_skeleton(case.estimate) != _skeleton(case.truth)).sum())


def _nnz(case: Case) -> float:
    return float(_skeleton(case.estimate).sum())


def _effects(distance: Callable[..., tuple[float, int]]) -> Callable[[Case], float]:
    """A distance of gadjid's: the number of ordered pairs whose effect the estimate gets wrong.

    It takes DAGs and CPDAGs and leaves it to us to see that they are some (PC's answers may even have directed cycles);
    an effect that the class leaves open counts as wrong.
    """

    def metric(case: Case) -> float:
        undirected_left = (case.estimate == 2).any()
        if not (is_cpdag(case.estimate) if undirected_left else is_acyclic(case.estimate)):
            return NAN
        return float(distance(case.truth, case.estimate, edge_direction=ROWS)[1])

    return metric


def _ranked(area: Callable[..., float]) -> Callable[[Case], float]:
    """An area under a curve over all ordered pairs of variables, ranked by the scores of the edges: no threshold."""

    def metric(case: Case) -> float:
        if case.confidence is None or not case.truth.any():
            return NAN
        pairs = ~np.eye(len(case.truth), dtype=bool)
        return float(area(case.truth[pairs], case.confidence[pairs]))

    return metric


def _rmse(case: Case, where: NDArray[np.bool_]) -> float:
    if case.weights is None or case.A is None or not where.any():
        return NAN
    estimated = np.where(case.estimate == 1, case.weights, 0.0)  # a weight without its edge is not in the answer
    return float(np.sqrt(np.mean((estimated - case.A)[where] ** 2)))


def _weight_rmse(case: Case) -> float:
    return _rmse(case, ~np.eye(len(case.truth), dtype=bool))


def _weight_rmse_true_edges(case: Case) -> float:
    return _rmse(case, case.truth == 1)


def _held_out_loglik(case: Case) -> float:
    dag = consistent_extension(case.estimate) if (case.estimate == 2).any() else case.estimate
    return NAN if case.fit is None or dag is None else held_out_loglik(dag, case.fit)


@dataclass(frozen=True)
class Metric:
    """A column of ``trials.csv``. A metric that does not apply to CPDAG estimates is NaN there."""

    name: str
    function: Callable[[Case], float]
    better: Literal["lower", "higher", "neither"]
    applies_to: tuple[str, ...]
    meaning: str

    def __call__(
        self,
        kind: str,
        estimate: Graph,
        truth: Graph,
        confidence: Confidence = None,
        weights: Weights = None,
        A: Weights = None,
        fit: Fit | None = None,
    ) -> float:
        """The metric of an estimate of the given kind ("dag" or "cpdag") against the true DAG; see `Case`."""
        if kind not in self.applies_to:
            return NAN
        if self.name == "shd_cpdag" and kind == "dag":
            estimate = cpdag(estimate)
        return self.function(Case(estimate, truth, confidence, weights, A, fit))


DAG, BOTH = ("dag",), ("dag", "cpdag")
METRICS = (
    Metric("shd", _shd, "lower", DAG, "structural Hamming distance to the true DAG"),
    Metric("shd_cpdag", _shd_cpdag, "lower", BOTH, "the same between the CPDAGs of estimate and truth"),
    Metric("shd_skeleton", _shd_skeleton, "lower", BOTH, "the same between the skeletons: edges missing or extra"),
    Metric("precision", _of(_precision, directed), "higher", DAG, "share of estimated edges that are true"),
    Metric("recall", _of(_recall, directed), "higher", DAG, "share of true edges found with their direction"),
    Metric("tpr", _of(_recall, directed), "higher", DAG, "recall, by its name in NOTEARS"),
    Metric("fdr", _of(_fdr, directed), "lower", DAG, "share of estimated edges that are not true, reversed included"),
    Metric("fpr", _of(_fpr, directed), "lower", DAG, "false and reversed edges per non-adjacent pair; may exceed 1"),
    Metric("f1", _of(_f1, directed), "higher", DAG, "F1 of directed edges"),
    Metric("precision_skeleton", _of(_precision, undirected), "higher", BOTH, "precision, directions ignored"),
    Metric("recall_skeleton", _of(_recall, undirected), "higher", BOTH, "recall (TPR), directions ignored"),
    Metric("fdr_skeleton", _of(_fdr, undirected), "lower", BOTH, "FDR, directions ignored"),
    Metric("fpr_skeleton", _of(_fpr, undirected), "lower", BOTH, "share of non-adjacent pairs joined by an edge"),
    Metric("f1_skeleton", _of(_f1, undirected), "higher", BOTH, "F1 of edges, directions ignored"),
    Metric("nnz", _nnz, "neither", BOTH, "number of estimated edges, undirected ones included: also the skeleton's"),
    Metric("auprc", _ranked(average_precision_score), "higher", DAG, "area under precision-recall of the edge scores"),
    Metric("auroc", _ranked(roc_auc_score), "higher", DAG, "area under the ROC curve of the edge scores"),
    Metric("sid", _effects(gadjid.sid), "lower", DAG, "structural intervention distance: wrong effects of i on j"),
    Metric("parent_aid", _effects(gadjid.parent_aid), "lower", BOTH, "effects wrong when adjusted for by the parents"),
    Metric("ancestor_aid", _effects(gadjid.ancestor_aid), "lower", BOTH, "the same, adjusted for by the ancestors"),
    Metric("oset_aid", _effects(gadjid.oset_aid), "lower", BOTH, "the same, adjusted for by the optimal set"),
    Metric("weight_rmse", _weight_rmse, "lower", DAG, "RMSE of the weights over all ordered pairs, units of the data"),
    Metric("weight_rmse_true_edges", _weight_rmse_true_edges, "lower", DAG, "RMSE of the weights over true edges"),
    Metric("heldout_loglik", _held_out_loglik, "higher", BOTH, "nats per unseen sample, edges refitted"),
)
