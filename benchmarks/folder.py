"""A user's own data: a folder of CSV files, each with its true graph as an edge list where that is known.

``name.csv`` has a header row and one row a sample; ``name.edges.csv`` beside it has the columns ``source,target``.
Called by `benchmarks.grid` (``--data FOLDER``, or ``graph = "data"`` in a grid) and by `benchmarks.datasets`.

A cell names its file by absolute path and by a digest of its content, so that workers find it (on a cluster: on a
shared disk) and numbers of changed data are never mixed with those of the data before.
"""

import hashlib
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adag.errors import DataError, UsageError
from adag.validation import as_samples, read_csv

PREFIX, EDGES = "data:", ".edges.csv"
FORM = "expected name.csv (header row, one row a sample) and, where the graph is known, name.edges.csv (source,target)"


def graphs(folder: Path) -> list[str]:
    """What a `DatasetKey` calls each data set of a folder, in the order of the files' names.

    Raises
    ------
    UsageError
        No such folder, no CSV file in it, or an edge list without its data.
    """
    if not folder.is_dir():
        raise UsageError(f"no folder '{folder}': {FORM}")
    files = sorted(folder.glob("*.csv"))
    data = [path for path in files if not path.name.endswith(EDGES)]
    for path in set(files) - set(data):
        wanted = path.name.removesuffix(EDGES) + ".csv"
        if path.with_name(wanted) not in data:
            raise UsageError(f"'{path}' has no data beside it: add '{wanted}', or take the edge list away")
    if not data:
        raise UsageError(f"folder '{folder}' holds no CSV file: {FORM}")
    return [f"{PREFIX}{path.resolve()}#{_digest(path)}" for path in data]


def title(graph: str) -> str:
    """The file's name without folder and ending: what tables and figures show."""
    return Path(_path(graph)).stem


def read(graph: str) -> tuple[pd.DataFrame, NDArray[np.float64] | None]:
    """The samples, and the true graph as a 0/1 matrix (None without an edge list).

    Raises
    ------
    UsageError
        A file is missing, changed or malformed: the message names it, the place and the mend.
    """
    path = Path(_path(graph))
    if not path.is_file():
        raise UsageError(f"no file '{path}', which this run is about: put it back, or start a run with another --out")
    if graph.rpartition("#")[2] != _digest(path):
        raise UsageError(f"'{path}' has changed since this run began: put it back, or start one with another --out")
    try:
        frame = read_csv(path)
        samples, names = as_samples(frame)
    except DataError as e:
        raise UsageError(str(e) if str(path) in str(e) else f"'{path}': {e}") from None
    edges = path.with_name(path.stem + EDGES)
    return pd.DataFrame(samples, columns=names), _edges(edges, names) if edges.exists() else None


def _edges(path: Path, names: list[str]) -> NDArray[np.float64]:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as e:  # pandas' own errors are ValueErrors
        raise UsageError(f"'{path}' cannot be read as CSV ({e}): expected the columns source,target") from None
    if not {"source", "target"} <= set(table.columns):
        raise UsageError(f"'{path}' has the columns {', '.join(table.columns)}: expected source,target")
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    for line, (source, target) in enumerate(zip(table["source"], table["target"], strict=True), start=2):
        for name in (source, target):
            if name not in names:
                raise UsageError(f"'{path}', line {line}: no column '{name}' in the data, which has {', '.join(names)}")
        if source == target:
            raise UsageError(f"'{path}', line {line}: '{source}' causes itself: take the line away")
        if graph.has_edge(source, target):
            raise UsageError(f"'{path}', line {line}: {source} -> {target} is listed twice: take one away")
        graph.add_edge(source, target)
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " -> ".join([edge[0] for edge in nx.find_cycle(graph)])
        raise UsageError(f"'{path}' has the cycle {cycle} -> ...: metrics need an acyclic graph; take an edge away")
    return nx.to_numpy_array(graph, nodelist=names, dtype=np.float64)


def _path(graph: str) -> str:
    return graph.removeprefix(PREFIX).rpartition("#")[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
