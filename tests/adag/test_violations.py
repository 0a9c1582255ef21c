"""Each violation breaks what it says it breaks, and nothing else; against closed forms."""

import numpy as np
import pytest
import torch

from adag import violations
from adag.sem import SEM, random_sem

N = 100_000


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(23)


def sampled(violation: str, seed: int = 1, n: int = N, d: int = 5, **changes: str) -> tuple[np.ndarray, np.ndarray]:
    A, X = violations.simulate_violated(
        1, d, n, violation=violation, degree=1, generator=torch.Generator().manual_seed(seed), **changes
    )
    return A[0].numpy(), X[0].numpy()


def residual_correlation(A: np.ndarray, X: np.ndarray) -> float:
    """Largest correlation among the residuals of the true weights: 0 for a linear SEM without hidden causes."""
    return float(np.abs(np.triu(np.corrcoef((X - X @ A).T), 1)).max())


def test_without_a_violation_residuals_are_independent() -> None:
    A, X = sampled("none")
    assert residual_correlation(A, X) < 0.02


def test_measurement_error_adds_a_quarter_of_each_variance() -> None:
    A, X = sampled("measurement-error")
    A0, X0 = sampled("none")
    np.testing.assert_array_equal(A, A0)  # the same SEM and samples, seen through error
    error = X - X0
    np.testing.assert_allclose(error.var(0), violations.ERROR**2 * X0.var(0), rtol=0.03)
    together = np.corrcoef(np.hstack([error, X0]).T)
    assert np.abs(together[:5, :5] - np.eye(5)).max() < 0.02
    assert np.abs(together[:5, 5:]).max() < 0.02  # its children do not read it


def test_weak_weights_are_weak_and_the_rest_is_as_it_was() -> None:
    A, X = sampled("weak-weights")
    A0, _ = sampled("none")
    np.testing.assert_array_equal(np.sign(A), np.sign(A0))
    low, high = violations.WEAK
    magnitude = np.abs(A[A != 0])
    assert low <= magnitude.min() <= magnitude.max() <= high < np.abs(A0).max()
    assert residual_correlation(A, X) < 0.02


def test_confounders_drive_several_variables_and_are_not_seen(generator: torch.Generator) -> None:
    sem = random_sem(20, 10, degree=1, generator=generator)
    full = violations.confounded(sem, generator)
    assert full.A.shape == (20, 12, 12)
    assert torch.equal(full.A[:, :10, :10], sem.A)
    assert not full.A[:, :, 10:].any()  # roots
    assert ((full.A[:, 10:] != 0).sum(-1) == violations.CHILDREN).all()
    magnitude = full.A[:, 10:][full.A[:, 10:] != 0].abs()
    assert 0.5 <= float(magnitude.min()) <= float(magnitude.max()) <= 2
    A, X = sampled("confounders")
    assert A.shape == (5, 5)
    assert residual_correlation(A, X) > 0.15


def test_covariance_with_confounders_is_the_closed_form(generator: torch.Generator) -> None:
    full = violations.confounded(random_sem(1, 4, degree=1, generator=generator), generator)
    X = full.sample(N, generator)[0, :, :4].numpy()
    inverse = np.linalg.inv(np.eye(5) - full.A[0].numpy())
    expected = (inverse.T @ np.diag(full.noise_std[0].numpy() ** 2) @ inverse)[:4, :4]
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(X.T @ X / N / scale, expected / scale, atol=0.02)


def test_a_nonlinear_edge_is_the_documented_function(generator: torch.Generator) -> None:
    A = torch.tensor([[[0, 1.5, 0], [0, 0, -1.0], [0, 0, 0]]], dtype=torch.float64)
    sem = SEM(A, torch.tensor([[2.0, 1.0, 0.5]], dtype=torch.float64))
    bent = torch.zeros_like(A, dtype=torch.bool)
    bent[0, 0, 1] = True
    X = violations.bent_sample(sem, bent, N, generator)[0].numpy()
    s = 2.0  # of x0; the pilot knows it to a few per cent
    np.testing.assert_allclose(X.std(0)[0], s, rtol=0.01)
    np.testing.assert_allclose((X[:, 1] - 1.5 * s * np.sin(1.5 * X[:, 0] / s)).std(), 1.0, rtol=0.02)
    np.testing.assert_allclose((X[:, 2] + X[:, 1]).std(), 0.5, rtol=0.01)  # the other edge is linear
    assert np.corrcoef(X[:, 0], np.sin(1.5 * X[:, 0] / s))[0, 1] == pytest.approx(0.69, abs=0.01)


def test_without_bent_edges_the_sample_is_the_linear_one(generator: torch.Generator) -> None:
    sem = random_sem(2, 5, degree=1, generator=generator)
    X = violations.bent_sample(sem, torch.zeros_like(sem.A, dtype=torch.bool), N, generator)
    std = sem.covariance().diagonal(dim1=1, dim2=2).sqrt()
    scale = std.unsqueeze(-1) * std.unsqueeze(-2)
    torch.testing.assert_close((X.mT @ X / N) / scale, sem.covariance() / scale, atol=0.02, rtol=0)


@pytest.mark.parametrize("violation", ["measurement-error", "confounders", "nonlinear"])
def test_standardised_data_have_unit_sample_variance_and_the_same_graph(violation: str) -> None:
    A, X = sampled(violation, n=50, scale="standardised")
    raw, _ = sampled(violation, n=50)
    np.testing.assert_allclose(X.std(0), 1)
    np.testing.assert_allclose(X.mean(0), 0, atol=1e-12)
    np.testing.assert_array_equal(A != 0, raw != 0)


def test_what_is_not_defined_is_refused(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="'nonlinear' has no scale 'iscm'"):
        sampled("nonlinear", n=10, scale="iscm")
    with pytest.raises(ValueError, match="unknown violation 'cycles'"):
        sampled("cycles", n=10)
