"""Who may be said to be better: a run's trials as tables of data sets x methods, and the claims that they bear out.

A claim is "the best mean of a group of data sets is better than every method of another family". It is made where every
such paired difference is significant (`statistics.paired_difference`). Called by `benchmarks.summary` and the figures.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.keys import CELL
from benchmarks.statistics import holm, paired_difference, paired_p, significant

DATA_SET = [*CELL, "repeat"]
FAILED_AS_EMPTY = ("shd", "shd_cpdag", "shd_skeleton")
"""Metrics in which a failed trial is given the score of the empty graph: as many errors as true edges."""


def family(label: str) -> str:
    """Variants of one method are one family: adag, adag-refined; golem-ev, golem[num_iter=10000]."""
    return label.split("[")[0].split("-")[0]


def scores(trials: pd.DataFrame, metric: str) -> pd.Series:
    """A metric of each trial where a failed trial scores as the empty graph does; see `FAILED_AS_EMPTY`.

    NaN for every trial of a method that has no such metric (a CPDAG has no SHD to a DAG), failed or not.

    Raises
    ------
    ValueError
        The empty graph's score is not known for the metric.
    """
    if metric not in FAILED_AS_EMPTY:
        raise ValueError(f"a failure has no score in '{metric}': choose from {', '.join(FAILED_AS_EMPTY)}")
    ok = trials["status"] == "ok"
    found = trials[metric].notna().groupby(trials["label"]).any()
    succeeded = ok.groupby(trials["label"]).any()
    without = trials["label"].map(succeeded & ~found).astype(bool)
    return trials[metric].where(ok, trials["true_edges"]).mask(without)


def data_sets(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """`scores` as a table of data sets x methods, without the methods that have none."""
    table = trials.assign(score=scores(trials, metric)).pivot(index=DATA_SET, columns="label", values="score")
    return table.dropna(axis=1, how="all")


def errors(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric as a table of data sets x methods where a failure is NaN: for ranks and profiles."""
    return trials.pivot(index=DATA_SET, columns="label", values=metric).dropna(axis=1, how="all")


def best(trials: pd.DataFrame, metric: str, by: Sequence[str] = ()) -> dict[Any, tuple[set[str], bool]]:
    """Of every group of data sets: the methods with the best penalised mean, and whether the claim holds.

    The claim's p is the largest of the paired tests against the methods of other families (all must be beaten, so none
    is a second chance), times the number of variants in the winner's family (it is the best of so many), corrected by
    Holm over the groups. That the winner was chosen by looking needs no more, as the test against the runner-up is
    two-sided (Gutmann and Maymin 1987; Hung and Fithian 2019). The intervals of all differences must exclude 0 too.

    Parameters
    ----------
    trials : DataFrame
        Of `summary.read_trials`.
    metric : str
        One of `FAILED_AS_EMPTY`.
    by : sequence of str
        Columns that name a group, e.g. `CELL`; without, all data sets are one group, named ``()``.
    """
    groups: list[tuple[Any, pd.DataFrame]] = list(trials.groupby(list(by), sort=False)) if by else [((), trials)]
    tables = {key: data_sets(group, metric) for key, group in groups}
    # A method that ran on some of the data sets only has a mean of others: it can be beaten, and cannot win.
    winners = {key: _lowest(table.dropna(axis=1).mean()) for key, table in tables.items()}
    corrected = holm([_claim(tables[key], winners[key]) for key in tables])
    return {
        key: (winners[key], bool(p <= 0.05) and _apart(tables[key], winners[key]))
        for key, p in zip(tables, corrected, strict=True)
    }


def _lowest(means: pd.Series) -> set[str]:
    return {str(label) for label in means.index[means == means.min()]}


def _claim(table: pd.DataFrame, winners: set[str]) -> float:
    """The p value before Holm: 1 where two families share the best mean, NaN where there is no one to beat."""
    families = {family(label) for label in winners}
    if len(families) > 1:
        return 1.0
    rivals = [label for label in table if family(str(label)) not in families]
    variants = table.shape[1] - len(rivals)
    if not rivals or not winners:
        return float("nan")
    p = [paired_p(table[winner], table[rival]) for winner in winners for rival in rivals]
    return float(np.minimum(1, variants * np.max(p)))


def _apart(table: pd.DataFrame, winners: set[str]) -> bool:
    own = {family(label) for label in winners}
    rivals = [label for label in table if family(str(label)) not in own]
    differences = [paired_difference(table[winner], table[rival]) for winner in winners for rival in rivals]
    return all(significant(difference, difference.p) for difference in differences)
