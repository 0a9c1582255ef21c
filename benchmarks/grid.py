"""Grids: which cells, how many repeats, which methods and limits. Read from TOML and validated.

Called by `benchmarks.run`. The shipped ones lie in ``benchmarks/grids/``; a user's own is given by its path.
"""

import dataclasses
import difflib
import itertools
import json
import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from adag.acyclicity import EDGE_THRESHOLD
from adag.errors import UsageError
from adag.random_graphs import FIXED, GraphFamily
from adag.sem import Family, Noise, Scale, Variance
from adag.violations import Violation
from baselines import Method, MethodSpec, available_methods, method_class, parse_spec
from benchmarks import folder
from benchmarks.keys import DatasetKey, Trial
from benchmarks.networks import SIZES
from benchmarks.sachs import ALL_SAMPLES, CONDITIONS, MEAN_SAMPLES, SAMPLES, VARIABLES

FOLDER = Path(__file__).parent / "grids"


Network = Literal["ecoli70", "arth150", "magic-niab", "magic-irri"]
Real = Literal["sachs", "sachs-all", "sachs-conditions"]
REAL = {"sachs": SAMPLES, "sachs-all": ALL_SAMPLES, "sachs-conditions": MEAN_SAMPLES}
"""Real data, with their number of samples (of the nine conditions, 707 to 913 each, the mean)."""
REAL_SETS = {"sachs-conditions": len(CONDITIONS)}
"""How many data sets there are, where not one: they are a cell's repeats, all of them, whatever a grid asks for."""
NONE: tuple[Violation, ...] = ("none",)
DATA_METHODS = (
    "adag", "adag-refined", "notears", "dagma", "flop", "boss", "pc", "direct-lingam", "var-sort-regress", "empty",
)  # fmt: skip
"""What a user's own folder is given to, unless ``--methods`` says otherwise."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CellBlock(_Strict):
    """A product of cells. ER-k at d < 2k + 1 is the complete graph: the edge probability is capped at 1.

    Simulated graphs need degree, d and n (``chain`` and ``star`` have d - 1 edges: no degree). The published
    networks need n alone. Real data need nothing; a user's own (``data``) need their folder. Where the data sets of a
    cell share an order or a graph, ``family`` says which of the two and ``family_seed`` which one.
    ``threshold`` is where the weighted estimates of all methods are cut, in the units of the data.
    """

    graph: GraphFamily | Network | Real | Literal["data"]
    folder: str | None = None
    degree: Annotated[float, Field(ge=0)] = 0
    d: tuple[Annotated[int, Field(ge=2)], ...] = ()
    n: tuple[Annotated[int, Field(ge=2)], ...] = ()
    noise: tuple[Noise, ...] = ("gaussian",)
    variance: tuple[Variance, ...] = ("equal",)
    scale: tuple[Scale, ...] = ("raw",)
    violation: tuple[Violation, ...] = ("none",)
    family: Family = "general"
    family_seed: Annotated[int, Field(ge=0)] = 0
    threshold: tuple[Annotated[float, Field(ge=0)], ...] = (EDGE_THRESHOLD,)

    @model_validator(mode="after")
    def _complete(self) -> "CellBlock":
        if (self.graph == "data") != (self.folder is not None):
            raise ValueError("graph 'data' needs a folder of CSV files, and nothing else has one")
        if self.graph in FIXED:
            needed = {"d", "n"}
        elif self.graph in SIZES:
            needed = {"n"}
        else:
            needed = set() if self.graph in (*REAL, "data") else {"degree", "d", "n"}
        unneeded = {"degree", "d", "n"} - needed
        if any(getattr(self, name) for name in unneeded):
            kind = "is real data" if not needed else "has edges of its own"
            raise ValueError(f"graph '{self.graph}' {kind}: leave out {_listed(unneeded)}")
        if not all(getattr(self, name) for name in needed):
            raise ValueError(f"graph '{self.graph}' needs {_listed(needed)}")
        if self.graph in SIZES and (self.noise, self.variance, self.violation) != (("gaussian",), ("equal",), NONE):
            raise ValueError(f"graph '{self.graph}' has noise of its own: leave out noise, variance and violation")
        if "iscm" in self.scale and (self.graph in SIZES or "nonlinear" in self.violation):
            raise ValueError("scale 'iscm' is for linear SEMs with simulated graphs: choose raw or standardised")
        if self.family != "general" and (self.violation != NONE or {"degree", "d"} - needed):
            raise ValueError(f"family '{self.family}' is for simulated graphs with a degree and without violations")
        if self.family == "general" and self.family_seed:
            raise ValueError("family_seed says which family: give one, order-consistent or heterogeneous")
        return self

    def expand(self) -> list[DatasetKey]:
        """Every cell of the block, as repeat 0."""
        return [dataclasses.replace(key, threshold=at) for key in self._data() for at in self.threshold]

    def _data(self) -> list[DatasetKey]:
        if self.graph in REAL:
            return [DatasetKey(self.graph, 0.0, len(VARIABLES), REAL[self.graph], "real", "real", "standardised", 0)]
        if self.folder is not None:
            shapes = {graph: folder.read(graph)[0].shape for graph in folder.graphs(Path(self.folder))}
            return [DatasetKey(graph, 0.0, d, n, "real", "real", "raw", 0) for graph, (n, d) in shapes.items()]
        if self.graph in SIZES:
            d = SIZES[self.graph]
            return [
                DatasetKey(self.graph, 0.0, d, n, "gaussian", "unequal", scale, 0)
                for n, scale in itertools.product(self.n, self.scale)
            ]
        degree = 1.0 if self.graph in FIXED else float(self.degree)
        return [
            DatasetKey(self.graph, degree, d, n, noise, variance, scale, 0, violation, self.family, self.family_seed)
            for d, n, noise, variance, scale, violation in itertools.product(
                self.d, self.n, self.noise, self.variance, self.scale, self.violation
            )
        ]


class Grid(_Strict):
    """A benchmark's plan."""

    name: str
    title: str
    description: str = ""
    methods: tuple[str, ...]
    repeats: Annotated[int, Field(ge=1)] = 10
    timeout_s: Annotated[float, Field(gt=0)] = 300.0
    cells: Annotated[tuple[CellBlock, ...], Field(min_length=1)]
    method_params: dict[str, dict[str, Any]] = Field(default_factory=dict, alias="method-params")
    method_timeout_s: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict, alias="method-timeout-s")
    method_repeats: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict, alias="method-repeats")
    """A slow method runs on the first so many simulated data sets of every cell only, and on all real ones."""

    @field_validator("methods")
    @classmethod
    def _readable(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        for text in methods:
            parse_spec(text)
        return methods

    @field_validator("method_params", "method_timeout_s", "method_repeats")
    @classmethod
    def _known(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for name in settings:  # a misspelt name would silently leave a method at its defaults
            if name not in available_methods():
                raise ValueError(f"unknown method '{name}': available are {', '.join(available_methods())}")
        return settings

    def specs(self, methods: Sequence[MethodSpec] | None = None) -> list[MethodSpec]:
        """The methods to run (default: the grid's own), with the grid's parameters where they set none."""
        chosen = [parse_spec(text) for text in self.methods] if methods is None else methods
        return list(dict.fromkeys(spec.with_defaults(**self.method_params.get(spec.name, {})) for spec in chosen))

    def trials(
        self, specs: Sequence[MethodSpec], repeats: int | None = None, timeout_s: float | None = None
    ) -> list[Trial]:
        """Every trial, each data set under all methods before the next: an interrupted run is a fair sample.

        A method is not planned where it does not apply: it takes fewer variables than a cell has, or learns from a
        family of data sets and the cell's are of none.
        """
        classes = {spec.name: method_class(spec.name) for spec in specs}
        cells = list(dict.fromkeys(key for block in self.cells for key in block.expand()))
        wanted = repeats or self.repeats
        sets = {cell: REAL_SETS.get(cell.graph, 1) if cell.noise == "real" else wanted for cell in cells}
        plan = []
        for repeat in range(max(sets.values())):
            for cell in cells:
                if repeat >= sets[cell]:
                    continue
                dataset = dataclasses.replace(cell, repeat=repeat)
                for spec in specs:
                    if not _applies(classes[spec.name], cell):
                        continue
                    if cell.noise != "real" and repeat >= self.method_repeats.get(spec.name, wanted):
                        continue
                    limit = timeout_s or self.method_timeout_s.get(spec.name, self.timeout_s)
                    plan.append(Trial(spec, dataset, limit))
        return plan


def _applies(cls: type[Method], cell: DatasetKey) -> bool:
    alone = cls.given == "one domain"
    return cell.d <= (cls.most_variables or math.inf) and (alone or cell.domain_family != "general")


def available_grids() -> list[str]:
    """Names of the shipped grids."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_grid(name: str) -> tuple[Grid, str]:
    """A shipped grid by name or a user's by path; with its text, which a run's folder keeps.

    Raises
    ------
    UsageError
        No such grid, or the offending key is named.
    """
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        path = Path(name)
    if not path.is_file():
        close = difflib.get_close_matches(name, available_grids(), n=1)
        guess = f" (did you mean '{close[0]}'?)" if close else ""
        raise UsageError(f"unknown grid '{name}'{guess}: available are {', '.join(available_grids())}, or give a .toml")
    text = path.read_text()
    try:
        return Grid.model_validate({"name": path.stem, **tomllib.loads(text)}), text
    except tomllib.TOMLDecodeError as e:
        raise UsageError(f"grid '{path.name}' is not valid TOML: {e}") from None
    except ValidationError as e:
        first = e.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(grid)"
        known = f"; known keys: {', '.join(_known_keys(first['loc']))}" if first["type"] == "extra_forbidden" else ""
        raise UsageError(f"grid '{path.name}', key '{key}': {first['msg']}{known}") from None


def data_grid(path: Path) -> tuple[Grid, str]:
    """A grid over a user's folder (see `benchmarks.folder`), with methods that take seconds; and its text."""
    name = path.resolve().name
    text = (
        f"title = {json.dumps(f'Data: {name}')}\nmethods = {json.dumps(DATA_METHODS)}\nrepeats = 1\n\n"
        f'[[cells]]\ngraph = "data"\nfolder = {json.dumps(str(path.resolve()))}\n'
    )
    return Grid.model_validate({"name": name, **tomllib.loads(text)}), text


def _listed(names: set[str]) -> str:
    *first, last = (name for name in ("degree", "d", "n") if name in names)
    return f"{', '.join(first)} and {last}" if first else last


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    model = CellBlock if loc[0] == "cells" else Grid
    return [field.alias or name for name, field in model.model_fields.items()]
