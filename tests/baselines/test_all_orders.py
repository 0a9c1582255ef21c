"""The sum over orders against the enumeration of all DAGs, and against a law known in closed form."""

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from adag.sem import simulate
from baselines.all_orders import edge_probability_under, posterior
from baselines.bayes_optimal import BayesOptimal, log_evidence


@pytest.mark.parametrize("d", [2, 3, 4])
def test_it_is_the_enumeration_of_all_dags(d: int) -> None:
    _, X = simulate(3, d, 12, degree=0.8, generator=torch.Generator().manual_seed(d))
    for x in X.numpy():
        graph = BayesOptimal(degree=0.8).discover(x, seed=0)
        p = min(1.0 - 1e-12, 1.6 / (d - 1))
        np.testing.assert_allclose(posterior(log_evidence(x), p).edge, graph.confidence, atol=1e-9)


def test_without_data_it_is_the_prior() -> None:
    d, p = 6, 0.3
    own_parent = np.right_shift.outer(np.arange(2**d), np.arange(d)).T & 1
    nothing_said = np.where(own_parent, -np.inf, 0.0)
    expected = np.full((d, d), p / 2)  # either order is as likely
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(posterior(nothing_said, p).edge, expected)


def test_evidence_far_apart_loses_no_digits() -> None:
    d = 3
    own_parent = np.right_shift.outer(np.arange(2**d), np.arange(d)).T & 1
    evidence = np.where(own_parent, -np.inf, -1e5)
    evidence[2, 0b011] = 0.0  # 0 and 1 are the parents of 2, for certain
    probability = posterior(evidence, 0.5).edge
    np.testing.assert_allclose(probability[:, 2], [1.0, 1.0, 0.0])
    np.testing.assert_allclose(probability[2], 0.0, atol=1e-12)
    np.testing.assert_allclose(probability[0, 1], 0.25)


def test_the_posterior_is_the_mean_of_those_under_each_order() -> None:
    d, p = 4, 0.6
    _, X = simulate(1, d, 8, degree=1, generator=torch.Generator().manual_seed(9))
    evidence = log_evidence(X[0].numpy())
    under, mass = [], []
    for order in permutations(range(d)):
        under.append(edge_probability_under(np.array(order), evidence, p))
        before = [sum(1 << k for k in order[:place]) for place in range(d)]
        mass.append(sum(_family_mass(evidence[j], mask, p) for j, mask in zip(order, before, strict=True)))
    share = np.exp(mass - np.logaddexp.reduce(mass))
    whole = posterior(evidence, p)
    np.testing.assert_allclose(np.einsum("o,oij->ij", share, under), whole.edge, atol=1e-12)
    assert whole.log_evidence == pytest.approx(np.logaddexp.reduce(mass))


def _family_mass(log_evidence: NDArray[np.float64], before: int, p: float) -> float:
    """Log of the sum over all parent sets among those before."""
    sets = [mask for mask in range(len(log_evidence)) if mask & ~before == 0]
    terms = [
        log_evidence[m] + m.bit_count() * np.log(p) + (before.bit_count() - m.bit_count()) * np.log1p(-p) for m in sets
    ]
    return float(np.logaddexp.reduce(terms))
