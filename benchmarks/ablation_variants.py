"""What the ablations train, and the cells that each is judged on. Called by `benchmarks.ablation`.

Every variant of an ablation differs from the others in one thing and has their budget: steps, data sets a step, seed.
"""

from dataclasses import dataclass
from typing import Any

from adag.sem import Noise, Scale
from adag.training_config import PretrainConfig

SEED = 11
"""Of training; the shipped checkpoints have others."""
STEPS, PAIRS = 1_200, 3_200
LIFETIME = 2_083
"""Steps of the ablation of M: at 48 data sets a step, 10^5 data sets each once."""
M_PER_STEP = 48


@dataclass(frozen=True)
class Cell:
    """Fresh data sets that variants are judged on: ER2, equal variances."""

    d: int
    n: int
    noise: Noise = "gaussian"
    scale: Scale = "raw"

    def __str__(self) -> str:
        extra = "" if (self.noise, self.scale) == ("gaussian", "raw") else f" {self.noise} {self.scale}"
        return f"d={self.d} n={self.n}{extra}"


RAW = (Cell(10, 20), Cell(10, 100), Cell(20, 100))
HIGHER = (
    Cell(10, 100, "exponential", "standardised"),
    Cell(10, 1000, "exponential", "standardised"),
    Cell(10, 100),
)
SMALL = (Cell(8, 20), Cell(8, 100))


@dataclass(frozen=True)
class Variant:
    """One training run; it may be a point of several ablations (the base is in three)."""

    name: str
    places: tuple[tuple[str, str], ...]
    """(ablation, value) pairs."""
    cells: tuple[Cell, ...]
    changes: dict[str, Any]
    """Keys of the configuration that differ from the base's."""

    def config(self) -> PretrainConfig:
        """The training configuration."""
        return PretrainConfig.model_validate(BASE | {"name": self.name} | self.changes)


TASKS: dict[str, Any] = {
    "d": [[5, 1], [8, 1], [10, 4], [15, 1], [20, 2]],
    "n": [5, 1000],
    "degree": [[1, 1], [2, 2]],
    "graph": [["er", 2], ["sf", 1]],
    "noise": [["gaussian", 3], ["exponential", 1]],
    "variance": [["equal", 1]],
    "scale": [["raw", 1]],
    "pairs_per_step": PAIRS,
}
FEW_ROWS = {"n": [5, 200]}
"""What a network that reads samples can be trained on in this budget: its cost grows with n."""
NON_GAUSSIAN = TASKS | {"noise": [["gaussian", 1], ["exponential", 2]], "scale": [["raw", 1], ["standardised", 2]]}
ONE_SIZE = TASKS | {"d": [[8, 1]], "degree": [[2, 1]], "graph": [["er", 1]], "noise": [["gaussian", 1]]}
BASE: dict[str, Any] = {
    "seed": SEED,
    "steps": STEPS,
    "learning_rate": 2e-3,
    "warmup": 100,
    "ema": 0.99,
    "precision": "bfloat16",
    "validate_every": 10_000,
    "save_every": 10_000,
    "validation": [[5, 20]],
    "architecture": {"width": 32, "layers": 3, "kernels": 16},
    "tasks": TASKS,
}


def variants() -> list[Variant]:
    """Every variant, in the order in which they are trained."""
    base = (("objective", "supervised"), ("layers", "3"), ("width", "32"))
    result = [
        Variant("base", base, RAW, {}),
        Variant("unsupervised", (("objective", "unsupervised"),), RAW, {"objective": "unsupervised"}),
    ]
    result += [Variant(f"layers-{k}", (("layers", str(k)),), RAW, _architecture(layers=k)) for k in (1, 2, 6)]
    result += [
        Variant(f"width-{k}", (("width", str(k)),), RAW, _architecture(width=k, kernels=k // 2)) for k in (16, 64)
    ]
    for name, shown in (("with", True), ("without", False)):
        changes = {"higher_moments": shown, "tasks": NON_GAUSSIAN}
        result.append(Variant(f"moments-{name}", (("higher moments", name),), HIGHER, changes))
    few_rows: dict[str, Any] = {"tasks": ONE_SIZE | FEW_ROWS}
    samples = few_rows | {"reads": "samples", "architecture": {"width": 32, "layers": 3, "heads": 2}}
    for name, changes in (("moments", few_rows), ("samples", samples)):
        result.append(Variant(f"reads-{name}", (("what is read", name),), SMALL, changes))
    for objective in ("supervised", "unsupervised"):
        for domains in (100, 1_000, 10_000, 100_000):
            place = (f"training data sets, {objective}", str(domains))
            changes = {
                "objective": objective,
                "steps": LIFETIME,
                "tasks": ONE_SIZE | {"pool": round(domains / M_PER_STEP)},
            }
            result.append(Variant(f"{objective}-{domains}", (place,), SMALL, changes))
    return result


def _architecture(**changes: int) -> dict[str, Any]:
    return {"architecture": BASE["architecture"] | changes}
