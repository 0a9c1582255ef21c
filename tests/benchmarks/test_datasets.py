"""Data sets derive from their key alone; the Sachs data are those of the publication, in no telling order."""

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from adag.acyclicity import is_acyclic
from adag.errors import UsageError
from adag.random_graphs import GraphFamily
from benchmarks import packaged, sachs
from benchmarks.datasets import load, sortabilities
from benchmarks.keys import DatasetKey
from benchmarks.packaged import packaged_file

KEY = DatasetKey("er", 2.0, 10, 20, "gaussian", "equal", "raw", 0)
SACHS = DatasetKey("sachs", 0.0, 11, 853, "real", "real", "standardised", 0)
CONSENSUS = {
    "PKC": {"Raf", "Mek", "PKA", "Jnk", "P38"},
    "PKA": {"Raf", "Mek", "Erk", "Akt", "Jnk", "P38"},
    "Raf": {"Mek"},
    "Mek": {"Erk"},
    "Erk": {"Akt"},
    "Plcg": {"PIP2", "PIP3"},
    "PIP3": {"PIP2"},
}
"""The 17 edges of the bnlearn repository's SACHS network, as drawn there."""
COLUMNS = {
    "praf": "Raf", "pmek": "Mek", "plcg": "Plcg", "PIP2": "PIP2", "PIP3": "PIP3", "p44/42": "Erk",
    "pakts473": "Akt", "PKA": "PKA", "PKC": "PKC", "P38": "P38", "pjnk": "Jnk",
}  # fmt: skip
"""Written out again: p44/42 is Erk1/2, pakts473 is Akt phosphorylated at S473 (Sachs et al. 2005, table 1)."""


