"""ADAG: zero-shot causal structure learning with a pre-trained attention network.

``from adag import ADAG, CausalGraph``; ``ADAG().discover(X)`` gives the graph. The network and its training are
in this package; the methods it is compared with are in `baselines`, the comparison in `benchmarks`.
"""

from typing import TYPE_CHECKING, Any

from adag.errors import CheckpointError, DataError, UsageError
from adag.graph import CausalGraph

if TYPE_CHECKING:
    from adag.estimator import ADAG

__all__ = ["ADAG", "CausalGraph", "CheckpointError", "DataError", "UsageError"]


def __getattr__(name: str) -> Any:
    # The estimator brings torch's several hundred milliseconds; a baseline that needs CausalGraph alone need not wait.
    if name == "ADAG":
        from adag.estimator import ADAG

        return ADAG
    raise AttributeError(f"module 'adag' has no attribute {name!r}")
