"""The held-out likelihood against scikit-learn's regressions, scipy's density of drawn samples, and closed forms."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.linear_model import LinearRegression

from adag.sem import random_sem
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.likelihood import Fit, held_out_loglik
from benchmarks.metrics import METRICS
from benchmarks.networks import SIZES

KEY = DatasetKey("er", 1.0, 6, 60, "gaussian", "unequal", "raw", 0)


@pytest.mark.parametrize("noise", ["gaussian", "exponential"])
def test_it_is_the_mean_log_density_of_fresh_samples(noise: str) -> None:
    generator = torch.Generator().manual_seed(3)
    sem = random_sem(1, 5, degree=1, noise=noise, variance="unequal", generator=generator)
    X, fresh = sem.sample(40, generator)[0].numpy(), sem.sample(200_000, generator)[0].numpy()
    dag = (np.triu(np.ones((5, 5)), 1) * (sem.A[0].numpy() == 0)).astype(np.int8)  # some wrong DAG
    B, variance = np.zeros((5, 5)), np.zeros(5)
    for j in range(5):
        parents = np.flatnonzero(dag[:, j])
        residual = X[:, j] - X[:, j].mean()
        if len(parents):
            model = LinearRegression().fit(X[:, parents], X[:, j])
            B[parents, j], residual = model.coef_, X[:, j] - model.predict(X[:, parents])
        variance[j] = (residual**2).sum() / (39 - len(parents))
    inverse = np.linalg.inv(np.eye(5) - B)
    density = multivariate_normal(np.zeros(5), inverse.T @ np.diag(variance) @ inverse).logpdf(fresh)
    value = held_out_loglik(dag, Fit(X, sem.covariance()[0].numpy()))
    assert value == pytest.approx(density.mean(), abs=5 * density.std() / np.sqrt(len(fresh)))


def test_with_many_samples_the_truth_reaches_the_entropy_and_too_few_edges_do_not() -> None:
    data = load(dataclasses.replace(KEY, n=100_000))
    fit = Fit(data.X.to_numpy(), data.covariance)
    entropy = 0.5 * (6 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(fit.covariance)[1])
    assert held_out_loglik(data.truth, fit) == pytest.approx(-entropy, abs=1e-3)
    assert held_out_loglik(np.zeros_like(data.truth), fit) < -entropy - 0.1


def test_equivalent_dags_score_alike_and_no_model_beats_the_entropy() -> None:
    data = load(KEY)
    fit = Fit(data.X.to_numpy(), data.covariance)
    full = np.triu(np.ones((6, 6), dtype=np.int8), 1)
    entropy = 0.5 * (6 * np.log(2 * np.pi * np.e) + np.linalg.slogdet(fit.covariance)[1])
    values = [held_out_loglik(dag, fit) for dag in (full, full.T)]
    assert values[0] == pytest.approx(values[1], abs=0.05)  # up to the degrees of freedom
    assert max(values) < -entropy


def test_it_is_nan_where_nothing_can_be_fitted_or_nothing_is_known() -> None:
    data = load(dataclasses.replace(KEY, n=5))
    full = np.triu(np.ones((6, 6), dtype=np.int8), 1)
    assert np.isnan(held_out_loglik(full, Fit(data.X.to_numpy(), data.covariance)))
    metric = next(metric for metric in METRICS if metric.name == "heldout_loglik")
    assert np.isnan(metric("dag", full, full))
    for violation in ("measurement-error", "confounders", "nonlinear"):
        assert load(dataclasses.replace(KEY, violation=violation)).covariance is None


@pytest.mark.parametrize("name", ["er", *SIZES])
@pytest.mark.parametrize("scale", ["raw", "standardised"])
def test_the_population_covariance_is_in_the_units_of_the_samples(name: str, scale: str) -> None:
    key = dataclasses.replace(KEY, graph=name, d=SIZES.get(name, 6), n=20_000, scale=scale)
    data = load(key)
    std = np.sqrt(np.diag(data.covariance))
    sample = np.cov(data.X.to_numpy().T)
    assert np.abs(sample - data.covariance).max(initial=0, where=np.isfinite(sample)) / std.max() ** 2 < 0.1
    np.testing.assert_allclose(np.diag(sample), np.diag(data.covariance), rtol=0.06)
    np.testing.assert_allclose(np.corrcoef(data.X.to_numpy().T), data.covariance / np.outer(std, std), atol=0.05)
