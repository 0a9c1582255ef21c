"""Score runs again: ``python benchmarks/score.py results/small [more runs]``. No method is run.

For a run made before a metric was added or mended: reads ``estimates.parquet`` (and the journal of a killed run),
rewrites ``trials.parquet`` and ``trials.csv``, and makes figures and page again, so that all of a folder agrees.
``--list`` prints the table of metrics (docs/metrics.md).
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from adag.errors import UsageError
from benchmarks.metrics import METRICS
from benchmarks.scoring import score_run


def score(folder: Path) -> int:
    """Score, draw and report the run in a folder; the number of its trials."""
    if not any((folder / name).exists() for name in ("estimates.parquet", "journal.jsonl")):
        raise UsageError(f"'{folder}' holds no run (no estimates.parquet): give a folder that benchmarks/run.py made")
    from benchmarks.figures import draw  # brings matplotlib
    from benchmarks.report import write

    trials = len(score_run(folder))
    draw(folder)
    write(folder)
    return trials


def listing() -> str:
    """The metrics as a table: name, direction, what it applies to, meaning."""
    rows = [f"| `{m.name}` | {m.better} | {', '.join(m.applies_to)} | {m.meaning} |" for m in METRICS]
    return "\n".join(["| metric | better | estimates | meaning |", "|---|---|---|---|", *rows])


def main(arguments: list[str]) -> int:
    """Score every run named."""
    if arguments == ["--list"]:
        print(listing())
        return 0
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print("usage: python benchmarks/score.py --list | RUN_FOLDER [RUN_FOLDER ...]", file=sys.stderr)
        return 2
    try:
        for folder in arguments:
            print(f"{folder}: {score(Path(folder))} trials, {len(METRICS)} metrics")
    except UsageError as e:
        print(f"error: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
