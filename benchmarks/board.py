"""What a worker leaves for its watcher to read: shared memory and files, so that neither has to wake the other.

A message through a pipe would wake the watcher for every trial, and on a full machine every look takes a core from
somebody's `discover`. So the worker writes down when its trial began and what the finished ones came to; the watcher
reads that when it has a reason to. What is written stays readable when the worker dies. Called by `process` and
`worker`.
"""

import mmap
import os
import pickle
import struct
import tempfile
import time
from collections.abc import Sequence

from benchmarks.outcome import Outcome

_STARTED, _STOP = struct.Struct("d"), struct.Struct("q")
_SIZE = _STARTED.size + _STOP.size
_LENGTH = struct.Struct("I")
_SETTLED_S = 0.005
"""A processor's memory, written by another one of the same machine, is up to date long before this."""


class Board:
    """Shared by two processes through inherited file descriptors.

    Two files take the outcomes of parcels in turn, since the next parcel may begin before the last has been read.

    Parameters
    ----------
    fds : sequence of int
        Descriptors of the shared memory and of the two files.
    """

    def __init__(self, fds: Sequence[int]) -> None:
        self.fds = tuple(fds)
        self._memory = mmap.mmap(self.fds[0], _SIZE)
        self._written = 0

    @classmethod
    def new(cls) -> "Board":
        """A board for a worker that is yet to start."""
        fds = [_file() for _ in range(3)]
        os.ftruncate(fds[0], _SIZE)
        return cls(fds)

    def close(self) -> None:
        """Free it; whoever else has it keeps it."""
        self._memory.close()
        for fd in self.fds:
            os.close(fd)

    # The worker's side.

    def begin(self) -> bool:
        """A trial begins now; False: it must not, the watcher has taken back what was not begun."""
        _STARTED.pack_into(self._memory, 0, time.monotonic())
        if _STOP.unpack_from(self._memory, _STARTED.size)[0]:
            self.end()
            return False
        return True

    def end(self) -> None:
        """No trial is running."""
        _STARTED.pack_into(self._memory, 0, 0.0)

    def write(self, parcel: int, outcome: Outcome, *, first: bool) -> None:
        """Add an outcome, the first or a further one of a parcel; safe from this process's death at once."""
        data = pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL)
        if first:
            self._written = 0
        frame = memoryview(_LENGTH.pack(len(data)) + data)
        while frame:
            count = os.pwrite(self._fd(parcel), frame, self._written)
            self._written += count
            frame = frame[count:]

    # The watcher's side.

    def started(self) -> float | None:
        """When the running `discover` began (`time.monotonic`, one clock for all processes); None: none is running."""
        return _STARTED.unpack_from(self._memory)[0] or None

    def clear(self, parcel: int) -> None:
        """Make room for a parcel that is to be sent; the last but one has been read by now."""
        os.ftruncate(self._fd(parcel), 0)

    def read(self, parcel: int, offset: int) -> tuple[list[Outcome], int]:
        """Outcomes of a parcel from an offset on, and the offset behind them; a torn last one is left."""
        outcomes: list[Outcome] = []
        data = os.pread(self._fd(parcel), os.fstat(self._fd(parcel)).st_size, offset)
        at = 0
        while len(data) >= at + _LENGTH.size:
            end = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
            if len(data) < end:
                break
            outcomes.append(pickle.loads(data[at + _LENGTH.size : end]))
            at = end
        return outcomes, offset + at

    def stop(self) -> bool:
        """Let no further trial begin; whether it is certain that none has begun since the running one."""
        started = self.started()
        _STOP.pack_into(self._memory, _STARTED.size, 1)
        time.sleep(_SETTLED_S)  # who began before that write shows by now, who begins after it sees it
        return started is not None and self.started() == started

    def go_on(self) -> None:
        """Lift `stop`, when the worker has answered for all that it was sent before."""
        _STOP.pack_into(self._memory, _STARTED.size, 0)

    def _fd(self, parcel: int) -> int:
        return self.fds[1 + parcel % 2]


def _file() -> int:
    """A file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("adag-board")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
