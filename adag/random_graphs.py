"""Batched random DAGs: the graph families of the simulator, on any torch device.

Called by `adag.sem`. Held against networkx's generators in the tests.
"""

from typing import Literal, get_args

import torch
from torch import Tensor

GraphFamily = Literal["er", "sf", "sf-in", "sf-out", "ws", "sbm", "bipartite", "layered", "chain", "star"]
DIRECTED = ("sf-in", "sf-out", "bipartite", "layered", "chain", "star")
"""Families that fix the direction of every edge: their skeletons are numbered in a topological order."""
FIXED = ("chain", "star")
"""Families with d - 1 edges whatever the degree."""

REWIRING = 0.3
"""Watts-Strogatz: the share of the ring's edges that get a new end."""
BLOCK = 5
"""Stochastic block model: variables a block, about; at least two blocks."""
WITHIN = 5.0
"""Stochastic block model: an edge within a block is this much likelier than one between blocks."""
LAYERS = {"bipartite": 2, "layered": 3}


def random_order(batch: int, d: int, generator: torch.Generator) -> Tensor:
    """Uniform random orders, shape (batch, d), int64: ``order[b, k]`` is the variable at position k."""
    return torch.rand(batch, d, generator=generator, device=generator.device).argsort(-1)


def orient(skeleton: Tensor, order: Tensor) -> Tensor:
    """Orient every edge from the earlier to the later variable of `order`; bool of shape (B, d, d)."""
    rank = order.argsort(-1)
    return skeleton & (rank.unsqueeze(-1) < rank.unsqueeze(-2))


def random_edges(
    batch: int, d: int, degree: float, family: GraphFamily, generator: torch.Generator, order: Tensor | None = None
) -> Tensor:
    """Random DAGs, bool of shape (batch, d, d), over variables in random order.

    Parameters
    ----------
    batch, d : int
        Graphs, variables.
    degree : float
        About degree * d edges; see `random_skeleton`.
    family : str
        Graph family. ``er``, ``sf``, ``ws`` and ``sbm`` are oriented by a random order, so that a hub is neither
        source nor sink by construction. ``sf-out``: from the older node to the newer, hubs cause much; ``sf-in``:
        from the newer to the older (as networkx and igraph direct it), hubs have many causes. ``bipartite`` and
        ``layered``: from each layer to the next. ``chain``: x -> y -> z ...; ``star``: one cause of all others.
    generator : torch.Generator
        Its device is where everything is drawn.
    order : Tensor, shape (batch, d), optional
        A topological order to keep to; default: a fresh one each.
    """
    skeleton = random_skeleton(batch, d, degree, family, generator)
    if family not in DIRECTED:  # a scale-free skeleton numbers its hubs first: shuffled, so that no index order leaks
        skeleton = relabelled(skeleton, random_order(batch, d, generator))
    if order is None:
        order = random_order(batch, d, generator)
    if family not in DIRECTED:
        return orient(skeleton, order)
    if family == "sf-in":
        skeleton = skeleton.flip(1, 2)
    return relabelled(skeleton.triu(1), order.argsort(-1))


