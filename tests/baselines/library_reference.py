"""Direct calls of gcastle, causal-learn and lingam, as their own documentation has them; imports nothing of ours.

Run by the fixture `reference` as ``library_reference.py IN.npz OUT.npz``.
"""

import sys

import lingam
import numpy as np
from castle.algorithms import GOLEM, Notears
from causallearn.graph.Endpoint import Endpoint
from causallearn.search.ConstraintBased.PC import pc


def by_edge_objects(data: np.ndarray, **options: int) -> np.ndarray:
    """PC's graph through causal-learn's edge objects, not through its matrix: 1 for -->, 2 for --- and <->."""
    graph = pc(data, show_progress=False, **options).G
    position = {node.get_name(): k for k, node in enumerate(graph.get_nodes())}
    matrix = np.zeros((data.shape[1], data.shape[1]), dtype=int)
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


def main(source: str, target: str) -> None:
    out: dict[str, np.ndarray] = {}
    for name, data in np.load(source).items():
        notears = Notears()
        notears.learn(data)
        golem = GOLEM(num_iter=200)
        golem.learn(data)
        for library, learner in (("notears", notears), ("golem", golem)):
            out[f"{library}/weights/{name}"] = np.asarray(learner.weight_causal_matrix)
            out[f"{library}/graph/{name}"] = np.asarray(learner.causal_matrix)
        direct = lingam.DirectLiNGAM()
        direct.fit(data)
        out[f"direct-lingam/weights/{name}"] = direct.adjacency_matrix_
        out[f"direct-lingam/order/{name}"] = np.asarray(direct.causal_order_)
        out[f"pc/graph/{name}"] = by_edge_objects(data)
        bidirected = pc(data, show_progress=False, uc_priority=1).G.graph
        out[f"pc-bidirected/graph/{name}"] = by_edge_objects(data, uc_priority=1)
        out[f"pc-bidirected/count/{name}"] = np.array(((bidirected == 1) & (bidirected.T == 1)).sum() // 2)
    np.savez(target, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
