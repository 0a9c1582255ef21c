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
        return prediction.edge_probability()
    return reconstruction.edge_probability(prediction, moments.to(device))
