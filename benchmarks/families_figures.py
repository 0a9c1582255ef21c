"""What family checkpoints have learnt, drawn from CSVs: ``python benchmarks/families_figures.py [results/families]``.

``spectrum.csv`` and ``maps.csv`` give the figures ``spectrum-NAME``, ``bias-NAME`` and ``attention-NAME`` of every
checkpoint, ``curves.csv`` gives ``curves-FAMILY``, ``sachs_folds.csv`` gives ``sachs-folds``. Also called by `families`
and `sachs_folds` at the end. The same files give the same bytes.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from adag.errors import UsageError
from benchmarks.figures import draw_all, save
from benchmarks.look import HUES, LOOK, STYLE
from benchmarks.sachs import EDGES
from benchmarks.statistics import interval

LEAST = 1e-5
"""Of the total square: a component with a smaller share is not drawn."""
CURVES = {
    "n": "samples n of a data set",
    "M": "training domains M",
    "distance": "pairs ordered otherwise than in training (share)",
}
KNOWN = {
    "adag-family, unsupervised": LOOK["adag-family"],
    "adag-family, self-taught": LOOK["adag-family-self-taught"],
    "adag-family, supervised": LOOK["adag-family-supervised"],
    **{name: LOOK[name] for name in ("adag", "adag-adapted", "pooled-order-ridge", "oracle-order-ridge")},
}


def draw(folder: Path) -> list[Path]:
    """Draw what the folder's CSVs allow into ``folder/figures``; the files written."""
    tables = {name: pd.read_csv(path) for name in ("spectrum", "maps", "curves")
              if (path := folder / f"{name}.csv").exists()}  # fmt: skip
    written = draw_folds(folder) if (folder / "sachs_folds.csv").exists() else []
    if not tables and not written:
        raise UsageError(f"'{folder}' holds no spectrum.csv, maps.csv or curves.csv: run benchmarks/families.py")
    with plt.rc_context(STYLE):
        if "maps" in tables and "spectrum" in tables:
            for name, maps in tables["maps"].groupby("checkpoint"):
                maps["row"] = maps["row"].fillna("")
                rows = tables["spectrum"][tables["spectrum"]["checkpoint"] == name]
                written += save(spectrum(str(name), rows, maps), folder / "figures", f"spectrum-{name}")
                for kind, make in (("bias", bias), ("attention", attention)):
                    figure = make(str(name), maps[maps["figure"] == kind])
                    written += save(figure, folder / "figures", f"{kind}-{name}")
        if "curves" in tables:
            for (family, d), rows in tables["curves"].groupby(["family", "d"]):
                written += save(curves(f"{family}, d = {d}", rows), folder / "figures", f"curves-{family}-d{d}")
    return written


def draw_folds(folder: Path) -> list[Path]:
    """Draw the one figure of ``sachs_folds.csv``; the files written."""
    with plt.rc_context(STYLE):
        return save(folds(pd.read_csv(folder / "sachs_folds.csv")), folder / "figures", "sachs-folds")


def spectrum(name: str, rows: pd.DataFrame, maps: pd.DataFrame) -> Figure:
    """Shares of the components (left) and the leading ones as maps (right), a row a source."""
    leading = maps[maps["figure"] == "spectrum"]
    sources, columns = list(dict.fromkeys(rows["source"])), list(dict.fromkeys(leading["row"]))
    figure = plt.figure(figsize=(5 + 1.5 * len(columns), 1.9 * len(sources) + 0.5), layout="constrained")
    left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[4.6, 1.6 * len(columns)])[0]
    ax = left.subplots()
    for source, (colour, marker) in zip(sources, HUES, strict=False):
        own = rows[(rows["source"] == source) & (rows["share"] >= LEAST)]
        label = f"{source}: {own['outside'].iloc[0]:.1%} on entries ruled out"
        ax.plot(own["component"], own["share"], color=colour, marker=marker, markersize=3, linewidth=1, label=label)
    free = int(maps.loc[(maps["figure"] == "bias") & (maps["column"] == "shared"), "value"].sum())
    ax.axvline(free, color="0.5", linewidth=1, linestyle=":")
    ax.text(free, 1.0, f" {free} entries that\n the family allows", color="0.4", fontsize=7, va="top",
            transform=ax.get_xaxis_transform())  # fmt: skip
    ax.set_yscale("log")
    ax.set_xlabel("principal component over test domains")
    ax.set_ylabel("share of the total square")
    left.legend(loc="outside lower center", fontsize=7)
    axes = right.subplots(len(sources), len(columns), squeeze=False)
    for k, source in enumerate(sources):
        for j, column in enumerate(columns):
            _map(axes[k, j], leading[(leading["column"] == source) & (leading["row"] == column)], signed=True)
            if k == 0:
                axes[k, j].set_title(column, fontsize=8)
        axes[k, 0].set_ylabel(source.replace(", ", ",\n"), fontsize=7)
    figure.suptitle(f"{name}: what answers and truth vary in. Maps: from row to column, causes first, in the shared "
                    "order", x=0.01, ha="left", fontsize=9)  # fmt: skip
    return figure


