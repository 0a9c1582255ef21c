"""Families: what is shared is shared, what is drawn for one purpose is drawn for no other, and distances are exact."""

import pytest
import torch
from scipy.stats import kendalltau

from adag.acyclicity import is_acyclic
from adag.families import FamilyKey, family_of, reordered, training_domains, tuning_domains

ORDER = FamilyKey("order-consistent", 6, 1.5, "er", 3)
GRAPH = FamilyKey("heterogeneous", 6, 1.5, "er", 3)


def rank(order: torch.Tensor) -> list[int]:
    return order.argsort().tolist()


@pytest.mark.parametrize("key", [ORDER, GRAPH])
def test_a_family_is_a_function_of_its_name(key: FamilyKey) -> None:
    first, again, other = family_of(*key), family_of(*key), family_of(*key._replace(family_seed=4))
    assert first.order is not None
    assert other.order is not None
    assert rank(first.order) == rank(again.order) != rank(other.order)
    if key.family == "heterogeneous":
        assert first.edges is not None
        assert again.edges is not None
        assert torch.equal(first.edges, again.edges)
    else:
        assert first.edges is None


def test_the_family_called_zero_stays_what_checkpoints_were_trained_on() -> None:
    """The orders are written out: another generator or another seed text would make every checkpoint a stranger."""
    orders = [family_of(family, 10, 2, "er", 0).order for family in ("order-consistent", "heterogeneous")]
    assert [order.tolist() for order in orders if order is not None] == PINNED


PINNED = [[2, 9, 7, 4, 8, 3, 6, 0, 5, 1], [8, 3, 5, 0, 6, 1, 2, 4, 7, 9]]


def test_tuning_domains_keep_to_the_order_and_the_truth_belongs_to_the_samples() -> None:
    A, X = tuning_domains(ORDER, 1250, 30)
    assert A.shape == (1250, 6, 6)
    assert X.shape == (1250, 30, 6)
    order = family_of(*ORDER).order
    assert order is not None
    sorted_A = A[:, order][:, :, order]
    assert torch.equal(sorted_A, sorted_A.triu(1))
    residual = X - X @ A
    assert float(residual.std()) == pytest.approx(1.0, abs=0.02)  # unit noise: 216,000 draws
    assert len({graph.numpy().tobytes() for graph in A != 0}) > 900  # a fresh graph each
    A, _ = tuning_domains(GRAPH, 50, 30)
    assert len({graph.numpy().tobytes() for graph in A != 0}) == 1
    assert len({weights.numpy().tobytes() for weights in A}) == 50


@pytest.mark.parametrize("key", [ORDER, GRAPH])
def test_no_training_domain_is_a_tuning_domain_and_fewer_are_the_first_of_more(key: FamilyKey) -> None:
    many, few = training_domains(key, 1300, 8), training_domains(key, 70, 8)
    assert many.shape == (1300, 8, 6)
    assert many.dtype == torch.float64
    assert torch.equal(few, many[:70])
    _, tuning = tuning_domains(key, 1300, 8)
    rows = [{row.tobytes() for row in X.numpy().reshape(-1, 6)} for X in (many, tuning)]
    assert len(rows[0]) == 1300 * 8
    assert not rows[0] & rows[1]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_distance_is_the_share_of_inverted_pairs(share: float) -> None:
    family = family_of(*ORDER._replace(d=11))
    generator = torch.Generator().manual_seed(0)
    assert family.order is not None
    others = [reordered(family, share, generator).order for _ in range(3)]
    for other in others:
        assert other is not None
        # Kendall's tau is 1 - 2 x the share of inverted pairs.
        tau = kendalltau(rank(family.order), rank(other)).statistic
        assert (1 - tau) / 2 == pytest.approx(round(share * 55) / 55)
    if share in (0.2, 0.5):
        assert len({tuple(rank(other)) for other in others if other is not None}) == 3


def test_a_shared_graph_is_turned_to_the_new_order() -> None:
    family = family_of(*GRAPH)
    turned = reordered(family, 1.0, torch.Generator().manual_seed(0))
    assert family.edges is not None
    assert turned.edges is not None
    assert torch.equal(turned.edges, family.edges.mT)
    half = reordered(family, 0.5, torch.Generator().manual_seed(1)).edges
    assert half is not None
    assert torch.equal(half | half.mT, family.edges | family.edges.mT)
    assert is_acyclic(half.numpy())


def test_a_distance_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no order"):
        reordered(family_of("general", 5, 1), 0.5, torch.Generator())
    with pytest.raises(ValueError, match=r"1\.5: give one from 0 to 1"):
        reordered(family_of(*ORDER), 1.5, torch.Generator())
