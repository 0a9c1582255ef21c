"""Runs the code blocks of a page of documentation, in its order, in one folder. Called by `test_docs_pages`.

A page is a story: what one block writes or defines, the next may read. Python is executed, TOML and CSV are written
under their title and loaded, and every line of Bash is run, in this process, or by its stand-in below.
"""

import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from adag import training_config
from adag.training_config import PretrainConfig, load_config
from baselines import get_method, method_class, registry
from benchmarks.grid import FOLDER, load_grid

ROOT = Path(__file__).parents[2]
RUNS = ("small", "er2")
"""Runs that pages speak of; there, each is a copy of results/sachs, whose five trials are scored and drawn at once."""
PACKAGES = {"my_package": "import numpy as np\n\ndef fit(X):\n    return np.triu(np.cov(X.T), 1)\n"}
"""What pages call as if readers had it."""


@dataclass(frozen=True)
class Block:
    """A fenced code block; ``title`` is the file that a reader would save it as."""

    line: int
    language: str
    title: str
    text: str


def blocks(markdown: str) -> list[Block]:
    """Every code block of a page; an indented one has no language."""
    found = []
    for token in MarkdownIt().parse(markdown):
        if token.type in ("fence", "code_block"):
            language, _, rest = token.info.partition(" ")
            title = re.search(r'title="([^"]+)"', rest)
            found.append(Block((token.map or [0])[0] + 1, language, title[1] if title else "", token.content))
    return found


@dataclass
class Story:
    """The folder and the names that a page's blocks share."""

    folder: Path
    patch: pytest.MonkeyPatch
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "page"})

    def __post_init__(self) -> None:
        """What a reader has: data of their own, a few runs, and the repository around them."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(60, 3))
        table = {"a": x[:, 0], "b": x[:, 0] + x[:, 1], "c": x[:, 1], "d": x[:, 2] - x[:, 0]}
        self.data = pd.DataFrame(table)
        self.data.to_csv(self.folder / "data.csv", index=False)
        (self.folder / "plants").mkdir()
        for k in range(3):
            table = self.data.iloc[20 * k : 20 * k + 20]
            table.to_csv(self.folder / "plants" / f"{k}.csv", index=False)
        (self.folder / "my-folder").mkdir()
        self.data.to_csv(self.folder / "my-folder" / "mine.csv", index=False)
        for name, text in PACKAGES.items():
            (self.folder / f"{name}.py").write_text(text)
        for room in ("adag", "benchmarks"):
            (self.folder / room).symlink_to(ROOT / room)
        for place in ("results", "runs"):
            for run in RUNS:
                shutil.copytree(ROOT / "results" / "sachs", self.folder / place / run)
                shutil.copy(FOLDER / f"{run}.toml", self.folder / place / run / "grid.toml")
        self.patch.chdir(self.folder)
        self.patch.setenv("COLUMNS", "160")
        self.patch.setattr(sys, "path", [str(self.folder), *sys.path])
        self.known = set(registry.available_methods())
        self.patch.setattr(registry, "_registered", dict(registry._registered))

    def tell(self, markdown: str) -> None:
        """Run every block; a language that has no runner is an error. Then call each method that was defined, once."""
        for block in blocks(markdown):
            if block.language not in RUNNERS:
                raise ValueError(f"line {block.line}: no runner for a block of {block.language or 'no language'}")
            RUNNERS[block.language](self, block)
        for name in set(registry._registered) - self.known:
            assert get_method(name).discover(self.data).d == self.data.shape[1]


def run_python(story: Story, block: Block) -> None:
    """Execute; classes of tests are run as pytest would."""
    before = set(story.names)
    exec(compile(block.text, f"line {block.line}", "exec"), story.names)
    for name in set(story.names) - before:
        if name.startswith("Test"):
            tests = story.names[name]()
            for test in [key for key in dir(tests) if key.startswith("test_")]:
                getattr(tests, test)()


def run_toml(story: Story, block: Block) -> None:
    """Save, and load as what its keys make it: a grid, a training configuration or a package's metadata."""
    path = _saved(story, block)
    content = tomllib.loads(block.text)
    if "cells" in content:
        plan, _ = load_grid(str(path))
        assert plan.trials(plan.specs())
    elif "tasks" in content:
        assert load_config(path).network()
    elif "project" in content:
        for name, value in content["project"]["entry-points"][registry.GROUP].items():
            assert story.names[value.partition(":")[2]] is method_class(name)
    else:
        raise ValueError(f"line {block.line}: TOML that is neither a grid, a configuration nor a pyproject.toml")


