"""Errors of family checkpoints against n, against the distance to their family, and against M, their training domains.

Called by `families`. Every point is the mean SHD of fresh domains, beside controls that are given as much and the
general network; seeds are those of no training, tuning or grid domain.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from adag.estimator import ADAG
from adag.families import FamilyKey, family_of, reordered, trained_family, training_domains
from adag.graph import CausalGraph
from adag.seeds import generator_of
from baselines import GivenFamily, get_method
from benchmarks.metrics import shd
from benchmarks.statistics import interval

SAMPLES = (5, 10, 20, 50)
INVERSIONS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
N = 20
"""Samples of a data set in the curves of distance and M."""
ADAPTED = (1, 2, 5, 20, 100, 1000)
"""Domains that the general network is adapted to in the curve of M."""
USUAL = 100
"""Of these, in the other curves; with N samples each, whatever the test domains have."""
CONTROLS = ("pooled-order-ridge", "oracle-order-ridge")
"""In the curve of distance they keep to the training family's order, as the checkpoint does."""
Arrays = NDArray[np.float64]
Discover = Callable[[Arrays], list[CausalGraph]]


def domains(key: FamilyKey, count: int, n: int, inversions: float = 0.0) -> tuple[Arrays, Arrays]:
    """Test domains at a distance from a family: true weights (count, d, d) and samples (count, n, d).

    Each is of a family of its own whose order has that share of the variable pairs the other way round.
    """
    generator = generator_of(f"family-curve:{key.canonical()}/n={n}/inversions={inversions:g}")
    A, X = [], []
    for _ in range(count):
        family = family_of(*key) if inversions == 0 else reordered(family_of(*key), inversions, generator)
        sem = family.sems(1, generator=generator)
        A.append(sem.A[0])
        X.append(sem.sample(n, generator)[0])
    return torch.stack(A).numpy(), torch.stack(X).numpy()


def measure(models: Sequence[ADAG], sets: int, by_M: Path) -> pd.DataFrame:
    """Every curve of every checkpoint, a row a point.

    Parameters
    ----------
    models : sequence of ADAG
        Family checkpoints.
    sets : int
        Domains of a point.
    by_M : Path
        A folder of further checkpoints (``*.safetensors``), which differ in the number of their training domains; may
        be missing.

    Returns
    -------
    DataFrame
        ``family, d, curve, x, method, shd, low, high, train_hours``; ``curve`` is "n", "distance" or "M". The hours are
        those on the checkpoint's card; NaN for a control.
    """
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys(trained_family(model.card) for model in models):
        family = {"family": key.family, "d": key.d}
        own = {f"adag-family, {m.card['objective']}": m for m in models if trained_family(m.card) == key}
        own["adag"] = ADAG(device="cpu")
        adapted = {M: own["adag"].adapt(list(training_domains(key, M, N))) for M in ADAPTED}
        own["adag-adapted"] = adapted[USUAL]
        hours = {name: _hours(model) for name, model in own.items()}
        for n in SAMPLES:
            A, X = domains(key, sets, n)
            for name, discover in (_networks(own) | _controls(key, n)).items():
                rows.append({**family, "curve": "n", "x": n, "method": name, **_score(discover(X), A)}
                            | {"train_hours": hours.get(name)})  # fmt: skip
        answers = _networks(own) | _controls(key, N)
        for share in INVERSIONS:
            A, X = domains(key, sets, N, share)
            for name, discover in answers.items():
                rows.append({**family, "curve": "distance", "x": share, "method": name, **_score(discover(X), A)}
                            | {"train_hours": hours.get(name)})  # fmt: skip
        A, X = domains(key, sets, N)
        for M, model in adapted.items():
            rows.append({**family, "curve": "M", "x": M, "method": "adag-adapted",
                         **_score(model.discover_many(list(X)), A), "train_hours": _hours(model)})  # fmt: skip
    for path in sorted(by_M.glob("*.safetensors")):
        model = ADAG(path, device="cpu")
        key = trained_family(model.card)
        A, X = domains(key, sets, N)
        rows.append({"family": key.family, "d": key.d, "curve": "M", "x": model.card["distinct_tasks"],
                     "method": f"adag-family, {model.card['objective']}", **_score(model.discover_many(list(X)), A),
                     "train_hours": _hours(model)})  # fmt: skip
    return pd.DataFrame(rows)


def _networks(models: dict[str, ADAG]) -> dict[str, Discover]:
    return {name: lambda X, model=model: model.discover_many(list(X)) for name, model in models.items()}  # type: ignore[misc]


def _controls(key: FamilyKey, n: int) -> dict[str, Discover]:
    answers: dict[str, Discover] = {}
    for name in CONTROLS:
        method = get_method(name)
        method.prepare(GivenFamily(key, n))
        answers[name] = lambda X, method=method: method.discover_many(list(X))  # type: ignore[misc]
    return answers


def _score(graphs: Sequence[CausalGraph], A: Arrays) -> dict[str, float]:
    errors = [shd(graph.adjacency, (truth != 0).astype(np.int8)) for graph, truth in zip(graphs, A, strict=True)]
    value = interval(pd.Series(errors))
    return {"shd": value.mean, "low": value.low, "high": value.high}


def _hours(model: ADAG) -> float:
    """Of its own training and of all that it started from."""
    hours, card = 0.0, model.card
    while card:
        hours += card.get("hours") or 0.0
        card = card.get("init") or {}
    return round(hours, 3)
