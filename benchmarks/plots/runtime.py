"""Seconds: accuracy against them with the Pareto front, and their growth with d. Called by `benchmarks.figures`."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from benchmarks.claims import scores
from benchmarks.look import look
from benchmarks.plots.accuracy import HOLLOW
from benchmarks.plots.layout import axes_for, heading, legend, log_ticks, panels, reference, repeats
from benchmarks.statistics import interval
from benchmarks.summary import method_order


def accuracy_against_runtime(trials: pd.DataFrame, notes: str = "") -> Figure:
    """SHD of CPDAGs, which every method has, against seconds a data set, with the front of those not beaten in both."""
    shown = panels(trials, "family", "d")
    labels = method_order(trials)
    figure, axes = axes_for(len(shown), 1, height=2.9)
    for k, (title, panel) in enumerate(shown):
        ax = axes[divmod(k, axes.shape[1])]
        front = []
        for label in labels:
            rows = panel[panel["label"] == label]
            ok = rows["status"] == "ok"
            value = interval(scores(rows, "shd_cpdag"))
            if not ok.any() or np.isnan(value.mean):
                continue
            colour, marker = look(label, labels)
            low, middle, high = rows.loc[ok, "runtime_s"].quantile([0.1, 0.5, 0.9])
            error = None if np.isnan(value.low) else [[value.mean - value.low], [value.high - value.mean]]
            ax.errorbar([middle], [value.mean], xerr=[[middle - low], [high - middle]], yerr=error, color=colour,
                        marker=marker, markersize=7, markerfacecolor=colour if ok.all() else "white", linewidth=1.2,
                        capsize=2, label=label, clip_on=False)  # fmt: skip
            front.append((middle, value.mean))
        at = pareto(front)
        if at:
            x, y = zip(*at, strict=True)
            right = ax.get_xlim()[1] if len(front) > 1 else x[-1]
            ax.step([*x, max(right, x[-1])], [*y, y[-1]], where="post", color="0.6", linewidth=4, alpha=0.45, zorder=0,
                    solid_capstyle="round")  # fmt: skip
        ax.set_xscale("log")
        ax.set_ylim(bottom=0)
        reference(ax, panel.drop_duplicates(["n", "repeat"])["true_edges"].mean())
        ax.set_title(title)
        ax.set_xlabel("seconds a data set (median, 10-90%)")
        if k % axes.shape[1] == 0:
            ax.set_ylabel("SHD of CPDAGs")
    legend(figure, trials, notes)
    failed = f"; {HOLLOW}" if (trials["status"] != "ok").any() else ""
    heading(figure, f"Accuracy against runtime, {repeats(trials)}; best is bottom left\n"
                    f"Grey: the Pareto front, no method is both quicker and better{failed}")  # fmt: skip
    return figure


def pareto(found: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Of (seconds, error) those that no other beats in both, from the quickest to the best."""
    front: list[tuple[float, float]] = []
    for point in sorted(found):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


def runtime_against_d(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """Median seconds against d on log axes, a panel per n, exponents beside the names. None with fewer than three d.

    A time-out counts as its limit; where that is the median, the marker is hollow and the fit leaves it out.
    """
    timed = trials[trials["status"].isin(["ok", "timeout"])]
    shown = [(f"n = {n:,}", panel) for n, panel in timed.groupby("n") if panel["d"].nunique() > 2]
    if not shown:
        return None
    labels = method_order(trials)
    figure, axes = axes_for(len(shown), 1, height=3.2, width=4.2)
    for k, (title, panel) in enumerate(shown):
        ax = axes[divmod(k, axes.shape[1])]
        ends = []
        for label in labels:
            curve = _medians(panel[panel["label"] == label])
            if curve.empty:
                continue
            colour, marker = look(label, labels)
            ax.plot(curve.index, curve["seconds"], color=colour, marker=marker, markersize=5, linewidth=1.4,
                    label=label)  # fmt: skip
            late = curve[curve["late"]]
            ax.plot(late.index, late["seconds"], marker, color=colour, markerfacecolor="white", markersize=5, zorder=4)
            ends.append((curve["seconds"].iloc[-1], colour, exponent(curve[~curve["late"]]["seconds"])))
        ax.set_yscale("log")
        log_ticks(ax, panel["d"])
        ax.set_title(title)
        ax.set_xlabel("variables d")
        if k % axes.shape[1] == 0:
            ax.set_ylabel("seconds a data set (median)")
        _names(ax, [(y, text, colour) for y, colour, text in ends if text])
    legend(figure, trials, notes)
    late_note = "; hollow: the median is the time limit" if (trials["status"] == "timeout").any() else ""
    heading(figure, "Runtime against the number of variables, with the exponent of a power law fitted to the medians "
                    f"(and its 95% interval){late_note}")  # fmt: skip
    return figure


def _medians(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.groupby("d")
    late = groups["status"].apply(lambda status: (status == "timeout").mean() >= 0.5)
    seconds = rows["runtime_s"].where(rows["status"] == "ok", rows["timeout_s"]).groupby(rows["d"]).median()
    return pd.DataFrame({"seconds": seconds, "late": late}).dropna()


def exponent(seconds: pd.Series) -> str:
    """Slope of log seconds on log d (the index) as text; with its 95% interval from four d on, empty below three."""
    if len(seconds) < 3:
        return ""
    x = np.log(seconds.index.to_numpy(dtype=np.float64))
    fit = stats.linregress(x, np.log(seconds.to_numpy(dtype=np.float64)))
    if len(seconds) == 3:  # one degree of freedom: an interval that says nothing
        return f"$d^{{{fit.slope:.1f}}}$"
    half = float(fit.stderr * stats.t.ppf(0.975, len(seconds) - 2))
    return f"$d^{{{fit.slope:.1f} \\pm {half:.1f}}}$"


def _names(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Texts beside the ends of curves (value, text, colour), moved apart where they would overlap."""
    low, high = np.log(ax.get_ylim())
    places = [(np.log(value) - low) / (high - low) for value, _, _ in ends]
    for k, place in zip(np.argsort(places), apart(sorted(places), 0.075), strict=True):
        ax.text(1.02, place, ends[k][1], color=ends[k][2], fontsize=8, va="center", transform=ax.transAxes)


def apart(places: list[float], gap: float) -> list[float]:
    """Ascending places moved so that neighbours are a gap apart, as a block around where they were, below 0.98."""
    blocks: list[list[float]] = []
    for place in places:
        blocks.append([place])
        while len(blocks) > 1 and _start(blocks[-1], gap) < _start(blocks[-2], gap) + len(blocks[-2]) * gap:
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    found = [_start(block, gap) + k * gap for block in blocks for k in range(len(block))]
    limit = 0.98
    for k in reversed(range(len(found))):
        found[k] = min(found[k], limit)
        limit = found[k] - gap
    return found


def _start(block: list[float], gap: float) -> float:
    return float(np.mean(block)) - gap * (len(block) - 1) / 2
