"""The numbers that people read: means with 95% intervals per cell, and the tables in the terminal.

Reads a run's ``trials.parquet``. Called by `benchmarks.run` and `benchmarks.figures`; ``python -m benchmarks.summary
results/small`` prints the README's table.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from adag.errors import UsageError
from baselines.given import GIVEN
from benchmarks.claims import DATA_SET, best, scores
from benchmarks.drawn import Drawn, drawn
from benchmarks.folder import PREFIX, title
from benchmarks.keys import CELL, LATER
from benchmarks.statistics import Interval, interval

_UNSURE = "not deterministic, another run may give other graphs for the same seed"


def read_trials(folder: Path) -> pd.DataFrame:
    """The scored trials of a run, with a ``family`` column (ER2, SF2, Sachs)."""
    path = folder / "trials.parquet"
    if not path.exists():
        raise UsageError(f"'{folder}' holds no scored run (no trials.parquet): run benchmarks/run.py --out {folder}")
    trials = pd.read_parquet(path)
    for name, value in LATER.items():  # runs older than the column
        if name not in trials:
            trials[name] = value
    simulated = trials["degree"] > 0  # ER2; data of their own have a name and no degree
    degree = trials["degree"].map("{:g}".format)
    trials["family"] = (trials["graph"].str.upper() + degree).where(simulated, trials["graph"].map(_title))
    trials["family"] += (" " + trials["domain_family"]).where(trials["domain_family"] != "general", "")
    return trials


def method_order(trials: pd.DataFrame) -> list[str]:
    """ADAG first, then by name: the same order in every table and figure."""
    return sorted(trials["label"].unique(), key=lambda label: (not label.startswith("adag"), label))


def given(trials: pd.DataFrame) -> dict[str, str]:
    """What each method of a run was given of the data sets' family; empty where all have the data set alone."""
    by_label = dict(zip(trials["label"], trials["given"], strict=True))
    return by_label if set(by_label.values()) != {"one domain"} else {}


def unsure(trials: pd.DataFrame) -> set[str]:
    """Methods that do not promise one answer for one seed."""
    if "deterministic" not in trials:  # scored before the promise was recorded
        return set()
    return set(trials.loc[~trials["deterministic"].astype(bool), "label"])


def penalised(rows: pd.DataFrame, metric: str) -> float:
    """Mean of ``shd`` or ``shd_cpdag`` where a failed trial scores as the empty graph does: every true edge missing."""
    return float(scores(rows, metric).mean())


def tables(trials: pd.DataFrame, pretrained: dict[str, str], main: Drawn | None = None) -> Group:
    """The run as tables for a terminal: SHD and CPDAG-SHD per cell, then everything per method; notes below.

    By cell only the methods of `main` have a column, where it is given.
    """
    main = main or Drawn(trials, [])
    shown = [
        _per_cell(main.trials, "shd", "SHD to the true DAG, mean [95% interval]; lower is better"),
        _per_cell(main.trials, "shd_cpdag", "SHD between CPDAGs (the score that PC can have)"),
        _overall(trials),
    ]
    parameters = sorted({label for label in trials["label"].unique() if "[" in label})
    notes = [
        "- : not defined for the method (a CPDAG has no SHD to a DAG) or no estimate; N! : N trials failed",
        "° : over the data sets that the method did not fail on; not comparable with the rows without a mark",
        "pen. : penalised, a failed trial scores as the empty graph (as many as the true graph has edges)",
        "bold: the best penalised mean; * : significantly better than every method of another family with such a score",
        "    (paired Wilcoxon tests, p at most 0.05 after Holm's correction over all pairs of methods in all rows of",
        "    the table, and bootstrap intervals of the differences without 0)",
    ]
    if main.left_out:
        notes.append(f"by cell {main.note}")
    if trials.groupby([*CELL, "repeat"])["label"].nunique().nunique() > 1:
        notes.append(
            "(N) : over the first N data sets of the cell only, the method being slow; the others had them all"
        )
    notes += [f"{label} †: {_UNSURE}" for label in sorted(unsure(trials))]
    notes += [f"given {word} : {GIVEN[word]}" for word in GIVEN if word in given(trials).values()]
    notes += _mixtures(trials)
    notes += [f"{label}: {text}" for label, text in sorted(pretrained.items())]
    if parameters:
        notes.append("parameters that differ from the published defaults: " + ", ".join(parameters))
    return Group(*shown, Text("\n".join(notes), style="dim"))


