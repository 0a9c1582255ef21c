"""What the methods answer: as their libraries do, pointing the right way, for every shape, under the user's names."""

from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import torch
from baseline_cases import METHODS, linear_sem
from numpy.typing import NDArray

from adag.errors import DataError
from adag.graph import CausalGraph, InvalidGraph
from baselines import Method, get_method, parse_spec, register
from baselines.registry import built_in_methods

Arrays = dict[str, NDArray[np.float64]]


GCASTLE = {
    "notears": "notears",
    "golem[num_iter=200]": "golem",
    "golem-ev[num_iter=200,device=cpu]": "golem",
    "golem-nv[num_iter=200,device=cpu]": "golem-nv",
}
"""What is asked of us, and the key of what is asked of gcastle."""
LINGAM = ("direct-lingam", "ica-lingam")
WEIGHTED = ("dagma", "var-sort-regress", "r2-sort-regress", "random-sort-regress")
CLASSES = ("flop", "ges", "boss", "grasp")
ALONE = ("notears-standardised", "pc", "notears-torch")
"""Compared in a test of their own."""
WITH_A_FAMILY = (
    "multi-group-direct-lingam", "notears-pooled", "oracle-order-lasso", "oracle-order-ridge", "pooled-order-lasso",
    "pooled-order-ridge",
)  # fmt: skip
"""Compared in test_family_methods.py."""


def directed(matrix: NDArray[Any]) -> bool:
    return nx.is_directed_acyclic_graph(nx.DiGraph(matrix))


def test_every_method_of_another_package_is_compared_with_it_on_5_data_sets(datasets: Arrays) -> None:
    assert len(datasets) >= 5
    compared = {parse_spec(spec).name for spec in GCASTLE} | {*LINGAM, *WEIGHTED, *CLASSES, *ALONE, *WITH_A_FAMILY}
    assert compared == {cls.name for cls in built_in_methods() if cls.package != "adag"}


@pytest.mark.parametrize(("spec", "library"), GCASTLE.items())
def test_gcastle_methods_answer_as_gcastle_does(spec: str, library: str, datasets: Arrays, reference: Arrays) -> None:
    method = get_method(spec)
    compared = 0
    for name, X in datasets.items():
        graph = method.discover(X, seed=3)
        theirs = reference[f"{library}/weights/{name}"]
        np.testing.assert_allclose(graph.confidence, np.abs(theirs), atol=1e-9, err_msg=name)
        np.testing.assert_allclose(graph.weights[graph.adjacency == 1], theirs[graph.adjacency == 1], atol=1e-9)
        over = np.abs(theirs) > 0.3
        if directed(over):  # then no cycle rule is at work, gcastle's or ours, and its own graph must be this one
            np.testing.assert_array_equal(graph.adjacency, reference[f"{library}/graph/{name}"], err_msg=name)
            compared += 1
    assert compared >= 3


def test_notears_standardised_answers_as_gcastle_does_on_standardised_columns(
    datasets: Arrays, reference: Arrays
) -> None:
    for name, X in datasets.items():
        graph = get_method("notears-standardised").discover(X)
        theirs = reference[f"notears-standardised/weights/{name}"]
        np.testing.assert_allclose(graph.confidence, np.abs(theirs), atol=1e-6, err_msg=name)
        units = X.std(axis=0) / X.std(axis=0)[:, None]  # of the effect, per unit of the cause
        edges = graph.adjacency == 1
        np.testing.assert_allclose(graph.weights[edges], (theirs * units)[edges], rtol=1e-5, err_msg=name)
        # Powers of two round nothing; other units do, and the optimiser's path on a set of few rows follows rounding.
        in_other_units = get_method("notears-standardised").discover(X * np.exp2(np.arange(X.shape[1])))
        np.testing.assert_array_equal(in_other_units.adjacency, graph.adjacency, err_msg=name)


