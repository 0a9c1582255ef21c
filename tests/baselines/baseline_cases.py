"""What the tests of this room share: the methods, quick enough to run often, and a simulator that is not ours."""

import numpy as np
from numpy.typing import NDArray

METHODS = ("adag", "direct-lingam", "golem[num_iter=200]", "notears", "pc")

CONFLICT = 1
"""A seed of `linear_sem` at d = 6, n = 40 on which PC finds two v-structures that claim one edge both ways."""


def linear_sem(seed: int, d: int, n: int, noise: str = "normal") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A random linear SEM, relabelled at random: true weights (d, d) and samples (n, d). Not adag.sem, on purpose.

    The samples are C-contiguous, as methods get them: NOTEARS on a Fortran-ordered copy of a set of 12 rows sums in
    another order and ends with weights that differ by 0.003.
    """
    rng = np.random.default_rng(seed)
    A = np.triu(rng.uniform(0.5, 2, (d, d)) * rng.choice([-1, 1], (d, d)) * (rng.random((d, d)) < 0.5), 1)
    E = rng.normal(size=(n, d)) if noise == "normal" else rng.uniform(-2, 2, size=(n, d))
    order = rng.permutation(d)
    return A[np.ix_(order, order)], np.ascontiguousarray((E @ np.linalg.inv(np.eye(d) - A))[:, order])
