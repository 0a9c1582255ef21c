"""Which domain family is meant, by a number: what its domains share, and data sets of it to learn from.

One place for the seeds, so that training, the benchmark's test domains and the controls speak of the same family and
never of the same domain. Called by `adag.pretrain`, `adag.self_taught`, `baselines` and `benchmarks`.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from adag.random_graphs import GraphFamily, orient
from adag.seeds import generator_of
from adag.sem import SEM, DomainFamily, Family, Noise, Scale, Variance, observed

CHUNK = 100
"""Training domains come in blocks of this many, each with a seed of its own: the first M are the same for all M."""


class FamilyKey(NamedTuple):
    """The name of a domain family; ``family_of(*key)`` is the family itself."""

    family: Family
    d: int
    degree: float
    graph: GraphFamily
    family_seed: int = 0

    def canonical(self) -> str:
        """Stable text of the key; seeds depend on it, so its form must never change."""
        return f"{self.family}/{self.graph}/degree={self.degree:g}/d={self.d}/family_seed={self.family_seed}"


def family_of(family: Family, d: int, degree: float, graph: GraphFamily = "er", family_seed: int = 0) -> DomainFamily:
    """The domain family of that name: what its domains share (an order, a graph) is a function of the arguments alone.

    Parameters
    ----------
    family : {"general", "order-consistent", "heterogeneous"}
        What is shared; see `adag.sem.DomainFamily`.
    d : int
        Variables.
    degree : float
        k of ER-k and SF-k: about degree * d edges a graph.
    graph : str
        One of `adag.random_graphs.GraphFamily`.
    family_seed : int
        Which of the families of that kind.
    """
    key = FamilyKey(family, d, float(degree), graph, family_seed)
    return DomainFamily.draw(family, d, degree=degree, graph=graph, generator=generator_of(f"family:{key.canonical()}"))


def trained_family(card: dict[str, Any]) -> FamilyKey:
    """The family that a checkpoint was trained on, by its card."""
    tasks = card["config"]["tasks"]
    d, degree, graph = (tasks[name][0][0] for name in ("d", "degree", "graph"))
    return FamilyKey(tasks.get("family", "general"), d, float(degree), graph, tasks.get("family_seed", 0))


def training_domains(
    key: FamilyKey,
    M: int,
    n: int,
    *,
    noise: Noise = "gaussian",
    variance: Variance = "equal",
    scale: Scale = "raw",
) -> Tensor:
    """Unlabelled data sets of a family, float64 of shape (M, n, d): no test or tuning domain is among them.

    A function of the arguments; the first M of more are the same ones.
    """
    return torch.cat([X for _, X in _domains("training", key, M, n, noise, variance, scale)])


def tuning_domains(
    key: FamilyKey,
    M: int,
    n: int,
    *,
    noise: Noise = "gaussian",
    variance: Variance = "equal",
    scale: Scale = "raw",
) -> tuple[Tensor, Tensor]:
    """Data sets of a family *with* their true weights, to choose a threshold on: neither training nor test domains.

    Returns
    -------
    A : Tensor, shape (M, d, d)
    X : Tensor, shape (M, n, d)
    """
    parts = list(_domains("tuning", key, M, n, noise, variance, scale))
    return torch.cat([sem.A for sem, _ in parts])[:M], torch.cat([X for _, X in parts])


def reordered(family: DomainFamily, inversions: float, generator: torch.Generator) -> DomainFamily:
    """A family at a distance from another: its order has that share of the variable pairs the other way round.

    Edges that are shared keep their places and are turned to the new order.

    Parameters
    ----------
    family : DomainFamily
        order-consistent or heterogeneous.
    inversions : float
        0: the same order; 1: its reverse. Exact, up to the rounding to a whole number of pairs.
    generator : torch.Generator
        Which of the orders at that distance.
    """
    if family.order is None:
        raise ValueError("a general family has no order to be at a distance from")
    if not 0.0 <= inversions <= 1.0:
        raise ValueError(f"the share of inversions is {inversions:g}: give one from 0 to 1")
    order = family.order.tolist()
    place = {variable: k for k, variable in enumerate(order)}
    for _ in range(round(inversions * family.d * (family.d - 1) / 2)):
        # Swapping neighbours that still stand as in the first order adds one inversion, and there are always some.
        standing = [k for k in range(family.d - 1) if place[order[k]] < place[order[k + 1]]]
        k = standing[int(torch.randint(len(standing), (1,), generator=generator, device=generator.device))]
        order[k], order[k + 1] = order[k + 1], order[k]
    new = torch.tensor(order, dtype=family.order.dtype, device=family.order.device)
    edges = None if family.edges is None else orient((family.edges | family.edges.mT)[None], new[None])[0]
    return replace(family, order=new, edges=edges)


def _domains(
    purpose: str, key: FamilyKey, M: int, n: int, noise: Noise, variance: Variance, scale: Scale
) -> Iterator[tuple[SEM, Tensor]]:
    """M domains with n samples each, in chunks; the SEMs of the last chunk may be more than its samples."""
    family = family_of(*key)
    for first in range(0, M, CHUNK):
        what = f"family-{purpose}:{key.canonical()}/n={n}/{noise}/{variance}/{scale}/{first}"
        generator = generator_of(what)
        sem, X = observed(family.sems(CHUNK, noise=noise, variance=variance, generator=generator), n, scale, generator)
        yield sem, X[: M - first]
