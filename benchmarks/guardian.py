"""The last witness of a slot: kills what a `supervisor` leaves behind when it is killed itself.

A worker dies with its supervisor by the kernel's hand, but what a method has forked does not. This process is
started detached, so that no one else's clean-up reaches it, and sleeps on a pipe whose other end only the supervisor
holds: ``python -m benchmarks.guardian MARK < pipe``. Each line names the session of the present worker; the end of
the file means that the supervisor is gone.
"""

import contextlib
import os
import subprocess
import sys
import time
from io import FileIO

MARK = "ADAG_BENCHMARK_SUPERVISOR"
"""Environment variable of every worker and of what it forks: "driver:pid of the supervisor"."""
_PATIENCE_S = 5.0


def main(mark: str) -> None:
    """Detach, wait for the supervisor's end, then kill what carries its mark or belongs to its worker's session."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    session = 0
    for line in sys.stdin:
        session = int(line)
    deadline = time.monotonic() + _PATIENCE_S
    while kill_marked(mark, session) and time.monotonic() < deadline:  # again: a victim may just have forked
        time.sleep(0.02)


def start_guardian(mark: str, pythonpath: str) -> FileIO:
    """A detached guardian, and the pipe whose closing, by whatever kills this process, the supervisor, wakes it."""
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


def kill_marked(mark: str, session: int) -> int:
    """Kill the living processes with this mark in their environment or in this session (0: none); how many."""
    import psutil

    killed = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it has ended, or is another user's
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if (session and os.getsid(process.pid) == session) or process.environ().get(MARK) == mark:
                process.kill()
                killed += 1
    return killed


if __name__ == "__main__":
    main(sys.argv[1])
