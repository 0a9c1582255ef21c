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

STATE: dict[str, Callable[[], Any]] = {
    "the state of random": random.getstate,
    "the state of numpy.random": lambda: [np.asarray(part).tolist() for part in np.random.get_state()],  # noqa: NPY002
    "the state of torch's generator": lambda: _torch().get_rng_state().tolist(),
    "torch's default dtype": lambda: _torch().get_default_dtype(),
    "torch's thread count": lambda: _torch().get_num_threads(),
    "torch's gradient mode": lambda: _torch().is_grad_enabled(),
    "the root logger's level": lambda: logging.getLogger().level,
    "the root logger's handlers": lambda: list(logging.getLogger().handlers),
    "logging.disable": lambda: logging.root.manager.disable,
    "the warning filters": lambda: list(warnings.filters),
    "numpy's error handling": np.geterr,
    "numpy's print options": lambda: {k: v for k, v in np.get_printoptions().items() if k != "override_repr"},
    "os.environ": lambda: dict(os.environ),
    "the working directory": os.getcwd,
    "sys.stdout and sys.stderr": lambda: (sys.stdout, sys.stderr),
    "the recursion limit": sys.getrecursionlimit,
    "the handler of Ctrl-C": lambda: signal.getsignal(signal.SIGINT),
}
"""What must be the same before and after."""


def snapshot() -> dict[str, Any]:
    """The global state of the process, by the names in `STATE`."""
    return {what: read() for what, read in STATE.items()}


def changes(before: dict[str, Any]) -> list[str]:
    """What differs from an earlier `snapshot`, in words; and it is put back where that is simple."""
    after = snapshot()
    found = []
    for what, value in before.items():
        if after[what] != value:
            brief = len(repr(value)) < 40 and len(repr(after[what])) < 40
            found.append(f"{what} ({value} -> {after[what]})" if brief else what)
    _put_back(before)
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


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _put_back(before: dict[str, Any]) -> None:
    # So that one breach is not found again by every later check, nor outlives the examination.
    os.chdir(before["the working directory"])
    _torch().set_default_dtype(before["torch's default dtype"])
    np.set_printoptions(**before["numpy's print options"])
    np.seterr(**before["numpy's error handling"])
    random.setstate(before["the state of random"])
    logging.getLogger().setLevel(before["the root logger's level"])
    logging.getLogger().handlers[:] = before["the root logger's handlers"]
    warnings.filters[:] = before["the warning filters"]  # type: ignore[index]
    os.environ.clear()
    os.environ.update(before["os.environ"])
    sys.setrecursionlimit(before["the recursion limit"])


def _torch() -> Any:
    import torch

    return torch