def random_skeleton(batch: int, d: int, degree: float, family: GraphFamily, generator: torch.Generator) -> Tensor:
    """Undirected random graphs, symmetric bool of shape (batch, d, d).

    ``er``: every pair independently with probability ``min(1, 2 degree / (d - 1))``, i.e. degree * d expected edges
    (ER2 at d = 5 is complete). ``sf``, ``sf-in``, ``sf-out``: Barabasi-Albert preferential attachment with
    m = round(degree) edges a new node, from a star of m + 1 nodes as in networkx and gcastle: m (d - m) edges, a
    little under degree * d. ``ws``: Watts-Strogatz, a ring of round(degree) * d edges, a share `REWIRING` of them
    rewired. ``sbm``: equal blocks of about `BLOCK`, degree * d expected edges, within a block `WITHIN` times likelier.
    ``bipartite``, ``layered``: 2 and 3 equal layers, edges between neighbouring ones, degree * d expected (all of
    them where there are fewer). ``chain``, ``star``: d - 1 edges, the degree is ignored.
    """
    device = generator.device
    m = max(1, min(round(degree), d - 1))
    if family == "er":
        return _independent(min(1.0, 2.0 * degree / (d - 1)), batch, d, generator)
    if family in ("sf", "sf-in", "sf-out"):
        return _barabasi_albert(batch, d, m, generator)
    if family == "ws":
        return _watts_strogatz(batch, d, min(m, (d - 1) // 2), generator)
    position = torch.arange(d, device=device)
    if family == "sbm":
        block = position % max(2, d // BLOCK)
        within = (block.unsqueeze(-1) == block).float()
        pairs_within, pairs = float(within.triu(1).sum()), d * (d - 1) / 2
        between = degree * d / (WITHIN * pairs_within + pairs - pairs_within)
        inside = min(1.0, WITHIN * between)
        outside = min(1.0, (degree * d - inside * pairs_within) / (pairs - pairs_within))
        return _independent(within * inside + (1 - within) * outside, batch, d, generator)
    if family in LAYERS:
        layer = position * LAYERS[family] // d
        neighbours = ((layer.unsqueeze(-1) - layer).abs() == 1).float()
        p = min(1.0, degree * d / float(neighbours.triu(1).sum()))
        return _independent(neighbours * p, batch, d, generator)
    if family == "chain":
        return ((position.unsqueeze(-1) - position).abs() == 1).expand(batch, -1, -1)
    if family == "star":
        return ((position.unsqueeze(-1) == 0) ^ (position == 0)).expand(batch, -1, -1)
    raise ValueError(f"unknown graph family {family!r}: one of {', '.join(get_args(GraphFamily))}")


def relabelled(graphs: Tensor, order: Tensor) -> Tensor:
    """Relabel the nodes of each graph by its own permutation: node ``order[b, i]`` becomes node i."""
    rows = torch.gather(graphs, 1, order.unsqueeze(-1).expand_as(graphs))
    return torch.gather(rows, 2, order.unsqueeze(1).expand_as(graphs))


def _independent(probability: Tensor | float, batch: int, d: int, generator: torch.Generator) -> Tensor:
    upper = torch.rand(batch, d, d, generator=generator, device=generator.device).lt(probability).triu(1)
    return upper | upper.mT


def _barabasi_albert(batch: int, d: int, m: int, generator: torch.Generator) -> Tensor:
    skeleton = torch.zeros(batch, d, d, dtype=torch.bool, device=generator.device)
    skeleton[:, 0, 1 : m + 1] = True
    skeleton[:, 1 : m + 1, 0] = True
    for new in range(m + 1, d):
        attachment = skeleton[:, :new, :new].sum(-1, dtype=torch.float32)
        chosen = torch.multinomial(attachment, m, replacement=False, generator=generator)
        row = torch.zeros(batch, d, dtype=torch.bool, device=generator.device).scatter_(1, chosen, True)
        skeleton[:, new] |= row
        skeleton[:, :, new] |= row
    return skeleton


def _watts_strogatz(batch: int, d: int, m: int, generator: torch.Generator) -> Tensor:
    """Each node joined to its m next ones on a ring; then edge by edge, as in networkx, one end may move."""
    device = generator.device
    skeleton = torch.zeros(batch, d, d, dtype=torch.bool, device=device)
    ring = [(u, (u + step) % d) for step in range(1, m + 1) for u in range(d)]
    for u, v in ring:
        skeleton[:, u, v] = skeleton[:, v, u] = True
    for u, v in ring:
        free = ~skeleton[:, u]
        free[:, u] = False
        moves = (torch.rand(batch, generator=generator, device=device) < REWIRING) & free.any(-1)
        end = torch.rand(batch, d, generator=generator, device=device).masked_fill(~free, -1.0).argmax(-1)
        at = torch.arange(batch, device=device)[moves]
        skeleton[at, u, v] = skeleton[at, v, u] = False
        skeleton[at, u, end[moves]] = skeleton[at, end[moves], u] = True
    return skeleton
