"""From samples to what the network reads: cross-moments, then one feature vector per ordered pair of variables.

One pass over the samples; everything after it costs the same at n = 10 as at n = 10 million. All features are
unchanged by permuting the samples, by shifting a variable, and by multiplying *all* variables by one constant;
permuting the variables permutes them. Called by `adag.tasks` and `adag.estimator`.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

FEATURES = 19
"""Length of a pair's feature vector; checkpoints store it, so a change here makes old ones refuse to load."""
HIGHER_MOMENTS = slice(14, 16)
"""Where in it third and fourth cross-moments are."""


@dataclass(frozen=True)
class Moments:
    """Sample moments of a batch of data sets with one d; n may differ between them.

    Attributes
    ----------
    n : Tensor, shape (B,)
        Number of samples.
    std : Tensor, shape (B, d)
        Standard deviations (divided by n).
    corr : Tensor, shape (B, d, d)
        Correlations.
    skew : Tensor, shape (B, d, d)
        ``E[z_i^2 z_j]`` of the standardised variables z: zero in population under Gaussian noise.
    kurt : Tensor, shape (B, d, d)
        ``E[z_i^3 z_j] - 3 corr_ij``: the fourth-order cross-cumulant, zero under Gaussian noise.
    """

    n: Tensor
    std: Tensor
    corr: Tensor
    skew: Tensor
    kurt: Tensor

    @classmethod
    def of(cls, X: Tensor) -> "Moments":
        """Moments of data sets X of shape (B, n, d)."""
        B, n, _ = X.shape
        centred = X - X.mean(1, keepdim=True)
        std = centred.square().mean(1).sqrt()
        z = centred / std.unsqueeze(1)
        corr = z.mT @ z / n
        square = z.square()
        skew = square.mT @ z / n
        kurt = (square * z).mT @ z / n - 3.0 * corr
        return cls(torch.full((B,), float(n), dtype=X.dtype, device=X.device), std, corr, skew, kurt)

    def standardised(self) -> "Moments":
        """Those of the same data with every variable divided by its standard deviation."""
        return replace(self, std=torch.ones_like(self.std))

    def picked(self, order: list[int]) -> "Moments":
        """Those of the variables at these positions, in this order."""
        pairs = {f: getattr(self, f)[:, order][:, :, order] for f in ("corr", "skew", "kurt")}
        return replace(self, std=self.std[:, order], **pairs)

    def part(self, start: int, stop: int) -> "Moments":
        """Those of a range of the batch's data sets."""
        return Moments(*(getattr(self, f)[start:stop] for f in ("n", "std", "corr", "skew", "kurt")))

    def to(self, device: torch.device | str) -> "Moments":
        """The same in float32 on a device, beside a network's answer."""
        return Moments(*(getattr(self, f).to(device, torch.float32) for f in ("n", "std", "corr", "skew", "kurt")))

    @classmethod
    def stack(cls, parts: "list[Moments]") -> "Moments":
        """Concatenate batches of the same d along the batch."""
        return cls(*(torch.cat([getattr(m, f) for m in parts]) for f in ("n", "std", "corr", "skew", "kurt")))


def ridge_precision(corr: Tensor, shrinkage: Tensor) -> Tensor:
    """Inverse of ``(1 - s) corr + s I``, shape (B, d, d), for shrinkage s of shape (B,) in (0, 1]: defined at n < d."""
    eye = torch.eye(corr.shape[-1], dtype=corr.dtype, device=corr.device)
    s = shrinkage[:, None, None]
    return torch.cholesky_inverse(torch.linalg.cholesky((1 - s) * corr + s * eye))


def pair_features(m: Moments) -> Tensor:
    """What the network knows of each ordered pair (i, j), shape (B, d, d, FEATURES), float32.

    Marginal and conditional association at two strengths of shrinkage, regression slopes in either direction,
    (conditional) log-variances relative to the data set's mean, non-Gaussianity, and n and d. Unbounded
    quantities are compressed by asinh, so near-collinear columns cannot blow a feature up.
    """
    B, d = m.std.shape
    corr, n = m.corr.clamp(-1.0, 1.0), m.n
    log_var = 2.0 * m.std.log()
    log_var = log_var - log_var.mean(-1, keepdim=True)
    root_n = n.sqrt()[:, None, None]

    def row(v: Tensor) -> Tensor:
        return v.unsqueeze(-1).expand(B, d, d)

    def column(v: Tensor) -> Tensor:
        return v.unsqueeze(-2).expand(B, d, d)

    fisher = torch.atanh(corr.clamp(-0.9999, 0.9999))
    ratio = (row(log_var) - column(log_var)).div(2).exp()  # std_i / std_j
    planes = [
        corr,
        fisher,
        torch.asinh(fisher * (root_n / 3.0)),
        torch.asinh(corr / ratio),
        row(log_var),
        column(log_var),
    ]
    strong = d / (d + n)
    for shrinkage in (0.5 * strong, 0.02 * strong + 1e-4):
        precision = ridge_precision(m.corr, shrinkage)
        diagonal = precision.diagonal(dim1=-2, dim2=-1)
        partial = -precision / (row(diagonal) * column(diagonal)).sqrt()
        slope = -precision / column(diagonal)  # of j on i given the rest, on the correlation scale
        residual = log_var - diagonal.log()  # log of the variance left in each variable given the rest
        planes += [partial, torch.asinh(slope / ratio), row(residual), column(residual)]
    planes += [torch.asinh(m.skew * root_n / 3.0) / 2.0, torch.asinh(m.kurt * root_n / 10.0) / 2.0]
    ones = torch.ones_like(corr)
    planes += [torch.eye(d, dtype=corr.dtype, device=corr.device).expand_as(corr)]
    planes += [ones * (n.log()[:, None, None] / 5.0 - 1.0), ones * (torch.log(d / n)[:, None, None] / 3.0)]
    return torch.stack(planes, dim=-1).float()
