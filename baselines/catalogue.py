"""What there is to choose from, in words: rows for ``benchmarks/run.py --list``, and the page ``docs/methods.md``.

The page is made by ``python -m baselines.catalogue > docs/methods.md``, from the classes themselves; a test holds the
committed page to that.
"""

import inspect
import re
import sys
from dataclasses import dataclass

from baselines.declaration import ASSUMPTIONS, RANDOMNESS
from baselines.given import GIVEN
from baselines.method import Method
from baselines.registry import built_in_methods, parameters

_HEAD = """\
# Methods

<!-- Made by: python -m baselines.catalogue > docs/methods.md -->

Every method is called as `get_method("NAME").discover(X)` or `--methods NAME`, and runs its published package with the
package's own defaults; `NAME[parameter=value]` changes one. All assume independent samples, an acyclic graph and no
hidden common cause; what each assumes beyond that is in the table.
`python -m baselines.check NAME` checks any of them, or your own, against the contract of a method.

What a method is *given* is more than one data set for those that learn from a family of domains (`GivenFamily` in
`Method.prepare`; grids `order-consistent`, `order-consistent-20`, `heterogeneous`). A shared-support multi-task fit in
the way of MultiDAG (Chen et al. 2021, arXiv:2111.02545) is not among them: we found no package that provides one; its
authors' code is that of the paper's experiments, and scikit-learn's `MultiTaskLasso` wants one design matrix for all
tasks.
"""


@dataclass(frozen=True)
class Row:
    """One method's essentials, as text."""

    name: str
    returns: str
    assumes: str
    given: str
    answer: str
    package: str
    license: str
    paper: str
    parameters: str


def row(cls: type[Method]) -> Row:
    """The essentials of a method; imports no library."""
    assumes = "not declared" if cls.assumes is None else ", ".join(cls.assumes) or "nothing"
    defaults = ", ".join(f"{key}={_value(value)}" for key, value in parameters(cls).items())
    return Row(
        name=cls.name,
        returns=cls.kind.upper(),
        assumes=assumes,
        given=getattr(cls, "given", "one domain"),
        answer=cls.randomness or "not declared",
        package=getattr(cls, "package", "not declared"),
        license=cls.license or "not declared",
        paper=cls.paper or "not declared",
        parameters=defaults,
    )


def page() -> str:
    """The Markdown page of the built-in methods."""
    classes = built_in_methods()
    lines = [_HEAD, _table(["method", "returns", "given", "assumes", "answer", "package", "licence", "paper"])]
    for entry in map(row, classes):
        cells = [
            f"[{entry.name}](#{entry.name})", entry.returns, entry.given, entry.assumes, entry.answer,
            f"[{entry.package}](https://pypi.org/project/{entry.package}/)" if entry.package != "adag" else "adag",
            entry.license, _linked(entry.paper),
        ]  # fmt: skip
        lines.append(_line(cells))
    lines.append("\n## The words\n")
    lines += [
        f"- **{word}**: {meaning}." for word, meaning in [*GIVEN.items(), *ASSUMPTIONS.items(), *RANDOMNESS.items()]
    ]
    lines.append(
        "- **DAG**, **CPDAG**: one graph, or the class of all graphs that no conditional independence can tell apart."
    )
    for cls in classes:
        lines += ["", f"## {cls.name}", "", _prose(inspect.cleandoc(cls.__doc__ or ""))]
        if needs := _needs(cls):
            lines += ["", needs]
        if parameters(cls):
            lines += ["", f"Parameters: `{row(cls).parameters}`"]
        lines += ["", f"How it is called: `{cls.__module__.replace('.', '/')}.py`"]
    return "\n".join(lines) + "\n"


def _prose(docstring: str) -> str:
    """A numpydoc docstring as Markdown: its parameters as a list, not as a heading."""
    text, _, parameters = docstring.replace("``", "`").partition("\n\nParameters\n----------\n")
    entries = re.findall(r"^(\S+) : (.+)\n((?:    .+\n?)*)", parameters, re.MULTILINE)
    items = [f"- `{name}` ({kind}): {' '.join(meaning.split())}" for name, kind, meaning in entries]
    return "\n".join([text, "", *items] if items else [text])


def _needs(cls: type[Method]) -> str:
    parts = []
    if cls.most_variables is not None:
        parts.append(f"Takes at most {cls.most_variables} variables.")
    if cls.spare_samples is not None:
        parts.append(f"Needs n >= d{f' + {cls.spare_samples}' if cls.spare_samples else ''} samples.")
    if cls.gpus:
        parts.append("Runs on a GPU where there is one.")
    return " ".join(parts)


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _linked(paper: str) -> str:
    return re.sub(r"arXiv:(\d{4}\.\d{4,5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", paper)


def _table(headings: list[str]) -> str:
    return f"{_line(headings)}\n{_line(['---'] * len(headings))}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(page())
