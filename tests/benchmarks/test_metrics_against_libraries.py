"""Every metric that an outside library defines too, against that library, on 1,000 random pairs of graphs each.

Hypothesis draws them, empty and full graphs among them; of every estimated DAG its CPDAG is held against them as well.
"""

import logging
from typing import Any

import dagma.utils
import gadjid
import numpy as np
import pytest
import sklearn
import torch
from causallearn.graph.AdjacencyConfusion import AdjacencyConfusion
from causallearn.graph.ArrowConfusion import ArrowConfusion
from causallearn.graph.Dag import Dag
from causallearn.graph.GraphNode import GraphNode
from causallearn.graph.SHD import SHD
from causallearn.utils.DAG2CPDAG import dag2cpdag
from hypothesis import given, settings
from sklearn.metrics import (
    average_precision_score,
    multilabel_confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
    root_mean_squared_error,
)
from strategies import Graph, Pair, graph_pairs

from benchmarks.metrics import METRICS, cpdag, shd

TABLE = {metric.name: metric for metric in METRICS}
THOUSAND = settings(max_examples=1000, deadline=None, derandomize=True)
ROWS, COLUMNS = "from row to column", "from column to row"

GCASTLE = {
    "shd": "shd", "tpr": "tpr", "fdr": "fdr", "fpr": "fpr", "nnz": "nnz", "precision": "precision",
    "recall": "recall", "f1": "F1",
}  # fmt: skip
CAUSAL_LEARN = ("shd", "shd_cpdag", "shd_skeleton", "precision", "recall", "precision_skeleton", "recall_skeleton")
EFFECTS = ("sid", "parent_aid", "ancestor_aid", "oset_aid")
SCIKIT_LEARN = (
    "precision", "recall", "tpr", "fdr", "f1", "precision_skeleton", "recall_skeleton", "fdr_skeleton", "fpr_skeleton",
    "f1_skeleton", "shd_skeleton", "nnz", "auprc", "auroc", "weight_rmse", "weight_rmse_true_edges",
)  # fmt: skip


def test_no_metric_is_left_out() -> None:
    compared = {*GCASTLE, *CAUSAL_LEARN, *EFFECTS, *SCIKIT_LEARN}
    assert set(TABLE) - compared == {"heldout_loglik"}, "the likelihood is held against scipy in test_likelihood.py"


def test_the_pairs_are_of_every_kind() -> None:
    seen: list[Pair] = []

    @THOUSAND
    @given(graph_pairs())
    def draw(pair: Pair) -> None:
        seen.append(pair)

    draw()
    assert len(seen) == 1000
    for graphs in ([pair.truth for pair in seen], [pair.estimate for pair in seen]):
        shares = np.array([graph.sum() / (len(graph) * (len(graph) - 1) / 2) for graph in graphs])
        assert (shares == 0).sum() > 50
        assert (shares == 1).sum() > 50
        assert ((shares > 0) & (shares < 1)).sum() > 500
    assert {len(pair.truth) for pair in seen} == set(range(2, 9))
    assert sum(bool((pair.truth & pair.estimate.T).any()) for pair in seen) > 200, "reversed edges"
    assert sum(bool((pair.truth & pair.estimate).any()) for pair in seen) > 200, "found edges"
    assert len({pair.truth.tobytes() + pair.estimate.tobytes() for pair in seen}) > 500


def agree(names: dict[str, float], pair: Pair, kind: str = "dag", estimate: Graph | None = None, **more: Any) -> None:
    """Each metric of the estimate (default: the pair's DAG) is the given number; NaN where that is NaN."""
    for name, theirs in names.items():
        ours = TABLE[name](kind, pair.estimate if estimate is None else estimate, pair.truth, **more)
        assert ours == pytest.approx(theirs, abs=1e-9, nan_ok=True), name


@pytest.fixture(scope="module")
def gcastle_metrics() -> type:
    """gcastle's MetricsDAG; its import changes torch's default dtype and the root logger, put back after."""
    dtype, level = torch.get_default_dtype(), logging.getLogger().level
    from castle.metrics import MetricsDAG

    torch.set_default_dtype(dtype)
    logging.getLogger().setLevel(level)
    return MetricsDAG


@THOUSAND
@given(pair=graph_pairs())
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # its own 0/0
def test_with_gcastle(gcastle_metrics: type, pair: Pair) -> None:
    truth, estimate = pair.truth.astype(int), pair.estimate.astype(int)
    expected = {ours: TABLE[ours]("dag", pair.estimate, pair.truth) for ours in GCASTLE}
    if truth.any():
        found = gcastle_metrics(estimate, truth).metrics
        theirs = {ours: found[name] for ours, name in GCASTLE.items()}
        if np.isnan(theirs["f1"]):  # without a hit its F1 is 0/0, ours the limit
            theirs["f1"] = 0.0
    else:  # gcastle asserts that there is an edge; NOTEARS's count, from which its own is, does not
        theirs = dagma.utils.count_accuracy(truth, estimate)
        assert theirs.pop("tpr") == 0  # of max(1, 0) edges: not defined here
        assert np.isnan([expected.pop(name) for name in ("tpr", "recall", "f1", "precision")][:3]).all()
    if truth.sum() == len(truth) * (len(truth) - 1) / 2:  # of max(1, 0) pairs without an edge: not defined here
        theirs.pop("fpr")
        assert np.isnan(expected.pop("fpr"))
    assert expected == pytest.approx(theirs, abs=6e-5, nan_ok=True)  # theirs are rounded to 4 digits


