"""g and t charts."""

import datetime as dt
import json
import math
import pickle
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.rare import g_chart, t_chart
from qstats.spc.kernels.rare_limits import exponential_mle, g_limits, weibull_mle
from qstats.spc.monitor import monitor

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "spc_rare.json").read_text(encoding="utf-8"))
}
GAPS = CASES["powerbi-g"]["inputs"]["x"]
DAYS = CASES["powerbi-t"]["inputs"]["x"]
MANY_ZEROS = CASES["qic-g-3"]["inputs"]["x"]


def codes(chart):
    return [n.code for n in chart.notes]


def cdf(x, p):
    """P(X <= x) of a geometric distribution from 0, term by term."""
    return sum(p * (1 - p) ** k for k in range(int(x) + 1))


# ---- g ----


@pytest.mark.parametrize(
    ("method", "estimator", "upper", "decimals"),
    # PowerBI-SPC's test data: mean 31.67 of 67 gaps; each program's limit from its documented formula
    [
        ("three_sigma", None, 128.17, 2),
        ("qcc", None, 205, 0),
        ("minitab", None, 214.8, 1),
        ("sas", "mle", 213, 0),
        ("sas", "benneyan", 216, 0),
        ("sas", "mvue", 216, 0),
    ],
)
def test_one_data_set_many_limits(method, estimator, upper, decimals):
    given_mean = g_limits(31.67, 67, method=method, estimator=estimator)
    assert round(given_mean.number("upper"), decimals) == upper
    chart = g_chart(GAPS, method=method, estimator=estimator)
    assert round(chart.limits.number("upper"), decimals) == upper
    assert chart.limits.number("lower") == 0


def test_centres_of_the_programs():
    # SAS prints 22.3 (mle) and 22.6, Minitab 21.64
    assert g_limits(31.67, 67, method="sas", estimator="mle").center == pytest.approx(22.3, abs=0.05)
    assert g_limits(31.67, 67, method="sas").center == pytest.approx(22.6, abs=0.05)
    assert g_limits(31.67, 67, method="minitab").center == pytest.approx(21.64, abs=0.005)


def test_as_r():
    # qcc 2.7 and qicharts2 0.8.1 (which draws its centre at the median of the data)
    qcc = g_chart(CASES["g-rand1-conf"]["inputs"]["x"], method="qcc", alpha=0.0027)
    assert [[qcc.limits.number("lower"), qcc.limits.number("upper")]] == CASES["g-rand1-conf"]["expected"]["limits"][
        "values"
    ]
    assert qcc.limits.center == CASES["g-rand1-conf"]["expected"]["center"]
    qic = g_chart(MANY_ZEROS, method="three_sigma")
    assert qic.limits.number("upper") == pytest.approx(CASES["qic-g-3"]["expected"]["ucl"], rel=1e-14)
    beyond = [s.index + 1 for s in qic.signals if s.panel == "g"]
    assert beyond == CASES["qic-g-3"]["expected"]["sigma.signal"]


@settings(deadline=None, max_examples=60)
@given(st.floats(0.05, 60), st.integers(2, 200), st.sampled_from([0.0027, 0.01, 0.2, 0.5]), st.sampled_from([0, 1]))
def test_exact_limits_by_the_definition(excess, n, alpha, shift):
    lim = g_limits(excess + shift, n, alpha=alpha, shift=shift)
    p = lim.number("p")
    upper, lower = lim.number("upper") - shift, lim.number("lower") - shift
    slack = 1e-12
    assert 1 - cdf(upper, p) <= alpha / 2 + slack
    assert upper == 0 or 1 - cdf(upper - 1, p) > alpha / 2 - slack
    assert cdf(lower - 1, p) <= alpha / 2 + slack
    assert cdf(lower, p) > alpha / 2 - slack
    middle = lim.center - shift
    assert cdf(middle, p) >= 0.5 - slack
    assert middle == 0 or cdf(middle - 1, p) < 0.5 + slack
    assert lim.number("alpha") == pytest.approx(1 - cdf(upper, p) + cdf(lower - 1, p), abs=1e-10)
    k = lim.number("run_of_minimum")
    if lower > 0:
        assert k == 0  # a single point can show it
    elif k:
        assert p**k <= alpha / 2 + slack
        assert k == 2 or p ** (k - 1) > alpha / 2 - slack


