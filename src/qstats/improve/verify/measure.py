"""One comparison for every kind of metric: totals of one phase against another, and how they scatter."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Interval
from qstats._core.quantiles import normal_quantile, normal_sf, t_quantile, t_sf
from qstats.improve.verify.hold import power_of_comparison
from qstats.improve.verify.periods import PeriodTable
from qstats.inference.comparison import Comparison
from qstats.inference.means.means import compare_mean_summaries
from qstats.inference.proportions import compare_proportions
from qstats.inference.rates import compare_rates, ratio_of_rate_ratios

__all__ = [
    "compare_totals",
    "control_scatter",
    "controlled_totals",
    "dispersion",
    "level_of",
    "paired_gap",
    "power_at",
    "totals",
    "within_variance",
]

_QUASI = "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., eq. 4.22 (dispersion), ch. 9"


def totals(data: PeriodTable, mask: BoolArray) -> tuple[float, float]:
    """Return what was measured and its exposure, summed over some periods."""
    return float(data.events[mask].sum()), float(data.exposure[mask].sum())


def level_of(data: PeriodTable, mask: BoolArray) -> float:
    """Return rate, share, mean, or geometric mean of some periods; NaN without exposure."""
    events, exposure = totals(data, mask)
    if not exposure > 0:
        return math.nan
    level = events / exposure
    return math.exp(level) if data.family == "log" else level


def within_variance(data: PeriodTable, squares: FloatArray | None, mask: BoolArray) -> float:
    """Return the variance of single values inside the periods, pooled; NaN where no period holds two."""
    assert squares is not None
    df = float((data.exposure[mask] - 1.0).clip(min=0.0).sum())
    return float(squares[mask].sum()) / df if df > 0 else math.nan


def _variance(data: PeriodTable, mask: BoolArray, level: float) -> FloatArray:
    """Variance that chance alone gives `events`, around a common level."""
    e = data.exposure[mask]
    if data.family == "rate":
        return np.asarray(level * e)
    if data.family == "share":
        return np.asarray(level * (1.0 - level) * e)
    return np.asarray(within_variance(data, data.squares, mask) * e)


def dispersion(data: PeriodTable, masks: tuple[BoolArray, ...]) -> tuple[float, float]:
    """Return Pearson chi-square over df, and df, for a constant level inside each mask.

    A phase without events says nothing about scatter and is left out. NaN with 0 df when nothing is left.
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., eq. 4.22.
    """
    chi2, df = 0.0, 0
    for mask in masks:
        y, e = data.events[mask], data.exposure[mask]
        if y.size < 2:
            continue
        level = float(y.sum() / e.sum())
        variance = _variance(data, mask, level)
        if not (variance > 0).all():
            continue
        chi2 += float(((y - level * e) ** 2 / variance).sum())
        df += y.size - 1
    return (chi2 / df, float(df)) if df else (math.nan, 0.0)


def compare_totals(data: PeriodTable, after: BoolArray, before: BoolArray, confidence: float) -> Comparison:
    """After over (or minus) before; scatter between periods widens the interval whenever there is more than chance."""
    phi, df = dispersion(data, (before, after))
    wide = df > 0 and phi > 1.0
    cells = (*totals(data, after), *totals(data, before))
    if data.family == "rate":
        if wide:
            return compare_rates(*cells, method="score", dispersion=phi, df=df, confidence=confidence)
        return compare_rates(*cells, confidence=confidence)
    if data.family == "share":
        if wide or cells[0] + cells[2] == 0:
            return _wide_shares(cells, phi if wide else 1.0, df if wide else math.inf, confidence)
        return compare_proportions(*cells, effect="risk_ratio", confidence=confidence)
    return _means(data, after, before, phi if wide else 1.0, df if wide else math.inf, confidence)


def _wide_shares(cells: tuple[float, float, float, float], phi: float, df: float, confidence: float) -> Comparison:
    """Ratio of shares with more scatter than binomial: a rate whose variance is the binomial one times `phi`.

    Against a rate, the binomial variance is smaller by one minus the share; where that would take the product below
    the Poisson variance, Poisson stands: the interval is then a little too wide, never too narrow.
    """
    share = (cells[0] + cells[2]) / (cells[1] + cells[3])
    wide = max(1.0, phi * (1.0 - share))
    as_rates = compare_rates(*cells, method="score", dispersion=wide, df=df, confidence=confidence)
    return dataclasses.replace(as_rates, effect="risk_ratio")


def _means(
    data: PeriodTable, after: BoolArray, before: BoolArray, phi: float, df: float, confidence: float
) -> Comparison:
    (s1, n1), (s0, n0) = totals(data, after), totals(data, before)
    v1, v0 = (within_variance(data, data.squares, m) for m in (after, before))
    effect = "geometric_mean_ratio" if data.family == "log" else "mean_difference"
    if phi <= 1.0 and n1 > 1 and n0 > 1:
        sd1, sd0 = (_spread(data, m) for m in (after, before))
        if sd1 > 0 or sd0 > 0:
            plain = compare_mean_summaries(s1 / n1, sd1, n1, s0 / n0, sd0, n0, confidence=confidence)
            assert isinstance(plain, Comparison)
            return plain if data.family == "mean" else _as_ratio(plain)
    variance = phi * (np.nan_to_num(v1) / n1 + np.nan_to_num(v0) / n0)
    return _by_t(s1 / n1 - s0 / n0, variance, df, effect, (n1, n0), confidence)


def _spread(data: PeriodTable, mask: BoolArray) -> float:
    """Standard deviation of all values of a phase, between and inside periods."""
    assert data.squares is not None
    e, n = data.exposure[mask], float(data.exposure[mask].sum())
    mean = float(data.events[mask].sum()) / n
    between = float((e * (data.events[mask] / np.maximum(e, 1.0) - mean) ** 2).sum())
    return math.sqrt((float(data.squares[mask].sum()) + between) / (n - 1.0))


def _as_ratio(c: Comparison) -> Comparison:
    """A difference of mean logarithms as a ratio of geometric means."""

    def up(value: float) -> float:
        return math.exp(value) if value < 700.0 else math.inf

    interval = Interval(up(c.interval.low), up(c.interval.high), c.interval.confidence)
    return Comparison(
        "geometric_mean_ratio", up(c.estimate), interval, c.pvalue, c.alternative, 1.0, c.statistic, c.n,
        "Welch t of logarithms", c.reference, c.notes, tuple(map(up, c.values)), c.df,
    )  # fmt: skip


def _by_t(
    estimate: float, variance: float, df: float, effect: str, n: tuple[float, float], confidence: float
) -> Comparison:
    """Two-sided t; with no variance at all nothing can be said, and the interval says so."""
    se = math.sqrt(variance)
    if se > 0:
        t = estimate / se
        p = min(1.0, 2.0 * float(t_sf(abs(t), df)))
        half = float(t_quantile(0.5 + 0.5 * confidence, df)) * se
    else:
        t, p, half = 0.0, 1.0, math.inf
    limits = Interval(estimate - half, estimate + half, confidence)
    method = "t of the totals, scatter between periods"
    made = Comparison("mean_difference", estimate, limits, p, "two-sided", 0.0, t, n, method, _QUASI, df=df)
    return _as_ratio(made) if effect == "geometric_mean_ratio" else made


def _conditional_dispersion(data: PeriodTable, masks: tuple[BoolArray, ...]) -> tuple[float, float]:
    """Pearson chi-square over df of the target's share of both counts: what both share (weather, season) cancels."""
    chi2, df = 0.0, -len(masks)
    control, control_exposure = data.control_events, data.control_exposure
    assert control is not None
    assert control_exposure is not None
    for mask in masks:
        mask = mask & (data.events + control > 0)
        total, e, e0 = (data.events + control)[mask], data.exposure[mask], control_exposure[mask]
        ratio = (data.events[mask].sum() / e.sum()) / (control[mask].sum() / e0.sum())
        p = ratio * e / (ratio * e + e0)
        chi2 += float((((data.events[mask] - total * p) ** 2) / (total * p * (1.0 - p))).sum())
        df += int(mask.sum())
    return (chi2 / df, float(df)) if df > 0 else (1.0, math.inf)


