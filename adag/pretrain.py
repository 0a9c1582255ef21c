"""Pre-training, read top to bottom: configuration, one loop over fresh tasks, a checkpoint with its card.

Called by ``python -m adag pretrain``. Every step draws its tasks from (seed, step) alone, and the training state
is saved as safetensors, so a run that was killed goes on and ends with the weights it would have had.
"""

import json
import math
import platform
import subprocess
import time
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from adag import checkpoint as checkpoints
from adag.card import markdown
from adag.decode import least_expected_shd
from adag.errors import UsageError
from adag.model import AttentionDAG, ModelConfig, Prediction
from adag.moments import Moments, pair_features
from adag.objective import supervised
from adag.sem import simulate
from adag.tasks import TaskMix, draw
from adag.training_state import TrainingState

VALIDATION_SEED = 7_000_000_019
"""Validation sets are drawn from here; training and the benchmark's grids use other seeds."""


class PretrainConfig(BaseModel):
    """A training run; read from TOML, see ``adag/configs/``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    seed: int = 0
    steps: Annotated[int, Field(gt=0)]
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    warmup: Annotated[int, Field(ge=0)] = 200
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    weight_loss: float = 0.1
    accumulate: Annotated[int, Field(gt=0)] = 1
    """Batches of tasks whose gradients are averaged into one step."""
    init: str | None = None
    """Checkpoint (a shipped name or a file) to go on from; layers it lacks are added as the identity."""
    precision: Literal["float32", "bfloat16"] = "float32"
    validate_every: Annotated[int, Field(gt=0)] = 500
    save_every: Annotated[int, Field(gt=0)] = 500
    architecture: dict[str, int] = Field(default_factory=dict)
    validation: tuple[tuple[int, int], ...] = ((5, 20), (10, 10), (10, 20), (10, 50), (10, 100), (20, 20), (20, 100))
    tasks: TaskMix

    def network(self) -> AttentionDAG:
        """A network of this architecture: freshly initialised, or grown from the checkpoint `init`."""
        known = {f.name for f in fields(ModelConfig)}
        for key in self.architecture:
            if key not in known:
                raise UsageError(f"unknown key 'architecture.{key}': one of {', '.join(sorted(known))}")
        network = AttentionDAG(ModelConfig(**self.architecture))
        if self.init is not None:
            start = checkpoints.load(self.init).model
            try:
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


def pretrain(
    config: PretrainConfig,
    out: str | Path,
    *,
    device: str = "cpu",
    on_step: Callable[[int, float, dict[str, float] | None], None] | None = None,
) -> checkpoints.Checkpoint:
    """Train on fresh tasks until ``config.steps``, resuming from ``out``'s training state if there is one.

    Parameters
    ----------
    config : PretrainConfig
        See `load_config`.
    out : path
        The checkpoint to write. Beside it: ``NAME.state.safetensors`` (to resume; removed at the end)
        ``NAME.log.jsonl`` (loss, validation SHD, tasks seen) and ``NAME.md``, the model card.
    device : str
        A torch device; tasks are generated on it too.
    on_step : callable, optional
        Called after every step with (step, loss, validation SHD by cell or None), for a progress bar.

    Returns
    -------
    Checkpoint
        The exponential moving average of the weights, with its card.
    """
    out = Path(out)
    state_file, log_file = out.with_suffix(".state.safetensors"), out.with_suffix(".log.jsonl")
    out.parent.mkdir(parents=True, exist_ok=True)
    where = torch.device(device)
    revision = _git_revision()  # now: the checkout may have moved on by the end
    torch.manual_seed(config.seed)
    model = config.network().to(where)
    average = config.network().to(where)
    average.load_state_dict(model.state_dict())
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    state = TrainingState(state_file, config.model_dump_json(), model, average, optimizer)
    first, seconds, tasks_seen = state.resume()
    started = time.perf_counter() - seconds
    sets = validation_sets(config.validation)

    for step in range(first, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(config, step)
        optimizer.zero_grad(set_to_none=True)
        for part in range(config.accumulate):
            batch = draw(config.tasks, config.seed, step * config.accumulate + part, where)
            tasks_seen += len(batch.A)
            features = pair_features(batch.moments)
            with torch.autocast(where.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                prediction = model(features)
            prediction = Prediction(*(t.float() for t in prediction))
            losses = supervised(prediction, batch.A, batch.moments.std)
            loss = losses["skeleton"] + losses["direction"] + config.weight_loss * losses["weight"]
            (loss / config.accumulate).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        decay = min(config.ema, (step + 1) / (step + 10))  # a young average follows closely
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1.0 - decay)

        done = step + 1
        validation = None
        if done % config.validate_every == 0 or done == config.steps:
            validation = validate(average, sets)
            seconds = time.perf_counter() - started
            entry = {"step": done, "seconds": round(seconds, 1), "tasks": tasks_seen, "loss": float(loss.detach())}
            entry |= {name: float(value.detach()) for name, value in losses.items()}
            with log_file.open("a") as log:
                log.write(json.dumps(entry | {"validation_shd": validation}) + "\n")
        if done % config.save_every == 0 and done < config.steps:
            state.save(done, time.perf_counter() - started, tasks_seen)
        if on_step:
            on_step(done, float(loss.detach()), validation)

    card = _card(config, revision, where, time.perf_counter() - started, tasks_seen, validate(average, sets))
    checkpoints.save(out, average, card)
    out.with_suffix(".md").write_text(markdown(average, card))
    state.remove()
    return checkpoints.Checkpoint(average.eval(), card)


def learning_rate(config: PretrainConfig, step: int) -> float:
    """Linear warm-up, then a cosine to 1% of the peak."""
    if step < config.warmup:
        return config.learning_rate * (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * share)))


def validation_sets(cells: tuple[tuple[int, int], ...], size: int = 100) -> dict[str, tuple[Moments, Tensor]]:
    """Held-out raw ER2 (ER1 at d <= 5) Gaussian equal-variance data sets for each (d, n), to watch training by."""
    sets = {}
    for d, n in cells:
        generator = torch.Generator().manual_seed(VALIDATION_SEED + 1000 * d + n)
        A, X = simulate(size, d, n, degree=1 if d <= 5 else 2, generator=generator)
        sets[f"d={d} n={n}"] = (Moments.of(X), A)
    return sets


@torch.no_grad()
def validate(model: AttentionDAG, sets: dict[str, tuple[Moments, Tensor]]) -> dict[str, float]:
    """Mean SHD on each validation set, decoded exactly as `ADAG.discover` decodes."""
    device = next(model.parameters()).device
    result = {}
    for name, (moments, A) in sets.items():
        probability = model(pair_features(moments).to(device)).edge_probability().double().cpu().numpy()
        truth = (A != 0).numpy()
        total = 0
        for p, t in zip(probability, truth, strict=True):
            wrong = least_expected_shd(p).astype(bool) != t
            total += int((wrong | wrong.T).sum()) // 2
        result[name] = round(total / len(truth), 3)
    return result


def _card(
    config: PretrainConfig,
    revision: str,
    device: torch.device,
    seconds: float,
    tasks: int,
    validation: dict[str, float],
) -> dict[str, Any]:
    return {
        "name": config.name,
        "objective": "supervised",
        "init": _parent(config.init),
        "family": "general",
        "steps": config.steps,
        "tasks": tasks,
        "hours": round(seconds / 3600, 3),
        "hardware": hardware(device),
        "torch": torch.__version__,
        "git_revision": revision,
        "validation_shd": validation,
        "config": config.model_dump(mode="json"),
    }


def _parent(init: str | None) -> dict[str, Any] | None:
    """What a run started from, and what that had cost."""
    if init is None:
        return None
    parent = checkpoints.load(init)
    kept = ("name", "steps", "tasks", "hours", "hardware", "git_revision", "init")
    return {key: parent.card.get(key) for key in kept} | {"digest": parent.digest}


def hardware(device: torch.device) -> str:
    """The device in words, with the threads it ran on."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s)"


def _git_revision() -> str:
    here = Path(__file__).parent
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=here, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git checkout)"
    return result.stdout.strip()
