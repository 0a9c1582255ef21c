"""A slot as the driver sees it: a `Supervisor` on some node, and what it was given. Called by `executor`."""

import pickle
import uuid
from dataclasses import dataclass, field
from typing import Any, Self

from baselines import MethodSpec
from benchmarks.cluster import Shape, import_path
from benchmarks.supervisor import Supervisor

DRIVER = uuid.uuid4().hex
"""Marks the processes of this driver; see `guardian.MARK`."""


@dataclass
class Slot:
    """An actor, the method it holds, the trials it was given, and the call that is on its way, if any."""

    actor: Any
    shape: Shape
    method: MethodSpec | None = None
    given: set[int] = field(default_factory=set)
    ahead: int = 0
    call: Any = None
    loading: bool = False
    busy: bool = False
    alone: bool = False
    """Nothing is sent until what it runs has ended: it takes long, or is suspected of having killed an actor."""

    @classmethod
    def new(cls, ray: Any, shape: Shape, memory_bytes: int | None, cpus: float) -> Self:
        """Start an actor of a shape that shares a cluster of so many CPUs with others like it."""
        actor = ray.remote(Supervisor).options(
            num_cpus=shape.cpus, num_gpus=shape.gpus, memory=shape.memory or None, max_restarts=0, max_task_retries=0
        )
        slots = max(1, int(cpus / max(shape.cpus, 1)))
        limit = memory_bytes or shape.memory or None
        arguments = (max(1, int(shape.cpus)), shape.gpus > 0, limit, slots, import_path(), DRIVER)
        return cls(actor.remote(*arguments), shape)

    def load(self, method: MethodSpec) -> None:
        """Let it put a method into a fresh worker; the call brings what went wrong, if anything."""
        self.method, self.loading = method, True
        self.call = self.actor.load.remote(pickle.dumps(method))
