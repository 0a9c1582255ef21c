"""Data sets over the same variables, read for `ADAG.adapt`: arrays, tables or files, each reduced to its moments.

Called by `adag.estimator`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from adag.columns import arranged, unnamed
from adag.errors import DataError, UsageError
from adag.moments import Moments
from adag.streaming import is_stream, sums_of
from adag.validation import as_samples


def moments_of_one(X: Any) -> tuple[Moments, list[str]]:
    """Moments (a batch of one) and column names of anything that `ADAG.discover` takes."""
    if is_stream(X):
        sums = sums_of(X)
        return sums.moments(), sums.names
    samples, names = as_samples(X)
    return Moments.of(torch.from_numpy(samples)[None]), names


def read_domains(
    datasets: Sequence[Any],
    variables: Sequence[str] | None = None,
    on_domain: Callable[[int], None] | None = None,
) -> tuple[Moments, list[str]]:
    """Moments of data sets over the same variables, one batch, in the columns' order of the first.

    Parameters
    ----------
    datasets : sequence
        Each what `ADAG.discover` takes; the numbers of rows may differ, the columns are matched by name.
    variables : sequence of str, optional
        The variables that a checkpoint knows already, in its order.
    on_domain : callable, optional
        Called with how many have been read, for a progress bar.

    Raises
    ------
    UsageError
        There is no data set.
    DataError
        As for `ADAG.discover`, or the columns are not the same; the data set is named.
    """
    if not len(datasets):
        raise UsageError("there is no data set to adapt to: give at least one, better twenty")
    known, whose = (list(variables), "the checkpoint") if variables else (None, _label(datasets, 0))
    parts = []
    for k, X in enumerate(datasets):
        try:
            moments, columns = moments_of_one(X)
            known = columns if known is None else known
            if known == unnamed(len(known)) and len(columns) == len(known) and set(columns) != set(known):
                known = columns  # the first names there are
            parts.append(moments.picked(arranged(columns, known, whose)))
        except DataError as e:
            label, message = _label(datasets, k), str(e)
            raise DataError(message if label in message.partition(":")[0] else f"{label}: {message}") from None
        if on_domain:
            on_domain(k + 1)
    assert known is not None
    return Moments.stack(parts), known


def _label(datasets: Sequence[Any], k: int) -> str:
    return f"'{datasets[k]}'" if isinstance(datasets[k], (str, Path)) else f"data set {k}"
