"""Lessons from unlabelled data: the SEMs that an unsupervised checkpoint fits to domains, to learn from as if true.

The sleep phase of wake-sleep (Hinton et al. 1995): what has been read off long data sets is simulated again, and on
those simulations the graph is known, so that a network can learn which edges to keep, by the supervised loss, though
no true graph is ever seen. Called by `adag.pretrain` for ``objective = "self-taught"``.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from adag.errors import UsageError
from adag.estimator import ADAG
from adag.families import FamilyKey, trained_family, training_domains
from adag.sem import SEM, Noise


@dataclass(frozen=True)
class Lessons:
    """SEMs fitted to unlabelled data sets of one family.

    Attributes
    ----------
    A : Tensor, shape (M, d, d)
        Weights; zero where the fit has no edge.
    noise_std : Tensor, shape (M, d)
        Noise standard deviations: the same for all variables of a fit, as the unsupervised objective has it.
    """

    A: Tensor
    noise_std: Tensor

    @property
    def digest(self) -> str:
        """Tells these fits from others: a run that goes on must go on with the same."""
        return hashlib.sha256(self.A.cpu().numpy().tobytes()).hexdigest()

    def sems(self, batch: int, *, noise: Noise, generator: torch.Generator) -> SEM:
        """Some of them at random, with repetition."""
        which = torch.randint(len(self.A), (batch,), generator=generator, device=generator.device)
        return SEM(self.A[which], self.noise_std[which], noise)


def lessons(checkpoint: str, key: FamilyKey, M: int, rows: int, noise: Noise, device: torch.device) -> Lessons:
    """Fit M unlabelled data sets of a family, `rows` samples each: the graphs after the search, weights by regression.

    Parameters
    ----------
    checkpoint : str
        An unsupervised one.
    key : FamilyKey
        The family; its domains are those of `adag.families.training_domains`, on the raw scale, with equal variances.
    M, rows : int
        Data sets and samples of each; the more rows, the truer the fits.
    noise : str
        The law of their noise.
    device : torch.device
        Where the fits are put; they are made on the CPU.

    Raises
    ------
    UsageError
        The checkpoint has seen true graphs, or is of another family.
    """
    teacher = ADAG(checkpoint, "cpu", refine=True)
    if (learnt := teacher.card["objective"]) != "unsupervised":
        raise UsageError(f"'{checkpoint}' was trained by the objective {learnt}: give an unsupervised one as init")
    if teacher.card["family"] != "general" and (own := trained_family(teacher.card)) != key:
        raise UsageError(f"'{checkpoint}' was trained on the family {own.canonical()}, not on {key.canonical()}")
    X = training_domains(key, M, rows, noise=noise).numpy()
    graphs = teacher.discover_many(list(X))
    A = np.stack([graph.weights for graph in graphs if graph.weights is not None])
    centred = X - X.mean(1, keepdims=True)
    residual = centred - centred @ A
    # What is left to estimate one variance from: every sample of every variable, less a mean each and the weights.
    freedom = rows * key.d - key.d - (A != 0).sum((1, 2))
    std = np.sqrt(np.square(residual).sum((1, 2)) / freedom)
    return Lessons(
        torch.from_numpy(A).float().to(device),
        torch.from_numpy(std).float().to(device).unsqueeze(-1).expand(-1, key.d),
    )
