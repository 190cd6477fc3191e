"""Key drivers: how the variance of an outcome that drivers explain together is shared among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.resample import as_generator, check_resamples
from qstats.voice.drivers.kernels import (
    EXACT,
    correlations,
    genizi,
    lmg_exact,
    lmg_sampled,
    observed_sums,
    orderings,
    resampled_sums,
)
from qstats.voice.drivers.rows import Rows, read_rows, scattered

__all__ = ["KeyDrivers", "key_drivers", "percentile"]

_SOURCES = {
    "lmg": "Lindeman, Merenda & Gold (1980), Introduction to Bivariate and Multivariate Analysis, p. 119; Gromping "
    "(2006), Journal of Statistical Software 17(1)",
    "genizi": "Genizi (1993), Statistica Sinica 3, 407-420",
    "johnson": "Johnson (2000), Multivariate Behavioral Research 35, 1-19",
}
_ORDERINGS = 400
_COLLINEAR = 1e-8  # variance of a driver that the others leave unexplained, below which they determine it


@dataclass(frozen=True, slots=True, eq=False)
class KeyDrivers(Result):
    """Shares of explained variance; all arrays have shape (p,), one entry per driver in the order given.

    Parameters
    ----------
    outcome : str
    drivers : tuple of str
    share : ndarray
        Parts of R^2; they add up to it.
    interval : Intervals
        Bootstrap percentiles, each with its own confidence.
    relative : ndarray
        Share of what is explained: ``share / r2``, adding up to 1; NaN where nothing is, with a note.
    rank : ndarray
        1: largest share.
    rank_low, rank_high : ndarray
        Bootstrap percentiles of the rank.
    correlation, coefficient : ndarray
        With the outcome alone, and standardised in the joint regression (NaN where drivers determine each other): the
        direction, which a share has not.
    r2 : float
        Share of the variance of the outcome that all drivers explain together.
    r2_interval : Interval
    montecarlo_error : ndarray or None
        Standard error of the shares from sampling orderings; None where they were all computed.
    n : float
        Complete rows.
    resamples : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.key-drivers/1"
    title: ClassVar[str] = "Key drivers: share of explained variance, not effect of improving"

    outcome: str
    drivers: tuple[str, ...]
    share: FloatArray
    interval: Intervals
    relative: FloatArray
    rank: FloatArray
    rank_low: FloatArray
    rank_high: FloatArray
    correlation: FloatArray
    coefficient: FloatArray
    r2: float
    r2_interval: Interval
    montecarlo_error: FloatArray | None
    n: float
    resamples: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.share.size

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (
                self.drivers[i],
                f"{self.share[i]:.4f} ({self.interval.low[i]:.4f}, {self.interval.high[i]:.4f})  "
                f"{self.relative[i]:.1%} of R2  rank {self.rank[i]:.0f} ({self.rank_low[i]:.0f} to "
                f"{self.rank_high[i]:.0f})  correlation {self.correlation[i]:.3f}",
            )
            for i in np.argsort(self.rank, kind="stable")
        ]
        rows += [
            (f"R2 of {self.outcome}", f"{self.r2:.4f} ({self.r2_interval.low:.4f}, {self.r2_interval.high:.4f})"),
            ("confidence of each interval", f"{self.interval.confidence:.0%}, {self.resamples} resamples of rows"),
            ("rows", f"{self.n:g}"),
        ]
        if self.montecarlo_error is not None:
            rows.append(("error of sampling orderings", f"at most {self.montecarlo_error.max():.2g} (standard error)"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "driver": list(self.drivers),
            "share": self.share,
            "low": self.interval.low,
            "high": self.interval.high,
            "relative": self.relative,
            "rank": self.rank,
            "rank_low": self.rank_low,
            "rank_high": self.rank_high,
            "correlation": self.correlation,
            "coefficient": self.coefficient,
        }


def percentile(draws: FloatArray, confidence: float, method: str = "linear") -> tuple[FloatArray, FloatArray]:
    """Return equal-tailed percentiles over the first axis; ``"inverted_cdf"`` for ranks, which have no between."""
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0, method=method)  # type: ignore[call-overload]
    return low, high


