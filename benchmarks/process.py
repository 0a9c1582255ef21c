"""One `worker` process: started, watched and ended. Called by `supervisor`, on the machine where it runs.

Deadlines, memory and deaths are handled here, next to the process, so that a hung native call is killed within
milliseconds on any node, with its children, and a crash costs a fresh process rather than a Ray worker. Imports
nothing heavy.
"""

import contextlib
import mmap
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from benchmarks.outcome import Outcome, failure
from benchmarks.worker import CLOCK

_POLL_S = 0.1
"""Between two looks at a worker that says nothing; every look takes a core from somebody's `discover`."""
_LOAD_LIMIT_S = 600.0
"""For importing a library or deriving a data set; both are ours, so only a defect or a dead disk reaches it."""
_LOOK_S = 1.0
_WITH_CHILDREN_EVERY = 20
"""Memory of the children is looked up at every so many looks: it costs milliseconds."""


class WorkerProcess:
    """A worker with its method; whatever becomes of it, every question gets an `Outcome`.

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
    """

    def __init__(self, method: bytes, environment: dict[str, str], threads: int, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self.alive = True
        self.device = ""
        self.threads = threads
        self._looked, self._looks = time.monotonic(), 0
        self._faults = tempfile.TemporaryFile()  # noqa: SIM115 (as long-lived as this object)
        ours, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as clock:
            clock.truncate(CLOCK.size)
            self._clock = mmap.mmap(clock.fileno(), CLOCK.size)
            arguments = [theirs.fileno(), self._faults.fileno(), clock.fileno(), os.getpid(), threads]
            self.process = subprocess.Popen(
                # -P: the folder we happen to stand in is no place to import from
                [sys.executable, "-P", "-m", "benchmarks.worker", *map(str, arguments)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._faults,
                pass_fds=arguments[:3],
                start_new_session=True,
            )
        self._watched = psutil.Process(self.process.pid)
        self.pipe = Connection(ours.detach())
        self._poller = select.poll()
        self._poller.register(self.pipe.fileno(), select.POLLIN)
        self._send(method)

    def load(self) -> Outcome | None:
        """Wait until the method is warm: None; else what went wrong."""
        outcome = self._answer(_LOAD_LIMIT_S)
        if outcome["status"] != "ok":
            return outcome
        self.device = outcome["device"]
        return None

    def run(self, trial: bytes, timeout_s: float) -> Outcome:
        """The outcome of a trial (a pickled `Trial`), or of one `discover_many` over the last ones (pickled None)."""
        CLOCK.pack_into(self._clock, 0, 0.0)
        self._send(trial)
        outcome = self._answer(timeout_s)
        outcome["threads"], outcome["device"] = self.threads, self.device
        return outcome

    def end(self) -> None:
        """Kill the worker and everything that descends from it."""
        if not self.alive:
            return
        self.alive = False
        self.pipe.close()
        while victims := _living(psutil.Process().children(recursive=True)):
            for victim in victims:
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
            self.process.wait()
            for victim in victims:  # orphans that came to us; the others have been reaped by their parent
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(victim.pid, 0)
        self.process.wait()
        self._faults.close()

    def _send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # if it is dead already, `_answer` sees that
            self.pipe.send_bytes(message)

    def _answer(self, timeout_s: float) -> Outcome:
        """Wait for the worker's answer, its death, its deadline or its memory limit, whichever comes first."""
        began, wait = time.monotonic(), _POLL_S
        while True:
            if self._poller.poll(1000 * wait):
                try:
                    word, outcome, leftovers = self.pipe.recv()
                except (EOFError, OSError, pickle.UnpicklingError):
                    return self._dead()
                # A leak over many short trials, none of which lasts until a look of its own, costs a fresh process.
                leaky = time.monotonic() - self._looked > _LOOK_S and self._memory() > self.memory_bytes
                if word == "failed" or leftovers or leaky:
                    self.end()
                return outcome
            if self.process.poll() is not None and not self._poller.poll(0):
                return self._dead()
            started = self._started()
            limit = _LOAD_LIMIT_S if started is None else timeout_s
            elapsed = time.monotonic() - (started or began)
            wait = max(0.0, min(_POLL_S, limit - elapsed))
            if elapsed >= limit:
                self.end()
                if started is None:
                    return failure("crash", f"the worker was not ready after {elapsed:.0f} s and was killed")
                return failure("timeout", f"killed at its limit of {timeout_s:g} s", runtime_s=elapsed)
            if (used := self._memory()) > self.memory_bytes:
                self.end()
                error = f"killed at {used / 2**30:.2f} GiB: its limit is {self.memory_bytes / 2**30:.2f} GiB"
                return failure("oom", error, runtime_s=elapsed)

    def _started(self) -> float | None:
        """When the running `discover` began, by the worker's own hand: a message would wake us for every trial."""
        return CLOCK.unpack_from(self._clock)[0] or None

    def _dead(self) -> Outcome:
        started = self._started()
        elapsed = time.monotonic() - started if started else float("nan")
        with contextlib.suppress(subprocess.TimeoutExpired):  # the pipe closes a moment before the process is gone
            self.process.wait(1.0)
        code = self.process.returncode
        self._faults.seek(0)
        trace = self._faults.read(2000).decode(errors="replace")
        self.end()
        if code == -signal.SIGKILL:  # not by us: the kernel does this when the machine runs out of memory
            return failure("oom", "killed by the system (SIGKILL), most likely for memory", runtime_s=elapsed)
        if code is not None and code < 0:
            return failure("crash", f"died of {signal.Signals(-code).name}", runtime_s=elapsed, trace=trace)
        what = "closed its pipe" if code is None else f"ended its process with exit code {code}"
        return failure("crash", f"the method {what}", runtime_s=elapsed, trace=trace)

    def _memory(self) -> int:
        """Resident bytes of the process, now and then with those of its children that they don't share with it."""
        self._looked = time.monotonic()
        self._looks += 1
        try:
            used = int(self._watched.memory_info().rss)
            if self._looks % _WITH_CHILDREN_EVERY == 0 and _has_children(self.process.pid):
                used += sum(child.memory_full_info().uss for child in self._watched.children(recursive=True))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return 0
        return used


def _has_children(pid: int) -> bool:
    """Whether a process has children; where the kernel does not tell, True: finding them is dear."""
    try:
        return any(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return True


def _living(processes: list[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive
