"""Moments in chunks: those of the whole table, whatever the container, the chunks, or the machine."""

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adag import ADAG, DataError, streaming
from adag.moments import Moments
from adag.streaming import is_stream, sums_of, sums_of_files


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = rng.exponential(size=(5000, 4)) @ rng.normal(size=(4, 4)) * [1e-6, 1, 1e6, 3] + [0, 1e3, 5, -2]
    return pd.DataFrame(X, columns=["a", "b", "c", "d"])


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 700)
    monkeypatch.setattr(streaming, "BLOCK_VALUES", 900)


def same(one: Moments, two: Moments, tolerance: float = 1e-9) -> None:
    for name in ("n", "std", "corr", "skew", "kurt"):
        torch.testing.assert_close(getattr(one, name), getattr(two, name), rtol=tolerance, atol=tolerance)


def test_every_container_gives_the_moments_of_the_whole(table: pd.DataFrame, tmp_path: Path) -> None:
    whole = Moments.of(torch.from_numpy(table.to_numpy())[None])
    pq.write_table(pa.Table.from_pandas(table), tmp_path / "t.parquet")
    table.to_csv(tmp_path / "t.csv", index=False)
    np.save(tmp_path / "t.npy", table.to_numpy())
    (tmp_path / "parts").mkdir()
    for k in range(3):
        pq.write_table(pa.Table.from_pandas(table[k::3]), tmp_path / "parts" / f"{k}.parquet")
    for source in (
        table,
        table.to_numpy(),
        np.load(tmp_path / "t.npy", mmap_mode="r"),
        pa.Table.from_pandas(table),
        ds.dataset(tmp_path / "t.parquet"),
        tmp_path / "t.parquet",
        str(tmp_path / "t.csv"),
        tmp_path / "parts",
    ):
        same(sums_of(source).moments(), whole)


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(1, 59), shift=st.floats(-50, 50), seed=st.integers(0, 2**20))
def test_sums_of_parts_add_up_about_any_centre(cut: int, shift: float, seed: int) -> None:
    X = np.random.default_rng(seed).normal(size=(60, 3)) * 2 + shift
    first, second = (pd.DataFrame(part, columns=list("xyz")) for part in (X[:cut], X[cut:]))
    total = sums_of(first) + sums_of(second[["z", "x", "y"]])  # columns are matched by name
    same(total.moments(), Moments.of(torch.from_numpy(X)[None]), 1e-7)


@pytest.mark.ray
def test_files_over_ray(table: pd.DataFrame, tmp_path: Path) -> None:
    paths = []
    for k in range(3):
        paths.append(tmp_path / f"{k}.csv")
        table[k::3][["d", "a", "c", "b"] if k else list("abcd")].to_csv(paths[-1], index=False)
    whole = Moments.of(torch.from_numpy(table.to_numpy())[None])
    same(sums_of_files(paths).moments(), whole)
    adag = ADAG(device="cpu")
    graph = adag.discover_files(paths)
    np.testing.assert_array_equal(graph.adjacency, adag.discover(table).adjacency)
    assert graph.names == ("a", "b", "c", "d")
    table.assign(e="word").to_csv(paths[1], index=False)
    with pytest.raises(DataError, match=r"1\.csv': column 'e' is not numeric"):
        sums_of_files(paths)
    table.drop(columns="b").to_csv(paths[1], index=False)
    with pytest.raises(DataError, match="column 'b' is not in every part"):
        sums_of_files(paths)


def test_discover_streams_what_is_long_and_answers_the_same(table: pd.DataFrame, tmp_path: Path) -> None:
    adag = ADAG(device="cpu")
    np.save(tmp_path / "t.npy", table.to_numpy())
    mapped = np.load(tmp_path / "t.npy", mmap_mode="r")
    assert is_stream(mapped)
    assert not is_stream(table)
    streamed, copied = adag.discover(mapped), adag.discover(table)
    np.testing.assert_allclose(streamed.confidence, copied.confidence, atol=1e-6)
    np.testing.assert_allclose(streamed.weights, copied.weights, rtol=1e-9)


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    peaks = []
    for rows in (20_000, 1_000_000):
        file = tmp_path / f"{rows}.dat"
        values = np.random.default_rng(0).normal(size=(20_000, 4))
        with file.open("wb") as out:
            for _ in range(rows // 20_000):
                values.tofile(out)
        table = np.memmap(file, dtype=np.float64, mode="r", shape=(rows, 4))
        tracemalloc.start()
        sums_of(table)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.assign(a=t.a.where(t.index != 3210)), r"column 'a' has missing values .*first at row 3210"),
        (lambda t: t.assign(c=np.where(t.index == 1400, np.inf, t.c)), r"column 'c' has infinite .*first at row 1400"),
        (lambda t: t.assign(c=1e9), "column 'c' is constant"),
        (lambda t: t.assign(c=2 * t.a - 1), "columns 'a' and 'c' are identical"),
        (lambda t: t.assign(c="text"), "column 'c' is not numeric"),
        (lambda t: t.assign(c=t.c * 1e90), "values beyond 1e75"),
        (lambda t: t[["a"]], r"1 column\(s\)"),
        (lambda t: t[:0], "empty"),
        (lambda t: t[:1], r"1 row\(s\)"),
    ],
)
def test_bad_tables_are_named(table: pd.DataFrame, spoil: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        sums_of(spoil(table)).moments()  # type: ignore[operator]


def test_bad_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_text("not parquet")
    with pytest.raises(DataError, match="neither CSV nor Parquet"):
        sums_of(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="no file"):
        sums_of(tmp_path / "none.parquet")
