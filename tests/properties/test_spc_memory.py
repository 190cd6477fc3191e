"""What must hold for every chart with a memory, whatever the numbers."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qstats.spc.charts.cusum import cusum, cusum_shifts
from qstats.spc.charts.run_chart import run_chart, runs_of
from qstats.spc.charts.time_weighted import ewma, moving_average
from qstats.spc.monitor import Monitor, monitor

# Sixteenths of small whole numbers: shifts and scalings by powers of two are exact.
exact = st.integers(-400, 400).map(lambda i: i / 16)
series = st.lists(exact, min_size=6, max_size=50)
few = settings(deadline=None, max_examples=50)
CHARTS = {
    "ewma": lambda y, **kw: ewma(y, lam=0.3, nsigma=1.5, **kw),
    "steady": lambda y, **kw: ewma(y, lam=0.1, nsigma=1.5, steady_state=True, **kw),
    "average": lambda y, **kw: moving_average(y, span=3, nsigma=1.5, **kw),
    "cusum": lambda y, **kw: cusum(y, h=1.5, head_start=0.25, **kw),
}
MEMORY = pytest.mark.parametrize("name", sorted(CHARTS))


def spread_of(y):
    return np.abs(np.diff(y)).mean()


def arrays(chart):
    return {
        (name, part): getattr(panel, part)
        for name, panel in chart.panels.items()
        for part in ("statistic", "center", "lower", "upper", "sigma")
    }


def fired(chart):
    return {(s.panel, s.index, s.rule) for s in chart.signals}


def clear_of_limits(chart):
    """A statistic within rounding of a limit may fall on either side of it."""
    for panel in chart.panels.values():
        scale = 1e-9 * (1 + np.nanmax(np.abs(panel.statistic), initial=0.0))
        for line in (panel.lower, panel.upper):
            gap = np.abs(panel.statistic - line)
            if (gap[~np.isnan(gap)] < scale).any():
                return False
    return True


@MEMORY
@few
@given(series, st.integers(-64, 64), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_shift_and_scale(name, y, shift, scale):
    assume(spread_of(y) > 0)
    plain, moved = CHARTS[name](y), CHARTS[name]([v * scale + shift for v in y])
    for key, a in arrays(plain).items():
        b = arrays(moved)[key]
        level = 0.0 if name == "cusum" or key[1] == "sigma" else shift
        np.testing.assert_allclose(b, a * scale + level, rtol=1e-11, atol=1e-9 * (1 + abs(shift)))
    assume(clear_of_limits(plain))
    assert fired(moved) == fired(plain)


@MEMORY
@few
@given(series)
def test_the_mirrored_series_mirrors_the_chart(name, y):
    plain, mirrored = arrays(CHARTS[name](y)), arrays(CHARTS[name]([-v for v in y]))
    if name == "cusum":
        up, low = plain[("cusum_upper", "statistic")], mirrored[("cusum_lower", "statistic")]
        np.testing.assert_allclose(low, -up, atol=1e-9)
        return
    (panel,) = {key[0] for key in plain}
    np.testing.assert_allclose(mirrored[(panel, "statistic")], -plain[(panel, "statistic")], atol=1e-9)
    np.testing.assert_allclose(mirrored[(panel, "upper")], -plain[(panel, "lower")], atol=1e-9)


@MEMORY
@few
@given(series, st.data())
def test_freezing_is_fitting_on_the_first_points_and_extending_is_freezing(name, y, data):
    k = data.draw(st.integers(3, len(y) - 1))
    frozen, first = CHARTS[name](y, baseline=k), CHARTS[name](y[:k])
    assert (frozen.limits.center, frozen.limits.sigma) == (first.limits.center, first.limits.sigma)
    for key, a in arrays(frozen).items():
        np.testing.assert_allclose(a[:k], arrays(first)[key], rtol=1e-12, atol=1e-12)
    assert first.extend(y[k:]).to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}


@MEMORY
@few
@given(st.lists(st.one_of(exact, exact, st.none()), min_size=4, max_size=40), st.data())
def test_batch_is_stream(name, y, data):
    sized = data.draw(st.booleans())
    skip = data.draw(st.sets(st.integers(0, len(y) - 1), max_size=4))
    n = data.draw(st.lists(st.integers(1, 5), min_size=len(y), max_size=len(y))) if sized else None
    options = {"target": 0.25, "sigma": 6.0, "exclude": sorted(skip), "missing": "drop"}
    assume(any(v is not None and i not in skip for i, v in enumerate(y)))
    batch = CHARTS[name](y, size=n, **options)
    assume(clear_of_limits(batch))
    watch = monitor(batch.limits)
    stream = []
    for i, v in enumerate(y):
        if i == len(y) // 2:
            watch = Monitor.from_dict(json.loads(json.dumps(watch.state())))
        stream += watch.update(v, size=n[i] if sized else None, exclude=i in skip)
    order = list(batch.panels)
    assert sorted(stream, key=lambda s: (order.index(s.panel), s.index)) == list(batch.signals)


@MEMORY
@few
@given(series, st.data())
def test_a_monitor_goes_on_where_the_chart_ends(name, y, data):
    k = data.draw(st.integers(4, len(y) - 1))
    phase = data.draw(st.sampled_from([None, ["a"] * (k // 2) + ["b"] * (len(y) - k // 2)]))
    options = {"target": 0.25, "sigma": 6.0}
    start = CHARTS[name](y[:k], phase=None if phase is None else phase[:k], **options)
    whole = CHARTS[name](y, phase=phase, **options)
    assume(clear_of_limits(whole))
    watch = monitor(start)
    stream = {(s.panel, s.index) for v in y[k:] for s in watch.update(v)}
    assert stream == {(s.panel, s.index) for s in whole.signals if s.index >= k}


@MEMORY
@few
@given(series, series)
def test_phases_do_not_touch_one_another(name, a, b):
    both = arrays(CHARTS[name](a + b, phase=["a"] * len(a) + ["b"] * len(b)))
    first, second = arrays(CHARTS[name](a)), arrays(CHARTS[name](b))
    for key, whole in both.items():
        np.testing.assert_array_equal(whole[: len(a)], first[key])
        np.testing.assert_array_equal(whole[len(a) :], second[key])


@few
@given(series, st.floats(0.05, 1.0))
def test_ewma_by_the_definition(y, lam):
    panel = ewma(y, lam=lam, target=1.0, sigma=2.0).panels["ewma"]
    z, v = 1.0, 0.0
    for i, x in enumerate(y):
        z, v = lam * x + (1 - lam) * z, (1 - lam) ** 2 * v + lam**2
        assert panel.statistic[i] == pytest.approx(z, rel=1e-11, abs=1e-11)
        assert panel.upper[i] == pytest.approx(1 + 6 * math.sqrt(v), rel=1e-11)


@few
@given(series)
def test_a_shift_is_the_mean_of_its_run(y):
    chart = cusum(y, target=0.0, sigma=4.0, h=1.0)
    for shift in cusum_shifts(chart):
        part = y[shift.start : shift.signal + 1]
        assert len(part) == shift.points
        assert shift.mean == pytest.approx(np.mean(part), rel=1e-9, abs=1e-12)
        sums = np.abs(chart.panels[f"cusum_{shift.side}"].statistic)
        assert sums[shift.signal] > 4.0 >= sums[shift.start : shift.signal].max(initial=0.0)
        assert shift.start == 0 or sums[shift.start - 1] == 0.0
        # Montgomery (2013), eq. 9.5, a plain restatement of the mean of the run
        sign = 1 if shift.side == "upper" else -1
        assert shift.size == pytest.approx(sign * (2.0 + sums[shift.signal] / shift.points), rel=1e-9)


@few
@given(st.lists(st.integers(-3, 3), min_size=3, max_size=60), st.integers(1, 5))
def test_runs_do_not_depend_on_the_unit(y, scale):
    a, b = run_chart(y), run_chart([scale * v + 7 for v in y])
    assert runs_of(a) == runs_of(b) == runs_of(run_chart([-v for v in y]))
