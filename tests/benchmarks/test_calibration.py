"""Calibration by hand, and drawn from its file alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import calibration, calibration_figures


def test_bins_and_error_by_hand() -> None:
    predicted = np.array([0.0, 0.04, 0.95, 0.95, 0.95, 1.0])
    table = calibration.binned(predicted, np.array([False, True, True, True, False, True]))
    assert table["pairs"].tolist() == [2, 4]
    assert table["low"].tolist() == [0.0, 0.9]
    np.testing.assert_allclose(table["predicted"], [0.02, 0.9625])
    np.testing.assert_allclose(table["observed"], [0.5, 0.75])
    assert calibration.error(table) == pytest.approx((2 * 0.48 + 4 * 0.2125) / 6)


def test_true_probabilities_have_no_error() -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(0.3, 0.6, 200_000)
    assert calibration.error(calibration.binned(p, rng.random(len(p)) < p)) < 0.004
    assert calibration.error(calibration.binned(p**2, rng.random(len(p)) < p)) > 0.05


def test_the_command_writes_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "SIZES", (3, 5))
    calibration.run(out=tmp_path, checkpoints="adag-small", pairs=100)
    bins, errors = pd.read_csv(tmp_path / "bins.csv"), pd.read_csv(tmp_path / "errors.csv")
    assert errors["regime"].tolist() == [regime.name for regime in calibration.REGIMES]
    for row in errors.itertuples():
        mine = bins[(bins["regime"] == row.regime)]
        assert mine["pairs"].sum() == row.pairs
        assert calibration.error(mine) == pytest.approx(row.ece, abs=1e-4)
    drawn = {path: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert {path.name for path in drawn} == {"reliability.png", "reliability.svg"}
    assert calibration_figures.main([str(tmp_path)]) == 0
    assert {path: path.read_bytes() for path in drawn} == drawn


def test_a_folder_without_bins_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibration_figures.main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
