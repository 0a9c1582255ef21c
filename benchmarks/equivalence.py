"""Markov equivalence: the CPDAG of a DAG, a DAG of a CPDAG, and whether a graph is a CPDAG at all.

Graphs are int8 matrices in gadjid's encoding, as in `benchmarks.metrics`, which calls this.
"""

import numpy as np
from ges.utils import pdag_to_dag
from numpy.typing import NDArray

Graph = NDArray[np.int8]


def cpdag(dag: Graph) -> Graph:
    """The CPDAG of a DAG: its skeleton and v-structures, closed under Meek's rules 1 to 3 (Meek 1995).

    Rule 4 is needed only with background knowledge.
    """
    adjacent = (dag | dag.T) != 0
    apart = ~adjacent
    np.fill_diagonal(apart, False)
    arrow = np.zeros(dag.shape, dtype=bool)  # compelled i -> j
    for k in range(len(dag)):
        parents = np.flatnonzero(dag[:, k])
        arrow[parents[apart[np.ix_(parents, parents)].any(0)], k] = True
    while True:
        free = adjacent & ~arrow & ~arrow.T  # still undirected
        # R1: a -> b, b -- c, a and c not adjacent: b -> c.
        rule1 = (arrow.T.astype(np.int64) @ apart) > 0
        # R2: a -> b -> c, a -- c: a -> c.
        rule2 = (arrow.astype(np.int64) @ arrow) > 0
        new = free & (rule1 | rule2)
        # R3: a -- b, a -- c, a -- d, b -> d, c -> d, b and c not adjacent: a -> d.
        for a, d in np.argwhere(free & ~new):
            between = np.flatnonzero(free[a] & arrow[:, d])
            new[a, d] |= bool(apart[np.ix_(between, between)].any())
        if not new.any():
            return arrow.astype(np.int8) + 2 * free.astype(np.int8)
        arrow |= new


def consistent_extension(graph: Graph) -> Graph | None:
    """A DAG with the skeleton, directed edges and v-structures of a partially directed graph (Dor & Tarsi 1992).

    None where there is none, which happens to estimates that are not CPDAGs. From the package ges: causal-learn's
    ``pdag2dag`` never returns there.
    """
    try:
        return pdag_to_dag((graph != 0).astype(np.int64)).astype(np.int8)
    except ValueError:
        return None


def is_cpdag(graph: Graph) -> bool:
    """Whether a graph is the CPDAG of some DAG; PC's answers often are not."""
    dag = consistent_extension(graph)
    return dag is not None and np.array_equal(cpdag(dag), graph)
