"""The checks that make up the contract of a method; a broken one raises `Broken` and says what to mend.

Called by `conformance`. Each takes what makes the method, so that it can watch the making too, and returns a remark.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adag.errors import DataError
from adag.graph import CausalGraph, InvalidGraph
from baselines import footprint
from baselines.declaration import Assumption
from baselines.method import ReadyMethod
from baselines.probes import Samples, collider, pair, sem

T = TypeVar("T")
Make = Callable[[], ReadyMethod]
"""Makes the method anew, as `get_method` does."""

IDENTIFIES: frozenset[Assumption] = frozenset({"equal-variance", "non-gaussian", "var-sortable"})
"""Assumptions under which the direction of a single edge can be found; `probes.pair` meets them all."""
DEFECTS = (
    IndexError, KeyError, TypeError, AttributeError, NameError, AssertionError, ZeroDivisionError, NotImplementedError,
)  # fmt: skip
"""What an accident raises; a deliberate refusal says what is wrong, in a ValueError, LinAlgError, RuntimeError, ..."""


class Broken(AssertionError):
    """The method breaks its contract; the message tells its author what to mend."""


def quiet(make: Make) -> str:
    """Nothing is printed, on import, construction, warm-up or discovery."""
    with footprint.recorded() as printed:
        method = make()
        _ = method.version
        method.warm_up()
        _discover(method, sem(4, 40), "40 samples of 4 variables")
    if text := printed().strip():
        raise Broken(
            f"prints {text.splitlines()[0][:60]!r}: what `discover` and `warm_up` print is silenced, so this comes "
            "from the import, the constructor, `version` or a thread; remove it there"
        )
    return ""


def no_side_effects(make: Make) -> str:
    """Global state, files, threads and processes are as before."""
    X = sem(4, 40)
    import torch  # noqa: F401  (part of the state, so it is there before)

    with footprint.recorded(wait_s=0):  # what it prints is another check's business
        before, (threads, children) = footprint.snapshot(), footprint.alive()
        method = make()
        method.warm_up()
        with footprint.elsewhere() as folder:
            here = footprint.snapshot()
            _discover(method, X, "40 samples of 4 variables")
            changed = footprint.changes(here)
            files = sorted(path.name for path in folder.iterdir())
        changed += [what for what in footprint.changes(before) if what not in changed]
    if changed:
        raise Broken(
            f"changes {', '.join(changed)} for the whole process: put it back in a try/finally, or do it inside "
            "`discover` or `warm_up` where the common settings are put back for you"
        )
    if files:
        raise Broken(f"leaves {', '.join(files)} in the working directory: write to a tempfile, or turn it off")
    now = footprint.alive()
    if left := now[0] - threads:
        raise Broken(f"leaves the thread {', '.join(sorted(left))} running: join it before `discover` returns")
    if now[1] - children:
        raise Broken("leaves a child process running: end it and wait for it before `discover` returns")
    return ""


def shapes(make: Make) -> str:
    """The answer is a `CausalGraph` over the variables of the data, of the declared kind."""
    method = make()
    for n, d in ((100, 4), (30, at_most(method, 7))):
        graph = _discover(method, sem(d, n), f"{n} samples of {d} variables")
        if graph.kind != method.method.kind:
            raise Broken(
                f"returns a graph of kind '{graph.kind}' but declares kind = '{method.method.kind}': make them agree"
            )
        if graph.weights is not None and (graph.weights[graph.adjacency == 0] != 0).any():
            raise Broken("gives weights to pairs that have no edge: zero them, or use CausalGraph.from_weights")
    return ""


def orientation(make: Make) -> str:
    """Cause to effect is row to column, on data where the method can tell; and the weight is the effect's size."""
    method = make()
    assumes = method.method.assumes
    strict = bool(IDENTIFIES & {*(assumes or ())}) and method.method.kind == "dag"
    if "shared-weights" in (assumes or ()):  # which a family that is made up for the check does not have
        strict = False
    layouts: list[tuple[int, ...]]
    if strict:
        truth = np.array([[0, 1], [0, 0]])
        layouts = [(0, 1), (1, 0)]
        X, case = pair("gaussian" in (assumes or ())), "x -> y"
    else:
        truth = np.array([[0, 1, 0], [0, 0, 0], [0, 1, 0]])
        layouts = [(1, 0, 2), (0, 2, 1)]  # y first, then last: no fixed order of columns can look like a reversal
        X, case = collider("gaussian" in (assumes or ())), "x -> y <- z"
        strict = method.method.kind == "cpdag" and "faithful" in (assumes or ())
    found = []
    for layout in layouts:
        graph = _discover(method, np.ascontiguousarray(X[:, layout]), case)
        back = np.ix_(np.argsort(layout), np.argsort(layout))
        found.append((graph.adjacency[back], None if graph.weights is None else graph.weights[back]))
    against = all((A == truth.T).all() for A, _ in found)
    if against and (strict or all(W is not None and _fits_transposed(A, W, X) for A, W in found)):
        raise Broken(
            f"points every edge of {case} the wrong way: row is cause and column is effect, adjacency[i, j] = 1 for "
            "i -> j; where the library has effects in rows, pass its matrix transposed (.T)"
        )
    if not strict:
        return (
            "points every edge of a collider the wrong way: if that should not be, transpose (.T)"
            if against
            else "does not transpose; the direction itself is not identified under what it declares to assume"
        )
    for A, W in found:
        if (truth != A).any():
            raise Broken(
                f"answers {_edges(A)} where the truth is {case}, on data of the kind that it declares to assume "
                f"({', '.join(assumes or ())}): correct `assumes`, or the call of the library"
            )
        if case == "x -> y" and W is not None and not 0.75 < W[0, 1] < 2.25:
            raise Broken(
                f"gives x -> y the weight {W[0, 1]:.2f} where y = 1.5 x + noise: weights[i, j] is the change of j per "
                "unit of i, in the units of the data; leave weights out if the library has none"
            )
    return ""


