"""`avici-retrained`: a network in the style of AVICI that we trained on ADAG's tasks; not the authors' weights."""

from typing import ClassVar

from baselines.adag import AttentionDAGMethod
from baselines.declaration import Assumption
from baselines.registry import register


@register
class RetrainedAVICI(AttentionDAGMethod):
    """AVICI's architecture (attention along samples and variables, on the samples themselves), re-trained by us.

    Not the authors' code, weights or training data, and a fraction of their budget: its model card,
    `adag/checkpoints/avici-retrained.md`, says what it saw. It shares ADAG's tasks, loss and decoding, so beside `adag`
    it shows what reading samples instead of moments does, and nothing about AVICI as published. The package `avici` is
    not used: it needs numpy < 2, and downloads its weights.
    """

    name = "avici-retrained"
    paper = "architecture after Lorch et al. 2022, arXiv:2205.12934"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "as-trained")
    shipped = "avici-retrained"
