"""Customer satisfaction and customer effort: top boxes and mean together, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.table.scores import Answers, Scale, answers, tally, weighed
from qstats.voice.satisfaction.kernels import (
    LevelSums,
    mean_limits,
    means_of,
    share_limits,
    shares_of,
)
from qstats.voice.satisfaction.result import Satisfaction, SegmentTable
from qstats.voice.satisfaction.segments import check_adjust, segment_table

__all__ = ["Boxes", "ces", "check_boxes", "check_method", "csat", "flat_note", "level_sums", "method_text"]

METHODS = {
    "wilson": ("Wilson (score)", "Wilson (1927), JASA 22, 209-212"),
    "clopper-pearson": ("Clopper-Pearson (exact)", "Clopper & Pearson (1934), Biometrika 26, 404-413"),
    "jeffreys": ("Jeffreys", "Brown, Cai & DasGupta (2001), Statistical Science 16, 101-133"),
    "midp": ("mid-p", "Lancaster (1961), JASA 56, 223-234"),
}
_WEIGHTED = ("wilson", "clopper-pearson")
_MOST_LEVELS = 101


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """A scale, and which of its levels count as satisfied.

    Parameters
    ----------
    scale : Scale
    direction : {"higher", "lower"}
    value, top : ndarray, shape (levels,)
        Each level, and 1 where it counts.
    """

    scale: Scale
    direction: str
    value: FloatArray
    top: FloatArray

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels that count."""
        return tuple(int(v) for v in self.value[self.top > 0])


def _whole(value: object, name: str, least: float = -np.inf) -> int:
    x = check_number(value, name, least=least)
    if x != int(x):
        raise DataError(f"{name}: got {x:g}; a whole number is wanted")
    return int(x)


def check_boxes(scale: Any, top: Any, direction: str) -> Boxes:
    """Return the scale with its top boxes, or an error that says what is wrong with it."""
    if (not isinstance(scale, list | tuple) and getattr(scale, "ndim", 0) != 1) or len(scale) != 2:
        raise DataError(f"scale: got {scale!r}; the lowest and the highest answer are wanted, such as (1, 5)")
    low, high = (_whole(v, "scale") for v in scale)
    if not low < high or high - low >= _MOST_LEVELS:
        raise DataError(f"scale: got {low} to {high}; 2 to {_MOST_LEVELS} whole numbers are wanted, lowest first")
    levels, count = high - low + 1, _whole(top, "top", least=1.0)
    if count >= levels:
        raise DataError(f"top: got {count} of {levels} levels; at least one level must not count as satisfied")
    check_choice(direction, "direction", ("higher", "lower"))
    value = np.arange(low, high + 1, dtype=np.float64)
    inside = value > high - count if direction == "higher" else value < low + count
    return Boxes(Scale(low, high), direction, value, inside.astype(np.float64))


def check_method(method: str, weighted: bool) -> str:
    """Return the method of the interval of a share; some know no weights."""
    check_choice(method, "method", METHODS)
    if weighted and method not in _WEIGHTED:
        raise DataError(f"method: {method!r} knows no weights; {' or '.join(map(repr, _WEIGHTED))} is wanted")
    return method


def method_text(method: str, weighted: bool) -> tuple[str, str]:
    """Return the names of the methods of share and mean, and where they are written down."""
    text, source = METHODS[method]
    if weighted:
        text += " on effective answers"
        source += "; Korn & Graubard (1998), Survey Methodology 24, 193-201"
    mean = "linearised t" if weighted else "Student t"
    return f"share: {text}; mean: {mean}", f"{source}; Student (1908), Biometrika 6, 1-25"


def flat_note(flat: Any) -> tuple[Note, ...]:
    """Return a note where all answers are on one level."""
    hits = int(np.count_nonzero(flat))
    if not hits:
        return ()
    where = "all answers are on one level" if np.size(flat) == 1 else f"{hits} of {np.size(flat)} segments: one level"
    text = f"{where}: the interval of the mean says how many who answer otherwise may have been missed"
    return (Note("one-level", "info", text),)


