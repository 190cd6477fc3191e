"""How well a set of columns fits: information criteria and tests, each set once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import chi2_sf
from qstats.doe.fitting.dispatch import fit_kernel, likelihood_of
from qstats.doe.fitting.kernels.linear import decompose
from qstats.doe.fitting.problem import Problem
from qstats.inference.groups.kernels import f_sf

__all__ = ["Scores"]

_LOG_TWO_PI = math.log(2.0 * math.pi)
_SMALL = 1e-9
_BLOCK = 4096


class Scores:
    """Criteria of sets of terms of one problem, smaller is better.

    Parameters
    ----------
    p : Problem
        Its model holds all candidates; they need not be estimable together.
    criterion : {"aicc", "bic", "p"}
        Sets are compared by AICc where tests choose among them.
    always : frozenset of int
        Terms that are in every set.
    """

    def __init__(self, p: Problem, criterion: str, always: frozenset[int]) -> None:
        self.p, self.criterion = p, "aicc" if criterion == "p" else criterion
        self.held: dict[frozenset[int], tuple[float, int]] = {}
        self.blocks = np.flatnonzero(p.term < 0).tolist()
        y = p.scaled
        self.y = y - y.mean() if _holds_constant(p.x[:, self.columns(always)]) else y
        self.jacobian = float(y.sum()) if p.distribution == "lognormal" else 0.0
        if p.least_squares:
            d = decompose(p.x)
            self.r, self.z = d.r, d.q.T @ self.y
            self.rest = max(float(self.y @ self.y) - float(self.z @ self.z), 0.0)
            self.full = d.rank == p.x.shape[1]

    def columns(self, chosen: frozenset[int]) -> list[int]:
        """Columns of these terms and of the blocks."""
        return [j for j, t in enumerate(self.p.term.tolist()) if t < 0 or t in chosen]

    def fit(self, chosen: frozenset[int]) -> tuple[float, int]:
        """Log-likelihood and number of columns; minus infinity where they cannot be told apart."""
        if chosen not in self.held:
            columns = self.columns(chosen)
            self.held[chosen] = (self._likelihood(columns), len(columns))
        return self.held[chosen]

    def _likelihood(self, columns: list[int]) -> float:
        n = self.p.y.size
        if not columns or len(columns) >= n:
            return -math.inf
        if not self.p.least_squares:
            x = self.p.x[:, columns]
            return likelihood_of(fit_kernel(self.p, x)) if decompose(x).rank == len(columns) else -math.inf
        d = decompose(self.r[:, columns])
        if d.rank < len(columns):
            return -math.inf
        left = self.z - d.q @ (d.q.T @ self.z)
        return self.of_rss(float(left @ left) + self.rest)

    def of_rss(self, rss: float) -> float:
        """Return the log-likelihood of a residual sum of squares."""
        n = self.p.y.size
        least = (64.0 * np.finfo(float).eps) ** 2 * float(self.y @ self.y)
        return -0.5 * n * (_LOG_TWO_PI + math.log(max(rss, least, 1e-300) / n) + 1.0) - self.jacobian

    def parameters(self, columns: int) -> int:
        """How many parameters a set of columns has, that of the scatter included."""
        return columns + (0 if self.p.distribution in ("poisson", "binomial") else 1)

    def value(self, chosen: frozenset[int]) -> float:
        """Return the criterion; infinite for what cannot be fitted."""
        likelihood, columns = self.fit(chosen)
        return self.of(likelihood, columns)

    def of(self, likelihood: float, columns: int) -> float:
        """Return the criterion of a log-likelihood with so many columns."""
        n, k = self.p.y.size, self.parameters(columns)
        if self.criterion == "bic":
            return -2.0 * likelihood + k * math.log(n)
        if n - k - 1 <= 0:
            return math.inf
        return -2.0 * likelihood + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)

    def pvalue(self, small: frozenset[int], large: frozenset[int]) -> float:
        """Return the p-value of what the larger set adds to the smaller: F, or chi-square beyond least squares."""
        (less, a), (more, b) = self.fit(small), self.fit(large)
        n = self.p.y.size
        if math.isinf(more) or math.isinf(less) or b <= a:
            return 1.0
        ratio = max(2.0 * (more - less), 0.0)
        if not self.p.least_squares:
            return float(chi2_sf(ratio, b - a))
        return f_sf(math.expm1(min(ratio / n, 700.0)) * (n - b) / (b - a), b - a, n - b)

    def rank_all(self, sets: Any, columns_of: list[list[int]]) -> FloatArray:
        """Return the criterion of many sets at once: `sets` is a table of which terms are in, shape (m, terms)."""
        width = self.p.x.shape[1]
        inside = np.zeros((sets.shape[0], width), dtype=np.bool_)
        for i, columns in enumerate(columns_of):
            inside[:, columns] = sets[:, i : i + 1]
        inside[:, self.blocks] = True
        gram, right = self.r.T @ self.r, self.r.T @ self.z
        whole = float(self.z @ self.z) + self.rest
        out = np.full(sets.shape[0], np.inf)
        for start in range(0, sets.shape[0], _BLOCK):
            part = inside[start : start + _BLOCK]
            m = np.where(part[:, :, None] & part[:, None, :], gram, 0.0)
            m += np.eye(width) * ~part[:, None, :]
            good = np.ones(part.shape[0], dtype=np.bool_)
            if not self.full:
                good = np.linalg.eigvalsh(m)[:, 0] > _SMALL * width
                m[~good] = np.eye(width)
            b = np.where(part, right, 0.0)
            gain = (b * np.linalg.solve(m, b[..., None])[..., 0]).sum(axis=1)
            for i in np.flatnonzero(good).tolist():
                k = int(part[i].sum())
                if k < self.p.y.size:
                    out[start + i] = self.of(self.of_rss(whole - float(gain[i])), k)
        return out


def _holds_constant(x: FloatArray) -> bool:
    ones = np.ones(x.shape[0])
    if not x.shape[1]:
        return False
    return bool(np.abs(ones - x @ np.linalg.lstsq(x, ones, rcond=None)[0]).max() < _SMALL)
