"""Methods that are given a family: what they may see of it, what they make of it, and what they refuse."""

import itertools
from pathlib import Path
from typing import Any

import lingam
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import Lasso, Ridge

from adag import checkpoint as checkpoints
from adag.errors import CheckpointError, DataError, UsageError
from adag.families import FamilyKey, family_of, tuning_domains
from adag.graph import CausalGraph
from adag.sem import simulate
from adag.training_config import PretrainConfig, load_config
from baselines import GivenFamily, Method, ReadyMethod, adag_family, get_method
from baselines.isolation import contained
from baselines.spec import MethodSpec

KEY = FamilyKey("order-consistent", 6, 1.5, "er", 2)
FAMILY = GivenFamily(KEY, 30)
CONTROLS = ("pooled-order-lasso", "pooled-order-ridge", "oracle-order-lasso", "oracle-order-ridge")


def fresh(n: int, seed: int = 5, key: FamilyKey = KEY) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True weights and samples of a test domain of the family."""
    generator = torch.Generator().manual_seed(seed)
    sem = family_of(*key).sems(1, generator=generator)
    return sem.A[0].numpy(), sem.sample(n, generator)[0].numpy()


@pytest.mark.parametrize("name", [*CONTROLS, "notears-pooled", "multi-group-direct-lingam", "adag-family"])
def test_without_a_family_the_mend_is_said(name: str) -> None:
    with pytest.raises(DataError, match=rf"{name} needs a family of data sets \((training domains|true order)\)"):
        get_method(name).discover(fresh(30)[1])


def test_a_method_is_of_one_family() -> None:
    method = get_method("oracle-order-ridge[tuning=2]")
    assert method.prepare(FAMILY) > 0
    assert method.prepare(FAMILY) == 0.0  # once
    with pytest.raises(UsageError, match="already prepared for another family"):
        method.prepare(GivenFamily(KEY, 31))
    with pytest.raises(DataError, match=r"5 variables, and the family that .* was prepared for has 6"):
        method.discover(fresh(30)[1][:, :5])
    assert get_method("empty").prepare(FAMILY) == 0.0


def test_only_who_declares_it_is_told_the_order() -> None:
    class Peeks(Method):
        name, package, given = "peeks", "adag", "training domains"

        def prepare(self, family: GivenFamily) -> None:
            self.order = family.order

    with pytest.raises(UsageError, match="may not see the true order"):
        ReadyMethod(Peeks(), MethodSpec("peeks")).prepare(GivenFamily(KEY, 30, given="true order"))
    told = GivenFamily(KEY, 30, given="true order").order
    order = family_of(*KEY).order
    assert order is not None
    np.testing.assert_array_equal(told, order.numpy())


@pytest.mark.parametrize("name", CONTROLS)
def test_with_samples_without_end_the_graph_is_found(name: str) -> None:
    method = get_method(f"{name}[tuning=20]")
    method.prepare(GivenFamily(KEY, 1000))
    for seed in range(3):
        A, X = fresh(20_000, seed)
        graph = method.discover(X)
        np.testing.assert_array_equal(graph.adjacency, A != 0)
        np.testing.assert_allclose(graph.weights, A, atol=0.1 if "ridge" in name else 0.35)  # the lasso shrinks


@pytest.mark.parametrize("name", CONTROLS)
def test_penalty_and_threshold_are_the_best_on_the_tuning_domains(name: str) -> None:
    """Every choice is tried again, one domain at a time, and counted by hand."""
    method = get_method(f"{name}[tuning=12]")
    method.prepare(FAMILY)
    control: Any = method.method
    truths, samples = (t.numpy() for t in tuning_domains(KEY, 12, 30))
    errors = {}
    for penalty, threshold in itertools.product(control.penalties, (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)):
        total = 0
        for A, X in zip(truths, samples, strict=True):
            graph = CausalGraph.from_weights(control.weights(X, (penalty,))[0], threshold=threshold).adjacency
            pairs = itertools.combinations(range(6), 2)
            total += sum((graph[i, j], graph[j, i]) != (A[i, j] != 0, A[j, i] != 0) for i, j in pairs)
        errors[penalty, threshold] = total
    assert errors[control.penalty, control.threshold] == min(errors.values())
    assert max(errors.values()) > 1.3 * min(errors.values())  # so that the choice matters


def test_ridge_is_the_closed_form() -> None:
    control: Any = get_method("oracle-order-ridge[tuning=2]").method
    control.order = np.array([2, 0, 1])
    X = np.random.default_rng(0).normal(size=(9, 3)) + 4.0
    centred = X - X.mean(0)
    weights = control.weights(X, (2.0, 0.5))
    for k, penalty in enumerate((2.0, 0.5)):
        before = centred[:, [2, 0]]
        solution = np.linalg.solve(before.T @ before + penalty * np.eye(2), before.T @ centred[:, 1])
        np.testing.assert_allclose(weights[k, [2, 0], 1], solution)
        assert weights[k, 0, 2] == weights[k, 1, 0] == 0.0


def test_pooled_variances_give_the_shared_order() -> None:
    method = get_method("pooled-order-ridge[tuning=2]")
    method.prepare(GivenFamily(FamilyKey("order-consistent", 6, 2.0, "er", 2), 50))
    control: Any = method.method
    order = family_of("order-consistent", 6, 2.0, "er", 2).order
    assert order is not None
    np.testing.assert_array_equal(control.order, order.numpy())


def test_multi_group_lingam_answers_as_lingam_does() -> None:
    method = get_method("multi-group-direct-lingam[domains=2]")
    family = GivenFamily(KEY, 40, noise="uniform")
    method.prepare(family)
    for seed in range(5):
        X = fresh(40, seed)[1]
        model = lingam.MultiGroupDirectLiNGAM()
        model.fit([X, *family.training(2)])
        np.testing.assert_allclose(method.discover(X).confidence, np.abs(model.adjacency_matrices_[0].T), atol=1e-9)


@pytest.mark.parametrize("name", CONTROLS)
def test_order_regressions_answer_as_scikit_learn_does(name: str) -> None:
    method = get_method(f"{name}[tuning=5]")
    method.prepare(FAMILY)
    control: Any = method.method
    for seed in range(5):
        X = fresh(30, seed)[1]
        theirs = np.zeros((6, 6))
        for k in range(1, 6):
            before, target = control.order[:k], control.order[k]
            model = Ridge(control.penalty) if "ridge" in name else Lasso(control.penalty, tol=1e-10)
            theirs[before, target] = model.fit(X[:, before], X[:, target]).coef_
        graph = method.discover(X)
        np.testing.assert_allclose(graph.confidence, np.abs(theirs), atol=1e-9 if "ridge" in name else 1e-2)
        clear = np.abs(np.abs(theirs) - control.threshold) > 1e-2  # the lasso's path stops at a tolerance of 1e-4
        np.testing.assert_array_equal(graph.adjacency[clear], (np.abs(theirs) >= control.threshold)[clear])


def test_pooled_notears_answers_as_gcastle_and_scikit_learn_do() -> None:
    """gcastle on all rows of the training domains, then a ridge of 1 on z-scores, on the parents it finds."""
    method = get_method("notears-pooled[domains=4]")
    family = GivenFamily(KEY, 100)
    method.prepare(family)
    rows = np.concatenate([X - X.mean(axis=0) for X in family.training(4)])
    with contained():
        from castle.algorithms import Notears

        algorithm = Notears()
        algorithm.learn(rows)
    support = CausalGraph.from_weights(np.asarray(algorithm.weight_causal_matrix)).adjacency
    assert support.any()
    for seed in range(5):
        X = fresh(30, seed)[1]
        std = X.std(axis=0)
        Z, theirs = X / std, np.zeros((6, 6))
        for j in np.flatnonzero(support.any(axis=0)):
            parents = np.flatnonzero(support[:, j])
            theirs[parents, j] = Ridge(1.0).fit(Z[:, parents], Z[:, j]).coef_ * std[j] / std[parents]
        np.testing.assert_allclose(method.discover(X).confidence, np.abs(theirs), atol=1e-9)


def test_pooled_notears_keeps_what_the_domains_agree_on(monkeypatch: pytest.MonkeyPatch) -> None:
    A, X = fresh(4000)

    def one_sem(self: GivenFamily, M: int) -> NDArray[np.float64]:
        return X.reshape(M, -1, 6)[:M] + np.arange(M)[:, None, None]  # centring takes the shift away

    monkeypatch.setattr(GivenFamily, "training", one_sem)
    method = get_method("notears-pooled[domains=40]")
    method.prepare(FAMILY)
    graph = method.discover(fresh(5000)[1])
    np.testing.assert_array_equal(graph.adjacency, A != 0)
    np.testing.assert_allclose(graph.weights, A, atol=0.1)


@pytest.mark.parametrize("name", ["adag", "adag-refined", "adag-unsupervised"])
def test_relabelling_changes_nothing_for_a_network_that_knows_no_variable(name: str) -> None:
    _, X = simulate(4, 7, 40, degree=1.5, generator=torch.Generator().manual_seed(3))
    for k, data in enumerate(X.numpy()):
        plain, relabelled = (get_method(f"{name}[relabel={flag}]").discover(data, seed=k) for flag in (False, True))
        np.testing.assert_array_equal(relabelled.adjacency, plain.adjacency)
        np.testing.assert_allclose(relabelled.weights, plain.weights, atol=1e-6)
        np.testing.assert_allclose(relabelled.confidence, plain.confidence, atol=1e-4)


def test_relabelling_hides_the_variables_from_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that always answers x0 -> x1: relabelled, the edge goes wherever the variables went."""
    method = get_method("adag[relabel=true]")
    X = fresh(30)[1]

    def first_edge(datasets: list[NDArray[np.float64]]) -> list[CausalGraph]:
        weights = np.zeros((6, 6))
        weights[0, 1] = 1.0
        return [CausalGraph.from_weights(weights) for _ in datasets]

    monkeypatch.setattr(method.method.model, "discover_many", first_edge)  # type: ignore[attr-defined]
    found = {tuple(np.argwhere(method.discover(X, seed=seed).adjacency)[0]) for seed in range(20)}
    assert len(found) > 10