def causal_learn_graph(dag: Graph) -> Any:
    nodes = [GraphNode(f"X{j}") for j in range(len(dag))]
    graph = Dag(nodes)
    for i, j in np.argwhere(dag):
        graph.add_directed_edge(nodes[i], nodes[j])
    return graph


def decoded(graph: Any) -> Graph:
    ends = graph.graph  # -1 at [i, j] and 1 at [j, i]: i -> j; -1 at both: undirected
    return np.where((ends == -1) & (ends.T == 1), 1, np.where((ends == -1) & (ends.T == -1), 2, 0)).astype(np.int8)


def share(part: float, rest: float) -> float:
    """part / (part + rest), where causal-learn divides 0 by 0 too: NaN."""
    return part / (part + rest) if part + rest else np.nan


@THOUSAND
@given(pair=graph_pairs())
def test_with_causal_learn(pair: Pair) -> None:
    truth, estimate = causal_learn_graph(pair.truth), causal_learn_graph(pair.estimate)
    true_class, found_class = dag2cpdag(truth), dag2cpdag(estimate)
    np.testing.assert_array_equal(cpdag(pair.truth), decoded(true_class))
    np.testing.assert_array_equal(cpdag(pair.estimate), decoded(found_class))

    arrows = ArrowConfusion(truth, estimate)
    hits, false, missed = arrows.get_arrows_tp(), arrows.get_arrows_fp(), arrows.get_arrows_fn()
    agree({"shd": SHD(truth, estimate).get_shd()}, pair)
    agree({"precision": share(hits, false), "recall": share(hits, missed)}, pair)
    for kind, found in (("dag", estimate), ("cpdag", found_class)):
        pairs = AdjacencyConfusion(truth, found)
        hits, false, missed = pairs.get_adj_tp(), pairs.get_adj_fp(), pairs.get_adj_fn()
        expected = {
            "shd_cpdag": SHD(true_class, found_class).get_shd(),
            "shd_skeleton": false + missed,
            "precision_skeleton": share(hits, false),
            "recall_skeleton": share(hits, missed),
        }
        agree(expected, pair, kind, decoded(found))


@THOUSAND
@given(pair=graph_pairs())
def test_with_gadjid(pair: Pair) -> None:
    truth, estimate, found_class = pair.truth, pair.estimate, cpdag(pair.estimate)
    assert shd(estimate, truth) == gadjid.shd(truth, estimate)[1]
    expected = gadjid.shd(cpdag(truth), found_class)[1]  # directed against undirected counts 1 as well
    agree({"shd_cpdag": expected}, pair)
    agree({"shd_cpdag": expected}, pair, "cpdag", found_class)
    for name in EFFECTS:
        distance = getattr(gadjid, name)
        theirs = distance(truth, estimate, edge_direction=ROWS)[1]
        # And the direction of reading is right: everything transposed, read the other way round.
        assert theirs == distance(truth.T.copy(), estimate.T.copy(), edge_direction=COLUMNS)[1]
        agree({name: theirs}, pair)
        assert TABLE[name]("dag", truth, truth) == 0, name
        if name != "sid":  # gadjid's is for DAGs alone
            agree({name: distance(truth, found_class, edge_direction=ROWS)[1]}, pair, "cpdag", found_class)


@THOUSAND
@given(pair=graph_pairs())
def test_with_scikit_learn(pair: Pair) -> None:
    ordered = ~np.eye(len(pair.truth), dtype=bool)
    # Two labels of every ordered pair: there is this edge; there is an edge. The second stands there twice.
    labels = [np.stack([graph[ordered], (graph | graph.T)[ordered]], axis=1) for graph in (pair.truth, pair.estimate)]
    t, (found, adjacent) = labels[0][:, 0], labels[1].sum(0)
    with sklearn.config_context(skip_parameter_validation=True):  # of the parameters, a quarter of the time
        precision, recall, f1, _ = precision_recall_fscore_support(*labels, average=None, zero_division=np.nan)
        fdr = 1 - precision if found else np.zeros(2)  # nothing found, nothing false: as in NOTEARS
        f1 = f1 if t.any() else np.full(2, np.nan)  # without a true edge 0 there where any is found, never defined here
        shares = {"precision": precision, "recall": recall, "fdr": fdr, "f1": f1}
        agree({name: both[0] for name, both in shares.items()} | {"tpr": recall[0], "nnz": found}, pair)

        # [[true negatives, false positives], ...] of the second label.
        (negative, false), (missed, _) = multilabel_confusion_matrix(*labels)[1] // 2
        skeleton = {f"{name}_skeleton": both[1] for name, both in shares.items()}
        skeleton |= {"fpr_skeleton": share(false, negative), "shd_skeleton": false + missed, "nnz": adjacent // 2}
        agree(skeleton, pair)
        agree(skeleton, pair, "cpdag", cpdag(pair.estimate))

        areas = dict.fromkeys(("auprc", "auroc"), np.nan)  # without a true edge, where scikit-learn warns
        if t.any():
            areas["auprc"] = average_precision_score(t, pair.scores[ordered])
            areas["auroc"] = roc_auc_score(t, pair.scores[ordered])
        agree(areas, pair, confidence=pair.scores)

        kept, edges = pair.weights * pair.estimate, pair.truth == 1
        errors = {"weight_rmse": root_mean_squared_error(pair.A[ordered], kept[ordered])}
        on_edges = root_mean_squared_error(pair.A[edges], kept[edges]) if t.any() else np.nan
        agree(errors | {"weight_rmse_true_edges": on_edges}, pair, weights=pair.weights, A=pair.A)
