"""Which of a grid's trials ``--only`` leaves: ``"d=5,10 graph=er"``. Called by `run`."""

import dataclasses
import difflib
from collections.abc import Sequence

from adag.errors import UsageError
from benchmarks.keys import DatasetKey, Trial

FIELDS = {field.name: field.type for field in dataclasses.fields(DatasetKey)}
"""What can be chosen by: the columns of a cell, and repeat."""


def selected(trials: Sequence[Trial], text: str) -> list[Trial]:
    """The trials whose data sets have, for every key named, one of its values.

    Parameters
    ----------
    trials : sequence of Trial
        All of a plan.
    text : str
        ``key=value,value`` once or more, with spaces between.

    Raises
    ------
    UsageError
        An unknown key, a value that no data set of the plan has, or values that none has together.
    """
    chosen = list(trials)
    for part in text.split():
        key, equals, values = part.partition("=")
        if not equals or key not in FIELDS:
            close = difflib.get_close_matches(key, FIELDS, n=1)
            guess = f" (did you mean '{close[0]}'?)" if close and equals else ""
            raise UsageError(f"--only cannot choose by '{part}'{guess}: write key=value,value with a key of {_all()}")
        there = {_text(getattr(trial.dataset, key)): getattr(trial.dataset, key) for trial in trials}
        wanted = [_normal(key, value) for value in values.split(",")]
        for value in wanted:
            if value not in there:
                choices = ", ".join(map(_text, sorted(there.values())))
                raise UsageError(f"--only: no cell has {key}={value}; there are {choices}")
        chosen = [trial for trial in chosen if _text(getattr(trial.dataset, key)) in wanted]
    if not text.split():
        raise UsageError(f"--only is empty: write key=value,value with a key of {_all()}")
    if not chosen:
        raise UsageError(f"--only: no cell has '{text}' all together: run the parts one by one, or leave some out")
    return chosen


def _normal(key: str, value: str) -> str:
    """The value as `_text` writes it: 2.0 is 2."""
    try:
        return _text(float(value)) if FIELDS[key] in (int, float) else value
    except ValueError:
        return value  # no cell has it: that is what will be said


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _all() -> str:
    return ", ".join(FIELDS)
