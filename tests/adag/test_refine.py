"""Local search: each gain is held against scoring whole graphs by least squares, and the answer is a DAG."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lingam import DirectLiNGAM
from scipy.stats import norm

from adag import ADAG
from adag.acyclicity import is_acyclic
from adag.refine import noise_looks_gaussian, refine, variances_look_equal
from adag.search import NEGENTROPY_WEIGHT, Score, Search, negentropy, perturbed
from adag.sem import Variance, simulate


def random_case(seed: int, d: int = 6, n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    A, X = simulate(1, d, n, degree=1.5, generator=torch.Generator().manual_seed(seed))
    return A[0].numpy(), X[0].numpy()


def score(X: np.ndarray, edges: np.ndarray, of: Score) -> float:
    """The search's score from scratch, by NumPy's least squares and lingam's entropy."""
    n, d = X.shape
    centred = X - X.mean(0)
    residual = []
    for j in range(d):
        inside = centred[:, edges[:, j]]
        residual.append(centred[:, j] - inside @ np.linalg.lstsq(inside, centred[:, j], rcond=None)[0])
    variance = np.array([(r**2).mean() for r in residual])
    likelihood = -n * d / 2 * np.log(variance.sum()) if of.equal else -n / 2 * np.log(variance).sum()
    if of.samples is not None:
        gaps = [(1 + np.log(2 * np.pi)) / 2 - DirectLiNGAM()._entropy(r / r.std()) for r in residual]
        likelihood += NEGENTROPY_WEIGHT * n * np.sum(gaps)
    return float(of.share * likelihood + of.prior[edges].sum())


def test_negentropy_is_that_of_direct_lingam_and_small_for_normal_samples() -> None:
    rng = np.random.default_rng(0)
    noise = np.column_stack([rng.exponential(size=3000), rng.uniform(size=3000), rng.laplace(size=3000)])
    noise -= noise.mean(0)
    theirs = [(1 + np.log(2 * np.pi)) / 2 - DirectLiNGAM()._entropy(u / u.std()) for u in noise.T]
    np.testing.assert_allclose(negentropy(noise), theirs, atol=1e-9)
    for n in (20, 200):
        normal = rng.normal(size=(n, 4000))
        normal = n * negentropy(normal - normal.mean(0))
        assert normal.mean() == pytest.approx(1, abs=0.15)
        assert normal.std() == pytest.approx(1, abs=0.15)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), equal=st.booleans(), gaussian=st.booleans())
