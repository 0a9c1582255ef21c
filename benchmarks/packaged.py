"""Data files inside installed packages, read without importing them. Called by `benchmarks.sachs`, `networks`."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from adag.errors import UsageError


def packaged_file(package: str, inside: str) -> Path:
    """Where a file of an installed package lies.

    Raises
    ------
    UsageError
        The package is not installed, or has no such file; names the mend.
    """
    try:
        path = Path(str(distribution(package).locate_file(inside)))
    except PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise UsageError(
            f"these data need the file {inside} of the package '{package}', which is not installed: "
            "run 'make setup', or pip install --no-deps -r requirements-data.txt"
        )
    return path
