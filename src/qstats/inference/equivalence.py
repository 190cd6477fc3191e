"""No worse, or the same, within a margin: what a comparison that "found nothing" does not show."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, Comparisons, in_words

__all__ = ["Equivalence", "equivalence", "noninferiority"]

Compare = Callable[..., Comparison | Comparisons]
_BLIND = Note(
    "cannot-say", "serious", "the comparison rests on data that do not vary or tell nothing: no margin can be shown"
)
_MANAGED = ("null", "alternative", "confidence")
_TWO_GROUPS = {
    "compare_mean_groups": "compare_means",
    "compare_nps_groups": "compare_nps",
    "compare_ordinal_groups": "compare_ordinal",
    "compare_proportion_groups": "compare_proportions",
    "compare_rate_groups": "compare_rates",
    "compare_time_groups": "compare_times",
}
_SOURCES = {
    "non-inferiority": "ICH E9 (1998), section 3.3.2; Blackwelder (1982), Controlled Clinical Trials 3, 345-353",
    "equivalence": "Schuirmann (1987), J. Pharmacokinetics and Biopharmaceutics 15, 657-680 (two one-sided tests)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Equivalence(Result):
    """Whether the effect is shown to lie inside the margin; arrays of shape (m,) where many were compared at once.

    Parameters
    ----------
    kind : {"non-inferiority", "equivalence"}
    shown : bool or ndarray of bool
        True: the interval lies inside the margin. False is "not shown", never "shown to be worse".
    effect : str
        As in `Comparison`.
    estimate : float or ndarray
    interval : Interval or Intervals
        Each closed limit has error ``1 - confidence``: one-sided for non-inferiority; for equivalence it is the
        interval with confidence ``2 * confidence - 1``, and carries that.
    pvalue : float or ndarray
        Of the one-sided test, or the larger of two; below ``1 - confidence`` exactly where `shown`. 1 where the
        comparison carries a serious note: data that do not vary show nothing.
    low, high : float or None
        The margin or margins, on the scale of the effect; None for the open side.
    no_effect : float
        Value of the effect when nothing differs: 0 for a difference, 1 for a ratio.
    confidence : float
    n : tuple of float or ndarray
    method, reference : str
    notes : tuple of Note
    tests : tuple of Comparison or Comparisons
        The one or two one-sided comparisons themselves.
    """

    schema: ClassVar[str] = "qstats.equivalence/1"

    kind: str
    shown: bool | BoolArray
    effect: str
    estimate: float | FloatArray
    interval: Interval | Intervals
    pvalue: float | FloatArray
    low: float | None
    high: float | None
    no_effect: float
    confidence: float
    n: tuple[float, ...] | FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...]
    tests: tuple[Comparison | Comparisons, ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the summary."""
        return self.kind.capitalize()

    def _margin(self) -> str:
        if self.low is None:
            return f"below {self.high:g}"
        return f"above {self.low:g}" if self.high is None else f"from {self.low:g} to {self.high:g}"

    def _rows(self) -> list[tuple[str, str]]:
        head = ("margin", f"{self.effect} {self._margin()}")
        tail = [("method", self.method), ("source", self.reference)]
        if isinstance(self.interval, Intervals):
            shown = int(np.count_nonzero(self.shown))
            return [head, ("shown", f"{shown} of {self.interval.low.size}"), *tail]
        return [
            ("shown", "yes" if self.shown else "not shown"),
            head,
            ("estimate", in_words(self.estimate)),
            (f"{self.interval.confidence:.0%} interval", str(self.interval)),
            ("p-value", f"{self.pvalue:.4g}"),
            *tail,
        ]

    def _columns(self) -> Mapping[str, object]:
        columns = {
            "shown": self.shown,
            "estimate": self.estimate,
            "low": self.interval.low,
            "high": self.interval.high,
            "pvalue": self.pvalue,
        }
        return {k: v if isinstance(v, np.ndarray) else [v] for k, v in columns.items()}


def _one_sided(
    compare: Compare, args: tuple[Any, ...], margin: float, above: bool, confidence: float, options: dict[str, Any]
) -> Comparison | Comparisons:
    side = "greater" if above else "less"
    return compare(*args, null=margin, alternative=side, confidence=confidence, **options)


