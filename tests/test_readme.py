"""The README keeps its word: its table is that of the committed run, its numbers are measured, its files exist."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from comparisons import ahead

from baselines import MethodSpec, get_method
from benchmarks.claims import best, family
from benchmarks.drawn import drawn
from benchmarks.environment import pretrained
from benchmarks.grid import load_grid
from benchmarks.keys import CELL
from benchmarks.limits import LIMIT, TOLD_LESS
from benchmarks.records import current, read_records
from benchmarks.summary import markdown, penalised, read_trials

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TEXT = " ".join(README.split())


def run(name: str) -> pd.DataFrame:
    return read_trials(ROOT / "results" / name)


def own(name: str) -> pd.DataFrame:
    """The rows of the methods that tables show; a run by ``--methods all`` has those of more."""
    return drawn(run(name), ROOT / "results" / name).trials


def test_the_table_is_that_of_the_committed_run() -> None:
    assert markdown(own("small")) in README


@pytest.mark.parametrize("name", sorted(path.parent.name for path in (ROOT / "results").glob("*/trials.csv")))
def test_the_committed_runs_are_whole_and_by_the_shipped_checkpoint(name: str) -> None:
    plan, _ = load_grid(name)
    records = read_records(ROOT / "results" / name)
    ran = {*records["method"], *(spec.name for spec in plan.specs())}
    specs = plan.specs([MethodSpec(method) for method in sorted(ran)])
    versions = {str(spec): get_method(spec).version for spec in specs}
    planned = plan.trials(specs)
    missing = {trial.key for trial in planned} - current(records, planned, versions)
    assert not missing, f"{len(missing)} trials, e.g. {min(missing, key=str)}"


WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def word(count: int) -> str:
    """A small number as prose has it."""
    return WORDS[count - 2] if 2 <= count <= 12 else str(count)


NOT_MEASURED = (
    "Yin, Gao & Yu 2025", "arXiv:2506.18285",  # the paper
    "Python 3.11 or newer, two cores and about 3 GB of disk", "First ten minutes",  # what a reader needs
    "|weight| < 0.3", "instead of 100,000",  # settings: ours, and a package's
    "ADAG's three (see below)", "Three ADAGs",  # what there is
)  # fmt: skip
"""Every other number of the README's prose."""


def overall(trials: pd.DataFrame) -> dict[str, float]:
    """Errors a graph of every method over all rows, by its name."""
    return {str(name): penalised(group, "shd") for name, group in trials.groupby("method")}


def few_samples() -> Iterator[str]:
    """The sentences about ``results/small``."""
    trials = own("small")
    (repeats,) = {int(count) for count in trials.groupby(["label", *CELL]).size()}
    n = trials["n"]
    yield f"With {n.min()} to {n.max()} samples of raw equal-variance Gaussian SEMs"
    yield f"95% bootstrap interval over {repeats} data sets a cell"
    means = trials.pivot_table(index=["family", "d", "n"], columns="label", values="shd")
    rows = best(trials, "shd", ["family", "d", "n"])
    assert all(family(label) == "adag" for winners, _ in rows.values() for label in winners)
    yield "has the best mean in every row"
    assert any(sure for _, sure in rows.values())
    yield "with a \\* where one row alone bears such a claim out"
    (winner,), sure = best(trials, "shd")[()]
    assert sure
    errors = overall(trials)
    ours, others = errors[winner], [f"{errors[label]:.1f}" for label in ("notears", "dagma", "golem")]
    told = "NOTEARS {}, DAGMA {} and GOLEM {}".format(*others)
    yield f"Over all rows `{winner}` makes {ours:.1f} errors a graph, {told}"
    yield "significantly better than every method of another family"
    rivals = [label for label in means if family(label) != "adag"]
    assert (means["adag"] < means[rivals].min(axis=1)).all()
    assert (means["adag-unsupervised"] <= means["notears"]).all()
    yield "is level with or ahead of NOTEARS"
    seconds = trials.groupby("method")["runtime_s"].median()
    yield f"`{winner}` takes {1000 * seconds[winner]:.0f} ms a data set"
    yield f"ahead of every other method in every row, in {1000 * seconds['adag']:.0f} ms"
    yield f"NOTEARS {seconds['notears']:.1f} s, DAGMA {seconds['dagma']:.1f} s, GOLEM {seconds['golem']:.1f} s"
    (iterations,) = {int(label[15:-1]) for label in means if label.startswith("golem[num_iter=")}
    yield f"GOLEM {iterations:,} iterations instead of 100,000"
    yield f"which would take {round(100_000 / iterations * seconds['golem'], -1):.0f} seconds a trial"


