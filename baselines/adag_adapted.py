"""`adag-adapted`: the foundation model, adapted to unlabelled data sets of the data set's own family (`ADAG.adapt`)."""

from typing import TYPE_CHECKING, ClassVar

from baselines.adag import AttentionDAGMethod
from baselines.declaration import Assumption
from baselines.given import GivenFamily
from baselines.registry import register

if TYPE_CHECKING:
    from adag.estimator import ADAG


@register
class AdaptedADAG(AttentionDAGMethod):
    """What a user with `domains` data sets of a kind would get: no true graph, no training, seconds of adaptation.

    The prior is learned from domains with as many samples as the data set at hand; the search that follows is that of
    `adag-refined`.
    """

    name = "adag-adapted"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "gaussian", "as-trained")
    given = "training domains"
    refine = True

    def __init__(
        self, *, domains: int = 100, checkpoint: str | None = None, device: str = "cpu", relabel: bool = False
    ) -> None:
        super().__init__(checkpoint=checkpoint, device=device, relabel=relabel)
        self.domains = domains

        self._adapted: ADAG | None = None

    def prepare(self, family: GivenFamily) -> None:
        """Adapt the shipped checkpoint to the family's first domains."""
        self._adapted = super().model.adapt(list(family.training(self.domains)))

    @property
    def model(self) -> "ADAG":
        """The adapted estimator; before `prepare`, the shipped one."""
        return self._adapted or super().model

    @property
    def version(self) -> str:
        """Package version and what was adapted: the same for every family."""
        return f"{super().model.version}, adapted"

    @property
    def training(self) -> str:
        """From the shipped checkpoint's card, and how many domains were added."""
        return f"{super().model.training}; adapted to {self.domains} unlabelled domains of the family"