def family_file(folder: Path, name: str, **tasks: Any) -> Path:
    """The small checkpoint, with a card that says it was trained on a family."""
    loaded = checkpoints.load("adag-small")
    settings = {**loaded.card["config"]["tasks"], "d": [[6, 1.0]], "degree": [[1.5, 1.0]], "graph": [["er", 1.0]]}
    card = {**loaded.card, "name": name, "config": {**loaded.card["config"], "tasks": {**settings, **tasks}}}
    checkpoints.save(folder / f"{name}.safetensors", loaded.model, card)
    return folder / f"{name}.safetensors"


def test_the_checkpoint_of_the_family_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adag_family, "FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match=r"no checkpoint 'order-consistent-d6-unsupervised': train one"):
        get_method("adag-family").prepare(FAMILY)
    assert "(0 family checkpoints)" in get_method("adag-family").version
    assert get_method("adag-family").method.training == ""

    family_file(tmp_path, "order-consistent-d6-unsupervised", family="order-consistent", family_seed=2)
    method = get_method("adag-family")
    method.prepare(FAMILY)
    X = fresh(30)[1]
    np.testing.assert_array_equal(
        method.discover(X).adjacency, get_method("adag[checkpoint=adag-small]").discover(X).adjacency
    )
    assert "(1 family checkpoints " in method.version
    assert "order-consistent-d6-unsupervised was trained" in method.method.training
    assert "(0 family checkpoints)" in get_method("adag-family-supervised").version

    with pytest.raises(UsageError, match=r"was trained on the family .*family_seed=2.* are of .*family_seed=7"):
        get_method("adag-family").prepare(GivenFamily(KEY._replace(family_seed=7), 30))


