"""Charts of counts: fractions of a sample, events per exposure, with limits of chance or of what is usual here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray, as_counts, as_exposure, first_bad
from qstats._core.bias import d2
from qstats._core.blocks import block_edges, everywhere_true, moving_range_sum
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_quantile
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span, contiguous
from qstats.spc.chart import ControlChart
from qstats.spc.charts.dispersion import dispersion_test, laney_note, plain_notes
from qstats.spc.door import Layers, read
from qstats.spc.flow import Judging, judging, make_chart
from qstats.spc.kernels.count_lines import CountLines
from qstats.spc.kernels.probability import attained, count_limits
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Computed, Varying

__all__ = ["TYPES", "count_chart"]

FEW = 5.0  # expected events per point: below this the normal approximation behind the limits is poor


@dataclass(frozen=True, slots=True)
class _Model:
    """One family of count charts.

    Parameters
    ----------
    kind : str
        ``"p"``, ``"np"``, ``"c"``, ``"u"``, ``"laney_p"``, ``"laney_u"``.
    binomial : bool
        Units out of a sample; else events without an upper end.
    ratio : bool
        Whether counts are plotted per unit (p, u) or as they are (np, c).
    section : str
        Where it is described.
    """

    kind: str
    binomial: bool
    ratio: bool
    section: str

    @property
    def laney(self) -> bool:
        """Whether the scatter among the points widens the limits."""
        return self.kind.startswith("laney")

    @property
    def letter(self) -> str:
        """Return p or u: what the centre is estimated as."""
        return "p" if self.binomial else "u"

    @property
    def size_name(self) -> str:
        """How the sample size is called in the chart's call."""
        return "size" if self.binomial else "exposure"

    def spread(self, center: float) -> float:
        """Return the standard deviation of the ratio of one unit."""
        return math.sqrt(center * (1.0 - center) if self.binomial else center)


_MODELS = {
    m.kind: m
    for m in (
        _Model("p", True, True, "7.2.2"),
        _Model("np", True, False, "7.2.1"),
        _Model("c", False, False, "7.3.1"),
        _Model("u", False, True, "7.3.1"),
        _Model("laney_p", True, True, "7.2.2"),
        _Model("laney_u", False, True, "7.3.1"),
    )
}


def _model(kind: str) -> _Model:
    """Return the family a kind of chart belongs to."""
    return _MODELS[kind]


def _read_counts(model: _Model, count: object, size: object, missing: str, names: tuple[str, str]) -> Points:
    """Return checked counts and sizes; a missing one of the two makes the point a gap."""
    x = as_counts(count, names[0], missing=missing)
    if size is None:
        if model.kind != "c":
            raise DataError(f"{names[1]}: nothing came; the sample size or exposure of each point is wanted")
        size = 1.0
    n = as_exposure(size, names[1], x.size, missing=missing)
    if model.binomial:
        if not everywhere_true(lambda a: np.isnan(a) | (a == np.floor(a)), n):
            broken = ~(np.isnan(n) | (n == np.floor(n)))
            raise DataError(f"{names[1]}: {first_bad(broken, n)}; a sample has a whole number of units (else u_chart)")
        if not everywhere_true(lambda a, b: ~(a > b), x, n):
            at = int(np.argmax(x > n))
            text = f"{x[at]:g} of a sample of {n[at]:g} at position {at}; a count cannot exceed its size"
            raise DataError(f"{names[0]}: {text}")
    if missing == "drop":
        x = np.where(np.isnan(n), np.nan, x)
    return Points({"count": x if x is not count else x.copy()}, n if n is not size else n.copy())


def _measure(new: New, limits: ControlLimits) -> Points:
    model = _model(limits.kind)
    if new.by is not None or new.target is not None:
        raise DataError("by: a chart of counts has neither by nor target; leave them out")
    if model.kind == "c" and new.size is not None:
        raise DataError("size: a c chart has none, its exposure is constant; leave it out")
    return _read_counts(model, new.values, new.size, new.missing, ("new", "size"))


