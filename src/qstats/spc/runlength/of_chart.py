"""How often a chart, as it stands, signals: the bridge from stored limits to run lengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.spc.chart import ControlChart
from qstats.spc.limits import ControlLimits
from qstats.spc.rules import BEYOND_LIMITS, Rule, rule_set
from qstats.spc.runlength import (
    RunLength,
    attribute_alarm,
    run_length_of_cusum,
    run_length_of_ewma,
    run_length_of_mcusum,
    run_length_of_mewma,
    run_length_of_probability,
    run_length_of_rules,
)
from qstats.spc.runlength.average import run_length_of_average

__all__ = ["arl", "false_alarms"]

_NORMAL = ("individuals", "xbar_r", "xbar_s", "between_within", "short_run")
_COUNTS = ("p", "np", "c", "u")
_LANEY = ("laney_p", "laney_u")
_SEED = 20261121
_MOST = 10_000  # sizes looked at one by one for the mean false-alarm rate
_ASSUMED = Note(
    "assumed-known",
    "info",
    "limits are taken as known, points as independent and normal: limits estimated from few points give more false "
    "alarms than this",
)


def _of_rules(limits: ControlLimits, rules: tuple[Rule, ...], shift: float, rng: object) -> RunLength:
    if not rules:
        raise DataError("rules: there are none, so nothing ever signals; pass rules=")
    whole = [rule.name for rule in rules if rule.chart_level]
    if whole:
        raise DataError(f"rules: {whole[0]!r} judges a whole chart, which has no run length; leave it out")
    if rng is None:
        return _cached(rules, shift, limits.nsigma)
    return run_length_of_rules(rules, shift, limits.nsigma, rng)  # type: ignore[arg-type]


@lru_cache(maxsize=64)
def _cached(rules: tuple[Rule, ...], shift: float, nsigma: float) -> RunLength:
    return run_length_of_rules(rules, shift, nsigma, _SEED)


def _counts(limits: ControlLimits, size: np.ndarray, lines: tuple[np.ndarray, np.ndarray], shift: float) -> RunLength:
    """Exact for single points beyond the limits: the mean of the points' alarm probabilities."""
    p = limits.center
    spread = np.sqrt((p * (1.0 - p) if limits.kind in ("p", "np") else p) / size.mean())
    rate = p + shift * float(spread)
    if rate < 0 or (limits.kind in ("p", "np") and rate > 1):
        raise DataError(f"shift: {shift:g} standard errors lead to a rate of {rate:g}; a smaller shift is wanted")
    alarm = attribute_alarm(limits.kind, p, size, *lines, rate=rate)
    out = run_length_of_probability(float(alarm.mean()), shift)
    return replace(out, method="exact, mean over the points of the probability of a count beyond the limits")


def _ewma(limits: ControlLimits, shift: float) -> RunLength:
    steady = bool(limits.parameters.get("steady_state", False))
    how = "asymptotic" if steady else "exact"
    return run_length_of_ewma(limits.number("lam"), limits.nsigma, shift, limits=how)


def _cusum(limits: ControlLimits, shift: float) -> RunLength:
    h = limits.number("h")
    return run_length_of_cusum(limits.number("k"), h, shift, head_start=h * limits.number("head_start"))


def _moving_average(limits: ControlLimits, shift: float) -> RunLength:
    return _cached_average(int(limits.number("span")), limits.nsigma, shift)


@lru_cache(maxsize=64)
def _cached_average(span: int, nsigma: float, shift: float) -> RunLength:
    return run_length_of_average(span, nsigma, shift, _SEED)


def _single(limits: ControlLimits, shift: float) -> RunLength:
    if shift:
        raise DataError(f"shift: got {shift:g}; for a {limits.kind} chart only the run length in control is known")
    return run_length_of_probability(limits.number("alpha"))


def _rare(limits: ControlLimits, shift: float) -> RunLength:
    run = _single(limits, shift)
    text = "only single points beyond the limits are counted; the test for runs of the minimum adds false alarms"
    return replace(run, notes=(*run.notes, Note("run-test-left-out", "info", text))) if limits.kind == "g" else run


def _mewma(limits: ControlLimits, shift: float) -> RunLength:
    run = run_length_of_mewma(limits.number("lam"), limits.number("h"), _variables(limits), shift)
    if limits.parameters.get("steady_state"):
        return run
    text = "worked out for the asymptotic covariance; the exact one signals sooner on the first points"
    return replace(run, notes=(*run.notes, Note("asymptotic-covariance", "info", text)))


