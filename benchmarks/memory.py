"""The most memory that a trial held, at the price of two system calls a trial. Called by `worker`."""

import math
import os
from pathlib import Path

_FORGET = Path("/proc/self/clear_refs")
_TELL = Path("/proc/self/status")


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