def print_tables(trials: pd.DataFrame, pretrained: dict[str, str], console: Console, main: Drawn | None = None) -> None:
    """Print the summary; wide enough for every column when piped."""
    if not console.is_terminal:
        columns = (main.trials if main else trials)["label"].nunique()
        console = Console(file=console.file, width=max(120, 32 + 22 * columns))
    console.print(tables(trials, pretrained, main))


def markdown(trials: pd.DataFrame) -> str:
    """The README's table: mean SHD with its 95% interval per cell; for CPDAG methods, between CPDAGs (marked).

    The best mean is bold; a star says that it is a claim (`claims.best`). "(N)": over the first N data sets alone.
    """
    methods = method_order(trials)
    only_cpdag = {label for label in methods if trials.loc[trials["label"] == label, "shd"].isna().all()}
    known = given(trials)
    marked = {label: f"{label} †" if label in unsure(trials) else label for label in methods}
    marked = {label: f"{text}; {known[label]}" if known else text for label, text in marked.items()}
    heads = [f"{marked[label]} (CPDAG)" if label in only_cpdag else marked[label] for label in methods]
    group_by = ["family", "d", "n"]
    winners = best(trials, "shd", group_by)
    lines = [f"| graph | n | true edges | {' | '.join(heads)} |", "|---|---|---|" + "---|" * len(methods)]
    for (family, d, n), group in trials.groupby(group_by, sort=False):
        per_data_set = group.drop_duplicates(DATA_SET)
        edges = per_data_set["true_edges"].mean()
        cells = []
        for label in methods:
            rows = group[group["label"] == label]
            value = interval(rows["shd_cpdag" if label in only_cpdag else "shd"])
            spread = "" if np.isnan(value.low) else f" [{value.low:.1f}, {value.high:.1f}]"
            few = f" ({len(rows)})" if len(rows) < len(per_data_set) else ""
            cells.append("fails" if np.isnan(value.mean) else f"{value.mean:.1f}{spread}{few}")
        winning, sure = winners[family, d, n]
        cells = [f"**{cell}**" + r" \*" * sure if label in winning else cell
                 for cell, label in zip(cells, methods, strict=True)]  # fmt: skip
        lines.append(f"| {family}, d = {d} | {n} | {edges:.1f} | {' | '.join(cells)} |")
    lines += [f"\n{label} †: {_UNSURE}" for label in sorted(unsure(trials))]
    return "\n".join(lines)


def _mixtures(trials: pd.DataFrame) -> list[str]:
    """Methods whose rows come from more than one version or time limit."""
    notes = []
    for label, rows in trials.groupby("label"):
        for column, name in (("version", "versions"), ("timeout_s", "time limits")):
            if rows[column].nunique() > 1:
                counts = ", ".join(f"{value} ({count} trials)" for value, count in rows[column].value_counts().items())
                notes.append(f"{label}: rows of different {name}: {counts}")
    return notes


