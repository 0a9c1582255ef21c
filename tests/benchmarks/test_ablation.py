"""Ablations change one thing at a time, go on where they stopped, and are drawn from their files alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from adag import ADAG, UsageError
from benchmarks import ablation, ablation_figures
from benchmarks.ablation_variants import Cell, Variant, variants
from benchmarks.outside import UNSEEN, Point, _noise, points, simulated


def test_variants_of_an_ablation_differ_in_one_key_and_share_their_budget() -> None:
    by_ablation: dict[str, list[Variant]] = {}
    for variant in variants():
        for name, _ in variant.places:
            by_ablation.setdefault(name, []).append(variant)
    assert len({variant.name for variant in variants()}) == len(variants())
    for name, members in by_ablation.items():
        assert len(members) > 1, name
        assert len({(v.config().steps, v.config().tasks.pairs_per_step, v.config().seed) for v in members}) == 1
        assert len({v.cells for v in members}) == 1
        plain = [v.config().model_dump() for v in members]
        differing = {key for key in plain[0] if key != "name" and any(p[key] != plain[0][key] for p in plain)}
        # A network that reads something else is another network.
        assert len(differing) == 1 or differing == {"reads", "architecture"}, (name, differing)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> list[Variant]:
    changes = {
        "steps": 2, "validation": [[3, 10]], "architecture": {"width": 8, "layers": 1, "kernels": 4},
        "tasks": variants()[0].config().tasks.model_dump() | {"pairs_per_step": 100, "d": [[3, 1.0]]},
    }  # fmt: skip
    cells = (Cell(4, 20), Cell(4, 20, "exponential", "standardised"))
    made = [Variant(name, (("layers", k), ("width", k)), cells, changes) for name, k in (("one", "1"), ("ten", "10"))]
    monkeypatch.setattr(ablation, "variants", lambda: made)
    return made


def test_training_goes_on_where_it_stopped(
    tiny: list[Variant], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ablation.train(out=tmp_path, sets=3, only="ten")
    before = (tmp_path / "trained.csv").read_text()
    trained: list[str] = []
    real = ablation.trained_rows
    monkeypatch.setattr(ablation, "trained_rows", lambda v, sets: trained.append(v.name) or real(v, sets))
    ablation.train(out=tmp_path, sets=3, only=None)
    assert trained == ["one"]
    assert (tmp_path / "trained.csv").read_text().startswith(before)
    rows = pd.read_csv(tmp_path / "trained.csv")
    assert len(rows) == 8  # two variants, two places and two cells each
    assert not rows.duplicated(["ablation", "value", "cell"]).any()
    assert (rows["shd_low"] <= rows["shd"]).all()
    with pytest.raises(UsageError, match="no variant 'three': one of one, ten"):
        ablation.train(out=tmp_path, sets=3, only="three")
    drawn = {path: path.read_bytes() for path in ablation_figures.draw(tmp_path)}
    assert {path.name for path in drawn} == {"trained.png", "trained.svg"}
    assert {path: path.read_bytes() for path in ablation_figures.draw(tmp_path)} == drawn


def test_outside_is_measured_once_for_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [Point("d", "4", d=4, n=30), Point("noise", "two-point", d=4, n=30, noise="two-point")]
    monkeypatch.setattr(ablation, "points", lambda: few)
    ablation.outside(checkpoints="adag-small", out=tmp_path, sets=3, force=False)
    rows = pd.read_csv(tmp_path / "outside.csv")
    assert rows["inside"].tolist() == [True, False]
    assert rows["version"].unique().tolist() == [ADAG("adag-small").version]
    before = (tmp_path / "outside.csv").read_bytes()
    ablation.outside(checkpoints="adag-small", out=tmp_path, sets=3, force=False)
    assert (tmp_path / "outside.csv").read_bytes() == before
    stale = rows.assign(version="an older one", shd=99.0)
    stale.to_csv(tmp_path / "outside.csv", index=False)
    ablation.outside(checkpoints="adag-small", out=tmp_path, sets=3, force=False)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "outside.csv"), rows)


def test_points_know_what_is_inside() -> None:
    tasks = {
        "d": [[5, 1], [50, 1]], "n": [5, 1000], "degree": [[1, 1], [4.0, 1]], "noise": [["gaussian", 1]],
        "weights": [[[0.5, 2.0], 1]],
    }  # fmt: skip
    inside = {(p.factor, p.value) for p in points() if p.inside(tasks)}
    assert {("d", "50"), ("n", "5"), ("degree", "3"), ("noise", "gaussian"), ("weights", "0.5 to 2")} <= inside
    assert not inside & {("d", "150"), ("n", "4"), ("n", "2000"), ("degree", "6"), ("weights", "0.1 to 0.3")}
    assert not inside & {("noise", law) for law in UNSEEN}


@pytest.mark.parametrize("law", UNSEEN)
def test_unseen_laws_have_mean_0_and_variance_1(law: str) -> None:
    E = _noise(law, (400_000, 1), torch.Generator().manual_seed(0)).numpy()
    assert abs(E.mean()) < 0.01
    assert E.var() == pytest.approx(1.0, rel=0.08)  # the log-normal's fourth moment is large


def test_simulated_data_obey_their_sem() -> None:
    A, X = simulated(Point("d", "6", d=6, n=200_000, noise="two-point"), seed=3)
    E = X @ (np.eye(6) - A)
    np.testing.assert_allclose(np.abs(E), 1.0)
    assert A.any()


def test_a_folder_without_ablations_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablation_figures.main([str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
