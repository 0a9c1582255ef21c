"""Direct calls of every library, as its own documentation has them; imports nothing of ours.

Run by the fixture `reference` as ``library_reference.py IN.npz OUT.npz``. Keys of OUT: ``method/quantity/data set``.
"""

import random
import sys
from collections.abc import Callable
from typing import Any

import dagma.linear
import flopsearch
import lingam
import notears_pytorch
import numpy as np
import torch
from castle.algorithms import GOLEM, Notears
from CausalDisco import baselines as sorts
from causallearn.graph.Endpoint import Endpoint
from causallearn.search.ConstraintBased.PC import pc
from causallearn.search.PermutationBased.BOSS import boss
from causallearn.search.PermutationBased.GRaSP import grasp
from causallearn.search.ScoreBased.GES import ges
from sklearn.preprocessing import StandardScaler

SEED = 3


def by_edge_objects(graph: Any) -> np.ndarray:
    """A graph through causal-learn's edge objects, not through its matrix: 1 for -->, 2 for --- and <->."""
    position = {node.get_name(): k for k, node in enumerate(graph.get_nodes())}
    matrix = np.zeros((len(position), len(position)), dtype=int)
    for edge in graph.get_graph_edges():
        i, j = position[edge.get_node1().get_name()], position[edge.get_node2().get_name()]
        ends = edge.get_endpoint1(), edge.get_endpoint2()
        if ends == (Endpoint.TAIL, Endpoint.ARROW):
            matrix[i, j] = 1
        elif ends == (Endpoint.ARROW, Endpoint.TAIL):
            matrix[j, i] = 1
        else:
            matrix[i, j] = matrix[j, i] = 2
    return matrix


def shuffled(search: Callable[..., Any], data: np.ndarray) -> np.ndarray:
    random.seed(SEED)
    return by_edge_objects(search(data, verbose=False))


def in_single_precision(data: np.ndarray) -> np.ndarray:
    torch.set_default_dtype(torch.float32)  # gcastle's import sets double
    edges = notears_pytorch.notears_linear(data, outer_iter=5)
    torch.set_default_dtype(torch.double)
    return edges


def lingam_model(model: Any, data: np.ndarray) -> dict[str, np.ndarray]:
    model.fit(data)
    return {"weights": model.adjacency_matrix_, "order": np.asarray(model.causal_order_)}


def gcastle_model(model: Any, data: np.ndarray) -> dict[str, np.ndarray]:
    model.learn(data)
    return {"weights": np.asarray(model.weight_causal_matrix), "graph": np.asarray(model.causal_matrix)}


def quantities(data: np.ndarray) -> dict[str, np.ndarray]:
    """Everything that is compared, for one data set."""
    bidirected = pc(data, show_progress=False, uc_priority=1).G.graph
    models = {
        "notears": gcastle_model(Notears(), data),
        "notears-standardised": gcastle_model(Notears(), StandardScaler().fit_transform(data)),
        "golem": gcastle_model(GOLEM(num_iter=200), data),
        "golem-nv": gcastle_model(GOLEM(num_iter=200, equal_variances=False, lambda_1=2e-3), data),
        "direct-lingam": lingam_model(lingam.DirectLiNGAM(), data),
        "ica-lingam": lingam_model(lingam.ICALiNGAM(random_state=SEED), data),
        "dagma": {"weights": dagma.linear.DagmaLinear("l2").fit(data.copy(), T=2, w_threshold=0)},
        "var-sort-regress": {"weights": sorts.var_sort_regress(data)},
        "r2-sort-regress": {"weights": sorts.r2_sort_regress(data)},
        "random-sort-regress": {"weights": sorts.random_sort_regress(data, SEED)},
        "notears-torch": {"graph": in_single_precision(data)},
        "flop": {"graph": flopsearch.flop(data, 2.0, restarts=20)},
        "ges": {"graph": by_edge_objects(ges(data)["G"])},
        "boss": {"graph": shuffled(boss, data)},
        "grasp": {"graph": shuffled(grasp, data)},
        "pc": {"graph": by_edge_objects(pc(data, show_progress=False).G)},
        "pc-bidirected": {
            "graph": by_edge_objects(pc(data, show_progress=False, uc_priority=1).G),
            "count": np.array(((bidirected == 1) & (bidirected.T == 1)).sum() // 2),
        },
    }
    return {f"{method}/{quantity}": value for method, found in models.items() for quantity, value in found.items()}


def main(source: str, target: str) -> None:
    out = {f"{key}/{name}": value for name, data in np.load(source).items() for key, value in quantities(data).items()}
    np.savez(target, **out)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
