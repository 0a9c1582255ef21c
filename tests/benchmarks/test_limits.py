"""The limit against the enumeration at d = 5, and the command on one data set a cell."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from adag.errors import UsageError
from adag.sem import simulate, topological_order
from baselines import get_method
from benchmarks import limits
from benchmarks.metrics import shd


def test_at_five_variables_it_is_bayes_optimal() -> None:
    _, X = simulate(4, 5, 15, degree=1, generator=torch.Generator().manual_seed(7))
    for x in X.numpy():
        adjacency, probability = limits.answer(x, 1.0)
        graph = get_method("bayes-optimal").discover(x, seed=0)
        np.testing.assert_allclose(probability, graph.confidence, atol=0.005)  # fewer points in the integrals
        assert (adjacency == graph.adjacency).all()


def test_who_knows_the_order_errs_less_and_never_against_it() -> None:
    A, X = simulate(12, 6, 10, degree=1, generator=torch.Generator().manual_seed(3))
    wrong = np.zeros(2)
    for a, x in zip(A, X.numpy(), strict=True):
        order = topological_order(a[None])[0].numpy()
        graphs = limits.answer(x, 1.0)[0], limits.answer(x, 1.0, order)[0]
        wrong += [shd(graph, (a != 0).numpy().astype(np.int8)) for graph in graphs]
        assert not np.tril(graphs[1][np.ix_(order, order)]).any()
    assert wrong[1] < wrong[0]


def test_an_unknown_family_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'nonsense': choose from general, order-consistent"):
        limits.run(out=tmp_path, family="nonsense", samples="20", repeats=1)


def test_the_command_writes_a_row_for_every_answer(tmp_path: Path) -> None:
    for family in ("general", "order-consistent", "order-consistent"):
        limits.run(out=tmp_path, family=family, samples="20", repeats=2)
    whole = pd.read_csv(tmp_path / "limits.csv")
    assert whole["family"].value_counts().to_dict() == {"general": 8, "order-consistent": 8}
    table = whole[whole["family"] == "general"]
    rows = table.groupby("method")["repeat"].apply(list).to_dict()
    assert rows == {name: [0, 1] for name in (limits.LIMIT, *limits.METHODS)}
    assert table["shd"].between(0, 45).all()
    assert (limits.summary(table)["n"] == 20).all()
