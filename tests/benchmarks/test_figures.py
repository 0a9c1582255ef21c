"""Figures and tables show the numbers of the files, the same bytes each time, and every failure."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.image as mpimg
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from rich.console import Console
from run_maker import KEYS, METHODS, failed, record, whole_run, write

from benchmarks.claims import scores
from benchmarks.figures import draw
from benchmarks.look import LOOK, SPARE, STYLE, look
from benchmarks.plots.accuracy import shd_against_n
from benchmarks.scoring import score_run
from benchmarks.summary import method_order, print_tables, read_trials

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]
ALWAYS = ("accuracy_vs_runtime", "cells")


def files(*names: str) -> set[str]:
    """Both formats of each."""
    return {f"{name}.{suffix}" for name in names for suffix in ("png", "svg")}


FILES = files(*ALWAYS, "shd_vs_n", "critical_difference", "profiles", "wins", "failures", "trial")
"""Of a run with two n a family, one d a family, and one failure."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = whole_run(tmp_path_factory.mktemp("run"))
    score_run(folder)
    return folder


def test_the_command_draws_the_same_bytes_as_this_process(run: Path) -> None:
    draw(run)
    here = {name: (run / "figures" / name).read_bytes() for name in FILES}
    command = [sys.executable, str(ROOT / "benchmarks" / "figures.py"), str(run)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=run, check=True)
    assert {Path(line).name for line in done.stdout.split()} == FILES
    assert {name: (run / "figures" / name).read_bytes() for name in FILES} == here
    for name in FILES:
        if name.endswith(".png"):
            image = mpimg.imread(run / "figures" / name)
            assert min(image.shape[:2]) > 300
            assert image[..., :3].std() > 0.02  # something is drawn
        else:
            assert b"<dc:date>" not in here[name]


def test_a_palette_does_not_change_the_colour_of_a_method(tmp_path: Path) -> None:
    folder = write(tmp_path, [record(label, KEYS[0]) for label in METHODS])
    score_run(folder)
    draw(folder)
    pixels = mpimg.imread(folder / "figures" / "cells.png")[..., :3].reshape(-1, 3)
    for label in METHODS:  # a dot each
        off = abs(pixels - to_rgb(look(label, list(METHODS))[0])).max(axis=1)
        assert (off < 0.02).sum() > 20, label


def test_the_command_names_a_folder_without_a_run(tmp_path: Path, command: Command) -> None:
    done = command("benchmarks/figures.py", tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert "holds no scored run" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_curves_are_the_means_of_the_files(run: Path) -> None:
    trials = read_trials(run)
    with plt.rc_context(STYLE):
        figure = shd_against_n(trials)
    try:
        top, bottom = figure.axes[:2], figure.axes[2:4]
        assert [ax.get_title(loc="left") for ax in top] == ["ER1, d = 5", "SF2, d = 6"]
        for row, metric in ((top, "shd"), (bottom, "shd_cpdag")):
            for ax, family in zip(row, ("ER1", "SF2"), strict=True):
                drawn = {c.get_label(): c.lines[0] for c in ax.containers}
                # One golem trial failed: it counts as the empty graph.
                rows = trials[trials["family"] == family].assign(score=scores(trials, metric))
                expected = rows.groupby(["label", "n"])["score"].mean().dropna()
                assert set(drawn) == set(expected.index.get_level_values(0))
                for label, line in drawn.items():
                    np.testing.assert_allclose(line.get_ydata(), expected[label])
        # A CPDAG has no SHD, so pc is in the lower row only.
        assert "pc" in {c.get_label() for c in bottom[0].containers}
        assert "golem[num_iter=3000]" in {text.get_text() for text in figure.legends[0].get_texts()}
    finally:
        plt.close(figure)


def test_a_method_looks_the_same_whatever_it_is_drawn_with() -> None:
    for labels in (list(METHODS), ["adag"], ["pc", "adag"], ["golem[num_iter=5]", "zzz"]):
        for label in labels:
            if label.split("[")[0] in LOOK:
                assert look(label, labels) == LOOK[label.split("[")[0]]
    looks = [*LOOK.values(), *SPARE]
    assert len({colour for colour, _ in looks}) == len(looks)
    two = ["golem[num_iter=1]", "golem[num_iter=2]", "theirs", *LOOK]
    two.remove("golem")
    assert len({look(label, two) for label in two}) == len(two)


def test_a_run_of_one_data_set_is_drawn_and_what_was_drawn_before_is_gone(tmp_path: Path) -> None:
    folder = write(tmp_path, [record(label, KEYS[0]) for label in METHODS])
    score_run(folder)
    (folder / "figures").mkdir()
    for name in ("wins.png", "mine.png"):
        (folder / "figures" / name).write_text("of another time")
    assert {path.name for path in draw(folder)} == files(*ALWAYS, "trial")
    assert {path.name for path in (folder / "figures").iterdir()} == files(*ALWAYS, "trial") | {"mine.png"}
    assert "All cells together" in printed(folder)


def test_a_run_of_failures_alone_is_drawn(tmp_path: Path) -> None:
    folder = write(tmp_path, [failed(label, key) for label in METHODS for key in KEYS])
    score_run(folder)
    assert {path.name for path in draw(folder)} == files(*ALWAYS, "shd_vs_n", "failures")
    assert "All cells together" in printed(folder)


def test_a_mean_without_the_failures_is_marked(run: Path) -> None:
    lines = printed(run).splitlines()
    start = next(i for i, line in enumerate(lines) if "All cells together" in line)
    golem, adag = (next(x for x in lines[start:] if x.startswith(f"│ {name}")) for name in ("golem", "adag"))
    assert "°" in golem
    assert "°" not in adag


def printed(folder: Path) -> str:
    stream = io.StringIO()
    print_tables(read_trials(folder), {}, Console(file=stream))
    return stream.getvalue()


def test_the_table_shows_means_failures_and_parameters(run: Path) -> None:
    text = printed(run)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 120
    assert "\x1b" not in text  # plain when piped
    assert "golem[num_iter=3000]" in text
    first = next(line for line in lines if line.startswith("│") and "ER1" in line)
    trials = read_trials(run)
    cell = trials[(trials["family"] == "ER1") & (trials["n"] == 10)]
    columns = [part.strip() for part in first.strip("│").split("│")]
    assert columns[:3] == ["ER1", "5", "10"]
    golem = columns[4 + method_order(trials).index("golem[num_iter=3000]")]
    mean = cell.loc[cell["method"] == "golem", "shd"].mean()
    assert golem.startswith(f"{mean:.1f}")
    assert golem.endswith("1!")  # the one that timed out
    assert columns[4 + method_order(trials).index("pc")] == "-"
    overall = next(line for line in lines if line.startswith("│ adag"))
    assert [part.strip() for part in overall.strip("│").split("│")][1:3] == [str(len(KEYS)), "0"]


def test_adag_comes_first_and_the_order_is_fixed() -> None:
    labels = ["pc", "notears", "adag", "golem[num_iter=3]"]
    expected = ["adag", "golem[num_iter=3]", "notears", "pc"]
    assert method_order(pd.DataFrame({"label": labels})) == expected
    assert method_order(pd.DataFrame({"label": labels[::-1]})) == expected
