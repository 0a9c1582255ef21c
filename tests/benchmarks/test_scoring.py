"""Scoring turns estimates into one row a trial, failures included, and nothing else changes the numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from run_maker import KEYS, METHODS, failed, record, whole_run, write

from benchmarks.datasets import load
from benchmarks.keys import CELL
from benchmarks.likelihood import Fit
from benchmarks.metrics import METRICS, cpdag
from benchmarks.records import ARRAYS, read_records
from benchmarks.score import listing, main, score
from benchmarks.scoring import score as rescored
from benchmarks.scoring import score_run
from benchmarks.summary import read_trials

NAMES = [metric.name for metric in METRICS]


def test_known_estimates_get_their_known_scores(tmp_path: Path) -> None:
    table = score_run(whole_run(tmp_path))
    assert len(table) == len(KEYS) * len(METHODS)
    exact = table[table["label"].isin(["adag", "notears"]) & (table["true_edges"] > 0)]
    for name, value in {"shd": 0, "shd_cpdag": 0, "tpr": 1, "fdr": 0, "f1": 1, "sid": 0, "auprc": 1}.items():
        assert (exact[name] == value).all(), name
    assert (exact["nnz"] == exact["true_edges"]).all()
    pc = table[table["label"] == "pc"]
    assert (pc["shd_cpdag"] == 0).all()
    assert pc[["shd", "tpr", "fdr", "f1", "auprc", "sid"]].isna().all().all()
    golem = table[(table["method"] == "golem") & (table["status"] == "ok") & (table["true_edges"] > 0)]
    assert (golem["shd"] == 1).all()
    np.testing.assert_allclose(golem["tpr"], 1 - 1 / golem["true_edges"])
    truths = [int(load(key).truth.sum()) for key in KEYS]
    assert sorted(table.loc[table["label"] == "adag", "true_edges"]) == sorted(truths)


@pytest.mark.parametrize("status", ["error", "timeout", "crash", "oom", "invalid-output"])
def test_a_failure_keeps_its_row_without_numbers(tmp_path: Path, status: str) -> None:
    table = score_run(write(tmp_path, [failed("notears", KEYS[0], status), record("adag", KEYS[0])]))
    bad = table[table["label"] == "notears"].iloc[0]
    assert bad["status"] == status
    assert bad[NAMES].isna().all()
    assert bad["error"] == f"{status} of the method"
    assert table[table["label"] == "adag"].iloc[0]["shd"] == 0


def test_what_a_failed_trial_left_behind_is_not_scored(tmp_path: Path) -> None:
    table = score_run(write(tmp_path, [record("adag", KEYS[0], status="timeout")]))
    assert table[NAMES].isna().all().all()


def test_a_run_of_failures_alone_is_scored(tmp_path: Path) -> None:
    table = score_run(write(tmp_path, [failed("pc", key) for key in KEYS]))
    assert len(table) == len(KEYS)
    assert table[NAMES].isna().all().all()


def test_both_files_say_what_the_call_returned(tmp_path: Path) -> None:
    table = score_run(whole_run(tmp_path))
    records = read_records(tmp_path)
    assert list(table["label"]) == list(records["label"])  # rows stay in the store's order
    assert list(table["seed"]) == list(records["seed"])
    assert not set(ARRAYS) & set(table.columns)
    assert {*NAMES, "var_sortability", "r2_sortability", "runtime_s", "status"} <= set(table.columns)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "trials.parquet"), table.reset_index(drop=True))
    text = pd.read_csv(tmp_path / "trials.csv", keep_default_na=False, na_values={name: [""] for name in NAMES})
    assert list(text.columns) == list(table.columns)
    np.testing.assert_allclose(text[NAMES].to_numpy(float), table[NAMES].to_numpy(float), rtol=1e-5)
    assert list(text["label"]) == list(table["label"])
    assert not list(tmp_path.glob("*.partial"))


def test_scoring_again_and_in_another_order_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = whole_run(tmp_path / "a")
    score_run(folder)
    first = (folder / "trials.csv").read_bytes()
    score_run(folder)
    assert (folder / "trials.csv").read_bytes() == first
    shuffled = read_records(folder).sample(frac=1, random_state=1).replace({np.nan: None}).to_dict("records")
    other = write(tmp_path / "b", [{str(k): v for k, v in r.items()} for r in shuffled])
    score_run(other)
    assert (other / "trials.csv").read_bytes() == first


def test_every_row_equals_the_metrics_called_by_hand(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    records = []
    for key in KEYS:
        upper = np.triu(rng.random((key.d, key.d)) < 0.4, 1).astype(np.int8)
        order = np.ix_(*[rng.permutation(key.d)] * 2)
        arrays = {name: rng.random(key.d**2).tolist() for name in ("confidence", "weights")}
        records.append(record("notears", key, adjacency=upper[order].ravel().tolist(), **arrays))
    table = score_run(write(tmp_path, records)).set_index(["graph", "n", "repeat"])
    for key, made in zip(KEYS, records, strict=True):
        estimate = np.array(made["adjacency"], dtype=np.int8).reshape(key.d, key.d)
        scores, weights = (np.array(made[name]).reshape(key.d, key.d) for name in ("confidence", "weights"))
        row = table.loc[(key.graph, key.n, key.repeat)]
        for metric in METRICS:
            data = load(key)
            fit = Fit(data.X.to_numpy(), data.covariance)
            expected = metric("dag", estimate, data.truth, scores, weights, data.A, fit)
            assert row[metric.name] == pytest.approx(expected, nan_ok=True), metric.name


def test_a_cpdag_scores_as_each_of_its_members(tmp_path: Path) -> None:
    key = KEYS[-1]
    truth = load(key).truth
    dag, class_ = record("notears", key), record("pc", key, adjacency=cpdag(truth).ravel().tolist())
    table = score_run(write(tmp_path, [dag, class_])).set_index("label")
    assert table.loc["notears", "shd_cpdag"] == table.loc["pc", "shd_cpdag"] == 0


def test_score_adds_a_metric_to_an_old_run_and_changes_no_other(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    new = score_run(folder).reset_index(drop=True)
    missing = ["auroc", "weight_rmse"]
    new.drop(columns=missing).to_parquet(folder / "trials.parquet", index=False)  # as made before the metric
    estimates = (folder / "estimates.parquet").read_bytes()
    assert score(folder) == len(new)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "trials.parquet"), new)
    assert (folder / "estimates.parquet").read_bytes() == estimates
    assert (folder / "figures" / "shd_vs_n.png").exists()


@pytest.mark.parametrize("name", ["small", "sachs"])
def test_the_committed_results_score_as_they_did(name: str) -> None:
    folder = Path(__file__).parents[2] / "results" / name
    kept = pd.read_parquet(folder / "trials.parquet")
    columns = [column for column in kept.columns if column not in ("var_sortability", "r2_sortability")]
    again = rescored(read_records(folder)).reset_index(drop=True)
    assert {metric.name for metric in METRICS} <= set(again.columns)
    pd.testing.assert_frame_equal(again[columns], kept[columns])


def test_score_names_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 2
    assert "holds no run" in capsys.readouterr().err
    assert main([str(whole_run(tmp_path))]) == 0
    assert "64 trials" in capsys.readouterr().out


def test_a_run_older_than_the_violation_column_reads_as_without_violations(tmp_path: Path) -> None:
    folder = whole_run(tmp_path)
    table = pq.read_table(folder / "estimates.parquet").drop_columns("violation")
    pq.write_table(table, folder / "estimates.parquet")
    records = read_records(folder)
    assert set(records["violation"]) == {"none"}
    assert set(records[[*CELL, "repeat"]].itertuples(index=False, name=None)) == {(*k.cell, k.repeat) for k in KEYS}
    score_run(folder)
    path = folder / "trials.parquet"
    pd.read_parquet(path).drop(columns="violation").to_parquet(path)
    assert set(read_trials(folder)["violation"]) == {"none"}
    assert set(read_trials(folder)["family"]) == {"ER1", "SF2"}


def test_the_documented_table_of_metrics_is_the_one_in_force() -> None:
    text = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert listing() in text, "make it again as its second line says"
