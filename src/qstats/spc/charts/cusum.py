"""The tabular CUSUM: sums of what lies beyond an allowance, above and below, and the shift they tell of."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats.errors import DataError
from qstats.spc.build import ChartType, Drawn, Span
from qstats.spc.chart import ControlChart
from qstats.spc.charts.memory_fit import LevelFit, checked, is_constant, judged, measure, put_back
from qstats.spc.door import Layers
from qstats.spc.flow import make_chart
from qstats.spc.kernels.recursions import cusum as add_up
from qstats.spc.kernels.recursions import run_lengths
from qstats.spc.labels import phase_ends
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.stretch import Varying

__all__ = ["TYPES", "ShiftEstimate", "cusum", "cusum_shifts"]

_REFERENCE = "Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.1"


def _draw(span: Span) -> Drawn:
    lim = span.limits
    sigma = lim.sigma or 0.0
    slack, reach = lim.number("k") * sigma, lim.number("h") * sigma
    x, n, keep = judged(span)
    head = lim.number("head_start") * reach
    start = (head, head) if span.carry is None else (float(span.carry[0]), float(span.carry[1]))
    if x.size and is_constant(n) and n[0] == 1.0:
        up, low, carry = add_up(x, lim.center, slack, start)
    else:
        up, low, carry = add_up((x - lim.center) * np.sqrt(n), 0.0, slack, start)
    np.subtract(0.0, low, out=low)
    after = carry if x.size else span.carry
    if keep is not None:
        gap = np.isnan(span.points["value"][span.where])
        up, low = put_back(up, keep, start[0]), put_back(low, keep, -start[1])
        up[gap], low[gap] = np.nan, np.nan
    return Drawn(
        {
            "cusum_upper": Varying(span.start, span.stop, up, 0.0, sigma, math.nan, reach),
            "cusum_lower": Varying(span.start, span.stop, low, 0.0, sigma, -reach, math.nan),
        },
        after,
    )


TYPES = {"cusum": ChartType("cusum", measure, _draw, _REFERENCE, run_rules=False, recursive=True)}


def _describe(limits: ControlLimits) -> str:
    head = limits.number("head_start")
    text = f"tabular CUSUM, k = {limits.number('k'):g} sigma, h = {limits.number('h'):g} sigma"
    return f"{text}{f', head start {head:g} h' if head else ''}; {limits.method}"


def cusum(
    data: object,
    *,
    values: str | None = None,
    size: object = None,
    order_by: object = None,
    phase: object = None,
    baseline: object = None,
    exclude: object = None,
    limits: object = None,
    k: float = 0.5,
    h: float = 5.0,
    head_start: float = 0.0,
    sigma: object = "moving_range",
    target: float | None = None,
    constants: str = "exact",
    missing: str = "raise",
) -> ControlChart:
    """Chart the sums of deviations from target, to find a small lasting shift soon and tell when it began (CUSUM).

    For shifts of half a sigma to two, where it is the fastest chart there is and dates the shift (`cusum_shifts`).
    Not for single outliers (`individuals` beside it), and not where the target is a guess: a mean that is off the
    target by more than `k` sigma makes it signal for ever.

    Parameters
    ----------
    data, values, order_by, phase, baseline, limits, sigma, constants, missing
        As in `ewma`.
    size : array-like, str or int, optional
        How many measurements each value is the mean of. Deviations are then multiplied by its root, so that every
        point counts for what it tells.
    exclude : slice, array-like or str, optional
        Points with a known special cause: neither used nor judged nor added; the sums wait. A gap does the same.
    k : float
        Allowance in sigmas: half the shift that is to be found fastest.
    h : float
        Decision limit in sigmas. With ``k=0.5``, 5 gives one false alarm in 465 points, 4.77 one in 370, 4 one in 168.
    head_start : float
        Where the sums start in each phase, as a fraction of `h`: 0.5 finds a process that starts off target (fast
        initial response).
    target : float, optional
        What deviations are taken from; the mean of the points that limits rest on, unless given.

    Returns
    -------
    ControlChart
        Panels ``"cusum_upper"`` (sums above, 0 or more) and ``"cusum_lower"`` (sums below, 0 or less), in the unit of
        the data. The sums go on after a signal; begin a new phase where the process was set right.

    Raises
    ------
    DataError
        The data or an option cannot be used.
    TooFewData
        A phase has fewer than two moving ranges to estimate sigma from.

    Notes
    -----
    ``C+_i = max(0, C+_(i-1) + x_i - target - K)`` and ``C-_i = max(0, C-_(i-1) + target - x_i - K)`` with ``K = k *
    sigma``; a signal where either exceeds ``H = h * sigma``.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.1, eqs. 9.2-9.3; Lucas & Crosier
    (1982), Technometrics 24(3), 199-205 (head start).

    Examples
    --------
    Montgomery, table 9.1; the process mean went from 10 to 11 after point 20:

    >>> from qstats import cusum, cusum_shifts
    >>> x = [9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34, 9.03, 11.47, 10.51, 9.40, 10.08, 9.37]
    >>> x += [10.62, 10.31, 8.52, 10.84, 10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52]
    >>> chart = cusum(x, target=10, sigma=1)
    >>> [s.label for s in chart.signals]
    ['29', '30']
    >>> shift = cusum_shifts(chart)[0]
    >>> shift.start + 1, round(shift.mean, 2)
    (23, 11.25)
    """
    layers = Layers(order_by, phase, baseline, exclude)
    options: dict[str, tuple[object, object]] = {
        "k": (check_number(k, "k", least=0.0), 0.5),
        "h": (check_number(h, "h", above=0.0), 5.0),
        "head_start": (check_number(head_start, "head_start", least=0.0, below=1.0), 0.0),
    }
    ready = checked("cusum", data, (values, size), layers, limits, 3.0, sigma, constants, target, options, missing)
    parameters: dict[str, Parameter] = {"k": float(k), "h": float(h), "head_start": float(head_start)}
    if size is not None:
        parameters["size"] = "per point"
    if constants != "exact":
        parameters["constants"] = constants

    def fit(layout: Layout) -> LevelFit:
        # The limit stands h sigmas from zero, which is what nsigma means.
        return LevelFit("cusum", ready.points, layout, float(h), sigma, constants, ready.target, parameters)

    return make_chart(
        TYPES["cusum"],
        ready.points,
        ready.got.layers,
        ready.got.labels,
        ready.by,
        fit,
        gaps=missing == "drop",
        describe=_describe,
    )


@dataclass(frozen=True, slots=True)
class ShiftEstimate:
    """A shift that a CUSUM tells of, as it looks at its first signal.

    Parameters
    ----------
    side : {"upper", "lower"}
        Whether the mean rose or fell.
    signal : int
        Position of the first point beyond the decision limit, counted from 0.
    start : int
        Position of the first point after the sum was last zero: the shift began there, or just before.
    label, start_label : str
        Labels of those two points.
    points : int
        Points added up from `start` to `signal`.
    mean : float
        Estimated process mean after the shift, in the unit of the data.
    size : float
        Its distance from the target, with its sign.
    """

    side: str
    signal: int
    start: int
    label: str
    start_label: str
    points: int
    mean: float
    size: float


def cusum_shifts(chart: ControlChart) -> tuple[ShiftEstimate, ...]:
    """Return when each shift on a CUSUM chart began and how large it is.

    Each time a sum rises from zero over the decision limit is one shift, however long it stays there. Ask for it to
    look for the cause at the right date. The size is a rough one: the sum signals when it happens to be large, so it is
    too far out on average.

    Parameters
    ----------
    chart : ControlChart
        Made by `cusum`.

    Returns
    -------
    tuple of ShiftEstimate
        In order of the signals; empty where there are none.

    Raises
    ------
    DataError
        A chart of another kind.

    Notes
    -----
    ``mean = target + K + C+ / N+``, which is the plain mean of the N points of the run, a head start left out; with
    sizes, ``target + sum(sqrt(n_i) * (x_i - target)) / sum(sqrt(n_i))``.

    References
    ----------
    Montgomery (2013), Introduction to Statistical Quality Control, 7th ed., section 9.1.2, eq. 9.5.

    Examples
    --------
    >>> from qstats import cusum, cusum_shifts
    >>> chart = cusum([0.1, -0.4, 0.2, 3.0, 2.5, 2.8, 3.1], target=0, sigma=1)
    >>> [(s.start, s.signal, round(s.size, 2)) for s in cusum_shifts(chart)]
    [(3, 5, 2.77)]
    """
    if not isinstance(chart, ControlChart) or chart.kind != "cusum":
        got = chart.kind if isinstance(chart, ControlChart) else type(chart).__name__
        raise DataError(f"chart: got {got!r}; a chart made by cusum is wanted")
    out: list[ShiftEstimate] = []
    begin = 0
    for lim, end in zip(chart.limits_by_phase, phase_ends(chart.phases), strict=True):
        for side, sign in (("upper", 1.0), ("lower", -1.0)):
            sums = sign * chart.panels[f"cusum_{side}"].statistic[begin:end]
            out += _shifts(chart, lim, slice(begin, end), side, sums)
        begin = end
    return tuple(sorted(out, key=lambda s: s.signal))


def _shifts(
    chart: ControlChart, lim: ControlLimits, where: slice, side: str, sums: FloatArray
) -> Iterator[ShiftEstimate]:
    """Yield the first signal of each run above zero in one phase."""
    taken = ~np.isnan(sums)
    if chart.excluded is not None:
        taken &= ~chart.excluded[where]
    at = np.flatnonzero(taken)
    s = sums[at]
    run, _ = run_lengths(s)
    over = np.flatnonzero(s > lim.number("h") * (lim.sigma or 0.0))
    first = over[np.unique(over - run[over], return_index=True)[1]]  # one for each point before a run
    root = np.sqrt(chart.size[where][at])
    moved = (chart.columns["value"][where][at] - lim.center) * root
    for i in first.tolist():
        begin = i - int(run[i]) + 1
        size = float(moved[begin : i + 1].sum() / root[begin : i + 1].sum())
        here, there = int(at[i]) + where.start, int(at[begin]) + where.start
        yield ShiftEstimate(
            side, here, there, chart.labels[here], chart.labels[there], int(run[i]), lim.center + size, size
        )
