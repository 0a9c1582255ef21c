"""Training curves show the numbers of the log, the same bytes each time."""

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from adag import UsageError
from benchmarks.training_figures import curves, draw, main, read_log


def entry(step: int, loss: float = 0.5) -> str:
    shd = {"d=5 n=20": 10.0 / step, "d=10 n=20": 20.0 / step}
    return json.dumps({"step": step, "seconds": 2.0 * step, "tasks": 30 * step, "loss": loss, "skeleton": 0.4,
                       "validation_shd": shd})  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [entry(10), entry(20), entry(30, loss=9.0), entry(30), entry(40)]  # killed after 30, resumed from 20
    (tmp_path / "mine.log.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_same_log_gives_the_same_bytes(folder: Path) -> None:
    drawn = {path: path.read_bytes() for path in draw(folder)}
    assert {path.name for path in drawn} == {"mine.png", "mine.svg"}
    assert {path: path.read_bytes() for path in draw(folder)} == drawn


def test_the_curves_are_the_log(folder: Path) -> None:
    log = read_log(folder / "mine.log.jsonl")
    assert log["step"].tolist() == [10, 20, 30, 40]
    assert log["loss"].tolist() == [0.5] * 4, "of a repeated step, the last"
    figure = curves(log, "mine")
    try:
        _, shd, speed = figure.axes
        np.testing.assert_allclose(shd.lines[1].get_ydata(), 20.0 / log["step"])
        np.testing.assert_allclose(speed.lines[0].get_ydata(), 15.0)
        assert "1,200 data sets" in figure.get_suptitle()
    finally:
        plt.close(figure)


def test_what_is_no_log_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.log.jsonl").write_text(entry(1) + "\nnot json\n")
    with pytest.raises(UsageError, match=r"other\.log\.jsonl', line 2"):
        draw(folder)
    assert main([str(folder / "none")]) == 2
    assert "no training log" in capsys.readouterr().err
