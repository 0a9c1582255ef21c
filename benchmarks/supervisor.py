"""The Ray actor of one slot: keeps one `process.WorkerProcess` busy, and hands results over in small parcels.

Trials are sent ahead of their turn and results are returned several at a time, so that a round trip through Ray is
paid once for many short trials; a thread of its own watches every single one. Imports nothing heavy. Called by
`executor`.
"""

import contextlib
import math
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import psutil

from benchmarks.guardian import MARK
from benchmarks.outcome import Outcome, failure
from benchmarks.process import WorkerProcess
from benchmarks.worker import adopt_orphans

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
BATCH = 16
"""Data sets of one `discover_many` at most."""
_HOLD_S = 0.4
"""A finished trial is handed over no later than this; with `executor._TICK_S`, it is on disk within a second."""
_LONG_S = 1.0
"""What waits behind a trial that runs longer than this is given back for other slots to take."""


class Task(NamedTuple):
    """One trial on its way to a worker; `group` is "" or what it may be batched with."""

    number: int
    trial: bytes
    timeout_s: float
    group: str


class Result(NamedTuple):
    """The outcome of a task; `again`: it was handed over before, and now has the time of its batch."""

    number: int
    outcome: Outcome
    again: bool


class Supervisor:
    """One slot of the benchmark.

    Parameters
    ----------
    threads : int
        Thread pools of the worker.
    gpu : bool
        Whether the worker may see the GPUs that Ray gave to this actor; otherwise it sees none.
    memory_bytes : int or None
        A worker that grows beyond this, children included, is killed; None: its share of nine tenths of the node.
    slots : int
        Slots of the whole run; no more than these share the node.
    pythonpath : str
        The driver's import path beyond the interpreter's own.
    driver : str
        Name of the driver, for the mark.
    """

    def __init__(
        self, threads: int, gpu: bool, memory_bytes: int | None, slots: int, pythonpath: str, driver: str
    ) -> None:
        self.threads = threads
        self.memory_bytes = memory_bytes or _memory_share(min(slots, (os.cpu_count() or 1) // threads))
        mark = f"{driver}:{os.getpid()}"
        self.environment = dict(os.environ) | dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.environment |= {"PYTHONPATH": pythonpath, MARK: mark}
        if not gpu:
            self.environment["CUDA_VISIBLE_DEVICES"] = ""
        self.method = b""
        self.worker: WorkerProcess | None = None
        self.changed = threading.Condition()
        self.waiting: deque[Task] = deque()
        self.low = 0
        self.running_since: float | None = None
        self.finished: list[Result] = []
        self.finished_since = 0.0
        self.defect: BaseException | None = None
        self.lifeline = _start_guardian(mark, pythonpath)  # before we adopt orphans: it must not become ours
        adopt_orphans()
        threading.Thread(target=self._serve, daemon=True).start()

    def load(self, method: bytes) -> Outcome | None:
        """Load a method (a pickled `MethodSpec`) into a fresh worker; None when it is warm, else why not.

        Only while no task is waiting or running.
        """
        if self.worker is not None:
            self.worker.end()
        self.method = method
        return self._start()

    def exchange(self, tasks: list[Task], low: int) -> tuple[list[Result], list[int], bool]:
        """Take tasks of the loaded method; return results, the numbers of tasks given back unstarted, and if busy.

        Returns once there are results and no more than `low` tasks wait, a result is `_HOLD_S` old, or nothing is
        left to do; or when tasks wait behind one that takes long.
        """
        with self.changed:
            self.waiting.extend(tasks)
            self.low = low
            self.changed.notify_all()
            while True:
                if self.defect is not None:
                    raise self.defect
                now = time.monotonic()
                given_back: list[int] = []
                if self.running_since is not None and now - self.running_since > _LONG_S:
                    given_back = [task.number for task in self.waiting]
                    self.waiting.clear()
                due = self.finished and (len(self.waiting) <= low or now - self.finished_since >= _HOLD_S)
                idle = self.running_since is None and not self.waiting
                if due or given_back or idle:
                    results, self.finished = self.finished, []
                    return results, given_back, not idle
                # The first result after this does not wake us, and is not too old when we wake.
                self.changed.wait(self.finished_since + _HOLD_S - now if self.finished else _HOLD_S)

    def _serve(self) -> None:
        """The thread: one task after another, until the process ends."""
        group: list[Result] = []
        try:
            while True:
                with self.changed:
                    while not self.waiting:
                        self.changed.wait()
                    task = self.waiting.popleft()
                    self.running_since = time.monotonic()
                before = self.worker
                outcome = self._run(task)
                if self.worker is not before or not self._alive():
                    group = []  # the data sets that it had kept for the batch went with the worker
                if task.group and outcome["status"] == "ok" and self._alive():
                    group.append(Result(task.number, outcome.copy(), again=True))
                with self.changed:
                    self._finish([Result(task.number, outcome, again=False)])
                    together = self.waiting and self.waiting[0].group == task.group and len(group) < BATCH
                    if not (group and not together):
                        self._rest()
                        continue
                self._run_batch(group, task.timeout_s * len(group))
                with self.changed:
                    self._finish(group)
                    self._rest()
                group = []
        except BaseException as e:  # a defect of ours: `exchange` raises it in the driver
            with self.changed:
                self.defect = e
                self.changed.notify_all()

    def _finish(self, results: list[Result]) -> None:
        if not self.finished:
            self.finished_since = time.monotonic()
        self.finished += results

    def _rest(self) -> None:
        """Between two tasks. Whoever waits in `exchange` is woken only for something to do: it costs time."""
        self.running_since = None
        if len(self.waiting) <= self.low:
            self.changed.notify_all()

    def _run(self, task: Task) -> Outcome:
        outcome = failure("crash", "")
        for _ in range(2):
            failed = None if self._alive() else self._start()
            if failed:
                return failed
            assert self.worker is not None
            outcome = self.worker.run(task.trial, task.timeout_s)
            if outcome["status"] not in ("crash", "oom") or not math.isnan(outcome["runtime_s"]):
                return outcome
            # It died before `discover` began, of something an earlier trial left behind: this trial gets a fresh one.
        return outcome

    def _run_batch(self, group: list[Result], timeout_s: float) -> None:
        """Add what `discover_many` took to the outcomes of its trials."""
        assert self.worker is not None
        batch = self.worker.run(pickle.dumps(None), timeout_s)
        for _, outcome, _ in group:
            outcome["batch_runtime_s"], outcome["batch_size"] = batch["batch_runtime_s"], batch["batch_size"]
            if batch["status"] != "ok":  # the trial's own result stands
                outcome["error"] = f"discover_many: {batch['status']}: {batch['error']}"

    def _alive(self) -> bool:
        return self.worker is not None and self.worker.alive

    def _start(self) -> Outcome | None:
        self.worker = WorkerProcess(self.method, self.environment, self.threads, self.memory_bytes)
        self.lifeline.write(f"{self.worker.process.pid}\n".encode())
        return self.worker.load()


def _start_guardian(mark: str, pythonpath: str) -> FileIO:
    """A detached `guardian`, and the pipe whose closing, by whatever kills this process, sets it to work."""
    theirs, ours = os.pipe()
    try:
        subprocess.run(
            [sys.executable, "-P", "-m", "benchmarks.guardian", mark],
            env=os.environ | {"PYTHONPATH": pythonpath},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    finally:
        os.close(theirs)
    return FileIO(ours, "w")


def _memory_share(slots: int) -> int:
    """Nine tenths of this machine's memory (or of its container's share), divided by the slots."""
    total = psutil.virtual_memory().total
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such limit, or "max"
            total = min(total, int(Path(path).read_text()))
    return int(0.9 * total / max(slots, 1))
