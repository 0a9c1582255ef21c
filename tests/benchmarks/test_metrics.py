"""The metrics against gcastle, gadjid, causal-learn, exhaustive enumeration, published values and closed forms."""

import itertools
import logging
from collections.abc import Iterator
from typing import Any

import gadjid
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
    root_mean_squared_error,
)

from benchmarks.likelihood import Fit
from benchmarks.metrics import METRICS, cpdag, shd

TABLE = {metric.name: metric for metric in METRICS}
Graph = NDArray[np.int8]


def random_dag(rng: np.random.Generator, d: int, density: float) -> Graph:
    upper = np.triu(rng.random((d, d)) < density, 1).astype(np.int8)
    order = rng.permutation(d)
    return upper[np.ix_(order, order)]


def random_pairs(count: int, *, empty: bool) -> Iterator[tuple[Graph, Graph]]:
    rng = np.random.default_rng(7)
    while count:
        d = int(rng.integers(2, 13))
        truth, estimate = random_dag(rng, d, rng.random() * 0.7), random_dag(rng, d, rng.random() * 0.7)
        if empty or (truth.any() and estimate.any()):
            yield truth, estimate
            count -= 1


@pytest.fixture(scope="module")
def gcastle_metrics() -> type:
    """gcastle's MetricsDAG; its import changes torch's default dtype and the root logger, put back after."""
    dtype, level = torch.get_default_dtype(), logging.getLogger().level
    from castle.metrics import MetricsDAG

    torch.set_default_dtype(dtype)
    logging.getLogger().setLevel(level)
    return MetricsDAG


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # its own 0/0
def test_agrees_with_gcastle_on_1000_random_pairs(gcastle_metrics: type) -> None:
    names = {
        "shd": "shd", "tpr": "tpr", "fdr": "fdr", "fpr": "fpr", "f1": "F1", "nnz": "nnz", "precision": "precision",
        "recall": "recall",
    }  # fmt: skip
    for truth, estimate in random_pairs(1000, empty=False):  # gcastle asserts that the truth has an edge
        theirs = gcastle_metrics(estimate.astype(int), truth.astype(int)).metrics
        for ours, their_name in names.items():
            value = TABLE[ours]("dag", estimate, truth, None)
            if ours == "fpr" and np.isnan(value):  # a complete truth has no non-edge; gcastle divides by 1 there
                assert truth.sum() == len(truth) * (len(truth) - 1) / 2
            elif np.isnan(theirs[their_name]):  # F1 without a true positive is 0/0 there; 0 is its limit
                assert ours == "f1"
                assert value == 0
            else:
                assert value == pytest.approx(theirs[their_name], abs=6e-5), ours  # theirs is rounded to 4 digits


def test_effects_agree_with_gadjid_on_1000_random_pairs() -> None:
    for truth, estimate in random_pairs(1000, empty=True):
        for name in ("sid", "parent_aid", "ancestor_aid", "oset_aid"):
            theirs = getattr(gadjid, name)(truth, estimate, edge_direction="from row to column")[1]
            assert TABLE[name]("dag", estimate, truth) == theirs, name
            assert TABLE[name]("dag", truth, truth) == 0, name
            # And the direction of reading is right: everything transposed, read the other way round.
            columns = getattr(gadjid, name)(truth.T.copy(), estimate.T.copy(), edge_direction="from column to row")
            assert theirs == columns[1], name


