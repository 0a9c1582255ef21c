"""The contract of a method, examined: the table of checks, and the ways to run it.

Run by ``python -m baselines.check NAME``, by this package's tests on every method, and by a third party's tests::

    from baselines.conformance import MethodContract

    class TestMine(MethodContract):
        method = "mine"
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

from baselines import checks
from baselines.checks import Broken, Make
from baselines.method import ReadyMethod
from baselines.registry import get_method
from baselines.rehearsal import Rehearsed

CHECKS: dict[str, Callable[[Make], str]] = {
    "no side effects": checks.no_side_effects,
    "quiet": checks.quiet,
    "shapes": checks.shapes,
    "orientation": checks.orientation,
    "determinism": checks.determinism,
    "read-only input": checks.read_only_input,
    "names": checks.names,
    "few samples": checks.few_samples,
    "two variables": checks.two_variables,
    "duplicate columns": checks.duplicate_columns,
    "discover_many": checks.many,
}
"""In this order: a global setting that the first call changes for good is seen by the first check alone."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check; `text` says what to mend, or is a remark."""

    check: str
    status: Literal["ok", "broken"]
    text: str


def maker(method: str | Make) -> Make:
    """What makes the method, where its name is given; one that learns from families gets one for every data set."""
    make = (lambda: get_method(method)) if isinstance(method, str) else method

    def ready() -> ReadyMethod:
        made = make()
        return made if made.method.given == "one domain" else Rehearsed(made.method, made.spec)

    return ready


def examine(method: str | Make) -> list[Verdict]:
    """All checks of one method.

    Parameters
    ----------
    method : str or callable
        ``"notears"``, ``"golem[num_iter=400]"``, or what makes the method.

    Raises
    ------
    UsageError
        There is no such method, or it cannot be made.
    """
    make = maker(method)
    verdicts = []
    for name, check in CHECKS.items():
        try:
            verdicts.append(Verdict(name, "ok", check(make)))
        except Broken as e:
            verdicts.append(Verdict(name, "broken", str(e)))
    return verdicts


class MethodContract:
    """Base of a test class: pytest runs one test for every check of `method`; needs no fixture and no plugin."""

    method: ClassVar[str | Make]


def _as_test(check: Callable[[Make], str]) -> Callable[[MethodContract], None]:
    def test(self: MethodContract) -> None:
        check(maker(type(self).method))

    test.__doc__ = check.__doc__
    return test


for _check in CHECKS.values():  # so that the class and the table cannot disagree
    setattr(MethodContract, f"test_{_check.__name__}", _as_test(_check))
