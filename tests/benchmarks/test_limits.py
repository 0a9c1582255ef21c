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

KEYS = ["family", "d", "n", "method", "repeat"]


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


def test_who_is_told_less_answers_alike_in_any_unit_and_as_who_is_told_all_once_the_data_say_it() -> None:
    _, X = simulate(3, 5, 400, degree=1, generator=torch.Generator().manual_seed(17))
    for x in X.numpy():
        (graph, probability), (told, known) = limits.told_less(x), limits.answer(x, 1.0)
        assert (graph == told).all()
        np.testing.assert_allclose(probability, known, atol=0.05)
        # The units that are weighed lie around the true one: a hundredth more is still among them.
        np.testing.assert_allclose(limits.told_less(1.01 * x + 3.0)[1], probability, atol=0.02)


def test_impossible_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--variables cannot be 7: choose from 5, 10"):
        limits.run(out=tmp_path, family="general", variables=7, samples="20", repeats=1)
    with pytest.raises(UsageError, match="order-consistent is measured with 10 variables"):
        limits.run(out=tmp_path, family="order-consistent", variables=5, samples="20", repeats=1)
    with pytest.raises(UsageError, match="'nonsense': choose from general, order-consistent"):
        limits.run(out=tmp_path, family="nonsense", variables=10, samples="20", repeats=1)


def test_the_command_writes_a_row_for_every_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for family, d in (("general", 10), ("general", 5), ("order-consistent", 10)):
        limits.run(out=tmp_path, family=family, variables=d, samples="20", repeats=2)
    first = pd.read_csv(tmp_path / "limits.csv")
    monkeypatch.setattr(limits, "log_evidence", None)  # the exact answers are there
    limits.run(out=tmp_path, family="general", variables=5, samples="20", repeats=2)
    whole = pd.read_csv(tmp_path / "limits.csv")
    pd.testing.assert_frame_equal(
        whole.sort_values(KEYS, ignore_index=True), first.sort_values(KEYS, ignore_index=True)
    )
    counts = whole[["family", "d"]].value_counts().to_dict()
    assert counts == {("general", 10): 8, ("general", 5): 10, ("order-consistent", 10): 8}
    assert set(whole.loc[whole["d"] == 5, "method"]) == {limits.LIMIT, limits.TOLD_LESS, *limits.METHODS}
    table = whole[(whole["family"] == "general") & (whole["d"] == 10)]
    rows = table.groupby("method")["repeat"].apply(list).to_dict()
    assert rows == {name: [0, 1] for name in (limits.LIMIT, *limits.METHODS)}
    assert table["shd"].between(0, 45).all()
    assert (limits.summary(table)["n"] == 20).all()