@pytest.mark.parametrize(("p", "n"), [(0.3, 4), (0.05, 10)])
def test_the_estimator_of_p_is_unbiased(p, n):
    # expectation over the negative binomial distribution of the total, term by term; Benneyan's formula is not
    def mean(estimator):
        chance = p**n
        out = chance * g_limits(0.0, n, estimator=estimator).number("p")
        for total in range(1, 4000):
            chance *= (1 - p) * (total + n - 1) / total
            out += chance * g_limits(total / n, n, estimator=estimator).number("p")
        return out

    assert mean("mvue") == pytest.approx(p, abs=1e-9)
    assert mean("benneyan") < p - 1e-4
    assert mean("mle") > p + 1e-3


def test_three_sigma_gives_other_false_alarms():
    # a geometric is nearly exponential: P(X > mean + 3 sd) = exp(-4) = 1.83 %
    chart = g_chart(GAPS, method="three_sigma")
    assert 0.018 <= chart.limits.number("alpha") <= 0.0195
    assert "legacy-limits" in codes(chart)
    assert g_chart(GAPS).limits.number("alpha") <= 0.0027
    assert codes(g_chart(GAPS)) == []


def test_run_of_minimum():
    x = [*MANY_ZEROS, *[0] * 8, 5, *[0] * 7, 1]
    chart = g_chart(x, baseline=40)
    p, k = chart.limits.number("p"), chart.limits.number("run_of_minimum")
    assert p**k <= 0.00135 < p ** (k - 1)
    runs = []
    for value, same in groupby(x):
        length = len(list(same))
        runs += range(1, length + 1) if value == 0 else [0] * length
    panel = chart.panels["run_of_minimum"]
    np.testing.assert_array_equal(panel.statistic, runs)
    assert (panel.upper == k - 1).all()
    fired = [s.index for s in chart.signals if s.panel == "run_of_minimum"]
    assert fired == [i for i, r in enumerate(runs) if r >= k] != []


def test_runs_of_minimum_stop_at_gaps_and_exclusions():
    x = [*MANY_ZEROS, *[0] * 4, 0, *[0] * 4]
    for chart in (
        g_chart(x, baseline=40, exclude=[44]),
        g_chart([*x[:44], None, *x[45:]], baseline=40, missing="drop"),
    ):
        count = chart.panels["run_of_minimum"].statistic
        np.testing.assert_array_equal(count[40:44], [1, 2, 3, 4])
        np.testing.assert_array_equal(count[45:], [1, 2, 3, 4])


def test_counting_the_event_too():
    # shift = 1 moves everything by one
    plain, moved = g_chart(MANY_ZEROS), g_chart([v + 1 for v in MANY_ZEROS], shift=1)
    assert moved.limits.center == plain.limits.center + 1
    assert moved.limits.number("upper") == plain.limits.number("upper") + 1
    assert moved.limits.number("p") == pytest.approx(plain.limits.number("p"), rel=1e-14)
    np.testing.assert_array_equal(moved.panels["run_of_minimum"].statistic, plain.panels["run_of_minimum"].statistic)
    with pytest.raises(DataError, match="1 or more"):
        g_chart(MANY_ZEROS, shift=1)
    with pytest.raises(DataError, match="1 or more"):
        moved.extend([0])


def test_each_phase_has_its_own_run():
    chart = g_chart([*MANY_ZEROS, *GAPS], phase=["often"] * 40 + ["rarely"] * 67)
    want = [g_chart(MANY_ZEROS).limits, g_chart(GAPS).limits]
    assert [x.number("run_of_minimum") for x in chart.limits_by_phase] == [x.number("run_of_minimum") for x in want]
    upper = chart.panels["run_of_minimum"].upper
    assert (upper[0], upper[-1]) == tuple(x.number("run_of_minimum") - 1 for x in want)


