"""The benchmarks of adapting: the command is really called, folds never see the domain that they are scored on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from adag import ADAG
from adag.errors import UsageError
from adag.families import FamilyKey, tuning_domains
from benchmarks import adapting, families_figures, sachs_folds


def test_the_command_is_measured_on_csvs_and_what_is_written_is_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adapting, "FAMILIES", ("heterogeneous",))
    monkeypatch.setattr(adapting, "SEEDS", (2,))
    monkeypatch.setattr(adapting, "D", 5)
    monkeypatch.setattr(adapting, "DEGREE", 1.0)
    monkeypatch.setattr(adapting, "DOMAINS", 12)
    adapting.run(out=tmp_path)
    table = pd.read_csv(tmp_path / "adapting.csv")
    assert list(table["family_seed"]) == ["2", "all"]
    one = table.iloc[0]
    assert (one["held_out"], one["domains"], one["n"]) == (12, 12, 20)
    A, X = (t.numpy() for t in tuning_domains(FamilyKey("heterogeneous", 5, 1.0, "er", 2), 12, 20))
    wrong = [
        np.triu((g.adjacency != (a != 0)) | (g.adjacency != (a != 0)).T, 1).sum()
        for g, a in zip(ADAG(device="cpu").discover_many(list(X)), A, strict=True)
    ]
    assert one["zero_shot"] == pytest.approx(np.mean(wrong), abs=1e-3)
    assert one["difference"] == pytest.approx(one["adapted"] - one["zero_shot"], abs=2e-3)
    assert one["low"] <= one["difference"] <= one["high"]
    assert one["adapted"] < one["zero_shot"]  # they share a graph
    assert 0 < one["seconds"] < 600
    assert json.loads((tmp_path / "adapting.environment.json").read_text())["command"].startswith(
        "python -m benchmarks.adapting"
    )
    assert "zero_shot" in capsys.readouterr().out


def test_a_command_that_fails_stops_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UsageError, match=r"adag adapt failed: error: .*a\.csv"):
        adapting.adapted(tmp_path, tmp_path / "out.safetensors")


def test_a_fold_is_adapted_to_others_alone() -> None:
    assert sachs_folds.rings(2, 4, 3) == [[0, 1, 3]]
    assert sachs_folds.rings(2, 4, 2) == [[0, 1], [1, 3], [0, 3]]
    for held_out in range(9):
        for domains in sachs_folds.DOMAINS:
            sets = sachs_folds.rings(held_out, 9, domains)
            assert all(len(set(one)) == domains and held_out not in one for one in sets)
            seen = [k for one in sets for k in one]
            assert len({seen.count(k) for k in seen}) == 1  # every other condition as often as the next


def test_folds_are_scored_on_the_held_out_domain_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sachs_folds, "DOMAINS", (1, 2))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 60))
    frames = [pd.DataFrame({"b": 1.5 * v + rng.normal(size=60), "a": v}) for v in x]
    truth = pd.DataFrame([[0, 1], [0, 0]], index=["a", "b"], columns=["a", "b"])
    adapted_to: list[Any] = []
    adapt = ADAG.adapt

    def watched(self: ADAG, datasets: Any, **options: Any) -> ADAG:
        adapted_to.append([next(k for k, frame in enumerate(frames) if frame is one) for one in datasets])
        return adapt(self, datasets, **options)

    monkeypatch.setattr(ADAG, "adapt", watched)
    table = sachs_folds.measure(frames, truth)
    assert adapted_to == [[1], [2], [1, 2], [0], [2], [0, 2], [0], [1], [0, 1]]
    assert (table["shd"] == 0).all()  # a -> b is plain in each, whatever the order of the columns
    assert (table["edges"] == 1).all()
    monkeypatch.setattr(sachs_folds, "DOMAINS", (1,))
    assert (sachs_folds.measure(frames[:2], truth.T)["shd"] == 1).all()
    told = sachs_folds.summary(table).set_index(["method", "domains"])
    assert told.loc[("adag-adapted", 2), "difference"] == 0

    table.to_csv(tmp_path / "sachs_folds.csv", index=False)
    first = {path.name: path.read_bytes() for path in families_figures.draw(tmp_path)}
    assert set(first) == {"sachs-folds.png", "sachs-folds.svg"}
    assert {path.name: path.read_bytes() for path in families_figures.draw_folds(tmp_path)} == first
