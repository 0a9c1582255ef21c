"""Who is ahead over some data sets, by how much, and how sure that is. Called by `page`, `overview` and `headline`.

Methods are compared on the same data sets: only those with a value for every one of them are ranked. "Behind" needs a
corrected p value of at most 0.05 and an interval without 0. The correction is Holm's over *all pairs* of ranked
methods, of which only those with the leader are tested (the others enter as p = 1, which can only weaken a claim):
the leader was picked by looking at the data. That a leader is ahead of every other family of methods is the claim of
`benchmarks.claims.best`, as in the tables, where that knows the metric.
"""

import gc
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.claims import family
from benchmarks.reporting.scores import Scores
from benchmarks.statistics import Difference, Interval, average_ranks, holm, interval, paired_difference, significant

LARGE = 1000
"""More data sets than this: t intervals and t tests, which then agree with the bootstrap and cost nothing."""


@dataclass(frozen=True)
class Standing:
    """One method's place in a view. Differences are to the leader, in the metric's units: method - leader."""

    method: str
    mean: float
    low: float
    high: float
    rank: float
    """Average rank over the data sets; 1 is best."""
    wins: int
    """Data sets on which no method did better."""
    gap: Difference
    """p is corrected; NaN for the leader."""
    behind: bool
    """Significantly worse than the leader."""


@dataclass(frozen=True)
class View:
    """Methods compared over some data sets, the leader first."""

    data_sets: int
    standings: list[Standing]
    partial: dict[str, int]
    """Methods with a value for some of the data sets only, and for how many: not ranked."""
    sure: bool
    """Whether the leader is significantly ahead of every method of another family."""

    @property
    def level(self) -> list[Standing]:
        """Those not told apart from the leader."""
        return [one for one in self.standings[1:] if not one.behind]


def compare(table: pd.DataFrame, better: Literal["lower", "higher"]) -> View:
    """Rank the columns (methods) of a table over its rows (data sets); rows without any value count for nothing."""
    table = table.dropna(how="all")
    counts = table.notna().sum()
    partial = {str(label): int(count) for label, count in counts.items() if 0 < count < len(table)}
    table = table.loc[:, (counts == len(table)) & (counts > 0)]
    if table.empty:
        return View(len(table), [], partial, False)
    losses = table if better == "lower" else -table
    order = list(losses.mean().sort_values(kind="stable").index)
    ranks = average_ranks(losses)
    wins = losses.eq(losses.min(axis=1), axis=0).sum()
    leader = order[0]
    gaps = [_difference(table[label], table[leader]) for label in order[1:]]
    corrected = _corrected([gap.p for gap in gaps], len(order))
    standings = []
    for label, gap, p in zip(order, [_NO_GAP, *gaps], [np.nan, *corrected], strict=True):
        behind = significant(gap, p) if label != leader else False
        value = _interval(table[label])
        standings.append(
            Standing(str(label), *value, float(ranks[label]), int(wins[label]), gap._replace(p=float(p)), behind)
        )
    rivals = [one for one in standings if family(one.method) != family(str(leader))]
    return View(len(table), standings, partial, bool(rivals) and all(one.behind for one in rivals))


def of_cells(scores: Scores, metric: str, better: Literal["lower", "higher"]) -> list[View]:
    """A view per cell, in the order of ``scores.cells``."""
    values = scores.values[metric]
    spans = zip(scores.cells["start"], scores.cells["stop"], strict=True)
    return [compare(values.iloc[start:stop], better) for start, stop in spans]


_NO_GAP = Difference(0.0, np.nan, np.nan, np.nan)


def _corrected(p_values: list[float], methods: int) -> list[float]:
    pairs = methods * (methods - 1) // 2
    gc.freeze()  # statsmodels collects garbage in every call, half a second with torch loaded; a page has hundreds
    try:
        return list(holm([*p_values, *[1.0] * (pairs - len(p_values))])[: len(p_values)])
    finally:
        gc.unfreeze()


def _interval(values: pd.Series) -> Interval:
    if len(values) <= LARGE:
        return Interval(*interval(values))
    spread = stats.ttest_1samp(values, 0).confidence_interval()
    return Interval(float(values.mean()), float(spread.low), float(spread.high))


def _difference(a: pd.Series, b: pd.Series) -> Difference:
    if len(a) <= LARGE or not (a - b).any():
        return paired_difference(a.to_numpy(), b.to_numpy())
    test = stats.ttest_rel(a, b)
    spread = test.confidence_interval()
    return Difference(float((a - b).mean()), float(spread.low), float(spread.high), float(test.pvalue))