def test_agrees_with_scikit_learn_on_1000_random_pairs() -> None:
    rng = np.random.default_rng(13)
    shares = {"precision": precision_score, "recall": recall_score, "tpr": recall_score, "f1": f1_score}
    for truth, estimate in random_pairs(1000, empty=True):
        d = len(truth)
        ordered, upper = ~np.eye(d, dtype=bool), np.triu(np.ones((d, d), dtype=bool), 1)
        t, e = truth[ordered], estimate[ordered]
        t_skeleton, e_skeleton = (truth | truth.T)[upper], (estimate | estimate.T)[upper]
        for name, theirs in shares.items():
            value = TABLE[name]("dag", estimate, truth)
            if truth.any() and (name != "precision" or estimate.any()):
                assert value == pytest.approx(theirs(t, e, zero_division=0)), name
            if name != "tpr" and truth.any() and (name != "precision" or estimate.any()):
                value = TABLE[f"{name}_skeleton"]("dag", estimate, truth)
                assert value == pytest.approx(theirs(t_skeleton, e_skeleton, zero_division=0)), name
        # [[true negatives, false positives], ...]: rates of false edges among pairs without one.
        (negative, false), _ = confusion_matrix(t_skeleton, e_skeleton, labels=[0, 1])
        expected = false / (negative + false) if negative + false else np.nan
        assert TABLE["fpr_skeleton"]("dag", estimate, truth) == pytest.approx(expected, nan_ok=True)
        assert TABLE["fdr_skeleton"]("dag", estimate, truth) == pytest.approx(false / max(1, e_skeleton.sum()))
        assert TABLE["shd_skeleton"]("dag", estimate, truth) == (t_skeleton != e_skeleton).sum()
        scores, A, weights = rng.random((d, d)).round(1), truth * rng.normal(size=(d, d)), rng.normal(size=(d, d))
        if truth.any():
            assert TABLE["auprc"]("dag", estimate, truth, scores) == average_precision_score(t, scores[ordered])
            assert TABLE["auroc"]("dag", estimate, truth, scores) == roc_auc_score(t, scores[ordered])
        kept = weights * estimate
        rmse = root_mean_squared_error(A[ordered], kept[ordered])
        assert TABLE["weight_rmse"]("dag", estimate, truth, None, weights, A) == pytest.approx(rmse)
        rmse = root_mean_squared_error(A[truth == 1], kept[truth == 1]) if truth.any() else np.nan
        value = TABLE["weight_rmse_true_edges"]("dag", estimate, truth, None, weights, A)
        assert value == pytest.approx(rmse, nan_ok=True)


def causal_learn_graph(dag: Graph) -> Any:
    from causallearn.graph.Dag import Dag
    from causallearn.graph.GraphNode import GraphNode

    nodes = [GraphNode(f"X{j}") for j in range(len(dag))]
    graph = Dag(nodes)
    for i, j in np.argwhere(dag):
        graph.add_directed_edge(nodes[i], nodes[j])
    return graph


def test_agrees_with_causal_learn_on_1000_random_pairs() -> None:
    from causallearn.graph.AdjacencyConfusion import AdjacencyConfusion
    from causallearn.graph.ArrowConfusion import ArrowConfusion
    from causallearn.graph.SHD import SHD

    for truth, estimate in random_pairs(1000, empty=False):  # its shares divide by 0 on an empty graph
        theirs = causal_learn_graph(truth), causal_learn_graph(estimate)
        arrows, adjacency = ArrowConfusion(*theirs), AdjacencyConfusion(*theirs)
        expected = {
            "shd": SHD(*theirs).get_shd(),
            "precision": arrows.get_arrows_precision(),
            "recall": arrows.get_arrows_recall(),
            "precision_skeleton": adjacency.get_adj_precision(),
            "recall_skeleton": adjacency.get_adj_recall(),
            "shd_skeleton": adjacency.get_adj_fp() + adjacency.get_adj_fn(),
        }
        for name, value in expected.items():
            assert TABLE[name]("dag", estimate, truth) == pytest.approx(value), name


@pytest.mark.parametrize("d", [2, 3, 6])
def test_empty_and_full_graphs(d: int) -> None:
    empty, full = np.zeros((d, d), dtype=np.int8), np.triu(np.ones((d, d), dtype=np.int8), 1)
    pairs = d * (d - 1) // 2
    values = {name: metric("dag", full, empty) for name, metric in TABLE.items()}
    assert values["shd"] == values["shd_cpdag"] == values["shd_skeleton"] == values["nnz"] == pairs
    assert values["fdr"] == values["fdr_skeleton"] == values["fpr"] == values["fpr_skeleton"] == 1
    assert values["precision"] == values["precision_skeleton"] == 0
    assert values["sid"] == 0  # of a truth without edges nothing has an effect, and every adjustment is valid
    assert all(np.isnan(values[name]) for name in ("tpr", "recall", "f1", "auprc", "auroc", "f1_skeleton"))
    values = {name: metric("dag", empty, full) for name, metric in TABLE.items()}
    assert values["shd"] == values["shd_cpdag"] == values["shd_skeleton"] == pairs
    assert values["nnz"] == values["tpr"] == values["recall"] == values["f1"] == values["fdr"] == 0
    assert all(np.isnan(values[name]) for name in ("precision", "precision_skeleton", "fpr", "fpr_skeleton"))
    for graph in (empty, full):
        values = {name: metric("dag", graph, graph) for name, metric in TABLE.items()}
        zero = ("shd", "shd_cpdag", "shd_skeleton", "sid", "parent_aid", "ancestor_aid", "oset_aid", "fdr")
        assert [values[name] for name in zero] == [0] * len(zero)
    reversed_ = full.T.copy()
    assert TABLE["shd"]("dag", reversed_, full) == pairs
    assert TABLE["shd_cpdag"]("dag", reversed_, full) == TABLE["shd_skeleton"]("dag", reversed_, full) == 0


