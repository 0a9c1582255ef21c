"""Which of a run's methods its figures and its tables by cell show: the grid's own, where many more ran.

Two dozen curves or columns tell nobody anything. ``trials.csv``, the page, the table over all cells and the figures of
failures and robustness have every method. Called by `benchmarks.figures`, `benchmarks.run` and `summary`.
"""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from baselines import MethodSpec
from baselines.registry import built_in_methods
from benchmarks.grid import load_grid

MOST = 12
"""Methods that are all shown, whichever they are."""


class Drawn(NamedTuple):
    """A run's trials of the methods to show, and the labels of the others."""

    trials: pd.DataFrame
    left_out: list[str]

    @property
    def note(self) -> str:
        """What a reader has to be told; empty where nothing is left out."""
        if not self.left_out:
            return ""
        shown = self.trials["label"].nunique()
        return (
            f"shown, and compared with each other alone, are the {shown} methods that the grid is about; "
            f"{len(self.left_out)} more are in the page and in trials.csv: {', '.join(self.left_out)}"
        )


def drawn(trials: pd.DataFrame, folder: Path) -> Drawn:
    """What to show of a run: all of up to `MOST` methods, else without what the grid does not name.

    What ``--methods all`` would not have run (another package's method, a setting of the user's) is shown; so is
    everything where the run is without one of the grid's own methods, as the user then chose, or the grid has none.

    Parameters
    ----------
    trials : DataFrame
        Of `summary.read_trials`.
    folder : Path
        The run's, for its ``grid.toml``.
    """
    labels = set(trials["label"])
    if len(labels) <= MOST or not (folder / "grid.toml").exists():
        return Drawn(trials, [])
    grid, _ = load_grid(str(folder / "grid.toml"))
    own = {str(spec) for spec in grid.specs()}
    if not own or not own <= labels:
        return Drawn(trials, [])
    usual = {str(spec) for spec in grid.specs([MethodSpec(cls.name) for cls in built_in_methods()])}
    left_out = sorted((labels & usual) - own)
    return Drawn(trials[~trials["label"].isin(left_out)], left_out)
