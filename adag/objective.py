"""The supervised objective: how far a prediction is from the true graph and weights. Called by `adag.pretrain`."""

import torch
from torch import Tensor
from torch.nn import functional as F

from adag.model import Prediction


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
