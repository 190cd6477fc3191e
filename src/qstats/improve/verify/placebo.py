"""The action pretended at other dates: how does its effect look among those of dates on which nothing was done?"""

from __future__ import annotations

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.expected import against_expected
from qstats.improve.verify.verdict import Evidence
from qstats.inference.series.result import InterruptedSeries

__all__ = ["placebo_dates", "placebo_effects"]

_EACH_SIDE = 6
_FEWEST = 5


def placebo_effects(events: FloatArray, exposure: FloatArray, *, counts: bool) -> FloatArray:
    """Return the effect of every pretended date with six periods on each side, as log ratio or difference.

    Shape (n - 11,), empty with fewer than 12 periods. Half an event is added to either side of counts, so that a
    stretch without events has a ratio.
    """
    n = events.size
    at = np.arange(_EACH_SIDE, n - _EACH_SIDE + 1)
    some = 0.5 if counts else 0.0
    y, e = np.cumsum(events), np.cumsum(exposure)
    if at.size == 0:
        return np.empty(0)
    first = (y[at - 1] + some) / e[at - 1]
    second = (y[-1] - y[at - 1] + some) / (e[-1] - e[at - 1])
    return np.asarray(np.log(second / first) if counts else second - first)


def placebo_dates(
    case: Case, before: Mask, series: InterruptedSeries | None = None, *, controlled: bool = False
) -> Evidence | None:
    """Return the rank of the real effect among those of every date inside the baseline, as a share.

    ``(1 + number of pretended effects as large) / (1 + number of dates)``: with m dates never below ``1 / (m + 1)``,
    and neighbouring dates share their periods, so this is a picture and not a test. Trend, season and control are
    taken out as `series` saw them. Pretended effects rest on fewer periods than the real one and scatter more, which
    makes the picture a cautious one. None with fewer than five dates.
    """
    if not before.any() or not case.after.any():
        return None
    data, first, second = against_expected(case, before, series, controlled=controlled)
    counts = data.family in ("rate", "share")
    centre = 0.0
    if not counts:  # an offset of 1e12 must not eat the digits of the sums
        centre = float(data.events[first].sum() / data.exposure[first].sum())
    flat = data.events - centre * data.exposure
    pretended = placebo_effects(flat[first], data.exposure[first], counts=counts)
    if pretended.size < _FEWEST or not second.any():
        return None
    some = 0.5 if counts else 0.0
    levels = [(float(flat[mask].sum()) + some) / float(data.exposure[mask].sum()) for mask in (second, first)]
    real = float(np.log(levels[0] / levels[1])) if counts else levels[0] - levels[1]
    larger = int(np.count_nonzero(np.abs(pretended) >= abs(real)))
    return make_evidence("placebo_dates", (1 + larger) / (1 + pretended.size))
