"""Adaptation: empirical Bayes against a prior that we drew from, and what a user's data sets may look like."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adag import ADAG
from adag.adapt import shared_prior
from adag.errors import DataError, UsageError
from adag.families import FamilyKey, training_domains, tuning_domains
from adag.inference import under_prior

HETEROGENEOUS = FamilyKey("heterogeneous", 6, 1.0, "er")
GENERAL = FamilyKey("general", 6, 1.0, "er")


@pytest.fixture(scope="module")
def model() -> ADAG:
    return ADAG("adag-small", "cpu")


@pytest.fixture(scope="module")
def frames() -> list[pd.DataFrame]:
    X = training_domains(HETEROGENEOUS, 20, 15).numpy()
    return [pd.DataFrame(x, columns=list("abcdef")) for x in X]


@pytest.fixture(scope="module")
def adapted(model: ADAG, frames: list[pd.DataFrame]) -> ADAG:
    return model.adapt(frames)


def posteriors(prior: np.ndarray, M: int, rng: np.random.Generator) -> np.ndarray:
    """P(i -> j) of M domains with states drawn from `prior` (d, d, 3), read under the mean prior of all pairs."""
    d = len(prior)
    none, edges = prior[np.triu_indices(d, 1)].mean(0)[0], prior[np.triu_indices(d, 1)].mean(0)[1:].sum()
    common = np.array([none, edges / 2, edges / 2])
    P = np.zeros((M, d, d))
    for m in range(M):
        for i in range(d):
            for j in range(i + 1, d):
                state = rng.choice(3, p=prior[i, j])
                signal = np.eye(3)[state] + 0.4 * rng.normal(size=3)  # a Gaussian reading of the state
                likelihood = np.exp(-((signal - np.eye(3)) ** 2).sum(1) / (2 * 0.4**2))
                posterior = likelihood * common / (likelihood @ common)
                P[m, i, j], P[m, j, i] = posterior[1], posterior[2]
    return P


def test_the_prior_that_the_domains_were_drawn_from_is_recovered() -> None:
    rng = np.random.default_rng(0)
    d = 4
    prior = np.zeros((d, d, 3))
    pairs = [(i, j) for i in range(d) for j in range(i + 1, d)]
    for k, (i, j) in enumerate(pairs):
        prior[i, j] = [(0.9, 0.05, 0.05), (0.1, 0.8, 0.1), (0.7, 0.3, 0.0)][k % 3]
    found = shared_prior(posteriors(prior, 3000, rng))
    log_odds = [found.bias[i, j] for i, j in pairs]
    truth = [np.log(prior[i, j][1] / prior[i, j][0]) for i, j in pairs]
    np.testing.assert_allclose(np.subtract(log_odds, truth), np.mean(np.subtract(log_odds, truth)), atol=0.3)
    assert found.gain > 0.1


def shd(estimator: ADAG, key: FamilyKey) -> float:
    """Mean SHD on labelled domains of a family that nothing was adapted to."""
    A, X = tuning_domains(key, 60, 15)
    wrong = np.stack([g.adjacency != 0 for g in estimator.discover_many(list(X.numpy()))]) != (A != 0).numpy()
    return float((wrong | wrong.transpose(0, 2, 1)).sum() / 2 / len(A))


def test_domains_that_share_nothing_leave_the_network_nearly_as_it_is(model: ADAG) -> None:
    adapted = model.adapt(list(training_domains(GENERAL, 40, 15).numpy()))
    assert adapted.card["adapted"]["gain"] < 0.05
    assert shd(adapted, GENERAL) < 1.08 * shd(ADAG("adag-small", "cpu", refine=True), GENERAL)


def test_one_domain_has_nothing_to_share(model: ADAG, frames: list[pd.DataFrame]) -> None:
    adapted = model.adapt(frames[:1])
    assert adapted.model.bias.abs().max() == 0
    refined = ADAG("adag-small", "cpu", refine=True)
    assert np.array_equal(adapted.discover(frames[0]).adjacency, refined.discover(frames[0]).adjacency)


def test_a_shared_graph_is_learned_from_unlabelled_domains(model: ADAG, adapted: ADAG) -> None:
    assert shd(adapted, HETEROGENEOUS) < 0.6 * shd(model, HETEROGENEOUS)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31))
def test_a_prior_is_bayes_rule_on_the_states_of_a_pair(seed: int) -> None:
    rng = np.random.default_rng(seed)
    states = rng.dirichlet(np.ones(3))
    weights = np.exp(rng.normal(size=2))
    P = torch.zeros(1, 2, 2, dtype=torch.float64)
    P[0, 0, 1], P[0, 1, 0] = states[1], states[2]
    bias = torch.zeros(2, 2, dtype=torch.float64)
    bias[0, 1], bias[1, 0] = torch.from_numpy(np.log(weights))
    after = states * np.array([1.0, *weights])
    after /= after.sum()
    Q = under_prior(P, bias)[0]
    np.testing.assert_allclose([Q[0, 1], Q[1, 0]], after[1:], rtol=1e-9)
    assert torch.equal(Q.diagonal(), torch.zeros(2, dtype=torch.float64))


def test_columns_are_matched_by_name(model: ADAG, adapted: ADAG, frames: list[pd.DataFrame]) -> None:
    shuffled = [frame[list("fbdace")] if k % 2 else frame for k, frame in enumerate(frames)]
    assert torch.allclose(model.adapt(shuffled).model.bias, adapted.model.bias, atol=1e-4)
    graph, other = adapted.discover(frames[3]), adapted.discover(frames[3][list("fbdace")])
    assert other.names == tuple("fbdace")
    order = ["fbdace".index(name) for name in "abcdef"]
    assert np.array_equal(other.adjacency[np.ix_(order, order)], graph.adjacency)
    assert np.array_equal(adapted.discover(frames[3].to_numpy()).adjacency, graph.adjacency)  # by position


def test_names_that_look_like_none_are_still_names(
    model: ADAG, adapted: ADAG, frames: list[pd.DataFrame], tmp_path: Path
) -> None:
    """Files may call their columns x0, x1, ...: the same names in another order are matched, whichever comes first."""
    files = []
    for k, frame in enumerate(frames):
        own = frame.set_axis([f"x{j}" for j in range(6)], axis=1)
        files.append(tmp_path / f"{k:02}.csv")
        (own[[f"x{j}" for j in (5, 1, 3, 0, 2, 4)]] if k % 2 else own).to_csv(files[-1], index=False)
    straight = model.adapt(files)
    assert straight.variables == [f"x{j}" for j in range(6)]
    assert torch.allclose(straight.model.bias, adapted.model.bias, atol=1e-3)
    turned = model.adapt(files[1:] + files[:1])
    assert turned.variables == [f"x{j}" for j in (5, 1, 3, 0, 2, 4)]
    place = [5, 1, 3, 0, 2, 4]
    assert torch.allclose(turned.model.bias, adapted.model.bias[place][:, place], atol=1e-3)
    graph, other = straight.discover(frames[0]), straight.discover(files[1])  # other names, by position; by name
    assert graph.names == tuple("abcdef")
    assert other.names == tuple(turned.variables)


def test_arrays_take_the_names_of_the_first_table(model: ADAG, adapted: ADAG, frames: list[pd.DataFrame]) -> None:
    mixed = [frame if k == 4 else frame.to_numpy() for k, frame in enumerate(frames)]
    named = model.adapt(mixed)
    assert named.variables == list("abcdef")
    assert torch.allclose(named.model.bias, adapted.model.bias, atol=1e-5)
    assert model.adapt([frame.to_numpy() for frame in frames]).variables == [f"x{j}" for j in range(6)]


def test_a_saved_one_answers_the_same(adapted: ADAG, frames: list[pd.DataFrame], tmp_path: Path) -> None:
    adapted.save(tmp_path / "mine.safetensors")
    again = ADAG(tmp_path / "mine.safetensors", "cpu")
    assert again.version == adapted.version
    assert again.variables == list("abcdef")
    one, other = again.discover(frames[0]), adapted.discover(frames[0])
    assert np.array_equal(one.adjacency, other.adjacency)
    assert np.array_equal(one.confidence, other.confidence)


def test_adapting_again_starts_from_the_network(adapted: ADAG, frames: list[pd.DataFrame]) -> None:
    again = adapted.adapt(frames)
    assert torch.allclose(again.model.bias, adapted.model.bias, atol=1e-5)
    assert again.card["name"] == adapted.card["name"]


def test_files_and_tables_give_the_same(adapted: ADAG, model: ADAG, frames: list[pd.DataFrame], tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.csv" for k in range(len(frames))]
    for frame, path in zip(frames, files, strict=True):
        frame.to_csv(path, index=False)
    assert torch.allclose(model.adapt(files).model.bias, adapted.model.bias, atol=1e-3)


def test_what_does_not_fit_is_named(model: ADAG, adapted: ADAG, frames: list[pd.DataFrame]) -> None:
    with pytest.raises(DataError, match=r"data set 1: column 'c' of data set 0 is missing \(5 of its 6 are there\)"):
        model.adapt([frames[0], frames[1].drop(columns="c")])
    with pytest.raises(DataError, match="data set 1: column 'z' is not among those of data set 0: drop it"):
        model.adapt([frames[0], frames[1].assign(z=np.arange(15.0))])
    hole = frames[1].copy()
    hole.loc[2, "d"] = np.nan
    with pytest.raises(DataError, match=r"data set 1: column 'd' has missing values \(NaN\): 1 of 15 rows"):
        model.adapt([frames[0], hole])
    with pytest.raises(UsageError, match="no data set"):
        model.adapt([])
    with pytest.raises(DataError, match="column 'a' of the checkpoint is missing"):
        adapted.discover(frames[0].rename(columns={"a": "A"}))
    with pytest.raises(DataError, match=r"column '\w+' of the checkpoint is missing"):
        adapted.discover(frames[0].to_numpy()[:, :4])
