"""What the units' true levels may be, averaged over what their distribution may be; and their ranks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats.inference.roots import bracketed

__all__ = ["BetaUnits", "Cells", "GammaUnits", "Units", "level_limits", "rank_counts", "weighted_quantile"]

IntArray = npt.NDArray[np.int64]

_ROWS = 49  # of the shrinkage, over what matters of it
_NODES = 25  # of the common level, at each shrinkage
_CUT = 15.0  # what is e^-15 of the highest density does not matter
_FILLED = 0.6  # share of the nodes that must matter
_PASSES = 12
_CELLS = 1 << 20  # numbers at once
_LIMIT = 600.0  # logs: near the ends of what a float64 holds
_FAR = 20.0  # logs to each side in which the common level is looked for


class Cells(NamedTuple):
    """Weighted nodes of the posterior of the units' distribution; all of shape (g,), weights sum to one.

    Parameters
    ----------
    weight : ndarray
    level : ndarray
        Log (rates) or logit (proportions) of the mean of all units.
    shrink : ndarray
        Logit of the shrinkage of a unit of median size.
    """

    weight: FloatArray
    level: FloatArray
    shrink: FloatArray


class Units(Protocol):
    """Counts of units and the family their true levels come from."""

    def cells(self) -> tuple[Cells, Cells]:
        """Return the posterior of that family's two parameters, and the same finer."""

    def shape(self, cells: Cells) -> tuple[FloatArray, FloatArray]:
        """Return mean and relative spread of the true levels at each cell."""

    def mean(self, cells: Cells) -> FloatArray:
        """Return the posterior mean of each unit."""

    def below(self, cells: Cells, v: FloatArray, which: npt.NDArray[np.intp]) -> FloatArray:
        """Return the probability of a level below `v` (on the scale of `drawn`) for the units `which`."""

    def drawn(self, cells: Cells, rng: np.random.Generator, n: int) -> FloatArray:
        """Return `n` draws of all units' levels, as logs or logits: shape (n, k)."""


def _log_rising(s: FloatArray, y: FloatArray) -> FloatArray:
    """Return ``log(s (s + 1) ... (s + y - 1))`` without what depends on y > 0 only; no cancellation at large s."""
    out: FloatArray = -scipy.special.betaln(s, y)
    return out


def _beta_ratio(a: FloatArray, c: FloatArray, y: FloatArray, rest: FloatArray) -> FloatArray:
    """Return ``log(B(a + y, c + rest) / B(a, c))``; it cancels where both a and c are far above the counts."""
    out: FloatArray = scipy.special.betaln(a + y, c + rest) - scipy.special.betaln(a, c)
    return out


def _beta_ratio_large(a: FloatArray, c: FloatArray, y: FloatArray, rest: FloatArray) -> FloatArray:
    """Return the same where both a and c are large; its terms are no larger than the counts, whatever a and c are."""
    some, others = y > 0.0, rest > 0.0
    out: FloatArray = -_log_rising(a + c, y + rest) - scipy.special.gammaln(y + rest)
    out[:, some] += _log_rising(a, y[some]) + scipy.special.gammaln(y[some])
    out[:, others] += _log_rising(c, rest[others]) + scipy.special.gammaln(rest[others])
    return out


