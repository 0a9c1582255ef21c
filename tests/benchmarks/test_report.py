"""A run's page shows the numbers of its files, claims no more than they allow, and carries everything it needs."""

import base64
import html.parser
import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from run_maker import KEYS, METHODS, failed, record, whole_run, write
from scipy import stats

from adag.errors import UsageError
from benchmarks.datasets import load
from benchmarks.grid import data_grid
from benchmarks.keys import DatasetKey
from benchmarks.metrics import METRICS, cpdag
from benchmarks.records import read_records
from benchmarks.report import main, write_all
from benchmarks.report import write as write_page
from benchmarks.reporting.graphs import drill_down, edges
from benchmarks.reporting.pack import STEP, packed
from benchmarks.reporting.prepared import prepare
from benchmarks.reporting.scores import of_run
from benchmarks.reporting.verdict import compare, of_cells
from benchmarks.scoring import score_run
from benchmarks.statistics import holm, interval, paired_difference
from benchmarks.summary import penalised, read_trials

ROOT = Path(__file__).parents[2]
EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whole, but for a golem trial that timed out and a pc trial that failed with markup in its message."""
    folder = whole_run(tmp_path_factory.mktemp("runs") / "one")
    records = read_records(folder).to_dict("records")
    at = next(i for i, r in enumerate(records) if r["method"] == "pc")
    records[at] = failed("pc", KEYS[0]) | {"error": EVIL}
    write(folder, [{str(k): v for k, v in r.items()} for r in records])
    score_run(folder)
    return folder


def data_of(page: Path) -> dict[str, Any]:
    """What the page's scripts read."""
    text = page.read_text()
    start = text.index(">", text.index('id="data"')) + 1
    return dict(json.loads(text[start : text.index("</script>", start)]))


def unpacked(entry: dict[str, Any]) -> np.ndarray:
    dtype = {"Uint8Array": "<u1", "Uint16Array": "<u2", "Float32Array": "<f4"}[entry["array"]]
    stored = np.frombuffer(base64.b64decode(entry["base64"]), dtype).astype(float)
    return np.where(stored == entry["missing"], np.nan, stored * entry["factor"])


def test_the_leaderboard_is_what_pandas_makes_of_the_files(run: Path) -> None:
    data, trials = data_of(write_page(run)), read_trials(run)
    labels = [method["label"] for method in data["methods"]]
    assert sorted(labels) == sorted(METHODS)
    assert data["default"] == "shd_cpdag"  # pc has no SHD
    for metric, ranked in (("shd_cpdag", set(METHODS)), ("shd", set(METHODS) - {"pc"})):
        view = data["views"][metric]
        rows = {labels[row[0]]: row for row in view["rows"]}
        assert set(rows) == ranked
        filled = trials[trials["label"].isin(ranked)].copy()
        filled[metric] = filled[metric].mask(filled["status"] != "ok", filled["true_edges"])
        wide = filled.pivot(index=["graph", "n", "repeat"], columns="label", values=metric)
        ranks, best = wide.rank(axis=1).mean(), wide.min(axis=1)
        assert view["n"] == len(wide) == len(KEYS)
        for label, (_, mean, low, high, rank, wins, *_) in rows.items():
            own = trials[trials["label"] == label]
            assert mean == pytest.approx(penalised(own, metric), rel=1e-4)
            assert (low, high) == pytest.approx(interval(wide[label])[1:], rel=1e-4)
            assert rank == pytest.approx(ranks[label], rel=1e-4)
            assert wins == (wide[label] == best).sum()
        assert [row[1] for row in view["rows"]] == sorted(row[1] for row in view["rows"])


