"""Handling time, which is always known to its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.inference.estimate import Estimate
from qstats.inference.means.means import estimate_mean
from qstats.inference.times.quantiles import estimate_quantile
from qstats.inference.times.survival import as_times
from qstats.table.frames import is_frame
from qstats.table.scores import MISSING, Keys, read_keys
from qstats.voice.service.columns import fetch, where_from
from qstats.voice.service.result import HandlingTime, ServiceTable, check_shares, group_notes, quantile_name
from qstats.voice.service.tickets import check_policy, left_out

__all__ = ["handling_time"]

_LOG = "Student t on logarithms"
_LEAST = 25.0  # values wanted per squared skewness: Cochran (1977), Sampling Techniques, 3rd ed., section 2.15


def _read(data: object, values: Any, by: Any, missing: str) -> tuple[FloatArray, Keys | None, tuple[Note, ...]]:
    """Read durations and groups; missing ones are refused or counted."""
    check_policy(missing)
    if isinstance(data, Mapping) or is_frame(data):
        if values is None:
            raise DataError("values: is missing; name the column that holds the handling time")
        columns = {"values": values} | ({} if by is None else {"by": by})
        raw = fetch(data, columns).arrays
        label = where_from("values", values)
        time = as_vector(raw["values"], label, missing="drop", least=0)
        group = raw.get("by")
    else:
        if values is not None:
            raise DataError(f"values: got {values!r}, the name of a column; plain times came, not a table")
        label, time, group = "data", as_vector(data, "data", missing="drop", least=0), by
    gaps = np.isnan(time)
    advice = "pass missing='drop' to leave them out, counted"
    notes = left_out(gaps, missing, "missing-dropped", f"{label} missing", advice)
    if time.size == int(gaps.sum()):
        raise TooFewData(f"{label}: no time came; at least two are wanted")
    keys = None
    if group is not None:
        coded = read_keys(group, "by", time.size)
        kept = [coded.labels[c] for c in coded.codes[~gaps]] if gaps.any() else None
        keys = coded if kept is None else read_keys(kept, "by", len(kept))
        if coded.missing:
            notes += (Note("missing-segment", "warning", f"{coded.missing} have no segment: kept as {MISSING!r}"),)
    return as_times(time[~gaps], label), keys, notes


def _skewed(time: FloatArray, method: str) -> tuple[Note, ...]:
    """Warn where the t interval of the mean is short of cases for the skewness seen."""
    gap = time - time.mean()
    spread = float(np.sqrt(np.mean(gap**2)))
    if method != "t" or spread == 0.0:
        return ()
    skew = float(np.mean((gap / spread) ** 3))
    if time.size > _LEAST * skew * skew:
        return ()
    text = (
        f"skewness {skew:.2g}: Student's t interval of the mean wants more than {_LEAST * skew * skew:.0f} cases; pass "
        "method='bootstrap-t', and look at the median and the geometric mean"
    )
    return (Note("skewed", "warning", text),)


def _named(e: Estimate, name: str, exp: bool = False) -> Estimate:
    """Return an estimate under another name, and on the scale of the data where it was made of logarithms."""
    f = (lambda x: math.exp(x) if x < 709.0 else math.inf) if exp else float
    limits = Interval(f(e.interval.low), f(e.interval.high), e.interval.confidence)
    return Estimate(name, f(e.estimate), limits, e.n, _LOG if exp else e.method, e.reference, e.notes)


def _describe(
    time: FloatArray, shares: tuple[float, ...], method: str, confidence: float, notes: tuple[Note, ...],
    resamples: Any, rng: Any,
) -> HandlingTime:  # fmt: skip
    mean = estimate_mean(time, method=method, confidence=confidence, resamples=resamples, rng=rng)
    typical = None
    if time.min() > 0:
        typical = _named(estimate_mean(np.log(time), confidence=confidence), "geometric mean", exp=True)
    else:
        text = f"{int(np.count_nonzero(time == 0))} times are zero, which have no logarithm: no geometric mean"
        notes = (*notes, Note("zero-times", "info", text))
    done = [(q, estimate_quantile(time, q, confidence=confidence)) for q in shares]
    quantiles = tuple(_named(e, quantile_name(q)) for q, e in done)
    told = tuple(dict.fromkeys(note for _, e in done for note in e.notes))
    return HandlingTime(
        time.size, mean, typical, quantiles, f"mean: {mean.method}; quantiles: order statistics",
        f"{mean.reference}; Thompson (1936), Annals of Mathematical Statistics 7, 122-128",
        (*notes, *mean.notes, *told, *_skewed(time, method)),
    )  # fmt: skip


def handling_time(
    data: object,
    *,
    values: str | None = None,
    by: Any = None,
    quantiles: Sequence[float] = (0.5, 0.9),
    method: str = "t",
    confidence: float = 0.95,
    missing: str = "raise",
    resamples: int | None = None,
    rng: Any = None,
) -> HandlingTime | ServiceTable:
    r"""Average, typical and upper handling time (AHT) of finished cases, each with its interval.

    Use it for talk time, work time, any time that is known to its end. Not for tickets still open: `resolution_time`.
    Report the mean for cost and staffing, the median for what a customer meets, p90 for a promise; the mean alone says
    nothing of the slow tail.

    Parameters
    ----------
    data : array-like, shape (n,), frame of any engine, or mapping of column name to sequence
        Times of zero or more, as numbers; results are in their unit.
    values : str
        Column of the time, for a frame.
    by : str or array-like, optional
        Group: the answer is a `ServiceTable`. Differences between two groups: `compare_times`.
    quantiles : sequence of float
        Shares between 0 and 1.
    method : {"t", "bootstrap-t"}
        Interval of the arithmetic mean; the second for few and very skewed times.
    confidence : float
    missing : {"raise", "drop"}
    resamples, rng : optional
        Of the bootstrap.

    Returns
    -------
    HandlingTime or ServiceTable

    Raises
    ------
    DataError
        Negative, infinite, missing or text times.
    TooFewData
        Fewer than two times, or in a group.

    Notes
    -----
    Geometric mean :math:`\exp(\overline{\log x})` with Student's t on the logarithms; quantiles between order
    statistics with exact binomial confidence. A t interval of a mean wants about :math:`25 g^2` values of skewness g.

    References
    ----------
    Student (1908), Biometrika 6, 1-25. Thompson (1936), Annals of Mathematical Statistics 7, 122-128. Cochran (1977),
    Sampling Techniques, 3rd ed., section 2.15.

    Examples
    --------
    >>> from qstats.voice.service.handling import handling_time
    >>> r = handling_time([4.0, 6.5, 3.0, 12.0, 5.5, 7.0, 4.5, 30.0])
    >>> r.mean.estimate, round(r.geometric_mean.estimate, 2), r.median.estimate
    (9.0625, 6.85, 6.0)
    """
    check_choice(method, "method", ("t", "bootstrap-t"))
    shares, confidence = check_shares(quantiles), check_confidence(confidence)
    time, keys, notes = _read(data, values, by, missing)
    total = _describe(time, shares, method, confidence, notes, resamples, rng)
    if keys is None:
        return total
    sizes = np.bincount(keys.codes, minlength=len(keys.labels))
    if (few := sizes < 2).any():
        i = int(np.argmax(few))
        raise TooFewData(
            f"by: group {keys.labels[i]!r} has {sizes[i]} time; at least 2 wanted: merge it or leave it out"
        )
    parts = [
        _describe(time[keys.codes == c], shares, method, confidence, (), resamples, rng) for c in range(sizes.size)
    ]
    told = group_notes(keys.labels, parts)
    return ServiceTable(keys.labels, tuple(parts), total, None, "Handling time", (*notes, *told))
