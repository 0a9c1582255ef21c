"""What two runs differ in before any number: machine, software, checkpoints, grid, versions. Called by `compare`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.claims import DATA_SET
from benchmarks.keys import CELL

MACHINE = ("cpu", "cores", "logical_cores", "ram_gib", "os")
"""Keys of ``environment.json`` that say which machine it was: seconds of two machines cannot be compared."""
OTHER = ("git_revision", "python", "workers", "threads_per_trial")


def changes(folders: tuple[Path, Path], runs: tuple[pd.DataFrame, pd.DataFrame]) -> list[str]:
    """Every difference in the files and the plans of two runs, A -> B, one line each."""
    one, two = (environment(folder) for folder in folders)
    found = [_arrow(key, one.get(key), two.get(key)) for key in (*MACHINE, *OTHER) if one.get(key) != two.get(key)]
    both = set(runs[0]["label"]) & set(runs[1]["label"])
    for name, key in (("package", "packages"), ("checkpoint of", "pretrained")):
        old, new = one.get(key, {}), two.get(key, {})
        if key == "pretrained":  # a method of one run alone is named below
            old, new = ({k: text for k, text in side.items() if k in both} for side in (old, new))
        found += [_arrow(f"{name} {k}", old.get(k), new.get(k)) for k in _union(old, new) if old.get(k) != new.get(k)]
    for what, columns in (("methods", ["label"]), ("cells", list(CELL)), ("data sets", DATA_SET)):
        found += _only(what, *(run[columns].drop_duplicates() for run in runs))
    for column, name in (("version", "version"), ("timeout_s", "time limit"), ("threads", "threads")):
        old, new = (_by_label(run, column) for run in runs)
        found += [_arrow(f"{name} of {k}", old[k], new[k]) for k in old if k in new and old[k] != new[k]]
    return found


def environment(folder: Path) -> dict[str, Any]:
    """A run's ``environment.json``; empty where it has none."""
    path = folder / "environment.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def same_machine(folders: tuple[Path, Path]) -> bool:
    """Whether both environments are known and name the same machine."""
    one, two = (environment(folder) for folder in folders)
    return bool(one) and bool(two) and all(one.get(key) == two.get(key) for key in MACHINE)


def _by_label(run: pd.DataFrame, column: str) -> dict[str, str]:
    ok = run[run["status"] == "ok"] if column == "threads" else run  # a failed trial names none
    return {
        str(label): ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in sorted(set(values)))
        for label, values in ok.groupby("label")[column]
    }


def _only(what: str, one: pd.DataFrame, two: pd.DataFrame) -> list[str]:
    both = one.merge(two, how="outer", indicator=True)
    lines = []
    for side, name in (("left_only", "A"), ("right_only", "B")):
        rows = both[both["_merge"] == side]
        if len(rows):
            labels = f" ({', '.join(rows['label'])})" if "label" in rows else ""
            lines.append(f"{what} in {name} alone: {len(rows)}{labels}")
    return lines


def _union(one: Iterable[str], two: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*one, *two]))


def _arrow(what: str, old: object, new: object) -> str:
    return f"{what}: {'none' if old is None else old} -> {'none' if new is None else new}"
