"""Which power of the response suits the model: Box and Cox by the likelihood of the fitted model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile
from qstats._core.result import Result
from qstats.capability.nonnormal.boxcox import LIMIT, power
from qstats.doe.fitting.kernels.linear import decompose, unexplained
from qstats.inference.roots import bracketed

__all__ = ["ResponseTransform", "box_cox"]

_WORDS = {
    1.0: "none",
    0.0: "log",
    0.5: "square root",
    -1.0: "reciprocal",
    -0.5: "reciprocal square root",
    2.0: "square",
}
_SERIES = 1e-4
_TRIALS = 101
_LARGEST = 300.0  # exponents beyond it have squares that do not fit a float64


@dataclass(frozen=True, slots=True, eq=False)
class ResponseTransform(Result):
    """The power of the response under which the model fits best, and what to do about it.

    Parameters
    ----------
    power : float
        Lambda of greatest likelihood; 1 is the response as it is, 0 its logarithm. Looked for between -5 and 5.
    interval : Interval
        By the likelihood ratio.
    recommendation : str
        ``"none"`` where 1 is within the interval, else the plain power within it that is nearest, such as ``"log"`` or
        ``"square root"``; ``"power"`` where none is.
    gain : float
        Log-likelihood at `power` less that at 1.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.response_transform/1"
    title: ClassVar[str] = "Power of the response"

    power: float
    interval: Interval
    recommendation: str
    gain: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        return [
            ("recommended", self.recommendation),
            ("best power", f"{self.power:.4g}"),
            (f"{self.interval.confidence:.0%} interval", str(self.interval)),
            ("gain in log-likelihood", f"{self.gain:.4g}"),
            ("method", self.method),
            ("source", self.reference),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "power": [self.power], "low": [self.interval.low], "high": [self.interval.high],
            "recommendation": [self.recommendation], "gain": [self.gain],
        }  # fmt: skip


def box_cox(x: FloatArray, y: FloatArray, confidence: float) -> ResponseTransform | None:
    """Return the power of greatest likelihood for this model matrix; None if a response is not above zero.

    Parameters
    ----------
    x : ndarray, shape (n, p)
        With the constant among its columns or in their span.
    y : ndarray, shape (n,)
    confidence : float
    """
    n = y.size
    if not (y > 0.0).all() or n <= x.shape[1]:
        return None
    q = decompose(x).q
    v = np.log(y)
    v = v - v.mean()  # the Jacobian vanishes: the likelihood is that of the residual sum of squares alone
    if float(np.abs(unexplained(q, v)).max()) <= 1e-13 * max(float(np.abs(v).max()), 1.0):
        return None

    def profile(lam: Any) -> FloatArray:
        left = unexplained(q, power(v[:, None], np.atleast_1d(lam)[None, :]))
        return np.asarray(-0.5 * n * np.log(np.maximum(np.einsum("ij,ij->j", left, left), 1e-300)))

    def falling(lam: FloatArray, _: Any) -> FloatArray:
        left = unexplained(q, power(v[:, None], lam[None, :]))
        both = np.einsum("ij,ij->j", left, _slope(v[:, None], lam[None, :]))
        return np.asarray(-both / np.einsum("ij,ij->j", left, left))

    reach = min(LIMIT, _LARGEST / max(float(np.abs(v).max()), 1.0))
    grid = np.linspace(-reach, reach, _TRIALS)
    near = int(np.argmax(profile(grid)))
    ends = grid[[max(near - 1, 0), min(near + 1, _TRIALS - 1)]]
    best = float(bracketed(falling, ends[:1], ends[1:], tolerance=1e-10)[0])
    top = float(profile(best)[0])
    interval = _interval(profile, best, top, reach, confidence)
    return ResponseTransform(
        best, interval, _advice(best, interval), top - float(profile(1.0)[0]),
        "profile likelihood of the fitted model, interval by the likelihood ratio",
        "Box & Cox (1964), JRSS B 26, 211-252",
    )  # fmt: skip


def _slope(v: FloatArray, lam: FloatArray) -> FloatArray:
    """Derivative of ``(exp(lam v) - 1) / lam`` by lam; by its series near zero."""
    small = np.abs(lam) < _SERIES
    safe = np.where(small, 1.0, lam)
    series = v * v * (0.5 + lam * v * (1.0 / 3.0 + lam * v / 8.0))
    return np.where(small, series, (v * np.exp(safe * v) - np.expm1(safe * v) / safe) / safe)


def _interval(profile: Any, best: float, top: float, reach: float, confidence: float) -> Interval:
    cut = top - 0.5 * float(chi2_quantile(confidence, 1.0))
    sign = np.array([-1.0, 1.0])

    def falling(step: FloatArray, which: Any) -> FloatArray:
        return np.asarray(profile(best + sign[which] * step) - cut)

    step = bracketed(falling, np.zeros(2), reach - sign * best, tolerance=1e-10)
    low, high = (best + sign * step).tolist()
    return Interval(-math.inf if low <= -reach else low, math.inf if high >= reach else high, confidence)


def _advice(best: float, interval: Interval) -> str:
    if 1.0 in interval:
        return "none"
    inside = [lam for lam in _WORDS if lam in interval]
    return _WORDS[min(inside, key=lambda lam: abs(lam - best))] if inside else "power"