def _ranks(share: FloatArray) -> FloatArray:
    """Return ranks along the last axis, 1 for the largest; equal shares in the order of the drivers."""
    order = np.argsort(-share, axis=-1, kind="stable")
    out = np.empty(share.shape)
    np.put_along_axis(out, order, np.broadcast_to(np.arange(1.0, share.shape[-1] + 1.0), share.shape), axis=-1)
    return out


def _coefficients(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return standardised coefficients, NaN with collinear drivers, and how much of each driver the others leave."""
    p = matrix.shape[0] - 1
    value, vector = np.linalg.eigh(matrix[:p, :p])
    if value[0] <= _COLLINEAR / p:
        kernel = vector[:, value <= _COLLINEAR / p]
        left = np.where((kernel**2).sum(axis=1) > 1e-6, 0.0, 1.0)
        return np.full(p, np.nan), left
    inverse = (vector / value) @ vector.T
    return inverse @ matrix[:p, p], 1.0 / np.diag(inverse)


def _doubts(rows: Rows, left: FloatArray, r2: float) -> tuple[Note, ...]:
    notes = []
    p, n = len(rows.names), rows.x.shape[0]
    tied = [name for name, v in zip(rows.names, left, strict=True) if v <= _COLLINEAR]
    close = [name for name, v in zip(rows.names, left, strict=True) if _COLLINEAR < v < 0.1]
    if tied:
        text = f"{', '.join(map(repr, tied))} determine each other: what they share is split, not told apart"
        notes.append(Note("collinear", "serious", text))
    if close:
        text = f"others explain more than 90 % of {', '.join(map(repr, close))}: their shares are hard to tell apart"
        notes.append(Note("nearly-collinear", "warning", text))
    if n < 10 * p:
        text = f"{n} rows for {p} drivers: R2 and its shares are too large by chance (about {p / (n - 1.0):.2f} of R2)"
        notes.append(Note("few-rows", "warning", text))
    if r2 < 1e-12:
        notes.append(Note("nothing-explained", "serious", "the drivers explain nothing; relative shares mean nothing"))
    return tuple(notes)


def _check_orderings(given: Any, method: str, p: int) -> int | None:
    """Return how many orderings to sample; None where all are computed."""
    if given is None:
        return _ORDERINGS if method == "lmg" and p > EXACT else None
    if method != "lmg":
        raise DataError(f"orderings: given with method={method!r}, which has none; leave it out")
    count = check_number(given, "orderings", least=20.0)
    if count != int(count) or int(count) % 2:
        raise DataError(f"orderings: got {count:g}; an even number is wanted (each comes with its reverse)")
    return int(count)


def key_drivers(
    data: Any,
    *,
    outcome: Any,
    drivers: Any = None,
    weight: Any = None,
    method: str = "lmg",
    orderings: int | None = None,
    resamples: int = 1000,
    confidence: float = 0.95,
    rng: Any = None,
    missing: str = "raise",
    blank: Any = (),
) -> KeyDrivers:
    r"""Tell which touchpoints go with overall satisfaction most, and how sure their order is.

    Use it for many correlated ratings and one overall answer, to see where to look first. It shares out explained
    variance; it does not say what improving a touchpoint would do: for that change one and compare. Not for comparing
    drivers whose rank intervals overlap, and not to choose a model.

    Parameters
    ----------
    data : frame, mapping of str to array-like, or array-like of shape (n, p)
        One row per customer.
    outcome : str or array-like, shape (n,)
        Column of the overall answer; its values, with an array of drivers.
    drivers : sequence of str
        Columns of the drivers; of a mapping all others, and of an array ``x1, x2, ...``, by default.
    weight : str or array-like, optional
        Weight of each row; only ratios matter.
    method : {"lmg", "genizi", "johnson"}
        ``"lmg"`` (Shapley): gain in R^2 averaged over all orderings. ``"genizi"`` and ``"johnson"`` (relative weights)
        are two derivations of one formula, fast for any number; some statisticians reject them for want of a meaning.
    orderings : int, optional
        Sample that many orderings (each with its reverse) in place of computing all: by default beyond 12 drivers, 400.
    resamples : int
        Bootstrap resamples of rows.
    confidence : float
    rng : None, int, SeedSequence or Generator
    missing : {"raise", "drop"}
        ``"drop"`` uses complete rows only and counts the others in a note.
    blank : sequence of numbers
        Codes that mean "no answer": missing.

    Returns
    -------
    KeyDrivers

    Raises
    ------
    DataError, TooFewData
        A driver or the outcome without scatter (named), text, missing values, fewer than p + 2 complete rows.

    Notes
    -----
    :math:`\sum_{S \not\ni j} \frac{|S|!\,(p - 1 - |S|)!}{p!} [R^2(S \cup j) - R^2(S)]`. A driver that others determine
    adds nothing after them, so exact duplicates share alike. Genizi, Johnson: :math:`\sum_k A_{jk}^2 b_k^2` with A the
    symmetric root of the drivers' correlations and :math:`b = A^{-1} r`; with two drivers it equals LMG. Percentile
    intervals: shares cannot be negative, so a driver without any effect still has a small positive share.
    Simulated with 150 rows and three drivers, 95 % limits held the true shares 92 to 95 % of the time. Time grows
    with rows times resamples, and with :math:`2^p`.

    References
    ----------
    Lindeman, Merenda & Gold (1980), p. 119. Gromping (2006), Journal of Statistical Software 17(1), 1-27. Genizi
    (1993), Statistica Sinica 3, 407-420. Johnson (2000), Multivariate Behavioral Research 35, 1-19.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats.voice.drivers.drivers import key_drivers
    >>> rng = np.random.default_rng(1)
    >>> food, signs = rng.integers(1, 6, 200), rng.integers(1, 6, 200)
    >>> overall = np.round(0.6 * food + 0.2 * signs + rng.normal(1, 0.5, 200))
    >>> r = key_drivers({"food": food, "signs": signs, "overall": overall}, outcome="overall", rng=2)
    >>> r.share.round(3), r.rank_high
    (array([0.647, 0.098]), array([1., 2.]))
    """
    check_choice(method, "method", _SOURCES)
    confidence = check_confidence(confidence)
    tail = (1.0 - confidence) / 2.0
    check_number(resamples, "resamples", least=1.0)
    resamples, generator = check_resamples(resamples, tail, tail), as_generator(rng)
    rows = read_rows(data, outcome, drivers, weight, missing, blank)
    count = _check_orderings(orderings, method, len(rows.names))
    return _shared(rows, method, count, resamples, confidence, generator)


def _shared(
    rows: Rows, method: str, count: int | None, resamples: int, confidence: float, rng: np.random.Generator
) -> KeyDrivers:
    s = scattered(rows)
    p = len(rows.names)
    order = None if count is None else orderings(p, count, rng)

    def share(matrices: FloatArray) -> FloatArray:
        if method != "lmg":
            return genizi(matrices)
        return lmg_exact(matrices) if order is None else lmg_sampled(matrices, order)[0]

    matrix = correlations(observed_sums(s), p + 1)
    seen = share(matrix)[0]
    draws = np.concatenate([share(correlations(sums, p + 1)) for sums in resampled_sums(s, resamples, rng)])
    coefficient, left = _coefficients(matrix[0])
    r2 = float(seen.sum())
    low, high = percentile(draws, confidence)
    whole = percentile(draws.sum(axis=1), confidence)
    ranks = percentile(_ranks(draws), confidence, "inverted_cdf")
    error = None if order is None else frozen_array(lmg_sampled(matrix, order)[1][0])
    name = {"lmg": "LMG (Shapley)", "genizi": "Genizi", "johnson": "Johnson's relative weights"}[method]
    how = "" if method != "lmg" else ", all orderings" if order is None else f", {count} sampled orderings"
    return KeyDrivers(
        rows.outcome, rows.names, frozen_array(seen), Intervals(frozen_array(low), frozen_array(high), confidence),
        frozen_array(seen / r2 if r2 > 0.0 else np.full(p, np.nan)), frozen_array(_ranks(seen)),
        frozen_array(ranks[0]), frozen_array(ranks[1]), frozen_array(matrix[0, :p, p]), frozen_array(coefficient), r2,
        Interval(float(whole[0]), float(whole[1]), confidence), error, float(rows.x.shape[0]), resamples,
        f"{name}{how}; bootstrap percentiles", _SOURCES[method], (*rows.notes, *_doubts(rows, left, r2)),
    )  # fmt: skip