def run_csv(story: Story, block: Block) -> None:
    """Save, and read."""
    assert len(pd.read_csv(_saved(story, block)))


def run_bash(story: Story, block: Block) -> None:
    """Run line by line; a comment is not a command."""
    for line in block.text.replace("\\\n", " ").splitlines():
        command: list[str] = []
        for word in [*shlex.split(line, comments=True), "&&"]:
            if word != "&&":
                command.append(word)
            elif command:
                run_command(story, command)
                command = []


def run_command(story: Story, command: list[str]) -> None:
    """Run a command, or what stands in for it."""
    text = shlex.join(command)
    for pattern, stand_in, _ in STAND_INS:
        if re.match(pattern, text):
            stand_in(story, command)
            return
    run_here(story, command)


def run_here(story: Story, command: list[str]) -> None:
    """``python file`` or ``python -m module`` in this process, which has imported torch already."""
    assert command[0] == "python", f"no way to run {shlex.join(command)}: add a stand-in, and say why"
    module = command[1] == "-m"
    arguments = command[2:] if module else command[1:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", arguments)
        patch.setattr(sys, "path", list(sys.path))
        try:
            if module:
                runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(arguments[0], run_name="__main__")
            code: object = 0
        except SystemExit as end:
            code = end.code
    assert not code, f"{shlex.join(command)}: exit code {code}"


def make(story: Story, command: list[str]) -> None:
    """``make --dry-run``: the target exists, and so does all that it needs."""
    subprocess.run([*command, "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def dry_run(story: Story, command: list[str]) -> None:
    """The plan alone."""
    run_here(story, [*command, "--dry-run"])


def two_steps(story: Story, command: list[str]) -> None:
    """Train as configured, but two small steps."""

    def shortened(path: Path) -> PretrainConfig:
        config = load_config(path)
        d = config.tasks.d if config.tasks.family_key() else ((5, 1.0),)
        fewer = {"domains": 20} if config.objective == "self-taught" else {}
        tasks = config.tasks.model_copy(update={"pairs_per_step": 100, "d": d, **fewer})
        init = str(ROOT / config.init) if config.init and "/" in config.init else config.init
        return config.model_copy(update={"steps": 2, "validation": ((d[0][0], 20),), "tasks": tasks, "init": init})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_config, "load_config", shortened)
        run_here(story, command)


def show_help(story: Story, command: list[str]) -> None:
    """The command exists; its options are not looked at, so it may have none.

    In a process of its own: these commands register methods that do their worst.
    """
    assert len(command) == 3
    subprocess.run([sys.executable, *command[1:], "--help"], cwd=ROOT, check=True, capture_output=True)


def ray_options(story: Story, command: list[str]) -> None:
    """Ray's own parser takes the options."""
    from ray.scripts import scripts

    getattr(scripts, command[1]).make_context(command[1], command[2:])


def assignments(story: Story, command: list[str]) -> None:
    """NAME=value, as a shell would take it."""
    assert all(re.fullmatch(r"[A-Z_]+=\S+", word) for word in command[1:])


def nothing(story: Story, command: list[str]) -> None:
    """Not run at all."""


RUNNERS: dict[str, Callable[[Story, Block], None]] = {
    "python": run_python, "toml": run_toml, "csv": run_csv, "bash": run_bash,
}  # fmt: skip
STAND_INS: tuple[tuple[str, Callable[[Story, list[str]], None], str], ...] = (
    (r"make ", make, "installs packages, runs the tests, or computes for minutes to hours"),
    (r"source \.venv/bin/activate$", nothing, "the tests run in such an environment"),
    (r"export ", assignments, "would change Ray's settings for all other tests"),
    (r"ray start ", ray_options, "starts a cluster; tests/benchmarks/test_cluster.py does"),
    (r"python benchmarks/run\.py --list$", run_here, "as it is: knows no --dry-run"),
    (r"python benchmarks/run\.py ", dry_run, "computes for minutes to hours; tests/benchmarks/test_run.py runs some"),
    (r"python -m benchmarks\.(chaos|overhead|agreement)$", show_help, "minutes; the tests of the same names run less"),
    (r"python -m adag pretrain ", two_steps, "an hour"),
)
"""Commands that are not run as they stand: what is done instead, and why. The first that matches counts."""


def _saved(story: Story, block: Block) -> Path:
    assert block.title, f'line {block.line}: say what to save it as: ```{block.language} title="NAME"'
    path = story.folder / block.title
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
    return path
