"""One `worker` process: started, watched and ended. Called by `supervisor`, on the machine where it runs.

Deadlines, memory and deaths are handled here, next to the process, so that a hung native call is killed within
milliseconds on any node, with its children, and a crash costs a fresh process rather than a Ray worker. Imports
nothing heavy.
"""

import contextlib
import os
import pickle
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.board import Board
from benchmarks.lineage import kill_children
from benchmarks.memory import WatchedMemory
from benchmarks.outcome import Outcome, death, failure
from benchmarks.parcel import Answer, Task

_POLL_S = 0.1
"""Between two looks at a worker that says nothing; every look takes a core from somebody's `discover`."""
_LOAD_LIMIT_S = 600.0
"""For importing a library or deriving data sets; both are ours, so only a defect or a dead disk reaches it."""
_LEAK_S = 1.0


@dataclass
class _Parcel:
    """What was sent together; `tasks` are those not answered yet, in the order in which they are run."""

    number: int
    tasks: deque[Task]
    offset: int = 0


class WorkerProcess:
    """A worker with its method; whatever becomes of it, every task gets an `Answer` or is given back.

    Parameters
    ----------
    method : bytes
        A pickled `MethodSpec`.
    environment : dict
        The process's environment variables.
    threads : int
        Size of its thread pools.
    memory_bytes : int
        It is killed when it grows beyond this, children included.

    Attributes
    ----------
    alive : bool
        Until it has died or was ended.
    parcels : deque
        On their way or running.
    changed : float
        When it was last seen to have begun or finished something (`time.monotonic`).
    """

    def __init__(self, method: bytes, environment: dict[str, str], threads: int, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self.alive = True
        self.device = ""
        self.threads = threads
        self.changed = time.monotonic()
        self.parcels: deque[_Parcel] = deque()
        self._sent, self._answered, self._stopped = 0, 0, False
        self._unrun: list[Task] = []
        self._board = Board.new()
        self._faults = tempfile.TemporaryFile()  # noqa: SIM115 (as long-lived as this object)
        ours, theirs = socket.socketpair()
        with theirs:
            inherited = [theirs.fileno(), self._faults.fileno(), *self._board.fds]
            arguments = [*inherited[:2], os.getpid(), threads, *inherited[2:]]
            self.process = subprocess.Popen(
                # -P: the folder we happen to stand in is no place to import from
                [sys.executable, "-P", "-m", "benchmarks.worker", *map(str, arguments)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._faults,
                pass_fds=inherited,
                start_new_session=True,
            )
        self._memory = WatchedMemory(self.process.pid)
        self.pipe = Connection(ours.detach())
        self._poller = select.poll()
        self._poller.register(self.pipe.fileno(), select.POLLIN)
        self._send(method)

    def load(self) -> Outcome | None:
        """Wait until the method is warm: None; else what went wrong."""
        trouble: Outcome | None = None
        while trouble is None and not self._poller.poll(1000 * _POLL_S):
            trouble = self._trouble(None, _LOAD_LIMIT_S)
        if trouble is None:
            try:
                outcome: Outcome = self.pipe.recv()
            except (EOFError, OSError, pickle.UnpicklingError):
                outcome = self._death(None)
            self.device, self.changed = outcome["device"], time.monotonic()
            trouble = None if outcome["status"] == "ok" else outcome
        if trouble is not None:
            self.end()
        return trouble

    def has_room(self) -> bool:
        """Whether it can take a parcel: one more than the running one, so that it never waits for us."""
        return len(self.parcels) < 1 if self._stopped else len(self.parcels) < 2

    def put(self, tasks: list[Task]) -> None:
        """Send a parcel to a worker that `has_room`."""
        if not self.parcels:
            self.changed = time.monotonic()
            self._board.go_on()
            self._stopped = False
        self._board.clear(self._sent)
        self.parcels.append(_Parcel(self._sent, deque(tasks)))
        self._sent += 1
        self._send(pickle.dumps([task.trial for task in tasks]))

    def watch(self) -> list[Answer]:
        """Wait for the end of a parcel, a death, a deadline or the memory limit, or a moment; what has been answered.

        Only while there are parcels. What was sent and will not be run any more is then in `take_back`.
        """
        parcel = self.parcels[0]
        if self._poller.poll(1000 * self._patience()):
            try:
                leftovers = self.pipe.recv()
            except (EOFError, OSError, pickle.UnpicklingError):
                started = self._board.started()
                return self._read() + self._closed(self._death(started), started)
            answers = self._read()
            self._unrun += parcel.tasks
            self.parcels.popleft()
            self.changed = time.monotonic()
            # A leak over many short trials, none of which lasts until a look of its own, costs a fresh process.
            leaky = self._memory.seconds_since_look() > _LEAK_S and self._memory.look() > self.memory_bytes
            if leftovers or leaky:
                self.end()
            return answers
        answers = self._read()
        started = self._board.started()
        limit = parcel.tasks[0].timeout_s if parcel.tasks else _LOAD_LIMIT_S
        if (trouble := self._trouble(started, limit)) is not None:
            answers += self._closed(trouble, started)
        return answers

    def recall(self) -> list[Answer]:
        """Take back what has not begun, if there is any, from a worker whose running trial takes long; its answers."""
        if sum(len(parcel.tasks) for parcel in self.parcels) < 2:
            return []
        self._stopped = True
        certain = self._board.stop()
        answers = self._read()
        # The running one is the first unanswered one, unless there was an answer meanwhile: then it is asked again.
        if certain and not answers and self.parcels[0].tasks:
            for parcel in self.parcels:
                running = 1 if parcel is self.parcels[0] else 0
                self._unrun += list(parcel.tasks)[running:]
                parcel.tasks = deque(list(parcel.tasks)[:running])
        return answers

    def take_back(self) -> list[Task]:
        """Tasks that were sent and will not be run here, in their order; each is given back once."""
        unrun, self._unrun = self._unrun, []
        return unrun

    def end(self) -> None:
        """Kill the worker and everything that descends from it."""
        if not self.alive:
            return
        self._kill()
        self._close()

    def _close(self) -> None:
        for parcel in self.parcels:
            self._unrun += parcel.tasks
        self.parcels.clear()
        self._board.close()
        self._memory.close()
        self._faults.close()

    def _kill(self) -> None:
        self.alive = False
        self.pipe.close()
        kill_children(self.process)

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # if it is dead already, `watch` sees that
            self.pipe.send_bytes(message)

    def _patience(self) -> float:
        """How long to wait for the worker before the next look at it, in seconds."""
        started, tasks = self._board.started(), self.parcels[0].tasks
        if started is None or not tasks:
            return _POLL_S
        return max(0.0, min(_POLL_S, tasks[0].timeout_s - (time.monotonic() - started)))

    def _read(self) -> list[Answer]:
        """What the worker has written since the last time."""
        parcel = self.parcels[0]
        outcomes, parcel.offset = self._board.read(parcel.number, parcel.offset)
        if outcomes:
            self.changed = time.monotonic()
            self._answered += len(outcomes)
        return [self._answer(parcel.tasks.popleft(), outcome, sure=True) for outcome in outcomes]

    def _answer(self, task: Task, outcome: Outcome, *, sure: bool) -> Answer:
        outcome["threads"], outcome["device"] = self.threads, self.device
        return Answer(task, outcome, sure)

    def _trouble(self, started: float | None, timeout_s: float) -> Outcome | None:
        """Whether the worker has died, or has to, since a trial started or it was last seen at work."""
        if self.process.poll() is not None and not self._poller.poll(0):
            return self._death(started)
        elapsed = time.monotonic() - (started or self.changed)
        if elapsed >= (_LOAD_LIMIT_S if started is None else timeout_s):
            if started is None:
                return failure("crash", f"the worker was not ready after {elapsed:.0f} s and was killed")
            return failure("timeout", f"killed at its limit of {timeout_s:g} s", runtime_s=elapsed)
        if (used := self._memory.look()) > self.memory_bytes:
            error = f"killed at {used / 2**30:.2f} GiB: its limit is {self.memory_bytes / 2**30:.2f} GiB"
            return failure("oom", error, runtime_s=elapsed)
        return None

    def _closed(self, trouble: Outcome, started: float | None) -> list[Answer]:
        """End the worker; the answer of the trial that was running is the trouble, unless it was faster."""
        self._kill()
        answers = self._read()
        if not answers and self.parcels[0].tasks:
            # It never began, or has only begun, in a worker where others ran before it: it may not be its own doing.
            young = trouble["status"] == "oom" and trouble["runtime_s"] < _POLL_S and self._answered > 0
            task = self.parcels[0].tasks.popleft()
            answers.append(self._answer(task, trouble, sure=started is not None and not young))
        self._close()
        return answers

    def _death(self, started: float | None) -> Outcome:
        elapsed = time.monotonic() - started if started else float("nan")
        with contextlib.suppress(subprocess.TimeoutExpired):  # the pipe closes a moment before the process is gone
            self.process.wait(1.0)
        self._faults.seek(0)
        return death(self.process.returncode, self._faults.read(2000).decode(errors="replace"), elapsed)
