"""`ADAG`: the estimator that users call. Data in, a causal graph out, in one forward pass.

Called by `baselines.adag`, by ``python -m adag discover``, and by anyone with ``from adag import ADAG``.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from adag import checkpoint as checkpoints
from adag.adapt import shared_prior, with_prior, without_prior
from adag.card import ancestors
from adag.columns import arranged, unnamed
from adag.decode import least_expected_shd, regression_weights
from adag.domains import read_domains
from adag.errors import DataError, UsageError
from adag.graph import CausalGraph
from adag.inference import Precision, edge_probability
from adag.moments import Moments
from adag.refine import refine
from adag.streaming import LONG, MomentSums, is_stream, sums_of, sums_of_files
from adag.validation import as_samples

PAIRS_PER_BATCH = {"cpu": 2_500, "cuda": 50_000}
"""Pairs of variables in one forward pass: a CPU is fastest where the hidden states stay in its cache, a GPU is not."""
CPU_PAIRS_IN_BFLOAT16 = 10_000
"""There the weights are converted anew for every batch."""

_CHECKPOINT = "the checkpoint"


class ADAG:
    """Zero-shot causal discovery with a pre-trained attention network (Yin, Gao & Yu 2025).

    Parameters
    ----------
    checkpoint : str, Path or Checkpoint, optional
        A shipped name (see ``python -m adag info``) or a file; the default is the shipped foundation model.
    device : str, default "auto"
        A torch device, or "auto": the GPU where there is one.
    refine : bool, optional
        Search from the network's graph under the likelihood of the data (`adag.refine`): milliseconds more, or
        about a second with 100 variables, and fewer errors where samples are many, noise is not Gaussian or variables
        exceed those seen in training. Default: False, but True for an adapted checkpoint.
    precision : {"float32", "bfloat16"}
        Of the network's matrix products. In bfloat16 `discover_many` is faster where the processor has such
        instructions (``results/speed`` has both); edge probabilities move by less than 0.001 on average.

    Attributes
    ----------
    variables : list of str or None
        The variables that an adapted checkpoint knows, by name: it reads no others. None: it reads any.
    card : dict
        The model card: what the checkpoint was trained on, for how long, at which code revision.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=200)
    >>> graph = ADAG().discover(np.column_stack([x, 1.5 * x + rng.normal(size=200)]))
    >>> graph.adjacency.tolist()
    [[0, 1], [0, 0]]
    """

    def __init__(
        self,
        checkpoint: str | Path | checkpoints.Checkpoint | None = None,
        device: str = "auto",
        *,
        refine: bool | None = None,
        precision: Precision = "float32",
    ) -> None:
        if precision not in get_args(Precision):
            raise UsageError(f"unknown precision '{precision}': use {' or '.join(get_args(Precision))}")
        self.precision: Precision = precision
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.device = torch.device(device)
        except RuntimeError:
            raise UsageError(f"unknown device '{device}': use auto, cpu, cuda or cuda:N") from None
        if not isinstance(checkpoint, checkpoints.Checkpoint):
            checkpoint = checkpoints.load(checkpoint, self.device)
        self._checkpoint = checkpoint
        self.model, self.card, self._digest = checkpoint.model.to(self.device), checkpoint.card, checkpoint.digest
        self.refine = bool(self.card.get("refine", False)) if refine is None else refine
        only = self.model.config.only
        self.variables: list[str] | None = self.card.get("variables") or (unnamed(only) if only else None)
        # A card of someone else's making need not say what the network saw.
        self._most_samples = float(self.card.get("config", {}).get("tasks", {}).get("n", [2, math.inf])[1])

    @property
    def version(self) -> str:
        """Package version and checkpoint, for a results table: ``adag 0.1.0 (adag-foundation 1f2e3d4c)``."""
        return f"adag {version('adag')} ({self.card['name']} {self._digest})"

    @property
    def training(self) -> str:
        """What the checkpoint saw, in one line; the model card has the rest."""
        tasks = self.card["config"]["tasks"]
        sizes = [d for d, _ in tasks["d"]]
        parents = ", ".join(f"{parent['tasks']:,} as {parent['name']}" for parent in ancestors(self.card))
        before = f" (after {parents})" if parents else ""
        return (
            f"{self.card['name']} was pre-trained ({self.card['objective']}) on {self.card['tasks']:,} simulated data "
            f"sets{before}: linear SEMs, d = {min(sizes)}-{max(sizes)}, n = {tasks['n'][0]}-{tasks['n'][1]}, "
            f"{_main(tasks['graph'])}; {_main(tasks['noise'])}; {_main(tasks['variance'])} variances; "
            f"{_main(tasks['scale'])} scale"
        )

    def discover(self, X: Any) -> CausalGraph:
        """Estimate the causal graph of one data set.

        Parameters
        ----------
        X : array_like, DataFrame, Arrow table or data set, or path; n rows x d columns
            n >= 2 samples of d >= 2 variables, in any units. n < d is allowed. A path is a Parquet or CSV file or a
            folder of Parquet files. Files, Arrow data, NumPy memmaps and tables of 100,000 rows or more are read in
            chunks, once: memory does not grow with n.

        Returns
        -------
        CausalGraph
            A DAG always: the one of least expected SHD under the network's edge probabilities, which are its
            ``confidence``; ``weights`` are least squares of each variable on its parents, in the data's units.

        Raises
        ------
        DataError
            See `adag.validation.as_samples`.
        """
        if is_stream(X):
            return self.discover_sums(sums_of(X))
        return self.discover_many([X])[0]

    def discover_files(self, paths: Sequence[str | Path], *, address: str | None = None) -> CausalGraph:
        """Estimate one graph from a table that is spread over many files, each read by a Ray task of its own.

        Parameters
        ----------
        paths : sequence of path
            Parquet or CSV files with the same columns (matched by name), readable wherever the tasks run.
        address : str, optional
            A Ray cluster; default: this machine.
        """
        return self.discover_sums(sums_of_files(paths, address=address))

    def discover_sums(self, sums: MomentSums, *, standardise: bool = False) -> CausalGraph:
        """Estimate the graph of one data set that was read in chunks; see `adag.streaming`.

        Parameters
        ----------
        sums : MomentSums
            Of all its rows.
        standardise : bool
            Divide every variable by its standard deviation first.

        Raises
        ------
        UsageError
            The checkpoint is of a network that reads samples.
        """
        moments, names, rows = sums.moments(), sums.names, sums.kept
        if standardise:
            moments, rows = moments.standardised(), rows / moments.std[0].numpy()
        order = list(range(len(names))) if self.variables is None else arranged(names, self.variables, _CHECKPOINT)
        graphs = self._graphs(moments.picked(order), [[names[k] for k in order]], rows[None][:, :, order])
        return graphs[0].reordered(names)

    def discover_many(self, datasets: Sequence[Any]) -> list[CausalGraph]:
        """Estimate many graphs, batched through the network; n and d may differ between data sets.

        Data sets of one shape are stacked, so thousands cost little more than the arithmetic. The answers are
        those of `discover`, one by one and in order. An error names the position of the offending data set.
        """
        samples: list[NDArray[np.float64]] = []
        columns: list[list[str]] = []  # as they come
        names: list[list[str]] = []  # as the network takes them
        for k, X in enumerate(datasets):
            try:
                values, own = as_samples(X)
                order = list(range(len(own))) if self.variables is None else arranged(own, self.variables, _CHECKPOINT)
            except DataError as e:
                raise DataError(f"data set {k}: {e}" if len(datasets) > 1 else str(e)) from None
            samples.append(values[:, order])
            columns.append(own)
            names.append([own[j] for j in order])
        by_shape: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for k, values in enumerate(samples):
            by_shape[values.shape].append(k)
        graphs: dict[int, CausalGraph] = {}
        for (n, d), members in by_shape.items():
            size = max(1, self._pairs_per_batch // max(d * d, n * d // 4))
            for start in range(0, len(members), size):
                chunk = members[start : start + size]
                X = torch.from_numpy(np.stack([samples[k] for k in chunk]))
                found = self._graphs(Moments.of(X), [names[k] for k in chunk], X.numpy(), X)
                graphs.update(zip(chunk, found, strict=True))
        return [graphs[k].reordered(own) for k, own in enumerate(columns)]

    @property
    def _pairs_per_batch(self) -> int:
        if self.device.type == "cpu" and self.precision == "bfloat16":
            return CPU_PAIRS_IN_BFLOAT16
        return PAIRS_PER_BATCH.get(self.device.type, PAIRS_PER_BATCH["cuda"])

    @torch.inference_mode()
    def edge_probabilities(self, moments: Moments, samples: torch.Tensor | None = None) -> NDArray[np.float64]:
        """P(i -> j) for a batch of data sets, shape (B, d, d).

        Parameters
        ----------
        moments : Moments
            Of the batch, in float64. More samples than the network was trained on are read as the most it knows: it
            has never seen moments that exact, and is told no n that it would have to extrapolate to.
        samples : Tensor, shape (B, n, d), optional
            The batch itself; needed by, and used by, a network that reads samples alone.

        Raises
        ------
        UsageError
            The network reads samples and there are none.
        """
        if samples is None and self.model.reads == "samples":
            raise UsageError(
                f"checkpoint '{self.card['name']}' reads samples, not the moments of a table read in chunks: give "
                f"fewer than {LONG:,} rows as an array or DataFrame, or take a checkpoint that reads moments, e.g. "
                f"{checkpoints.DEFAULT}"
            )
        known = replace(moments, n=moments.n.clamp(max=self._most_samples))
        parts = [] if samples is None else [samples]
        objective = self.card.get("objective", "supervised")
        found = edge_probability(self.model, known, parts, objective, self.device, self.precision)
        return found.double().cpu().numpy()

    def _graphs(
        self,
        moments: Moments,
        names: Sequence[list[str]],
        rows: NDArray[np.float64],
        samples: torch.Tensor | None = None,
    ) -> list[CausalGraph]:
        """From moments to graphs: probabilities, the DAG of least expected SHD, the search if asked for, weights.

        The search sees the shape of the noise in `rows`, some or all of each data set; `samples` are for a network.
        """
        probabilities, covariances = self.edge_probabilities(moments, samples), _covariance(moments)
        n = moments.n.numpy().astype(np.int64)
        adjacencies = least_expected_shd(probabilities)
        if self.refine:
            for k, X in enumerate(rows):
                refined = refine(probabilities[k], covariances[k], int(n[k]), adjacencies[k], X)
                adjacencies[k], probabilities[k] = refined.adjacency, refined.probability
        weights = regression_weights(covariances, adjacencies, n)
        found = zip(adjacencies, weights, probabilities, names, strict=True)
        return [CausalGraph(A, W, P, "dag", tuple(columns)) for A, W, P, columns in found]

    def adapt(self, datasets: Sequence[Any], *, on_domain: Callable[[int], None] | None = None) -> "ADAG":
        """Learn from unlabelled data sets over the same variables what they share: an order, a graph, or nothing.

        Parameters
        ----------
        datasets : sequence
            K >= 1 domains, each what `discover` takes: hospitals, plants, cell lines. Columns are matched by name;
            the numbers of rows may differ. Columns are taken in their own units in each (see `adag.adapt`).
        on_domain : callable, optional
            Called with the number of domains read so far.

        Returns
        -------
        ADAG
            For data sets over these variables, new ones and those of `datasets`. What they share is a prior
            (Yin, Gao & Yu 2025, sec. 3) found by empirical Bayes; ``card["adapted"]`` says how much that is. With
            one domain, or domains that share nothing, it answers as this one does with ``refine=True``.

        Raises
        ------
        DataError
            A data set cannot be read, or has other columns; it is named.
        """
        start = without_prior(self._checkpoint)
        moments, names = read_domains(datasets, self.variables, on_domain)
        plain = ADAG(start, str(self.device))
        size = max(1, plain._pairs_per_batch // len(names) ** 2)
        parts = [plain.edge_probabilities(moments.part(k, k + size)) for k in range(0, len(datasets), size)]
        prior = shared_prior(np.concatenate(parts))
        adapted = with_prior(start, prior, names, [int(n) for n in moments.n.tolist()])
        return ADAG(adapted, str(self.device))

    def save(self, path: str | Path) -> None:
        """Write the network and its card as a checkpoint that ``ADAG(path)`` reads back."""
        checkpoints.save(path, self.model, self.card)


def _main(shares: list[list[Any]]) -> str:
    """``gaussian 70%, exponential 10%, ...``: the values of a task mix with their shares."""
    total = sum(share for _, share in shares)
    return ", ".join(f"{value} {share / total:.0%}" for value, share in shares)


def _covariance(moments: Moments) -> NDArray[np.float64]:
    std = moments.std
    return (moments.corr * std.unsqueeze(-1) * std.unsqueeze(-2)).numpy()
