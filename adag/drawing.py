"""A causal graph as a picture with its variables' names. Called by ``python -m adag discover --plot``."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

from adag.errors import UsageError
from adag.graph import CausalGraph

INK, POSITIVE, NEGATIVE, PAPER = "#1f2933", "#0072b2", "#d55e00", "#eef2f6"
GAP = 4.0
"""Pixels between a box and its arrows."""


def draw_graph(graph: CausalGraph, path: str | Path, title: str = "") -> None:
    """Draw a DAG from causes (top) to effects (bottom); format by the file's ending (png, svg, pdf).

    Edge width and opacity show the confidence, colour the sign of the weight; each edge is labelled by its weight.
    """
    path = Path(path)
    network = graph.to_networkx()
    positions = _layered(network)
    layers = len({y for _, y in positions.values()})
    widest = max(np.unique([y for _, y in positions.values()], return_counts=True)[1])
    longest = max(len(name) for name in graph.names)
    pitch = 0.5 + 0.11 * max(longest, 6)
    figure, axes = plt.subplots(figsize=(max(5.0, 1.1 * pitch * widest + 0.5), max(3.5, 1.25 * layers + 0.8)))
    labels = {
        name: axes.text(
            x, y, name, ha="center", va="center", fontsize=10, color=INK, zorder=3,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": PAPER, "edgecolor": INK, "linewidth": 1.0},
        )
        for name, (x, y) in positions.items()
    }  # fmt: skip
    xs, ys = np.array(list(positions.values())).T
    axes.set_xlim(xs.min() - 0.75, xs.max() + 0.75)
    axes.set_ylim(ys.min() - 0.5, ys.max() + 0.5)
    axes.axis("off")
    figure.canvas.draw()  # the boxes get their sizes; arrows end at them
    for source, target, edge in network.edges(data=True):
        confidence, weight = edge.get("confidence", 1.0), edge.get("weight")
        strength = float(np.clip(confidence, 0.25, 1.0))
        colour = INK if weight is None else (POSITIVE if weight > 0 else NEGATIVE)
        span = abs(positions[source][1] - positions[target][1])
        bend = 0.0 if span <= 1 else 0.12 + 0.03 * span  # long edges bow around the layers between
        tail, head = (_edge_of_box(labels[a], labels[b]) for a, b in ((source, target), (target, source)))
        arrow = FancyArrowPatch(
            *map(tuple, axes.transData.inverted().transform([tail, head])), arrowstyle="-|>", mutation_scale=13,
            color=colour, linewidth=0.6 + 1.8 * strength, alpha=0.35 + 0.65 * strength,
            connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0, zorder=1,
        )  # fmt: skip
        axes.add_patch(arrow)
        if weight is not None:
            (x0, y0), (x1, y1) = positions[source], positions[target]
            # The middle of the bowed curve; staggered along it so that labels of crossing edges part.
            x = (x0 + x1) / 2 + bend / 2 * (y1 - y0)
            y = (y0 + y1) / 2 - bend / 2 * (x1 - x0)
            axes.text(
                x, y, f"{weight:.2g}", fontsize=7.5, color=colour, ha="center", va="center", zorder=2,
                bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            )  # fmt: skip
    if title:
        axes.set_title(title, fontsize=10, color=INK, loc="left")
    try:
        figure.savefig(path, dpi=160, bbox_inches="tight", facecolor="white")
    except ValueError:
        raise UsageError(f"cannot draw to '{path}': end the name in .png, .svg or .pdf") from None
    finally:
        plt.close(figure)


def _edge_of_box(start: Text, end: Text) -> tuple[float, float]:
    """Where the line from the middle of one label's box to another's leaves the first box, in pixels."""
    box, other = start.get_bbox_patch().get_window_extent(), end.get_bbox_patch().get_window_extent()  # type: ignore[union-attr]
    centre = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2
    direction = np.array([other.x0 + other.x1, other.y0 + other.y1]) / 2 - centre
    reach = np.array([box.width, box.height]) / 2 + GAP
    x, y = centre + direction * float(np.min(reach / np.maximum(np.abs(direction), 1e-9)))
    return float(x), float(y)


def _layered(network: nx.DiGraph) -> dict[str, tuple[float, float]]:
    """Sources on top, every edge downwards; each layer sorted by the mean position of its parents."""
    positions: dict[str, tuple[float, float]] = {}
    for depth, layer in enumerate(nx.topological_generations(network)):

        def pull(node: str) -> float:
            parents = [positions[p][0] for p in network.predecessors(node)]
            return float(np.mean(parents)) if parents else 0.0

        ordered = sorted(layer, key=lambda node: (pull(node), -network.out_degree(node), node))
        offset = 0.5 if depth % 2 and len(ordered) > 1 else 0.0  # staggering keeps edges off the boxes between
        for k, node in enumerate(ordered):
            positions[node] = (k - (len(ordered) - 1) / 2 + 0.3 * offset, -float(depth))
    return positions