def bias(name: str, maps: pd.DataFrame) -> Figure:
    """The bias of every pair and what the network makes of it, beside what the family shares."""
    titles = {
        "shared": "what the family allows",
        "size": "size of the learned bias",
        "before, at the mean": "P(i before j), mean features",
        "before, on average": "P(i before j), mean of domains",
        "pair": "belief in the pair, mean features",
    }
    figure, axes = plt.subplots(1, len(titles), figsize=(3.0 * len(titles), 3.2), layout="constrained")
    for ax, (column, text) in zip(axes, titles.items(), strict=True):
        limits = None if column == "size" else (0.0, 1.0)
        image = _map(ax, maps[maps["column"] == column], limits=limits, labels=True)
        figure.colorbar(image, ax=ax, shrink=0.7)
        ax.set_title(text, fontsize=8)
    text = (f"{name}: the learned bias, and what the network then says of training domains (at their mean features, or "
            "on average). i: row, j: column, in the shared order")  # fmt: skip
    figure.suptitle(text, x=0.01, ha="left", fontsize=9)
    return figure


def attention(name: str, maps: pd.DataFrame) -> Figure:
    """The kernel products of every layer for one data set, beside its true and its estimated weights."""
    layers = [column for column in dict.fromkeys(maps["column"]) if column.startswith("layer")]
    forms = [row for row in dict.fromkeys(maps["row"]) if row]
    figure, axes = plt.subplots(len(forms), len(layers) + 1, squeeze=False, layout="constrained",
                                figsize=(1.9 * (len(layers) + 1), 2.0 * len(forms) + 0.4))  # fmt: skip
    for ax, column in zip(axes[:, 0], ("A, true", "A-hat", None), strict=False):
        if column is None:
            ax.axis("off")
            continue
        _map(ax, maps[maps["column"] == column], signed=True, labels=True)
        ax.set_title(column, fontsize=8)
    for j, layer in enumerate(layers, start=1):
        for k, form in enumerate(forms):
            _map(axes[k, j], maps[(maps["column"] == layer) & (maps["row"] == form)])
            if k == 0:
                axes[k, j].set_title(layer, fontsize=8)
            if j == 1:
                axes[k, j].set_ylabel(form, fontsize=8)
    figure.suptitle(f"{name}: attention on one data set (root mean square over the kernels, dark is strong), of three "
                    "kinds: variables alike\nas causes (rows), as effects (columns), and paths from row to column",
                    x=0.01, ha="left", fontsize=9)  # fmt: skip
    return figure