def determinism(make: Make) -> str:
    """One seed gives one answer, whatever was asked before; other seeds too, where that is declared."""
    method = make()
    declared = method.method.randomness
    if declared == "unseeded":
        return "declares that its library cannot be seeded: not checked"
    d = at_most(method, 6)
    X, other, case = sem(d, 40), sem(d, 40, seed=1), f"40 samples of {d} variables"
    first, again = (_discover(method, X, case, seed=7) for _ in range(2))
    if not _same(first, again):
        raise Broken(
            "gives two answers for one seed: hand `seed` to every generator you make, e.g. "
            "np.random.default_rng(seed) or random_state=seed; if the library takes none, "
            "declare randomness = 'unseeded'"
        )
    _discover(method, other, case, seed=7)
    if not _same(first, _discover(method, X, case, seed=7)):
        raise Broken(
            "answers otherwise after it has seen another data set: keep nothing of the data between calls of `discover`"
        )
    if declared == "deterministic" and not _same(first, _discover(method, X, case, seed=8)):
        raise Broken("declares randomness = 'deterministic' but depends on the seed: declare 'seeded'")
    return "" if declared else "declares no randomness: checked as 'seeded'"


def read_only_input(make: Make) -> str:
    """A caller's array may be read-only, and is never changed."""
    method = make()
    X = sem(4, 60)
    kept = X.copy()
    _discover(method, X, "60 samples of 4 variables")
    if not np.array_equal(X, kept):
        raise Broken("changes the caller's array: work on a copy")
    X.setflags(write=False)
    _discover(method, X, "a read-only array")
    return ""


def names(make: Make) -> str:
    """A DataFrame's column names are the graph's, and change nothing else."""
    method = make()
    X = sem(4, 60)
    columns = ("Raf", "Mek", "PKA", "a b")
    graph = _discover(method, pd.DataFrame(X, columns=list(columns)), "a DataFrame")
    if graph.names != columns:
        raise Broken(f"names the variables {graph.names} where the DataFrame says {columns}: leave names to the caller")
    if method.method.randomness != "unseeded" and not _same(graph, _discover(method, X, "the same as an array")):
        raise Broken("answers otherwise for a DataFrame than for the same numbers as an array: use X as it is given")
    return ""


def few_samples(make: Make) -> str:
    """With fewer samples than variables: a graph, or a refusal that is declared."""
    method = make()
    spare, d = method.method.spare_samples, at_most(method, 8)
    if spare is None or spare < min(5, d - 1) - d:
        n = min(5, d - 1)
        _discover(method, sem(d, n), f"{n} samples of {d} variables", mend=_DECLARE)
        return ""
    n = d + spare
    _discover(method, sem(d, n), f"{n} samples of {d} variables, which `spare_samples` allows", mend="raise it")
    try:
        method.discover(sem(d, n - 1))
    except DataError as e:
        return f"refuses: {e}"
    raise Broken(f"is not refused {n - 1} samples of {d} variables, though spare_samples = {spare} declares it")


_DECLARE = "handle it, or declare spare_samples = k where n >= d + k samples are needed: users are then told in words"


