"""Moments of tables that need not fit in memory: one pass in chunks, and sums that add up over files and machines.

A `MomentSums` of one part plus that of another is that of both, whatever their means. It also keeps some rows, evenly
spaced, from which `adag.refine` reads the shape of the noise. Called by `adag.estimator`,
for a NumPy memmap, a long array or DataFrame, an Arrow table, and Parquet or CSV files.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adag.columns import unnamed
from adag.errors import DataError, UsageError
from adag.moments import Moments
from adag.search import MOST_ROWS
from adag.validation import check_names, check_spread, check_values, column_values, csv_chunks

Array = NDArray[np.float64]

CHUNK_ROWS = 65_536
"""Rows read at a time."""
BLOCK_VALUES = 40_000
"""Values summed at a time: a block and its powers stay in a core's cache."""
LONG = 100_000
"""An array or DataFrame with at least so many rows is streamed rather than copied."""


@dataclass
class MomentSums:
    """Sums of products up to fourth order, about a centre of our choice.

    Attributes
    ----------
    names : list of str, length d
        The variables.
    n : int
        Rows summed.
    centre : ndarray, shape (d,)
        What was subtracted: near the mean, the sums keep their digits.
    first : ndarray, shape (d,)
        ``sum u_i`` of the centred rows u.
    products : ndarray, shape (3, d, d)
        ``sum u_i^p u_j`` for p = 1, 2, 3.
    kept : ndarray, shape (m, d)
        Every `stride`-th row as it is, at most `adag.search.MOST_ROWS`.
    stride : int
        A power of two.
    """

    names: list[str]
    n: int
    centre: Array
    first: Array
    products: Array
    kept: Array
    stride: int = 1

    @classmethod
    def empty(cls, names: list[str], centre: Array) -> "MomentSums":
        """No rows yet."""
        d = len(names)
        return cls(names, 0, centre, np.zeros(d), np.zeros((3, d, d)), np.empty((0, d)))

    def add(self, rows: Array) -> None:
        """Add a chunk of rows, shape (m, d).

        Raises
        ------
        DataError
            A value is missing, infinite, or so large that its fourth power is not a number.
        """
        d = len(self.names)
        size = max(1, BLOCK_VALUES // d)
        powers = np.empty((3, min(size, len(rows)), d))
        for start in range(0, len(rows), size):
            block = rows[start : start + size]
            u, square, cube = powers[:, : len(block)]
            np.subtract(block, self.centre, out=u)
            np.multiply(u, u, out=square)
            np.multiply(square, u, out=cube)
            with np.errstate(over="ignore", invalid="ignore"):  # named below
                self.products += powers[:, : len(block)].transpose(0, 2, 1) @ u
                self.first += np.ones(len(block)) @ u
        if not np.isfinite(self.products).all():
            check_values(rows, self.names, first_row=self.n)
            raise DataError("values beyond 1e75 cannot be used: divide their columns by a constant")
        self._keep(np.concatenate([self.kept, rows[-self.n % self.stride :: self.stride]]))
        self.n += len(rows)

    def _keep(self, rows: Array) -> None:
        while len(rows) > MOST_ROWS:
            rows, self.stride = rows[::2], 2 * self.stride
        self.kept = rows.copy()

    def about(self, centre: Array) -> "MomentSums":
        """The same sums about another centre (exact algebra, no second pass)."""
        c = (centre - self.centre)[:, None]  # of u_i; c.T is that of u_j
        s1, (s11, s21, s31), n = self.first[:, None], self.products, self.n
        s2, s3 = np.diagonal(s11)[:, None], np.diagonal(s21)[:, None]
        products = [
            s11 - c * s1.T - s1 * c.T + n * c * c.T,
            s21 - 2 * c * s11 + c**2 * s1.T - c.T * (s2 - 2 * c * s1 + n * c**2),
            s31 - 3 * c * s21 + 3 * c**2 * s11 - c**3 * s1.T - c.T * (s3 - 3 * c * s2 + 3 * c**2 * s1 - n * c**3),
        ]
        return replace(self, centre=centre, first=(s1 - n * c)[:, 0], products=np.stack(products))

    def __add__(self, other: "MomentSums") -> "MomentSums":
        """Of both parts' rows; the columns are matched by name.

        Raises
        ------
        DataError
            The parts have different columns.
        """
        if set(self.names) != set(other.names):
            odd = sorted(set(self.names) ^ set(other.names))[0]
            raise DataError(f"column '{odd}' is not in every part of the data: give all parts the same columns")
        order = [other.names.index(name) for name in self.names]
        moved = other.about(self.centre[np.argsort(order)])
        pick = np.ix_(range(3), order, order)
        total = replace(
            self, n=self.n + other.n, first=self.first + moved.first[order],
            products=self.products + moved.products[pick], stride=max(self.stride, other.stride),
        )  # fmt: skip
        parts = [part.kept[:: total.stride // part.stride] for part in (self, other)]
        total._keep(np.concatenate([parts[0], parts[1][:, order]]))
        return total

    def moments(self) -> Moments:
        """The moments that `Moments.of` would give, as a batch of one.

        Raises
        ------
        DataError
            Fewer than 2 rows, a constant column, or two columns that are equal up to scale and shift.
        """
        if self.n < 2:
            raise DataError(f"the data has {self.n} row(s): at least 2 samples are needed")
        central = self.about(self.centre + self.first / self.n)
        variance = np.diagonal(central.products[0]) / self.n
        mean_square = variance + central.centre**2
        std = np.sqrt(np.maximum(variance, 0.0))
        safe = np.where(std > 0, std, 1.0)
        corr = central.products[0] / self.n / np.outer(safe, safe)
        check_spread(std, np.sqrt(mean_square), corr, self.n, self.names)
        skew = central.products[1] / self.n / np.outer(std**2, std)
        kurt = central.products[2] / self.n / np.outer(std**3, std) - 3.0 * corr
        one = [torch.from_numpy(part)[None] for part in (std, corr, skew, kurt)]
        return Moments(torch.tensor([float(self.n)], dtype=torch.float64), *one)


def is_stream(X: Any) -> bool:
    """Whether `X` is something to stream: a file, an Arrow table or data set, a memmap, or a long array."""
    if isinstance(X, (str, Path, np.memmap)) or type(X).__module__.startswith("pyarrow"):
        return True
    return isinstance(X, (np.ndarray, pd.DataFrame)) and X.ndim == 2 and len(X) >= LONG


def sums_of(X: Any) -> MomentSums:
    """One pass over a table.

    Parameters
    ----------
    X : ndarray, memmap, DataFrame, pyarrow.Table, pyarrow.dataset.Dataset, str or Path
        A path is a Parquet or CSV file, or a folder of Parquet files.

    Raises
    ------
    DataError
        As for `adag.validation.as_samples`; the file is missing or of another kind.
    """
    names, chunks = _chunks(X)
    check_names(names)
    if len(names) < 2:
        raise DataError(f"the data has {len(names)} column(s): at least 2 variables are needed to look for edges")
    sums: MomentSums | None = None
    for chunk in chunks:
        if not len(chunk):
            continue
        if sums is None:
            with np.errstate(invalid="ignore"):  # a missing value is named by `add`
                centre = chunk.mean(0)
            sums = MomentSums.empty(names, np.where(np.isfinite(centre), centre, 0.0))
        sums.add(chunk)
    if sums is None:
        raise DataError(f"the data is empty (0 rows, {len(names)} columns): expected at least 2 rows and 2 columns")
    return sums


def sums_of_files(paths: Sequence[str | Path], *, address: str | None = None) -> MomentSums:
    """One pass over a table that is spread over many files, a Ray task each.

    Parameters
    ----------
    paths : sequence of path
        Parquet or CSV files with the same columns, readable under these names wherever the tasks run.
    address : str, optional
        A running Ray cluster (``auto``, ``host:port``); default: the one this process is connected to, else a
        private one on this machine, which is shut down at the end.
    """
    import ray

    if not paths:
        raise UsageError("no data files were given: name at least one Parquet or CSV file")
    mine = not ray.is_initialized()
    if mine:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        task = ray.remote(num_cpus=1, max_retries=3)(sums_of)
        pending = {task.remote(str(path)): str(path) for path in paths}
        order = list(pending)
        total: MomentSums | None = None
        for reference in order:  # in the order of the files, so that the sum does not depend on the machines
            try:
                part = ray.get(reference)
            except ray.exceptions.RayTaskError as e:
                if isinstance(e.cause, DataError):
                    raise DataError(f"'{pending[reference]}': {e.cause}") from None
                raise
            total = part if total is None else total + part
        assert total is not None
        return total
    finally:
        if mine:
            ray.shutdown()


def _chunks(X: Any) -> tuple[list[str], Iterator[Array]]:
    """Column names, and float64 chunks of rows."""
    if isinstance(X, (str, Path)):
        return _file_chunks(Path(X))
    if isinstance(X, pd.DataFrame):
        parts = (X.iloc[start : start + CHUNK_ROWS] for start in range(0, len(X), CHUNK_ROWS))
        return [str(c) for c in X.columns], (column_values(part) for part in parts)
    if isinstance(X, np.ndarray):
        if X.ndim != 2:
            raise DataError(f"the data has {X.ndim} dimension(s): expected 2, n rows (samples) x d columns")
        if X.dtype.kind not in "biuf":
            raise DataError(f"the data has type {X.dtype}, not real numbers: pass a numeric array of shape (n, d)")
        rows = (X[start : start + CHUNK_ROWS] for start in range(0, len(X), CHUNK_ROWS))
        return unnamed(X.shape[1]), (np.asarray(part, dtype=np.float64) for part in rows)
    import pyarrow as pa
    import pyarrow.dataset as ds

    if isinstance(X, pa.Table):
        return X.column_names, _record_batches(X.to_batches(max_chunksize=CHUNK_ROWS))
    if isinstance(X, ds.Dataset):
        return X.schema.names, _record_batches(X.to_batches(batch_size=CHUNK_ROWS))
    raise DataError(f"the data is a {type(X).__name__}: pass an array, a DataFrame, an Arrow table or a file")


def _file_chunks(path: Path) -> tuple[list[str], Iterator[Array]]:
    if not path.exists():
        raise DataError(f"no file '{path}': give the path of a Parquet file, a CSV file or a folder of Parquet files")
    if path.suffix.lower() == ".csv":
        names, frames = csv_chunks(path, CHUNK_ROWS)
        return names, (column_values(frame) for frame in frames)
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        source = ds.dataset(path, format="parquet")
        names = source.schema.names
    except (pa.ArrowInvalid, OSError) as e:
        raise DataError(f"'{path}' is neither CSV nor Parquet ({str(e).splitlines()[0]}): convert it") from None
    return names, _record_batches(source.to_batches(batch_size=CHUNK_ROWS))


def _record_batches(batches: Iterable[Any]) -> Iterator[Array]:
    for batch in batches:
        yield column_values(batch.to_pandas())
