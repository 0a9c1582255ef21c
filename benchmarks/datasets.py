"""From a `DatasetKey` to the data set itself, on any machine. Called by `benchmarks.worker` and `scoring`."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adag.families import family_of
from adag.sem import SEM, DomainFamily, observed
from adag.violations import simulate_violated
from benchmarks import folder, networks, sachs
from benchmarks.keys import DatasetKey


@dataclass(frozen=True)
class Dataset:
    """Samples X (n x d, named columns) and the true weights A (d x d, i -> j; 0/1 where weights are unknown).

    Without a known graph A is 0, and there is nothing to score against.
    """

    X: pd.DataFrame
    A: NDArray[np.float64]
    weights_known: bool = True
    graph_known: bool = True
    population: Callable[[], NDArray[np.float64]] | None = None
    """Computes `covariance`, which only the scores need."""

    @cached_property
    def covariance(self) -> NDArray[np.float64] | None:
        """Population covariance, shape (d, d), in the units of X; None where it has no closed form."""
        return None if self.population is None else self.population()

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
    if key.graph in networks.SIZES:
        X, sem = networks.sample(key.graph, key.n, key.scale, torch.Generator().manual_seed(key.seed))
        return _shuffled(Dataset(X, sem.A[0].numpy(), population=_population(sem)), key)
    if key.graph == "sachs":
        return _shuffled(Dataset(sachs.observational(), sachs.consensus().to_numpy(np.float64), False), key)
    if key.graph == "sachs-conditions":
        truth = sachs.consensus().to_numpy(np.float64)
        return _shuffled(Dataset(sachs.condition(key.repeat), truth, False), key)
    if key.graph == "sachs-all":
        return _shuffled(Dataset(sachs.all_conditions(), sachs.consensus().to_numpy(np.float64), False), key)
    if key.graph.startswith(folder.PREFIX):
        X, edges = folder.read(key.graph)
        A = np.zeros((key.d, key.d)) if edges is None else edges
        return _shuffled(Dataset(X, A, weights_known=False, graph_known=edges is not None), key)
    return _simulated(key)


def _simulated(key: DatasetKey) -> Dataset:
    generator = torch.Generator().manual_seed(key.seed)
    noise: dict[str, Any] = {"noise": key.noise, "variance": key.variance}  # validated by the grid, as is the rest
    names = _names(key.d)
    if key.violation == "none":
        family = family_of(*key.family) if key.family else DomainFamily(key.d, key.degree, key.graph)  # type: ignore[arg-type]
        sem, X = observed(family.sems(1, generator=generator, **noise), key.n, key.scale, generator)  # type: ignore[arg-type]
        return Dataset(pd.DataFrame(X[0].numpy(), columns=names), sem.A[0].numpy(), population=_population(sem))
    A, X = simulate_violated(
        1, key.d, key.n, degree=key.degree, family=key.graph, violation=key.violation, scale=key.scale,  # type: ignore[arg-type]
        generator=generator, dtype=torch.float64, **noise,
    )  # fmt: skip
    linear = key.violation != "nonlinear"
    return Dataset(pd.DataFrame(X[0].numpy(), columns=names), A[0].numpy(), weights_known=linear)


@lru_cache
def _names(d: int) -> pd.Index:
    """One index for all: pandas takes longer to make it than we to draw a small data set."""
    return pd.Index([f"x{j}" for j in range(d)])


def _shuffled(data: Dataset, key: DatasetKey) -> Dataset:
    order = np.random.default_rng(key.seed).permutation(key.d)
    square = np.ix_(order, order)
    inner = data.population
    population = None if inner is None else lambda: inner()[square]
    return dataclasses.replace(data, X=data.X.iloc[:, order], A=data.A[square], population=population)


def _population(sem: SEM) -> Callable[[], NDArray[np.float64]]:
    return lambda: sem.covariance()[0].numpy()


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