def larger() -> Iterator[str]:
    """Those about ``results/small-20`` and ``results/scale``."""
    fewer, trials = own("small"), own("small-20")
    (d,) = set(trials["d"])
    (winner,), sure = best(trials, "shd")[()]
    assert sure
    assert set(trials["n"]) == set(fewer["n"])
    yield f"With {d} variables and the same numbers of samples"
    errors, before = overall(trials), overall(fewer)
    assert all(errors[winner] / errors[rival] < before[winner] / before[rival] for rival in ("notears", "dagma"))
    yield "the lead grows"
    yield f"`{winner}` makes {errors[winner]:.1f} errors a graph, NOTEARS {errors['notears']:.1f}"
    yield f"and DAGMA {errors['dagma']:.1f}"
    trials = own("scale")
    n, d = trials["n"].min(), trials["d"].max()
    last = trials[trials["d"] == d]
    edges = last.loc[last["label"] == "adag", "true_edges"].mean()
    yield f"With {d} variables and {n} samples"
    means, seconds = last.groupby("method")[["shd", "shd_cpdag"]].mean(), last.groupby("method")["runtime_s"].median()
    yield f"it makes {means.loc[winner, 'shd']:.1f} errors on graphs of {edges:.0f} edges, in {seconds[winner]:.1f} s"
    yield f"FLOP's CPDAGs have {means.loc['flop', 'shd_cpdag']:.0f} errors"


def from_few_to_many() -> Iterator[str]:
    """Those about the foundation runs."""
    runs = [own(name) for name in ("foundation", "foundation-20", "foundation-50")]
    trials = pd.concat(runs)
    d, n = trials["d"], trials["n"]
    yield f"From {d.min()} to {d.max()} variables and from {n.min()} to {n.max():,} samples"
    counts = {int(k) for run in runs for k in run[run["label"] == "adag"].groupby(["family", "d", "n"]).size()}
    fewer, more = sorted(counts)
    assert set(runs[-1]["d"]) == {d.max()}
    yield f"{more} data sets a cell, {fewer} with {d.max()} variables"
    assert all(ahead(trials, metric, "adag-refined").empty for metric in ("shd", "shd_cpdag", "auprc"))
    yield "makes fewer errors than `adag-refined` on the data sets that it ran on, or has a higher AUPRC"
    yield f"in any of the {len(trials[['graph', 'd', 'n']].drop_duplicates())} cells"


def of_a_kind() -> Iterator[str]:
    """Those about ``results/order-consistent``."""
    trials = own("order-consistent")
    (d,), n = set(trials["d"]), trials["n"].max()
    trials = trials[trials["n"] == n]
    yield f"{trials['repeat'].nunique()} domains of {n} samples and {d} variables"
    means = trials.groupby("label")["shd"].mean() + 1e-9
    yield f"(`adag-family-self-taught`) makes {means['adag-family-self-taught']:.1f} errors"
    yield f"lasso that is told the order {means['oracle-order-lasso']:.1f}"
    yield f"and `adag`, which sees one data set, {means['adag']:.1f}"


def best_possible() -> Iterator[str]:
    """Those about ``results/limits``."""
    whole = pd.read_csv(ROOT / "results" / "limits" / "limits.csv")
    whole = whole[whole["family"] == "general"]
    table = whole[whole["d"] == 10]
    means = table.pivot_table(index="n", columns="method", values="shd")
    yield "On ER2 graphs of 10 variables the best possible answer can be computed"
    ours, limit = means["adag"], means[LIMIT]
    yield f"`adag` makes {ours[10]:.1f} errors against {limit[10]:.1f} at n = 10"
    yield f"and {ours[20]:.1f} against {limit[20]:.1f} at n = 20"
    yield f"over {table['repeat'].nunique()} data sets each"
    few = whole[whole["d"] == 5]
    means = few.pivot_table(index="n", columns="method", values="shd")
    yield f"With 5 variables (ER1, {few['repeat'].nunique()} data sets each)"
    told, less, ours = (means.loc[10, name] for name in (LIMIT, TOLD_LESS, "adag-refined"))
    yield f"and n = 10 the best possible answer makes {told:.2f}"
    yield f"the best that is not told the unit, the means and the density of the graphs {less:.2f}"
    yield f"`adag-refined`, which is not either, {ours:.2f}"


def real_data() -> Iterator[str]:
    """Those about ``results/sachs``."""
    rows = run("sachs").set_index("method")
    yield f"the {rows['true_edges'].iloc[0]}-edge Sachs network"
    yield f"ADAG's SHD of {rows.loc['adag', 'shd']:.0f} is behind NOTEARS's {rows.loc['notears', 'shd']:.0f}"


