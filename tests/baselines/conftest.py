"""Data sets, and what the libraries themselves say of them, computed in a process that never imports `baselines`."""

import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from baseline_cases import CONFLICT, linear_sem
from numpy.typing import NDArray

from baselines import registry

REFERENCE = Path(__file__).parent / "library_reference.py"

TINY = '''
"""A method from somewhere else: variables by increasing variance, each regressed on those before it."""

import numpy as np

from adag.graph import CausalGraph
from baselines import Method, register


@register
class TinySort(Method):
    name = "tiny-sort"
    package = "tiny-method"

    def __init__(self, *, scale: float = 1.0) -> None:
        self.scale = scale

    def discover(self, X, *, seed):
        order = np.argsort(X.var(axis=0))
        weights = np.zeros((X.shape[1], X.shape[1]))
        for k in range(1, len(order)):
            before, target = order[:k], order[k]
            coefficients = np.linalg.lstsq(X[:, before] - X[:, before].mean(0), X[:, target], rcond=None)[0]
            weights[before, target] = self.scale * coefficients
        return CausalGraph.from_weights(weights)
'''

PackageMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def datasets() -> dict[str, NDArray[np.float64]]:
    """Several shapes and noises; 'offset' has means far from zero."""
    return {
        "two": linear_sem(1, 2, 60)[1],
        "few": linear_sem(2, 5, 12)[1],
        "many": linear_sem(3, 5, 400)[1],
        "uniform": linear_sem(4, 5, 100, "uniform")[1],
        "offset": linear_sem(5, 4, 100)[1] + np.array([3.0, -2.0, 10.0, 0.5]),
        "conflict": linear_sem(CONFLICT, 6, 40)[1],
    }


@pytest.fixture(scope="session")
def reference(
    datasets: dict[str, NDArray[np.float64]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, NDArray[np.float64]]:
    """Arrays named ``library/quantity/data set``, by direct calls of each library with its published defaults."""
    folder = tmp_path_factory.mktemp("reference")
    np.savez(folder / "in.npz", **datasets)  # type: ignore[arg-type]
    command = [sys.executable, str(REFERENCE), str(folder / "in.npz"), str(folder / "out.npz")]
    subprocess.run(command, check=True, capture_output=True, timeout=240, cwd=folder)
    with np.load(folder / "out.npz") as file:
        return {key: file[key] for key in file.files}


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    registry.available_methods()
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture
def make_package(tmp_path: Path) -> PackageMaker:
    """Lay out an installed distribution: ``make_package(name, source, {method: "module:Class"})`` -> its folder."""

    def make(name: str, source: str, methods: dict[str, str]) -> Path:
        folder = tmp_path / "site" / name
        module, info = folder / name.replace("-", "_"), folder / f"{name.replace('-', '_')}-0.3.dist-info"
        module.mkdir(parents=True)
        info.mkdir()
        (module / "__init__.py").write_text(textwrap.dedent(source))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.3\n")
        points = "\n".join(f"{method} = {target}" for method, target in methods.items())
        (info / "entry_points.txt").write_text(f"[adag.methods]\n{points}\n")
        return folder

    return make


@pytest.fixture
def tiny_package(make_package: PackageMaker) -> Iterator[Path]:
    """A folder to put on PYTHONPATH (or sys.path): there, distribution tiny-method offers the method 'tiny-sort'."""
    yield make_package("tiny-method", TINY, {"tiny-sort": "tiny_method:TinySort"})
    sys.modules.pop("tiny_method", None)
