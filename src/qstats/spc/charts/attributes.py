"""Charts of counts: fractions of a sample (p, np), events in equal periods (c) or per exposure (u)."""

from __future__ import annotations

from qstats.spc.chart import ControlChart
from qstats.spc.charts.counts import count_chart
from qstats.spc.door import Layers

__all__ = ["c_chart", "np_chart", "p_chart", "u_chart"]


def p_chart(
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
    alpha: float = 0.0027,
    missing: str = "raise",
) -> ControlChart:
    """Chart the fraction of a sample that has some property: late, defective, reopened.

    For counts of units out of a known number of units, each either with the property or without. Not for several
    events on one unit (`u_chart`), and not as it stands for very large samples whose fraction varies more than chance
    would let it: a note says so, and `laney_p` is the remedy.

    Parameters
    ----------
    data : array-like or frame
        Units with the property in each sample, or a table.
    count : str, optional
        Column of those counts, when `data` is a table.
    size : array-like, str or int
        Units in each sample (column, one number per point, or one for all).
    order_by : str or array-like, optional
        Column (table) or array to sort by; labels the points. Without it rows are in order and counted from 1.
    phase : str, array-like, optional
        Column or one label per point, or the positions at which new phases begin: each phase has its own limits.
    baseline : int, slice, array-like or str, optional
        Points the limits rest on: the first k, a slice, positions, or one true/false per row. A phase without a
        baseline point uses all its points.
    exclude : slice, array-like or str, optional
        Points with a known special cause: shown, but neither used nor judged; runs stop at them.
    limits : ControlLimits, dict or "probability", optional
        Limits from an earlier chart: nothing is estimated. ``"probability"``: limits at exact quantiles of the binomial
        distribution, for small expected counts where 3-sigma limits give other false alarms than they promise.
    rules : str, RuleSet or tuple of Rule
        ``"western_electric"``, ``"nelson"``, another named set, or rules of your own; each point in its own zones.
    nsigma : float
        Distance of the limits from the centre, in standard errors.
    alpha : float
        False alarms per point, both sides together, of exact limits.
    missing : {"raise", "drop"}
        ``"drop"`` keeps a missing count or size as a gap.

    Returns
    -------
    ControlChart
        Panel ``"p"``; notes ``"few-expected"``, ``"overdispersed"`` and ``"underdispersed"`` where they apply.

    Raises
    ------
    DataError
        A count above its size, a size of zero, an option that cannot be used.
    TooFewData
        A phase has no point to rest limits on.

    Notes
    -----
    ``p_bar = sum(count) / sum(size)``; limits ``p_bar -+ nsigma * sqrt(p_bar * (1 - p_bar) / size_i)``, clipped to
    [0, 1]. Exact limits: the counts with at most ``alpha / 2`` beyond them; ``limits.parameters["attained"]`` holds
    what is beyond them in fact, below and above, in the mean of the points used. The notes on dispersion rest on the
    chi-square test of ``sum((count_i - p_bar * size_i)**2 / (size_i * p_bar * (1 - p_bar)))``, 5 % on each side.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.2.2.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.2:

    >>> from qstats import p_chart
    >>> leaky = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13]
    >>> chart = p_chart([*leaky, 9, 6], size=50, rules="none")
    >>> round(chart.limits.center, 4), round(float(chart.panels["p"].upper[0]), 4)
    (0.2313, 0.4102)
    """
    return count_chart(
        "p",
        data,
        {"count": count, "size": size},
        Layers(order_by, phase, baseline, exclude),
        limits,
        rules,
        nsigma,
        missing,
        alpha,
    )


def np_chart(
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
    alpha: float = 0.0027,
    missing: str = "raise",
) -> ControlChart:
    """Chart the number of units in a sample that have some property, not their share.

    For samples of one size, where people think in units ("4 of the 50 leaked"). With sizes that vary the centre line
    moves with the size and `p_chart` is easier to read; the signals are the same.

    Parameters
    ----------
    data, count, size, order_by, phase, baseline, exclude, limits, rules, nsigma, alpha, missing
        As in `p_chart`.

    Returns
    -------
    ControlChart
        Panel ``"np"``; ``limits.center`` is the share p_bar, so limits serve samples of any size.

    Raises
    ------
    DataError
        A count above its size, a size of zero, an option that cannot be used.
    TooFewData
        A phase has no point to rest limits on.

    Notes
    -----
    Centre ``size_i * p_bar``, limits ``size_i * p_bar -+ nsigma * sqrt(size_i * p_bar * (1 - p_bar))``, clipped to
    [0, size_i].

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.2.1.

    Examples
    --------
    Orange juice cans, the same data as NIST/SEMATECH e-Handbook, section 6.3.3.2:

    >>> from qstats import np_chart
    >>> leaky = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13]
    >>> chart = np_chart([*leaky, 9, 6], size=50)
    >>> round(float(chart.panels["np"].center[0]), 2), round(float(chart.panels["np"].upper[0]), 1)
    (11.57, 20.5)
    """
    return count_chart(
        "np",
        data,
        {"count": count, "size": size},
        Layers(order_by, phase, baseline, exclude),
        limits,
        rules,
        nsigma,
        missing,
        alpha,
    )


