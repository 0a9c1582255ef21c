"""Figures of training runs, from their logs alone: ``python benchmarks/training_figures.py [results/pretrain]``.

Draws every ``NAME.log.jsonl`` of the folder into ``figures/NAME.png`` and ``.svg``. Called by ``make figures``. The
same files give the same bytes.
"""

import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, StrMethodFormatter

from adag.errors import UsageError
from benchmarks.figures import draw_all, save
from benchmarks.look import HUES, STYLE

SUFFIX = ".log.jsonl"
NOT_PARTS = {"step", "seconds", "tasks", "loss", "validation_shd"}


def draw(folder: Path) -> list[Path]:
    """Draw every training log of a folder; the files written."""
    logs = sorted(folder.glob(f"*{SUFFIX}"))
    if not logs:
        raise UsageError(f"'{folder}' holds no training log (*{SUFFIX}): copy there what 'adag pretrain' wrote")
    written = []
    with plt.rc_context(STYLE):
        for log in logs:
            name = log.name.removesuffix(SUFFIX)
            written += save(curves(read_log(log), name), folder / "figures", name)
    return written


def read_log(path: Path) -> pd.DataFrame:
    """One row an entry; of steps that a resumed run repeated, the last.

    Raises
    ------
    UsageError
        The file is not a training log; the line is named.
    """
    entries: dict[int, dict[str, Any]] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            entry = json.loads(line)
            entries[entry["step"]] = entry
        except (json.JSONDecodeError, TypeError, KeyError) as e:
            raise UsageError(f"'{path}', line {number} is not an entry of a training log ({e}): remove it") from None
    if not entries:
        raise UsageError(f"'{path}' is empty: train for longer than one 'validate_every'")
    return pd.DataFrame([entries[step] for step in sorted(entries)])


def curves(log: pd.DataFrame, name: str) -> Figure:
    """Loss and validation SHD against steps, data sets a second against hours."""
    figure, (loss, shd, speed) = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
    _loss(loss, log)
    validation = pd.DataFrame(list(log["validation_shd"]), index=log["step"])
    for k, cell in enumerate(validation.columns):
        shd.plot(validation.index, validation[cell], color=HUES[k % len(HUES)][0], linewidth=1.4,
                 marker=HUES[k % len(HUES)][1], markersize=3, label=cell)  # fmt: skip
    shd.set_yscale("log")
    shd.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    shd.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    shd.minorticks_off()
    shd.set_title("Validation SHD, mean of 100 data sets")
    shd.legend(fontsize=7, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.2), columnspacing=1.0)
    seconds = np.diff(log["seconds"], prepend=0.0)
    tasks = np.diff(log["tasks"], prepend=0)
    hours = log["seconds"] / 3600
    speed.plot(hours, tasks / np.maximum(seconds, 1e-9), color=HUES[1][0], linewidth=1.4, marker=".")
    speed.set_ylim(bottom=0)
    speed.set_title("Data sets a second")
    speed.set_xlabel("hours")
    for ax in (loss, shd):
        ax.set_xlabel("step")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step / 1000:g}k" if step else "0"))
    figure.suptitle(
        f"{name}: {log['step'].iloc[-1]:,} steps, {log['tasks'].iloc[-1]:,} data sets, {hours.iloc[-1]:.2f} hours",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _loss(ax: Axes, log: pd.DataFrame) -> None:
    """The loss of single steps is noisy (each has another d and n): dots, and a line of the running median."""
    parts = [column for column in log.columns if column not in NOT_PARTS]
    for k, part in enumerate(["loss", *parts]):
        colour = "0.2" if part == "loss" else HUES[k % len(HUES)][0]
        ax.plot(log["step"], log[part], ".", color=colour, markersize=3, alpha=0.4)
        smooth = log[part].rolling(min(9, len(log)), center=True, min_periods=1).median()
        ax.plot(log["step"], smooth, color=colour, linewidth=1.4, label=part)
    ax.set_yscale("symlog", linthresh=1e-3)  # a likelihood may be negative
    ax.set_title("Loss and its parts")
    ax.legend(fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.2), columnspacing=1.0)


def main(arguments: list[str]) -> int:
    """Draw the logs of the folder named, or of the committed one."""
    return draw_all(draw, arguments or ["results/pretrain"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
