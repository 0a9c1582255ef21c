"""``environment.json``: the machine and the software behind a run's numbers. Called by the commands of `benchmarks`."""

import json
import os
import platform
import shlex
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.files import write_atomically

PACKAGES = (
    "adag", "torch", "numpy", "scipy", "pandas", "pyarrow", "ray", "gcastle", "causal-learn", "lingam", "gadjid",
    "CausalDisco", "scikit-learn", "networkx", "matplotlib",
)  # fmt: skip


def describe(workers: int, command: list[str], script: str = "benchmarks/run.py") -> dict[str, Any]:
    """CPU, cores, memory, versions, git revision, workers, and the command that was typed."""
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", script, *map(_without_folder, command)]),
        "cpu": _cpu(),
        "cores": psutil.cpu_count(logical=False) or os.cpu_count(),
        "logical_cores": os.cpu_count(),
        "ram_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "workers": workers,
        "threads_per_trial": "the CPUs each method asks for (1 unless its file says otherwise)",
        "git_revision": _git_revision(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def write(folder: Path, workers: int, command: list[str], training: dict[str, str]) -> None:
    """Write ``environment.json``; the commands of earlier calls are kept, and what their pre-trained methods have seen.

    Parameters
    ----------
    folder : Path
        The run's folder.
    workers : int
        Trials at a time.
    command : list of str
        The arguments as typed.
    training : dict
        What each pre-trained method has seen, by label.
    """
    described, before = describe(workers, command), _read(folder)
    earlier = [*before.get("earlier_commands", []), *([before["command"]] if before else [])]
    described["earlier_commands"] = [known for known in dict.fromkeys(earlier) if known != described["command"]]
    described["pretrained"] = pretrained(folder) | training
    text = json.dumps(described, indent=2) + "\n"
    write_atomically(folder / "environment.json", lambda path: path.write_text(text))


def pretrained(folder: Path) -> dict[str, str]:
    """What each pre-trained method of a run has seen, by label."""
    return dict(_read(folder).get("pretrained", {}))


def _read(folder: Path) -> dict[str, Any]:
    path = folder / "environment.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _without_folder(argument: str) -> str:
    """An absolute path tells of this machine, its last part of the run."""
    option, equals, value = argument.rpartition("=")
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git_revision() -> str:
    try:
        revision = _git("rev-parse", "--short", "HEAD")
        changes = _git("status", "--porcelain", "--", ":/", ":(exclude,top)results")  # a run writes there itself
    except (OSError, subprocess.CalledProcessError):
        return "unknown (not a git checkout)"
    return f"{revision}-dirty" if changes else revision


def _git(*arguments: str) -> str:
    here = Path(__file__).parent
    result = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True)
    return result.stdout.strip()
