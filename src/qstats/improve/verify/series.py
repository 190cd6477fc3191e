"""The regression of the periods behind a verdict: autocorrelation always adjusted, with a second opinion."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qstats.errors import NoConvergence, TooFewData
from qstats.improve.verify.checks import ENOUGH_AFTER, ENOUGH_BEFORE, Case, make_check
from qstats.improve.verify.verdict import Check, Evidence
from qstats.improve.verify.words import evidence_words
from qstats.inference.series.interrupted import interrupted_series
from qstats.inference.series.result import InterruptedSeries

__all__ = ["autocorrelation_check", "fit_series", "series_evidence"]

Mask = npt.NDArray[np.bool_]
_HARMONICS = 2
_CYCLE = {"month": 12.0, "week": 365.25 / 7.0, "day": 365.25}


def fit_series(case: Case, before: Mask, controlled: bool) -> InterruptedSeries | None:
    """Return the step of the rate at the action, or None where there are too few periods or a phase without events."""
    data, after = case.data, case.after
    if int(before.sum()) < ENOUGH_BEFORE or int(after.sum()) < ENOUGH_AFTER:
        return None
    use = before | after
    control: dict[str, Any] = {}
    if controlled:
        assert data.control_events is not None
        assert data.control_exposure is not None
        use = use & (data.control_exposure > 0)
        control["control"] = data.control_events
        control["control_exposure"] = np.where(data.control_exposure > 0, data.control_exposure, 1.0)
    exposure = np.where(data.exposure > 0, data.exposure, 1.0)  # periods without exposure are not used
    step = int(np.flatnonzero(after)[0])
    season = _HARMONICS if _seen_twice(case, before) else 0
    try:
        return interrupted_series(
            data.events,
            exposure,
            step=step,
            use=use,
            harmonics=season,
            period=_CYCLE[case.plan.period],
            confidence=1.0 - case.plan.alpha,
            **control,
        )
    except (TooFewData, NoConvergence):
        return None  # the exact comparison of totals has an answer where a log-linear model has none


def _seen_twice(case: Case, before: Mask) -> bool:
    """Whether a yearly season may be there and the baseline holds it twice, so that it can be fitted."""
    if case.plan.season == "none":
        return False
    days = float((case.data.end - case.data.start)[before].astype(np.float64).sum()) + float(before.sum())
    return days > 1.9 * 365.25


def autocorrelation_check(series: InterruptedSeries | None, case: Case) -> Check:
    """12: what months share is always adjusted for; does a second method agree, how much persistence is too much?"""
    if series is None:
        counts = {"before": int(case.before.sum()), "after": int(case.after.sum())}
        return make_check(12, "autocorrelation", "short", "not possible", "W-AR", **counts)
    numbers: dict[str, Any] = {"rho": series.rho, "stress": series.stress[0.6], "second": series.second.pvalue}
    rejects = 1.0 not in series.interval
    if not rejects or series.strength == "verified":
        return make_check(12, "autocorrelation", "adjusted", "pass", **numbers)
    if series.strength == "indicated":
        return make_check(12, "autocorrelation", "one_method", "warn", "W-AR", **numbers)
    if series.stress[0.6] > 0.5 * case.plan.alpha:
        numbers["tipping"] = series.tipping if series.tipping is not None else 0.0
        return make_check(12, "autocorrelation", "persistence", "warn", "W-AR", **numbers)
    return make_check(12, "autocorrelation", "few", "pass", periods=sum(series.periods), **numbers)


def _item(code: str, estimate: float | None, interval: Any = None) -> Evidence:
    title, text = evidence_words(code, "en")
    return Evidence(code, title, estimate, interval, text)


def series_evidence(series: InterruptedSeries | None) -> tuple[Evidence, ...]:
    """Return the second opinion, the stress p-value, the correlation of the counts, the smallest ratio to be seen."""
    if series is None:
        return ()
    items = [
        _item("second_opinion", series.second.estimate, series.second.interval),
        _item("stress", series.stress[0.6]),
        _item("correlation", series.rho),
        _item("detectable", series.detectable),
    ]
    if series.tipping is not None:
        items.append(_item("tipping", series.tipping))
    return tuple(items)
