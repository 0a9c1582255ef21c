"""Trials in, outcomes out: the scheduling loop above Ray. Called by `run`.

A slot is a Ray actor (`supervisor.Supervisor`) that keeps one method warm and takes one trial at a time. A free slot
stays with its method while that has trials left, then moves to the method with the most work per slot. Nothing is
assumed to be shared with the nodes but the installed packages: keys go out, graphs come back.
"""

import logging
import os
import pickle
import sys
import sysconfig
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adag.errors import UsageError
from baselines import MethodSpec, method_class
from benchmarks.keys import Trial
from benchmarks.outcome import Outcome, failure
from benchmarks.supervisor import Supervisor

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


class Backlog:
    """The trials that wait, by method; the longest first, so that the tail is short."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._waiting: dict[MethodSpec, deque[Trial]] = {}
        for trial in sorted(trials, key=lambda t: (-t.dataset.d, -t.dataset.n)):
            self._waiting.setdefault(trial.method, deque()).append(trial)
        self._seconds: dict[MethodSpec, list[float]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def left(self, method: MethodSpec | None) -> int:
        """How many trials of a method wait."""
        return len(self._waiting.get(method, ())) if method else 0

    def methods(self) -> list[MethodSpec]:
        """Methods with trials left."""
        return [method for method, trials in self._waiting.items() if trials]

    def take(self, method: MethodSpec) -> Trial:
        """Remove and return the next trial of a method."""
        return self._waiting[method].popleft()

    def put_back(self, trial: Trial) -> None:
        """Return a trial whose worker was lost."""
        self._waiting[trial.method].appendleft(trial)

    def observe(self, method: MethodSpec, seconds: float) -> None:
        """Learn how long a method's trials take."""
        if seconds == seconds:  # not NaN
            self._seconds.setdefault(method, []).append(seconds)

    def neediest(self, methods: Sequence[MethodSpec], slots: Counter[MethodSpec]) -> MethodSpec | None:
        """The method with the most expected work per slot, one more slot included; None where none has any."""
        known = [s for seconds in self._seconds.values() for s in seconds]
        default = sum(known) / len(known) if known else 1.0

        def need(method: MethodSpec) -> float:
            seen = self._seconds.get(method)
            mean = sum(seen) / len(seen) if seen else default
            return self.left(method) * max(mean, 1e-3) / (1 + slots[method])

        return max((m for m in methods if self.left(m)), key=need, default=None)


def execute(
    trials: Sequence[Trial],
    *,
    workers: int | None = None,
    address: str | None = None,
    memory_bytes: int | None = None,
) -> Iterator[tuple[Trial, Outcome]]:
    """Run trials on Ray and yield each with its outcome as it finishes, exactly one for each trial.

    Closing the generator (or an exception in its consumer) stops everything at once.

    Parameters
    ----------
    trials : sequence of Trial
    workers : int, optional
        CPUs to use; default: all.
    address : str, optional
        A running cluster (``auto``, ``host:port``, ``ray://...``); default: a private one on this machine.
    memory_bytes : int, optional
        Limit for each trial; default: the slots of a node share nine tenths of its memory.

    Raises
    ------
    UsageError
        The cluster cannot be reached.
    """
    ray = _start_ray(workers, address)
    try:
        yield from _Loop(ray, trials, workers, memory_bytes).run()
    finally:
        ray.shutdown()


class _Loop:
    """The state of one `execute`."""

    def __init__(self, ray: Any, trials: Sequence[Trial], workers: int | None, memory_bytes: int | None) -> None:
        self.ray, self.workers, self.memory_bytes = ray, workers, memory_bytes
        self.backlog = Backlog(trials)
        self.slots: list[Slot] = []
        self.losses: Counter[Any] = Counter()
        self.refused: Counter[MethodSpec] = Counter()

    def run(self) -> Iterator[tuple[Trial, Outcome]]:
        while len(self.backlog) or any(slot.trial for slot in self.slots):
            self._assign()
            running = [slot.busy for slot in self.slots if slot.busy is not None]
            finished, _ = self.ray.wait(running, num_returns=1, timeout=1.0)
            for slot in [slot for slot in self.slots if slot.busy in finished]:
                yield from self._collect(slot)

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
            elif len(self.backlog):  # others need its CPUs
                self._drop(slot)
        while True:
            free = self._capacity("CPU") - sum(slot.shape.cpus for slot in self.slots)
            method = self._next_method([m for m in self.backlog.methods() if shapes[m].cpus <= free])
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
        return min(there, self.workers) if resource == "CPU" and self.workers else there

    def _new_slot(self, shape: Shape) -> Slot:
        actor = self.ray.remote(Supervisor).options(
            num_cpus=shape.cpus, num_gpus=shape.gpus, max_restarts=0, max_task_retries=0
        )
        slots = max(1, int(self._capacity("CPU") / max(shape.cpus, 1)))
        arguments = (max(1, int(shape.cpus)), shape.gpus > 0, self.memory_bytes, slots, _import_path())
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
