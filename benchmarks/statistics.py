"""How sure: intervals of means and differences, corrected p values, ranks and profiles of methods over data sets.

One place for all of it, from scipy and statsmodels; `judged` is the rule of every claim. Knows nothing of runs: it is
given plain columns and tables (data sets x methods, lower is better, NaN a failure). Called by `benchmarks.summary`,
`claims`, `compare` and the figures.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

RESAMPLES = 2000
ALPHA = 0.05
"""Level of every claim, and one minus that of every interval."""
LARGE = 1000
"""More values than this: Student's interval, which then agrees with the bootstrap's and costs nothing."""
EXACT = 100
"""Most differences for which a signed-rank p is exact."""


class Interval(NamedTuple):
    """A mean over data sets with its 95% bootstrap interval (NaN for a single data set)."""

    mean: float
    low: float
    high: float


class Difference(NamedTuple):
    """A mean difference a - b with its 95% bootstrap interval and the p value of "no difference"."""

    mean: float
    low: float
    high: float
    p: float


def interval(values: pd.Series) -> Interval:
    """Mean of the finite values with a percentile bootstrap interval over data sets.

    Percentile, not BCa: with the few data sets of a cell, many of them tied, BCa's correction is not defined or noise.
    """
    sample = values.dropna().to_numpy(dtype=np.float64)
    if not len(sample):
        return Interval(np.nan, np.nan, np.nan)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Interval(mean, np.nan, np.nan)
    if np.ptp(sample) == 0:
        return Interval(mean, mean, mean)
    if len(sample) > LARGE:
        spread = stats.ttest_1samp(sample, 0).confidence_interval()
        return Interval(mean, float(spread.low), float(spread.high))
    result = stats.bootstrap(
        (sample,), np.mean, n_resamples=RESAMPLES, method="percentile", random_state=np.random.default_rng(0)
    )
    return Interval(mean, float(result.confidence_interval.low), float(result.confidence_interval.high))


def paired_difference(a: ArrayLike, b: ArrayLike) -> Difference:
    """Mean of ``a - b`` over the data sets that both have, its interval, and Wilcoxon's signed-rank p.

    Wilcoxon's test because errors are counts with outliers, where a t-test needs more data sets than a cell has; by
    Pratt's method, which keeps the data sets without a difference as evidence against one (SHD has many). Exact, with
    ties, up to `EXACT` differences, normal beyond. p is 1 where nothing differs, NaN without a pair.

    Parameters
    ----------
    a, b : array_like of shape (data_sets,)
        The same data sets in the same order; NaN where there is no value.

    Raises
    ------
    ValueError
        Their lengths differ.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"paired values must be two columns of one length, not {first.shape} and {second.shape}")
    difference = first - second
    difference = difference[np.isfinite(difference)]
    return Difference(*interval(pd.Series(difference)), _signed_rank(difference))


def unpaired_difference(a: ArrayLike, b: ArrayLike) -> Difference:
    """Mean of ``a`` less mean of ``b`` over different data sets, its interval, and Mann and Whitney's p.

    Parameters
    ----------
    a, b : array_like of shape (data_sets,)
        Of any two lengths; NaN where there is no value.
    """
    first, second = (values[np.isfinite(values)] for values in (np.asarray(v, dtype=np.float64) for v in (a, b)))
    if not len(first) or not len(second):
        return Difference(np.nan, np.nan, np.nan, np.nan)
    mean = float(first.mean() - second.mean())
    if np.ptp(np.concatenate([first, second])) == 0:
        return Difference(mean, mean, mean, 1.0)
    p = float(stats.mannwhitneyu(first, second, method="asymptotic").pvalue)
    if min(len(first), len(second)) == 1:
        return Difference(mean, np.nan, np.nan, p)
    if np.ptp(first) == np.ptp(second) == 0:
        return Difference(mean, mean, mean, p)
    result = stats.bootstrap(
        (first, second), _difference_of_means, n_resamples=RESAMPLES, method="percentile",
        random_state=np.random.default_rng(0),
    )  # fmt: skip
    return Difference(mean, float(result.confidence_interval.low), float(result.confidence_interval.high), p)


def significant(difference: Difference, p_corrected: float) -> bool:
    """Whether a difference may be claimed: corrected p at most `ALPHA`, and the interval of the mean without 0."""
    return p_corrected <= ALPHA and (difference.low > 0 or difference.high < 0)


