"""``run.log`` in a run's folder: what each call did, and every failure, with times. Called by `run`."""

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger("benchmarks")


class _Handler(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk is reported by the store, once, and not by every line of the log."""


@contextlib.contextmanager
def logging_to(folder: Path) -> Iterator[logging.Logger]:
    """Append what the benchmark logs inside the block to ``run.log``; times are UTC."""
    handler = _Handler(folder / "run.log", delay=True)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    level, propagate = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False  # the file alone: the terminal has its own account
    try:
        yield log
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate
        with contextlib.suppress(OSError):  # what a full disk has not taken yet
            handler.close()