def other_regimes() -> Iterator[str]:
    """Those about ``results/regimes`` and ``results/standardised``."""
    regimes, standardised = own("regimes"), own("standardised")
    both = pd.concat([regimes, standardised])
    (count,) = set(both.groupby(["label", *CELL]).size())
    (graph,), (d,) = set(both["family"]), set(both["d"])
    yield f"{count} data sets a cell, {graph}, d = {d}"
    keys = ["variance", "scale", "threshold", "noise", "n"]
    dag, cpdag = (both.pivot_table(index=keys, columns="label", values=m) for m in ("shd", "shd_cpdag"))
    raw = dag.loc[("equal", "raw", 0.3)]
    noises = {"exponential", "laplace", "gumbel", "uniform"}
    assert set(raw.index.get_level_values("noise")) == noises
    assert (raw["adag"] < raw["direct-lingam"]).all()
    n = raw.index.get_level_values("n")
    yield f"`adag` errs less than DirectLiNGAM at every n from {n.min()} to {n.max()}"
    scaled = {cut: dag.loc[("equal", "standardised", cut)].drop(index="gaussian") for cut in (0.1, 0.3)}
    assert all(set(table.index.get_level_values("noise")) == noises for table in scaled.values())
    ahead = {cut: int((table["adag-refined"] < table["direct-lingam"]).sum()) for cut, table in scaled.items()}
    assert ahead[0.1] == len(scaled[0.1])
    yield f"cut at 0.1, `adag-refined` errs less than DirectLiNGAM in all {ahead[0.1]} cells"
    yield f"cut at 0.3, in {ahead[0.3]} of {len(scaled[0.3])}"
    yield "below the usual cut at 0.3"
    closest = {cut: cpdag.loc[("equal", "standardised", cut, "gaussian")].idxmin(axis=1) for cut in (0.1, 0.3)}
    assert {family(label) for label in closest[0.1]} == {"adag"}
    sizes = [str(size) for size in closest[0.1].index]
    yield f"cut at 0.1, ADAG's CPDAGs are closest at n = {', '.join(sizes[:-1])} and {sizes[-1]}"
    flops = closest[0.3] == "flop"
    first = flops[flops].index.min()
    assert flops[flops.index >= first].all()
    yield f"cut at 0.3, FLOP's are from n = {first} on"


def training() -> Iterator[str]:
    """Those about the checkpoints."""
    (largest,) = set(re.findall(r"d = 2-(\d+)", pretrained(ROOT / "results" / "small")["adag"]))
    yield f"d up to {largest} in training"


SENTENCES = (few_samples, larger, from_few_to_many, of_a_kind, best_possible, real_data, other_regimes, training)


@pytest.mark.parametrize("sentences", SENTENCES)
def test_what_was_measured_is_said_with_its_numbers(sentences: Callable[[], Iterator[str]]) -> None:
    for sentence in sentences():
        assert sentence in TEXT, f"the results say: {sentence}"


def _without_code(text: str) -> str:
    return " ".join(re.sub(r"`[^`]*`", "", text).split())


def test_every_number_is_measured_or_listed_as_something_else() -> None:
    """A new number in the README's prose needs a sentence above that computes it, or a place in `NOT_MEASURED`."""
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    prose = prose.replace(markdown(own("small")), "")
    prose = re.sub(r"\[results/[^]]*\]\([^)]*\)", "", prose)  # a run's name may have a number in it
    prose = _without_code(re.sub(r"\]\([^)]*\)", "]", prose))
    for phrase in NOT_MEASURED:
        assert phrase in prose, f"no longer in the README: {phrase}"
    sentences = [s for make in SENTENCES for s in make()]
    for known in sorted({_without_code(text) for text in (*sentences, *NOT_MEASURED)}, key=len, reverse=True):
        prose = prose.replace(known, "")
    words = "|".join([*WORDS, "hundred", "thousand", "million", "dozen"])
    found = re.findall(rf"(?i).{{0,40}}(?:\b\d|\b(?:{words})\b).{{0,40}}", prose)
    assert not found, f"numbers without a check: {found}"


def test_the_quick_run_is_as_large_as_is_said() -> None:
    repeats = re.search(r"--grid small --repeats (\d+)", (ROOT / "Makefile").read_text())
    assert repeats
    trials = own("small")
    trials = trials[trials["repeat"] < int(repeats[1])]
    cores = 2  # that a reader is told to have
    minutes = trials["runtime_s"].sum() / cores / 60
    said = re.search(r"make bench-small +# (\w+) methods, (\d+) cells, in about (\d+) minutes", README)
    assert said
    assert said[1] == word(trials["label"].nunique())
    assert int(said[2]) == trials[list(CELL)].drop_duplicates().shape[0]
    assert 0.5 * minutes < int(said[3]) < 2 * minutes


def test_links_and_targets_exist() -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / link).exists(), link
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"make ([a-z-]+)", README):
        assert target in targets, target