def test_gains_are_differences_of_scores(seed: int, equal: bool, gaussian: bool) -> None:
    A, X = random_case(seed)
    rng = np.random.default_rng(seed)
    edges = A != 0
    samples = None if gaussian else X - X.mean(0)
    of = Score(np.cov(X.T, bias=True), len(X), rng.normal(size=A.shape), 0.7, equal, samples)
    search = Search(of, edges)
    toggle, reverse = search.gains()
    before = score(X, edges, of)
    for i, j in np.argwhere(~np.eye(len(A), dtype=bool)):
        if edges[j, i]:
            continue
        changed = edges.copy()
        changed[i, j] ^= True
        after = score(X, changed, of)
        assert toggle[i, j] == pytest.approx(after - before, abs=1e-4)
        if is_acyclic(changed):
            assert search.moved(changed).value() - search.value() == pytest.approx(after - before, abs=1e-4)
        if edges[i, j]:
            changed[j, i] = True
            assert reverse[i, j] == pytest.approx(score(X, changed, of) - before, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_one_variance_and_many_are_valued_on_one_scale(seed: int) -> None:
    """Up to one constant both are the log-likelihood at its maximum, in the units that the variables had."""
    A, X = random_case(seed)
    n, d = X.shape
    X = (X - X.mean(0)) * 10.0 ** np.random.default_rng(seed).uniform(-2, 2, d)
    residual = np.empty_like(X)
    for j in range(d):
        parents = X[:, A[:, j] != 0]
        residual[:, j] = X[:, j] - parents @ np.linalg.lstsq(parents, X[:, j], rcond=None)[0]
    squares = np.square(residual)
    units = float(np.log(X.std(0)).sum())
    one = Score(X.T @ X / n, n, np.zeros((d, d)), 1.0, equal=True)
    many = Score(np.corrcoef(X.T), n, np.zeros((d, d)), 1.0, equal=False, log_scale=units)
    for of, variance in ((one, np.full(d, squares.mean())), (many, squares.mean(0))):
        likelihood = norm.logpdf(residual, scale=np.sqrt(variance)).sum() + n * d / 2 * (1 + np.log(2 * np.pi))
        assert Search(of, A != 0).value() == pytest.approx(likelihood, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize("n", [1000, 10_000])
@pytest.mark.parametrize("variance", ["equal", "unequal"])
def test_wrong_edges_do_not_make_equal_variances_look_unequal(variance: Variance, n: int) -> None:
    """From the true graph turned round, with a network that knows nothing; unequal ones stay unequal."""
    A, X = simulate(20, 8, n, degree=2, variance=variance, generator=torch.Generator().manual_seed(6))
    unsure = np.full((8, 8), 0.2) * (1 - np.eye(8))
    found = [
        refine(unsure, np.cov(x.T, bias=True), n, (a != 0).T.astype(np.int8))
        for a, x in zip(A.numpy(), X.numpy(), strict=True)
    ]
    assert np.mean([f.equal_variances == (variance == "equal") for f in found]) >= 0.9


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_more_parents_than_samples_do_not_keep_it_climbing(seed: int, equal: bool) -> None:
    """There the gains that are foretold are not those that come true: two moves could undo each other for ever."""
    d, n = 30, 12
    _, X = random_case(seed, d, n)
    std = 10.0 ** np.random.default_rng(seed).uniform(-1, 1, d)
    of = Score(np.cov((X * std).T, bias=True), n, np.zeros((d, d)), 0.5, equal)
    search = Search(of, np.triu(np.ones((d, d), dtype=bool), 1))
    start = search.value()
    assert search.climb() < 2 * d * d
    assert search.value() >= start
    assert is_acyclic(search.edges.astype(np.int8))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_perturbation_never_lowers_the_score_and_ignores_the_order_of_variables(seed: int) -> None:
    _, X = random_case(seed, d=7, n=60)
    Z = (X - X.mean(0)) / X.std(0)
    rng = np.random.default_rng(seed)
    prior, order = rng.normal(-1, 1, size=(7, 7)), rng.permutation(7)
    found = []
    for columns in (np.arange(7), order):
        samples = Z[:, columns]
        of = Score(np.cov(samples.T, bias=True), 60, prior[np.ix_(columns, columns)], 0.5, equal=False, samples=samples)
        start = Search(of, np.zeros((7, 7), dtype=bool))
        start.climb()
        best = perturbed(start, 10)
        assert best.value() >= start.value()
        assert is_acyclic(best.edges)
        found.append(best)
    np.testing.assert_array_equal(found[1].edges, found[0].edges[np.ix_(order, order)])


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
    assert found.changed >= 2
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


def test_noise_that_is_not_gaussian_is_told_from_noise_that_is() -> None:
    right = {}
    for noise in ("gaussian", "exponential", "uniform", "laplace"):
        A, X = simulate(30, 10, 200, degree=2, noise=noise, generator=torch.Generator().manual_seed(4))
        right[noise] = [
            noise_looks_gaussian(x - x.mean(0), np.cov(x.T, bias=True), a != 0) == (noise == "gaussian")
            for a, x in zip(A.numpy(), X.numpy(), strict=True)
        ]
    assert {noise: np.mean(found) > 0.9 for noise, found in right.items()} == dict.fromkeys(right, True)


def test_the_shape_of_the_noise_orients_what_variances_cannot() -> None:
    A, X = simulate(
        20, 8, 200, degree=2, noise="exponential", scale="standardised", generator=torch.Generator().manual_seed(12)
    )
    model = ADAG(device="cpu")
    wrong = []
    for samples in (None, X.numpy()):
        edges = []
        for k, (x, a) in enumerate(zip(X.numpy(), A.numpy(), strict=True)):
            graph = model.discover(x)
            found = refine(
                graph.confidence, np.cov(x.T, bias=True), 200, graph.adjacency, None if samples is None else samples[k]
            )
            differs = (found.adjacency != 0) != (a != 0)
            edges.append((differs | differs.T).sum() / 2)
        wrong.append(np.mean(edges))
    assert wrong[1] < 0.75 * wrong[0]


def test_a_table_in_memory_and_the_same_read_in_chunks_are_refined_alike(tmp_path: Path) -> None:
    _, X = simulate(
        1, 6, 5000, degree=2, noise="uniform", scale="standardised", generator=torch.Generator().manual_seed(7)
    )
    np.save(tmp_path / "x.npy", X[0].numpy())
    model = ADAG(device="cpu", refine=True)
    here, there = model.discover(X[0].numpy()), model.discover(np.load(tmp_path / "x.npy", mmap_mode="r"))
    np.testing.assert_array_equal(here.adjacency, there.adjacency)
    np.testing.assert_allclose(here.confidence, there.confidence, atol=1e-5)
