"""Every way in which a method can end becomes one row with the right status, and its neighbours never notice."""

import dataclasses
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

from adag.families import training_domains
from baselines import MethodSpec, parse_spec
from benchmarks import slot
from benchmarks.agreement import disagreements
from benchmarks.cluster import cluster
from benchmarks.executor import execute
from benchmarks.guardian import MARK
from benchmarks.keys import DatasetKey, Trial
from benchmarks.supervisor import BATCH

pytestmark = pytest.mark.ray

VERSION = "toy 1.0"


def data(repeat: int = 0, n: int = 20) -> DatasetKey:
    return DatasetKey("er", 1.0, 5, n, "gaussian", "equal", "raw", repeat)


def trials(method: str, count: int = 1, timeout_s: float = 60.0, n: int = 20) -> list[Trial]:
    return [Trial(parse_spec(method), data(k, n), timeout_s) for k in range(count)]


@pytest.fixture(scope="module")
def slots(toys: Path) -> Iterator[int]:
    """One Ray session, two CPUs, and the toy methods on the import path."""
    with cluster(None, 2) as slots:
        yield slots


def run(plan: list[Trial], slots: int, **options: Any) -> dict[Trial, dict[str, Any]]:
    """The records by trial; fails where a trial has two."""
    records: dict[Trial, dict[str, Any]] = {}

    def keep(trial: Trial, record: dict[str, Any]) -> None:
        assert trial not in records
        records[trial] = record

    execute(plan, slots, {str(trial.method): VERSION for trial in plan}, keep, **options)
    assert set(records) == set(plan)
    return records