def test_all_at_the_minimum():
    chart = g_chart([0] * 20)
    assert "zero-variance" in codes(chart)
    assert chart.in_control
    assert g_chart([0] * 20).extend([1]).signals[0].index == 20


# ---- t ----


def test_published_limits_of_days_between():
    # PowerBI-SPC's test: 97.268 and 0.0221, screened, with d2 = 1.128; the others computed in R (spc.md 2.8)
    screened = t_chart(DAYS, method="transform_screened").limits
    level, sigma = (
        screened.center ** (1 / 3.6),
        (screened.number("upper") ** (1 / 3.6) - screened.center ** (1 / 3.6)) / 3,
    )
    printed = sigma * (2 / math.sqrt(math.pi)) / 1.128
    assert (level + 3 * printed) ** 3.6 == pytest.approx(97.268, abs=5e-4)
    assert (level - 3 * printed) ** 3.6 == pytest.approx(0.0221, abs=5e-5)
    assert t_chart(DAYS, method="transform").limits.number("upper") == pytest.approx(106.0, abs=0.05)
    exponential = t_chart(DAYS, method="exponential").limits
    assert exponential.number("upper") == pytest.approx(104.2, abs=0.05)
    assert exponential.center == pytest.approx(10.9, abs=0.05)
    assert exponential.number("lower") == pytest.approx(0.021, abs=5e-4)
    weibull = t_chart(DAYS)
    assert weibull.limits.number("upper") == pytest.approx(97.8, abs=0.05)
    assert [s.label for s in weibull.signals] == ["24"]  # 117 days


def test_as_r_qicharts2():
    # y**(1/3.6), moving ranges screened, d2 = 1.128
    case = CASES["qic-t-2"]
    lim = t_chart(case["inputs"]["y"], method="transform_screened").limits
    assert lim.center == pytest.approx(case["expected"]["cl"], rel=1e-14)
    for name, want in (("upper", "ucl"), ("lower", "lcl")):
        middle = lim.center ** (1 / 3.6)
        reach = (lim.number(name) ** (1 / 3.6) - middle) * (2 / math.sqrt(math.pi)) / 1.128
        assert (middle + reach) ** 3.6 == pytest.approx(case["expected"][want], rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.3, 6), st.floats(1e-3, 1e6), st.integers(5, 80), st.integers(0, 2**32 - 1))
def test_weibull_solves_its_likelihood_equations(shape, scale, n, seed):
    t = scale * np.random.default_rng(seed).weibull(shape, n)
    a, b = weibull_mle(t, float(t.min()) / 2)
    # Lawless (2003), eqs. 5.2.4-5.2.5
    power = (t / b) ** a
    assert power.mean() == pytest.approx(1.0, rel=1e-9)
    assert (power * np.log(t)).sum() / power.sum() - 1 / a == pytest.approx(np.log(t).mean(), abs=1e-8 * (1 + 1 / a))


def censored_likelihood(t, half, a, b):
    """Log-likelihood, one point at a time."""
    out = 0.0
    for v in t:
        if v == 0:
            out += math.log(1 - math.exp(-((half / b) ** a)))
        else:
            out += math.log(a / b) + (a - 1) * math.log(v / b) - (v / b) ** a
    return out


@pytest.mark.parametrize(("seed", "shape"), [(1, 0.7), (2, 1.0), (3, 1.6)])
def test_zeros_enter_the_likelihood(seed, shape):
    t = np.floor(np.random.default_rng(seed).weibull(shape, 120) * 4)
    assert (t == 0).sum() > 5
    a, b = weibull_mle(t, 0.5)
    top = censored_likelihood(t, 0.5, a, b)
    for step in (1e-3, 1e-4):
        for da in (-step, 0, step):
            for db in (-step, 0, step):
                assert censored_likelihood(t, 0.5, a * (1 + da), b * (1 + db)) <= top + 1e-10
    mean = exponential_mle(t, 0.5)
    best = censored_likelihood(t, 0.5, 1.0, mean)
    assert all(censored_likelihood(t, 0.5, 1.0, mean * (1 + d)) < best for d in (-1e-3, -1e-4, 1e-4, 1e-3))


