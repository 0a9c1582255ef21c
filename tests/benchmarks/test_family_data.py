"""Family data sets: what is shared is shared by every test domain, and none was there to learn from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from run_maker import KEYS, record, write

from adag.acyclicity import is_acyclic
from adag.families import family_of, training_domains, tuning_domains
from benchmarks.datasets import load
from benchmarks.grid import CellBlock, load_grid
from benchmarks.keys import DatasetKey
from benchmarks.plots.runtime import accuracy_against_runtime
from benchmarks.records import read_records
from benchmarks.scoring import score_run
from benchmarks.summary import given, markdown, read_trials

ALONE = DatasetKey("er", 2.0, 8, 20, "gaussian", "equal", "raw", 0)
ORDER = dataclasses.replace(ALONE, domain_family="order-consistent", family_seed=3)
GRAPH = dataclasses.replace(ALONE, domain_family="heterogeneous", family_seed=3)


def repeats(key: DatasetKey, count: int) -> list[DatasetKey]:
    return [dataclasses.replace(key, repeat=r) for r in range(count)]


def test_order_consistent_test_domains_keep_to_one_order_and_have_fresh_graphs() -> None:
    truths = np.stack([load(key).truth for key in repeats(ORDER, 60)])
    assert is_acyclic(truths.any(0))  # the union of their edges, a dense graph, has an order
    assert truths.any(0).sum() == 8 * 7 / 2
    assert len({t.tobytes() for t in truths}) == 60
    assert ORDER.family is not None
    order = family_of(*ORDER.family).order
    assert order is not None
    assert not np.tril(truths.any(0)[np.ix_(order, order)]).any()


def test_heterogeneous_test_domains_share_their_edges_and_have_fresh_weights() -> None:
    weights = np.stack([load(key).A for key in repeats(GRAPH, 20)])
    assert ((weights != 0) == (weights[0] != 0)).all()
    assert len({w.tobytes() for w in weights}) == 20
    assert GRAPH.family is not None
    edges = family_of(*GRAPH.family).edges
    assert edges is not None
    np.testing.assert_array_equal(weights[0] != 0, edges.numpy())


def test_another_family_seed_is_another_family() -> None:
    one, other = load(GRAPH).truth, load(dataclasses.replace(GRAPH, family_seed=4)).truth
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("key", [ORDER, GRAPH])
def test_no_training_or_tuning_domain_is_a_test_domain(key: DatasetKey) -> None:
    assert key.family is not None
    seen = {X.tobytes() for X in training_domains(key.family, 1000, 20).numpy()}
    seen |= {X.tobytes() for X in tuning_domains(key.family, 200, 20)[1].numpy()}
    rows = {row.tobytes() for X in seen for row in np.frombuffer(X).reshape(-1, 8)}
    assert len(rows) == 1200 * 20
    for test in repeats(key, 100):
        assert rows.isdisjoint({row.tobytes() for row in load(test).X.to_numpy()})


def test_a_key_of_no_family_is_what_it_was() -> None:
    assert ALONE.family is None
    assert ALONE.canonical() == "graph=er/degree=2/d=8/n=20/noise=gaussian/variance=equal/scale=raw/repeat=0"
    assert ORDER.canonical() == ALONE.canonical() + "/domain_family=order-consistent/family_seed=3"
    assert len({ALONE.seed, ORDER.seed, GRAPH.seed}) == 3


@pytest.mark.parametrize(
    ("family", "names"),
    [("order-consistent", ["order-consistent", "order-consistent-20"]), ("heterogeneous", ["heterogeneous"])],
)
def test_the_family_grids_are_those_of_the_paper(family: str, names: list[str]) -> None:
    grids = [load_grid(name)[0] for name in names]
    cells = {trial.dataset for grid in grids for trial in grid.trials(grid.specs(), repeats=1)}
    assert {(c.graph, c.degree, c.d, c.n, c.noise, c.scale, c.domain_family) for c in cells} == {
        ("er", 2.0, d, n, "gaussian", "raw", family) for d in (10, 20) for n in (10, 20)
    }
    assert all(grid.repeats == 100 for grid in grids)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"graph": "er", "degree": 1, "violation": ["confounders"]}, "without violations"),
        ({"graph": "chain"}, "simulated graphs with a degree"),
        ({"graph": "er", "degree": 1, "family": "general", "family_seed": 2}, "family_seed says which family"),
    ],
)
def test_a_family_that_cannot_be_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        CellBlock.model_validate({"d": [5], "n": [10], "family": "order-consistent", **settings})


def test_tables_and_figures_say_what_each_method_was_given(tmp_path: Path) -> None:
    keys = [dataclasses.replace(key, domain_family="heterogeneous") for key in KEYS if key.graph == "er"]
    known = {"adag": "one domain", "notears": "one domain", "pooled-order-lasso": "training domains"}
    records = [
        record(label, key, given=what, domain_family=key.domain_family, family_seed=0)
        for key in keys
        for label, what in known.items()
    ]
    score_run(write(tmp_path, records))
    trials = read_trials(tmp_path)
    assert given(trials) == known
    assert set(trials["family"]) == {"ER1 heterogeneous"}
    assert "pooled-order-lasso; training domains" in markdown(trials).splitlines()[0]
    legend = accuracy_against_runtime(trials).legends[0]
    assert {text.get_text() for text in legend.get_texts()} == {f"{label} ({what})" for label, what in known.items()}


def test_runs_without_the_columns_are_of_no_family(tmp_path: Path) -> None:
    score_run(write(tmp_path, [record("notears", key) for key in KEYS]))
    records = read_records(tmp_path)
    assert set(records["given"]) == {"one domain"}
    assert set(records["domain_family"]) == {"general"}
    trials = read_trials(tmp_path)
    assert given(trials) == {}
    assert ";" not in markdown(trials)
