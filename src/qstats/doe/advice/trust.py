"""Rules on whether the results can be trusted and judged: lost and odd runs, drift, no error, nothing found."""

from __future__ import annotations

import math

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.noncentral_t import nct_cdf, nct_sf
from qstats._core.quantiles import t_quantile
from qstats.doe.advice.evidence import Evidence
from qstats.doe.advice.result import Step

__all__ = ["drift", "missing", "nothing_active", "outlier", "poor_prediction", "saturated", "unreplicated"]

_RARE = 0.01  # two tests of the run order: as the note of a fit
_FAR = 0.2
_POWER = 0.9
_MOST_RUNS = 4096
_CENTERS = 4


def missing(e: Evidence) -> Step | None:
    """Runs without a result are made again."""
    lost = np.flatnonzero(np.isnan(e.fit.y)).tolist()
    if not lost:
        return None
    return e.step(
        "missing", 1, "repeat the runs without a result",
        f"{len(lost)} of {len(e.fit.design)} runs have no {e.name}; if they were lost because of the result, what is"
        " left misleads",
        f"{e.text}.design.coded_frame().iloc[{lost}]", len(lost),
    )  # fmt: skip


def outlier(e: Evidence) -> Step | None:
    """A run that does not belong to the others is looked at and made again."""
    told = e.fit.diagnostics
    if told.outlier_pvalue is None or not told.outlier_pvalue < e.alpha or told.deleted is None:
        return None
    run = int(told.run[int(np.nanargmax(np.abs(told.deleted)))])
    return e.step(
        "outlier", 1, f"look at run {run} and repeat it",
        f"it lies {abs(float(np.nanmax(np.abs(told.deleted)))):.3g} standard errors off the model of the others"
        f" (p = {told.outlier_pvalue:.3g} for all runs)",
        f"{e.text}.design.coded_frame().iloc[[{run - 1}]]", 1,
    )  # fmt: skip


def drift(e: Evidence) -> Step | None:
    """Residuals that follow the order of the runs: something changed with time."""
    order = e.fit.diagnostics.run_order
    if order is None or not min(order.p, order.p_durbin_watson) < _RARE:
        return None
    shuffled = e.fit.design.seed is not None
    why = f"the response changes by {order.slope:.3g} a run beside the model (p = {order.p:.3g};"
    why += f" Durbin-Watson {order.durbin_watson:.3g}, p = {order.p_durbin_watson:.3g})"
    n = len(e.fit.design)
    return e.step(
        "drift", 1, "find what drifted, then run a second replicate in random order and two blocks",
        why if shuffled else f"{why}, and the runs were not in random order: the drift may pass for an effect",
        f"doe.optimal({e.text}.design.factors, runs={2 * n}, model={e.text}.model, augment={e.text}.design, blocks=2,"
        " rng=1)", n,
    )  # fmt: skip


def _center_text(e: Evidence) -> tuple[str, str, int]:
    """Centre points where every factor has a middle, else repeated runs: what, how, runs."""
    if all(f.kind == "continuous" for f in e.fit.design.factors):
        middle = ", ".join(f"{f.name!r}: [{f.center!r}] * {_CENTERS}" for f in e.fit.design.factors)
        return f"add {_CENTERS} centre points", f"{{{middle}}}", _CENTERS
    return f"add {_CENTERS} runs, some of them repeats", e.augmented(_CENTERS, f"{e.text}.model", apart=False), _CENTERS


def saturated(e: Evidence) -> Step | None:
    """Nothing is left for the error."""
    if e.fit.fitted.df > 0.0:
        return None
    what, how, runs = _center_text(e)
    why = f"the model takes all {e.measured} runs: no degree of freedom is left for the error, and no interval exists"
    if e.contrasts is not None and e.contrasts.lenth is not None:
        why += f" (Lenth's method finds {', '.join(e.active) or 'nothing'})"
    return e.step("saturated", 2, what, why, how, runs)


