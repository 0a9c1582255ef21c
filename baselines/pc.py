"""`pc`: the PC algorithm with Fisher's z test, from causal-learn."""

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.endpoints import cpdag
from baselines.method import Method
from baselines.registry import register


@register
class PC(Method):
    """Constraint-based; returns a CPDAG without weights. causal-learn's defaults (stable, alpha = 0.05)."""

    name = "pc"
    package = "causal-learn"
    kind = "cpdag"
    license = "MIT"
    paper = "Spirtes & Glymour 1991, Social Science Computer Review 9:62-72"
    assumes = ("linear", "gaussian", "faithful")
    randomness = "deterministic"

    def __init__(self, *, alpha: float = 0.05, stable: bool = True, uc_rule: int = 0, uc_priority: int = 2) -> None:
        self.parameters = {"alpha": alpha, "stable": stable, "uc_rule": uc_rule, "uc_priority": uc_priority}

    def warm_up(self) -> None:
        """Import causal-learn."""
        import causallearn.search.ConstraintBased.PC  # noqa: F401

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """The CPDAG; where two v-structures orient an edge both ways (``<->``), it is left undirected."""
        from causallearn.search.ConstraintBased.PC import pc

        return cpdag(pc(X, show_progress=False, **self.parameters).G.graph)