@pytest.mark.parametrize("library", LINGAM)
def test_lingam_methods_answer_as_lingam_does(library: str, datasets: Arrays, reference: Arrays) -> None:
    for name, X in datasets.items():
        graph = get_method(library).discover(X, seed=3)
        theirs = reference[f"{library}/weights/{name}"].T
        np.testing.assert_allclose(graph.confidence, np.abs(theirs), atol=1e-9, err_msg=name)
        np.testing.assert_array_equal(graph.adjacency, np.abs(theirs) >= 0.3, err_msg=name)
        place = np.argsort(reference[f"{library}/order/{name}"])
        assert all(place[i] < place[j] for i, j in np.argwhere(graph.adjacency)), "an edge against lingam's own order"


def test_pc_answers_as_causal_learn_does(datasets: Arrays, reference: Arrays) -> None:
    bidirected = 0
    for name, X in datasets.items():
        graph = get_method("pc").discover(X)
        np.testing.assert_array_equal(graph.adjacency, reference[f"pc/graph/{name}"], err_msg=name)
        assert graph.kind == "cpdag"
        assert graph.weights is None
        conflicts = get_method("pc[uc_priority=1]").discover(X)
        np.testing.assert_array_equal(conflicts.adjacency, reference[f"pc-bidirected/graph/{name}"], err_msg=name)
        bidirected += int(reference[f"pc-bidirected/count/{name}"])
    assert bidirected > 0, "no data set has the conflict that this test is about"


@pytest.mark.parametrize("library", WEIGHTED)
def test_weighted_methods_answer_as_their_libraries_do(library: str, datasets: Arrays, reference: Arrays) -> None:
    for name, X in datasets.items():
        graph = get_method("dagma[T=2]" if library == "dagma" else library).discover(X, seed=3)
        theirs = reference[f"{library}/weights/{name}"]
        np.testing.assert_allclose(graph.confidence, np.abs(theirs), atol=1e-9, err_msg=name)
        edges = graph.adjacency == 1
        np.testing.assert_allclose(graph.weights[edges], theirs[edges], atol=1e-9, err_msg=name)
        if directed(np.abs(theirs) >= 0.3):
            np.testing.assert_array_equal(edges, np.abs(theirs) >= 0.3, err_msg=name)


@pytest.mark.parametrize("library", CLASSES)
def test_searches_for_a_class_answer_as_their_libraries_do(library: str, datasets: Arrays, reference: Arrays) -> None:
    marks = set()
    for name, X in datasets.items():
        graph = get_method(library).discover(X, seed=3)
        np.testing.assert_array_equal(graph.adjacency, reference[f"{library}/graph/{name}"], err_msg=name)
        assert graph.kind == "cpdag"
        assert graph.weights is None
        marks |= set(np.unique(graph.adjacency))
    assert marks == {0, 1, 2}, "no data set tells a directed edge from an undirected one"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", ["golem-ev", "golem-nv"])
def test_a_gpu_gives_the_weights_of_a_cpu(method: str, datasets: Arrays) -> None:
    X = datasets["many"]
    here, there = (get_method(f"{method}[num_iter=200,device={device}]").discover(X) for device in ("cpu", "cuda"))
    np.testing.assert_allclose(there.confidence, here.confidence, atol=1e-3)


def test_notears_torch_answers_as_its_package_does(datasets: Arrays, reference: Arrays) -> None:
    compared = 0
    for name, X in datasets.items():
        graph = get_method("notears-torch[outer_iter=5,device=cpu]").discover(X)
        theirs = reference[f"notears-torch/graph/{name}"]
        assert (theirs[graph.adjacency == 1] == 1).all(), name
        if directed(theirs):
            np.testing.assert_array_equal(graph.adjacency, theirs, err_msg=name)
            compared += theirs.any()
        assert graph.weights is None
    assert compared >= 3


def test_the_empty_graph_is_empty(datasets: Arrays) -> None:
    for X in datasets.values():
        assert not get_method("empty").discover(X).adjacency.any()


