"""Learning from one's own fits: what is fitted, that no true graph is needed for it, and that a run can be resumed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from adag import UsageError
from adag.families import FamilyKey, family_of, training_domains
from adag.pretrain import pretrain
from adag.self_taught import Lessons, lessons
from adag.training_config import load_config
from baselines.adag_family import FOLDER

KEY = FamilyKey("order-consistent", 10, 2.0, "er", 0)
TEACHER = FOLDER / "order-consistent-d10-unsupervised.safetensors"
CONFIG = f"""
name = "taught"
objective = "self-taught"
init = "{TEACHER}"
steps = 4
warmup = 1
validate_every = 2
save_every = 1
validation = [[10, 20]]
[architecture]
width = 48
layers = 6
kernels = 24
variables = 10
[tasks]
family = "order-consistent"
domains = 20
pairs_per_step = 800
groups_per_step = 2
n = [5, 40]
d = [[10, 1]]
degree = [[2, 1]]
graph = [["er", 1]]
noise = [["gaussian", 1]]
variance = [["equal", 1]]
scale = [["raw", 1]]
"""


def test_what_is_fitted_is_close_to_what_the_data_are_from() -> None:
    fits = lessons(str(TEACHER), KEY, 50, 100, "gaussian", torch.device("cpu"))
    place = np.argsort(family_of(*KEY).order.numpy())
    found = (fits.A != 0).numpy()
    assert 18 < found.sum((1, 2)).mean() < 22  # ER2: 20 edges
    assert (found & (place[:, None] > place[None, :])).sum() <= 0.01 * found.sum(), "the order has been learnt"
    assert fits.noise_std.mean().item() == pytest.approx(1, abs=0.05)
    assert (fits.noise_std == fits.noise_std[:, :1]).all()
    # The SEMs explain the data they were fitted to: each has the covariance of its own data set, nearly.
    X = training_domains(KEY, 50, 100)
    sems = fits.sems(200, noise="gaussian", generator=torch.Generator().manual_seed(0))
    assert sems.covariance().diagonal(dim1=1, dim2=2).mean().item() == pytest.approx(X.var(1).mean().item(), rel=0.25)


def test_a_killed_run_goes_on_to_the_same_weights_and_its_card_says_where_the_lessons_are_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    config = load_config(tmp_path / "config.toml")
    undisturbed = pretrain(config, tmp_path / "a.safetensors")

    class Killed(Exception):
        pass

    def kill(step: int, loss: float, validation: object) -> None:
        if step == 3:
            raise Killed

    with pytest.raises(Killed):
        pretrain(config, tmp_path / "b.safetensors", on_step=kill)
    resumed = pretrain(config, tmp_path / "b.safetensors")
    with pytest.raises(Killed):
        pretrain(config, tmp_path / "c.safetensors", on_step=kill)
    monkeypatch.setattr(Lessons, "digest", "of other fits")
    with pytest.raises(UsageError, match="another configuration"):
        pretrain(config, tmp_path / "c.safetensors")
    for one, two in zip(undisturbed.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, two)
    card = (tmp_path / "a.md").read_text()
    assert "fitted by order-consistent-d10-unsupervised to 20 unlabelled data sets of 40 rows" in card
    assert "no true graph in it" in card
    assert "What the fitted data are from" in card
    assert undisturbed.card["distinct_tasks"] == undisturbed.card["tasks"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("domains = 20\n", "", "needs 'init', the checkpoint that teaches, and a number of domains"),
        ("n = [5, 40]", "n = [5, 9]", "as many as variables or more"),
        ('objective = "self-taught"', 'objective = "supervised"', "for objective = 'unsupervised' or 'self-taught'"),
        ('objective = "self-taught"', 'objective = "unsupervised"', "needs one n"),
        ('variance = [["equal', 'variance = [["unequal', "raw data with equal variances and one noise law"),
        ("domains = 20", "domains = 20\nweights = [[[0.2, 1.0], 1]]", "of the usual weights"),
        ('scale = [["raw', 'scale = [["iscm', "raw data with equal variances and one noise law"),
        ('["gaussian", 1]', '["gaussian", 1], ["laplace", 1]', "raw data with equal variances and one noise law"),
        (
            "domains = 20",
            "domains = 20\nfamily_seed = 5",
            "was trained on the family order-consistent.*not on .*seed=5",
        ),
        (str(TEACHER), "adag-small", "was trained by the objective supervised: give an unsupervised one as init"),
    ],
)
def test_what_cannot_teach_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace(old, new))
    with pytest.raises(UsageError, match=words):
        load_config(tmp_path / "config.toml").lessons(torch.device("cpu"))