@pytest.mark.parametrize("method", ["weibull", "exponential", "transform", "transform_screened"])
def test_events_on_one_day(method):
    chart = t_chart([*DAYS, 0, 0], method=method)
    (note,) = [n for n in chart.notes if n.code == "zero-times"]
    assert note.message.startswith("2 of the times are zero")
    assert chart.columns["time"][-1] == 0
    assert chart.panels["t"].statistic[-1] == 0.5
    assert chart.limits.number("half_unit") == 0.5
    assert not [s for s in chart.signals if s.index >= 67]
    # a later time that is short but known stays what it is
    later = t_chart(DAYS, method=method).extend([0, 0.2])
    assert later.panels["t"].statistic[-2:].tolist() == [0.5, 0.2]


def test_quantiles_of_the_fit():
    chart = t_chart(DAYS, alpha=0.02)
    a, b = chart.limits.number("shape"), chart.limits.number("scale")
    for name, p in (("lower", 0.01), ("upper", 0.99)):
        assert 1 - math.exp(-((chart.limits.number(name) / b) ** a)) == pytest.approx(p, rel=1e-12)
    assert 1 - math.exp(-((chart.limits.center / b) ** a)) == pytest.approx(0.5, rel=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([0.125, 2.0, 24.0, 1440.0]), st.integers(0, 1000))
def test_the_unit_of_time_does_not_matter(unit, seed):
    t = np.random.default_rng(seed).weibull(1.3, 30) + 0.01
    for method in ("weibull", "exponential", "transform"):
        a, b = t_chart(t, method=method), t_chart(t * unit, method=method)
        assert b.limits.center == pytest.approx(a.limits.center * unit, rel=1e-9)
        assert b.limits.number("upper") == pytest.approx(a.limits.number("upper") * unit, rel=1e-9)


def test_equal_times():
    with pytest.raises(DataError, match="all times are the same"):
        t_chart([0.1] * 20)
    assert t_chart([0.1] * 20, method="exponential").in_control
    assert weibull_mle(np.array([3.0] * 10 + [0.0]), 0.5)[0] > 1  # the zero says how they spread


# ---- dates, stored limits, bad input ----

EVENTS = ["2024-03-01", "2024-01-05", "2024-01-05", "2024-02-11", "2024-02-20"]


@pytest.mark.parametrize(
    "events",
    [
        EVENTS,
        np.array(EVENTS, dtype="datetime64[D]"),
        [dt.date.fromisoformat(e) for e in EVENTS],
        [dt.datetime.fromisoformat(e) for e in EVENTS],
        [pd.Timestamp(e) for e in EVENTS],
        np.array(EVENTS, dtype="datetime64[ns]"),
    ],
    ids=["text", "days", "dates", "datetimes", "pandas", "ns"],
)
def test_gaps_from_dates(events):
    for chart in (t_chart(events), g_chart(events)):
        assert next(iter(chart.columns.values())).tolist() == [0, 37, 9, 10]
        assert list(chart.labels) == ["2024-01-05", "2024-02-11", "2024-02-20", "2024-03-01"]
    frame = pd.DataFrame({"when": events, "team": ["b", "a", "a", "a", "b"]})
    chart = t_chart(frame, dates="when", phase="team", method="exponential")
    assert chart.columns["time"].tolist() == [0, 37, 9, 10]
    assert list(chart.phases) == ["a", "a", "b", "b"]


def test_times_of_day_count():
    stamps = np.array(["2024-01-01T06:00", "2024-01-01T18:00", "2024-01-03T12:00"], dtype="datetime64[m]")
    assert t_chart(stamps).columns["time"].tolist() == [0.5, 1.75]
    assert g_chart(stamps).columns["between"].tolist() == [0.0, 2.0]


