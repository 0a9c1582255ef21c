"""The unsupervised reading of the network: directions and shrinkages in, weights by ridge regression out.

The network only has to learn what regression cannot: which variable comes first, and how far to trust a pair. The
rest is a closed form, differentiable and solved in one batch. Called by `adag.objective` and `adag.estimator`.
"""

import torch
from torch import Tensor

from adag.model import Prediction
from adag.moments import Moments

_LEAST_GATE = 1e-4
"""A closed gate stands for a penalty of 1e4, on correlations: as good as no edge, and still well conditioned."""
WEIGHT_OF_AN_EDGE = 0.4
"""|w| at which an edge is as likely as not: a little above the field's cut at 0.3, for these weights are shrunk."""
STEEPNESS = 10.0
"""Of the logistic curve that takes |w| to a probability."""


def soft_weights(prediction: Prediction, corr: Tensor) -> Tensor:
    """Ridge regression of every variable on all others, each candidate parent with a penalty of its own.

    Parameters
    ----------
    prediction : Prediction
        ``adjacent`` is read as the logit of how far a pair is trusted, ``forward`` as that of its direction; the
        penalty of i as a parent of j is ``1 / (sigmoid(adjacent_ij) sigmoid(forward_ij)) - 1``, so that a
        direction held for impossible removes the edge and a certain one leaves least squares.
    corr : Tensor, shape (B, d, d)
        Sample correlations.

    Returns
    -------
    Tensor, shape (B, d, d)
        Weights on the correlation scale; zero diagonal.
    """
    eye = torch.eye(corr.shape[-1], dtype=corr.dtype, device=corr.device)
    gate = torch.sigmoid(prediction.adjacent) * torch.sigmoid(prediction.forward) * (1.0 - eye)
    penalty = 1.0 / gate.clamp(min=_LEAST_GATE) - 1.0
    # One system a child: [b, j] = corr + diag(penalty of every candidate parent of j).
    system = corr.unsqueeze(1) + torch.diag_embed(penalty.mT)
    weights = torch.cholesky_solve(corr.mT.unsqueeze(-1), torch.linalg.cholesky(system)).squeeze(-1)
    return weights.mT * (1.0 - eye)


def in_units_of_data(weights: Tensor, std: Tensor) -> Tensor:
    """Weights on the correlation scale, shape (B, d, d), in the units of data with standard deviations std (B, d)."""
    return weights * std.unsqueeze(-2) / std.unsqueeze(-1)


def edge_probability(prediction: Prediction, moments: Moments) -> Tensor:
    """P(i -> j) as far as an unsupervised network can tell, shape (B, d, d): from the shrunken weights' size.

    ``P + P.T <= 1`` and a zero diagonal, as in `Prediction.edge_probability`. No true graph has calibrated it.
    """
    size = in_units_of_data(soft_weights(prediction, moments.corr), moments.std).abs()
    joined = torch.sigmoid(STEEPNESS * (torch.maximum(size, size.mT) - WEIGHT_OF_AN_EDGE))
    p = joined * torch.sigmoid(prediction.forward)
    return p * (1.0 - torch.eye(p.shape[-1], dtype=p.dtype, device=p.device))
