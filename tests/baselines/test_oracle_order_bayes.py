"""`oracle-order-bayes`: its sampler against enumeration and quadrature, its beliefs against how often they hold."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from adag.errors import UsageError
from adag.families import FamilyKey, family_of, tuning_domains
from baselines import GivenFamily, get_method
from baselines.bayes_optimal import log_evidence
from baselines.order_posterior import _cut_normal, _log_mass, edge_posterior

Array = NDArray[np.float64]
KEY = FamilyKey("order-consistent", 6, 1.5, "er", 2)


def enumerated(X: Array, p: float) -> Array:
    """P(i -> j) in the order of the columns: every set of causes, with the exact evidence of `bayes-optimal`."""
    d = X.shape[1]
    evidence = log_evidence(X)
    P = np.zeros((d, d))
    for j in range(1, d):
        sets = [s for size in range(j + 1) for s in combinations(range(j), size)]
        log = np.array([len(s) * np.log(p) + (j - len(s)) * np.log1p(-p) + evidence[j, sum(1 << i for i in s)]
                        for s in sets])  # fmt: skip
        weight = np.exp(log - log.max())
        for s, share in zip(sets, weight / weight.sum(), strict=True):
            P[list(s), j] += share
    return P


@pytest.mark.parametrize(("n", "collinear"), [(15, False), (8, False), (12, True), (3, False)])
def test_the_sampler_agrees_with_enumeration(n: int, collinear: bool) -> None:
    rng = np.random.default_rng(n)
    W = np.triu(rng.choice([-1, 1], (5, 5)) * rng.uniform(0.5, 2.0, (5, 5)) * (rng.random((5, 5)) < 0.5), 1)
    X = rng.normal(size=(n, 5)) @ np.linalg.inv(np.eye(5) - W)
    if collinear:  # two causes that the last variable can hardly tell apart
        X[:, 3] = 1.8 * X[:, 1] + 0.2 * rng.normal(size=n)
        X[:, 4] = X[:, 3] + rng.normal(size=n)
    found = edge_posterior(X, 0.4, sweeps=1500, chains=6, rng=np.random.default_rng(1))
    exact = enumerated(X, 0.4)
    np.testing.assert_allclose(found.probability, exact, atol=0.025)
    assert ((exact > 0.05) & (exact < 0.95)).any()  # or there was nothing to weigh


def test_weights_are_means_of_the_posterior() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    X = np.column_stack([x, 0.6 * x + rng.normal(size=30)])
    found = edge_posterior(X, 0.5, sweeps=2000, chains=6, rng=rng)

    def density(w: float) -> float:
        return float(np.exp(-0.5 * np.square(X[:, 1] - w * x).sum() + 0.5 * X[:, 1] @ X[:, 1]))

    sides = ((-2.0, -0.5), (0.5, 2.0))
    mass = sum(integrate.quad(density, *side)[0] for side in sides) / 3.0
    mean = sum(integrate.quad(lambda w: w * density(w), *side)[0] for side in sides) / 3.0 / mass
    assert found.probability[0, 1] == pytest.approx(mass / (mass + 1.0), abs=1e-6)  # one weight: no sampling error
    assert found.weights[0, 1] == pytest.approx(mean, abs=0.02)
    assert not found.weights[1, 0]


def test_evidence_of_one_weight_keeps_its_digits_far_away() -> None:
    """At 1,000 standard deviations from both sides the mass is that of the nearest end, by its Laplace expansion."""
    for mean, end in ((10.0, 2.0), (0.0, 0.5)):
        curvature = np.array([1e4])
        _, positive = _log_mass(curvature, curvature * mean)
        exponent = curvature[0] * (mean * end - end**2 / 2)
        slope = curvature[0] * abs(mean - end)
        assert positive[0] == pytest.approx(exponent - np.log(slope) - np.log(3.0), rel=1e-6)


@pytest.mark.parametrize(("low", "high"), [(0.5, 2.0), (-3.0, -1.0), (30.0, 31.0), (-0.1, 5.0)])
def test_draws_from_a_cut_normal_follow_it(low: float, high: float) -> None:
    size = (4000,)
    drawn = _cut_normal(np.zeros(size), 1.0, np.full(size, low), np.full(size, high), np.random.default_rng(3))
    assert drawn.min() >= low
    assert drawn.max() <= high
    assert stats.kstest(drawn, stats.truncnorm(low, high).cdf).pvalue > 1e-3


def test_it_errs_as_often_as_it_expects_to_and_less_than_regression() -> None:
    n = 12
    A, X = (t.numpy() for t in tuning_domains(KEY, 150, n))
    methods = {name: get_method(name) for name in ("oracle-order-bayes[sweeps=60,chains=3]", "oracle-order-lasso")}
    wrong: dict[str, list[int]] = {name: [] for name in methods}
    expected = []
    for name, method in methods.items():
        method.prepare(GivenFamily(KEY, n))
        for a, x in zip(A, X, strict=True):
            graph = method.discover(x)
            wrong[name].append(int(((graph.adjacency != 0) != (a != 0)).sum()))
            if "bayes" in name:
                assert graph.confidence is not None
                expected.append(float(np.minimum(graph.confidence, 1.0 - graph.confidence).sum()))
    bayes, lasso = (np.array(errors) for errors in wrong.values())
    error = np.std(bayes - expected) / np.sqrt(len(bayes))
    assert abs(np.mean(bayes) - np.mean(expected)) < 3.5 * error
    assert np.mean(bayes) < np.mean(lasso)  # which was tuned on these very domains


def test_edges_keep_to_the_order_and_are_found_with_many_samples() -> None:
    method = get_method("oracle-order-bayes")
    method.prepare(GivenFamily(KEY, 200))
    sem_A, X = (t.numpy() for t in tuning_domains(KEY, 3, 200))
    order = family_of(*KEY).order
    assert order is not None
    rank = order.argsort().numpy()
    for a, x in zip(sem_A, X, strict=True):
        graph = method.discover(x)
        np.testing.assert_array_equal(graph.adjacency, a != 0)
        np.testing.assert_allclose(graph.weights, a, atol=0.4)
        assert graph.confidence is not None
        assert not graph.confidence[rank[:, None] >= rank].any()


def test_data_of_another_law_are_refused() -> None:
    for family in (
        GivenFamily(KEY, 20, noise="uniform"),
        GivenFamily(KEY, 20, scale="standardised"),
        GivenFamily(KEY._replace(graph="sf"), 20),
    ):
        with pytest.raises(UsageError, match="knows the law of raw ER graphs with Gaussian noise"):
            get_method("oracle-order-bayes").prepare(family)
    with pytest.raises(UsageError, match=r"sweeps >= 4 and chains >= 1, not 3 and 6"):
        get_method("oracle-order-bayes[sweeps=3]")
