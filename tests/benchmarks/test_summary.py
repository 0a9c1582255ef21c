"""The tables flatter nobody: failures are counted and penalised, mixtures and broken promises are marked."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from run_maker import KEYS, failed, record, whole_run, write

from benchmarks.scoring import score_run
from benchmarks.summary import markdown, penalised, read_trials, tables


def shown(trials: pd.DataFrame) -> str:
    console = Console(width=220, record=True, file=io.StringIO())
    console.print(tables(trials, {}))
    return console.export_text()


def test_a_failure_scores_as_the_empty_graph(tmp_path: Path) -> None:
    hard = [key for key in KEYS if key.n == 10]
    score_run(write(tmp_path, [failed("notears", key) if key in hard else record("notears", key) for key in KEYS]))
    trials = read_trials(tmp_path)
    edges = trials["true_edges"].where(trials["n"] == 10, 0)  # the others are without a fault
    assert trials["shd"].mean() == 0
    assert penalised(trials, "shd") == penalised(trials, "shd_cpdag") == pytest.approx(edges.mean())
    text = shown(trials)
    assert f"{edges.mean():.2f}" in text
    assert "a failed trial scores as the empty graph" in text


def test_without_failures_the_penalised_score_is_the_mean(tmp_path: Path) -> None:
    score_run(whole_run(tmp_path))
    for label, rows in read_trials(tmp_path).groupby("label"):
        if (rows["status"] == "ok").all():
            np.testing.assert_equal(penalised(rows, "shd_cpdag"), rows["shd_cpdag"].mean())
            assert np.isnan(penalised(rows, "shd")) == (label == "pc")  # a CPDAG has none, failed or not


def test_what_promises_nothing_is_marked_in_both_tables(tmp_path: Path) -> None:
    score_run(write(tmp_path, [record("notears", key, deterministic=True) for key in KEYS]))
    assert "†" not in shown(read_trials(tmp_path)) + markdown(read_trials(tmp_path))
    score_run(write(tmp_path, [record("notears", key, deterministic=False) for key in KEYS]))
    for text in (shown(read_trials(tmp_path)), markdown(read_trials(tmp_path))):
        assert "notears †: not deterministic" in text


def test_mixed_versions_and_limits_are_told(tmp_path: Path) -> None:
    rows = [record("notears", key, version=f"1.{key.repeat // 3}", timeout_s=10.0 + key.repeat // 2) for key in KEYS]
    score_run(write(tmp_path, rows))
    text = shown(read_trials(tmp_path))
    assert "notears: rows of different versions: 1.0 (12 trials), 1.1 (4 trials)" in text
    assert "notears: rows of different time limits" in text


def test_the_time_of_batches_has_its_own_column(tmp_path: Path) -> None:
    score_run(write(tmp_path, [record("adag", key, batch_runtime_s=0.00321, batch_size=8) for key in KEYS]))
    text = shown(read_trials(tmp_path))
    assert "batched s" in text
    assert "0.00321" in text
