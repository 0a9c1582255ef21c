"""What training minimises: `supervised` is shown graphs, `unsupervised` never is. Called by `adag.pretrain`."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from adag.acyclicity import h_expm
from adag.model import Prediction
from adag.moments import Moments
from adag.reconstruction import in_units_of_data, soft_weights


def supervised(prediction: Prediction, A: Tensor, std: Tensor) -> dict[str, Tensor]:
    """Negative log-likelihood of the true graph, pair by pair, and the error of the weights on true edges.

    A pair of variables is in one of three states (no edge, i -> j, j -> i). Its log-likelihood factorises into
    that of the skeleton and, on true edges, that of the direction, so the probabilities are proper scores.

    Parameters
    ----------
    prediction : Prediction
        Logits and weights, each of shape (B, d, d).
    A : Tensor, shape (B, d, d)
        True weights in the units of the data.
    std : Tensor, shape (B, d)
        Sample standard deviations of the data; weights are compared on the correlation scale.

    Returns
    -------
    dict of scalar Tensors
        ``skeleton`` and ``direction`` (nats per pair), ``weight`` (Huber loss per pair, on true edges only).
    """
    d = A.shape[-1]
    edge = (A != 0).float()
    joined = edge + edge.mT
    i, j = torch.triu_indices(d, d, 1, device=A.device).unbind(0)
    pairs = A.shape[0] * len(i)
    target = A * std.unsqueeze(-1) / std.unsqueeze(-2)
    return {
        "skeleton": F.binary_cross_entropy_with_logits(prediction.adjacent[:, i, j], joined[:, i, j]),
        "direction": (F.softplus(-prediction.forward) * edge).sum() / pairs,
        "weight": (F.huber_loss(prediction.weight, target, reduction="none", delta=0.5) * edge).sum() / pairs,
    }


def unsupervised(prediction: Prediction, moments: Moments, covariance: Tensor) -> dict[str, Tensor]:
    """How well the predicted SEM reconstructs data that it was not read from, and how far it is from acyclic.

    The reconstruction error of the paper's objective (Yin, Gao & Yu 2025), taken on held-out data and in the form
    of the Gaussian likelihood with equal noise variances (GOLEM-EV; Ng, Ghassami & Zhang 2020, eq. 4), which a
    change of all units leaves as it is. Held out, an edge that is not there costs, so no sparsity term is needed.

    Parameters
    ----------
    prediction : Prediction
        Logits, each of shape (B, d, d).
    moments : Moments
        Of the data that the prediction was read from.
    covariance : Tensor, shape (B, d, d)
        Of held-out data of the same domains: the population's in simulation, other rows' where data are real.

    Returns
    -------
    dict of scalar Tensors
        ``likelihood`` (nats per sample and variable, up to a constant) and ``acyclicity`` (tr(exp(A * A)) - d per
        variable, on the correlation scale).
    """
    soft = soft_weights(prediction, moments.corr)
    d = soft.shape[-1]
    weights = in_units_of_data(soft, moments.std)
    remainder = torch.eye(d, dtype=weights.dtype, device=weights.device) - weights
    residual = (remainder * (covariance @ remainder)).sum(1)  # the diagonal of R^T C R
    return {
        "likelihood": 0.5 * residual.mean(-1).log().mean(),
        "acyclicity": h_expm(soft).mean() / d,
    }


@dataclass
class AugmentedLagrangian:
    """Minimise f subject to h = 0: ``f + multiplier * h + penalty / 2 * h^2``, both raised until h is negligible.

    The schedule of NOTEARS (Zheng et al. 2018, sec. 3.2) for a stochastic loop: every `period` steps the multiplier
    moves by ``penalty * mean(h)``, and the penalty doubles unless mean(h) has halved since.

    Attributes
    ----------
    multiplier, penalty : float
        The present state, kept in a training state.
    ceiling : float
        The penalty is never raised above this.
    """

    multiplier: float = 0.0
    penalty: float = 1.0
    period: int = 100
    ceiling: float = 1e3
    tolerance: float = 1e-6
    last: float = float("inf")
    _seen: list[float] = field(default_factory=list)

    def term(self, h: Tensor) -> Tensor:
        """What to add to the loss."""
        return self.multiplier * h + 0.5 * self.penalty * h.square()

    def update(self, h: float) -> None:
        """Take note of a step's h; at the end of a period, raise the multiplier and perhaps the penalty."""
        self._seen.append(h)
        if len(self._seen) < self.period:
            return
        mean = sum(self._seen) / len(self._seen)
        self._seen.clear()
        self.multiplier += self.penalty * mean
        if mean > max(0.5 * self.last, self.tolerance):
            self.penalty = min(2.0 * self.penalty, self.ceiling)
        self.last = mean

    def state(self) -> dict[str, Any]:
        """Plain values for a training state; `restore` takes them back."""
        return {"multiplier": self.multiplier, "penalty": self.penalty, "last": self.last, "seen": list(self._seen)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.multiplier, self.penalty, self.last = state["multiplier"], state["penalty"], state["last"]
        self._seen = list(state["seen"])
