"""The registry: from a name to a method, built in or from another package's ``adag.methods`` entry point.

Importing a method's file must be cheap (libraries are imported in `Method.warm_up`), so listing starts nothing
heavy. Called by `benchmarks.run`, `benchmarks.worker` and users.
"""

import importlib
import inspect
import pkgutil
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from adag.errors import UsageError
from baselines import declaration
from baselines.declaration import hint
from baselines.isolation import contained
from baselines.method import Method, ReadyMethod
from baselines.spec import MethodSpec, parse_spec

GROUP = "adag.methods"
_registered: dict[str, type[Method]] = {}
C = TypeVar("C", bound=type[Method])


def register(cls: C) -> C:
    """Class decorator: make a `Method` available under its ``name``.

    Raises
    ------
    UsageError
        A declaration is missing or wrong (see `declaration.check`), or the name is taken.
    """
    name = getattr(cls, "name", None)
    if not isinstance(name, str) or not callable(getattr(cls, "discover", None)):
        raise TypeError(
            f"{cls.__name__} needs a class attribute 'name' (str) and a method 'discover(self, X, *, seed)'"
        )
    declaration.check(cls, built_in=is_built_in(cls))
    known = _registered.get(name)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise UsageError(f"two methods are named '{name}' ({known.__module__} and {cls.__module__}): rename one")
    _registered[name] = cls
    return cls


def is_built_in(cls: type[Method]) -> bool:
    """Whether the class is one of this package's own."""
    return cls.__module__.partition(".")[0] == __name__.partition(".")[0]


def built_in_methods() -> list[type[Method]]:
    """The classes of this package's own methods, by name; other packages' are not even looked for."""
    _import_built_in()
    return [cls for _, cls in sorted(_registered.items()) if is_built_in(cls)]


def available_methods() -> list[str]:
    """Names of all methods, built in and from installed packages, sorted; imports no library."""
    _import_built_in()
    return sorted({*_registered, *_entry_points()})


def method_class(name: str) -> type[Method]:
    """The class behind a name.

    Raises
    ------
    UsageError
        No such method, or its package fails to import: the message says which.
    """
    _import_built_in()
    if name not in _registered:
        point = _entry_points().get(name)
        if point is None:
            raise UsageError(f"unknown method '{name}'{hint(name, available_methods())}")
        try:
            with contained():
                loaded = point.load()
        except Exception as e:  # a stranger's package may fail in any way; ours must name it and go on
            raise UsageError(
                f"method '{name}' of entry point '{point.value}' cannot be imported "
                f"({type(e).__name__}: {e}): repair or uninstall that package"
            ) from e
        if isinstance(loaded, type) and name not in _registered:
            register(loaded)
        if name not in _registered:
            raise UsageError(f"entry point '{point.value}' does not register a method named '{name}'")
    return _registered[name]


def get_method(spec: str | MethodSpec, **params: Any) -> ReadyMethod:
    """A method ready to call.

    Parameters
    ----------
    spec : str or MethodSpec
        ``"notears"`` or ``"golem[num_iter=2000]"``.
    **params
        Further parameters, by the method's own names.

    Raises
    ------
    UsageError
        Unknown method, unknown parameter, or a value of the wrong type; names it and lists what exists.
    """
    parsed = parse_spec(spec) if isinstance(spec, str) else spec
    parsed = MethodSpec(parsed.name, tuple(sorted({**dict(parsed.params), **params}.items())))
    cls = method_class(parsed.name)
    allowed = parameters(cls)
    for key, value in parsed.params:
        if key not in allowed:
            raise UsageError(f"method '{parsed.name}' has no parameter '{key}'{hint(key, list(allowed))}")
        default = allowed[key]
        if not _fits(value, default):
            raise UsageError(
                f"parameter '{key}' of method '{parsed.name}' is {value!r}: expected "
                f"{type(default).__name__}, like its default {default!r}"
            )
    return ReadyMethod(cls(**dict(parsed.params)), parsed)


def parameters(cls: type[Method]) -> dict[str, Any]:
    """A method's parameters and their defaults."""
    if cls.__init__ is object.__init__:
        return {}
    signature = inspect.signature(cls.__init__)
    return {p.name: p.default for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}


def _fits(value: Any, default: Any) -> bool:
    if default is None or default is inspect.Parameter.empty:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, type(default))
    if isinstance(default, float):
        return isinstance(value, (int, float))
    return isinstance(value, type(default))


@cache
def _import_built_in() -> None:
    import baselines

    for module in pkgutil.iter_modules(baselines.__path__):
        importlib.import_module(f"baselines.{module.name}")


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
