"""Local search: each gain is held against scoring whole graphs by least squares, and the answer is a DAG."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adag import ADAG
from adag.acyclicity import is_acyclic
from adag.refine import _Search, refine, variances_look_equal
from adag.sem import simulate


def random_case(seed: int, d: int = 6, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    A, X = simulate(1, d, n, degree=1.5, generator=torch.Generator().manual_seed(seed))
    return A[0].numpy(), X[0].numpy()


def score(X: np.ndarray, edges: np.ndarray, prior: np.ndarray, share: float, equal: bool) -> float:
    """The search's score from scratch, by NumPy's least squares."""
    n, d = X.shape
    centred = X - X.mean(0)
    residual = []
    for j in range(d):
        inside = centred[:, edges[:, j]]
        fit = inside @ np.linalg.lstsq(inside, centred[:, j], rcond=None)[0]
        residual.append(((centred[:, j] - fit) ** 2).mean())
    likelihood = -n * d / 2 * np.log(np.sum(residual)) if equal else -n / 2 * np.log(residual).sum()
    return share * likelihood + prior[edges].sum()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), equal=st.booleans())
def test_gains_are_differences_of_scores(seed: int, equal: bool) -> None:
    A, X = random_case(seed)
    rng = np.random.default_rng(seed)
    prior = rng.normal(size=A.shape)
    edges = A != 0
    search = _Search(np.cov(X.T, bias=True), len(X), edges, prior, 0.7, equal)
    toggle, reverse = search.gains()
    before = score(X, edges, prior, 0.7, equal)
    for i, j in np.argwhere(~np.eye(len(A), dtype=bool)):
        if edges[j, i]:
            continue
        changed = edges.copy()
        changed[i, j] ^= True
        assert toggle[i, j] == pytest.approx(score(X, changed, prior, 0.7, equal) - before, abs=1e-5)
        if edges[i, j]:
            changed[j, i] = True
            assert reverse[i, j] == pytest.approx(score(X, changed, prior, 0.7, equal) - before, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 60), d=st.integers(2, 9))
def test_the_answer_is_a_dag_and_probabilities_stay_probabilities(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    probability = rng.dirichlet(np.ones(3), size=(d, d))[..., 0] * 0.5
    np.fill_diagonal(probability, 0.0)
    found = refine(probability, np.cov(X.T, bias=True), n, np.zeros((d, d), dtype=np.int8))
    assert is_acyclic(found.adjacency)
    assert (found.probability >= 0).all()
    assert (found.probability + found.probability.T <= 1 + 1e-9).all()
    assert not np.diagonal(found.probability).any()


def test_many_samples_overrule_a_network_that_is_wrong_in_places() -> None:
    A, X = random_case(5, d=8, n=5000)
    truth = A != 0
    start = truth.copy()
    (a, b), (c, d), (e, f) = np.argwhere(truth)[[0, 3, 5]]
    start[a, b] = False  # one edge missing,
    start[c, d], start[d, c] = False, True  # one turned,
    if not is_acyclic(start):
        start[d, c] = False
    probability = np.where(start, 0.9, 0.03) * (1 - np.eye(8))
    probability[e, f] = 0.2  # and one doubted
    found = refine(probability, np.cov(X.T, bias=True), 5000, start.astype(np.int8))
    np.testing.assert_array_equal(found.adjacency, truth)
    assert found.equal_variances
    assert found.moves >= 2
    assert found.probability[a, b] > 0.4


def test_units_do_not_matter_where_variances_are_free() -> None:
    A, X = simulate(1, 7, 300, degree=1, variance="unequal", generator=torch.Generator().manual_seed(2))
    probability = np.clip((A[0].numpy() != 0) * 0.6, 0.05, 0.6) * (1 - np.eye(7))
    units = np.array([1e-3, 1, 10, 5, 1e4, 0.1, 2])
    start = np.zeros((7, 7), dtype=np.int8)
    one = refine(probability, np.cov((X[0].numpy() * units).T, bias=True), 300, start)
    two = refine(probability, np.cov((X[0].numpy() * units[::-1]).T, bias=True), 300, start)
    assert not one.equal_variances
    np.testing.assert_array_equal(one.adjacency, two.adjacency)


def test_equal_and_unequal_variances_are_told_apart() -> None:
    right = {}
    for variance in ("equal", "unequal"):
        A, X = simulate(30, 8, 200, degree=2, variance=variance, generator=torch.Generator().manual_seed(3))
        looks = [
            variances_look_equal(np.cov(x.T, bias=True), 200, a != 0) for a, x in zip(A.numpy(), X.numpy(), strict=True)
        ]
        right[variance] = np.mean([look == (variance == "equal") for look in looks])
    assert right["equal"] > 0.9
    assert right["unequal"] > 0.9


def test_refined_discovery_errs_less_with_many_samples() -> None:
    A, X = simulate(20, 40, 400, degree=2, generator=torch.Generator().manual_seed(11))
    wrong = []
    for refined in (False, True):
        graphs = ADAG(device="cpu", refine=refined).discover_many(list(X.numpy()))
        differs = [(g.adjacency != 0) != (a != 0) for g, a in zip(graphs, A.numpy(), strict=True)]
        wrong.append(np.mean([(w | w.T).sum() / 2 for w in differs]))
    assert wrong[1] <= wrong[0]
    assert wrong[1] < 2
