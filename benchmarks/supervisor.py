"""The Ray actor of one slot: keeps one `worker` process, and ends it when it must end.

Ray gives it a node and CPUs; deadlines, memory and deaths are handled here, next to the process, so that a hung
native call is killed within milliseconds on any node, with its children, and a crash costs a fresh process rather
than a Ray worker. Imports nothing heavy. Called by `executor`.
"""

import contextlib
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from benchmarks.outcome import Outcome, failure
from benchmarks.worker import adopt_orphans

MARK = "ADAG_BENCHMARK_SUPERVISOR"
"""Environment variable of every worker and its children: "driver:pid:start", the last two of their supervisor."""
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
_POLL_S = 0.05
_LOAD_LIMIT_S = 600.0
"""For importing a library or deriving a data set; both are ours, so only a defect or a dead disk reaches it."""


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
        me = psutil.Process()
        self.threads = threads
        self.memory_bytes = memory_bytes or _memory_share(min(slots, (os.cpu_count() or 1) // threads))
        self.environment = dict(os.environ) | dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.environment |= {"PYTHONPATH": pythonpath, MARK: f"{driver}:{me.pid}:{me.create_time()}"}
        if not gpu:
            self.environment["CUDA_VISIBLE_DEVICES"] = ""
        self.method = b""
        self.worker: subprocess.Popen[bytes] | None = None
        self.pipe: Connection
        self.faults = tempfile.TemporaryFile()  # noqa: SIM115 (as long-lived as this object)
        adopt_orphans()
        kill_marked(_orphaned)  # a method's children, where a driver was killed in mid-trial

    def prepare(self, method: bytes) -> Outcome | None:
        """Load a method (a pickled `MethodSpec`) into a fresh worker; None when it is warm, else why not."""
        self._end()
        self.method = method
        return self._start()

    def run(self, trial: bytes, timeout_s: float) -> Outcome:
        """Run one trial (a pickled `Trial`) of the method that was prepared; always returns an outcome."""
        outcome = failure("crash", "")
        for _ in range(2):
            failed = self._start() if self.worker is None else None
            if failed:
                return failed
            with contextlib.suppress(OSError):  # if it has died since its last trial, `_await` sees that
                self.pipe.send_bytes(trial)
            outcome = self._await(timeout_s)
            if outcome["status"] not in ("crash", "oom") or not math.isnan(outcome["runtime_s"]):
                return outcome
            # It died before `discover` began, of something an earlier trial left behind: this trial gets a fresh one.
        return outcome

    def _start(self) -> Outcome | None:
        ours, theirs = socket.socketpair()
        self.faults.seek(0)
        self.faults.truncate()
        arguments = [theirs.fileno(), self.faults.fileno(), os.getpid(), self.threads]
        with theirs:
            self.worker = subprocess.Popen(
                # -P: the folder we happen to stand in is no place to import from
                [sys.executable, "-P", "-m", "benchmarks.worker", *map(str, arguments)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.faults,
                pass_fds=arguments[:2],
                start_new_session=True,
            )
        self.pipe = Connection(ours.detach())
        with contextlib.suppress(OSError):  # if it is dead already, `_await` sees that
            self.pipe.send_bytes(self.method)
        outcome = self._await(_LOAD_LIMIT_S)
        return None if outcome["status"] == "ok" else outcome

    def _await(self, timeout_s: float) -> Outcome:
        """Wait for the worker's answer, its death, its deadline or its memory limit, whichever comes first."""
        assert self.worker is not None
        began, started = time.monotonic(), None
        limit, polls = _LOAD_LIMIT_S, 0
        while True:
            left = limit - (time.monotonic() - (started or began))
            try:
                message = self.pipe.recv() if self.pipe.poll(max(0.0, min(_POLL_S, left))) else None
            except (EOFError, OSError, pickle.UnpicklingError):
                return self._dead(started)
            if message is not None:
                word, outcome, leftovers = message
                if word == "started":
                    started, limit = time.monotonic(), timeout_s
                    continue
                if word == "failed" or leftovers:
                    self._end()
                return failure("ok", "") if word == "ready" else outcome
            elapsed = time.monotonic() - (started or began)
            if self.worker.poll() is not None and not self.pipe.poll():
                return self._dead(started)
            if elapsed >= limit:
                self._end()
                if started is None:
                    return failure("crash", f"the worker was not ready after {elapsed:.0f} s and was killed")
                return failure("timeout", f"killed at its limit of {timeout_s:g} s", runtime_s=elapsed)
            polls += 1
            used = _memory(self.worker.pid, with_children=polls % 20 == 0)
            if used > self.memory_bytes:
                self._end()
                error = f"killed at {used / 2**30:.2f} GiB: its limit is {self.memory_bytes / 2**30:.2f} GiB"
                return failure("oom", error, runtime_s=elapsed)

    def _dead(self, started: float | None) -> Outcome:
        assert self.worker is not None
        elapsed = time.monotonic() - started if started else float("nan")
        with contextlib.suppress(subprocess.TimeoutExpired):  # the pipe closes a moment before the process is gone
            self.worker.wait(1.0)
        code = self.worker.returncode
        self._end()
        self.faults.seek(0)
        trace = self.faults.read(2000).decode(errors="replace")
        if code == -signal.SIGKILL:  # not by us: the kernel does this when the machine runs out of memory
            return failure("oom", "killed by the system (SIGKILL), most likely for memory", runtime_s=elapsed)
        if code is not None and code < 0:
            return failure("crash", f"died of {signal.Signals(-code).name}", runtime_s=elapsed, trace=trace)
        what = "closed its pipe" if code is None else f"ended its process with exit code {code}"
        return failure("crash", f"the method {what}", runtime_s=elapsed, trace=trace)

    def _end(self) -> None:
        """Kill the worker and everything that descends from it."""
        if self.worker is None:
            return
        self.pipe.close()
        while victims := _living(psutil.Process().children(recursive=True)):
            for victim in victims:
                with contextlib.suppress(psutil.NoSuchProcess):
                    victim.kill()
            self.worker.wait()
            for victim in victims:  # orphans that came to us; the others have been reaped by their parent
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(victim.pid, 0)
        self.worker.wait()
        self.worker = None


def _living(processes: list[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


def _memory(pid: int, *, with_children: bool) -> int:
    """Resident bytes of a process; of its children only what they don't share with it."""
    try:
        process = psutil.Process(pid)
        used = int(process.memory_info().rss)
        if with_children:
            used += sum(child.memory_full_info().uss for child in process.children(recursive=True))
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return used


def kill_marked(condition: Callable[[str], bool]) -> None:
    """Kill the processes of this machine whose mark fulfils a condition."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended, or is another user's
            mark = process.environ().get(MARK)
            if mark and process.pid != os.getpid() and condition(mark):
                process.kill()


def _orphaned(mark: str) -> bool:
    """Whether the supervisor named by a mark is dead."""
    _, pid, start = mark.split(":")
    try:
        # A later process may have been given the same number; the minute allows for a clock that is being set.
        return psutil.Process(int(pid)).create_time() - float(start) > 60.0
    except psutil.NoSuchProcess:
        return True


def _memory_share(slots: int) -> int:
    """Nine tenths of this machine's memory (or of its container's share), divided by the slots."""
    total = psutil.virtual_memory().total
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such limit, or "max"
            total = min(total, int(Path(path).read_text()))
    return int(0.9 * total / max(slots, 1))
