"""A user's folder of CSV files: what is read, what is refused and with which words, and the whole command."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adag.errors import UsageError
from benchmarks import folder
from benchmarks.datasets import load
from benchmarks.grid import data_grid, load_grid
from benchmarks.keys import DatasetKey

pytestmark = pytest.mark.ray

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three data sets with their edge lists; the graph of a fourth is not known."""
    rng = np.random.default_rng(1)
    target = tmp_path / "mine"
    target.mkdir()
    for k, name in enumerate(("apples", "pears", "plums", "quinces")):
        height = rng.normal(size=40 + k)
        table = {"height": height, "sun": rng.normal(size=40 + k), "fruit": 2 * height + rng.normal(size=40 + k)}
        pd.DataFrame(table).to_csv(target / f"{name}.csv", index=False)
        if name != "quinces":
            (target / f"{name}.edges.csv").write_text("source,target\nheight,fruit\nsun,fruit\n")
    return target


def keys(path: Path) -> list[DatasetKey]:
    grid, _ = data_grid(path)
    return [trial.dataset for trial in grid.trials(grid.specs()[:1])]


def test_data_sets_and_their_graphs(data: Path) -> None:
    found = keys(data)
    assert [folder.title(key.graph) for key in found] == ["apples", "pears", "plums", "quinces"]
    assert [(key.n, key.d, key.repeat) for key in found] == [(40, 3, 0), (41, 3, 0), (42, 3, 0), (43, 3, 0)]
    for key in found[:3]:
        names = list(load(key).X.columns)
        edges = {(names[i], names[j]) for i, j in np.argwhere(load(key).truth)}
        assert edges == {("height", "fruit"), ("sun", "fruit")}
        assert load(key).weights is None
        written = pd.read_csv(data / f"{folder.title(key.graph)}.csv")
        np.testing.assert_allclose(load(key).X[written.columns], written)
    assert not load(found[3]).graph_known


def test_the_grid_is_kept_as_text_that_plans_the_same(data: Path, tmp_path: Path) -> None:
    grid, text = data_grid(data)
    (tmp_path / "grid.toml").write_text(text)
    again, _ = load_grid(str(tmp_path / "grid.toml"))
    assert again.cells == grid.cells
    assert len(grid.trials(grid.specs(), repeats=5)) == 4 * len(grid.specs())  # real data are not repeated


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("apples.csv", "", "apples.csv' is empty"),
        ("apples.csv", "1,2\n3,4\n", "no header row"),
        ("apples.csv", "a,b\n1,x\n2,y\n", r"apples.csv': column 'b' is not numeric"),
        ("apples.csv", "a,b\n1,2\n2,\n", "apples.csv'.*'b'"),
        ("apples.csv", "a,b\n1,2\n", "apples.csv': the data has 1 row"),
        ("apples.edges.csv", "from,to\nheight,fruit\n", "has the columns from, to: expected source,target"),
        ("apples.edges.csv", "", "apples.edges.csv' cannot be read as CSV"),
        (
            "apples.edges.csv",
            "source,target\nheigth,fruit\n",
            "line 2: no column 'heigth' in the data",
        ),
        ("apples.edges.csv", "source,target\nsun,fruit\nsun,sun\n", "line 3: 'sun' causes itself"),
        ("apples.edges.csv", "source,target\nsun,fruit\nsun,fruit\n", "line 3: sun -> fruit is listed twice"),
        ("apples.edges.csv", "source,target\nsun,fruit\nfruit,sun\n", "has the cycle .* -> .*take an edge away"),
        ("nuts.edges.csv", "source,target\n", "no data beside it: add 'nuts.csv'"),
    ],
)
def test_a_bad_file_is_named_with_the_mend(data: Path, name: str, text: str, words: str) -> None:
    (data / name).write_text(text)
    with pytest.raises(UsageError, match=words) as error:
        keys(data)
    assert "\n" not in str(error.value).strip()


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*name\.edges\.csv"):
        keys(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="holds no CSV file"):
        keys(tmp_path)


def test_changed_data_are_not_mixed_with_the_old(data: Path) -> None:
    before = keys(data)
    with (data / "apples.csv").open("a") as file:
        file.write("1,2,3\n")
    assert [old == new for old, new in zip(before, keys(data), strict=True)] == [False, True, True, True]
    load.cache_clear()
    with pytest.raises(UsageError, match=r"apples\.csv' has changed since this run began"):
        load(before[0])


def test_one_command_benchmarks_a_folder(data: Path, command: Command, tmp_path: Path) -> None:
    line = ["benchmarks/run.py", "--data", data, "--methods", "adag,pc,var-sort-regress", "--out", tmp_path / "run"]
    result = command(*line)
    assert result.returncode == 0, result.stderr
    assert "12 trials planned, 12 to run" in result.stdout
    trials = pd.read_csv(tmp_path / "run" / "trials.csv")
    assert (trials["status"] == "ok").all()
    known = ~trials["graph"].str.contains("quinces")
    assert (trials.loc[known, "true_edges"] == 2).all()
    assert trials.loc[known, "shd_cpdag"].notna().all()
    assert trials.loc[~known, ["true_edges", "shd", "shd_cpdag", "f1_skeleton"]].isna().all().all()
    assert trials["nnz"].notna().all()
    assert all(name in result.stdout for name in ("apples", "pears", "plums", "quinces"))
    assert {"index.html", "trials.csv", "figures"} <= {path.name for path in (tmp_path / "run").iterdir()}
    assert "0 to run" in command(*line).stdout
