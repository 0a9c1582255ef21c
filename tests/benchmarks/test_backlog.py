"""Longest first, by what is known of the costs so far; every trial is handed out once."""

import dataclasses
import math
from collections import Counter

import pandas as pd
import pytest

from baselines import MethodSpec
from benchmarks.backlog import Backlog
from benchmarks.costs import CostModel
from benchmarks.keys import DatasetKey, Trial

A, B = MethodSpec("a"), MethodSpec("b")


def data(d: int = 5, n: int = 20, repeat: int = 0) -> DatasetKey:
    return DatasetKey("er", 1.0, d, n, "gaussian", "equal", "raw", repeat)


def trials(method: MethodSpec, count: int, d: int = 5) -> list[Trial]:
    return [Trial(method, data(d, repeat=k), 300.0) for k in range(count)]


def test_the_longest_come_first_and_each_once() -> None:
    plan = [Trial(m, dataclasses.replace(data(d), n=n), 1e6) for m in (A, B) for d in (5, 10) for n in (10, 20)]
    costs = CostModel()
    costs.observe("a", 5, 10, 1.0)
    backlog = Backlog(plan, costs)
    assert [(t.dataset.d, t.dataset.n) for _ in range(4) for t in backlog.take(A, 1)] == [
        (10, 20), (10, 10), (5, 20), (5, 10),
    ]  # fmt: skip
    assert backlog.take(A, 1) == []
    assert backlog.methods() == [B]
    assert len(backlog) == 4
    costs.observe("b", 5, 20, 100.0)  # what is seen beats what was guessed
    costs.observe("b", 10, 20, 1.0)
    assert backlog.take(B, 5)[0].dataset.d == 5


def test_costs_are_learnt_scaled_and_cut_at_the_limit() -> None:
    costs = CostModel()
    trial = Trial(A, data(10), 300.0)
    assert not costs.knows("a")
    assert costs.seconds(trial) == 1.0
    costs.observe("a", 5, 20, 1.0)
    costs.observe("a", 5, 20, 3.0)
    costs.observe("a", 5, 20, math.nan)  # a crash before it began teaches nothing
    assert costs.seconds(Trial(A, data(5), 300.0)) == pytest.approx(2.0)
    assert costs.seconds(trial) == pytest.approx(8.0)
    assert costs.seconds(Trial(A, data(100), 300.0)) == 300.0
    records = pd.DataFrame({"label": ["b"], "d": [5], "n": [20], "runtime_s": [7.0]})
    assert CostModel.from_records(records).seconds(Trial(B, data(5), 300.0)) == pytest.approx(7.0)


def test_a_free_slot_turns_to_the_most_work_per_slot() -> None:
    costs = CostModel()
    backlog = Backlog([*trials(A, 10), *trials(B, 1)], costs)
    assert backlog.neediest([A, B], Counter()) == A
    costs.observe("a", 5, 20, 0.01)
    assert backlog.neediest([A, B], Counter()) == B  # never seen: it may be long
    costs.observe("b", 5, 20, 60.0)
    assert backlog.neediest([A, B], Counter({B: 1})) == B  # a single trial cannot be shared
    backlog.take(B, 1)
    assert backlog.neediest([A, B], Counter({A: 5})) == A
    assert backlog.neediest([B], Counter()) is None


def test_a_slot_leaves_its_method_for_a_trial_that_would_end_last() -> None:
    costs = CostModel()
    costs.observe("a", 5, 20, 1.0)
    costs.observe("b", 5, 20, 100.0)
    backlog = Backlog([*trials(A, 300), *trials(B, 1)], costs)
    assert not backlog.urgent(A, 2)
    backlog.take(A, 200)
    assert backlog.urgent(A, 2)
    assert not backlog.urgent(B, 2)
    costs.observe("b", 5, 20, -99.0)  # a mean of half a second: loading another method takes longer
    assert not backlog.urgent(A, 2)


def test_what_is_put_back_comes_next_and_suspects_come_alone() -> None:
    backlog = Backlog(trials(A, 3), CostModel())
    first, second = backlog.take(A, 2)
    backlog.put_back(first)
    backlog.put_back(second, suspect=True)
    assert backlog.left(A) == 3
    assert backlog.take_suspect(A) == second
    assert backlog.take_suspect(A) is None
    assert backlog.take(A, 1) == [first]
