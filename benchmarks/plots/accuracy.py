"""Errors against the sample size, against the number of variables, and cell by cell. Called by `benchmarks.figures`."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.pyplot import subplots

from benchmarks.claims import best, scores
from benchmarks.keys import CELL
from benchmarks.look import look
from benchmarks.plots.layout import (
    METRICS,
    axes_for,
    halo,
    heading,
    legend,
    log_ticks,
    means,
    panels,
    points,
    reference,
    repeats,
    wrapped,
)  # fmt: skip
from benchmarks.statistics import interval
from benchmarks.summary import method_order

HOLLOW = "hollow: failed on some, scored there as the empty graph"


def shd_against_n(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """SHD and, below it, SHD between CPDAGs against n; a pair of panels per family and d. None for a single n."""
    shown = panels(trials, "family", "d")
    if all(panel["n"].nunique() < 2 for _, panel in shown):
        return None
    labels = method_order(trials)
    figure, axes = axes_for(len(shown), len(METRICS), height=2.6)
    for k, (title, panel) in enumerate(shown):
        block, column = divmod(k, axes.shape[1])
        for row, (metric, name) in enumerate(METRICS.items()):
            ax = axes[len(METRICS) * block + row, column]
            for offset, label in enumerate(labels):
                found = means(panel[panel["label"] == label], metric, "n")
                if found:  # nudged sideways so that intervals do not hide each other
                    nudge = 1.025 ** (offset - (len(labels) - 1) / 2)
                    points(ax, [n * nudge for n, _, _ in found], [v for _, v, _ in found], [f for _, _, f in found],
                           label, labels)  # fmt: skip
            ax.set_ylim(bottom=0)
            reference(ax, panel.drop_duplicates(["n", "repeat"])["true_edges"].mean())
            log_ticks(ax, panel["n"])
            if row == 0:
                ax.set_title(title)
            else:
                ax.set_xlabel("samples n")
            if column == 0:
                ax.set_ylabel(name)
    legend(figure, trials, notes)
    failed = f"; {HOLLOW}" if (trials["status"] != "ok").any() else ""
    heading(figure, f"Structural Hamming distance, {repeats(trials)}; lower is better{failed}")
    return figure


def errors_against_d(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """SHD as a share of the true edges against d; a panel per family and n. None where no family has two d."""
    shown = [(title, panel) for title, panel in panels(trials, "family", "n") if panel["d"].nunique() > 1]
    if not shown:
        return None
    labels = method_order(trials)
    figure, axes = axes_for(len(shown), 1, height=2.8)
    for k, (title, panel) in enumerate(shown):
        ax = axes[divmod(k, axes.shape[1])]
        for offset, label in enumerate(labels):
            rows = panel[panel["label"] == label]
            share = scores(rows, "shd_cpdag") / rows["true_edges"].clip(lower=1)
            found = [(d, interval(share.loc[group.index]), bool((group["status"] != "ok").any()))
                     for d, group in rows.groupby("d")]  # fmt: skip
            found = [point for point in found if not np.isnan(point[1].mean)]
            if found:
                nudge = 1.02 ** (offset - (len(labels) - 1) / 2)
                points(ax, [d * nudge for d, _, _ in found], [v for _, v, _ in found], [f for _, _, f in found],
                       label, labels)  # fmt: skip
        ax.set_ylim(bottom=0)
        reference(ax, 1.0)
        log_ticks(ax, panel["d"])
        ax.set_title(title)
        ax.set_xlabel("variables d")
        if k % axes.shape[1] == 0:
            ax.set_ylabel("SHD of CPDAGs / true edges")
    legend(figure, trials, notes)
    failed = f"; {HOLLOW}" if (trials["status"] != "ok").any() else ""
    heading(figure, f"Errors against the number of variables, {repeats(trials)}; lower is better{failed}")
    return figure


def cells(trials: pd.DataFrame, notes: str = "") -> Figure:
    """Every cell a panel, every regime a row: penalised mean SHD of CPDAGs, which all methods have, with intervals.

    A star marks the best where it is a claim (`claims.best`).
    """
    labels = method_order(trials)
    rows = panels(trials, "family", "d")
    most = max(panel["n"].nunique() for _, panel in rows)
    winners = best(trials, "shd_cpdag", CELL)
    size = (max(6.4, 1.5 + 2.1 * most), (0.155 * len(labels) + 0.62) * len(rows))
    figure, axes = subplots(len(rows), most, figsize=size, squeeze=False, layout="constrained", sharex="row",
                            sharey=True)  # fmt: skip
    for line, (title, panel) in zip(axes, rows, strict=True):
        for ax in line[panel["n"].nunique() :]:
            ax.set_axis_off()
        for ax, (n, cell) in zip(line, panel.groupby("n"), strict=False):
            winning, sure = winners[tuple(cell[list(CELL)].iloc[0])]
            for place, label in enumerate(labels):
                _dot(ax, place, cell[cell["label"] == label], labels, star=sure and label in winning)
            ax.axvline(cell.drop_duplicates("repeat")["true_edges"].mean(), color="0.5", linewidth=1, linestyle=":")
            ax.set_title(f"n = {n:,}", fontsize=8)
            ax.tick_params(labelsize=7)
            ax.grid(axis="y", visible=False)
        line[0].set_title(
            title.replace(",\n", ", ").replace("\n", ", ") + "\n" + line[0].get_title(loc="left"), fontsize=8
        )
        line[0].set_xlim(left=0)
    axes[0, 0].set_yticks(range(len(labels)), labels)
    axes[0, 0].set_ylim(len(labels) - 0.4, -0.6)
    if notes:
        text = wrapped(notes, figure, 20)
        figure.supxlabel(text, fontsize=6.5, color="0.35", x=0.01, ha="left")
        figure.set_figheight(figure.get_figheight() + 0.11 * (text.count("\n") + 2))
    text = f"SHD of CPDAGs, cell by cell, {repeats(trials)} (dotted: the empty graph)"
    if any(sure for _, sure in winners.values()):
        text += "\n*: significantly better than every method of another family, Holm-corrected over the cells"
    heading(figure, text + (f"\n{HOLLOW.capitalize()}" if (trials["status"] != "ok").any() else ""))
    return figure


def _dot(ax: Axes, place: int, rows: pd.DataFrame, labels: list[str], star: bool) -> None:
    value = interval(scores(rows, "shd_cpdag"))
    if np.isnan(value.mean):
        return
    colour, marker = look(labels[place], labels)
    failed = bool((rows["status"] != "ok").any())
    ax.plot([value.low, value.high], [place, place], color=colour, linewidth=1.4, zorder=2)
    ax.plot(value.mean, place, marker, color=colour, markersize=5, clip_on=False, zorder=3,
            markerfacecolor="white" if failed else colour)  # fmt: skip
    if star:
        end = value.mean if np.isnan(value.high) else value.high
        ax.annotate("*", (end, place), xytext=(3, -3), textcoords="offset points", fontsize=11, fontweight="bold",
                    va="center", path_effects=[halo()])  # fmt: skip
