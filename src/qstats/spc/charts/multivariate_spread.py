"""The generalized variance: how widely several characteristics scatter within subgroups, as one number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.spc.build import ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.memory_fit import SINGLE_POINTS
from qstats.spc.charts.multivariate_door import Vectors, later_vectors, read_vectors
from qstats.spc.charts.multivariate_fit import Known, check_variables, locate, stored
from qstats.spc.door import Layers
from qstats.spc.flow import judging, make_chart
from qstats.spc.kernels.multivariate import determinant_estimate, generalized_variance_limits
from qstats.spc.kernels.multivariate import generalized_variance as determinants
from qstats.spc.limits import ControlLimits
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Varying

__all__ = ["TYPES", "generalized_variance"]

_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 11.6"


def _points(vectors: Vectors) -> Points:
    size = vectors.size
    assert size is not None
    out = np.full(size.size, np.nan)
    there = size > 0
    with np.errstate(over="ignore", invalid="ignore"):
        out[there] = determinants(vectors.rows, size[there])
    if not np.isfinite(out[there]).all():
        raise DataError("data: values so large that their squares overflow; divide them by a power of ten first")
    return Points({"determinant": out}, vectors.n)


def _measure(new: New, limits: ControlLimits) -> Points:
    return _points(later_vectors(new, Known.of(limits).names, subgroups=True))


def _draw(span: Span) -> Drawn:
    lim = span.limits
    p = len(Known.of(lim).names)
    x, size = span.points["determinant"][span.where], span.points.size[span.where]
    n = np.where(size > p, size, p + 1.0)
    each: float | FloatArray = float(n[0]) if (n == n[0]).all() else n
    lines = generalized_variance_limits(lim.number("determinant"), each, p, lim.nsigma)
    center, lower, upper = (float(v) if np.ndim(v) == 0 else v for v in lines)
    return Drawn(
        {"generalized_variance": Varying(span.start, span.stop, x, center, (upper - center) / lim.nsigma, lower, upper)}
    )


TYPES = {"generalized_variance": ChartType("generalized_variance", _measure, _draw, _REFERENCE, run_rules=False)}


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Determinant of the true covariance, estimated without bias, of one phase after another."""

    vectors: Vectors
    layout: Layout
    nsigma: float

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at, m = locate(self.vectors, self.layout.used, where, name, "pooled")
        determinant = determinant_estimate(at.cov, at.df)
        n = float(self.vectors.n[where][self.layout.used[where]].mean())
        center = float(generalized_variance_limits(determinant, n, self.vectors.p)[0])
        parameters = {**stored(at, self.vectors.names), "determinant": determinant, "m": m, "n": n}
        method = "|S| of each subgroup; |Sigma| from the pooled covariance, bias removed"
        return ControlLimits(
            "generalized_variance", center, None, self.nsigma, name, m, method, parameters, float(at.df)
        )

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say nothing: a covariance without spread has been refused."""
        return ()


def _describe(limits: ControlLimits) -> str:
    return f"{limits.method}; limits at {limits.nsigma:g} standard deviations of |S|"


def generalized_variance(
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
    nsigma: float = 3.0,
    missing: str = "raise",
) -> ControlChart:
    """Chart how widely several characteristics scatter within subgroups, as one number: the determinant of S.

    The companion of a `t2` chart of subgroups, as an S chart is of an Xbar chart. Not by itself: covariances that
    differ much may have the same determinant. And not for small subgroups: ``|S|`` is very skewed, so that 3-sigma
    limits give more false alarms above than 0.135 %.

    Parameters
    ----------
    data, values, by, size, order_by, phase, baseline, exclude, limits, missing
        As in `t2`; each subgroup has more rows than there are characteristics.
    nsigma : float
        Distance of the limits from the centre, in standard deviations of ``|S|``.

    Returns
    -------
    ControlChart
        Panel ``"generalized_variance"``; ``limits.parameters["determinant"]`` is the estimate of ``|Sigma|``.

    Raises
    ------
    DataError
        No subgroups, too small ones, or characteristics that determine one another.

    Notes
    -----
    Centre ``|Sigma| b1``, limits ``|Sigma| (b1 -+ nsigma sqrt(b2))``, the lower not below 0; ``b1 = prod(n - i) / (n -
    1)**p``, ``b2 = b1 (prod(n - i + 2) / (n - 1)**p - b1)``, i from 1 to p. ``|Sigma|`` is estimated without bias
    from the pooled covariance (its b1 has the pooled degrees of freedom, where Montgomery divides by that of one
    subgroup).

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 11.6, eqs. 11.35-11.38.

    Examples
    --------
    >>> from qstats import generalized_variance
    >>> lots = [[[1, 2], [2, 4], [4, 5], [3, 3]], [[2, 2], [4, 4], [1, 0], [3, 5]], [[5, 4], [2, 3], [3, 1], [1, 2]]]
    >>> chart = generalized_variance(lots)
    >>> chart.panels["generalized_variance"].statistic.round(3).tolist(), chart.in_control
    ([1.0, 1.944, 3.5], True)
    """
    layers = Layers(order_by, phase, baseline, exclude)
    by_what = judging("generalized_variance", layers, limits, SINGLE_POINTS, nsigma)
    got = read_vectors(data, values, by, size, layers, missing)
    if got.size is None:
        raise DataError("by: single vectors have no scatter of their own; pass by= or size=, or (subgroups, rows, p)")
    if by_what.given is not None:
        check_variables(got, by_what.given)
        check_number(by_what.given.number("determinant"), "limits.parameters['determinant']", above=0.0)
    points = _points(got)
    return make_chart(
        TYPES["generalized_variance"],
        points,
        got.layers,
        got.labels,
        by_what,
        lambda layout: _Fit(got, layout, by_what.nsigma),
        gaps=missing == "drop",
        describe=_describe,
        notes=got.notes,
    )