def c_chart(
    data: object,
    *,
    count: str | None = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    rules: object = "western_electric",
    nsigma: float = 3.0,
    alpha: float = 0.0027,
    missing: str = "raise",
) -> ControlChart:
    """Chart the number of events in equal periods or on equal units: defects per wafer, calls per day.

    For counts without an upper end whose opportunity is the same at every point. Not where the volume varies
    (`u_chart`), and not for units out of a sample (`np_chart`).

    Parameters
    ----------
    data : array-like or frame
        Events at each point, or a table.
    count : str, optional
        Column of those counts, when `data` is a table.
    order_by, phase, baseline, exclude, limits, rules, nsigma, alpha, missing
        As in `p_chart`; exact limits are those of the Poisson distribution.

    Returns
    -------
    ControlChart
        Panel ``"c"``; notes ``"few-expected"``, ``"overdispersed"`` and ``"underdispersed"`` where they apply.

    Raises
    ------
    DataError
        A negative or broken count, an option that cannot be used.
    TooFewData
        A phase has no point to rest limits on.

    Notes
    -----
    Centre ``c_bar``, the mean count; limits ``c_bar -+ nsigma * sqrt(c_bar)``, clipped at 0.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.3.1.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.1, defects on 25 wafers; wafer 3 lies *on* the limit:

    >>> from qstats import c_chart
    >>> defects = [16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13]
    >>> chart = c_chart(defects, rules="none")
    >>> chart.limits.center, float(chart.panels["c"].upper[0]), float(chart.panels["c"].lower[0])
    (16.0, 28.0, 4.0)
    """
    return count_chart(
        "c",
        data,
        {"count": count},
        Layers(order_by, phase, baseline, exclude),
        limits,
        rules,
        nsigma,
        missing,
        alpha,
    )


def u_chart(
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
    alpha: float = 0.0027,
    missing: str = "raise",
) -> ControlChart:
    """Chart events per unit of exposure: complaints per thousand orders, defects per unit.

    For counts without an upper end, with an exposure that may vary from point to point; with a constant exposure it is
    `c_chart` in other units. Not for a fraction of units (`p_chart`); not for very rare events, most points zero
    (`g_chart`, `t_chart`).

    Parameters
    ----------
    data : array-like or frame
        Events in each period or sample, or a table.
    count : str, optional
        Column of those counts, when `data` is a table.
    exposure : array-like, str or float
        Exposure of each point in the unit of your choice (column, one number per point, or one for all); above zero.
    order_by, phase, baseline, exclude, limits, rules, nsigma, alpha, missing
        As in `p_chart`.

    Returns
    -------
    ControlChart
        Panel ``"u"``; notes ``"few-expected"``, ``"overdispersed"`` and ``"underdispersed"`` where they apply.

    Raises
    ------
    DataError
        An exposure of zero, a negative or broken count, an option that cannot be used.
    TooFewData
        A phase has no point to rest limits on.

    Notes
    -----
    ``u_bar = sum(count) / sum(exposure)``; limits ``u_bar -+ nsigma * sqrt(u_bar / exposure_i)``, clipped at 0.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 7.3.1.

    Examples
    --------
    NIST/SEMATECH e-Handbook of Statistical Methods, section 6.3.3.1, defects on 25 wafers:

    >>> from qstats import u_chart
    >>> defects = [16, 14, 28, 16, 12, 20, 10, 12, 10, 17, 19, 17, 14, 16, 15, 13, 14, 16, 11, 20, 11, 19, 16, 31, 13]
    >>> chart = u_chart(defects, exposure=1)
    >>> [s.label for s in chart.signals if s.rule == "beyond limits"]
    ['24']
    """
    return count_chart(
        "u",
        data,
        {"count": count, "exposure": exposure},
        Layers(order_by, phase, baseline, exclude),
        limits,
        rules,
        nsigma,
        missing,
        alpha,
    )