def _check_compare(compare: Any) -> None:
    """Refuse what is no comparison of two groups that takes the null and the side of the test."""
    if not callable(compare):
        raise DataError(f"compare: got {compare!r}; a comparison such as compare_rates is wanted, not its result")
    try:
        takes = inspect.signature(compare).parameters
    except (TypeError, ValueError):  # a callable without a signature: it says itself what it does not take
        return
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in takes.values()):
        return
    lacking = [name for name in _MANAGED if name not in takes]
    if lacking:
        name = getattr(compare, "__name__", type(compare).__name__)
        instead = _TWO_GROUPS.get(name, "a comparison of two groups such as compare_rates or compare_nps")
        raise DataError(f"compare: {name} takes no {' or '.join(f'{n}=' for n in lacking)}; {instead} is wanted")


def _no_effect(compare: Compare, args: tuple[Any, ...], confidence: float, options: dict[str, Any]) -> float:
    """Return the value the comparison itself takes for "nothing differs": its null when none is given."""
    _check_compare(compare)
    for name in _MANAGED:
        if name in options:
            raise DataError(f"{name}: is set by the margin test itself; leave it out")
    r = compare(*args, confidence=confidence, **options)
    if not isinstance(r, Comparison | Comparisons):
        raise DataError(f"compare: it returned a {type(r).__name__}; a comparison with an interval is wanted")
    return float(r.null)


def _merged_notes(tests: tuple[Comparison | Comparisons, ...]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(note for t in tests for note in t.notes))


def _result(
    kind: str, tests: tuple[Comparison | Comparisons, ...], low: float | None, high: float | None,
    no_effect: float, confidence: float,
) -> Equivalence:  # fmt: skip
    first, last = tests[0], tests[-1]  # the test against the lower margin, the one against the upper
    pvalue = np.maximum(first.pvalue, last.pvalue)
    # NaN estimates come with p = 1: nothing is shown of what is not known.
    shown = pvalue < 1.0 - confidence
    level = confidence if len(tests) == 1 else round(2.0 * confidence - 1.0, 12)
    common = (_SOURCES[kind] + "; " + first.reference, _merged_notes(tests), tests)
    n, method = first.n, f"{first.method}, one-sided" if len(tests) == 1 else f"{first.method}, two one-sided tests"
    if isinstance(first, Comparisons) and isinstance(last, Comparisons):
        many = Intervals(first.interval.low, last.interval.high, level)
        return Equivalence(
            kind, frozen_array(shown, np.bool_), first.effect, first.estimate, many, frozen_array(pvalue), low, high,
            no_effect, confidence, n, method, *common,
        )  # fmt: skip
    one = Interval(float(first.interval.low), float(last.interval.high), level)
    source, notes, _ = common
    if any(note.severity == "serious" for note in notes):  # nothing varies, or nothing was seen: certainty is a mirage
        one = Interval(0.0 if first.effect.endswith("_ratio") else -math.inf, math.inf, level)
        shown, pvalue, notes = np.False_, np.float64(1.0), (*notes, _BLIND)
    return Equivalence(
        kind, bool(shown), first.effect, first.estimate, one, float(pvalue), low, high, no_effect, confidence, n,
        method, source, notes, tests,
    )  # fmt: skip


