"""Ray, started privately or joined, and what its nodes have to offer. Called by `executor`, `run` and `overhead`."""

import contextlib
import logging
import os
import socket
import sys
import sysconfig
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from adag.errors import UsageError
from baselines import Method

_OBJECT_STORE_BYTES = 80_000_000
"""Near Ray's minimum: what travels here is small, and a container's /dev/shm may be."""
_FRESH_S = 5.0
_UNWATCHED = {
    "RAY_memory_monitor_refresh_ms": "0",  # memory is `WorkerProcess`'s to watch
    "RAY_enable_metrics_collection": "0",
    "RAY_task_events_report_interval_ms": "0",
}
"""A private cluster has no dashboard: what is gathered for it would only take time from the trials."""


@dataclass(frozen=True)
class Shape:
    """What a slot asks of Ray."""

    cpus: float
    gpus: float
    memory: int = 0

    def amount(self, resource: str) -> float:
        """By Ray's name of the resource."""
        return {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory}[resource]


class Nodes:
    """The living nodes of the cluster; asked anew every few seconds, since nodes come and go.

    Parameters
    ----------
    ray : module
        Connected.
    cpus : int
        CPUs to use of all that there are.
    """

    def __init__(self, ray: Any, cpus: int) -> None:
        self._ray, self._cpus = ray, cpus
        self._asked, self._nodes = -_FRESH_S, [dict[str, float]()]

    def _resources(self) -> list[dict[str, float]]:
        if time.monotonic() - self._asked >= _FRESH_S:
            self._nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            self._asked = time.monotonic()
        return self._nodes

    def capacity(self, resource: str) -> float:
        """How much of a resource ("CPU", "GPU", "memory") there is on all nodes together."""
        there = sum(node.get(resource, 0.0) for node in self._resources())
        return min(there, self._cpus) if resource == "CPU" else there

    def fits(self, shape: Shape, others: list[Shape]) -> bool:
        """Whether there is room for one more slot beside the others."""
        return all(
            shape.amount(name) + sum(other.amount(name) for other in others) <= self.capacity(name) + 1e-9
            for name in ("CPU", "GPU", "memory")
        )

    def shape(self, method: type[Method]) -> Shape:
        """What a method asks for, cut to what the largest node has; a GPU method falls back to the CPU."""
        nodes = self._resources()
        with_gpu = [node for node in nodes if method.gpus and node.get("GPU", 0.0) >= method.gpus]
        nodes = with_gpu or nodes

        def largest(resource: str) -> float:
            return max((node.get(resource, 0.0) for node in nodes), default=0.0)

        memory = int(min((method.memory_gib or 0.0) * 2**30, largest("memory")))
        cpus = min(method.cpus, largest("CPU") or method.cpus, self._cpus)
        return Shape(cpus, method.gpus if with_gpu else 0.0, memory)


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


def _start_ray(workers: int | None, address: str | None) -> Any:
    """Import Ray quietly, and connect to a cluster or start a private one."""
    os.environ |= {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # new behaviour, without Ray's advice about it
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    path = import_path()
    if address is not None:
        try:
            _knock(address)
            ray.init(address=address, runtime_env={"env_vars": {"PYTHONPATH": path}}, **quiet)
        except (OSError, RuntimeError, ValueError) as e:
            raise UsageError(
                f"no Ray cluster at '{address}' ({str(e).splitlines()[0]}): start one with 'ray start --head', "
                "give this command its RAY_AUTH_TOKEN if it has one, or leave out --address"
            ) from None
        return ray
    # A private cluster inherits our environment; a runtime environment would cost two seconds more.
    before = dict(os.environ)
    os.environ |= {"PYTHONPATH": path} | _UNWATCHED
    try:
        ray.init(
            address="local", num_cpus=workers, include_dashboard=False, object_store_memory=_OBJECT_STORE_BYTES, **quiet
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    _stop_log_monitor()
    return ray


def _stop_log_monitor() -> None:
    """Ray offers no setting for it: ten times a second it reads the logs that `log_to_driver` tells it to drop."""
    from ray._private import worker

    node = worker._global_node
    if node is not None and hasattr(node, "kill_log_monitor"):
        node.kill_log_monitor(check_alive=False)


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10.0).close()


def import_path() -> str:
    """The driver's import path as a PYTHONPATH, without what every interpreter has by itself."""
    own = {os.path.realpath(path) for path in sysconfig.get_paths().values()}
    standard = os.path.realpath(sysconfig.get_path("stdlib"))
    places = [os.path.abspath(entry) for entry in sys.path]
    kept = [p for p in places if os.path.exists(p) and os.path.realpath(p) not in own]
    return os.pathsep.join(dict.fromkeys(p for p in kept if not os.path.realpath(p).startswith(standard)))
