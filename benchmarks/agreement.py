"""Do two runs agree? ``python -m benchmarks.agreement RUN_A RUN_B``.

Every method that declares itself deterministic must have given the same graphs, and so have the same metrics, on any
number of workers, on any day: trials that both runs have are compared bit by bit. Exit code 1 where they differ.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from adag.errors import UsageError
from benchmarks.keys import TRIAL
from benchmarks.scoring import score
from benchmarks.store import read_records

ANSWER = ("status", "kind", "adjacency", "weights", "confidence")
VARIES = ("runtime_s", "batch_runtime_s", "batch_size", "first_call", "error", "traceback", "threads", "device")
"""What two runs may differ in; the rest of a scored row follows from trial and answer."""


def disagreements(one: pd.DataFrame, two: pd.DataFrame) -> tuple[int, list[str]]:
    """How many trials of deterministic methods two runs' records share, and in what those differ."""
    one, two = (records[records["deterministic"].astype(bool)].set_index(list(TRIAL)) for records in (one, two))
    shared = one.index.intersection(two.index)
    found = []
    scored = [score(records.loc[shared].reset_index()).set_index(list(TRIAL)) for records in (one, two)]
    for key in shared:
        a, b = one.loc[key], two.loc[key]
        found += [f"{key}: {name}" for name in ANSWER if _text(a[name]) != _text(b[name])]
        first, second = (table.loc[key].drop([*VARIES, "status", "kind"]) for table in scored)
        found += [f"{key}: {name}" for name in first.index if _text(first[name]) != _text(second[name])]
    return len(shared), found


def _text(value: Any) -> str:
    return json.dumps(value, default=lambda array: array.tolist())


def main(arguments: list[str]) -> int:
    """Compare two runs' folders."""
    if len(arguments) != 2:
        print("usage: python -m benchmarks.agreement RUN_A RUN_B", file=sys.stderr)
        return 2
    try:
        shared, found = disagreements(*(read_records(Path(folder)) for folder in arguments))
    except UsageError as e:
        print(f"error: {e}", file=sys.stderr)
        return 2
    for line in found:
        print(f"differs: {line}")
    print(f"{shared} trials of deterministic methods in both runs, {len(found)} differences")
    return 1 if found or not shared else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
