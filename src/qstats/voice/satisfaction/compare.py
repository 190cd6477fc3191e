"""Two groups or waves of satisfaction or effort: top boxes, mean and order of the answers in one result."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import ALTERNATIVES, Comparison
from qstats.inference.ordinal.scores import compare_ordinal_counts
from qstats.table.scores import Answers, Keys, answers, weighed
from qstats.voice.satisfaction.kernels import LevelSums, flat_difference, mean_difference, means_of, share_difference
from qstats.voice.satisfaction.result import SatisfactionComparison
from qstats.voice.satisfaction.scores import Boxes, check_boxes, level_sums

__all__ = ["compare_ces", "compare_csat"]

_EFFECTS = ("top_box", "mean", "superiority")
_ONE_LEVEL = Note(
    "one-level",
    "warning",
    "each group is on one level: the interval of the mean says how many who answer otherwise may have been missed",
)
_NULLS = {"top_box": 0.0, "mean": 0.0, "superiority": 0.5}


def _two_of(keys: Keys, reference: Any) -> tuple[int, int]:
    names = ", ".join(map(repr, keys.labels))
    if keys.missing:
        raise DataError(f"by: missing for {keys.missing} answers; leave those rows out, or give them a group")
    if len(keys.labels) != 2:
        raise DataError(f"by: {len(keys.labels)} groups came ({names}); two are wanted: csat(by=) takes more")
    if str(reference) not in keys.labels:
        raise DataError(f"reference: got {reference!r}; say which of {names} the other is compared with")
    base = keys.labels.index(str(reference))
    return 1 - base, base


def _one(a: Answers, boxes: Boxes) -> LevelSums:
    return level_sums(a, boxes, np.zeros(a.score.size, dtype=np.intp), 1)


def _groups(
    data: Any, data0: Any, boxes: Boxes, values: Any, by: Any, reference: Any, weight: Any, weight0: Any,
    missing: str, blank: Any,
) -> tuple[LevelSums, LevelSums, tuple[Note, ...]]:  # fmt: skip
    def read(data: Any, name: str, weight: Any, keys: dict[str, Any]) -> Answers:
        try:
            a = answers(
                data, boxes.scale, values=values, numbers={"weight": weight}, keys=keys, missing=missing, blank=blank
            )
            return weighed(a)
        except DataError as error:
            raise type(error)(f"{name}: {str(error).removeprefix('data: ')}") from None

    if by is not None:
        if data0 is not None or weight0 is not None:
            raise DataError("data0, weight0: came together with by=, which splits one table into the two groups")
        a = read(data, "data", weight, {"by": by})
        group, base = _two_of(a.keys["by"], reference)
        sums = level_sums(a, boxes, a.keys["by"].codes, 2)
        return sums.at([group]), sums.at([base]), a.notes
    if reference is not None:
        raise DataError(f"reference: got {reference!r} without by=; data0 is the reference")
    if data0 is None:
        raise DataError("data0: is missing; give the answers of the reference group, or by= the column of the group")
    if isinstance(weight, str) and weight0 is None:
        weight0 = weight  # the same column of the other table
    if (weight is None) != (weight0 is None):
        raise DataError("weight, weight0: give weights for both groups or for neither")
    one, two = read(data, "data", weight, {}), read(data0, "data0", weight0, {})
    return _one(one, boxes), _one(two, boxes), tuple(dict.fromkeys((*one.notes, *two.notes)))


def _top(one: LevelSums, two: LevelSums, null: float, confidence: float, alternative: str) -> Comparison:
    d, a, b = share_difference(one, two, null, confidence, alternative)
    df = float(one.n[0] + two.n[0]) - 2.0 if one.weighted else None
    return Comparison(
        "difference", float(d.estimate[0]), Interval(float(d.low[0]), float(d.high[0]), confidence),
        float(d.pvalue[0]), alternative, null, float(d.statistic[0]), (float(one.n[0]), float(two.n[0])),
        "score, miettinen-nurminen" + (", effective answers" if one.weighted else ""),
        "Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226", (), (float(a.share[0]), float(b.share[0])),
        df,
    )  # fmt: skip


def _mean(one: LevelSums, two: LevelSums, null: float, confidence: float, alternative: str) -> Comparison:
    a, b = means_of(one), means_of(two)
    if a.flat[0] and b.flat[0]:
        low, high, pvalue = flat_difference(one, two, null, confidence, alternative)
        return Comparison(
            "mean_difference", float(a.mean[0] - b.mean[0]), Interval(low, high, confidence), pvalue, alternative, null,
            None, (float(one.n[0]), float(two.n[0])), "limits of two groups without scatter, on the scale",
            "Zou & Donner (2008), Statistics in Medicine 27, 1693-1702", (_ONE_LEVEL,),
            (float(a.mean[0]), float(b.mean[0])), None,
        )  # fmt: skip
    pivot = mean_difference(a, b, null, confidence, alternative)
    se = math.hypot(float(a.se[0]), float(b.se[0]))
    df = se**4 / (float(a.se[0]) ** 4 / float(a.df[0]) + float(b.se[0]) ** 4 / float(b.df[0]))
    return Comparison(
        "mean_difference", float(a.mean[0] - b.mean[0]),
        Interval(float(pivot.low[0]), float(pivot.high[0]), confidence), float(pivot.pvalue[0]), alternative, null,
        float(pivot.statistic[0]), (float(one.n[0]), float(two.n[0])),
        "Welch t" + (", linearised variances" if one.weighted else ""), "Welch (1947), Biometrika 34, 28-35",
        (), (float(a.mean[0]), float(b.mean[0])), df,
    )  # fmt: skip


def _superiority(
    one: LevelSums, two: LevelSums, boxes: Boxes, null: float, confidence: float, alternative: str
) -> Comparison:
    way = 1 if boxes.direction == "higher" else -1  # better answers last
    r = compare_ordinal_counts(
        one.rows[0, ::way], two.rows[0, ::way], null=null, confidence=confidence, alternative=alternative
    )
    assert isinstance(r, Comparison)  # one row each went in
    return r


def _worse_side(alternative: str) -> str:
    return {"less": "greater", "greater": "less"}.get(alternative, alternative)


def _compared(
    sums: tuple[LevelSums, LevelSums, tuple[Note, ...]], boxes: Boxes, metric: str, effect: str, null: float | None,
    confidence: float, alternative: str,
) -> SatisfactionComparison:  # fmt: skip
    one, two, notes = sums
    for x, name in ((one, "group"), (two, "reference group")):
        if not x.first.sum() > 0.0:
            raise DataError(f"weight: all are zero in the {name}; leave it out")
        if x.n[0] < 2.0:
            raise TooFewData(f"data: the {name} has {x.n[0]:g} answer; at least two in each are wanted")
    if effect == "superiority" and one.weighted:
        raise DataError("effect: 'superiority' knows no weights; 'top_box' or 'mean' is wanted")
    at = {name: null if name == effect and null is not None else _NULLS[name] for name in _EFFECTS}
    # Of effort the easy end may be low: "greater" is about the effect asked for, the others follow its direction.
    flip = boxes.direction == "lower" and effect != "mean"
    other = boxes.direction == "lower" and effect == "mean"
    way = {
        "top_box": _worse_side(alternative) if other else alternative,
        "mean": _worse_side(alternative) if flip else alternative,
    }
    top = _top(one, two, at["top_box"], confidence, way["top_box"])
    mean = _mean(one, two, at["mean"], confidence, way["mean"])
    order = None
    if not one.weighted:
        order = _superiority(one, two, boxes, at["superiority"], confidence, way["top_box"])
    main = {"top_box": top, "mean": mean, "superiority": order}[effect]
    assert main is not None
    found = [c for c in (top, mean, order) if c is not None]
    remarks = tuple(dict.fromkeys((*notes, *(note for c in found for note in c.notes))))
    return SatisfactionComparison(
        main.effect, main.estimate, main.interval, main.pvalue, main.alternative, main.null, main.statistic, main.n,
        main.method, main.reference, remarks, main.values, main.df, top, mean, order, metric,
    )  # fmt: skip


def _checked(effect: str, null: float | None, confidence: float, alternative: str) -> tuple[float | None, float]:
    check_choice(effect, "effect", _EFFECTS)
    check_choice(alternative, "alternative", ALTERNATIVES)
    if null is not None:
        ends = {"top_box": (-1.0, 1.0), "mean": (-math.inf, math.inf), "superiority": (0.0, 1.0)}[effect]
        null = check_number(null, "null", above=ends[0], below=ends[1])
    return null, check_confidence(confidence)


def compare_csat(
    data: Any,
    data0: Any = None,
    *,
    values: str | None = None,
    by: Any = None,
    reference: Any = None,
    weight: Any = None,
    weight0: Any = None,
    scale: Any = (1, 5),
    top: int = 2,
    effect: str = "top_box",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    blank: Any = (),
) -> SatisfactionComparison:
    r"""Tell whether satisfaction differs between a group (after) and a reference group (before).

    Use it for two waves or branches. The shares, the means and the order of the answers are compared side by side:
    name the one that counts beforehand. Not for the same customers asked twice, nor for many segments (``csat(by=)``).

    Parameters
    ----------
    data, data0 : array-like or frame
        Answers of the group and of the reference group; `data` alone for a table that holds both.
    values : str, optional
        Column of the answer, for frames.
    by, reference : optional
        Column (or labels) of two groups, and the label of the one the other is compared with.
    weight, weight0 : str or array-like, optional
        Survey weights of the two groups; a column name serves both tables.
    scale, top, missing, blank
        As in `csat`.
    effect : {"top_box", "mean", "superiority"}
        Which effect `null` and the fields `estimate`, `interval`, `pvalue` are about; so
        ``noninferiority(compare_csat, after, before, margin=-0.05, better="higher")`` works.
    null : float, optional
        Difference of shares (-1 to 1) or of means, or probability of superiority (0 to 1; one half is no difference).
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    SatisfactionComparison

    Raises
    ------
    DataError, TooFewData
        What `csat` refuses; groups that are not two, fewer than two answers in one.

    Notes
    -----
    As `compare_proportions` (Miettinen-Nurminen), `compare_means` (Welch) and `compare_ordinal` (Brunner-Munzel), from
    counts alone. With weights: the score test on effective counts with Student's t of :math:`n + n_0 - 2` degrees of
    freedom, and Welch's test with linearised variances. Where each group is on one level there is no scatter to test
    with: the limits that `csat` gives the mean of equal answers are joined (MOVER), and p is the error at which they
    reach `null`.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4, 213-226. Welch (1947), Biometrika 34, 28-35. Brunner & Munzel
    (2000), Biometrical Journal 42, 17-25. Korn & Graubard (1998), Survey Methodology 24, 193-201.

    Examples
    --------
    >>> from qstats.voice.satisfaction.compare import compare_csat
    >>> after, before = [5] * 56 + [3] * 14, [5] * 48 + [3] * 32
    >>> r = compare_csat(after, before)
    >>> round(r.interval.low, 4), round(r.interval.high, 4), round(r.mean.estimate, 2)
    (0.0528, 0.3382, 0.4)
    """
    null, confidence = _checked(effect, null, confidence, alternative)
    boxes = check_boxes(scale, top, "higher")
    sums = _groups(data, data0, boxes, values, by, reference, weight, weight0, missing, blank)
    return _compared(sums, boxes, "CSAT", effect, null, confidence, alternative)


def compare_ces(
    data: Any,
    data0: Any = None,
    *,
    direction: str,
    values: str | None = None,
    by: Any = None,
    reference: Any = None,
    weight: Any = None,
    weight0: Any = None,
    scale: Any = (1, 7),
    top: int = 3,
    effect: str = "top_box",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    missing: str = "raise",
    blank: Any = (),
) -> SatisfactionComparison:
    """Tell whether customers of a group (after) find it easier than those of a reference group (before).

    Use it for two waves or two ways to get help. Not for the same customers asked twice.

    Parameters
    ----------
    data, data0, values, by, reference, weight, weight0, null, confidence, missing, blank
        As in `compare_csat`.
    direction, scale, top
        As in `ces`.
    effect : {"top_box", "mean", "superiority"}
        Share of easy answers, mean on the scale of the question (lower may be better), or the probability that an
        answer of the group is the easier one.
    alternative : {"two-sided", "less", "greater"}
        About the effect asked for. Where low is easy, "greater" for the share is "less" for the mean: the effects
        beside it follow.

    Returns
    -------
    SatisfactionComparison

    Raises
    ------
    DataError, TooFewData
        As `compare_csat`.

    Notes
    -----
    As `compare_csat`.

    References
    ----------
    As `compare_csat`.

    Examples
    --------
    >>> from qstats.voice.satisfaction.compare import compare_ces
    >>> r = compare_ces([1, 2, 1, 3, 2, 1, 2, 4], [3, 5, 2, 4, 6, 4, 7, 2], direction="lower")
    >>> r.estimate, r.mean.estimate, round(r.superiority.estimate, 3)
    (0.5, -2.125, 0.852)
    """
    null, confidence = _checked(effect, null, confidence, alternative)
    boxes = check_boxes(scale, top, direction)
    sums = _groups(data, data0, boxes, values, by, reference, weight, weight0, missing, blank)
    return _compared(sums, boxes, "CES", effect, null, confidence, alternative)
