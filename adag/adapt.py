"""Learn what related data sets share, from the data sets alone: the prior of the paper's multi-domain setting.

Domains over the same variables may share a topological order, a graph, or nothing (Yin, Gao & Yu 2025, sec. 3). What
they share is found by empirical Bayes and kept as a bias of every ordered pair of variables on the network's last
kernel, entry by entry. Called by `ADAG.adapt` and ``python -m adag adapt``.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq

from adag.checkpoint import Checkpoint
from adag.errors import UsageError
from adag.model import AttentionDAG

Array = NDArray[np.float64]

STRENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""How many domains' worth of evidence the belief that all pairs are alike may weigh; the data choose."""
ROUNDS = 8
_SUFFIX = "-adapted"
_LEAST = 1e-6
"""Probabilities are kept this far from 0: no number of domains makes an edge impossible in the next one."""


class SharedPrior(NamedTuple):
    """What a set of domains has in common."""

    bias: Array
    """Shape (d, d): log of how much more likely i -> j is, against no edge, than in a domain about which nothing is
    known; zero diagonal."""
    strength: float
    """The chosen one of `STRENGTHS`: small where the domains share much."""
    gain: float
    """Mean log-likelihood of a pair's state in a domain under the prior from the *other* domains, minus that under
    no shared prior (nats per pair); 0: they share nothing that can be told from chance."""


def shared_prior(probability: Array) -> SharedPrior:
    """The prior over the states of every pair of variables that makes the domains most likely (empirical Bayes).

    A pair is in one of three states: no edge, i -> j, j -> i. The network's posteriors are the likelihoods of these
    states times the prior that it was trained under, the same for all pairs; expectation-maximisation replaces that
    by a prior of each pair's own, drawn towards the common one with a strength that is chosen by how well the prior
    from all other domains foretells each. Pairs are taken one by one though they are not independent, and left alone
    that would add edges round by round: the mean number of edges is held at that of the network's own posteriors,
    which are calibrated. No true graph is needed, and no data beyond the posteriors.

    Parameters
    ----------
    probability : ndarray, shape (M, d, d)
        P(i -> j) in each of M >= 1 domains, from a network without a bias.

    Returns
    -------
    SharedPrior
        With M = 1 there are no other domains to foretell it: the bias is zero.
    """
    M, d, _ = probability.shape
    posterior = _states(probability)
    pairs = ~np.eye(d, dtype=bool)
    share = float(np.clip(probability.mean(0)[pairs].mean(), _LEAST, 0.5 - _LEAST))
    common = np.array([1.0 - 2.0 * share, share, share])
    best = SharedPrior(np.zeros((d, d)), float("inf"), 0.0)
    if M == 1:
        return best
    edges = posterior[..., 1].mean()
    for strength in STRENGTHS:
        others = np.broadcast_to(common, posterior.shape)
        for _ in range(ROUNDS):
            # Each domain is read under the prior from the others, or it would confirm itself.
            responsibility = _under(posterior, others / common)
            total = responsibility.sum(0)
            others = _holding(
                edges, posterior, (total - responsibility + strength * common) / (M - 1 + strength), common
            )
        gains = np.log((posterior * (others / common)).sum(-1))[:, pairs].mean(1)
        gain = float(gains.mean())
        if gain > max(best.gain, 2.0 * float(gains.std()) / math.sqrt(M - 1)):  # two standard errors: not by chance
            prior = _holding(edges, posterior, (total + strength * common) / (M + strength), common)
            bias = np.where(pairs, np.log(prior[..., 1] / prior[..., 0] * common[0] / common[1]), 0.0)
            best = SharedPrior(bias, strength, gain)
    return best


def _under(posterior: Array, ratio: Array) -> Array:
    """The states' probabilities under a prior that is `ratio` times the one they were read under."""
    states = posterior * ratio
    return np.asarray(states / states.sum(-1, keepdims=True))


def _holding(edges: float, posterior: Array, prior: Array, common: Array) -> Array:
    """`prior` with the odds of every edge times one constant, so that there are as many edges as before, on average."""

    def tilted(offset: float) -> Array:
        states = prior * np.exp([0.0, offset, offset])
        return np.asarray(states / states.sum(-1, keepdims=True))

    return tilted(
        brentq(lambda c: _under(posterior, tilted(c) / common)[..., 1].mean() - edges, -20.0, 20.0, xtol=1e-3)
    )


def with_prior(start: Checkpoint, prior: SharedPrior, variables: Sequence[str], rows: Sequence[int]) -> Checkpoint:
    """A checkpoint with a prior on its last kernel and the variables' names on its card.

    Parameters
    ----------
    start : Checkpoint
        Whose network the posteriors are from.
    prior : SharedPrior
        Of d variables.
    variables : sequence of str, length d
        Their names.
    rows : sequence of int
        Of every domain that the prior was learned from; kept on the card.
    """
    d = len(variables)
    if not isinstance(start.model, AttentionDAG):
        name = start.card["name"]
        raise UsageError(f"checkpoint '{name}' reads samples and cannot be adapted: give one that reads moments")
    network = AttentionDAG(replace(start.model.config, prior=d)).to(next(start.model.parameters()).device)
    network.load_state_dict({**start.model.state_dict(), "bias": torch.from_numpy(prior.bias).float()})
    learned = {
        "domains": len(rows),
        "rows": [min(rows), max(rows)],
        "strength": prior.strength if math.isfinite(prior.strength) else None,
        "gain": round(prior.gain, 4),
    }
    name = start.card["name"].removesuffix(_SUFFIX) + _SUFFIX
    # One pair at a time, a prior cannot see that an edge explains another away; the search can: "refine".
    added = {"name": name, "variables": list(variables), "adapted": learned, "refine": True}
    return Checkpoint.of(network, {**start.card, **added})


def without_prior(start: Checkpoint) -> Checkpoint:
    """The network as it was before it was adapted: adapting again starts from there."""
    if not isinstance(start.model, AttentionDAG) or not start.model.config.prior:
        return start
    network = AttentionDAG(replace(start.model.config, prior=0)).to(next(start.model.parameters()).device)
    network.load_state_dict({k: v for k, v in start.model.state_dict().items() if k != "bias"})
    return Checkpoint.of(network, start.card)


def _states(probability: Array) -> Array:
    """Probabilities of (no edge, i -> j, j -> i), shape (M, d, d, 3)."""
    reverse = probability.transpose(0, 2, 1)
    states = np.stack([1.0 - probability - reverse, probability, reverse], -1).clip(min=_LEAST)  # none on the diagonal
    return np.asarray(states / states.sum(-1, keepdims=True))
