"""The simulator against closed forms, scipy's laws and gcastle's simulator."""

import networkx as nx
import numpy as np
import pytest
import torch
from scipy import stats

from adag import sem as sems
from adag.acyclicity import is_acyclic
from adag.random_graphs import random_skeleton

NOISES = ("gaussian", "exponential", "gumbel", "laplace", "uniform", "student-t")


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(11)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("variance", ["equal", "unequal"])
def test_sample_covariance_is_the_closed_form(noise: str, variance: str, generator: torch.Generator) -> None:
    sem = sems.random_sem(3, 4, degree=1, noise=noise, variance=variance, generator=generator)
    A, std = sem.A.numpy(), sem.noise_std.numpy()
    for b in range(3):
        inverse = np.linalg.inv(np.eye(4) - A[b])
        np.testing.assert_allclose(sem.covariance()[b].numpy(), inverse.T @ np.diag(std[b] ** 2) @ inverse, atol=1e-12)
    n = 200_000
    X = sem.sample(n, generator)
    sample = (X.mT @ X / n).numpy()
    scale = np.sqrt(np.einsum("bi,bj->bij", *[np.diagonal(sem.covariance().numpy(), axis1=1, axis2=2)] * 2))
    np.testing.assert_allclose(sample / scale, sem.covariance().numpy() / scale, atol=0.03)
    np.testing.assert_allclose(X.mean(1).numpy() / np.sqrt(np.diagonal(scale, axis1=1, axis2=2)), 0, atol=0.02)


LAWS = {
    "gaussian": stats.norm(),
    "exponential": stats.expon(loc=-1),
    "gumbel": stats.gumbel_r(loc=-np.euler_gamma * np.sqrt(6) / np.pi, scale=np.sqrt(6) / np.pi),
    "laplace": stats.laplace(scale=1 / np.sqrt(2)),
    "uniform": stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)),
    "student-t": stats.t(sems.STUDENT_DF, scale=np.sqrt((sems.STUDENT_DF - 2) / sems.STUDENT_DF)),
}


@pytest.mark.parametrize("noise", NOISES)
def test_noise_follows_its_law_at_unit_variance(noise: str, generator: torch.Generator) -> None:
    draws = sems.unit_noise(noise, (20_000,), generator, torch.float64).numpy()
    assert stats.kstest(draws, LAWS[noise].cdf).pvalue > 1e-3
    assert LAWS[noise].std() == pytest.approx(1.0)


@pytest.mark.parametrize(("family", "degree", "d"), [("er", 1, 5), ("er", 2, 10), ("er", 2, 5), ("er", 3, 20)])
def test_er_has_degree_times_d_expected_edges(family: str, degree: int, d: int, generator: torch.Generator) -> None:
    edges = (sems.random_sem(2000, d, degree=degree, family=family, generator=generator).A != 0).sum((1, 2)).double()
    expected = min(degree * d, d * (d - 1) / 2)
    assert float(edges.mean()) == pytest.approx(expected, abs=0.05 * expected)
    p = expected / (d * (d - 1) / 2)
    assert float(edges.var()) == pytest.approx(expected * (1 - p), abs=0.15 * expected + 1e-9)


@pytest.mark.parametrize(("m", "d"), [(1, 10), (2, 10), (3, 12)])
def test_sf_is_barabasi_albert(m: int, d: int, generator: torch.Generator) -> None:
    skeleton = random_skeleton(2000, d, m, "sf", generator)
    assert (skeleton.sum((1, 2)) == 2 * m * (d - m)).all()
    ours = skeleton.sum(-1).max(-1).values.numpy()
    theirs = [max(dict(nx.barabasi_albert_graph(d, m, seed=k).degree).values()) for k in range(2000)]
    assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


@pytest.mark.parametrize("family", ["er", "sf"])
@pytest.mark.parametrize("scale", ["raw", "standardised", "iscm"])
def test_graphs_are_acyclic_and_weights_in_range(family: str, scale: str, generator: torch.Generator) -> None:
    A, X = sems.simulate(100, 8, 30, degree=2, family=family, scale=scale, generator=generator)
    assert all(is_acyclic(a) for a in A.numpy())
    assert X.shape == (100, 30, 8)
    if scale == "raw":
        magnitude = A[A != 0].abs()
        assert float(magnitude.min()) >= 0.5
        assert float(magnitude.max()) <= 2.0
        assert float((A[A != 0] > 0).double().mean()) == pytest.approx(0.5, abs=0.05)


