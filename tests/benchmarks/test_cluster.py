"""A running cluster, joined by its address: two nodes with GPUs that only Ray believes in, one of which dies."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adag.errors import UsageError
from baselines import MethodSpec
from benchmarks.cluster import Nodes, Shape, cluster
from benchmarks.executor import execute
from benchmarks.keys import DatasetKey, Trial
from benchmarks.probes import Probe

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]


def trials(method: str, count: int, **params: Any) -> list[Trial]:
    keys = [DatasetKey("er", 1.0, 5, 20, "gaussian", "equal", "raw", k) for k in range(count)]
    return [Trial(MethodSpec(method, tuple(sorted(params.items()))), key, 60.0) for key in keys]


def run(plan: list[Trial], slots: int) -> dict[Trial, dict[str, Any]]:
    records: dict[Trial, dict[str, Any]] = {}

    def keep(trial: Trial, record: dict[str, Any]) -> None:
        assert trial not in records
        records[trial] = record

    execute(plan, slots, {str(trial.method): "toy" for trial in plan}, keep)
    assert set(records) == set(plan)
    return records


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Two nodes: a head with one CPU, and one with four CPUs and two GPUs."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")
        head = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80_000_000, "include_dashboard": False}
        started = Cluster(initialize_head=True, head_node_args=head)
        started.add_node(num_cpus=4, num_gpus=2, object_store_memory=80_000_000)
        started.wait_for_nodes()
        yield started
        started.shutdown()


def test_half_gpu_jobs_run_two_to_a_gpu_and_cpu_methods_see_none(nodes: Any, toys: list[Path], tmp_path: Path) -> None:
    jobs = trials("odd-half-gpu", 4, together=4, folder=str(tmp_path))  # each waits until all four run
    others = trials("odd-threads", 2)
    with cluster(nodes.address, None) as slots:
        assert slots == 5
        records = run([*jobs, *others], slots)
    assert {records[job]["status"] for job in jobs} == {"ok"}
    assert sorted(np.reshape(records[job]["weights"], (5, 5))[0, 1] for job in jobs) == [1, 1, 2, 2]
    for job in others:
        assert np.reshape(records[job]["weights"], (5, 5))[2, 3] == 1.0  # CUDA_VISIBLE_DEVICES is empty
    assert {record["device"] for record in records.values()} == {"cpu"}  # what there really is


def test_a_node_that_dies_midway_costs_nothing(nodes: Any, toys: list[Path]) -> None:
    import ray

    plan = [*trials("probe-spin", 40, seconds=0.2), *trials("probe-behaves", 100)]
    records: dict[Trial, dict[str, Any]] = {}
    victim: list[threading.Thread] = []

    def keep(trial: Trial, record: dict[str, Any]) -> None:
        assert trial not in records
        records[trial] = record
        if len(records) == 20:
            kill = {"node": next(iter(nodes.worker_nodes)), "allow_graceful": False}
            victim.append(threading.Thread(target=nodes.remove_node, kwargs=kill))
            victim[0].start()

    with cluster(nodes.address, 2) as slots:  # at most one of two slots has room on the head
        execute(plan, slots, {str(trial.method): "toy" for trial in plan}, keep)
        victim[0].join()
        patience = time.monotonic() + 60  # Ray takes a while to declare a node dead
        while sum(node["Alive"] for node in ray.nodes()) != 1:
            assert time.monotonic() < patience
            time.sleep(0.2)
    assert set(records) == set(plan)
    assert {record["status"] for record in records.values()} == {"ok"}


def test_without_gpus_a_gpu_method_falls_back_to_the_cpu_and_says_so(toys: list[Path]) -> None:
    with cluster(None, 1) as slots:
        record = next(iter(run(trials("odd-half-gpu", 1), slots).values()))
    assert record["status"] == "ok"
    assert np.reshape(record["weights"], (5, 5))[0, 1] == 0.5
    assert record["device"] == "cpu"


def test_no_cluster_is_named() -> None:
    with pytest.raises(UsageError, match="no Ray cluster at 'nowhere:1'"), cluster("nowhere:1", None):
        pass


class _FakeRay:
    def __init__(self, *nodes: dict[str, float]) -> None:
        self._nodes = nodes

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": node} for node in self._nodes]


def test_a_slot_fits_on_one_node() -> None:
    class Large(Probe):
        cpus, gpus, memory_gib = 4, 1, 8.0

    gib = 2.0**30
    small, gpu = {"CPU": 8.0, "memory": 32 * gib}, {"CPU": 2.0, "GPU": 1.0, "memory": 4 * gib}
    assert Nodes(_FakeRay(small, gpu), 10).shape(Large) == Shape(2.0, 1.0, int(4 * gib))
    assert Nodes(_FakeRay(small), 10).shape(Large) == Shape(4.0, 0.0, int(8 * gib))
    assert Nodes(_FakeRay(small), 3).shape(Large).cpus == 3
    nodes = Nodes(_FakeRay(small, gpu), 10)
    half = Shape(1.0, 0.5)
    assert nodes.fits(half, [half])
    assert not nodes.fits(half, [half, half])
    assert nodes.fits(Shape(1.0, 0.0), [half, half])
    assert not nodes.fits(Shape(0.0, 0.0, int(8 * gib)), [Shape(1.0, 0.0, int(30 * gib))])
