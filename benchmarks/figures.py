"""Figures of a run, from its files alone: ``python benchmarks/figures.py results/small [more runs]``.

Also called by `benchmarks.run` at the end. The same files give the same bytes.
"""

import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adag.errors import UsageError
from benchmarks.environment import pretrained
from benchmarks.look import STYLE, look
from benchmarks.robust_figures import has_violations, heat_map
from benchmarks.statistics import interval
from benchmarks.summary import given, method_order, read_trials

COLUMNS = 4
"""Panels beside each other."""


def draw(folder: Path) -> list[Path]:
    """Draw every figure that a run's trials allow into ``folder/figures``; the files written."""
    trials = read_trials(folder)
    notes = "\n".join(textwrap.fill(text, 150) for text in dict.fromkeys(pretrained(folder).values()))
    target = folder / "figures"
    written = []
    with plt.rc_context(STYLE):
        for name, figure in (
            ("shd_vs_n", shd_against_n(trials, notes)),
            ("accuracy_vs_runtime", accuracy_against_runtime(trials, notes)),
        ):
            written += save(figure, target, name)
        if has_violations(trials):
            written += save(heat_map(trials), target, "robustness")
    return written


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as PNG and SVG, without anything in them that differs from one time to the next; close it."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        path = folder / f"{name}.{suffix}"
        figure.savefig(path, dpi=150, metadata=metadata, bbox_inches="tight")
        written.append(path)
    plt.close(figure)
    return written


def shd_against_n(trials: pd.DataFrame, notes: str = "") -> Figure:
    """SHD and, below it, SHD between CPDAGs against the sample size; a pair of panels per family and d."""
    panels = _panels(trials)
    labels = method_order(trials)
    metrics = {"shd": "SHD", "shd_cpdag": "SHD of CPDAGs"}
    figure, axes = _grid_of_axes(len(panels), len(metrics), height=2.8)
    for k_panel, (title, panel) in enumerate(panels):
        block, column = divmod(k_panel, COLUMNS)
        for row, (metric, axis_label) in enumerate(metrics.items()):
            ax = axes[2 * block + row, column]
            for k, label in enumerate(labels):
                _curve(ax, panel[panel["label"] == label], metric, label, labels, offset=k - (len(labels) - 1) / 2)
            edges = panel.drop_duplicates(["n", "repeat"])["true_edges"].mean()
            ax.axhline(edges, color="0.5", linewidth=1, linestyle=":", zorder=1)
            ax.text(1.0, edges, "empty graph ", color="0.4", fontsize=7, ha="right", va="bottom",
                    transform=ax.get_yaxis_transform())  # fmt: skip
            ax.set_ylim(bottom=0)
            ax.set_xscale("log")
            if panel["n"].nunique() == 1:  # keep the methods, which are side by side, near their tick
                ax.set_xlim(panel["n"].min() / 1.3, panel["n"].max() * 1.3)
            ticks = sorted(panel["n"].unique())
            ax.set_xticks(ticks, [str(n) for n in ticks])
            ax.minorticks_off()
            if row == 0:
                ax.set_title(title)
            else:
                ax.set_xlabel("samples n")
            if column == 0:
                ax.set_ylabel(axis_label)
    _legend(figure, axes, labels, notes, given(trials))
    figure.suptitle(f"Structural Hamming distance, {_repeats(trials)}; lower is better",
                    x=0.01, ha="left", fontsize=10)  # fmt: skip
    return figure


