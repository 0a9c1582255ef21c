"""One method against every other on the data sets that both ran on. For the tests of what the pages claim."""

import pandas as pd

from benchmarks.claims import FAILED_AS_EMPTY, data_sets, errors, family

WHERE = ["graph", "d", "n"]


def pairs(trials: pd.DataFrame, metric: str, label: str) -> pd.DataFrame:
    """Means of `label` (``ours``) and of a method of another family (``theirs``), a row a cell and method.

    `bayes-optimal`, which is told the law, is not among them. A failure scores as the empty graph in errors, and is
    left out in other metrics.
    """
    table = data_sets(trials, metric) if metric in FAILED_AS_EMPTY else errors(trials, metric)
    rows = []
    for other in table:
        if family(str(other)) in (family(label), "bayes"):
            continue
        both = table[[label, other]].dropna().groupby(WHERE).mean()
        rows.append(both.set_axis(["ours", "theirs"], axis=1).assign(label=other))
    return pd.concat(rows).set_index("label", append=True)


def ahead(trials: pd.DataFrame, metric: str, label: str) -> pd.Series:
    """By how much others are better than `label`, by cell and method; empty where nobody is."""
    table = pairs(trials, metric, label)
    by = (table["ours"] - table["theirs"]) * (1 if metric in FAILED_AS_EMPTY else -1)
    return by[by > 0]


def share(trials: pd.DataFrame, label: str) -> pd.Series:
    """Errors of `label` over those of the best other method, by cell, where the data sets hold 2d samples or fewer."""
    table = pairs(trials, "shd", label).query("n <= 2 * d")
    return (table["ours"] / table["theirs"]).groupby(WHERE).max()