def judged(differences: Sequence[Difference], comparisons: int = 0) -> list[tuple[Difference, bool]]:
    """The one rule of every claim: differences shown together, with p corrected, and whether each may be claimed.

    Holm's correction is over all comparisons that a table or a figure shows. Those that were not tested (e.g. pairs
    without the method in the lead, which was picked by looking at the data) enter as p = 1, which only weakens a claim.

    Parameters
    ----------
    differences : sequence of Difference
        Those that were tested, with p as `paired_difference` or `unpaired_difference` gives it.
    comparisons : int
        How many are shown; at least the tested ones.
    """
    untested = max(0, comparisons - len(differences))
    corrected = holm([*(one.p for one in differences), *[1.0] * untested])[: len(differences)]
    return [
        (one._replace(p=float(p)), significant(one, float(p))) for one, p in zip(differences, corrected, strict=True)
    ]


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p values by Holm's method, in their order; a NaN is no test and stays NaN."""
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        adjusted[tested] = multipletests(p[tested], method="holm")[1]
    return adjusted


def ranks(table: pd.DataFrame) -> pd.DataFrame:
    """Rank of each method on each data set (rows): 1 is best, ties share the mean, failures (NaN) share the last."""
    return table.rank(axis=1, method="average", na_option="bottom")


def average_ranks(table: pd.DataFrame) -> pd.Series:
    """Mean of `ranks` by method, over data sets."""
    return ranks(table).mean()


def friedman(table: pd.DataFrame) -> float:
    """Friedman's p of "all methods rank alike", from `ranks`; NaN for fewer than three methods or two data sets."""
    ranked = ranks(table)
    if ranked.shape[1] < 3 or len(ranked) < 2:
        return float("nan")
    if (ranked.nunique(axis=1) == 1).all():  # nothing but ties
        return 1.0
    return float(stats.friedmanchisquare(*(ranked[method] for method in ranked)).pvalue)


def critical_difference(methods: int, data_sets: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference of `average_ranks`: methods nearer than this are not told apart (Demsar 2006)."""
    quantile = float(stats.studentized_range.ppf(1 - alpha, methods, np.inf)) / np.sqrt(2)
    return quantile * float(np.sqrt(methods * (methods + 1) / (6 * data_sets)))


def performance_profile(table: pd.DataFrame, scale: pd.Series) -> pd.DataFrame:
    """Share of data sets (values) on which a method (columns) is within so much (index) of the best one there.

    Additive, not a ratio as in Dolan and More (2002): the best error is often 0. A failure is never within.

    Parameters
    ----------
    table : DataFrame of shape (data_sets, methods)
        Errors.
    scale : Series of shape (data_sets,)
        What an excess is divided by: true edges.
    """
    excess = table.sub(table.min(axis=1), axis=0).div(scale, axis=0)
    levels = np.unique(excess.to_numpy()[np.isfinite(excess.to_numpy())])
    return pd.DataFrame(
        {method: np.searchsorted(np.sort(excess[method].dropna()), levels, side="right") for method in table},
        index=pd.Index(levels, name="excess"),
    ) / max(len(table), 1)


def win_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Share of data sets on which the row's method beats the column's; a tie is half a win, a failure loses."""
    ranked = ranks(table)
    methods = list(table)
    rates: dict[Any, list[float]] = {
        rival: [float(((ranked[m] < ranked[rival]) + 0.5 * (ranked[m] == ranked[rival])).mean()) for m in methods]
        for rival in methods
    }
    return pd.DataFrame(rates, index=methods)


def _difference_of_means(a: NDArray[np.float64], b: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    return np.asarray(a.mean(axis=axis) - b.mean(axis=axis))


def _signed_rank(difference: NDArray[np.float64]) -> float:
    """Two-sided p of Wilcoxon's signed ranks, zeros ranked but not signed (Pratt 1959)."""
    if not len(difference):
        return float("nan")
    if not difference.any():
        return 1.0
    if np.count_nonzero(difference) > EXACT:
        return float(stats.wilcoxon(difference, zero_method="pratt", correction=True, method="approx").pvalue)
    # SciPy has no exact p with ties, its permutation test none below one in the resamples, and the normal p of a few
    # tied differences is half the exact one. Exact: each rank is added with probability 1/2.
    ranked = np.rint(2 * stats.rankdata(abs(difference))).astype(int)  # a shared rank may be a half
    null: NDArray[np.float64] = np.ones(1)
    for rank in ranked[difference != 0]:
        null = (np.pad(null, (0, rank)) + np.pad(null, (rank, 0))) / 2
    off_centre = abs(2 * np.arange(len(null)) - (len(null) - 1))
    observed = abs(2 * ranked[difference > 0].sum() - (len(null) - 1))
    return float(min(1.0, null[off_centre >= observed].sum()))
