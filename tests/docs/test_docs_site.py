"""The built site: no warning, everything that it should show, and no word to another host."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import adag
import baselines
from adag.checkpoint import shipped
from baselines.registry import built_in_methods

ROOT = Path(__file__).parents[2]
LOADS = {"src", "srcset", "poster", "data", "action"}
"""Attributes whose address a browser fetches unasked; ``href`` of a <link> is one too, but not that of an <a>."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(target)],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return target


class Page(HTMLParser):
    """What a page loads, links to, and can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads, self.links, self.ids = list[str](), list[str](), set[str]()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in LOADS or (name == "href" and tag == "link"):
                self.loads.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.ids.add(value or "")


def test_no_page_asks_another_host(site: Path) -> None:
    for path in site.rglob("*.html"):
        foreign = [address for address in Page(path).loads if re.match(r"(https?:)?//", address)]
        assert not foreign, path
    for path in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", path.read_text()), path


def test_every_link_leads_somewhere(site: Path) -> None:
    """MkDocs checks those it can see in Markdown; these are all."""
    made_here = [path for path in site.rglob("*.html") if path.name != "404.html" and "results" not in path.parts]
    pages = {path.resolve(): Page(path) for path in made_here}
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file(), (path.name, link)
            if anchor and target in pages and not anchor.startswith("__"):
                assert anchor in pages[target].ids, (path.name, link)


def test_what_comes_from_elsewhere_is_there(site: Path) -> None:
    methods, api, results = (Page(site / f"{name}.html").ids for name in ("methods", "api", "results"))
    assert {cls.name for cls in built_in_methods()} <= methods
    assert {f"adag.{name}" for name in ("ADAG", "CausalGraph", "ADAG.discover", "CausalGraph.edges")} <= api
    assert {f"adag.errors.{name}" for name in adag.__all__ if name.endswith("Error")} <= api
    assert {f"baselines.{name}" for name in ("get_method", "available_methods", "register", "Method")} <= api
    assert set(baselines.__all__) >= {"get_method", "available_methods", "register", "Method"}
    runs = {path.name for path in (ROOT / "results").iterdir() if path.is_dir()}
    assert runs <= results
    told = (ROOT / "docs" / "results.md").read_text()
    assert runs == set(re.findall(r"^\| \[([\w-]+)\]\(\.\./results/\1\)", told, re.MULTILINE)), "a run that is not told"
    for name in shipped():
        assert (site / "adag" / "checkpoints" / f"{name}.html").is_file()


def test_formulas_are_drawn_by_the_browser(site: Path) -> None:
    page = (site / "how-it-works.html").read_text()
    source = (ROOT / "docs" / "how-it-works.md").read_text()
    assert page.count("<math") == len(re.findall(r"\$\$.+?\$\$|\$[^$]+\$", source, re.DOTALL))
    assert "arithmatex" not in page
