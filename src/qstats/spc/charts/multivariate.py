"""Hotelling's T2 chart: several characteristics as one number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.blocks import everywhere
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.quantiles import beta_quantile
from qstats.errors import DataError, TooFewData
from qstats.spc.build import ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.memory_fit import SINGLE_POINTS
from qstats.spc.charts.multivariate_door import Vectors, later_vectors, read_vectors, subgroup_means
from qstats.spc.charts.multivariate_fit import Known, check_covariance, check_variables, locate, stored
from qstats.spc.charts.multivariate_spread import generalized_variance
from qstats.spc.door import Layers
from qstats.spc.flow import judging, make_chart
from qstats.spc.kernels.hotelling import t2_limit, t2_rows
from qstats.spc.limits import ControlLimits
from qstats.spc.phases import Layout, lay_out
from qstats.spc.points import New, Points
from qstats.spc.stretch import Line, Varying

__all__ = ["TYPES", "generalized_variance", "t2"]

_REFERENCE = (
    "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 11.3; Tracy, Young & Mason "
    "(1992), Journal of Quality Technology 24(2), 88-95"
)
_BASES = ("sample", "successive_differences", "pooled")


def _points(vectors: Vectors, later: FloatArray) -> Points:
    """Return the points of a T2 chart: which rest on limits of their own (0), the vectors or their subgroup means.

    The first column tells the gaps, so that nobody has to look for NaN in the whole matrix.
    """
    means = vectors.rows if vectors.size is None else subgroup_means(vectors.rows, vectors.size)
    return Points({"later": later, "mean": means}, vectors.n)


def _measure(new: New, limits: ControlLimits) -> Points:
    known = Known.of(limits)
    vectors = later_vectors(new, known.names, subgroups=limits.parameters.get("basis") == "pooled")
    return _points(vectors, np.where(vectors.gap(), np.nan, 1.0))


def _upper(lim: ControlLimits, p: int, size: FloatArray, alpha: float, *, later: bool) -> Line:
    """Return what the T2 of a stable process exceeds with probability `alpha`, for each size where sizes differ."""
    basis = lim.parameters["basis"]
    m = int(lim.number("m"))
    if basis == "successive_differences":
        return t2_limit(alpha, p, "successive", m)
    if basis == "sample":
        return t2_limit(alpha, p, "new individuals" if later else "individuals", m)
    rows = lim.number("rows")
    df = rows - m
    room = df - p + 1.0
    if room < 1.0:
        raise TooFewData(f"data: {rows:g} rows in {m} subgroups for {p} variables; bring more rows or fewer variables")
    # F quantile by way of the beta of its mirrored tail. A mean of n of the N rows has, from the mean of all, the
    # variance (1/n - 1/N); one that is not among them (1/n + 1/N). For equal sizes this is (m -+ 1)/m.
    small = float(beta_quantile(alpha, room / 2.0, p / 2.0))
    wide = df * (1.0 - small) / small
    sign = 1.0 if later else -1.0
    first = float(size[0])
    if size.strides == (0,) or (size == first).all():
        return wide * (1.0 + sign * first / rows)
    each: FloatArray = wide * (1.0 + sign * size / rows)
    return each


def _draw(span: Span) -> Drawn:
    lim, known = span.limits, Known.of(span.limits)
    x, later = span.points["mean"][span.where], span.points["later"][span.where]
    size = span.points.size[span.where]
    gap = np.isnan(later) if later.strides != (0,) else None
    if gap is not None and gap.any():
        statistic = np.full(later.size, np.nan)
        statistic[~gap] = t2_rows(x[~gap], known.mean, known.cov, size[~gap], known.names)
        size = np.where(gap, 1.0, size)
    else:
        many: float | FloatArray = 1.0 if lim.parameters["basis"] != "pooled" else size
        statistic = t2_rows(x, known.mean, known.cov, many, known.names)
    center, upper = (_lines(lim, len(known.names), size, later, tail) for tail in (0.5, lim.number("alpha")))
    return Drawn({"t2": Varying(span.start, span.stop, statistic, center, (upper - center) / 3.0, math.nan, upper)})


def _lines(lim: ControlLimits, p: int, size: FloatArray, later: FloatArray, alpha: float) -> Line:
    """Return one line of the chart: points the limits rest on have other limits than later ones."""
    old = later == 0.0
    if not old.any():
        return _upper(lim, p, size, alpha, later=True)
    first = _upper(lim, p, size, alpha, later=False)
    return first if old.all() else np.where(old, first, _upper(lim, p, size, alpha, later=True))


TYPES = {"t2": ChartType("t2", _measure, _draw, _REFERENCE, run_rules=False)}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Mean vector and covariance of one phase after another."""

    vectors: Vectors
    layout: Layout
    alpha: float
    how: str

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at, m = locate(self.vectors, self.layout.used, where, name, self.how)
        used = self.layout.used[where]
        size = self.vectors.n[where][used]
        parameters = {**stored(at, self.vectors.names), "basis": self.how, "alpha": self.alpha, "m": m}
        if self.how == "pooled":
            parameters |= {"n": float(size.mean()), "rows": float(size.sum())}
        method = {
            "pooled": "T2 of subgroup means; covariance pooled within subgroups",
            "sample": "T2 of single vectors; sample covariance",
            "successive_differences": "T2 of single vectors; covariance from successive differences",
        }[self.how]
        draft = ControlLimits("t2", 0.0, None, 3.0, name, m, method, parameters, float(at.df))
        center = _upper(draft, self.vectors.p, np.array([size.mean()]), 0.5, later=False)
        return ControlLimits("t2", float(center), None, 3.0, name, m, method, parameters, float(at.df))

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where the limits hold only roughly."""
        p = self.vectors.p
        enough = p * p + 3 * p
        few = [lim for lim in limits if lim.n <= enough]
        if self.how != "successive_differences" or not few:
            return ()
        which = ", ".join(f"{lim.phase + ': ' if lim.phase else ''}{lim.n}" for lim in few)
        text = (
            f"limits are those of chi-square, good for more than p^2 + 3 p = {enough} points; here they rest on {which}"
            f": more points of a stable process than alpha lie beyond them; covariance='sample' has exact limits"
        )
        return (Note("approximate-limits", "warning", text),)


def _describe(limits: ControlLimits) -> str:
    how = "chi-square limits" if limits.parameters["basis"] == "successive_differences" else "beta and F limits"
    if limits.parameters["basis"] == "pooled":
        how = "F limits"
    return f"{limits.method}; {how} at alpha = {limits.number('alpha'):g}, centre line at the median"


def _check_limits(given: ControlLimits, vectors: Vectors, alpha: float, covariance: object) -> None:
    check_variables(vectors, given)
    held = given.parameters
    if held.get("basis") not in _BASES or (held["basis"] == "pooled") != (vectors.size is not None):
        raise DataError(
            f"limits: they are for {'subgroups' if held.get('basis') == 'pooled' else 'single vectors'}; data hold "
            f"{'single vectors' if vectors.size is None else 'subgroups'}"
        )
    check_number(given.number("alpha"), "limits.parameters['alpha']", above=0.0, below=1.0)
    if covariance is not None:
        raise DataError("covariance: given together with limits, which hold it; pass one of them")
    if alpha not in (0.0027, given.number("alpha")):
        raise DataError(f"alpha: got {alpha:g} together with limits at {given.number('alpha'):g}; leave it out")


def t2(
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
    alpha: float = 0.0027,
    covariance: str | None = None,
    missing: str = "raise",
) -> ControlChart:
    """Chart several related characteristics as one number: how far each point is from the usual, all taken together.

    For characteristics that move together (temperature and pressure, length and width, the answers of one
    questionnaire): a point may be usual in each and odd in their relation, which single charts do not show; and ten
    charts at once give ten times the false alarms. Not for small lasting shifts (`mewma`), and not with nearly as many
    characteristics as points. `t2_contributions` tells which characteristics are behind a signal.

    Parameters
    ----------
    data : array-like or frame
        Matrix (points, variables); subgroups as (subgroups, rows, variables), or as rows with `by` or `size`; or a
        table.
    values : sequence of str, optional
        Columns of the characteristics, when `data` is a table.
    by : str or array-like, optional
        Column or one label per row: rows with equal labels are one subgroup, which is one point.
    size : int, optional
        Rows of each subgroup, where they follow on one another.
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per point, or the positions at which new phases begin: each phase has its own limits.
    baseline : int, slice, array-like or str, optional
        Points the limits rest on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: shown, but neither used nor judged.
    limits : ControlLimits or dict, optional
        Limits from an earlier chart: nothing is estimated, every point is a later one.
    alpha : float
        Chance that a point of a stable process lies above the limit.
    covariance : {"sample", "successive_differences"}, optional
        For single vectors: from all the scatter (default), or from the differences of neighbours, which a shift
        half-way hardly widens, so that the chart sees it. Subgroups have theirs pooled within them.
    missing : {"raise", "drop"}
        ``"drop"`` keeps an incomplete vector as a gap, and leaves an incomplete row out of its subgroup.

    Returns
    -------
    ControlChart
        Panel ``"t2"`` without a lower limit. Points the limits rest on have Phase I limits, all others Phase II limits.
        ``limits.parameters`` holds ``names``, ``mean``, ``covariance``, ``m`` (points) and ``n`` (mean subgroup size).

    Raises
    ------
    DataError
        The data or an option cannot be used, a characteristic is constant, or some determine one another (named).
    TooFewData
        Hardly more points than characteristics.

    Notes
    -----
    ``T2 = n (x - mean)' S^-1 (x - mean)``. With m points, p variables: Phase I ``(m-1)**2 / m * Beta(p/2,
    (m-p-1)/2)``, Phase II ``p (m+1)(m-1) / (m (m-p)) * F(p, m-p)``. Subgroups, N rows in all: ``(1 -+ n_i/N) * p (N-m)
    / (N-m-p+1) * F(p, N-m-p+1)``, minus in Phase I, which for equal sizes is ``p (m-+1)(n-1) / (mn-m-p+1) * F``. With
    successive differences ``chi-square(p)`` in both phases: the exact law is not known.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 11.3; Tracy, Young & Mason (1992),
    Journal of Quality Technology 24(2), 88-95; Sullivan & Woodall (1996), Journal of Quality Technology 28(4), 398-408;
    Williams, Woodall, Birch & Sullivan (2006), Journal of Quality Technology 38(3), 217-229.

    Examples
    --------
    Each of the last point's two values is usual; together they are not.

    >>> from qstats import t2
    >>> minutes = [[5.1, 10.3], [4.8, 9.4], [5.5, 11.2], [4.6, 9.1], [5.3, 10.5], [5.0, 10.1], [4.7, 9.5], [5.2, 10.2]]
    >>> chart = t2([*minutes, [5.4, 9.6]], baseline=8)
    >>> [s.label for s in chart.signals], round(float(chart.panels["t2"].upper[-1]), 1)
    (['9'], 48.7)
    """
    chance = check_number(alpha, "alpha", above=0.0, below=1.0)
    layers = Layers(order_by, phase, baseline, exclude)
    by_what = judging("t2", layers, limits, SINGLE_POINTS, 3.0)
    got = read_vectors(data, values, by, size, layers, missing)
    how = ""
    if by_what.given is None:
        how = check_covariance(covariance, got.size is not None)
    else:
        _check_limits(by_what.given, got, chance, covariance)
    points = _points(got, _later(got, by_what.given is None, gaps=missing == "drop"))
    return make_chart(
        TYPES["t2"],
        points,
        got.layers,
        got.labels,
        by_what,
        lambda layout: _Fit(got, layout, chance, how),
        gaps=missing == "drop",
        describe=_describe,
        notes=got.notes,
    )


def _later(got: Vectors, estimate: bool, *, gaps: bool) -> FloatArray:
    """Return 0 at the points the limits will rest on, 1 at the others, NaN at gaps."""
    gap = got.gap() if gaps else None
    there = np.where(gap, np.nan, 1.0) if gap is not None and gap.any() else everywhere(1.0, len(got))
    lay = got.layers
    if not estimate:
        return there
    used = lay_out(there, lay.phase, lay.baseline, lay.exclude, gaps=gaps).used
    if used.strides == (0,):
        return everywhere(0.0, len(got))
    return np.where(used, 0.0, there)
