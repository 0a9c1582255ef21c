"""One run's folder: what was computed is never lost, whatever ends the run.

While running, each finished trial is one JSON line of ``journal.jsonl``, on disk for good (fsync) with the next `sync`;
at the end the journal is merged into ``estimates.parquet`` and removed. Reading takes both, so a killed run is as
readable (`records`) as a finished one. Only the driver writes. Called by `benchmarks.run` and `scoring`.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adag.errors import UsageError
from benchmarks.files import sync_folder, write_atomically
from benchmarks.grid import Grid, load_grid
from benchmarks.keys import TRIAL, Trial
from benchmarks.records import SCHEMA, read_records, whole_lines

_WRITING: dict[str, Any] = {
    "compression": "zstd", "compression_level": 15,
    # A dictionary of numbers that hardly ever repeat is longer than the numbers.
    "use_dictionary": [field.name for field in SCHEMA if field.name not in ("weights", "confidence")],
}  # fmt: skip


class Store:
    """A run's folder, opened for writing by one driver at a time (a context manager).

    Parameters
    ----------
    folder : Path
        Created if missing.
    grid, grid_text : Grid, str
        The grid and its TOML, kept in the folder.

    Raises
    ------
    UsageError
        The folder holds another grid's results, or another driver is writing to it.
    """

    def __init__(self, folder: Path, grid: Grid, grid_text: str) -> None:
        self.folder, self.grid, self.grid_text = folder, grid, grid_text
        self._journal: FileIO | None = None
        self._lock: IO[str] | None = None
        self._dirty = False

    def __enter__(self) -> Self:
        refuse_foreign(self.folder, self.grid)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError(
                f"another run is writing to '{self.folder}': wait for it, or choose another --out"
            ) from None
        write_atomically(self.folder / "grid.toml", lambda path: path.write_text(self.grid_text))
        _repair(self.journal_path)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._close_journal()
        finally:
            if self._lock:
                self._lock.close()

    @property
    def journal_path(self) -> Path:
        """The journal of trials not yet merged."""
        return self.folder / "journal.jsonl"

    def append(self, record: dict[str, Any]) -> None:
        """Write one finished trial: safe from a kill at once, from a power cut with the next `sync`."""
        if self._journal is None:
            self._journal = self.journal_path.open("ab", buffering=0)
            sync_folder(self.folder)  # the file's name must survive a power cut too
        size = os.fstat(self._journal.fileno()).st_size
        try:
            line = json.dumps(record).encode() + b"\n"
            if self._journal.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except BaseException:  # a full disk, Ctrl-C: leave no torn line
            self._journal.truncate(size)
            raise
        self._dirty = True

    def sync(self) -> None:
        """Put what was appended on disk, for good. It takes as long as many a trial: to be called twice a second."""
        if self._journal and self._dirty:
            os.fsync(self._journal.fileno())
            self._dirty = False

    def _close_journal(self) -> None:
        if self._journal:
            try:
                self.sync()
            finally:
                self._journal.close()
                self._journal = None

    def discard(self, trials: Iterable[Trial]) -> None:
        """Forget the records of these trials (``--force``)."""
        keys = {trial.key for trial in trials}
        if not keys:
            return
        records = read_records(self.folder)
        keep = [key not in keys for key in records[list(TRIAL)].itertuples(index=False, name=None)]
        self.compact()  # first, so that a kill between the steps below can't bring records back from the journal
        self._replace(records[keep])

    def compact(self) -> None:
        """Merge the journal into ``estimates.parquet``."""
        if self.journal_path.exists():
            self._replace(read_records(self.folder))

    def _replace(self, records: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(records, schema=SCHEMA, preserve_index=False)
        estimates = self.folder / "estimates.parquet"
        write_atomically(estimates, lambda path: pq.write_table(table, path, **_WRITING))
        # Only now: until the new file stands, the journal is the only copy.
        self._close_journal()
        self.journal_path.unlink(missing_ok=True)


def refuse_foreign(folder: Path, grid: Grid) -> None:
    """A folder belongs to a grid's cells; methods, repeats and limits may differ from call to call."""
    path = folder / "grid.toml"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file: choose another --out")
    if path.exists():
        kept, _ = load_grid(str(path))
        if kept.cells != grid.cells:
            raise UsageError(
                f"'{folder}' belongs to another grid ('{kept.title}', not '{grid.title}'): choose another --out"
            )
    elif folder.exists() and any(not entry.name.startswith(".") for entry in folder.iterdir()):
        raise UsageError(f"'{folder}' is not empty and holds no run: choose another --out")


def _repair(journal: Path) -> None:
    """Cut a torn last line off, so that the next record starts on a line of its own."""
    if journal.exists():
        _, whole = whole_lines(journal)
        if whole < journal.stat().st_size:
            os.truncate(journal, whole)
