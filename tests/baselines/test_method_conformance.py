"""Every method keeps the contract; one that is broken in any single way is told what to mend."""

import ast
import io
import itertools
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from adag.errors import DataError
from adag.graph import CausalGraph
from baselines import Method, ReadyMethod, available_methods, checks, footprint, get_method, method_class
from baselines.checks import Broken
from baselines.conformance import CHECKS, MethodContract, examine
from baselines.registry import built_in_methods
from baselines.spec import MethodSpec

QUICK = {
    "adag-family": "adag-family[checkpoint=adag-small]",
    "adag-family-self-taught": "adag-family-self-taught[checkpoint=adag-small]",
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
    """The constructor is the author's own: what it does to the process, nothing undoes."""

    def __init__(self) -> None:
        print("hello from the constructor")


class PrintsNatively(Sound):
    def __init__(self) -> None:
        os.write(1, b"native\n")


class SetsTheDtype(Sound):
    def __init__(self) -> None:
        torch.set_default_dtype(torch.double)


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
    numbers = itertools.count()  # threads of an earlier test may still be there: each has a name of its own

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        threading.Thread(target=time.sleep, args=(1,), name=f"worker-9-{next(self.numbers)}").start()
        return super().discover(X, seed=seed)


class LeavesAProcess(Sound):
    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        subprocess.Popen(["sleep", "1"])
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


class TransposedClass(Method):
    """PC's answers with causes and effects changed over: of a class, a collider tells the direction."""

    name, package, kind, assumes = "transposed-class", "causal-learn", "cpdag", ("linear", "gaussian", "faithful")
    randomness = "deterministic"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        return CausalGraph(get_method("pc").method.discover(X, seed=seed).adjacency.T, kind="cpdag")


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


class ManyFailsOnNone(Sound):
    def discover_many(self, datasets: Any, *, seed: int) -> list[CausalGraph]:
        np.stack([X.mean(axis=0)[:2] for X in datasets])
        return [self.discover(X, seed=seed) for X in datasets]


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


class Careless(ReadyMethod):
    """What stands between authors and callers, broken: authors cannot break these parts of the contract."""

    def __init__(self, fault: str) -> None:
        super().__init__(Sound(), MethodSpec("careless"))
        self.fault = fault
        if fault == "unmindful of samples":
            self.method.spare_samples = 1  # type: ignore[misc]

    def discover(self, X: Any, *, seed: int = 0) -> CausalGraph:
        match self.fault:
            case "writes":
                X *= 1.0
                X -= X.mean(axis=0)
            case "writes what was there":
                X[:] = X.copy()
            case "minds the container":
                X = X * -np.arange(1, 5) if isinstance(X, pd.DataFrame) else X
            case "refuses twins namelessly" if np.linalg.matrix_rank(X) < min(X.shape):
                raise DataError("bad data")
            case "unchecked" | "unmindful of samples":
                return self.method.discover(np.asarray(X), seed=seed)
            case "adds a variable":
                return CausalGraph(np.zeros((X.shape[1] + 1,) * 2, dtype=np.int8))
        graph = super().discover(X, seed=seed)
        return CausalGraph(graph.adjacency) if self.fault == "nameless" else graph


FAULTS: list[tuple[type[Method] | str, str, list[str]]] = [
    (Prints, "quiet", ["'hello from the constructor'", "remove it"]),
    (PrintsNatively, "quiet", ["'native'", "remove it"]),
    (SetsTheDtype, "no side effects", ["torch's default dtype (torch.float32 -> torch.float64)", "put it back"]),
    (ChangesDirectory, "no side effects", ["the working directory", "try/finally"]),
    (SetsPrintOptions, "no side effects", ["numpy's print options", "try/finally"]),
    (LeavesAFile, "no side effects", ["log.txt", "tempfile"]),
    (LeavesAThread, "no side effects", ["worker-9", "join it"]),
    (LeavesAProcess, "no side effects", ["a child process", "wait for it"]),
    (NoGraph, "shapes", ["ndarray", "adag.CausalGraph"]),
    (NotANumber, "shapes", ["NaN"]),
    (LosesAVariable, "shapes", ["3 variables for data with 4"]),
    (WrongKind, "shapes", ["kind 'dag'", "kind = 'cpdag'", "make them agree"]),
    (LooseWeights, "shapes", ["no edge", "from_weights"]),
    (Transposed, "orientation", ["the wrong way", "(.T)"]),
    (TransposedUndeclared, "orientation", ["the wrong way", "(.T)"]),
    (TransposedClass, "orientation", ["every edge of x -> y <- z the wrong way", "(.T)"]),
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
    (ManyFailsOnNone, "discover_many", ["ValueError", "for no data sets", "in their order"]),
    # What the framework promises is checked too.
    ("writes", "read-only input", ["changes the caller's array: work on a copy"]),
    ("writes what was there", "read-only input", ["ValueError", "read-only"]),
    ("nameless", "names", ["leave names to the caller"]),
    ("minds the container", "names", ["answers otherwise for a DataFrame", "use X as it is given"]),
    ("unmindful of samples", "few samples", ["is not refused 8 samples of 8 variables", "spare_samples = 1"]),
    ("adds a variable", "two variables", ["returns 3 variables for data with 2"]),
    ("unchecked", "duplicate columns", ["accepts two identical columns"]),
    ("refuses twins namelessly", "duplicate columns", ["without naming both (bad data)", "adag.validation"]),
]
"""Who is broken, which check finds it, and words of the message."""


def faulty(fault: type[Method] | str) -> ReadyMethod:
    return Careless(fault) if isinstance(fault, str) else ready(fault)


def title(value: object) -> str:
    return value.__name__ if isinstance(value, type) else value if isinstance(value, str) else ""


@pytest.mark.parametrize(("fault", "check", "words"), FAULTS, ids=title)
def test_a_broken_method_is_told_what_to_mend(fault: type[Method] | str, check: str, words: list[str]) -> None:
    with pytest.raises(Broken) as error:
        CHECKS[check](lambda: faulty(fault))
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_there_is_a_broken_method_for_every_complaint() -> None:
    """Every ``raise Broken`` of the checks is reached by one of the faults."""
    tree = ast.parse(Path(checks.__file__).read_text())
    raises = [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and "Broken(" in ast.unparse(node)]
    reached = set()
    for fault, check, _ in FAULTS:
        with pytest.raises(Broken) as error:
            CHECKS[check](lambda fault=fault: faulty(fault))  # type: ignore[misc]
        line = [frame.lineno for frame in traceback.extract_tb(error.tb) if frame.filename == checks.__file__][-1]
        reached |= {node.lineno for node in raises if node.lineno <= (line or 0) <= (node.end_lineno or 0)}
    assert {node.lineno for node in raises} - reached == set()


CHANGES: dict[str, Callable[[], object]] = {
    "the state of random": random.random,
    "the state of numpy.random": lambda: np.random.seed(0),  # noqa: NPY002
    "the state of torch's generator": lambda: torch.rand(1),
    "torch's default dtype": lambda: torch.set_default_dtype(torch.double),
    "torch's thread count": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch's gradient mode": lambda: torch.set_grad_enabled(False),
    "the root logger's level": lambda: logging.getLogger().setLevel(logging.INFO - 3),
    "the root logger's handlers": lambda: logging.getLogger().addHandler(logging.NullHandler()),
    "logging.disable": lambda: logging.disable(logging.INFO + 3),
    "the warning filters": lambda: warnings.simplefilter("ignore", BytesWarning),
    "numpy's error handling": lambda: np.seterr(all="raise"),
    "numpy's print options": lambda: np.set_printoptions(precision=3),
    "os.environ": lambda: os.environ.update(LEFT_BEHIND="1"),
    "the working directory": lambda: os.chdir("/"),
    "sys.stdout and sys.stderr": lambda: setattr(sys, "stdout", io.StringIO()),
    "the recursion limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "the handler of Ctrl-C": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
}


@pytest.mark.parametrize("what", footprint.STATE)
def test_every_global_setting_is_watched_and_put_back(what: str) -> None:
    class Changes(Sound):
        def __init__(self) -> None:
            CHANGES[what]()

    before = footprint.snapshot()
    with pytest.raises(Broken) as error:
        CHECKS["no side effects"](lambda: ready(Changes))
    assert str(error.value).startswith(f"changes {what}")
    assert "put it back in a try/finally" in str(error.value)
    assert footprint.changes(before) == []


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
