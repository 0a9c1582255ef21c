"""A run's trials as tables of data sets x methods, a failed trial scored as the empty graph.

Called by `verdict`, `page` and `overview`. Reads what `benchmarks.summary.read_trials` gives, and nothing else, except
for the truth of the data sets that a method failed on.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from adag.errors import UsageError
from benchmarks.datasets import Dataset, load
from benchmarks.keys import CELL, DatasetKey
from benchmarks.metrics import METRICS
from benchmarks.summary import method_order

REGIME = ("family", "d", "noise", "variance", "scale", "violation", "family_seed", "threshold")
"""What a cell is beside its n: the rows of the map of winners. The reader filters by these and by n."""


@dataclass(frozen=True)
class Choice:
    """A metric that the methods may be ranked by."""

    name: str
    short: str
    better: Literal["lower", "higher"]
    digits: int
    meaning: str


CHOICES = (
    Choice("shd_cpdag", "SHD of CPDAGs", "lower", 2, "wrong edges, comparing what data alone can tell: 0 is perfect"),
    Choice("shd", "SHD", "lower", 2, "edges missing, extra or reversed: 0 is perfect"),
    Choice("sid", "SID", "lower", 2, "pairs of variables whose causal effect comes out wrong: 0 is perfect"),
    Choice("f1", "F1", "higher", 3, "edges found with their direction against edges invented: 1 is perfect"),
    Choice("auprc", "AUPRC", "higher", 3, "how well the edge scores rank true edges first: 1 is perfect"),
)


@dataclass(frozen=True)
class Scores:
    """Tables with a row per data set and a column per method; a cell's data sets are consecutive rows.

    Attributes
    ----------
    methods : list of str
        Labels, in `method_order`.
    cells : DataFrame
        A row per cell: `REGIME`, ``n``, the columns of `CELL`, and its data sets ``start`` to ``stop``.
    datasets : DataFrame
        A row per data set: the columns of `CELL`, ``repeat``, and ``cell``, a row of ``cells``.
    values : dict of DataFrame
        By metric; NaN where a method was not run, or has no such metric.
    status, runtime : DataFrame
        None and NaN where a method was not run. Seconds of the trials that ended ``ok``.
    """

    methods: list[str]
    cells: pd.DataFrame
    datasets: pd.DataFrame
    values: dict[str, pd.DataFrame]
    status: pd.DataFrame
    runtime: pd.DataFrame

    def key(self, dataset: int) -> DatasetKey:
        """The key of a row."""
        row = self.datasets.loc[dataset, [*CELL, "repeat"]].to_dict()
        return DatasetKey(**{str(name): value for name, value in row.items()})


def readable(key: DatasetKey) -> Dataset | None:
    """The data set, or None where a user's own files are not where the run had them (a page says so)."""
    try:
        return load(key)
    except UsageError:
        return None


def of_run(trials: pd.DataFrame) -> Scores:
    """The tables of a run's scored trials."""
    cell_names = [*REGIME, "n", *(name for name in CELL if name not in (*REGIME, "n"))]
    order = [*cell_names, "repeat"]
    by_size = ["d", *(name for name in order if name != "d")]
    datasets = trials[order].drop_duplicates().sort_values(by_size, kind="stable", ignore_index=True)
    datasets["cell"] = (datasets[cell_names] != datasets[cell_names].shift()).any(axis=1).cumsum() - 1
    trials = _penalised(trials).merge(datasets.reset_index(names="dataset"), on=order, how="left")
    methods = method_order(trials)

    def table(column: str) -> pd.DataFrame:
        wide = trials.pivot(index="dataset", columns="label", values=column)
        return wide.reindex(index=datasets.index, columns=methods)

    trials["seconds"] = trials["runtime_s"].where(trials["status"] == "ok")
    cells = datasets.drop_duplicates("cell")[[*cell_names, "cell"]].set_index("cell")
    cells["stop"] = datasets.groupby("cell").size().cumsum()
    cells["start"] = cells["stop"].shift(fill_value=0)
    values = {choice.name: table(choice.name).astype(float) for choice in CHOICES if choice.name in trials}
    return Scores(methods, cells, datasets, values, table("status"), table("seconds").astype(float))


def _penalised(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with the empty graph's scores in the rows that failed: failing on what is hard must not pay."""
    failed = trials["status"] != "ok"
    if not failed.any():
        return trials.copy()
    names = [choice.name for choice in CHOICES if choice.name in trials]
    trials = trials.copy()
    keys = trials.loc[failed, [*CELL, "repeat"]].drop_duplicates()
    scores = pd.DataFrame(
        [_as_empty(DatasetKey(**{str(k): v for k, v in key.items()})) for key in keys.to_dict("records")], keys.index
    )
    filled = trials.loc[failed, [*CELL, "repeat"]].merge(keys.join(scores), on=[*CELL, "repeat"], how="left")
    trials.loc[failed, names] = filled[names].to_numpy()
    for name in names:  # a method that never has this metric does not get it by failing: a CPDAG has no SHD to a DAG
        has = trials.loc[~failed].groupby("label")[name].count()
        without = trials["label"].map(has).eq(0) & failed  # NaN, so False, where every trial failed
        trials.loc[without, name] = np.nan
    return trials


def _as_empty(key: DatasetKey) -> dict[str, Any]:
    data = readable(key)
    wanted = {choice.name for choice in CHOICES}
    if data is None or not data.graph_known:
        return dict.fromkeys(wanted, float("nan"))
    empty = np.zeros_like(data.truth)
    chosen = [metric for metric in METRICS if metric.name in wanted]
    return {metric.name: metric("dag", empty, data.truth, empty.astype(np.float64)) for metric in chosen}
