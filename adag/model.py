"""AttentionDAG: the network, from pair features to edge probabilities and SEM weights.

Tokens are the ordered pairs of variables, so the hidden state is itself a stack of d x d kernels between variables.
A layer lets these kernels act on each other by linear attention, ``Q K^T`` without softmax, whose result is again a
kernel (the attention of Yin, Gao & Yu 2025, after the Nonlocal Attention Operator of Yu et al. 2024). No parameter
is indexed by a variable or a sample: any d, any n, and relabelling the variables relabels the answer. Called by
`adag.pretrain` and `adag.estimator`.
"""

from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from adag.moments import FEATURES


@dataclass(frozen=True)
class ModelConfig:
    """Architecture of an `AttentionDAG`; stored in every checkpoint."""

    width: int = 64
    layers: int = 4
    kernels: int = 32
    features: int = FEATURES
    variables: int = 0
    """Where not 0: the network knows so many variables by their position, and answers for no other number."""
    prior: int = 0
    """Where not 0: it holds a prior for every ordered pair of so many variables (`adag.adapt`)."""

    @property
    def only(self) -> int | None:
        """The one number of variables it answers for, if there is one."""
        return self.variables or self.prior or None

    def as_dict(self) -> dict[str, int]:
        """Plain values, for a checkpoint's metadata."""
        return asdict(self)


class Prediction(NamedTuple):
    """What the network says of a batch; all of shape (B, d, d)."""

    adjacent: Tensor
    """Symmetric logit that i and j are joined by an edge."""
    forward: Tensor
    """Antisymmetric logit that such an edge points i -> j rather than j -> i."""
    weight: Tensor
    """Weight of i -> j, were it an edge, on the correlation scale (times std_i / std_j)."""

    def edge_probability(self) -> Tensor:
        """P(i -> j), shape (B, d, d); P(i -> j) + P(j -> i) <= 1 and the diagonal is 0."""
        p = torch.sigmoid(self.adjacent) * torch.sigmoid(self.forward)
        return p * (1.0 - torch.eye(p.shape[-1], dtype=p.dtype, device=p.device))


class KernelAttention(nn.Module):
    """Linear attention whose output is a kernel: per channel, Q K^T over shared targets, shared sources, and paths.

    Reading row i of a kernel as the features of variable i, the first form, ``sum_k Q_ik K_jk``, is attention
    without softmax between the variables i and j; the second is the same on columns; the third, ``sum_k Q_ik K_kj``,
    follows i -> k -> j. Products of kernels are what elimination and matrix inversion
    are made of.
    """

    def __init__(self, width: int, kernels: int) -> None:
        super().__init__()
        self.project = nn.Linear(width, 6 * kernels, bias=False)
        self.norm = nn.LayerNorm(3 * kernels)
        self.out = nn.Linear(3 * kernels, width)

    def forward(self, z: Tensor) -> Tensor:
        """(B, d, d, width) -> the same."""
        B, d, _, c = z.shape
        # Channels first, straight from the product: every kernel is then a contiguous d x d matrix, never copied.
        q1, k1, q2, k2, q3, k3 = (self.project.weight @ z.reshape(-1, c).mT).view(6, -1, d, d)
        mixed = torch.cat([q1 @ k1.mT, q2.mT @ k2, q3 @ k3]).view(-1, B * d * d).mT / d**0.5
        return self.out(self.norm(mixed)).view(B, d, d, c)


class Layer(nn.Module):
    """Linear attention, then an MLP that reads each pair beside its transpose; both residual, normalised before."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        c = config.width
        self.norm_attention = nn.LayerNorm(c)
        self.attention = KernelAttention(c, config.kernels)
        self.norm_mlp = nn.LayerNorm(c)
        self.inner = nn.Linear(2 * c, 4 * c)
        self.outer = nn.Linear(4 * c, c)

    def forward(self, z: Tensor) -> Tensor:
        """(B, d, d, width) -> the same."""
        z = z + self.attention(self.norm_attention(z))
        u = self.norm_mlp(z)
        return z + self.outer(F.gelu(self.inner(torch.cat([u, u.transpose(1, 2)], dim=-1))))


class AttentionDAG(nn.Module):
    """The network: pair features -> `Prediction`.

    With ``config.variables`` a bias of each ordered pair's own is added to its features: what domains over the same
    variables share, a topological order or a graph, can be learned there, entry by entry of the kernel. With
    ``config.prior`` there is one on the last kernel, the edge probabilities (`adag.inference` adds it).

    The direction logit is a difference of one order score per variable, read from the diagonal pairs, plus an
    antisymmetric term of the pair's own. The scores make a shared order easy to learn; the pair's term lets the
    network say that an edge is certain though its direction is not.
    """

    reads: Literal["moments"] = "moments"

    def __init__(self, config: ModelConfig | None = None) -> None:
        super().__init__()
        self.config = config or ModelConfig()
        c = self.config.width
        self.embed = nn.Linear(self.config.features, c)
        if d := self.config.variables:
            self.identity = nn.Parameter(torch.zeros(d, d, c))
        if d := self.config.prior:
            self.bias = nn.Parameter(torch.zeros(d, d))
        self.layers = nn.ModuleList(Layer(self.config) for _ in range(self.config.layers))
        self.norm = nn.LayerNorm(c)
        self.pair = nn.Linear(c, 3)
        self.order = nn.Linear(c, 1)

    @torch.no_grad()
    def grow_from(self, start: "AttentionDAG") -> None:
        """Take over the weights of a network with as many layers or fewer, so that the function stays the same.

        Layers that `start` lacks come last and begin as the identity: their residual branches write zeros.

        Raises
        ------
        ValueError
            `start` is deeper than this network, or of another width, number of kernels or features.
        """
        mine, theirs = self.config, start.config
        for key in ("width", "kernels", "features"):
            if getattr(mine, key) != getattr(theirs, key):
                raise ValueError(f"its {key} is {getattr(theirs, key)}, not {getattr(mine, key)}")
        if theirs.layers > mine.layers:
            raise ValueError(f"it has {theirs.layers} layers, more than {mine.layers}")
        self.load_state_dict(start.state_dict(), strict=False)
        for layer in list(self.layers)[theirs.layers :]:
            assert isinstance(layer, Layer)
            for branch in (layer.attention.out, layer.outer):
                branch.weight.zero_()
                branch.bias.zero_()

    def forward(self, features: Tensor) -> Prediction:
        """Features of shape (B, d, d, config.features) -> logits and weights."""
        z = self.embed(features)
        if self.config.variables:
            z = z + self.identity
        for layer in self.layers:
            z = layer(z)
        z = self.norm(z).float()
        adjacent, turn, weight = self.pair(z).unbind(-1)
        score = self.order(z.diagonal(dim1=1, dim2=2).mT).squeeze(-1)
        forward = score.unsqueeze(-2) - score.unsqueeze(-1) + (turn - turn.mT)
        return Prediction(adjacent + adjacent.mT, forward, weight)
