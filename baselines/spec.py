"""A method and its parameters as text: ``golem[num_iter=2000,lambda_1=0.02]``.

What a user types on the command line or in a grid, and what every table and figure prints. Called by `registry`
and by `benchmarks.grid`.
"""

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from adag.errors import UsageError

_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_SPEC = re.compile(rf"\s*(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[(?P<params>(?:{_QUOTED}|[^\[\]'\"])*)\])?\s*")
_ITEM = re.compile(rf"(?:{_QUOTED}|[^,'\"])+")
_PART = re.compile(rf"(?:\[(?:{_QUOTED}|[^\[\]'\"])*\]|[^,\[]|\[)+")


@dataclass(frozen=True)
class MethodSpec:
    """A method's name and the parameters that differ from its defaults, sorted by key; hashable and picklable."""

    name: str
    params: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        # 2e3 and 2000 are one setting, so they get one label: results are told apart by it.
        whole = tuple((k, int(v) if isinstance(v, float) and v.is_integer() else v) for k, v in self.params)
        object.__setattr__(self, "params", whole)

    @cached_property
    def params_text(self) -> str:
        """``num_iter=2000,lambda_1=0.02``; empty without parameters."""
        return ",".join(f"{key}={_text(value)}" for key, value in self.params)

    def __str__(self) -> str:
        return self._label

    @cached_property
    def _label(self) -> str:  # asked for many times a trial
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
    for item in filter(None, map(str.strip, _ITEM.findall(match["params"] or ""))):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key.isidentifier() or not value:
            raise UsageError(f"cannot read the parameter '{item}' of method '{match['name']}': write key=value")
        if key in params:
            raise UsageError(f"parameter '{key}' of method '{match['name']}' is given twice: keep one")
        params[key] = _literal(value)
    return MethodSpec(match["name"], tuple(sorted(params.items())))


def split_specs(text: str) -> list[MethodSpec]:
    """Read a comma-separated list of specs; commas inside brackets belong to the parameters."""
    parts = [part for part in _PART.findall(text) if part.strip()]
    if not parts:
        raise UsageError("no method given: write e.g. --methods adag,notears")
    return [parse_spec(part) for part in parts]


def _literal(value: str) -> Any:
    try:
        literal = ast.literal_eval(value)
        return literal if isinstance(literal, (bool, int, float, str, type(None))) else value
    except (ValueError, SyntaxError):
        return {"true": True, "false": False, "none": None}.get(value.lower(), value)


def _text(value: Any) -> str:
    # Text that would read back as something else (a number, true, a comma in a path) keeps its quotes.
    bare = isinstance(value, str) and re.fullmatch(r"[^\s,\[\]'\"](?:[^,\[\]'\"]*[^\s,\[\]'\"])?", value)
    return value if bare and _literal(value) == value else repr(value)
