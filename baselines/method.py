"""What a method is (`Method`, for authors) and what `get_method` hands out (`ReadyMethod`, for callers).

Definition apart from plumbing: an author's file says how to call a library; validation, silence, seeds, names,
timing and the check of the output are here, once.
"""

import dataclasses
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from adag.errors import DataError, UsageError
from adag.graph import CausalGraph, InvalidGraph
from adag.validation import as_samples
from baselines.declaration import Assumption, Kind, Randomness
from baselines.given import Given, GivenFamily
from baselines.isolation import contained
from baselines.spec import MethodSpec


class Method:
    """Base of a method. An author sets the class attributes, takes keyword parameters, and writes `discover`."""

    name: ClassVar[str]
    """What users type, e.g. ``direct-lingam``."""
    package: ClassVar[str]
    """Distribution that implements it; its version is printed beside every result."""
    license: ClassVar[str] = ""
    """SPDX identifier of the package's licence, e.g. ``Apache-2.0``."""
    paper: ClassVar[str] = ""
    """Authors, year and where to find it, e.g. ``Zheng et al. 2018, arXiv:1803.01422``."""
    kind: ClassVar[Kind] = "dag"
    """What `discover` returns: "dag" or "cpdag"."""
    assumes: ClassVar[tuple[Assumption, ...] | None] = None
    """Words of `baselines.declaration.ASSUMPTIONS`; () for nothing, None where it is not declared. That the graph is
    acyclic, the samples independent and no common cause hidden goes without saying."""
    randomness: ClassVar[Randomness | None] = None
    """A word of `baselines.declaration.RANDOMNESS`: whether one seed gives one answer."""
    spare_samples: ClassVar[int | None] = None
    """The method needs n >= d + this many samples; other data are refused in plain words. None: it needs 2."""
    most_variables: ClassVar[int | None] = None
    """The method takes at most this many variables; more are refused in plain words. None: any number."""
    given: ClassVar[Given] = "one domain"
    """A word of `given.GIVEN`: what it knows of a data set's family; anything but "one domain" comes by `prepare`."""
    cpus: ClassVar[float] = 1
    """CPUs of a trial, and the size of its thread pools."""
    gpus: ClassVar[float] = 0
    """Fractions share a GPU; where there is none, the method runs on the CPU."""
    memory_gib: ClassVar[float | None] = None
    """A trial that grows beyond this is stopped; None: an equal share of its machine."""

    def warm_up(self) -> None:
        """Import the library and load weights, so that neither is timed."""

    def prepare(self, family: GivenFamily) -> None:
        """Learn once what the data sets of a family share; every `discover` after it is about one of them.

        Called before `discover`, outside its time, and only where ``given`` is not "one domain". An object is prepared
        for one family.
        """

    def discover(self, X: NDArray[np.float64], *, seed: int) -> CausalGraph:
        """Estimate the graph of one data set; names are added by the caller.

        Parameters
        ----------
        X : ndarray, shape (n, d)
            Checked samples, a private copy that may be written to.
        seed : int
            For whatever draws random numbers; the global generators are seeded already.

        Returns
        -------
        CausalGraph
            See `CausalGraph.from_weights` for the way from weights to a graph.
        """
        raise NotImplementedError

    @property
    def version(self) -> str:
        """Package and version, e.g. ``gcastle 1.0.4``; read without importing the package."""
        try:
            return f"{self.package} {version(self.package)}"
        except PackageNotFoundError:
            raise UsageError(
                f"method '{self.name}' needs the package {self.package}, which is not installed: "
                f"pip install {self.package}"
            ) from None

    @property
    def training(self) -> str:
        """What a pre-trained method has seen, in a line to print beside its results; empty for all others."""
        return ""


class Samples(NamedTuple):
    """A data set that was checked: a copy, shape (n, d), and its variables' names."""

    X: NDArray[np.float64]
    names: list[str]


