"""NPS over time: each period's score, with limits by its own number of answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_counts, as_vector
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span, contiguous
from qstats.spc.chart import ControlChart
from qstats.spc.charts.dispersion import dispersion_test
from qstats.spc.door import Layers, label_array, read
from qstats.spc.flow import judging, make_chart
from qstats.spc.limits import ControlLimits
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Varying
from qstats.table.arrays import factorize
from qstats.table.net_promoter import NPS_SCALE, class_columns
from qstats.table.scores import clean

__all__ = ["TYPES", "nps_chart"]

_CLASSES = ("detractors", "passives", "promoters")
_FEW = 30  # answers: with fewer the normal limits of a skewed score are rough
_LEVEL = 0.05


def _points(counts: FloatArray) -> Points:
    """Return the plotted columns from a (periods, 3) matrix; a period without answers is a gap."""
    detractors, _, promoters = counts.T
    n = counts.sum(axis=1)
    net = np.where(n > 0, promoters - detractors, np.nan)
    return Points({"net": net, "detractors": detractors.copy(), "promoters": promoters.copy()}, n)


def _of_rows(data: object, name: str) -> FloatArray:
    """Return detractors, passives and promoters, one row a period."""
    rows: Any = data
    if isinstance(rows, dict):
        unknown = set(rows) ^ set(_CLASSES)
        if unknown:
            raise DataError(
                f"{name}: a dict with exactly {', '.join(_CLASSES)} is wanted; got {', '.join(map(str, rows))}"
            )
        columns = [as_counts(rows[c], f"{name}[{c!r}]") for c in _CLASSES]
        if len({c.size for c in columns}) > 1:
            raise DataError(
                f"{name}: columns of {', '.join(str(c.size) for c in columns)} periods; one length is wanted"
            )
        return np.column_stack(columns)
    try:
        shape = np.shape(rows)
    except ValueError:
        shape = ()
    if len(shape) != 2 or shape[1] != 3:
        raise DataError(
            f"{name}: shape {shape} came; rows of detractors, passives and promoters are wanted, one a period, or "
            "scores with by="
        )
    flat = np.asarray(rows).reshape(-1)
    if not flat.size:
        raise TooFewData(f"{name}: no period came; at least one is wanted")
    return as_counts(flat, name).reshape(-1, 3)


def _is_rows(data: object) -> bool:
    if isinstance(data, dict):
        return True
    return isinstance(data, list | tuple | np.ndarray) and len(data) > 0 and np.ndim(data[0]) == 1


def _by_period(
    score: FloatArray, rows: FloatArray, keys: Any, missing: str, blank: object, name: str
) -> tuple[FloatArray, Any, tuple[Note, ...]]:
    """Return a (periods, 3) matrix, the periods in order, and notes; a period of blanks only stays as a gap."""
    good, notes = clean(score, rows, NPS_SCALE, missing=missing, blank=blank, name=name)
    codes, periods = factorize(keys.astype(object) if keys.dtype.kind in "UT" else keys)
    if (codes >= periods.size).any():
        raise DataError(
            f"by: {int(rows[codes >= periods.size].sum())} answers have no period; fill it in or leave them out"
        )
    weight = class_columns(score) * np.where(good, rows, 0.0)[:, None]
    sums = [np.bincount(codes, weights=w, minlength=periods.size) for w in weight.T]
    counts: FloatArray = np.column_stack(sums).astype(np.float64, copy=False)
    return counts, periods, notes


def _from_answers(
    data: object, values: object, by: object, missing: str, blank: object
) -> tuple[FloatArray, Any, tuple[Note, ...]]:
    if table.is_frame(data):
        if not isinstance(values, str) or not isinstance(by, str):
            raise DataError(
                f"values, by: got {values!r} and {by!r}; data is a table: name the columns of score and period"
            )
        name = f"values (column {values!r})"
        if table.lazy_keys(data, values, by) is None:
            frame = table.columns(data, {"values": values, "by": by})
            score, keys = as_vector(frame["values"], name, missing="drop", least=0), frame["by"]
            return _by_period(score, np.ones(score.size), keys, missing, blank, name)
        got = table.counts_by(data, [by, values])
        score = as_vector(got[values], name, missing="drop", least=0)
        return _by_period(score, got["n"].astype(np.float64), got[by], missing, blank, name)
    if values is not None:
        raise DataError(f"values: got {values!r}, but data is no table; pass the scores themselves as data")
    score = as_vector(data, "data", missing="drop", least=0)
    return _by_period(score, np.ones(score.size), label_array(by, "by", score.size), missing, blank, "data")


def _measure(new: New, limits: ControlLimits) -> Points:
    if new.size is not None or new.target is not None:
        raise DataError("size: a chart of NPS counts its answers itself; leave size and target out")
    if new.by is not None:
        return _points(_from_answers(new.values, None, new.by, new.missing, ())[0])
    values: Any = new.values
    one = isinstance(values, list | tuple | np.ndarray) and len(values) > 0 and np.ndim(values[0]) == 0
    return _points(_of_rows([values] if one else values, "new"))


def _draw(span: Span) -> Drawn:
    lim, n = span.limits, span.points.size[span.where]
    with np.errstate(divide="ignore", invalid="ignore"):
        x = 100.0 * span.points["net"][span.where] / n
        error = np.where(n > 0, (lim.sigma or 0.0) / np.sqrt(n), np.nan)
    reach = lim.nsigma * error
    lower, upper = np.maximum(lim.center - reach, -100.0), np.minimum(lim.center + reach, 100.0)
    return Drawn({"nps": Varying(span.start, span.stop, x, np.full(n.size, lim.center), error, lower, upper)})


_REFERENCE = (
    "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.2.2 (limits by size); "
    "Rocks (2016), American Statistician 70(4), 365-372 (variance)"
)
TYPES = {"nps": ChartType("nps", _measure, _draw, _REFERENCE)}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Pooled shares of one phase after another."""

    points: Points
    layout: Layout
    nsigma: float

    def _taken(self, where: slice) -> Any:
        run = contiguous(self.layout.used, where)
        return np.flatnonzero(self.layout.used[where]) + where.start if run is None else run

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at = self._taken(where)
        size = self.points.size[at]
        if not size.sum() > 0:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(f"data: no answer is left to rest limits on{which}; exclude fewer or widen the baseline")
        total = float(size.sum())
        promoters, detractors = (float(np.nansum(self.points[c][at])) for c in ("promoters", "detractors"))
        net = (promoters - detractors) / total
        sigma = 100.0 * math.sqrt(max((promoters + detractors) / total - net * net, 0.0))
        method = "NPS of all answers; sigma of one answer from the pooled shares of promoters and detractors"
        return ControlLimits(
            "nps",
            100.0 * (promoters - detractors) / total,
            sigma,
            self.nsigma,
            name,
            int(np.count_nonzero(size)),
            method,
        )

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where limits are rough, or waves scatter more than their answers explain."""
        out: list[Note] = []
        for lim, (name, where) in zip(limits, self.layout.parts(), strict=True):
            at = self._taken(where)
            net, n = self.points["net"][at], self.points.size[at]
            out += _phase_notes(lim, f" in phase {name!r}" if name else "", net[n > 0], n[n > 0])
        return out


def _phase_notes(lim: ControlLimits, which: str, net: FloatArray, n: FloatArray) -> Sequence[Note]:
    if not lim.sigma:
        text = f"all answers{which} are of one class: the limits collapse, and any other score would signal"
        return [Note("zero-variance", "serious", text)]
    out = []
    small = int((n < _FEW).sum())
    if small:
        text = f"{small} periods{which} hold fewer than {_FEW} answers: their limits are rough; use longer periods"
        out.append(Note("few-answers", "warning", text))
    if n.size > 1:
        got = dispersion_test(net, n, lim.center / 100.0, lim.sigma / 100.0)
        if got.more < _LEVEL:
            text = f"periods vary {got.chi2 / got.df:.3g} times as much as their answers explain{which}"
            text += (
                f" (p = {got.more:.2g}): who is asked, or how, may change; the limits are too narrow if that is usual"
            )
            out.append(Note("overdispersed", "warning", text + " here: chart the scores with individuals()"))
    return out


def _describe(limits: ControlLimits) -> str:
    return f"{limits.method}; limits at {limits.nsigma:g} standard errors of each period, within -100 to 100"


def nps_chart(
    data: object,
    *,
    values: str | None = None,
    by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    missing: str = "raise",
    blank: object = (),
) -> ControlChart:
    r"""Chart the Net Promoter Score period by period, with limits by each period's number of answers.

    Use it to see whether a month's NPS says anything: most months differ by chance alone. Not for few answers a period
    (a note says where), and not for comparing two periods chosen beforehand (`compare_nps`).

    Parameters
    ----------
    data : frame or array-like
        A table of answers (`values`, `by`), scores 0 to 10 with `by` as an array, or counts: one row of detractors,
        passives and promoters a period (with `by`, if given, naming the periods).
    values : str, optional
        Column of the scores, when `data` is a table.
    by : str or array-like, optional
        Column, or one entry an answer: its period (date, number, text that sorts). A lazy table is counted where it is.
    phase, baseline, exclude
        As in `p_chart`; one entry a period, in the order of the periods.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated.
    rules : str, RuleSet or tuple of Rule
        As in `p_chart`.
    nsigma : float
        Distance of the limits from the centre, in standard errors.
    missing : {"raise", "drop"}
        ``"drop"`` leaves missing scores out and says how many.
    blank : number or sequence of numbers
        Codes that mean no answer (such as 11).

    Returns
    -------
    ControlChart
        Panel ``"nps"`` in points, -100 to 100; ``limits.sigma`` is that of one answer. Notes ``"few-answers"`` and
        ``"overdispersed"`` where they apply. `extend` takes further rows of counts, or scores with ``by=``.

    Raises
    ------
    DataError
        Scores off the scale, an answer without a period, counts that are none.
    TooFewData
        A phase without answers.

    Notes
    -----
    With shares :math:`p, d` of promoters and detractors among all answers the limits rest on, the centre is
    :math:`100(p - d)` and the limits of a period of :math:`n_i` answers stand :math:`nsigma \cdot 100 \sqrt{(p + d -
    (p - d)^2) / n_i}` from it. The note on dispersion is the chi-square test of the periods' scores, at 5 %.

    References
    ----------
    Rocks (2016), American Statistician 70(4), 365-372 (variance of the score).

    Examples
    --------
    >>> from qstats import nps_chart
    >>> chart = nps_chart([[20, 30, 50], [25, 30, 45], [15, 35, 50], [22, 28, 50]], rules="none")
    >>> chart.limits.center, round(float(chart.panels["nps"].upper[0]), 1)
    (28.25, 51.7)
    """
    checked = judging("nps", Layers(None, phase, baseline, exclude), limits, rules, nsigma)
    given = checked.given
    if given is not None and not (-100.0 <= given.center <= 100.0 and given.sigma is not None):
        raise DataError(
            f"limits: centre {given.center:g} and sigma {given.sigma} came; points from -100 to 100 and a sigma are "
            "wanted"
        )
    periods: Any = None
    notes: tuple[Note, ...] = ()
    if by is not None and _is_rows(data):
        counts = _of_rows(data, "data")
        periods = label_array(by, "by", len(counts))
    elif by is not None or table.is_frame(data):
        counts, periods, notes = _from_answers(data, values, by, missing, blank)
    else:
        if values is not None:
            raise DataError(
                f"values: got {values!r}, but data is no table; pass by= with the scores, or rows of counts"
            )
        counts = _of_rows(data, "data")
    points = _points(counts)
    got = read(np.arange(float(len(points))), {"values": None}, Layers(periods, phase, baseline, exclude))
    order = np.asarray(got.values["values"], dtype=np.intp)
    points = points if periods is None else Points({k: a[order] for k, a in points.columns.items()}, points.size[order])
    return make_chart(
        TYPES["nps"], points, got.layers, got.labels, checked, lambda layout: _Fit(points, layout, checked.nsigma),
        gaps=True, describe=_describe, notes=notes,
    )  # fmt: skip