def level_sums(a: Answers, boxes: Boxes, codes: Any, k: int) -> LevelSums:
    """Add up answers, weights (as `weighed` left them) and their squares by segment and level."""
    w = a.numbers.get("weight")
    levels = len(boxes.scale)
    cell = codes * levels + (a.score - boxes.scale.low).astype(np.intp)

    def add(each: FloatArray) -> FloatArray:
        sums = np.bincount(cell, weights=each, minlength=k * levels).reshape(k, levels)
        return np.asarray(sums, dtype=np.float64)

    rows = add(a.rows)
    if w is None:
        return LevelSums(rows, rows, rows, boxes.value, boxes.top, False)
    return LevelSums(rows, add(w * a.rows), add(w * w * a.rows), boxes.value, boxes.top, True)


def one_score(
    sums: LevelSums, boxes: Boxes, metric: str, method: str, confidence: float, notes: tuple[Note, ...]
) -> Satisfaction:
    """Return the score of a single segment."""
    seen, means = shares_of(sums), means_of(sums)
    share, mean = share_limits(sums, seen, method, confidence), mean_limits(sums, means, confidence)
    text, source = method_text(method, sums.weighted)
    rows, first = sums.rows[0], sums.first[0]
    n = float(sums.n[0])
    return Satisfaction(
        metric, float(seen.share[0]), Interval(float(share[0][0]), float(share[1][0]), confidence),
        float(means.mean[0]), Interval(float(mean[0][0]), float(mean[1][0]), confidence), n,
        float((rows * sums.top).sum()), tuple(rows.tolist()), tuple((first / first.sum()).tolist()),
        (boxes.scale.low, boxes.scale.high), boxes.levels, boxes.direction, float(seen.n_eff[0]),
        n / float(seen.n_eff[0]), float(seen.df[0]) if sums.weighted else None, text, source,
        (*notes, *flat_note(means.flat)),
    )  # fmt: skip


def _score(
    data: Any, metric: str, boxes: Boxes, values: Any, by: Any, weight: Any, method: str, confidence: float,
    missing: str, blank: Any, adjust: str | None,
) -> Satisfaction | SegmentTable:  # fmt: skip
    check_method(method, weight is not None)
    confidence = check_confidence(confidence)
    if by is None and adjust is not None:
        raise DataError(f"adjust: got {adjust!r} without by=; there is one segment only and nothing to adjust")
    if by is not None:
        check_adjust(adjust)
    if by is None and weight is None and values is None and not table.is_frame(data):
        counted = tally(data, boxes.scale, missing=missing, blank=blank)
        rows = counted.counts[np.newaxis]
        sums = LevelSums(rows, rows, rows, boxes.value, boxes.top, False)
        return one_score(sums, boxes, metric, method, confidence, counted.notes)
    given = weighed(
        answers(
            data, boxes.scale, values=values, numbers={"weight": weight}, keys={"by": by}, missing=missing, blank=blank
        )
    )
    if by is None:
        sums = level_sums(given, boxes, np.zeros(given.score.size, dtype=np.intp), 1)
        return one_score(sums, boxes, metric, method, confidence, given.notes)
    keys = given.keys["by"]
    sums = level_sums(given, boxes, keys.codes, len(keys.labels))
    total = one_score(sums.total(), boxes, metric, method, confidence, ())
    notes = (*given.notes, *flat_note(means_of(sums.at(sums.first.sum(axis=1) > 0.0)).flat))
    return segment_table(sums, keys, total, method, adjust, notes)


