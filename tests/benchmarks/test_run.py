"""The command as a user types it: a table at the end, resume, interruption, and one line for every mistake."""

import contextlib
import itertools
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import psutil
import pytest

from benchmarks import cluster as cluster_module
from benchmarks import datasets, executor, packaged, records, run
from benchmarks.records import read_records

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[2]
GRID = """
title = "Tiny"
methods = ["toy-chain", "toy-slow"]
repeats = 6
timeout_s = 30

[[cells]]
graph = "er"
degree = 1
d = [4]
n = [10, 20]
"""
TRIALS = 24
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grids") / "tiny.toml"
    path.write_text(GRID)
    return path


@pytest.fixture(scope="module")
def undisturbed(command: Command, grid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody disturbed."""
    out = tmp_path_factory.mktemp("runs") / "undisturbed"
    result = command("benchmarks/run.py", "--grid", grid, "--out", out)
    assert result.returncode == 0, result.stderr
    assert f"{TRIALS} trials planned, {TRIALS} to run" in result.stdout
    assert result.stderr == ""  # nothing of Ray's, nothing of the libraries'
    return out


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    """The command in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["run.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        run.main()
    return int(stop.value.code or 0)


def started(folder: Path, grid: Path, plugin: Path) -> subprocess.Popen[str]:
    """A run in a process of its own, once it has trials on disk."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", "--grid", grid, "--out", folder],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(plugin)}, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not (folder / "journal.jsonl").exists() or len((folder / "journal.jsonl").read_bytes().splitlines()) < 3:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def test_a_run_leaves_every_file(undisturbed: Path) -> None:
    assert {entry.name for entry in undisturbed.iterdir() if not entry.name.startswith(".")} == {
        "estimates.parquet", "trials.csv", "trials.parquet", "environment.json", "grid.toml", "figures", "index.html",
        "run.log",
    }  # fmt: skip
    trials = pd.read_csv(undisturbed / "trials.csv")
    assert len(trials) == TRIALS
    assert (trials["status"] == "ok").all()
    assert not trials.duplicated(["label", "n", "repeat"]).any()
    text = (undisturbed / "environment.json").read_text()
    assert '"torch": "' in text
    assert str(undisturbed) not in text
    assert "--out undisturbed" in text
    log = (undisturbed / "run.log").read_text().splitlines()
    assert [line.split(" ", 2)[1] for line in log] == ["INFO"] * 3
    for line, words in zip(log, (f"{TRIALS} to run", "finished: ", "done"), strict=True):
        assert words in line


def test_the_same_line_again_runs_nothing(
    undisturbed: Path,
    grid: Path,
    with_plugin: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it now fails
    before = (undisturbed / "estimates.parquet").read_bytes()
    assert call(monkeypatch, "--grid", grid, "--out", undisturbed) == 0
    assert f"{TRIALS} trials planned, 0 to run" in capsys.readouterr().out
    assert (undisturbed / "estimates.parquet").read_bytes() == before


def test_ctrl_c_keeps_everything_and_says_how_to_go_on(grid: Path, third_party_package: Path, tmp_path: Path) -> None:
    process = started(tmp_path / "run", grid, third_party_package)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert time.monotonic() - begin < 5
    assert process.returncode == 130
    assert f"Resume with: python benchmarks/run.py --grid {grid} --out {tmp_path / 'run'}" in stderr
    assert "Traceback" not in stderr
    assert len(read_records(tmp_path / "run")) >= 3


class Endings:
    """How the trials of `without_ray` end, in turn."""

    order: ClassVar[list[Any]] = ["ok"]


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials end at once, in this process, with the empty graph; the command around them is the real one."""

    def execute(trials: Any, slots: int, versions: dict[str, str], on_record: Any, **_: Any) -> None:
        for trial, status in zip(trials, itertools.cycle(Endings.order), strict=False):
            outcome = executor.failure(status, "", runtime_s=0.1)
            if status == "ok":
                outcome["kind"], outcome["adjacency"] = "dag", [0] * trial.dataset.d**2
            on_record(trial, records.record(trial, versions[str(trial.method)], outcome))

    @contextlib.contextmanager
    def cluster(address: str | None, workers: int | None) -> Iterator[int]:
        yield 1

    monkeypatch.setattr(executor, "execute", execute)
    monkeypatch.setattr(cluster_module, "cluster", cluster)


@pytest.mark.usefixtures("without_ray", "with_plugin")
def test_methods_accumulate_and_force_runs_again(
    grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--grid", grid, "--out", tmp_path / "run", "--repeats", "2"]
    for arguments, words in (
        (["--methods", "toy-chain"], "4 trials planned, 4 to run"),
        (["--methods", "toy-slow"], "4 trials planned, 4 to run"),
        (["--methods", "toy-chain,toy-slow"], "8 trials planned, 0 to run"),
        (["--methods", "toy-chain", "--force"], "4 trials planned, 4 to run"),
    ):
        assert call(monkeypatch, *line, *arguments) == 0
        assert words in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "run" / "trials.csv")) == 8


@pytest.mark.usefixtures("without_ray", "with_plugin")
def test_a_grid_in_parts_ends_as_the_whole_grid(
    grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--grid", grid, "--out", tmp_path / "run", "--methods", "toy-chain"]
    for only, words in (
        (["--only", "n=10 degree=1.0 repeat=0,1", "--dry-run"], "2 trials planned, 2 to run; estimated"),
        (["--only", "n=10 degree=1.0 repeat=0,1"], "Tiny, only n=10 degree=1.0 repeat=0,1: 2 trials planned, 2 to run"),
        (["--only", "n=10"], "6 trials planned, 4 to run"),
        (["--only", "n=10", "--force"], "6 trials planned, 6 to run"),
        (["--only", "graph=er n=10,20 d=4"], "12 trials planned, 6 to run"),
        ([], "12 trials planned, 0 to run"),
    ):
        assert call(monkeypatch, *line, *only) == 0
        assert words in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "run" / "trials.csv")) == 12


