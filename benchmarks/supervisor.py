"""The Ray actor of one slot: keeps one `process.WorkerProcess` busy, and hands over what its trials came to.

Trials are sent ahead of their turn and short ones travel together, from the driver to here and on to the worker, where
the next parcel lies ready when the last one ends; results are returned several at a time. A round trip is so paid once
for many short trials, while a thread of its own watches every single one. Imports nothing heavy. Called by `executor`.
"""

import math
import os
import pickle
import threading
import time
from collections import deque
from typing import NamedTuple

from benchmarks.guardian import MARK, start_guardian
from benchmarks.lineage import adopt_orphans
from benchmarks.memory import memory_share
from benchmarks.outcome import Outcome
from benchmarks.parcel import Answer, Task, take
from benchmarks.process import WorkerProcess

THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
BATCH = 16
"""Data sets of one `discover_many` at most."""
_HOLD_S = 0.45
"""A result waits no longer than this for others to be handed over with it. With two looks at its worker
(`process._POLL_S`) and `executor._SETTLE_S` it is on disk within a second."""
_LONG_S = 1.0
"""What waits behind a trial that runs longer than this is given back for other slots to take."""


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
        self.memory_bytes = memory_bytes or memory_share(min(slots, (os.cpu_count() or 1) // threads))
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
        self.whole = False
        self.suspect: int | None = None
        self.finished_since = 0.0
        self.defect: BaseException | None = None
        self.lifeline = start_guardian(mark, pythonpath)  # before we adopt orphans: it must not become ours
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

        Returns once there are results and no more than `low` tasks wait, a parcel of them is complete, a result is
        `_HOLD_S` old, or nothing is left to do; or when tasks wait behind one that takes long.
        """
        with self.changed:
            self.waiting.extend(tasks)
            self.low = low
            self.changed.notify_all()
            while not self._due():
                self.changed.wait()
            if self.defect is not None:
                raise self.defect
            given_back: list[int] = []
            if self._long():
                given_back = [task.number for task in self.waiting]
                self.waiting.clear()
            results, self.finished, self.whole = self.finished, [], False
            return results, given_back, self.running_since is not None or bool(self.waiting)

    def _due(self) -> bool:
        """Whether `exchange` has something to say."""
        if self.defect is not None or (self.waiting and self._long()):
            return True
        if not self.finished:
            return self.running_since is None and not self.waiting
        old = time.monotonic() - self.finished_since >= _HOLD_S
        return self.whole or old or len(self.waiting) <= self.low

    def _long(self) -> bool:
        return self.running_since is not None and time.monotonic() - self.running_since > _LONG_S

    def _serve(self) -> None:
        """The thread: one parcel after another, the next one sent ahead, until the process ends."""
        group: list[Result] = []
        try:
            while True:
                with self.changed:
                    while not self.waiting and not self._parcels():
                        self.changed.wait()
                    parcel = self._next_parcel()
                    if self.running_since is None:
                        self.running_since = time.monotonic()
                answers = self._put(parcel) if parcel else []
                if self._parcels():
                    answers += self._watch()
                answers = self._settle(answers)
                if not self._alive():
                    group = []  # the data sets that it had kept for the batch went with the worker
                for task, outcome, _ in answers:
                    if task.group and outcome["status"] == "ok" and self._alive():
                        group.append(Result(task.number, outcome.copy(), again=True))
                        if not self._continues(task.group, len(group)):
                            self._run_batch(group, task.timeout_s * len(group))
                            with self.changed:
                                self._finish(group)
                            group = []
                with self.changed:
                    self._rest()
        except BaseException as e:  # a defect of ours: `exchange` raises it in the driver
            with self.changed:
                self.defect = e
                self.changed.notify_all()

    def _parcels(self) -> int:
        return len(self.worker.parcels) if self.worker is not None else 0

    def _next_parcel(self) -> list[Task]:
        if self.worker is not None and self.worker.alive and not self.worker.has_room():
            return []
        return take(self.waiting, self.suspect, ahead=self._parcels() > 0)

    def _put(self, parcel: list[Task]) -> list[Answer]:
        """Send a parcel, to a fresh worker if need be; its first task's answer if there can be none."""
        failed = None if self._alive() else self._start()
        if failed is not None:
            with self.changed:
                self.waiting.extendleft(reversed(parcel[1:]))
            return [Answer(parcel[0], failed, sure=True)]
        assert self.worker is not None
        self.worker.put(parcel)
        return []

    def _watch(self) -> list[Answer]:
        """What the worker has answered after a moment; if it is at one trial for long, it runs no other after it."""
        assert self.worker is not None
        parcels = self._parcels()
        answers = self.worker.watch()
        if self._parcels() < parcels:
            self.whole = not any(answer.task.group for answer in answers)
        elif time.monotonic() - self.worker.changed > _LONG_S:
            answers += self.worker.recall()
        return answers

    def _settle(self, answers: list[Answer]) -> list[Answer]:
        """Put what was not run back to the front; the answers that stand are on their way to the driver."""
        back = []
        for answer in answers:
            if not answer.sure and answer.task.number != self.suspect:
                # It died before `discover` began, of something an earlier trial left behind: it gets a fresh worker.
                self.suspect = answer.task.number
                back.append(answer.task)
        stand = [answer for answer in answers if answer.task not in back]
        if self.worker is not None:
            back += self.worker.take_back()
        with self.changed:
            self.waiting.extendleft(reversed(back))
            self._finish([Result(task.number, outcome, again=False) for task, outcome, _ in stand])
        return stand

    def _finish(self, results: list[Result]) -> None:
        if results and not self.finished:
            self.finished_since = time.monotonic()
        self.finished += results

    def _continues(self, group: str, size: int) -> bool:
        """Whether the next task belongs to the same batch."""
        with self.changed:
            return bool(self.waiting) and self.waiting[0].group == group and size < BATCH

    def _rest(self) -> None:
        """After a look at the worker. Whoever waits in `exchange` is woken only for something to do: it costs time."""
        self.running_since = self.worker.changed if self.worker is not None and self.worker.parcels else None
        if self._due():
            self.changed.notify_all()

    def _run_batch(self, group: list[Result], timeout_s: float) -> None:
        """Add what `discover_many` took to the outcomes of its trials."""
        assert self.worker is not None
        self.worker.put([Task(-1, pickle.dumps(None), timeout_s, math.inf, "")])
        answers: list[Answer] = []
        while not answers or self.worker.parcels:
            answers += self.worker.watch()
        self.worker.take_back()
        batch = answers[0].outcome
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
