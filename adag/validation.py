"""One gate for every data set that enters: arrays, DataFrames and CSV files become clean float64 samples.

Called by `adag.estimator`, by the command line, and by `baselines` for every method, so that all methods
refuse the same inputs with the same words.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
        _check_names(names)
        for name, column in zip(names, (X.iloc[:, j] for j in range(X.shape[1])), strict=True):
            if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_complex_dtype(column.dtype):
                bad = next((repr(v) for v in column if not isinstance(v, (int, float, np.number))), "text")
                raise DataError(f"column '{name}' is not numeric (e.g. {bad}): drop it or encode it as numbers")
        samples = X.to_numpy(dtype=np.float64, copy=True, na_value=np.nan)
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
        names = [f"x{j}" for j in range(d)]
    _check_values(samples, names)
    return np.ascontiguousarray(samples), names


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read an analyst's CSV file: one header row with the variable names, one row per sample.

    Raises
    ------
    DataError
        The file is missing, empty, not a CSV, or has no header row (its first row is all numbers).
    """
    path = Path(path)
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError:
        raise DataError(f"no file '{path}': give the path of a CSV file with a header row") from None
    except pd.errors.EmptyDataError:
        raise DataError(f"'{path}' is empty: expected a header row and at least 2 rows of numbers") from None
    except (pd.errors.ParserError, UnicodeDecodeError, IsADirectoryError, PermissionError) as e:
        raise DataError(f"'{path}' cannot be read as CSV ({e}): save it as comma-separated UTF-8 text") from None
    if len(frame.columns) and all(_is_number(c) for c in frame.columns):
        raise DataError(f"'{path}' has no header row (its first row is all numbers): add one with the variable names")
    return frame


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_names(names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"two columns are named '{name}': rename one of them")
        seen.add(name)


def _check_values(samples: NDArray[np.float64], names: list[str]) -> None:
    """Refuse what no method can use; the first offending column is named."""
    finite = np.isfinite(samples)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        what = "missing values (NaN)" if np.isnan(samples[row, column]) else "infinite values"
        count = int((~finite[:, column]).sum())
        raise DataError(
            f"column '{names[column]}' has {what}: {count} of {len(samples)} rows, first at row {row}: "
            "drop or impute those rows"
        )
    centred = samples - samples.mean(axis=0)
    norm = np.linalg.norm(centred, axis=0)
    # Relative to the column's magnitude: 1e9 + rounding noise is constant, 1e-9 with real spread is not.
    constant = norm <= 1e-12 * np.maximum(np.linalg.norm(samples, axis=0), np.finfo(np.float64).tiny)
    if constant.any():
        raise DataError(f"column '{names[int(np.argmax(constant))]}' is constant: drop it")
    if len(samples) > 2:  # with two rows every pair of columns is collinear: nothing can be told apart
        unit = centred / norm
        correlation = np.abs(unit.T @ unit)
        np.fill_diagonal(correlation, 0.0)
        twins = np.argwhere(np.triu(correlation >= 1.0 - 1e-12))
        if len(twins):
            i, j = twins[0]
            raise DataError(
                f"columns '{names[i]}' and '{names[j]}' are identical (up to scale and shift): drop one of them"
            )
