"""The pages in a real headless Chromium, opened from disk: sorting, filtering, drill-down, reach and size.

Chromium is no Python package: without one on the path (Debian: ``apt install chromium``) these tests are skipped.
"""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from run_maker import KEYS, METHODS, failed, record, write

from benchmarks.datasets import load
from benchmarks.keys import DatasetKey
from benchmarks.metrics import cpdag, shd
from benchmarks.records import SCHEMA, read_records
from benchmarks.report import write as write_page
from benchmarks.report import write_all
from benchmarks.reporting.prepared import prepare
from benchmarks.reporting.verdict import compare
from benchmarks.scoring import score_run

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"no Chromium: none of {', '.join(NAMES)} is on the path")
MEGABYTES = 5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page opened from disk, which must stay silent and ask for nothing."""

    def __init__(self, browser: Browser, path: Path, width: int = 1280, height: int = 800) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": height})
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.path = path

    def column(self, table: str, number: int) -> list[str]:
        return self.page.locator(f"#{table} tbody td:nth-child({number})").all_inner_texts()

    def close(self) -> None:
        self.page.close()
        assert self.said == []
        assert [url for url in self.asked if not url.startswith("data:")] == [self.path.as_uri()]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Estimates that differ: each method errs at random, at its own rate; golem timed out on one data set."""
    rng, records = np.random.default_rng(5), []
    rates = dict(zip(METHODS, (0.02, 0.1, 0.1, 0.3), strict=True))
    for label in METHODS:
        for key in KEYS:
            upper = np.triu(rng.random((key.d, key.d)) < rates[label], 1)
            order = rng.permutation(key.d)
            truth = load(key).truth
            guess = np.where(upper[np.ix_(order, order)], 1 - truth, truth).astype(np.int8)
            guess = np.triu(guess[np.ix_(np.argsort(order), np.argsort(order))], 1)[np.ix_(order, order)]  # a DAG
            estimate = cpdag(guess) if label == "pc" else guess
            records.append(record(label, key, adjacency=estimate.ravel().tolist()))
    at = next(i for i, r in enumerate(records) if r["method"] == "golem")
    records[at] = failed(METHODS[1], KEYS[0], "timeout")
    folder = write(tmp_path_factory.mktemp("runs") / "some", records)
    score_run(folder)
    write_all(folder.parent)
    return folder


@pytest.fixture
def opened(browser: Browser, run: Path) -> Iterator[Opened]:
    one = Opened(browser, run / "index.html")
    yield one
    one.close()


def names(opened: Opened) -> list[str]:
    cells = opened.page.locator("#board [data-method]")
    return list(cells.evaluate_all("cells => cells.map((cell) => cell.dataset.method)"))


def test_the_leaderboard_sorts_by_click_and_by_key(opened: Opened, run: Path) -> None:
    scores = prepare(run).scores
    by_time = list(scores.runtime.median().sort_values(kind="stable").index)
    header = opened.page.locator("#board thead th", has_text="time")
    # expect waits: the table is sorted a moment after the key
    header.click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert names(opened) == by_time
    header.get_by_role("button").focus()
    opened.page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "descending")
    assert names(opened) == by_time[::-1]


def shown_view(opened: Opened) -> dict[str, tuple[str, str, str, str]]:
    """Mean, rank, wins and failures as the leaderboard shows them, by method."""
    columns = [opened.column("board", k) for k in (3, 5, 6, 7)]
    rows = zip(*columns, strict=True)
    return {name: (row[0].split(" ")[0], *row[1:]) for name, row in zip(names(opened), rows, strict=True)}


@pytest.mark.parametrize("chosen", [{}, {"n": 20}, {"family": "SF2"}, {"family": "ER1", "n": 10}])
@pytest.mark.parametrize("metric", ["shd_cpdag", "shd", "f1"])
def test_a_filtered_leaderboard_is_that_of_python(
    opened: Opened, run: Path, chosen: dict[str, Any], metric: str
) -> None:
    scores = prepare(run).scores
    opened.page.select_option("#metric", metric)
    for name, value in chosen.items():
        opened.page.select_option(f"#by-{name}", label=str(value))
    cells = scores.cells
    for name, value in chosen.items():
        cells = cells[cells[name] == value]
    rows = [number for start, stop in zip(cells["start"], cells["stop"], strict=True) for number in range(start, stop)]
    view = compare(scores.values[metric].loc[rows], "higher" if metric == "f1" else "lower")
    shown = shown_view(opened)
    assert opened.page.locator("#counted").inner_text().startswith(f"{len(rows)} data sets in {len(cells)} cell")
    assert set(shown) == set(METHODS)
    for one in view.standings:
        mean, rank, wins, failures = shown[one.method]
        assert float(mean) == pytest.approx(one.mean, abs=0.0051)
        assert float(rank) == pytest.approx(one.rank, abs=0.051)
        assert int(wins) == one.wins
        assert int(failures) == (scores.status.loc[rows, one.method] != "ok").sum()
    if metric != "shd_cpdag":
        assert shown["pc"][0] == "CPDAG"  # "CPDAG only"
    assert names(opened)[: len(view.standings)] == [one.method for one in view.standings]


