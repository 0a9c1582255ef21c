"""One run's folder: what was computed is never lost, whatever ends the run.

While running, each finished trial is one fsynced JSON line of ``journal.jsonl``; at the end the journal is merged into
``estimates.parquet`` and removed. Reading takes both, so a killed run is as readable as a finished one. Only the
driver writes. Called by `benchmarks.run` and `scoring`.
"""

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adag.errors import UsageError
from benchmarks.grid import Grid, load_grid
from benchmarks.keys import TRIAL, Trial

SCHEMA = pa.schema(
    [
        ("label", pa.string()),  # method with its parameters, as printed
        ("method", pa.string()),
        ("params", pa.string()),
        ("version", pa.string()),
        ("graph", pa.string()),
        ("degree", pa.float64()),
        ("d", pa.int64()),
        ("n", pa.int64()),
        ("noise", pa.string()),
        ("variance", pa.string()),
        ("scale", pa.string()),
        ("repeat", pa.int64()),
        ("seed", pa.int64()),
        ("status", pa.string()),  # ok, error, timeout, crash, oom, invalid-output
        ("runtime_s", pa.float64()),
        ("timeout_s", pa.float64()),
        ("first_call", pa.bool_()),
        ("threads", pa.int64()),
        ("device", pa.string()),
        ("error", pa.string()),
        ("traceback", pa.string()),
        ("kind", pa.string()),
        ("adjacency", pa.list_(pa.int8())),
        ("weights", pa.list_(pa.float64())),
        ("confidence", pa.list_(pa.float64())),
    ]
)
ARRAYS = ("adjacency", "weights", "confidence")


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
        self._journal: IO[str] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        _refuse_foreign(self.folder, self.grid)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UsageError(
                f"another run is writing to '{self.folder}': wait for it, or choose another --out"
            ) from None
        (self.folder / "grid.toml").write_text(self.grid_text)
        _repair(self.journal_path)
        return self

    def __exit__(self, *_: object) -> None:
        if self._journal:
            self._journal.close()
        if self._lock:
            self._lock.close()

    @property
    def journal_path(self) -> Path:
        """The journal of trials not yet merged."""
        return self.folder / "journal.jsonl"

    def append(self, record: dict[str, Any]) -> None:
        """Put one finished trial on disk, for good."""
        if self._journal is None:
            self._journal = self.journal_path.open("a")
        self._journal.write(json.dumps(record) + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def done(self, versions: dict[str, str]) -> set[tuple[Any, ...]]:
        """Keys of the trials that have a record by the given version of their method (label -> version)."""
        records = read_records(self.folder)
        current = records["version"] == records["label"].map(versions)
        return set(records.loc[current, list(TRIAL)].itertuples(index=False, name=None))

    def discard(self, trials: Iterable[Trial]) -> None:
        """Forget the records of these trials (``--force``)."""
        keys = {trial.key for trial in trials}
        records = read_records(self.folder)
        keep = [key not in keys for key in records[list(TRIAL)].itertuples(index=False, name=None)]
        self._replace(records[keep])

    def compact(self) -> None:
        """Merge the journal into ``estimates.parquet``."""
        if self.journal_path.exists():
            self._replace(read_records(self.folder))

    def _replace(self, records: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(records, schema=SCHEMA, preserve_index=False)
        partial = self.folder / "estimates.parquet.partial"
        pq.write_table(table, partial, compression="zstd")
        partial.replace(self.folder / "estimates.parquet")
        # Only now: until the new file stands, the journal is the only copy.
        if self._journal:
            self._journal.close()
            self._journal = None
        self.journal_path.unlink(missing_ok=True)


def read_records(folder: Path) -> pd.DataFrame:
    """Every trial of a run, one row each, in the order of `TRIAL`; the latest record of a trial counts."""
    frames = []
    if (folder / "estimates.parquet").exists():
        frames.append(pq.read_table(folder / "estimates.parquet", schema=SCHEMA).to_pandas())
    if (folder / "journal.jsonl").exists():
        with (folder / "journal.jsonl").open() as journal:
            lines = [line for line in journal if line.endswith("\n")]  # a torn last line was never acknowledged
        if lines:
            table = pa.Table.from_pylist([json.loads(line) for line in lines], schema=SCHEMA)
            frames.append(table.to_pandas())
    if not frames:
        return SCHEMA.empty_table().to_pandas()
    records = pd.concat(frames, ignore_index=True).drop_duplicates(list(TRIAL), keep="last")
    return records.sort_values(list(TRIAL), ignore_index=True)


def _refuse_foreign(folder: Path, grid: Grid) -> None:
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
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"'{folder}' is not empty and holds no run: choose another --out")


def _repair(journal: Path) -> None:
    """Cut a torn last line off, so that the next record starts on a line of its own."""
    if not journal.exists():
        return
    data = journal.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        with journal.open("r+b") as file:
            file.truncate(whole)
