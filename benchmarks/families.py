"""What a family's checkpoint has learnt, looked at: ``python benchmarks/families.py [--out results/families]``.

For every checkpoint that was trained on a family: the spectrum of its answers beside that of the truth, its bias of
single pairs of variables, its attention on one data set, and its errors as n, the number of training domains and the
distance to its family grow. Writes ``spectrum.csv``, ``maps.csv`` and ``curves.csv`` and draws them (see
`families_figures`).
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":  # run as a script: the repository root, not this folder, is where packages are
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import pandas as pd
import torch
import typer
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from adag.checkpoint import DEFAULT
from adag.errors import UsageError
from adag.estimator import ADAG
from adag.families import FamilyKey, family_of, trained_family, training_domains
from adag.inference import Objective
from adag.model import AttentionDAG
from adag.moments import Moments, pair_features
from baselines.adag_family import available
from benchmarks import environment, families_figures, family_curves
from benchmarks.command import run_command
from benchmarks.datasets import load
from benchmarks.keys import DatasetKey

N = 20
"""Samples of the data sets that are looked at."""
COMPONENTS = 4
FORMS = ("rows", "columns", "paths")
"""The three products of `adag.model.KernelAttention`, in their order."""
Array = NDArray[np.float64]


def grid_domains(key: FamilyKey, count: int, n: int = N) -> tuple[Array, Array]:
    """The first test domains of a family's grid: true weights (count, d, d) and samples (count, n, d)."""
    first = DatasetKey(
        key.graph, float(key.degree), key.d, n, "gaussian", "equal", "raw", 0,
        domain_family=key.family, family_seed=key.family_seed,
    )  # fmt: skip
    data = [load(dataclasses.replace(first, repeat=repeat)) for repeat in range(count)]
    return np.stack([one.A for one in data]), np.stack([one.X.to_numpy() for one in data])


def allowed(key: FamilyKey) -> NDArray[np.bool_]:
    """The entries of A that the family's domains may fill, shape (d, d): its edges, or all that its order allows."""
    family = family_of(*key)
    assert family.order is not None
    rank = family.order.argsort()
    return (rank[:, None] < rank if family.edges is None else family.edges).numpy()


def in_order(key: FamilyKey, matrix: Array) -> Array:
    """The matrix with rows and columns in the order that the family shares, causes first."""
    order = family_of(*key).order
    assert order is not None
    return matrix[np.ix_(order.numpy(), order.numpy())]


def spectra(models: dict[str, ADAG], key: FamilyKey, domains: int) -> tuple[pd.DataFrame, dict[str, Array]]:
    """Principal components of vec(A) and of every model's vec(A-hat) over test domains.

    Returns
    -------
    table : DataFrame
        ``source, component, share, outside``: a component's share of the total square, and the share of the total
        square that lies on entries which the family rules out.
    leading : dict
        The first `COMPONENTS` components of each source as d x d maps, shape (COMPONENTS, d, d).
    """
    A, X = grid_domains(key, domains)
    sources = {"A, true": A}
    for name, model in models.items():
        graphs = model.discover_many(list(X))
        sources[f"A-hat, {name}"] = np.stack([g.weights for g in graphs if g.weights is not None])
    rows: list[pd.DataFrame] = []
    leading: dict[str, Array] = {}
    ruled_out = ~allowed(key)
    for source, weights in sources.items():
        _, s, V = np.linalg.svd(weights.reshape(len(weights), -1), full_matrices=False)
        outside = float(np.square(weights[:, ruled_out]).sum() / np.square(weights).sum())
        share = s**2 / np.square(s).sum()
        rows.append(pd.DataFrame({"source": source, "component": np.arange(1, len(s) + 1), "share": share})
                    .assign(outside=outside))  # fmt: skip
        leading[source] = V[:COMPONENTS].reshape(-1, key.d, key.d)
    return pd.concat(rows), leading


