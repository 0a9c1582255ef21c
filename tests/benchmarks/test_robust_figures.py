"""The heat map of a run with violations: its numbers by hand, its names, and that it is drawn where it belongs."""

import dataclasses
import io
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from rich.console import Console
from run_maker import failed, record, whole_run, write

from benchmarks.figures import draw
from benchmarks.keys import DatasetKey
from benchmarks.robust_figures import heat_map, relative_errors
from benchmarks.scoring import score_run
from benchmarks.summary import print_tables, read_trials

CLEAN = DatasetKey("er", 2.0, 6, 20, "gaussian", "equal", "raw", 0)
CELLS = {
    "clean": CLEAN,
    "measurement error": dataclasses.replace(CLEAN, violation="measurement-error"),
    "student t": dataclasses.replace(CLEAN, noise="student-t"),
    "unequal variances": dataclasses.replace(CLEAN, variance="unequal"),
    "CHAIN": dataclasses.replace(CLEAN, graph="chain", degree=1.0),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`adag` always right; `notears` failed wherever it was run, on the first of two data sets."""
    records = []
    for repeat in (0, 1):
        for cell in CELLS.values():
            key = dataclasses.replace(cell, repeat=repeat)
            records.append(record("adag", key, violation=key.violation))
            if not repeat:
                records.append(failed("notears", key) | {"violation": key.violation})
    folder = write(tmp_path_factory.mktemp("robust"), records)
    score_run(folder)
    return folder


def test_numbers_and_names(run: Path) -> None:
    trials = read_trials(run)
    table = relative_errors(trials)
    assert list(dict.fromkeys(table["change"])) == list(CELLS)
    assert set(table.loc[table["label"] == "adag", "error"]) == {0.0}, "right everywhere"
    assert set(table.loc[table["label"] == "notears", "error"]) == {1.0}, "failed: as the empty graph"
    trials.loc[(trials["label"] == "adag") & (trials["violation"] != "none"), "shd_cpdag"] = 3.0
    error = relative_errors(trials).set_index(["label", "change"])["error"]
    edges = trials.loc[(trials["label"] == "adag") & (trials["violation"] != "none"), "true_edges"].sum()
    assert error["adag", "measurement error"] == pytest.approx(6 / edges)
    assert error["adag", "clean"] == 0


def test_tables_say_where_a_method_saw_fewer_data_sets_than_the_others(run: Path) -> None:
    trials = read_trials(run)
    trials.loc[trials["label"] == "notears", ["status", "shd"]] = ["ok", 2.0]
    stream = io.StringIO()
    print_tables(trials, {}, Console(file=stream))
    clean = next(line for line in stream.getvalue().splitlines() if "ER2" in line and "none" in line)
    cells = [part.strip() for part in clean.strip("│").split("│")]
    assert cells[-2:] == ["0.0 [0.0, 0.0]", "2.0 (1)"]
    assert "first N data sets of the cell" in stream.getvalue()


def test_what_is_drawn(run: Path) -> None:
    figure = heat_map(read_trials(run))
    try:
        panel = figure.axes[0]
        assert [text.get_text() for text in panel.get_xticklabels()] == list(CELLS)
        assert [text.get_text() for text in panel.get_yticklabels()] == ["adag", "notears  (1 sets)"]
        assert [text.get_text() for text in panel.texts] == [".00"] * 5 + ["1.0"] * 5
    finally:
        plt.close(figure)


def test_it_is_drawn_for_a_run_with_violations_alone_and_always_alike(run: Path, tmp_path: Path) -> None:
    names = {"robustness.png", "robustness.svg"}
    first = {path.name: path.read_bytes() for path in draw(run)}
    assert names < set(first)
    assert {path.name: path.read_bytes() for path in draw(run)} == first
    other = whole_run(tmp_path / "run")
    score_run(other)
    assert not names & {path.name for path in draw(other)}
