"""Which methods failed, how, and on which data sets. Called by `benchmarks.figures`."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.pyplot import subplots
from matplotlib.ticker import MaxNLocator

from benchmarks.outcome import STATUSES
from benchmarks.plots.layout import heading, ink
from benchmarks.summary import method_order

COLOURS = {
    "error": "#D55E00", "timeout": "#0072B2", "crash": "#000000", "oom": "#CC79A7", "invalid-output": "#F0E442",
}  # fmt: skip


def failures(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """Failed trials by method and status (left), and their share by d and n (right); None where nothing failed."""
    failed = trials[trials["status"] != "ok"]
    if failed.empty:
        return None
    labels = method_order(trials)
    sizes = sorted(trials[["d", "n"]].drop_duplicates().itertuples(index=False, name=None))
    figure, (bars, grid) = subplots(
        1, 2, figsize=(4.8 + 1.4 + 0.36 * len(sizes), 1.0 + 0.27 * len(labels)), layout="constrained",
        width_ratios=[3.4, max(1.4, 0.36 * len(sizes))],
    )  # fmt: skip
    start = pd.Series(0.0, index=labels)
    counts = failed.groupby(["label", "status"]).size().unstack(fill_value=0).reindex(labels, fill_value=0)
    for status in [status for status in STATUSES if status in counts]:
        bars.barh(labels, counts[status], left=start, color=COLOURS[status], label=status, height=0.7)
        start += counts[status]
    for place, label in enumerate(labels):
        of = (trials["label"] == label).sum()
        bars.annotate(f"{start[label]:.0f} of {of:,}", (start[label], place), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=8, color="0.25")  # fmt: skip
    bars.set_xlim(0, max(1.0, start.max() * 1.28))
    bars.set_ylim(len(labels) - 0.5, -0.5)
    bars.grid(axis="y", visible=False)
    bars.set_axisbelow(True)
    bars.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    bars.set_xlabel("failed trials")
    bars.legend(loc="best")
    share = (trials["status"] != "ok").groupby([trials["label"], trials["d"], trials["n"]]).mean()
    table = np.array([[share.get((label, *size), np.nan) for size in sizes] for label in labels])
    image = grid.imshow(np.where(table > 0, table, np.nan), cmap="Reds", vmin=0, vmax=1, aspect="auto")
    for i, j in np.argwhere(table > 0):
        grid.text(j, i, f"{100 * table[i, j]:.0f}", ha="center", va="center", fontsize=7, color=ink(image, table[i, j]))
    for j in range(1, len(sizes)):
        grid.axvline(j - 0.5, color="0.9", linewidth=0.6, zorder=0)
    grid.set_xticks(range(len(sizes)), [f"{d}, {n}" for d, n in sizes], rotation=60, ha="right", rotation_mode="anchor")
    grid.set_yticks([])
    grid.tick_params(labelsize=7)
    grid.grid(visible=False)
    grid.set_xlabel("d, n")
    grid.set_title("% failed", fontsize=9)
    heading(figure, "Failures by method")
    return figure
