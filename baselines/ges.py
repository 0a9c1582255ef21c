"""`ges`: greedy equivalence search with the Gaussian BIC, from causal-learn."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.endpoints import cpdag
from baselines.method import Method
from baselines.registry import register


@register
class GES(Method):
    """Adds, then deletes edges between equivalence classes; causal-learn's defaults (the usual BIC penalty)."""

    name = "ges"
    package = "causal-learn"
    kind = "cpdag"
    license = "MIT"
    paper = "Chickering 2002, JMLR 3:507-554"
    assumes = ("linear", "gaussian", "faithful")
    randomness = "deterministic"

    def __init__(self, *, lambda_value: float = 0.5) -> None:
        self.lambda_value = lambda_value

    def warm_up(self) -> None:
        """Import causal-learn."""
        import causallearn.search.ScoreBased.GES  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The CPDAG; the search draws no random numbers."""
        from causallearn.search.ScoreBased.GES import ges

        return cpdag(ges(X, score_func="local_score_BIC", lambda_value=self.lambda_value)["G"].graph)
