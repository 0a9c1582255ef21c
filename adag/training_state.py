"""The state of an interrupted training run, so that it goes on and ends with the weights it would have had.

Safetensors like every file of weights; written whole or not at all. Called by `adag.pretrain` and `adag.adapt`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from adag.errors import CheckpointError, UsageError


@dataclass(frozen=True)
class TrainingState:
    """Everything that the next step of a run depends on, and the file it is kept in.

    Attributes
    ----------
    path : Path
        The state file.
    config : str
        The run's configuration, and what else defines it, as text; a state of another one is refused.
    model, average : Module
        The network and the moving average of its weights.
    optimizer : Optimizer
        Its moments are kept too.
    """

    path: Path
    config: str
    model: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer

    def save(self, progress: dict[str, Any]) -> None:
        """Write the state, with `progress` (plain values) beside it; the old file goes once the new one is whole."""
        tensors = {f"model/{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average/{k}": v for k, v in self.average.state_dict().items()}
        for index, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{k}": v for k, v in moments.items()}
        tensors = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
        partial = self.path.with_suffix(".partial")
        save_file(tensors, partial, metadata={"config": self.config, "progress": json.dumps(progress)})
        partial.replace(self.path)

    def resume(self) -> dict[str, Any] | None:
        """Restore what was saved and return its progress; None if there is nothing.

        Raises
        ------
        CheckpointError
            The file is damaged.
        UsageError
            It belongs to a run with another configuration.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata()
            tensors = load_file(self.path)
        except SafetensorError as e:
            raise CheckpointError(
                f"the training state '{self.path}' is damaged ({e}): delete it to start afresh"
            ) from None
        if metadata["config"] != self.config:
            raise UsageError(
                f"'{self.path}' belongs to a run with another configuration: delete it, or choose another --out"
            )
        state = self.optimizer.state_dict()
        state["state"] = {}
        for key, value in tensors.items():
            kind, rest = key.split("/", 1)
            if kind == "optimizer":
                index, name = rest.split("/")
                state["state"].setdefault(int(index), {})[name] = value
        self.optimizer.load_state_dict(state)
        for kind, network in (("model/", self.model), ("average/", self.average)):
            network.load_state_dict({k.removeprefix(kind): v for k, v in tensors.items() if k.startswith(kind)})
        progress: dict[str, Any] = json.loads(metadata["progress"])
        return progress

    def remove(self) -> None:
        """Delete the file: the run is complete."""
        self.path.unlink(missing_ok=True)