def curves(title: str, rows: pd.DataFrame) -> Figure:
    """SHD against n, M and the distance (above) and the hours of training behind it (below), a column a curve."""
    shown = [curve for curve in CURVES if curve in set(rows["curve"])]
    names = list(dict.fromkeys(rows["method"]))
    strangers = [name for name in names if name not in KNOWN]
    figure, axes = plt.subplots(2, len(shown), figsize=(max(5.5, 3.8 * len(shown)), 4.4), squeeze=False, sharex="col",
                                height_ratios=[3, 1], layout="constrained")  # fmt: skip
    for k, curve in enumerate(shown):
        top, bottom = axes[:, k]
        for name in names:
            own = rows[(rows["curve"] == curve) & (rows["method"] == name)].sort_values("x")
            if own.empty:
                continue
            colour, marker = KNOWN.get(name) or HUES[strangers.index(name) % len(HUES)]
            error = [own["shd"] - own["low"], own["high"] - own["shd"]]
            style = "--" if name.startswith("oracle") else "-"  # it often lies on the pooled one
            top.errorbar(own["x"], own["shd"], yerr=error, color=colour, marker=marker, markersize=5, linewidth=1.3,
                         elinewidth=1, capsize=2, label=name, linestyle=style)  # fmt: skip
            if own["train_hours"].notna().any():
                bottom.plot(own["x"], own["train_hours"], color=colour, marker=marker, markersize=4, linewidth=1)
        top.set_ylim(bottom=0)
        bottom.margins(y=0.2)
        bottom.set_ylim(bottom=0)
        bottom.set_xlabel(CURVES[curve])
        if curve != "distance":
            top.set_xscale("log")
        if curve == "n":
            ticks = sorted(rows.loc[rows["curve"] == curve, "x"].unique())
            bottom.set_xticks(ticks, [f"{x:g}" for x in ticks])
            bottom.minorticks_off()
    axes[0, 0].set_ylabel("SHD")
    axes[1, 0].set_ylabel("hours of\ntraining")
    handles = {label: handle for ax in axes[0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=min(3, len(handles)))
    figure.suptitle(f"{title}: mean SHD of fresh domains with its 95% interval; lower is better", x=0.01, ha="left",
                    fontsize=10)  # fmt: skip
    return figure


def folds(rows: pd.DataFrame) -> Figure:
    """SHD of the held-out condition against the number of conditions adapted to: each fold, and their mean."""
    figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    places = {domains: k for k, domains in enumerate(sorted(rows["domains"].unique()))}
    for method, own in rows.groupby("method", sort=False):
        colour, marker = LOOK[str(method)]
        by = [(places[domains], interval(part["shd"])) for domains, part in own.groupby("domains")]
        x = np.array([place for place, _ in by]) + {"adag": -0.08, "adag-refined": 0.08}.get(str(method), 0.0)
        mean = np.array([value.mean for _, value in by])
        error = [mean - [value.low for _, value in by], [value.high for _, value in by] - mean]
        ax.errorbar(x, mean, yerr=error, color=colour, marker=marker, markersize=6, linewidth=1.3, capsize=3,
                    label=str(method), zorder=3)  # fmt: skip
        if len(by) > 1:
            for _, fold in own.groupby("condition", sort=False):
                ax.plot([places[domains] for domains in fold["domains"]], fold["shd"], color=colour, linewidth=0.7,
                        alpha=0.35)  # fmt: skip
    ax.axhline(EDGES, color="0.5", linewidth=1, linestyle=":", label="no edge at all")
    ax.set_ylim(bottom=0)
    ax.set_xticks(list(places.values()), ["none" if domains == 0 else str(domains) for domains in places])
    ax.set_xlabel("conditions adapted to, of the other eight")
    ax.set_ylabel("SHD to the consensus DAG")
    figure.legend(loc="outside lower center", ncols=4)
    figure.suptitle("Sachs: nine conditions, each held out in turn (thin); mean and 95% interval.\nLower is better",
                    x=0.01, ha="left", fontsize=9)  # fmt: skip
    return figure


def _map(
    ax: Axes, cells: pd.DataFrame, *, signed: bool = False, limits: tuple[float, float] | None = None,
    labels: bool = False,
) -> AxesImage:  # fmt: skip
    """A d x d map from its long form."""
    matrix: NDArray[np.float64] = cells.pivot(index="i", columns="j", values="value").to_numpy()
    most = float(np.abs(matrix).max()) or 1.0
    low, high = limits or ((-most, most) if signed else (0.0, most))
    image = ax.imshow(matrix, cmap="RdBu_r" if signed else "Greys", vmin=low, vmax=high)
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)
    if labels:
        ax.set_xlabel("effect j", fontsize=8)
        ax.set_ylabel("cause i", fontsize=8)
    return image


def main(arguments: list[str]) -> int:
    """Draw the figures of the folder named, or of the committed one."""
    return draw_all(draw, arguments or ["results/families"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
