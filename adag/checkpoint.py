"""Checkpoints: weights as safetensors, with the architecture and a model card in the file's own metadata.

Never pickle: a checkpoint from a stranger is data, not code. Called by `adag.pretrain` (write) and
`adag.estimator` (read); the shipped ones lie in ``adag/checkpoints/``.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from adag.errors import CheckpointError
from adag.inference import Network, build

FORMAT = "adag-checkpoint-1"
DEFAULT = "adag-foundation"


@dataclass(frozen=True)
class Checkpoint:
    """A network ready to use and the card that says what it saw."""

    model: Network
    card: dict[str, Any]
    digest: str = ""
    """First 8 hex digits of the SHA-256 of the weights as read: their identity in results."""

    @classmethod
    def of(cls, model: Network, card: dict[str, Any]) -> "Checkpoint":
        """One that is not on disk yet."""
        return cls(model.eval(), card, _digest({k: v.detach().float().cpu() for k, v in model.state_dict().items()}))


def shipped() -> dict[str, Path]:
    """The checkpoints that come with the package: name -> file."""
    folder = Path(str(files("adag") / "checkpoints"))
    return {p.stem: p for p in sorted(folder.glob("*.safetensors"))}


def save(path: str | Path, model: Network, card: dict[str, Any]) -> None:
    """Write a checkpoint; the old file, if any, is replaced only once the new one is whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    tensors = {k: v.detach().float().cpu().contiguous() for k, v in model.state_dict().items()}
    save_file(
        tensors,
        partial,
        metadata={
            "format": FORMAT,
            "reads": model.reads,
            "config": json.dumps(model.config.as_dict()),
            "card": json.dumps(card),
        },
    )
    partial.replace(path)


def load(checkpoint: str | Path | None = None, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a shipped checkpoint by name, or any by path.

    Raises
    ------
    CheckpointError
        No such file or name; truncated or not safetensors; safetensors of another model; or an architecture this
        version does not have.
    """
    path = _resolve(checkpoint)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise CheckpointError(
                    f"'{path}' is not an ADAG checkpoint (format {metadata.get('format', 'unmarked')!r}, expected "
                    f"{FORMAT!r}): give a file written by 'python -m adag pretrain'"
                )
            config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
            tensors = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as e:
        raise CheckpointError(f"'{path}' is damaged or not a safetensors file ({e}): restore or re-train it") from None
    try:
        # float() since gcastle's import makes torch's default float64; files from before SampleNetwork name no `reads`.
        model = build(metadata.get("reads", "moments"), config).float()
        model.load_state_dict(tensors)
    except (TypeError, RuntimeError) as e:
        first = str(e).splitlines()[0]
        raise CheckpointError(
            f"'{path}' was written by another version of ADAG ({first}): "
            "re-train it, or install the version on its card"
        ) from None
    return Checkpoint(model.eval().to(device), card, _digest(tensors))


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    """Of the weights, not of the file: the order of a safetensors header is not fixed."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(name.encode())
        total.update(tensors[name].numpy().tobytes())
    return total.hexdigest()[:8]


def _resolve(checkpoint: str | Path | None) -> Path:
    known = shipped()
    if checkpoint is None:
        checkpoint = DEFAULT
    if str(checkpoint) in known:
        return known[str(checkpoint)]
    path = Path(checkpoint)
    if not path.is_file():
        names = ", ".join(known) or "none"
        raise CheckpointError(f"no checkpoint '{checkpoint}': give a file, or one of the shipped names ({names})")
    return path
