"""A room with padded walls for other people's code: nothing it prints gets out, nothing global stays changed.

gcastle, for one, sets torch's default dtype to double, the root logger to INFO and numpy's print options on import,
and its GOLEM reseeds every global generator; several libraries draw progress bars. Called by `method.ReadyMethod`
around every import of a library and every `discover`.
"""

import contextlib
import ctypes
import logging
import os
import random
import sys
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from typing import TextIO

import numpy as np

# Descriptors, generators and the root logger belong to the process: of two threads inside at once, the second would
# take the first's silence for the normal state and leave the process mute. Re-entrant: a method may call another.
_ALONE = threading.RLock()


@contextlib.contextmanager
def contained(seed: int | None = None, *, restore_generators: bool = True) -> Iterator[None]:
    """Silence and contain the block.

    Standard output and error are discarded at the level of file descriptors, so that native code is silent too;
    warnings and log records are dropped. On exit, the states of the random generators (random, numpy, torch),
    torch's default dtype and thread count, numpy's error handling and print options, the warning filters, the root
    logger and ``os.environ`` are what they were. One thread at a time; others wait.

    Parameters
    ----------
    seed : int, optional
        Seeds the three global generators inside the block.
    restore_generators : bool
        False: the generators are left as the block leaves them. For a process that seeds them before every use:
        numpy alone takes 0.2 ms to give and take its state.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_ALONE)
        stack.enter_context(_torch(seed, restore_generators))
        if restore_generators:
            stack.enter_context(_generators())
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002 (the libraries draw from the legacy global generator)
        stack.enter_context(_logging())
        stack.enter_context(_environment())
        stack.enter_context(np.errstate())
        stack.enter_context(np.printoptions())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_silence())
        yield


@contextlib.contextmanager
def _generators() -> Iterator[None]:
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


@contextlib.contextmanager
def _torch(seed: int | None, restore_generator: bool) -> Iterator[None]:
    import torch  # every process that discovers has it loaded already

    state = torch.get_rng_state() if restore_generator else None
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    if seed is not None:
        # Without a GPU, `torch.manual_seed` keeps every call, with its stack, for the day CUDA starts: a leak.
        torch.default_generator.manual_seed(seed)
        if torch.cuda.is_available():
            torch.cuda.manual_seed_all(seed)
    try:
        with torch.enable_grad():  # a caller's no_grad() would stop gradient methods
            yield
    finally:
        if state is not None:
            torch.set_rng_state(state)
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


@contextlib.contextmanager
def _logging() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers, disabled = root.level, list(root.handlers), root.manager.disable
    if disabled < logging.CRITICAL:  # every change goes through all loggers there are: a worker has them off for good
        logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        if root.manager.disable != disabled:
            logging.disable(disabled)
        if root.level != level:
            root.setLevel(level)
        root.handlers[:] = handlers


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    data = os.environ._data  # type: ignore[attr-defined] # decoding it all, twice, takes longer than all else here
    before = dict(data)
    try:
        yield
    finally:
        if data != before:
            wanted = {os.environ.decodekey(key): os.environ.decodevalue(value) for key, value in before.items()}
            for key in set(os.environ) - set(wanted):
                del os.environ[key]
            os.environ.update(wanted)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


@cache
def _sink() -> TextIO:
    # Never closed: a library that keeps the stream it was imported under (a log handler) may write to it much later.
    return open(os.devnull, "w")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # as under pythonw
            stream.flush()
    if os.name == "posix":  # C's own buffers, which native code prints into
        _libc().fflush(None)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    _flush()
    null = _sink().fileno()
    saved = {fd: os.dup(fd) for fd in (1, 2)}
    # Python-level streams may not be descriptors 1 and 2 (a notebook, pytest), so both levels are redirected.
    with contextlib.redirect_stdout(_sink()), contextlib.redirect_stderr(_sink()):
        for fd in saved:
            os.dup2(null, fd)
        try:
            yield
        finally:
            _flush()
            for fd, copy in saved.items():
                os.dup2(copy, fd)
                os.close(copy)