def test_no_index_order_leaks(generator: torch.Generator) -> None:
    for family in ("er", "sf"):
        A = sems.random_sem(4000, 6, degree=1, family=family, generator=generator).A != 0
        frequency = A.double().mean(0)
        off = frequency[~torch.eye(6, dtype=torch.bool)]
        assert float(off.max() - off.min()) < 0.06  # every ordered pair is an edge equally often


def test_scales_have_unit_variance_and_keep_the_graph(generator: torch.Generator) -> None:
    raw = sems.random_sem(50, 7, degree=2, variance="unequal", generator=generator)
    for scale in ("standardised", "iscm"):
        scaled = sems.at_scale(raw, scale)
        assert torch.equal(scaled.A != 0, raw.A != 0)
        variances = scaled.covariance().diagonal(dim1=1, dim2=2)
        torch.testing.assert_close(variances, torch.ones_like(variances))


def test_iscm_of_a_chain_by_hand() -> None:
    A = torch.tensor([[[0, 2.0, 0], [0, 0, -1.0], [0, 0, 0]]], dtype=torch.float64)
    scaled = sems.iscm(sems.SEM(A, torch.tensor([[3.0, 1.0, 0.5]], dtype=torch.float64)))
    # x0 has variance 1 once divided by 3; x1 = 2 x0 + e has variance 5; x2 = -x1 + e of variance 0.25 has 1.25.
    assert float(scaled.A[0, 0, 1]) == pytest.approx(2 / np.sqrt(5))
    assert float(scaled.A[0, 1, 2]) == pytest.approx(-1 / np.sqrt(1.25))
    np.testing.assert_allclose(scaled.noise_std[0], [1.0, 1 / np.sqrt(5), 0.5 / np.sqrt(1.25)])


def test_agrees_with_gcastle_in_distribution(generator: torch.Generator) -> None:
    from baselines.isolation import contained

    with contained(seed=3):
        from castle.datasets import DAG, IIDSimulation

        d, n = 8, 400
        theirs_edges, theirs_logvar, theirs_weights = [], [], []
        for k in range(150):
            W = DAG.erdos_renyi(n_nodes=d, n_edges=14, weight_range=(0.5, 2.0), seed=k)
            X = np.asarray(IIDSimulation(W=W, n=n, method="linear", sem_type="gauss").X)
            theirs_edges.append((W != 0).sum())
            theirs_logvar.append(np.log(X.var(0)))
            theirs_weights.append(np.abs(W[W != 0]))
    # gcastle's edge probability is 2 m / d^2, ours 2 k / (d - 1): the same graphs at k = m (d - 1) / d^2.
    A, X = sems.simulate(150, d, n, degree=14 * (d - 1) / d**2, generator=generator)
    ours_logvar = X.var(1).log().numpy()
    assert stats.ks_2samp((A != 0).sum((1, 2)).numpy(), theirs_edges).pvalue > 1e-3
    assert stats.ks_2samp(A[A != 0].abs().numpy(), np.concatenate(theirs_weights)).pvalue > 1e-3
    assert stats.ks_2samp(ours_logvar.max(1), np.max(theirs_logvar, axis=1)).pvalue > 1e-3
    assert stats.ks_2samp(ours_logvar.mean(1), np.mean(theirs_logvar, axis=1)).pvalue > 1e-3


def test_domain_families_share_what_they_say(generator: torch.Generator) -> None:
    order_family = sems.DomainFamily.draw("order-consistent", 6, degree=1, generator=generator)
    A = order_family.sems(300, generator=generator).A != 0
    assert is_acyclic(A.any(0).numpy()), "one order fits every domain"
    assert bool((A[:1] != A).any()), "with a fresh graph each"

    graph_family = sems.DomainFamily.draw("heterogeneous", 6, degree=1, generator=generator)
    sem = graph_family.sems(20, generator=generator)
    assert ((sem.A != 0) == (sem.A != 0)[0]).all(), "one graph"
    edges = sem.A[:, (sem.A != 0)[0]]
    assert float(edges.std(0).min()) > 0, "with fresh weights each"

    general = sems.DomainFamily.draw("general", 6, degree=1, generator=generator)
    assert not is_acyclic((general.sems(300, generator=generator).A != 0).any(0).numpy())


def test_same_seed_same_data() -> None:
    one, two = (sems.simulate(2, 5, 10, degree=1, generator=torch.Generator().manual_seed(5))[1] for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_simulates_on_a_gpu() -> None:
    A, X = sems.simulate(4, 6, 50, degree=2, family="sf", generator=torch.Generator("cuda").manual_seed(0))
    assert A.is_cuda
    assert torch.isfinite(X).all()
