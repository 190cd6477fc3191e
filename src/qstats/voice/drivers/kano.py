"""Kano categories: what delights, what is expected, what nobody misses; named only where the answers decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray, as_counts, as_vector
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import binomial_sf, normal_sf
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.multiplicity import adjust_pvalues
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.table.scores import Scale, clean, rows_of
from qstats.voice.drivers.kano_result import CATEGORIES, LETTERS, UNRESOLVED, Kano
from qstats.voice.satisfaction.segments import ADJUSTMENTS

__all__ = ["kano", "kano_from_counts"]

# Rows: answer if the feature is there; columns: if it is not. 1 like, 2 must be so, 3 neutral, 4 can live with, 5
# dislike.
_TABLE = ("QAAAO", "RIIIM", "RIIIM", "RIIIM", "RRRRQ")
_PLACE = np.array([[LETTERS.index(letter) for letter in row] for row in _TABLE])
_SCALE = Scale(1, 5)
_SOURCES = {
    "binomial": "Hung & Fithian (2019), Annals of Statistics 47, 1758-1782 (winner against runner-up)",
    "fong": "Fong (1996), Using the self-stated importance questionnaire to interpret Kano questionnaire results, "
    "Center for Quality Management Journal 5(3), 21-24",
}
_SOURCE = (
    "Kano et al. (1984), Journal of the Japanese Society for Quality Control 14(2), 39-48; Berger et al. (1993), "
    "Center for Quality Management Journal 2(4), 3-36"
)


_LIBERAL = Note(
    "fong-too-liberal",
    "warning",
    "Fong's error takes the two counts of one sample for independent and is too small: its p-values are too small too",
)


def _first_two(counts: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the two most frequent categories; among equals M before O, A, I, R, Q (Berger et al. 1993)."""
    order = np.array([LETTERS.index(letter) for letter in "MOAIRQ"])
    ranked = order[np.argsort(-counts[:, order], axis=1, kind="stable")]
    return ranked[:, 0], ranked[:, 1]


def _tested(a: FloatArray, b: FloatArray, n: FloatArray, method: str) -> tuple[FloatArray, FloatArray | None]:
    """Return two-sided p-values that the first category is no more frequent than the second."""
    if method == "binomial":
        return np.minimum(1.0, 2.0 * np.asarray(binomial_sf(a, a + b, 0.5))), None
    error = np.sqrt((a + b) * (2.0 * n - a - b) / (2.0 * n))
    z = (a - b) / error
    return np.minimum(1.0, 2.0 * np.asarray(normal_sf(z))), frozen_array(z)


def _coefficients(counts: FloatArray, confidence: float) -> tuple[FloatArray, Intervals, FloatArray, Intervals]:
    """Return better and worse with Wilson's limits: each is a share of those who answered A, O, M or I."""
    size = counts[:, :4].sum(axis=1)
    some = size > 0.0

    def share(count: FloatArray, sign: float) -> tuple[FloatArray, Intervals]:
        estimate, low, high = np.full(size.size, np.nan), np.zeros(size.size), np.ones(size.size)
        if some.any():
            r = estimate_proportion(count[some], size[some], confidence=confidence)
            estimate[some], low[some], high[some] = r.estimate, r.interval.low, r.interval.high
        if sign < 0.0:
            estimate, low, high = -estimate, -high, -low
        return frozen_array(estimate), Intervals(frozen_array(low), frozen_array(high), confidence)

    return *share(counts[:, 0] + counts[:, 1], 1.0), *share(counts[:, 1] + counts[:, 2], -1.0)


def _doubts(features: tuple[str, ...], counts: FloatArray) -> tuple[Note, ...]:
    notes = []
    n = counts.sum(axis=1)
    if (odd := counts[:, 5] > 0.2 * n).any():
        those = ", ".join(repr(f) for f, o in zip(features, odd, strict=True) if o)
        text = f"more than a fifth of the answers to {those} contradict themselves: was the question understood?"
        notes.append(Note("questionable-answers", "warning", text))
    if (none := counts[:, :4].sum(axis=1) == 0.0).any():
        those = ", ".join(repr(f) for f, o in zip(features, none, strict=True) if o)
        text = f"nobody answered A, O, M or I to {those}: better and worse do not exist"
        notes.append(Note("no-coefficient", "serious", text))
    return tuple(notes)