def control_scatter(data: PeriodTable, before: BoolArray, after: BoolArray) -> tuple[float, float]:
    """Dispersion of the controlled comparison, and what the control's own counts add to its relative variance."""
    control = data.control_events
    assert control is not None
    phi, _ = _conditional_dispersion(data, (before, after))
    return phi, 1.0 / float(control[before].sum()) + 1.0 / float(control[after].sum())


def controlled_totals(data: PeriodTable, after: BoolArray, before: BoolArray, confidence: float) -> Comparison:
    """The change of the target over (or minus) the change of its control."""
    control, amount = data.control_events, data.control_exposure
    assert control is not None
    assert amount is not None
    if data.family in ("rate", "share"):
        phi, df = _conditional_dispersion(data, (before, after))
        cells = [
            totals(data, after),
            totals(data, before),
            (float(control[after].sum()), float(amount[after].sum())),
            (float(control[before].sum()), float(amount[before].sum())),
        ]
        return ratio_of_rate_ratios(*cells, dispersion=phi, df=df if phi > 1.0 else math.inf, confidence=confidence)
    gap, variance = paired_gap(data)
    change, spread, chi2, df = [], 0.0, 0.0, 0.0
    for mask in (after, before):
        mask = mask & np.isfinite(gap) & (variance > 0)
        w = 1.0 / variance[mask]
        level = float((w * gap[mask]).sum() / w.sum())
        change.append(level)
        spread += 1.0 / float(w.sum())
        chi2 += float((w * (gap[mask] - level) ** 2).sum())
        df += float(mask.sum()) - 1.0
    phi = max(1.0, chi2 / df) if df > 0 else 1.0
    effect = "geometric_mean_ratio" if data.family == "log" else "mean_difference"
    n = (totals(data, after)[1], totals(data, before)[1])
    return _by_t(change[0] - change[1], phi * spread, df if phi > 1.0 else math.inf, effect, n, confidence)


