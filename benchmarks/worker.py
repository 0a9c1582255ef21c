"""The process in which a method runs: ``python -m benchmarks.worker``, started and watched by `process`.

It holds one method, warm, and answers one trial after another over a pipe. Whatever a method does to its process
(a segmentation fault, a hang in native code, ``os._exit``) ends at this process's edge; whoever watches it lives on.
"""

import ctypes
import faulthandler
import math
import mmap
import os
import pickle
import resource
import signal
import struct
import sys
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from benchmarks.memory import PeakMemory
from benchmarks.outcome import Outcome, Status, failure, of_exception

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from threadpoolctl import LibController

    from baselines import MethodSpec, ReadyMethod
    from benchmarks.keys import DatasetKey, Trial

    Batched = tuple[ReadyMethod, NDArray[np.float64], int]
    """Who answered, the data set and its trial's seed."""


class Methods:
    """The worker's method: one warm object, and where it learns from families a further one for each family."""

    def __init__(self, spec: "MethodSpec") -> None:
        from baselines import get_method

        self.spec, self.plain = spec, get_method(spec)
        self.plain.shares_generators = False  # every data set has a generator of its own
        self._prepared: dict[object, tuple[ReadyMethod, float]] = {}

    def of(self, key: "DatasetKey") -> "tuple[ReadyMethod, float]":
        """The method for a data set, prepared for its family, and the seconds that this took; NaN where nothing was."""
        from baselines import GivenFamily, get_method

        if key.family is None or self.plain.method.given == "one domain":
            return self.plain, math.nan
        family = GivenFamily(key.family, key.n, key.noise, key.variance, key.scale)  # type: ignore[arg-type]
        if family not in self._prepared:
            method = get_method(self.spec)
            method.shares_generators = False
            self._prepared[family] = method, method.prepare(family)
        return self._prepared[family]


CLOCK = struct.Struct("d")
"""The memory shared with whoever watches: when the running `discover` began (`time.monotonic`); 0: not yet."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def main(channel: int, faults: int, clock: int, parent: int, threads: int) -> None:
    """Load the method named by the first message, then answer trials until the pipe closes.

    Parameters
    ----------
    channel, faults, clock : int
        Inherited file descriptors: the two-way pipe, where a fatal signal's stack is written, and the `CLOCK`.
    parent : int
        Process id of the supervisor.
    threads : int
        Size of every thread pool.
    """
    die_with(parent)
    adopt_orphans()
    faulthandler.enable(faults)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe = Connection(channel)
    started = mmap.mmap(clock, CLOCK.size)
    try:
        methods, pools = _load(pickle.loads(pipe.recv_bytes()), threads)
    except Exception as e:
        pipe.send(("failed", of_exception(_status_of(e), e), False))
        return
    own = children()
    me = os.getpid()
    memory = PeakMemory()
    ready = failure("ok", "")
    ready["device"] = _device()
    pipe.send(("ready", ready, False))
    first = True
    batch: list[Batched] = []
    while True:
        try:
            trial = pickle.loads(pipe.recv_bytes())
        except EOFError:
            return
        for pool in pools:
            if pool.num_threads != threads:  # an earlier trial's doing
                pool.set_num_threads(threads)
        outcome = _attempt_batch(batch, started) if trial is None else _attempt(methods, trial, started, memory, batch)
        if os.getpid() != me:  # a child that the method forked and that ran out of its `discover`
            os._exit(0)
        outcome["first_call"] = first
        outcome["peak_memory_mib"] = memory.mib()
        pipe.send(("done", outcome, bool(children() - own)))
        first = False


def _load(spec: object, threads: int) -> "tuple[Methods, list[LibController]]":
    """The method, warm, and the thread pools of its native libraries: finding them takes long, so it is done once."""
    import torch
    from threadpoolctl import ThreadpoolController

    from baselines import MethodSpec

    assert isinstance(spec, MethodSpec)
    torch.set_num_threads(threads)
    methods = Methods(spec)
    methods.plain.warm_up()
    # The environment has already set the sizes; a library that chose its own at import is put right here.
    pools = ThreadpoolController()
    pools.limit(limits=threads)
    return methods, pools.lib_controllers


def _attempt(
    methods: Methods, trial: "Trial", started: mmap.mmap, memory: PeakMemory, batch: "list[Batched]"
) -> Outcome:
    from adag.acyclicity import edge_threshold
    from adag.graph import InvalidGraph
    from benchmarks.datasets import load

    X = load(trial.dataset).X.to_numpy()
    try:
        method, prepare_s = methods.of(trial.dataset)
    except Exception as e:
        return of_exception(_status_of(e), e)
    memory.reset()
    CLOCK.pack_into(started, 0, time.monotonic())
    start = time.perf_counter()
    try:
        with edge_threshold(trial.dataset.threshold):
            graph, seconds = method.timed_discover(X, seed=trial.seed)
    except InvalidGraph as e:
        return of_exception("invalid-output", e, runtime_s=time.perf_counter() - start)
    except BaseException as e:  # SystemExit and the panics of Rust extensions among them
        return of_exception(_status_of(e), e, runtime_s=time.perf_counter() - start)
    outcome = failure("ok", "", runtime_s=seconds)
    outcome["prepare_s"] = prepare_s
    outcome["kind"] = graph.kind
    outcome["adjacency"] = graph.adjacency.ravel().tolist()
    outcome["weights"] = None if graph.weights is None else graph.weights.ravel().tolist()
    outcome["confidence"] = None if graph.confidence is None else graph.confidence.ravel().tolist()
    if method.batches:
        batch.append((method, X, trial.seed))
    return outcome


def _attempt_batch(batch: "list[Batched]", started: mmap.mmap) -> Outcome:
    """Time `discover_many` over the data sets that `discover` has just answered; only its time is kept."""
    CLOCK.pack_into(started, 0, time.monotonic())
    method, _, seed = batch[0]
    try:
        _, seconds = method.timed_discover_many([X for _, X, _ in batch], seed=seed)
    except BaseException as e:
        return of_exception(_status_of(e), e)
    else:
        outcome = failure("ok", "")
        outcome["batch_runtime_s"], outcome["batch_size"] = seconds / len(batch), len(batch)
        return outcome
    finally:
        batch.clear()


def _status_of(exception: BaseException) -> Status:
    """Running out of memory has many names; the rest is an error."""
    if isinstance(exception, MemoryError) or type(exception).__name__ == "OutOfMemoryError":
        return "oom"
    if isinstance(exception, RuntimeError) and "can't allocate memory" in str(exception):  # torch, on the CPU
        return "oom"
    return "error"


def _device() -> str:
    """The GPU's name where this worker was given one, else "cpu"."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def children() -> set[int]:
    """Process ids of this process's descendants; nearly free where there are none."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()
    import psutil

    return {child.pid for child in psutil.Process().children(recursive=True)}


def die_with(parent: int) -> None:
    """On Linux, be killed as soon as the parent is gone, even inside native code."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        sys.exit(1)


def adopt_orphans() -> None:
    """On Linux, become the parent of orphaned grandchildren, so that none escapes by forking twice."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
