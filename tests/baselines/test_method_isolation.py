"""A method leaves no trace: nothing printed, nothing global changed, whatever its library does."""

import logging
import os
import random
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from baseline_cases import METHODS, linear_sem
from threadpoolctl import threadpool_info

from adag.graph import CausalGraph
from baselines import Method, get_method, register
from baselines.isolation import contained


def global_state() -> dict[str, Any]:
    root = logging.getLogger()
    legacy = np.random.get_state()  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy": (legacy[0], legacy[1].tobytes(), *legacy[2:]),
        "torch": torch.get_rng_state().numpy().tobytes(),
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "torch threads": torch.get_num_threads(),
        "pools": sorted((p["filepath"], p["num_threads"]) for p in threadpool_info()),
        "level": root.level,
        "handlers": list(root.handlers),
        "disabled": root.manager.disable,
        "errstate": np.geterr(),
        "printing": np.get_printoptions(),
        "filters": list(warnings.filters),
        "environment": dict(os.environ),
        "streams": (sys.stdout, sys.stderr),
        "directory": os.getcwd(),
    }


@pytest.mark.parametrize("method", METHODS)
def test_discovery_is_quiet_and_leaves_no_trace(method: str, capfd: pytest.CaptureFixture[str]) -> None:
    _, X = linear_sem(6, 4, 40)
    ready = get_method(method)
    ready.discover(X)  # loads the library's own thread pools, which are then part of the state
    before = global_state()
    ready.discover(X, seed=5)
    assert global_state() == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("before", [logging.NOTSET, logging.CRITICAL], ids=["on", "off, as in a worker"])
def test_what_a_method_does_to_logging_is_undone(before: int, caplog: pytest.LogCaptureFixture) -> None:
    logging.disable(before)
    try:
        with contained():
            logging.getLogger("quiet").critical("dropped")
            logging.disable(logging.INFO)
        assert logging.getLogger().manager.disable == before
        assert not caplog.records
        logging.getLogger("loud").critical("kept where logging is on")
        assert len(caplog.records) == (before == logging.NOTSET)
    finally:
        logging.disable(logging.NOTSET)


