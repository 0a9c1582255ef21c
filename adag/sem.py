"""Batched simulation of linear SEMs, ``X = X A + E``, on any torch device.

Called by `adag.tasks` (training data, thousands of domains a second) and by `benchmarks.datasets` (test data), so
that training and test differ in their seeds alone. Held against closed forms and gcastle's simulator in the tests.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from torch import Tensor

from adag.random_graphs import GraphFamily, random_edges, random_order

Noise = Literal["gaussian", "exponential", "gumbel", "laplace", "uniform", "student-t"]
Variance = Literal["equal", "unequal"]
Scale = Literal["raw", "standardised", "iscm"]
Family = Literal["general", "order-consistent", "heterogeneous"]

WEIGHT_RANGE = (0.5, 2.0)
"""|w| of a true edge, uniform, of random sign (Zheng et al. 2018, sec. 5)."""
STD_RANGE = (0.5, 2.0)
"""Noise standard deviations of ``variance="unequal"``, log-uniform."""
STUDENT_DF = 5
"""Degrees of freedom of ``noise="student-t"``: heavy tails, with a finite kurtosis."""


@dataclass(frozen=True)
class SEM:
    """A batch of linear SEMs.

    Attributes
    ----------
    A : Tensor, shape (B, d, d)
        ``A[b, i, j] != 0`` means i -> j.
    noise_std : Tensor, shape (B, d)
        Standard deviation of each variable's noise; the mean is 0.
    noise : str
        The law of the noise, one of `Noise`.
    """

    A: Tensor
    noise_std: Tensor
    noise: Noise = "gaussian"

    def covariance(self) -> Tensor:
        """Population covariance ``(I - A)^-T diag(noise_std^2) (I - A)^-1``, shape (B, d, d)."""
        mixing = self.noise_std.unsqueeze(-1) * self._inverse()
        return mixing.mT @ mixing

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """N independent samples of every SEM of the batch, shape (B, n, d)."""
        B, d = self.noise_std.shape
        E = unit_noise(self.noise, (B, n, d), generator, self.A.dtype) * self.noise_std.unsqueeze(1)
        return E @ self._inverse()

    def rescaled(self, scale: Tensor) -> "SEM":
        """The SEM of the variables divided by `scale`, shape (B, d): the same graph in other units."""
        A = self.A * scale.unsqueeze(-1) / scale.unsqueeze(-2)
        return SEM(A, self.noise_std / scale, self.noise)

    def _inverse(self) -> Tensor:
        eye = torch.eye(self.A.shape[-1], dtype=self.A.dtype, device=self.A.device)
        return torch.linalg.solve(eye - self.A, eye.expand_as(self.A))


def unit_noise(noise: Noise, shape: tuple[int, ...], generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """Noise of the given law, centred and scaled to mean 0 and variance 1.

    NOTEARS and gcastle leave exponential and Gumbel noise uncentred and at scale 1; the shape of the law is the
    same, and unit variance keeps one closed form for the covariance under every law.
    """
    device = generator.device
    if noise == "gaussian":
        return torch.randn(shape, generator=generator, device=device, dtype=dtype)
    if noise == "student-t":
        parts = torch.randn((STUDENT_DF + 1, *shape), generator=generator, device=device, dtype=dtype)
        chi_square = parts[1:].square().sum(0)
        return parts[0] * ((STUDENT_DF - 2) / chi_square).sqrt()
    u = torch.rand(shape, generator=generator, device=device, dtype=dtype)
    u = u.clamp(min=torch.finfo(dtype).tiny)  # log(0) below
    if noise == "uniform":
        return (u - 0.5) * math.sqrt(12.0)
    if noise == "exponential":
        return -torch.log(u) - 1.0
    if noise == "gumbel":
        g = -torch.log(-torch.log(u.clamp(max=1.0 - torch.finfo(dtype).eps)))
        return (g - 0.5772156649015329) * (math.sqrt(6.0) / math.pi)
    if noise == "laplace":
        centred = u - 0.5
        magnitude = -torch.log1p((-2.0 * centred.abs()).clamp(min=-1.0 + torch.finfo(dtype).eps))
        return torch.sign(centred) * magnitude / math.sqrt(2.0)
    raise ValueError(f"unknown noise law {noise!r}: one of {', '.join(get_args(Noise))}")


def random_sem(
    batch: int,
    d: int,
    *,
    degree: float,
    family: GraphFamily = "er",
    noise: Noise = "gaussian",
    variance: Variance = "equal",
    generator: torch.Generator,
    weights: tuple[float, float] = WEIGHT_RANGE,
    dtype: torch.dtype = torch.float64,
) -> SEM:
    """A batch of independent SEMs on the raw scale: fresh graph, order and weights each (the *general* family)."""
    return DomainFamily(d, degree, family).sems(
        batch, noise=noise, variance=variance, weights=weights, generator=generator, dtype=dtype
    )


def weighted(
    edges: Tensor,
    *,
    noise: Noise = "gaussian",
    variance: Variance = "equal",
    weights: tuple[float, float] = WEIGHT_RANGE,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> SEM:
    """Fresh weights and noise variances on given edges (bool, shape (B, d, d))."""
    device = generator.device
    B, d, _ = edges.shape
    low, high = weights
    magnitude = low + (high - low) * torch.rand(B, d, d, generator=generator, device=device, dtype=dtype)
    positive = torch.rand(B, d, d, generator=generator, device=device) < 0.5
    A = torch.where(positive, magnitude, -magnitude) * edges
    if variance == "equal":
        std = torch.ones(B, d, device=device, dtype=dtype)
    elif variance == "unequal":
        u = torch.rand(B, d, generator=generator, device=device, dtype=dtype)
        std = STD_RANGE[0] * (STD_RANGE[1] / STD_RANGE[0]) ** u
    else:
        raise ValueError(f"unknown variance {variance!r}: one of {', '.join(get_args(Variance))}")
    return SEM(A, std, noise)


def iscm(sem: SEM) -> SEM:
    """Standardise every variable as it is generated (internally standardised SCM, Ormaniec et al. 2025, sec. 3).

    Each variable is divided by its population standard deviation *before* its children read it, so neither
    variance nor correlation grows along the order. The result is an ordinary SEM of unit-variance variables.
    """
    rows = torch.arange(len(sem.A), device=sem.A.device)
    A, std = torch.zeros_like(sem.A), sem.noise_std.clone()
    covariance = torch.zeros_like(sem.A)
    for j in topological_order(sem.A).unbind(1):
        parents = sem.A[rows, :, j]  # weights on already standardised parents; later variables have weight 0
        shared = (covariance @ parents.unsqueeze(-1)).squeeze(-1)
        total = ((parents * shared).sum(-1) + sem.noise_std[rows, j] ** 2).sqrt().unsqueeze(-1)
        A[rows, :, j] = parents / total
        std[rows, j] = sem.noise_std[rows, j] / total.squeeze(-1)
        covariance[rows, :, j] = shared / total
        covariance[rows, j, :] = shared / total
        covariance[rows, j, j] = 1.0
    return SEM(A, std, sem.noise)


def at_scale(sem: SEM, scale: Scale) -> SEM:
    """The same graph on the raw, the (population-)standardised, or the internally standardised scale."""
    if scale == "raw":
        return sem
    if scale == "standardised":
        return sem.rescaled(sem.covariance().diagonal(dim1=-2, dim2=-1).sqrt())
    if scale == "iscm":
        return iscm(sem)
    raise ValueError(f"unknown scale {scale!r}: one of {', '.join(get_args(Scale))}")


def simulate(
    batch: int,
    d: int,
    n: int,
    *,
    degree: float,
    family: GraphFamily = "er",
    noise: Noise = "gaussian",
    variance: Variance = "equal",
    scale: Scale = "raw",
    weights: tuple[float, float] = WEIGHT_RANGE,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor]:
    """Data sets of the *general* family, ready for `discover`.

    Parameters
    ----------
    batch, d, n : int
        Data sets, variables, samples of each.
    degree : float
        k of ER-k and SF-k: about degree * d edges.
    family, noise, variance, scale : str
        Graph family, law of the noise, equal or unequal noise variances, scale of the data; see the types above.
    weights : pair of float
        Range of |w| on the raw scale, uniform.
    generator : torch.Generator
        Its device is where everything is drawn.
    dtype : torch.dtype, default float64
        Of the weights and samples.

    Returns
    -------
    A : Tensor, shape (batch, d, d)
        True weights, in the units of X.
    X : Tensor, shape (batch, n, d)
        Samples; z-scored by their own mean and standard deviation where scale is "standardised".
    """
    sem = random_sem(
        batch,
        d,
        degree=degree,
        family=family,
        noise=noise,
        variance=variance,
        weights=weights,
        generator=generator,
        dtype=dtype,
    )
    sem, X = observed(sem, n, scale, generator)
    return sem.A, X


def observed(sem: SEM, n: int, scale: Scale, generator: torch.Generator) -> tuple[SEM, Tensor]:
    """N samples of raw SEMs on a scale, shape (B, n, d), and the SEMs in the units of those samples."""
    sem = at_scale(sem, scale)
    X = sem.sample(n, generator)
    if scale == "standardised":
        X, std = z_scored(X)
        sem = sem.rescaled(std)
    return sem, X


def z_scored(X: Tensor) -> tuple[Tensor, Tensor]:
    """Samples by their own mean and standard deviation, and that standard deviation, shape (B, d)."""
    std = X.std(1, correction=0)
    return (X - X.mean(1, keepdim=True)) / std.unsqueeze(1), std


@dataclass(frozen=True)
class DomainFamily:
    """What the domains of a multi-task problem share (Yin, Gao & Yu 2025, sec. 3).

    ``order`` and ``edges`` are None in the *general* family. *order-consistent* domains share ``order`` (shape
    (d,)) and have a fresh graph each; *heterogeneous* ones share ``edges`` (bool, shape (d, d)) and have fresh
    weights each.
    """

    d: int
    degree: float
    graph: GraphFamily
    order: Tensor | None = None
    edges: Tensor | None = None

    @classmethod
    def draw(
        cls, family: Family, d: int, *, degree: float, graph: GraphFamily = "er", generator: torch.Generator
    ) -> "DomainFamily":
        """A random family; what it shares is drawn once, here."""
        if family == "general":
            return cls(d, degree, graph)
        order = random_order(1, d, generator)
        if family == "order-consistent":
            return cls(d, degree, graph, order=order[0])
        if family == "heterogeneous":
            return cls(d, degree, graph, order=order[0], edges=random_edges(1, d, degree, graph, generator, order)[0])
        raise ValueError(f"unknown domain family {family!r}: one of {', '.join(get_args(Family))}")

    def to(self, device: torch.device | str) -> "DomainFamily":
        """The same family, to be drawn from on a device."""
        order, edges = (None if shared is None else shared.to(device) for shared in (self.order, self.edges))
        return replace(self, order=order, edges=edges)

    def sems(
        self,
        batch: int,
        *,
        noise: Noise = "gaussian",
        variance: Variance = "equal",
        weights: tuple[float, float] = WEIGHT_RANGE,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float64,
    ) -> SEM:
        """Fresh domains of the family."""
        if self.edges is not None:
            edges = self.edges.expand(batch, -1, -1)
        else:
            order = None if self.order is None else self.order.expand(batch, -1)
            edges = random_edges(batch, self.d, self.degree, self.graph, generator, order)
        return weighted(edges, noise=noise, variance=variance, weights=weights, generator=generator, dtype=dtype)


def topological_order(A: Tensor) -> Tensor:
    """A topological order of every DAG of a batch, shape (B, d): by the length of the longest path into a node."""
    B, d, _ = A.shape
    depth = torch.zeros(B, d, device=A.device, dtype=torch.int64)
    edges = A != 0
    for _ in range(d - 1):
        depth = torch.where(edges, depth.unsqueeze(-1) + 1, 0).amax(1).clamp(min=0)
    return depth.argsort(-1)
