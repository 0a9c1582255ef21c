"""What methods say of themselves: checked when they are registered, printed by the list and on the page."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from adag.errors import UsageError
from baselines import Method, available_methods, catalogue, method_class, register
from baselines.declaration import ASSUMPTIONS, RANDOMNESS, Assumption, Randomness
from baselines.registry import built_in_methods

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"


def declare(module: str = "theirs", **attributes: Any) -> type[Method]:
    """Register a method with these declarations."""

    def discover(self: Any, X: Any, *, seed: int) -> Any:
        raise AssertionError("never called")

    return register(type("Mine", (Method,), {"name": "mine", "__module__": module, "discover": discover, **attributes}))


COMPLETE = {
    "package": "p", "license": "MIT", "paper": "Somebody 2020", "assumes": ("linear",), "randomness": "seeded",
}  # fmt: skip


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"assumes": "linear"}, ["Mine.assumes is 'linear'", "tuple of words", "('linear',"]),
        ({"assumes": ("linaer",)}, ["unknown word 'linaer'", "did you mean 'linear'", "equal-variance"]),
        ({"assumes": ("gaussian", "non-gaussian")}, ["both 'gaussian' and 'non-gaussian'"]),
        ({"kind": "pdag"}, ["Mine.kind is 'pdag'", "'dag' or 'cpdag'"]),
        ({"randomness": True}, ["Mine.randomness is True", "'deterministic' or 'seeded' or 'unseeded'"]),
        ({"license": None}, ["Mine.license is None", "Apache-2.0"]),
        ({"paper": 1803}, ["Mine.paper is 1803", "Zheng et al. 2018"]),
        ({"package": None}, ["Mine.package is None", "gcastle"]),
        ({"cpus": 0}, ["Mine.cpus is 0", "number of devices"]),
        ({"gpus": True}, ["Mine.gpus is True"]),
        ({"spare_samples": 1.5}, ["Mine.spare_samples is 1.5", "n >= d + k"]),
        ({"discover": lambda self, X: None}, ["takes no 'seed'", "def discover(self, X, *, seed)"]),
    ],
)
def test_a_wrong_declaration_is_refused_with_the_mend(
    attributes: dict[str, Any], words: list[str], clean_registry: None
) -> None:
    with pytest.raises(UsageError) as error:
        declare(**attributes)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)
    assert "mine" not in available_methods()


@pytest.mark.parametrize("missing", COMPLETE)
def test_built_in_methods_must_declare_what_others_may(missing: str, clean_registry: None) -> None:
    rest = {key: value for key, value in COMPLETE.items() if key != missing}
    with pytest.raises(UsageError, match=f"built-in method Mine declares no '{missing}': write e.g. {missing} = "):
        declare("baselines.mine", **rest)
    assert declare("theirs", **rest).name == "mine"


def test_a_method_that_declares_nothing_can_be_listed(clean_registry: None) -> None:
    row = catalogue.row(declare("theirs"))
    assert (row.name, row.returns, row.parameters) == ("mine", "DAG", "")
    assert {row.assumes, row.answer, row.package, row.license, row.paper} == {"not declared"}


def test_every_word_has_a_meaning() -> None:
    assert set(ASSUMPTIONS) == set(get_args(Assumption))
    assert set(RANDOMNESS) == set(get_args(Randomness))


def test_the_page_is_the_one_that_the_command_makes(command: Any) -> None:
    made = command("-m", "baselines.catalogue")
    assert made.returncode == 0, made.stderr
    assert PAGE.read_text() == made.stdout, "stale: run python -m baselines.catalogue > docs/methods.md"


def test_the_page_tells_the_essentials_of_every_method_and_of_no_stranger(clean_registry: None) -> None:
    declare("theirs")
    page = catalogue.page()
    built_in = [cls.name for cls in built_in_methods()]
    assert re.findall(r"^## ([\w-]+)$", page, re.MULTILINE) == built_in
    for name in built_in:
        line = next(line for line in page.splitlines() if line.startswith(f"| [{name}]"))
        row = catalogue.row(method_class(name))
        assert all(text in line for text in (row.returns, row.assumes, row.answer, row.package, row.license))
    assert "mine" not in re.findall(r"[\w-]+", page)


def test_the_list_shows_them_too(command: Any) -> None:
    listed = command("benchmarks/run.py", "--list").stdout
    for cls in built_in_methods():
        line = next(line for line in listed.splitlines() if f" {cls.name} " in line)
        assert catalogue.row(cls).answer in line
