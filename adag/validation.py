"""One gate for every data set that enters: arrays, DataFrames and CSV files become clean float64 samples.

Called by `adag.estimator`, by the command line, and by `baselines` for every method, so that all methods
refuse the same inputs with the same words.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adag.columns import unnamed
from adag.errors import DataError


def as_samples(X: Any) -> tuple[NDArray[np.float64], list[str]]:
    """Check a data set and return it as samples with variable names.

    Parameters
    ----------
    X : array_like or pandas.DataFrame, shape (n, d)
        n >= 2 samples (rows) of d >= 2 variables (columns). n < d is allowed.

    Returns
    -------
    samples : ndarray, shape (n, d), float64
        A C-contiguous copy; the input is never modified.
    names : list of str, length d
        Column names of a DataFrame, else ``x0 ... x{d-1}``.

    Raises
    ------
    DataError
        Text, a wrong shape, fewer than 2 rows or columns, NaN or infinite values, a constant column, or two
        columns that are equal up to scale and shift. The message names the column and the mend.
    """
    names: list[str] | None = None
    samples: NDArray[np.float64]
    if isinstance(X, pd.DataFrame):
        names = [str(c) for c in X.columns]
        check_names(names)
        samples = column_values(X)
    else:
        raw = np.asarray(X)
        if raw.dtype.kind not in "biuf":
            raise DataError(f"the data has type {raw.dtype}, not real numbers: pass a numeric array of shape (n, d)")
        samples = np.array(raw, dtype=np.float64, copy=True, order="C")
    if samples.ndim != 2:
        raise DataError(f"the data has {samples.ndim} dimension(s): expected 2, n rows (samples) x d columns")
    n, d = samples.shape
    if n == 0 or d == 0:
        raise DataError(f"the data is empty ({n} rows, {d} columns): expected at least 2 rows and 2 columns")
    if n < 2:
        raise DataError("the data has 1 row: at least 2 samples are needed")
    if d < 2:
        raise DataError("the data has 1 column: at least 2 variables are needed to look for edges")
    if names is None:
        names = unnamed(d)
    _check_samples(samples, names)
    return np.ascontiguousarray(samples), names


def column_values(frame: pd.DataFrame) -> NDArray[np.float64]:
    """A copy of a DataFrame's values as float64, shape (n, d), missing ones as NaN; a column of text is named."""
    for j, dtype in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            bad = next((repr(v) for v in frame.iloc[:, j] if not isinstance(v, (int, float, np.number))), "text")
            raise DataError(f"column '{frame.columns[j]}' is not numeric (e.g. {bad}): drop it or encode it as numbers")
    return frame.to_numpy(dtype=np.float64, copy=True, na_value=np.nan)


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read an analyst's CSV file: one header row with the variable names, one row per sample.

    Raises
    ------
    DataError
        The file is missing, empty, not a CSV, or has no header row (its first row is all numbers).
    """
    path = Path(path)
    with _csv_errors(path):
        frame = pd.read_csv(path)
    _check_header(path, frame)
    return frame


def csv_chunks(path: Path, rows: int) -> tuple[list[str], Iterator[pd.DataFrame]]:
    """The column names of a CSV file and its rows, so many at a time; the errors are those of `read_csv`."""
    with _csv_errors(path):
        head = pd.read_csv(path, nrows=1)
    _check_header(path, head)

    def chunks() -> Iterator[pd.DataFrame]:
        with _csv_errors(path), pd.read_csv(path, chunksize=rows) as reader:
            yield from reader

    return [str(c) for c in head.columns], chunks()


@contextlib.contextmanager
def _csv_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"no file '{path}': give the path of a CSV file with a header row") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"'{path}' is empty: expected a header row and at least 2 rows of numbers") from None
    except (pd.errors.ParserError, UnicodeDecodeError, IsADirectoryError, PermissionError) as e:
        raise DataError(f"'{path}' cannot be read as CSV ({e}): save it as comma-separated UTF-8 text") from None


def _check_header(path: Path, frame: pd.DataFrame) -> None:
    if len(frame.columns) and all(_is_number(c) for c in frame.columns):
        raise DataError(f"'{path}' has no header row (its first row is all numbers): add one with the variable names")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_names(names: list[str]) -> None:
    """Refuse two columns of one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"two columns are named '{name}': rename one of them")
        seen.add(name)


def check_values(samples: NDArray[np.float64], names: list[str], first_row: int = 0) -> None:
    """Refuse missing and infinite values; the first offending column is named."""
    finite = np.isfinite(samples)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        what = "missing values (NaN)" if np.isnan(samples[row, column]) else "infinite values"
        count = int((~finite[:, column]).sum())
        raise DataError(
            f"column '{names[column]}' has {what}: {count} of {len(samples)} rows, first at row {first_row + row}: "
            "drop or impute those rows"
        )


def check_spread(
    std: NDArray[np.float64],
    magnitude: NDArray[np.float64],
    corr: NDArray[np.float64],
    n: int,
    names: list[str],
) -> None:
    """Refuse a constant column and two columns that say the same.

    Parameters
    ----------
    std, magnitude : ndarray, shape (d,)
        Standard deviation and root mean square of every column.
    corr : ndarray, shape (d, d)
        Correlations; ignored where a column is constant.
    n : int
        Number of rows.
    names : list of str
        The columns.
    """
    # Relative to the column's magnitude: 1e9 + rounding noise is constant, 1e-9 with real spread is not.
    constant = std <= 1e-12 * np.maximum(magnitude, np.finfo(np.float64).tiny)
    if constant.any():
        raise DataError(f"column '{names[int(np.argmax(constant))]}' is constant: drop it")
    if n > 2:  # with two rows every pair of columns is collinear: nothing can be told apart
        twins = np.argwhere(np.triu(np.abs(corr) >= 1.0 - 1e-12, 1))
        if len(twins):
            i, j = twins[0]
            raise DataError(
                f"columns '{names[i]}' and '{names[j]}' are identical (up to scale and shift): drop one of them"
            )


def _check_samples(samples: NDArray[np.float64], names: list[str]) -> None:
    check_values(samples, names)
    centred = samples - samples.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    unit = centred / np.where(norm > 0, norm, 1.0)
    root_n = np.sqrt(len(samples))
    check_spread(norm / root_n, np.linalg.norm(samples, axis=0) / root_n, unit.T @ unit, len(samples), names)