def test_every_trial_is_in_the_page_with_its_numbers(run: Path) -> None:
    data, trials = data_of(write_page(run)), read_trials(run)
    scores = prepare(run).scores
    status, seconds = unpacked(data["status"]), unpacked(data["seconds"])
    place = {tuple(row): k for k, row in enumerate(scores.datasets[["graph", "n", "repeat"]].to_numpy().tolist())}
    for trial in trials.to_dict("records"):
        at = place[trial["graph"], trial["n"], trial["repeat"]] * len(METHODS) + scores.methods.index(trial["label"])
        assert data["statuses"][int(status[at])] == trial["status"]
        if trial["status"] != "ok":
            assert np.isnan(seconds[at])
            assert [at, data["errors"]["texts"].index(trial["error"])] in data["errors"]["of"]
            continue
        assert seconds[at] == pytest.approx(trial["runtime_s"], rel=1e-6)
        for metric in data["values"]:
            assert unpacked(data["values"][metric])[at] == pytest.approx(trial[metric], abs=STEP / 2, nan_ok=True)
    spans = [(cell["start"], cell["stop"]) for cell in data["cells"]]
    assert spans == [(4 * k, 4 * k + 4) for k in range(4)]


def test_the_graphs_of_the_page_are_those_of_the_files(run: Path) -> None:
    data, scores = data_of(write_page(run)), prepare(run).scores
    assert len(data["graphs"]) == len(KEYS)
    records = read_records(run).set_index(["label", "graph", "n", "repeat"])["adjacency"]
    for number, graph in data["graphs"].items():
        key = scores.key(int(number))
        assert graph["truth"] == edges(load(key).truth)
        for method, numbers in graph["estimates"].items():
            matrix = np.zeros((key.d, key.d), dtype=np.int8)
            for k in numbers:
                i, j = divmod(k if k >= 0 else -k - 1, key.d)
                matrix[i, j] = 1 if k >= 0 else 2
                matrix[j, i] = matrix[j, i] if k >= 0 else 2
            kept = records[scores.methods[int(method)], key.graph, key.n, key.repeat]
            np.testing.assert_array_equal(matrix.ravel(), kept)
    undirected = edges(cpdag(np.array([[0, 1], [0, 0]], dtype=np.int8)))
    assert undirected == [-2]


