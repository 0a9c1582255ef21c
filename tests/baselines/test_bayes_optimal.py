"""`bayes-optimal`: its integrals against quadrature, its beliefs against how often they come true."""

import numpy as np
import pytest
import torch
from scipy import integrate

from adag.decode import expected_shd
from adag.errors import DataError
from adag.sem import simulate
from baselines import get_method
from baselines.bayes_optimal import BayesOptimal, _dags, log_evidence


def test_counts_of_dags_and_of_their_orders() -> None:
    assert [len(_dags(d)[0]) for d in (2, 3, 4)] == [3, 25, 543]  # OEIS A003024
    graphs, log_share = _dags(3)
    chain = int(np.argmax([(g == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]).all() for g in graphs]))
    assert np.exp(log_share[chain]) == pytest.approx(1 / 6)
    assert np.exp(log_share[int(np.argmin(graphs.sum((1, 2))))]) == pytest.approx(1.0)


def test_evidence_is_the_integral_over_the_weights() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 3))
    X[:, 2] += 0.8 * X[:, 0] - 0.6 * X[:, 1]
    table = log_evidence(X)

    def density(*w: float) -> float:
        left = X[:, 2] - X[:, : len(w)] @ np.array(w)
        inside = all(0.5 <= abs(v) <= 2.0 for v in w)
        return float(np.exp(-0.5 * left @ left) / 3.0 ** len(w)) if inside else 0.0

    sides = ((-2.0, -0.5), (0.5, 2.0))
    one = sum(integrate.quad(density, *side)[0] for side in sides)
    two = sum(integrate.dblquad(density, *a, *b)[0] for a in sides for b in sides)
    assert table[2, 0b001] == pytest.approx(np.log(one), abs=1e-6)
    assert table[2, 0b011] == pytest.approx(np.log(two), abs=1e-3)
    assert table[2, 0] == pytest.approx(-0.5 * X[:, 2] @ X[:, 2])
    assert np.isneginf(table[2, 0b100])


def test_it_errs_as_often_as_it_expects_to() -> None:
    A, X = simulate(150, 4, 12, degree=1, generator=torch.Generator().manual_seed(4))
    method = BayesOptimal()
    expected, wrong = [], []
    for a, x in zip(A.numpy(), X.numpy(), strict=True):
        graph = method.discover(x, seed=0)
        assert graph.confidence is not None
        expected.append(expected_shd(graph.confidence, graph.adjacency))
        differs = (graph.adjacency != 0) != (a != 0)
        wrong.append((differs | differs.T).sum() / 2)
    error = np.std(np.array(wrong) - expected) / np.sqrt(len(wrong))
    assert abs(np.mean(wrong) - np.mean(expected)) < 3.5 * error


def test_too_many_variables() -> None:
    with pytest.raises(DataError, match="takes at most 5 variables, and there are 6"):
        get_method("bayes-optimal").discover(np.random.default_rng(0).normal(size=(20, 6)))