def test_the_intervals_and_claims_of_a_filtered_view_agree_with_python(browser: Browser, tmp_path: Path) -> None:
    """Over 120 data sets in two of three cells: normal intervals near the bootstrap's, the same claims."""
    folder = many(tmp_path / "run", data_sets=60, methods=4, cells=3)
    opened = Opened(browser, write_page(folder))
    expected = compare(prepare(folder).scores.values["shd"].iloc[:120], "lower")
    script = """() => { const cells = [0, 1]; const v = Report.views.view('shd', cells);
        return v.rows.map((r) => [r.method, r.low, r.high, r.gapLow, r.gapHigh, r.p, r.behind]); }"""
    rows = opened.page.evaluate(script)
    methods = prepare(folder).scores.methods
    assert [methods[row[0]] for row in rows] == [one.method for one in expected.standings]
    for (_, low, high, gap_low, gap_high, p, behind), one in zip(rows, expected.standings, strict=True):
        assert (low, high) == pytest.approx((one.low, one.high), abs=0.12)
        assert bool(behind) == one.behind
        if p is not None:
            assert (gap_low, gap_high) == pytest.approx((one.gap.low, one.gap.high), abs=0.12)
    assert {bool(row[6]) for row in rows} == {True, False}
    opened.close()


def test_the_map_leads_to_a_cell_and_back(opened: Opened) -> None:
    button = opened.page.locator("#map button").nth(3)
    button.focus()
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#counted").inner_text() == "4 data sets in 1 cell"
    assert opened.page.locator("#map td.outside").count() == 3
    opened.page.locator("#reset").click()
    assert opened.page.locator("#counted").inner_text() == "16 data sets in 4 cells"


def test_a_trial_is_drawn_with_what_became_of_each_edge(opened: Opened, run: Path) -> None:
    scores, records = prepare(run).scores, read_records(run)
    opened.page.locator("#all-note").scroll_into_view_if_needed()
    opened.page.locator("#all_wrapper input[type=search], input[type=search]").fill("notears")
    row = opened.page.locator("#all tbody tr").nth(3)
    row.get_by_role("button", name="Show notears").click()
    assert opened.page.locator("#trial-method").evaluate("e => e.selectedOptions[0].text") == "notears"
    number = int(opened.page.locator("#trial-set").input_value())
    key = scores.key(number)
    chosen = (records["label"] == "notears") & (records["graph"] == key.graph) & (records["n"] == key.n)
    kept = records[chosen & (records["repeat"] == key.repeat)]["adjacency"].iloc[0]
    estimate, truth = np.asarray(kept, dtype=np.int8).reshape(key.d, key.d), load(key).truth
    right = int(((estimate == 1) & (truth == 1)).sum())
    reversed_ = int(((estimate == 1) & (truth.T == 1)).sum())
    extra, missing = int(estimate.sum()) - right - reversed_, int(truth.sum()) - right - reversed_
    assert right
    assert opened.page.locator("#edges li").all_inner_texts() == [
        f"{right} right", f"{reversed_} reversed", f"{missing} missing", f"{extra} extra"
    ]  # fmt: skip
    assert extra + missing + reversed_ == shd(estimate, truth)
    assert f"SHD {extra + missing + reversed_} " in opened.page.locator("#trial-note").inner_text()
    drawings = opened.page.locator("#trial svg[role=img]")
    assert [drawings.nth(k).locator(".edge").count() for k in (0, 1)] == [truth.sum(), estimate.sum()]
    styles = opened.page.locator("#trial .edge").evaluate_all(
        "lines => lines.map(l => l.classList[1] + l.getAttribute('stroke-dasharray'))"
    )
    assert len({style.lstrip("abcdefghijklmnopqrstuvwxyz") for style in styles}) == len(
        set(styles)
    )  # not by colour alone