def _result(
    features: tuple[str, ...], counts: FloatArray, method: str, adjust: str, confidence: float, notes: tuple[Note, ...]
) -> Kano:
    n = counts.sum(axis=1)
    if (empty := n < 1.0).any():
        raise TooFewData(f"data: no complete answer to {features[int(np.argmax(empty))]!r}; at least one is wanted")
    first, second = _first_two(counts)
    row = np.arange(n.size)
    pvalue, z = _tested(counts[row, first], counts[row, second], n, method)
    adjusted = adjust_pvalues(pvalue, method=adjust).adjusted
    decided: BoolArray = adjusted < 1.0 - confidence
    letters = [LETTERS[i] if d else UNRESOLVED[0] for i, d in zip(first, decided, strict=True)]
    words = [CATEGORIES.get(letter, UNRESOLVED) for letter in letters]
    better, better_limits, worse, worse_limits = _coefficients(counts, confidence)
    text = "conditional binomial, exact" if method == "binomial" else "Fong"
    if method == "fong":
        notes += (_LIBERAL,)
    return Kano(
        features, tuple(letters), tuple(w[0] for w in words), tuple(w[1] for w in words), frozen_array(counts),
        frozen_array(n), tuple(LETTERS[i] for i in first), tuple(LETTERS[i] for i in second), z,
        frozen_array(pvalue), adjusted, better, better_limits, worse, worse_limits, confidence, adjust,
        f"evaluation table; first against second: {text}, {adjust} over {n.size} features; coefficients: Wilson",
        f"{_SOURCE}; {_SOURCES[method]}", (*notes, *_doubts(features, counts)),
    )  # fmt: skip


def _settings(method: str, adjust: str, confidence: float) -> float:
    check_choice(method, "method", _SOURCES)
    check_choice(adjust, "adjust", ADJUSTMENTS)
    return check_confidence(confidence)


def _pairs(data: Any, features: Any) -> dict[str, tuple[Any, Any]]:
    if features is None and isinstance(data, Mapping):
        features = data
    if not isinstance(features, Mapping):
        raise DataError(
            f"features: got {features!r}; a mapping of feature to its two columns is wanted, such as "
            f"{{'chat': ('chat_yes', 'chat_no')}}"
        )
    pairs = {}
    for name, pair in features.items():
        if isinstance(pair, str) or not hasattr(pair, "__len__") or len(pair) != 2:
            raise DataError(
                f"features: {name!r} holds {pair!r}; two are wanted: if the feature is there, and if it is not"
            )
        pairs[str(name)] = (pair[0], pair[1])
    if not pairs:
        raise TooFewData("features: none came; at least one is wanted")
    return pairs


def _counted(
    yes: FloatArray, no: FloatArray, rows: FloatArray, missing: str, blank: Any, name: str
) -> tuple[FloatArray, tuple[Note, ...]]:
    """Count the six categories of one feature; a customer counts with both answers only."""
    if yes.size != no.size:
        raise DataError(f"feature {name!r}: {yes.size} and {no.size} answers came; two per customer are wanted")
    good, first = clean(yes, rows, _SCALE, missing=missing, blank=blank, name=f"feature {name!r}, if there")
    also, second = clean(no, rows, _SCALE, missing=missing, blank=blank, name=f"feature {name!r}, if not there")
    both = good & also
    place = _PLACE[yes[both].astype(np.intp) - 1, no[both].astype(np.intp) - 1]
    counts = np.bincount(place, weights=rows[both], minlength=6).astype(np.float64)
    left = float(rows[~both].sum())
    notes: tuple[Note, ...] = ()
    if first or second:
        text = f"{left:.0f} of {rows.sum():.0f} customers lack one of the two answers to {name!r}: left out"
        notes = (Note("missing-dropped", "warning", text),)
    return counts, notes