def test_weight_rmse_by_hand() -> None:
    A = np.array([[0, 2.0], [0, 0]])
    truth, reversed_ = (A != 0).astype(np.int8), (A.T != 0).astype(np.int8)
    overall, on_edges = TABLE["weight_rmse"], TABLE["weight_rmse_true_edges"]
    assert overall("dag", truth, truth, None, A + 1, A) == pytest.approx(1 / np.sqrt(2))  # off by 1 on 1 pair of 2
    assert on_edges("dag", truth, truth, None, A + 1, A) == 1
    assert overall("dag", reversed_, truth, None, A.T, A) == 2
    assert on_edges("dag", reversed_, truth, None, A.T, A) == 2
    assert np.isnan(overall("dag", truth, truth, None, None, A)), "a method without weights"
    assert np.isnan(overall("dag", truth, truth, None, A, None)), "a truth without weights"


def test_every_metric_is_described_once() -> None:
    assert len(TABLE) == len(METRICS)
    for metric in METRICS:
        assert metric.meaning
        assert metric.better in ("lower", "higher", "neither")
        assert set(metric.applies_to) <= {"dag", "cpdag"}


def test_shd_agrees_with_gadjid_on_1000_random_pairs() -> None:
    for truth, estimate in random_pairs(1000, empty=True):
        assert shd(estimate, truth) == gadjid.shd(truth, estimate)[1]
        # Also between CPDAGs, where directed against undirected counts 1 as well.
        assert TABLE["shd_cpdag"]("dag", estimate, truth, None) == gadjid.shd(cpdag(truth), cpdag(estimate))[1]


def causal_learn_cpdag(dag: Graph) -> Graph:
    from causallearn.utils.DAG2CPDAG import dag2cpdag

    ends = dag2cpdag(causal_learn_graph(dag)).graph  # -1 at [i, j] and 1 at [j, i]: i -> j; -1 at both: undirected
    return np.where((ends == -1) & (ends.T == 1), 1, np.where((ends == -1) & (ends.T == -1), 2, 0)).astype(np.int8)


def test_cpdag_agrees_with_causal_learn_on_1000_random_dags() -> None:
    rng = np.random.default_rng(11)
    for _ in range(1000):
        dag = random_dag(rng, int(rng.integers(2, 13)), rng.random())
        np.testing.assert_array_equal(cpdag(dag), causal_learn_cpdag(dag))


def test_cpdag_is_what_all_members_of_the_class_share_for_every_dag_of_4_nodes() -> None:
    """Verma & Pearl: equal skeleton and v-structures make one class; an edge is directed where all members agree."""
    pairs = list(itertools.combinations(range(4), 2))
    classes: dict[tuple[bytes, frozenset[tuple[int, int, int]]], list[Graph]] = {}
    for code in itertools.product((0, 1, 2), repeat=len(pairs)):
        dag = np.zeros((4, 4), dtype=np.int8)
        for (i, j), c in zip(pairs, code, strict=True):
            dag[i, j], dag[j, i] = c == 1, c == 2
        if nx.is_directed_acyclic_graph(nx.from_numpy_array(dag, create_using=nx.DiGraph)):
            v_structures = frozenset(
                (i, k, j)
                for i, j in pairs
                for k in range(4)
                if dag[i, k] and dag[j, k] and not dag[i, j] and not dag[j, i]
            )
            classes.setdefault(((dag | dag.T).tobytes(), v_structures), []).append(dag)
    assert (sum(map(len, classes.values())), len(classes)) == (543, 185)  # OEIS A003024, A007984
    for members in classes.values():
        seen = np.bitwise_or.reduce(members)
        expected = np.where(seen & seen.T, 2, seen)
        for dag in members:
            np.testing.assert_array_equal(cpdag(dag), expected)


