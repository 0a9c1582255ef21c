"""The objectives: closed forms, and a network that learns without ever being shown a graph."""

from pathlib import Path

import numpy as np
import pytest
import torch

from adag.acyclicity import h_expm
from adag.model import Prediction
from adag.moments import Moments
from adag.objective import AugmentedLagrangian, supervised, unsupervised
from adag.pretrain import pretrain
from adag.reconstruction import edge_probability, in_units_of_data, soft_weights
from adag.sem import random_sem
from adag.training_config import load_config


def certain(A: torch.Tensor) -> Prediction:
    """The prediction of someone who knows the graph."""
    edge = (A != 0).float()
    joined = edge + edge.mT
    return Prediction(200.0 * joined - 100.0, 100.0 * (edge - edge.mT), torch.zeros_like(A))


@pytest.fixture
def domain() -> tuple[torch.Tensor, Moments, torch.Tensor]:
    sem = random_sem(3, 6, degree=1.5, generator=torch.Generator().manual_seed(1))
    X = sem.sample(400, torch.Generator().manual_seed(2))
    return sem.A, Moments.of(X), sem.covariance()


def test_soft_weights_are_least_squares_where_the_graph_is_certain(domain: tuple) -> None:
    A, moments, _ = domain
    corr = moments.corr
    found = soft_weights(Prediction(*(t.double() for t in certain(A))), corr)
    for b in range(len(A)):
        for j in range(A.shape[-1]):
            parents = torch.nonzero(A[b, :, j]).flatten().tolist()
            expected = torch.zeros(A.shape[-1], dtype=torch.float64)
            if parents:
                expected[parents] = torch.linalg.solve(corr[b][parents][:, parents], corr[b][parents, j])
            # A closed gate is a penalty of 1e4, not an infinite one.
            torch.testing.assert_close(found[b, :, j], expected, atol=5e-4, rtol=1e-3)
    assert float(h_expm(found).abs().max()) < 1e-3


def test_likelihood_is_best_at_the_true_graph(domain: tuple) -> None:
    A, moments, covariance = domain
    truth = unsupervised(certain(A), moments, covariance)
    # Unit noise: the residual variance of every variable is 1, and half its log is 0.
    assert float(truth["likelihood"]) == pytest.approx(0.0, abs=0.02)
    for other in (certain(A.mT), certain(torch.zeros_like(A))):
        assert float(unsupervised(other, moments, covariance)["likelihood"]) > float(truth["likelihood"]) + 0.1


def test_likelihood_ignores_a_common_unit(domain: tuple) -> None:
    A, moments, covariance = domain
    soft = Prediction(*(torch.zeros_like(A) for _ in range(3)))
    scaled = Moments(moments.n, moments.std * 100, moments.corr, moments.skew, moments.kurt)
    one, two = unsupervised(soft, moments, covariance), unsupervised(soft, scaled, covariance * 1e4)
    assert float(two["likelihood"] - one["likelihood"]) == pytest.approx(np.log(100), abs=1e-6)


def test_unsupervised_probabilities_are_probabilities(domain: tuple) -> None:
    A, moments, _ = domain
    P = edge_probability(certain(A), moments)
    assert float((P + P.mT).max()) <= 1 + 1e-6
    assert ((P > 0.5) == (A != 0)).all()
    assert float(P.diagonal(dim1=1, dim2=2).abs().max()) == 0


def test_units_of_data(domain: tuple) -> None:
    A, moments, _ = domain
    soft = soft_weights(Prediction(*(t.double() for t in certain(A))), moments.corr)
    torch.testing.assert_close(in_units_of_data(soft, moments.std), A, atol=0.35, rtol=0)


def test_supervised_loss_is_nothing_for_the_truth(domain: tuple) -> None:
    A, moments, _ = domain
    exact = certain(A)._replace(weight=A * moments.std.unsqueeze(-1) / moments.std.unsqueeze(-2))
    assert float(sum(supervised(exact, A, moments.std).values())) == pytest.approx(0.0, abs=1e-6)


def test_augmented_lagrangian_solves_a_constrained_problem() -> None:
    """min (x - 2)^2 subject to h(x) = x^2 = 0: x goes to 0, which no finite penalty alone reaches."""
    lagrangian = AugmentedLagrangian(period=20)
    x = torch.tensor(2.0, requires_grad=True)
    optimizer = torch.optim.Adam([x], lr=0.02)
    for _ in range(3000):
        optimizer.zero_grad()
        h = x.square()
        ((x - 2).square() + lagrangian.term(h)).backward()
        optimizer.step()
        lagrangian.update(float(h.detach()))
    assert abs(float(x.detach())) < 0.05
    again = AugmentedLagrangian(period=20)
    again.restore(lagrangian.state())
    assert again == lagrangian


def test_a_small_network_learns_without_a_graph(tmp_path: Path) -> None:
    """Sixty steps, no labels: below the empty graph (6 edges) on held-out sets, and resumable."""
    recipe = Path(__file__).parents[2] / "adag" / "configs" / "unsupervised.toml"
    text = recipe.read_text()
    tasks = """[tasks]
pairs_per_step = 400
groups_per_step = 2
n = [20, 200]
d = [[6, 1]]
degree = [[1, 1]]
graph = [["er", 1]]
noise = [["gaussian", 1]]
variance = [["equal", 1]]
scale = [["raw", 1]]
"""
    text = text[: text.index("[tasks]")] + tasks
    for key, value in {"steps": 60, "warmup": 5, "validate_every": 60, "save_every": 40}.items():
        old = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
        text = text.replace(old, f"{key} = {value}")
    text = text.replace("width = 48", "width = 16").replace("layers = 6", "layers = 1")
    old = next(line for line in text.splitlines() if line.startswith("validation ="))
    (tmp_path / "c.toml").write_text(text.replace(old, "validation = [[6, 100]]"))
    config = load_config(tmp_path / "c.toml")
    whole = pretrain(config, tmp_path / "a.safetensors")
    assert whole.card["objective"] == "unsupervised"
    assert whole.card["validation_shd"]["d=6 n=100"] < 5

    def kill(step: int, *_: object) -> None:
        if step == 45:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(config, tmp_path / "b.safetensors", on_step=kill)
    resumed = pretrain(config, tmp_path / "b.safetensors")
    for one, two in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, two)
