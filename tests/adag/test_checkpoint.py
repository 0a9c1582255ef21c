"""Checkpoints: a round trip, and each way to be unusable named."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from adag import ADAG
from adag import checkpoint as checkpoints
from adag.errors import CheckpointError
from adag.model import AttentionDAG, ModelConfig


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    path = tmp_path / "small.safetensors"
    checkpoints.save(path, AttentionDAG(ModelConfig(width=8, layers=1, kernels=4)), {"name": "tiny", "steps": 0})
    return path


def test_round_trip(saved: Path, tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(20, 4))
    first = ADAG(saved)
    assert first.card["name"] == "tiny"
    first.save(tmp_path / "copy.safetensors")
    second = ADAG(tmp_path / "copy.safetensors")
    np.testing.assert_array_equal(first.discover(X).confidence, second.discover(X).confidence)
    assert first.version == second.version, "the same weights and card are the same version"
    assert list(tmp_path.glob("*.partial")) == []


def test_truncated(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged or not a safetensors file"):
        ADAG(saved)


def test_not_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"\x80\x05pickle, or something like it" * 10)
    with pytest.raises(CheckpointError, match="damaged or not a safetensors file"):
        ADAG(path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        ADAG(path)


def test_foreign(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(2)}, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="not an ADAG checkpoint"):
        ADAG(path)


def test_other_architecture(saved: Path) -> None:
    from safetensors import safe_open

    with safe_open(saved, framework="pt") as file:
        metadata, tensors = file.metadata(), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    save_file(tensors, saved, metadata=metadata | {"config": '{"width": 16}'})
    with pytest.raises(CheckpointError, match="another version of ADAG"):
        ADAG(saved)
    save_file(tensors, saved, metadata=metadata | {"config": '{"colour": 16}'})
    with pytest.raises(CheckpointError, match="another version of ADAG"):
        ADAG(saved)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint .*adag-foundation"):
        ADAG(tmp_path / "nothing.safetensors")


def test_the_shipped_one_is_small_and_says_what_it_saw() -> None:
    assert checkpoints.DEFAULT in checkpoints.shipped()
    assert checkpoints.shipped()[checkpoints.DEFAULT].stat().st_size < 25e6
    card = checkpoints.load().card
    for key in ("steps", "tasks", "hours", "hardware", "git_revision", "validation_shd", "config"):
        assert card[key], key
    text = checkpoints.shipped()[checkpoints.DEFAULT].with_suffix(".md").read_text()
    for stage in ("adag-base", "adag-small"):
        assert f"| started from | {stage}" in text
        assert stage in ADAG(device="cpu").training
    assert f"{card['steps']:,}" in text
    assert f"{card['tasks']:,}" in text


def test_another_default_precision_does_not_matter() -> None:
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)  # as importing gcastle does
        assert {p.dtype for p in checkpoints.load("adag-small").model.parameters()} == {torch.float32}
    finally:
        torch.set_default_dtype(before)
