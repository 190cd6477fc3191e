"""Laney's p' and u': charts of counts whose limits rest on the scatter that is usual here."""

from __future__ import annotations

from qstats.spc.chart import ControlChart
from qstats.spc.charts.counts import count_chart
from qstats.spc.door import Layers

__all__ = ["laney_p", "laney_u"]


def laney_p(
    data: object,
    *,
    count: str | None = None,
    size: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    missing: str = "raise",
) -> ControlChart:
    """Chart fractions with limits from the scatter that is usual here, not from chance alone (Laney's p').

    For large samples whose share varies from point to point more (or less) than chance explains: the plain chart's
    limits are then too narrow and nearly every point signals. With sigma_z near 1 it is `p_chart`. Not for a
    process that is unstable: its swings would widen the limits; look at the chart before believing them.

    Parameters
    ----------
    data, count, size, order_by, phase, baseline, exclude, limits, rules, nsigma, missing
        As in `p_chart`.

    Returns
    -------
    ControlChart
        Panel ``"laney_p"``; ``limits.parameters["sigma_z"]`` is the factor on the standard errors, used above
        and below 1 alike. Note ``"dispersion"``: the chi-square test of whether the plain chart would do.

    Raises
    ------
    DataError
        Counts or sizes that cannot be, or every point at the same end.
    TooFewData
        A phase has fewer than two moving ranges.

    Notes
    -----
    ``z_i = (p_i - p_bar) / se_i``; ``sigma_z = mean |z_i - z_(i-1)| / d2(2)``; limits ``p_bar -+ nsigma * sigma_z *
    se_i``. Moving ranges are never screened, and none is taken across a gap, an exclusion or a phase boundary.

    References
    ----------
    Laney (2002), Improved control charts for attributes, Quality Engineering 14(4), 531-537.

    Examples
    --------
    >>> from qstats import laney_p
    >>> late = [520, 610, 480, 705, 530, 640, 450, 690, 560, 600, 495, 650]
    >>> chart = laney_p(late, size=10_000)
    >>> round(chart.limits.number("sigma_z"), 2), chart.in_control
    (5.49, True)
    """
    return count_chart(
        "laney_p",
        data,
        {"count": count, "size": size},
        Layers(order_by, phase, baseline, exclude),
        limits,
        rules,
        nsigma,
        missing,
    )


def laney_u(
    data: object,
    *,
    count: str | None = None,
    exposure: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    missing: str = "raise",
) -> ControlChart:
    """Chart events per exposure with limits from the scatter that is usual here, not from chance alone (Laney's u').

    For large samples whose rate varies from point to point more (or less) than chance explains: the plain chart's
    limits are then too narrow and nearly every point signals. With sigma_z near 1 it is `u_chart`. Not for a
    process that is unstable: its swings would widen the limits; look at the chart before believing them.

    Parameters
    ----------
    data, count, exposure, order_by, phase, baseline, exclude, limits, rules, nsigma, missing
        As in `u_chart`.

    Returns
    -------
    ControlChart
        Panel ``"laney_u"``; ``limits.parameters["sigma_z"]`` is the factor on the standard errors, used above
        and below 1 alike. Note ``"dispersion"``: the chi-square test of whether the plain chart would do.

    Raises
    ------
    DataError
        Counts or sizes that cannot be, or every point at the same end.
    TooFewData
        A phase has fewer than two moving ranges.

    Notes
    -----
    ``z_i = (u_i - u_bar) / se_i``; ``sigma_z = mean |z_i - z_(i-1)| / d2(2)``; limits ``u_bar -+ nsigma * sigma_z *
    se_i``. Moving ranges are never screened, and none is taken across a gap, an exclusion or a phase boundary.

    References
    ----------
    Laney (2002), Improved control charts for attributes, Quality Engineering 14(4), 531-537.

    Examples
    --------
    >>> from qstats import laney_u
    >>> late = [520, 610, 480, 705, 530, 640, 450, 690, 560, 600, 495, 650]
    >>> chart = laney_u(late, exposure=10_000)
    >>> round(chart.limits.number("sigma_z"), 2), chart.in_control
    (5.33, True)
    """
    return count_chart(
        "laney_u",
        data,
        {"count": count, "exposure": exposure},
        Layers(order_by, phase, baseline, exclude),
        limits,
        rules,
        nsigma,
        missing,
    )
