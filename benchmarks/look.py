"""One look for every figure: a method keeps its colour and marker, whatever else is drawn. Called by all figures."""

from typing import Any

LOOK = {
    # Ours: one hue, told apart by lightness and marker.
    "adag": ("#D55E00", "o"),
    "adag-refined": ("#7F2704", "d"),
    "adag-unsupervised": ("#FDAE6B", "p"),
    "adag-adapted": ("#8C510A", "P"),
    "adag-family": ("#B10026", "*"),
    "adag-family-self-taught": ("#DD3497", "<"),
    "adag-family-supervised": ("#F768A1", "h"),
    # Okabe-Ito, told apart by colour-blind readers, for the most used; muted tones for the rest.
    "notears": ("#0072B2", "s"),
    "golem": ("#009E73", "^"),
    "pc": ("#CC79A7", "D"),
    "direct-lingam": ("#E69F00", "v"),
    "dagma": ("#56B4E9", "P"),
    "flop": ("#000000", "X"),
    "ges": ("#882255", "<"),
    "boss": ("#332288", ">"),
    "grasp": ("#117733", "h"),
    "ica-lingam": ("#999933", "^"),
    "var-sort-regress": ("#7F7F7F", "*"),
    "r2-sort-regress": ("#A9A9A9", "1"),
    "random-sort-regress": ("#C8C8C8", "2"),
    "notears-standardised": ("#6A8CAF", "H"),
    "notears-torch": ("#1F3A93", "8"),
    "golem-ev": ("#44AA99", "^"),
    "golem-nv": ("#66C2A5", "v"),
    "multi-group-direct-lingam": ("#BF812D", "^"),
    "notears-pooled": ("#74A9CF", "D"),
    "pooled-order-lasso": ("#238B45", "<"),
    "pooled-order-ridge": ("#74C476", ">"),
    "oracle-order-lasso": ("#54278F", "<"),
    "oracle-order-ridge": ("#9E9AC8", ">"),
    "empty": ("#BBBBBB", "_"),
    "bayes-optimal": ("#B8860B", "+"),
}
SPARE = [("#8B4513", "<"), ("#4B0082", ">"), ("#AA4499", "s"), ("#DDCC77", "o"), ("#661100", "P")]
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25,
    "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left", "svg.hashsalt": "adag",
    "svg.fonttype": "none",  # text that can be read, searched and spoken, in half the bytes of outlines
    "legend.frameon": False, "figure.facecolor": "white",
}  # fmt: skip


_TOLD_APART = ("notears", "adag", "golem", "pc", "direct-lingam", "dagma", "flop", "ges", "boss", "grasp")
HUES = [LOOK[name] for name in _TOLD_APART]
"""For curves that are not methods, well told apart."""


def look(label: str, labels: list[str]) -> tuple[str, str]:
    """Colour and marker of a method; further variants of one and methods of others get the spare ones in order."""

    def own(other: str) -> bool:
        name = other.split("[")[0]
        return name in LOOK and (other == name or sum(one.split("[")[0] == name for one in labels) == 1)

    if own(label):
        return LOOK[label.split("[")[0]]
    return SPARE[[other for other in labels if not own(other)].index(label) % len(SPARE)]
