"""Fixtures of all rooms: a checkpoint-free data set, and a third party's package found through its entry points."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: small matrices, and a busy machine is no faster with more

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> None:
    """A job in the background of a shell starts with Ctrl-C ignored, and so would all that the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def third_party_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder to put on PYTHONPATH: the distribution ``toy-methods`` 1.0 with its entry points."""
    folder = tmp_path_factory.mktemp("site")
    source = (PLUGIN / "toy_methods.py").read_text()
    (folder / "toy_methods.py").write_text(source)
    info = folder / "toy_methods-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-methods\nVersion: 1.0\n")
    classes = re.findall(r"^class (\w+)\(Toy\):.*?^    name = \"([\w-]+)\"", source, re.MULTILINE | re.DOTALL)
    lines = ["[adag.methods]", *(f"{name} = toy_methods:{cls}" for cls, name in classes)]
    lines.append("toy-broken = toy_package_that_does_not_exist:Nothing")
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def with_plugin(third_party_package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The third party's package, importable in this process."""
    monkeypatch.syspath_prepend(str(third_party_package))
    return third_party_package


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def command(third_party_package: Path) -> Command:
    """Run a Python command line in the repository's root, as a user would; returns the finished process."""

    def call(*arguments: str | Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(third_party_package), "COLUMNS": "160"}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip

    return call


@pytest.fixture
def chain_data() -> np.ndarray:
    """z <- y <- x with uniform noise, in the order (z, y, x): 400 samples."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 400)
    y = 1.5 * x + rng.uniform(-1, 1, 400)
    return np.column_stack([-1.2 * y + rng.uniform(-1, 1, 400), y, x])
