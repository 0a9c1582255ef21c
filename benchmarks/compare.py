"""What changed between two runs: ``python benchmarks/compare.py RUN_A RUN_B [--cells] [--out changes.csv]``.

For authors who improve a method, and for us. First what the runs differ in (versions, machine, checkpoint, grid), then
each method's errors and seconds, paired over the trials that both runs have, with intervals and Holm-corrected p. Where
they share no data set (other repeats), or with ``--unpaired``, the data sets of one cell are taken as two samples.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import pandas as pd
import typer
from rich.console import Console
from rich.table import Table

from adag.errors import UsageError
from benchmarks.changes import changes, same_machine
from benchmarks.claims import DATA_SET, scores
from benchmarks.command import run_command
from benchmarks.keys import CELL
from benchmarks.statistics import Difference, judged, paired_difference, unpaired_difference
from benchmarks.summary import method_order, read_trials

ERRORS = {"shd": "SHD", "shd_cpdag": "SHD of CPDAGs"}
TIME = "runtime"
COLUMNS = [
    "level", "label", *CELL, "metric", "pairing", "data_sets_a", "data_sets_b", "mean_a", "mean_b", "difference",
    "low", "high", "p", "p_holm", "significant",
]  # fmt: skip
"""``difference`` is B - A with its 95% interval; of the metric ``runtime`` all are geometric means and ratios B / A."""


def compare(one: pd.DataFrame, two: pd.DataFrame, unpaired: bool = False) -> pd.DataFrame:
    """Differences of two runs' trials, a row (`COLUMNS`) per method and metric, over all data sets and by cell.

    Errors count a failed trial as the empty graph; seconds are of trials that both runs finished. Holm's correction is
    over all rows of one level (all data sets, or cells), which are shown in one table.

    Raises
    ------
    UsageError
        No method has a cell in both runs.
    """
    sides = [_values(trials) for trials in (one, two)]
    labels = [label for label in method_order(one) if label in set(two["label"])]
    rows, found = list[dict[str, Any]](), list[Difference]()
    for label in labels:
        own = [side[side["label"] == label] for side in sides]
        shared = own[0].merge(own[1], on=DATA_SET)
        pairing = "unpaired" if unpaired or shared.empty else "paired"
        if pairing == "paired":
            keys = shared[DATA_SET]
            own = [side.merge(keys, on=DATA_SET) for side in own]
        cells = own[0][list(CELL)].merge(own[1][list(CELL)]).drop_duplicates()
        own = [side.merge(cells, on=list(CELL)).sort_values(DATA_SET, kind="stable") for side in own]
        groups: list[tuple[str, dict[str, Any], list[pd.DataFrame]]] = [("all", {}, own)]
        for cell in cells.to_dict("records"):
            named = {str(name): value for name, value in cell.items()}
            groups.append(("cell", named, [side.merge(pd.DataFrame([named])) for side in own]))
        for level, named, group in groups:
            for metric in (*ERRORS, TIME):
                if one_row := _difference(group, metric, pairing):
                    known, difference = one_row
                    rows.append(
                        {"level": level, "label": label, **named, "metric": metric, "pairing": pairing, **known}
                    )
                    found.append(difference)
    if not rows:
        raise UsageError("the two runs have no method on a cell in common: nothing can be compared")
    table = pd.DataFrame(rows)
    for level in table["level"].unique():
        at = np.flatnonzero(table["level"] == level)
        verdicts = judged([found[k] for k in at])
        table.loc[at, "p_holm"] = [difference.p for difference, _ in verdicts]
        table.loc[at, "significant"] = [claimed for _, claimed in verdicts]
    table["significant"] = table["significant"].astype(bool)
    return table.reindex(columns=COLUMNS)


def _values(trials: pd.DataFrame) -> pd.DataFrame:
    """Errors with failures as the empty graph, and the logarithm of seconds where the trial ended well."""
    table = trials[["label", *DATA_SET]].copy()
    for metric in ERRORS:
        table[metric] = scores(trials, metric)
    table[TIME] = np.log(trials["runtime_s"].where(trials["status"] == "ok"))
    return table


def _difference(sides: list[pd.DataFrame], metric: str, pairing: str) -> tuple[dict[str, Any], Difference] | None:
    """The columns that a row shows, and the difference (of seconds: of logarithms) that is judged."""
    a, b = (side[metric].to_numpy(dtype=np.float64) for side in sides)
    if pairing == "paired":
        both = np.isfinite(a) & np.isfinite(b)
        a, b = a[both], b[both]
        found = paired_difference(b, a)
    else:
        # Cells differ more than runs do: each value less its cell's mean over both runs.
        level = pd.concat(sides).groupby(list(CELL))[metric].mean().rename("level")
        off = [side[metric] - side.join(level, on=list(CELL))["level"] for side in sides]
        found = unpaired_difference(off[1], off[0])
        a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        return None
    values = [a.mean(), b.mean(), *found[:3]]
    mean_a, mean_b, difference, low, high = np.exp(values) if metric == TIME else values
    shown = {"data_sets_a": len(a), "data_sets_b": len(b), "mean_a": mean_a, "mean_b": mean_b,
             "difference": difference, "low": low, "high": high, "p": found.p}  # fmt: skip
    return shown, found


def show(table: pd.DataFrame, cells: bool, console: Console) -> None:
    """Print the differences over all data sets, and by cell those that are significant (or, on demand, all)."""
    _print(table[table["level"] == "all"], "Over all data sets that both runs have", console)
    by_cell = table[table["level"] == "cell"]
    some = by_cell if cells else by_cell[by_cell["significant"]]
    console.print(f"by cell: {int(by_cell['significant'].sum())} of {len(by_cell)} differences are significant")
    if len(some):
        _print(some, "By cell", console)
    if (table["pairing"] == "unpaired").any():
        console.print("unpaired: the runs' data sets are two samples of each cell (Mann-Whitney, values less their "
                      "cell's mean); only large differences show", soft_wrap=True)  # fmt: skip
    errors = table[(table["level"] == "all") & (table["metric"] != TIME)]
    worse, better = (errors[errors["significant"] & (sign * errors["difference"] > 0)] for sign in (1, -1))
    for word, rows in (("more", worse), ("fewer", better)):
        if len(rows):
            console.print(f"B makes {word} errors: {', '.join(dict.fromkeys(rows['label']))}", soft_wrap=True)
    if worse.empty and better.empty:
        same = (errors["difference"] == 0).all() and (errors["low"] == errors["high"]).all()
        console.print(
            "no difference: the same errors on every data set" if same else "no significant difference in errors"
        )


def _print(rows: pd.DataFrame, title: str, console: Console) -> None:
    shown = Table(title=f"{title}; B - A [95% interval], geometric means and B / A of seconds", title_justify="left")
    by_cell = (rows["level"] == "cell").any()
    for heading in (
        "method",
        *(["cell"] if by_cell else []),
        "metric",
        "data sets",
        "A",
        "B",
        "difference",
        "p (Holm)",
    ):
        shown.add_column(heading, justify="left" if heading in ("method", "cell", "metric") else "right")
    cut = " cut {:g}" if rows["threshold"].nunique() > 1 else ""
    for row in rows.to_dict("records"):
        count = f"{row['data_sets_a']}" if row["pairing"] == "paired" else f"{row['data_sets_a']}, {row['data_sets_b']}"
        digits = ".3g" if row["metric"] == TIME else ".2f"
        numbers = [f"{row[name]:{digits}}" for name in ("mean_a", "mean_b", "difference", "low", "high")]
        name = f"{row['graph']}{row['degree']:g} d={row['d']:.0f} n={row['n']:.0f} {row['noise']} {row['variance']} "
        name += f"{row['scale']} {row['violation']}".removesuffix(" none") + cut.format(row["threshold"])
        shown.add_row(
            row["label"].replace("[", "\\["), *([name] if by_cell else []), ERRORS.get(row["metric"], "seconds"), count,
            *numbers[:2], f"{numbers[2]} \\[{numbers[3]}, {numbers[4]}]{' *' if row['significant'] else ''}",
            f"{row['p_holm']:.3g}",
        )  # fmt: skip
    console.print(shown)


def run(
    run_a: Annotated[Path, typer.Argument(help="Folder of the earlier run.")],
    run_b: Annotated[Path, typer.Argument(help="Folder of the later run.")],
    out: Annotated[Path | None, typer.Option(help="Write every difference to this CSV.")] = None,
    cells: Annotated[bool, typer.Option("--cells", help="Print every cell, not the significant ones alone.")] = False,
    unpaired: Annotated[
        bool, typer.Option("--unpaired", help="Two samples of each cell, even of shared data.")
    ] = False,
) -> None:
    """Say what changed between two runs."""
    folders = (run_a, run_b)
    runs = (read_trials(run_a), read_trials(run_b))
    table = compare(*runs, unpaired)
    console = Console() if sys.stdout.isatty() else Console(width=150)
    found = changes(folders, runs)
    console.print(f"A: {run_a}\nB: {run_b}", markup=False, highlight=False, soft_wrap=True)
    console.print("\n".join(f"  {line}" for line in found) or "  no difference in machine, versions or grid",
                  markup=False, highlight=False, soft_wrap=True)  # fmt: skip
    if not same_machine(folders):
        console.print("warning: the machines differ or are not known: seconds are not comparable", style="yellow")
    show(table, cells, console)
    if out:
        table.to_csv(out, index=False, float_format="%.6g")
        console.print(f"table: {out}", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
