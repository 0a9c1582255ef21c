"""Trials in, outcomes out: the scheduling loop above Ray. Called by `run`.

A slot is a Ray actor (`supervisor.Supervisor`) that keeps one method warm and runs one trial at a time; short trials
are sent ahead of their turn, several together. A free slot stays with its method while that has trials left, then moves
to the method with the most work per slot. Nothing is assumed to be shared with the nodes but the installed packages:
keys go out, graphs come back.
"""

import logging
import math
import pickle
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from baselines import MethodSpec, method_class
from benchmarks.backlog import LEAST_S, Backlog
from benchmarks.cluster import Nodes
from benchmarks.costs import CostModel
from benchmarks.keys import Trial
from benchmarks.outcome import Outcome, failure
from benchmarks.parcel import PARCEL, PARCEL_S, Task
from benchmarks.records import record
from benchmarks.slot import Slot
from benchmarks.supervisor import BATCH

_LOSSES_ALLOWED = 3
"""A trial whose node or actor vanished this often is recorded as a crash."""
_AHEAD_S, _AHEAD = 3 * PARCEL_S, 3 * PARCEL
"""So much work and so many trials are sent ahead to a slot, less when little is left: one parcel runs, one lies ready
in the worker, and one behind it for the moment when results travel."""
_TICK_S, _SETTLE_S = 0.5, 0.2
"""Between two calls of `on_tick`, where results are synced; and where there are new ones, so that with
`supervisor._HOLD_S` they are on disk within a second."""
_log = logging.getLogger(__name__)

Recorder = Callable[[Trial, dict[str, Any]], None]


def execute(
    trials: Sequence[Trial],
    slots: int,
    versions: dict[str, str],
    on_record: Recorder,
    *,
    on_batch: Recorder | None = None,
    on_tick: Callable[[float], None] | None = None,
    costs: CostModel | None = None,
    memory_bytes: int | None = None,
) -> None:
    """Run trials inside `cluster` and hand over each one's record as it finishes, exactly one for each trial.

    Parameters
    ----------
    trials : sequence of Trial
        In any order; each is run once.
    slots : int
        CPUs to use, as `cluster` gave them.
    versions : dict
        Version of each method, by label.
    on_record : callable
        Called in this process with the trial and its record (see `records.SCHEMA`).
    on_batch : callable, optional
        The same, a second time, for a trial whose record now also has the time of its batch.
    on_tick : callable, optional
        Called at least twice a second with the seconds of work that are left, all slots together.
    costs : CostModel, optional
        What is known of the trials' costs; learns more.
    memory_bytes : int, optional
        Limit for each trial; default: its method's own, else the slots of a node share nine tenths of its memory.
    """
    import ray

    loop = _Loop(ray, trials, slots, costs or CostModel(), memory_bytes, on_tick or (lambda seconds: None))
    for trial, outcome, again in loop.run():
        report = on_batch if again else on_record
        if report is not None:
            report(trial, record(trial, versions[str(trial.method)], outcome))


