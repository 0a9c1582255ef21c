"""Methods that measure the executor or try to break it; registered only where `package` is on the import path.

Used by `overhead`, `chaos` and the tests.
"""

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines import Method, register
from benchmarks.outcome import Status

TROUBLE_EVERY = 4
"""A troubled probe misbehaves where its seed is a multiple of this: trouble and good work share a worker."""


class Probe(Method):
    """Base of all probes."""

    package = "adag-probes"
    assumes = ()

    @classmethod
    def expected(cls, seed: int) -> Status:
        """What the executor should make of a trial with this seed."""
        return "ok"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """x0 -> x1 -> ..., with weights from the data and the seed, so that two runs can be compared."""
        d = X.shape[1]
        weights = np.zeros((d, d))
        draws = 1.0 + np.random.default_rng(seed).random(d)
        weights[np.arange(d - 1), np.arange(1, d)] = draws[:-1] + np.abs(X[:, :-1]).mean(axis=0)
        return CausalGraph.from_weights(weights)


@register
class Noop(Probe):
    """The empty graph, at once: all that a trial costs is the executor's."""

    name = "probe-noop"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """No edges."""
        return CausalGraph(adjacency=np.zeros((X.shape[1], X.shape[1]), dtype=np.int8))


@register
class Spin(Probe):
    """Keeps a core busy for some seconds of its own time, however often it is interrupted."""

    name = "probe-spin"

    def __init__(self, *, seconds: float = 0.05) -> None:
        self.seconds = seconds

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """No edges, later; to make this answer is part of its time."""
        end = time.thread_time() + self.seconds
        graph = CausalGraph(adjacency=np.zeros((X.shape[1], X.shape[1]), dtype=np.int8))
        while time.thread_time() < end:
            pass
        return graph


@register
class Behaves(Probe):
    """Always well."""

    name = "probe-behaves"

    def __init__(self, *, variant: int = 0) -> None:
        self.variant = variant


class Troubled(Probe):
    """Behaves but for every `TROUBLE_EVERY`-th seed."""

    status: ClassVar[Status]

    @classmethod
    def expected(cls, seed: int) -> Status:
        """`status` where there is trouble."""
        return cls.status if seed % TROUBLE_EVERY == 0 else "ok"

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The same as `Behaves`, or trouble."""
        return self.trouble(X, seed) if seed % TROUBLE_EVERY == 0 else super().discover(X, seed=seed)

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """Misbehave."""
        raise NotImplementedError


@register
class Hangs(Troubled):
    """Stays in LAPACK, with a child that would outlive it."""

    name, status = "probe-hangs", "timeout"

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """Eigenvalues of a large matrix, seconds each time."""
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        matrix = np.random.default_rng(seed).normal(size=(1500, 1500))
        while True:
            np.linalg.eigvals(matrix)


@register
class Segfaults(Troubled):
    """Reads address 0."""

    name, status = "probe-segfaults", "crash"

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """Die of SIGSEGV."""
        ctypes.string_at(0)
        raise AssertionError("unreachable")


@register
class Exits(Troubled):
    """Leaves its process without a word."""

    name, status = "probe-exits", "crash"

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """End the process."""
        os._exit(3)


@register
class Raises(Troubled):
    """An ordinary exception, or `SystemExit`."""

    name, status = "probe-raises", "error"

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """Raise."""
        if seed % (2 * TROUBLE_EVERY) == 0:
            sys.exit("leaving")
        raise RuntimeError("the probe broke")


@register
class Allocates(Troubled):
    """Grows past a low limit; gives up by itself long before the machine is in danger."""

    name, status = "probe-allocates", "oom"
    memory_gib = 0.75

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """Touch 1.2 GB, and wait to be stopped."""
        blocks = [np.ones(12_500_000) for _ in range(12)]
        time.sleep(60)
        raise RuntimeError(f"{len(blocks)} blocks of 100 MB, and nobody stopped it")


@register
class Garbage(Troubled):
    """Not a number, the wrong shape, or a cycle."""

    name, status = "probe-garbage", "invalid-output"

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """One of three."""
        d = X.shape[1]
        kind = seed // TROUBLE_EVERY % 3
        if kind == 0:
            return CausalGraph.from_weights(np.full((d, d), np.nan))
        if kind == 1:
            return CausalGraph(adjacency=np.zeros((2, 2), dtype=np.int8))
        return CausalGraph(adjacency=np.roll(np.eye(d, dtype=np.int8), 1, axis=1))


TROUBLES: tuple[type[Troubled], ...] = (Hangs, Segfaults, Exits, Raises, Allocates, Garbage)


@register
class Mixed(Troubled):
    """All troubles in turn: what one leaves behind is the next one's start."""

    name = "probe-mixed"
    memory_gib = Allocates.memory_gib

    @classmethod
    def expected(cls, seed: int) -> Status:
        """That of the trouble whose turn it is."""
        return cls._whose(seed).expected(seed)

    @classmethod
    def _whose(cls, seed: int) -> type[Troubled]:
        return TROUBLES[seed // TROUBLE_EVERY % len(TROUBLES)]

    def trouble(self, X: NDArray[np.float64], seed: int) -> CausalGraph:
        """That of the probe whose turn it is."""
        return self._whose(seed)().trouble(X, seed)


PROBES: tuple[type[Probe], ...] = (
    Noop, Spin, Behaves, *TROUBLES, Mixed,
)  # fmt: skip


def package(folder: Path) -> Path:
    """Write the distribution that registers the probes into a folder, to be put on the import path."""
    info = folder / "adag_probes-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: adag-probes\nVersion: 1.0\n")
    points = "\n".join(f"{probe.name} = {__name__}:{probe.__name__}" for probe in PROBES)
    (info / "entry_points.txt").write_text(f"[adag.methods]\n{points}\n")
    return folder
