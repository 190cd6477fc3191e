"""Does the conclusion hang on how the data were analysed? The same question asked in many other ways."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Interval
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.improve.verify import words
from qstats.improve.verify.checks.case import ENOUGH_AFTER, ENOUGH_BEFORE, Case, Mask
from qstats.improve.verify.coarse import coarse_periods, periods_together
from qstats.improve.verify.decide import side_of
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.expected import fit_periods
from qstats.improve.verify.measure import compare_totals, controlled_totals, paired_gap, within_variance
from qstats.improve.verify.periods import PeriodTable, control_of, target_of
from qstats.improve.verify.phrases_evidence_cause import GRID_NAMES
from qstats.improve.verify.plan import VerificationPlan
from qstats.improve.verify.reading import DAY
from qstats.improve.verify.sources import Read
from qstats.improve.verify.verdict import Evidence
from qstats.inference.comparison import Comparison
from qstats.inference.negative_binomial import compare_overdispersed_rates
from qstats.inference.series.interrupted import design_matrix
from qstats.inference.series.kernels import (
    Fitted,
    fit_means,
    fit_share,
    mixture_cdf,
    mixture_quantile,
    nugget_mixture,
)
from qstats.inference.series.sandwich import ar1_sandwich

__all__ = ["Grid", "sensitivity_grid"]

_LEAST = 3  # periods of a phase
_NAMES = 5  # units or categories left out one at a time: the largest
_MOST = 80  # periods: a regression costs their cube, and there are a dozen
_HARMONICS, _LEAST_DF = 2, 8  # as in the regression of the verdict
_CYCLE = {"month": 12.0, "week": 365.25 / 7.0, "day": 365.25}
_SOURCE = "Zeger (1988), Biometrika 75, 621-629"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Other ways to analyse the same data, and what each finds.

    Parameters
    ----------
    codes, details : tuple of str, length k
        Which specification; what was left out, where something was.
    estimate, low, high : ndarray, shape (k,)
        On the scale of the primary comparison, at its confidence.
    agrees : ndarray of bool, shape (k,)
        Whether the interval lies on the same side of no change as the primary's.
    """

    codes: tuple[str, ...]
    details: tuple[str, ...]
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    agrees: BoolArray

    def labels(self, lang: str = "en") -> tuple[str, ...]:
        """Return the specifications in words."""
        which = words.LANGUAGES.index(lang)
        pairs = zip(self.codes, self.details, strict=True)
        return tuple(GRID_NAMES[code][which].replace("{detail}", detail) for code, detail in pairs)

    @property
    def names(self) -> tuple[str, ...]:
        """The specifications in words, English."""
        return self.labels()

    @property
    def share(self) -> float | None:
        """Share of specifications that agree; None where there are none."""
        return float(self.agrees.mean()) if self.agrees.size else None


class _Line(NamedTuple):
    """A fitted regression, the contrast of its step, and the times of its periods."""

    f: Fitted
    contrast: FloatArray
    time: FloatArray


class _Spec(NamedTuple):
    """What the primary comparison rests on, and what may be changed about it."""

    data: PeriodTable
    plan: VerificationPlan
    before: Mask
    after: Mask
    controlled: bool
    trend: bool
    together: int = 1

    @property
    def confidence(self) -> float:
        return 1.0 - self.plan.alpha


def _spec(case: Case, before: Mask, controlled: bool, trend: bool) -> _Spec:
    """The periods of the primary comparison, several summed to one where there are more than eighty."""
    data, after, period = case.data, case.after, case.plan.period
    together = periods_together(data, before, after, period)
    longer = together * max(1, math.ceil(int((before | after).sum()) / (together * _MOST)))
    if int(before.sum()) >= ENOUGH_BEFORE * longer and int(after.sum()) >= ENOUGH_AFTER * longer:
        together = longer
    data, before, after = coarse_periods(data, before, after, together)
    return _Spec(data, case.plan, before, after, controlled, trend, together)


