"""The graph families: edge counts in closed form, and networkx's generators as the reference where it has one."""

from typing import get_args

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats

from adag import random_graphs as graphs
from adag.acyclicity import is_acyclic

FAMILIES = get_args(graphs.GraphFamily)
COUNT = 600


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(17)


def triangles(skeleton: np.ndarray) -> np.ndarray:
    S = skeleton.astype(float)
    return np.trace(S @ S @ S, axis1=1, axis2=2) / 6


def same_law(ours: torch.Tensor, theirs: list[nx.Graph]) -> None:
    """Largest degree, spread of the degrees, triangles and edges of both samples may come from one law each."""
    A, B = ours.numpy(), np.stack([nx.to_numpy_array(graph) > 0 for graph in theirs])
    for name, statistic in {
        "largest degree": lambda S: S.sum(-1).max(-1),
        "spread": lambda S: S.sum(-1).var(-1),
        "triangles": triangles,
        "edges": lambda S: S.sum((1, 2)),
    }.items():
        assert stats.ks_2samp(statistic(A), statistic(B)).pvalue > 1e-3, name


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("d", "degree"), [(2, 1), (3, 1), (5, 1), (10, 2), (20, 2), (12, 4)])
def test_edge_counts_are_as_documented(family: str, d: int, degree: int, generator: torch.Generator) -> None:
    edges = graphs.random_edges(400, d, degree, family, generator)
    count = edges.sum((1, 2)).double()
    pairs = d * (d - 1) / 2
    layers = graphs.LAYERS.get(family, 0)
    sizes = np.bincount(np.arange(d) * layers // d) if layers else np.zeros(1)
    m = min(degree, d - 1)
    exact = {"chain": d - 1, "star": d - 1, "ws": d * min(m, (d - 1) // 2)}
    exact |= dict.fromkeys(("sf", "sf-in", "sf-out"), m * (d - m))
    if family in exact:
        assert (count == exact[family]).all()
        return
    most = pairs if not layers else float((sizes[1:] * sizes[:-1]).sum())
    expected = min(degree * d, most)
    assert float(count.mean()) == pytest.approx(expected, abs=4.5 * float(count.std()) / 20 + 1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_acyclic_and_no_index_order_leaks(family: str, generator: torch.Generator) -> None:
    edges = graphs.random_edges(4000, 6, 1, family, generator)
    assert all(is_acyclic(graph) for graph in edges[:200].numpy())
    frequency = edges.double().mean(0)[~torch.eye(6, dtype=torch.bool)]
    assert float(frequency.max() - frequency.min()) < 0.06  # every ordered pair is an edge equally often


@pytest.mark.parametrize("family", FAMILIES)
def test_a_given_order_is_kept(family: str, generator: torch.Generator) -> None:
    order = graphs.random_order(50, 7, generator)
    edges = graphs.random_edges(50, 7, 2, family, generator, order)
    rank = order.argsort(-1)
    before = rank.unsqueeze(-1) < rank.unsqueeze(-2)
    assert not (edges & ~before).any()


@pytest.mark.parametrize(("d", "m"), [(10, 1), (20, 2), (12, 3)])
def test_ws_is_watts_strogatz(d: int, m: int, generator: torch.Generator) -> None:
    ours = graphs.random_skeleton(COUNT, d, m, "ws", generator)
    assert (ours == ours.mT).all()
    same_law(ours, [nx.watts_strogatz_graph(d, 2 * m, graphs.REWIRING, seed=k) for k in range(COUNT)])


def test_sbm_is_a_stochastic_block_model(generator: torch.Generator) -> None:
    d, degree = 20, 2
    ours = graphs.random_skeleton(COUNT, d, degree, "sbm", generator)
    within, across = 4 * 10, 190 - 40  # four blocks of five
    p = degree * d / (graphs.WITHIN * within + across)
    P = np.full((4, 4), p) + np.eye(4) * (graphs.WITHIN - 1) * p
    same_law(ours, [nx.stochastic_block_model([5] * 4, P, seed=k) for k in range(COUNT)])


def test_a_dense_sbm_fills_its_blocks_and_keeps_the_degree(generator: torch.Generator) -> None:
    skeleton = graphs.random_skeleton(COUNT, 10, 4, "sbm", generator)
    block = torch.arange(10) % 2
    inside = (block.unsqueeze(-1) == block) & ~torch.eye(10, dtype=torch.bool)
    assert skeleton[:, inside].all()
    assert float(skeleton.sum((1, 2)).double().mean()) / 2 == pytest.approx(40, abs=0.4)


def test_bipartite_is_a_random_bipartite_graph(generator: torch.Generator) -> None:
    d, degree = 12, 2
    p = degree * d / 36
    ours = graphs.random_skeleton(COUNT, d, degree, "bipartite", generator)
    same_law(ours, [nx.bipartite.random_graph(6, 6, p, seed=k) for k in range(COUNT)])
    for graph in graphs.random_edges(50, d, degree, "bipartite", generator).numpy():
        assert not (graph.any(0) & graph.any(1)).any()  # no variable is both a cause and an effect


def test_layered_has_paths_of_at_most_two_edges(generator: torch.Generator) -> None:
    edges = graphs.random_edges(50, 12, 2, "layered", generator).double()
    assert (edges @ edges).any()
    assert not (edges @ edges @ edges).any()
    assert not ((edges @ edges > 0) & (edges > 0)).any()  # no edge skips a layer


def test_the_two_directions_of_scale_free_graphs(generator: torch.Generator) -> None:
    d, m = 30, 2
    into, out_of = (graphs.random_edges(COUNT, d, m, family, generator) for family in ("sf-in", "sf-out"))
    for edges, chosen, hub in ((into, 2, 1), (out_of, 1, 2)):
        assert (edges.sum(chosen).max(-1).values == m).all()  # what each new node chose: m edges
        hubs = edges.sum(hub).max(-1).values
        theirs = [nx.barabasi_albert_graph(d, m, seed=k) for k in range(COUNT)]
        largest = [max(degree for _, degree in graph.degree) for graph in theirs]
        assert float(hubs.double().mean()) == pytest.approx(float(np.mean(largest)) - m, abs=m)
        same_law(edges | edges.mT, theirs)


def test_chain_and_star(generator: torch.Generator) -> None:
    for graph in graphs.random_edges(20, 6, 1, "chain", generator).numpy():
        assert nx.is_isomorphic(nx.from_numpy_array(graph, create_using=nx.DiGraph), nx.path_graph(6, nx.DiGraph))
    for graph in graphs.random_edges(20, 6, 1, "star", generator).numpy():
        assert sorted(graph.sum(1)) == [0, 0, 0, 0, 0, 5]


def test_an_unknown_family_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown graph family 'tree': one of er, sf"):
        graphs.random_skeleton(1, 5, 1, "tree", torch.Generator())  # type: ignore[arg-type]
