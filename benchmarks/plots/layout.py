"""What the figures of a run have in common: panels and their titles, axes, legend, heading. Called by `plots.*`."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.patheffects as effects
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.pyplot import subplots
from numpy.typing import NDArray

from benchmarks.claims import DATA_SET, scores
from benchmarks.look import look
from benchmarks.statistics import Interval, interval
from benchmarks.summary import given, method_order

MOST_COLUMNS = 4
"""Panels beside each other."""
_TITLE = 36
"""Letters of a panel's title in a line: more would run into its neighbour's."""
REGIME = ("noise", "variance", "scale", "violation", "family_seed", "threshold")
Grid = NDArray[np.object_]
METRICS = {"shd": "SHD", "shd_cpdag": "SHD of CPDAGs"}


def panels(trials: pd.DataFrame, *keys: str) -> list[tuple[str, pd.DataFrame]]:
    """The trials by these keys and whatever else of the regime varies, with a title each; small d first."""
    extra = [name for name in REGIME if trials[name].nunique() > 1]
    by = [*keys, *extra]
    found = []
    for values, group in trials.groupby(by):
        named: dict[str, Any] = dict(zip(by, values, strict=True))
        head = ", ".join(str(named[key]) if key == "family" else f"{key} = {named[key]}" for key in keys)
        rest = regime({name: named[name] for name in extra})
        order = (named.get("d", 0), str(values[0]), named.get("n", 0), *map(str, values))
        found.append((order, head + ("\n" + textwrap.fill(rest, _TITLE) if extra else ""), group))
    return [(title, group) for _, title, group in sorted(found, key=lambda item: item[0])]


def regime(values: dict[str, Any]) -> str:
    """What varies of a regime in words: "exponential, raw"; equal variances and no violation go without saying."""
    words = {"equal": "", "unequal": "unequal variances", "none": "", "real": "", "iscm": "iSCM"}
    heads = {"family_seed": "family ", "threshold": "cut at "}
    named = {name: f"{heads.get(name, '')}{value}" for name, value in values.items()}
    return ", ".join(text for value in named.values() if (text := words.get(value, value)))


def axes_for(count: int, rows_each: int, *, height: float, width: float = 3.3) -> tuple[Figure, Grid]:
    """Axes for so many panels of some rows each, at most `MOST_COLUMNS` beside each other; spare ones are not drawn."""
    most = min(count, MOST_COLUMNS)
    columns = min((c for c in (most, most - 1) if c > 0), key=lambda c: (-(-count // c), -count % c))
    blocks = -(-count // columns)
    size = (max(6.4, width * columns), height * rows_each * blocks)
    figure, axes = subplots(rows_each * blocks, columns, figsize=size, squeeze=False, layout="constrained")
    for spare in range(count, columns * blocks):
        for row in range(rows_each):
            axes[spare // columns * rows_each + row, spare % columns].set_axis_off()
    return figure, axes


def means(rows: pd.DataFrame, metric: str, by: str) -> list[tuple[Any, Interval, bool]]:
    """One method's penalised mean for each value of ``by``, and whether it failed on some of those data sets."""
    values = scores(rows, metric)
    found = []
    for value, group in rows.groupby(by):
        mean = interval(values.loc[group.index])
        if not np.isnan(mean.mean):
            found.append((value, mean, bool((group["status"] != "ok").any())))
    return found


def points(ax: Axes, x: Sequence[float], values: Sequence[Interval], failed: Sequence[bool], label: str,
           labels: list[str], **style: Any) -> None:  # fmt: skip
    """Means with their intervals, joined; hollow where the method failed on some data sets."""
    colour, marker = look(label, labels)
    mean, low, high = (np.array(column) for column in zip(*values, strict=True))
    error = np.clip([np.nan_to_num(mean - low), np.nan_to_num(high - mean)], 0, None)
    above = 3 if label.startswith("adag") else 2
    look_of_line = {"linewidth": 1.4, "elinewidth": 1, "capsize": 2, "markersize": 5, **style}
    ax.errorbar(x, mean, yerr=error, color=colour, marker=marker, clip_on=False, label=label, zorder=above,
                **look_of_line)  # fmt: skip
    hollow = np.array(failed, dtype=bool)
    if hollow.any():
        ax.plot(np.array(x)[hollow], mean[hollow], marker, color=colour, markerfacecolor="white", clip_on=False,
                markersize=look_of_line["markersize"], zorder=above + 0.5)  # fmt: skip


