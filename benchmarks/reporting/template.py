"""Jinja templates with everything inline: style, scripts, data. Called by `page` and `overview`."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent


def render(name: str, data: dict[str, Any], **values: Any) -> str:
    """A page from a template; `data` is JSON for its scripts, NaN refused."""
    environment = Environment(
        loader=PackageLoader("benchmarks.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    environment.globals["asset"] = _asset
    return environment.get_template(name).render(data=data, **values)


def _asset(name: str) -> Markup:
    """A file of this folder as it is: style and scripts are our own, or vendored."""
    return Markup((HERE / name).read_text())
