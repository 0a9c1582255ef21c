"""Who may be said to be better: a run's trials as tables of data sets x methods, and the claims that they bear out.

A claim is "the best mean of a group of data sets is better than every method of another family". It is made where every
such paired difference is significant by the one rule, `statistics.judged`. Called by `benchmarks.summary`, the figures
and the pages.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from benchmarks.keys import CELL
from benchmarks.statistics import Difference, judged, paired_difference

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


class Lead(NamedTuple):
    """Who has the best mean in a table of data sets x methods, and what may be said of the others."""

    winners: list[str]
    """Those who share the best mean, in the order of the columns; methods without a value for every data set cannot."""
    gaps: dict[str, tuple[Difference, bool]]
    """Of every other method with all values: its difference to the first winner, and whether that may be claimed."""
    sure: bool
    """Whether the winners are better than every method of another family."""


def leads(tables: Sequence[pd.DataFrame]) -> list[Lead]:
    """Of every table (lower is better): the methods with the best mean, and the claims that hold.

    The tables are shown together: `statistics.judged` corrects over all pairs of methods in all of them, so that a
    winner pays for being picked by looking, a family for its variants, and a table for its rows. A rival that ran on
    some of the data sets only is too seldom there for a test; it spoils the claim where its mean over them is as good.
    """
    whole = [table.dropna(how="all").dropna(axis=1) for table in tables]
    winners = [_lowest(table.mean()) for table in whole]
    pairs = [
        [
            (one, other)
            for one in best
            for other in map(str, table)
            if other not in best or (one == best[0] and other != one)
        ]
        for table, best in zip(whole, winners, strict=True)
    ]
    tested = [
        paired_difference(table[other], table[one])
        for table, own in zip(whole, pairs, strict=True) for one, other in own
    ]  # fmt: skip
    found = iter(judged(tested, sum(math.comb(table.shape[1], 2) for table in whole)))
    result = []
    for table, best, own in zip(tables, winners, pairs, strict=True):
        verdicts = {pair: next(found) for pair in own}
        gaps = {other: verdict for (one, other), verdict in verdicts.items() if one == best[0]}
        result.append(Lead(best, gaps, _sure(table, best, verdicts)))
    return result


def _lowest(means: pd.Series) -> list[str]:
    return [str(label) for label in means.index[means == means.min()]]


def _sure(table: pd.DataFrame, best: list[str], verdicts: dict[tuple[str, str], tuple[Difference, bool]]) -> bool:
    own = {family(label) for label in best}
    claimed = [claim for (_, other), (_, claim) in verdicts.items() if family(other) not in own]
    tested = {label for pair in verdicts for label in pair}
    others = [label for label in table if label not in tested and family(str(label)) not in own]
    beaten = [(table[other] - table[one]).dropna() for one in best for other in others]
    return len(own) == 1 and bool(claimed) and all(claimed) and all(len(gap) == 0 or gap.mean() > 0 for gap in beaten)


def best(trials: pd.DataFrame, metric: str, by: Sequence[str] = ()) -> dict[Any, tuple[set[str], bool]]:
    """Of every group of data sets: the methods with the best penalised mean, and whether the claim holds (`leads`).

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
    found = leads([data_sets(group, metric) for _, group in groups])
    return {key: (set(lead.winners), lead.sure) for (key, _), lead in zip(groups, found, strict=True)}