def accuracy_against_runtime(trials: pd.DataFrame, notes: str = "") -> Figure:
    """Accuracy (SHD of CPDAGs, which every method has) against seconds a data set, one panel per family and d."""
    panels = _panels(trials)
    labels = method_order(trials)
    figure, axes = _grid_of_axes(len(panels), 1, height=3.4)
    for k_panel, (title, panel) in enumerate(panels):
        column = k_panel % COLUMNS
        ax = axes[k_panel // COLUMNS, column]
        for label in labels:
            rows = panel[(panel["label"] == label) & (panel["status"] == "ok")]
            if rows.empty:
                continue
            value, colour_marker = interval(rows["shd_cpdag"]), look(label, labels)
            partial = len(rows) < (panel["label"] == label).sum()
            low, middle, high = rows["runtime_s"].quantile([0.1, 0.5, 0.9])
            y_error = None if np.isnan(value.low) else [[value.mean - value.low], [value.high - value.mean]]
            ax.errorbar(
                [middle], [value.mean], xerr=[[middle - low], [high - middle]], yerr=y_error, color=colour_marker[0],
                marker=colour_marker[1], markersize=7, markerfacecolor="white" if partial else None, linewidth=1.2,
                capsize=2, label=label,
            )  # fmt: skip
        ax.set_xscale("log")
        ax.set_ylim(bottom=0)
        ax.set_title(title)
        ax.set_xlabel("seconds a data set (median, 10-90%)")
        if column == 0:
            ax.set_ylabel("SHD of CPDAGs")
    _legend(figure, axes, labels, notes, given(trials))
    figure.suptitle(
f"Accuracy against runtime, {_repeats(trials)}; best is bottom left; hollow: failed on some",
        x=0.01, ha="left",
        fontsize=10,
    )  # fmt: skip
    return figure


def _grid_of_axes(
    panels: int, rows_each: int, *, height: float
) -> tuple[Figure, "np.ndarray[tuple[int, ...], np.dtype[np.object_]]"]:
    """Axes for so many panels, at most `COLUMNS` beside each other; those left over are not drawn."""
    columns, blocks = min(panels, COLUMNS), -(-panels // COLUMNS)
    size = (max(5.5, 3.3 * columns), height * rows_each * blocks)
    figure, axes = plt.subplots(rows_each * blocks, columns, figsize=size, squeeze=False, layout="constrained")
    for spare in range(panels, columns * blocks):
        for row in range(rows_each):
            axes[spare // columns * rows_each + row, spare % columns].set_axis_off()
    return figure, axes


def _curve(ax: Axes, rows: pd.DataFrame, metric: str, label: str, labels: list[str], offset: float) -> None:
    """One method's means with intervals; nudged sideways so that intervals do not hide each other."""
    colour, marker = look(label, labels)
    points = [(n, interval(group[metric])) for n, group in rows.groupby("n")]
    points = [(n, value) for n, value in points if not np.isnan(value.mean)]
    if not points:
        return
    x = np.array([n for n, _ in points]) * 1.025**offset
    mean = np.array([value.mean for _, value in points])
    low = np.array([value.mean if np.isnan(value.low) else value.low for _, value in points])
    high = np.array([value.mean if np.isnan(value.high) else value.high for _, value in points])
    ax.errorbar(
        x, mean, yerr=np.clip([mean - low, high - mean], 0, None), color=colour, marker=marker, markersize=5,
        linewidth=1.4, elinewidth=1, capsize=2, clip_on=False, label=label, zorder=3 if label.startswith("adag") else 2,
    )  # fmt: skip


def _panels(trials: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Panels by graph family, d and whatever else the run varies, with their titles."""
    extra = [name for name in ("noise", "variance", "scale", "violation", "family_seed") if trials[name].nunique() > 1]
    keys = ["family", "d", *extra]
    return [
        (f"{key[0]}, d = {key[1]}" + ("\n" + ", ".join(map(str, key[2:])) if extra else ""), group)
        for key, group in sorted(trials.groupby(keys), key=lambda item: (item[0][1], *map(str, item[0])))
    ]


def _legend(
    figure: Figure,
    axes: "np.ndarray[tuple[int, ...], np.dtype[np.object_]]",
    labels: list[str],
    notes: str,
    known: dict[str, str],
) -> None:
    handles: dict[str, Any] = {}
    for ax in axes.ravel():
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    shown = [label for label in labels if label in handles]
    if not shown:  # every trial failed
        return
    names = [f"{label} ({known[label]})" if known else label for label in shown]
    fitting = int(figure.get_figwidth() * 13 / (max(map(len, names)) + 6)) if known else 5
    legend = figure.legend(
        handles=[handles[label] for label in shown],
        labels=names,
        loc="outside lower center",
        ncols=max(1, min(5, fitting, len(shown))),
        title=notes or None,  # what a pre-trained method has seen belongs beside its curve
        title_fontsize=6.5,
    )
    legend.get_title().set_color("0.35")


def _repeats(trials: pd.DataFrame) -> str:
    counts = trials.groupby(["family", "d", "n"])["repeat"].nunique()
    low, high = counts.min(), counts.max()
    if high == 1:
        return "1 data set a cell"
    return f"mean and 95% interval over {low if low == high else f'{low} to {high}'} data sets a cell"


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


def main(arguments: list[str]) -> int:
    """Draw the figures of every run named."""
    if not arguments:
        print("usage: python benchmarks/figures.py RUN_FOLDER [RUN_FOLDER ...]", file=sys.stderr)
        return 2
    return draw_all(draw, arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