def _exact(span: Span, model: _Model) -> Varying:
    """Lines at exact quantiles of the counting distribution."""
    lim = span.limits
    n, x = span.points.size[span.where], span.points["count"][span.where]
    low, high = count_limits(lim.center, n, lim.number("alpha"), binomial=model.binomial)
    unit = n if model.ratio else np.ones_like(n)
    level = np.full(n.size, lim.center) if model.ratio else lim.center * n
    upper, lower = high / unit, low / unit
    above, below = (upper - level) / lim.nsigma, (level - lower) / lim.nsigma
    return Varying(span.start, span.stop, x / unit, level, above, lower, upper, below)


def _lines(span: Span, model: _Model) -> Computed:
    """Lines at so many standard errors of each point."""
    lim, points = span.limits, span.points
    spread = (lim.number("sigma_z") if model.laney else 1.0) * model.spread(lim.center)
    made = CountLines(
        points["count"], points.size, lim.center, spread, lim.nsigma, binomial=model.binomial, ratio=model.ratio
    )
    return Computed(span.start, span.stop, made.block, made.outside)


def _draw(span: Span) -> Drawn:
    model = _model(span.limits.kind)
    if span.limits.parameters.get("limits") == "probability":
        return Drawn({model.kind: _exact(span, model)})
    return Drawn({model.kind: _lines(span, model)})


def _reference(model: _Model) -> str:
    if model.laney:
        return "Laney (2002), Improved control charts for attributes, Quality Engineering 14(4), 531-537"
    return f"Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section {model.section}"


