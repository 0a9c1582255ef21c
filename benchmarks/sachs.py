"""Sachs et al. (2005): single cells, 11 proteins, nine conditions, the first observational; the 17-edge consensus DAG.

Read from two installed packages without importing them: the measurements from cdt, the consensus network
(that of the bnlearn repository) from pgmpy. Called by `benchmarks.datasets`.
"""

import gzip
import re

import numpy as np
import pandas as pd

from adag.errors import UsageError
from benchmarks.packaged import packaged_file

CONDITIONS = {
    "anti-CD3/CD28": 853, "anti-CD3/CD28 + ICAM-2": 902, "+ AKT inhibitor": 911, "+ G0076": 723,
    "+ psitectorigenin": 810, "+ U0126": 799, "+ LY294002": 848, "PMA": 913, "beta2cAMP": 707,
}  # fmt: skip
"""The conditions of the publication with their cells, in the order of the file's rows; the first is observational."""
SAMPLES = CONDITIONS["anti-CD3/CD28"]
ALL_SAMPLES = sum(CONDITIONS.values())
MEAN_SAMPLES = round(ALL_SAMPLES / len(CONDITIONS))
VARIABLES = {
    "praf": "Raf", "pmek": "Mek", "plcg": "Plcg", "PIP2": "PIP2", "PIP3": "PIP3", "p44/42": "Erk",
    "pakts473": "Akt", "PKA": "PKA", "PKC": "PKC", "P38": "P38", "pjnk": "Jnk",
}  # fmt: skip
"""Column of the measurements -> node of the consensus network."""
EDGES = 17


def observational() -> pd.DataFrame:
    """Log intensities, standardised per protein: shape (853, 11), columns named as in the consensus network."""
    return condition(0)


def all_conditions() -> pd.DataFrame:
    """The nine conditions in one table, shape (7466, 11): eight of them are interventions, which no method is told."""
    return _standardised_logs(slice(0, ALL_SAMPLES))


def condition(k: int) -> pd.DataFrame:
    """One of the nine conditions, standardised on its own; a drug acts on every cell of it alike."""
    ends = np.cumsum([0, *CONDITIONS.values()])
    return _standardised_logs(slice(int(ends[k]), int(ends[k + 1])))


def _standardised_logs(rows: slice) -> pd.DataFrame:
    raw = pd.read_csv(packaged_file("cdt", "cdt/data/resources/cyto_full_data.csv")).iloc[rows]
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