def test_masks_go_with_the_event_that_ends_a_gap():
    chart = t_chart(EVENTS, exclude=[False, False, False, True, False], method="exponential")
    assert chart.excluded.tolist() == [False, True, False, False]  # 2024-02-11


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"values": "x", "dates": "when"}, "together with values"),
        ({"dates": "when", "order_by": "when"}, "leave it out"),
        ({"dates": "x"}, "dates or timestamps"),
        ({"dates": "nothing"}, "nothing"),
    ],
)
def test_bad_dates(options, text):
    frame = pd.DataFrame({"when": pd.to_datetime(EVENTS), "x": [1.0, 2.0, 3.0, 4.0, 5.0]})
    with pytest.raises(DataError, match=text):
        t_chart(frame, **options)


def test_bad_lists_of_dates():
    with pytest.raises(DataError, match="pass the dates themselves"):
        t_chart(EVENTS, dates="when")
    with pytest.raises(TooFewData, match="1 events"):
        t_chart(EVENTS[:1])
    with pytest.raises(DataError):
        g_chart(["soon", "later"])
    with pytest.raises(DataError, match="nothing at position"):
        t_chart([dt.date(2024, 1, 1), None, dt.date(2024, 1, 5)])


@pytest.mark.parametrize("chart", [g_chart, t_chart])
@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        ([1.0, math.nan, 2.0], {}, DataError, "data: missing"),
        ([1.0, math.inf, 2.0], {}, DataError, "data: inf"),
        ([1.0, -2.0, 2.0], {}, DataError, "-2.0 at position 1"),
        ([], {}, TooFewData, "data"),
        ([3.0], {}, TooFewData, "at least 2"),
        ([[1.0, 2.0]], {}, DataError, "dimensions"),
        (DAYS, {"alpha": 0}, DataError, "alpha"),
        (DAYS, {"alpha": 1.0}, DataError, "alpha"),
        (DAYS, {"method": "poisson"}, DataError, "method"),
        (DAYS, {"exclude": slice(0, 66)}, TooFewData, "at least 2"),
    ],
)
def test_bad_input(chart, data, options, error, text):
    with pytest.raises(error, match=text):
        chart(data, **options)


def test_bad_options():
    with pytest.raises(DataError, match="whole numbers"):
        g_chart([1.5, 2.0])
    with pytest.raises(DataError, match="shift"):
        g_chart(GAPS, shift=2)
    with pytest.raises(DataError, match="estimator"):
        g_chart(GAPS, method="minitab", estimator="mle")
    with pytest.raises(DataError, match="estimator"):
        g_chart(GAPS, estimator="best")
    with pytest.raises(DataError, match="no chance"):
        g_limits(0.5, 10, method="qcc")
    with pytest.raises(DataError, match="mean"):
        g_limits(0.5, 10, shift=1)
    with pytest.raises(TooFewData, match="above zero"):
        t_chart([0, 0, 0])


