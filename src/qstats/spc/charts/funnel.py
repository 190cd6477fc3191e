"""Funnel plot: units of different size against limits that narrow as units grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray, as_exposure
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile
from qstats._core.result import frozen_array
from qstats.errors import DataError
from qstats.spc.build import ChartType, Drawn, Plan, Span, assemble
from qstats.spc.chart import ControlChart
from qstats.spc.charts.funnel_door import read_units
from qstats.spc.charts.memory_fit import SINGLE_POINTS
from qstats.spc.kernels.funnel_model import Model, Overdispersion, adjusted_pvalues, estimate_overdispersion
from qstats.spc.labels import PointLabels
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import lay_out
from qstats.spc.points import New, Points
from qstats.spc.stretch import Varying

__all__ = ["TYPES", "Funnel", "funnel"]

_REFERENCE = "Spiegelhalter (2005), Funnel plots for comparing institutional performance, Statist. Med. 24, 1185-1202"
_KINDS = {"size": "proportion", "exposure": "rate", "expected": "ratio"}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Funnel(ControlChart):
    """A funnel plot: a `ControlChart` whose points are units instead of periods, with what is told of each unit.

    Panel ``"funnel"`` has the limits of the highest confidence; ``signals`` are the units beyond them. It cannot be
    extended or monitored: the target is that of all units together.

    Parameters
    ----------
    levels : tuple of float
        Confidence of the limits, from low to high, L of them.
    lower, upper : numpy.ndarray
        Lower and upper limits of each unit and level, shape (n, L), as drawn.
    z : numpy.ndarray
        Distance from the target in standard deviations of a unit like the others (overdispersion included), on the
        transformed scale, shape (n,).
    pvalue, adjusted : numpy.ndarray
        Two-sided p-values of "a unit like the others", and the same adjusted for the number of units, shape (n,).
    adjustment : str
        ``"holm"`` or ``"bh"``.
    status : tuple of str
        ``"high 0.998"``, ``"high 0.95"``, ``"inside"``, ``"low 0.95"``, ...: the widest limit the unit is beyond.
    overdispersion : Overdispersion
        ``phi`` and ``tau2``, as estimated, drawn with or not.
    """

    schema: ClassVar[str] = "qstats.funnel/1"
    title: ClassVar[str] = "Funnel plot"

    levels: tuple[float, ...]
    lower: FloatArray
    upper: FloatArray
    z: FloatArray
    pvalue: FloatArray
    adjusted: FloatArray
    adjustment: str
    status: tuple[str, ...]
    overdispersion: Overdispersion

    def curve(self, size: object, level: float) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper limit at any sizes, to draw the funnel.

        Parameters
        ----------
        size : array-like
            Sizes, exposures or expected counts.
        level : float
            Confidence of the limits.
        """
        x = as_exposure(size, "size", np.size(size))  # type: ignore[arg-type]
        return _model_of(self.limits).limits(x, check_confidence(level, "level"))

    def _rows(self) -> list[tuple[str, str]]:
        od = self.overdispersion
        drawn = "drawn with it" if self.limits.number("tau2") > 0 else "limits of chance alone"
        rows = [("units", str(len(self.labels))), ("target", f"{self.limits.center:.6g}")]
        rows.append(("overdispersion", f"phi {od.phi:.4g}, tau2 {od.tau2:.4g}: {drawn}"))
        for status in dict.fromkeys(s for s in self.status if s not in ("inside", "gap")):
            who = [self.labels[i] for i, s in enumerate(self.status) if s == status]
            rows.append((status, ", ".join(who[:8]) + (f" and {len(who) - 8} more" if len(who) > 8 else "")))
        return [*rows, ("method", self.method), ("reference", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {"unit": list(self.labels), "count": self.columns["count"], "size": self.size}
        out["statistic"], out["z"] = self._main().statistic, self.z
        out["pvalue"], out["adjusted"], out["status"] = self.pvalue, self.adjusted, list(self.status)
        for j, level in enumerate(self.levels):
            out[f"lower_{level:g}"], out[f"upper_{level:g}"] = self.lower[:, j], self.upper[:, j]
        return out


def _model_of(lim: ControlLimits) -> Model:
    held = lim.parameters
    return Model(str(held["model"]), str(held["transform"]), lim.center, lim.number("tau2"), held["limits"] == "exact")


def _measure(new: New, limits: ControlLimits) -> Points:
    raise DataError("new: a funnel compares units with one another at one time; make a new one, or chart one unit")


def _draw(span: Span) -> Drawn:
    lim = span.limits
    count, size = span.points["count"][span.where], span.points.size[span.where]
    lower, upper = _model_of(lim).limits(size, lim.parameters["levels"][-1])  # type: ignore[index, arg-type]
    above, below = (upper - lim.center) / lim.nsigma, (lim.center - lower) / lim.nsigma
    return Drawn({"funnel": Varying(span.start, span.stop, count / size, lim.center, above, lower, upper, below)})


TYPES = {"funnel": ChartType("funnel", _measure, _draw, _REFERENCE, run_rules=False)}


def _levels(confidence: object) -> tuple[float, ...]:
    asked = confidence if isinstance(confidence, list | tuple) else (confidence,)
    if not asked:
        raise DataError("confidence: no level came; at least one is wanted, such as (0.95, 0.998)")
    return tuple(sorted({check_confidence(c) for c in asked}))


def _target(target: object, kind: str, points: Points) -> float:
    if target is None:
        if kind == "ratio":
            return 1.0
        there = ~np.isnan(points.main)
        value = float(points.main[there].sum() / points.size[there].sum())
        if value in (0.0, 1.0 if kind == "proportion" else 0.0):
            raise DataError(f"count: every unit is at {value:g}: there is nothing to compare; pass target=")
        return value
    return check_number(target, "target", above=0.0, below=1.0 if kind == "proportion" else np.inf)


def _transform(transform: object, kind: str) -> str:
    if kind == "proportion":
        if transform not in (None, "arcsine"):
            raise DataError(f"transform: got {transform!r}; proportions are put on the arcsine scale, leave it out")
        return "arcsine"
    return "sqrt" if transform is None else check_choice(transform, "transform", ("sqrt", "log"))


def _statuses(x: FloatArray, lower: FloatArray, upper: FloatArray, levels: tuple[float, ...]) -> tuple[str, ...]:
    high = (x[:, None] > upper).sum(axis=1)
    low = (x[:, None] < lower).sum(axis=1)
    names = ["inside", *(f"high {v:g}" for v in levels), *(f"low {v:g}" for v in levels)]
    code = np.where(high > 0, high, np.where(low > 0, low + len(levels), 0))
    return tuple("gap" if v != v else names[c] for v, c in zip(x.tolist(), code.tolist(), strict=True))


def _notes(points: Points, model: Model, od: Overdispersion, adjusting: bool) -> tuple[Note, ...]:
    out = []
    there = ~np.isnan(points.main)
    if not adjusting and od.tau2 > 0.0 and od.phi > 1.0:
        text = f"units differ {od.phi:.3g} times as much as chance allows: limits of chance alone single out too many"
        out.append(Note("overdispersed", "warning", text + "; pass overdispersion='additive'"))
    zeros = int((points.main[there] == 0).sum())
    if model.transform == "log" and zeros:
        out.append(Note("zero-counts", "info", f"{zeros} counts of 0 were taken as 0.5 on the log scale"))
    if od.n < 10:
        out.append(Note("few-units", "warning", f"overdispersion rests on {od.n} units: tau2 is very uncertain"))
    return tuple(out)


def _method(model: Model, extremes: str | None, trim: float) -> str:
    law = "binomial" if model.binomial else "Poisson"
    if model.tau2 == 0.0 and model.exact:
        return f"{model.kind}s; exact {law} limits"
    how = {None: "all units", "winsorise": f"z winsorised at {trim:g}", "truncate": f"z truncated at {trim:g}"}[
        extremes
    ]
    extra = f", additive overdispersion (DerSimonian-Laird, {how})" if model.tau2 else ""
    return f"{model.kind}s; normal limits on the {model.transform} scale{extra}"


def funnel(
    data: object,
    *,
    count: str | None = None,
    size: object = None,
    exposure: object = None,
    expected: object = None,
    unit: object = None,
    target: float | None = None,
    confidence: object = (0.95, 0.998),
    limits: str = "exact",
    overdispersion: str | None = "additive",
    extremes: str | None = "winsorise",
    trim: float = 0.1,
    transform: str | None = None,
    adjust: str = "bh",
    missing: str = "raise",
) -> Funnel:
    """Compare suppliers, sites or teams of different size: who differs from the rest by more than chance?

    Instead of a league table, in which the smallest units are always first and last. Limits are wide for small units
    and narrow for large ones; where units differ more than chance for a hundred small reasons, `overdispersion` widens
    the limits by that much. Not for one unit over time (`p_chart`, `u_chart`).

    Parameters
    ----------
    data : array-like or frame
        Counts, one per unit, or a table with a row per unit.
    count : str, optional
        Column of the counts, when `data` is a table.
    size, exposure, expected : array-like, str or number
        One of them: units in each sample (a proportion is compared), exposure (events per unit of exposure), or number
        of events expected from the unit's mix of cases (observed over expected, as in standardised mortality ratios).
    unit : str or array-like, optional
        Column or names of the units; numbered from 1 without.
    target : float, optional
        What a unit like the others has; by default all events over all sizes, and 1 with `expected`.
    confidence : float or sequence of float
        Levels of the limits; units beyond the highest are the chart's signals.
    limits : {"exact", "normal"}
        At exact binomial or Poisson quantiles, or on the transformed scale; with overdispersion always the latter.
    overdispersion : {"additive"} or None
        Add the variance between units, where there is any, to that of chance; None: chance alone.
    extremes : {"winsorise", "truncate"} or None
        What happens to the most extreme z when overdispersion is estimated: drawn in, left out, or nothing.
    trim : float
        Share of the units at each end that this concerns.
    transform : {"sqrt", "log"}, optional
        Scale of rates and ratios, ``"sqrt"`` unless given; proportions are put on the arcsine scale. Root and
        winsorising are the habit of the Care Quality Commission, log and truncation that of the SHMI in England.
    adjust : {"bh", "holm"}
        How p-values are adjusted for the number of units: expected share of false findings, or chance of any.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a unit without a value as a gap.

    Returns
    -------
    Funnel
        ``limits.parameters`` holds ``phi`` and ``tau2`` (0 where the limits are those of chance alone).

    Raises
    ------
    DataError
        Counts or sizes that cannot be, or a unit that comes twice.
    TooFewData
        Fewer than two units.

    Notes
    -----
    On the transformed scale ``z = (y - y_target) / s``, ``s = 1 / (2 sqrt(size))`` (log: ``1 / sqrt(target size)``);
    ``phi = mean z**2`` after winsorising, ``tau2 = (n phi - (n - 1)) / (sum w - sum w**2 / sum w)`` or 0 with ``w =
    1 / s**2``; limits ``y_target -+ z_level sqrt(s**2 + tau2)``, transformed back.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24, 1185-1202; Spiegelhalter (2005), Quality and Safety in Health Care
    14, 347-351; DerSimonian & Laird (1986), Controlled Clinical Trials 7, 177-188.

    Examples
    --------
    >>> from qstats import funnel
    >>> late = [12, 30, 9, 55, 18, 41, 22, 16]
    >>> plot = funnel(late, size=[150, 310, 120, 330, 210, 400, 240, 190], unit=list("ABCDEFGH"), overdispersion=None)
    >>> plot.status[3], plot.in_control, round(float(plot.pvalue[3]), 4)
    ('high 0.998', False, 0.0007)
    """
    given = {k: v for k, v in (("size", size), ("exposure", exposure), ("expected", expected)) if v is not None}
    if len(given) != 1:
        raise DataError(f"size: {', '.join(given) or 'nothing'} came; one of size, exposure, expected is wanted")
    ((name, value),) = given.items()
    kind, levels = _KINDS[name], _levels(confidence)
    _check_options(limits, adjust, overdispersion, extremes)
    share = check_number(trim, "trim", least=0.0, below=0.5)
    scale = _transform(transform, kind)
    points, labels = read_units(data, name, {"count": count, name: value, **_given("unit", unit)}, missing)
    chance = Model(kind, scale, _target(target, kind, points), 0.0, limits == "exact")
    od = _spread(points, chance, extremes, share)
    model = Model(kind, scale, chance.target, od.tau2 if overdispersion else 0.0, chance.exact)
    method = _method(model, extremes, share)
    notes = _notes(points, model, od, overdispersion is not None)
    held: dict[str, Parameter] = {
        "model": kind,
        "transform": scale,
        "levels": levels,
        "limits": limits,
        "phi": od.phi,
        "tau2": model.tau2,
        "extremes": extremes or "none",
        "trim": share,
    }
    lim = ControlLimits(
        "funnel", model.target, None, float(normal_quantile(0.5 * (1.0 + levels[-1]))), "", od.n, method, held
    )
    return _made(points, labels, lim, notes, od, adjust, missing)


def _check_options(limits: object, adjust: object, overdispersion: object, extremes: object) -> None:
    check_choice(limits, "limits", ("exact", "normal"))
    check_choice(adjust, "adjust", ("bh", "holm"))
    if overdispersion is not None:
        check_choice(overdispersion, "overdispersion", ("additive",))
    if extremes is not None:
        check_choice(extremes, "extremes", ("winsorise", "truncate"))


def _given(name: str, value: object) -> dict[str, object]:
    return {} if value is None else {name: value}


def _spread(points: Points, chance: Model, extremes: str | None, trim: float) -> Overdispersion:
    there = ~np.isnan(points.main)
    count, size = points.main[there], points.size[there]
    return estimate_overdispersion(chance.z(count, size), chance.error(size), extremes, trim)


def _made(
    points: Points,
    labels: PointLabels | None,
    lim: ControlLimits,
    notes: tuple[Note, ...],
    od: Overdispersion,
    adjust: str,
    missing: str,
) -> Funnel:
    """Return the chart, with what a funnel tells beyond any other chart."""
    layout = lay_out(points.gaps(), None, None, None, gaps=missing == "drop")
    every = (*layout.notes, *notes)
    plan = Plan(points, layout, (lim,), labels or PointLabels(len(points)), SINGLE_POINTS, lim.method, every)
    chart = assemble(TYPES["funnel"], plan)
    model, levels = _model_of(lim), tuple(float(v) for v in lim.parameters["levels"])  # type: ignore[union-attr, arg-type]
    count, size = points.main, points.size
    lines = [model.limits(size, level) for level in levels]
    lower, upper = (np.column_stack([pair[k] for pair in lines]) for k in (0, 1))
    gap = np.isnan(count)
    pvalue, z = np.full(count.size, np.nan), np.full(count.size, np.nan)
    pvalue[~gap] = model.pvalue(count[~gap], size[~gap])
    z[~gap] = model.z(count[~gap], size[~gap]) * model.error(size[~gap]) / model.spread(size[~gap])
    return Funnel(
        **{f.name: getattr(chart, f.name) for f in fields(ControlChart)},
        levels=levels,
        lower=frozen_array(lower),
        upper=frozen_array(upper),
        z=frozen_array(z),
        pvalue=frozen_array(pvalue),
        adjusted=frozen_array(adjusted_pvalues(pvalue, adjust)),
        adjustment=adjust,
        status=_statuses(count / size, lower, upper, levels),
        overdispersion=od,
    )
