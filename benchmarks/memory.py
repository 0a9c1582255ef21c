"""What memory a trial held, asked for at the price of a system call or two. Called by `worker`, `process`
and `supervisor`.
"""

import contextlib
import math
import os
import resource
import time
from pathlib import Path

import psutil

_FORGET = Path("/proc/self/clear_refs")
_TELL = Path("/proc/self/status")
_PAGE = resource.getpagesize()
_WITH_CHILDREN_EVERY = 20
"""Memory of the children is looked up at every so many looks: it costs milliseconds."""


class PeakMemory:
    """The resident memory of this process at its highest, told and forgotten through files that stay open (Linux).

    Opening them anew for every trial would take four times as long; ``getrusage`` is no way out, since its peak also
    counts what this process was before it started its present program, and can't be reset.
    """

    def __init__(self) -> None:
        can = _TELL.exists() and os.access(_FORGET, os.W_OK)
        self._forget = _FORGET.open("wb", buffering=0) if can else None
        self._tell = _TELL.open("rb", buffering=0) if can else None

    def reset(self) -> None:
        """Forget the peak so far."""
        if self._forget:
            os.pwrite(self._forget.fileno(), b"5", 0)

    def mib(self) -> float:
        """Most resident memory since the reset, in MiB: with the libraries, without a GPU's; NaN on other systems."""
        if not self._tell:
            return math.nan
        text = os.pread(self._tell.fileno(), 4096, 0)
        _, _, rest = text.partition(b"\nVmHWM:")
        return int(rest.split(maxsplit=1)[0]) / 1024


class WatchedMemory:
    """The resident memory of another process, looked at again and again.

    Parameters
    ----------
    pid : int
        The process; it has not ended yet.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        path = Path(f"/proc/{pid}/statm")
        self._statm = path.open("rb", buffering=0) if path.exists() else None
        self._looked, self._looks = time.monotonic(), 0

    def close(self) -> None:
        """Free the file."""
        if self._statm:
            self._statm.close()

    def seconds_since_look(self) -> float:
        """How long ago the last look was."""
        return time.monotonic() - self._looked

    def look(self) -> int:
        """Resident bytes, now and then with those of its children that they don't share with it; 0 if it has ended."""
        self._looked = time.monotonic()
        self._looks += 1
        try:
            if self._statm:
                used = int(os.pread(self._statm.fileno(), 100, 0).split()[1]) * _PAGE
            else:
                used = int(self._process.memory_info().rss)
            if self._looks % _WITH_CHILDREN_EVERY == 0 and _has_children(self._process.pid):
                used += sum(child.memory_full_info().uss for child in self._process.children(recursive=True))
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
            return 0
        return used


def _has_children(pid: int) -> bool:
    """Whether a process has children; where the kernel does not tell, True: finding them is dear."""
    try:
        return any(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:
        return True


def memory_share(slots: int) -> int:
    """Nine tenths of this machine's memory (or of its container's share), divided by the slots."""
    total = psutil.virtual_memory().total
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # no such limit, or "max"
            total = min(total, int(Path(path).read_text()))
    return int(0.9 * total / max(slots, 1))
