"""Every method keeps the contract; one that is broken in any single way is told what to mend."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adag.graph import CausalGraph
from baselines import Method, ReadyMethod, available_methods, get_method, method_class
from baselines.checks import Broken
from baselines.conformance import CHECKS, MethodContract, examine
from baselines.registry import built_in_methods
from baselines.spec import MethodSpec

QUICK = {
    "adag-family": "adag-family[checkpoint=adag-small]",
    "adag-family-supervised": "adag-family-supervised[checkpoint=adag-small]",
    "dagma": "dagma[T=2]",
    "golem": "golem[num_iter=80,learning_rate=0.05]",
    "golem-ev": "golem-ev[num_iter=80,learning_rate=0.05,device=cpu]",
    "golem-nv": "golem-nv[num_iter=80,learning_rate=0.05,device=cpu]",
    "multi-group-direct-lingam": "multi-group-direct-lingam[domains=2]",
    "notears": "notears[h_tol=1e-3]",
    "notears-pooled": "notears-pooled[h_tol=1e-3,domains=10]",
    "notears-standardised": "notears-standardised[h_tol=1e-3]",
    "notears-torch": "notears-torch[outer_iter=4,inner_iter=50,init_lr=0.05,device=cpu]",
    "oracle-order-lasso": "oracle-order-lasso[tuning=5]",
    "oracle-order-ridge": "oracle-order-ridge[tuning=5]",
    "pooled-order-lasso": "pooled-order-lasso[tuning=5]",
    "pooled-order-ridge": "pooled-order-ridge[tuning=5]",
}
"""Fewer iterations or tuning domains, where the default takes seconds to minutes; all else is as published."""


@pytest.mark.parametrize("name", [cls.name for cls in built_in_methods()])
def test_every_method_keeps_the_contract(name: str) -> None:
    verdicts = examine(QUICK.get(name, name))
    assert [v.check for v in verdicts] == list(CHECKS)
    assert {v.check: v.text for v in verdicts if v.status == "broken"} == {}


class TestThroughTheBaseClass(MethodContract):
    """As a third party does it."""

    method = "var-sort-regress"


def test_the_base_class_has_a_test_for_every_check() -> None:
    assert len([name for name in vars(MethodContract) if name.startswith("test_")]) == len(CHECKS)


class Sound(Method):
    """Variables by increasing variance, each regressed on those before it: passes, until a subclass breaks it."""

    name = "sound"
    package = "adag"
    assumes = ("linear", "var-sortable")
    randomness = "deterministic"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        return CausalGraph.from_weights(self.weights(X, seed))

    def weights(self, X: Any, seed: int) -> Any:
        order = np.argsort(X.var(axis=0))
        W = np.zeros((X.shape[1], X.shape[1]))
        for k in range(1, len(order)):
            before, target = order[:k], order[k]
            W[before, target] = np.linalg.lstsq(X[:, before] - X[:, before].mean(0), X[:, target], rcond=None)[0]
        return W


class Prints(Sound):
    def __init__(self) -> None:
        print("hello from the constructor")


class PrintsNatively(Sound):
    def __init__(self) -> None:
        os.write(1, b"native\n")


class SetsTheDtype(Sound):
    def __init__(self) -> None:
        torch.set_default_dtype(torch.double)


class SeedsEverything(Sound):
    def __init__(self) -> None:
        np.random.seed(0)  # noqa: NPY002


class ChangesDirectory(Sound):
    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        os.chdir("/")
        return super().discover(X, seed=seed)


class SetsPrintOptions(Sound):
    def __init__(self) -> None:
        np.set_printoptions(precision=3)


class LeavesAFile(Sound):
    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        Path("log.txt").write_text("done")
        return super().discover(X, seed=seed)


class LeavesAThread(Sound):
    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        threading.Thread(target=time.sleep, args=(1,), name="worker-9").start()
        return super().discover(X, seed=seed)


class NoGraph(Sound):
    def discover(self, X: Any, *, seed: int) -> Any:
        return np.zeros((X.shape[1], X.shape[1]))


class NotANumber(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return np.full((X.shape[1], X.shape[1]), np.nan)


class LosesAVariable(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return super().weights(X[:, 1:], seed)


class WrongKind(Sound):
    kind = "cpdag"


class LooseWeights(Sound):
    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        W = self.weights(X, seed) + 0.01
        return CausalGraph((np.abs(W) > 0.3).astype(np.int8), weights=W)


class Transposed(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return super().weights(X, seed).T


class TransposedUndeclared(Transposed):
    assumes = None
    randomness = None


class AlwaysTheFirst(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return np.triu(np.ones((X.shape[1], X.shape[1])), 1)


class CorrelationsAsWeights(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return np.where(super().weights(X, seed) != 0, np.corrcoef(X.T) * 0.5, 0)


class Unseeded(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return super().weights(X, seed) + np.random.default_rng().normal(size=(X.shape[1], X.shape[1]))


class CallsItselfDeterministic(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return super().weights(X, seed) * np.random.default_rng(seed).uniform(0.9, 1.1)


class Remembers(Sound):
    first: Any = None

    def weights(self, X: Any, seed: int) -> Any:
        calls, self.first = self.first, (self.first or 0) + 1
        return super().weights(X, seed) * (1 if (calls or 0) < 2 else 2)


class FailsOnFewSamples(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return super().weights(X, seed)[:, np.arange(len(X))[: X.shape[1]].take(range(X.shape[1]))]


class DeclaresTooLittle(FailsOnFewSamples):
    spare_samples = -2


class FailsOnTwo(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        return super().weights(X, seed) * X.T[2].std() ** 0


class FailsOnASum(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        if np.linalg.matrix_rank(X) < min(X.shape):
            raise AssertionError
        return super().weights(X, seed)


class Quits(Sound):
    def weights(self, X: Any, seed: int) -> Any:
        sys.exit(0)


class ManyInAnotherOrder(Sound):
    def discover_many(self, datasets: Any, *, seed: int) -> list[CausalGraph]:
        return [self.discover(X, seed=seed) for X in sorted(datasets, key=len)]


class ManyOtherwise(Sound):
    def discover_many(self, datasets: Any, *, seed: int) -> list[CausalGraph]:
        return [CausalGraph.from_weights(np.zeros((X.shape[1],) * 2)) for X in datasets]


def ready(cls: type[Method]) -> ReadyMethod:
    return ReadyMethod(cls(), MethodSpec(cls.__name__))


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    directory, dtype, options = os.getcwd(), torch.get_default_dtype(), np.get_printoptions()
    yield
    os.chdir(directory)
    torch.set_default_dtype(dtype)
    np.set_printoptions(**options)


def test_a_sound_method_passes() -> None:
    assert [v for v in examine(lambda: ready(Sound)) if v.status == "broken"] == []


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (Prints, "quiet", ["'hello from the constructor'", "remove it"]),
        (PrintsNatively, "quiet", ["'native'", "remove it"]),
        (SetsTheDtype, "no side effects", ["torch's default dtype (torch.float32 -> torch.float64)", "put it back"]),
        (SeedsEverything, "no side effects", ["the state of numpy.random", "inside `discover`"]),
        (ChangesDirectory, "no side effects", ["the working directory", "try/finally"]),
        (SetsPrintOptions, "no side effects", ["numpy's print options", "try/finally"]),
        (LeavesAFile, "no side effects", ["log.txt", "tempfile"]),
        (LeavesAThread, "no side effects", ["worker-9", "join it"]),
        (NoGraph, "shapes", ["ndarray", "adag.CausalGraph"]),
        (NotANumber, "shapes", ["NaN"]),
        (LosesAVariable, "shapes", ["3 variables for data with 4"]),
        (WrongKind, "shapes", ["kind 'dag'", "kind = 'cpdag'", "make them agree"]),
        (LooseWeights, "shapes", ["no edge", "from_weights"]),
        (Transposed, "orientation", ["the wrong way", "(.T)"]),
        (TransposedUndeclared, "orientation", ["the wrong way", "(.T)"]),
        (AlwaysTheFirst, "orientation", ["y -> x where the truth is x -> y", "correct `assumes`"]),
        (CorrelationsAsWeights, "orientation", ["weight 0.4", "in the units of the data"]),
        (Unseeded, "determinism", ["two answers for one seed", "default_rng(seed)", "unseeded"]),
        (CallsItselfDeterministic, "determinism", ["depends on the seed", "'seeded'"]),
        (Remembers, "determinism", ["another data set", "keep nothing"]),
        (FailsOnFewSamples, "few samples", ["IndexError", "5 samples of 8", "spare_samples = k"]),
        (DeclaresTooLittle, "few samples", ["IndexError", "6 samples of 8 variables, which", "raise it"]),
        (FailsOnTwo, "two variables", ["IndexError", "50 samples of 2"]),
        (FailsOnASum, "duplicate columns", ["bare AssertionError", "sum of two others", "ValueError"]),
        (Quits, "shapes", ["raises SystemExit", "must be answered"]),
        (ManyInAnotherOrder, "discover_many", ["for data with", "in their order"]),
        (ManyOtherwise, "discover_many", ["otherwise than discover", "data set 0"]),
    ],
)
def test_a_broken_method_is_told_what_to_mend(cls: type[Method], check: str, words: list[str]) -> None:
    with pytest.raises(Broken) as error:
        CHECKS[check](lambda: ready(cls))
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


class Careless(ReadyMethod):
    """What stands between authors and callers, broken: authors cannot break these parts of the contract."""

    def __init__(self, fault: str) -> None:
        super().__init__(Sound(), MethodSpec("careless"))
        self.fault = fault

    def discover(self, X: Any, *, seed: int = 0) -> CausalGraph:
        if self.fault == "writes":
            X *= 1.0
            X -= X.mean(axis=0)
        if self.fault == "unchecked":
            return self.method.discover(np.asarray(X), seed=seed)
        graph = super().discover(X, seed=seed)
        return CausalGraph(graph.adjacency) if self.fault == "nameless" else graph


@pytest.mark.parametrize(
    ("fault", "check", "words"),
    [
        ("writes", "read-only input", "changes the caller's array: work on a copy"),
        ("nameless", "names", "leave names to the caller"),
        ("unchecked", "duplicate columns", "accepts two identical columns"),
    ],
)
def test_what_the_framework_promises_is_checked_too(fault: str, check: str, words: str) -> None:
    with pytest.raises(Broken, match=words):
        CHECKS[check](lambda: Careless(fault))


def test_a_direction_that_nothing_identifies_is_not_held_against_a_method() -> None:
    """Least squares on standardised data prefer a collider's reversal: a finding about the method, not a defect."""
    text = {v.check: v.text for v in examine(QUICK["notears-standardised"])}["orientation"]
    assert text.startswith("points every edge of a collider the wrong way")


@pytest.mark.parametrize("cls", [ChangesDirectory, SetsTheDtype, SetsPrintOptions])
def test_one_breach_does_not_hide_or_fake_another(cls: type[Method]) -> None:
    verdicts = {v.check: v.status for v in examine(lambda: ready(cls))}
    assert [check for check, status in verdicts.items() if status == "broken"] == ["no side effects"]


def test_what_a_method_declares_to_refuse_is_a_remark() -> None:
    text = {v.check: v.text for v in examine("flop")}
    assert text["few samples"].startswith("refuses: flop needs at least 9 samples for 8 variables")
    assert text["duplicate columns"].startswith("refuses a column that is the sum of two others: raises RuntimeError")
    assert "cannot be seeded" in text["determinism"]


def test_the_command_says_what_is_broken_and_exits_accordingly(command: Any) -> None:
    sound = command("-m", "baselines.check", "empty,var-sort-regress")
    assert sound.returncode == 0, sound.stdout + sound.stderr
    assert "conforms to the contract" in sound.stdout
    assert sound.stdout.count("orientation") == 2
    broken = command("-m", "baselines.check", "toy-nan")
    assert broken.returncode == 1
    assert "NaN" in broken.stdout
    assert "toy-nan" in broken.stdout
    unknown = command("-m", "baselines.check", "nothing-like-it")
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("error: unknown method 'nothing-like-it'")
    assert unknown.stderr.count("\n") == 1


def test_every_method_is_quick_enough_for_the_kit() -> None:
    assert set(QUICK) <= set(available_methods())
    for spec in QUICK.values():
        assert get_method(spec).method.__class__ is method_class(spec.partition("[")[0])