def test_a_self_taught_checkpoint_says_whose_fits_it_learnt_from() -> None:
    training = get_method("adag-family-self-taught").method.training
    fits = "20,000 fits of order-consistent-d10-unsupervised to unlabelled domains"
    assert (
        f"order-consistent-d10-self-taught was trained (self-taught) on 576,000 simulations of {fits} in " in training
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in adag_family.FOLDER.glob("*.safetensors")))
def test_a_family_checkpoint_is_of_its_recipe(name: str) -> None:
    loaded = checkpoints.load(adag_family.FOLDER / f"{name}.safetensors")
    recipe = load_config(Path(checkpoints.__file__).parent / "configs" / "families" / f"{name}.toml")
    assert recipe == PretrainConfig.model_validate(loaded.card["config"])


def test_a_checkpoint_of_another_kind_of_family_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adag_family, "FOLDER", tmp_path)
    family_file(tmp_path, "order-consistent-d6-unsupervised")
    with pytest.raises(UsageError, match="trained on the family general"):
        get_method("adag-family").prepare(FAMILY)
    fixed = get_method(f"adag-family[checkpoint={tmp_path / 'order-consistent-d6-unsupervised.safetensors'}]")
    fixed.prepare(FAMILY)
    assert fixed.discover(fresh(30)[1]).d == 6
