"""What is committed under results/ stays light enough for everyone's clone."""

from pathlib import Path

import pytest

RESULTS = Path(__file__).parent.parent / "results"
MOST = 10_000_000
"""Bytes of a run, and of any one file."""


@pytest.mark.parametrize("run", sorted(path.parent.name for path in RESULTS.glob("*/trials.parquet")))
def test_a_run_is_under_ten_megabytes(run: str) -> None:
    sizes = {path: path.stat().st_size for path in (RESULTS / run).rglob("*") if path.is_file()}
    largest = sorted(sizes, key=lambda path: -sizes[path])[:5]
    told = ", ".join(f"{path.relative_to(RESULTS)} {sizes[path] / 1e6:.1f} MB" for path in largest)
    assert sum(sizes.values()) < MOST, f"{run} has {sum(sizes.values()) / 1e6:.1f} MB: {told}"


def test_every_file_is_under_ten_megabytes() -> None:
    large = [path for path in RESULTS.rglob("*") if path.is_file() and path.stat().st_size >= MOST]
    assert not large
