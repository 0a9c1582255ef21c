"""What the figures of a run say, held against numbers computed here or printed elsewhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from run_maker import KEYS, failed, record, whole_run, write

from adag.errors import UsageError
from benchmarks.datasets import load
from benchmarks.plots.accuracy import cells, errors_against_d, shd_against_n
from benchmarks.plots.failures import failures
from benchmarks.plots.layout import axes_for, panels
from benchmarks.plots.ranking import cliques, critical_differences, profiles, wins
from benchmarks.plots.runtime import accuracy_against_runtime, apart, exponent, pareto, runtime_against_d
from benchmarks.plots.trial import KINDS, adjacency, chosen_trial, fate, median_trial
from benchmarks.scoring import score_run
from benchmarks.statistics import critical_difference
from benchmarks.summary import read_trials


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = whole_run(tmp_path_factory.mktemp("run"))
    score_run(folder)
    return folder


def grid(sizes: tuple[int, ...], shd: dict[str, float], power: dict[str, float], late: float = np.inf) -> pd.DataFrame:
    """Trials of ER2 graphs at n = 50: a share of the 2 d edges wrong, seconds a power of d, a limit."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for label, share in shd.items():
        for d in sizes:
            for repeat in range(6):
                seconds = 1e-3 * d ** power[label]
                ok = seconds < late
                wrong = round(share * 2 * d + rng.integers(0, 2)) if ok else np.nan
                rows.append(
                    {"label": label, "family": "ER2", "graph": "er", "degree": 2.0, "d": d, "n": 50, "repeat": repeat,
                     "noise": "gaussian", "variance": "equal", "scale": "raw", "violation": "none",
                     "domain_family": "general", "family_seed": 0, "threshold": 0.3, "given": "one domain",
                     "true_edges": 2 * d,
                     "status": "ok" if ok else "timeout", "shd": wrong, "shd_cpdag": wrong,
                     "runtime_s": min(seconds, late), "timeout_s": late}
                )  # fmt: skip
    return pd.DataFrame(rows)


SIZES = (5, 10, 20, 50)
GRID = grid(SIZES, {"adag": 0.1, "notears": 0.4}, {"adag": 0.5, "notears": 2.5}, late=10.0)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_which_figures_a_run_gets_follows_from_its_data() -> None:
    assert shd_against_n(GRID) is None, "one n"
    assert errors_against_d(GRID) is not None
    two = GRID[GRID["d"] <= 10]
    assert errors_against_d(two) is not None
    assert runtime_against_d(two) is None, "two points are no power law"
    assert critical_differences(GRID) is None, "two methods"
    assert wins(GRID) is not None
    few = GRID[(GRID["d"] == 5) & (GRID["repeat"] < 4)]
    assert (errors_against_d(few), wins(few), profiles(few)) == (None, None, None)
    assert failures(GRID[GRID["status"] == "ok"]) is None
    assert median_trial(GRID.assign(shd_cpdag=np.nan)) is None


def test_errors_against_d_are_shares_of_the_true_edges_and_failures_hollow() -> None:
    figure = errors_against_d(GRID)
    assert figure is not None
    ax = figure.axes[0]
    drawn = {container.get_label(): container.lines[0].get_ydata() for container in ax.containers}
    share = (GRID["shd_cpdag"] / GRID["true_edges"]).fillna(1.0).groupby([GRID["label"], GRID["d"]]).mean()
    for label, y in drawn.items():
        np.testing.assert_allclose(y, share[label])
    assert drawn["notears"][-1] == 1, "50 ** 2.5 ms is over the limit"
    hollow = [line for line in ax.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_ydata().tolist() for line in hollow] == [[1.0]]


