"""The model card as a page: what a checkpoint is, what it saw, what it cost. Called by `adag.pretrain`."""

from typing import Any

from adag.inference import Network, Reads


def markdown(model: Network, card: dict[str, Any]) -> str:
    """The card as Markdown, every number taken from the training run itself."""
    tasks = card["config"]["tasks"]
    size = sum(parameter.numel() for parameter in model.parameters())
    architecture = ", ".join(f"{key} {value}" for key, value in model.config.as_dict().items() if value)
    lines = [
        f"# {card['name']}",
        "",
        f"A pre-trained {type(model).__name__} of {size:,} parameters ({architecture}).",
        *_KINDS[model.reads],
        "",
        "| | |",
        "|---|---|",
        f"| objective | {_OBJECTIVES[card['objective']]} |",
        *(_teaching(card) if card["objective"] == "self-taught" else []),
        f"| domain family | {card['family']}: {_FAMILIES[card['family']]} |",
        f"| steps | {card['steps']:,} |",
        f"| tasks seen | {card['tasks']:,} data sets, {_distinct(card)} |",
        f"| hardware, time | {card['hardware']}, {card['hours']:.2f} hours |",
        *(_started_from(parent) for parent in ancestors(card)),
        f"| code revision | {card['git_revision']}, torch {card['torch']}, seed {card['config']['seed']} |",
        "",
        *_SAW[card["objective"] == "self-taught"],
        "",
        "| | |",
        "|---|---|",
        f"| samples n | {tasks['n'][0]} to {tasks['n'][1]}, log-uniform |",
        f"| variables d | {_shares(tasks['d'])} |",
        f"| degree k (about k*d edges) | {_shares(tasks['degree'])} |",
        *(["| where that would join all pairs | an ER graph of any density, uniform |"] if tasks.get("spread") else []),
        f"| graph | {_shares(tasks['graph'])} |",
        f"| noise | {_shares(tasks['noise'])} |",
        f"| noise variances | {_shares(tasks['variance'])} |",
        f"| scale | {_shares(tasks['scale'])} |",
        f"| absolute weights on the raw scale, uniform | {_shares(tasks.get('weights', [[[0.5, 2.0], 1]]))} |",
        "",
        "Outside of this it has seen nothing: hidden confounders, nonlinear effects, cycles, discrete variables,",
        "measurement error. It always answers with a DAG, also where there is none to find.",
        "",
        "## Held-out SHD",
        "",
        "Mean over 100 data sets that were neither trained nor selected on (raw, Gaussian, equal variances;",
        f"{_HELD_OUT[card['family'] == 'general']}); by seeds apart from those of the benchmark's grids.",
        "",
        f"| {' | '.join(card['validation_shd'])} |",
        f"|{'---|' * len(card['validation_shd'])}",
        f"| {' | '.join(f'{value:.2f}' for value in card['validation_shd'].values())} |",
        "",
    ]
    return "\n".join(lines)


_KINDS: dict[Reads, list[str]] = {
    "moments": [],
    "samples": [
        "",
        "An architecture in the style of AVICI (Lorch et al. 2022, arXiv:2205.12934), **re-trained by us** on ADAG's",
        "tasks: not the authors' code, weights, data or budget. It reads the samples themselves.",
    ],
}
_FAMILIES = {
    "general": "a fresh graph, order and weights for every task",
    "order-consistent": "one topological order of the variables, a fresh graph and weights for every task",
    "heterogeneous": "one graph, fresh weights for every task",
}
_SAW = {
    False: ["## What it saw", "", "Linear SEMs, weights of random sign, drawn with these shares:"],
    True: [
        "## What the fitted data are from",
        "",
        "Linear SEMs, weights of random sign. The fits are simulated with as many samples as told here:",
    ],
}
_HELD_OUT = {True: "ER2, ER1 at d = 5", False: "of the same family"}
_OBJECTIVES = {
    "supervised": "supervised (true graphs and weights of simulated SEMs)",
    "unsupervised": "unsupervised (likelihood of held-out data under an acyclicity constraint; no true graph in it)",
    "self-taught": "self-taught (SEMs that an unsupervised checkpoint fitted, simulated again; no true graph in it)",
}


def ancestors(card: dict[str, Any]) -> list[dict[str, Any]]:
    """The checkpoint that training started from, the one that that one had started from, and so on."""
    found = []
    while parent := card.get("init"):
        found.append(parent)
        card = parent
    return found


def _started_from(parent: dict[str, Any]) -> str:
    cost = f"{parent['steps']:,} steps, {parent['tasks']:,} data sets, {parent['hours']:.2f} hours"
    return f"| started from | {parent['name']} ({parent['digest']}): {cost} on {parent['hardware']} |"


def _teaching(card: dict[str, Any]) -> list[str]:
    """Where the SEMs of a self-taught run are from."""
    tasks = card["config"]["tasks"]
    data = f"{tasks['domains']:,} unlabelled data sets of {tasks['n'][1]} rows, of the law below"
    return [f"| SEMs | fitted by {card['init']['name']} to {data} |"]


def _distinct(card: dict[str, Any]) -> str:
    """How many of the data sets were different ones."""
    distinct = card.get("distinct_tasks", card["tasks"])
    return "each once" if distinct == card["tasks"] else f"{distinct:,} of them distinct"


def _shares(pairs: list[list[Any]]) -> str:
    total = sum(share for _, share in pairs)
    return ", ".join(f"{_text(value)} ({share / total:.0%})" for value, share in pairs)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{value[0]:g} to {value[1]:g}"
    return f"{value:g}" if isinstance(value, float) else str(value)
