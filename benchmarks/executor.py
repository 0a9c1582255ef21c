"""Trials in, outcomes out: the scheduling loop above Ray. Called by `run`.

A slot is a Ray actor (`supervisor.Supervisor`) that keeps one method warm and takes one trial at a time. A free slot
stays with its method while that has trials left, then moves to the method with the most work per slot. Nothing is
assumed to be shared with the nodes but the installed packages: keys go out, graphs come back.
"""

import contextlib
import dataclasses
import logging
import os
import pickle
import sys
import sysconfig
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adag.errors import UsageError
from baselines import MethodSpec, method_class
from benchmarks.backlog import Backlog
from benchmarks.keys import Trial
from benchmarks.outcome import Outcome, failure
from benchmarks.supervisor import Supervisor, kill_marked

_DRIVER = uuid.uuid4().hex
"""Marks the processes of this driver; see `supervisor.MARK`."""
_LOSSES_ALLOWED = 3
"""A trial whose node or actor vanished this often is recorded as a crash."""
_OBJECT_STORE_BYTES = 80_000_000
"""Near Ray's minimum: what travels here is small, and a container's /dev/shm may be."""


@dataclass(frozen=True)
class Shape:
    """What a method asks of Ray."""

    cpus: float
    gpus: float


@dataclass
class Slot:
    """An actor, the method it holds, and what it is doing: loading that method, running `trial`, or nothing."""

    actor: Any
    shape: Shape
    method: MethodSpec | None = None
    trial: Trial | None = None
    busy: Any = None


@contextlib.contextmanager
def cluster(address: str | None, workers: int | None) -> Iterator[int]:
    """Ray, started privately or joined, for the block; gives the number of CPUs to use. Leaving it stops everything.

    Parameters
    ----------
    address : str or None
        A running cluster (``auto``, ``host:port``, ``ray://...``); None: a private one on this machine.
    workers : int or None
        CPUs to use; None: all.

    Raises
    ------
    UsageError
        The cluster cannot be reached.
    """
    ray = _start_ray(workers, address)
    try:
        there = int(ray.cluster_resources().get("CPU", 0))
        yield min(there, workers) if workers else there
    finally:
        ray.shutdown()