def test_the_exponent_is_that_of_the_runtimes_without_the_late_ones() -> None:
    figure = runtime_against_d(GRID)
    assert figure is not None
    assert {text for text in texts(figure) if text.startswith("$d^")} == {"$d^{0.5 \\pm 0.0}$", "$d^{2.5}$"}
    noisy = pd.Series(np.array(SIZES) ** 2.0 * [1.1, 0.9, 1.1, 0.9], index=SIZES)
    assert exponent(noisy).startswith("$d^{1.9 \\pm 0.")
    assert exponent(noisy.iloc[:2]) == ""


def test_the_front_is_of_those_not_beaten_in_both() -> None:
    found = [(1.0, 5.0), (2.0, 5.0), (3.0, 2.0), (0.5, 9.0), (9.0, 2.5), (3.0, 3.0)]
    assert pareto(found) == [(0.5, 9.0), (1.0, 5.0), (3.0, 2.0)]
    assert pareto([]) == []
    figure = accuracy_against_runtime(GRID)
    own = GRID[(GRID["label"] == "adag") & (GRID["d"] == SIZES[0])]  # of the first panel
    (line,) = [line for line in figure.axes[0].lines if line.get_linewidth() == 4]
    assert line.get_ydata()[0] == pytest.approx(own["shd_cpdag"].mean())


def test_names_are_moved_apart_and_stay_inside() -> None:
    for places in ([0.1, 0.11, 0.12, 0.9], [0.95, 0.97, 1.0], [0.5], []):
        found = apart(places, 0.1)
        assert found == sorted(found)
        assert (np.diff(found) > 0.1 - 1e-9).all()
        assert max(found, default=0) <= 0.98


def test_the_bars_are_those_of_the_published_example() -> None:
    """Demsar (2006), figure 1a, at 0.10: C4.5 apart from C4.5+m and C4.5+m+cf, C4.5+cf from neither."""
    assert cliques(np.array([1.964, 2.000, 2.893, 3.143]), critical_difference(4, 14, 0.10)) == [(0, 2), (2, 3)]
    assert cliques(np.array([1.0, 2.0, 3.0]), 0.5) == []
    assert cliques(np.array([1.0, 1.1, 1.2]), 0.5) == [(0, 2)]


def test_ranks_profiles_and_wins_are_of_the_files(run: Path) -> None:
    trials = read_trials(run)  # adag and notears find the truth, golem all but one edge, and failed once
    ranked = critical_differences(trials)
    assert ranked is not None
    top = next(text for text in texts(ranked) if "golem" in text)
    assert top.startswith("3.00"), "two methods share the best rank on every data set"
    assert "adag  1.50" in texts(ranked)
    rates = wins(trials)
    assert rates is not None
    table = np.array([text for text in texts(rates)[: 3 * 2]]).reshape(3, 2)
    assert table.tolist() == [["100", "50"], ["0", "0"], ["50", "100"]]  # adag, golem, notears
    bold = [text.get_fontweight() for text in rates.axes[0].texts]
    assert bold == ["bold", "normal", "bold", "bold", "normal", "bold"]
    shares = profiles(trials)
    assert shares is not None
    drawn = {line.get_label(): line.get_ydata() for line in shares.axes[0].lines}
    assert drawn["adag"][0] == 1
    assert drawn["golem[num_iter=3000]"][0] == 0
    assert drawn["golem[num_iter=3000]"][-1] == 15 / 16, "the failure never comes near"


def test_the_star_of_a_cell_is_a_claim() -> None:
    clear = grid((10,), {"adag": 0.05, "notears": 0.6}, {"adag": 1, "notears": 1})
    more = pd.concat([clear, clear.assign(repeat=clear["repeat"] + 6)])
    assert "*" in texts(cells(more))
    level = grid((10,), {"adag": 0.3, "notears": 0.3}, {"adag": 1, "notears": 1})
    assert "*" not in texts(cells(level))


