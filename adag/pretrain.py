"""Pre-training, read top to bottom: configuration, one loop over fresh tasks, a checkpoint with its card.

Called by ``python -m adag pretrain``. Every step draws its tasks from (seed, step) alone, and the training state
is saved as safetensors, so a run that was killed goes on and ends with the weights it would have had.
"""

import json
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adag import checkpoint as checkpoints
from adag.acyclicity import h_expm
from adag.card import markdown
from adag.heldout import validate, validation_sets
from adag.inference import Network, inputs, predict
from adag.model import Prediction
from adag.moments import HIGHER_MOMENTS
from adag.objective import AugmentedLagrangian, supervised, unsupervised
from adag.tasks import Batch, distinct_tasks, draw
from adag.training_config import PretrainConfig, learning_rate
from adag.training_state import TrainingState


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
    groups = parameter_groups(model, config)
    peaks = [group["lr"] for group in groups]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    lessons = config.lessons(where)
    defines = config.model_dump_json() + (lessons.digest if lessons else "")
    state = TrainingState(state_file, defines, model, average, optimizer)
    first, seconds, tasks_seen = 0, 0.0, 0
    lagrangian = config.lagrangian()
    if progress := state.resume():
        first, seconds, tasks_seen = progress["step"], progress["seconds"], progress["tasks"]
        lagrangian.restore(progress["lagrangian"])
    started = time.perf_counter() - seconds
    sets = validation_sets(config.validation, config.tasks.family_key())

    for step in range(first, config.steps):
        for group, peak in zip(optimizer.param_groups, peaks, strict=True):
            group["lr"] = peak * learning_rate(config, step)
        optimizer.zero_grad(set_to_none=True)
        for part in range(config.accumulate):
            source = config.tasks.source(step * config.accumulate + part)
            batch = draw(config.tasks, config.seed, source, where, lessons)
            tasks_seen += len(batch.A)
            shown = inputs(model, batch.moments, batch.samples, where)
            if not config.higher_moments:
                shown[0][..., HIGHER_MOMENTS] = 0.0  # no gradient: the zero weights on them stay
            with torch.autocast(where.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
                prediction = predict(model, shown)
            losses = losses_of(config, prediction, batch)
            loss = total(config, losses, lagrangian)
            (loss / config.accumulate).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        if "acyclicity" in losses:
            lagrangian.update(float(losses["acyclicity"].detach()))
        decay = min(config.ema, (step + 1) / (step + 10))  # a young average follows closely
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
                slow.lerp_(fast, 1.0 - decay)

        done = step + 1
        validation = None
        if done % config.validate_every == 0 or done == config.steps:
            validation = validate(average, sets, config.objective)
            seconds = time.perf_counter() - started
            entry = {"step": done, "seconds": round(seconds, 1), "tasks": tasks_seen, "loss": float(loss.detach())}
            entry |= {name: float(value.detach()) for name, value in losses.items()}
            with log_file.open("a") as log:
                log.write(json.dumps(entry | {"validation_shd": validation}) + "\n")
        if done % config.save_every == 0 and done < config.steps:
            seconds = time.perf_counter() - started
            state.save({"step": done, "seconds": seconds, "tasks": tasks_seen, "lagrangian": lagrangian.state()})
        if on_step:
            on_step(done, float(loss.detach()), validation)

    card = _card(
        config, revision, where, time.perf_counter() - started, tasks_seen, validate(average, sets, config.objective)
    )
    checkpoints.save(out, average, card)
    out.with_suffix(".md").write_text(markdown(average, card))
    state.remove()
    return checkpoints.Checkpoint(average.eval(), card)


def parameter_groups(model: Network, config: PretrainConfig) -> list[dict[str, Any]]:
    """The network's weights, and the variables' own bias where there is one: it starts at zero and has far to go."""
    identity = [p for name, p in model.named_parameters() if name == "identity"]
    rest = [p for name, p in model.named_parameters() if name != "identity"]
    groups = [{"params": rest, "lr": config.learning_rate, "weight_decay": config.weight_decay}]
    if identity:
        rate = config.identity_learning_rate or config.learning_rate
        groups.append({"params": identity, "lr": rate, "weight_decay": 0.0})
    return groups


def losses_of(config: PretrainConfig, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
    """The parts of the loss, by name; the supervised one is shown true weights, the self-taught one fitted weights."""
    if config.objective == "unsupervised":
        return unsupervised(prediction, batch.moments, batch.covariance)
    losses = supervised(prediction, batch.A, batch.moments.std)
    if config.penalise_cycles:
        losses["acyclicity"] = h_expm(prediction.edge_probability()).mean() / batch.A.shape[-1]
    return losses


def total(config: PretrainConfig, losses: dict[str, Tensor], lagrangian: AugmentedLagrangian) -> Tensor:
    """What is minimised."""
    if config.objective == "unsupervised":
        loss = losses["likelihood"]
    else:
        loss = losses["skeleton"] + losses["direction"] + config.weight_loss * losses["weight"]
    return loss + lagrangian.term(losses["acyclicity"]) if "acyclicity" in losses else loss


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
        "objective": config.objective,
        "init": _parent(config.init),
        "family": config.tasks.family,
        "steps": config.steps,
        "tasks": tasks,
        "distinct_tasks": distinct_tasks(
            config.tasks, config.seed, config.steps * config.accumulate, simulated=config.objective == "self-taught"
        ),
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
