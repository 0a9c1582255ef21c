"""The training tasks: which SEMs and data sets ADAG sees, drawn afresh at every step and never stored.

`TaskMix` is part of the training configuration and is written to the model card, so that every number of
ADAG's can be read beside what it saw. Called by `adag.pretrain`.
"""

import functools
import math
import random
from typing import Annotated, NamedTuple, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from adag.families import FamilyKey, family_of, training_domains
from adag.moments import Moments
from adag.random_graphs import GraphFamily
from adag.self_taught import Lessons
from adag.sem import WEIGHT_RANGE, DomainFamily, Family, Noise, Scale, Variance, observed

T = TypeVar("T")


class TaskMix(BaseModel):
    """Distribution of the training tasks.

    In the *general* family every task has a fresh graph, order and weights; the tasks of the other families share an
    order or a graph (`adag.sem.DomainFamily`), and then d, degree and graph are one each. Lists of [value, share]
    pairs; shares need not sum to 1. The number of samples is log-uniform between the two ends of ``n``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    d: tuple[tuple[Annotated[int, Field(ge=2)], float], ...]
    n: tuple[Annotated[int, Field(ge=3)], int]
    degree: tuple[tuple[float, float], ...]
    graph: tuple[tuple[GraphFamily, float], ...]
    noise: tuple[tuple[Noise, float], ...]
    variance: tuple[tuple[Variance, float], ...]
    scale: tuple[tuple[Scale, float], ...]
    weights: tuple[tuple[tuple[float, float], float], ...] = ((WEIGHT_RANGE, 1.0),)
    spread: bool = False
    """Where a degree would join every pair of variables (2 degree >= d - 1), draw ER graphs of a uniformly random
    density instead: otherwise two variables are never seen without an edge, and few hardly ever."""
    pairs_per_step: Annotated[int, Field(ge=100)] = 6400
    groups_per_step: Annotated[int, Field(ge=1)] = 4
    pool: Annotated[int, Field(ge=1)] | None = None
    """Number of batches that are drawn, then repeated; None: never repeat."""
    family: Family = "general"
    family_seed: Annotated[int, Field(ge=0)] = 0
    """Which of the families of that kind (`adag.families`)."""

    domains: Annotated[int, Field(ge=1)] | None = None
    """Number of unlabelled data sets of the family that there are in all. For the unsupervised objective each has n
    rows: three quarters are read, the others judge. The self-taught one fits SEMs to them, the largest n rows each, and
    simulates those (`adag.self_taught`). None: fresh domains without end, judged by their population."""

    @model_validator(mode="after")
    def _of_a_family(self) -> "TaskMix":
        if self.domains is not None and self.family_key() is None:
            raise ValueError("a number of domains needs a family")
        if self.domains is not None and self.weights != ((WEIGHT_RANGE, 1.0),):
            raise ValueError("a number of domains is of the usual weights: leave out 'weights'")
        return self

    @model_validator(mode="after")
    def _one_family(self) -> "TaskMix":
        if self.family != "general" and self.spread:
            raise ValueError("spread is for the general family: the domains of another have one density")
        if self.family != "general" and not len(self.d) == len(self.degree) == len(self.graph) == 1:
            raise ValueError(f"the domains of one {self.family} family have one d, one degree and one graph family")
        return self

    def family_key(self) -> FamilyKey | None:
        """What all tasks share; None in the general family."""
        if self.family == "general":
            return None
        return FamilyKey(self.family, self.d[0][0], self.degree[0][0], self.graph[0][0], self.family_seed)

    def source(self, step: int) -> int:
        """The step whose batch is trained on at `step`: its own, or one of the pool's."""
        return step if self.pool is None else step % self.pool


class Batch(NamedTuple):
    """Data sets of one d and their moments, with what an objective may hold the answer against."""

    samples: list[Tensor]
    """In groups of one n, each of shape (b, n, d)."""
    moments: Moments
    A: Tensor
    """True weights, shape (B, d, d); of a self-taught run those of the fit that was simulated."""
    covariance: Tensor
    """Population covariance, shape (B, d, d): held-out data without end."""