def unreplicated(e: Evidence) -> Step | None:
    """Error is left, but no setting was repeated: what the model misses cannot be told from noise."""
    f = e.fit
    plain = f.distribution in ("normal", "lognormal") and f.censored is None and not f.design.split_plot
    if not plain or f.lack_of_fit is not None or not f.fitted.df > 0.0:
        return None
    what, how, runs = _center_text(e)
    why = "no setting was run twice in a block: lack of fit and curvature cannot be told from noise"
    return e.step(
        "unreplicated", 4, what, f"{why} (error of {f.fitted.df:g} df is all model misfit and noise)", how, runs
    )


def runs_for(effect: float, terms: int, alpha: float, power: float = _POWER) -> int:
    """Return the runs that find an effect (high less low, in standard deviations of a run) with this power.

    Two-sided t test at alpha in an orthogonal two-level design of n runs and a model of so many columns:
    noncentrality effect sqrt(n) / 2, n - terms degrees of freedom.
    """
    n = np.arange(terms + 1, _MOST_RUNS + 1)
    at = np.flatnonzero(_power(effect, n, terms, alpha) >= power)
    return int(n[at[0]]) if at.size else _MOST_RUNS


def _power(effect: float, n: np.ndarray[tuple[int], np.dtype[np.int64]], terms: int, alpha: float) -> FloatArray:
    df = (n - terms).astype(np.float64)
    need = t_quantile(1.0 - 0.5 * alpha, df)
    delta = 0.5 * abs(effect) * np.sqrt(n)
    return np.asarray(nct_sf(need, df, delta) + nct_cdf(-need, df, delta))


def nothing_active(e: Evidence, effect: float | None = None) -> Step | None:
    """Nothing stands out: widen the ranges, or as many runs as the smallest effect of interest needs."""
    if not e.tested or e.active:
        return None
    f = e.fit
    why = f"no term is significant (smallest p = {e.smallest:.3g})"
    plain = f.distribution in ("normal", "lognormal") and f.censored is None and not f.design.split_plot
    if not (plain and f.fitted.df > 0.0 and f.sigma > 0.0):
        return e.step(
            "nothing-active", 4, "widen the ranges of the factors, or vary others", why,
            f"doe.evaluate({e.text}.design, model={e.text}.model)",
        )  # fmt: skip
    size = effect / f.sigma if effect is not None else 1.0
    shown = f"an effect of {size * f.sigma:.4g}" + ("" if effect is not None else " (one standard deviation of a run)")
    p, n = len(f.labels), runs_for(size, len(f.labels), e.alpha)
    had = float(_power(size, np.array([e.measured]), p, e.alpha)[0])
    if n <= e.measured or math.isinf(size):
        why += f"; {shown} would have been found with probability {had:.2f}: the factors do less than matters here"
        return e.step(
            "nothing-active", 4, "widen the ranges of the factors, or vary others", why,
            f"doe.evaluate({e.text}.design, model={e.text}.model)",
        )  # fmt: skip
    why += f"; {shown} is found with probability {had:.2f} by these {e.measured} runs, with {_POWER:g} by {n}"
    more = n - e.measured
    return e.step(
        "nothing-active", 4, "widen the ranges (twice the range is four times the runs), or add runs", why,
        e.augmented(more, f"{e.text}.model"), more,
    )  # fmt: skip


def poor_prediction(e: Evidence) -> Step | None:
    """A model that does not predict runs it has not seen holds too many terms."""
    adjusted, predicted = e.fit.r2_adjusted, e.fit.r2_predicted
    if adjusted is None or predicted is None or (predicted >= 0.0 and adjusted - predicted <= _FAR):
        return None
    family = "" if e.fit.distribution == "normal" else f', distribution="{e.fit.distribution}"'
    return e.step(
        "poor-prediction", 3, "leave out terms that do not help, and look at runs of high leverage",
        f"predicted R2 is {predicted:.3f} against {adjusted:.3f} adjusted",
        f"doe.select_terms({e.text}.design, {e.text}.y, candidates={e.text}.model{family})",
    )  # fmt: skip
