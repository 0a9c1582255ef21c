"""`pooled-order-*`, `oracle-order-*`: a causal order from outside the data set, then a regression in that order.

Controls that tell what a shared order alone is worth. Each variable is regressed on all before it by scikit-learn; the
penalty and the threshold on |weight| are the best of a few by mean SHD on tuning domains of the family, whose true
graphs are read for it. No user has such graphs: the choice favours these controls.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from adag.graph import CausalGraph
from baselines.declaration import Assumption
from baselines.given import Given, GivenFamily
from baselines.method import Method
from baselines.registry import register

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
Array = NDArray[np.float64]


class _OrderRegression(Method):
    package = "scikit-learn"
    license = "BSD-3-Clause"
    randomness = "deterministic"
    penalties: ClassVar[tuple[float, ...]]

    def __init__(self, *, tuning: int = 200) -> None:
        self.tuning = tuning
        self.order: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.penalty, self.threshold = 0.0, 0.0

    def warm_up(self) -> None:
        """Import scikit-learn."""
        import sklearn.linear_model  # noqa: F401

    def prepare(self, family: GivenFamily) -> None:
        """The order, then penalty and threshold."""
        self.order = self.order_of(family)
        A, X = family.tuning(self.tuning)
        weights = np.stack([self.weights(x, self.penalties) for x in X])  # (domain, penalty, d, d)
        errors = np.stack([_shd(np.abs(weights) >= t, A != 0) for t in THRESHOLDS]).mean(1)  # (threshold, penalty)
        best, which = np.unravel_index(np.argmin(errors), errors.shape)
        self.penalty, self.threshold = self.penalties[which], THRESHOLDS[best]

    def discover(self, X: Array, *, seed: int) -> CausalGraph:
        """Weights of the regressions, cut at the chosen threshold; nothing is random."""
        return CausalGraph.from_weights(self.weights(X, (self.penalty,))[0], threshold=self.threshold)

    def weights(self, X: Array, penalties: tuple[float, ...]) -> Array:
        """Regressions of every variable on those before it, shape (penalties, d, d)."""
        X = X - X.mean(axis=0)
        weights = np.zeros((len(penalties), X.shape[1], X.shape[1]))
        for k in range(1, len(self.order)):
            before, target = self.order[:k], self.order[k]
            weights[:, before, target] = self.regression(X[:, before], X[:, target], penalties)
        return weights

    def order_of(self, family: GivenFamily) -> NDArray[np.int64]:
        """The order, causes first."""
        raise NotImplementedError

    def regression(self, X: Array, y: Array, penalties: tuple[float, ...]) -> Array:
        """Coefficients of centred y on centred X for each penalty, shape (penalties, columns of X)."""
        raise NotImplementedError


class _Lasso(_OrderRegression):
    penalties = (0.3, 0.1, 0.03, 0.01)

    def regression(self, X: Array, y: Array, penalties: tuple[float, ...]) -> Array:
        """The lasso's path."""
        from sklearn.linear_model import lasso_path

        # A copy: the coordinate descent wants the columns contiguous.
        return np.asarray(lasso_path(np.asfortranarray(X), y, alphas=np.array(penalties))[1].T)


class _Ridge(_OrderRegression):
    penalties = (10.0, 3.0, 1.0, 0.3)

    def regression(self, X: Array, y: Array, penalties: tuple[float, ...]) -> Array:
        """One ridge regression for each penalty: scikit-learn takes a penalty for each target, so y is repeated."""
        from sklearn.linear_model import Ridge

        targets = np.repeat(y[:, None], len(penalties), axis=1)
        return Ridge(alpha=np.array(penalties), fit_intercept=False).fit(X, targets).coef_.reshape(len(penalties), -1)


class _Pooled(_OrderRegression):
    paper = "a control; for the order, Reisach, Seiler & Weichwald 2021, arXiv:2102.13647"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "shared-order", "var-sortable")
    given: ClassVar[Given] = "training domains"

    def __init__(self, *, domains: int = 1000, tuning: int = 200) -> None:
        super().__init__(tuning=tuning)
        self.domains = domains

    def order_of(self, family: GivenFamily) -> NDArray[np.int64]:
        """By increasing variance, averaged over all training domains."""
        return np.argsort(family.training(self.domains).var(axis=1).mean(axis=0), kind="stable")


class _Oracle(_OrderRegression):
    paper = "a control: regression that is told the true order"
    assumes: ClassVar[tuple[Assumption, ...]] = ("linear", "shared-order")
    given: ClassVar[Given] = "true order"

    def order_of(self, family: GivenFamily) -> NDArray[np.int64]:
        """As told."""
        return family.order


@register
class PooledOrderLasso(_Pooled, _Lasso):
    """Order by mean variance over the family's first `domains` training domains, then the lasso on the domain alone.

    Penalty and threshold are the best of a few on `tuning` other domains by SHD to their true graphs, which favours it.
    """

    name = "pooled-order-lasso"


@register
class PooledOrderRidge(_Pooled, _Ridge):
    """As `pooled-order-lasso`, by ridge regression."""

    name = "pooled-order-ridge"


@register
class OracleOrderLasso(_Oracle, _Lasso):
    """Told the true order of the family, then the lasso on the domain alone.

    Penalty and threshold are the best of a few on `tuning` other domains by SHD to their true graphs, which favours it.
    """

    name = "oracle-order-lasso"


@register
class OracleOrderRidge(_Oracle, _Ridge):
    """As `oracle-order-lasso`, by ridge regression."""

    name = "oracle-order-ridge"


def _shd(estimates: NDArray[np.bool_], truths: NDArray[np.bool_]) -> NDArray[np.int64]:
    """SHD of every estimate, shape (domain, penalty, d, d), to its domain's graph (domain, d, d)."""
    wrong = estimates != truths[:, None]
    return np.triu(wrong | wrong.swapaxes(-1, -2)).sum((-1, -2))