def reference(ax: Axes, at: float, text: str = "empty graph") -> None:
    """A dotted level with its name, legible over curves and inside the axes."""
    ax.set_ylim(top=max(ax.get_ylim()[1], 1.08 * at))
    ax.axhline(at, color="0.5", linewidth=1, linestyle=":", zorder=1)
    ax.text(1.0, at, text + " ", color="0.35", fontsize=7, ha="right", va="bottom", zorder=6,
            transform=ax.get_yaxis_transform(), path_effects=[halo()])  # fmt: skip


def halo() -> effects.withStroke:
    """White around a text, so that it can be read over lines."""
    return effects.withStroke(linewidth=1.5, foreground="white")


def log_ticks(ax: Axes, values: Iterable[float]) -> None:
    """A log axis with these values as its only ticks."""
    ticks = sorted(set(values))
    ax.set_xscale("log")
    if len(ticks) == 1:  # keep the methods, which are side by side, near their tick
        ax.set_xlim(ticks[0] / 1.3, ticks[0] * 1.3)
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()


def legend(figure: Figure, trials: pd.DataFrame, notes: str = "") -> None:
    """One legend for all panels, in the methods' order, with what each was given and how often it ran, if that differs.

    Above it what a pre-trained method has seen. Adds its height to the figure's.
    """
    handles: dict[str, Any] = {}
    for ax in figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    shown = [label for label in method_order(trials) if label in handles]
    if not shown:  # every trial failed
        return
    names = [f"{label} ({', '.join(words)})" if (words := _remarks(trials, label)) else label for label in shown]
    columns = max(1, min(len(shown), int(figure.get_figwidth() * 11.5 / (max(map(len, names)) + 6))))
    text = wrapped(notes, figure, 20)
    made = figure.legend(
        handles=[handles[label] for label in shown], labels=names, loc="outside lower center", ncols=columns,
        title=text or None, title_fontsize=6.5,
    )  # fmt: skip
    made.get_title().set_color("0.35")
    lines = -(-len(shown) // columns)
    figure.set_figheight(figure.get_figheight() + 0.25 + 0.2 * lines + 0.11 * (text.count("\n") + 1) * bool(text))


def _remarks(trials: pd.DataFrame, label: str) -> list[str]:
    """What a method was given, where that differs, and on how many data sets a slow one ran alone."""
    own = trials.groupby("label")["repeat"].nunique()
    few = "first data set" if own[label] == 1 else f"first {own[label]} data sets"
    first = [few] if own[label] < own.max() else []
    return [known[label] for known in [given(trials)] if known] + first


def heading(figure: Figure, text: str) -> None:
    """The figure's title, at its left, wrapped to its width. Adds its height."""
    text = wrapped(text, figure, 13.3)
    figure.suptitle(text, x=0.01, ha="left", fontsize=10)
    figure.set_figheight(figure.get_figheight() + 0.1 + 0.17 * (text.count("\n") + 1))


def remark(figure: Figure, text: str) -> None:
    """A small line above the legend, with what else stands there, or below everything where there is none."""
    text = wrapped(text[0].upper() + text[1:], figure, 20)
    if not figure.legends:  # saving a figure tightly makes room for it
        figure.text(0.01, -0.005, text, fontsize=6.5, color="0.35", va="top", ha="left")
        return
    (shown,) = figure.legends
    shown.set_title("\n".join(filter(None, [shown.get_title().get_text(), text])), prop=FontProperties(size=6.5))
    shown.get_title().set_color("0.35")
    figure.set_figheight(figure.get_figheight() + 0.11 * (text.count("\n") + 1))


def wrapped(text: str, figure: Figure, characters: float) -> str:
    """The text in lines of so many characters an inch of the figure's width, which it would widen otherwise."""
    return "\n".join(textwrap.fill(line, int(characters * figure.get_figwidth())) for line in text.splitlines())


def repeats(trials: pd.DataFrame) -> str:
    """How many data sets a cell has, in words."""
    counts = trials.groupby(DATA_SET[:-1])["repeat"].nunique()
    low, high = counts.min(), counts.max()
    if high == 1:
        return "1 data set a cell"
    return f"mean and 95% interval over {low if low == high else f'{low} to {high}'} data sets a cell"


def ink(image: AxesImage, value: float) -> str:
    """Black or white, whichever can be read on the image's colour for a value."""
    red, green, blue, _ = image.to_rgba(np.array([value]))[0]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "0.1"