def _compared(s: _Spec, *, series_only: bool) -> Comparison | None:
    """The comparison as the verdict makes it, or None where too little is left for its model."""
    if int(s.before.sum()) < _LEAST or int(s.after.sum()) < _LEAST:
        return None
    line = _regressed(s)
    if line is not None:
        return _mixed(s, line)
    if series_only:
        return None
    if not s.controlled:
        return _of_totals(s)
    assert s.data.control_exposure is not None
    both = s.data.control_exposure > 0
    s = s._replace(before=s.before & both, after=s.after & both)
    return controlled_totals(s.data, s.after, s.before, s.confidence) if _four_cells(s) else None


def _of_totals(s: _Spec) -> Comparison | None:
    """The totals of the phases; None where their ratio does not exist (a share without a single bad case)."""
    try:
        return compare_totals(s.data, s.after, s.before, s.confidence)
    except DataError:
        return None


def _four_cells(s: _Spec) -> bool:
    """Whether target and control have something to compare in both phases."""
    counts = [s.data.events, s.data.control_events] if s.data.family in ("rate", "share") else []
    cells = [v[m] for v in (*counts, s.data.exposure, s.data.control_exposure) for m in (s.before, s.after)]  # type: ignore[index]
    return all(cell.any() for cell in cells)


def _cut(mask: Mask, first: int, last: int) -> Mask:
    """Leave out so many periods at the start and at the end of a phase."""
    where = np.flatnonzero(mask)
    out = np.zeros_like(mask)
    out[where[first : where.size - last]] = True
    return out


