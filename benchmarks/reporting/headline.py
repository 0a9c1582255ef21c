"""The sentences at the head of a page, from the data: who is ahead, by how much, how sure, and where.

Called by `prepared` and `overview`. Text of a run (labels, names of data) enters through ``Markup.format``, which
escapes it.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from benchmarks.reporting.scores import Choice, Scores
from benchmarks.reporting.verdict import Standing, View
from benchmarks.statistics import ALPHA


def lead(view: View, choice: Choice, true_edges: float) -> Markup:
    """Who is ahead over all data sets of a run, by how much and how sure; `true_edges` on average, for scale."""
    if not view.standings:
        return Markup("No method has a value for every data set: nobody can be ranked. The cells say more.")
    first, level = view.standings[0], view.level
    one_set = view.data_sets == 1
    leaders = [first, *(one for one in level if not one_set or one.gap.mean == 0)]
    does = ("makes" if len(leaders) == 1 else "make") if choice.better == "lower" else "reach"
    text = Markup("{} {} the {}: {} {} ({}{}; {} {:.3g} edges).").format(
        _names(leaders), does, "fewest errors" if choice.better == "lower" else "highest",
        _means(leaders, choice), "wrong edges" if one_set else "wrong edges a data set", choice.short,
        "" if one_set else ", mean [95% interval]", "the true graph has" if one_set else "true graphs have", true_edges,
    )  # fmt: skip
    if one_set:
        return text + " One data set cannot say how sure that is."
    if level:
        text += " These are not told apart."
    behind = [one for one in view.standings if one.behind]
    if not behind:
        return text + (" No difference between methods is significant." if level else "")
    count = len(behind)
    rest = "other method is" if count == 1 else f"{count} other methods are each"
    return text + Markup(" The {} significantly worse; nearest is <b>{}</b>, by {}.").format(
        rest, behind[0].method, _gap(behind[0], choice)
    )


def beside(view: View, choice: Choice) -> Markup:
    """The same by a second metric that only some methods have, in short."""
    first, behind = view.standings[0], next((one for one in view.standings if one.behind), None)
    text = Markup("By {} to the true DAG, for the {} methods that return one: <b>{}</b> {}").format(
        choice.short, len(view.standings), first.method, _span(first.mean, first.low, first.high, choice.digits)
    )
    if behind is None:
        return text + ("." if view.data_sets == 1 else ", not told apart from any other.")
    return text + Markup("; nearest that is significantly worse: <b>{}</b>, by {}.").format(
        behind.method, _gap(behind, choice)
    )


def where(cells: Sequence[View]) -> Markup:
    """In how many cells each method is ahead, and in how many of them for sure."""
    led = [view for view in cells if len(view.standings) > 1]
    if len(led) < 2:
        return Markup("")
    # A shared best mean is no lead.
    alone = [view for view in led if view.standings[1].gap.mean != 0]
    counts = Counter(view.standings[0].method for view in alone).most_common()
    sure = Counter(view.standings[0].method for view in alone if view.sure)
    parts = [Markup("<b>{}</b> {}").format(label, count) for label, count in counts[:4]]
    if len(counts) > 4:
        parts.append(Markup("{} others {}").format(len(counts) - 4, sum(count for _, count in counts[4:])))
    if tied := len(led) - len(alone):
        parts.append(Markup("a shared best {}").format(tied))
    text = Markup("Best mean, of {} cells: ").format(len(led)) + Markup(", ").join(parts) + Markup(". ")
    if not sure:
        return text + Markup("In no single cell is a lead over every other family of methods significant.")
    claims = Markup(", ").join(Markup("<b>{}</b> {}").format(label, count) for label, count in sure.most_common())
    return text + Markup("Significantly ahead of every other family there: {}.").format(claims)


def failures(scores: Scores) -> Markup:
    """How often each method failed, if any did."""
    failed = (scores.status.notna() & (scores.status != "ok")).sum()
    named = [f"{label} on {count} of {scores.status[label].count()}" for label, count in failed.items() if count]
    if not named:
        return Markup("")
    return Markup("Failed: {}. A failed trial scores as the empty graph.").format(", ".join(named))


def method_of_claims() -> str:
    """What stands behind every claim of a page."""
    return (
        f"Compared on the same data sets; [95% intervals] by bootstrap. Significant: the interval has no 0, and "
        f"Wilcoxon's signed-rank p is at most {ALPHA:g} after Holm's correction over all pairs of methods of a table: "
        f"all data sets are one, the cells of a run together another. Variants of one method (adag, adag-refined) are "
        f"one family."
    )


def _gap(one: Standing, choice: Choice) -> str:
    sign = 1 if choice.better == "lower" else -1
    low, high = sorted((sign * one.gap.low, sign * one.gap.high))
    return _span(sign * one.gap.mean, low, high, choice.digits)


def _span(mean: float, low: float, high: float, digits: int) -> str:
    return f"{mean:.{digits}f}" + ("" if np.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]")


def _names(standings: Sequence[Standing]) -> Markup:
    names = [Markup("<b>{}</b>").format(one.method) for one in standings]
    if len(names) > 4:
        names = [*names[:3], Markup("{} others").format(len(names) - 3)]
    return _and(names)


def _means(standings: Sequence[Standing], choice: Choice) -> Markup:
    """One mean for all that share it."""
    if all(one.gap.mean == 0 for one in standings):
        standings = standings[:1]
    shown = standings if len(standings) <= 4 else standings[:3]
    return _and([Markup("{}").format(_span(s.mean, s.low, s.high, choice.digits)) for s in shown])


def _and(parts: Sequence[Markup]) -> Markup:
    return Markup(", ").join(parts[:-1]) + Markup(" and ") + parts[-1] if len(parts) > 1 else parts[0]
