"""Acyclicity measures and the projection, by property and against networkx."""

import networkx as nx
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from adag.acyclicity import edge_threshold, h_expm, h_logdet, is_acyclic, project_to_dag
from adag.graph import CausalGraph

weights = st.integers(2, 7).flatmap(
    lambda d: hnp.arrays(np.float64, (d, d), elements=st.sampled_from([0.0, 0.0, 0.2, 0.31, -0.5, 0.9, -1.5, 2.0]))
)


@given(weights)
@settings(deadline=None, max_examples=200)
def test_measures_are_zero_exactly_on_dags(W: np.ndarray) -> None:
    np.fill_diagonal(W, 0.0)
    acyclic = nx.is_directed_acyclic_graph(nx.from_numpy_array(W != 0, create_using=nx.DiGraph))
    assert is_acyclic(W) == acyclic
    assert (abs(float(h_expm(torch.from_numpy(W)))) < 1e-9) == acyclic
    scaled = torch.from_numpy(W / (1e-9 + 2 * np.abs(W).sum()))  # inside the domain: spectral radius < 1
    value = float(h_logdet(scaled))
    assert (abs(value) < 1e-14) or not acyclic
    assert value > -1e-14


def test_logdet_by_hand() -> None:
    W = torch.tensor([[0.0, 0.5], [0.4, 0.0]], dtype=torch.float64)
    assert float(h_logdet(W)) == -np.log(1 - 0.25 * 0.16)
    assert torch.isnan(h_logdet(torch.tensor([[0.0, 3.0], [3.0, 0.0]])))


@given(weights)
@settings(deadline=None, max_examples=300)
def test_projection_is_a_dag_and_removes_only_what_it_must(W: np.ndarray) -> None:
    before = W.copy()
    kept = project_to_dag(W)
    assert np.array_equal(W, before), "the input is not modified"
    assert is_acyclic(kept)
    off = W.copy()
    np.fill_diagonal(off, 0.0)
    off[np.abs(off) < 0.3] = 0.0
    assert np.array_equal(kept[kept != 0], off[kept != 0])
    if is_acyclic(off):
        assert np.array_equal(kept, off)
    for i, j in np.argwhere((off != 0) & (kept == 0)):
        # An edge that was removed closes a cycle of edges at least as strong.
        strong = np.where(np.abs(off) >= abs(off[i, j]), off, 0.0)
        graph = nx.from_numpy_array(strong != 0, create_using=nx.DiGraph)
        assert nx.has_path(graph, j, i)


def test_projection_drops_the_weakest_edge_of_a_cycle() -> None:
    W = np.array([[0, 1.0, 0], [0, 0, 0.5], [2.0, 0, 0]])
    assert np.argwhere(project_to_dag(W)).tolist() == [[0, 1], [2, 0]]


def test_a_threshold_in_force_is_for_those_who_name_none() -> None:
    W = np.array([[0.0, 0.2, 0.35], [0.0, 0.0, 0.05], [0.0, 0.0, 0.0]])
    kept = {}
    with edge_threshold(0.1):
        kept["in force"], kept["named"] = CausalGraph.from_weights(W), CausalGraph.from_weights(W, threshold=0.3)
    kept["after"] = CausalGraph.from_weights(W)
    assert {name: int(graph.adjacency.sum()) for name, graph in kept.items()} == {"in force": 2, "named": 1, "after": 1}
