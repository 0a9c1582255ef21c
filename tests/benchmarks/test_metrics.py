"""The metrics against exhaustive enumeration, published values and closed forms."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import Graph, Pair, dags, graph_pairs

from benchmarks.likelihood import Fit
from benchmarks.metrics import METRICS, cpdag, shd

TABLE = {metric.name: metric for metric in METRICS}


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
    truth = np.triu(np.random.default_rng(3).random((8, 8)) < 0.4, 1).astype(np.int8)
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


@settings(max_examples=100, deadline=None, derandomize=True)
@given(pair=graph_pairs(), data=st.data())
def test_relabelling_the_variables_changes_no_metric(pair: Pair, data: st.DataObject) -> None:
    order = np.ix_(*[data.draw(st.permutations(range(len(pair.truth))))] * 2)
    moved = Pair(*(matrix[order] for matrix in pair))
    for metric in METRICS:
        before, after = (metric("dag", p.estimate, p.truth, p.scores, p.weights, p.A) for p in (pair, moved))
        assert after == pytest.approx(before, nan_ok=True), metric.name


@settings(max_examples=100, deadline=None, derandomize=True)
@given(pair=graph_pairs(), data=st.data())
def test_shd_is_a_distance(pair: Pair, data: st.DataObject) -> None:
    a, b = pair.truth, pair.estimate
    c = data.draw(dags(len(a), len(a)))
    assert shd(a, a) == 0
    assert shd(a, b) == shd(b, a)
    assert (shd(a, b) == 0) == (a == b).all()
    assert shd(a, c) <= shd(a, b) + shd(b, c)


def test_an_answer_with_a_directed_cycle_has_no_effects_to_compare() -> None:
    """PC's can have one, without any undirected edge beside it."""
    chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.int8)
    cycle = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.int8)
    for name in ("sid", "parent_aid", "ancestor_aid", "oset_aid"):
        assert np.isnan(TABLE[name]("cpdag", cycle, chain, None)), name
    assert TABLE["shd_skeleton"]("cpdag", cycle, chain, None) == 1
