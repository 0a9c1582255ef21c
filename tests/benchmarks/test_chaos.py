"""A driver that is killed again and again, over methods that do their worst, ends with every row as it should be."""

from pathlib import Path

import pytest

from benchmarks.chaos import METHODS, chaos
from benchmarks.probes import TROUBLES, Mixed

pytestmark = pytest.mark.ray


def test_nothing_is_lost_and_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small version of ``python -m benchmarks.chaos``."""
    monkeypatch.syspath_prepend(str(tmp_path))  # what `chaos` adds to the path goes with this test
    report = chaos(tmp_path, ("probe-mixed", "probe-behaves[variant=0]"), trials=48, kills=2, workers=2, seed=1)
    assert report["wrong"] == []
    assert report["rows"] == 48
    assert len(report["killed_at"]) == 2
    assert len(report["statuses"]) > 3


def test_the_troubles_are_those_that_the_executor_tells_apart() -> None:
    assert {probe.name for probe in TROUBLES} < set(METHODS)
    statuses = {Mixed.expected(seed) for seed in range(100)}
    assert statuses == {"ok", "timeout", "crash", "error", "oom", "invalid-output"}
