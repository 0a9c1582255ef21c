"""Sachs et al. (2005): 853 observational single-cell measurements of 11 proteins, and the 17-edge consensus DAG.

Read from two installed packages without importing them: the measurements from cdt, the consensus network
(that of the bnlearn repository) from pgmpy. Called by `benchmarks.datasets`.
"""

import gzip
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pandas as pd

from adag.errors import UsageError

SAMPLES = 853
"""Rows 0-852 of the file are the observational condition (anti-CD3/CD28); the rest are interventions."""
VARIABLES = {
    "praf": "Raf", "pmek": "Mek", "plcg": "Plcg", "PIP2": "PIP2", "PIP3": "PIP3", "p44/42": "Erk",
    "pakts473": "Akt", "PKA": "PKA", "PKC": "PKC", "P38": "P38", "pjnk": "Jnk",
}  # fmt: skip
"""Column of the measurements -> node of the consensus network."""
EDGES = 17


def observational() -> pd.DataFrame:
    """Log intensities, standardised per protein: shape (853, 11), columns named as in the consensus network."""
    raw = pd.read_csv(_file("cdt", "cdt/data/resources/cyto_full_data.csv")).iloc[:SAMPLES]
    logs = np.log(raw.rename(columns=VARIABLES)[list(VARIABLES.values())])
    return (logs - logs.mean()) / logs.std(ddof=0)


def consensus() -> pd.DataFrame:
    """The consensus DAG as a (11, 11) 0/1 table, cause in the row and effect in the column."""
    with gzip.open(_file("pgmpy", "pgmpy/utils/example_models/sachs.bif.gz"), "rt") as file:
        text = file.read()
    names = list(VARIABLES.values())
    table = pd.DataFrame(0, index=names, columns=names)
    for child, parents in re.findall(r"probability \( *(\w+) *(?:\| *([^)]*?) *)?\)", text):
        for parent in filter(None, (p.strip() for p in parents.split(","))):
            table.loc[parent, child] = 1
    if int(table.to_numpy().sum()) != EDGES:
        raise UsageError(f"the Sachs network in pgmpy has {table.to_numpy().sum()} edges, expected {EDGES}")
    return table


def _file(package: str, inside: str) -> Path:
    try:
        path = Path(str(distribution(package).locate_file(inside)))
    except PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise UsageError(
            f"the Sachs data need the package '{package}', which is not installed: "
            "run 'make setup', or pip install --no-deps -r requirements-data.txt"
        )
    return path
