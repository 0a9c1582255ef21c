"""What a method says of itself (assumptions, randomness, licence, ...) and the check of it at registration.

`Method` carries the declarations as class attributes; `registry.register` calls `check`; `catalogue` prints them and
`conformance` chooses its data by them.
"""

import difflib
import inspect
from collections.abc import Sequence
from typing import Any, Literal, get_args

from adag.errors import UsageError
from baselines.given import Given

Assumption = Literal[
    "linear",
    "gaussian",
    "non-gaussian",
    "equal-variance",
    "faithful",
    "var-sortable",
    "r2-sortable",
    "as-trained",
    "shared-order",
    "shared-weights",
]
Randomness = Literal["deterministic", "seeded", "unseeded"]
Kind = Literal["dag", "cpdag"]

ASSUMPTIONS: dict[Assumption, str] = {
    "linear": "every variable is a linear function of its causes plus noise",
    "gaussian": "the noise is Gaussian",
    "non-gaussian": "no noise is Gaussian, but for at most one",
    "equal-variance": "all noises have the same variance in the units of the data, so the scale carries information",
    "faithful": "what is independent in the data is separated in the graph",
    "var-sortable": "the variances grow along causal paths",
    "r2-sortable": "the share of variance that all others explain grows along causal paths",
    "as-trained": "the data are like those that a pre-trained network saw; its model card says which",
    "shared-order": "all data sets of a family keep to one causal order",
    "shared-weights": "all data sets of a family have one graph, with weights of the same sign",
}
"""Every word that `Method.assumes` may hold, and its meaning."""

RANDOMNESS: dict[Randomness, str] = {
    "deterministic": "draws no random numbers: the seed does not matter",
    "seeded": "one seed gives one answer",
    "unseeded": "draws random numbers that its library lets nobody seed: two calls may differ",
}


def check(cls: type, *, built_in: bool) -> None:
    """Refuse declarations that are missing (of a built-in method) or not of the kind they must be.

    Raises
    ------
    UsageError
        Names the class, the attribute and what to write.
    """
    for attribute in ("package", "paper", "license"):
        value = getattr(cls, attribute, "")
        if not isinstance(value, str):
            raise _bad(cls, attribute, value, f"a str, e.g. {_EXAMPLES[attribute]}")
    _one_of(cls, "kind", get_args(Kind))
    if hasattr(cls, "given"):
        _one_of(cls, "given", get_args(Given))
    if getattr(cls, "randomness", None) is not None:
        _one_of(cls, "randomness", get_args(Randomness))
    _assumptions(cls)
    for attribute, least in (("cpus", 1e-9), ("gpus", 0)):
        value = getattr(cls, attribute, least)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
            raise _bad(cls, attribute, value, "a number of devices, e.g. 1")
    spare = getattr(cls, "spare_samples", None)
    if spare is not None and (isinstance(spare, bool) or not isinstance(spare, int)):
        raise _bad(cls, "spare_samples", spare, "an int k, where n >= d + k samples are needed, or None")
    most = getattr(cls, "most_variables", None)
    if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 2):
        raise _bad(cls, "most_variables", most, "an int of at least 2, or None")
    seed = inspect.signature(cls.discover).parameters  # type: ignore[attr-defined]
    if "seed" not in seed and not any(p.kind is p.VAR_KEYWORD for p in seed.values()):
        raise UsageError(f"{cls.__name__}.discover takes no 'seed': write def discover(self, X, *, seed)")
    if built_in:
        for attribute, example in _EXAMPLES.items():
            if getattr(cls, attribute, None) in (None, ""):
                raise UsageError(f"built-in method {cls.__name__} declares no '{attribute}': write e.g. {example}")


_EXAMPLES = {
    "package": "package = 'gcastle'",
    "paper": "paper = 'Zheng et al. 2018, arXiv:1803.01422'",
    "license": "license = 'Apache-2.0'",
    "assumes": "assumes = ('linear', 'equal-variance'), or () for nothing",
    "randomness": "randomness = 'seeded'",
}


def hint(name: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown name: a guess at what was meant, and all there is."""
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" (did you mean '{close[0]}'?)" if close else ""
    return f"{guess}: available are {', '.join(known) or 'none'}"


def _assumptions(cls: type) -> None:
    declared = getattr(cls, "assumes", None)
    if declared is None:
        return
    if not isinstance(declared, tuple):
        raise _bad(cls, "assumes", declared, f"a tuple of words, e.g. {_EXAMPLES['assumes']}")
    for word in declared:
        if word not in ASSUMPTIONS:
            raise UsageError(
                f"{cls.__name__}.assumes holds the unknown word {word!r}{hint(str(word), list(ASSUMPTIONS))}; "
                "what they do not cover belongs in the docstring"
            )
    if {"gaussian", "non-gaussian"} <= {*declared}:
        raise UsageError(f"{cls.__name__}.assumes holds both 'gaussian' and 'non-gaussian': keep one")


def _one_of(cls: type, attribute: str, known: Sequence[str]) -> None:
    value = getattr(cls, attribute, None)
    if value not in known:
        raise _bad(cls, attribute, value, " or ".join(map(repr, known)))


def _bad(cls: type, attribute: str, value: Any, expected: str) -> UsageError:
    return UsageError(f"{cls.__name__}.{attribute} is {value!r}: write {expected}")
