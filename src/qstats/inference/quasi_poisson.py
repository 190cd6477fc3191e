"""Counts period by period that scatter more than Poisson, for many pairs in one call: one pair per line."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray, as_exposure
from qstats._core.checks import check_number
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparisons, tails
from qstats.inference.means.rows import as_lines, in_lines, line_blocks, line_pair
from qstats.inference.pairs import Found, count_note
from qstats.inference.rate_kernels import (
    critical,
    difference_limits,
    difference_score,
    ratio_score,
    score_odds,
    score_pvalue,
)

__all__ = ["LineCounts", "checked_lines", "no_event_notes", "quasi_poisson_lines"]

_MOST = 2.0**53
_EXPOSURES = (1e-50, 1e50)  # ratios and squares of these are still float64 numbers
_ODDS = (1e-290, 1e290)
_SOURCES = {
    "rate_ratio": "Wilson (1927), JASA 22, 209-212, mapped to the ratio; Gart (1985), Biometrika 72, 673-677",
    "rate_difference": "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226",
}


class LineCounts(NamedTuple):
    """Counts and exposures of one group, one pair per line, and what is summed over a line.

    Parameters
    ----------
    counts, exposures : ndarray, shape (pairs, periods)
    y, t, chi2 : ndarray, shape (pairs,)
        Events and exposure of each line, and Pearson's chi-square around the line's own rate.
    """

    counts: FloatArray
    exposures: FloatArray
    y: FloatArray
    t: FloatArray
    chi2: FloatArray

    @property
    def periods(self) -> int:
        """Periods of each line."""
        return int(self.counts.shape[1])


def _as_exposures(data: Any, name: str, shape: tuple[int, ...]) -> FloatArray:
    """Return exposures above zero: one number for all, one row for all lines, or one value for each count."""
    if not in_lines(data):
        return np.broadcast_to(as_exposure(data, name, shape[1], missing="never"), shape)
    t = as_lines(data, name)
    if t.shape != shape:
        raise DataError(
            f"{name}: shape {t.shape} came for counts of shape {shape}; that shape, one row or one number is wanted"
        )
    if not t.min() > 0:
        line, column = np.unravel_index(int(np.argmin(t)), shape)
        raise DataError(f"{name}: {t[line, column]!s} in line {line}, column {column}; each must be above zero")
    return t


def _checked(y: FloatArray, exposure: object, suffix: str) -> LineCounts:
    t = _as_exposures(exposure, f"exposure{suffix}", y.shape)
    out = LineCounts(y, t, *np.zeros((3, y.shape[0])))
    for i, j in line_blocks(y.shape):
        a, b = y[i:j], t[i:j]
        if (bad := (a < 0) | (a != np.floor(a))).any():
            line, column = np.unravel_index(int(np.argmax(bad)), a.shape)
            raise DataError(
                f"counts{suffix}: {a[line, column]!s} in line {i + line}, column {column}; counts are whole numbers of "
                "zero or more"
            )
        out.y[i:j], out.t[i:j] = a.sum(axis=1), b.sum(axis=1)
        expected = (out.y[i:j] / out.t[i:j])[:, np.newaxis] * b
        share = np.divide((a - expected) ** 2, expected, out=np.zeros_like(expected), where=expected > 0)
        out.chi2[i:j] = share.sum(axis=1)
    if out.y.max() > _MOST:
        raise DataError(f"counts{suffix}: {out.y.max():g} in one line; beyond 2**53 a float64 cannot count")
    if out.t.min() < _EXPOSURES[0] or out.t.max() > _EXPOSURES[1]:
        raise DataError(
            f"exposure{suffix}: {out.t.min():g} to {out.t.max():g} came; use a unit that keeps it within 1e-50 and 1e50"
        )
    return out


def checked_lines(
    counts: object, exposure: object, counts0: object, exposure0: object
) -> tuple[LineCounts, LineCounts, FloatArray]:
    """Return both groups, one pair per line, and the degrees of freedom that each line has for its scatter."""
    both = line_pair(counts, counts0, ("counts", "counts0"))
    a, b = _checked(both[0], exposure, ""), _checked(both[1], exposure0, "0")
    df = np.where(a.y > 0, a.periods - 1.0, 0.0) + np.where(b.y > 0, b.periods - 1.0, 0.0)
    some = a.y + b.y > 0
    if blind := int(np.count_nonzero(some & (df == 0.0))):
        raise TooFewData(
            f"counts: in {blind} of {df.size} lines one period in each group with events; two are wanted to see how "
            "periods scatter"
        )
    return a, b, df


def _ratio(columns: tuple[FloatArray, ...], null: float, df: float, errors: tuple[float, float], alt: str) -> Found:
    y, t, y0, t0 = columns
    n, unit = y + y0, t0 / t
    z = ratio_score(y, n, np.clip(null * (t / t0), *_ODDS), 1.0)
    low, high = score_odds(y, n, critical(errors[0], df), critical(errors[1], df))
    empty = n == 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where(empty, np.nan, (y / t) / (y0 / t0))
        low, high = np.where(empty, 0.0, low * unit), np.where(empty, np.inf, high * unit)
    return Found(estimate, low, high, np.where(empty, 1.0, score_pvalue(z, df, alt)), z)


def _difference(
    columns: tuple[FloatArray, ...], null: float, df: float, errors: tuple[float, float], alt: str
) -> Found:
    y, t, y0, t0 = columns
    z = difference_score(y, t, y0, t0, np.full(y.size, null), 1.0)
    low, high = difference_limits(y, t, y0, t0, critical(errors[0], df), critical(errors[1], df), 1.0)
    return Found(y / t - y0 / t0, low, high, score_pvalue(z, df, alt), z)


def no_event_notes(empty: Any) -> tuple[Note, ...]:
    """Return the note on pairs without any event."""
    return count_note(
        "no-information", "serious", empty, "no event in either group: the data say nothing about the ratio",
        "pairs have no event in either group: they say nothing about the ratio",
    )  # fmt: skip


def _notes(effect: str, phi: FloatArray, y: FloatArray, y0: FloatArray) -> tuple[Note, ...]:
    few: Any = phi < 1.0
    less = "must not narrow the interval"
    empty: Any = y + y0 == 0.0
    notes = count_note(
        "underdispersed", "info", few, f"dispersion {phi[0]:.3g} counts as 1: too little scatter {less}",
        f"pairs scatter less than Poisson: their dispersion counts as 1, too little scatter {less}",
    )  # fmt: skip
    if effect == "rate_difference":
        return notes
    return (
        *notes,
        *no_event_notes(empty),
        *count_note(
            "zero-reference", "warning", (y0 == 0.0) & ~empty, "no event in the reference group: no upper end",
            "pairs have no event in the reference group: no upper end",
        ),
    )  # fmt: skip


def quasi_poisson_lines(
    counts: object, exposure: object, counts0: object, exposure0: object, effect: str, null: float | None,
    confidence: float, alternative: str,
) -> Comparisons:  # fmt: skip
    """Return the quasi-Poisson comparison of each line.

    A score divided by the root of the dispersion is the score of counts and exposures divided by the dispersion: with
    those the kernels need none. Degrees of freedom differ only by which groups have events, so three sets do.
    """
    ratio = effect == "rate_ratio"
    null = (1.0 if ratio else 0.0) if null is None else null
    null = check_number(null, "null", above=0.0 if ratio else -1e60, below=1e90 if ratio else 1e60)
    a, b, df = checked_lines(counts, exposure, counts0, exposure0)
    phi = np.divide(a.chi2 + b.chi2, df, out=np.ones_like(df), where=df > 0)
    scale = np.maximum(phi, 1.0)
    estimate, low, high, p, z = np.empty((5, df.size))
    for value in np.unique(df):
        at = df == value
        columns = tuple((v / scale)[at] for v in (a.y, a.t, b.y, b.t))
        freedom = float(value) if value > 0 else math.inf
        found = (_ratio if ratio else _difference)(columns, null, freedom, tails(alternative, confidence), alternative)
        estimate[at], low[at], high[at], p[at], z[at] = (
            found.estimate, found.low, found.high, found.pvalue, found.statistic
        )  # fmt: skip
    return Comparisons(
        effect, frozen_array(estimate), Intervals(frozen_array(low), frozen_array(high), confidence), frozen_array(p),
        alternative, null, frozen_array(z), frozen_array(np.column_stack([a.y, b.y])), "quasi-Poisson score, t",
        _SOURCES[effect], _notes(effect, phi, a.y, b.y),
    )  # fmt: skip
