"""What must hold for every chart, whatever the numbers."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.attributes import p_chart, u_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.rules import Rule
from qstats.spc.rules.engine import find
from qstats.spc.stretch import Flat

# Sixteenths of small whole numbers: sums and differences are exact, so equalities can be asked for exactly.
exact = st.integers(-400, 400).map(lambda i: i / 16)
series = st.lists(exact, min_size=6, max_size=60)
few = settings(deadline=None, max_examples=60)


def fired(chart):
    return {(s.panel, s.index, s.rule) for s in chart.signals}


def arrays(chart):
    return {
        (name, part): getattr(panel, part)
        for name, panel in chart.panels.items()
        for part in ("statistic", "center", "lower", "upper", "sigma")
    }


def same(a, b, n=None):
    for key, value in arrays(a).items():
        np.testing.assert_array_equal(value[:n], arrays(b)[key][:n], err_msg=str(key))


@few
@given(series, st.integers(-64, 64), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
def test_shift_and_scale(y, shift, scale):
    plain = individuals(y, rules="nelson")
    moved = individuals([v * scale + shift for v in y], rules="nelson")
    assert moved.limits.center == pytest.approx(plain.limits.center * scale + shift, rel=1e-12, abs=1e-12)
    assert moved.limits.sigma == pytest.approx(plain.limits.sigma * scale, rel=1e-12)
    # a point within rounding of a line may fall on either side of it
    panel = plain.panels["individuals"]
    z = (panel.statistic - panel.center) / np.where(panel.sigma > 0, panel.sigma, 1.0)
    assume(np.abs(z[:, None] - np.array([-3, -2, -1, 0, 1, 2, 3])).min() > 1e-9)
    assert fired(moved) == fired(plain)


@few
@given(series)
def test_the_mirrored_series_mirrors_its_signals(y):
    plain, mirrored = individuals(y, rules="nelson"), individuals([-v for v in y], rules="nelson")
    assert fired(plain) == fired(mirrored)
    assert mirrored.limits.sigma == plain.limits.sigma


@few
@given(series, st.data())
def test_freezing_is_fitting_on_the_first_points(y, data):
    k = data.draw(st.integers(3, len(y)))
    frozen, first = individuals(y, baseline=k), individuals(y[:k])
    assert (frozen.limits.center, frozen.limits.sigma) == (first.limits.center, first.limits.sigma)
    same(frozen, first, k)
    assert {f for f in fired(frozen) if f[1] < k} == fired(first)


@few
@given(series, st.data())
def test_extending_is_freezing(y, data):
    k = data.draw(st.integers(3, len(y) - 1))
    extended, frozen = individuals(y[:k]).extend(y[k:]), individuals(y, baseline=k)
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}


counts = st.lists(st.tuples(st.integers(0, 30), st.integers(30, 400)), min_size=2, max_size=40)


@few
@given(counts, st.data(), st.sampled_from(["p", "u"]))
def test_extending_attribute_charts_is_freezing(rows, data, kind):
    x, n = (np.array(v, dtype=float) for v in zip(*rows, strict=True))
    k = data.draw(st.integers(1, len(rows) - 1))

    def chart(a, b, **options):
        return p_chart(a, size=b, **options) if kind == "p" else u_chart(a, exposure=b, **options)

    extended, frozen = chart(x[:k], n[:k]).extend(x[k:], size=n[k:]), chart(x, n, baseline=k)
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}
    same(frozen, chart(x[:k], n[:k]), k)


@few
@given(counts)
def test_limits_of_fractions_stay_in_range(rows):
    x, n = zip(*rows, strict=True)
    panel = p_chart(x, size=n).panels["p"]
    assert (panel.lower >= 0).all()
    assert (panel.upper <= 1).all()
    assert (panel.lower <= panel.center).all()
    assert (panel.center <= panel.upper).all()


@few
@given(st.lists(st.integers(0, 50), min_size=2, max_size=40))
def test_equal_sizes_given_one_by_one_or_once(x):
    one, each = p_chart(x, size=50), p_chart(x, size=[50] * len(x))
    assert one.to_dict() == each.to_dict()


@few
@given(series, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_with_order_by(y, random):
    rows = list(enumerate(y))
    random.shuffle(rows)
    order, values = zip(*rows, strict=True)
    phase = ["a" if i < 3 else "b" for i in order]
    out = [i == 1 for i in order]
    shuffled = individuals(values, order_by=list(order), phase=phase, exclude=out, sigma=1.0)
    straight = individuals(y, order_by=list(range(len(y))), phase=sorted(phase), exclude=[1], sigma=1.0)
    assert shuffled.to_dict() == straight.to_dict()


@few
@given(series)
def test_limits_survive_json(y):
    limits = individuals(y).limits
    again = ControlLimits.from_dict(json.loads(limits.to_json()))
    assert again.to_dict() == limits.to_dict()
    assert individuals(y, limits=again).to_dict() == individuals(y, limits=limits).to_dict()
    json.loads(individuals(y).to_json())


@few
@given(series, st.integers(2, 20))
def test_phases_do_not_touch_one_another(y, cut):
    assume(3 <= cut <= len(y) - 3)
    both = individuals(y, phase=[cut], rules="nelson")
    first, second = individuals(y[:cut], rules="nelson"), individuals(y[cut:], rules="nelson")
    moved = {(panel, index + cut, rule) for panel, index, rule in fired(second)}
    assert fired(both) == fired(first) | moved
    same(both, first, cut)


def by_loop(rule, z, age):
    """The definition of a rule, point by point."""
    out = []
    for i in range(len(z)):
        w = z[max(0, i - rule.m + 1) : i + 1]
        if len(w) < rule.m or age[i] < rule.m - 1:
            continue
        t = rule.threshold
        if rule.kind == "beyond":
            hit = any(s * w[-1] > t and sum(s * v > t for v in w) >= rule.k for s in (1, -1))
        elif rule.kind == "outside":
            hit = abs(w[-1]) > t and sum(abs(v) > t for v in w) >= rule.k
            if rule.sides == "both":
                hit = hit and any(v > t for v in w) and any(v < -t for v in w)
        elif rule.kind == "within":
            hit = abs(w[-1]) <= t and sum(abs(v) <= t for v in w) >= rule.k
        else:
            d = [b - a for a, b in itertools.pairwise(w)]
            if rule.kind == "trend":
                hit = all(v > 0 for v in d) or all(v < 0 for v in d)
            else:
                hit = all(a * b < 0 for a, b in itertools.pairwise(d))
        if hit:
            out.append(i)
    return out


@st.composite
def any_rule(draw):
    kind = draw(st.sampled_from(["beyond", "outside", "within", "trend", "alternating"]))
    m = draw(st.integers(3, 12))
    if kind in ("trend", "alternating"):
        return Rule("r", kind, m, m)
    sides = draw(st.sampled_from(["either", "both"])) if kind == "outside" else "each"
    zones = [1.0, 2.0] if kind == "within" else [0.0, 1.0, 2.0]
    return Rule("r", kind, draw(st.integers(1, m)), m, draw(st.sampled_from(zones)), sides)


@few
@given(st.lists(st.integers(-12, 12).map(lambda i: i / 4), max_size=80), any_rule(), st.sets(st.integers(0, 79)))
def test_rules_are_what_a_loop_says(z, rule, out):
    age, row = [], -1
    for i in range(len(z)):
        row = -1 if i in out else row + 1
        age.append(row)
    x = np.array(z, dtype=float)
    points = Flat(0, x.size, x, 0.0, 1.0, -3.0, 3.0)
    broken = np.array([i in out for i in range(x.size)], dtype=bool)
    got = find((rule,), points, broken)
    assert got[0].tolist() == by_loop(rule, z, age)
    whole = find((rule,), points)
    assert whole[0].tolist() == by_loop(rule, z, list(range(len(z))))


@few
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True) | st.none() | st.text(max_size=3), max_size=12))
def test_any_list_is_a_chart_or_a_data_error(values):
    for missing in ("raise", "drop"):
        try:
            chart = individuals(values, missing=missing)
        except DataError:
            continue
        assert len(chart.labels) == len(values)
        assert np.isfinite(chart.limits.center)
        json.loads(chart.to_json())
