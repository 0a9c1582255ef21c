"""Small data sets with a known answer, for `checks`: random SEMs, a pair and a collider."""

import numpy as np
import torch
from numpy.typing import NDArray

from adag.sem import simulate

Samples = NDArray[np.float64]


def sem(d: int, n: int, seed: int = 0) -> Samples:
    """Samples of a random linear Gaussian SEM with about d edges, shape (n, d)."""
    generator = torch.Generator().manual_seed(seed)
    _, X = simulate(1, d, n, degree=1, generator=generator)
    return X[0].numpy().copy()


def pair(gaussian: bool) -> Samples:
    """X and y = 1.5 x + noise: equal noise variances, not Gaussian where wanted, and y has the larger variance."""
    x, noise = _independent(2, gaussian)
    return np.column_stack([x, 1.5 * x + noise])


def collider(gaussian: bool) -> Samples:
    """x, y and z with y = x + z + noise; x and z are uncorrelated in the sample itself, so that no test errs."""
    x, z, noise = _independent(3, gaussian)
    return np.column_stack([x, x + z + noise, z])


def _independent(k: int, gaussian: bool) -> Samples:
    rng = np.random.default_rng(0)
    E = rng.normal(size=(1000, k)) if gaussian else rng.uniform(-1, 1, size=(1000, k))
    Q, R = np.linalg.qr(E - E.mean(axis=0))
    return (Q * np.sign(np.diagonal(R))).T * np.sqrt(len(E))
