"""What a watcher sees: bars on a terminal, plain lines when piped; rate, ETA, failures and a tally per method."""

import io

import pytest
from rich.console import Console

from benchmarks import progress
from benchmarks.progress import Watcher, duration

PLANNED = {"adag": 4, "golem[num_iter=5]": 2}


def watch(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with Watcher(console, PLANNED, slots=2) as watcher:
        for status in ("ok", "ok", "timeout"):
            clock[0] += 10.0
            watcher.finished("adag", {"status": status, "runtime_s": 2.0})
            watcher.tick(240.0)
        watcher.finished("golem[num_iter=5]", {"status": "ok", "runtime_s": 3.0})


def test_lines_when_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    watch(Console(file=out, width=60), monkeypatch)
    assert out.getvalue().splitlines() == [
        "2/6 trials in 0:20, 0.1 trials/s, ETA 2:00: adag 2/4, golem[num_iter=5] 0/2",
        "4/6 trials in 0:30, 0.133 trials/s, ETA 2:00, 1 failed: adag 3/4 (1 failed), golem[num_iter=5] 1/2",
    ]


def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    watch(Console(file=out, width=120, force_terminal=True, color_system=None), monkeypatch)
    for words in ("golem[num_iter=5]", "3/4", "2 s/trial  1 failed", "0.1 trials/s, ETA 2:00, 1 failed"):
        assert words in out.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(None, "-"), (0.4, "0:00"), (65, "1:05"), (3723, "1:02:03")])
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
