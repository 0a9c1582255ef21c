"""Semi-real data: published Gaussian networks of the bnlearn repository, sampled from their published parameters.

``ecoli70`` (Schaefer & Strimmer 2005) and ``arth150`` (Opgen-Rhein & Strimmer 2007) are gene expression, ``magic-niab``
and ``magic-irri`` (Scutari et al. 2014) wheat and rice genetics. The parameters are read from the installed package
pgmpy without importing it. Called by `benchmarks.datasets` and `grid`.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adag.errors import UsageError
from adag.sem import SEM, z_scored
from benchmarks.packaged import packaged_file

SIZES = {"ecoli70": 46, "arth150": 107, "magic-niab": 44, "magic-irri": 64}
"""Variables of each network."""


@dataclass(frozen=True)
class Network:
    """A linear Gaussian network: ``X = intercept + X A + E`` row by row, E independent of the given variances."""

    names: tuple[str, ...]
    A: NDArray[np.float64]
    intercept: NDArray[np.float64]
    variance: NDArray[np.float64]


@cache
def network(name: str) -> Network:
    """A published network by its name, one of `SIZES`."""
    table = json.loads(packaged_file("pgmpy", f"pgmpy/utils/example_models/{name}.json").read_text())
    names = tuple(table["nodes"])
    at = {node: j for j, node in enumerate(names)}
    A, intercept, variance = np.zeros((len(names), len(names))), np.zeros(len(names)), np.zeros(len(names))
    for child, cpd in table["cpds"].items():
        for parent, (coefficient,) in cpd["coefficients"].items():
            if parent == "(Intercept)":
                intercept[at[child]] = coefficient
            else:
                A[at[parent], at[child]] = coefficient
        (variance[at[child]],) = cpd["variance"]
    arcs = {(names[i], names[j]) for i, j in np.argwhere(A)}
    if len(names) != SIZES[name] or arcs != {(a, b) for a, b in table["arcs"]}:
        raise UsageError(f"the network '{name}' in pgmpy is not the published one: its arcs and coefficients disagree")
    return Network(names, A, intercept, variance)


def sample(name: str, n: int, scale: str, generator: torch.Generator) -> tuple[pd.DataFrame, SEM]:
    """N samples of a network, raw or standardised by their own mean and deviation; with its SEM in those units."""
    net = network(name)
    sem = SEM(torch.from_numpy(net.A)[None], torch.from_numpy(net.variance).sqrt()[None])
    offset = torch.from_numpy(net.intercept) @ torch.linalg.inv(torch.eye(len(net.A)) - torch.from_numpy(net.A))
    X = sem.sample(n, generator) + offset
    if scale == "standardised":
        X, std = z_scored(X)
        sem = sem.rescaled(std)
    return pd.DataFrame(X[0].numpy(), columns=list(net.names)), sem
