"""What one trial came to: the small dictionary that travels from the worker to the driver.

Built-in types only, so that a supervisor can pass it on without importing numpy. Called by `worker`, `process`,
`supervisor`, `executor` and `store`.
"""

import math
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Literal, TypedDict

Status = Literal["ok", "error", "timeout", "crash", "oom", "invalid-output"]
STATUSES: tuple[Status, ...] = ("ok", "error", "timeout", "crash", "oom", "invalid-output")


class Outcome(TypedDict):
    """See the columns of `records.SCHEMA`; the matrices are row-major lists of d * d numbers."""

    status: Status
    runtime_s: float
    prepare_s: float
    peak_memory_mib: float
    error: str
    traceback: str
    kind: str
    device: str
    threads: int
    first_call: bool
    batch_runtime_s: float
    batch_size: int
    adjacency: list[int] | None
    weights: list[float] | None
    confidence: list[float] | None


def failure(status: Status, error: str, *, runtime_s: float = math.nan, trace: str = "") -> Outcome:
    """The outcome of a trial without a graph; `runtime_s` is the time until it failed or was stopped."""
    return Outcome(
        status=status,
        runtime_s=runtime_s,
        prepare_s=math.nan,
        peak_memory_mib=math.nan,
        error=without_paths(" ".join(error.split()))[:500],
        traceback=without_paths(trace)[-2000:],
        kind="",
        device="",
        threads=0,
        first_call=False,
        batch_runtime_s=math.nan,
        batch_size=0,
        adjacency=None,
        weights=None,
        confidence=None,
    )


def of_exception(status: Status, exception: BaseException, *, runtime_s: float = math.nan) -> Outcome:
    """An exception as an outcome: type and message in one line, and the innermost calls."""
    message = f"{type(exception).__name__}: {exception}".removesuffix(": ")
    frames = traceback.extract_tb(exception.__traceback__)[-6:]
    trace = "\n".join(f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line or ''}" for frame in frames)
    return failure(status, message, runtime_s=runtime_s, trace=trace)


def death(code: int | None, trace: str, runtime_s: float) -> Outcome:
    """What the end of a worker means, by its exit code: negative for a signal, None while it lives without its pipe."""
    if code == -signal.SIGKILL:  # not by us: the kernel does this when the machine runs out of memory
        return failure("oom", "killed by the system (SIGKILL), most likely for memory", runtime_s=runtime_s)
    if code is not None and code < 0:
        return failure("crash", f"died of {signal.Signals(-code).name}", runtime_s=runtime_s, trace=trace)
    what = "closed its pipe" if code is None else f"ended its process with exit code {code}"
    return failure("crash", f"the method {what}", runtime_s=runtime_s, trace=trace)


def without_paths(text: str) -> str:
    """The text with this machine's folders cut from the paths in it: results are published."""
    if os.sep not in text:  # most often there is nothing to say
        return text
    places = {*sys.path, sys.prefix, sys.base_prefix, tempfile.gettempdir(), os.getcwd(), str(Path.home())}
    for place in sorted(places, key=len, reverse=True):
        if len(place) > 1:
            text = text.replace(place.rstrip(os.sep) + os.sep, "")
    return text
