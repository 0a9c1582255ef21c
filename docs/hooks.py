"""What the site shows besides docs/: the README as its first page, model cards, reference runs, formulas.

Called by MkDocs (``hooks`` in mkdocs.yml). Everything comes from its one source at build time: a page that links to a
file elsewhere in the repository brings that file along. A link to nothing stops the build.
"""

import html
import json
import posixpath
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
CARDS = "adag/checkpoints"
SHORT, LIGHT = 10, 2**20
"""Rows of a table that is shown; bytes of a file that is brought along."""
RUNS = "<!-- The site shows every run's figures here: docs/hooks.py -->"
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files that lie outside docs/, and the model cards to the navigation."""
    first = "---\nhide: [toc]\n---\n" + (ROOT / "README.md").read_text()  # its table needs the width
    add(files, config, "index.md", first, folder="")
    cards = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / CARDS).glob("*.md"))
    for card in cards:
        add(files, config, card, (ROOT / card).read_text(), folder=CARDS)
    section = next(item for item in config.nav or [] if "Model cards" in item)
    section["Model cards"] = [*(entry for entry in section["Model cards"] if entry not in cards), *cards]
    for file in [file for file in files.documentation_pages() if file.generated_by is None]:
        assert file.abs_src_path
        text = Path(file.abs_src_path).read_text()
        files.remove(file)
        add(files, config, file.src_uri, text.replace(RUNS, "\n".join(runs())), folder="docs")
    return files


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas as MathML, which browsers draw themselves."""

    def drawn(match: re.Match[str]) -> str:
        formula = html.unescape(match[2])
        if match[1] == "span":
            return convert(formula)
        return f'<div class="formula">{convert(formula, display="block")}</div>'

    return _FORMULA.sub(drawn, content)


def add(files: Files, config: MkDocsConfig, uri: str, text: str, folder: str) -> None:
    """Add a page whose text lies in a folder of the repository, with the files that it links to."""
    here = posixpath.dirname(uri)

    def replace(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        path = ROOT / target
        if target.startswith("results/") and path.is_dir():
            return posixpath.relpath("results.md", here or ".") + "#" + Path(target).name
        if not path.is_file():
            raise PluginError(f"{folder or 'README.md'}: '{match[1]}' in {uri} is no file of the repository")
        place = "index.md" if target == "README.md" else target.removeprefix("docs/")
        if not place.endswith(".md") and files.get_file_from_path(place) is None:
            files.append(File.generated(config, place, abs_src_path=str(path)))
        return posixpath.relpath(place, here or ".") + (match[2] or "")

    files.append(File.generated(config, uri, content=_LINK.sub(replace, text)))


def runs() -> Iterator[str]:
    """A section for every folder under results/: what it is, the command that made it, its report and figures."""
    if (ROOT / "results" / "index.html").exists():
        yield "\n[The report over all runs](../results/index.html)\n"
    for folder in sorted(path for path in (ROOT / "results").iterdir() if path.is_dir()):
        where = f"../{folder.relative_to(ROOT).as_posix()}"
        yield f"\n## {folder.name}\n"
        grid = folder / "grid.toml"
        if grid.exists():
            about = tomllib.loads(grid.read_text())
            yield f"*{about['title']}.* {about.get('description', '')}\n"
        for command in dict.fromkeys(commands(folder)):
            yield f"Made by `{command}`.\n"
        if (folder / "trials.parquet").exists():
            yield summary(folder)
        if (folder / "index.html").exists():
            yield f"[The report of this run]({where}/index.html)\n"
        for table in sorted(set(folder.glob("*.csv")) - {folder / "trials.csv"}):
            if len(frame := pd.read_csv(table)) <= SHORT:
                yield as_table(frame)
        files = [path for path in sorted(folder.glob("*.*")) if path.suffix in (".csv", ".json", ".jsonl")]
        links = [f"[{file.name}]({where}/{file.name})" for file in files if file.stat().st_size < LIGHT]
        yield f"Its files: {', '.join(links)}.\n"
        for figure in sorted((folder / "figures").glob("*.png")):
            name = figure.stem.replace("_", " ")
            yield f"[![{folder.name}: {name}]({where}/figures/{figure.name})]({where}/figures/{figure.stem}.svg)\n"


def as_table(frame: pd.DataFrame) -> str:
    """A short table as Markdown."""
    rows = [list(frame.columns), ["---"] * len(frame.columns)]
    rows += [["" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else value for value in row]
             for row in frame.itertuples(index=False)]  # fmt: skip
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows) + "\n"


def commands(folder: Path) -> Iterator[str]:
    """Every command that the folder's JSON files say they were made by."""
    for path in sorted(folder.glob("*.json")):
        pending: list[Any] = [json.loads(path.read_text())]
        while pending:
            value = pending.pop(0)
            if isinstance(value, dict):
                yield from value.get("earlier_commands", [])
                if isinstance(value.get("command"), str):
                    yield value["command"]
                pending += value.values()


def summary(folder: Path) -> str:
    """How many trials a run has, and how they ended."""
    trials = pd.read_parquet(folder / "trials.parquet", columns=["label", "status"])
    ended = trials.loc[trials["status"] != "ok", "status"].value_counts()
    failures = ", ".join(f"{count:,} {status}" for status, count in ended.items()) or "none failed"
    return f"{len(trials):,} trials of {trials['label'].nunique()} methods; {failures}.\n"
