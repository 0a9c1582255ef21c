"""What the test data are made of, as `load` hands them out: scipy's laws, population values, CausalDisco's measures."""

import dataclasses
from typing import get_args

import numpy as np
import pytest
from CausalDisco.analytics import order_alignment_paths
from scipy import stats

from adag.random_graphs import GraphFamily
from adag.sem import STUDENT_DF, Noise
from benchmarks.datasets import load, sortabilities
from benchmarks.keys import DatasetKey

KEY = DatasetKey("er", 2.0, 8, 20_000, "gaussian", "equal", "raw", 0)
LAWS = {  # of mean 0 and variance 1
    "gaussian": stats.norm(),
    "exponential": stats.expon(loc=-1),
    "gumbel": stats.gumbel_r(loc=-np.euler_gamma * np.sqrt(6) / np.pi, scale=np.sqrt(6) / np.pi),
    "laplace": stats.laplace(scale=1 / np.sqrt(2)),
    "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "student-t": stats.t(STUDENT_DF, scale=np.sqrt((STUDENT_DF - 2) / STUDENT_DF)),
}


def test_every_noise_has_its_law_here() -> None:
    assert set(LAWS) == set(get_args(Noise))


@pytest.mark.parametrize("noise", LAWS)
@pytest.mark.parametrize("variance", ["equal", "unequal"])
@pytest.mark.parametrize("scale", ["raw", "iscm"])
def test_the_noise_of_every_variable_follows_its_law(noise: str, variance: str, scale: str) -> None:
    """Kolmogorov-Smirnov on the residuals of the true weights, in units of their own deviation in the population."""
    data = load(dataclasses.replace(KEY, noise=noise, variance=variance, scale=scale))
    assert data.covariance is not None
    X, eye = data.X.to_numpy(), np.eye(KEY.d)
    std = np.sqrt(np.diag((eye - data.A).T @ data.covariance @ (eye - data.A)))
    E = (X - X @ data.A) / std
    p_values = [stats.kstest(e, LAWS[noise].cdf).pvalue for e in E.T]
    assert min(p_values) > 1e-3 / KEY.d
    others = [law for name, law in LAWS.items() if name != noise]
    assert max(stats.kstest(E[:, 0], law.cdf).pvalue for law in others) < 1e-3, "a sample that tells the laws apart"
    assert (np.ptp(std) > 0.1) == (variance == "unequal" or scale == "iscm")


@pytest.mark.parametrize("graph", get_args(GraphFamily))
@pytest.mark.parametrize("scale", ["raw", "standardised", "iscm"])
def test_the_sample_covariance_is_that_of_the_population(graph: str, scale: str) -> None:
    degree = 1.0 if graph in ("chain", "star") else 2.0
    data = load(dataclasses.replace(KEY, graph=graph, degree=degree, variance="unequal", scale=scale))
    assert data.covariance is not None
    deviation = np.sqrt(np.outer(np.diag(data.covariance), np.diag(data.covariance)))
    # 6 standard errors of a covariance, which is at most sqrt(2 / n) of the deviations.
    sample = np.cov(data.X.to_numpy().T)
    np.testing.assert_allclose(sample / deviation, data.covariance / deviation, atol=6 * np.sqrt(2 / KEY.n))


@pytest.mark.parametrize("scale", ["raw", "standardised", "iscm"])
@pytest.mark.parametrize("noise", ["gaussian", "exponential", "student-t"])
def test_sortabilities_of_many_samples_are_those_of_the_population(scale: str, noise: str) -> None:
    """CausalDisco's measure on the variances and R2 of the closed-form covariance, and on 20,000 samples."""
    sampled, population = [], []
    for repeat in range(8):
        data = load(dataclasses.replace(KEY, scale=scale, noise=noise, repeat=repeat))
        assert data.covariance is not None
        variances = np.diag(data.covariance)
        r2 = 1 - 1 / (variances * np.diag(np.linalg.inv(data.covariance)))
        pairs = [order_alignment_paths(data.truth.astype(int), scores, tol=1e-9) for scores in (variances, r2)]
        population.append(pairs)
        sampled.append(sortabilities(data))
    ours, theory = np.mean(sampled, axis=0), np.mean(population, axis=0)
    assert ours[1] == pytest.approx(theory[1], abs=0.02)
    if scale == "raw":
        assert ours[0] == pytest.approx(theory[0], abs=0.01)
    elif scale == "iscm":  # every variance is 1: samples are sorted by chance, see below
        assert theory[0] == 0.5
    else:  # samples are z-scored by their own deviation: every variance is 1 in the sample
        assert ours[0] == 0.5


def test_every_effect_of_one_cause_has_the_larger_variance() -> None:
    """A star of unit noises: variance 1 for the cause and 1 + w^2 for each effect, so sorting is always right."""
    for repeat in range(5):
        data = load(dataclasses.replace(KEY, graph="star", degree=1.0, repeat=repeat))
        assert sortabilities(data)[0] == 1.0


@pytest.mark.parametrize("noise", ["gaussian", "exponential", "uniform", "student-t"])
@pytest.mark.parametrize("graph", ["er", "sf"])
def test_var_sortability_of_iscm_data_is_one_half_within_its_interval(noise: str, graph: str) -> None:
    """99.9% intervals of the mean over data sets: eight of them are looked at."""
    key = dataclasses.replace(KEY, graph=graph, n=200, scale="iscm", noise=noise)
    values = [sortabilities(load(dataclasses.replace(key, repeat=r)))[0] for r in range(100)]
    half = 3.29 * np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - 0.5) < half < 0.1
