"""Points inside and outside of what a checkpoint was trained on, one thing varied at a time.

Includes noise laws that no training task has. Called by `benchmarks.ablation`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adag.sem import WEIGHT_RANGE, random_sem, unit_noise

UNSEEN = ("two-point", "log-normal")
"""Noise laws that `adag.sem` does not draw."""


@dataclass(frozen=True)
class Point:
    """A cell in which one `factor` has an unusual `value`; raw ER data, equal variances."""

    factor: str
    value: str
    d: int = 20
    n: int = 100
    degree: float = 2
    noise: str = "gaussian"
    weights: tuple[float, float] = WEIGHT_RANGE

    def inside(self, tasks: dict[str, Any]) -> bool:
        """Whether the card's training tasks cover the value (between the ends, for numbers)."""
        if self.factor == "noise":
            return self.noise in [law for law, _ in tasks["noise"]]
        if self.factor == "weights":
            known = [seen for seen, _ in tasks.get("weights", [[WEIGHT_RANGE, 1]])]
            return any(low <= self.weights[0] and self.weights[1] <= high for low, high in known)
        if self.factor == "n":
            low, high = tasks["n"]
        else:
            values = [value for value, _ in tasks[self.factor]]
            low, high = min(values), max(values)
        return bool(low <= float(self.value) <= high)


def points() -> list[Point]:
    """All points, factor by factor; every factor has the usual cell (d = 20, n = 100, ER2, Gaussian) among them."""
    result = [Point("d", str(d), d=d) for d in (5, 10, 20, 50, 100, 150)]
    result += [Point("n", str(n), n=n) for n in (4, 5, 10, 20, 50, 100, 1_000, 2_000, 10_000, 100_000)]
    result += [Point("degree", f"{k:g}", degree=k) for k in (1.0, 2.0, 3.0, 4.0, 6.0)]
    laws = ("gaussian", "exponential", "gumbel", "laplace", "uniform", "student-t", *UNSEEN)
    result += [Point("noise", law, noise=law) for law in laws]
    ranges = ((0.1, 0.3), (0.25, 0.5), WEIGHT_RANGE, (2.0, 3.0), (3.0, 5.0))
    return result + [Point("weights", f"{low:g} to {high:g}", weights=(low, high)) for low, high in ranges]


def simulated(point: Point, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """True weights and one data set of a point."""
    generator = torch.Generator().manual_seed(seed)
    degree = 1.0 if point.d <= 5 else point.degree  # ER2 at d = 5 is the complete graph
    sem = random_sem(1, point.d, degree=degree, weights=point.weights, generator=generator)
    E = _noise(point.noise, (point.n, point.d), generator)
    eye = torch.eye(point.d, dtype=E.dtype)
    X = torch.linalg.solve(eye - sem.A[0], E, left=False)
    return sem.A[0].numpy(), X.numpy()


def _noise(law: str, shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Mean 0 and variance 1, float64."""
    if law == "two-point":
        return 2.0 * torch.randint(0, 2, shape, generator=generator).double() - 1.0
    if law == "log-normal":  # of a standard normal's exponential: mean e^(1/2), variance (e - 1) e
        z = torch.randn(shape, generator=generator, dtype=torch.float64).exp()
        return (z - np.exp(0.5)) / np.sqrt((np.e - 1.0) * np.e)
    return unit_noise(law, shape, generator, torch.float64)  # type: ignore[arg-type]
