"""Who is ahead over some data sets, by how much, and how sure that is. Called by `page`, `overview` and `headline`.

Methods are compared on the same data sets: only those with a value for every one of them are ranked. Who is behind, and
whether the leader is ahead of every other family, is decided by `benchmarks.claims.leads`, as in the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks.claims import Lead, leads
from benchmarks.reporting.scores import Scores
from benchmarks.statistics import Difference, average_ranks, interval


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
    return _together([table], better)[0]


def of_cells(scores: Scores, metric: str, better: Literal["lower", "higher"]) -> list[View]:
    """A view per cell, in the order of ``scores.cells``; their claims are corrected together.

    Of methods that share a mean, those that only failed there, and score as the empty graph does, come last: whoever
    reads the first one's name must not take it for a success.
    """
    values = scores.values[metric]
    tables = []
    for start, stop in zip(scores.cells["start"], scores.cells["stop"], strict=True):
        ran = (scores.status.iloc[start:stop] == "ok").any()
        tables.append(values.iloc[start:stop][[*ran.index[ran], *ran.index[~ran]]])
    return _together(tables, better)


def _together(tables: Sequence[pd.DataFrame], better: Literal["lower", "higher"]) -> list[View]:
    sign = 1 if better == "lower" else -1
    tables = [table.dropna(how="all") for table in tables]
    return [_view(table, lead, sign) for table, lead in zip(tables, leads([sign * t for t in tables]), strict=True)]


def _view(table: pd.DataFrame, lead: Lead, sign: int) -> View:
    counts = table.notna().sum()
    partial = {str(label): int(count) for label, count in counts.items() if 0 < count < len(table)}
    if not lead.winners:
        return View(len(table), [], partial, False)
    losses = sign * table.dropna(axis=1)
    ranks, wins = average_ranks(losses), losses.eq(losses.min(axis=1), axis=0).sum()
    standings = []
    for label in losses.mean().sort_values(kind="stable").index:
        gap, behind = lead.gaps.get(str(label), (_NO_GAP, False))
        if sign < 0:
            gap = Difference(-gap.mean, -gap.high, -gap.low, gap.p)
        standings.append(
            Standing(str(label), *interval(table[label]), float(ranks[label]), int(wins[label]), gap, behind)
        )
    return View(len(table), standings, partial, lead.sure)


_NO_GAP = Difference(0.0, np.nan, np.nan, np.nan)
