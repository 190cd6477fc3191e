"""Importance and performance of each item as a region, and a quadrant only where the region stays in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.resample import as_generator, check_resamples
from qstats.voice.drivers.drivers import percentile
from qstats.voice.drivers.kernels import (
    EXACT,
    Standardised,
    correlations,
    genizi,
    lmg_exact,
    observed_sums,
    resampled_sums,
)
from qstats.voice.drivers.rows import Rows, read_rows, scattered

__all__ = ["QUADRANTS", "UNRESOLVED", "ImportancePerformance", "importance_performance"]

QUADRANTS = ("low priority", "possible overkill", "concentrate here", "keep up the good work")
UNRESOLVED = "unresolved"
_SOURCE = (
    "Martilla & James (1977), Journal of Marketing 41(1), 77-79; Efron & Tibshirani (1993), An Introduction to the "
    "Bootstrap, section 13.3"
)


@dataclass(frozen=True, slots=True, eq=False)
class ImportancePerformance(Result):
    """Importance and performance of each item; arrays have shape (p,) unless said otherwise.

    Parameters
    ----------
    outcome : str
    items : tuple of str
    importance : ndarray
        Derived from how the item goes with the outcome: see `measure`.
    importance_interval : Intervals
    performance : ndarray
        Mean score, or top-box share.
    performance_interval : Intervals
    covariance : ndarray, shape (p, 2, 2)
        Bootstrap covariance of importance and performance.
    major, minor, angle : ndarray
        Half axes of the region at `confidence` and the angle of the longer one against the importance axis (radians).
        The axes have different units: draw with `covariance`.
    quadrant : tuple of str
        One of `QUADRANTS`, or ``"unresolved"``.
    probability : ndarray, shape (p, 4)
        Bootstrap mass in each quadrant, in the order of `QUADRANTS`.
    cross : tuple of float
        Importance and performance where the quadrants meet.
    measure : {"correlation", "share"}
    performance_measure : {"mean", "top_box"}
    confidence : float
    n : float
    resamples : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.importance-performance/1"
    title: ClassVar[str] = "Importance and performance"

    outcome: str
    items: tuple[str, ...]
    importance: FloatArray
    importance_interval: Intervals
    performance: FloatArray
    performance_interval: Intervals
    covariance: FloatArray
    major: FloatArray
    minor: FloatArray
    angle: FloatArray
    quadrant: tuple[str, ...]
    probability: FloatArray
    cross: tuple[float, float]
    measure: str
    performance_measure: str
    confidence: float
    n: float
    resamples: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.importance.size

    def _rows(self) -> list[tuple[str, str]]:
        a, b = self.importance_interval, self.performance_interval
        rows = [
            (
                name,
                f"{self.quadrant[i]}  importance {self.importance[i]:.3f} ({a.low[i]:.3f}, {a.high[i]:.3f})  "
                f"performance {self.performance[i]:.3f} ({b.low[i]:.3f}, {b.high[i]:.3f})",
            )
            for i, name in enumerate(self.items)
        ]
        rows.append(("quadrants meet at", f"importance {self.cross[0]:.3f}, performance {self.cross[1]:.3f}"))
        rows.append(("named if bootstrap mass reaches", f"{self.confidence:.0%} of {self.resamples} resamples of rows"))
        return [*rows, ("rows", f"{self.n:g}"), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        best = self.probability.max(axis=1)
        return {
            "item": list(self.items),
            "importance": self.importance,
            "importance_low": self.importance_interval.low,
            "importance_high": self.importance_interval.high,
            "performance": self.performance,
            "performance_low": self.performance_interval.low,
            "performance_high": self.performance_interval.high,
            "quadrant": list(self.quadrant),
            "probability": best,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Measures:
    """How importance and performance follow from the sums of a (re)sample."""

    importance: str
    p: int
    mean: FloatArray
    scale: FloatArray
    performs: slice

    def of(self, sums: FloatArray, q: int) -> FloatArray:
        """Return importance and performance, shape (m, 2, p)."""
        p = self.p
        both = np.empty((sums.shape[0], 2, p))
        matrix = correlations(sums, q)[:, : p + 1, : p + 1]
        if self.importance == "correlation":
            both[:, 0] = matrix[:, :p, p]
        else:
            share = lmg_exact(matrix) if p <= EXACT else genizi(matrix)
            total = share.sum(axis=1, keepdims=True)
            both[:, 0] = np.divide(share, total, out=np.full_like(share, 1.0 / p), where=total > 0.0)
        weight = np.where(sums[:, :1] > 0.0, sums[:, :1], 1.0)
        both[:, 1] = self.mean + self.scale * sums[:, 1 : q + 1][:, self.performs] / weight
        return both


def _check_cross(cross: Any) -> tuple[float, float] | None:
    if cross is None:
        return None
    if (not isinstance(cross, list | tuple) and getattr(cross, "ndim", 0) != 1) or len(cross) != 2:
        raise DataError(f"cross: got {cross!r}; an importance and a performance are wanted, such as (0.3, 4.0)")
    return check_number(cross[0], "cross"), check_number(cross[1], "cross")


def _with_boxes(rows: Rows, s: Standardised, top_from: float | None) -> tuple[Standardised, _Measures | None]:
    """Return the columns with indicators of the top boxes behind them, and where performance is read from."""
    if top_from is None:
        return s, None
    p = len(rows.names)
    inside = (rows.x[:, :p] >= top_from).astype(np.float64)
    more = Standardised(
        np.concatenate([s.z, inside], axis=1), s.weight,
        np.concatenate([s.mean, np.zeros(p)]), np.concatenate([s.scale, np.ones(p)]),
    )  # fmt: skip
    return more, _Measures("", p, np.zeros(p), np.ones(p), slice(p + 1, 2 * p + 1))


def _ellipse(covariance: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    value, vector = np.linalg.eigh(covariance)
    reach = np.sqrt(np.maximum(value, 0.0) * chi2_quantile(confidence, 2.0))
    longer = vector[:, :, 1]
    return reach[:, 1], reach[:, 0], np.arctan2(longer[:, 1], longer[:, 0])


def _quadrants(draws: FloatArray, cross: FloatArray, confidence: float) -> tuple[tuple[str, ...], FloatArray]:
    """Return the names and the bootstrap mass of the quadrants; `cross` has shape (m, 2) or (1, 2)."""
    high = draws > cross[:, :, np.newaxis]
    place = 2 * high[:, 0] + high[:, 1]
    mass = np.stack([(place == k).mean(axis=0) for k in range(4)], axis=1)
    names = tuple(QUADRANTS[int(row.argmax())] if row.max() >= confidence else UNRESOLVED for row in mass)
    return names, mass


def importance_performance(
    data: Any,
    *,
    outcome: Any,
    drivers: Any = None,
    weight: Any = None,
    importance: str = "correlation",
    top_from: float | None = None,
    cross: Any = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: Any = None,
    missing: str = "raise",
    blank: Any = (),
) -> ImportancePerformance:
    r"""Place items by importance and performance, and name a quadrant only where the data are sure of it.

    Use it to pick what to work on among many touchpoints. The usual picture draws points; most of them could as well
    lie in the next quadrant, and then it says "unresolved". Importance here is derived from the answers: it is no
    effect of improving an item.

    Parameters
    ----------
    data, outcome, drivers, weight, missing, blank
        As in `key_drivers`.
    importance : {"correlation", "share"}
        Correlation with the outcome, or share of what all items explain together (LMG; Genizi beyond 12 items).
    top_from : float, optional
        Performance is the share of answers of at least this; the mean unless given.
    cross : (float, float), optional
        Importance and performance where the quadrants meet, declared beforehand; else the means over all items, which
        move with each resample.
    resamples, rng
        Bootstrap of rows.
    confidence : float
        Of the regions and intervals, and the bootstrap mass a quadrant must hold to be named.

    Returns
    -------
    ImportancePerformance

    Raises
    ------
    DataError, TooFewData
        As `key_drivers`.

    Notes
    -----
    Rows are drawn with replacement; importance, performance and the crossing are computed anew each time. Region:
    :math:`(v - \hat v)' \Sigma^{-1} (v - \hat v) \le \chi^2_2` with :math:`\Sigma` the covariance over resamples. "Of
    one point": the regions hold one by one, not all together.

    References
    ----------
    Martilla & James (1977), Journal of Marketing 41(1), 77-79. Efron & Tibshirani (1993), An Introduction to the
    Bootstrap, section 13.3.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats.voice.drivers.importance import importance_performance
    >>> rng = np.random.default_rng(1)
    >>> food, signs = rng.integers(1, 4, 300), rng.integers(3, 6, 300)
    >>> overall = np.round(food + rng.normal(1, 0.5, 300))
    >>> answers = {"food": food, "signs": signs, "overall": overall}
    >>> importance_performance(answers, outcome="overall", rng=2).quadrant
    ('concentrate here', 'possible overkill')
    """
    check_choice(importance, "importance", ("correlation", "share"))
    confidence = check_confidence(confidence)
    tail = (1.0 - confidence) / 2.0
    check_number(resamples, "resamples", least=1.0)
    resamples, generator = check_resamples(resamples, tail, tail), as_generator(rng)
    fixed = _check_cross(cross)
    limit = None if top_from is None else check_number(top_from, "top_from")
    rows = read_rows(data, outcome, drivers, weight, missing, blank)
    if len(rows.names) < 2:
        raise DataError(f"drivers: got {rows.names[0]!r} only; at least two items are wanted to compare")
    s = scattered(rows)
    p = len(rows.names)
    more, boxed = _with_boxes(rows, s, limit)
    measures = _Measures(importance, p, s.mean[:p], s.scale[:p], slice(0, p))
    if boxed is not None:
        measures = _Measures(importance, p, boxed.mean, boxed.scale, boxed.performs)
    q = more.z.shape[1]
    seen = measures.of(observed_sums(more), q)[0]
    draws = np.concatenate([measures.of(sums, q) for sums in resampled_sums(more, resamples, generator)])
    return _placed(rows, seen, draws, fixed, confidence, importance, limit)


def _placed(
    rows: Rows, seen: FloatArray, draws: FloatArray, fixed: tuple[float, float] | None, confidence: float,
    importance: str, limit: float | None,
) -> ImportancePerformance:  # fmt: skip
    crossing = draws.mean(axis=2) if fixed is None else np.array([fixed])
    names, mass = _quadrants(draws, crossing, confidence)
    d = draws - draws.mean(axis=0)
    covariance = np.einsum("mip,mjp->pij", d, d) / (draws.shape[0] - 1.0)
    major, minor, angle = _ellipse(covariance, confidence)
    low, high = percentile(draws, confidence)
    limits = [Intervals(frozen_array(low[i]), frozen_array(high[i]), confidence) for i in (0, 1)]
    cross = fixed if fixed is not None else (float(seen[0].mean()), float(seen[1].mean()))
    notes = list(rows.notes)
    if unresolved := names.count(UNRESOLVED):
        text = f"{unresolved} of {len(names)} items lie in no quadrant with {confidence:.0%} of the bootstrap mass"
        notes.append(Note("unresolved", "info", text))
    derived = "correlation with the outcome" if importance == "correlation" else "share of explained variance"
    does = "mean" if limit is None else f"share of answers from {limit:g} up"
    return ImportancePerformance(
        rows.outcome, rows.names, frozen_array(seen[0]), limits[0], frozen_array(seen[1]), limits[1],
        frozen_array(covariance), frozen_array(major), frozen_array(minor), frozen_array(angle), names,
        frozen_array(mass), cross, importance, "mean" if limit is None else "top_box", confidence,
        float(rows.x.shape[0]), draws.shape[0], f"importance: {derived}; performance: {does}; bootstrap of rows",
        _SOURCE, tuple(notes),
    )  # fmt: skip
