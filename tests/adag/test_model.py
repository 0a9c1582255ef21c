"""The network's symmetries and numerical safety, whatever its weights."""

import numpy as np
import pytest
import torch

from adag.model import AttentionDAG, ModelConfig
from adag.moments import FEATURES, Moments, pair_features, ridge_precision
from adag.objective import supervised
from adag.sem import simulate


@pytest.fixture(scope="module")
def model() -> AttentionDAG:
    torch.manual_seed(0)
    return AttentionDAG(ModelConfig(width=16, layers=2, kernels=8)).eval()


def _data(d: int, n: int, batch: int = 3) -> torch.Tensor:
    return simulate(batch, d, n, degree=1.5, generator=torch.Generator().manual_seed(d * n))[1]


@torch.no_grad()
def _probabilities(model: AttentionDAG, X: torch.Tensor) -> torch.Tensor:
    return model(pair_features(Moments.of(X))).edge_probability()


@pytest.mark.parametrize(("d", "n"), [(2, 50), (7, 5), (10, 30)])
def test_relabelling_and_shuffling(model: AttentionDAG, d: int, n: int) -> None:
    X = _data(d, n)
    P = _probabilities(model, X)
    order = torch.randperm(d, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(_probabilities(model, X[:, :, order]), P[:, order][:, :, order], atol=1e-4, rtol=0)
    rows = torch.randperm(n, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(_probabilities(model, X[:, rows]), P, atol=1e-4, rtol=0)


def test_units_and_offsets_do_not_matter(model: AttentionDAG) -> None:
    X = _data(6, 40)
    torch.testing.assert_close(_probabilities(model, 1e6 * X + 3e6), _probabilities(model, X), atol=1e-4, rtol=0)
    torch.testing.assert_close(_probabilities(model, 1e-6 * X), _probabilities(model, X), atol=1e-4, rtol=0)


def test_batch_members_do_not_see_each_other(model: AttentionDAG) -> None:
    X = _data(6, 40)
    torch.testing.assert_close(_probabilities(model, X[1:2]), _probabilities(model, X)[1:2], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("d", "n"), [(2, 2), (40, 5), (100, 20), (3, 5000)])
def test_probabilities_are_probabilities(model: AttentionDAG, d: int, n: int) -> None:
    P = _probabilities(model, _data(d, n, batch=1))
    assert torch.isfinite(P).all()
    assert (P >= 0).all()
    assert (P + P.mT <= 1 + 1e-6).all()
    assert (P.diagonal(dim1=1, dim2=2) == 0).all()


def test_collinear_and_badly_scaled_columns_are_safe(model: AttentionDAG) -> None:
    X = _data(4, 50, batch=1)
    twin = X[:, :, :1] + 1e-7 * torch.randn(1, 50, 1, dtype=X.dtype, generator=torch.Generator().manual_seed(0))
    X = torch.cat([X, twin, X[:, :, 1:2] + X[:, :, 2:3], 1e8 * X[:, :, 3:] + twin], dim=2)
    features = pair_features(Moments.of(X))
    assert torch.isfinite(features).all()
    assert float(features.abs().max()) < 50
    assert torch.isfinite(_probabilities(model, X)).all()


def test_moments_against_numpy() -> None:
    X = _data(5, 60, batch=1)
    m, x = Moments.of(X), X[0].numpy()
    z = (x - x.mean(0)) / x.std(0)
    np.testing.assert_allclose(m.corr[0], np.corrcoef(x.T), atol=1e-12)
    np.testing.assert_allclose(m.std[0], x.std(0))
    assert float(m.skew[0, 1, 2]) == pytest.approx((z[:, 1] ** 2 * z[:, 2]).mean())
    cross = (z[:, 1] ** 3 * z[:, 2]).mean() - 3 * (z[:, 1] * z[:, 2]).mean()
    assert float(m.kurt[0, 1, 2]) == pytest.approx(cross)
    shrunk = 0.9 * np.corrcoef(x.T) + 0.1 * np.eye(5)
    np.testing.assert_allclose(ridge_precision(m.corr, torch.tensor([0.1], dtype=X.dtype))[0], np.linalg.inv(shrunk))
    assert pair_features(m).shape == (1, 5, 5, FEATURES)


def test_objective_is_the_likelihood_of_the_three_states(model: AttentionDAG) -> None:
    A, X = simulate(4, 5, 30, degree=1, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        prediction = model(pair_features(Moments.of(X)))
    losses = supervised(prediction, A, X.std(1, correction=0))
    P, E = prediction.edge_probability().numpy(), (A != 0).numpy()
    total = 0.0
    for b in range(4):
        for i in range(5):
            for j in range(i + 1, 5):
                p = P[b, i, j] if E[b, i, j] else P[b, j, i] if E[b, j, i] else 1 - P[b, i, j] - P[b, j, i]
                total -= np.log(p)
    assert float(losses["skeleton"] + losses["direction"]) == pytest.approx(total / 40, rel=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_agrees_with_cpu(model: AttentionDAG) -> None:
    X = _data(8, 30)
    on_gpu = AttentionDAG(model.config).cuda().eval()
    on_gpu.load_state_dict(model.state_dict())
    with torch.no_grad():
        P = on_gpu(pair_features(Moments.of(X)).cuda()).edge_probability().cpu()
    torch.testing.assert_close(P, _probabilities(model, X), atol=1e-3, rtol=0)
