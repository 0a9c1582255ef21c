"""One run's folder: what was computed is never lost, whatever ends the run.

While running, each finished trial is one JSON line of ``journal.jsonl``, on disk for good (fsync) with the next `sync`;
at the end the journal is merged into ``estimates.parquet`` and removed. Reading takes both, so a killed run is as
readable as a finished one. Only the driver writes. Called by `benchmarks.run` and `scoring`.
"""

import errno
import fcntl
import json
import os
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path
from typing import IO, Any, Self

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adag.errors import UsageError
from benchmarks.files import sync_folder, write_atomically
from benchmarks.grid import Grid, load_grid
from benchmarks.keys import LATER, TRIAL, Trial

SCHEMA = pa.schema(
    [
        ("label", pa.string()),  # method with its parameters, as printed
        ("method", pa.string()),
        ("params", pa.string()),
        ("version", pa.string()),
        ("deterministic", pa.bool_()),  # as the method declares: one seed, one answer
        ("given", pa.string()),  # what the method knew of the data set's family: one domain, training domains, ...
        ("graph", pa.string()),
        ("degree", pa.float64()),
        ("d", pa.int64()),
        ("n", pa.int64()),
        ("noise", pa.string()),
        ("variance", pa.string()),
        ("scale", pa.string()),
        ("violation", pa.string()),
        ("threshold", pa.float64()),
        ("domain_family", pa.string()),  # general, order-consistent, heterogeneous
        ("family_seed", pa.int64()),
        ("repeat", pa.int64()),
        ("seed", pa.int64()),
        ("status", pa.string()),  # ok, error, timeout, crash, oom, invalid-output
        ("runtime_s", pa.float64()),  # of a single `discover`
        ("prepare_s", pa.float64()),  # of what was learnt once from the family before it; NaN without
        ("peak_memory_mib", pa.float64()),  # resident in the worker during the trial, its libraries included
        ("batch_runtime_s", pa.float64()),  # a data set's share of one `discover_many`; NaN without
        ("batch_size", pa.int64()),  # data sets in that call; 0 without
        ("timeout_s", pa.float64()),
        ("first_call", pa.bool_()),
        ("threads", pa.int64()),
        ("device", pa.string()),
        ("error", pa.string()),
        ("traceback", pa.string()),
        ("kind", pa.string()),
        ("adjacency", pa.list_(pa.int8())),
        ("weights", pa.list_(pa.float32())),  # seven digits, in half the bytes
        ("confidence", pa.list_(pa.float32())),
    ]
)
ARRAYS = ("adjacency", "weights", "confidence")
_WRITING: dict[str, Any] = {
    "compression": "zstd", "compression_level": 9,
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


def read_records(folder: Path) -> pd.DataFrame:
    """Every trial of a run, one row each, in the order of `TRIAL`; the latest record of a trial counts."""
    frames = []
    if (folder / "estimates.parquet").exists():
        try:
            frames.append(_filled(pq.read_table(folder / "estimates.parquet", schema=SCHEMA)))
        except pa.ArrowInvalid as e:
            raise UsageError(
                f"'{folder / 'estimates.parquet'}' is damaged ({str(e).splitlines()[0]}): restore it, or delete it "
                "to run its trials again"
            ) from None
    if (folder / "journal.jsonl").exists() and (rows := _whole_lines(folder / "journal.jsonl")[0]):
        frames.append(_filled(pa.Table.from_pylist(rows, schema=SCHEMA)))
    if not frames:
        return SCHEMA.empty_table().to_pandas()
    records = pd.concat(frames, ignore_index=True)
    records = records.drop_duplicates(list(TRIAL), keep="last")
    return records.sort_values(list(TRIAL), ignore_index=True)


def _filled(table: pa.Table) -> pd.DataFrame:
    for name, value in LATER.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), pc.fill_null(table.column(at), value))
    return table.to_pandas()


def current(records: pd.DataFrame, trials: Sequence[Trial], versions: dict[str, str]) -> set[tuple[Any, ...]]:
    """Keys of the trials whose record stands: by the present version of their method, and of the present limit.

    A time-out under a shorter limit says nothing of the present one, nor does a success that took longer.
    """
    limits = {trial.key: trial.timeout_s for trial in trials}
    ours = records[records["version"] == records["label"].map(versions)]
    return {
        key
        for key, status, seconds, limit in zip(
            ours[list(TRIAL)].itertuples(index=False, name=None),
            ours["status"],
            ours["runtime_s"],
            ours["timeout_s"],
            strict=True,
        )
        if key in limits and (limit >= limits[key] if status == "timeout" else not seconds > limits[key])
    }


def other_versions(records: pd.DataFrame, missing: Sequence[Trial], versions: dict[str, str]) -> list[str]:
    """What a user should know before results of another version of a method are replaced, or stay beside new ones."""
    others = records[records["label"].isin(list(versions)) & (records["version"] != records["label"].map(versions))]
    replaced = {trial.key for trial in missing}
    notes = []
    for (label, version), rows in others.groupby(["label", "version"]):
        keys = rows[list(TRIAL)].itertuples(index=False, name=None)
        again = sum(key in replaced for key in keys)
        stay = f"; {len(rows) - again} outside this plan stay" if again < len(rows) else ""
        notes.append(f"{label} is now {versions[str(label)]}: {again} trials by {version} are run again{stay}")
    return notes


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
        _, whole = _whole_lines(journal)
        if whole < journal.stat().st_size:
            os.truncate(journal, whole)


def _whole_lines(journal: Path) -> tuple[list[dict[str, Any]], int]:
    """The records of a journal and the bytes they take; a torn last line was never acknowledged."""
    rows, whole = [], 0
    with journal.open("rb") as file:
        lines = file.readlines()
    for number, line in enumerate(lines, start=1):
        try:
            if not line.endswith(b"\n"):
                break
            rows.append(json.loads(line))
        except ValueError:
            if number < len(lines):
                raise UsageError(f"line {number} of '{journal}' is damaged: delete that line to go on") from None
            break  # a power cut may leave a last line of zeros
        whole += len(line)
    return rows, whole