@torch.inference_mode()
def bias(model: ADAG, key: FamilyKey, domains: int = 200) -> dict[str, Array]:
    """The learned bias of every pair of variables, and what the network says where the data say nothing of their own.

    Returns
    -------
    dict of ndarray, shape (d, d)
        The bias's norm; P(i before j), and how far the pair is believed in (the sigmoid of its logit), read from the
        mean features of many training domains; P(i before j) as the mean over these domains; what the family shares.
    """
    identity = getattr(model.model, "identity", None)
    if identity is None:
        raise UsageError(f"checkpoint '{model.card['name']}' has no bias of single variables: give one of a family")
    features = pair_features(Moments.of(training_domains(key, domains, N))).to(model.device)
    at_mean, each = model.model(features.mean(0, keepdim=True)), model.model(features)
    maps = {
        "size": identity.norm(dim=-1),
        "before, at the mean": torch.sigmoid(at_mean.forward[0]),
        "before, on average": torch.sigmoid(each.forward).mean(0),
        "pair": torch.sigmoid(at_mean.adjacent[0]),
    }
    return {name: m.double().cpu().numpy() for name, m in maps.items()} | {"shared": allowed(key).astype(np.float64)}


def attention(model: ADAG, X: Array) -> dict[tuple[int, str], Array]:
    """Root mean square over the channels of every layer's three kernel products for one data set, each (d, d)."""
    d = X.shape[1]
    assert isinstance(model.model, AttentionDAG)
    seen: list[torch.Tensor] = []
    hooks = [
        layer.attention.norm.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))  # type: ignore[union-attr]
        for layer in model.model.layers
    ]
    try:
        model.edge_probabilities(Moments.of(torch.from_numpy(X[None])))
    finally:
        for hook in hooks:
            hook.remove()
    maps: dict[tuple[int, str], Array] = {}
    for number, products in enumerate(seen, start=1):
        by_form = products.reshape(d, d, len(FORMS), -1).double().square().mean(-1).sqrt().cpu().numpy()
        maps |= {(number, form): by_form[..., k] for k, form in enumerate(FORMS)}
    return maps


def look(model: ADAG, key: FamilyKey, domains: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The spectrum and all maps of a checkpoint, in long form; variables are numbered in the shared order."""
    name = model.card["name"]
    table, leading = spectra({name: model, DEFAULT: ADAG(device="cpu")}, key, domains)
    maps = [("spectrum", source, f"component {k + 1}", V) for source, Vs in leading.items() for k, V in enumerate(Vs)]
    maps += [("bias", what, "", m) for what, m in bias(model, key).items()]
    A, X = grid_domains(key, 1)
    weights = model.discover_many(list(X))[0].weights
    assert weights is not None
    maps += [("attention", "A, true", "", A[0]), ("attention", "A-hat", "", weights)]
    maps += [("attention", f"layer {number}", form, m) for (number, form), m in attention(model, X[0]).items()]
    i, j = np.indices((key.d, key.d)).reshape(2, -1)
    long = [
        pd.DataFrame(
            {"figure": figure, "column": column, "row": row, "i": i, "j": j, "value": in_order(key, V).ravel()}
        )
        for figure, column, row, V in maps
    ]
    return table.assign(checkpoint=name), pd.concat(long).assign(checkpoint=name)


def run(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/families"),
    domains: Annotated[int, typer.Option(min=20, help="Test domains of the spectra.")] = 500,
    sets: Annotated[int, typer.Option(min=10, help="Test domains of a point of the curves.")] = 100,
) -> None:
    """Look at every family checkpoint, measure its curves, write and draw; a few minutes of one thread each."""
    torch.set_num_threads(1)
    kinds: tuple[Objective, ...] = ("unsupervised", "self-taught", "supervised")
    models = [ADAG(path, device="cpu") for kind in kinds for path in available(kind)]
    if not models:
        raise UsageError("no family checkpoint in results/families/checkpoints: train one (python -m adag pretrain)")
    out.mkdir(parents=True, exist_ok=True)
    spectrum, maps = [], []
    with threadpool_limits(1):
        for model in models:
            table, long = look(model, trained_family(model.card), domains)
            spectrum.append(table)
            maps.append(long)
        curves = family_curves.measure(models, sets, out / "M")
    first = ["checkpoint"]
    for name, table in (("spectrum", pd.concat(spectrum)), ("maps", pd.concat(maps)), ("curves", curves)):
        table = table[[*(c for c in first if c in table), *(c for c in table if c not in first)]]
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.5g")
    about = environment.describe(1, sys.argv[1:], script="benchmarks/families.py")
    about["checkpoints"] = {model.card["name"]: model.version for model in models}
    (out / "environment.json").write_text(json.dumps(about, indent=2) + "\n")
    for path in families_figures.draw(out):
        print(path)


if __name__ == "__main__":
    run_command(lambda: typer.run(run))
