"""From a `DatasetKey` to the data set itself, on any machine. Called by `benchmarks.worker` and `scoring`."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adag.sem import simulate
from benchmarks import sachs
from benchmarks.keys import DatasetKey


@dataclass(frozen=True)
class Dataset:
    """Samples X (n x d, named columns) and the true weights A (d x d, i -> j; 0/1 where weights are unknown)."""

    X: pd.DataFrame
    A: NDArray[np.float64]
    weights_known: bool = True

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """The true weights, None where only the graph is known."""
        return self.A if self.weights_known else None

    @property
    def truth(self) -> NDArray[np.int8]:
        """The true graph, shape (d, d): 1 at [i, j] for i -> j."""
        return (self.A != 0).astype(np.int8)


@lru_cache(maxsize=256)
def load(key: DatasetKey) -> Dataset:
    """Derive a data set from its key alone.

    Variables are in random order: simulated ones by construction, real ones by a permutation seeded by the key.
    """
    if key.graph == "sachs":
        order = np.random.default_rng(key.seed).permutation(len(sachs.VARIABLES))
        X, A = sachs.observational(), sachs.consensus()
        return Dataset(X.iloc[:, order], A.iloc[order, order].to_numpy(dtype=np.float64), weights_known=False)
    generator = torch.Generator().manual_seed(key.seed)
    weights, samples = simulate(
        1,
        key.d,
        key.n,
        degree=key.degree,
        family=key.graph,  # type: ignore[arg-type]  # validated by the grid
        noise=key.noise,  # type: ignore[arg-type]
        variance=key.variance,  # type: ignore[arg-type]
        scale=key.scale,  # type: ignore[arg-type]
        generator=generator,
        dtype=torch.float64,
    )
    return Dataset(pd.DataFrame(samples[0].numpy(), columns=[f"x{j}" for j in range(key.d)]), weights[0].numpy())


def sortabilities(dataset: Dataset) -> tuple[float, float]:
    """Var- and R2-sortability of a data set (Reisach et al. 2021, 2023), from CausalDisco.

    0.5 is chance; near 1, sorting by variance (or by R2) alone finds the order. NaN where the true graph has no
    edge, and for R2 where n <= d + 1: every regression then fits perfectly and the sort means nothing.
    """
    from CausalDisco.analytics import r2_sortability, var_sortability

    X = dataset.X.to_numpy()
    n, d = X.shape
    if not dataset.truth.any():
        return float("nan"), float("nan")
    r2 = float(r2_sortability(X, dataset.truth)) if n > d + 1 else float("nan")
    # Variances of standardised data differ by rounding alone: without a tolerance that noise is what is sorted.
    tolerance = 1e-9 * float(X.var(axis=0).max())
    return float(var_sortability(X, dataset.truth, tol=tolerance)), r2
