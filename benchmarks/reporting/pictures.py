"""A run's figures as data URIs, to be carried in its page. Called by `page`."""

import base64
from pathlib import Path
from typing import TypedDict

from PIL import Image

BUDGET = 700_000
"""Bytes of PNG in a page; figures beyond it are linked."""
CAPTIONS = {
    "shd_vs_n": "Errors against the number of samples",
    "errors_vs_d": "Errors against the number of variables",
    "accuracy_vs_runtime": "Errors against seconds a data set",
    "runtime_vs_d": "Seconds a data set against the number of variables",
    "cells": "Every cell: mean and 95% interval",
    "critical_difference": "Average ranks, and which of them are not told apart",
    "profiles": "Share of data sets on which a method is within so many errors of the best",
    "wins": "How often the row's method beats the column's",
    "failures": "Failures by method",
    "trial": "The median trial: true and estimated adjacency",
}
"""In the order of the page; others follow by name."""


class Picture(TypedDict):
    """A figure as the template shows it; ``uri`` is a relative path where the budget was spent."""

    name: str
    caption: str
    uri: str
    width: int
    height: int


def pictures(folder: Path, budget: int = BUDGET) -> list[Picture]:
    """Every PNG of ``folder/figures``."""
    known = list(CAPTIONS)
    paths = sorted(
        (folder / "figures").glob("*.png"),
        key=lambda path: (known.index(path.stem) if path.stem in known else len(known), path.stem),
    )
    shown = list[Picture]()
    for path in paths:
        content = path.read_bytes()
        with Image.open(path) as image:
            width, height = image.size
        if len(content) <= budget:
            budget -= len(content)
            uri = "data:image/png;base64," + base64.b64encode(content).decode()
        else:
            uri = f"figures/{path.name}"
        caption = CAPTIONS.get(path.stem, path.stem.replace("_", " ").capitalize())
        shown.append(Picture(name=path.stem, caption=caption, uri=uri, width=width, height=height))
    return shown