@pytest.mark.parametrize("method", ["adag", "direct-lingam", "notears", "pc"])
def test_the_first_import_too_is_quiet_and_leaves_no_trace(method: str) -> None:
    """In a fresh process, with logging as Python starts it: gcastle changes it, and torch's dtype, on import."""
    code = f"""
import logging, os, random, sys, warnings
import numpy as np, torch
from baselines import get_method
def state():
    root = logging.getLogger()
    return [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
            torch.get_default_dtype(), torch.get_num_threads(), root.level, list(root.handlers), np.geterr(),
            np.get_printoptions(), list(warnings.filters), dict(os.environ)]
X = np.random.default_rng(0).normal(size=(30, 3))
before = state()
get_method({method!r}).discover(X)
after = state()
sys.exit(0 if before == after else str([i for i, (a, b) in enumerate(zip(before, after)) if a != b]))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")


@pytest.fixture
def loud(clean_registry: None) -> Callable[[Callable[[], Any]], Any]:
    """A ready method that does as told, then finds nothing."""

    def make(action: Callable[[], Any]) -> Any:
        @register
        class Loud(Method):
            name = "loud"
            package = "adag"

            def discover(self, X: Any, *, seed: int) -> CausalGraph:
                action()
                return CausalGraph(np.zeros((X.shape[1], X.shape[1]), dtype=np.int8))

        return get_method("loud")

    return make


X = np.random.default_rng(0).normal(size=(20, 3))


def be_loud() -> None:
    print("print")
    print("print", file=sys.stderr)
    os.write(1, b"descriptor 1")
    os.write(2, b"descriptor 2")
    subprocess.run("echo child; echo child >&2", shell=True, check=True)
    logging.getLogger("library").error("log")
    warnings.warn("warning", stacklevel=1)
    _ = np.array([1.0]) / np.array([0.0])


def test_every_way_of_printing_is_silenced(
    loud: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    be_loud()
    out, err = capfd.readouterr()
    assert out.count("descriptor 1") == out.count("print") == out.count("child") == 1
    assert err.count("descriptor 2") == err.count("print") == err.count("child") == 1
    caplog.clear()
    recwarn.clear()
    loud(be_loud).discover(X)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
    assert not recwarn.list
    print("after")
    os.write(2, b"after")
    assert capfd.readouterr() == ("after\n", "after")


def change_everything() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    torch.set_default_dtype(torch.double)
    torch.set_num_threads(torch.get_num_threads() + 1)
    np.seterr(all="ignore")
    np.set_printoptions(precision=2, suppress=True)
    warnings.simplefilter("error")
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger().addHandler(logging.StreamHandler())
    os.environ["PYTHONHASHSEED"] = "1"
    os.environ.pop("PATH")


@pytest.mark.parametrize("fails", [False, True])
def test_every_change_is_undone(fails: bool, loud: Any) -> None:
    def action() -> None:
        change_everything()
        if fails:
            raise RuntimeError("as libraries do")

    method = loud(action)
    before = global_state()
    if fails:
        with pytest.raises(RuntimeError, match="as libraries do"):
            method.discover(X)
    else:
        method.discover(X)
    assert global_state() == before


def test_no_descriptor_is_leaked(loud: Any) -> None:
    method = loud(lambda: None)
    method.discover(X)
    before = len(os.listdir("/dev/fd"))
    for _ in range(5):
        method.discover(X)
    assert len(os.listdir("/dev/fd")) == before


def test_a_seed_fixes_what_a_library_draws(loud: Any) -> None:
    drawn: list[tuple[float, float, float]] = []
    method = loud(lambda: drawn.append((random.random(), np.random.rand(), torch.rand(1).item())))  # noqa: NPY002
    for seed in (4, 4, 5, 2**40):
        method.discover(X, seed=seed)
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


def test_blocks_nest() -> None:
    before = global_state()
    with contained(1):
        outer = random.getstate()
        with contained(2):
            change_everything()
        assert random.getstate() == outer
    assert global_state() == before


def test_it_is_cheap() -> None:
    """Milliseconds at most, so that no method is taxed into another place."""
    times = []
    for _ in range(30):
        start = time.perf_counter()
        with contained(0):
            pass
        times.append(time.perf_counter() - start)
    assert sorted(times)[len(times) // 2] < 0.005


def test_the_callers_own_output_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("before ")
    with contained():
        print("inside")
    sys.stdout.write("after")
    assert capfd.readouterr().out == "before after"


def test_threads_take_turns() -> None:
    before = global_state()
    entered = threading.Event()

    def first() -> None:
        with contained():
            entered.set()
            time.sleep(0.2)

    def second() -> None:
        entered.wait()
        with contained():
            time.sleep(0.3)

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert global_state() == before
    assert not os.path.samestat(os.fstat(1), os.stat(os.devnull))


def test_a_callers_no_grad_does_not_stop_gradient_methods() -> None:
    with torch.no_grad():
        graph = get_method("golem[num_iter=5]").discover(X)
        assert not torch.is_grad_enabled()
    assert graph.confidence is not None
    assert graph.confidence.any()


@pytest.mark.parametrize(
    "code", ["libc.printf(b'native')", "lib.addHandler(logging.StreamHandler())", "pass\nsys.stdout = None"]
)
def test_nothing_surfaces_later(code: str) -> None:
    """Block-buffered C output, a log handler that keeps the stream it was made with; and a caller without stdout."""
    program = f"""
import ctypes, logging, sys
from baselines.isolation import contained
libc, lib = ctypes.CDLL(None), logging.getLogger("lib")
lib.propagate = False
lib.addHandler(logging.NullHandler())
with contained():
    {code}
with contained():
    pass
lib.error("later")
"""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=environment)
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")
