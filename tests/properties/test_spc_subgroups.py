"""What must hold for every chart of subgroups and of short runs, whatever the numbers."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.between_within import between_within
from qstats.spc.charts.short_run import short_run
from qstats.spc.charts.xbar import xbar_r, xbar_s
from qstats.spc.monitor import Monitor, monitor

few = settings(deadline=None, max_examples=50)
# Sixteenths of small whole numbers: differences are exact, so equalities can be asked for exactly.
exact = st.integers(-400, 400).map(lambda i: i / 16)


def groups(least=2, most=5, count=3):
    return st.lists(st.lists(exact, min_size=least, max_size=most), min_size=count, max_size=25)


def three_way(rows, **options):
    return between_within(rows, dispersion="std", **options)


def probability(rows, **options):
    chosen = {} if "limits" in options else {"dispersion_limits": "probability"}
    return xbar_s(rows, **chosen, **options)


charts = st.sampled_from([xbar_r, xbar_s, probability, between_within, three_way])


def usable(rows, count=3):
    """Whether limits can be estimated: enough subgroups, some with two values."""
    return len(rows) >= count and any(len(r) > 1 for r in rows)


def numbers(chart):
    parts = ("statistic", "center", "lower", "upper", "sigma", "sigma_lower")
    return {(name, part): getattr(panel, part) for name, panel in chart.panels.items() for part in parts}


def same(a, b, where_a=slice(None), where_b=slice(None)):
    for key, value in numbers(a).items():
        np.testing.assert_array_equal(value[where_a], numbers(b)[key][where_b], err_msg=str(key))


def fired(chart, shift=0):
    return {(s.panel, s.index + shift, s.rule, tuple(i + shift for i in s.window)) for s in chart.signals}


@few
@given(charts, groups(1), st.data())
def test_freezing_is_fitting_on_the_first_subgroups(chart, rows, data):
    k = data.draw(st.integers(3, len(rows)))
    assume(usable(rows[:k]))
    frozen, first = chart(rows, baseline=k), chart(rows[:k])
    assert frozen.limits.to_dict() == first.limits.to_dict()
    same(frozen, first, slice(k))
    assert {f for f in fired(frozen) if f[1] < k} == fired(first)


@few
@given(charts, groups(1, count=4), st.data())
def test_extending_is_freezing(chart, rows, data):
    k = data.draw(st.integers(3, len(rows) - 1))
    assume(usable(rows[:k]))
    extended, frozen = chart(rows[:k]).extend(rows[k:]), chart(rows, baseline=k)
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}


@few
@given(charts, groups(1), st.sets(st.integers(0, 24)), st.sets(st.integers(0, 24)), st.data())
def test_the_monitor_says_what_the_chart_says(chart, rows, empty, out, data):
    assume(usable(rows))
    limits = chart(rows, rules="nelson").limits
    later = [[math.nan] if i in empty else row for i, row in enumerate(rows)]
    out = sorted(i for i in out if i < len(rows))
    whole = chart(later, limits=limits, rules="nelson", exclude=out or None, missing="drop")
    watch, got = monitor(limits, rules="nelson"), set()
    stop = data.draw(st.integers(0, len(rows)))
    for i, row in enumerate(later):
        if i == stop:
            watch = Monitor.from_dict(json.loads(json.dumps(watch.state())))
        point = None if i in empty else row
        got |= {(s.panel, s.index, s.rule, s.window) for s in watch.update(point, exclude=i in out)}
    assert got == fired(whole)


@few
@given(charts, groups(1, count=6), st.integers(3, 22))
def test_phases_do_not_touch_one_another(chart, rows, cut):
    assume(usable(rows[:cut]) and usable(rows[cut:]))
    both = chart(rows, phase=[cut], rules="nelson")
    first, second = chart(rows[:cut], rules="nelson"), chart(rows[cut:], rules="nelson")
    assert fired(both) == fired(first) | fired(second, cut)
    same(both, first, slice(cut))
    same(both, second, slice(cut, None))


@few
@given(charts, groups(), st.integers(-64, 64), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_shift_and_scale(chart, rows, shift, scale):
    plain, moved = chart(rows), chart([[v * scale + shift for v in row] for row in rows])
    assert moved.limits.center == pytest.approx(plain.limits.center * scale + shift, rel=1e-12, abs=1e-10)
    assert moved.limits.sigma == pytest.approx(plain.limits.sigma * scale, rel=1e-10, abs=1e-12)
    for name, panel in plain.panels.items():
        by = shift if name == "xbar" else 0
        for part in ("statistic", "center", "lower", "upper"):
            want = getattr(panel, part) * scale + by
            np.testing.assert_allclose(getattr(moved.panels[name], part), want, rtol=1e-9, atol=1e-9)


@few
@given(charts, groups(1), st.randoms(use_true_random=False))
def test_the_road_by_which_the_data_come_does_not_matter(chart, rows, random):
    assume(usable(rows))
    want = chart(rows)
    flat = [(v, i) for i, row in enumerate(rows) for v in row]
    x, by = zip(*flat, strict=True)
    same(chart(x, by=by), want)
    order = list(range(len(flat)))
    random.shuffle(order)
    mixed = chart([x[i] for i in order], by=[by[i] for i in order], order_by=order)
    same(mixed, want)
    assert list(mixed.labels) == [str(i) for i in range(len(rows))]
    width = max(map(len, rows))
    if width > 1:
        holes = np.array([row + [math.nan] * (width - len(row)) for row in rows])
        same(chart(holes, missing="drop"), want)


@few
@given(charts, st.integers(2, 5), st.integers(3, 20), st.randoms(use_true_random=False))
def test_sizes_that_happen_to_be_equal(chart, n, k, random):
    rows = [[random.randint(-400, 400) / 16 for _ in range(n)] for _ in range(k)]
    flat, ragged = chart(np.array(rows)), chart([*rows, [0.0]], baseline=k)
    assert flat.limits.sigma == pytest.approx(ragged.limits.sigma, rel=1e-13)
    for key, value in numbers(flat).items():
        np.testing.assert_allclose(value, numbers(ragged)[key][:k], rtol=1e-11, atol=1e-11, err_msg=str(key))


@few
@given(charts, groups())
def test_limits_survive_json(chart, rows):
    limits = chart(rows).limits
    again = ControlLimits.from_dict(json.loads(limits.to_json()))
    assert again.to_dict() == limits.to_dict()
    assert chart(rows, limits=again).to_dict() == chart(rows, limits=limits).to_dict()
    json.loads(chart(rows).to_json())


cell = st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.text(max_size=3)


@few
@given(charts, st.lists(st.lists(cell, max_size=3) | cell, max_size=8))
def test_any_list_is_a_chart_or_a_data_error(chart, rows):
    for missing in ("raise", "drop"):
        try:
            got = chart(rows, missing=missing)
        except DataError:
            continue
        assert len(got.labels) == len(rows)
        assert np.isfinite([got.limits.center, got.limits.sigma]).all()
        json.loads(got.to_json())


# ---- short runs ----

pieces = st.lists(st.tuples(exact, st.sampled_from("AAABBC")), min_size=12, max_size=60)
NOMINAL = {"A": 0.0, "B": 10.0, "C": -5.0}


@st.composite
def runs(draw):
    """Pieces of three parts of which each comes often enough, and moves, in the first twelve."""
    rows = draw(pieces)
    known = draw(st.sampled_from([{"sigma": 2.0}, {"pooling": "constant"}, {"nominal": NOMINAL}]))
    start = [(1.0, "A"), (2.5, "A"), (11.0, "B"), (9.0, "B"), (-5.0, "C"), (-4.0, "C")] * 2
    x, part = zip(*start, *rows, strict=True)
    return list(x), list(part), known


@few
@given(runs(), st.data())
def test_short_runs_freeze_extend_and_stream_alike(made, data):
    x, part, options = made
    k = data.draw(st.integers(12, len(x) - 1))
    first = short_run(x[:k], part=part[:k], rules="nelson", **options)
    frozen = short_run(x, part=part, baseline=k, rules="nelson", **options)
    extended = first.extend(x[k:], by=part[k:])
    assert frozen.limits.to_dict() == first.limits.to_dict()
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}
    watch = monitor(first.limits, rules="nelson")
    got = set()
    for v, p in zip(x, part, strict=True):
        got |= {(s.panel, s.index, s.rule, s.window) for s in watch.update(v, by=p)}
    assert got == fired(frozen)


@few
@given(runs(), st.integers(-64, 64), st.sampled_from([0.25, 2.0, 8.0]))
def test_standardised_values_have_no_unit(made, shift, scale):
    x, part, _ = made
    for pooling in ("by_part", "constant"):
        plain = short_run(x, part=part, pooling=pooling).panels["z"].statistic
        moved = short_run([v * scale + shift for v in x], part=part, pooling=pooling).panels["z"].statistic
        np.testing.assert_allclose(moved, plain, rtol=1e-9, atol=1e-9)


@few
@given(runs())
def test_names_of_parts_do_not_matter(made):
    x, part, _ = made
    numbered = short_run(x, part=["ABC".index(p) for p in part])
    same(short_run(x, part=part), numbered)
    assert [p[0] for p in numbered.limits.parameters["parts"]] == ["0", "1", "2"]
