"""SampleNetwork: an AVICI-style network (Lorch et al. 2022, arXiv:2205.12934) that reads the samples themselves.

Tokens are the n x d entries of the data; blocks of softmax attention run along the variables and along the samples
in turn, samples are max-pooled away, and an edge's logit is a scaled cosine of two embeddings. It is trained by
`adag.pretrain` on ADAG's own tasks and loss (``reads = "samples"`` in the configuration), so that it can be held
beside AttentionDAG, which reads moments. Its cost grows with n d (n + d); AttentionDAG's, after one pass over the
samples, does not grow with n.

Written anew: the package `avici` needs numpy < 2, pyarrow 10 and TensorFlow beside JAX, and fetches its weights
from a server. What differs from it: a variable's scale takes the place of the intervention flag, GELU of ReLU, no
dropout; the two directions of a pair exclude each other (`pairwise`).
"""

import math
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adag.model import Prediction

_BIAS, _TEMPERATURE = -3.0, math.log(5.0)
"""Where logits start: edges are rare, and a cosine alone could not say so with certainty."""


@dataclass(frozen=True)
class SampleConfig:
    """Architecture of a `SampleNetwork`; stored in every checkpoint. A layer is one block along either axis."""

    width: int = 64
    layers: int = 4
    heads: int = 4

    only: ClassVar[None] = None
    """It answers for any number of variables; compare `adag.model.ModelConfig.only`."""

    def as_dict(self) -> dict[str, int]:
        """Plain values, for a checkpoint's metadata."""
        return asdict(self)


class Block(nn.Module):
    """Multi-head softmax attention along the last-but-one axis, then an MLP; both residual, normalised before."""

    def __init__(self, config: SampleConfig) -> None:
        super().__init__()
        c = config.width
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(c)
        self.project = nn.Linear(c, 3 * c)
        self.out = nn.Linear(c, c)
        self.norm_mlp = nn.LayerNorm(c)
        self.inner = nn.Linear(c, 4 * c)
        self.outer = nn.Linear(4 * c, c)

    def forward(self, z: Tensor) -> Tensor:
        """(rows, length, width) -> the same; rows do not see each other."""
        rows, length, c = z.shape
        q, k, v = self.project(self.norm_attention(z)).view(rows, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        z = z + self.out(mixed.transpose(1, 2).reshape(rows, length, c))
        return z + self.outer(F.gelu(self.inner(self.norm_mlp(z))))


class SampleNetwork(nn.Module):
    """The network: samples -> `Prediction`, whatever their number and order; relabelling relabels the answer."""

    reads: Literal["samples"] = "samples"

    def __init__(self, config: SampleConfig | None = None) -> None:
        super().__init__()
        self.config = config or SampleConfig()
        c = self.config.width
        self.embed = nn.Linear(2, c)
        self.blocks = nn.ModuleList(Block(self.config) for _ in range(2 * self.config.layers))
        self.norm = nn.LayerNorm(c)
        self.source, self.target = nn.Linear(c, c), nn.Linear(c, c)
        self.temperature, self.bias = nn.Parameter(torch.tensor(_TEMPERATURE)), nn.Parameter(torch.tensor(_BIAS))

    def forward(self, X: Tensor) -> Prediction:
        """Samples of shape (B, n, d) -> logits; the weights are left to regression and are zero."""
        z = self.embed(channels(X))
        for block in self.blocks:  # along the variables first; the axes change places after every block
            z = block(z.flatten(0, 1)).view(z.shape).transpose(1, 2)
        pooled = self.norm(z).float().amax(1)
        u, v = (F.normalize(side(pooled).float(), dim=-1) for side in (self.source, self.target))
        return pairwise(self.temperature.exp() * (u @ v.mT) + self.bias)


def channels(X: Tensor) -> Tensor:
    """What a token holds, shape (B, n, d, 2): its standardised value, and its variable's log scale beside the mean one.

    AVICI standardises the data; the second channel keeps what raw data say by their scale, as AttentionDAG's
    features do. A change of all units, or of a variable's mean, changes neither.
    """
    centred = X - X.mean(1, keepdim=True)
    std = centred.square().mean(1, keepdim=True).sqrt()
    log_std = std.log()
    scale = (log_std - log_std.mean(-1, keepdim=True)).expand_as(X)
    return torch.stack([centred / std, scale], dim=-1).float()


def pairwise(theta: Tensor) -> Prediction:
    """Edge logits theta, shape (B, d, d), as a `Prediction`.

    A pair's states none, i -> j and j -> i have the softmax of (0, theta_ij, theta_ji) as probabilities.
    """
    return Prediction(torch.logaddexp(theta, theta.mT), theta - theta.mT, torch.zeros_like(theta))