class ReadyMethod:
    """A method with its parameters, validated input, silence and clean global state around it.

    Attributes
    ----------
    method : Method
        The author's object.
    spec : MethodSpec
        Name and parameters, as printed in results.
    shares_generators : bool
        False in a process that draws nothing from the global generators itself: their states are then not restored.
    """

    def __init__(self, method: Method, spec: MethodSpec) -> None:
        self.method, self.spec = method, spec
        self.shares_generators = True
        self._warm = False
        self._family: GivenFamily | None = None

    def __repr__(self) -> str:
        return f"<method {self.spec}>"

    @property
    def version(self) -> str:
        """See `Method.version`."""
        return self.method.version

    def warm_up(self) -> None:
        """Import what the method needs; done once, before anything is timed."""
        if not self._warm:
            with contained():
                self.method.warm_up()
            self._warm = True

    def prepare(self, family: GivenFamily) -> float:
        """Hand a method what it declares to be given of a family of data sets; the seconds that it took.

        Raises
        ------
        UsageError
            The method was prepared for another family: make a fresh one.
        """
        if self._family not in (None, family):
            raise UsageError(f"{self.spec} is already prepared for another family: get_method('{self.spec}') again")
        if self._family == family or self.method.given == "one domain":
            return 0.0
        self.warm_up()
        with contained(0):
            start = time.perf_counter()
            self.method.prepare(dataclasses.replace(family, given=self.method.given))
            seconds = time.perf_counter() - start
        self._family = family
        return seconds

    def discover(self, X: Any, *, seed: int = 0) -> CausalGraph:
        """Estimate the causal graph of one data set.

        Parameters
        ----------
        X : array_like or DataFrame, shape (n, d)
            Never modified; column names of a DataFrame are kept.
        seed : int
            Seeds the method and the global generators it may use; yours are left as they were.

        Returns
        -------
        CausalGraph
            With the columns' names.

        Raises
        ------
        DataError
            The data cannot be analysed (see `adag.validation.as_samples`), have too few samples for the method, or are
            of no family where it needs one.
        InvalidGraph
            The method's answer is not a graph.
        """
        return self.timed_discover(X, seed=seed)[0]

    def timed_discover(self, X: Any, *, seed: int = 0) -> tuple[CausalGraph, float]:
        """`discover` of a data set or of `samples`, and the seconds spent in the method's own `discover` alone."""
        samples, names = X if isinstance(X, Samples) else self.samples(X)
        self.warm_up()
        with contained(seed, restore_generators=self.shares_generators):
            start = time.perf_counter()
            graph = self.method.discover(samples, seed=seed)
            seconds = time.perf_counter() - start
        return self._checked(graph, names), seconds

    def discover_many(self, datasets: Sequence[Any], *, seed: int = 0) -> list[CausalGraph]:
        """Estimate many graphs; batched where the method can (`ADAG`), else one by one."""
        if not self.batches:
            return [self.discover(X, seed=seed) for X in datasets]
        return self.timed_discover_many(datasets, seed=seed)[0]

    @property
    def batches(self) -> bool:
        """Whether the method itself offers `discover_many`."""
        return callable(getattr(self.method, "discover_many", None))

    def timed_discover_many(self, datasets: Sequence[Any], *, seed: int = 0) -> tuple[list[CausalGraph], float]:
        """`discover_many` of a method that batches, and the seconds spent in the method's own call alone."""
        batched = getattr(self.method, "discover_many")  # noqa: B009 (optional: `Method` has none)
        checked = []
        for k, X in enumerate(datasets):
            try:
                checked.append(self.samples(X))
            except DataError as e:
                raise DataError(f"data set {k}: {e}") from None
        self.warm_up()
        with contained(seed, restore_generators=self.shares_generators):
            start = time.perf_counter()
            graphs = batched([samples for samples, _ in checked], seed=seed)
            seconds = time.perf_counter() - start
        return [self._checked(graph, names) for graph, (_, names) in zip(graphs, checked, strict=True)], seconds

    def samples(self, X: Any) -> Samples:
        """A data set as `discover` needs it, for one call: the method may do with it what it likes.

        Raises
        ------
        DataError
            See `discover`.
        """
        samples, names = as_samples(X)
        if self.method.given != "one domain" and self._family is None:
            raise DataError(
                f"{self.spec} needs a family of data sets ({self.method.given}), and these data are of none: use a "
                "grid with a family, e.g. order-consistent, prepare(family) first, or another method, e.g. adag"
            )
        if self._family is not None and samples.shape[1] != self._family.key.d:
            raise DataError(f"{samples.shape[1]} variables, and the family that {self.spec} was prepared for has "
                            f"{self._family.key.d}: give data of that family")  # fmt: skip
        (n, d), spare, most = samples.shape, self.method.spare_samples, self.method.most_variables
        if most is not None and d > most:
            raise DataError(
                f"{self.spec} takes at most {most} variables, and there are {d}: drop columns, or use a method without "
                "this limit, e.g. adag"
            )
        if spare is not None and n < d + spare:
            raise DataError(
                f"{self.spec} needs at least {d + spare} samples for {d} variables, and there are {n}: "
                "collect more rows, drop columns, or use a method without this limit, e.g. adag"
            )
        return Samples(samples, names)

    def _checked(self, graph: Any, names: list[str]) -> CausalGraph:
        if not isinstance(graph, CausalGraph):
            raise InvalidGraph(f"{self.spec} returned {type(graph).__name__}, expected adag.CausalGraph")
        if graph.d != len(names):
            raise InvalidGraph(f"{self.spec} returned {graph.d} variables for data with {len(names)}")
        if graph.names == tuple(names):
            return graph
        return dataclasses.replace(graph, names=tuple(names))
