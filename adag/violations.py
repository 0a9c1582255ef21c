"""Simulated data that break an assumption: measurement error, hidden confounders, nonlinear edges, weak weights.

Called by `benchmarks.datasets` for the cells whose ``violation`` is not "none". ADAG has seen none of them in training,
but for a few weak weights.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

from adag.random_graphs import GraphFamily
from adag.sem import (
    SEM,
    WEIGHT_RANGE,
    Noise,
    Scale,
    Variance,
    at_scale,
    random_sem,
    topological_order,
    unit_noise,
    z_scored,
)

Violation = Literal["none", "measurement-error", "confounders", "nonlinear", "weak-weights"]

ERROR = 0.5
"""Measurement error: its standard deviation, in standard deviations of the variable measured."""
HIDDEN = 0.2
"""Hidden confounders per observed variable (at least one)."""
CHILDREN = 3
"""Observed variables that a hidden confounder drives."""
NONLINEAR = 0.5
"""Share of nonlinear edges."""
BEND = 1.5
"""A nonlinear edge adds w s sin(1.5 x / s) for a parent x of deviation s: correlation 0.69 if x is Gaussian."""
PILOT = 2000
"""Samples, apart from the data, that give the s of a nonlinear edge."""
WEAK = (0.3, 0.8)
"""|w| of weak weights, uniform: little signal, yet no true edge below 0.3, where estimates are cut."""


def simulate_violated(
    batch: int,
    d: int,
    n: int,
    *,
    violation: Violation,
    degree: float,
    family: GraphFamily = "er",
    noise: Noise = "gaussian",
    variance: Variance = "equal",
    scale: Scale = "raw",
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor]:
    """`adag.sem.simulate` with one assumption broken.

    ``measurement-error``: independent Gaussian error on every variable, which its children do not read.
    ``confounders``: further root variables drive several variables each and are dropped from the data; the true graph
    is that of the observed variables' direct edges. ``nonlinear``: a share of the edges bends; "iscm" is not defined
    for them. ``weak-weights``: a linear SEM with the weights `WEAK`.

    Returns
    -------
    A : Tensor, shape (batch, d, d)
        True weights, in the units of X; those of nonlinear edges are only coefficients of the bend.
    X : Tensor, shape (batch, n, d)
        Samples.
    """
    if violation not in get_args(Violation):
        raise ValueError(f"unknown violation {violation!r}: one of {', '.join(get_args(Violation))}")
    if violation == "nonlinear" and scale == "iscm":
        raise ValueError("violation 'nonlinear' has no scale 'iscm': its variances have no closed form")
    sem = random_sem(
        batch,
        d,
        degree=degree,
        family=family,
        noise=noise,
        variance=variance,
        weights=WEAK if violation == "weak-weights" else WEIGHT_RANGE,
        generator=generator,
        dtype=dtype,
    )
    if violation == "confounders":
        sem = confounded(sem, generator)
    sem = at_scale(sem, scale)
    if violation == "nonlinear":
        bent = (torch.rand(sem.A.shape, generator=generator, device=generator.device) < NONLINEAR) & (sem.A != 0)
        X = bent_sample(sem, bent, n, generator)
    else:
        X = sem.sample(n, generator)[:, :, :d]
    if violation == "measurement-error":
        std = sem.covariance().diagonal(dim1=-2, dim2=-1).sqrt()
        X = X + ERROR * std.unsqueeze(1) * unit_noise("gaussian", (batch, n, d), generator, dtype)
    A = sem.A[:, :d, :d]
    if scale == "standardised":
        X, std = z_scored(X)
        A = A * std.unsqueeze(-1) / std.unsqueeze(-2)
    return A, X


def confounded(sem: SEM, generator: torch.Generator) -> SEM:
    """The SEM with hidden root variables of noise variance 1 appended, as its last variables."""
    B, d = sem.noise_std.shape
    device, dtype = sem.A.device, sem.A.dtype
    hidden, children = max(1, round(HIDDEN * d)), min(CHILDREN, d)
    A = torch.zeros(B, d + hidden, d + hidden, device=device, dtype=dtype)
    A[:, :d, :d] = sem.A
    low, high = WEIGHT_RANGE
    magnitude = low + (high - low) * torch.rand(B, hidden, d, generator=generator, device=device, dtype=dtype)
    positive = torch.rand(B, hidden, d, generator=generator, device=device) < 0.5
    chosen = torch.rand(B, hidden, d, generator=generator, device=device).argsort(-1) < children
    A[:, d:, :d] = torch.where(positive, magnitude, -magnitude) * chosen
    std = torch.cat([sem.noise_std, torch.ones(B, hidden, device=device, dtype=dtype)], dim=1)
    return SEM(A, std, sem.noise)


def bent_sample(sem: SEM, bent: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """N samples of every SEM of the batch, the edges in `bent` (bool, shape (B, d, d)) being nonlinear."""
    B, d = sem.noise_std.shape
    rows = torch.arange(B, device=sem.A.device)
    X = unit_noise(sem.noise, (B, n + PILOT, d), generator, sem.A.dtype) * sem.noise_std.unsqueeze(1)
    straight, curved = sem.A * ~bent, sem.A * bent
    wave = torch.zeros_like(X)
    for j in topological_order(sem.A).unbind(1):
        linear = (X * straight[rows, :, j].unsqueeze(1)).sum(-1)  # later variables have weight 0
        value = X[rows, :, j] + linear + (wave * curved[rows, :, j].unsqueeze(1)).sum(-1)
        X[rows, :, j] = value
        s = value[:, n:].std(-1, correction=0).unsqueeze(-1)
        wave[rows, :, j] = s * torch.sin(BEND * value / s)
    return X[:, :n]
