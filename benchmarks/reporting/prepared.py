"""A run read and compared, once for its own page and for the one over all runs. Called by `benchmarks.report`."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from benchmarks.grid import Grid, load_grid
from benchmarks.keys import CELL
from benchmarks.reporting import headline
from benchmarks.reporting.scores import CHOICES, Choice, Scores, of_run
from benchmarks.reporting.verdict import View, compare, of_cells
from benchmarks.summary import read_trials


@dataclass(frozen=True)
class Prepared:
    """A run with its methods compared over all data sets (`views`) and per cell (`by_cell`), by metric."""

    folder: Path
    grid: Grid | None
    trials: pd.DataFrame
    scores: Scores
    views: dict[str, View]
    by_cell: dict[str, list[View]]

    @property
    def title(self) -> str:
        """The grid's title."""
        return self.grid.title if self.grid else self.folder.name

    @property
    def choice(self) -> Choice | None:
        """The metric that a page opens with: SHD where every method has it, else that between CPDAGs."""
        have = {name for name, view in self.views.items() if len(view.standings) == len(self.scores.methods)}
        first = next((name for name in ("shd", "shd_cpdag") if name in have), next(iter(self.views), None))
        return next((choice for choice in CHOICES if choice.name == first), None)

    @property
    def sentences(self) -> list[Markup]:
        """The run in short: who is ahead, where, and what failed."""
        choice = self.choice
        if choice is None:
            return [Markup("No true graph is known here: nothing to score. Runtimes and estimates are below.")]
        edges = float(self.trials.drop_duplicates([*CELL, "repeat"])["true_edges"].mean())
        sentences = [headline.lead(self.views[choice.name], choice, edges), headline.where(self.by_cell[choice.name])]
        if choice.name == "shd_cpdag" and "shd" in self.views and len(self.views["shd"].standings) > 1:
            shd = next(choice for choice in CHOICES if choice.name == "shd")
            sentences.append(headline.beside(self.views["shd"], shd))
        sentences.append(headline.failures(self.scores))
        return [sentence for sentence in sentences if sentence]

    @property
    def facts(self) -> list[str]:
        """Sizes, and what does not vary."""
        cells = self.scores.cells
        counts = self.scores.datasets.groupby("cell").size()
        each = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
        facts = [
            f"{len(self.scores.methods)} methods", f"{len(cells)} cell{'s' * (len(cells) > 1)}",
            f"{each} data set{'s' * (each != '1')} a cell", f"{len(self.trials):,} trials",
        ]  # fmt: skip
        if cells["noise"].eq("real").all():
            return [*facts, "real data"]
        words = {"noise": "{} noise", "variance": "{} variances", "scale": "{} scale"}
        return facts + [text.format(cells[name].iloc[0]) for name, text in words.items() if cells[name].nunique() == 1]


def prepare(folder: Path) -> Prepared:
    """Read a run's folder and compare its methods; metrics that no method has are left out."""
    trials = read_trials(folder)
    scores = of_run(trials)
    grid = load_grid(str(folder / "grid.toml"))[0] if (folder / "grid.toml").exists() else None
    whole, by_cell = {}, {}
    for choice in CHOICES:
        if choice.name in scores.values and scores.values[choice.name].notna().any(axis=None):
            whole[choice.name] = compare(scores.values[choice.name], choice.better)
            by_cell[choice.name] = of_cells(scores, choice.name, choice.better)
    return Prepared(folder, grid, trials, scores, whole, by_cell)
