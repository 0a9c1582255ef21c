"""`CausalGraph`: what every `discover` returns, for ADAG and for every baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from adag.acyclicity import is_acyclic, project_to_dag


class InvalidGraph(ValueError):
    """Arrays that are not a causal graph: a defect of the method that made them."""


@dataclass(frozen=True, eq=False)
class CausalGraph:
    """An estimated causal graph over d variables.

    Attributes
    ----------
    adjacency : ndarray, shape (d, d), int8
        1 at [i, j] for i -> j; 2 at both [i, j] and [j, i] for an undirected edge (gadjid's encoding).
    weights : ndarray, shape (d, d), float64, or None
        SEM weights A, ``X = X A + E``; None where the method gives structure alone.
    confidence : ndarray, shape (d, d), float64, or None
        A score per directed edge, higher is surer; what AUPRC ranks. Need not be a probability.
    kind : {"dag", "cpdag"}
        One graph, or the class of all graphs that no conditional independence can tell apart.
    names : tuple of str, length d
        The variables; default ``x0 ...``.

    Raises
    ------
    InvalidGraph
        Wrong shapes, non-finite numbers, codes other than 0/1/2, a one-sided undirected edge, or a "dag" with a
        cycle: a method's output that breaks the contract is caught here, at its source.
    """

    adjacency: NDArray[np.int8]
    weights: NDArray[np.float64] | None = None
    confidence: NDArray[np.float64] | None = None
    kind: Literal["dag", "cpdag"] = "dag"
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        A = np.asarray(self.adjacency)
        if A.ndim != 2 or A.shape[0] != A.shape[1]:
            raise InvalidGraph(f"adjacency has shape {A.shape}, expected (d, d)")
        if not ((A == 0) | (A == 1) | (A == 2)).all():
            raise InvalidGraph("adjacency holds values other than 0, 1 (directed) and 2 (undirected)")
        A = A.astype(np.int8)
        d = len(A)
        if np.diagonal(A).any():
            raise InvalidGraph("adjacency has a self-loop")
        if ((A == 2) != (A == 2).T).any():
            raise InvalidGraph("an undirected edge must be 2 at both [i, j] and [j, i]")
        if ((A == 1) & (A.T == 1)).any():
            raise InvalidGraph("adjacency has an edge in both directions")
        if self.kind not in ("dag", "cpdag"):
            raise InvalidGraph(f"kind is {self.kind!r}, expected 'dag' or 'cpdag'")
        if self.kind == "dag":
            if (A == 2).any():
                raise InvalidGraph("a 'dag' cannot have undirected edges")
            if not is_acyclic(A):
                raise InvalidGraph("a 'dag' has a cycle")
        names = tuple(str(v) for v in self.names) or tuple(f"x{j}" for j in range(d))
        if len(names) != d:
            raise InvalidGraph(f"{len(names)} names for {d} variables")
        object.__setattr__(self, "adjacency", A)
        object.__setattr__(self, "names", names)
        for field in ("weights", "confidence"):
            value = getattr(self, field)
            if value is not None:
                value = np.asarray(value, dtype=np.float64)
                if value.shape != (d, d):
                    raise InvalidGraph(f"{field} has shape {value.shape}, expected ({d}, {d})")
                if not np.isfinite(value).all():
                    raise InvalidGraph(f"{field} holds NaN or infinite values")
                object.__setattr__(self, field, value)

    @classmethod
    def from_weights(
        cls,
        weights: ArrayLike,
        *,
        names: Sequence[str] = (),
        confidence: ArrayLike | None = None,
        threshold: float | None = None,
    ) -> "CausalGraph":
        """The DAG of a weighted estimate, by the one threshold and cycle rule of `project_to_dag`.

        Parameters
        ----------
        weights : array_like, shape (d, d)
            Raw estimate, ``weights[i, j]`` for i -> j; may be dense and cyclic.
        names : sequence of str, optional
            Variable names; default ``x0 ...``.
        confidence : array_like, shape (d, d), optional
            Defaults to |weights| before the threshold.
        threshold : float, optional
            Default 0.3; see `project_to_dag`.
        """
        raw = np.asarray(weights, dtype=np.float64)
        if raw.ndim != 2 or raw.shape[0] != raw.shape[1]:
            raise InvalidGraph(f"weights have shape {raw.shape}, expected (d, d)")
        if not np.isfinite(raw).all():
            raise InvalidGraph("weights hold NaN or infinite values")
        kept = project_to_dag(raw, threshold)
        scores = np.abs(raw) if confidence is None else np.asarray(confidence, dtype=np.float64)
        return cls(
            adjacency=(kept != 0).astype(np.int8), weights=kept, confidence=scores, kind="dag", names=tuple(names)
        )

    @property
    def d(self) -> int:
        """Number of variables."""
        return len(self.adjacency)

    def edges(self) -> pd.DataFrame:
        """Tidy edge list: source, target, kind ("->" or "--"), weight, confidence; surest first.

        An undirected edge is listed once. Weight and confidence are NaN where the method gives none.
        """
        i, j = np.nonzero(self.adjacency)
        keep = (self.adjacency[i, j] == 1) | (i < j)
        i, j = i[keep], j[keep]
        nan = np.full(len(i), np.nan)
        table = pd.DataFrame(
            {
                "source": [self.names[k] for k in i],
                "target": [self.names[k] for k in j],
                "kind": np.where(self.adjacency[i, j] == 2, "--", "->"),
                "weight": nan if self.weights is None else self.weights[i, j],
                "confidence": nan if self.confidence is None else self.confidence[i, j],
            }
        )
        return table.sort_values("confidence", ascending=False, kind="stable", ignore_index=True)

    def reordered(self, names: Sequence[str]) -> "CausalGraph":
        """The same graph with its variables in the order of `names`, which are its own names."""
        if tuple(names) == self.names:
            return self
        order = [self.names.index(name) for name in names]
        pairs = np.ix_(order, order)
        weights, confidence = (None if part is None else part[pairs] for part in (self.weights, self.confidence))
        return CausalGraph(self.adjacency[pairs], weights, confidence, self.kind, tuple(names))

    def to_networkx(self) -> nx.DiGraph:
        """The graph by variable name; an undirected edge becomes two directed ones marked ``undirected=True``."""
        graph = nx.DiGraph()
        graph.add_nodes_from(self.names)
        for i, j in np.argwhere(self.adjacency):
            attributes: dict[str, float | bool] = {"undirected": bool(self.adjacency[i, j] == 2)}
            if self.weights is not None:
                attributes["weight"] = float(self.weights[i, j])
            if self.confidence is not None:
                attributes["confidence"] = float(self.confidence[i, j])
            graph.add_edge(self.names[i], self.names[j], **attributes)
        return graph
