"""Every bad input: one line that names the thing and the mend."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adag.errors import DataError
from adag.validation import as_samples, read_csv

GOOD = np.random.default_rng(0).normal(size=(6, 3))


def _frame(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({"a": GOOD[:, 0], "b": GOOD[:, 1], **columns})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_frame(c=[1, 2, np.nan, 4, 5, 6]), r"column 'c' has missing values .* row 2.*drop or impute"),
        (_frame(c=[1, 2, 3, 4, np.inf, 6]), r"column 'c' has infinite values.* row 4"),
        (_frame(c=[7.0] * 6), "column 'c' is constant: drop it"),
        (_frame(c=[1e9 + 1e-8 * k for k in range(6)]), "column 'c' is constant"),
        (_frame(c=list(GOOD[:, 0])), "columns 'a' and 'c' are identical"),
        (_frame(c=list(-3 * GOOD[:, 0] + 1)), "columns 'a' and 'c' are identical"),
        (_frame(c=list("abcdef")), r"column 'c' is not numeric \(e.g. 'a'\)"),
        (pd.DataFrame(GOOD, columns=["a", "b", "a"]), "two columns are named 'a'"),
        (GOOD[:1], "1 row"),
        (GOOD[:, :1], "1 column"),
        (GOOD[:, 0], r"1 dimension\(s\): expected 2"),
        (GOOD[None], r"3 dimension\(s\)"),
        (np.zeros((0, 3)), "empty"),
        ([], "expected 2"),
        ([["a", "b"], ["c", "d"]], "not real numbers"),
        (GOOD + 1j, "not real numbers"),
    ],
)
def test_bad_data_is_named(data: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        as_samples(data)
    assert "\n" not in str(caught.value)


def test_good_data_pass_unmodified() -> None:
    frame = _frame(c=[1, 2, 3, 4, 5, 7]).astype({"c": "Int64"})
    samples, names = as_samples(frame)
    assert names == ["a", "b", "c"]
    assert samples.dtype == np.float64
    assert samples.flags.c_contiguous
    samples[:] = 0
    assert frame["a"].iloc[0] == GOOD[0, 0]
    assert as_samples(np.random.default_rng(0).normal(size=(3, 8)))[0].shape == (3, 8), "n < d is allowed"
    assert as_samples(GOOD * 1e-9)[0].shape == (6, 3), "small units are not constant"
    assert as_samples(GOOD[:2])[0].shape == (2, 3), "two samples: all columns are collinear, none is a copy"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("1.0,2.0\n3.0,4.0\n", "no header row"),
        ("a,b\n1,2\n1,2,3,4\n", "cannot be read as CSV"),
    ],
)
def test_bad_csv_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_csv(path)


def test_missing_and_binary_csv(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read_csv(tmp_path / "nowhere.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)) * 10)
    with pytest.raises(DataError, match="cannot be read as CSV"):
        read_csv(tmp_path / "binary.csv")
