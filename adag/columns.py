"""Matching the columns of a data set to the variables that a checkpoint, or another data set, knows by name.

Called by `adag.estimator` and `adag.domains`.
"""

from collections.abc import Sequence

from adag.errors import DataError


def unnamed(d: int) -> list[str]:
    """The names that columns without names are given: ``x0 ... x{d-1}``."""
    return [f"x{j}" for j in range(d)]


def arranged(columns: Sequence[str], variables: Sequence[str], whose: str) -> list[int]:
    """Positions of `variables` among `columns`: the same names in any order; without names, the same number of them.

    Parameters
    ----------
    columns : sequence of str
        The data set's.
    variables : sequence of str
        What is known.
    whose : str
        Who knows them, for the message: "the checkpoint".

    Raises
    ------
    DataError
        A column is missing or not known; it is named.
    """
    d = len(variables)
    # A file may well call its columns x0, x1, ... and have them in another order: where the names agree, they count.
    if len(columns) == d and unnamed(d) in (list(columns), list(variables)) and set(columns) != set(variables):
        return list(range(d))
    where = {name: k for k, name in enumerate(columns)}
    if missing := [name for name in variables if name not in where]:
        raise DataError(
            f"column '{missing[0]}' of {whose} is missing ({d - len(missing)} of its {d} are there): "
            f"give it all of {', '.join(variables)}"
        )
    if foreign := [name for name in columns if name not in set(variables)]:
        raise DataError(f"column '{foreign[0]}' is not among those of {whose}: drop it")
    return [where[name] for name in variables]
