"""The semi-real networks are those of the publications, and their samples follow them."""

import dataclasses

import numpy as np
import pytest

from adag.acyclicity import is_acyclic
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.networks import SIZES, network

ARCS = {"ecoli70": 70, "arth150": 150, "magic-niab": 66, "magic-irri": 102}
"""As listed in the bnlearn repository."""


def key(name: str, n: int, scale: str = "raw", repeat: int = 0) -> DatasetKey:
    return DatasetKey(name, 0.0, SIZES[name], n, "gaussian", "unequal", scale, repeat)


@pytest.mark.parametrize("name", SIZES)
def test_the_published_network(name: str) -> None:
    net = network(name)
    assert (len(net.names), int((net.A != 0).sum())) == (SIZES[name], ARCS[name])
    assert is_acyclic(net.A != 0)
    assert (net.variance > 0).all()


def test_parameters_stand_where_the_file_says() -> None:
    net = network("ecoli70")
    at = {name: j for j, name in enumerate(net.names)}
    child = at["atpD"]  # atpD = -0.0403 + 0.2603 sucA - 0.7252 ygcE, residual variance 0.4131
    assert {net.names[i]: net.A[i, child] for i in np.flatnonzero(net.A[:, child])} == {"sucA": 0.2603, "ygcE": -0.7252}
    assert (net.intercept[child], net.variance[child]) == (-0.0403, 0.4131)


@pytest.mark.parametrize("name", SIZES)
def test_samples_follow_the_parameters(name: str) -> None:
    n = 20_000
    data, net = load(key(name, n)), network(name)
    order = [data.X.columns.get_loc(label) for label in net.names]
    assert order != sorted(order)  # no index order leaks
    X, A = data.X.to_numpy()[:, order], data.A[np.ix_(order, order)]
    np.testing.assert_array_equal(A, net.A)
    E = X - X @ A
    error = np.sqrt(net.variance / n)
    assert (np.abs(E.mean(0) - net.intercept) < 5 * error).all()
    np.testing.assert_allclose(E.var(0), net.variance, rtol=5 * np.sqrt(2 / n))
    assert np.abs(np.corrcoef(E.T) - np.eye(len(A))).max() < 6 / np.sqrt(n)


def test_standardised_samples_keep_the_graph_in_their_own_units() -> None:
    raw, scaled = load(key("magic-niab", 100)), load(key("magic-niab", 100, "standardised"))
    np.testing.assert_allclose(scaled.X.std(ddof=0), 1)
    X = scaled.X.to_numpy()
    with np.errstate(divide="ignore"):
        assert (np.abs(np.log((X - X @ scaled.A).var(0))) < np.inf).all()
    assert raw.truth.sum() == scaled.truth.sum() == 66
    repeats = [load(dataclasses.replace(key("magic-niab", 5), repeat=r)) for r in range(2)]
    assert sorted(repeats[0].X.iloc[0]) != sorted(repeats[1].X.iloc[0])
