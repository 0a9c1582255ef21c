"""`adag-family` and its kind: the checkpoint that was trained on domains of the data set's own family."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from adag.errors import CheckpointError, UsageError
from adag.families import FamilyKey, trained_family
from adag.sem import Family
from baselines.adag import RefinedADAG
from baselines.declaration import Assumption
from baselines.given import GivenFamily
from baselines.registry import register

if TYPE_CHECKING:
    from adag.estimator import ADAG
    from adag.inference import Objective

FOLDER = Path(__file__).resolve().parent.parent / "results" / "families" / "checkpoints"
"""Of this repository: family checkpoints serve its experiments, and are no part of the installed package."""


def family_checkpoint(family: Family, d: int, objective: "Objective") -> Path:
    """Where the checkpoint of a family is: shipped with the package, or among the results of `benchmarks.families`.

    Raises
    ------
    CheckpointError
        There is none.
    """
    from adag.checkpoint import shipped

    name = f"{family}-d{d}-{objective}"
    path = shipped().get(name, FOLDER / f"{name}.safetensors")
    if not path.is_file():
        raise CheckpointError(
            f"no checkpoint '{name}': train one (python -m adag pretrain, family = \"{family}\", d = {d}, objective = "
            f'"{objective}"; adag/configs/families has recipes) and put it into results/families/checkpoints, or give '
            "[checkpoint=FILE]"
        )
    return path


@register
class FamilyADAG(RefinedADAG):
    """The network that was pre-trained on unlabelled domains of the data set's family, without any true graph.

    The search that follows is that of `adag-unsupervised`.

    ``checkpoint`` takes the place of the family's own (``results/families/checkpoints/FAMILY-dD-unsupervised``).
    """

    name = "adag-family"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "gaussian", "equal-variance", "as-trained")
    given = "training domains"
    objective: "ClassVar[Objective]" = "unsupervised"

    def __init__(self, *, checkpoint: str | None = None, device: str = "cpu", relabel: bool = False) -> None:
        super().__init__(checkpoint=checkpoint, device=device, relabel=relabel)
        self.fixed = checkpoint

    def prepare(self, family: GivenFamily) -> None:
        """Load the family's checkpoint and run it once."""
        if self.fixed is None:
            self.checkpoint = str(family_checkpoint(family.key.family, family.key.d, self.objective))
            refuse_other_family(self.model, family.key)
        self.model.discover(family.training(1)[0])

    def warm_up(self) -> None:
        """Import the estimator; which weights to load is known with the family."""
        import adag.estimator  # noqa: F401

    @property
    def version(self) -> str:
        """Package version and the digest of all family checkpoints of this objective that there are."""
        if self.fixed is not None:
            return super().version
        from importlib.metadata import version

        files = available(self.objective)
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
        return f"adag {version('adag')} ({len(files)} family checkpoints{f' {digest}' if files else ''})"

    @property
    def training(self) -> str:
        """From the cards of all family checkpoints of this objective that there are."""
        if self.fixed is not None:
            return super().training
        from adag.checkpoint import load

        cards = {path.stem: load(path).card for path in available(self.objective)}
        return "; ".join(
            f"{name} was trained ({card['objective']}) on {card['tasks']:,} {_domains(card)} in {card['hours']:g} h"
            for name, card in cards.items()
        )


@register
class SelfTaughtFamilyADAG(FamilyADAG):
    """As `adag-family`, with a network that went on to learn from what that one had read off unlabelled domains.

    The SEMs that the unsupervised network had fitted to them were simulated again, and on these simulations it learnt
    which edges to keep (`adag.self_taught`). No true graph was seen, but those domains had 100 rows each. The same
    search follows: on tuning domains it gains with 20 variables, and neither gains nor loses with 10.

    ``checkpoint`` takes the place of the family's own (``results/families/checkpoints/FAMILY-dD-self-taught``).
    """

    name = "adag-family-self-taught"
    objective = "self-taught"


@register
class SupervisedFamilyADAG(FamilyADAG):
    """As `adag-family`, with a network that was shown the true graphs of its training domains."""

    name = "adag-family-supervised"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "as-trained")
    objective = "supervised"
    refine = False  # it has learnt which edges to keep: on tuning domains the search adds errors


def _domains(card: dict[str, Any]) -> str:
    """What a checkpoint was trained on, in words."""
    if card["objective"] != "self-taught":
        return "domains"
    fits = f"{card['config']['tasks']['domains']:,} fits of {card['init']['name']} to unlabelled domains"
    return f"simulations of {fits}"


def available(objective: "Objective") -> list[Path]:
    """Every family checkpoint of an objective, by name."""
    from adag.checkpoint import shipped

    known = {path.stem: path for path in FOLDER.glob("*.safetensors")} | shipped()
    kinds = tuple(f"{family}-d" for family in get_args(Family) if family != "general")
    return [known[name] for name in sorted(known) if name.startswith(kinds) and name.endswith(f"-{objective}")]


def refuse_other_family(model: "ADAG", key: FamilyKey) -> None:
    """A checkpoint of another order or graph would be judged for what it is not."""
    if (trained := trained_family(model.card)) != key:
        raise UsageError(
            f"checkpoint '{model.card['name']}' was trained on the family {trained.canonical()}, and the data sets are "
            f"of {key.canonical()}: train one for them"
        )