TYPES = {kind: ChartType(kind, _measure, _draw, _reference(model)) for kind, model in _MODELS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Centre of one phase after another: all events over all units, never the mean of the ratios.

    Parameters
    ----------
    model : _Model
    points : Points
    layout : Layout
    nsigma : float
    alpha : float or None
        False alarms of exact limits, both sides together; None: limits at `nsigma` standard errors.
    """

    model: _Model
    points: Points
    layout: Layout
    nsigma: float
    alpha: float | None = None

    def taken(self, where: slice) -> tuple[slice | np.ndarray[tuple[int], np.dtype[np.intp]], int]:
        """Return where a phase's used points are, and how many."""
        run = contiguous(self.layout.used, where)
        if run is not None:
            return run, run.stop - run.start
        at = np.flatnonzero(self.layout.used[where]) + where.start
        return at, at.size

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at, n = self.taken(where)
        if n == 0:
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        count, size = self.points["count"][at], self.points.size[at]
        center = _level(count, size)
        m = self.model
        how = f"{m.letter}-bar = all events / all {'units' if m.binomial else 'exposure'}"
        method = f"{'c-bar = mean count' if m.kind == 'c' else how}; {m.kind.replace('_', ' ')} chart"
        parameters: dict[str, Parameter] = {}
        nsigma = self.nsigma
        if self.alpha is not None:
            rates = attained(center, size, self.alpha, binomial=m.binomial)
            parameters = {"limits": "probability", "alpha": self.alpha, "attained": rates}
            nsigma = -float(normal_quantile(0.5 * self.alpha))
        if m.laney:
            parameters = {"sigma_z": self._sigma_z(center, name, where)}
            method += "; sigma_z = mean moving range of z / d2(2)"
        return ControlLimits(m.kind, center, None, nsigma, name, n, method, parameters)

    def _sigma_z(self, center: float, name: str, where: slice) -> float:
        """Return the scatter of the standardised points, from neighbour to neighbour."""
        spread = self.model.spread(center)
        which = f" in phase {name!r}" if name else ""
        if spread == 0.0:
            raise DataError(f"data: every used point is {center:g}{which}: sigma_z does not exist; use a plain chart")
        count, size = self.points["count"][where], self.points.size[where]
        z = np.where(self.layout.used[where], (count / size - center) * np.sqrt(size) / spread, np.nan)
        total, pairs = moving_range_sum(z)
        if pairs < 2:
            raise TooFewData(f"data: {pairs} moving ranges{which} to estimate sigma_z from; at least 2 are wanted")
        return total / pairs / d2(2)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where the normal approximation, or the assumption of pure chance, is doubtful."""
        out: list[Note] = []
        for lim, (name, where) in zip(limits, self.layout.parts(), strict=True):
            at, n = self.taken(where)
            which = f" in phase {name!r}" if name else ""
            out += self._phase_notes(lim, which, self.points["count"][at], self.points.size[at], n)
        return out

    def _phase_notes(
        self, lim: ControlLimits, which: str, count: FloatArray, size: FloatArray, n: int
    ) -> Sequence[Note]:
        rest = 1.0 - lim.center if self.model.binomial else 1.0
        if lim.center * rest == 0.0:
            text = f"every used point{which} is {lim.center:g}: the limits collapse, and any other value would signal"
            return [Note("zero-variance", "serious", text + "; wait for more data or give limits=")]
        out = []
        expected = float(size.mean()) * (min(lim.center, rest) if self.model.binomial else lim.center)
        if expected < FEW and self.alpha is None:
            text = f"{expected:.3g} events expected per point{which}, fewer than {FEW:g}: {self.nsigma:g}-sigma limits"
            text += " are rough; use longer periods or larger samples"
            out.append(
                Note("few-expected", "warning", text + ("" if self.model.laney else ', or limits="probability"'))
            )
        if n > 1 and expected >= 1.0:  # with less, chi-square has no chi-square distribution
            got = dispersion_test(count, size, lim.center, self.model.spread(lim.center))
            if self.model.laney:
                out.append(laney_note(got, lim.number("sigma_z"), which, self.model.letter))
            else:
                out += plain_notes(got, which, self.model.letter)
        return out


def _level(count: FloatArray, size: FloatArray) -> float:
    first = float(count[0] / size[0])
    if first == count[-1] / size[-1] and everywhere_true(lambda c, n: c / n == first, count, size):
        return first  # no rounding step between equal points and their mean
    return math.fsum(_sums(count)) / math.fsum(_sums(size))


def _sums(a: FloatArray) -> Iterator[float]:
    return (float(a[i:j].sum()) for i, j in block_edges(a.size))


def _checked(model: _Model, layers: Layers, limits: object, rules: object, nsigma: float) -> Judging:
    by = judging(model.kind, layers, limits, rules, nsigma)
    if by.given is not None:
        center = by.given.center
        if center < 0 or (model.binomial and center > 1):
            wanted = "0 to 1" if model.binomial else "zero or more"
            raise DataError(f"limits: centre {center:g} came; {wanted} is wanted for a {model.kind} chart")
        if model.laney:
            by.given.number("sigma_z")
    return by


def _describe(limits: ControlLimits) -> str:
    if limits.parameters.get("limits") == "probability":
        text = (
            f"{limits.method}; exact limits, at most {limits.number('alpha') / 2:g} false alarms per point on each side"
        )
        rates = limits.parameters.get("attained")
        if not isinstance(rates, tuple):  # limits that were stored before this was kept
            return text
        below, above = (f"{100.0 * float(rate):.2g} %" for rate in rates)  # type: ignore[arg-type]
        return f"{text}, attained {below} below, {above} above"
    each = "" if limits.kind == "c" else " of each point"
    return f"{limits.method}; limits at {limits.nsigma:g} standard errors{each}"


def count_chart(
    kind: str,
    data: object,
    columns: dict[str, object],
    layers: Layers,
    limits: object,
    rules: object,
    nsigma: float,
    missing: str,
    alpha: float = 0.0027,
) -> ControlChart:
    """Make a chart of counts of any kind."""
    model = _model(kind)
    exact, chance = None, check_number(alpha, "alpha", above=0.0, below=1.0)
    if isinstance(limits, str):
        check_choice(limits, "limits", ("probability",))
        exact, limits = chance, None
        if nsigma != 3.0:
            raise DataError(f"nsigma: got {nsigma!r}, but limits='probability' lie where alpha says; leave it out")
    by = _checked(model, layers, limits, rules, nsigma)
    if exact is None and chance not in (0.0027, None if by.given is None else by.given.parameters.get("alpha")):
        with_what = "limits at so many standard errors" if by.given is None else "stored limits"
        raise DataError(f"alpha: got {chance:g} with {with_what}; it belongs to limits='probability', leave it out")
    got = read(data, columns, layers)
    size = got.values.get(model.size_name)
    points = _read_counts(model, got.values["count"], size, missing, ("count", model.size_name))
    return make_chart(
        TYPES[kind],
        points,
        got.layers,
        got.labels,
        by,
        lambda layout: _Fit(model, points, layout, by.nsigma, exact),
        gaps=missing == "drop",
        describe=_describe,
    )