def ours() -> list[psutil.Process]:
    """Living processes of this driver's supervisors: the workers and what they forked."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK, "").startswith(slot.DRIVER)
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_estimates_are_cut_where_the_cell_says(slots: int) -> None:
    plan = [Trial(parse_spec("toy-chain"), dataclasses.replace(data(), threshold=at), 60.0) for at in (0.3, 50.0)]
    records = run(plan, slots)
    assert [int(np.sum(records[trial]["adjacency"])) for trial in plan] == [4, 0]


@pytest.fixture(scope="module")
def outcomes(slots: int) -> dict[str, list[dict[str, Any]]]:
    """All toys in one run, the well-behaved among them."""
    plan = [
        trial
        for method, timeout_s in {
            "toy-chain": 60.0, "toy-raises": 60.0, "toy-memory": 60.0, "toy-nan": 60.0, "toy-shape": 60.0,
            "toy-cycle": 60.0, "toy-segfault": 60.0, "toy-exit": 60.0, "toy-hang": 1.0, "toy-flood": 60.0,
            "odd-sys-exit": 60.0, "odd-fork": 60.0, "odd-runaway": 60.0, "odd-unloadable": 60.0,
        }.items()
        for trial in trials(method, 3 if method == "toy-chain" else 1, timeout_s)
    ]  # fmt: skip
    records: dict[str, list[dict[str, Any]]] = {}
    for trial, record in run(plan, slots).items():
        records.setdefault(str(trial.method), []).append(record)
    return records


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        ("toy-chain", "ok", ""),
        ("toy-raises", "error", "RuntimeError: the toy broke"),
        ("toy-memory", "oom", "MemoryError"),
        ("toy-nan", "invalid-output", "NaN"),
        ("toy-shape", "invalid-output", "2 variables for data with 5"),
        ("toy-cycle", "invalid-output", "cycle"),
        ("toy-segfault", "crash", "SIGSEGV"),
        ("toy-exit", "crash", "exit code 3"),
        ("toy-hang", "timeout", "1 s"),
        ("toy-flood", "ok", ""),
        ("odd-sys-exit", "error", "SystemExit: leaving"),
        ("odd-fork", "ok", ""),
        ("odd-runaway", "ok", ""),
        ("odd-unloadable", "error", "missing_library"),
    ],
)
def test_every_ending_is_a_row(outcomes: dict[str, list[dict[str, Any]]], method: str, status: str, words: str) -> None:
    for record in outcomes[method]:
        assert record["status"] == status
        assert words in record["error"]
        assert "\n" not in record["error"]
        assert (record["adjacency"] is not None) == (status == "ok")
        assert os.getcwd() not in record["traceback"]
        assert str(Path.home()) + os.sep not in record["traceback"]


def test_a_crash_says_where(outcomes: dict[str, list[dict[str, Any]]]) -> None:
    assert "string_at" in outcomes["toy-segfault"][0]["traceback"]
    assert "discover" in outcomes["toy-raises"][0]["traceback"]


def test_no_process_is_left_but_the_warm_workers(outcomes: dict[str, list[dict[str, Any]]]) -> None:
    assert outcomes
    time.sleep(0.5)
    left = [" ".join(process.cmdline()) for process in ours()]
    assert all("benchmarks.worker" in command for command in left), left
    assert len(left) <= 2


def test_a_native_hang_is_gone_with_its_child_within_a_second_of_its_deadline(slots: int, tmp_path: Path) -> None:
    limit, file = 2.0, tmp_path / "pids"
    plan = [Trial(MethodSpec("toy-hang", (("pid_file", str(file)),)), data(), limit)]
    record = run(plan, slots)[plan[0]]
    assert limit <= record["runtime_s"] < limit + 0.9
    pids = [int(pid) for pid in file.read_text().split()]
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)
    # The file was written as `discover` began: the whole hang, by a clock of our own.
    assert time.time() - file.stat().st_mtime < limit + 1.0


def test_a_growing_process_is_stopped_at_its_limit(slots: int) -> None:
    plan = [*trials("odd-allocate"), *trials("toy-chain", 3)]
    records = run(plan, slots, memory_bytes=700 * 2**20)
    assert records[plan[0]]["status"] == "oom"
    assert "limit is 0.68 GiB" in records[plan[0]]["error"]
    assert [records[trial]["status"] for trial in plan[1:]] == ["ok"] * 3


def test_threads_and_gpus_are_what_was_asked_for(slots: int) -> None:
    for record in run(trials("odd-threads", 3), slots).values():
        weights = np.reshape(record["weights"], (5, 5))
        assert (weights[0, 1], weights[1, 2], weights[2, 3]) == (1, 1, 1)
        assert (record["threads"], record["device"]) == (1, "cpu")


def test_a_trial_that_takes_more_threads_leaves_none_to_the_next(slots: int) -> None:
    records = run(trials("odd-greedy", 4), 1).values()
    assert [record["weights"][1] for record in records] == [1, 1, 1, 1]
    assert sum(record["first_call"] for record in records) == 1


def test_workers_are_reused_and_estimates_do_not_depend_on_how(slots: int) -> None:
    plan = trials("toy-chain", 12)
    two = run(plan, slots)
    one = run(plan, 1)
    assert sum(record["first_call"] for record in two.values()) <= 2
    assert sum(record["first_call"] for record in one.values()) == 1
    for trial in plan:
        assert two[trial]["weights"] == one[trial]["weights"]
        assert two[trial]["seed"] == trial.dataset.seed
        assert two[trial]["runtime_s"] < 0.1  # `discover` alone: no import, no start-up


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system keeps no resettable peak")
def test_the_peak_of_memory_is_that_of_the_trial(slots: int) -> None:
    records = run(trials("odd-peaks", 3), 1)
    first, *others = (records[trial]["peak_memory_mib"] for trial in sorted(records, key=lambda t: t.dataset.repeat))
    assert all(50 < other < first - 200 for other in others)


def test_batches_are_timed_beside_single_calls_and_never_answer_for_them(slots: int) -> None:
    """The last record of each trial counts; its batch has its own columns."""
    sizes = [trial for n in (20, 30) for trial in trials("odd-batches", 20, n=n)]
    single: dict[Trial, dict[str, Any]] = {}
    batched: dict[Trial, dict[str, Any]] = {}
    execute(sizes, slots, {"odd-batches": VERSION}, single.__setitem__, on_batch=batched.__setitem__)
    assert set(single) == set(batched) == set(sizes)
    for trial in sizes:
        record = batched[trial]
        first, second = (
            {k: v for k, v in one.items() if "batch" not in k and k != "threads"} for one in (record, single[trial])
        )
        np.testing.assert_equal(first, second)  # NaN is NaN
        assert record["weights"] is not None
        assert single[trial]["batch_size"] == 0
        assert 1 <= record["batch_size"] <= BATCH
        assert record["batch_runtime_s"] >= 0.05  # a share, however many there were
    assert max(record["batch_size"] for record in batched.values()) > 4


def test_a_trial_that_kills_its_actor_is_found_out_and_the_others_are_run(slots: int) -> None:
    plan = [*trials("odd-kills-actor"), *trials("toy-chain", 30)]
    records = run(plan, slots)
    assert records[plan[0]]["status"] == "crash"
    assert "lost with its Ray actor 3 times" in records[plan[0]]["error"]
    assert all(records[trial]["status"] == "ok" for trial in plan[1:])


def test_what_promises_the_same_answer_gives_it_on_one_worker_and_on_two(slots: int) -> None:
    plan = [trial for method in ("adag", "odd-random") for trial in trials(method, 6)]
    one, two = (pd.DataFrame(run(plan, count).values()) for count in (1, slots))
    assert disagreements(one, two) == (6, [])
    changed = two.assign(weights=[[0.0] * 25] * len(two))
    assert sum(line.endswith(": weights") for line in disagreements(one, changed)[1]) == 6
    everything = [table.assign(deterministic=True) for table in (one, two)]
    assert {line.split("'")[1] for line in disagreements(*everything)[1]} == {"odd-random"}


def test_a_finished_trial_is_recorded_and_ticked_within_a_second(slots: int) -> None:
    """`run` syncs the journal at every tick."""
    unsynced: list[float] = []
    ages: list[float] = []

    def tick(_: float) -> None:
        ages.extend(time.time() - finished for finished in unsynced)
        unsynced.clear()

    def keep(trial: Trial, record: dict[str, Any]) -> None:
        unsynced.append(record["weights"][1])

    execute(trials("odd-clock", 80), slots, {"odd-clock": VERSION}, keep, on_tick=tick)
    assert len(ages) > 40  # those of the last moment are synced as the store is closed
    # Not the slowest: where other work keeps the machine busy, that one waits for a core.
    assert np.median(ages) < 1.0, np.quantile(ages, [0.1, 0.5, 0.9, 1.0])


def test_what_is_dropped_midway_stops(slots: int, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    hang = Trial(MethodSpec("toy-hang", (("pid_file", str(file)),)), data(), 60.0)

    def press_ctrl_c() -> None:
        while not (file.exists() and len(file.read_text().split()) == 2):  # not before the hang and its child run
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press_ctrl_c, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        execute([hang], slots, {str(hang.method): VERSION}, lambda trial, record: None)
    deadline = time.monotonic() + 5
    while ours() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours() == []


def test_a_method_learns_from_each_family_once_and_outside_its_time(slots: int) -> None:
    """Two families of one size and a third that cannot be learnt from, beside a data set of none."""
    keys = [
        DatasetKey("er", 1.0, 4, n, "gaussian", "equal", "raw", repeat, domain_family=family, family_seed=seed)
        for repeat in range(6)
        for n, family, seed in ((20, "order-consistent", 0), (20, "order-consistent", 1), (5, "heterogeneous", 0))
    ]
    alone = data()
    plan = [Trial(parse_spec("odd-learns"), key, 60.0) for key in (*keys, alone)]
    records = run(plan, slots)
    learnt = set()
    for trial, record in records.items():
        key = trial.dataset
        if key == alone:
            assert record["status"] == "error"
            assert "needs a family of data sets (training domains), and these data are of none" in record["error"]
        elif key.n == 5:
            assert record["status"] == "error"
            assert record["error"] == "ValueError: five samples are too few to learn from"
        else:
            assert record["status"] == "ok"
            assert record["given"] == "training domains"
            assert record["prepare_s"] > 0.19
            assert record["runtime_s"] < 0.1
            assert key.family is not None
            assert record["weights"][1] == float(training_domains(key.family, 3, 20).abs().mean())
            learnt.add(record["weights"][1])
    assert len(learnt) == 2