@pytest.mark.parametrize("key", [KEY, SACHS], ids=["er", "sachs"])
def test_another_process_derives_the_same_data(key: DatasetKey) -> None:
    code = (
        "import hashlib; from benchmarks.datasets import load; from benchmarks.keys import DatasetKey\n"
        f"D = load({key!r}); print(hashlib.sha256(D.X.to_numpy().tobytes() + D.A.tobytes()).hexdigest(), *D.X.columns)"
    )
    root = Path(__file__).parents[2]
    run = [
        subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    load.cache_clear()
    here = load(key)
    digest = hashlib.sha256(here.X.to_numpy().tobytes() + here.A.tobytes()).hexdigest()
    assert set(run) == {" ".join([digest, *here.X.columns]) + "\n"}


@pytest.mark.parametrize("graph", get_args(GraphFamily))
@pytest.mark.parametrize("scale", ["raw", "standardised", "iscm"])
def test_shapes_types_and_a_dag(graph: str, scale: str) -> None:
    data = load(dataclasses.replace(KEY, graph=graph, scale=scale))
    assert data.X.shape == (20, 10)
    assert data.A.shape == (10, 10)
    assert {data.X.to_numpy().dtype, data.A.dtype} == {np.dtype(np.float64)}
    assert is_acyclic(data.truth)
    assert np.isfinite(data.X.to_numpy()).all()


def test_the_truth_belongs_to_the_samples() -> None:
    """With X = X A + E and unit noise, the residuals of the true weights are white and of variance 1."""
    n = 20_000
    data = load(dataclasses.replace(KEY, n=n))
    X = data.X.to_numpy()
    E = X - X @ data.A
    # 5 standard errors: var of a sample covariance of independent unit normals is 1/n off, 2/n on the diagonal.
    np.testing.assert_allclose(E.T @ E / n, np.eye(10), atol=5 * np.sqrt(2 / n))
    wrong = X - X @ data.A.T
    assert np.abs(wrong.T @ wrong / n - np.eye(10)).max() > 0.5


def test_repeats_differ_and_no_index_order_leaks() -> None:
    truths = np.stack([load(dataclasses.replace(KEY, repeat=r)).truth for r in range(300)])
    forward = np.triu(truths).sum()
    edges = truths.sum()
    assert len({t.tobytes() for t in truths}) == 300
    assert abs(forward / edges - 0.5) < 5 * 0.5 / np.sqrt(300)  # edges of one graph depend: its order is the unit


def test_sachs_is_the_published_network() -> None:
    table = sachs.consensus()
    assert {(a, b) for a in table.index for b in table.columns if table.loc[a, b]} == {
        (a, b) for a, targets in CONSENSUS.items() for b in targets
    }
    assert is_acyclic(table.to_numpy())


def test_sachs_samples_are_standardised_logs_of_the_observational_rows() -> None:
    X = sachs.observational()
    assert X.shape == (853, 11)
    np.testing.assert_allclose(X.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(ddof=0), 1)
    raw = pd.read_csv(packaged_file("cdt", "cdt/data/resources/cyto_full_data.csv"))
    assert (raw.iloc[:853] > 0).all().all()
    # Row by row: standardising is monotone, so the order of the samples of each protein is that of the file.
    for column, name in COLUMNS.items():
        np.testing.assert_array_equal(X[name].rank(), raw[column].iloc[:853].rank())
        assert X[name].skew() == pytest.approx(np.log(raw[column].iloc[:853]).skew())


def test_sachs_truth_is_permuted_with_its_columns() -> None:
    data = load(SACHS)
    names = list(data.X.columns)
    assert sorted(names) == sorted(sachs.VARIABLES.values())
    assert names != list(sachs.VARIABLES.values())
    assert {(names[i], names[j]) for i, j in np.argwhere(data.truth)} == {
        (a, b) for a, targets in CONSENSUS.items() for b in targets
    }
    pd.testing.assert_frame_equal(data.X[list(sachs.VARIABLES.values())], sachs.observational())


def test_a_missing_data_package_is_named_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise packaged.PackageNotFoundError(name)

    monkeypatch.setattr(packaged, "distribution", missing)
    with pytest.raises(UsageError, match=r"package 'cdt'.*requirements-data\.txt"):
        sachs.observational()
    with pytest.raises(UsageError, match=r"package 'pgmpy'.*requirements-data\.txt"):
        sachs.consensus()


def test_raw_equal_variance_data_are_var_sortable_and_iscm_data_are_not() -> None:
    """Reisach et al. 2021 report var-sortability above 0.9 on such data; Ormaniec et al. 2025 about 0.5 on iSCMs."""

    def mean(scale: str, measure: int) -> float:
        keys = [dataclasses.replace(KEY, n=200, scale=scale, repeat=r) for r in range(30)]
        return float(np.mean([sortabilities(load(key))[measure] for key in keys]))

    assert mean("raw", 0) > 0.9
    assert abs(mean("iscm", 0) - 0.5) < 0.15
    assert mean("raw", 1) > mean("iscm", 1)


@pytest.mark.parametrize("violation", ["measurement-error", "confounders", "nonlinear", "weak-weights"])
def test_a_violated_cell_is_a_data_set_of_its_own(violation: str) -> None:
    data = load(dataclasses.replace(KEY, violation=violation))
    assert data.X.shape == (20, 10)
    assert is_acyclic(data.truth)
    assert (data.weights is None) == (violation == "nonlinear")
    assert not np.array_equal(data.A, load(KEY).A)


def test_each_sachs_condition_is_a_data_set_of_its_own() -> None:
    raw = pd.read_csv(packaged_file("cdt", "cdt/data/resources/cyto_full_data.csv")).rename(columns=COLUMNS)
    sizes = list(sachs.CONDITIONS.values())
    ends = np.cumsum([0, *sizes])
    assert ends[-1] == len(raw) == 7466
    for k, n in enumerate(sizes):
        data = load(DatasetKey("sachs-conditions", 0.0, 11, 830, "real", "real", "standardised", k))
        assert data.X.shape == (n, 11)
        assert data.truth.sum() == 17
        np.testing.assert_allclose(data.X.std(ddof=0), 1)
        for name in data.X:
            np.testing.assert_array_equal(data.X[name].rank(), raw[name].iloc[ends[k] : ends[k + 1]].rank())


def test_the_sachs_file_changes_where_conditions_meet() -> None:
    """The file does not name its conditions: the largest shifts between neighbouring stretches must be at our ends."""
    logs = np.log(pd.read_csv(packaged_file("cdt", "cdt/data/resources/cyto_full_data.csv")).to_numpy())
    w, total = 60, np.vstack([np.zeros(11), np.cumsum((logs - logs.mean(0)) / logs.std(0), axis=0)])
    middle = np.arange(w, len(logs) - w)
    shift = np.abs(total[middle + w] - 2 * total[middle] + total[middle - w]).max(1)
    found = []
    for _ in range(5):
        found.append(int(middle[shift.argmax()]))
        shift[np.abs(middle - found[-1]) < w] = 0
    ends = np.cumsum(list(sachs.CONDITIONS.values()))
    assert all(np.abs(ends - at).min() <= 2 for at in found), found


def test_sachs_conditions_together_begin_with_the_observational_one() -> None:
    pooled, first = sachs.all_conditions(), sachs.observational()
    assert pooled.shape == (7466, 11)
    np.testing.assert_allclose(pooled.std(ddof=0), 1)
    for name in first:
        np.testing.assert_array_equal(pooled[name].iloc[:853].rank(), first[name].rank())
    data = load(DatasetKey("sachs-all", 0.0, 11, 7466, "real", "real", "standardised", 0))
    assert data.truth.sum() == 17
    assert data.weights is None


def test_sortability_is_nan_where_it_means_nothing() -> None:
    few = sortabilities(load(dataclasses.replace(KEY, n=11)))  # n = d + 1: every R2 is 1 or undefined
    assert np.isfinite(few[0])
    assert np.isnan(few[1])
    assert np.isfinite(sortabilities(load(dataclasses.replace(KEY, n=12)))[1])
    data = load(KEY)
    assert np.isnan(sortabilities(dataclasses.replace(data, A=np.zeros((10, 10))))).all()


def test_standardised_data_are_at_chance_whatever_the_rounding() -> None:
    """All variances are 1, up to 1e-15: a tie of every pair, which counts one half (Reisach et al. 2021, eq. 1)."""
    keys = [SACHS, *(dataclasses.replace(KEY, scale="standardised", repeat=r) for r in range(10))]
    assert {sortabilities(load(key))[0] for key in keys} == {0.5}