def _per_cell(trials: pd.DataFrame, metric: str, title: str) -> Table:
    methods = method_order(trials)
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("graph", "d", "n", "edges"):
        table.add_column(name, justify="right")
    for label in methods:
        table.add_column(_heading(label, trials), justify="right", overflow="fold")
    named = ("noise", "variance", "scale", "violation", "family_seed", "threshold")
    extra = [name for name in named if trials[name].nunique() > 1]
    previous, groups = None, ["family", *CELL[1:]]
    winners = best(trials, metric, groups)
    for cell, group in trials.groupby(groups, sort=False):
        values: dict[str, Any] = dict(zip(groups, tuple(cell), strict=True))
        block = (values["family"], values["d"])
        if previous not in (None, block):
            table.add_section()
        previous = block
        name = " ".join(
            [values["family"], *(f"cut {values[k]:g}" if k == "threshold" else str(values[k]) for k in extra)]
        )
        per_data_set = group.drop_duplicates("repeat")
        intervals = {label: interval(group.loc[group["label"] == label, metric]) for label in methods}
        winning, sure = winners[cell]
        table.add_row(
            name, str(values["d"]), str(values["n"]), f"{per_data_set['true_edges'].mean():.1f}",
            *(
                _entry(intervals[label], group[group["label"] == label], len(per_data_set), label in winning, sure)
                for label in methods
            ),
        )  # fmt: skip
    return table


def _entry(value: Interval, trials: pd.DataFrame, data_sets: int, best: bool, sure: bool) -> Text:
    failed = int((trials["status"] != "ok").sum())
    suffix = f" {failed}!" if failed else ""
    if len(trials) < data_sets:
        suffix += f" ({len(trials)})"
    if np.isnan(value.mean):
        return Text("-" + suffix)
    spread = "" if np.isnan(value.low) else f" [{value.low:.1f}, {value.high:.1f}]"
    mark = " *" if best and sure else ""
    return Text(f"{value.mean:.1f}{spread}{suffix}{mark}", style="bold green" if best else "")


def _overall(trials: pd.DataFrame) -> Table:
    table = Table(title="All cells together", title_justify="left", header_style="bold")
    table.add_column("method", overflow="fold")  # a parameter is never cut off
    columns = {
        "SHD": "shd", "SHD-CPDAG": "shd_cpdag", "F1": "f1", "F1 skel.": "f1_skeleton", "TPR": "tpr", "FDR": "fdr",
        "AUPRC": "auprc", "SID": "sid",
    }  # fmt: skip
    batched = "batch_size" in trials and trials["batch_size"].gt(0).any()
    times = ["median s", "batched s"] if batched else ["median s"]
    for heading in ("ok", "failed", "SHD pen.", "CPDAG pen.", *columns, *times):
        table.add_column(heading, justify="right")
    winners = {metric: best(trials, metric)[()] for metric in ("shd", "shd_cpdag")}
    for label in method_order(trials):
        rows = trials[trials["label"] == label]
        ok = int((rows["status"] == "ok").sum())
        means = [rows[column].mean() for column in columns.values()]
        mark = "°" if ok < len(rows) else ""  # the hard data sets are often those that fail
        table.add_row(
            _heading(label, trials), str(ok), str(len(rows) - ok),
            *(
                Text(_number(penalised(rows, metric), " *" * (sure and label in winning)),
                     style="bold green" if label in winning else "")
                for metric, (winning, sure) in winners.items()
            ),
            *(_number(m, mark) for m in means), f"{rows['runtime_s'].median():.3g}",
            *([_number(rows["batch_runtime_s"].median(), digits=".3g")] if batched else []),
        )  # fmt: skip
    return table


def _title(graph: str) -> str:
    return "Sachs" if graph == "sachs" else title(graph) if graph.startswith(PREFIX) else graph


def _number(value: float, mark: str = "", digits: str = ".2f") -> str:
    return "-" if np.isnan(value) else f"{value:{digits}}{mark}"


def _heading(label: str, trials: pd.DataFrame) -> Text:
    mark = " †" if label in unsure(trials) else ""
    known = f"\n{given(trials)[label]}" if given(trials) else ""
    return Text(label.replace("[", "\n[").replace(",", ",\n ") + mark + known)  # parameters on their own line


if __name__ == "__main__":
    run = Path(sys.argv[1])
    print(markdown(drawn(read_trials(run), run).trials))