class _Loop:
    """The state of one `execute`."""

    def __init__(
        self,
        ray: Any,
        trials: Sequence[Trial],
        slots: int,
        costs: CostModel,
        memory_bytes: int | None,
        on_tick: Callable[[float], None],
    ) -> None:
        self.ray, self.trials, self.costs, self.memory_bytes = ray, list(trials), costs, memory_bytes
        self.cpus, self.on_tick = slots, on_tick
        self.numbers = {trial: number for number, trial in enumerate(self.trials)}
        self.nodes = Nodes(ray, slots)
        self.backlog = Backlog(trials, costs)
        self.slots: list[Slot] = []
        self.losses: Counter[Trial | MethodSpec] = Counter()
        self.refused: Counter[MethodSpec] = Counter()
        self.ticked, self.fresh = 0.0, False
        self.batches = {spec: hasattr(method_class(spec.name), "discover_many") for spec in self.backlog.methods()}

    def run(self) -> Iterator[tuple[Trial, Outcome, bool]]:
        lonely = False
        try:
            while len(self.backlog) or any(slot.given or slot.busy for slot in self.slots):
                self._assign()
                calls = [slot.call for slot in self.slots if slot.call is not None]
                if calls:
                    wait = max(0.0, self.ticked + (_SETTLE_S if self.fresh else _TICK_S) - time.monotonic())
                    finished, _ = self.ray.wait(calls, num_returns=1, timeout=wait)
                    for slot in [slot for slot in self.slots if slot.call in finished]:
                        yield from self._collect(slot)
                else:  # every node is gone: one may come back
                    if not lonely:
                        _log.warning("no node of the cluster has a CPU to offer: waiting for one")
                    time.sleep(_TICK_S)
                lonely = not calls
                self._tick()
        finally:
            for slot in list(self.slots):
                self._drop(slot)

    def _tick(self) -> None:
        if time.monotonic() - self.ticked >= (_SETTLE_S if self.fresh else _TICK_S):
            self.ticked, self.fresh = time.monotonic(), False
            given = [self.trials[number] for slot in self.slots for number in slot.given]
            waiting = sum(map(self.backlog.seconds, self.backlog.methods()))
            self.on_tick(waiting + sum(map(self.costs.seconds, given)))

    def _assign(self) -> None:
        """Give every slot that waits for it something to do, and make slots while there is room for them."""
        shapes = {method: self.nodes.shape(method_class(method.name)) for method in self.backlog.methods()}
        for slot in [slot for slot in self.slots if slot.call is None]:
            tasks = self._tasks(slot)
            if tasks or slot.given or slot.busy:
                low = slot.ahead // 2 if slot.method is not None and self.batches[slot.method] else -1
                slot.call = slot.actor.exchange.remote(tasks, low)
                continue
            method = self._next_method([m for m in self.backlog.methods() if shapes[m] == slot.shape])
            if method is not None:
                slot.load(method)
            elif any(shapes[m] != slot.shape for m in self.backlog.methods()):  # they need its CPUs
                self._drop(slot)
        while True:
            others = [slot.shape for slot in self.slots]
            method = self._next_method([m for m, shape in shapes.items() if self.nodes.fits(shape, others)])
            if method is None:
                return
            self.slots.append(Slot.new(self.ray, shapes[method], self.memory_bytes, self.nodes.capacity("CPU")))
            self.slots[-1].load(method)

    def _tasks(self, slot: Slot) -> list[Task]:
        """What a slot is sent of its method's trials, as far ahead as they are short."""
        method = slot.method
        if method is None or slot.alone or not self.backlog.left(method):
            return []
        if self.backlog.urgent(method, max(1, len(self.slots))):
            return []
        if not slot.given and (suspect := self.backlog.take_suspect(method)):
            slot.alone = True
            return [self._give(slot, suspect)]
        seconds = self.backlog.next_seconds(method)
        slot.ahead = min(_AHEAD, int(_AHEAD_S / seconds) if self.costs.knows(str(method)) else 0)
        if self.batches[method]:
            slot.ahead = max(slot.ahead, 2 * BATCH)
        share = self.backlog.left(method) // (2 * len(self.slots))  # the last ones are for whoever is free first
        wanted = 1 + min(slot.ahead, share) - len(slot.given)
        return [self._give(slot, trial) for trial in (self.backlog.take(method, wanted) if wanted > 0 else [])]

    def _give(self, slot: Slot, trial: Trial) -> Task:
        number = self.numbers[trial]
        slot.given.add(number)
        size = trial.dataset
        group = f"{size.d} x {size.n} of {size.family}" if self.batches[trial.method] else ""
        seconds = max(self.costs.seconds(trial), LEAST_S) if self.costs.knows(str(trial.method)) else math.inf
        return Task(number, pickle.dumps(trial), trial.timeout_s, seconds, group)

    def _next_method(self, methods: Sequence[MethodSpec]) -> MethodSpec | None:
        held = Counter(slot.method for slot in self.slots if slot.method is not None and slot.call is not None)
        loading = Counter(slot.method for slot in self.slots if slot.loading)
        # A slot that is loading a method will take one of its trials: leave it one.
        return self.backlog.neediest([m for m in methods if self.backlog.left(m) > loading[m]], held)

    def _drop(self, slot: Slot) -> None:
        self.slots.remove(slot)
        self.ray.kill(slot.actor, no_restart=True)

    def _collect(self, slot: Slot) -> Iterator[tuple[Trial, Outcome, bool]]:
        """What a slot has to say: outcomes of trials, or whether its method could be loaded."""
        try:
            answer = self.ray.get(slot.call)
        except self.ray.exceptions.RayTaskError:
            raise  # a defect of ours
        except self.ray.exceptions.RayError as e:
            yield from self._lost(slot, e)
            return
        slot.call = None
        if slot.loading:
            slot.loading = False
            if answer is not None:
                yield from self._refused(slot, answer)
            return
        results, given_back, slot.busy = answer
        self.fresh = self.fresh or bool(results)
        for number, outcome, again in results:
            trial = self.trials[number]
            if not again:
                slot.given.remove(number)
                size = trial.dataset
                self.costs.observe(str(trial.method), size.d, size.n, outcome["runtime_s"])
            yield trial, outcome, again
        for number in reversed(given_back):
            slot.given.remove(number)
            self.backlog.put_back(self.trials[number])
        slot.alone = bool(slot.given) and (slot.alone or bool(given_back))

    def _lost(self, slot: Slot, error: Exception) -> Iterator[tuple[Trial, Outcome, bool]]:
        """The actor or its node is gone: one of its trials may have done it, so each of them goes alone next time."""
        self._drop(slot)
        assert slot.method is not None
        _log.warning("a slot was lost with %d trials of %s: %s", len(slot.given), slot.method, str(error)[:200])
        lost = failure("crash", f"lost with its Ray actor {_LOSSES_ALLOWED} times ({error})")
        for trial in (self.trials[number] for number in sorted(slot.given)):
            self.losses[trial] += 1
            if self.losses[trial] < _LOSSES_ALLOWED:
                self.backlog.put_back(trial, suspect=True)
            else:
                yield trial, lost, False
        if slot.loading:
            self.losses[slot.method] += 1
            if self.losses[slot.method] >= _LOSSES_ALLOWED:
                yield from self._give_up(slot.method, lost)

    def _refused(self, slot: Slot, outcome: Outcome) -> Iterator[tuple[Trial, Outcome, bool]]:
        """A method could not be loaded; the second time, it is not the weather."""
        method, slot.method = slot.method, None
        assert method is not None
        _log.warning("%s cannot be loaded: %s", method, outcome["error"])
        self.refused[method] += 1
        if self.refused[method] > 1:
            yield from self._give_up(method, outcome)

    def _give_up(self, method: MethodSpec, outcome: Outcome) -> Iterator[tuple[Trial, Outcome, bool]]:
        while self.backlog.left(method):
            trial = self.backlog.take_suspect(method) or self.backlog.take(method, 1)[0]
            yield trial, outcome, False
