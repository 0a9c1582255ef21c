"""The statistics hold against printed examples, exact tests and their own promise under no difference."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.statistics import (
    EXACT,
    LARGE,
    Difference,
    average_ranks,
    critical_difference,
    friedman,
    holm,
    interval,
    judged,
    paired_difference,
    performance_profile,
    ranks,
    significant,
    unpaired_difference,
    win_rates,
)

# Demsar (2006), "Statistical comparisons of classifiers over multiple data sets", table 6: AUC on 14 data sets.
# Voting is printed as 0.975 twice; the printed ranks and SciPy's copy of the table break that tie.
DEMSAR = pd.DataFrame(
    [
        (0.763, 0.768, 0.771, 0.798), (0.599, 0.591, 0.590, 0.569), (0.954, 0.971, 0.968, 0.967),
        (0.628, 0.661, 0.654, 0.657), (0.882, 0.888, 0.886, 0.898), (0.936, 0.931, 0.916, 0.931),
        (0.661, 0.668, 0.609, 0.685), (0.583, 0.583, 0.563, 0.625), (0.775, 0.838, 0.866, 0.875),
        (1.000, 1.000, 1.000, 1.000), (0.940, 0.962, 0.965, 0.962), (0.619, 0.666, 0.614, 0.669),
        (0.972, 0.981, 0.9751, 0.975), (0.957, 0.978, 0.946, 0.970),
    ],
    columns=["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"],
)  # fmt: skip


def test_the_interval_is_that_of_student_on_a_large_normal_sample() -> None:
    sample = np.random.default_rng(1).normal(5, 2, 400)
    mean, low, high = interval(pd.Series(sample))
    theirs = stats.t.interval(0.95, 399, loc=sample.mean(), scale=stats.sem(sample))
    assert mean == sample.mean()
    np.testing.assert_allclose((low, high), theirs, atol=0.02)  # a 90% interval is 0.03 off


def test_the_interval_of_few_or_equal_values() -> None:
    assert np.isnan(interval(pd.Series([np.nan, np.nan]))).all()
    assert interval(pd.Series([3.0, np.nan])).mean == 3
    assert np.isnan(interval(pd.Series([3.0])).low)
    assert interval(pd.Series([2.0, 2.0, 2.0])) == (2, 2, 2)
    assert interval(pd.Series([1.0, 2.0, 4.0])) == interval(pd.Series([1.0, 2.0, 4.0]))


def test_a_paired_difference_is_the_interval_of_the_differences() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.poisson(5, 30).astype(float), rng.poisson(3, 30).astype(float)
    a[3], b[4] = np.nan, np.nan  # neither counts
    both = np.delete(a - b, [3, 4])
    assert paired_difference(a, b)[:3] == interval(pd.Series(both))
    assert paired_difference(a, b).p == paired_difference(b, a).p
    assert paired_difference(a, b).mean == -paired_difference(b, a).mean


@pytest.mark.parametrize("data_sets", [1, 2, 3, 5, 6, 8, 11])
def test_the_p_is_exact_with_ties_and_zeros(data_sets: int) -> None:
    """Against all 2^n signs of Pratt's ranks."""
    signs = np.array(list(itertools.product([-1, 1], repeat=data_sets)))
    rng = np.random.default_rng(data_sets)
    for _ in range(20):
        difference = rng.integers(-2, 5, data_sets).astype(float)
        ranked = np.where(difference == 0, 0, stats.rankdata(abs(difference)))
        exact = np.mean(abs(signs @ ranked) >= abs(np.sign(difference) @ ranked))
        assert paired_difference(difference, np.zeros(data_sets)).p == pytest.approx(exact)


def test_without_ties_the_p_is_that_of_scipy_and_beyond_the_exact_one_goes_over_smoothly() -> None:
    rng = np.random.default_rng(5)
    for data_sets in (7, 20, 50):
        difference = rng.normal(0.3, 1, data_sets)
        theirs = stats.wilcoxon(difference, method="exact").pvalue
        assert paired_difference(difference, np.zeros(data_sets)).p == pytest.approx(theirs)
    many = rng.integers(-3, 5, 3 * EXACT).astype(float)
    many = many[many != 0]
    exact, normal = (paired_difference(many[:n], np.zeros(n)).p for n in (EXACT, EXACT + 1))
    assert exact == pytest.approx(normal, rel=0.5)


def test_no_difference_is_claimed_no_oftener_than_promised() -> None:
    rng = np.random.default_rng(3)
    pairs = rng.poisson(2, (2, 600, 8)).astype(float)
    claims = [d.p <= 0.05 for d in map(paired_difference, pairs[0], pairs[1])]
    assert 0.01 < np.mean(claims) < 0.065
    claims = [d.p <= 0.05 for d in map(unpaired_difference, pairs[0], pairs[1])]
    assert 0.01 < np.mean(claims) < 0.065


