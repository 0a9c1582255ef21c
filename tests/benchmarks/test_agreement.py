"""Two runs' folders are compared bit by bit, and what differs is named."""

import dataclasses
from pathlib import Path

import pytest
from run_maker import KEYS, record, write

from adag.errors import UsageError
from benchmarks import agreement


def ends(*runs: Path) -> int:
    """The exit code of the command."""
    with pytest.raises(SystemExit) as stop:
        agreement.main(list(runs))
    return int(stop.value.code or 0)


def test_the_same_graphs_agree_and_one_other_graph_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [record("notears", key, deterministic=True) for key in KEYS]
    free = [record("flop", key, deterministic=False) for key in KEYS]
    one, two = write(tmp_path / "one", [*rows, *free]), tmp_path / "two"
    rows[3] |= {"runtime_s": 99.0, "first_call": True}  # time may differ
    free[0] |= {"adjacency": [0] * 25}  # and what promised nothing
    assert ends(one, write(two, [*rows, *free])) == 0
    assert f"one, two: {len(KEYS)} trials of deterministic methods in both, 0 differences" in capsys.readouterr().out
    rows[3] |= {"adjacency": [0] * 25}
    assert ends(one, write(two, [*rows, *free])) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("differs: ('notears', 'er'")]
    assert {line.rpartition(": ")[2] for line in lines} >= {"adjacency", "shd", "nnz"}


def test_runs_that_share_nothing_do_not_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    later = [dataclasses.replace(key, repeat=key.repeat + 100) for key in KEYS]
    runs = [write(tmp_path / str(k), [record("notears", key) for key in keys]) for k, keys in enumerate((KEYS, later))]
    assert ends(*runs) == 1
    assert "share no trial" in capsys.readouterr().out
    with pytest.raises(UsageError, match="1 folders to compare"):
        agreement.main(runs[:1])


@pytest.mark.ray
def test_runs_of_the_methods_that_apply_are_made_and_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = tmp_path / "one.toml"
    cells = 'title = "One"\nmethods = []\nrepeats = 2\n[[cells]]\ngraph = "er"\ndegree = 1\nd = [4]\nn = [20]\n'
    grid.write_text(cells)
    monkeypatch.setattr(agreement, "_installed", lambda: ["adag-adapted", "flop", "var-sort-regress"])
    with pytest.raises(SystemExit) as stop:
        agreement.main([], methods="all", grid=str(grid), repeats=None)
    told = capsys.readouterr().out
    assert not stop.value.code, told
    assert "adag-adapted" not in told, "the grid has no family for it to learn from"
    for other in ("two-workers", "two-again"):
        assert f"one-worker, {other}: 2 trials of deterministic methods in both, 0 differences" in told
    assert "marked in the table as not deterministic: flop" in told
