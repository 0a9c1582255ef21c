"""A method and its parameters as text: ``golem[num_iter=2000,lambda_1=0.02]``.

What a user types on the command line or in a grid, and what every table and figure prints. Called by `registry`
and by `benchmarks.grid`.
"""

import ast
import re
from dataclasses import dataclass
from typing import Any

from adag.errors import UsageError

_SPEC = re.compile(r"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<params>[^\[\]]*)\])?\s*")


@dataclass(frozen=True)
class MethodSpec:
    """A method's name and the parameters that differ from its defaults, sorted by key; hashable and picklable."""

    name: str
    params: tuple[tuple[str, Any], ...] = ()

    @property
    def params_text(self) -> str:
        """``num_iter=2000,lambda_1=0.02``; empty without parameters."""
        return ",".join(f"{key}={value}" for key, value in self.params)

    def __str__(self) -> str:
        return f"{self.name}[{self.params_text}]" if self.params else self.name

    def with_defaults(self, **params: Any) -> "MethodSpec":
        """The spec with parameters filled in where it sets none itself."""
        return MethodSpec(self.name, tuple(sorted({**params, **dict(self.params)}.items())))


def parse_spec(text: str) -> MethodSpec:
    """Read ``name`` or ``name[key=value,...]``; values are Python literals, anything else is a string."""
    match = _SPEC.fullmatch(text)
    if not match:
        raise UsageError(f"cannot read the method '{text}': write name or name[key=value,key=value]")
    params: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in (match["params"] or "").split(","))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key.isidentifier() or not value:
            raise UsageError(f"cannot read the parameter '{item}' of method '{match['name']}': write key=value")
        if key in params:
            raise UsageError(f"parameter '{key}' of method '{match['name']}' is given twice: keep one")
        params[key] = _literal(value)
    return MethodSpec(match["name"], tuple(sorted(params.items())))


def split_specs(text: str) -> list[MethodSpec]:
    """Read a comma-separated list of specs; commas inside brackets belong to the parameters."""
    parts = [part for part in re.split(r",(?![^\[]*\])", text) if part.strip()]
    if not parts:
        raise UsageError("no method given: write e.g. --methods adag,notears")
    return [parse_spec(part) for part in parts]


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(value.lower(), value)
