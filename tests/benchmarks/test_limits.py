"""The limit against the enumeration at d = 5, and the command on one data set a cell."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from adag.sem import simulate
from baselines import get_method
from benchmarks import limits


def test_at_five_variables_it_is_bayes_optimal() -> None:
    _, X = simulate(4, 5, 15, degree=1, generator=torch.Generator().manual_seed(7))
    for x in X.numpy():
        adjacency, probability = limits.answer(x, 1.0)
        graph = get_method("bayes-optimal").discover(x, seed=0)
        np.testing.assert_allclose(probability, graph.confidence, atol=0.005)  # fewer points in the integrals
        assert (adjacency == graph.adjacency).all()


def test_the_command_writes_a_row_for_every_answer(tmp_path: Path) -> None:
    limits.run(out=tmp_path, samples="20", repeats=2)
    table = pd.read_csv(tmp_path / "limits.csv")
    rows = table.groupby("method")["repeat"].apply(list).to_dict()
    assert rows == {name: [0, 1] for name in (limits.LIMIT, *limits.METHODS)}
    assert table["shd"].between(0, 45).all()
    assert (limits.summary(table)["n"] == 20).all()
