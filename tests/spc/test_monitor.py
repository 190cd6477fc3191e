"""A monitor is the batch chart, point by point: the same signals, at constant cost, through JSON if need be."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.spc.charts.attributes import c_chart, p_chart, u_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.laney import laney_p
from qstats.spc.limits import ControlLimits
from qstats.spc.monitor import Monitor, monitor
from qstats.spc.rules import Rule, rule_set

few = settings(deadline=None, max_examples=60)
value = st.integers(-64, 64).map(lambda i: i / 16)
SETS = ["western_electric", "nelson", "aiag", "nhs", "westgard", "montgomery", "none"]
SKIPPING = (Rule("useful run", "beyond", 5, 5, 0.0, center="skip"), Rule("rise", "trend", 4, 4, ties="ignore"))


def fired(signals):
    return [(s.panel, s.index, s.rule, s.window) for s in signals]


def in_order(signals):
    return sorted(fired(signals), key=lambda s: (s[1], s[0], s[2]))


def watch(start, values, outs=(), **each):
    """Feed a monitor, sending its state through JSON now and then."""
    out, run = [], start
    for i, x in enumerate(values):
        more = {name: column[i] for name, column in each.items()}
        out += run.update(x, exclude=i in outs, **more)
        if i % 5 == 3:
            run = Monitor.from_dict(json.loads(json.dumps(run.state())))
    return out, run


@few
@given(
    st.lists(value | st.none(), min_size=1, max_size=70),
    st.sampled_from(SETS),
    st.sets(st.integers(0, 69), max_size=4),
)
@example([0.0] * 40, "nelson", set())
def test_individuals_as_the_batch_chart(values, rules, outs):
    limits = ControlLimits("individuals", 0.0, 1.0, 3.0, "", 0, "given")
    outs = {i for i in outs if i < len(values)}
    if all(v is None for v in values):
        values[0] = 0.0
    got, run = watch(monitor(limits, rules=rules), values, outs)
    batch = individuals(values, limits=limits, rules=rules, exclude=sorted(outs), missing="drop")
    assert in_order(got) == in_order(batch.signals)
    assert run.n == len(values)


@few
@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=80))
def test_rules_that_pass_points_over(values):
    limits = ControlLimits("individuals", 0.0, 1.0, 3.0, "", 0, "given")
    got, _ = watch(monitor(limits, rules=SKIPPING), values)
    assert in_order(got) == in_order(individuals(values, limits=limits, rules=SKIPPING).signals)


@few
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(30, 60)), min_size=1, max_size=40), st.sampled_from(SETS))
def test_counts_as_the_batch_chart(rows, rules):
    count, size = [c for c, _ in rows], [n for _, n in rows]
    for kind, make, extra in (("p", p_chart, {}), ("laney_p", laney_p, {"sigma_z": 1.5})):
        limits = ControlLimits(kind, 0.3, None, 3.0, "", 0, "given", extra)
        got, _ = watch(monitor(limits, rules=rules), count, size=size)
        assert in_order(got) == in_order(make(count, size=size, limits=limits, rules=rules).signals)
    exact = ControlLimits("u", 0.3, None, 3.0, "", 0, "given", {"limits": "probability", "alpha": 0.01})
    got, _ = watch(monitor(exact, rules=rules), count, size=size)
    assert in_order(got) == in_order(u_chart(count, exposure=size, limits=exact, rules=rules).signals)


@few
@given(st.lists(value, min_size=6, max_size=40), st.lists(value | st.none(), max_size=30), st.booleans())
def test_a_monitor_goes_on_where_the_chart_ends(old, new, phased):
    chart = individuals(old, sigma=1.0, rules="nelson", phase=[3] if phased else None, exclude=[5])
    got, run = watch(monitor(chart), new)
    longer = chart.extend(new, missing="drop") if new and not all(v is None for v in new) else chart
    if longer is not chart:
        assert in_order(got) == in_order(s for s in longer.signals if s.index >= len(old))
    assert run.n == len(old) + len(new)


def test_span_and_targets():
    x = [1.0, 2.0, 1.5, 9.0, 1.0, 2.0, 1.0, 1.5, 12.0, 1.0]
    chart = individuals(x, span=4, rules="nelson")
    got, _ = watch(monitor(chart.limits, rules="nelson"), x)
    assert in_order(got) == in_order(chart.signals)
    target = [1.0, 2.0, 1.0, 9.0, 1.0, 2.0, 1.0, 1.0, 3.0, 1.0]
    aimed = individuals(x, target=target, sigma=0.5)
    got, _ = watch(monitor(aimed.limits), x, target=target)
    assert in_order(got) == in_order(aimed.signals)
    assert got
    with pytest.raises(DataError, match="target: one target per new point"):
        monitor(aimed.limits).update(1.0)


def test_cost_and_state_do_not_grow():
    rng = np.random.default_rng(1)
    run = monitor(ControlLimits("individuals", 0.0, 1.0, 3.0, "", 0, "given"), rules="nelson")
    sizes = []
    for v in rng.normal(size=200).tolist():
        run.update(v)
        sizes.append(len(run.state()["watches"][0]["broken"]))
    assert max(sizes[50:]) == min(sizes[50:]) <= 16  # 15 points for the longest rule, one more for the moving range


def test_points_that_count_for_no_rule_are_not_kept_but_those_that_do_are():
    rules = (Rule("8 useful", "beyond", 8, 8, 0.0, center="skip"), Rule("rise", "trend", 3, 3, ties="ignore"))
    values = [1.0] * 7 + [0.0] * 6000 + [1.0, 2.0, 2.0, 3.0]
    limits = ControlLimits("individuals", 0.0, 1.0, 9.0, "", 0, "given")
    run = monitor(limits, rules=rules)
    got = [s for v in values for s in run.update(v)]
    assert in_order(got) == in_order(individuals(values, limits=limits, rules=rules).signals)
    assert ("individuals", 6007, "8 useful", (*range(7), 6007)) in in_order(got)
    assert max(len(w["at"]) for w in run.state()["watches"]) <= 8
    chart = individuals(values[:6005], limits=limits, rules=rules)
    run = monitor(chart)
    later = [s for v in values[6005:] for s in run.update(v)]
    assert in_order(later) == [s for s in in_order(got) if s[1] >= 6005]


def test_a_missing_size_is_a_gap_as_in_the_batch_chart():
    limits = p_chart([5, 6, 4, 5], size=50).limits
    run = monitor(limits)
    got = [s for c, n in ((5, 50), (30, float("nan")), (30, 50)) for s in run.update(c, size=n)]
    batch = p_chart([5, 30, 30], size=[50, None, 50], limits=limits, missing="drop")
    assert in_order(got) == in_order(batch.signals)


def test_labels_and_first_signal():
    run = monitor(c_chart([4, 5, 6, 3, 5, 4, 6, 5, 4, 5, 6, 4]).limits)
    assert run.update(5, label="Mon") == ()
    [signal] = run.update(30, label="周二")
    assert (signal.label, signal.index, signal.rule, signal.window) == ("周二", 1, "beyond limits", (1,))
    assert "2 points" in repr(run)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: monitor(3), "limits: got a int"),
        (lambda: monitor(ControlLimits("q", 0.0, 1.0, 3.0, "", 0, "given")), "kind: no chart is called 'q'"),
        (lambda: monitor(individuals([1, 2, 3.0]), rules="anhoej"), "rules: 'run too long' judges a whole chart"),
        (lambda: monitor(individuals([1, 2, 3.0])).update("x"), "new: got text"),
        (lambda: monitor(individuals([1, 2, 3.0])).update([1.0, 2.0]), "new: got 2 dimensions"),
        (lambda: monitor(individuals([1, 2, 3.0])).update(1.0, size=3), "size: an individuals chart"),
        (lambda: monitor(p_chart([1, 2, 3], size=9)).update(1), "size: nothing came"),
        (lambda: monitor(p_chart([1, 2, 3], size=9)).update(11, size=9), "new: 11 of a sample of 9"),
        (
            lambda: monitor({**individuals([1, 2, 3.0]).limits.to_dict(), "parameters": {"span": "evil"}}),
            r"limits.parameters\['span'\]",
        ),
        (lambda: Monitor.from_dict({}), "data: a monitor's state"),
        (lambda: Monitor.from_dict({"schema": "qstats.monitor/1"}), "are missing"),
    ],
)
def test_refused(call, word):
    with pytest.raises(DataError, match=word):
        call()


def test_damaged_state_is_refused():
    run = monitor(individuals([1, 2, 3.0]))
    run.update(2.0)
    held = run.state()["watches"][0]
    longer = {**held, "points": {"columns": {"value": [1.0, 2.0]}, "size": [1.0]}}
    for key, value in (
        ("rules", {"name": "x"}),
        ("n", -5),
        ("watches", []),
        ("watches", [{**held, "broken": "x"}]),
        ("watches", [{**held, "points": {"columns": {"value": ["x"]}, "size": 1}}]),
        ("watches", [longer]),
        ("watches", [{**held, "points": {"columns": {"other": [2.0]}, "size": [1.0]}}]),
    ):
        with pytest.raises(DataError, match="damaged"):
            Monitor.from_dict({**run.state(), key: value})
    recursive = monitor(ControlLimits("cusum", 0.0, 1.0, 3.0, "", 0, "", {"k": 0.5, "h": 4.0, "head_start": 0.0}))
    recursive.update(1.0)
    with pytest.raises(DataError, match="damaged"):
        Monitor.from_dict({**recursive.state(), "carry": [1.0]})


def test_a_refused_point_leaves_the_monitor_as_it_was():
    run = monitor(individuals([1, 2, 3.0]))
    before = json.dumps(run.state())
    for bad in ({"x": "x"}, {"x": 1.0, "exclude": "no"}, {"x": 1.0, "size": 3}, {"x": [1.0, 2.0]}):
        with pytest.raises(DataError):
            run.update(**bad)
    assert json.dumps(run.state()) == before


def test_rules_travel_with_the_state():
    mine = rule_set((Rule("mine", "beyond", 3, 4, 1.5),))
    run = Monitor.from_dict(json.loads(json.dumps(monitor(individuals([1, 2, 3.0]), rules=mine).state())))
    assert run.rules == mine
