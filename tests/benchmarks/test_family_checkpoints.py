"""What is measured of a family's checkpoint, against closed forms and stand-ins; and the figures, from their CSVs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kendalltau

from adag import checkpoint as checkpoints
from adag.errors import UsageError
from adag.estimator import ADAG
from adag.families import FamilyKey, family_of, training_domains
from adag.graph import CausalGraph
from baselines import adag_family
from benchmarks import families, families_figures, family_curves
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey

ORDER = FamilyKey("order-consistent", 5, 1.0, "er", 0)
GRAPH = FamilyKey("heterogeneous", 5, 1.0, "er", 0)


class Tells:
    """Stands in for an estimator: answers with given weights."""

    def __init__(self, A: np.ndarray) -> None:
        self.A, self.card = A, {"name": "tells"}

    def discover_many(self, X: Any) -> list[CausalGraph]:
        return [CausalGraph.from_weights(A) for A in self.A[: len(X)]]


def of_family(folder: Path, key: FamilyKey = ORDER) -> ADAG:
    """The small checkpoint with a bias of single pairs, and a card that says it is of the family."""
    loaded = checkpoints.load("adag-small")
    tasks = {
        **loaded.card["config"]["tasks"], "family": key.family, "family_seed": 0, "d": [[key.d, 1]],
        "degree": [[1, 1]], "graph": [["er", 1]],
    }  # fmt: skip
    name, config = f"{key.family}-d5-supervised", {**loaded.card["config"], "tasks": tasks}
    card = {**loaded.card, "distinct_tasks": 1000, "name": name, "config": config}
    path = folder / f"{name}.safetensors"
    folder.mkdir(exist_ok=True)
    checkpoints.save(path, loaded.model, card)
    model = ADAG(path, device="cpu")
    width = model.model.config.width
    model.model.identity = torch.nn.Parameter(torch.arange(25.0).reshape(5, 5, 1).expand(5, 5, width))
    return model


def test_the_domains_looked_at_are_those_of_the_grid() -> None:
    A, X = families.grid_domains(ORDER, 2)
    key = DatasetKey("er", 1.0, 5, 20, "gaussian", "equal", "raw", 1, domain_family="order-consistent")
    np.testing.assert_array_equal(A[1], load(key).A)
    np.testing.assert_array_equal(X[1], load(key).X.to_numpy())


@pytest.mark.parametrize("key", [ORDER, GRAPH])
def test_the_truth_varies_in_what_the_family_allows_and_nothing_else(key: FamilyKey) -> None:
    A, _ = families.grid_domains(key, 60)
    dense = np.where(np.eye(5) == 1, 0.0, np.random.default_rng(0).normal(size=(60, 5, 5)) * 3)
    table, leading = families.spectra({"perfect": Tells(A), "random": Tells(dense)}, key, 60)  # type: ignore[dict-item]
    free = int(families.allowed(key).sum())
    assert free == (10 if key is ORDER else int((A[0] != 0).sum()))
    for source, rows in table.groupby("source"):
        assert rows["share"].sum() == pytest.approx(1.0)
        assert (rows["share"].diff().dropna() <= 1e-12).all()
        if source == "A-hat, random":
            assert rows["outside"].iloc[0] > 0.3
            assert (rows["share"] > 1e-3).sum() > free
        else:
            assert rows["outside"].iloc[0] == 0.0
            assert (rows["share"] > 1e-9).sum() == free
    assert leading["A, true"].shape == (families.COMPONENTS, 5, 5)
    assert not np.abs(leading["A, true"][:, ~families.allowed(key)]).max() > 1e-12
    np.testing.assert_allclose(np.square(leading["A, true"]).sum((1, 2)), 1.0)


def test_maps_are_turned_to_the_shared_order() -> None:
    mask = families.allowed(ORDER).astype(float)
    np.testing.assert_array_equal(families.in_order(ORDER, mask), np.triu(np.ones((5, 5)), 1))


def test_the_bias_is_read_from_the_checkpoint(tmp_path: Path) -> None:
    model = of_family(tmp_path)
    maps = families.bias(model, ORDER, domains=10)
    width = model.model.config.width
    np.testing.assert_allclose(maps["size"], np.arange(25.0).reshape(5, 5) * np.sqrt(width), rtol=1e-6)
    for name in ("before, at the mean", "before, on average"):
        np.testing.assert_allclose(maps[name] + maps[name].T, 1.0, atol=1e-6)
    with pytest.raises(UsageError, match="'adag-small' has no bias of single variables"):
        families.bias(ADAG("adag-small", device="cpu"), ORDER)


def test_attention_is_the_product_of_the_kernels(tmp_path: Path) -> None:
    """The first layer's products again, kernel by kernel."""
    model = ADAG("adag-small", device="cpu")
    X = training_domains(ORDER, 1, 20)[0]
    seen: list[torch.Tensor] = []
    first: Any = model.model.layers[0]
    hook = first.norm_attention.register_forward_hook(lambda _, inputs, output: seen.append(output))
    maps = families.attention(model, X.numpy())
    hook.remove()
    assert len(maps) == 3 * model.model.config.layers
    parts = (seen[0][0].clone() @ first.attention.project.weight.T.detach()).double().numpy()
    q = np.moveaxis(parts, -1, 0).reshape(6, -1, 5, 5)
    rows, columns, paths = (
        np.einsum("cik,cjk->cij", q[0], q[1]), np.einsum("cki,ckj->cij", q[2], q[3]),
        np.einsum("cik,ckj->cij", q[4], q[5]),
    )  # fmt: skip
    for form, products in (("rows", rows), ("columns", columns), ("paths", paths)):
        expected = np.sqrt(np.square(products / np.sqrt(5)).mean(0))
        np.testing.assert_allclose(maps[1, form], expected, rtol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_domains_at_a_distance_keep_to_an_order_that_far_away(share: float) -> None:
    key = ORDER._replace(d=9, degree=4.0)  # complete graphs, so that a domain shows its whole order
    A, X = family_curves.domains(key, 3, 400, share)
    assert X.shape == (3, 400, 9)
    family = family_of(*key)
    assert family.order is not None
    for truth, samples in zip(A, X, strict=True):
        later = (truth != 0).sum(0)  # the number of causes is the place in the order
        tau = kendalltau(later, family.order.argsort().numpy()).statistic
        assert (1 - tau) / 2 == pytest.approx(share)
        assert float((samples - samples @ truth).std()) == pytest.approx(1.0, abs=0.1)


def test_curves_measure_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(family_curves, "SAMPLES", (10,))
    monkeypatch.setattr(family_curves, "INVERSIONS", (0.0, 1.0))
    monkeypatch.setattr(family_curves, "ADAPTED", (1, family_curves.USUAL))
    monkeypatch.setattr(family_curves, "CONTROLS", ("oracle-order-ridge[tuning=20]",))
    (tmp_path / "M").mkdir()
    (of := of_family(tmp_path / "M")).card["hours"] = 2.0
    table = family_curves.measure([of], 20, tmp_path / "M")
    assert table["curve"].value_counts().to_dict() == {"n": 4, "distance": 8, "M": 3}
    by = table.set_index(["curve", "method", "x"])["shd"]
    oracle = "oracle-order-ridge[tuning=20]"
    assert by["distance", oracle, 1.0] > 2 * by["distance", oracle, 0.0]
    # The small network knows no variable: its score at distance 0 is that of a general one on the same domains.
    assert by["distance", "adag-family, supervised", 0.0] == by["M", "adag-family, supervised", 1000.0]
    A, X = family_curves.domains(ORDER, 20, 20)
    wrong = [
        int(np.triu((g.adjacency != (a != 0)) | (g.adjacency != (a != 0)).T, 1).sum())
        for g, a in zip(ADAG("adag-small", device="cpu").discover_many(list(X)), A, strict=True)
    ]
    assert by["M", "adag-family, supervised", 1000.0] == pytest.approx(np.mean(wrong))
    assert by["distance", "adag-adapted", 0.0] == by["M", "adag-adapted", family_curves.USUAL]
    assert table.loc[table["method"] == oracle, "train_hours"].isna().all()
    assert (table["low"] <= table["shd"]).all()


def test_the_command_writes_and_draws_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adag_family, "FOLDER", tmp_path / "none")
    with pytest.raises(UsageError, match="no family checkpoint in results/families/checkpoints"):
        families.run(out=tmp_path / "out")
    model = of_family(tmp_path / "checkpoints")
    monkeypatch.setattr(families, "COMPONENTS", 1)
    model.model.layers = model.model.layers[:1]  # one panel of each kind: drawing is what takes time
    table, maps = families.look(model, ORDER, 20)
    curves = pd.DataFrame(
        {"family": "order-consistent", "d": 5, "curve": curve, "x": x, "method": method, "shd": 2.0 + k, "low": 1.5 + k,
         "high": 2.5 + k, "train_hours": hours}
        for curve, xs in (("n", (10, 20)), ("M", (10, 1000)), ("distance", (0.0, 0.5)))
        for k, x in enumerate(xs)
        for method, hours in (("adag-family, supervised", 0.5), ("oracle-order-ridge", np.nan), ("another", 0.1))
    )  # fmt: skip
    for name, frame in (("spectrum", table), ("maps", maps), ("curves", curves)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False, float_format="%.5g")
    assert families_figures.main([str(tmp_path)]) == 0
    drawn = {path: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    assert {path.stem for path in drawn} == {
        "spectrum-order-consistent-d5-supervised", "bias-order-consistent-d5-supervised",
        "attention-order-consistent-d5-supervised", "curves-order-consistent-d5",
    }  # fmt: skip
    (tmp_path / "again").mkdir()
    curves.to_csv(tmp_path / "again" / "curves.csv", index=False, float_format="%.5g")
    assert families_figures.main([str(tmp_path / "again")]) == 0
    for path in (tmp_path / "again" / "figures").iterdir():
        assert path.read_bytes() == drawn[tmp_path / "figures" / path.name]
    capsys.readouterr()
    assert families_figures.main([str(tmp_path / "none")]) == 2
    assert "none" in capsys.readouterr().err