def execute(
    trials: Sequence[Trial],
    slots: int,
    versions: dict[str, str],
    on_record: Callable[[Trial, dict[str, Any]], None],
    *,
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
        Called in this process with the trial and its record (see `store.SCHEMA`).
    memory_bytes : int, optional
        Limit for each trial; default: the slots of a node share nine tenths of its memory.
    """
    import ray

    for trial, outcome in _Loop(ray, trials, slots, memory_bytes).run():
        on_record(trial, record(trial, versions[str(trial.method)], outcome))


def record(trial: Trial, version: str, outcome: Outcome) -> dict[str, Any]:
    """What is kept of a trial: what it was, and what came of it."""
    return {
        "label": str(trial.method),
        "method": trial.method.name,
        "params": trial.method.params_text,
        "version": version,
        **dataclasses.asdict(trial.dataset),
        "seed": trial.dataset.seed,
        "timeout_s": trial.timeout_s,
        **outcome,
    }


class _Loop:
    """The state of one `execute`."""

    def __init__(self, ray: Any, trials: Sequence[Trial], slots: int, memory_bytes: int | None) -> None:
        self.ray, self.cpus, self.memory_bytes = ray, slots, memory_bytes
        self.backlog = Backlog(trials)
        self.slots: list[Slot] = []
        self.losses: Counter[Any] = Counter()
        self.refused: Counter[MethodSpec] = Counter()

    def run(self) -> Iterator[tuple[Trial, Outcome]]:
        try:
            while len(self.backlog) or any(slot.trial for slot in self.slots):
                self._assign()
                running = [slot.busy for slot in self.slots if slot.busy is not None]
                if not running:  # every node is gone: one may come back
                    time.sleep(1.0)
                    continue
                finished, _ = self.ray.wait(running, num_returns=1, timeout=1.0)
                for slot in [slot for slot in self.slots if slot.busy in finished]:
                    yield from self._collect(slot)
        finally:
            for slot in list(self.slots):
                self._drop(slot)
            # An actor that is killed takes its worker along, but not what a method in mid-trial has forked.
            kill_marked(lambda mark: mark.startswith(_DRIVER))

    def _assign(self) -> None:
        """Give every free slot something to do, and make slots while there are CPUs for them."""
        shapes = self._shapes()
        for slot in [slot for slot in self.slots if slot.busy is None]:
            if slot.method is not None and self.backlog.left(slot.method):
                slot.trial = self.backlog.take(slot.method)
                slot.busy = slot.actor.run.remote(pickle.dumps(slot.trial), slot.trial.timeout_s)
                continue
            method = self._next_method([m for m in self.backlog.methods() if shapes[m] == slot.shape])
            if method is not None:
                self._load(slot, method)
            elif any(shapes[m] != slot.shape for m in self.backlog.methods()):  # they need its CPUs
                self._drop(slot)
        while True:
            cpus = self._capacity("CPU") - sum(slot.shape.cpus for slot in self.slots)
            gpus = self._capacity("GPU") - sum(slot.shape.gpus for slot in self.slots)
            fitting = [m for m in self.backlog.methods() if shapes[m].cpus <= cpus and shapes[m].gpus <= gpus]
            method = self._next_method(fitting)
            if method is None:
                return
            self._load(self._new_slot(shapes[method]), method)

    def _next_method(self, methods: Sequence[MethodSpec]) -> MethodSpec | None:
        held = Counter(slot.method for slot in self.slots if slot.method is not None and slot.busy is not None)
        loading = Counter(slot.method for slot in self.slots if slot.busy is not None and slot.trial is None)
        # A slot that is loading a method will take one of its trials: leave it one.
        return self.backlog.neediest([m for m in methods if self.backlog.left(m) > loading[m]], held)

    def _shapes(self) -> dict[MethodSpec, Shape]:
        """What each method asks for, cut to what there is; a GPU method falls back to the CPU."""
        cpus, gpus = self._capacity("CPU"), self._capacity("GPU")
        shapes = {}
        for method in self.backlog.methods():
            cls = method_class(method.name)
            shapes[method] = Shape(min(cls.cpus, cpus), cls.gpus if cls.gpus <= gpus else 0)
        return shapes

    def _capacity(self, resource: str) -> float:
        there = float(self.ray.cluster_resources().get(resource, 0))
        return min(there, self.cpus) if resource == "CPU" else there  # nodes come and go

    def _new_slot(self, shape: Shape) -> Slot:
        actor = self.ray.remote(Supervisor).options(
            num_cpus=shape.cpus, num_gpus=shape.gpus, max_restarts=0, max_task_retries=0
        )
        slots = max(1, int(self._capacity("CPU") / max(shape.cpus, 1)))
        arguments = (max(1, int(shape.cpus)), shape.gpus > 0, self.memory_bytes, slots, _import_path(), _DRIVER)
        slot = Slot(actor.remote(*arguments), shape)
        self.slots.append(slot)
        return slot

    def _load(self, slot: Slot, method: MethodSpec) -> None:
        slot.method, slot.busy = method, slot.actor.prepare.remote(pickle.dumps(method))

    def _drop(self, slot: Slot) -> None:
        self.slots.remove(slot)
        self.ray.kill(slot.actor, no_restart=True)

    def _collect(self, slot: Slot) -> Iterator[tuple[Trial, Outcome]]:
        """What a slot has to say: a trial's outcome, or whether its method could be loaded."""
        trial, method = slot.trial, slot.method
        assert method is not None
        try:
            outcome = self.ray.get(slot.busy)
        except self.ray.exceptions.RayTaskError:
            raise  # a defect of ours
        except self.ray.exceptions.RayError as e:  # the actor or its node is gone
            self._drop(slot)
            if trial is not None:
                self.losses[trial] += 1
                if self.losses[trial] < _LOSSES_ALLOWED:
                    self.backlog.put_back(trial)
                else:
                    yield trial, failure("crash", f"lost with its Ray actor {_LOSSES_ALLOWED} times ({e})")
            return
        slot.busy = slot.trial = None
        if trial is not None:
            self.backlog.observe(method, outcome["runtime_s"])
            yield trial, outcome
        elif outcome is not None:
            slot.method = None
            self.refused[method] += 1
            if self.refused[method] > 1:  # a second time: it is not the weather
                while self.backlog.left(method):
                    yield self.backlog.take(method), outcome


def _start_ray(workers: int | None, address: str | None) -> Any:
    """Import Ray quietly, and connect to a cluster or start a private one."""
    os.environ |= {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # new behaviour, without Ray's advice about it
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    path = _import_path()
    if address is not None:
        try:
            ray.init(address=address, runtime_env={"env_vars": {"PYTHONPATH": path}}, **quiet)
        except (ConnectionError, RuntimeError, ValueError) as e:
            raise UsageError(
                f"no Ray cluster at '{address}' ({str(e).splitlines()[0]}): start one with 'ray start --head', "
                "or leave out --address"
            ) from None
        return ray
    # A private cluster inherits our environment; a runtime environment would cost two seconds more.
    before = dict(os.environ)
    os.environ |= {"PYTHONPATH": path, "RAY_memory_monitor_refresh_ms": "0"}  # memory is `Supervisor`'s to watch
    try:
        ray.init(
            address="local", num_cpus=workers, include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, **quiet
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    return ray


def _import_path() -> str:
    """The driver's import path as a PYTHONPATH, without what every interpreter has by itself."""
    own = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
    standard = os.path.realpath(sysconfig.get_path("stdlib"))
    places = [os.path.abspath(entry) for entry in sys.path]
    kept = [p for p in places if os.path.exists(p) and os.path.realpath(p) not in own]
    return os.pathsep.join(dict.fromkeys(p for p in kept if not os.path.realpath(p).startswith(standard)))