def test_values_without_a_difference_or_a_pair() -> None:
    same = np.array([1.0, 4.0, 0.0])
    assert paired_difference(same, same) == (0, 0, 0, 1)
    assert unpaired_difference([2.0, 2.0], [2.0]) == (0, 0, 0, 1)
    assert np.isnan(paired_difference([np.nan], [1.0])).all()
    assert np.isnan(unpaired_difference([np.nan], [1.0])).all()
    with pytest.raises(ValueError, match="one length"):
        paired_difference([1.0, 2.0], [1.0])


def test_an_unpaired_difference_is_that_of_welch_on_large_samples() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(3, 1, 300), rng.normal(2, 2, 200)
    found = unpaired_difference(a, b)
    theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    np.testing.assert_allclose(found[1:3], (theirs.low, theirs.high), atol=0.03)
    assert significant(found, found.p)
    assert not significant(found, 0.06)


def test_holm_is_that_of_r() -> None:
    # p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5), "holm")
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005, 0.5]), [0.04, 0.09, 0.09, 0.025, 0.5])
    adjusted = holm([0.01, np.nan, 0.04])  # what was not tested costs nothing
    np.testing.assert_allclose(adjusted, [0.02, np.nan, 0.04])
    assert holm([]).size == 0


def test_a_claim_needs_a_corrected_p_and_an_interval_without_0() -> None:
    sure, doubtful, level = Difference(2, 1, 3, 0.01), Difference(1, 0.1, 2, 0.03), Difference(1, -0.1, 2, 0.001)
    verdicts = judged([sure, doubtful, level])
    assert [claim for _, claim in verdicts] == [True, True, False]
    assert [one.p for one, _ in verdicts] == pytest.approx([0.02, 0.03, 0.003])
    assert [one[:3] for one, _ in verdicts] == [one[:3] for one in (sure, doubtful, level)]
    among_more = judged([sure, doubtful], comparisons=6)  # four more are shown and were not tested
    assert [one.p for one, _ in among_more] == pytest.approx([0.06, 0.15])
    assert not any(claim for _, claim in among_more)
    assert judged([]) == []


def test_beyond_many_values_the_interval_is_that_of_student_and_agrees_with_the_bootstrap() -> None:
    sample = np.random.default_rng(6).poisson(4, LARGE + 1).astype(float)
    last = interval(pd.Series(sample[:LARGE]))  # by bootstrap
    mean, low, high = interval(pd.Series(sample))
    theirs = stats.t.interval(0.95, LARGE, loc=sample.mean(), scale=stats.sem(sample))
    np.testing.assert_allclose((low, high), theirs)
    np.testing.assert_allclose((mean, low, high), last, atol=0.02)


def test_ranks_and_the_tests_on_them_are_the_published_ones() -> None:
    errors = 1 - DEMSAR
    np.testing.assert_allclose(average_ranks(errors), [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert friedman(errors) == pytest.approx(stats.chi2.sf(10.2283464566929, 3))  # R's, corrected for ties
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)


def test_the_critical_differences_are_those_of_the_printed_table() -> None:
    printed = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}
    for methods, quantile in printed.items():
        unit = np.sqrt(methods * (methods + 1) / 6)
        assert critical_difference(methods, 1) == pytest.approx(quantile * unit, rel=5e-4)


def test_failures_rank_last_and_ties_share() -> None:
    table = pd.DataFrame({"a": [1.0, np.nan], "b": [1.0, np.nan], "c": [9.0, 0.0]})
    assert ranks(table).to_numpy().tolist() == [[1.5, 1.5, 3], [2.5, 2.5, 1]]
    assert np.isnan(friedman(table[["a", "b"]]))
    assert friedman(pd.DataFrame(np.ones((4, 3)))) == 1


def test_a_win_is_of_the_rows_method_and_a_failure_loses() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0, 0.0, 5.0], "b": [2.0, 2.0, np.nan, 1.0]})
    rates = win_rates(table)
    assert rates.loc["a", "b"] == (1 + 0.5 + 1 + 0) / 4
    np.testing.assert_allclose(rates + rates.T, 1)


def test_the_profile_is_the_share_within_each_excess() -> None:
    table = pd.DataFrame({"a": [0.0, 4.0, np.nan, 3.0], "b": [2.0, 4.0, 1.0, 1.0]})
    profile = performance_profile(table, pd.Series([4.0, 4.0, 4.0, 4.0]))
    assert profile.index.tolist() == [0, 0.5]
    assert profile["a"].tolist() == [0.5, 0.75]  # a failure is never within
    assert profile["b"].tolist() == [0.75, 1.0]