def paired_gap(data: PeriodTable) -> tuple[FloatArray, FloatArray]:
    """Return target minus control per period, and the sampling variance of that; NaN where either is missing."""
    assert data.control_events is not None
    assert data.control_exposure is not None
    used = (data.role == "baseline") | (data.role == "after")
    v = within_variance(data, data.squares, used)
    squares, n0 = data.control_squares, data.control_exposure
    assert squares is not None
    v0 = float(squares[used].sum()) / max(1.0, float((n0[used] - 1.0).clip(min=0.0).sum()))
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = data.events / data.exposure - data.control_events / n0
        return np.asarray(gap), np.asarray(v / data.exposure + v0 / n0)


def power_at(
    data: PeriodTable, after: BoolArray, before: BoolArray, effect: float, alpha: float, phi: float, control: float
) -> float:
    """Return the chance that a one-sided `alpha` comparison of totals shows the effect; NaN where nothing can be said.

    Normal approximation on the log scale, or of the difference.
    """
    (y0, t0), (_, t1) = totals(data, before), totals(data, after)
    if data.family in ("rate", "share"):
        if y0 == 0 or t1 == 0:
            return math.nan
        share = min(y0 / t0, 1.0) if data.family == "share" else 0.0
        return power_of_comparison(y0, t0, t1, effect, alpha, phi * (1.0 - share), control)
    v = within_variance(data, data.squares, before | after)
    if not v > 0:
        return math.nan
    size = abs(math.log(effect)) if data.family == "log" else abs(effect)
    se = math.sqrt(phi * v * (1.0 / t0 + 1.0 / t1))
    return float(normal_sf(float(normal_quantile(1.0 - alpha)) - size / se))
