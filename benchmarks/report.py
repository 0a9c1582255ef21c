"""Pages that say who is ahead, from a run's files alone: ``python benchmarks/report.py [RUN_FOLDER ...]``.

With folders: each one's ``index.html``. Without: that of every run under ``results/``, and ``results/index.html`` over
all of them. Also called by `benchmarks.run` and `benchmarks.score`. The same files give the same bytes.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from adag.errors import UsageError
from benchmarks.files import write_atomically
from benchmarks.reporting.overview import overview
from benchmarks.reporting.page import page
from benchmarks.reporting.prepared import prepare

NAME = "index.html"


def write(folder: Path) -> Path:
    """Write a run's page into its folder; its path."""
    return _written(folder / NAME, page(prepare(folder)))


def write_all(root: Path) -> list[Path]:
    """Write the page of every run in a folder of runs, and one over all of them.

    Raises
    ------
    UsageError
        The folder holds no scored run.
    """
    folders = sorted(path.parent for path in root.glob("*/trials.parquet"))
    if not folders:
        raise UsageError(f"'{root}' holds no folder with a scored run: make one with benchmarks/run.py")
    runs = [prepare(folder) for folder in folders]
    pages = [_written(run.folder / NAME, page(run)) for run in runs]
    return [*pages, _written(root / NAME, overview(root, runs))]


def _written(path: Path, html: str) -> Path:
    write_atomically(path, lambda partial: partial.write_text(html))
    return path


def main(arguments: list[str]) -> int:
    """Write the pages of the runs named, or of all under results/."""
    if any(argument.startswith("-") for argument in arguments):
        print("usage: python benchmarks/report.py [RUN_FOLDER ...]", file=sys.stderr)
        return 2
    try:
        pages = [write(Path(folder)) for folder in arguments] if arguments else write_all(Path("results"))
    except UsageError as e:
        print(f"error: {e}", file=sys.stderr)
        return 2
    print("\n".join(str(path) for path in pages))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
