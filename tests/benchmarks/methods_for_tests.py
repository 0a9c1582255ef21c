"""Methods whose processes are odd: they fork, grow, leave or will not load. More common trouble is in tests/plugin.

The fixture `odd_methods` (test_executor.py) makes a distribution of this file.
"""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines import GivenFamily, Method, register


class Toy(Method):
    package = "odd-methods"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        return chain(X)


def chain(X: NDArray[np.float64]) -> CausalGraph:
    """x0 -> x1 -> ..., with weights that depend on the data, so that two runs can be compared."""
    d = X.shape[1]
    weights = np.zeros((d, d))
    for j in range(d - 1):
        weights[j, j + 1] = 1.0 + np.abs(X[:, j]).mean()
    return CausalGraph.from_weights(weights)


@register
class SysExit(Toy):
    name = "odd-sys-exit"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        sys.exit("leaving")


@register
class Allocate(Toy):
    """Grows by touching pages until it is stopped; gives up by itself at 2 GiB."""

    name = "odd-allocate"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        blocks = []
        for _ in range(64):
            blocks.append(np.ones(4_000_000))  # 32 MB
            time.sleep(0.02)
        return chain(X)


@register
class Peaks(Toy):
    """Needs 256 MiB for its first data set, and nothing to speak of for the others."""

    name = "odd-peaks"
    calls = 0

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        self.calls += 1
        if self.calls == 1:
            np.ones(2**25).sum()
        return chain(X)


@register
class Fork(Toy):
    """Answers well and leaves a child of a child behind, in a session of its own."""

    name = "odd-fork"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.wait()
        return chain(X)


@register
class Runaway(Toy):
    """Forks, and parent and child both return from `discover`."""

    name = "odd-runaway"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        os.fork()
        return chain(X)


@register
class Unloadable(Toy):
    name = "odd-unloadable"

    def warm_up(self) -> None:
        raise ImportError("no module named 'missing_library'")


@register
class Random(Toy):
    """Promises nothing."""

    name = "odd-random"
    randomness = "unseeded"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        return CausalGraph.from_weights(np.triu(np.random.default_rng().normal(size=(X.shape[1],) * 2), 1))


@register
class Greedy(Toy):
    """Answers with the size of its largest thread pool (x0 -> x1), and leaves every pool at four."""

    name = "odd-greedy"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        import torch
        from threadpoolctl import threadpool_info, threadpool_limits

        weights = np.zeros((X.shape[1], X.shape[1]))
        weights[0, 1] = max(torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info()))
        threadpool_limits(limits=4)
        torch.set_num_threads(4)
        return CausalGraph.from_weights(weights)


@register
class Clock(Toy):
    """Takes 50 ms and answers with the time: x0 -> x1 has the seconds since 1970 as its weight."""

    name = "odd-clock"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        time.sleep(0.05)
        weights = np.zeros((X.shape[1], X.shape[1]))
        weights[0, 1] = time.time()
        return CausalGraph.from_weights(weights)


@register
class Batches(Toy):
    """Offers `discover_many`, with another answer: it must not be the one that is kept."""

    name = "odd-batches"

    def discover_many(self, datasets: list[NDArray[np.float64]], *, seed: int) -> list[CausalGraph]:
        time.sleep(0.05 * len(datasets))
        return [CausalGraph(adjacency=np.zeros((X.shape[1], X.shape[1]), dtype=np.int8)) for X in datasets]


@register
class HalfGPU(Toy):
    """Tells which GPU it was shown (x0 -> x1: its number + 1; 0.5: none) once so many of its kind are at work."""

    name = "odd-half-gpu"
    gpus = 0.5

    def __init__(self, *, together: int = 0, folder: str = "") -> None:
        self.together, self.folder = together, Path(folder)

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        if self.together:
            (self.folder / str(os.getpid())).touch()
            while len(list(self.folder.iterdir())) < self.together:
                time.sleep(0.05)
        weights = np.zeros((X.shape[1], X.shape[1]))
        seen = os.environ["CUDA_VISIBLE_DEVICES"]
        weights[0, 1] = int(seen) + 1 if seen else 0.5
        return CausalGraph.from_weights(weights)


@register
class KillsItsSupervisor(Toy):
    """Takes its slot's actor with it, so that the trial is lost and nobody can say why."""

    name = "odd-kills-actor"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
        raise AssertionError("unreachable")


@register
class Learns(Toy):
    """Answers with the mean of its training domains, x0 -> x1; refuses to learn from a family of five samples."""

    name = "odd-learns"
    given = "training domains"

    def prepare(self, family: GivenFamily) -> None:
        if family.n == 5:
            raise ValueError("five samples are too few to learn from")
        time.sleep(0.2)
        self.mean = float(np.abs(family.training(3)).mean())

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        return self.discover_many([X], seed=seed)[0]

    def discover_many(self, datasets: list[NDArray[np.float64]], *, seed: int) -> list[CausalGraph]:
        weights = np.zeros((datasets[0].shape[1],) * 2)
        weights[0, 1] = self.mean
        return [CausalGraph.from_weights(weights) for _ in datasets]


@register
class Threads(Toy):
    """Answers with the sizes of its thread pools: x0 -> x1 has weight torch threads, x1 -> x2 the largest pool."""

    name = "odd-threads"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        import torch
        from threadpoolctl import threadpool_info

        weights = np.zeros((X.shape[1], X.shape[1]))
        weights[0, 1] = torch.get_num_threads()
        weights[1, 2] = max(pool["num_threads"] for pool in threadpool_info())
        weights[2, 3] = 1.0 if os.environ["CUDA_VISIBLE_DEVICES"] == "" else 2.0
        return CausalGraph.from_weights(weights)


@register
class TroubleInTheMiddle(Toy):
    """Quick, but for one call: the first one after `after` others."""

    name = "odd-trouble-in-the-middle"

    def __init__(self, *, folder: str = ".", trouble: str = "", after: int = 5) -> None:
        self.folder, self.trouble, self.after = Path(folder), trouble, after

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        begun = self.folder / "begun"
        with begun.open("a") as file:
            file.write(f"{seed} {time.time()}\n")
        if len(begun.read_text().splitlines()) > self.after:
            try:
                (self.folder / "taken").touch(exist_ok=False)
            except FileExistsError:
                pass
            else:
                self.misbehave()
        time.sleep(0.02)
        return chain(X)

    def misbehave(self) -> None:
        if self.trouble == "hang":
            ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the GIL
        elif self.trouble == "segfault":
            ctypes.string_at(0)
        elif self.trouble == "killed":
            time.sleep(0.2)  # a trial that dies for memory at once may die of what others left, and is tried again
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.trouble == "leaves a child":
            if os.fork() == 0:
                time.sleep(600)
                os._exit(0)
        else:
            time.sleep(float(self.trouble))
