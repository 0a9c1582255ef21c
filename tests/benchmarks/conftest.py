"""Fixtures of this room: methods that misbehave, found as a third party's are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import probes

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def toy_folders(third_party_package: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders to put on the import path: toy-..., odd-... (methods_for_tests.py) and probe-... methods."""
    folder = tmp_path_factory.mktemp("odd")
    source = (HERE / "methods_for_tests.py").read_text()
    (folder / "odd_methods.py").write_text(source)
    info = folder / "odd_methods-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-methods\nVersion: 1.0\n")
    classes = re.findall(r"^class (\w+)\(Toy\):.*?^    name = \"([\w-]+)\"", source, re.MULTILINE | re.DOTALL)
    points = "\n".join(f"{name} = odd_methods:{cls}" for cls, name in classes)
    (info / "entry_points.txt").write_text(f"[adag.methods]\n{points}\n")
    return [third_party_package, folder, probes.package(tmp_path_factory.mktemp("probes"))]


@pytest.fixture(scope="module")
def toys(toy_folders: list[Path]) -> Iterator[list[Path]]:
    """All of them importable in this process, and in the workers that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        for folder in toy_folders:
            patch.syspath_prepend(str(folder))
        yield toy_folders
