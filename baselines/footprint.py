"""What a call leaves behind: output, changed global state, files, threads, processes. Called by `conformance`.

`isolation.contained` undoes most of what a library changes inside `discover` and `warm_up`. What is found here got
past it: from a constructor, from ``version``, from a thread, or by a way that nothing can undo.
"""

import contextlib
import logging
import os
import random
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

STATE: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "the state of random": (random.getstate, random.setstate),
    "the state of numpy.random": (
        lambda: [np.asarray(part).tolist() for part in np.random.get_state()],  # noqa: NPY002
        lambda parts: np.random.set_state(tuple(parts)),  # noqa: NPY002
    ),
    "the state of torch's generator": (
        lambda: _torch().get_rng_state().tolist(),
        lambda state: _torch().set_rng_state(_torch().tensor(state, dtype=_torch().uint8)),
    ),
    "torch's default dtype": (lambda: _torch().get_default_dtype(), lambda dtype: _torch().set_default_dtype(dtype)),
    "torch's thread count": (lambda: _torch().get_num_threads(), lambda count: _torch().set_num_threads(count)),
    "torch's gradient mode": (lambda: _torch().is_grad_enabled(), lambda on: _torch().set_grad_enabled(on)),
    "the root logger's level": (lambda: logging.getLogger().level, lambda level: logging.getLogger().setLevel(level)),
    "the root logger's handlers": (
        lambda: list(logging.getLogger().handlers),
        lambda handlers: logging.getLogger().handlers.__setitem__(slice(None), handlers),
    ),
    "logging.disable": (lambda: logging.root.manager.disable, logging.disable),
    "the warning filters": (
        lambda: list(warnings.filters),
        lambda filters: warnings.filters.__setitem__(slice(None), filters),  # type: ignore[index]
    ),
    "numpy's error handling": (np.geterr, lambda handling: np.seterr(**handling)),
    "numpy's print options": (
        lambda: {k: v for k, v in np.get_printoptions().items() if k != "override_repr"},
        lambda options: np.set_printoptions(**options),
    ),
    "os.environ": (lambda: dict(os.environ), lambda variables: _restore_environment(variables)),
    "the working directory": (os.getcwd, os.chdir),
    "sys.stdout and sys.stderr": (
        lambda: (sys.stdout, sys.stderr),
        lambda streams: vars(sys).update(stdout=streams[0], stderr=streams[1]),
    ),
    "the recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "the handler of Ctrl-C": (
        lambda: signal.getsignal(signal.SIGINT),
        lambda handler: signal.signal(signal.SIGINT, handler),
    ),
}
"""What must be the same before and after: how to read it, and how to put it back."""


def snapshot() -> dict[str, Any]:
    """The global state of the process, by the names in `STATE`."""
    return {what: read() for what, (read, _) in STATE.items()}


def changes(before: dict[str, Any]) -> list[str]:
    """What differs from an earlier `snapshot`, in words.

    It is put back, so that one breach is not found again by every later check, nor outlives the examination.
    """
    after = snapshot()
    found = []
    for what, value in before.items():
        if after[what] != value:
            brief = len(repr(value)) < 40 and len(repr(after[what])) < 40
            found.append(f"{what} ({value} -> {after[what]})" if brief else what)
            STATE[what][1](value)
    return found


def alive() -> tuple[set[str], set[int]]:
    """Names of threads that would keep the process from ending, and ids of child processes."""
    import psutil

    threads = {thread.name for thread in threading.enumerate() if not thread.daemon}
    return threads, {child.pid for child in psutil.Process().children(recursive=True)}


@contextlib.contextmanager
def elsewhere() -> Iterator[Path]:
    """Work in an empty folder; yields it, so that what is left there can be looked at."""
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(home)


@contextlib.contextmanager
def recorded(wait_s: float = 0.2) -> Iterator[Callable[[], str]]:
    """Catch all that is printed in the block, by native code too; what it yields returns the text after the block.

    Waits for a moment at the end, for what a thread may still have to say.
    """
    text: list[str] = []
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        _flush()
        saved = {fd: os.dup(fd) for fd in (1, 2)}
        with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
            for fd in saved:
                os.dup2(file.fileno(), fd)
            try:
                yield lambda: text[0]
                time.sleep(wait_s)
            finally:
                _flush()
                for fd, copy in saved.items():
                    os.dup2(copy, fd)
                    os.close(copy)
        file.seek(0)
        text.append(file.read())


def _restore_environment(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _torch() -> Any:
    import torch

    return torch
