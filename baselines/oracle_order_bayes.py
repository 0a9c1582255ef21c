"""`oracle-order-bayes`: the best answer there is, on average, for who knows the causal order and the law of the data.

Not a method to use but a line to measure by: what an order is worth, and how near one comes to it with an order
learned from other domains. Called through the registry, in the grids of families.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.errors import UsageError
from adag.graph import CausalGraph
from baselines.declaration import Assumption
from baselines.given import Given, GivenFamily
from baselines.method import Method
from baselines.order_posterior import edge_posterior
from baselines.registry import register

_NEARLY = 1e-9
"""A graph may be complete by its law (few variables, high degree): edges are then this near to certain."""


@register
class OracleOrderBayes(Method):
    """Told the true order and the law of the data, not the graph: the edges that are likelier than not, given the data.

    With the order known a pair of variables has an edge in one direction or none, so this is the graph of least
    expected SHD: on average no method that knows the order alone can have a lower one. The posterior is that of the
    simulator's own law (raw ER graphs, |w| uniform in (0.5, 2), unit Gaussian noise of mean 0), of which it is told
    nothing that the domains share but the order. The sets of causes are too many to enumerate from about ten
    variables on, and their evidence has no closed form under that law: it is sampled, by tempered chains that are held
    against enumeration in the tests.

    Parameters
    ----------
    sweeps : int, default 300
        Gibbs sweeps of each chain; four times as many lower the SHD by a tenth to two tenths of an edge.
    chains : int, default 6
        At each temperature; about six for 20 samples of 10 variables, more for more.
    """

    name = "oracle-order-bayes"
    package = "adag"
    license = "MIT"
    paper = "a limit: Bayes' rule with the true order; see Yin, Gao & Yu 2025, arXiv:2506.18285 for the setting"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "gaussian", "equal-variance", "shared-order")
    randomness = "seeded"
    given: ClassVar[Given] = "true order"

    def __init__(self, *, sweeps: int = 300, chains: int = 6) -> None:
        if sweeps < 4 or chains < 1:
            raise UsageError(f"{self.name} needs sweeps >= 4 and chains >= 1, not {sweeps} and {chains}")
        self.sweeps, self.chains = sweeps, chains
        self.order: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.share = 0.0

    @property
    def training(self) -> str:
        """What it was told."""
        return "told the true order and the law of the data: ER graphs of that degree, |w| in (0.5, 2), noise N(0, 1)"

    def warm_up(self) -> None:
        """Import SciPy's functions."""
        import scipy.special  # noqa: F401

    def prepare(self, family: GivenFamily) -> None:
        """The order, and how likely an edge is.

        Raises
        ------
        UsageError
            The family's data follow another law, for which the answer would be no limit.
        """
        law = (family.key.graph, family.noise, family.variance, family.scale)
        if law != ("er", "gaussian", "equal", "raw"):
            raise UsageError(
                f"{self.name} knows the law of raw ER graphs with Gaussian noise of equal variance alone, and these "
                f"data are {', '.join(law)}: leave it out of that grid"
            )
        self.order = family.order
        self.share = float(np.clip(2.0 * family.key.degree / (family.key.d - 1), _NEARLY, 1.0 - _NEARLY))

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Sample the posterior; weights are its means."""
        found = edge_posterior(
            X[:, self.order], self.share, sweeps=self.sweeps, chains=self.chains, rng=np.random.default_rng(seed)
        )
        back = np.ix_(np.argsort(self.order), np.argsort(self.order))
        probability = found.probability[back]
        edges = probability > 0.5
        return CausalGraph(edges.astype(np.int8), np.where(edges, found.weights[back], 0.0), probability)
