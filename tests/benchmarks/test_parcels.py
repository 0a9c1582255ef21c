"""Short trials travel together, and what becomes of one of them is nothing to the others."""

import os
import pickle
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import MethodSpec
from benchmarks.board import Board
from benchmarks.cluster import cluster
from benchmarks.costs import CostModel
from benchmarks.executor import execute
from benchmarks.keys import DatasetKey, Trial
from benchmarks.outcome import failure
from benchmarks.parcel import PARCEL, PARCEL_S, Task, take

pytestmark = pytest.mark.ray


def task(number: int, seconds: float, group: str = "") -> Task:
    return Task(number, b"", 60.0, seconds, group)


def test_a_parcel_takes_no_longer_than_it_should() -> None:
    waiting = deque(task(k, PARCEL_S / 4.5) for k in range(6))
    assert [t.number for t in take(waiting, None, ahead=False)] == [0, 1, 2, 3]
    assert [t.number for t in take(waiting, None, ahead=True)] == [4, 5]
    assert take(waiting, None, ahead=False) == []
    assert len(take(deque(task(k, 1e-4) for k in range(1000)), None, ahead=True)) == PARCEL


@pytest.mark.parametrize(
    "first", [task(0, 10.0), task(0, float("inf")), task(0, 0.001, group="5 x 20"), task(7, 0.001)]
)
def test_what_is_long_or_batched_or_suspected_travels_alone_and_never_ahead(first: Task) -> None:
    waiting = deque([first, task(1, 0.001), task(2, 0.001)])
    assert take(waiting, 7, ahead=True) == []
    assert take(waiting, 7, ahead=False) == [first]
    waiting.append(first)
    assert [t.number for t in take(waiting, 7, ahead=True)] == [1, 2]
    assert list(waiting) == [first]


def test_the_board_keeps_two_parcels_apart_and_a_torn_outcome_back() -> None:
    board = Board.new()
    first, second = (failure("ok", name, runtime_s=1.0) for name in ("first", "second"))
    board.write(0, first, first=True)
    board.write(0, second, first=False)
    board.write(1, second, first=True)
    outcomes, offset = board.read(0, 0)
    assert [outcome["error"] for outcome in outcomes] == ["first", "second"]
    assert board.read(0, offset) == ([], offset)
    assert [outcome["error"] for outcome in board.read(1, 0)[0]] == ["second"]
    os.pwrite(board.fds[1], b"\xff\x00\x00\x00" + pickle.dumps(first)[:20], offset)
    assert board.read(0, offset) == ([], offset)
    board.clear(2)
    assert board.read(2, 0) == ([], 0)
    board.close()


def test_nothing_begins_once_it_was_stopped() -> None:
    board, other = Board.new(), None
    assert board.started() is None
    other = Board([os.dup(fd) for fd in board.fds])
    assert other.begin()
    assert board.started() is not None
    assert board.stop()
    other.end()
    assert not other.begin()
    assert board.started() is None
    assert not board.stop()  # nothing runs: who knows what was about to begin
    board.go_on()
    assert other.begin()


@pytest.fixture(scope="module")
def slots(toys: list[Path]) -> Iterator[int]:
    with cluster(None, 2) as slots:
        yield slots


def run(
    folder: Path, trouble: str, slots: int, timeout_s: float = 60.0
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[int, float]]:
    """The troubled trial's record, those of the others, and when each began, by seed; fails where one began twice."""
    spec = MethodSpec("odd-trouble-in-the-middle", (("folder", str(folder)), ("trouble", trouble)))
    keys = [DatasetKey("er", 1.0, 5, 20, "gaussian", "equal", "raw", repeat) for repeat in range(40)]
    costs = CostModel()
    costs.observe(str(spec), 5, 20, 0.02)  # so that they travel together from the first one on
    records: list[dict[str, Any]] = []
    plan = [Trial(spec, key, timeout_s) for key in keys]
    execute(plan, slots, {str(spec): "toy"}, lambda trial, record: records.append(record), costs=costs)
    assert Counter(record["repeat"] for record in records) == Counter(range(40))
    begun = [line.split() for line in (folder / "begun").read_text().splitlines()]
    assert Counter(int(seed) for seed, _ in begun) == Counter(trial.seed for trial in plan)
    at = {int(seed): float(when) for seed, when in begun}
    seeds = {trial.dataset.repeat: trial.seed for trial in plan}
    records = [record | {"trial_seed": seeds[record["repeat"]]} for record in records]
    troubled = max(records, key=lambda record: (record["status"] != "ok", record["runtime_s"]))
    return troubled, [record for record in records if record is not troubled], at


@pytest.mark.parametrize(("trouble", "status"), [("segfault", "crash"), ("killed", "oom"), ("hang", "timeout")])
def test_of_a_parcel_that_is_killed_only_the_running_trial_is_lost(
    slots: int, tmp_path: Path, trouble: str, status: str
) -> None:
    """Those before it keep their results, those behind it begin once, in a fresh worker."""
    troubled, others, begun = run(tmp_path, trouble, 1, timeout_s=2.0)
    assert troubled["status"] == status
    assert list(begun).index(troubled["trial_seed"]) == 5
    assert {record["status"] for record in others} == {"ok"}
    assert sum(record["first_call"] for record in others) == 2
    assert all(record["runtime_s"] < 2.0 for record in others)  # limits count from each one's own start
    if status == "timeout":
        assert 2.0 <= troubled["runtime_s"] < 2.9


def test_a_child_left_behind_ends_the_parcel_and_nothing_else(slots: int, tmp_path: Path) -> None:
    _, others, _ = run(tmp_path, "leaves a child", 1)
    assert {record["status"] for record in others} == {"ok"}
    assert sum(record["first_call"] for record in others) == 2


def test_what_lies_ready_behind_a_slow_trial_is_taken_back_for_another_slot(slots: int, tmp_path: Path) -> None:
    slow, others, begun = run(tmp_path, "8", slots)
    assert slow["runtime_s"] >= 8.0
    started = begun.pop(slow["trial_seed"])
    assert max(begun.values()) < started + 8.0
    assert {record["status"] for record in others} == {"ok"}
    assert np.median([record["runtime_s"] for record in others]) < 1.0