def kano(
    data: Any,
    *,
    features: Any = None,
    method: str = "binomial",
    adjust: str = "holm",
    confidence: float = 0.95,
    missing: str = "raise",
    blank: Any = (),
) -> Kano:
    r"""Sort features into what delights, what counts in proportion, what must be there, and what nobody minds.

    Use it for pairs of questions, "how would you feel if the product had it / had it not", answered 1 (I like it), 2
    (it must be so), 3 (neutral), 4 (I can live with it), 5 (I dislike it). A category is named only where it beats the
    runner-up; with forty answers most features are undecided, and the usual "5 % category strength" is no test.

    Parameters
    ----------
    data : frame, or mapping of feature to (answers if there, answers if not there)
    features : mapping of str to (str, str)
        For a frame: the two columns of each feature.
    method : {"binomial", "fong"}
        Exact test of the two most frequent categories given their sum, or Fong's normal statistic (its
        limit of 1.65 is ``confidence=0.9`` and one feature), for comparison with published work: it takes the two
        counts for independent and names a category of two equally frequent ones about twice as often as it should.
    adjust : {"holm", "hochberg", "hommel", "bonferroni", "bh", "by"}
        Over the features.
    confidence : float
        A category is named where the adjusted p-value is below ``1 - confidence``; and of each interval.
    missing, blank
        As in `nps`. A customer counts for a feature with both answers only.

    Returns
    -------
    Kano

    Raises
    ------
    DataError, TooFewData
        Codes other than 1 to 5, lists of unequal length, a feature nobody answered.

    Notes
    -----
    With a and b answers in the first and second category, p is :math:`\min(1, 2 P(X \ge a))`,
    :math:`X \sim \mathrm{Bin}(a + b, 1/2)`: doubling pays for having looked which two lead. Fong:
    :math:`(a - b) / \sqrt{(a + b)(2N - a - b)/(2N)}`; but two counts of one sample of N that are equally likely have
    :math:`\mathrm{Var}(a - b) = a + b`, which is larger. Better and worse are shares of :math:`A + O + M + I`, with
    Wilson's intervals.

    References
    ----------
    Kano, Seraku, Takahashi & Tsuji (1984), Journal of the Japanese Society for Quality Control 14(2), 39-48. Berger et
    al. (1993), Center for Quality Management Journal 2(4), 3-36. Hung & Fithian (2019), Annals of Statistics 47,
    1758-1782.

    Examples
    --------
    >>> from qstats.voice.drivers.kano import kano
    >>> r = kano({"refund": ([2] * 20 + [3] * 5, [5] * 20 + [3] * 5), "chat": ([1] * 12 + [3] * 11, [3] * 23)})
    >>> r.category, r.name_zh
    (('M', 'unresolved'), ('必备', '未定'))
    """
    confidence = _settings(method, adjust, confidence)
    counts: list[FloatArray] = []
    notes: list[Note] = []
    is_frame = table.is_frame(data)
    if not is_frame and features is not None:
        raise DataError("features: names columns of a table; a mapping of feature to two lists holds them itself")
    for name, (yes, no) in _pairs(data, features).items():
        if is_frame:
            found, _, rows = rows_of(data, {"values": yes, "without": no}, ["values", "without"])
            pair = found["values"], found["without"]
        else:
            pair = _vector(yes, name), _vector(no, name)
            rows = np.ones(pair[0].size)
        seen, left = _counted(*pair, rows, missing, blank, name)
        counts.append(seen)
        notes += left
    names = tuple(_pairs(data, features))
    return _result(names, np.array(counts), method, adjust, confidence, tuple(notes))


def _vector(x: Any, name: str) -> FloatArray:
    return as_vector(x, f"feature {name!r}", missing="drop", least=0)


def kano_from_counts(
    counts: Any,
    *,
    method: str = "binomial",
    adjust: str = "holm",
    confidence: float = 0.95,
) -> Kano:
    """Judge Kano categories from published or stored counts of A, O, M, I, R, Q.

    Use it where the answers are gone. Not for percentages: they do not say how many answered.

    Parameters
    ----------
    counts : mapping of str to array-like, shape (6,)
        Feature to its answers in the categories A, O, M, I, R, Q, in that order.
    method, adjust, confidence
        As in `kano`.

    Returns
    -------
    Kano

    Raises
    ------
    DataError, TooFewData
        Counts that are negative, fractional or not six; a feature without answers.

    Notes
    -----
    As `kano`.

    References
    ----------
    As `kano`.

    Examples
    --------
    >>> from qstats.voice.drivers.kano import kano_from_counts
    >>> r = kano_from_counts({"refund": (7, 32, 3, 9, 0, 0)})
    >>> r.name, r.better.round(3), r.worse.round(3)
    (('one-dimensional',), array([0.765]), array([-0.686]))
    """
    confidence = _settings(method, adjust, confidence)
    if not isinstance(counts, Mapping) or table.is_frame(counts):
        raise DataError(f"counts: got a {type(counts).__name__}; a mapping of feature to six counts is wanted")
    if not counts:
        raise TooFewData("counts: no feature came; at least one is wanted")
    rows = []
    for name, six in counts.items():
        row = as_counts(six, f"counts of {name!r}", missing="never")
        if row.size != 6:
            raise DataError(f"counts of {name!r}: {row.size} came; six are wanted: A, O, M, I, R, Q")
        rows.append(row)
    return _result(tuple(str(name) for name in counts), np.array(rows), method, adjust, confidence, ())