@pytest.mark.usefixtures("without_ray", "with_plugin")
def test_retry_runs_what_failed_and_nothing_else(
    grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--grid", grid, "--out", tmp_path / "run", "--methods", "toy-chain"]
    monkeypatch.setattr(Endings, "order", ["ok", "timeout", "crash", "ok"])
    assert call(monkeypatch, *line) == 0
    monkeypatch.setattr(Endings, "order", ["ok"])
    for retry, words in (
        ([], "12 trials planned, 0 to run"),
        (["--retry", "timeout,oom"], "12 trials planned, 3 to run"),
        (["--retry", "failed"], "12 trials planned, 3 to run"),
        (["--retry", "failed"], "12 trials planned, 0 to run"),
    ):
        capsys.readouterr()
        assert call(monkeypatch, *line, *retry) == 0
        assert words in capsys.readouterr().out
    assert (read_records(tmp_path / "run")["status"] == "ok").all()
    assert call(monkeypatch, *line, "--retry", "slow") == 2
    assert "--retry cannot be 'slow'" in capsys.readouterr().err


def test_what_a_method_forked_dies_with_a_driver_that_is_killed(
    grid: Path, third_party_package: Path, tmp_path: Path
) -> None:
    file, method = tmp_path / "pids", f"toy-hang[pid_file={tmp_path / 'pids'}]"
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.run", "--grid", grid, "--out", tmp_path / "run", "--methods", method],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(third_party_package)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not (file.exists() and len(file.read_text().split()) == 2) and time.monotonic() < deadline:
        time.sleep(0.05)
    pids = [int(pid) for pid in file.read_text().split()]
    assert all(psutil.pid_exists(pid) for pid in pids)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of 8 MB, where we may mount one; else the test runs where we may: in a user namespace."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        namespace = ["unshare", "--map-root-user", "--mount"]
        if "ADAG_NAMESPACE" in os.environ or subprocess.run([*namespace, "true"], capture_output=True).returncode:
            pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
        line = [*namespace, sys.executable, "-m", "pytest", "-q", "-rs", request.node.nodeid]
        inside = subprocess.run(
            line, cwd=ROOT, env={**os.environ, "ADAG_NAMESPACE": "1"}, capture_output=True, text=True
        )
        assert inside.returncode == 0, inside.stdout
        pytest.skip(f"in a user namespace: {inside.stdout.splitlines()[-1]}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.usefixtures("with_plugin")
def test_a_disk_that_fills_during_the_run_is_one_line_and_loses_nothing(
    small_disk: Path, grid: Path, command: Command, request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out, ballast = small_disk / "run", small_disk / "ballast"
    line = ["--grid", grid, "--out", out, "--methods", "toy-chain", "--repeats", "40"]
    free = os.statvfs(small_disk)
    ballast.write_bytes(b"x" * (free.f_bavail - 10) * free.f_frsize)  # a few pages: the first records fit
    result = command("benchmarks/run.py", *line)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "No space left" in result.stderr
    assert f"Resume with: python benchmarks/run.py --grid {grid}" in result.stderr
    before = read_records(out)
    assert 0 < len(before) < 80
    ballast.unlink()
    request.getfixturevalue("without_ray")  # how trials are run is not the question here
    assert call(monkeypatch, *line) == 0
    assert f"80 trials planned, {80 - len(before)} to run" in capsys.readouterr().out
    after = read_records(out)
    assert len(after) == 80
    kept = after.merge(before[["label", "n", "repeat", "runtime_s"]])  # the very same rows, not others like them
    assert len(kept) == len(before)


@pytest.mark.usefixtures("without_ray", "with_plugin")
def test_a_limit_on_file_sizes_is_one_line_and_loses_nothing(
    grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--grid", grid, "--out", tmp_path / "run", "--methods", "toy-chain"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
    try:
        assert call(monkeypatch, *line) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    kept = len(read_records(tmp_path / "run"))
    assert 0 < kept < 12
    assert call(monkeypatch, *line) == 0
    assert f"{12 - kept} to run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--methods", "notaers"], "did you mean 'notears'"),
        (["--methods", "golem[num_iters=5]"], "no parameter 'num_iters'"),
        (["--methods", "adag[checkpoint=README.md]"], "README.md' is damaged or not a safetensors file"),
        (["--methods", "adag[checkpoint=none.safetensors]"], "no checkpoint 'none.safetensors'"),
        (["--grid", "er22"], "unknown grid 'er22'"),
        (["--repeats", "0"], "--repeats"),
        (["--out", "README.md/x"], "README.md"),
        (["--only", "n=10 sample=5"], "key=value,value with a key of graph, degree, d, n,"),
        (["--only", "grap=er"], "(did you mean 'graph'?)"),
        (["--only", "n"], "--only cannot choose by 'n': write key=value"),
        (["--only", "n=10,30"], "--only: no cell has n=30; there are 5, 10, 20, 50, 100"),
        (["--only", "d=five"], "--only: no cell has d=five; there are 5, 10"),
        (["--only", "graph=sf d=5"], "--only: no cell has 'graph=sf d=5' all together"),
        (["--only", ""], "--only is empty"),
        (["--adress", "auto"], "--adress"),
    ],
)
def test_a_mistake_is_named(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").touch()
    assert call(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_missing_real_data_stop_the_run_before_its_first_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise packaged.PackageNotFoundError(name)

    datasets.load.cache_clear()
    monkeypatch.setattr(packaged, "distribution", missing)
    assert call(monkeypatch, "--methods", "pc", "--grid", "sachs", "--out", tmp_path / "run") == 2
    assert "package 'cdt'" in capsys.readouterr().err
    assert read_records(tmp_path / "run").empty


@pytest.mark.usefixtures("without_ray", "with_plugin")
def test_dry_run_estimates_from_what_was_run(
    grid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["--grid", grid, "--out", tmp_path / "run", "--workers", "2"]
    assert call(monkeypatch, *line, "--methods", "toy-chain", "--repeats", "1") == 0
    capsys.readouterr()
    assert call(monkeypatch, *line, "--repeats", "601", "--dry-run") == 0
    out = capsys.readouterr().out
    assert "2404 trials planned, 2402 to run; estimated time on 2 CPUs: 1:00, and at most 5:00:30 for" in out


def test_dry_run_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--methods", "pc", "--grid", "er2", "--out", tmp_path / "new", "--dry-run") == 0
    assert "160" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()


def test_list_shows_a_third_party(command: Command) -> None:
    result = command("benchmarks/run.py", "--list")
    assert result.returncode == 0
    for words in ("toy-chain", "toy-methods 1.0", "direct-lingam", "CPDAG", "er2", "cannot be used"):
        assert words in result.stdout
