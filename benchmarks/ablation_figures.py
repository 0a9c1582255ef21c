"""Figures of the ablations, from their CSVs alone: ``python benchmarks/ablation_figures.py [results/ablations]``.

Also called by `benchmarks.ablation` at the end. The same files give the same bytes.
"""

import sys
from pathlib import Path

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from adag.errors import UsageError
from benchmarks.figures import draw_all, save
from benchmarks.look import HUES, STYLE


def draw(folder: Path) -> list[Path]:
    """Draw what the folder's CSVs allow into ``folder/figures``; the files written."""
    written = []
    with plt.rc_context(STYLE):
        for name, make in (("trained", trained), ("outside", outside)):
            file = folder / f"{name}.csv"
            if file.exists():
                figure = make(pd.read_csv(file, dtype={"value": str}))
                written += save(figure, folder / "figures", name)
    if not written:
        raise UsageError(f"'{folder}' holds no ablation (trained.csv, outside.csv): run benchmarks/ablation.py")
    return written


def trained(rows: pd.DataFrame) -> Figure:
    """SHD of every variant, a panel for each ablation, a colour for each cell of data sets."""
    cells = list(dict.fromkeys(rows["cell"]))
    ablations = list(dict.fromkeys(rows["ablation"]))
    columns = min(3, len(ablations))
    lines = -(-len(ablations) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(3.4 * columns, 2.9 * lines), squeeze=False,
                                layout="constrained")  # fmt: skip
    for ax, ablation in zip(axes.flat, ablations, strict=False):
        panel = rows[rows["ablation"] == ablation]
        shown = [cell for cell in cells if cell in set(panel["cell"])]
        values = _in_order(panel["value"])
        for k, cell in enumerate(shown):
            points = panel[panel["cell"] == cell].set_index("value").reindex(values)
            x = [i + 0.05 * (k - (len(shown) - 1) / 2) for i in range(len(values))]
            _points(ax, x, points, cell, HUES[cells.index(cell) % len(HUES)], joined=values[0].isdigit())
        ax.set_xticks(range(len(values)), [_short(value) for value in values])
        ax.set_xlim(-0.4, len(values) - 0.6)
        ax.set_ylim(bottom=0)
        ax.set_title(ablation)
    for ax in axes.flat[len(ablations) :]:
        ax.axis("off")
    for ax in axes[:, 0]:
        ax.set_ylabel("SHD")
    handles = {label: handle for ax in axes.flat for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4, fontsize=8)
    count = rows["data_sets"].max()
    figure.suptitle(f"Small networks, one budget an ablation; mean and 95% interval over {count} fresh ER2 data sets",
                    x=0.01, ha="left", fontsize=10)  # fmt: skip
    return figure


def outside(rows: pd.DataFrame) -> Figure:
    """SHD as a share of the true edges where one thing leaves the training range, a panel for each thing."""
    factors = list(dict.fromkeys(rows["factor"]))
    names = list(dict.fromkeys(rows["checkpoint"]))
    columns = min(3, len(factors))
    lines = -(-len(factors) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(3.4 * columns, 2.9 * lines), squeeze=False, sharey=True,
                                layout="constrained")  # fmt: skip
    for ax, factor in zip(axes.flat, factors, strict=False):
        panel = rows[rows["factor"] == factor]
        values = list(dict.fromkeys(panel["value"]))
        for k, name in enumerate(names):
            points = panel[panel["checkpoint"] == name].set_index("value").reindex(values)
            points[["shd", "shd_low", "shd_high"]] = points[["shd", "shd_low", "shd_high"]].div(
                points["true_edges"], axis=0
            )
            x = [i + 0.15 * (k - (len(names) - 1) / 2) for i in range(len(values))]
            look = HUES[k % len(HUES)]
            _points(ax, x, points, name, look, joined=factor in ("d", "n", "degree"))
            out = [i for i, inside in enumerate(points["inside"]) if str(inside) == "False"]
            ax.plot([x[i] for i in out], points["shd"].iloc[out], look[1], color=look[0], markersize=5,
                    markerfacecolor="white", zorder=4)  # fmt: skip
        ax.axhline(1.0, color="0.5", linewidth=1, linestyle=":", zorder=1)
        ax.set_xticks(range(len(values)), [_short(value) for value in values])
        ax.tick_params(axis="x", labelrotation=90 if max(map(len, values)) > 3 else 0)
        ax.set_title({"weights": "|weights|"}.get(factor, factor))
        ax.set_ylim(bottom=0)
    for ax in axes.flat[len(factors) :]:
        ax.axis("off")
    for ax in axes[:, 0]:
        ax.set_ylabel("SHD / true edges")
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=max(1, len(names)))
    figure.suptitle(
        "Inside (filled) and outside (hollow) of what was trained on; dotted: the empty graph\n"
        "d = 20, n = 100, ER2 (ER1 at d = 5), Gaussian, equal variances but for what is varied; "
        f"mean and 95% interval over {rows['data_sets'].max()} data sets",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    return figure


def _points(ax: Axes, x: list[float], points: pd.DataFrame, label: str, look: tuple[str, str], joined: bool) -> None:
    errors = [points["shd"] - points["shd_low"], points["shd_high"] - points["shd"]]
    ax.errorbar(x, points["shd"], yerr=[e.fillna(0).clip(lower=0) for e in errors], color=look[0], marker=look[1],
                markersize=5, linewidth=1.4 if joined else 0, elinewidth=1, capsize=2, label=label)  # fmt: skip


def _in_order(values: pd.Series) -> list[str]:
    found = list(dict.fromkeys(values))
    return sorted(found, key=int) if all(value.isdigit() for value in found) else found


def _short(value: str) -> str:
    """1000 and more as powers of ten; other numbers and words as they are."""
    if value.isdigit() and len(value) > 3 and value.strip("0") == "1":
        return f"$10^{len(value) - 1}$"
    return value


def main(arguments: list[str]) -> int:
    """Draw the figures of the folder named, or of the committed one."""
    return draw_all(draw, arguments or ["results/ablations"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