def test_adag_answers_as_the_estimator_under_the_common_rule(datasets: Arrays) -> None:
    from adag import ADAG

    model = ADAG(device="cpu")
    method = get_method("adag")
    dropped = 0
    for name, X in datasets.items():
        theirs, ours = model.discover(X), method.discover(X)
        np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-6, err_msg=name)
        np.testing.assert_array_equal(ours.adjacency, (theirs.adjacency == 1) & (np.abs(theirs.weights) >= 0.3))
        # In large units of the sources the true weights are small: here the rule must cost an edge.
        scaled = X * np.geomspace(1, 100, X.shape[1])
        dropped += int(model.discover(scaled).adjacency.sum() - method.discover(scaled).adjacency.sum())
    assert dropped > 0
    together = method.discover_many(list(datasets.values()))
    for many, X in zip(together, datasets.values(), strict=True):
        np.testing.assert_array_equal(many.adjacency, method.discover(X).adjacency)


@pytest.mark.parametrize("method", ["adag", "direct-lingam", "golem[num_iter=400,learning_rate=0.01]", "notears"])
@pytest.mark.parametrize("flip", [False, True])
def test_cause_to_effect_in_row_to_column(method: str, flip: bool) -> None:
    """Uniform noise of equal variance: two variables are identifiable for all four (Shimizu 2006; Peters 2014)."""
    rng = np.random.default_rng(0)
    cause = rng.uniform(-1, 1, 5000)
    effect = 1.5 * cause + rng.uniform(-1, 1, 5000)
    X = np.column_stack([effect, cause] if flip else [cause, effect])
    graph = get_method(method).discover(X)
    expected = np.array([[0, 0], [1, 0]] if flip else [[0, 1], [0, 0]])
    np.testing.assert_array_equal(graph.adjacency, expected)
    assert graph.weights is not None
    assert graph.weights[graph.adjacency == 1].item() == pytest.approx(1.5, abs=0.35)  # the penalties shrink


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_pc_orients_a_collider_and_nothing_else(order: tuple[int, ...]) -> None:
    """x -> y <- z is alone in its equivalence class; the chain x -> y -> z shares its own with two others."""
    rng = np.random.default_rng(0)
    x, z, e = rng.normal(size=(3, 5000))
    position = np.argsort(order)
    collider = get_method("pc").discover(np.column_stack([x, x + z + e, z])[:, order])
    expected = np.zeros((3, 3), dtype=int)
    expected[[0, 2], 1] = 1
    np.testing.assert_array_equal(collider.adjacency[np.ix_(position, position)], expected)
    y = x + e
    chain = get_method("pc").discover(np.column_stack([x, y, y + z])[:, order])
    np.testing.assert_array_equal(
        chain.adjacency[np.ix_(position, position)], np.array([[0, 2, 0], [2, 0, 2], [0, 2, 0]])
    )


@pytest.mark.parametrize("method", METHODS)
def test_names_come_from_the_frame_and_the_frame_stays(method: str) -> None:
    _, X = linear_sem(3, 4, 80)
    names = ["Raf", "Mek", "PKA", "Plcg"]
    frame = pd.DataFrame(X, columns=names)
    before = frame.copy(deep=True)
    graph = get_method(method).discover(frame)
    assert graph.names == tuple(names)
    assert set(graph.edges()["source"]) <= set(names)
    pd.testing.assert_frame_equal(frame, before)
    by_array = get_method(method).discover(X)
    assert by_array.names == ("x0", "x1", "x2", "x3")
    np.testing.assert_array_equal(by_array.adjacency, graph.adjacency)


