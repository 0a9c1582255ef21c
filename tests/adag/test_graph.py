"""`CausalGraph`: what it refuses, and its views."""

import networkx as nx
import numpy as np
import pytest

from adag import CausalGraph
from adag.graph import InvalidGraph

EMPTY = np.zeros((3, 3), dtype=np.int8)


def _with(*entries: tuple[int, int, int]) -> np.ndarray:
    A = EMPTY.copy()
    for i, j, value in entries:
        A[i, j] = value
    return A


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"adjacency": np.zeros((2, 3))}, "shape"),
        ({"adjacency": _with((0, 1, 3))}, "other than 0, 1"),
        ({"adjacency": _with((1, 1, 1))}, "self-loop"),
        ({"adjacency": _with((0, 1, 2)), "kind": "cpdag"}, "undirected edge must be 2 at both"),
        ({"adjacency": _with((0, 1, 2), (1, 0, 2))}, "cannot have undirected"),
        ({"adjacency": _with((0, 1, 1), (1, 0, 1))}, "both directions"),
        ({"adjacency": _with((0, 1, 1), (1, 2, 1), (2, 0, 1))}, "cycle"),
        ({"adjacency": EMPTY, "weights": np.full((3, 3), np.nan)}, "weights holds NaN"),
        ({"adjacency": EMPTY, "confidence": np.zeros((2, 2))}, "confidence has shape"),
        ({"adjacency": EMPTY, "names": ("a", "b")}, "2 names for 3"),
        ({"adjacency": EMPTY, "kind": "pag"}, "expected 'dag' or 'cpdag'"),
    ],
)
def test_refuses_what_is_not_a_graph(arguments: dict, words: str) -> None:
    with pytest.raises(InvalidGraph, match=words):
        CausalGraph(**arguments)


def test_from_weights_applies_the_common_rule() -> None:
    W = np.array([[0, 1.0, 0.29], [0, 0, 0.5], [2.0, 0, 7.0]])
    graph = CausalGraph.from_weights(W, names=["a", "b", "c"])
    assert graph.adjacency.tolist() == [[0, 1, 0], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(graph.confidence, np.abs(W))
    with pytest.raises(InvalidGraph, match="NaN"):
        CausalGraph.from_weights(np.full((2, 2), np.inf))


def test_edges_are_tidy_and_surest_first() -> None:
    A = _with((0, 1, 1), (2, 0, 1))
    graph = CausalGraph(adjacency=A, weights=A * 1.5, confidence=A * np.array([[0], [0], [2.0]]) + A, names="abc")
    edges = graph.edges()
    assert edges.to_dict("list") == {
        "source": ["c", "a"], "target": ["a", "b"], "kind": ["->", "->"], "weight": [1.5, 1.5], "confidence": [3, 1],
    }  # fmt: skip


def test_cpdag_edges_and_networkx() -> None:
    graph = CausalGraph(adjacency=_with((0, 1, 2), (1, 0, 2), (1, 2, 1)), kind="cpdag")
    assert sorted(graph.edges()["kind"]) == ["--", "->"]
    assert graph.edges()["weight"].isna().all()
    network = graph.to_networkx()
    assert nx.to_dict_of_lists(network) == {"x0": ["x1"], "x1": ["x0", "x2"], "x2": []}
    assert network.edges["x0", "x1"]["undirected"]
    assert not network.edges["x1", "x2"]["undirected"]
