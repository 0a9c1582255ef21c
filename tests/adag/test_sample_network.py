"""The AVICI-style network: its symmetries, its probabilities, and that it can learn by ADAG's own loop."""

import numpy as np
import pytest
import torch

from adag.sample_network import SampleConfig, SampleNetwork, pairwise
from adag.sem import simulate


@pytest.fixture(scope="module")
def network() -> SampleNetwork:
    torch.manual_seed(0)
    return SampleNetwork(SampleConfig(width=16, layers=2, heads=2)).eval()


def _data(d: int, n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(d * n)
    return simulate(3, d, n, degree=1.5, generator=generator, dtype=torch.float32)[1]


@torch.no_grad()
def _probabilities(network: SampleNetwork, X: torch.Tensor) -> torch.Tensor:
    return network(X).edge_probability()


@pytest.mark.parametrize(("d", "n"), [(2, 50), (7, 5), (10, 30)])
def test_relabelling_and_shuffling(network: SampleNetwork, d: int, n: int) -> None:
    X = _data(d, n)
    P = _probabilities(network, X)
    assert P.std() > 1e-3, "a constant would have every symmetry"
    order = torch.randperm(d, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(_probabilities(network, X[:, :, order]), P[:, order][:, :, order], atol=1e-6, rtol=0)
    rows = torch.randperm(n, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(_probabilities(network, X[:, rows]), P, atol=1e-6, rtol=0)


def test_scale_is_read_but_units_and_offsets_are_not(network: SampleNetwork) -> None:
    X = _data(6, 40)
    P = _probabilities(network, X)
    torch.testing.assert_close(_probabilities(network, 1000 * X + 300), P, atol=1e-4, rtol=0)
    assert (_probabilities(network, X / X.std(1, keepdim=True)) - P).abs().max() > 1e-3


def test_batch_members_do_not_see_each_other(network: SampleNetwork) -> None:
    X = _data(6, 40)
    torch.testing.assert_close(_probabilities(network, X[1:2]), _probabilities(network, X)[1:2], atol=1e-6, rtol=0)


def test_a_pair_has_three_exclusive_states() -> None:
    theta = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    P = pairwise(theta).edge_probability()
    logits = torch.stack([torch.zeros_like(theta), theta, theta.mT], dim=-1)
    expected = logits.softmax(-1)[..., 1] * (1.0 - torch.eye(5, dtype=torch.float64))
    np.testing.assert_allclose(P, expected, atol=1e-12)