@pytest.mark.parametrize(("chart", "data"), [(g_chart, GAPS), (t_chart, DAYS)])
def test_stored_limits_and_round_trips(chart, data):
    first = chart(data)
    stored = json.loads(json.dumps(first.limits.to_dict()))
    again = chart(data, limits=stored)
    for name, panel in first.panels.items():
        np.testing.assert_array_equal(again.panels[name].upper, panel.upper)
    assert pickle.loads(pickle.dumps(first)).to_json() == first.to_json()
    with pytest.raises(DataError, match="method"):
        chart(data, limits=stored, method="three_sigma" if chart is g_chart else "exponential")
    with pytest.raises(DataError, match="'lower'"):
        chart(data, limits=ControlLimits(first.kind, 10.0, None, 3.0, "", 0, "given"))
    with pytest.raises(DataError, match="neither size"):
        first.extend([3], size=[2])


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(st.integers(0, 3), st.integers(0, 60), st.none()), min_size=30, max_size=60), st.data())
def test_batch_is_stream_and_extension(values, data):
    present = [v for v in values if v is not None]
    assume(len([v for v in present if v]) > 3)
    skip = data.draw(st.sets(st.integers(0, len(values) - 1), max_size=3))
    for chart, method in ((g_chart, "probability"), (t_chart, "exponential")):
        limits = chart(present, method=method, alpha=0.2).limits
        whole = chart(values, limits=limits, exclude=sorted(skip), missing="drop")
        watch = monitor(limits)
        stream = [s for i, v in enumerate(values) for s in watch.update(v, exclude=i in skip)]
        order = list(whole.panels)
        assert sorted(stream, key=lambda s: (order.index(s.panel), s.index)) == list(whole.signals)
        k = len(values) // 2
        first = chart(values[:k], limits=limits, missing="drop")
        joined = first.extend(values[k:], missing="drop")
        assert joined.signals == chart(values, limits=limits, missing="drop").signals


def test_labels_rise():
    chart = t_chart(EVENTS)
    assert all(a <= b for a, b in pairwise(chart.labels))


def test_options_beside_stored_limits():
    g, t = g_chart(GAPS).limits, t_chart(DAYS).limits
    for call, name in (
        (lambda: g_chart(GAPS, limits=g, alpha=0.01), "alpha"),
        (lambda: g_chart(GAPS, limits=g, estimator="mle"), "estimator"),
        (lambda: t_chart(DAYS, limits=t, alpha=0.01), "alpha"),
        (lambda: t_chart(DAYS, method="transform", alpha=0.01), "alpha"),
        (lambda: t_chart(DAYS, method="transform_screened", alpha=0.01), "alpha"),
    ):
        with pytest.raises(DataError, match=f"^{name}: "):
            call()
    # with three_sigma alpha is not idle: it says how long a run of smallest values is a signal
    runs = [g_chart(MANY_ZEROS, method="three_sigma", alpha=a).limits.number("run_of_minimum") for a in (0.1, 0.0001)]
    assert runs[0] < runs[1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("lower", v) for v in (-1, "evil", 10**9)),
        *(("shift", v) for v in (2, 0.5, "evil", True)),
        *(("run_of_minimum", v) for v in (-1, 2.5, 256, "evil")),
        *(("p", v) for v in (0.0, 1.5, "evil")),
        *(("alpha", v) for v in (-0.1, 7, "evil")),
    ],
)
def test_hostile_stored_limits_of_g(name, value):
    stored = g_chart(GAPS).limits.to_dict()
    stored["parameters"][name] = value
    with pytest.raises(DataError, match=rf"limits\.parameters\['{'upper' if value == 10**9 else name}'\]: got "):
        g_chart(GAPS, limits=stored)


@pytest.mark.parametrize("name", ["half_unit", "shape", "scale", "upper"])
@pytest.mark.parametrize("value", [0, -1.0, "evil", True, 10**400])
def test_hostile_stored_limits_of_t(name, value):
    stored = t_chart(DAYS).limits.to_dict()
    stored["parameters"][name] = value
    with pytest.raises(DataError, match=rf"limits\.parameters\['{name}'\]: got "):
        t_chart(DAYS, limits=stored)


def test_very_many_units_between_events():
    with pytest.raises(DataError, match=r"data: 1e\+300 at position 0 .*2\*\*53"):
        g_chart([1e300, 2e300, 3e300])
    with pytest.raises(DataError, match="mean: got"):
        g_limits(1e300, 10)
    # the corrections of a step end, and the limits lie where the distribution has its quantiles
    limits = g_chart([2.0**52, 2.0**53, 2.0**51]).limits
    fade = math.log1p(-limits.number("p"))
    assert limits.number("upper") == pytest.approx(math.log(0.00135) / fade, rel=1e-12)
    assert limits.number("lower") == pytest.approx(math.log1p(-0.00135) / fade, rel=1e-12)
