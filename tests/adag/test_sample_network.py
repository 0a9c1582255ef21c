"""The AVICI-style network: its symmetries, its probabilities, and that it can learn by ADAG's own loop."""

from pathlib import Path

import numpy as np
import pytest
import torch

from adag import ADAG, UsageError
from adag.pretrain import pretrain
from adag.sample_network import SampleConfig, SampleNetwork, pairwise
from adag.sem import simulate
from adag.training_config import load_config


@pytest.fixture(scope="module")
def network() -> SampleNetwork:
    torch.manual_seed(0)
    return SampleNetwork(SampleConfig(width=16, layers=2, heads=2)).eval()


def _data(d: int, n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(d * n)
    return simulate(3, d, n, degree=1.5, generator=generator, dtype=torch.float32)[1]


@torch.no_grad()
def _probabilities(network: SampleNetwork, X: torch.Tensor) -> torch.Tensor:
    return network(X).edge_probability()


@pytest.mark.parametrize(("d", "n"), [(2, 50), (7, 5), (10, 30)])
def test_relabelling_and_shuffling(network: SampleNetwork, d: int, n: int) -> None:
    X = _data(d, n)
    P = _probabilities(network, X)
    assert P.std() > 1e-3, "a constant would have every symmetry"
    order = torch.randperm(d, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(_probabilities(network, X[:, :, order]), P[:, order][:, :, order], atol=1e-6, rtol=0)
    rows = torch.randperm(n, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(_probabilities(network, X[:, rows]), P, atol=1e-6, rtol=0)


def test_scale_is_read_but_units_and_offsets_are_not(network: SampleNetwork) -> None:
    X = _data(6, 40)
    P = _probabilities(network, X)
    torch.testing.assert_close(_probabilities(network, 1000 * X + 300), P, atol=1e-4, rtol=0)
    assert (_probabilities(network, X / X.std(1, keepdim=True)) - P).abs().max() > 1e-3


def test_batch_members_do_not_see_each_other(network: SampleNetwork) -> None:
    X = _data(6, 40)
    torch.testing.assert_close(_probabilities(network, X[1:2]), _probabilities(network, X)[1:2], atol=1e-6, rtol=0)


def test_a_pair_has_three_exclusive_states() -> None:
    theta = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    P = pairwise(theta).edge_probability()
    logits = torch.stack([torch.zeros_like(theta), theta, theta.mT], dim=-1)
    expected = logits.softmax(-1)[..., 1] * (1.0 - torch.eye(5, dtype=torch.float64))
    np.testing.assert_allclose(P, expected, atol=1e-12)


CONFIG = """
name = "tiny"
reads = "samples"
penalise_cycles = true
steps = 4
warmup = 1
validate_every = 4
save_every = 2
validation = [[4, 20]]
[architecture]
width = 8
layers = 1
heads = 2
[tasks]
pairs_per_step = 100
groups_per_step = 2
n = [5, 20]
d = [[3, 1], [4, 1]]
degree = [[1, 1]]
graph = [["er", 1]]
noise = [["gaussian", 1]]
variance = [["equal", 1]]
scale = [["raw", 1]]
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of ADAG's own training loop, which was stopped on its way."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "config.toml").write_text(CONFIG)

    def stop(step: int, loss: float, validation: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(load_config(folder / "config.toml"), folder / "tiny.safetensors", on_step=stop)
    pretrain(load_config(folder / "config.toml"), folder / "tiny.safetensors")
    return folder / "tiny.safetensors"


def test_it_is_trained_by_the_same_loop_and_says_so_on_its_card(trained: Path) -> None:
    card = trained.with_suffix(".md").read_text()
    assert "SampleNetwork" in card
    assert "re-trained by us" in card
    log = trained.with_suffix(".log.jsonl").read_text()
    assert "acyclicity" in log
    assert isinstance(ADAG(trained, device="cpu").model, SampleNetwork)


def test_the_estimator_gives_it_the_samples(trained: Path) -> None:
    model = ADAG(trained, device="cpu")
    X = [x.double().numpy() for x in (*_data(4, 20), *_data(3, 11))]
    with torch.no_grad():
        expected = model.model(torch.from_numpy(X[0])[None]).edge_probability()[0].double().numpy()
    together = model.discover_many(X)
    np.testing.assert_allclose(together[0].confidence, expected, atol=1e-6)
    for graph, x in zip(together, X, strict=True):
        np.testing.assert_allclose(model.discover(x).confidence, graph.confidence, atol=1e-6)


def test_the_moments_of_a_long_table_are_not_enough(trained: Path) -> None:
    with pytest.raises(UsageError, match=r"'tiny' reads samples.*adag-foundation"):
        ADAG(trained, device="cpu").discover(np.random.default_rng(0).normal(size=(100_000, 3)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("heads = 2", "kernels = 2", r"architecture\.kernels'.*heads, layers, width"),
        ("steps = 4", "init = 'adag-small'\nsteps = 4", "neither 'init' nor 'higher_moments'"),
    ],
)
def test_settings_of_the_other_network_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    (tmp_path / "config.toml").write_text(CONFIG.replace(old, new))
    with pytest.raises(UsageError, match=words):
        load_config(tmp_path / "config.toml").network()
