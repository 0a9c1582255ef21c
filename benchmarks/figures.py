"""Figures of a run, from its files alone: ``python benchmarks/figures.py results/small [more runs]``.

With ``--trial KEY/METHOD`` also one trial's true and estimated graph; without, the median trial. Which figures a run
gets follows from its data. Also called by `benchmarks.run` at the end. The same files give the same bytes.
"""

import io
import itertools
import multiprocessing
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
import typer
from matplotlib.figure import Figure
from PIL import Image

from adag.errors import UsageError
from benchmarks.command import run_command
from benchmarks.drawn import drawn
from benchmarks.environment import pretrained
from benchmarks.look import STYLE
from benchmarks.plots import accuracy, failures, ranking, runtime, trial
from benchmarks.plots.layout import remark
from benchmarks.robust_figures import robustness
from benchmarks.summary import read_trials

FIGURES: dict[str, Callable[[pd.DataFrame, str], Figure | None]] = {
    "shd_vs_n": accuracy.shd_against_n,
    "errors_vs_d": accuracy.errors_against_d,
    "accuracy_vs_runtime": runtime.accuracy_against_runtime,
    "runtime_vs_d": runtime.runtime_against_d,
    "cells": accuracy.cells,
    "critical_difference": ranking.critical_differences,
    "profiles": ranking.profiles,
    "wins": ranking.wins,
    "failures": failures.failures,
    "robustness": robustness,
}
"""By file name; a figure is None where the run's data do not allow it."""
OF_ALL = ("failures", "robustness")
"""Figures with a row a method: of every method, while the others show what `benchmarks.drawn` chooses."""
PALETTE = 256
"""Colours of a PNG."""


def draw(folder: Path, chosen: str | None = None) -> list[Path]:
    """Draw every figure that a run's trials allow into ``folder/figures``; the files written."""
    trials = read_trials(folder)
    main = drawn(trials, folder)
    shown = set(main.trials["label"])
    notes = "\n".join(dict.fromkeys(text for label, text in pretrained(folder).items() if label in shown))
    target = folder / "figures"
    written = []
    with plt.rc_context(STYLE):
        for name, make in FIGURES.items():
            figure = make(trials if name in OF_ALL else main.trials, notes)
            if figure is not None:
                if main.left_out and name not in OF_ALL:
                    remark(figure, main.note)
                written += save(figure, target, name)
        row = trial.chosen_trial(trials, chosen) if chosen else trial.median_trial(trials)
        if row is not None:
            written += save(trial.adjacency(folder, row), target, "trial")
    for name in (*FIGURES, "trial"):  # of an earlier state of the run
        for path in target.glob(f"{name}.*"):
            if path not in written:
                path.unlink()
    return written


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG, without anything in them that differs from one time to the next; close it."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{name}.png", folder / f"{name}.svg"]
    figure.savefig(written[1], dpi=150, metadata={"Date": None}, bbox_inches="tight")
    figure.set_layout_engine("none")  # as it is now: laying out takes longer than drawing
    pixels = io.BytesIO()
    figure.savefig(pixels, dpi=150, bbox_inches="tight")
    plt.close(figure)
    with Image.open(pixels) as image:  # flat colours: a palette looks the same in a third of the bytes
        # Not by median cut, which merges rare colours: a small marker would change its own.
        flat = image.convert("RGB").quantize(PALETTE, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        flat.save(written[0], optimize=True)
    return written


def draw_all(draw_one: Callable[[Path], list[Path]], folders: Sequence[str | Path]) -> int:
    """Draw the figures of every folder and print their names: the exit code of a command that draws."""
    try:
        for folder in folders:
            for path in draw_one(Path(folder)):
                print(path)
    except UsageError as e:
        print(f"error: {e}", file=sys.stderr)
        return 2
    return 0


def main(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    trial_: Annotated[
        str | None, typer.Option("--trial", help="KEY/METHOD of the trial to draw; default: the median one.")
    ] = None,
) -> None:
    """Draw the figures of every run named, side by side on the machine's cores."""
    from benchmarks.figures import draw as job  # by its module's name, where a process of the pool finds it

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(runs), os.cpu_count() or 1), mp_context=spawn) as pool:
        drawn = pool.map(job, runs, itertools.repeat(trial_)) if len(runs) > 1 else map(job, runs, [trial_])
        for written in drawn:
            print("\n".join(map(str, written)))


if __name__ == "__main__":
    run_command(lambda: typer.run(main))