def draw(mix: TaskMix, seed: int, step: int, device: torch.device, lessons: Lessons | None = None) -> Batch:
    """The tasks of one training step, a function of (seed, step) alone: a resumed run sees what it would have seen.

    One d per step (so that tensors are dense), several groups of data sets that differ in n, degree and regime. With
    `lessons` their SEMs are taken from there.
    """
    choose, own_seed, d, size = _begin(mix, seed, step)
    generator = torch.Generator(device=device).manual_seed(own_seed)
    if mix.domains is not None and lessons is None:
        return _of_the_domains(mix, size * mix.groups_per_step, generator)
    samples, sems = [], []
    for _ in range(mix.groups_per_step):
        low, high = mix.n
        n = round(math.exp(choose.uniform(math.log(low), math.log(high))))
        degree, graph = _pick(choose, mix.degree), _pick(choose, mix.graph)
        if mix.spread and 2 * degree >= d - 1:
            degree, graph = choose.uniform(0, (d - 1) / 2), "er"
        noise, variance = _pick(choose, mix.noise), _pick(choose, mix.variance)
        scale, weights = _pick(choose, mix.scale), _pick(choose, mix.weights)
        if lessons is not None:
            sem = lessons.sems(size, noise=noise, generator=generator)
        else:
            domains = family_of(*key).to(device) if (key := mix.family_key()) else DomainFamily(d, degree, graph)
            sem = domains.sems(
                size, noise=noise, variance=variance, weights=weights, generator=generator, dtype=torch.float32
            )
        sem, X = observed(sem, n, scale, generator)
        samples.append(X)
        sems.append(sem)
    return Batch(
        samples,
        Moments.stack([Moments.of(X) for X in samples]),
        torch.cat([sem.A for sem in sems]),
        torch.cat([sem.covariance() for sem in sems]),
    )


def _of_the_domains(mix: TaskMix, size: int, generator: torch.Generator) -> Batch:
    """Some of a fixed number of data sets, each with its rows split at random into those read and those held out."""
    key = mix.family_key()
    assert key is not None
    assert mix.domains is not None
    everything = _fixed(key, mix.domains, mix.n[0], mix.noise[0][0], mix.variance[0][0], mix.scale[0][0])
    device = generator.device
    X = everything[torch.randint(mix.domains, (size,), generator=generator, device=device).cpu()].to(device)
    rows = torch.rand(X.shape[:2], generator=generator, device=device).argsort(1).unsqueeze(-1).expand_as(X)
    seen, unseen = X.gather(1, rows).split([X.shape[1] - X.shape[1] // 4, X.shape[1] // 4], 1)
    rest = unseen - seen.mean(1, keepdim=True)
    A = torch.full((size, key.d, key.d), float("nan"), device=device)  # of no use to the unsupervised objective
    return Batch([seen], Moments.of(seen), A, rest.mT @ rest / rest.shape[1])


@functools.lru_cache(maxsize=1)
def _fixed(key: FamilyKey, M: int, n: int, noise: Noise, variance: Variance, scale: Scale) -> Tensor:
    return training_domains(key, M, n, noise=noise, variance=variance, scale=scale).float()


def distinct_tasks(mix: TaskMix, seed: int, batches: int, *, simulated: bool) -> int:
    """How many different data sets there are in so many batches; `simulated`: they are not the `domains` themselves."""
    if mix.domains is not None and not simulated:
        return mix.domains
    if mix.pool is not None:
        batches = min(batches, mix.pool)
    return sum(_begin(mix, seed, step)[-1] for step in range(batches)) * mix.groups_per_step


def _begin(mix: TaskMix, seed: int, step: int) -> tuple[random.Random, int, int, int]:
    """What a step begins with: its choices to come, the seed of its data, d, and the data sets in each group."""
    choose = random.Random(f"{seed}/{step}")
    own_seed = choose.getrandbits(62)
    d = _pick(choose, mix.d)
    return choose, own_seed, d, max(1, round(mix.pairs_per_step / (d * d * mix.groups_per_step)))


def _pick(choose: random.Random, shares: tuple[tuple[T, float], ...]) -> T:
    values, weights = zip(*shares, strict=True)
    return choose.choices(values, weights)[0]
