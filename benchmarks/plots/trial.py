"""One trial: the true graph beside the estimate, edge by edge. Called by `benchmarks.figures`."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from adag.errors import UsageError
from benchmarks.datasets import load
from benchmarks.keys import CELL, TRIAL, DatasetKey
from benchmarks.plots.layout import heading
from benchmarks.records import read_records
from benchmarks.summary import method_order

KINDS = {
    "right": "#0072B2", "reversed": "#E69F00", "without direction": "#56B4E9", "extra": "#D55E00", "missing": "#BDBDBD",
}  # fmt: skip
"""What may become of an edge; drawn at [i, j] for i -> j, an undirected one at both."""


def median_trial(trials: pd.DataFrame) -> pd.Series | None:
    """The trial drawn without a wish: of the first method on the largest graphs, the (lower) median by SHD of CPDAGs.

    None where no trial has a graph and a truth.
    """
    for label in method_order(trials):
        rows = trials[(trials["label"] == label) & trials["shd_cpdag"].notna()]
        if len(rows):
            rows = rows[rows["d"] == rows["d"].max()]
            ordered = rows.sort_values(["shd_cpdag", *CELL, "repeat"], kind="stable")
            return ordered.iloc[(len(rows) - 1) // 2]
    return None


def chosen_trial(trials: pd.DataFrame, name: str) -> pd.Series:
    """The trial called KEY/METHOD, KEY as `DatasetKey.canonical` writes it.

    Raises
    ------
    UsageError
        The run has no such trial, it has no estimate, or its true graph is not known.
    """
    for label in method_order(trials):
        if name.endswith(f"/{label}"):
            rows = trials[trials["label"] == label]
            wanted = name.removesuffix(f"/{label}")
            for _, row in rows.iterrows():
                if _key(row).canonical() == wanted:
                    if row["status"] != "ok" or np.isnan(row["true_edges"]):
                        why = f"ended as '{row['status']}'" if row["status"] != "ok" else "has no known true graph"
                        raise UsageError(f"trial '{name}' {why}: choose one with an estimate and a truth")
                    return row
    example = median_trial(trials)
    hint = "" if example is None else f", e.g. {_key(example).canonical()}/{example['label']}"
    raise UsageError(f"the run has no trial '{name}': give KEY/METHOD{hint}")


def adjacency(folder: Path, row: pd.Series) -> Figure:
    """The true graph, the estimate with each edge's fate, and the method's confidence where it has one."""
    records = read_records(folder)
    record = records[(records[list(TRIAL)] == row[list(TRIAL)]).all(axis=1)].iloc[0]
    key = _key(row)
    shape = (key.d, key.d)
    data = load(key)
    truth, names = data.truth, [str(name) for name in data.X.columns]
    estimate = np.asarray(record["adjacency"], dtype=np.int8).reshape(shape)
    confidence = record["confidence"]
    count = 2 if confidence is None else 3
    side = min(5.5, 1.6 + 0.16 * key.d)
    figure, axes = plt.subplots(1, count, figsize=(max(7.0, side * count + 0.6), side + 0.5), layout="constrained")
    one = ListedColormap(["white", "0.2"])
    axes[0].imshow(truth, cmap=one, vmin=0, vmax=1)
    axes[0].set_title(f"truth, {truth.sum()} edges")
    fates = fate(truth, estimate)
    axes[1].imshow(fates, cmap=ListedColormap(["white", *KINDS.values()]), vmin=0, vmax=len(KINDS))
    undirected = int((estimate == 2).sum()) // 2
    axes[1].set_title(f"{row['label']}, {int((estimate == 1).sum()) + undirected} edges")
    if confidence is not None:
        shown = np.asarray(confidence, dtype=np.float64).reshape(shape)
        image = axes[2].imshow(shown, cmap="Greys", vmin=0)
        figure.colorbar(image, ax=axes[2], shrink=0.75, pad=0.02)
        y, x = np.nonzero(truth)
        axes[2].plot(x, y, "s", markerfacecolor="none", markeredgecolor=KINDS["right"], markersize=min(9, 90 / key.d))
        axes[2].set_title("confidence; squares: true edges")
    for ax in axes:
        _matrix(ax, names)
    present = set(fates.ravel().tolist())
    handles = [Patch(facecolor=colour, label=kind) for k, (kind, colour) in enumerate(KINDS.items(), 1) if k in present]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    score = f"SHD of CPDAGs {row['shd_cpdag']:.0f}" + ("" if np.isnan(row["shd"]) else f", SHD {row['shd']:.0f}")
    heading(figure, f"One trial, row -> column: {score}\n{key.canonical()}/{row['label']}")
    return figure


def fate(truth: NDArray[np.int8], estimate: NDArray[np.int8]) -> NDArray[np.int64]:
    """What became of each edge, shape (d, d): 0 for none, else the place in `KINDS`, from 1."""
    true, found = truth != 0, estimate != 0
    adjacent = true | true.T
    code = {kind: k for k, kind in enumerate(KINDS, 1)}
    result = np.zeros(truth.shape, dtype=np.int64)
    result[true & ~(found | found.T)] = code["missing"]
    result[found & ~adjacent] = code["extra"]
    result[found & true & ~found.T] = code["right"]
    result[found & ~true & adjacent & ~found.T] = code["reversed"]
    result[found & found.T & adjacent] = code["without direction"]
    return result


def _matrix(ax: Axes, names: list[str]) -> None:
    d = len(names)
    few = d <= 30
    ax.set_xticks(range(d) if few else [], names if few else [], rotation=90)
    ax.set_yticks(range(d) if few else [], names if few else [])
    ax.tick_params(length=0, labelsize=7)
    ax.grid(visible=False)
    ax.set_xticks(np.arange(-0.5, d), minor=True)
    ax.set_yticks(np.arange(-0.5, d), minor=True)
    ax.grid(which="minor", color="0.9", linewidth=0.5)
    ax.tick_params(which="minor", length=0)
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color("0.8")


def _key(row: pd.Series) -> DatasetKey:
    values = {str(name): row[name] for name in [*CELL, "repeat"]}
    whole = {name: int(values[name]) for name in ("d", "n", "repeat")}
    return DatasetKey(**{**values, **whole, "degree": float(values["degree"])})
