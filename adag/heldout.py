"""Held-out data sets to watch training by, and the mean SHD on them. Called by `adag.pretrain`."""

import torch
from torch import Tensor

from adag.decode import least_expected_shd
from adag.families import FamilyKey, tuning_domains
from adag.inference import Network, Objective, edge_probability
from adag.moments import Moments
from adag.sem import simulate

VALIDATION_SEED = 7_000_000_019
"""Validation sets are drawn from here; training and the benchmark's grids use other seeds."""


def validation_sets(
    cells: tuple[tuple[int, int], ...], family: FamilyKey | None = None, size: int = 100
) -> dict[str, tuple[Tensor, Tensor]]:
    """Held-out raw Gaussian equal-variance data sets for each (d, n), to watch training by.

    They are ER2 (ER1 at d <= 5), or of the family that the training tasks are of.
    """
    sets = {}
    for d, n in cells:
        if family is not None:
            A, X = tuning_domains(family, size, n)
            sets[f"d={d} n={n}"] = (X, A)
            continue
        generator = torch.Generator().manual_seed(VALIDATION_SEED + 1000 * d + n)
        A, X = simulate(size, d, n, degree=1 if d <= 5 else 2, generator=generator)
        sets[f"d={d} n={n}"] = (X, A)
    return sets


@torch.no_grad()
def validate(
    model: Network, sets: dict[str, tuple[Tensor, Tensor]], objective: Objective = "supervised"
) -> dict[str, float]:
    """Mean SHD on each validation set: the DAG of least expected SHD, before any search."""
    device = next(model.parameters()).device
    result = {}
    for name, (X, A) in sets.items():
        probability = edge_probability(model, Moments.of(X), [X], objective, device).double().cpu().numpy()
        truth = (A != 0).numpy()
        total = 0
        for found, t in zip(least_expected_shd(probability), truth, strict=True):
            wrong = found.astype(bool) != t
            total += int((wrong | wrong.T).sum()) // 2
        result[name] = round(total / len(truth), 3)
    return result
