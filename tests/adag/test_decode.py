"""Decoding against exhaustive search over all DAGs, and weights against scikit-learn."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from adag.acyclicity import is_acyclic
from adag.decode import expected_shd, least_expected_shd, regression_weights


def _all_dags(d: int) -> list[np.ndarray]:
    pairs = list(itertools.combinations(range(d), 2))
    dags = []
    for states in itertools.product((0, 1, 2), repeat=len(pairs)):
        A = np.zeros((d, d), dtype=np.int8)
        for (i, j), state in zip(pairs, states, strict=True):
            if state:
                A[(i, j) if state == 1 else (j, i)] = 1
        if is_acyclic(A):
            dags.append(A)
    return dags


DAGS = {d: _all_dags(d) for d in (2, 3, 4)}


def _random_probabilities(d: int, seed: int, sharpness: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    P = np.zeros((d, d))
    for i, j in itertools.combinations(range(d), 2):
        P[i, j], P[j, i], _ = rng.dirichlet([sharpness] * 3)
    return P


def test_the_enumeration_is_complete() -> None:
    assert [len(DAGS[d]) for d in (2, 3, 4)] == [3, 25, 543]  # OEIS A003024


@given(st.sampled_from([2, 3, 4]), st.integers(0, 10_000), st.sampled_from([0.1, 0.5, 2.0]))
@settings(deadline=None, max_examples=150)
def test_decoding_is_the_best_of_all_dags(d: int, seed: int, sharpness: float) -> None:
    P = _random_probabilities(d, seed, sharpness)
    A = least_expected_shd(P)
    assert is_acyclic(A)
    best = min(expected_shd(P, dag) for dag in DAGS[d])
    none = 1 - P - P.T
    gain = np.maximum(P - none, 0)
    if is_acyclic((gain > gain.T) & (gain > 0)):
        assert expected_shd(P, A) == pytest.approx(best)
    else:  # a cycle of best states: a local optimum, seldom and little worse
        assert expected_shd(P, A) <= best + 0.35


@given(st.integers(2, 12), st.integers(0, 10_000))
@settings(deadline=None, max_examples=100)
def test_never_a_cycle_even_under_ties(d: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    half = np.triu(np.full((d, d), 0.5), 1) * (rng.random((d, d)) < 0.7)
    assert is_acyclic(least_expected_shd(half + half.T))
    cycle = np.roll(np.eye(d), 1, axis=1) * 0.9 if d > 2 else np.array([[0, 0.9], [0, 0]])
    kept = least_expected_shd(cycle)
    assert is_acyclic(kept)
    assert kept.sum() == (d - 1)


@given(st.integers(1, 9), st.integers(0, 6), st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_many_at_once_are_decoded_as_one_by_one(d: int, count: int, seed: int) -> None:
    """Ties and cycles among them."""
    rng = np.random.default_rng(seed)
    states = np.round(rng.dirichlet([1.0] * 3, size=(count, d, d)), 1)
    upper = np.triu(np.ones((d, d)), 1)
    P = states[..., 0] * upper + (states[..., 1] * upper).swapaxes(1, 2)
    together = least_expected_shd(P)
    assert together.shape == P.shape
    for one, p in zip(together, P, strict=True):
        np.testing.assert_array_equal(one, least_expected_shd(p))


def test_regression_weights_are_least_squares() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 4)) @ rng.normal(size=(4, 4))
    A = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=np.int8)
    weights = regression_weights(np.cov(X.T), A, n=10**9)
    for j in range(1, 4):
        parents = np.flatnonzero(A[:, j])
        np.testing.assert_allclose(weights[parents, j], LinearRegression().fit(X[:, parents], X[:, j]).coef_, rtol=1e-4)
    assert (weights[A == 0] == 0).all()
    few = regression_weights(np.cov(X[:2].T), A, n=2)
    assert np.isfinite(few).all(), "more parents than samples"