def test_failures_are_counted_by_method_and_place(tmp_path: Path) -> None:
    rows = [failed("pc", key, "timeout" if key.n == 10 else "oom") for key in KEYS if key.d == 5]
    rows += [record("pc", key) for key in KEYS if key.d != 5] + [record("adag", key) for key in KEYS]
    score_run(write(tmp_path, rows))
    figure = failures(read_trials(tmp_path))
    assert figure is not None
    assert texts(figure) == ["0 of 16", "8 of 16", "100", "100"]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["timeout", "oom"]


def test_panels_are_titled_by_what_varies_and_fill_their_rows() -> None:
    other = GRID.assign(noise="laplace", variance="unequal")
    titles = [title for title, _ in panels(pd.concat([GRID, other]), "family", "d")]
    assert titles[:2] == ["ER2, d = 5\ngaussian", "ER2, d = 5\nlaplace, unequal variances"]
    shapes = {count: axes_for(count, 1, height=1)[1].shape for count in (1, 4, 5, 8, 9)}
    assert shapes == {1: (1, 1), 4: (1, 4), 5: (2, 3), 8: (2, 4), 9: (3, 3)}


def test_the_fate_of_every_edge() -> None:
    truth, estimate = np.zeros((2, 5, 5), dtype=np.int8)
    for i, j in ((0, 1), (1, 2), (2, 3), (3, 4)):
        truth[i, j] = 1
    estimate[0, 1] = 1  # right
    estimate[2, 1] = 1  # reversed
    estimate[2, 3] = estimate[3, 2] = 2  # without direction
    estimate[0, 4] = 1  # extra; 3 -> 4 is missing
    names = ["none", *KINDS]
    found = {names[code]: list(zip(*np.nonzero(fate(truth, estimate) == code), strict=True)) for code in range(1, 6)}
    assert found == {
        "right": [(0, 1)], "reversed": [(2, 1)], "without direction": [(2, 3), (3, 2)], "extra": [(0, 4)],
        "missing": [(3, 4)],
    }  # fmt: skip
    assert (fate(truth, truth) == truth).all()


def test_the_trial_drawn_without_a_wish_is_the_median_one(run: Path) -> None:
    trials = read_trials(run)
    rng = np.random.default_rng(3)
    trials["shd_cpdag"] = rng.permutation(len(trials)).astype(float)
    row = median_trial(trials)
    assert row is not None
    assert (row["label"], row["d"]) == ("adag", 6)
    own = trials[(trials["label"] == "adag") & (trials["d"] == 6)]["shd_cpdag"]
    assert (own < row["shd_cpdag"]).sum() == 3  # of eight


def test_a_trial_is_chosen_by_its_name_and_drawn_with_its_graphs(run: Path) -> None:
    trials = read_trials(run)
    key = KEYS[5]
    row = chosen_trial(trials, f"{key.canonical()}/golem[num_iter=3000]")
    figure = adjacency(run, row)
    truth, estimate = (ax.images[0].get_array() for ax in figure.axes[:2])
    np.testing.assert_array_equal(truth, load(key).truth)
    lost = tuple(np.argwhere(load(key).truth)[0])
    assert estimate[lost] == 1 + list(KINDS).index("missing")
    assert (estimate == 1).sum() == load(key).truth.sum() - 1
    with pytest.raises(UsageError, match=r"ended as 'timeout'"):
        chosen_trial(trials, f"{KEYS[0].canonical()}/golem[num_iter=3000]")
    with pytest.raises(UsageError, match=r"no trial 'x': give KEY/METHOD, e\.g\. graph=.*/adag"):
        chosen_trial(trials, "x")


def test_the_legend_says_on_how_many_data_sets_a_slow_method_ran(run: Path) -> None:
    trials = read_trials(run)
    slow = trials[~((trials["label"] == "pc") & (trials["repeat"] > 0))]
    assert trials["repeat"].max() > 0
    figure = shd_against_n(slow, "")
    assert figure is not None
    names = {text.get_text() for text in figure.legends[0].get_texts()}
    assert "pc (first data set)" in names
    assert "adag" in names
