"""The two kinds of network, and what either says of data, whichever objective trained it.

Called by `adag.pretrain`, `adag.checkpoint`, `adag.estimator` and `adag.heldout`.
"""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal

import torch
from torch import Tensor

from adag import reconstruction
from adag.model import AttentionDAG, ModelConfig, Prediction
from adag.moments import Moments, pair_features
from adag.sample_network import SampleConfig, SampleNetwork

Objective = Literal["supervised", "unsupervised", "self-taught"]
Reads = Literal["moments", "samples"]
Precision = Literal["float32", "bfloat16"]
Network = AttentionDAG | SampleNetwork


def build(reads: Reads, architecture: dict[str, Any]) -> Network:
    """A freshly initialised network that reads moments (`AttentionDAG`) or samples (`SampleNetwork`).

    Raises
    ------
    TypeError
        The architecture has a key that such a network has not; names the key.
    """
    config: type[ModelConfig | SampleConfig] = SampleConfig if reads == "samples" else ModelConfig
    known = [f.name for f in fields(config)]
    for key in architecture:
        if key not in known:
            raise TypeError(f"unknown key 'architecture.{key}': one of {', '.join(sorted(known))}")
    if reads == "samples":
        return SampleNetwork(SampleConfig(**architecture))
    return AttentionDAG(ModelConfig(**architecture))


def inputs(
    model: Network, moments: Moments, samples: Sequence[Tensor], device: torch.device | str = "cpu"
) -> list[Tensor]:
    """What the network is shown of a batch: the features of all pairs, or the samples as they are.

    Parameters
    ----------
    model : Network
        Its ``reads`` decides.
    moments : Moments
        Of the batch, in the precision of its samples: features are made in it, since the inverse of a nearly singular
        correlation matrix needs float64.
    samples : sequence of Tensor
        The same batch in parts of one n each, of shape (b, n, d); used by a network that reads samples alone.
    device : torch device
        Where they are put.
    """
    if model.reads == "samples":
        return [X.to(device) for X in samples]
    return [pair_features(moments).to(device)]


def predict(model: Network, parts: Sequence[Tensor]) -> Prediction:
    """The network's answer to `inputs`, in float32, the parts one after the other."""
    answers = [model(part) for part in parts]
    return Prediction(*(torch.cat(field).float() for field in zip(*answers, strict=True)))


def edge_probability(
    model: Network,
    moments: Moments,
    samples: Sequence[Tensor],
    objective: Objective,
    device: torch.device | str = "cpu",
    precision: Precision = "float32",
) -> Tensor:
    """P(i -> j) of a batch, shape (B, d, d), on `device`: what a network of that objective means; see `inputs`.

    With ``precision="bfloat16"`` the network's matrix products are in it; its features, and what is made of its answer,
    are not.
    """
    parts = inputs(model, moments, samples, device)
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bfloat16"):
        prediction = predict(model, parts)
    if objective == "unsupervised":
        probability = reconstruction.edge_probability(prediction, moments.to(device))
    else:
        probability = prediction.edge_probability()
    adapted = isinstance(model, AttentionDAG) and model.config.prior
    return under_prior(probability, model.bias) if adapted else probability


def under_prior(probability: Tensor, bias: Tensor) -> Tensor:
    """P(i -> j) with ``bias`` (d, d) added to the log-odds of every edge against no edge; shapes (B, d, d)."""
    none = (1.0 - probability - probability.mT).clamp(min=0.0)
    edge = probability * bias.exp()
    return edge / (none + edge + edge.mT).clamp(min=torch.finfo(edge.dtype).tiny)
