"""Methods against each other over all data sets of a run: ranks, profiles, wins. Called by `benchmarks.figures`."""

import itertools

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.pyplot import subplots

from benchmarks.claims import DATA_SET, data_sets, errors
from benchmarks.look import look
from benchmarks.plots.layout import METRICS, heading, ink, legend
from benchmarks.statistics import (
    ALPHA,
    average_ranks,
    critical_difference,
    friedman,
    judged,
    paired_difference,
    performance_profile,
    win_rates,
)  # fmt: skip
from benchmarks.summary import method_order

FEWEST = 5
"""Data sets below which ranks and profiles are an anecdote."""


def critical_differences(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """Average ranks, with bars over the methods that Nemenyi's test does not tell apart; None for too little data."""
    tables = _comparable(trials, least_methods=3)
    if not tables:
        return None
    labels = method_order(trials)
    height = sum(1.25 + 0.13 * table.shape[1] for table in tables.values())
    figure, axes = subplots(
        len(tables), 1, figsize=(8.2, height), squeeze=False, layout="constrained",
        height_ratios=[2 + table.shape[1] / 2 for table in tables.values()],
    )  # fmt: skip
    for ax, (metric, table) in zip(axes[:, 0], tables.items(), strict=True):
        ranks = average_ranks(table).sort_values(kind="stable")
        step = critical_difference(len(ranks), len(table))
        _diagram(ax, ranks, step, labels)
        p = friedman(table)
        chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        ax.set_title(f"{METRICS[metric]}: average rank over {len(table):,} data sets (Friedman {chance})")
    heading(figure, f"Who ranks where: 1 is best, failures last; joined by a bar: not told apart (Nemenyi, {ALPHA:g})")
    return figure


def _diagram(ax: Axes, ranks: pd.Series, step: float, labels: list[str]) -> None:
    count = len(ranks)
    half = (count + 1) // 2
    groups = cliques(ranks.to_numpy(), step)
    names = 0.75 + 0.35 * len(groups)  # rows of names start below the bars
    ax.set_xlim(1 - 0.02 * count, count + 0.02 * count)
    ax.set_ylim(names + half + 0.1, -1.9)
    ax.plot([1, count], [0, 0], color="0.2", linewidth=1)
    for tick in range(1, count + 1):
        ax.plot([tick, tick], [-0.15, 0], color="0.2", linewidth=1)
        ax.text(tick, -0.25, str(tick), ha="center", va="bottom", fontsize=8)
    ax.plot([1, 1 + step], [-1.6, -1.6], color="0.2", linewidth=2, marker="|", markersize=6)
    ax.text(1 + step + 0.02 * count, -1.6, f"critical difference {step:.2f}", va="center", fontsize=7.5)
    for row, (first, last) in enumerate(groups):
        y = 0.4 + 0.35 * row
        ax.plot([ranks.iloc[first] - 0.03, ranks.iloc[last] + 0.03], [y, y], color="0.15", linewidth=3.5,
                solid_capstyle="round")  # fmt: skip
    for place, (label, rank) in enumerate(ranks.items()):
        colour, marker = look(str(label), labels)
        left = place < half
        y = names + (place if left else count - 1 - place) + 0.5
        end = 1 - 0.06 * count if left else count + 0.06 * count
        ax.plot([rank, rank, end], [0, y, y], color=colour, linewidth=1.1, clip_on=False)
        ax.plot([rank], [0], marker, color=colour, markersize=6, clip_on=False, zorder=4)
        ax.annotate(f"{label}  {rank:.2f}" if left else f"{rank:.2f}  {label}", (end, y), xytext=(-4 if left else 4, 0),
                    textcoords="offset points", ha="right" if left else "left", va="center", fontsize=8.5,
                    annotation_clip=False)  # fmt: skip
    ax.set_axis_off()


def cliques(ranks: np.ndarray, step: float) -> list[tuple[int, int]]:
    """Of ascending ranks the longest runs (first, last) within a step of each other, two methods at least."""
    found: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = int(np.searchsorted(ranks, ranks[first] + step, side="right")) - 1
        if last > first and not (found and found[-1][1] >= last):
            found.append((first, last))
    return found


def profiles(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """Share of data sets on which each method is within so many errors of the best there; None for too little data."""
    tables = _comparable(trials, least_methods=2)
    if not tables:
        return None
    labels = method_order(trials)
    edges = trials.drop_duplicates(DATA_SET).set_index(DATA_SET)["true_edges"].clip(lower=1)
    figure, axes = subplots(1, len(tables), figsize=(max(6.4, 4.8 * len(tables)), 3.4), squeeze=False, sharey=True,
                            layout="constrained")  # fmt: skip
    for ax, (metric, table) in zip(axes[0], tables.items(), strict=True):
        profile = performance_profile(table, edges.loc[table.index])
        for label in [label for label in labels if label in profile]:
            colour, marker = look(label, labels)
            # Markers where curves that lie on each other do not hide them.
            marks = np.searchsorted(profile.index, np.linspace(0.02, 1.2, 6) + 0.02 * labels.index(label))
            ax.step(profile.index, profile[label], where="post", color=colour, linewidth=1.6, label=label,
                    marker=marker, markersize=4.5, markevery=sorted({*marks} - {len(profile)}))  # fmt: skip
        ax.set_xlim(0, min(1.5, max(0.1, float(profile.index.max()))))
        ax.set_ylim(0, 1.01)
        ax.set_title(f"{METRICS[metric]}, {len(table):,} data sets")
        ax.set_xlabel("errors more than the best method there / true edges")
    axes[0, 0].set_ylabel("share of data sets")
    legend(figure, trials)
    heading(figure, "Performance profiles: on how many data sets a method comes that near to the best; higher is better"
                    "\nAt 0: on how many it is the best, alone or not; a failure never comes near")  # fmt: skip
    return figure


def wins(trials: pd.DataFrame, notes: str = "") -> Figure | None:
    """How often the row's method beats the column's; bold where the mean difference is significant."""
    tables = _comparable(trials, least_methods=2)
    if not tables:
        return None
    labels = method_order(trials)
    sizes = [table.shape[1] for table in tables.values()]
    figure, axes = subplots(1, len(tables), figsize=(1.9 * len(tables) + 0.52 * sum(sizes), 1.4 + 0.42 * max(sizes)),
                            squeeze=False, layout="constrained", width_ratios=sizes)  # fmt: skip
    for ax, (metric, table) in zip(axes[0], tables.items(), strict=True):
        order = [label for label in labels if label in table]
        rates = win_rates(table[order])
        penalised = data_sets(trials, metric).loc[table.index]
        pairs = list(itertools.combinations(order, 2))
        verdicts = judged([paired_difference(penalised[one], penalised[two]) for one, two in pairs])
        sure = {frozenset(pair) for pair, (_, claimed) in zip(pairs, verdicts, strict=True) if claimed}
        shade = rates.to_numpy(copy=True)
        np.fill_diagonal(shade, np.nan)
        image = ax.imshow(shade, cmap="PuOr_r", vmin=0, vmax=1)
        for i, j in itertools.permutations(range(len(order)), 2):
            rate = float(shade[i, j])
            ax.text(j, i, f"{100 * rate:.0f}", ha="center", va="center", fontsize=8, color=ink(image, rate),
                    fontweight="bold" if frozenset((order[i], order[j])) in sure else "normal",
                    alpha=1.0 if frozenset((order[i], order[j])) in sure else 0.75)  # fmt: skip
        ax.set_xticks(range(len(order)), order, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(order)), order)
        ax.tick_params(length=0, labelsize=8)
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        ax.set_title(f"{METRICS[metric]}, {len(table):,} data sets")
    heading(figure, "Wins of the row over the column, % of data sets (a tie is half a win, a failure loses)\n"
                    "Bold: a significant paired difference, Holm-corrected over all pairs")  # fmt: skip
    return figure


def _comparable(trials: pd.DataFrame, least_methods: int) -> dict[str, pd.DataFrame]:
    """Errors by metric over the data sets that every method was run on; without what is too little to compare."""
    known = trials[trials["true_edges"].notna()]
    run = known.pivot(index=DATA_SET, columns="label", values="status").notna().all(axis=1)
    whole = run.index[run]
    tables = {metric: errors(known, metric) for metric in METRICS}
    return {
        metric: table.loc[whole]
        for metric, table in tables.items()
        if table.shape[1] >= least_methods and len(whole) >= FEWEST
    }
