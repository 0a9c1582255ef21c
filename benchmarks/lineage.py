"""Processes and what descends from them: none outlives who started it. Called by `worker`, `process`, `supervisor`."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def children() -> set[int]:
    """Process ids of this process's descendants; nearly free where there are none."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()
    return {child.pid for child in psutil.Process().children(recursive=True)}


def kill_children(own: subprocess.Popen[bytes]) -> None:
    """Kill this process's descendants, of which one is its own to reap; those that keep forking are overtaken."""
    while victims := _living(psutil.Process().children(recursive=True)):
        for victim in victims:
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
        own.wait()
        for victim in victims:  # orphans that came to us; the others have been reaped by their parent
            with contextlib.suppress(ChildProcessError):
                os.waitpid(victim.pid, 0)
    own.wait()


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


def _living(processes: list[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive
