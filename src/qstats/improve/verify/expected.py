"""Periods measured against what the regression expects of them, so that trend, season and control are taken out."""

from __future__ import annotations

import dataclasses

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.result import frozen_array
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.coarse import coarse_periods, periods_together
from qstats.improve.verify.measure import paired_gap, within_variance
from qstats.improve.verify.periods import PeriodTable
from qstats.inference.series.kernels import Fitted, fit_means, fit_poisson, fit_proportion
from qstats.inference.series.result import InterruptedSeries

__all__ = ["against_expected", "fit_periods"]


def against_expected(
    case: Case, before: Mask, series: InterruptedSeries | None, *, controlled: bool = False
) -> tuple[PeriodTable, Mask, Mask]:
    """Return the periods with trend, season and control of `series` taken out, and which stand before and after.

    The exposure of counts is multiplied by what the regression expects without the change (its mean before is 1); from
    values it is subtracted. Its coefficients count as known, and the trend was estimated with the step at the action:
    what is made of these periods is evidence beside the comparison, not a test of its own. Without a series the periods
    are returned as they are.
    """
    data, after = case.data, case.after
    if series is None:
        return data, before, after
    data, before, after = coarse_periods(data, before, after, periods_together(data, before, after, case.plan.period))
    level, used = series.expected, before | after
    known = used & np.isfinite(level)
    if data.family in ("rate", "share"):
        known = known & (level > 0)
        shape = np.where(known, level, 1.0)
        exposure = data.exposure * np.where(known, shape / shape[before & known].mean(), 1.0)
        data = dataclasses.replace(data, exposure=frozen_array(exposure))
    else:
        shape = np.log(np.where(known, level, 1.0)) if data.family == "log" else np.where(known, level, 0.0)
        value = paired_gap(data)[0] if controlled else data.value
        known = known & np.isfinite(value)
        flat = np.where(known, value - (shape - shape[before & known].mean()), 0.0)
        data = dataclasses.replace(data, events=frozen_array(flat * data.exposure))
    return data, before & known, after & known


def fit_periods(data: PeriodTable, some: Mask, x: FloatArray) -> Fitted:
    """Regress some periods on the columns of `x`, shape (periods, p): log-linear for counts, linear for values."""
    y, e = data.events[some], data.exposure[some]
    if data.family == "rate":
        return fit_poisson(y[None, :], np.log(e), x)
    if data.family == "share" and (y <= e).all():
        return fit_proportion(y[None, :], e, x)
    if data.family == "share":  # exposures scaled by an expectation may fall below the count
        return fit_poisson(y[None, :], np.log(e), x)
    error = np.sqrt(np.maximum(within_variance(data, data.squares, some), 0.0) / e)
    error = np.where(error > 0, error, 1.0)  # values that do not vary: the scatter between periods is all there is
    return fit_means((y / e)[None, :], error, x)
