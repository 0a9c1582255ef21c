"""``docs/results.md`` keeps its word on the foundation runs and the limits: its numbers are those of the files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from comparisons import ahead, share

from benchmarks.limits import LIMIT, TOLD_LESS
from benchmarks.summary import read_trials

ROOT = Path(__file__).parent.parent.parent
LINES = (ROOT / "docs" / "results.md").read_text().splitlines()
ROWS = {line.split("]")[0][3:]: line for line in LINES if line.startswith("| [")}


def of(name: str) -> pd.DataFrame:
    return read_trials(ROOT / "results" / name)


def foundation() -> Iterator[str]:
    trials = of("foundation")
    cells = len(trials[["graph", "d", "n"]].drop_duplicates())
    assert all(ahead(trials, metric, "adag-refined").empty for metric in ("shd", "auprc"))
    yield f"In all {cells} cells"
    few = share(trials, "adag-refined").sort_values()
    assert few.index[-1] == ("er", 10, 10)
    yield f"at most {few.iloc[-2]:.2f} of the errors of the best method of another family"
    yield f"but {few.iloc[-1]:.2f} with 10 samples of ER2 graphs of 10 variables"
    unsupervised = pd.concat(ahead(of(name), "shd", "adag-unsupervised") for name in FOUNDATION)
    assert "notears" not in unsupervised.index.get_level_values("label")
    assert unsupervised.to_frame("by").query("n >= 500 and label == 'dagma'").empty
    yield "ahead of NOTEARS in every cell, and of DAGMA in every one with 500 samples or more"
    golem = trials[trials["method"] == "golem"].groupby(["graph", "d", "n"]).size()
    everywhere, more = golem.min(), golem[golem > golem.min()]
    assert set(more) == {trials["repeat"].nunique()}
    assert {place[:2] for place in more.index} == {("er", 10)}
    yield f"GOLEM ran on {everywhere} of the {more.iloc[0]} data sets of a cell, on ER2 graphs of 10 variables on all"


def twenty() -> Iterator[str]:
    trials = of("foundation-20")
    assert all(ahead(trials, metric, "adag-refined").empty for metric in ("shd", "auprc"))
    yield f"The same, in all {len(trials[['graph', 'd', 'n']].drop_duplicates())} cells"
    yield f"at most {share(trials, 'adag-refined').max():.2f} of the errors of the best rival"
    sets = trials.groupby("method")["repeat"].nunique()
    fewer = sets[sets < sets.max()]
    assert set(fewer.index) == {"golem", "notears"}
    yield f"NOTEARS ran on {fewer['notears']}, GOLEM on {fewer['golem']} of the {sets.max()} data sets of a cell"


def fifty() -> Iterator[str]:
    trials = of("foundation-50")
    assert all(ahead(trials, metric, "adag-refined").empty for metric in ("shd", "auprc"))
    yield f"The same, in all {len(trials[['graph', 'd', 'n']].drop_duplicates())} cells"
    few = share(trials, "adag-refined").groupby("n").max()
    yield f"`adag-refined` makes {few[10]:.2f} of its errors; with 20 samples {few[20]:.2f} of the best rival's"
    yield f"{trials['repeat'].nunique()} data sets a cell"


def order() -> Iterator[str]:
    yield from _shared_order("order-consistent", "makes {} errors at n = 10 and {} at n = 20")


def order_twenty() -> Iterator[str]:
    yield from _shared_order("order-consistent-20", "makes {} and {} errors")


def _shared_order(run: str, first: str) -> Iterator[str]:
    means = of(run).pivot_table(index="label", columns="n", values="shd") + 1e-9
    taught, told = means.loc["adag-family-self-taught"], means.loc["oracle-order-lasso"]
    assert (taught < means.loc["adag-family"]).all()
    assert (taught < told).all()
    assert (means.loc["oracle-order-lasso"] <= means.loc["oracle-order-ridge"]).all()

    def both(label: str) -> list[str]:
        return [f"{mean:.1f}" for mean in means.loc[label]]

    yield first.format(*both("adag-family-self-taught"))
    yield "the supervised one {} and {}".format(*both("adag-family-supervised"))
    yield "the unsupervised one {} and {}".format(*both("adag-family"))
    yield "{} and {}".format(*both("oracle-order-lasso"))
    yield "`adag` from one data set {} and {}".format(*both("adag"))
    if run == "order-consistent":
        yield "relabelled, the unsupervised network makes {} and {}".format(*both("adag-family[relabel=True]"))


def limits() -> Iterator[str]:
    table = pd.read_csv(ROOT / "results" / "limits" / "limits.csv")
    means = table.pivot_table(index=["family", "d", "n"], columns="method", values="shd")
    ten, ordered, five = means.loc["general", 10], means.loc["order-consistent", 10], means.loc["general", 5]
    more = 100 * (ten["adag-refined"] / ten[LIMIT] - 1)
    yield f"{more[10]:.0f}% more errors than the exact posterior's graph at n = 10"
    yield f"{more[20]:.0f}% at n = 20, {more[50]:.0f}% at n = 50"
    assert more[100] <= 0
    yield "and none at n = 100"
    yield f"makes {ordered[LIMIT][10]:.1f} errors where `adag` makes {ordered['adag'][10]:.1f} (n = 10)"
    yield f"and {ordered[LIMIT][20]:.1f} where it makes {ordered['adag'][20]:.1f} (n = 20)"
    less, ours, told = (five[name] for name in (TOLD_LESS, "adag-refined", LIMIT))
    yield f"makes {less[10]:.2f} errors at n = 10, {less[20] + 1e-9:.2f} at n = 20, {less[50] + 1e-9:.2f} at n = 50"
    yield f"`adag-refined` {ours[10]:.2f}, {ours[20] + 1e-9:.2f} and {ours[50] + 1e-9:.2f}"
    yield f"who is told all {told[10] + 1e-9:.2f}, {told[20]:.2f} and {told[50]:.2f}"


FOUNDATION = {"foundation": foundation, "foundation-20": twenty, "foundation-50": fifty}

ORDER = {"order-consistent": order, "order-consistent-20": order_twenty}


@pytest.mark.parametrize(("row", "sentences"), [*FOUNDATION.items(), ("limits", limits), *ORDER.items()])
def test_what_was_measured_is_said_with_its_numbers(row: str, sentences: Callable[[], Iterator[str]]) -> None:
    for sentence in sentences():
        assert sentence in ROWS[row], f"the results say: {sentence}"
