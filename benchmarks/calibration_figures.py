"""The reliability plot, from ``bins.csv`` alone: ``python benchmarks/calibration_figures.py [results/calibration]``.

Also called by `benchmarks.calibration` at the end. The same file gives the same bytes.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from adag.errors import UsageError
from benchmarks.figures import draw_all, save
from benchmarks.look import HUES, STYLE

FEWEST = 20
"""A bin with fewer pairs is not drawn: its frequency says nothing."""


def draw(folder: Path) -> list[Path]:
    """Draw ``folder/figures/reliability``; the files written."""
    file = folder / "bins.csv"
    if not file.exists():
        raise UsageError(f"'{folder}' holds no calibration (bins.csv): run benchmarks/calibration.py --out {folder}")
    with plt.rc_context(STYLE):
        return save(reliability(pd.read_csv(file)), folder / "figures", "reliability")


def reliability(bins: pd.DataFrame) -> Figure:
    """Observed frequency against predicted probability (top) and pairs in each bin (bottom), a column a regime."""
    regimes, names = list(dict.fromkeys(bins["regime"])), list(dict.fromkeys(bins["checkpoint"]))
    figure, axes = plt.subplots(
        2, len(regimes), figsize=(max(5.5, 2.6 * len(regimes)), 4.6), squeeze=False, sharex=True, sharey="row",
        height_ratios=[3, 1], layout="constrained",
    )  # fmt: skip
    for column, regime in enumerate(regimes):
        top, bottom = axes[:, column]
        top.plot([0, 1], [0, 1], color="0.5", linewidth=1, linestyle=":", zorder=1)
        for k, name in enumerate(names):
            rows = bins[(bins["regime"] == regime) & (bins["checkpoint"] == name)]
            colour, marker = HUES[k % len(HUES)]
            some = rows[rows["pairs"] >= FEWEST]
            # Of a frequency over independent pairs; those of one data set are not, so it is a little too short.
            half = 1.96 * np.sqrt(some["observed"] * (1 - some["observed"]) / some["pairs"])
            top.errorbar(some["predicted"], some["observed"], yerr=half, color=colour, marker=marker, markersize=4,
                         linewidth=1.2, elinewidth=1, label=name)  # fmt: skip
            bottom.plot((rows["low"] + rows["high"]) / 2, rows["pairs"], color=colour, marker=marker, markersize=3)
        top.set_title(regime)
        bottom.set_yscale("log")
        bottom.set_xlabel("predicted P(i -> j)")
    axes[0, 0].set_ylabel("observed frequency")
    axes[1, 0].set_ylabel("pairs")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=max(1, len(names)))
    figure.suptitle("Reliability of edge probabilities (dotted: perfect), ordered pairs of fresh data sets, "
                    "d = 5 to 50, n = 10 to 500", x=0.01, ha="left", fontsize=10)  # fmt: skip
    return figure


def main(arguments: list[str]) -> int:
    """Draw the plot of the folder named, or of the committed one."""
    return draw_all(draw, arguments or ["results/calibration"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
