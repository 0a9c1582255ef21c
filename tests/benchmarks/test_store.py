"""A run's folder: nothing acknowledged is lost, whatever tears, fills or interrupts; nothing foreign is touched."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adag.errors import UsageError
from baselines import MethodSpec
from benchmarks.grid import Grid, load_grid
from benchmarks.keys import Trial
from benchmarks.outcome import failure
from benchmarks.records import current, other_versions, read_records, record
from benchmarks.store import Store

VERSIONS = {"pc": "toy 1.0"}


@pytest.fixture
def grid() -> tuple[Grid, str]:
    return load_grid("er2")


def planned(grid: Grid, repeats: int = 1) -> list[Trial]:
    return grid.trials([MethodSpec("pc")], repeats, 10.0)


def done(folder: Path, trials: list[Trial], versions: dict[str, str] = VERSIONS) -> set[tuple[Any, ...]]:
    return current(read_records(folder), trials, versions)


def row(trial: Trial, version: str = "toy 1.0", runtime_s: float = 0.1) -> dict[str, Any]:
    outcome = failure("ok", "", runtime_s=runtime_s)
    d = trial.dataset.d
    outcome["adjacency"] = np.eye(d, k=1, dtype=int).ravel().tolist()
    outcome["weights"] = (np.eye(d, k=1) / 3).ravel().tolist()
    return record(trial, version, outcome)


def test_records_come_back_as_written_before_and_after_compaction(grid: tuple[Grid, str], tmp_path: Path) -> None:
    trials = planned(grid[0], 2)
    with Store(tmp_path / "run", *grid) as store:
        for trial in trials:
            store.append(row(trial))
        before = read_records(store.folder)
        assert len(before) == len(trials)
        store.compact()
        after = read_records(store.folder)
        assert not store.journal_path.exists()
        assert done(store.folder, trials) == {trial.key for trial in trials}
    assert before.equals(after)
    first = after.iloc[0]
    weights = np.asarray(np.eye(first["d"], k=1) / 3, dtype=np.float32)
    assert np.array_equal(np.reshape(first["weights"], (first["d"], first["d"])), weights)
    assert first["confidence"] is None
    kept = pq.read_schema(tmp_path / "run" / "estimates.parquet")
    types = {name: kept.field(name).type.value_type for name in ("adjacency", "weights", "confidence")}
    assert types == {"adjacency": "int8", "weights": "float", "confidence": "float"}


def test_estimates_of_an_older_run_in_double_are_read_and_halved(grid: tuple[Grid, str], tmp_path: Path) -> None:
    with Store(tmp_path, *grid) as store:
        store.append(row(planned(grid[0])[0]))
        store.compact()
        table = pq.read_table(tmp_path / "estimates.parquet")
        double = pa.list_(pa.float64())
        at = table.schema.get_field_index("weights")
        pq.write_table(table.set_column(at, "weights", table["weights"].cast(double)), tmp_path / "estimates.parquet")
        records = read_records(tmp_path)
        store._replace(records)
        assert pq.read_schema(tmp_path / "estimates.parquet").field("weights").type == pa.list_(pa.float32())
        assert read_records(tmp_path).equals(records)


@settings(max_examples=15, deadline=None)
@given(cut=st.integers(min_value=1, max_value=5000), tail=st.sampled_from([b"", b"\0" * 64, b'{"label": "to']))
def test_a_torn_tail_costs_only_what_was_torn(tmp_path_factory: pytest.TempPathFactory, cut: int, tail: bytes) -> None:
    folder = tmp_path_factory.mktemp("torn")
    grid = load_grid("er2")
    trials = planned(grid[0])
    with Store(folder, *grid) as store:
        for trial in trials:
            store.append(row(trial))
        data = store.journal_path.read_bytes()[:-cut]
    (folder / "journal.jsonl").write_bytes(data + tail)
    whole = data.count(b"\n")
    with Store(folder, *grid) as store:
        assert len(done(folder, trials)) == whole
        for trial in trials:
            if trial.key not in done(folder, trials):
                store.append(row(trial))
        store.compact()
        assert done(store.folder, trials) == {trial.key for trial in trials}


def test_damage_in_the_middle_is_named_and_kept(grid: tuple[Grid, str], tmp_path: Path) -> None:
    with Store(tmp_path, *grid) as store:
        for trial in planned(grid[0]):
            store.append(row(trial))
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(lines[0] + b"garbage\n" + b"".join(lines[1:]))
    with pytest.raises(UsageError, match=r"line 2 of .* damaged"), Store(tmp_path, *grid):
        pass
    assert len((tmp_path / "journal.jsonl").read_bytes().splitlines()) == len(lines) + 1


def test_truncated_estimates_are_named(grid: tuple[Grid, str], tmp_path: Path) -> None:
    with Store(tmp_path, *grid) as store:
        store.append(row(planned(grid[0])[0]))
        store.compact()
    path = tmp_path / "estimates.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UsageError, match=r"estimates\.parquet' is damaged"):
        read_records(tmp_path)


def test_the_latest_record_of_a_trial_counts(grid: tuple[Grid, str], tmp_path: Path) -> None:
    trial = planned(grid[0])[0]
    with Store(tmp_path, *grid) as store:
        store.append(row(trial, "toy 0.9"))
        store.compact()
        assert done(tmp_path, [trial]) == set()  # another version's result does not count
        store.append(row(trial, runtime_s=0.25))
        assert done(tmp_path, [trial]) == {trial.key}
        store.compact()
    records = read_records(tmp_path)
    assert records["runtime_s"].tolist() == [0.25]
    assert records["version"].tolist() == ["toy 1.0"]


def test_another_version_is_told_apart_and_announced(grid: tuple[Grid, str], tmp_path: Path) -> None:
    trials = planned(grid[0], 2)
    with Store(tmp_path, *grid) as store:
        for trial in trials:
            store.append(row(trial, "toy 0.9" if trial.dataset.repeat == 0 else "toy 0.8"))
    records, first = read_records(tmp_path), [trial for trial in trials if trial.dataset.repeat == 0]
    assert current(records, trials, VERSIONS) == set()
    assert other_versions(records, first, VERSIONS) == [
        f"pc is now toy 1.0: 0 trials by toy 0.8 are run again; {len(first)} outside this plan stay",
        f"pc is now toy 1.0: {len(first)} trials by toy 0.9 are run again",
    ]


def test_a_limit_that_no_longer_holds_is_not_the_last_word(grid: tuple[Grid, str], tmp_path: Path) -> None:
    trials = planned(grid[0])[:3]
    rows = [row(trial, runtime_s=seconds) for trial, seconds in zip(trials, (5.0, 10.0, float("nan")), strict=True)]
    rows[1]["status"], rows[2]["status"] = "timeout", "crash"
    with Store(tmp_path, *grid) as store:
        for record in rows:
            store.append(record)
    for limit, stand in ((10.0, (0, 1, 2)), (20.0, (0, 2)), (4.0, (1, 2))):
        now = [dataclasses.replace(trial, timeout_s=limit) for trial in trials]
        assert done(tmp_path, now) == {trials[k].key for k in stand}, limit


def test_discard_forgets_the_planned_and_nothing_else(grid: tuple[Grid, str], tmp_path: Path) -> None:
    trials = planned(grid[0], 2)
    with Store(tmp_path, *grid) as store:
        for trial in trials:
            store.append(row(trial))
        store.discard(planned(grid[0], 1))
    assert done(tmp_path, trials) == {trial.key for trial in trials if trial.dataset.repeat == 1}


def test_a_full_disk_leaves_no_torn_line(
    grid: tuple[Grid, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = planned(grid[0])[:2]
    with Store(tmp_path, *grid) as store:
        store.append(row(first))
        write = FileIO.write

        class Full(FileIO):
            def write(self, data: Any) -> int:
                write(self, data[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        assert store._journal is not None
        store._journal.close()
        store._journal = Full(store.journal_path, "ab")
        with pytest.raises(OSError, match="No space left"):
            store.append(row(second))
    assert [json.loads(line)["n"] for line in (tmp_path / "journal.jsonl").open()] == [first.dataset.n]


def test_older_runs_read_with_what_is_true_of_them(tmp_path: Path) -> None:
    estimates = pd.read_parquet(Path(__file__).parents[2] / "results" / "small" / "estimates.parquet")
    later = ["deterministic", "batch_size", "batch_runtime_s", "violation"]
    estimates.drop(columns=later).to_parquet(tmp_path / "estimates.parquet", index=False)
    records = read_records(tmp_path)
    assert len(records) == len(estimates)
    assert records["deterministic"].eq(True).all()
    assert records["batch_size"].eq(0).all()
    assert records["batch_runtime_s"].isna().all()
    assert records["violation"].eq("none").all()
    assert records["device"].eq("cpu").any()


def test_what_was_appended_is_synced_once(
    grid: tuple[Grid, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("benchmarks.store.os.fsync", lambda descriptor: synced.append(descriptor))
    with Store(tmp_path, *grid) as store:
        trials = planned(grid[0], 2)
        synced.clear()
        for trial in trials[:4]:
            store.append(row(trial))
        assert len(synced) == 1  # the folder, for the file's name
        store.sync()
        store.sync()
        assert len(synced) == 2
        store.append(row(trials[4]))
    assert len(synced) == 3  # leaving syncs


def test_one_driver_at_a_time(grid: tuple[Grid, str], tmp_path: Path) -> None:
    second = (
        "import sys; from pathlib import Path; from benchmarks.grid import load_grid; "
        "from benchmarks.store import Store; Store(Path(sys.argv[1]), *load_grid('er2')).__enter__()"
    )
    with Store(tmp_path, *grid):
        result = subprocess.run([sys.executable, "-c", second, tmp_path], capture_output=True, text=True)
    assert "another run is writing" in result.stderr
    assert subprocess.run([sys.executable, "-c", second, tmp_path]).returncode == 0


def test_foreign_folders_are_refused_untouched(grid: tuple[Grid, str], tmp_path: Path) -> None:
    with Store(tmp_path / "sf", *load_grid("sf2")) as store:
        kept = store.folder
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("do not touch")
    file = tmp_path / "file"
    file.write_text("")
    for folder, words in ((kept, "another grid"), (mine, "holds no run"), (file, "is a file")):
        with pytest.raises(UsageError, match=words), Store(folder, *grid):
            pass
    assert [entry.name for entry in mine.iterdir()] == ["thesis.tex"]
    assert (kept / "grid.toml").read_text() == load_grid("sf2")[1]


def test_a_kill_before_the_grid_was_copied_is_no_obstacle(grid: tuple[Grid, str], tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".grid.toml.partial").write_text('title = "ER')
    with Store(tmp_path, *grid) as store:
        store.append(row(planned(grid[0])[0]))
    assert len(done(tmp_path, planned(grid[0]))) == 1
