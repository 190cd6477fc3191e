"""Compare the NPS of two groups or of the same customers twice: did it really move?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.inference.comparison import ALTERNATIVES, Comparison, Comparisons, tails
from qstats.voice.nps.intervals import OneSample, combine
from qstats.voice.nps.kernels import (
    PSEUDO,
    Counts,
    critical,
    mover_limits,
    mover_z,
    net,
    normal_tails,
    tail_pair,
    wald_variance,
)
from qstats.voice.nps.one import read_counts
from qstats.voice.nps.pairs import overlap_t, paired_t, read_pairs
from qstats.voice.nps.samples import effective_counts, two_groups

__all__ = ["TWO_SAMPLE", "compare_nps", "compare_nps_counts", "two_sample"]

_EFFECT = "nps_difference"
TWO_SAMPLE = {
    "mover": ("MOVER on score intervals", "Zou & Donner (2008), Statistics in Medicine 27, 1693-1702"),
    "wald": ("Wald", "Rocks (2016), American Statistician 70, 365-372"),
    "adjusted-wald": ("adjusted Wald, 3 added to each sample", "Rocks (2016), American Statistician 70, 365-372"),
    "agresti-caffo": (
        "adjusted Wald, 1.5 added to each sample",
        "Agresti & Caffo (2000), American Statistician 54, 280-288, carried over to three classes",
    ),
}


def _waldtwo_groups(
    c: Counts, c0: Counts, df: tuple[Any, Any], method: str, null: FloatArray, below: float, above: float,
    alternative: str,
) -> OneSample:  # fmt: skip
    added = PSEUDO[method]
    one = (c[0] + added[0], c[1] + added[1], c[2] + added[2])
    two = (c0[0] + added[0], c0[1] + added[1], c0[2] + added[2])
    e = net(one) - net(two)
    v = wald_variance(one) / (one[0] + one[1] + one[2])
    v0 = wald_variance(two) / (two[0] + two[1] + two[2])
    flat = v + v0 <= 0.0
    se = np.sqrt(np.where(flat, 1.0, v + v0))
    scatter = v * v / df[0] + v0 * v0 / df[1]
    # Welch-Satterthwaite; without a survey design both df are infinite and so is this one.
    joint = np.where(scatter > 0.0, (v + v0) ** 2 / np.where(scatter > 0.0, scatter, 1.0), np.inf)
    gap = e - null
    z = np.where(flat, np.where(gap == 0.0, 0.0, np.copysign(np.inf, gap)), gap / se)
    reach = np.where(flat, 0.0, 1.0) * se
    low, high = np.full(e.shape, -2.0), np.full(e.shape, 2.0)
    if below > 0.0:
        low = np.clip(e - critical(below, joint) * reach, -2.0, 2.0)
    if above > 0.0:
        high = np.clip(e + critical(above, joint) * reach, -2.0, 2.0)
    text = "all answers of each sample fall in one class: a Wald interval has no width there; use method='mover'"
    notes = (Note("no-width", "serious", text),) if flat.any() else ()
    return OneSample(low, high, z, combine(*tail_pair(z, joint), alternative), notes)


def two_sample(
    c: Counts, c0: Counts, df: tuple[Any, Any], method: str, null: float, confidence: float, alternative: str
) -> OneSample:
    """Return limits and p-value of each difference; counts effective, `null` and limits fractions (-2 to 2)."""
    below, above = tails(alternative, confidence)
    shape = np.broadcast_shapes(c[0].shape, c0[0].shape)
    at = np.full(shape, null)
    d, d0 = (np.broadcast_to(np.asarray(x, dtype=np.float64), shape) for x in df)
    if method != "mover":
        return _waldtwo_groups(c, c0, (d, d0), method, at, below, above, alternative)
    z = mover_z(c, c0, at, (d, d0))
    z_low, z_high = (critical(below, d), critical(below, d0)), (critical(above, d), critical(above, d0))
    low, high = mover_limits(c, c0, z_low, z_high)
    return OneSample(low, high, z, combine(*normal_tails(z), alternative))


def _settings(null: float, confidence: float, alternative: str) -> tuple[float, float]:
    check_choice(alternative, "alternative", ALTERNATIVES)
    null = check_number(null, "null")
    if abs(null) > 200.0:
        raise DataError(f"null: got {null:g}; a difference in points of NPS, -200 to 200, is wanted")
    return null / 100.0, check_confidence(confidence)


def compare_nps(
    data: Any,
    data0: Any = None,
    *,
    values: str | None = None,
    values0: str | None = None,
    by: Any = None,
    reference: Any = None,
    paired: bool = False,
    method: str | None = None,
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    blank: Any = (),
) -> Comparison:
    r"""Tell by how many points of NPS a group (after) differs from a reference group (before).

    Use it before anybody explains why the score went from 41 to 46: with 200 answers each, such a move is noise. Not
    for more than two groups (`compare_nps_groups`), and not unpaired where the same customers answered twice.

    Parameters
    ----------
    data, data0 : array-like, frame, or Nps
        Answers 0 to 10 of the group and of the reference group; or results of `nps`, which carry weights, strata and
        clusters with them. `data` alone for a table that holds both.
    values, values0 : str, optional
        For a frame: column of the answer; with ``paired=True`` `values0` is the column of the earlier answer.
    by, reference : optional
        Column (or labels) of two groups, and the label of the one the other is compared with.
    paired : bool
        Each row (position) is one customer who answered twice.
    method : {"mover", "wald", "adjusted-wald", "agresti-caffo", "t", "overlap"}, optional
        ``"mover"`` unless paired, then ``"t"``. ``"adjusted-wald"`` (+3 answers to each sample) shrinks true
        differences. ``"overlap"`` is for pairs of which some are incomplete: every answer counts.
    null : float
        Points of difference the p-value is about.
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        "greater": the group's NPS is higher. The interval is then one-sided too.
    missing, blank
        As in `nps`. Paired, a customer with one answer only is left out whole (``"t"``), with a note, or used for the
        answer there is (``"overlap"``).

    Returns
    -------
    Comparison
        ``effect="nps_difference"``, in points.

    Raises
    ------
    DataError, TooFewData
        What `nps` refuses; groups that are not two; paired samples of unequal length or without any scatter.

    Notes
    -----
    With estimates e and score limits (l, u) of each sample, the lower limit is
    :math:`e_1 - e_2 - \sqrt{(e_1 - l_1)^2 + (u_2 - e_2)^2}`, the upper one likewise. p is the error at which a limit
    reaches `null`. Paired: t of the change in class (-2 to 2) of each customer; with incomplete pairs
    :math:`\sqrt{s_1^2/n_1 + s_0^2/n_0 - 2 r s_1 s_0 n_{10}/(n_1 n_0)}` is the standard error, r the correlation of the
    :math:`n_{10}` complete ones.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27, 1693-1702. Rocks (2016), American Statistician 70(4), 365-372.
    Agresti & Caffo (2000), American Statistician 54, 280-288. Derrick, Russ, Toher & White (2017), Journal of Modern
    Applied Statistical Methods 16(1), 137-157 (overlap).

    Examples
    --------
    >>> from qstats import compare_nps
    >>> after, before = [3] * 15 + [8] * 25 + [10] * 60, [3] * 25 + [8] * 30 + [10] * 45
    >>> r = compare_nps(after, before)
    >>> round(r.estimate, 1), round(r.interval.low, 2), round(r.interval.high, 2)
    (25.0, 3.12, 45.97)
    """
    at, confidence = _settings(null, confidence, alternative)
    if paired:
        check_choice(method or "t", "method", ("t", "overlap"))
        if by is not None or reference is not None:
            raise DataError("by, reference: do not go with paired=True; give two columns, values= and values0=")
        pairs = read_pairs(data, data0, values, values0, missing, blank)
        compare = overlap_t if method == "overlap" else paired_t
        return compare(pairs, null, confidence, alternative)
    method = check_choice(method or "mover", "method", TWO_SAMPLE)
    if values0 is not None:
        raise DataError(f"values0: got {values0!r}; a second column is for paired=True")
    one, two = two_groups(data, data0, values, by, reference, missing, blank)
    (c, df), (c0, df0) = effective_counts(one, "data", method), effective_counts(two, "data0", method)
    seen = two_sample(c, c0, (df, df0), method, at, confidence, alternative)
    text, source = TWO_SAMPLE[method]
    survey = min(df, df0) < math.inf
    interval = Interval(100.0 * float(seen.low[0]), 100.0 * float(seen.high[0]), confidence)
    assert seen.statistic is not None
    return Comparison(
        _EFFECT, one.estimate - two.estimate, interval, float(seen.pvalue[0]), alternative, null,
        float(seen.statistic[0]), (one.n, two.n), text + (", survey design" if survey else ""), source,
        tuple(dict.fromkeys((*one.notes, *two.notes, *seen.notes))), (one.estimate, two.estimate),
    )  # fmt: skip


def compare_nps_counts(
    detractors: Any,
    passives: Any,
    promoters: Any,
    detractors0: Any,
    passives0: Any,
    promoters0: Any,
    *,
    method: str = "mover",
    null: float = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> Comparison | Comparisons:
    """Compare two NPS from their counts; arrays give many comparisons in one call.

    Use it for published counts and for thousands of (after, before) pairs. Not for weighted counts.

    Parameters
    ----------
    detractors, passives, promoters : int or array-like, shape (m,)
        Counts of the group.
    detractors0, passives0, promoters0 : int or array-like, shape (m,)
        Counts of the reference group.
    method : {"mover", "wald", "adjusted-wald", "agresti-caffo"}
    null, confidence, alternative
        As in `compare_nps`.

    Returns
    -------
    Comparison or Comparisons

    Raises
    ------
    DataError, TooFewData
        Negative or fractional counts, unequal lengths, a sample without answers.

    References
    ----------
    As in `compare_nps`.

    Examples
    --------
    >>> from qstats import compare_nps_counts
    >>> compare_nps_counts(15, 25, 60, 25, 30, 45).estimate
    25.0
    """
    check_choice(method, "method", TWO_SAMPLE)
    at, confidence = _settings(null, confidence, alternative)
    c, many = read_counts(detractors, passives, promoters)
    c0, many0 = read_counts(detractors0, passives0, promoters0, "0")
    if c[0].size != c0[0].size and 1 not in (c[0].size, c0[0].size):
        raise DataError(f"detractors0: {c0[0].size} samples came for {c[0].size}; one each is wanted")
    d, u, p, d0, u0, p0 = np.broadcast_arrays(*c, *c0)
    c, c0 = (d, u, p), (d0, u0, p0)
    seen = two_sample(c, c0, (np.inf, np.inf), method, at, confidence, alternative)
    text, source = TWO_SAMPLE[method]
    e, e0 = 100.0 * net(c), 100.0 * net(c0)
    assert seen.statistic is not None
    if many or many0:
        interval = Intervals(frozen_array(100.0 * seen.low), frozen_array(100.0 * seen.high), confidence)
        n = frozen_array(np.column_stack([d + u + p, d0 + u0 + p0]))
        return Comparisons(
            _EFFECT, frozen_array(e - e0), interval, frozen_array(seen.pvalue), alternative, null,
            frozen_array(seen.statistic), n, text, source, seen.notes,
        )  # fmt: skip
    one = Interval(100.0 * float(seen.low[0]), 100.0 * float(seen.high[0]), confidence)
    sizes = (float((d + u + p)[0]), float((d0 + u0 + p0)[0]))
    return Comparison(
        _EFFECT, float((e - e0)[0]), one, float(seen.pvalue[0]), alternative, null, float(seen.statistic[0]), sizes,
        text, source, seen.notes, (float(e[0]), float(e0[0])),
    )  # fmt: skip
