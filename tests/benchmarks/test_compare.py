"""Two runs compared: nothing between a run and itself, nothing between two seeds, a handicap where there is one."""

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from run_maker import KEYS, failed, record, write

from adag.errors import UsageError
from benchmarks.compare import compare, run
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.scoring import score_run
from benchmarks.summary import read_trials

METHODS = ("adag", "notears")
Command = Callable[..., subprocess.CompletedProcess[str]]


def wrong(label: str, key: DatasetKey, missing: int, **changes: Any) -> dict[str, Any]:
    """A trial whose estimate lacks so many true edges (as far as there are that many)."""
    estimate = load(key).truth.copy()
    for edge in np.argwhere(estimate)[:missing]:
        estimate[tuple(edge)] = 0
    return record(label, key, adjacency=estimate.ravel().tolist(), **changes)


def noisy(folder: Path, seed: int, first: int = 0, handicap: dict[str, int] | None = None) -> Path:
    """A run with 0 to 2 missing edges in every estimate, on repeats from `first`, and more for whom it says."""
    rng = np.random.default_rng(seed)
    more = handicap or {}
    keys = [dataclasses.replace(key, repeat=key.repeat + first) for key in KEYS]
    rows = [
        wrong(label, key, int(rng.integers(0, 3)) + more.get(label, 0), runtime_s=float(rng.uniform(1, 2)))
        for label in METHODS
        for key in keys
    ]
    score_run(write(folder, rows))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return noisy(tmp_path_factory.mktemp("base"), seed=1)


def machine(folder: Path, **changes: Any) -> None:
    about = {"cpu": "fast", "cores": 2, "packages": {"numpy": "2.2.6"}, "pretrained": {"adag": "saw much"}, **changes}
    (folder / "environment.json").write_text(json.dumps(about))


def test_a_run_and_itself_do_not_differ(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine(base)
    run(base, base)
    text = capsys.readouterr().out
    assert "no difference in machine, versions or grid" in text
    assert "0 of 24 differences are significant" in text  # 2 methods, 4 cells, 2 errors and seconds
    assert "no difference: the same errors on every data set" in text
    assert "warning" not in text
    table = compare(read_trials(base), read_trials(base))
    assert (table["pairing"] == "paired").all()
    assert (table["p"] == 1).all()
    assert set(table.loc[table["metric"] == "runtime", "difference"]) == {1.0}
    assert not compare(read_trials(base), read_trials(base), unpaired=True)["significant"].any()


def test_two_seeds_do_not_differ_significantly(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (2, 3):
        other = noisy(tmp_path / f"paired{seed}", seed)
        assert not compare(read_trials(base), read_trials(other))["significant"].any()
        other = noisy(tmp_path / f"other{seed}", seed, first=10)
        table = compare(read_trials(base), read_trials(other))
        assert (table["pairing"] == "unpaired").all(), "no data set is shared"
        assert not table["significant"].any()
    run(base, other)
    text = capsys.readouterr().out
    assert "data sets in A alone: 16" in text
    assert "no significant difference in errors" in text
    assert "two samples of each cell" in text
    assert "the machines differ or are not known" in text


@pytest.mark.parametrize(("first", "pairing"), [(0, "paired"), (10, "unpaired")])
def test_a_handicap_is_found_and_nothing_else(base: Path, tmp_path: Path, first: int, pairing: str) -> None:
    other = noisy(tmp_path, seed=5, first=first, handicap={"notears": 2})
    table = compare(read_trials(base), read_trials(other))
    assert (table["pairing"] == pairing).all()
    whole = table[(table["level"] == "all") & (table["metric"] != "runtime")].set_index(["label", "metric"])
    assert whole.loc["notears", "significant"].all()
    assert not whole.loc["adag", "significant"].any()
    row = whole.loc[("notears", "shd")]
    assert row["low"] > 0
    scores = [t.loc[t["label"] == "notears", "shd"].mean() for t in map(read_trials, (base, other))]
    assert row["difference"] == pytest.approx(scores[1] - scores[0])
    assert [row["mean_a"], row["mean_b"]] == pytest.approx(scores)


def test_the_command_says_what_changed_and_writes_it(base: Path, tmp_path: Path, command: Command) -> None:
    machine(base)
    other = noisy(tmp_path / "other", seed=1, handicap={"adag": 2})
    machine(other, cpu="slow", packages={"numpy": "2.3.0"}, pretrained={"adag": "saw less"})
    rows = [wrong("adag", key, 2, version="2.0", runtime_s=9.0) for key in KEYS]
    score_run(write(other, rows))
    done = command("benchmarks/compare.py", base, other, "--out", tmp_path / "changes.csv", "--cells")
    assert done.returncode == 0, done.stderr
    for line in (
        "cpu: fast -> slow", "package numpy: 2.2.6 -> 2.3.0", "checkpoint of adag: saw much -> saw less",
        "version of adag: 1.0 -> 2.0", "methods in A alone: 1 (notears)", "seconds are not comparable",
        "B makes more errors: adag", "er1 d=5 n=10",
    ):  # fmt: skip
        assert line in done.stdout, line
    table = pd.read_csv(tmp_path / "changes.csv")
    assert set(table["level"]) == {"all", "cell"}
    slower = table[(table["level"] == "all") & (table["metric"] == "runtime")].iloc[0]
    assert slower["mean_b"] == pytest.approx(9)
    assert slower["difference"] == pytest.approx(slower["mean_b"] / slower["mean_a"], rel=1e-4)
    assert slower["significant"]


def test_a_failure_is_the_empty_graph_and_has_no_time(base: Path, tmp_path: Path) -> None:
    rows = [failed("adag", key) if key.repeat == 0 else record("adag", key) for key in KEYS]
    score_run(write(tmp_path, rows))
    trials = read_trials(tmp_path)
    table = compare(trials, trials)
    row = table[(table["level"] == "all") & (table["metric"] == "shd")].iloc[0]
    assert row["data_sets_a"] == len(KEYS)
    edges = trials.loc[trials["repeat"] == 0, "true_edges"].sum()
    assert row["mean_a"] == pytest.approx(edges / len(KEYS))
    seconds = table[(table["level"] == "all") & (table["metric"] == "runtime")].iloc[0]
    assert seconds["data_sets_a"] == len(KEYS) - 4


def test_runs_without_anything_in_common_are_refused(base: Path, tmp_path: Path, command: Command) -> None:
    score_run(write(tmp_path, [record("pc", key) for key in KEYS]))
    with pytest.raises(UsageError, match="nothing can be compared"):
        compare(read_trials(base), read_trials(tmp_path))
    done = command("benchmarks/compare.py", base, tmp_path / "nowhere")
    assert done.returncode == 2
    assert "holds no scored run" in done.stderr
    assert done.stderr.count("\n") == 1
