"""Grids and keys: what is planned, which seeds follow from a key, and how a mistake in a TOML is named."""

import dataclasses
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adag.errors import UsageError
from baselines import get_method, parse_spec
from baselines.registry import built_in_methods
from benchmarks.grid import Grid, available_grids, load_grid
from benchmarks.keys import CELL, DatasetKey

KEY = DatasetKey("er", 2.0, 10, 20, "gaussian", "equal", "raw", 3)
VALID = 'title = "t"\nmethods = ["adag"]\n[[cells]]\ngraph = "er"\ndegree = 1\nd = [5]\nn = [10]\n'


def grid_file(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_the_promised_grids_are_shipped() -> None:
    assert {"small", "scale", "samples", "er2", "sf2", "sachs", "real", "regimes", "robust"} <= set(available_grids())


@pytest.mark.parametrize("name", available_grids())
def test_every_shipped_grid_plans_each_trial_once_with_methods_that_exist(name: str) -> None:
    grid, text = load_grid(name)
    specs = grid.specs()
    trials = grid.trials(specs)
    assert text == (Path(__file__).parents[2] / "benchmarks" / "grids" / f"{name}.toml").read_text()
    assert max(Counter(trial.key for trial in trials).values()) == 1
    samples = {trial: dataclasses.replace(trial.dataset, threshold=0.0) for trial in trials}  # not what cuts estimates
    assert len({trial.dataset.seed for trial in trials}) == len(set(samples.values()))
    assert len({trial.seed for trial in trials}) == len({(trial.method, samples[trial]) for trial in trials})
    for spec in specs:
        get_method(spec)  # an unknown method or parameter raises
    assert all(not (key.graph == "er" and 2 * key.degree >= key.d - 1) for key in {t.dataset for t in trials})


def test_small_is_nine_methods_on_fifteen_cells() -> None:
    grid, _ = load_grid("small")
    trials = grid.trials(grid.specs())
    ours = {"adag", "adag-refined", "adag-unsupervised"}
    peers = {"notears", "golem", "dagma", "flop", "pc", "direct-lingam"}
    assert {trial.method.name for trial in trials} == ours | peers
    assert {(f"{t.dataset.graph.upper()}{t.dataset.degree:g}", t.dataset.d, t.dataset.n) for t in trials} == {
        (family, d, n) for family, d in (("ER1", 5), ("ER2", 10), ("SF2", 10)) for n in (5, 10, 20, 50, 100)
    }
    assert len(trials) == 15 * 9 * grid.repeats


def test_grid_parameters_fill_in_what_a_spec_leaves_open() -> None:
    grid, _ = load_grid("small")
    given_by_user, default = parse_spec("golem[num_iter=7]"), parse_spec("golem")
    assert grid.specs([given_by_user]) == [given_by_user]
    filled = grid.method_params["golem"]["num_iter"]
    assert [str(spec) for spec in grid.specs([default])] == [f"golem[num_iter={filled}]"]
    assert len(grid.specs([default, default])) == 1


def test_repeats_and_time_limit_of_the_call_win(tmp_path: Path) -> None:
    text = VALID.replace("title", "timeout_s = 60\ntitle") + "[method-timeout-s]\nnotears = 5\n"
    grid, _ = load_grid(grid_file(tmp_path, text))
    specs = [parse_spec("adag"), parse_spec("notears")]
    assert {t.method.name: t.timeout_s for t in grid.trials(specs)} == {"adag": 60, "notears": 5}
    overridden = grid.trials(specs, repeats=2, timeout_s=1.5)
    assert {t.timeout_s for t in overridden} == {1.5}
    assert len(overridden) == 4


def test_a_slow_method_runs_on_the_first_simulated_data_sets_and_on_all_real_ones(tmp_path: Path) -> None:
    text = VALID + '[[cells]]\ngraph = "sachs-conditions"\n[method-repeats]\nnotears = 2\nboss = 0\n'
    grid, _ = load_grid(grid_file(tmp_path, text))
    specs = [parse_spec(name) for name in ("adag", "notears", "boss")]

    def repeats(asked: int | None) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for trial in grid.trials(specs, repeats=asked):
            found.setdefault((trial.method.name, trial.dataset.graph), []).append(trial.dataset.repeat)
        return found

    simulated = {"adag": list(range(10)), "notears": [0, 1], "boss": []}
    expected = {(name, "er"): sets for name, sets in simulated.items() if sets}
    expected |= {(name, "sachs-conditions"): list(range(9)) for name in simulated}
    assert repeats(None) == expected
    assert repeats(1) == expected | {("adag", "er"): [0], ("notears", "er"): [0]}
    with pytest.raises(UsageError, match=r"method-repeats.*unknown method 'notaers'"):
        load_grid(grid_file(tmp_path, text.replace("notears", "notaers")))


def test_a_method_is_not_planned_where_it_does_not_apply(tmp_path: Path) -> None:
    grid, _ = load_grid(grid_file(tmp_path, VALID.replace("[5]", "[5, 6]")))
    trials = grid.trials([parse_spec(name) for name in ("adag", "bayes-optimal", "adag-adapted")], repeats=1)
    assert [(t.method.name, t.dataset.d) for t in trials] == [("adag", 5), ("bayes-optimal", 5), ("adag", 6)]


def test_all_methods_are_those_that_apply_and_one_that_does_not_is_named(tmp_path: Path, command: Any) -> None:
    path = grid_file(tmp_path, VALID)
    line = ["benchmarks/run.py", "--grid", path, "--out", tmp_path / "run", "--dry-run", "--methods"]
    everything = command(*line, "all")
    assert everything.returncode == 0, everything.stderr
    apply = [cls.name for cls in built_in_methods() if cls.given == "one domain"]
    assert f"{10 * len(apply)} trials planned" in everything.stdout
    none = command(*line, "adag,adag-adapted")
    assert none.returncode == 2
    assert none.stderr.startswith("error: method 'adag-adapted' has no trial in grid 'mine'")


def test_an_interrupted_run_is_a_fair_sample() -> None:
    """Every prefix of the plan has each method on (nearly) the same number of data sets."""
    grid, _ = load_grid("er2")
    trials = grid.trials(grid.specs())
    counts: Counter[str] = Counter()
    for trial in trials:
        counts[str(trial.method)] += 1
        assert max(counts.values()) - min(counts[str(spec)] for spec in grid.specs()) <= 1


def test_cells_of_every_kind(tmp_path: Path) -> None:
    blocks = """
[[cells]]
graph = "star"
d = [6]
n = [10]
[[cells]]
graph = "sf-in"
degree = 2
d = [6]
n = [10]
violation = ["none", "confounders"]
[[cells]]
graph = "magic-irri"
n = [20]
scale = ["raw", "standardised"]
"""
    grid, _ = load_grid(grid_file(tmp_path, 'title = "t"\nmethods = ["adag"]\nrepeats = 2\n' + blocks))
    keys = [trial.dataset.canonical() for trial in grid.trials(grid.specs(), repeats=1)]
    assert keys == [
        "graph=star/degree=1/d=6/n=10/noise=gaussian/variance=equal/scale=raw/repeat=0",
        "graph=sf-in/degree=2/d=6/n=10/noise=gaussian/variance=equal/scale=raw/repeat=0",
        "graph=sf-in/degree=2/d=6/n=10/noise=gaussian/variance=equal/scale=raw/repeat=0/violation=confounders",
        "graph=magic-irri/degree=0/d=64/n=20/noise=gaussian/variance=unequal/scale=raw/repeat=0",
        "graph=magic-irri/degree=0/d=64/n=20/noise=gaussian/variance=unequal/scale=standardised/repeat=0",
    ]
    assert len(grid.trials(grid.specs())) == 10


def test_real_data_are_not_repeated() -> None:
    grid, _ = load_grid("sachs")
    assert len(grid.trials(grid.specs(), repeats=20)) == len(grid.specs())


def test_the_seed_of_a_key_never_changes() -> None:
    """Published results name data sets by their key: these numbers must stay."""
    assert KEY.canonical() == "graph=er/degree=2/d=10/n=20/noise=gaussian/variance=equal/scale=raw/repeat=3"
    assert DatasetKey("er", 2.0, 10, 10, "gaussian", "equal", "raw", 0).seed == 2577408544991529145
    assert DatasetKey("sachs", 0.0, 11, 853, "real", "real", "standardised", 0).seed == 5347128177836632069


def test_the_seed_does_not_depend_on_the_process() -> None:
    code = f"from benchmarks.keys import DatasetKey; print({KEY!r}.seed)"
    seeds = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": hash_seed}, cwd=Path(__file__).parents[2],
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert seeds == {str(KEY.seed)}


@given(st.sampled_from([name for name in (*CELL, "repeat") if name != "threshold"]), st.integers(1, 50))
def test_the_seed_depends_on_every_part_of_the_key_that_makes_data(name: str, change: int) -> None:
    old = getattr(KEY, name)
    new = f"{old}{change}" if isinstance(old, str) else old + change
    assert KEY.seed != DatasetKey(**{**vars(KEY), name: new}).seed


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("degree = 1", "degre = 1"), "cells.0.degre"),
        (('title = "t"', 'title = "t"\nrepeat = 3'), "repeat"),
        (('title = "t"', 'title = "t"\nrepeats = 0'), "repeats"),
        (('title = "t"', 'title = "t"\ntimeout_s = -1'), "timeout_s"),
        (('graph = "er"', 'graph = "erdos"'), "cells.0.graph"),
        (("n = [10]", 'n = [10]\nnoise = ["gausian"]'), "cells.0.noise.0"),
        (("d = [5]", "d = [1]"), "cells.0.d.0"),
        (("d = [5]\n", ""), "needs degree, d and n"),
        (('"er"', '"sachs"'), "leave out degree, d and n"),
        (('"er"', '"chain"'), "leave out degree"),
        (('"er"', '"ecoli70"'), "leave out degree and d"),
        (('graph = "er"\ndegree = 1\nd = [5]\nn = [10]', 'graph = "ecoli70"'), "needs n"),
        (("n = [10]", 'n = [10]\nviolation = ["cycles"]'), "cells.0.violation.0"),
        (("n = [10]", 'n = [10]\nscale = ["iscm"]\nviolation = ["nonlinear"]'), "choose raw or standardised"),
        (('title = "t"', "title = "), "not valid TOML"),
        (('["adag"]', '["golem[num_iter]"]'), "num_iter"),
        (("n = [10]", "n = [10]\n[method-params.golme]\nnum_iter = 3"), "golme"),
        (("n = [10]", "n = [10]\n[method-timeout-s]\ngolme = 3"), "golme"),
    ],
)
def test_a_mistake_in_a_grid_is_named_in_one_line(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    assert change[0] in VALID
    with pytest.raises(UsageError) as error:
        load_grid(grid_file(tmp_path, VALID.replace(*change)))
    assert named in str(error.value)
    assert "\n" not in str(error.value).strip()


def test_an_unknown_grid_is_named_with_a_guess() -> None:
    with pytest.raises(UsageError, match=r"unknown grid 'smal' \(did you mean 'small'\?\).*er2"):
        load_grid("smal")


def test_a_grid_without_cells_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cells"):
        load_grid(grid_file(tmp_path, 'title = "t"\nmethods = ["adag"]\n'))
    assert Grid.model_config["extra"] == "forbid"


def test_thresholds_multiply_cells_and_leave_the_data_as_they_are(tmp_path: Path) -> None:
    grid, _ = load_grid(grid_file(tmp_path, VALID + "threshold = [0.3, 0.1]\n"))
    cut, lightly = grid.trials(grid.specs(), repeats=1)
    assert (cut.dataset.threshold, lightly.dataset.threshold) == (0.3, 0.1)
    assert cut.dataset.cell != lightly.dataset.cell
    assert cut.dataset.seed == lightly.dataset.seed == dataclasses.replace(cut.dataset, threshold=0.3).seed
    assert cut.seed == lightly.seed
    with pytest.raises(UsageError, match="threshold"):
        load_grid(grid_file(tmp_path, VALID + "threshold = [-1.0]\n"))