def csat(
    data: Any,
    *,
    values: str | None = None,
    by: Any = None,
    weight: Any = None,
    scale: Any = (1, 5),
    top: int = 2,
    method: str = "wilson",
    confidence: float = 0.95,
    missing: str = "raise",
    blank: Any = (),
    adjust: str | None = None,
) -> Satisfaction | SegmentTable:
    r"""Share of satisfied customers and mean score, never the mean alone, each with its interval.

    Use it for "how satisfied were you?" on a short scale where high is good. Not for effort (`ces`: say which end is
    easy), not for 0 to 10 recommendation (`nps`), and not to judge a move by eye: `compare_csat`.

    Parameters
    ----------
    data : array-like, shape (n,), or frame
        Answers, whole numbers on the scale. Others are refused, with how often each came. A table of any engine is
        counted where it is.
    values : str
        Column of the answer, for a frame.
    by : str or array-like, optional
        Segment or touchpoint: the answer is a `SegmentTable`. With a frame the name of a column, with plain answers
        one label each; `weight` likewise.
    weight : str or array-like, optional
        Survey weight of each answer; only ratios matter. Answers of weight 0 are left out, counted in a note.
    scale : (int, int)
        Lowest and highest answer.
    top : int
        How many of the highest levels count as satisfied: 2 is "top-2-box".
    method : {"wilson", "clopper-pearson", "jeffreys", "midp"}
        Interval of the share, as in `estimate_proportion`; the first two also with weights.
    confidence : float
    missing : {"raise", "drop"}
        Dropped answers are counted in a note.
    blank : sequence of numbers
        Codes that mean "no answer", such as ``(0, 6)``: left out, counted in a note.
    adjust : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by"}, optional
        With `by`: how p-values are adjusted for the number of segments; Holm unless given.

    Returns
    -------
    Satisfaction or SegmentTable
        A table where `by` is given: each segment against all others, shrunk, with the ranks it may have.

    Raises
    ------
    DataError, TooFewData
        Answers off the scale or missing, text, weights that are none, no answer at all.

    Notes
    -----
    Weights: with :math:`z_i = w_i (y_i - \bar y_w)/\sum w` the variance is :math:`\frac{n}{n-1} \sum z_i^2`; a share is
    worth :math:`n_e = p (1 - p) / \sum z_i^2` answers, at most :math:`(\sum w)^2/\sum w^2` (Kish), and the interval is
    that of :math:`n_e (z/t_{n-1})^2` answers. The mean has Student's interval, cut at the ends of the scale. Where all
    answers are on one level it has no scatter: the limits then let a share :math:`1 - (\alpha/2)^{1/n}` of customers be
    at the end of the scale. Customers that come in clusters (branches, interview runs) make these intervals too short.

    References
    ----------
    Wilson (1927), JASA 22, 209-212. Korn & Graubard (1998), Survey Methodology 24, 193-201. Kish (1965), Survey
    Sampling, section 11.7. For `by`: Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226; Gelman et al.
    (2013), Bayesian Data Analysis, 3rd ed., section 5.3; Klein, Wright & Wieczorek (2020), JRSS A 183, 589-606.

    Examples
    --------
    >>> from qstats.voice.satisfaction.scores import csat
    >>> r = csat([5] * 30 + [4] * 25 + [3] * 10 + [1] * 5)
    >>> round(r.estimate, 3), round(r.interval.low, 3), round(r.interval.high, 3), round(r.mean, 2)
    (0.786, 0.676, 0.866, 4.07)
    """
    boxes = check_boxes(scale, top, "higher")
    return _score(data, "CSAT", boxes, values, by, weight, method, confidence, missing, blank, adjust)


def ces(
    data: Any,
    *,
    direction: str,
    values: str | None = None,
    by: Any = None,
    weight: Any = None,
    scale: Any = (1, 7),
    top: int = 3,
    method: str = "wilson",
    confidence: float = 0.95,
    missing: str = "raise",
    blank: Any = (),
    adjust: str | None = None,
) -> Satisfaction | SegmentTable:
    """Share of customers who found it easy, and the mean effort score, each with its interval.

    Use it for "how easy was it?" (high is easy) and for "how much effort did it take?" (low is easy): the two wordings
    run in opposite directions and are mixed up silently, so the direction has no default.

    Parameters
    ----------
    data : array-like, shape (n,), or frame
        Answers, whole numbers on the scale.
    direction : {"higher", "lower"}
        Which end of the scale is easy.
    values, by, weight, method, confidence, missing, blank, adjust
        As in `csat`.
    scale : (int, int)
    top : int
        How many levels at the easy end count as easy: 5, 6 and 7 of the usual 1 to 7.

    Returns
    -------
    Satisfaction or SegmentTable
        The mean stays on the scale of the question, whichever end is easy.

    Raises
    ------
    DataError, TooFewData
        As `csat`.

    Notes
    -----
    As `csat`.

    References
    ----------
    As `csat`. Dixon, Freeman & Toman (2010), Harvard Business Review 88(7/8), 116-122.

    Examples
    --------
    >>> from qstats.voice.satisfaction.scores import ces
    >>> effort = [1] * 20 + [2] * 15 + [4] * 5
    >>> ces(effort, direction="lower", scale=(1, 5), top=2).estimate
    0.875
    """
    boxes = check_boxes(scale, top, direction)
    return _score(data, "CES", boxes, values, by, weight, method, confidence, missing, blank, adjust)