def test_sid_of_the_published_example() -> None:
    """Peters & Buehlmann 2015, figure 1: two graphs at SHD 1 from the truth, at SID 0 and 8."""
    truth = np.zeros((5, 5), dtype=np.int8)  # X1, X2, Y1, Y2, Y3
    truth[0, 1:], truth[1, 2:] = 1, 1
    extra, reverse = truth.copy(), truth.copy()
    extra[2, 3] = 1
    reverse[0, 1], reverse[1, 0] = 0, 1
    assert [TABLE["shd"]("dag", g, truth, None) for g in (extra, reverse)] == [1, 1]
    assert [TABLE["sid"]("dag", g, truth, None) for g in (extra, reverse)] == [0, 8]


def test_auprc_of_a_perfect_a_reversed_and_an_uninformed_ranking() -> None:
    truth = random_dag(np.random.default_rng(3), 8, 0.4)
    edges, pairs = int(truth.sum()), 8 * 7
    auprc = TABLE["auprc"]
    assert auprc("dag", truth, truth, truth.astype(float)) == 1.0
    assert auprc("dag", truth, truth, np.ones((8, 8))) == pytest.approx(edges / pairs)  # prevalence
    worst = auprc("dag", truth, truth, 1.0 - truth)  # a step at the last threshold only: prevalence again
    assert worst == pytest.approx(edges / pairs)
    scores = truth + 5.0 * np.eye(8)  # the diagonal is no candidate edge
    assert auprc("dag", truth, truth, scores) == 1.0


def test_what_is_not_defined_is_nan() -> None:
    chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.int8)
    empty, undirected = np.zeros_like(chain), cpdag(chain)
    assert (undirected == np.array([[0, 2, 0], [2, 0, 2], [0, 2, 0]])).all()
    fit = Fit(np.random.default_rng(0).normal(size=(20, 3)), np.eye(3))
    for metric in METRICS:
        value = metric("cpdag", undirected, chain, None, fit=fit)
        assert np.isnan(value) == ("cpdag" not in metric.applies_to), metric.name
    assert TABLE["shd_cpdag"]("cpdag", undirected, chain, None) == 0
    assert TABLE["f1_skeleton"]("cpdag", undirected, chain, None) == 1
    assert TABLE["nnz"]("cpdag", undirected, chain, None) == 2
    assert np.isnan(TABLE["auprc"]("dag", chain, chain, None))
    skeleton = {"precision_skeleton", "recall_skeleton", "fdr_skeleton", "fpr_skeleton", "f1_skeleton"}
    others = {"shd_cpdag", "shd_skeleton", "nnz", "parent_aid", "ancestor_aid", "oset_aid", "heldout_loglik"}
    assert {m.name for m in METRICS if "cpdag" in m.applies_to} == others | skeleton
    for name in ("tpr", "recall", "f1", "auprc", "auroc"):
        assert np.isnan(TABLE[name]("dag", chain, empty, np.ones((3, 3)))), name
    assert TABLE["fdr"]("dag", empty, chain, None) == 0


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 9), density=st.floats(0, 1))
def test_relabelling_the_variables_changes_no_metric(seed: int, d: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    truth, estimate, scores = random_dag(rng, d, density), random_dag(rng, d, density), rng.random((d, d))
    weights, A = rng.normal(size=(d, d)), rng.normal(size=(d, d)) * truth
    order = np.ix_(*[rng.permutation(d)] * 2)
    for metric in METRICS:
        before = metric("dag", estimate, truth, scores, weights, A)
        after = metric("dag", estimate[order], truth[order], scores[order], weights[order], A[order])
        assert after == pytest.approx(before, nan_ok=True), metric.name


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(2, 9))
def test_shd_is_a_distance(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = (random_dag(rng, d, 0.4) for _ in range(3))
    assert shd(a, a) == 0
    assert shd(a, b) == shd(b, a)
    assert (shd(a, b) == 0) == (a == b).all()
    assert shd(a, c) <= shd(a, b) + shd(b, c)