def two_variables(make: Make) -> str:
    """The smallest problem: two variables."""
    method = make()
    graph = _discover(method, pair(gaussian=True)[:50], "50 samples of 2 variables")
    if graph.d != 2:
        raise Broken(f"returns {graph.d} variables for data with 2")
    return ""


def duplicate_columns(make: Make) -> str:
    """Identical columns are refused by name; a sum of two others as a column gives a graph or a clear refusal."""
    method = make()
    X = sem(4, 60)
    twins = pd.DataFrame(np.column_stack([X, X[:, 1]]), columns=["a", "b", "c", "d", "copy"])
    try:
        method.discover(twins)
    except DataError as e:
        if not ("'b'" in str(e) and "'copy'" in str(e)):
            raise Broken(f"refuses identical columns without naming both ({e}): let adag.validation do it") from e
    else:
        raise Broken("accepts two identical columns: let adag.validation.as_samples check the data first")
    X[:, 3] = X[:, 0] + X[:, 1]
    try:
        method.discover(X)
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # see `_discover`
        if isinstance(e, (InvalidGraph, *DEFECTS)) or not isinstance(e, Exception) or not str(e):
            raise Broken(
                f"{_what(e)} where one column is the sum of two others: answer, or raise a ValueError that says so"
            ) from e
        return f"refuses a column that is the sum of two others: {_what(e)}"
    return ""


def many(make: Make) -> str:
    """`discover_many`, where there is one, answers as `discover` does, for data sets of different shapes."""
    method = make()
    if not hasattr(method.method, "discover_many"):
        return "has no discover_many of its own"
    datasets = [sem(4, 60), sem(at_most(method, 6), 40), sem(5, 30)]
    order = "return one graph for each data set, in their order"
    _answered(lambda: method.discover_many([]), "no data sets", order)
    graphs = _answered(lambda: method.discover_many(datasets), "three data sets in discover_many", order)
    if method.method.randomness == "deterministic":
        for k, (graph, X) in enumerate(zip(graphs, datasets, strict=True)):
            if not np.array_equal(graph.adjacency, _discover(method, X, f"data set {k}").adjacency):
                raise Broken(f"discover_many answers otherwise than discover, for data set {k}: they must agree")
    return ""


def at_most(method: ReadyMethod, d: int) -> int:
    """D variables, or as many as the method declares to take."""
    most = method.method.most_variables
    return d if most is None else min(d, most)


def _discover(method: ReadyMethod, X: Any, case: str, *, seed: int = 0, mend: str = "") -> CausalGraph:
    """`discover`, on data that it must be able to answer."""
    return _answered(lambda: method.discover(X, seed=seed), case, mend or "such data must be answered")


def _answered(call: Callable[[], T], case: str, mend: str) -> T:
    try:
        return call()
    except KeyboardInterrupt:
        raise
    except InvalidGraph as e:
        raise Broken(f"returns what is no graph for {case}: {e}: {mend}") from e
    except BaseException as e:  # the panics of Rust extensions, and SystemExit, are no Exception
        raise Broken(f"{_what(e)} for {case}: {mend}") from e


def _what(exception: BaseException) -> str:
    text = str(exception).strip().partition("\n")[0]
    return f"raises {type(exception).__name__}: {text[:120]}" if text else f"raises a bare {type(exception).__name__}"


def _same(one: CausalGraph, two: CausalGraph) -> bool:
    if not np.array_equal(one.adjacency, two.adjacency):
        return False
    pairs = ((one.weights, two.weights), (one.confidence, two.confidence))
    # Sums over several threads may differ in their last digits.
    return all(a is b or (a is not None and b is not None and np.allclose(a, b, atol=1e-8)) for a, b in pairs)


def _fits_transposed(A: NDArray[np.int8], W: Samples, X: Samples) -> bool:
    """Whether the weights are coefficients of the rows' regressions on the columns rather than the other way round."""

    def misfit(A: NDArray[np.int8], W: Samples) -> float:
        pairs = [(np.flatnonzero(A[:, j]), j) for j in range(len(A))]
        return sum(float(np.abs(W[i, j] - np.linalg.lstsq(X[:, i], X[:, j], rcond=None)[0]).sum()) for i, j in pairs)

    return misfit(A.T, W.T) < misfit(A, W)


def _edges(adjacency: NDArray[np.int8]) -> str:
    labels = "xyz"
    marks = [
        f"{labels[i]} {'->' if adjacency[i, j] == 1 else '--'} {labels[j]}"
        for i, j in np.argwhere(adjacency)
        if adjacency[i, j] == 1 or i < j
    ]
    return ", ".join(marks) or "no edge"