def test_a_failed_trial_says_how_it_failed(opened: Opened) -> None:
    opened.page.select_option("#trial-cell", index=0)
    opened.page.select_option("#trial-method", label=METHODS[1])
    assert "timeout: timeout of the method" in opened.page.locator("#trial-note").inner_text()
    assert opened.page.locator("#trial svg[role=img]").count() == 1  # the truth alone


def test_the_page_over_all_runs_filters_and_leads_to_the_run(browser: Browser, run: Path) -> None:
    opened = Opened(browser, run.parent / "index.html")
    assert len(opened.column("board", 1)) == len(METHODS)
    opened.page.select_option("#by-family", label="SF2")
    opened.page.check("#leaders")
    assert opened.page.locator("#counted").inner_text() == "2 cells"
    assert set(opened.column("all", 2)) == {"SF2"}
    assert opened.column("all", 6) == ["1", "1"]
    opened.close()
    opened = Opened(browser, run.parent / "index.html")
    opened.page.locator(".cards a").first.click()
    assert opened.page.url == (run / "index.html").as_uri()
    opened.page.close()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("page", ["some/index.html", "index.html"])
def test_it_is_accessible_and_fits_a_phone(browser: Browser, run: Path, width: int, page: str) -> None:
    opened = Opened(browser, run.parent / page, width, 740)
    opened.page.locator("#all").scroll_into_view_if_needed()
    opened.page.wait_for_selector("#all tbody td")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    found = Axe().run(opened.page)  # WCAG A and AA, and good practice
    assert found.violations_count == 0, found.generate_report()
    opened.page.close()
    assert opened.said == []


def many(folder: Path, data_sets: int, methods: int, cells: int) -> Path:
    """A scored run of random numbers: two methods better than the rest, a failure a cell."""
    rng = np.random.default_rng(0)
    keys = [DatasetKey("er", 1.0, 5, 10 * (cell + 1), "gaussian", "equal", "raw", 0) for cell in range(cells)]
    index = pd.MultiIndex.from_product(
        [range(cells), range(methods), range(data_sets)], names=["cell", "method", "set"]
    )
    at = index.to_frame(index=False)
    rows = pd.DataFrame([record("notears", key, adjacency=None, confidence=None) for key in keys]).loc[at["cell"]]
    rows = rows.reset_index(drop=True).assign(repeat=at["set"], label=at["method"].map("method-{}".format))
    bad = (at["method"] == 0) & (at["set"] == 1)
    rows.loc[bad, "status"] = "crash"
    rows["true_edges"], rows["violation"] = 5, "none"
    rows["runtime_s"] = rng.gamma(2, 0.1, len(rows))
    errors = rng.poisson(np.where(at["method"] < 2, 3.0, 4.5)).astype(float)
    rows["shd"], rows["shd_cpdag"] = np.where(bad, np.nan, errors), np.where(bad, np.nan, errors + 1)
    folder.mkdir(parents=True)
    rows.drop(columns=["adjacency", "weights", "confidence"]).to_parquet(folder / "trials.parquet", index=False)
    rows["adjacency"] = [[0, 1, *[0] * 23]] * len(rows)
    kept = pa.schema([field for field in SCHEMA if field.name in rows])
    table = pa.Table.from_pandas(rows, schema=kept, preserve_index=False)
    pq.write_table(table, folder / "estimates.parquet")
    return folder


def test_a_hundred_thousand_trials_stay_small_and_quick(browser: Browser, tmp_path: Path) -> None:
    folder = many(tmp_path / "run", data_sets=1112, methods=10, cells=9)
    page = write_page(folder)
    assert page.stat().st_size < MEGABYTES * 1e6
    opened = Opened(browser, page)
    assert "100,080 trials" in opened.page.locator(".facts").inner_text()
    began = time.perf_counter()
    opened.page.select_option("#by-n", label="50")
    assert opened.page.locator("#counted").inner_text() == "1,112 data sets in 1 cell"
    opened.page.locator("#reset").click()
    opened.page.locator("#all-note").scroll_into_view_if_needed()
    opened.page.wait_for_selector("#all tbody td")
    opened.page.locator("#all thead th", has_text="time").click()
    opened.page.locator("input[type=search]").fill("crash")
    opened.page.wait_for_function("document.querySelector('.dt-info').textContent.includes('of 9 entries')")
    assert time.perf_counter() - began < 60  # seconds on a busy machine
    assert "The graphs of" in opened.page.locator("#trials").inner_text()
    opened.close()
