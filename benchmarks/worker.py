"""The process in which a method runs: ``python -m benchmarks.worker``, started and watched by `process`.

It holds one method, warm, and runs one parcel of trials after another; what each came to is left on the `Board`.
Whatever a method does to its process (a segmentation fault, a hang in native code, ``os._exit``) ends at this
process's edge; whoever watches it lives on.
"""

import faulthandler
import itertools
import logging
import math
import os
import pickle
import resource
import sys
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.board import Board
from benchmarks.lineage import adopt_orphans, children, die_with
from benchmarks.memory import PeakMemory
from benchmarks.outcome import Outcome, Status, failure, of_exception

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from threadpoolctl import LibController

    from baselines import MethodSpec, ReadyMethod
    from baselines.method import Samples
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


def main(channel: int, faults: int, parent: int, threads: int, *board: int) -> None:
    """Load the method named by the first message, then run one parcel of trials after another until the pipe closes.

    Parameters
    ----------
    channel, faults : int
        Inherited file descriptors: the two-way pipe, and where a fatal signal's stack is written.
    parent : int
        Process id of the supervisor.
    threads : int
        Size of every thread pool.
    *board : int
        Inherited file descriptors of the `Board`.
    """
    die_with(parent)
    adopt_orphans()
    faulthandler.enable(faults)
    logging.disable(logging.CRITICAL)  # nobody reads this process's log
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe = Connection(channel)
    try:
        methods, pools = _load(pickle.loads(pipe.recv_bytes()), threads)
    except Exception as e:
        pipe.send(of_exception(_status_of(e), e))
        return
    ready = failure("ok", "")
    ready["device"] = _device()
    worker = Worker(methods, pools, threads, Board(board))
    pipe.send(ready)
    for number in itertools.count():
        try:
            parcel = pickle.loads(pipe.recv_bytes())
        except EOFError:
            return
        pipe.send(worker.run(number, parcel))


class Ready(NamedTuple):
    """A trial with its data set, checked, and its method, prepared for the family; or what went wrong on the way."""

    trial: "Trial"
    seed: int
    method: "ReadyMethod"
    X: "NDArray[np.float64]"
    samples: "Samples"
    prepare_s: float


class Worker:
    """Runs trials, and writes down what they came to.

    Parameters
    ----------
    methods : Methods
        Warm.
    pools : list of LibController
        Thread pools to be held at `threads`.
    board : Board
        Where the watcher reads.
    """

    def __init__(self, methods: Methods, pools: "list[LibController]", threads: int, board: Board) -> None:
        self.methods, self.pools, self.threads, self.board = methods, pools, threads, board
        self.memory = PeakMemory()
        self.own, self.me = children(), os.getpid()
        self.first_call = True
        self.batch: list[Batched] = []

    def run(self, number: int, parcel: list[bytes]) -> bool:
        """Run the trials of a parcel (pickled `Trial`s; None: one `discover_many` over the last ones).

        Returns whether a child process is left over; the rest of the parcel is then not run.
        """
        self._hold_pools()
        # All first: one after another, while this code is in the processor's caches; between two `discover` it is not.
        ready = [self._ready(pickle.loads(trial)) for trial in parcel]
        for place, task in enumerate(ready):
            self._hold_pools()
            self.memory.reset()
            if not self.board.begin():
                return False
            outcome = self._attempt(task)
            if os.getpid() != self.me:  # a child that the method forked and that ran out of its `discover`
                os._exit(0)
            outcome["first_call"], self.first_call = self.first_call, False
            outcome["peak_memory_mib"] = self.memory.mib()
            self.board.write(number, outcome, first=place == 0)
            self.board.end()
            if children() - self.own:
                return True
        return False

    def _hold_pools(self) -> None:
        for pool in self.pools:
            if pool.num_threads != self.threads:  # an earlier trial's doing
                pool.set_num_threads(self.threads)

    def _ready(self, trial: "Trial | None") -> Ready | Outcome | None:
        from benchmarks.datasets import load

        if trial is None:
            return None
        X = load(trial.dataset).X.to_numpy()
        try:
            method, prepare_s = self.methods.of(trial.dataset)
        except Exception as e:
            return of_exception(_status_of(e), e)
        try:
            return Ready(trial, trial.seed, method, X, method.samples(X), prepare_s)
        except Exception as e:  # refused, in the method's name
            return of_exception(_status_of(e), e, runtime_s=0.0)

    def _attempt(self, task: Ready | Outcome | None) -> Outcome:
        from adag.acyclicity import edge_threshold
        from adag.graph import InvalidGraph

        if task is None:
            return self._attempt_batch()
        if not isinstance(task, Ready):
            return task
        start = time.perf_counter()
        try:
            with edge_threshold(task.trial.dataset.threshold):
                graph, seconds = task.method.timed_discover(task.samples, seed=task.seed)
        except InvalidGraph as e:
            return of_exception("invalid-output", e, runtime_s=time.perf_counter() - start)
        except BaseException as e:  # SystemExit and the panics of Rust extensions among them
            return of_exception(_status_of(e), e, runtime_s=time.perf_counter() - start)
        outcome = failure("ok", "", runtime_s=seconds)
        outcome["prepare_s"] = task.prepare_s
        outcome["kind"] = graph.kind
        outcome["adjacency"] = graph.adjacency.ravel().tolist()
        outcome["weights"] = None if graph.weights is None else graph.weights.ravel().tolist()
        outcome["confidence"] = None if graph.confidence is None else graph.confidence.ravel().tolist()
        if task.method.batches:
            self.batch.append((task.method, task.X, task.seed))
        return outcome

    def _attempt_batch(self) -> Outcome:
        """Time `discover_many` over the data sets that `discover` has just answered; only its time is kept."""
        batch, self.batch = self.batch, []
        method, _, seed = batch[0]
        try:
            _, seconds = method.timed_discover_many([X for _, X, _ in batch], seed=seed)
        except BaseException as e:
            return of_exception(_status_of(e), e)
        outcome = failure("ok", "")
        outcome["batch_runtime_s"], outcome["batch_size"] = seconds / len(batch), len(batch)
        return outcome


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


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
