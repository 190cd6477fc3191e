"""In-control and shifted run lengths of the rule sets, by simulation, against exact Markov chains.

Champ & Woodall (1987), Technometrics 29(4), 393-399: average run lengths of Shewhart charts with run rules, 91.75 for
all four Western Electric rules together; half a sigma by the same Markov chain. R package spc 0.7.2,
xshewhartrunsrules.arl, gives the same for rule 1 alone and in pairs.
"""

import math
import os

import numpy as np
import pytest

from qstats.spc.chart import ControlLimits
from qstats.spc.charts.attributes import p_chart
from qstats.spc.rules import WESTERN_ELECTRIC
from qstats.spc.rules.engine import count_rows

pytestmark = pytest.mark.calibration

CHARTS = 20_000 if os.environ.get("QSTATS_CALIBRATE") == "full" else 2_000
LIMIT, TWO_OF_THREE, FOUR_OF_FIVE, EIGHT = WESTERN_ELECTRIC.rules

EXACT = [
    ((LIMIT,), 0.0, 370.398),
    ((LIMIT,), 1.0, 43.895),
    ((LIMIT, TWO_OF_THREE), 0.0, 225.438),
    ((LIMIT, FOUR_OF_FIVE), 0.0, 166.055),
    ((LIMIT, EIGHT), 0.0, 152.730),
    (WESTERN_ELECTRIC.rules, 0.0, 91.751),
    (WESTERN_ELECTRIC.rules, 0.5, 27.325),
    (WESTERN_ELECTRIC.rules, 1.0, 9.222),
]


def run_lengths(rules, shift, charts, rng):
    """Run lengths of independent charts, drawn in long series and read up to the first signal of each."""
    length = 4_000
    out = []
    while len(out) < charts:
        z = rng.normal(shift, 1.0, size=(50, length))
        first = np.full(50, length)
        for chart, at in count_rows(rules, z, 3.0):
            np.minimum.at(first, chart, at)
        out.extend((first + 1).tolist())
    return np.array(out[:charts], dtype=float)


@pytest.mark.parametrize(
    ("rules", "shift", "exact"), EXACT, ids=lambda v: str(len(v)) if isinstance(v, tuple) else str(v)
)
def test_average_run_length(rules, shift, exact):
    rng = np.random.default_rng(20261121)
    runs = run_lengths(rules, shift, CHARTS, rng)
    # series end at 4000 points: the chance that a run is longer is exp(-4000 / 370), two in a hundred thousand
    error = runs.std() / math.sqrt(runs.size)
    assert abs(runs.mean() - exact) < 4 * error


def test_two_of_three_with_sizes_that_alternate():
    # qcc 3.0 compares the window with the last point's limits: 0.98 signals per 100 points in control. As defined, with
    # P(Z > 2) = .02275 on each side: 2 * .02275 * (1 - (1 - .02275)**2) = 0.20 per 100, a little more for a binomial.
    rng = np.random.default_rng(20261121)
    points = 20 * CHARTS
    size = np.tile([50, 2000], points // 2)
    limits = ControlLimits("p", 0.3, None, 3.0, "", 0, "known")
    chart = p_chart(rng.binomial(size, 0.3), size=size, limits=limits, rules=(TWO_OF_THREE,))
    rate = 100 * len(chart.signals) / points
    assert 0.15 < rate < 0.28