def _summed(terms: Callable[[slice], FloatArray], k: int, cells: int) -> FloatArray:
    """Add up over units, block by block: `terms(part)` has shape (cells, units of the part)."""
    total = np.zeros(cells)
    step = max(1, _CELLS // cells)
    for i in range(0, k, step):
        total += terms(slice(i, i + step)).sum(axis=1)
    return total


def _by_units(terms: Callable[[slice], FloatArray], k: int, cells: int) -> FloatArray:
    """Add up over cells for each of k units, block by block: `terms(part)` has shape (units of the part, cells)."""
    step = max(1, _CELLS // cells)
    out = np.empty(k)
    for i in range(0, k, step):
        out[i : i + step] = terms(slice(i, i + step)).sum(axis=1)
    return out


def _reach(f: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return first and last node of each row that matters."""
    keep = f > f.max(axis=1, keepdims=True) - _CUT
    return keep.argmax(axis=1), f.shape[1] - 1 - keep[:, ::-1].argmax(axis=1)


def _levels(
    density: Callable[[FloatArray, FloatArray], FloatArray], u: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return nodes of the common level at each shrinkage, zoomed onto what matters there, and their log densities."""
    for _ in range(_PASSES):
        step = (high - low) / (_NODES - 1)
        x = low[:, None] + step[:, None] * np.arange(_NODES)
        f = density(x, u[:, None])
        first, last = _reach(f)
        cut_off = (first == 0) | (last == _NODES - 1)
        if not cut_off.any() and bool((last - first >= _FILLED * (_NODES - 1)).all()):
            break
        rows = np.arange(u.size)
        low = x[rows, first] - step * np.where(first == 0, 8.0, 1.0)
        high = x[rows, last] + step * np.where(last == _NODES - 1, 8.0, 1.0)
    return x, f


def integrated(
    density: Callable[[FloatArray, FloatArray], FloatArray], center: float, deepest: float, drift: float
) -> tuple[Cells, Cells]:
    """Integrate over common level (flat) and shrinkage (uniform) by the trapezoid rule where the density lives.

    Parameters
    ----------
    density : callable
        Log likelihood at levels (r, c) and shrinkages (r, 1).
    center : float
        The crude level.
    deepest : float
        Lowest logit of the shrinkage looked at.
    drift : float
        How far the level may lie above `center`, per unit of logit below zero.

    Returns
    -------
    cells : Cells
    fine : Cells
        Four times as dense, for quantiles of what depends on the two parameters alone: nothing smooths those.
    """
    bottom, top = deepest, _CUT + 2.0
    u = np.linspace(bottom, top, _ROWS)
    low, high = np.full(_ROWS, center - _FAR), center + _FAR + drift * np.maximum(-u, 0.0)
    for _ in range(_PASSES):
        x, f = _levels(density, u, low, high)
        f = f + _log_steps(x, u)
        first, last = (int(v[0]) for v in _reach(scipy.special.logsumexp(f, axis=1)[None, :]))
        if last - first >= _FILLED * (_ROWS - 1):
            break
        wider = u[1] - u[0]
        new = np.linspace(max(float(u[first] - wider), bottom), min(float(u[last] + wider), top), _ROWS)
        low, high, u = np.interp(new, u, x[:, 0]), np.interp(new, u, x[:, -1]), new
    return _weighed(x, u, f), _weighed(*_finer(density, x, u))


def _weighed(x: FloatArray, u: FloatArray, f: FloatArray) -> Cells:
    weight = np.exp(f - f.max())
    keep = weight > 1e-10
    return Cells(weight[keep] / weight[keep].sum(), x[keep], np.broadcast_to(u[:, None], x.shape)[keep])


def _log_steps(x: FloatArray, u: FloatArray) -> FloatArray:
    """Return the log of what each row's nodes stand for; dB = B (1 - B) du, B the shrinkage with logit u."""
    # the trapezoid rule: on a density that falls off to both sides it converges faster than any power of the step
    log_b: FloatArray = scipy.special.log_expit(u) + scipy.special.log_expit(-u)
    return (np.log(x[:, 1] - x[:, 0]) + log_b)[:, None]


def _finer(
    density: Callable[[FloatArray, FloatArray], FloatArray], x: FloatArray, u: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return nodes four times as dense both ways; along the level by a cubic (Lagrange) through four log densities."""
    rows = np.linspace(u[0], u[-1], 4 * (u.size - 1) + 1)
    low, high = np.interp(rows, u, x[:, 0]), np.interp(rows, u, x[:, -1])
    step = (high - low)[:, None] / (x.shape[1] - 1)
    level = low[:, None] + step * np.arange(x.shape[1])
    f = density(level, rows[:, None]) + _log_steps(level, rows)
    at = np.arange(4) / 4.0
    others = [[j for j in range(-1, 3) if j != i] for i in range(-1, 3)]
    cubic = [np.prod([(at - j) / (i - j) for j in some], axis=0) for i, some in zip(range(-1, 3), others, strict=True)]
    near = np.stack([f[:, j : f.shape[1] - 3 + j] for j in range(4)], axis=2)
    fine = level[:, 1:-2, None] + step[:, :, None] * at
    return fine.reshape(rows.size, -1), rows, (near @ np.stack(cubic)).reshape(rows.size, -1)


def _log_gamma_draws(rng: np.random.Generator, shape: FloatArray) -> FloatArray:
    """Return logs of gamma draws; exact for tiny shapes, whose draws themselves would all underflow to ties at zero."""
    out: FloatArray = np.log(rng.standard_gamma(shape + 1.0)) - rng.standard_exponential(shape.shape) / shape
    return out


@dataclass(frozen=True, slots=True, eq=False)
class GammaUnits:
    """Events `y` in exposure `t` (median 1); rates are gamma over units with mean m and rate b."""

    y: FloatArray
    t: FloatArray

    def cells(self) -> tuple[Cells, Cells]:
        """Return the posterior of log m and of the shrinkage b / (b + 1)."""
        y, t = self.y, self.t

        def density(x: FloatArray, u: FloatArray) -> FloatArray:
            b = np.broadcast_to(np.exp(u), x.shape).ravel()[:, None]
            s = np.exp(x + u).ravel()[:, None]

            def terms(part: slice) -> FloatArray:
                yy, tt = y[part], t[part]
                some = yy > 0.0
                out: FloatArray = -s * np.log1p(tt / b) - yy * np.log1p(b / tt)
                out[:, some] += _log_rising(s, yy[some])
                return out

            return _summed(terms, y.size, x.size).reshape(x.shape)

        return integrated(density, math.log(y.sum() / t.sum()), -_FAR - math.log1p(float(y.max())), 1.0)

    def _posterior(self, cells: Cells) -> tuple[FloatArray, FloatArray]:
        return np.exp(cells.level + cells.shrink), np.exp(cells.shrink)

    def shape(self, cells: Cells) -> tuple[FloatArray, FloatArray]:
        """Return m and 1 / sqrt(m b)."""
        return np.exp(cells.level), np.exp(-0.5 * (cells.level + cells.shrink))

    def mean(self, cells: Cells) -> FloatArray:
        """Return the posterior mean of each rate."""
        s, b = self._posterior(cells)

        def terms(part: slice) -> FloatArray:
            out: FloatArray = (s + self.y[part, None]) / (b + self.t[part, None])
            return cells.weight * out

        return _by_units(terms, self.y.size, s.size)

    def below(self, cells: Cells, v: FloatArray, which: npt.NDArray[np.intp]) -> FloatArray:
        """Return P(log rate < v)."""
        s, b = self._posterior(cells)
        y, t, level = self.y[which, None], self.t[which, None], np.exp(v)[:, None]

        def terms(part: slice) -> FloatArray:
            out: FloatArray = cells.weight * scipy.special.gammainc(s + y[part], (b + t[part]) * level[part])
            return out

        return _by_units(terms, v.size, s.size)

    def drawn(self, cells: Cells, rng: np.random.Generator, n: int) -> FloatArray:
        """Return logs of rates."""
        at = rng.choice(cells.weight.size, n, p=cells.weight)
        s, b = (v[at, None] for v in self._posterior(cells))
        return _log_gamma_draws(rng, s + self.y) - np.log(b + self.t)


@dataclass(frozen=True, slots=True, eq=False)
class BetaUnits:
    """`y` of `n` cases; proportions are beta over units with mean m and prior cases ``middle * exp(shrink)``."""

    y: FloatArray
    n: FloatArray
    middle: float

    def cells(self) -> tuple[Cells, Cells]:
        """Return the posterior of logit m and of the shrinkage."""
        y, rest = self.y, self.n - self.y

        def density(x: FloatArray, u: FloatArray) -> FloatArray:
            a, c = (v.ravel()[:, None] for v in self._prior(x, u))

            near = np.minimum(a, c).ravel() < self.middle

            def terms(part: slice) -> FloatArray:
                out = np.empty((x.size, y[part].size))
                out[near] = _beta_ratio(a[near], c[near], y[part], rest[part])
                out[~near] = _beta_ratio_large(a[~near], c[~near], y[part], rest[part])
                return out

            return _summed(terms, y.size, x.size).reshape(x.shape)

        return integrated(density, math.log(y.sum() / rest.sum()), -_FAR - math.log1p(float(self.n.max())), 0.0)

    def _prior(self, level: FloatArray, shrink: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the two parameters of the beta; by logs, as either may be far smaller than the other."""
        size = math.log(self.middle) + shrink
        return np.exp(size + scipy.special.log_expit(level)), np.exp(size + scipy.special.log_expit(-level))

    def shape(self, cells: Cells) -> tuple[FloatArray, FloatArray]:
        """Return m and the standard deviation over m."""
        a, c = self._prior(cells.level, cells.shrink)
        return scipy.special.expit(cells.level), np.sqrt(c / a / (a + c + 1.0))

    def mean(self, cells: Cells) -> FloatArray:
        """Return the posterior mean of each proportion."""
        a, c = self._prior(cells.level, cells.shrink)

        def terms(part: slice) -> FloatArray:
            return cells.weight * ((a + self.y[part, None]) / (a + c + self.n[part, None]))

        return _by_units(terms, self.y.size, a.size)

    def below(self, cells: Cells, v: FloatArray, which: npt.NDArray[np.intp]) -> FloatArray:
        """Return P(logit proportion < v)."""
        a, c = self._prior(cells.level, cells.shrink)
        y, n, level = self.y[which, None], self.n[which, None], scipy.special.expit(v)[:, None]

        def terms(part: slice) -> FloatArray:
            out: FloatArray = scipy.special.betainc(a + y[part], c + (n[part] - y[part]), level[part])
            return cells.weight * out

        return _by_units(terms, v.size, a.size)

    def drawn(self, cells: Cells, rng: np.random.Generator, n: int) -> FloatArray:
        """Return logits of proportions: logs of the ratio of two gammas."""
        at = rng.choice(cells.weight.size, n, p=cells.weight)
        a, c = (v[at, None] for v in self._prior(cells.level, cells.shrink))
        return _log_gamma_draws(rng, a + self.y) - _log_gamma_draws(rng, c + (self.n - self.y))


def level_limits(units: Units, cells: Cells, k: int, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limit of each unit on the scale of `drawn`, from the exact mixture: no draw in them."""
    tail = 0.5 * (1.0 - confidence)
    ends = np.full(k, -_LIMIT), np.full(k, _LIMIT)
    low = bracketed(lambda v, which: tail - units.below(cells, v, which), *ends, 1e-9)
    high = bracketed(lambda v, which: (1.0 - tail) - units.below(cells, v, which), *ends, 1e-9)
    return low, high


def rank_counts(units: Units, cells: Cells, k: int, draws: int, rng: np.random.Generator, sign: float) -> IntArray:
    """Return how often each unit (row) had each rank (column) among the draws; `sign` -1 ranks the highest first."""
    counts = np.zeros(k * k, dtype=np.int64)
    step = max(1, 4 * _CELLS // k)
    for i in range(0, draws, step):
        order = np.argsort(sign * units.drawn(cells, rng, min(step, draws - i)), axis=1)
        counts += np.bincount((order * k + np.arange(k)).ravel(), minlength=k * k)
    return counts.reshape(k, k)


def weighted_quantile(value: FloatArray, weight: FloatArray, p: float) -> float:
    """Return the quantile of a smooth distribution given at weighted nodes, half of each node's weight below it."""
    order = np.argsort(value)
    below = np.cumsum(weight[order]) - 0.5 * weight[order]
    return float(np.interp(p, below, value[order]))
