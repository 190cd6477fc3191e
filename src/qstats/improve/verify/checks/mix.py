"""Did only the mix change (13)? The effect pooled over strata of age, product or region beside the crude one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval
from qstats._core.quantiles import chi2_sf, t_quantile, t_sf
from qstats._core.result import frozen_array
from qstats.improve.verify.checks.case import DRIFT_SHARE, Case, Mask, make_check, promised
from qstats.improve.verify.checks.keyed import Keyed, by_key, line_up
from qstats.improve.verify.decide import side_of
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.measure import compare_totals, dispersion, within_variance
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.verdict import Check, Evidence
from qstats.inference.comparison import Comparison

__all__ = ["Stratified", "mix_check", "stratified"]

CONFOUNDED = 0.10  # change of the estimate that counts as confounding
UNMATCHED = 0.10  # share of the events in strata that do not compare
_REFERENCES = {
    "rate": "Greenland & Robins (1985), Biometrics 41, 55-68 (rates)",
    "share": "Greenland & Robins (1985), Biometrics 41, 55-68 (risks)",
    "mean": "Cochran (1954), Biometrics 10, 101-129",
}
_METHODS = {
    "rate": "Mantel-Haenszel rate ratio",
    "share": "Mantel-Haenszel risk ratio",
    "mean": "strata weighted by precision",
}


@dataclass(frozen=True, slots=True)
class Stratified:
    """An effect pooled over strata, and whether the strata have one in common.

    Parameters
    ----------
    comparison : Comparison
    homogeneity : float
        P-value of one common effect; NaN with fewer than two strata that can tell.
    strata : int
        Strata with exposure in both phases.
    """

    comparison: Comparison
    homogeneity: float
    strata: int


def _ratio(y1: FloatArray, t1: FloatArray, y0: FloatArray, t0: FloatArray, share: bool) -> tuple[float, float]:
    """Mantel-Haenszel log ratio and its variance; strata as columns.

    Rates: R = sum y1 t0 / t, S = sum y0 t1 / t, variance sum (y1 + y0) t1 t0 / t^2 over R S. Risks: the same with
    y1 y0 t taken off inside the sum.
    """
    t = t1 + t0
    r, s = float((y1 * t0 / t).sum()), float((y0 * t1 / t).sum())
    if r == 0.0 or s == 0.0:
        return math.nan, math.nan
    inside = (y1 + y0) * t1 * t0 - (y1 * y0 * t if share else 0.0)
    return math.log(r / s), float((inside / t**2).sum()) / (r * s)


def _each(y1: FloatArray, t1: FloatArray, y0: FloatArray, t0: FloatArray, share: bool) -> tuple[FloatArray, FloatArray]:
    """Log ratio and variance of each stratum with events in both phases."""
    some = (y1 > 0) & (y0 > 0)
    y1, t1, y0, t0 = (v[some] for v in (y1, t1, y0, t0))
    variance = 1.0 / y1 + 1.0 / y0 - (1.0 / t1 + 1.0 / t0 if share else 0.0)
    keep = variance > 0
    return np.log((y1 / t1) / (y0 / t0))[keep], variance[keep]


def _alike(effect: FloatArray, variance: FloatArray, phi: float) -> float:
    """P-value of one common effect (Cochran's Q over the dispersion)."""
    if effect.size < 2:
        return math.nan
    w = 1.0 / variance
    q = float((w * (effect - (w * effect).sum() / w.sum()) ** 2).sum()) / phi
    return float(chi2_sf(q, effect.size - 1.0))


def _made(
    data: PeriodTable, effect: float, variance: float, df: float, n: tuple[float, float], confidence: float, wide: bool
) -> Comparison:
    """An effect on the log scale (or a difference), with its interval and p-value from Student's t."""
    se = math.sqrt(variance)
    z = effect / se if se > 0 else 0.0
    p = min(1.0, 2.0 * float(t_sf(abs(z), df))) if se > 0 else 1.0
    half = float(t_quantile(0.5 + 0.5 * confidence, df)) * se if se > 0 else math.inf
    kind = "mean" if data.family in ("log", "mean") else data.family
    names = {"rate": "rate_ratio", "share": "risk_ratio", "log": "geometric_mean_ratio", "mean": "mean_difference"}

    def up(x: float) -> float:
        return x if data.family == "mean" else (math.exp(x) if x < 700.0 else math.inf)

    return Comparison(
        names[data.family], up(effect), Interval(up(effect - half), up(effect + half), confidence), p, "two-sided",
        data.metric.null, z, n, _METHODS[kind] + (", scatter between periods" if wide else ""), _REFERENCES[kind],
        df=df,
    )  # fmt: skip


def _stratum_tables(case: Case, rows: Keyed, t: FloatArray) -> list[PeriodTable]:
    """One table of periods for each stratum."""
    data, out = case.data, []
    for i, name in enumerate(rows.names):
        squares = None
        if data.squares is not None:
            squares = frozen_array(case.target.rows("stratum", name).squares(case.edges))
        table = replace(data, events=frozen_array(rows.amount[i]), exposure=frozen_array(t[i]), squares=squares)
        out.append(table)
    return out


def _scatter(tables: list[PeriodTable], before: Mask, after: Mask) -> tuple[float, float]:
    """Pearson dispersion inside strata and phases, and its degrees of freedom."""
    chi2, df = 0.0, 0.0
    for table in tables:
        phi, some = dispersion(table, tuple(m & (table.exposure > 0) for m in (before, after)))
        if some:
            chi2, df = chi2 + phi * some, df + some
    return (chi2 / df, df) if df else (1.0, math.inf)


def stratified(tables: list[PeriodTable], before: Mask, after: Mask, confidence: float) -> Stratified | None:
    """Return the effect pooled over strata; None where they hold no events before or after.

    Rates and shares by Mantel and Haenszel with the variance of Greenland & Robins (1985), means by precision; more
    scatter between periods than chance widens the interval (Student's t). Strata without exposure in one of the phases
    do not compare and have no weight.
    """
    use = [t for t in tables if t.exposure[before].sum() > 0 and t.exposure[after].sum() > 0]
    if not use:
        return None
    phi, df = _scatter(use, before, after)
    wide = phi > 1.0
    phi, df = (phi, df) if wide else (1.0, math.inf)
    y1, t1, y0, t0 = (np.array([v(t)[m].sum() for t in use]) for v, m in (
        (_events, after), (_exposure, after), (_events, before), (_exposure, before)))  # fmt: skip
    data = use[0]
    if data.family in ("rate", "share"):
        share = data.family == "share"
        effect, variance = _ratio(y1, t1, y0, t0, share)
        each = _each(y1, t1, y0, t0, share)
    else:
        spread = np.array([_mean_variance(t, before, after) for t in use])
        keep = np.isfinite(spread) & (spread > 0)
        y1, t1, y0, t0, spread = (v[keep] for v in (y1, t1, y0, t0, spread))
        if not keep.any():
            return None
        each = (y1 / t1 - y0 / t0, spread)
        effect, variance = float((each[0] / spread).sum() / (1.0 / spread).sum()), 1.0 / float((1.0 / spread).sum())
    if not math.isfinite(effect):
        return None
    made = _made(data, effect, variance * phi, df, (float(t1.sum()), float(t0.sum())), confidence, wide)
    return Stratified(made, _alike(*each, phi), len(use))


def _events(table: PeriodTable) -> FloatArray:
    return table.events


def _exposure(table: PeriodTable) -> FloatArray:
    return table.exposure


def _mean_variance(table: PeriodTable, before: Mask, after: Mask) -> float:
    """Sampling variance of the difference of two means, each phase with its own scatter."""
    v = [within_variance(table, table.squares, m) / float(table.exposure[m].sum()) for m in (before, after)]
    return sum(v)


def _exposures(case: Case, rows: Keyed) -> tuple[tuple[str, ...], FloatArray]:
    """Strata and their exposure, cut as the total was where late reports were allowed for."""
    target = case.target
    if target.by_case or target.exposure is None:
        names, t = rows.names, rows.size
    else:
        held = by_key(target.exposure, "stratum", case.edges)
        names = tuple(dict.fromkeys((*held.names, *rows.names)))
        t = line_up(names, held)
    total = t.sum(axis=0)
    share = np.divide(case.data.exposure, total, out=np.zeros_like(total), where=total > 0)
    return names, t * share


def _told(case: Case, value: float) -> str:
    return f"{value:+.3g}" if case.data.family == "mean" else f"{value:.3g}"


def mix_check(case: Case, before: Mask, primary: Comparison | None) -> tuple[Check | None, tuple[Evidence, ...], bool]:
    """13: is the effect there inside the strata too? Returns the check, its evidence, and whether there is doubt.

    None where no column of strata is named. In doubt: the crude comparison improved, the adjusted one does not show it,
    and the estimate moved by a tenth of the effect or more (change-in-estimate criterion: Mickey & Greenland 1989,
    American Journal of Epidemiology 129, 125-137), so that it is not only precision that was lost.
    """
    target, data, after = case.target, case.data, case.after
    if "stratum" not in target.log.keys:
        return None, (), False
    if not before.any() or not after.any():
        return make_check(13, "mix", "empty", "not possible"), (), False
    if not target.by_case and target.exposure is None:
        return make_check(13, "mix", "no_exposure", "not possible"), (), False
    rows = by_key(target.log, "stratum", case.edges)
    names, t = _exposures(case, rows)
    rows = Keyed(names, line_up(names, rows), np.zeros_like(t))
    apart = ~((t[:, before].sum(axis=1) > 0) & (t[:, after].sum(axis=1) > 0))
    weight = t if data.family in ("log", "mean") else rows.amount
    held = weight[:, before | after].sum(axis=1)
    lost = float(held[apart].sum() / held.sum()) if held.sum() > 0 else 0.0
    if lost > UNMATCHED:
        return make_check(13, "mix", "unmatched", "not possible", share=lost), (), False
    found = stratified(_stratum_tables(case, rows, t), before, after, 1.0 - case.plan.alpha)
    if found is None:
        return make_check(13, "mix", "empty", "not possible"), (), False
    return _judged(case, before, primary, found)


def _judged(
    case: Case, before: Mask, primary: Comparison | None, found: Stratified
) -> tuple[Check, tuple[Evidence, ...], bool]:
    plan, metric = case.plan, case.data.metric
    crude = compare_totals(case.data, case.after, before, 1.0 - plan.alpha)
    adjusted = found.comparison
    items = [make_evidence("mix_adjusted", adjusted.estimate, adjusted.interval)]
    if found.homogeneity == found.homogeneity:
        items.append(make_evidence("mix_homogeneity", found.homogeneity))
    margin = DRIFT_SHARE * promised(plan)
    shown: dict[str, Any] = {
        "adjusted": _told(case, adjusted.estimate),
        "crude": _told(case, crude.estimate),
        "strata": found.strata,
        "margin": f"{math.expm1(margin):.0%}" if metric.is_ratio else f"{margin:.3g}",
    }
    a, c = (_size(x.estimate, metric.is_ratio) for x in (adjusted, crude))
    sign = 1.0 if (metric.better or "lower") == "lower" else -1.0
    moved = sign * (a - c)  # above zero: less of an improvement inside the strata
    improved = primary is not None and side_of(primary, metric) < 0 and side_of(crude, metric) < 0
    if improved and side_of(adjusted, metric) >= 0 and moved > CONFOUNDED * abs(c):
        limits = {"low": _told(case, adjusted.interval.low), "high": _told(case, adjusted.interval.high)}
        return make_check(13, "mix", "vanished", "warn", "W-SIMPSON", **shown, **limits), tuple(items), True
    if a * c < 0 and abs(moved) > margin:
        return make_check(13, "mix", "reversed", "warn", "W-SIMPSON", **shown), tuple(items), False
    if abs(moved) > margin:
        return make_check(13, "mix", "moved", "warn", "W-AGE", **shown), tuple(items), False
    return make_check(13, "mix", "same", "pass", **shown), tuple(items), False


def _size(estimate: float, ratio: bool) -> float:
    if not ratio:
        return estimate
    return math.log(estimate) if 0.0 < estimate < math.inf else math.copysign(50.0, estimate - 1.0)
