"""Training: a killed run resumes to the same weights; configuration errors name their key."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adag import ADAG, UsageError
from adag.errors import CheckpointError
from adag.moments import pair_features
from adag.pretrain import pretrain
from adag.tasks import draw
from adag.training_config import PretrainConfig, load_config

CONFIG = """
name = "tiny"
seed = 3
steps = 6
warmup = 2
validate_every = 3
save_every = 2
validation = [[4, 20]]
[architecture]
width = 8
layers = 1
kernels = 4
[tasks]
pairs_per_step = 200
groups_per_step = 2
n = [5, 40]
d = [[3, 1], [5, 1]]
degree = [[1, 1]]
graph = [["er", 1], ["sf", 1]]
noise = [["gaussian", 1], ["laplace", 1]]
variance = [["equal", 1], ["unequal", 1]]
scale = [["raw", 1], ["standardised", 1], ["iscm", 1]]
"""


class Killed(Exception):
    pass


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def test_killed_training_resumes_to_the_same_weights(config_file: Path, tmp_path: Path) -> None:
    config = load_config(config_file)
    undisturbed = pretrain(config, tmp_path / "a.safetensors")

    def kill(step: int, loss: float, validation: object) -> None:
        if step == 5:
            raise Killed

    with pytest.raises(Killed):
        pretrain(config, tmp_path / "b.safetensors", on_step=kill)
    seen: list[int] = []
    resumed = pretrain(config, tmp_path / "b.safetensors", on_step=lambda step, *_: seen.append(step))
    assert seen == [5, 6], "it went on from the last saved state"
    for (name, one), two in zip(
        undisturbed.model.state_dict().items(), resumed.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), name
    assert not list(tmp_path.glob("*.state.*")), "the training state is removed at the end"
    assert resumed.card["tasks"] == undisturbed.card["tasks"]
    log = [json.loads(line) for line in (tmp_path / "a.log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [3, 6]
    assert set(log[0]["validation_shd"]) == {"d=4 n=20"}
    assert ADAG(tmp_path / "a.safetensors").card["config"]["seed"] == 3


def test_a_state_of_another_run_is_refused(config_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.safetensors"

    def kill(step: int, *_: object) -> None:
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        pretrain(load_config(config_file), out, on_step=kill)
    config_file.write_text(CONFIG.replace("seed = 3", "seed = 4"))
    with pytest.raises(UsageError, match="another configuration"):
        pretrain(load_config(config_file), out)
    out.with_suffix(".state.safetensors").write_bytes(b"junk")
    with pytest.raises(CheckpointError, match="damaged"):
        pretrain(load_config(config_file), out)


def test_tasks_depend_on_seed_and_step_alone(config_file: Path) -> None:
    tasks, cpu = load_config(config_file).tasks, torch.device("cpu")
    torch.manual_seed(0)
    one = draw(tasks, 5, 7, cpu)
    torch.manual_seed(1)
    two = draw(tasks, 5, 7, cpu)
    assert torch.equal(one.A, two.A)
    assert torch.equal(one.moments.corr, two.moments.corr)
    assert not torch.equal(one.A, draw(tasks, 5, 8, cpu).A) or one.A.shape != draw(tasks, 5, 8, cpu).A.shape


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 6", "steps = -1", "key 'steps'"),
        ("warmup = 2", "warm_up = 2", "key 'warm_up'"),
        ("width = 8", "girth = 8", r"architecture\.girth"),
        ('["er", 1]', '["lattice", 1]', r"key 'tasks\.graph"),
        ("steps = 6", "steps = ", "not valid TOML"),
    ],
)
def test_configuration_errors_name_the_key(config_file: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    config_file.write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(UsageError, match=words):
        pretrain(load_config(config_file), tmp_path / "x.safetensors")


def test_missing_configuration(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no training configuration"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["small", "base", "unsupervised"])
def test_a_shipped_recipe_is_valid_and_made_its_shipped_checkpoint(name: str) -> None:
    config = load_config(Path(__file__).parents[2] / "adag" / "configs" / f"{name}.toml")
    card = ADAG(f"adag-{name}", device="cpu").card
    # Keys that were added to the configuration since the checkpoint was trained have their defaults.
    assert config == PretrainConfig.model_validate(card["config"])


def test_a_network_grown_from_a_checkpoint_starts_as_the_same_function(config_file: Path, tmp_path: Path) -> None:
    small = pretrain(load_config(config_file), tmp_path / "small.safetensors")
    deeper = CONFIG.replace("layers = 1", "layers = 3").replace(
        'name = "tiny"', f'name = "deep"\ninit = "{tmp_path}/small.safetensors"\naccumulate = 2'
    )
    config_file.write_text(deeper)
    config = load_config(config_file)
    features = pair_features(draw(config.tasks, 0, 0, torch.device("cpu")).moments)
    for one, two in zip(small.model(features), config.network()(features), strict=True):
        torch.testing.assert_close(one, two)
    grown = pretrain(config, tmp_path / "deep.safetensors")
    assert grown.card["init"]["name"] == "tiny"
    assert grown.card["init"]["tasks"] == small.card["tasks"]
    assert grown.model.config.layers == 3
    assert any(layer.outer.weight.abs().sum() > 0 for layer in list(grown.model.layers)[1:]), "new layers learn"
    config_file.write_text(deeper.replace("width = 8", "width = 16"))
    with pytest.raises(UsageError, match="its width is 8, not 16"):
        load_config(config_file).network()


def test_accumulated_gradients_come_from_different_tasks(config_file: Path, tmp_path: Path) -> None:
    config_file.write_text(CONFIG.replace("warmup = 2", "warmup = 2\naccumulate = 3"))
    accumulated = pretrain(load_config(config_file), tmp_path / "a.safetensors")
    config_file.write_text(CONFIG)
    plain = pretrain(load_config(config_file), tmp_path / "b.safetensors")
    assert accumulated.card["tasks"] > 2 * plain.card["tasks"]


def test_a_pool_of_batches_is_repeated_and_counted(config_file: Path, tmp_path: Path) -> None:
    endless = pretrain(load_config(config_file), tmp_path / "endless.safetensors")
    assert endless.card["distinct_tasks"] == endless.card["tasks"]
    assert "each once" in (tmp_path / "endless.md").read_text()
    config_file.write_text(CONFIG.replace("[tasks]", "[tasks]\npool = 2"))
    config = load_config(config_file)
    assert [config.tasks.source(step) for step in range(5)] == [0, 1, 0, 1, 0]
    drawn = sum(len(draw(config.tasks, config.seed, step, torch.device("cpu")).A) for step in range(2))
    pooled = pretrain(config, tmp_path / "pooled.safetensors")
    assert pooled.card["distinct_tasks"] == drawn < pooled.card["tasks"]
    assert f"{drawn} of them distinct" in (tmp_path / "pooled.md").read_text()
    assert not torch.equal(pooled.model.embed.weight, endless.model.embed.weight)


def test_a_network_without_higher_moments_does_not_read_them(config_file: Path, tmp_path: Path) -> None:
    config_file.write_text(CONFIG.replace("seed = 3", "seed = 3\nhigher_moments = false"))
    model = pretrain(load_config(config_file), tmp_path / "a.safetensors").model
    moments = draw(load_config(config_file).tasks, 0, 0, torch.device("cpu")).moments
    other = replace(moments, skew=moments.skew + 1.0, kurt=moments.kurt - 2.0)
    assert not torch.equal(pair_features(moments), pair_features(other))
    for one, two in zip(model(pair_features(moments)), model(pair_features(other)), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize(("spread", "low", "high"), [(False, 1.0, 1.0), (True, 0.3, 0.7)])
def test_two_variables_are_joined_always_or_as_often_as_not(
    config_file: Path, spread: bool, low: float, high: float
) -> None:
    config_file.write_text(CONFIG.replace("d = [[3, 1], [5, 1]]", f"d = [[2, 1]]\nspread = {str(spread).lower()}"))
    tasks = load_config(config_file).tasks
    joined = torch.cat([(draw(tasks, 0, step, torch.device("cpu")).A != 0).sum((1, 2)).float() for step in range(40)])
    assert low <= joined.mean() <= high


def test_the_density_of_a_family_cannot_spread(config_file: Path) -> None:
    one = CONFIG.replace("[[3, 1], [5, 1]]", '[[5, 1]]\nspread = true\nfamily = "heterogeneous"')
    config_file.write_text(one.replace('[["er", 1], ["sf", 1]]', '[["er", 1]]'))
    with pytest.raises(UsageError, match="spread is for the general family"):
        load_config(config_file)
