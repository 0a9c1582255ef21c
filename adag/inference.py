"""What a network says of data, whichever objective trained it. Called by `adag.estimator` and `adag.heldout`."""

from typing import Literal

import torch
from torch import Tensor

from adag import reconstruction
from adag.model import AttentionDAG
from adag.moments import Moments, pair_features

Objective = Literal["supervised", "unsupervised"]


def edge_probability(
    model: AttentionDAG, moments: Moments, objective: Objective, device: torch.device | str = "cpu"
) -> Tensor:
    """P(i -> j) of a batch given by its moments, shape (B, d, d), on `device`: what either objective's network means.

    Features are made in the precision of the moments: the inverse of a nearly singular correlation matrix needs
    float64.
    """
    prediction = model(pair_features(moments).to(device))
    if objective == "supervised":
        probability = prediction.edge_probability()
    else:
        probability = reconstruction.edge_probability(prediction, moments.to(device))
    return under_prior(probability, model.bias) if model.config.prior else probability


def under_prior(probability: Tensor, bias: Tensor) -> Tensor:
    """P(i -> j) with ``bias`` (d, d) added to the log-odds of every edge against no edge; shapes (B, d, d)."""
    none = (1.0 - probability - probability.mT).clamp(min=0.0)
    edge = probability * bias.exp()
    return edge / (none + edge + edge.mT).clamp(min=torch.finfo(edge.dtype).tiny)
