"""What a method is given beside the data set at hand: nothing, or something of the family that the data set is from.

A method declares it (`Method.given`) and takes it in `Method.prepare`, as a `GivenFamily`. Called by `method`,
`benchmarks.worker` and the methods that learn from a family.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from adag.errors import UsageError
from adag.families import FamilyKey, family_of, training_domains, tuning_domains
from adag.sem import Noise, Scale, Variance

Given = Literal["one domain", "training domains", "true order"]

GIVEN: dict[Given, str] = {
    "one domain": "the data set alone",
    "training domains": "unlabelled data sets of the same family before it, never the ones it is tested on",
    "true order": "the causal order that the family shares, as no user has it: a control",
}
"""Every word that `Method.given` may be, and its meaning."""


@dataclass(frozen=True)
class GivenFamily:
    """A family of data sets, as a method may know it: everything is derived on the spot, and nothing is a test domain.

    Attributes
    ----------
    key : FamilyKey
        Which family, of which kind: what a checkpoint is chosen by.
    n : int
        Samples of each domain, as many as the test domains have.
    noise, variance, scale : str
        As the test domains have them.
    given : str
        What the method declares to be given; `order` is refused to all others.
    """

    key: FamilyKey
    n: int
    noise: Noise = "gaussian"
    variance: Variance = "equal"
    scale: Scale = "raw"
    given: Given = "training domains"

    def training(self, M: int) -> NDArray[np.float64]:
        """The first M unlabelled training domains, shape (M, n, d)."""
        return training_domains(
            self.key, M, self.n, noise=self.noise, variance=self.variance, scale=self.scale
        ).numpy()  # fmt: skip

    def tuning(self, M: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """M further domains *with* their true weights, shapes (M, d, d) and (M, n, d): for a control's settings."""
        A, X = tuning_domains(self.key, M, self.n, noise=self.noise, variance=self.variance, scale=self.scale)
        return A.numpy(), X.numpy()

    @property
    def order(self) -> NDArray[np.int64]:
        """The order that all domains keep to, shape (d,): causes first."""
        if self.given != "true order":
            raise UsageError(f"a method that is given '{self.given}' may not see the true order: declare 'true order'")
        order = family_of(*self.key).order
        if order is None:
            raise UsageError(f"the family '{self.key.family}' shares no order: choose another method or family")
        return order.numpy()
