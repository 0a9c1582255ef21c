"""Sachs et al. (2005): single-cell measurements of 11 proteins, 853 of them observational; the 17-edge consensus DAG.

Read from two installed packages without importing them: the measurements from cdt, the consensus network
(that of the bnlearn repository) from pgmpy. Called by `benchmarks.datasets`.
"""

import gzip
import re

import numpy as np
import pandas as pd

from adag.errors import UsageError
from benchmarks.packaged import packaged_file

SAMPLES = 853
"""Rows 0-852 of the file are the observational condition (anti-CD3/CD28); the rest are interventions."""
ALL_SAMPLES = 7466
"""The nine conditions of the publication together."""
VARIABLES = {
    "praf": "Raf", "pmek": "Mek", "plcg": "Plcg", "PIP2": "PIP2", "PIP3": "PIP3", "p44/42": "Erk",
    "pakts473": "Akt", "PKA": "PKA", "PKC": "PKC", "P38": "P38", "pjnk": "Jnk",
}  # fmt: skip
"""Column of the measurements -> node of the consensus network."""
EDGES = 17


def observational() -> pd.DataFrame:
    """Log intensities, standardised per protein: shape (853, 11), columns named as in the consensus network."""
    return _standardised_logs(SAMPLES)


def all_conditions() -> pd.DataFrame:
    """The nine conditions in one table, shape (7466, 11): eight of them are interventions, which no method is told."""
    return _standardised_logs(ALL_SAMPLES)


def _standardised_logs(rows: int) -> pd.DataFrame:
    raw = pd.read_csv(packaged_file("cdt", "cdt/data/resources/cyto_full_data.csv")).iloc[:rows]
    logs = np.log(raw.rename(columns=VARIABLES)[list(VARIABLES.values())])
    return (logs - logs.mean()) / logs.std(ddof=0)


def consensus() -> pd.DataFrame:
    """The consensus DAG as a (11, 11) 0/1 table, cause in the row and effect in the column."""
    with gzip.open(packaged_file("pgmpy", "pgmpy/utils/example_models/sachs.bif.gz"), "rt") as file:
        text = file.read()
    names = list(VARIABLES.values())
    table = pd.DataFrame(0, index=names, columns=names)
    for child, parents in re.findall(r"probability \( *(\w+) *(?:\| *([^)]*?) *)?\)", text):
        for parent in filter(None, (p.strip() for p in parents.split(","))):
            table.loc[parent, child] = 1
    if int(table.to_numpy().sum()) != EDGES:
        raise UsageError(f"the Sachs network in pgmpy has {table.to_numpy().sum()} edges, expected {EDGES}")
    return table
