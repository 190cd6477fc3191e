"""What moved before the action: the target alone (8), and the target against its control (14)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import t_quantile
from qstats.improve.verify.checks.case import (
    DRIFT_SHARE,
    ENOUGH_AFTER,
    ENOUGH_BEFORE,
    LEAST_BEFORE,
    Case,
    Drift,
    Mask,
    make_check,
    promised,
)
from qstats.improve.verify.measure import paired_gap, within_variance
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.verdict import Check
from qstats.inference.series.kernels import Fitted, fit_means, fit_poisson, fit_proportion, fit_share

__all__ = ["baseline_drift", "control_check", "settled_values", "trend_check", "trend_unmodelled"]

_LEVEL = 0.90  # two one-sided 5 % tests: the usual equivalence


def _usable(case: Case, before: Mask, relative: bool) -> Mask:
    data = case.data
    if not relative:
        return before
    assert data.control_events is not None
    assert data.control_exposure is not None
    some = before & (data.control_exposure > 0)
    return some & (data.events + data.control_events > 0) if data.family in ("rate", "share") else some


def _fitted(data: PeriodTable, x: FloatArray, some: Mask, *, relative: bool) -> Fitted:
    y, e = data.events[some], data.exposure[some]
    if data.family in ("log", "mean"):
        if relative:
            gap, variance = paired_gap(data)
            value, error = gap[some], np.sqrt(variance[some])
        else:
            value, error = y / e, np.sqrt(within_variance(data, data.squares, some) / e)
        error = np.where(error > 0, error, 1.0)  # values that do not vary: the scatter between periods is all there is
        return fit_means(value[None, :], error, x)
    if relative:
        assert data.control_events is not None
        assert data.control_exposure is not None
        both = y + data.control_events[some]
        return fit_share(y[None, :], both[None, :], np.log(e / data.control_exposure[some]), x)
    return fit_proportion(y[None, :], e, x) if data.family == "share" else fit_poisson(y[None, :], np.log(e), x)


def baseline_drift(
    case: Case, before: Mask, confidence: float = _LEVEL, *, relative: bool = False, season: FloatArray | None = None
) -> Drift | None:
    """Return how far the target (or its distance from the control) was moving before the action, carried to after.

    A regression of the baseline on time, and on the season where the baseline holds two of them; scatter by Pearson
    chi-square, never below 1; Student's t. None when fewer than six periods can tell. McCullagh & Nelder (1989),
    Generalized Linear Models, 2nd ed., sections 4.4 and 4.5.
    """
    data, some = case.data, _usable(case, before, relative)
    n = int(some.sum())
    if n < LEAST_BEFORE or not (data.events[some] != 0).any():
        return None
    time = (data.start - data.start[0]).astype(np.float64)
    waves = np.zeros((time.size, 0)) if season is None or n < LEAST_BEFORE + season.shape[1] else season
    x = np.column_stack([np.ones(n), (time[some] - time[some].mean()) / 365.25, waves[some]])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return None
    f = _fitted(data, x, some, relative=relative)
    if not f.settled[0] or not np.isfinite(f.phi[0]):
        return None
    cover = np.linalg.inv(np.einsum("tp,tq->pq", f.design[0], f.design[0]))
    se = math.sqrt(max(1.0, float(f.phi[0])) * cover[1, 1])
    reach = float(time[case.after].mean() - time[some].mean()) / 365.25
    half = float(t_quantile(0.5 + confidence / 2.0, n - x.shape[1])) * se * reach
    middle = float(f.beta[0, 1]) * reach
    return Drift(middle, middle - half, middle + half, n)


def settled_values(data: PeriodTable, before: Mask, *, trend: bool, season: bool) -> FloatArray:
    """Return the values of the baseline with the trend and the season of the model taken out, shape (n before,).

    A baseline that moved as the model says it moves is stable; what is left over tells whether anything else happened.
    """
    value, time = data.value[before], (data.start - data.start[0]).astype(np.float64)[before] / 365.25
    columns = [np.ones(time.size)] + ([time - time.mean()] if trend else [])
    if season:
        columns += [f(2.0 * math.pi * k * time) for k in (1, 2) for f in (np.sin, np.cos)]
    x = np.column_stack(columns)
    if x.shape[1] == 1 or time.size < x.shape[1] + LEAST_BEFORE or not data.events[before].any():
        return value
    f = _fitted(data, x, before, relative=False)
    if not f.settled[0]:
        return value
    fitted = f.mean[0] / data.exposure[before] if data.family in ("rate", "share") else f.mean[0]
    return np.asarray(
        value / fitted * value.mean() if data.family in ("rate", "share") else value - fitted + value.mean()
    )


def _shown(case: Case, drift: Drift, margin: float) -> dict[str, Any]:
    """Numbers for the words: relative changes where the effect is a ratio, else in the unit measured."""
    ratio = case.plan.measured.is_ratio

    def told(value: float) -> str:
        return f"{math.expm1(min(value, 50.0)):+.0%}" if ratio else f"{value:+.3g}"

    shown = {name: told(value) for name, value in (("low", drift.low), ("high", drift.high), ("drift", drift.estimate))}
    return shown | {"margin": told(margin).lstrip("+")}


def control_check(case: Case) -> tuple[Check, bool, bool]:
    """14: did target and control run in parallel before?

    Returns the check, whether the control may decide, and whether the distance between the two needs a trend. Two that
    were drifting apart are compared with that drift in the model, unless the plan declares that there is none.
    """
    data, margin = case.data, DRIFT_SHARE * promised(case.plan)
    if data.control_events is None or data.control_exposure is None:
        raise ValueError("control_check is for plans with a control: this is a bug in qstats")
    cells = [data.control_exposure[m].sum() for m in (case.before, case.after)]
    if data.family in ("rate", "share"):
        cells += [v[m].sum() for v in (data.events, data.control_events) for m in (case.before, case.after)]
    if min(cells) == 0:
        return make_check(14, "control", "empty", "warn"), False, False
    drift = baseline_drift(case, case.before, relative=True)
    if drift is None:
        return make_check(14, "control", "short", "warn", n=int(case.before.sum())), False, False
    shown = _shown(case, drift, margin)
    if -margin <= drift.low and drift.high <= margin:
        return make_check(14, "control", "parallel", "pass", **shown), True, False
    if abs(drift.estimate) <= margin:
        return make_check(14, "control", "open", "warn", None, **shown), True, False
    enough = int(case.before.sum()) >= ENOUGH_BEFORE and int(case.after.sum()) >= ENOUGH_AFTER
    if case.plan.trend == "none" or not enough:
        return make_check(14, "control", "drifting", "warn", "W-TREND", **shown), False, False
    return make_check(14, "control", "drift_modelled", "warn", "W-TREND", **shown), True, True


def trend_check(case: Case, before: Mask, controlled: bool, season: FloatArray | None) -> tuple[Check, bool]:
    """8: could a movement that ran before explain the effect? Returns the check and whether the model needs a trend."""
    plan, margin = case.plan, DRIFT_SHARE * promised(case.plan)
    drift = baseline_drift(case, before, season=season)
    if controlled:
        return make_check(8, "trend", "controlled", "pass"), False
    if drift is None:
        return make_check(8, "trend", "short", "not possible", None, n=int(before.sum())), plan.trend == "linear"
    shown = _shown(case, drift, margin)
    if plan.trend == "linear":
        return make_check(8, "trend", "declared_linear", "pass", **shown), True
    if -margin <= drift.low and drift.high <= margin:
        return make_check(8, "trend", "flat", "pass", **shown), False
    if plan.trend == "none":
        return make_check(8, "trend", "declared_none", "warn", "W-TREND", **shown), False
    return make_check(8, "trend", "modelled", "warn", "W-TREND", **shown), True


def trend_unmodelled(case: Case, before: Mask, check: Check) -> Check:
    """8, once it is known that the periods are too few for a trend: was it getting better before?"""
    drift = baseline_drift(case, before)
    if drift is None:
        return check
    shown = _shown(case, drift, DRIFT_SHARE * promised(case.plan))
    better = drift.high < 0 if case.plan.measured.better == "lower" else drift.low > 0
    return make_check(8, "trend", "evident" if better else "unmodelled", "warn", "W-TREND", **shown)
