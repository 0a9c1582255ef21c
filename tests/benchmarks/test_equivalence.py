"""Extensions of partially directed graphs: each DAG's class leads back to itself, and what has none is named so."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from strategies import Graph, dags

from adag.acyclicity import is_acyclic
from benchmarks.equivalence import consistent_extension, cpdag, is_cpdag
from benchmarks.likelihood import Fit, held_out_loglik
from benchmarks.metrics import METRICS

TABLE = {metric.name: metric for metric in METRICS}
AIDS = ("parent_aid", "ancestor_aid", "oset_aid")
SQUARE = np.array([[0, 2, 0, 2], [2, 0, 2, 0], [0, 2, 0, 2], [2, 0, 2, 0]], dtype=np.int8)
"""An undirected cycle of four: every orientation has a new v-structure or a cycle."""
CONFLICT = np.array([[0, 1, 0, 0], [0, 0, 2, 0], [0, 2, 0, 0], [0, 0, 1, 0]], dtype=np.int8)
"""0 -> 1 -- 2 <- 3, as PC may answer: whichever way 1 -- 2 points, there is a v-structure that it does not have."""
OPEN = np.array([[0, 1, 0], [0, 0, 2], [0, 2, 0]], dtype=np.int8)
"""0 -> 1 -- 2 has the extension 0 -> 1 -> 2, whose CPDAG is another graph: 0 -- 1 -- 2."""


@settings(max_examples=200, deadline=None, derandomize=True)
@given(dag=dags(most=10))
def test_the_class_of_a_dag_has_it_as_a_member(dag: Graph) -> None:
    graph = cpdag(dag)
    member = consistent_extension(graph)
    assert member is not None
    assert is_acyclic(member)
    np.testing.assert_array_equal(cpdag(member), graph)
    assert is_cpdag(graph)


def test_what_is_no_cpdag_is_told_for_every_graph_of_three_nodes() -> None:
    classes = set()
    for edges in itertools.product((0, 1), repeat=6):
        dag = np.zeros((3, 3), dtype=np.int8)
        dag[~np.eye(3, dtype=bool)] = edges
        if nx.is_directed_acyclic_graph(nx.DiGraph(dag)):
            classes.add(cpdag(dag).tobytes())
    assert len(classes) == 11  # Andersson, Madigan & Perlman 1997, table 1
    told = set()
    for marks in itertools.product(((0, 0), (1, 0), (0, 1), (2, 2)), repeat=3):
        graph = np.zeros((3, 3), dtype=np.int8)
        for (i, j), (there, back) in zip(((0, 1), (0, 2), (1, 2)), marks, strict=True):
            graph[i, j], graph[j, i] = there, back
        if is_cpdag(graph):
            told.add(graph.tobytes())
    assert told == classes


@pytest.mark.parametrize("graph", [SQUARE, CONFLICT])
def test_what_has_no_extension_has_no_metric_of_one(graph: Graph) -> None:
    assert consistent_extension(graph) is None
    truth, eye = np.triu(np.ones((4, 4), dtype=np.int8), 1), np.eye(4)
    fit = Fit(np.random.default_rng(0).normal(size=(30, 4)), eye)
    assert all(np.isnan(TABLE[name]("cpdag", graph, truth)) for name in AIDS)
    assert np.isnan(TABLE["heldout_loglik"]("cpdag", graph, truth, fit=fit))


def test_a_graph_with_an_extension_that_is_no_cpdag_has_a_likelihood_alone() -> None:
    fit = Fit(np.random.default_rng(0).normal(size=(30, 3)), np.eye(3))
    chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=np.int8)
    assert not is_cpdag(OPEN)
    assert all(np.isnan(TABLE[name]("cpdag", OPEN, chain)) for name in AIDS)
    assert TABLE["heldout_loglik"]("cpdag", OPEN, chain, fit=fit) == held_out_loglik(chain, fit)


def test_an_undirected_edge_answers_no_effect() -> None:
    edge, undirected = np.array([[0, 1], [0, 0]], dtype=np.int8), np.array([[0, 2], [2, 0]], dtype=np.int8)
    assert [TABLE[name]("cpdag", undirected, edge) for name in AIDS] == [2, 2, 2]  # neither effect can be told
    assert [TABLE[name]("dag", edge, edge) for name in AIDS] == [0, 0, 0]


def test_the_likelihood_of_a_class_is_that_of_its_members() -> None:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
    fit = Fit(X, np.cov(X.T))
    chain = np.zeros((4, 4), dtype=np.int8)
    chain[[0, 1, 2], [1, 2, 3]] = 1
    value = TABLE["heldout_loglik"]("cpdag", cpdag(chain), chain, fit=fit)
    members = [held_out_loglik(dag, fit) for dag in (chain, chain.T)]
    assert value == pytest.approx(members[0], abs=0.05)  # up to the degrees of freedom
    assert value == pytest.approx(members[1], abs=0.05)