def _mcusum(limits: ControlLimits, shift: float) -> RunLength:
    if shift:
        raise DataError(f"shift: got {shift:g}; for an mcusum chart only the run length in control is known")
    return run_length_of_mcusum(limits.number("k"), limits.number("h"), _variables(limits))


def _variables(limits: ControlLimits) -> int:
    mean = limits.parameters["mean"]
    assert isinstance(mean, tuple)  # checked where limits come in
    return len(mean)


_OTHERS: dict[str, Callable[[ControlLimits, float], RunLength]] = {
    "ewma": _ewma,
    "cusum": _cusum,
    "t2": _single,
    "mewma": _mewma,
    "mcusum": _mcusum,
    "g": _rare,
    "t": _rare,
    "moving_average": _moving_average,
}


def arl(chart: object, shift: float = 0.0, *, rules: object = None, rng: object = None) -> RunLength:
    """Tell how many points a chart takes until it signals: false alarms in control, delay after a shift.

    Ask before choosing rules ("how often will this cry wolf?") and before promising that a shift will be seen. Only
    the chart's first panel counts: a moving range or R chart beside it adds false alarms of its own.

    Parameters
    ----------
    chart : ControlChart, ControlLimits or dict
        A chart, or stored limits.
    shift : float
        Shift of the mean from the first point on, in standard errors of the plotted point (an EWMA's or CUSUM's single
        value); 0 is in control.
    rules : str, RuleSet or tuple of Rule, optional
        Instead of the chart's own rules; ``"beyond limits"`` alone for stored limits unless given. Charts with a memory
        have no run rules.
    rng : numpy.random.Generator or int, optional
        For rules that only simulation can judge (trends, alternation); a fixed seed otherwise.

    Returns
    -------
    RunLength
        ``arl`` in points; ``within`` gives the chance of a signal in 25, 50 and 100 points.

    Raises
    ------
    DataError
        A chart without a run length (run chart, funnel), or a shift that is not defined for it.

    References
    ----------
    Champ & Woodall (1987), Technometrics 29(4), 393-399; Crowder (1987), Technometrics 29(4), 401-407; Lucas & Crosier
    (1982), Technometrics 24(3), 199-205.

    Examples
    --------
    >>> from qstats import arl, individuals
    >>> chart = individuals([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> round(arl(chart).arl, 2), round(arl(chart.limits).arl, 1)
    (91.75, 370.4)
    """
    shift = check_number(shift, "shift")
    if isinstance(chart, ControlChart):
        limits, own, size = chart.limits, chart.rule_set, chart.size
        main = next(iter(chart.panels.values()))
        lines = (main.lower, main.upper)
    else:
        limits = chart if isinstance(chart, ControlLimits) else ControlLimits.from_dict(chart)  # type: ignore[arg-type]
        own, size, lines = (BEYOND_LIMITS,), None, None
    applied = own if rules is None else rule_set(rules).rules
    if limits.kind in _OTHERS:
        if rules is not None:
            raise DataError(f"rules: a {limits.kind} chart has no run rules; leave them out")
        return _noted(_OTHERS[limits.kind](limits, shift))
    if limits.kind in _NORMAL:
        return _noted(_of_rules(limits, applied, shift, rng))
    if limits.kind in _COUNTS and size is not None and lines is not None and applied == (BEYOND_LIMITS,):
        kept = ~np.isnan(size)
        some = slice(None, None, max(1, int(kept.sum()) // _MOST))
        return _counts(limits, size[kept][some], (lines[0][kept][some], lines[1][kept][some]), shift)
    if limits.kind in (*_COUNTS, *_LANEY):
        text = "counts are taken as normal; rare events give more false alarms above and fewer below"
        return _noted(_of_rules(limits, applied, shift, rng), Note("normal-approximation", "warning", text))
    raise DataError(f"chart: no run length is known for a chart of kind {limits.kind!r}")


def _noted(run: RunLength, *more: Note) -> RunLength:
    return replace(run, notes=(*run.notes, _ASSUMED, *more))


def false_alarms(chart: ControlChart, n: int) -> tuple[float, float] | None:
    """Return the in-control ARL and the chance of at least one false alarm in `n` points; None where unknown."""
    try:
        run = arl(chart)
    except DataError:
        return None
    # Beyond the tabulated points a run length is very nearly geometric, which keeps the last tabulated tail.
    last, within = run.within[-1]
    known = dict(run.within)
    if n in known:
        return run.arl, known[n]
    clear = (1.0 - within) ** (n / last) if within < 1.0 else 0.0
    return run.arl, 1.0 - clear