@pytest.mark.parametrize("method", METHODS)
def test_read_only_input_is_fine_and_untouched(method: str) -> None:
    _, X = linear_sem(5, 4, 60)
    kept = X.copy()
    X.setflags(write=False)
    first = get_method(method).discover(X)
    np.testing.assert_array_equal(X, kept)
    for layout in (np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(get_method(method).discover(layout).adjacency, first.adjacency)


@pytest.mark.parametrize("method", [*METHODS[:2], "golem[num_iter=400,learning_rate=0.01]", *METHODS[3:]])
def test_two_variables(method: str) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=300)
    graph = get_method(method).discover(np.column_stack([x, x + rng.normal(size=300)]))
    assert graph.d == 2
    assert graph.adjacency.any()


@pytest.mark.parametrize("method", ["adag", "golem[num_iter=200]", "notears", "pc"])
def test_fewer_samples_than_variables(method: str) -> None:
    graph = get_method(method).discover(np.random.default_rng(1).normal(size=(5, 8)))
    assert graph.d == 8


@pytest.mark.parametrize(
    ("method", "shape", "words"),
    [("flop", (30, 3), "FLOP error"), ("pc", (2, 4), "math domain error")],
)
def test_a_librarys_own_refusal_comes_through(method: str, shape: tuple[int, int], words: str) -> None:
    X = np.random.default_rng(1).normal(size=shape)
    if method == "flop":
        X[:, 2] = X[:, 0] + X[:, 1]
    with pytest.raises((ValueError, RuntimeError), match=words) as error:
        get_method(method).discover(X)
    assert not isinstance(error.value, DataError)


@pytest.mark.parametrize("method", ["direct-lingam", "flop", "ica-lingam", "var-sort-regress"])
def test_too_few_samples_for_a_method_are_refused_in_plain_words(method: str) -> None:
    X = np.random.default_rng(1).normal(size=(9, 8))
    assert get_method(method).discover(X).d == 8
    with pytest.raises(DataError) as error:
        get_method(method).discover(X[:8])
    assert all(word in str(error.value) for word in (method, "at least 9 samples for 8 variables", "there are 8"))


BAD: dict[str, tuple[Any, str]] = {
    "nan": (pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, np.nan, 5]}), "'b'"),
    "infinite": (pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, np.inf, 5]}), "'b'"),
    "constant": (pd.DataFrame({"a": [1.0, 2, 4], "b": [7.0, 7, 7]}), "'b'"),
    "identical": (pd.DataFrame({"a": [1.0, 2, 4], "c": [3.0, 1, 1], "b": [1.0, 2, 4]}), "'a' and 'b'"),
    "text": (pd.DataFrame({"a": [1.0, 2, 3], "b": ["x", "y", "z"]}), "'b'"),
    "one row": (pd.DataFrame({"a": [1.0], "b": [2.0]}), "1 row"),
    "one column": (pd.DataFrame({"a": [1.0, 2, 3]}), "1 column"),
    "1-D": (np.arange(5.0), "1 dimension"),
    "empty": (np.zeros((0, 3)), "empty"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", BAD)
def test_bad_data_is_refused_by_every_method_in_the_same_words(method: str, case: str) -> None:
    data, named = BAD[case]
    with pytest.raises(DataError) as error:
        get_method(method).discover(data)
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_the_position_of_a_bad_data_set_among_many_is_named() -> None:
    good = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(DataError, match="data set 1"):
        get_method("adag").discover_many([good, np.ones((20, 3))])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.zeros((3, 3)), "ndarray"),
        (None, "NoneType"),
        (CausalGraph(np.zeros((2, 2), dtype=np.int8)), "2 variables for data with 3"),
    ],
)
def test_an_answer_that_is_no_graph_of_the_data_is_refused(answer: Any, words: str, clean_registry: None) -> None:
    @register
    class Odd(Method):
        name = "odd"
        package = "adag"

        def discover(self, X: Any, *, seed: int) -> Any:
            return answer

    with pytest.raises(InvalidGraph, match=words):
        get_method("odd").discover(np.random.default_rng(0).normal(size=(9, 3)))
