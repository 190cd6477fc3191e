"""How often a chart, as it stands, signals: the bridge from stored limits to run lengths."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError, NoConvergence
from qstats.spc.chart import ControlChart
from qstats.spc.labels import phase_ends
from qstats.spc.limits import ControlLimits
from qstats.spc.rules import BEYOND_LIMITS, Rule, rule_set
from qstats.spc.runlength import (
    CHAMP_WOODALL,
    RunLength,
    attribute_alarm,
    cusum_survival,
    ewma_survival,
    mcusum_survival,
    mewma_survival,
    run_length_of_cusum,
    run_length_of_ewma,
    run_length_of_lengths,
    run_length_of_mcusum,
    run_length_of_mewma,
    run_length_of_probability,
    run_length_of_rules,
    simulate_run_lengths,
)
from qstats.spc.runlength.average import average_run_lengths
from qstats.spc.runlength.rules_chain import RuleChain, has_chain, rule_chain
from qstats.spc.stored import check_stored

__all__ = ["arl", "false_alarms"]

Lengths = npt.NDArray[np.int64]

_NORMAL = ("individuals", "xbar_r", "xbar_s", "between_within", "short_run")
_COUNTS = ("p", "np", "c", "u")
_LANEY = ("laney_p", "laney_u")
_MEMORY = ("ewma", "cusum", "moving_average", "mewma", "mcusum")
_SETTINGS = ("lam", "steady_state", "k", "h", "head_start", "span", "alpha")  # what a run length depends on
_SEED = 20261121
_RUNS = 20_000
_LONG = 2000  # points: from there on a run length is geometric to the last digit worth telling
_MOST = 10_000  # sizes looked at one by one for the mean false-alarm rate


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
    if _chain(rules, nsigma, "central") is None:
        return run_length_of_lengths(_simulated(rules, shift, nsigma), shift, CHAMP_WOODALL)
    return run_length_of_rules(rules, shift, nsigma)


@lru_cache(maxsize=64)
def _chain(rules: tuple[Rule, ...], nsigma: float, start: str) -> RuleChain | None:
    """Return the exact chain of the rules; None where only simulation can judge them."""
    if not all(has_chain(rule) for rule in rules):
        return None
    try:
        return rule_chain(rules, nsigma, start)
    except NoConvergence:  # too many states
        return None


@lru_cache(maxsize=16)
def _simulated(rules: tuple[Rule, ...], shift: float, nsigma: float) -> Lengths:
    return np.sort(simulate_run_lengths(rules, shift, nsigma, rng=_SEED, runs=_RUNS))


def _is_single(rules: tuple[Rule, ...]) -> bool:
    """Whether the rules look for single points beyond the limits and nothing else, whatever they are called."""
    return bool(rules) and all(
        (r.kind, r.m, r.threshold, r.sides, r.beyond_limits) == ("beyond", 1, None, "each", True) for r in rules
    )


def _counts(limits: ControlLimits, size: FloatArray, lines: tuple[FloatArray, FloatArray], shift: float) -> RunLength:
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
    lengths = _average_lengths(int(limits.number("span")), limits.nsigma, shift)
    reference = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.3"
    return run_length_of_lengths(lengths, shift, reference)


@lru_cache(maxsize=16)
def _average_lengths(span: int, nsigma: float, shift: float) -> Lengths:
    return np.sort(average_run_lengths(span, nsigma, shift, _SEED))


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
    the chart's first panel counts: a moving range or R chart beside it adds false alarms of its own. Of a chart with
    phases it is the last one that is told of: what new points are judged by.

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
        limits, own = chart.limits, chart.rule_set
    else:
        limits = chart if isinstance(chart, ControlLimits) else ControlLimits.from_dict(chart)  # type: ignore[arg-type]
        check_stored(limits)
        own = (BEYOND_LIMITS,)
    applied = own if rules is None else rule_set(rules).rules
    if limits.kind in _OTHERS:
        if rules is not None:
            raise DataError(f"rules: a {limits.kind} chart has no run rules; leave them out")
        return _noted(limits.kind, _OTHERS[limits.kind](limits, shift))
    if limits.kind in _NORMAL:
        return _noted(limits.kind, _of_rules(limits, applied, shift, rng))
    if limits.kind in _COUNTS and isinstance(chart, ControlChart) and _is_single(applied):
        return _noted(limits.kind, _counts(limits, *_last_lines(chart), shift))
    if limits.kind in (*_COUNTS, *_LANEY):
        text = "counts are taken as normal; rare events give more false alarms above and fewer below"
        return _noted(
            limits.kind, _of_rules(limits, applied, shift, rng), Note("normal-approximation", "warning", text)
        )
    raise DataError(f"chart: no run length is known for a chart of kind {limits.kind!r}")


def _noted(kind: str, run: RunLength, *more: Note) -> RunLength:
    normal = "" if kind in (*_COUNTS, *_LANEY, "g", "t") else " and normal"
    text = (
        f"limits are taken as known, points as independent{normal}: limits estimated from few points give more false "
        "alarms than this"
    )
    return replace(run, notes=(*run.notes, Note("assumed-known", "info", text), *more))


def _judged(chart: ControlChart) -> BoolArray:
    """Return the points that have a value and are not excluded, shape (n,)."""
    judged = ~np.isnan(next(iter(chart.panels.values())).statistic)
    return judged if chart.excluded is None else judged & ~chart.excluded


def _parts(chart: ControlChart) -> list[slice]:
    ends = phase_ends(chart.phases)
    return [slice(i, j) for i, j in zip((0, *ends), ends, strict=False)]


def _lines(chart: ControlChart, at: npt.NDArray[np.intp]) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    main = next(iter(chart.panels.values()))
    return chart.size[at], (main.lower[at], main.upper[at])


def _spread_out(at: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Return the points to look at one by one: all of them, or evenly many of very many."""
    return at[:: max(1, at.size // _MOST)]


def _last_lines(chart: ControlChart) -> tuple[FloatArray, tuple[FloatArray, FloatArray]]:
    """Return sizes and limits of the judged points of the last phase: what its centre belongs to."""
    last = _parts(chart)[-1]
    at = last.start + np.flatnonzero(_judged(chart)[last])
    if not at.size:
        raise DataError("chart: no point of the last phase is judged; a chart with judged points is wanted")
    return _lines(chart, _spread_out(at))


def _clear_counts(chart: ControlChart, where: slice, limits: ControlLimits, judged: BoolArray) -> float:
    """Return the log of the probability that no count of the phase lies beyond its own limits."""
    at = where.start + np.flatnonzero(judged[where])
    some = _spread_out(at)
    if not at.size:
        return 0.0
    size, lines = _lines(chart, some)
    alarm = attribute_alarm(limits.kind, limits.center, size, *lines)
    return float(np.log1p(-alarm).sum()) * at.size / some.size if (alarm < 1.0).all() else -math.inf


def _stretches(judged: BoolArray) -> npt.NDArray[np.intp]:
    """Return the lengths of the runs of judged points."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], judged, [False])).astype(np.int8)))
    return edges[1::2] - edges[::2]


def _at(lengths: npt.NDArray[np.intp], survival: Callable[[int], FloatArray]) -> FloatArray:
    """Return the probability of no signal in so many points of a new chart, for each length."""
    clear = np.concatenate(([1.0], survival(int(min(lengths.max(), _LONG)))))
    out = clear[np.minimum(lengths, clear.size - 1)]
    beyond = lengths > _LONG
    if beyond.any() and clear[-1] > 1e-6:
        part = _LONG // 10
        out[beyond] *= (clear[-1] / clear[-1 - part]) ** ((lengths[beyond] - _LONG) / part)
    return np.asarray(out)


def _share_above(sorted_lengths: Lengths) -> Callable[[int], FloatArray]:
    def survival(n: int) -> FloatArray:
        within = np.searchsorted(sorted_lengths, np.arange(1, n + 1), side="right")
        return np.asarray(1.0 - within / sorted_lengths.size)

    return survival


def _survival(limits: ControlLimits, rules: tuple[Rule, ...]) -> Callable[[int], FloatArray]:
    """Return what gives P(RL > 1), ..., P(RL > n) of a new chart in control."""
    kind, number = limits.kind, limits.number
    if kind == "ewma":
        how = "asymptotic" if limits.parameters.get("steady_state", False) else "exact"
        return lambda n: ewma_survival(number("lam"), limits.nsigma, n, limits=how)
    if kind == "cusum":
        head = number("h") * number("head_start")
        return lambda n: cusum_survival(number("k"), number("h"), n, head_start=head)
    if kind == "mewma":
        return lambda n: mewma_survival(number("lam"), number("h"), _variables(limits), n)
    if kind == "mcusum":
        return lambda n: mcusum_survival(number("k"), number("h"), _variables(limits), n)
    if kind == "moving_average":
        return _share_above(_average_lengths(int(number("span")), limits.nsigma, 0.0))
    if kind in _OTHERS:
        return lambda n: np.asarray((1.0 - number("alpha")) ** np.arange(1.0, n + 1.0))
    chain = _chain(rules, limits.nsigma, "empty")
    if chain is not None:
        return lambda n: chain.survival(n, 0.0)
    return _share_above(_simulated(rules, 0.0, limits.nsigma))


def _clear(chart: ControlChart) -> float:
    """Return the log of the chance that nothing on the main panel signals, each phase in control at its own centre."""
    judged = _judged(chart)
    phases = list(zip(chart.limits_by_phase, _parts(chart), strict=True))
    if chart.kind in _COUNTS and _is_single(chart.rule_set):
        return sum(_clear_counts(chart, where, limits, judged) for limits, where in phases)
    alike: dict[object, tuple[ControlLimits, list[npt.NDArray[np.intp]]]] = {}
    for limits, where in phases:
        # A memory chart waits at a gap and goes on after it; runs begin anew.
        lengths = np.array([np.count_nonzero(judged[where])]) if chart.kind in _MEMORY else _stretches(judged[where])
        key = (limits.nsigma, *(limits.parameters.get(name) for name in _SETTINGS))
        alike.setdefault(key, (limits, []))[1].append(lengths[lengths > 0])
    log = 0.0
    for limits, found in alike.values():
        different, times = np.unique(np.concatenate(found), return_counts=True)
        if different.size:
            clear = _at(different, _survival(limits, chart.rule_set))
            log += float(times @ np.log(clear)) if (clear > 0.0).all() else -math.inf
    return log


def false_alarms(chart: ControlChart) -> tuple[RunLength, float] | None:
    """Return the in-control run length of the last phase, and the chance that a chart like this has a false alarm.

    The chance counts the main panel, every phase at its own centre; runs begin anew at phase boundaries, gaps and
    excluded points, memory statistics at phase boundaries only. None where a chart has no run length.
    """
    try:
        return arl(chart), -math.expm1(_clear(chart))
    except (DataError, NoConvergence):
        return None
