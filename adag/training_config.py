"""What defines a training run: read from TOML, kept whole on the model card. Called by `adag.pretrain`."""

import math
import tomllib
from pathlib import Path
from typing import Annotated

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adag import checkpoint as checkpoints
from adag.errors import UsageError
from adag.inference import Network, Objective, Precision, Reads, build
from adag.model import AttentionDAG
from adag.moments import HIGHER_MOMENTS
from adag.objective import AugmentedLagrangian
from adag.self_taught import Lessons, lessons
from adag.tasks import TaskMix

_DUAL_RATE = 0.1
"""By which the multiplier of a supervised network's cycles moves, every hundred steps."""


class PretrainConfig(BaseModel):
    """A training run; read from TOML, see ``adag/configs/``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    reads: Reads = "moments"
    """The network: `AttentionDAG`, or the AVICI-style `SampleNetwork`."""
    objective: Objective = "supervised"
    penalise_cycles: bool = False
    """Not unsupervised: cycles in the edge probabilities cost too, by a slow dual ascent as in AVICI."""
    seed: int = 0
    steps: Annotated[int, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    identity_learning_rate: Annotated[float, Field(gt=0)] | None = None
    """Of the variables' own bias, where the network has one (`adag.model.ModelConfig`); None: as for the rest."""
    warmup: Annotated[int, Field(ge=0)] = 200
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    weight_loss: float = 0.1
    accumulate: Annotated[int, Field(gt=0)] = 1
    """Batches of tasks whose gradients are averaged into one step."""
    init: str | None = None
    """Checkpoint (a shipped name or a file) to go on from; layers it lacks are added as the identity."""
    precision: Precision = "float32"
    validate_every: Annotated[int, Field(gt=0)] = 500
    save_every: Annotated[int, Field(gt=0)] = 500
    higher_moments: bool = True
    """Whether the network is shown third and fourth cross-moments; without, its weights on them stay zero."""
    architecture: dict[str, int] = Field(default_factory=dict)
    validation: tuple[tuple[int, int], ...] = ((5, 20), (10, 10), (10, 20), (10, 50), (10, 100), (20, 20), (20, 100))
    tasks: TaskMix

    @model_validator(mode="after")
    def _possible(self) -> "PretrainConfig":
        domains, rows = self.tasks.domains, self.tasks.n
        if self.objective == "supervised" and domains is not None:
            raise ValueError("domains without true graphs are for objective = 'unsupervised' or 'self-taught'")
        if self.objective == "unsupervised" and domains is not None and rows[0] != rows[1]:
            raise ValueError("an unsupervised run on a number of domains needs one n (n = [20, 20])")
        if self.objective == "self-taught":
            if domains is None or self.init is None:
                raise ValueError("a self-taught run needs 'init', the checkpoint that teaches, and a number of domains")
            if rows[1] < self.tasks.d[0][0]:
                raise ValueError("a self-taught run fits SEMs to the largest n rows: give as many as variables or more")
            laws = (self.tasks.variance, self.tasks.scale)
            if len(self.tasks.noise) > 1 or [[value for value, _ in law] for law in laws] != [["equal"], ["raw"]]:
                raise ValueError("a self-taught run is on raw data with equal variances and one noise law")
        if self.reads == "samples" and (self.init is not None or not self.higher_moments):
            raise ValueError("a network that reads samples takes neither 'init' nor 'higher_moments': remove them")
        return self

    def lagrangian(self) -> AugmentedLagrangian:
        """How hard cycles are penalised: until there are none where nothing else says so, else by slow dual ascent."""
        if self.objective == "unsupervised":
            return AugmentedLagrangian()
        return AugmentedLagrangian(penalty=_DUAL_RATE, ceiling=_DUAL_RATE)

    def lessons(self, device: torch.device) -> Lessons | None:
        """What a self-taught run learns from; None for the other objectives."""
        if self.objective != "self-taught":
            return None
        key, domains = self.tasks.family_key(), self.tasks.domains
        assert self.init is not None
        assert key is not None
        assert domains is not None
        return lessons(self.init, key, domains, self.tasks.n[1], self.tasks.noise[0][0], device)

    def network(self) -> Network:
        """A network of this architecture: freshly initialised, or grown from the checkpoint `init`."""
        try:
            network = build(self.reads, self.architecture)
        except TypeError as e:
            raise UsageError(str(e)) from None
        if not isinstance(network, AttentionDAG):
            return network
        if not self.higher_moments:
            with torch.no_grad():
                network.embed.weight[:, HIGHER_MOMENTS] = 0.0
        if self.init is not None:
            start = checkpoints.load(self.init).model
            try:
                if not isinstance(start, AttentionDAG):
                    raise ValueError(f"it reads {start.reads}")
                network.grow_from(start)
            except ValueError as e:
                raise UsageError(f"cannot start from '{self.init}': {e}") from None
        return network


def load_config(path: str | Path) -> PretrainConfig:
    """Read and validate a training configuration; the offending key is named."""
    try:
        return PretrainConfig.model_validate(tomllib.loads(Path(path).read_text()))
    except OSError:
        raise UsageError(f"no training configuration '{path}': see adag/configs/") from None
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"'{path}' is not valid TOML: {e}") from None
    except ValidationError as e:
        first = e.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"'{path}', key '{key}': {first['msg']}") from None


def learning_rate(config: PretrainConfig, step: int) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to 1%."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share))
