"""`ADAG` as users call it, with the shipped checkpoint."""

import numpy as np
import pandas as pd
import pytest
import torch

from adag import ADAG, DataError, UsageError
from adag.sem import simulate


@pytest.fixture(scope="module")
def adag() -> ADAG:
    return ADAG(device="cpu")


def test_recovers_a_chain(adag: ADAG, chain_data: np.ndarray) -> None:
    graph = adag.discover(pd.DataFrame(chain_data, columns=["z", "y", "x"]))
    assert graph.names == ("z", "y", "x")
    assert graph.adjacency.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert graph.weights is not None
    assert graph.weights[1, 0] == pytest.approx(-1.2, abs=0.1)
    assert graph.weights[2, 1] == pytest.approx(1.5, abs=0.1)


def test_accurate_where_it_was_trained(adag: ADAG) -> None:
    """Far better than an empty graph (20 edges) on fresh sets: a broken checkpoint or decoder fails this."""
    A, X = simulate(40, 10, 100, degree=2, generator=torch.Generator().manual_seed(123_456))
    wrong = []
    for a, graph in zip(A.numpy(), adag.discover_many(list(X.numpy())), strict=True):
        differs = graph.adjacency != (a != 0)
        wrong.append((differs | differs.T).sum() / 2)
    assert np.mean(wrong) < 4


def test_many_is_one_by_one_ragged_and_in_order(adag: ADAG) -> None:
    rng = np.random.default_rng(0)
    datasets = [rng.normal(size=shape) for shape in [(30, 4), (12, 7), (30, 4), (5, 9), (12, 7), (2, 2)]]
    for X, graph in zip(datasets, adag.discover_many(datasets), strict=True):
        alone = adag.discover(X)
        np.testing.assert_allclose(graph.confidence, alone.confidence, atol=1e-5)
        np.testing.assert_array_equal(graph.adjacency, alone.adjacency)
    assert adag.discover_many([]) == []


@pytest.mark.parametrize(("n", "d"), [(2, 2), (3, 30), (10, 100), (1000, 50)])
def test_always_a_dag(adag: ADAG, n: int, d: int) -> None:
    X = simulate(1, d, n, degree=min(2, (d - 1) / 2), generator=torch.Generator().manual_seed(n))[1][0].numpy()
    graph = adag.discover(X)  # CausalGraph itself refuses a cycle
    assert graph.kind == "dag"
    assert graph.d == d


@pytest.mark.parametrize("name", ["adag-foundation", "adag-unsupervised"])
@pytest.mark.parametrize("refine", [False, True])
def test_any_number_of_variables(name: str, refine: bool) -> None:
    generator = torch.Generator().manual_seed(5)
    sizes = [*range(2, 30), *range(30, 101, 5)]
    samples = [simulate(1, d, 8, degree=min(2, (d - 1) / 2), generator=generator)[1][0].numpy() for d in sizes]
    graphs = ADAG(name, device="cpu", refine=refine).discover_many(samples)
    assert [graph.d for graph in graphs] == sizes


def test_relabelling_the_variables_relabels_the_graph(adag: ADAG) -> None:
    X = simulate(1, 12, 40, degree=2, generator=torch.Generator().manual_seed(9))[1][0].numpy()
    order = np.random.default_rng(1).permutation(12)
    before, after = adag.discover(X), adag.discover(X[:, order])
    assert before.confidence is not None
    np.testing.assert_allclose(after.confidence, before.confidence[np.ix_(order, order)], atol=1e-4)


def test_errors_name_the_data_set(adag: ADAG) -> None:
    good = np.random.default_rng(0).normal(size=(5, 3))
    bad = good.copy()
    bad[2, 1] = np.nan
    with pytest.raises(DataError, match="data set 1: column 'x1' has missing"):
        adag.discover_many([good, bad])
    with pytest.raises(DataError, match=r"^column 'x1'"):
        adag.discover(bad)
    with pytest.raises(UsageError, match="unknown device"):
        ADAG(device="abacus")
    with pytest.raises(UsageError, match="unknown precision 'float16': use float32 or bfloat16"):
        ADAG(device="cpu", precision="float16")  # type: ignore[arg-type]


@pytest.mark.parametrize("d", [2, 3, 5])
def test_independent_columns_get_few_edges(adag: ADAG, d: int) -> None:
    """Of 100 samples, pairs that nothing joins: an edge is the exception, and said to be unlikely."""
    rng = np.random.default_rng(d)
    graphs = adag.discover_many([rng.normal(size=(100, d)) for _ in range(100)])
    pairs = d * (d - 1) / 2
    assert np.mean([graph.adjacency.sum() for graph in graphs]) / pairs < 0.1
    assert np.mean([graph.confidence.sum() for graph in graphs if graph.confidence is not None]) / pairs < 0.2


def test_half_precision_costs_no_accuracy(adag: ADAG) -> None:
    A, X = simulate(60, 10, 50, degree=2, generator=torch.Generator().manual_seed(654_321))
    exact, rough = (model.discover_many(list(X.numpy())) for model in (adag, ADAG(device="cpu", precision="bfloat16")))
    moved = np.array([np.abs(a.confidence - b.confidence) for a, b in zip(exact, rough, strict=True)])
    assert 0 < moved.mean() < 0.001
    assert moved.max() < 0.15
    wrong = np.array([[(g.adjacency != (a != 0)).sum() for a, g in zip(A.numpy(), graphs, strict=True)]
                      for graphs in (exact, rough)])  # fmt: skip
    assert abs(wrong[0].mean() - wrong[1].mean()) < 0.2
