"""A claim is marked only where it holds: paired, corrected, against other families; a failure is the empty graph."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.claims import best, data_sets, errors, family, leads, scores
from benchmarks.keys import CELL


def trials(columns: dict[str, np.ndarray], n: int = 10, edges: float = 20.0) -> pd.DataFrame:
    """One cell's trials with these SHDs; NaN is a failure, and for 'pc' a metric that it does not have."""
    rows = []
    for label, values in columns.items():
        for repeat, value in enumerate(values):
            ok = label == "pc" or not np.isnan(value)
            rows.append(
                {"label": label, "graph": "er", "degree": 2.0, "d": 10, "n": n, "noise": "gaussian",
                 "variance": "equal", "scale": "raw", "violation": "none", "domain_family": "general",
                 "family_seed": 0, "threshold": 0.3, "repeat": repeat,
                 "status": "ok" if ok else "timeout", "true_edges": edges, "shd": value,
                 "shd_cpdag": 15.0 if label == "pc" else value}
            )  # fmt: skip
    return pd.DataFrame(rows)


RNG = np.random.default_rng(0)
HARD = RNG.poisson(8, 20).astype(float)
"""What all methods share: how hard each data set is."""


def test_families_are_told_by_name() -> None:
    assert {family(x) for x in ("adag", "adag-refined", "adag[checkpoint=x]")} == {"adag"}
    assert family("direct-lingam") != family("ica-lingam")


def test_a_clear_winner_is_claimed_and_a_doubtful_one_is_not() -> None:
    clear = trials({"adag": HARD, "notears": HARD + 2 + RNG.integers(0, 3, 20), "pc": np.full(20, np.nan)})
    assert best(clear, "shd") == {(): ({"adag"}, True)}
    assert best(clear, "shd_cpdag") == {(): ({"adag"}, True)}
    doubtful = trials({"adag": HARD, "notears": HARD + RNG.permutation([2.0] * 12 + [-2.0] * 8)})
    assert best(doubtful, "shd") == {(): ({"adag"}, False)}
    alone = trials({"adag": HARD, "adag-refined": HARD + 5})
    assert best(alone, "shd") == {(): ({"adag"}, False)}, "no other family to be better than"


def test_every_rival_must_be_beaten_but_not_ones_own_variants() -> None:
    near = HARD + RNG.permutation([-1.0] * 9 + [1.0] * 11)
    columns = {"adag": HARD, "notears": HARD + 5}
    assert best(trials({**columns, "adag-refined": near}), "shd")[()] == ({"adag"}, True)
    assert best(trials({**columns, "dagma": near}), "shd")[()] == ({"adag"}, False)


def test_ties_share_the_best_and_only_within_a_family_is_there_a_claim() -> None:
    columns = {"adag": HARD, "notears": HARD + 5}
    assert best(trials({**columns, "adag-refined": HARD}), "shd")[()] == ({"adag", "adag-refined"}, True)
    assert best(trials({**columns, "dagma": HARD}), "shd")[()] == ({"adag", "dagma"}, False)


def test_a_family_pays_for_its_variants_and_a_table_for_its_rows() -> None:
    gain = np.zeros(20)
    gain[:7] = 1.0
    one = trials({"adag": HARD, "notears": HARD + gain})
    assert best(one, "shd")[()][1]
    variants = {f"adag-{k}": HARD + 9 for k in range(4)}
    assert not best(trials({"adag": HARD, "notears": HARD + gain, **variants}), "shd")[()][1]
    rows = pd.concat([trials({"adag": HARD, "notears": HARD + gain}, n=n) for n in (10, 20, 50, 100)])
    found = best(rows, "shd", CELL)
    assert len(found) == 4
    assert not any(sure for _, sure in found.values())


def test_a_method_that_ran_on_the_easy_data_sets_alone_cannot_win() -> None:
    both = trials({"adag": HARD, "notears": np.where(np.arange(20) < 5, HARD + 1, np.nan)})
    part = both[~((both["label"] == "notears") & (both["repeat"] >= 5))].assign(
        shd=both["shd"].where(both["repeat"] >= 5, 0)
    )
    assert part[part["label"] == "notears"]["shd"].mean() < part[part["label"] == "adag"]["shd"].mean()
    assert best(part, "shd")[()][0] == {"adag"}


def test_a_rival_that_ran_too_seldom_for_a_test_spoils_the_claim_only_where_it_is_as_good() -> None:
    late = np.arange(20) >= 2
    for excess, sure in ((1.0, True), (0.0, False), (-1.0, False)):
        run = trials({"adag": HARD, "notears": HARD + 5, "golem": HARD + excess})
        run = run[~((run["label"] == "golem") & late[run["repeat"]])]
        assert best(run, "shd")[()] == ({"adag"}, sure)
    alone = trials({"adag": HARD, "golem": HARD + 5})
    assert not best(alone[~((alone["label"] == "golem") & late[alone["repeat"]])], "shd")[()][1], "nothing tested"


def test_tables_shown_together_are_corrected_together() -> None:
    gain = np.zeros(20)
    gain[:8] = 1.0
    table = pd.DataFrame({"adag": HARD, "notears": HARD + gain})
    assert leads([table])[0].gaps["notears"][1]
    p = leads([table])[0].gaps["notears"][0].p
    together = leads([table] * 10)
    assert together[0].gaps["notears"][0].p == pytest.approx(10 * p)
    assert not any(lead.sure or lead.gaps["notears"][1] for lead in together)


def test_few_data_sets_bear_out_nothing() -> None:
    assert best(trials({"adag": np.zeros(5), "notears": np.full(5, 9.0)}), "shd")[()] == ({"adag"}, False)


def test_a_failure_scores_as_the_empty_graph_and_ranks_last() -> None:
    failing = np.where(np.arange(20) < 10, np.nan, 0.0)
    run = trials({"adag": np.full(20, 4.0), "notears": failing, "pc": np.full(20, np.nan)})
    assert run.loc[run["label"] == "notears", "shd"].mean() == 0, "the mean of what it did not fail on flatters"
    assert best(run, "shd")[()][0] == {"adag"}
    table = data_sets(run, "shd")
    assert list(table) == ["adag", "notears"], "pc has no SHD"
    assert table["notears"].tolist() == [20.0] * 10 + [0.0] * 10
    assert errors(run, "shd")["notears"].isna().sum() == 10
    with pytest.raises(ValueError, match="sid"):
        scores(run, "sid")


def test_what_has_no_score_has_none_where_it_fails_either() -> None:
    run = trials({"adag": HARD, "pc": np.full(20, np.nan)})
    run.loc[(run["label"] == "pc") & (run["repeat"] == 0), "status"] = "error"
    assert scores(run, "shd")[run["label"] == "pc"].isna().all()
    dead = trials({"adag": HARD, "notears": np.full(20, np.nan)})
    assert (scores(dead, "shd")[dead["label"] == "notears"] == 20).all()
