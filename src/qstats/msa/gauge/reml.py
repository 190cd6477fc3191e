"""Variance components by restricted maximum likelihood for any number of random factors, crossed or nested.

Model ``y = mean + sum_k Z_k u_k + e``. Everything is done on the cross-products of the indicator columns (counts of
pairs of labels), a square matrix of the size of all random levels together, never one of the size of the data. With
``G = diag(variance_k / variance_e)``, ``A = Z'SZ``, ``b = Z'Sy`` (S takes the mean out):

* ``R = I + A G``, ``h = R^-1 b``, ``H = R^-1 A``;
* -2 log likelihood ``(n-1) log v_e + log det R + (y'Sy - b'G h) / v_e``;
* the gradient is ``tr(P V_k) - y'P V_k P y``, the Hessian ``2 y'P V_j P V_k P y - tr(P V_j P V_k)``, both from blocks
  of H and h; Newton steps, with bends of the wrong sign turned round, under ``v >= 0`` (and on a plane, for profiles).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats.errors import DataError, NoConvergence
from qstats.msa.gauge.door import IntArray

__all__ = ["Constraint", "Reml", "RemlFit", "TooFar", "prepare"]

_LEVELS = 3000
_ALIKE = 1e-8  # smallest eigenvalue of the correlation of two terms that can be told apart
_ROUNDS = 400
_FLOOR = 1e-10  # smallest repeatability, as a share of the variance of the data


class TooFar(NoConvergence):
    """The variances differ by more than float64 can hold: nothing lies beyond for a profile to find."""


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """A plane ``weights @ v = value`` that the variances must stay on."""

    weights: FloatArray
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class RemlFit:
    """Variances (repeatability first) and the -2 log restricted likelihood there, both in units of the scaled data."""

    variance: FloatArray
    deviance: float


@dataclass(frozen=True, slots=True, eq=False)
class Reml:
    """The cross-products of a data set, scaled to variance one.

    Parameters
    ----------
    a : ndarray, shape (q, q)
    b : ndarray, shape (q,)
    yy : float
    n : int
    edges : ndarray, shape (k + 1,)
        Where the levels of each factor begin and end.
    scale : float
        Variance of the data: multiply variances by it.
    """

    a: FloatArray
    b: FloatArray
    yy: float
    n: int
    edges: IntArray
    scale: float

    def shows_error(self, fit: RemlFit) -> bool:
        """Whether the repeatability has settled above the floor that keeps the likelihood finite."""
        return bool(fit.variance[0] > 10.0 * _FLOOR)

    @property
    def terms(self) -> int:
        """Number of variances, the repeatability included."""
        return self.edges.size

    def _deviance(self, error: float, logdet: float, explained: float) -> float:
        return float((self.n - 1) * np.log(error) + logdet + max(self.yy - explained, 0.0) / error)

    def _solved(self, gamma: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Return ``R^-1 A``, ``R^-1 b`` and ``log det R``."""
        r = np.eye(self.b.size) + self.a * gamma
        both = np.column_stack([self.a, self.b])
        logdet = float(np.linalg.slogdet(r)[1])
        try:
            solved = np.linalg.solve(r, both)
        except np.linalg.LinAlgError:  # far out on a profile: the symmetric form has no eigenvalue below one
            root = np.sqrt(gamma)
            even = np.eye(self.b.size) + root[:, None] * self.a * root
            logdet = float(np.linalg.slogdet(even)[1])
            try:
                solved = both - (self.a * root) @ np.linalg.solve(even, root[:, None] * both)
            except np.linalg.LinAlgError:
                raise TooFar("gauge_rr: variances of too different size for the likelihood; rescale or clean") from None
        found: FloatArray = np.asarray(solved, dtype=np.float64)
        return found[:, :-1], found[:, -1], logdet

    def score(self, v: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the deviance, its curvature (k, k) and the linear term (k,) of its quadratic model at `v`."""
        error = float(v[0])
        ratio = v[1:] / error
        gamma = np.repeat(ratio, np.diff(self.edges))
        big, h, logdet = self._solved(gamma)
        start = self.edges[:-1]

        def blocks(x: npt.NDArray[Any]) -> FloatArray:
            return np.asarray(np.add.reduceat(np.add.reduceat(x, start, axis=0), start, axis=1), dtype=np.float64)

        explained = float((self.b * gamma) @ h)
        left = max(self.yy - explained, 0.0)
        trace = np.add.reduceat(np.diagonal(big), start)
        seen = np.add.reduceat(h**2, start)
        traces = np.append(self.n - 1 - float(ratio @ trace), trace)
        squares = np.append(left / error - float(ratio @ seen) / error, seen / error)
        # V is the sum of v_k V_k and P V P = P: the row of the error follows from the others.
        fisher = _with_error(blocks(np.square(big)), traces, ratio)
        bent = _with_error(blocks(big * np.outer(h, h)) / error, squares, ratio)
        dev = self._deviance(error, logdet, explained)
        curve = _sound(2.0 * bent - fisher, fisher) / error**2
        return dev, curve, curve @ v + (squares - traces) / error

    def only(self, use: Sequence[int]) -> Reml:
        """Return the same data under a model that has no more than these variances (the first is the repeatability)."""
        spans = [np.arange(self.edges[i - 1], self.edges[i]) for i in use if i]
        at = np.concatenate([np.arange(0), *spans]).astype(np.intp)
        edges = np.concatenate([[0], np.cumsum([span.size for span in spans])]).astype(np.intp)
        return Reml(self.a[np.ix_(at, at)], self.b[at], self.yy, self.n, edges, self.scale)

    def fit(
        self,
        start: FloatArray | None = None,
        *,
        use: Sequence[int] | None = None,
        plane: Constraint | None = None,
        close: float = 1e-9,
    ) -> RemlFit:
        """Maximise the restricted likelihood over variances of zero or more.

        Parameters
        ----------
        start : ndarray, optional
            Where to begin; on the plane if there is one.
        use : sequence of int, optional
            Variances that may differ from zero.
        plane : Constraint, optional
        close : float
            Largest last move, as a share of the total; the deviance is good to about its square.
        """
        allowed = np.ones(self.terms, dtype=np.bool_)
        if use is not None:
            allowed[:] = False
            allowed[list(use)] = True
        v = np.full(self.terms, 1.0 / self.terms) if start is None else start.astype(np.float64)
        v = np.where(allowed, v, 0.0)
        v[0] = max(v[0], _FLOOR)
        dev, f, s = self.score(v)
        still = 0
        for _ in range(_ROUNDS):
            target = _solve(f, s, allowed, plane)
            step = 1.0
            for _ in range(40):
                trial = v + step * (target - v)
                trial[0] = max(trial[0], _FLOOR)
                fresh = self.score(trial)
                if fresh[0] <= dev + 1e-11 * abs(dev):
                    break
                step *= 0.5
            else:
                return RemlFit(v, dev)
            moved = float(np.abs(trial - v).max())
            still = still + 1 if dev - fresh[0] <= 1e-9 else 0
            v, (dev, f, s) = trial, fresh
            if moved <= close * float(v.sum()) or still == 2:
                return RemlFit(v, dev)
        raise NoConvergence(
            "gauge_rr: the restricted likelihood did not settle; leave out a factor, or look for labels that "
            "say the same"
        )


def _sound(newton: FloatArray, fisher: FloatArray) -> FloatArray:
    """Return the Hessian with its bends against the Fisher information made positive: safe far from the maximum."""
    size = np.sqrt(np.maximum(np.diagonal(fisher), np.finfo(np.float64).tiny))
    if np.linalg.eigvalsh(newton / np.outer(size, size))[0] > 1e-3:
        return newton
    values, vectors = np.linalg.eigh(fisher / np.outer(size, size))
    root = (vectors * np.sqrt(np.maximum(values, _ALIKE))) * size[:, None]
    back = np.linalg.inv(root)
    bends, ways = np.linalg.eigh(back @ newton @ back.T)
    whole = root @ ways
    return np.asarray((whole * np.maximum(np.abs(bends), 0.1)) @ whole.T, dtype=np.float64)


def _with_error(inner: FloatArray, whole: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return the matrix with row and column of the error, which make ``matrix @ (1, ratio) = whole``."""
    out = np.empty((whole.size, whole.size))
    out[1:, 1:] = inner
    out[0, 1:] = out[1:, 0] = whole[1:] - inner @ ratio
    out[0, 0] = whole[0] - float(ratio @ out[0, 1:])
    return out


def _solve(f: FloatArray, s: FloatArray, allowed: BoolArray, plane: Constraint | None) -> FloatArray:
    """Minimise ``v'Fv / 2 - s'v`` for ``v >= 0`` (zero where not allowed), on the plane if there is one."""
    k = s.size
    free = allowed.copy()
    v = np.zeros(k)
    for _ in range(6 * k):
        at = np.flatnonzero(free)
        v = np.zeros(k)
        slope = 0.0
        inner = f[np.ix_(at, at)]
        if plane is None:
            v[at] = np.linalg.lstsq(inner, s[at], rcond=None)[0]
        else:
            w = plane.weights[at]
            border = np.block([[inner, w[:, None]], [w[None, :], np.zeros((1, 1))]])
            solved = np.linalg.lstsq(border, np.append(s[at], plane.value), rcond=None)[0]
            v[at], slope = solved[:-1], float(solved[-1])
        if at.size and v[at].min() < 0.0:
            free[at[int(np.argmin(v[at]))]] = False
            continue
        pull = s - f @ v - slope * (plane.weights if plane is not None else 0.0)
        pull[free | ~allowed] = 0.0
        if pull.max() <= 1e-9 * float(np.abs(s).max()):
            break
        free[int(np.argmax(pull))] = True
    return np.maximum(v, 0.0)


def prepare(y: FloatArray, factors: Sequence[IntArray]) -> Reml:
    """Return the cross-products of centred data `y` and the codes of each random factor.

    Raises
    ------
    DataError
        More than 3000 random levels, or factors that cannot be told apart.
    """
    n = y.size
    sizes = [int(codes.max()) + 1 for codes in factors]
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    q = int(edges[-1])
    if q > _LEVELS:
        raise DataError(f"data: {q} parts, operators and combinations came; the unbalanced method takes {_LEVELS}")
    y = y - y.mean()
    scale = float(y @ y) / (n - 1)
    y = y / np.sqrt(scale)
    count, b, a = np.empty(q), np.empty(q), np.empty((q, q))
    for i, first in enumerate(factors):
        at = slice(edges[i], edges[i + 1])
        count[at] = np.bincount(first, minlength=sizes[i])
        b[at] = np.bincount(first, weights=y, minlength=sizes[i])
        for j, second in enumerate(factors[: i + 1]):
            pairs = np.bincount(first * sizes[j] + second, minlength=sizes[i] * sizes[j]).reshape(sizes[i], sizes[j])
            to = slice(edges[j], edges[j + 1])
            a[at, to], a[to, at] = pairs, pairs.T
    a -= np.outer(count, count) / n
    reml = Reml(a, b, float(y @ y), n, edges, scale)
    _, f, _ = reml.score(np.full(reml.terms, 1.0 / reml.terms))
    size = np.sqrt(np.diagonal(f))
    if size.min() <= 0.0 or np.linalg.eigvalsh(f / np.outer(size, size))[0] < _ALIKE:
        raise DataError("factors: two of them split the measurements alike, so their variances cannot be told apart")
    return reml