def test_a_small_budget_keeps_whole_data_sets_the_first_of_every_cell(run: Path) -> None:
    scores, records = prepare(run).scores, read_records(run)
    whole = drill_down(scores, records)
    size = len(json.dumps(whole, separators=(",", ":")))
    part = drill_down(scores, records, budget=size // 2)
    assert 4 <= len(part) < len(whole)
    assert {0, 4, 8, 12} <= {int(number) for number in part}
    assert all(part[number] == whole[number] for number in part)
    assert len(drill_down(scores, records, budget=0)) == 1


@pytest.mark.parametrize(
    ("values", "array"),
    [([0, 3, np.nan], "Uint8Array"), ([0, 255, np.nan], "Uint16Array"), ([0.25, 1, np.nan], "Uint16Array"),
     ([0.5, 70000.0, -1.0], "Float32Array"), ([np.nan, np.nan], "Uint8Array")],
)  # fmt: skip
def test_packing_gives_the_numbers_back(values: list[float], array: str) -> None:
    entry = packed(pd.DataFrame(values))
    assert entry["array"] == array
    np.testing.assert_allclose(unpacked(entry), values, atol=STEP / 2)


def noise(methods: int, data_sets: int, seed: int = 0) -> pd.DataFrame:
    values = np.random.default_rng(seed).poisson(6, (data_sets, methods))
    return pd.DataFrame(values, columns=[f"m{k}" for k in range(methods)]).astype(float)


def test_a_claim_survives_holm_over_all_pairs() -> None:
    table = noise(4, 40)
    table["m3"] += 2
    table["m1"] = table["m0"]
    view = compare(table, "lower")
    names = [one.method for one in view.standings]
    pairs = list(combinations(table, 2))
    adjusted = dict(zip(pairs, holm([paired_difference(table[a], table[b]).p for a, b in pairs]), strict=True))
    for one in view.standings[1:]:
        exact = adjusted[tuple(sorted((names[0], one.method)))]
        assert one.gap.p >= exact - 1e-12  # never more liberal than correcting for every pair
        assert one.behind == (one.method == "m3")
    assert not view.sure
    assert [one.method for one in view.level] == [name for name in names[1:] if name != "m3"]
    assert compare(table[["m0", "m3"]], "lower").sure
    assert compare(-table, "higher").standings[0].method == names[0]
    assert compare(-table[["m0", "m3"]], "higher").sure


def test_methods_that_do_not_differ_are_rarely_told_apart() -> None:
    claims = [any(one.behind for one in compare(noise(5, 30, seed), "lower").standings) for seed in range(40)]
    assert sum(claims) <= stats.binom.ppf(0.999, len(claims), 0.05)


def test_who_lacks_a_data_set_is_not_ranked() -> None:
    table = noise(3, 12)
    table.loc[0, "m2"] = np.nan
    table["m1"] = np.nan
    table.loc[12] = np.nan  # a data set on which nobody has a value
    view = compare(table, "lower")
    assert [one.method for one in view.standings] == ["m0"]
    assert view.partial == {"m2": 11}
    assert view.data_sets == 12
    assert compare(table.iloc[12:], "lower").standings == []
    one = compare(noise(3, 1), "lower")
    assert len(one.standings) == 3
    assert not any(other.behind for other in one.standings)


class Links(html.parser.HTMLParser):
    """What a page points at, and its visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data") or (tag == "link" and name == "href"):
                self.loaded.append(str(value))
            elif name == "href":
                self.linked.append(str(value))


def test_a_page_needs_nothing_but_itself_and_what_it_says_is_text(run: Path) -> None:
    page = Links(write_page(run).read_text())
    assert all(url.startswith("data:") for url in page.loaded)
    assert all(url.startswith("#") or url == "../index.html" for url in page.linked)
    assert "img" not in page.tags  # no figures in this run: the message of the failure stayed text
    text = (run / "index.html").read_text()
    assert EVIL not in text
    assert "&lt;/script&gt;&lt;img" in text
    assert "Permission is hereby granted" in text  # the licence of DataTables


def test_the_same_files_give_the_same_bytes_in_another_process(run: Path) -> None:
    before = write_page(run).read_bytes()
    command = [sys.executable, str(ROOT / "benchmarks" / "report.py"), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=run, check=True)
    assert done.stdout.split() == [str(run / "index.html")]
    assert (run / "index.html").read_bytes() == before
    assert str(run.parent) not in before.decode()


def test_the_page_over_all_runs_counts_cells_and_leads_to_each(run: Path) -> None:
    pages = write_all(run.parent)
    assert pages == [run / "index.html", run.parent / "index.html"]
    links = Links(pages[-1].read_text()).linked
    assert all((run.parent / url).exists() for url in links if not url.startswith("#"))
    assert "one/index.html" in links
    data, trials = data_of(pages[-1]), read_trials(run)
    assert len(data["rows"]["shd_cpdag"]) == len(METHODS) * len(data["cells"])
    for cell, method, _, standing, planned, failures, seconds in data["rows"]["shd_cpdag"]:
        at, label = data["cells"][cell], data["methods"][method]["label"]
        own = trials[(trials["family"] == at["family"]) & (trials["n"] == at["n"]) & (trials["label"] == label)]
        assert at["run"] == "one"
        assert standing[0] == pytest.approx(penalised(own, "shd_cpdag"), rel=1e-4)
        assert (planned, failures) == (len(own), (own["status"] != "ok").sum())
        assert seconds == pytest.approx(own.loc[own["status"] == "ok", "runtime_s"].median(), rel=1e-4)


def test_the_command_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([str(tmp_path)]) == 2
    assert "holds no scored run" in capsys.readouterr().err
    assert main([]) == 2
    assert "holds no folder with a scored run" in capsys.readouterr().err
    assert main(["--all"]) == 2
    with pytest.raises(UsageError, match=r"benchmarks/run\.py"):
        write_all(tmp_path)


def test_a_method_that_failed_scores_as_the_empty_graph(run: Path) -> None:
    scores = of_run(read_trials(run))
    number = int(scores.status.index[scores.status["golem[num_iter=3000]"] == "timeout"][0])
    truth = load(scores.key(number)).truth
    empty = np.zeros_like(truth)
    for metric in METRICS:
        if metric.name in scores.values:
            expected = metric("dag", empty, truth, empty.astype(float))
            assert scores.values[metric.name].loc[number, "golem[num_iter=3000]"] == pytest.approx(expected)
    assert scores.values["shd"]["pc"].isna().all()  # its failure does not give it an SHD to a DAG


def test_of_methods_that_share_a_mean_those_that_only_failed_come_last(tmp_path: Path) -> None:
    rows = [failed("dagma", key) for key in KEYS[:4]] + [record("dagma", key) for key in KEYS[4:]]
    rows += [record("empty", key, adjacency=[0] * key.d**2) for key in KEYS]
    score_run(write(tmp_path / "run", rows))
    first, second, *_ = of_cells(of_run(read_trials(tmp_path / "run")), "shd", "lower")
    assert len({one.mean for one in first.standings}) == 1
    assert [one.method for one in first.standings] == ["empty", "dagma"]
    assert [one.method for one in second.standings] == ["dagma", "empty"]


def test_a_method_that_ran_on_the_first_data_sets_alone_is_listed_and_not_ranked(tmp_path: Path) -> None:
    estimate = [0] * (KEYS[0].d ** 2)
    records = [record(label, key, adjacency=estimate) for label in METHODS[:2] for key in KEYS[:3]]
    write(tmp_path / "part", records[:-1])
    score_run(tmp_path / "part")
    text = write_page(tmp_path / "part").read_text()
    assert all(label in text for label in METHODS[:2])
    assert of_run(read_trials(tmp_path / "part")).status[METHODS[1]].isna().sum() == 1


def test_runs_in_which_nothing_can_be_ranked_still_have_a_page(tmp_path: Path) -> None:
    write(tmp_path / "failed", [failed(label, key) for label in METHODS[:2] for key in KEYS[:3]])
    score_run(tmp_path / "failed")
    text = write_page(tmp_path / "failed").read_text()
    assert "adag on 3 of 3" in text
    pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc")).to_csv(
        tmp_path / "mine.csv", index=False
    )
    key = data_grid(tmp_path)[0].cells[0].expand()[0]
    estimate = [0, 1, 0, 0, 0, 0, 0, 0, 0]
    write(tmp_path / "unknown", [record("adag", key, adjacency=estimate, confidence=None)])
    score_run(tmp_path / "unknown")
    page = write_page(tmp_path / "unknown")
    assert "No true graph is known here" in page.read_text()
    graph = data_of(page)["graphs"]["0"]
    assert (graph["truth"], graph["estimates"], sorted(graph["names"])) == (None, {"0": [1]}, ["a", "b", "c"])
    load.cache_clear()
    (tmp_path / "mine.csv").unlink()  # the page can still be made where the data are not
    assert data_of(write_page(tmp_path / "unknown"))["graphs"]["0"]["names"] is None


def test_families_of_domains_are_cells_of_their_own(tmp_path: Path) -> None:
    keys = [DatasetKey("er", 1.0, 5, 20, "gaussian", "equal", "raw", repeat, "none", "heterogeneous", seed)
            for seed in (1, 2) for repeat in range(3)]  # fmt: skip
    names = [{"domain_family": key.domain_family, "family_seed": key.family_seed} for key in keys]
    write(
        tmp_path,
        [record(label, key, **name) for label in ("adag", "notears") for key, name in zip(keys, names, strict=True)],
    )
    score_run(tmp_path)
    data = data_of(write_page(tmp_path))
    assert [(cell["family_seed"], cell["start"], cell["stop"]) for cell in data["cells"]] == [(1, 0, 3), (2, 3, 6)]
    assert [(facet["name"], facet["levels"]) for facet in data["facets"]] == [("family_seed", [1, 2])]
    assert {int(k): graph["truth"] for k, graph in data["graphs"].items()} == {
        k: edges(load(key).truth) for k, key in enumerate(keys)
    }
