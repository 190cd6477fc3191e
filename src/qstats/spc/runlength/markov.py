"""Run length of a chart as the time a Markov process stays inside: one shape for every chart, one way to solve it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.errors import DataError, NoConvergence

__all__ = ["Chain", "check_points", "gauss_legendre", "match_limit", "quantile_of", "settled", "settled_survival"]

_AGREE = 1e-8
_MORE_NODES = 10
_MOST_NODES = 1500
_TRIES = 5  # by then seven times the nodes that should have been enough
_MOST_STEPS = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A chart that has not signalled yet: where its statistic may be, and how it moves without a signal.

    Parameters
    ----------
    head : numpy.ndarray
        P(RL > n) for the first n = 0, 1, ... points, before the moves become the same at every point; shape (t,).
    mass : numpy.ndarray
        Probability of each state, no signal so far, after `t` points; shape (m,).
    move : numpy.ndarray
        Probability of going from state i to state j without a signal, shape (m, m); rows sum to less than one.
    """

    head: FloatArray
    mass: FloatArray
    move: FloatArray

    def further(self) -> FloatArray:
        """Return the expected number of points still to come (the present one counted) from each state, shape (m,)."""
        eye = np.eye(self.move.shape[-1])
        try:
            return np.asarray(np.linalg.solve(eye - self.move, np.ones(eye.shape[0])))
        except np.linalg.LinAlgError:
            return np.full(eye.shape[0], math.inf)

    def arl(self) -> float:
        """Return the mean run length: the sum of P(RL > n) over n = 0, 1, ..."""
        return float(self.head.sum() + self.mass @ self.further())

    def survival(self, n: int) -> FloatArray:
        """Return P(RL > 1), ..., P(RL > n), shape (n,)."""
        out = np.empty(max(n + 1, self.head.size))
        out[: self.head.size] = self.head
        mass = self.mass
        for i in range(self.head.size, n + 1):
            out[i] = mass.sum()
            mass = mass @ self.move
        return np.clip(out[1 : n + 1], 0.0, 1.0)

    def resting(self) -> FloatArray:
        """Return where the statistic is after a long time without a signal (quasi-stationary), shape (m,), sum 1."""
        values, vectors = np.linalg.eig(self.move.T)
        v = np.real(vectors[:, int(np.argmax(np.real(values)))])
        return np.asarray(v / v.sum())


@lru_cache(maxsize=64)
def gauss_legendre(m: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of the Gauss-Legendre rule of `m` points on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(m)
    nodes, weights = 0.5 * (nodes + 1.0), 0.5 * weights
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def settled(
    value: Callable[[int], float], m: int, what: str, *, most: int = _MOST_NODES, agree: float = _AGREE
) -> float:
    """Return ``value(m)`` at so many nodes that ten more change nothing.

    Too few nodes fail silently (an average run length of 1203 for 500, or -1321), so a value is taken only when `m` and
    ``m + 10`` nodes agree to `agree` of it and it is at least one.

    Raises
    ------
    NoConvergence
        No number of nodes up to `most` does.
    """
    for _ in range(_TRIES):
        if m + _MORE_NODES > most:
            break
        rough, fine = value(m), value(m + _MORE_NODES)
        if math.isfinite(fine) and abs(fine - rough) <= agree * abs(fine) and fine >= 1.0 - agree:
            return max(fine, 1.0)
        m = m + m // 2
    raise NoConvergence(
        f"{what}: the average run length does not settle; it is beyond what double precision can tell "
        f"(about 1e8) or the limits are too far out: bring them closer"
    )


def settled_survival(
    value: Callable[[int], FloatArray], m: int, what: str, *, most: int = _MOST_NODES, agree: float = _AGREE
) -> FloatArray:
    """Return P(RL > 1), ... at so many nodes that ten more change no probability by more than `agree`."""
    for _ in range(_TRIES):
        if m + _MORE_NODES > most:
            break
        rough, fine = value(m), value(m + _MORE_NODES)
        if np.abs(fine - rough).max() <= agree:
            return fine
        m = m + m // 2
    raise NoConvergence(f"{what}: the run length distribution does not settle; bring the limits closer")


def quantile_of(survival: Callable[[int], FloatArray], q: float) -> int:
    """Return the smallest n with ``P(RL <= n) >= q``.

    The tail is geometric once the chart has forgotten its start: there the quantile follows from the last ratio.
    """
    n = 64
    while True:
        above = survival(n)
        if above[-1] <= 1.0 - q:
            return int(np.argmax(above <= 1.0 - q)) + 1
        part = n // 4
        late, early = (math.log(above[i - part - 1] / above[i - 1]) / part for i in (n, n - part))
        if abs(late - early) <= 1e-9 * late or n >= _MOST_STEPS:
            return n + math.ceil(math.log(above[-1] / (1.0 - q)) / late)
        n *= 4


def match_limit(arl: Callable[[float], float], wanted: float, low: float, high: float, what: str) -> float:
    """Return the limit at which the mean run length is `wanted`; the run length grows with the limit.

    The logarithm of the run length is nearly a straight line in the limit: the secant with one end held and its
    weight halved (Illinois) takes half a dozen steps.
    """

    def miss(x: float) -> float:
        return math.log(arl(x) / wanted)

    f_low = miss(low)
    while f_low > 0.0:
        low /= 2.0
        if low < 1e-9:
            raise NoConvergence(f"{what}: no limit gives an in-control run length as short as {wanted:g}; ask for more")
        f_low = miss(low)
    f_high = miss(high)
    while f_high < 0.0:
        low, f_low = high, f_high
        high *= 1.3
        f_high = miss(high)
    x = high
    for _ in range(100):
        x = high - f_high * (high - low) / (f_high - f_low)
        f = miss(x)
        if abs(f) <= 1e-11 or abs(high - low) <= 1e-13 * high:
            return x
        if f * f_high < 0.0:
            low, f_low = high, f_high
        else:
            f_low /= 2.0
        high, f_high = x, f
    raise NoConvergence(f"{what}: no limit found for an in-control run length of {wanted:g}")


def check_points(n: object) -> int:
    """Return a number of points."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= 1_000_000:
        raise DataError(f"n: got {n!r}; a whole number of points from 1 to 1000000 is wanted")
    return int(n)
