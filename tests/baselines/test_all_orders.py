"""The sum over orders against the enumeration of all DAGs, and against a law known in closed form."""

import numpy as np
import pytest
import torch

from adag.sem import simulate
from baselines.all_orders import edge_probability
from baselines.bayes_optimal import BayesOptimal, log_evidence


@pytest.mark.parametrize("d", [2, 3, 4])
def test_it_is_the_enumeration_of_all_dags(d: int) -> None:
    _, X = simulate(3, d, 12, degree=0.8, generator=torch.Generator().manual_seed(d))
    for x in X.numpy():
        graph = BayesOptimal(degree=0.8).discover(x, seed=0)
        p = min(1.0 - 1e-12, 1.6 / (d - 1))
        np.testing.assert_allclose(edge_probability(log_evidence(x), p), graph.confidence, atol=1e-9)


def test_without_data_it_is_the_prior() -> None:
    d, p = 6, 0.3
    own_parent = np.right_shift.outer(np.arange(2**d), np.arange(d)).T & 1
    nothing_said = np.where(own_parent, -np.inf, 0.0)
    expected = np.full((d, d), p / 2)  # either order is as likely
    np.fill_diagonal(expected, 0.0)
    np.testing.assert_allclose(edge_probability(nothing_said, p), expected)


def test_evidence_far_apart_loses_no_digits() -> None:
    d = 3
    own_parent = np.right_shift.outer(np.arange(2**d), np.arange(d)).T & 1
    evidence = np.where(own_parent, -np.inf, -1e5)
    evidence[2, 0b011] = 0.0  # 0 and 1 are the parents of 2, for certain
    probability = edge_probability(evidence, 0.5)
    np.testing.assert_allclose(probability[:, 2], [1.0, 1.0, 0.0])
    np.testing.assert_allclose(probability[2], 0.0, atol=1e-12)
    np.testing.assert_allclose(probability[0, 1], 0.25)
