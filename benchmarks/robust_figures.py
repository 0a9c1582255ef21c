"""The heat map of a run whose cells each change one thing: where every method breaks.

Called by `benchmarks.figures` for a run with violations, such as the grid "robust".
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from adag.random_graphs import FIXED
from benchmarks.keys import CELL
from benchmarks.summary import unsure

WORST = 2.0
"""Twice as many errors as the empty graph: the end of the colour scale."""
_SETTINGS = {"violation": "none", "noise": "gaussian", "variance": "equal", "scale": "raw"}
"""What a clean cell has; what a cell has else names it, and in this order."""


def has_violations(trials: pd.DataFrame) -> bool:
    """Whether a run is one for this figure: clean cells beside violated ones."""
    return {"none"} < set(trials["violation"])


def robustness(trials: pd.DataFrame, notes: str) -> Figure | None:
    """`heat_map`, where the run is one for it."""
    return heat_map(trials) if has_violations(trials) else None


def heat_map(trials: pd.DataFrame) -> Figure:
    """Errors of every method (rows, best first) under every change (columns), beside those on clean data.

    Errors are the SHD between CPDAGs, which every method has, over the number of true edges, which is the error of the
    empty graph: 0 is perfect, 1 no better than saying nothing. A failed trial counts as the empty graph.
    """
    table = relative_errors(trials)
    sizes, columns = sorted(table["n"].unique()), list(table["change"].cat.categories)
    means = table.pivot_table(index="label", columns=["n", "change"], values="error", observed=True)
    order = means.mean(axis=1).sort_values().index
    figure, axes = plt.subplots(
        len(sizes), 1, figsize=(3.2 + 0.47 * len(columns), 2.0 + (0.4 + 0.25 * len(order)) * len(sizes)), squeeze=False,
        sharex=True, layout="constrained",
    )  # fmt: skip
    for ax, n in zip(axes[:, 0], sizes, strict=True):
        image = _panel(ax, means[n].reindex(index=order, columns=columns))
        ax.set_title(f"n = {n}")
        ax.set_yticks(range(len(order)), [_row_name(label, trials) for label in order])
    bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=30, pad=0.01, extend="max")
    bar.set_ticks([0, 0.5, 1, 1.5, 2], labels=["0", "0.5", "1: empty\ngraph", "1.5", "2"])
    figure.suptitle(_title(trials), x=0.01, ha="left", fontsize=10)
    return figure


def relative_errors(trials: pd.DataFrame) -> pd.DataFrame:
    """One row per method, n and change: ``label``, ``n``, ``change``, and the mean ``error`` over data sets."""
    penalised = trials["shd_cpdag"].mask(trials["status"] != "ok", trials["true_edges"])
    home = _home(trials)
    changes = [_change(row, home) for row in trials.to_dict("records")]
    order = [name for _, name in sorted(set(changes))]
    names = pd.Categorical([name for _, name in changes], categories=list(dict.fromkeys(order)))
    rows = trials.assign(errors=penalised, change=names)
    sums = rows.groupby(["label", "n", "change"], observed=True)[["errors", "true_edges"]].sum()
    return (sums["errors"] / sums["true_edges"]).rename("error").reset_index()


def _home(trials: pd.DataFrame) -> str:
    """The graph family of the clean cells: that of the violated ones."""
    return str(trials.loc[trials["violation"] != "none", "family"].iloc[0])


def _change(row: dict[Any, Any], home: str) -> tuple[int, str]:
    """What tells a cell from the clean one, with its place among the columns: a setting, else the graph family."""
    for place, (name, clean) in enumerate(_SETTINGS.items(), 1):
        if row[name] != clean:
            return place, "unequal variances" if row[name] == "unequal" else str(row[name]).replace("-", " ")
    if row["family"] == home:
        return 0, "clean"
    return len(_SETTINGS) + 1, str(row["graph"] if row["graph"] in FIXED else row["family"]).upper()


def _panel(ax: Axes, values: pd.DataFrame) -> AxesImage:
    image = ax.imshow(values, cmap="RdYlBu_r", norm=TwoSlopeNorm(1.0, 0.0, WORST), aspect="auto")
    for (i, j), value in np.ndenumerate(values.to_numpy()):
        if np.isfinite(value):
            extreme = value < 0.25 or value > 1.7
            ax.text(j, i, f"{value:.2f}".removeprefix("0") if value < 1 else f"{value:.1f}", ha="center", va="center",
                    fontsize=6.5, color="white" if extreme else "0.15")  # fmt: skip
    ax.set_xticks(range(values.shape[1]), list(values.columns), rotation=55, ha="right", rotation_mode="anchor")
    ax.axvline(0.5, color="0.15", linewidth=1.2)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for side in ax.spines.values():
        side.set_visible(False)
    return image


def _row_name(label: str, trials: pd.DataFrame) -> str:
    """The method, with the number of data sets a cell where it ran on fewer than others, and its marks."""
    sets = trials[trials["label"] == label].groupby(list(CELL))["repeat"].nunique().max()
    name = label + (" †" if label in unsure(trials) else "")
    return name + (f"  ({sets} sets)" if sets < trials["repeat"].nunique() else "")


def _title(trials: pd.DataFrame) -> str:
    return (
        f"SHD of CPDAGs over the number of true edges, when one thing changes. Clean: {_home(trials)}, "
        f"d = {trials['d'].iloc[0]}, raw, Gaussian, equal variances.\n"
        f"Mean of {trials['repeat'].nunique()} data sets a cell; a failed trial counts as the empty graph; best "
        "method on average first"
    )
