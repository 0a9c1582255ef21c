"""A third party's little package: methods that behave, and one for every way to misbehave.

The fixture `third_party_package` (tests/conftest.py) makes it a distribution whose entry points register them.
"""

import ctypes
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

from adag import CausalGraph
from baselines import Method, register


class Toy(Method):
    package = "toy-methods"
    assumes = ()


@register
class Chain(Toy):
    """Well-behaved: 0 -> 1 -> 2 ... with the covariance as weight and a touch of the seed."""

    name = "toy-chain"

    def __init__(self, *, strength: float = 1.0) -> None:
        self.strength = strength

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        rng = np.random.default_rng(seed)
        weights = np.diag(np.full(X.shape[1] - 1, self.strength + rng.uniform(0, 0.1)), k=1)
        return CausalGraph.from_weights(weights)


@register
class Raises(Toy):
    name = "toy-raises"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        raise RuntimeError("the toy broke")


@register
class Allocates(Toy):
    name = "toy-memory"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        raise MemoryError("asked for too much")


@register
class NotANumber(Toy):
    name = "toy-nan"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        return CausalGraph.from_weights(np.full((X.shape[1], X.shape[1]), np.nan))


@register
class WrongShape(Toy):
    name = "toy-shape"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        return CausalGraph(adjacency=np.zeros((2, 2), dtype=np.int8))


@register
class Cyclic(Toy):
    name = "toy-cycle"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        d = X.shape[1]
        return CausalGraph(adjacency=np.roll(np.eye(d, dtype=np.int8), 1, axis=1))


@register
class Segfaults(Toy):
    name = "toy-segfault"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        ctypes.string_at(0)
        raise AssertionError("unreachable")


@register
class Exits(Toy):
    name = "toy-exit"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        os._exit(3)


@register
class HangsInNativeCode(Toy):
    """Holds the GIL inside libc, having started a child that would outlive it."""

    name = "toy-hang"

    def __init__(self, *, pid_file: str = "") -> None:
        self.pid_file = pid_file

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        if self.pid_file:
            with open(self.pid_file, "w") as file:
                file.write(f"{os.getpid()} {child.pid}")
        ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the GIL
        raise AssertionError("unreachable")


@register
class Floods(Toy):
    name = "toy-flood"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        for _ in range(2000):
            print("flood " * 20)
            os.write(2, b"flood\n")
        return CausalGraph(adjacency=np.zeros((X.shape[1], X.shape[1]), dtype=np.int8))


@register
class Slow(Toy):
    """Takes a while, so that a run can be interrupted midway."""

    name = "toy-slow"

    def discover(self, X: Any, *, seed: int) -> CausalGraph:
        time.sleep(0.15)
        return Chain().discover(X, seed=seed)