def _windows(s: _Spec) -> Iterator[tuple[str, _Spec]]:
    n = int(s.before.sum())
    yield "baseline_half", s._replace(before=_cut(s.before, n // 2, 0))
    yield "baseline_late", s._replace(before=_cut(s.before, n // 4, 0))
    yield "without_first_before", s._replace(before=_cut(s.before, 1, 0))
    yield "without_last_before", s._replace(before=_cut(s.before, 0, 1))
    yield "without_first_after", s._replace(after=_cut(s.after, 1, 0))
    yield "without_last_after", s._replace(after=_cut(s.after, 0, 1))
    last, first = s.before & ~_cut(s.before, 0, 1), s.after & ~_cut(s.after, 1, 0)
    yield "earlier", s._replace(before=s.before & ~last, after=s.after | last)
    yield "later", s._replace(before=s.before | first, after=s.after & ~first)


def _models(s: _Spec) -> Iterator[tuple[str, _Spec]]:
    yield ("no_trend" if s.trend else "trend"), s._replace(trend=not s.trend)
    if _season_seen(s._replace(plan=dataclasses.replace(s.plan, season="year"))):
        other = "none" if s.plan.season == "year" else "year"
        named = "no_season" if other == "none" else "season"
        yield named, s._replace(plan=dataclasses.replace(s.plan, season=other))
    if s.controlled:
        yield "no_control", s._replace(controlled=False)


def _totals(s: _Spec) -> Iterator[tuple[str, str, Comparison]]:
    """Models without time, which have no place for a trend or a control."""
    plain = _of_totals(s)
    if plain is None:
        return
    yield "quasi", "", plain
    if s.data.family == "rate" and all(s.data.events[m].any() for m in (s.before, s.after)):
        cells = [v[m] for m in (s.after, s.before) for v in (s.data.events, s.data.exposure)]
        try:
            found: Any = compare_overdispersed_rates(*cells, model="negative-binomial", confidence=s.confidence)
        except TooFewData:
            return
        yield "negative_binomial", "", found
    worst = _worst_period(s)
    if worst is not None:
        yield "leave_period", worst[0], worst[1]


def _worst_period(s: _Spec) -> tuple[str, Comparison] | None:
    """Of all comparisons of totals with one period left out, the one with the largest p-value."""
    found = []
    for which, mask in enumerate((s.before, s.after)):
        where = np.flatnonzero(mask)
        if where.size <= _LEAST or where.size > 2 * _MOST:
            continue
        for i in where:
            shorter = mask.copy()
            shorter[i] = False
            one = _of_totals(s._replace(before=shorter) if which == 0 else s._replace(after=shorter))
            found += [] if one is None else [(str(s.data.start[i]), one)]
    return max(found, key=lambda item: item[1].pvalue) if found else None


def _regressed(s: _Spec) -> _Line | None:
    """The regression of `fit_series`, without what is said about it; None where that has none."""
    if int(s.before.sum()) < ENOUGH_BEFORE or int(s.after.sum()) < ENOUGH_AFTER:
        return None
    data, used = s.data, s.before | s.after
    if s.controlled:
        assert data.control_exposure is not None
        used = used & (data.control_exposure > 0)
    time, late = np.flatnonzero(used).astype(np.float64), s.after[used].astype(np.float64)
    if min(float(late.sum()), float((1.0 - late).sum())) < _LEAST:
        return None
    waves = _HARMONICS if _season_seen(s) else 0
    x, _, contrast = design_matrix(
        time, late, trend=s.trend, slope=False, harmonics=waves, period=_CYCLE[s.plan.period] / s.together
    )
    if time.size - x.shape[1] < _LEAST_DF or np.linalg.matrix_rank(x) < x.shape[1]:
        return None
    counted = [data.events] if not s.controlled or data.control_events is None else [data.events, data.control_events]
    if data.family in ("rate", "share") and not all(y[used][late == v].any() for y in counted for v in (0.0, 1.0)):
        return None
    try:
        f = _fitted(data, used, x, controlled=s.controlled)
    except np.linalg.LinAlgError:
        return None  # so few events that a coefficient runs away
    return _Line(f, contrast, time) if f is not None and f.settled[0] and np.isfinite(f.phi[0]) else None


def _season_seen(s: _Spec) -> bool:
    """Whether `fit_series` would fit a season."""
    days = float((s.data.end - s.data.start)[s.before].astype(np.float64).sum()) + float(s.before.sum())
    return s.plan.season != "none" and days > 1.9 * 365.25


def _fitted(data: PeriodTable, used: Mask, x: FloatArray, *, controlled: bool) -> Fitted | None:
    if not controlled:
        inside = data.family in ("log", "mean")
        return None if inside and not within_variance(data, data.squares, used) > 0 else fit_periods(data, used, x)
    assert data.control_events is not None
    assert data.control_exposure is not None
    if data.family in ("rate", "share"):
        both = (data.events + data.control_events)[used]
        odds = np.log(data.exposure[used] / data.control_exposure[used])
        return fit_share(data.events[used][None, :], both[None, :], odds, x)
    gap, variance = (v[used] for v in paired_gap(data))
    return fit_means(gap[None, :], np.sqrt(variance), x) if (variance > 0).all() else None


def _mixed(s: _Spec, line: _Line) -> Comparison:
    """Autocorrelation integrated out."""
    mix = nugget_mixture(line.f, line.contrast, line.time)
    tail = 0.5 * s.plan.alpha
    low, middle, high = (float(mixture_quantile(mix, p)[0]) for p in (tail, 0.5, 1.0 - tail))
    below, above = (float(p[0]) for p in mixture_cdf(mix, np.zeros(1)))
    return _told(s, (middle, low, high), min(1.0, 2.0 * min(below, above)), "autocorrelation integrated out", mix.df)


def _sandwich(s: _Spec) -> Comparison | None:
    """The regression of the primary comparison with the AR(1) sandwich in the place of the mixture."""
    line = _regressed(s)
    if line is None:
        return None
    got = ar1_sandwich(line.f, line.contrast, line.time)
    middle, se, df = float(got.estimate[0]), float(got.se[0]), float(got.df[0])
    half = float(t_quantile(0.5 + s.confidence / 2.0, df)) * se
    p = min(1.0, 2.0 * float(t_sf(abs(middle) / se, df)))
    return _told(s, (middle, middle - half, middle + half), p, "AR(1) sandwich, t", df)


def _told(s: _Spec, values: tuple[float, float, float], p: float, method: str, df: float) -> Comparison:
    metric = s.plan.measured
    mid, low, high = (math.exp(min(v, 700.0)) if metric.is_ratio else v for v in values)
    effect = "rate_ratio" if metric.is_ratio else "mean_difference"
    limits = Interval(low, high, s.confidence)
    return Comparison(effect, mid, limits, p, "two-sided", metric.null, None, (), method, _SOURCE, df=df)


def _others_matter(plan: VerificationPlan, key: str) -> bool:
    """Whether leaving one unit or category out changes target or control."""
    if key == "category":
        return plan.category is None or plan.control == "untargeted_categories"
    return plan.unit is None or plan.control == "units"


def _reduced(s: _Spec, case: Case, read: Read) -> _Spec | None:
    """The periods counted again from fewer rows."""
    plan, edges = s.plan, np.append(s.data.start, s.data.end[-1:] + DAY)
    target = target_of(plan, read)
    events, exposure = target.sums(edges)
    whole = case.target.sums(edges)[1]  # of which the delay may have left a share
    exposure = exposure * np.where(whole > 0, s.data.exposure / np.where(whole > 0, whole, 1.0), 1.0)
    inside = s.data.family in ("log", "mean")
    changes: dict[str, Any] = {"events": frozen_array(events), "exposure": frozen_array(exposure)}
    changes["squares"] = frozen_array(target.squares(edges)) if inside else None
    if s.controlled and plan.control != "group":
        control = control_of(plan, read, None)
        assert control is not None
        y0, e0 = control.sums(edges)
        changes |= {"control_events": frozen_array(y0), "control_exposure": frozen_array(e0)}
        changes["control_squares"] = frozen_array(control.squares(edges)) if inside else None
    data = dataclasses.replace(s.data, **changes)
    return s._replace(data=data, before=s.before & (exposure > 0), after=s.after & (exposure > 0))


def _left_out(s: _Spec, case: Case, series_only: bool) -> Iterator[tuple[str, str, Comparison]]:
    """The primary comparison without each of the largest units and categories."""
    for key, own in (("unit", s.plan.unit), ("category", s.plan.category)):
        names = [name for name in case.read.names(key) if name != own]
        if not _others_matter(s.plan, key) or len(names) + (own is not None) < 2:
            continue
        for name in names[:_NAMES]:
            try:
                fewer = _reduced(s, case, case.read.rows(key, name, others=True))
            except DataError:
                continue  # nothing of the target or its control is left
            found = None if fewer is None else _compared(fewer, series_only=series_only)
            if found is not None:
                yield f"leave_{key}", name, found


def sensitivity_grid(
    case: Case, before: Mask, primary: Comparison, controlled: bool, trend: bool
) -> tuple[Evidence, Grid]:
    """Ask the same question in other ways and return the share that comes to the same conclusion, and the table.

    Other windows (half and three quarters of the baseline, one period less at each edge, the action one period earlier
    and later), trend, season and control on or off, totals of the phases (quasi-Poisson, negative binomial, the worst
    of leaving one period out), the AR(1) sandwich, and one unit or category less. To come to the same conclusion is to
    have an interval on the same side of no change. A specification for which too little is left does not count. Days
    are summed to weeks, and more than eighty periods to fewer, so that a decade is judged in a second.
    """
    s = _spec(case, before, controlled, trend)
    metric = case.plan.measured
    by_series = _regressed(s) is not None
    strict = by_series and (trend or controlled)  # totals would be another question
    rows = [(code, "", _compared(one, series_only=strict)) for code, one in _windows(s)]
    if by_series:
        rows += [(code, "", _compared(one, series_only=True)) for code, one in _models(s)]
        rows.append(("sandwich", "", _sandwich(s)))
    rows += list(_totals(s))
    rows += list(_left_out(s, case, strict))
    found = [(code, detail, c) for code, detail, c in rows if c is not None and math.isfinite(c.estimate)]
    wanted = side_of(primary, metric)
    grid = Grid(
        tuple(code for code, _, _ in found),
        tuple(detail for _, detail, _ in found),
        frozen_array([c.estimate for _, _, c in found]),
        frozen_array([c.interval.low for _, _, c in found]),
        frozen_array([c.interval.high for _, _, c in found]),
        frozen_array([side_of(c, metric) == wanted for _, _, c in found], np.bool_),
    )
    return make_evidence("sensitivity", grid.share), grid
