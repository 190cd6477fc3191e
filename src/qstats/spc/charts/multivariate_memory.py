"""Multivariate charts with a memory: MEWMA and MCUSUM."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile
from qstats.errors import DataError
from qstats.spc.build import Carry, ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.memory_fit import SINGLE_POINTS, put_back
from qstats.spc.charts.multivariate_door import Vectors, later_vectors, read_vectors, subgroup_means
from qstats.spc.charts.multivariate_fit import Known, check_covariance, check_target, check_variables, locate, stored
from qstats.spc.door import Layers
from qstats.spc.flow import judging, make_chart
from qstats.spc.kernels.multivariate import MewmaCarry
from qstats.spc.kernels.multivariate import mcusum as sums
from qstats.spc.kernels.multivariate import mewma as averages
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.runlength.multivariate import mcusum_limit, mewma_limit
from qstats.spc.stretch import Varying

__all__ = ["TYPES", "mcusum", "mewma"]

ARL0 = 370.4  # that of a chart with 3-sigma limits
_MEWMA_REFERENCE = "Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53"
_MCUSUM_REFERENCE = "Crosier (1988), Technometrics 30(3), 291-303"


def _points(vectors: Vectors) -> Points:
    means = vectors.rows if vectors.size is None else subgroup_means(vectors.rows, vectors.size)
    return Points({"mean": means}, vectors.n)


def _measure(new: New, limits: ControlLimits) -> Points:
    grouped = limits.parameters.get("basis") == "pooled"
    return _points(later_vectors(new, Known.of(limits).names, subgroups=grouped))


def _taken(span: Span) -> tuple[FloatArray, FloatArray, BoolArray | None]:
    """Return the vectors a memory takes in, their sizes, and which those are (None: all)."""
    x, n = span.points["mean"][span.where], span.points.size[span.where]
    if span.broken is None:
        return x, n, None
    keep = ~span.broken
    return x[keep], n[keep], keep


def _plotted(span: Span, values: FloatArray, keep: BoolArray | None, before: float) -> FloatArray:
    """Return one statistic per point: an excluded point repeats the one before it, a gap has none."""
    out = put_back(values, keep, before)
    if keep is not None:
        out[np.isnan(span.points["mean"][span.where]).any(axis=1)] = np.nan
    return out


def _stretch(span: Span, x: FloatArray, center: float) -> Varying:
    h = span.limits.number("h")
    return Varying(span.start, span.stop, x, center, (h - center) / span.limits.nsigma, math.nan, h)


def _draw_mewma(span: Span) -> Drawn:
    lim, known = span.limits, Known.of(span.limits)
    x, n, keep = _taken(span)
    p = len(known.names)
    state, last = MewmaCarry(np.zeros(p)), 0.0
    if span.carry is not None:
        z, seen, variance, before = span.carry
        state, last = MewmaCarry(np.asarray(z), int(float(seen)), float(variance)), float(before)
    steady = lim.parameters.get("steady_state") is True
    size: float | FloatArray = n
    if lim.parameters.get("basis") != "pooled":
        size = 1.0
    elif steady:
        size = _one_size(n, lim)
    values = np.empty(0)
    if x.shape[0]:
        _, values, state = averages(
            x, known.mean, known.cov, lim.number("lam"), size=size, exact=not steady, carry=state, names=known.names
        )
    shown = _plotted(span, values, keep, last)
    carry: Carry = (state.z, float(state.seen), state.variance, float(values[-1]) if values.size else last)
    center = float(chi2_quantile(0.5, p))
    return Drawn({"mewma": _stretch(span, shown, center)}, carry)


def _one_size(n: FloatArray, lim: ControlLimits) -> float:
    size = lim.number("n")
    if (n != size).any():
        text = f"subgroups of {n[np.argmax(n != size)]:g} rows among such of {size:g}"
        raise DataError(f"steady_state: {text}; limits of an endless series want one size, pass steady_state=False")
    return size


def _draw_mcusum(span: Span) -> Drawn:
    lim, known = span.limits, Known.of(span.limits)
    x, n, keep = _taken(span)
    state, last = (np.zeros(len(known.names)), 0.0) if span.carry is None else span.carry
    before = float(last)
    values, after = np.empty(0), np.asarray(state)
    if x.shape[0]:
        size: float | FloatArray = n if lim.parameters.get("basis") == "pooled" else 1.0
        values, after = sums(x, known.mean, known.cov, lim.number("k"), size=size, carry=after, names=known.names)
    shown = _plotted(span, values, keep, before)
    return Drawn({"mcusum": _stretch(span, shown, 0.0)}, (after, float(values[-1]) if values.size else before))


TYPES = {
    "mewma": ChartType("mewma", _measure, _draw_mewma, _MEWMA_REFERENCE, run_rules=False, recursive=True),
    "mcusum": ChartType("mcusum", _measure, _draw_mcusum, _MCUSUM_REFERENCE, run_rules=False, recursive=True),
}


@lru_cache(maxsize=256)
def _limit(kind: str, weight: float, p: int, arl0: float) -> float:
    return mewma_limit(weight, p, arl0) if kind == "mewma" else mcusum_limit(weight, p, arl0)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Mean vector and covariance of one phase after another."""

    kind: str
    vectors: Vectors
    layout: Layout
    how: str
    target: FloatArray | None
    parameters: Mapping[str, Parameter]

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at, m = locate(self.vectors, self.layout.used, where, name, self.how)
        if self.target is not None:
            at = at._replace(mean=self.target)
        n = float(self.vectors.n[where][self.layout.used[where]].mean())
        held = {**self.parameters, **stored(at, self.vectors.names), "basis": self.how, "m": m, "n": n}
        center = float(chi2_quantile(0.5, self.vectors.p)) if self.kind == "mewma" else 0.0
        method = {
            "pooled": "covariance pooled within subgroups",
            "sample": "sample covariance of single vectors",
            "successive_differences": "covariance from successive differences of single vectors",
        }[self.how]
        return ControlLimits(self.kind, center, None, 3.0, name, m, method, held, float(at.df))

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say nothing: a covariance without spread has been refused."""
        return ()


def _describe(limits: ControlLimits) -> str:
    what = f"MEWMA with weight {limits.number('lam'):g}" if limits.kind == "mewma" else "Crosier's MCUSUM"
    if limits.kind == "mewma":
        what += ", asymptotic covariance" if limits.parameters.get("steady_state") else ", exact covariance"
    else:
        what += f" with k = {limits.number('k'):g}"
    exact = limits.kind == "mewma" and not limits.parameters.get("steady_state")
    arl0 = f" (in-control run length {limits.number('arl0'):g}" if "arl0" in limits.parameters else ""
    arl0 += (" with the asymptotic covariance)" if exact else ")") if arl0 else ""
    return f"{what}; {limits.method}; h = {limits.number('h'):.6g}{arl0}"


def _weight(kind: str, value: object) -> float:
    if kind == "mcusum":
        return check_number(value, "k", above=0.0)
    weight = check_number(value, "lam", above=0.0)
    if weight > 1.0:
        raise DataError(f"lam: got {weight:g}; a weight above 0 and at most 1 is wanted")
    return weight


def _level(kind: str, weight: float, p: int, h: object, arl0: object) -> dict[str, Parameter]:
    """Return the limit as it came, or from the run length it is to have."""
    if h is not None:
        if arl0 is not None:
            raise DataError("arl0: came together with h; pass one of them")
        return {"h": check_number(h, "h", above=0.0)}
    length = ARL0 if arl0 is None else check_number(arl0, "arl0", above=1.0)
    return {"h": _limit(kind, weight, p, length), "arl0": length}


def _check_limits(given: ControlLimits, vectors: Vectors, options: Mapping[str, tuple[object, object]]) -> None:
    """Refuse what stored limits hold already, or lack."""
    check_variables(vectors, given)
    weight = "lam" if given.kind == "mewma" else "k"
    _weight(given.kind, given.number(weight))
    check_number(given.number("h"), "limits.parameters['h']", above=0.0)
    if (given.parameters.get("basis") == "pooled") != (vectors.size is not None):
        raise DataError("limits: they were made for single vectors and subgroups came, or the other way round")
    for name, (value, default) in options.items():
        if value is not None if default is None else value not in (default, given.parameters.get(name)):
            raise DataError(f"{name}: given together with limits, which hold it; pass one of them")


def _chart(
    kind: str,
    data: object,
    columns: tuple[Sequence[str] | None, object, int | None],
    layers: Layers,
    limits: object,
    weight: tuple[str, float, float],
    options: Mapping[str, object],
    missing: str,
) -> ControlChart:
    """Make either chart; `weight` is the name, value and default of lam or k."""
    by = judging(kind, layers, limits, SINGLE_POINTS, 3.0)
    got = read_vectors(data, *columns, layers, missing)
    name, value, default = weight
    checked = _weight(kind, value)
    how, target, parameters = "", None, dict[str, Parameter]()
    if by.given is None:
        how = check_covariance(options["covariance"], got.size is not None)
        target = None if options["target"] is None else check_target(options["target"], got.names)
        parameters = {name: checked, **_level(kind, checked, got.p, options["h"], options["arl0"])}
        if "steady_state" in options:
            parameters["steady_state"] = options["steady_state"] is True
    else:
        held: dict[str, tuple[object, object]] = {name: (checked, default)}
        held |= {k: (v, False if k == "steady_state" else None) for k, v in options.items()}
        _check_limits(by.given, got, held)
    points = _points(got)
    return make_chart(
        TYPES[kind],
        points,
        got.layers,
        got.labels,
        by,
        lambda layout: _Fit(kind, got, layout, how, target, parameters),
        gaps=missing == "drop",
        describe=_describe,
        notes=got.notes,
    )


def mewma(
    data: object,
    *,
    values: Sequence[str] | None = None,
    by: object = None,
    size: int | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    lam: float = 0.1,
    h: float | None = None,
    arl0: float | None = None,
    steady_state: bool = False,
    covariance: str | None = None,
    target: Sequence[float] | None = None,
    missing: str = "raise",
) -> ControlChart:
    """Chart a running average of several related characteristics, to see small lasting shifts in any of them.

    For shifts of half a sigma to two in some direction, which a `t2` chart takes long to show. Not for single odd
    points (`t2` beside it), and it does not say which characteristic moved: look at their own charts from the signal
    back.

    Parameters
    ----------
    data, values, by, size, order_by, phase, baseline, missing
        As in `t2`.
    exclude : slice, array-like or str, optional
        Points with a known special cause: neither used nor judged nor averaged; the average waits. A gap does the same.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated.
    lam : float
        Weight of the newest point, above 0 and at most 1; small weights find small shifts.
    h : float, optional
        Limit of the statistic; by default it follows from `arl0`.
    arl0 : float, optional
        Points a stable process is to run on average until a false alarm; 370.4 unless given.
    steady_state : bool
        True: divide by the covariance the average has in the end, for which `arl0` is exact. False: by the one it has
        at each point, which sees a shift at the start sooner and has more false alarms there: where 200 is asked for,
        the run length is about 196 with ``lam=0.2``, 186 with 0.1, 167 with 0.05 (2 to 4 variables).
    covariance : {"sample", "successive_differences"}, optional
        As in `t2`.
    target : sequence of float, optional
        Where the average starts and from where distances are taken, instead of the mean: one number per variable.

    Returns
    -------
    ControlChart
        Panel ``"mewma"``: distance of the average from the centre; no lower limit, centre line at the median of
        chi-square. ``limits.parameters`` holds ``lam``, ``h``, ``mean``, ``covariance``, ``names``.

    Raises
    ------
    DataError
        The data or an option cannot be used, or the covariance is singular (the characteristics are named).
    NoConvergence
        No limit gives the run length asked for within double precision.

    Notes
    -----
    ``Z_i = lam (x_i - mean) + (1 - lam) Z_(i-1)``, statistic ``Z' Cov(Z)^-1 Z`` with ``Cov(Z_i) = lam / (2 - lam) (1 -
    (1 - lam)**(2 i)) S / n``; `h` from the integral equation of the run length, mean and covariance taken as known.

    References
    ----------
    Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53; Rigdon (1995), Journal of Statistical Computation
    and Simulation 52(4), 351-365; Montgomery (2013), 7th ed., section 11.4.

    Examples
    --------
    >>> from qstats import mewma
    >>> minutes = [[5.1, 10.3], [4.8, 9.4], [5.5, 11.2], [4.6, 9.1], [5.3, 10.5], [5.0, 10.1], [4.7, 9.5], [5.2, 10.2]]
    >>> chart = mewma([*minutes, [5.2, 10.0], [5.4, 10.2], [5.3, 10.1]], baseline=8, arl0=200)
    >>> round(chart.limits.number("h"), 2), [s.label for s in chart.signals]
    (8.63, ['10', '11'])
    """
    if not isinstance(steady_state, bool):
        raise DataError(f"steady_state: got {steady_state!r}; True or False is wanted")
    layers = Layers(order_by, phase, baseline, exclude)
    options = {"h": h, "arl0": arl0, "steady_state": steady_state, "covariance": covariance, "target": target}
    return _chart("mewma", data, (values, by, size), layers, limits, ("lam", lam, 0.1), options, missing)


def mcusum(
    data: object,
    *,
    values: Sequence[str] | None = None,
    by: object = None,
    size: int | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    k: float = 0.5,
    h: float | None = None,
    arl0: float | None = None,
    covariance: str | None = None,
    target: Sequence[float] | None = None,
    missing: str = "raise",
) -> ControlChart:
    """Add up deviations of several related characteristics until they are too much (Crosier's multivariate CUSUM).

    For lasting shifts of a known size in an unknown direction: `k` is half that size. Not for single odd points (`t2`),
    nor where a shift of any size may come (`mewma` is as quick and less tied to one size).

    Parameters
    ----------
    data, values, by, size, order_by, phase, baseline, exclude, limits, covariance, target, missing
        As in `mewma`.
    k : float
        Allowance: half the shift to be found, as a distance in units of the covariance (of the means, for subgroups).
    h : float, optional
        Limit of the length of the sum; by default it follows from `arl0`.
    arl0 : float, optional
        Points a stable process is to run on average until a false alarm; 370.4 unless given.

    Returns
    -------
    ControlChart
        Panel ``"mcusum"``: length of the sum, from 0 up.

    Raises
    ------
    DataError
        The data or an option cannot be used, or the covariance is singular (the characteristics are named).

    Notes
    -----
    With ``C`` the length of ``S + x - mean`` in units of the covariance: ``S = 0`` if ``C <= k``, else ``(S + x - mean)
    (1 - k / C)``; plotted is the length of the new S. `h` from the integral equation of the run length.

    References
    ----------
    Crosier (1988), Technometrics 30(3), 291-303; Montgomery (2013), 7th ed., section 11.4.

    Examples
    --------
    >>> from qstats import mcusum
    >>> minutes = [[5.1, 10.3], [4.8, 9.4], [5.5, 11.2], [4.6, 9.1], [5.3, 10.5], [5.0, 10.1], [4.7, 9.5], [5.2, 10.2]]
    >>> chart = mcusum([*minutes, [5.2, 10.0], [5.4, 10.2], [5.3, 10.1]], baseline=8, arl0=200)
    >>> round(chart.limits.number("h"), 2), [s.label for s in chart.signals]
    (5.49, ['10', '11'])
    """
    layers = Layers(order_by, phase, baseline, exclude)
    options = {"h": h, "arl0": arl0, "covariance": covariance, "target": target}
    return _chart("mcusum", data, (values, by, size), layers, limits, ("k", k, 0.5), options, missing)