def noninferiority(
    compare: Compare, *args: Any, margin: float, better: str, confidence: float = 0.95, **options: Any
) -> Equivalence:
    r"""Show that the new way is not worse than the old one by more than a margin.

    Use it for guardrails: faster delivery must not raise the defect rate by a quarter. "No significant difference" does
    not show that: ten orders never differ significantly. The margin is declared before the data are seen; there is no
    default, because only the business can say how much worse is still acceptable.

    Parameters
    ----------
    compare : callable
        `compare_rates`, `compare_proportions`, `compare_means`, `compare_nps` or any other comparison of two groups.
    *args
        Its data, in its order (the new way first, the reference after it).
    margin : float
        On the scale of the effect: 1.25 for a rate ratio, -0.02 for a difference of shares, -5 for points of NPS.
        On the worse side of no effect.
    better : {"lower", "higher"}
        Which direction is good: ``"lower"`` for defects, ``"higher"`` for satisfaction.
    confidence : float
        One minus the error of the one-sided test. Regulated trials use 0.975.
    **options
        For `compare` (``method=``, ``effect=`` ...).

    Returns
    -------
    Equivalence

    Raises
    ------
    DataError
        No margin on the worse side, an option that the margin sets itself, or what `compare` refuses.

    Notes
    -----
    With lower better, :math:`H_0: \theta \ge m` is tested against :math:`\theta < m`; it is rejected exactly when the
    one-sided upper limit lies below m. Several guardrails that must all pass keep their full level each
    (intersection-union).

    References
    ----------
    Blackwelder (1982), Controlled Clinical Trials 3, 345-353. ICH E9 (1998), section 3.3.2.

    Examples
    --------
    90 complaints in 10,000 orders after, 100 in 10,000 before; up to a quarter more would be acceptable:

    >>> from qstats import compare_rates
    >>> from qstats import noninferiority
    >>> r = noninferiority(compare_rates, 90, 10_000, 100, 10_000, margin=1.25, better="lower")
    >>> r.shown, round(r.interval.high, 2)
    (True, 1.14)
    """
    check_choice(better, "better", ("lower", "higher"))
    confidence = check_confidence(confidence)
    margin = check_number(margin, "margin")
    no_effect = _no_effect(compare, args, confidence, options)
    worse = margin > no_effect if better == "lower" else margin < no_effect
    if not worse:
        side, other = ("above", "lower") if better == "lower" else ("below", "higher")
        why = (
            "that is the plain test of superiority: call the comparison itself"
            if margin == no_effect
            else f"showing the effect {other} than that would be superiority by a margin, not non-inferiority"
        )
        raise DataError(
            f"margin: got {margin:g} with better={better!r}; {why}. The margin is how much worse is still acceptable: "
            f"{side} {no_effect:g}, the value without effect"
        )
    above = better == "higher"
    test = _one_sided(compare, args, margin, above, confidence, options)
    low, high = (margin, None) if above else (None, margin)
    return _result("non-inferiority", (test,), low, high, no_effect, confidence)


def equivalence(
    compare: Compare, *args: Any, low: float, high: float, confidence: float = 0.95, **options: Any
) -> Equivalence:
    r"""Show that two groups are the same for practical purposes: the effect lies between two margins.

    Use it for a change of supplier or of questionnaire that must leave the numbers alone. Not to conclude sameness from
    a test that found no difference, and not with margins chosen after the data.

    Parameters
    ----------
    compare, *args, **options
        As in `noninferiority`.
    low, high : float
        Margins on the scale of the effect, on either side of no effect: 0.8 and 1.25 for a ratio, -5 and 5 for points
        of NPS.
    confidence : float
        One minus the error of each one-sided test, above one half.

    Returns
    -------
    Equivalence
        Its interval has confidence ``2 * confidence - 1`` (90 % for 0.95): equivalence is shown exactly when it lies
        inside the margins.

    Raises
    ------
    DataError
        Margins that do not enclose the value without effect, or what `compare` refuses.

    Notes
    -----
    Two one-sided tests, each at level :math:`\alpha = 1 -` `confidence`; p is the larger of the two. No further
    correction is due: both must reject.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Examples
    --------
    >>> from qstats import compare_rates
    >>> from qstats import equivalence
    >>> r = equivalence(compare_rates, 980, 10_000, 1000, 10_000, low=0.8, high=1.25)
    >>> r.shown, r.interval.confidence
    (True, 0.9)
    """
    confidence = check_number(check_confidence(confidence), "confidence", above=0.5, below=1.0)
    low, high = check_number(low, "low"), check_number(high, "high")
    no_effect = _no_effect(compare, args, confidence, options)
    if not low < no_effect < high:
        raise DataError(
            f"low, high: got {low:g} and {high:g}; margins on either side of {no_effect:g}, the value without effect, "
            f"are wanted"
        )
    tests = tuple(
        _one_sided(compare, args, margin, above, confidence, options) for margin, above in ((low, True), (high, False))
    )
    return _result("equivalence", tests, low, high, no_effect, confidence)
