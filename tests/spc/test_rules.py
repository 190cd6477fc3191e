"""The rules against plain loops in R, against cases by hand, and what a rule may be."""

import math

import numpy as np
import pytest

from qstats.errors import DataError
from qstats.spc import rules
from qstats.spc.phases import everywhere
from qstats.spc.rules import NELSON, WESTERN_ELECTRIC, Rule, RuleSet, find, rule_set

# Oracle column -> the rule it states (R 4.2.2, plain loops; the cases name their source).
ORACLE = {
    "n1": Rule("n1", "beyond"),
    "n2": Rule("n2", "beyond", 9, 9, 0.0),
    "n3": Rule("n3", "trend", 6, 6),
    "n4": Rule("n4", "alternating", 14, 14),
    "n5": Rule("n5", "beyond", 2, 3, 2.0),
    "n6": Rule("n6", "beyond", 4, 5, 1.0),
    "n7": Rule("n7", "within", 15, 15, 1.0),
    "n8": Rule("n8", "outside", 8, 8, 1.0, "both"),
    "n8_either_side": Rule("n8_either_side", "outside", 8, 8, 1.0, "either"),
    "we4_run8": Rule("we4_run8", "beyond", 8, 8, 0.0),
}


def fired(rule, z, center=0.0, sigma=1.0, nsigma=3.0, age=None):
    z = np.asarray(z, dtype=np.float64)
    level = everywhere(center, z.size) if np.ndim(center) == 0 else np.asarray(center)
    spread = everywhere(sigma, z.size) if np.ndim(sigma) == 0 else np.asarray(sigma)
    return find((rule,), z, level, spread, nsigma, age)[0].tolist()


@pytest.mark.parametrize("case", ["direct-one-1", "direct-one-4", "direct-one-7"])
@pytest.mark.parametrize("column", ORACLE)
def test_individual_values_as_r_loops(direct, case, column):
    c = direct[case]
    y = np.array(c["inputs"]["y"])
    got = fired(ORACLE[column], y, float(c["inputs"]["mu"]), float(c["inputs"]["sg"]))
    assert [i + 1 for i in got] == c["expected"][column]


@pytest.mark.parametrize("column", ORACLE)
def test_fractions_with_varying_size_as_r_loops(direct, column):
    c = direct["direct-p-2"]
    x, n = (np.array(c["inputs"][k], dtype=np.float64) for k in ("x", "n"))
    p = x.sum() / n.sum()
    z = (x / n - p) / np.sqrt(p * (1 - p) / n)
    if column in ("n3", "n4"):  # the oracle looks for trends in z, a chart in what it plots
        got = fired(ORACLE[column], z)
    else:
        got = fired(ORACLE[column], x / n, np.full(x.size, p), np.sqrt(p * (1 - p) / n))
    assert [i + 1 for i in got] == c["expected"][column]


def test_oracle_cases_reach_every_rule_but_trends(direct):
    reached = {k for c in direct.values() for k, v in c["expected"].items() if v}
    assert reached >= set(ORACLE) - {"n3", "n8"}


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        # A zone per point: z = .67, 0, 2.33 has one point beyond 2 sigma, z = 2.33, 0, 2.43 has two. qcc 3.0 compares
        # the window with the last point's limits and answers the other way round.
        ([0.67, 0.0, 2.33], []),
        ([2.33, 0.0, 2.43], [2]),
        # two high and one low
        ([2.5, -2.5, 2.5], [2]),
        ([2.5, -2.5, 0.5], []),
        # a point beyond 3 sigma counts as beyond 2 sigma
        ([3.5, 3.5, 2.5], [2]),
        # the completing point is itself beyond
        ([2.5, 2.5, 0.5], []),
        # m points are needed
        ([2.5, 2.5], []),
        ([0.0, 2.5, 2.5], [2]),
        # exactly on the line is not beyond
        ([2.0, 2.0, 2.0], []),
    ],
)
def test_two_of_three(z, expected):
    assert fired(ORACLE["n5"], z) == expected
    assert fired(ORACLE["n5"], [-v for v in z]) == expected


def test_zones_are_each_points_own():
    # in the unit of the data: n alternates 50 / 2000, so sigma alternates by a factor of sqrt(40)
    n = np.array([2000.0, 50.0, 2000.0])
    sigma = 1 / np.sqrt(n)
    assert fired(ORACLE["n5"], np.array([2.33, 0.0, 2.43]) * sigma, np.zeros(3), sigma) == [2]
    n = np.array([50.0, 50.0, 2000.0])
    sigma = 1 / np.sqrt(n)
    assert fired(ORACLE["n5"], np.array([0.67, 0.0, 2.33]) * sigma, np.zeros(3), sigma) == []


def test_run_on_one_side():
    eight = ORACLE["we4_run8"]
    assert fired(eight, [0.1] * 9) == [7, 8]
    assert fired(eight, [-0.1] * 8) == [7]
    assert fired(eight, [0.1] * 4 + [0.0] + [0.1] * 7) == []  # a point on the centre line breaks a run
    assert fired(eight, [0.1] * 7) == []


def test_trend_counts_points_and_ties_break_it():
    six = ORACLE["n3"]
    assert fired(six, [0, 1, 2, 3, 4, 5]) == [5]
    assert fired(six, [5, 4, 3, 2, 1, 0]) == [5]
    assert fired(six, [0, 1, 2, 3, 4, 4]) == []
    assert fired(six, [0, 1, 2, 3, 4]) == []
    assert fired(Rule("up", "trend", 3, 3, sides="upper"), [3, 2, 1, 2, 3]) == [4]
    assert fired(Rule("down", "trend", 3, 3, sides="lower"), [3, 2, 1, 2, 3]) == [2]


def test_alternating_counts_points():
    saw = [0, 1] * 7
    assert fired(ORACLE["n4"], saw) == [13]
    assert fired(ORACLE["n4"], saw[:13]) == []
    assert fired(Rule("zig", "alternating", 3, 3), [0, 1, 1, 0, 1]) == [4]


def test_both_sides_of_the_mixture_rule():
    both, either = ORACLE["n8"], ORACLE["n8_either_side"]
    mixed = [1.5, -1.5] * 4
    assert fired(both, mixed) == fired(either, mixed) == [7]
    assert fired(both, [1.5] * 8) == []
    assert fired(either, [1.5] * 8) == [7]


def test_a_gap_is_neither_beyond_nor_within():
    z = [0.5] * 14 + [math.nan] + [0.5] * 15
    assert fired(ORACLE["n7"], z) == [29]
    assert fired(ORACLE["n1"], [math.nan, 4.0]) == [1]


def test_nothing_is_within_zero():
    assert fired(ORACLE["n7"], [5.0] * 20, 5.0, 0.0) == []


def test_windows_do_not_reach_over_a_break():
    z = [2.5, 0.0, 2.5, 2.5, 0.0, 2.5]
    assert fired(ORACLE["n5"], z) == [2, 3, 5]
    assert fired(ORACLE["n5"], z, age=np.array([0, 1, 0, 1, 2, 3])) == [5]
    assert fired(ORACLE["n1"], [4.0, 4.0], age=np.array([0, -1])) == [0]


@pytest.mark.parametrize("rule", [*ORACLE.values(), Rule("3 of 7", "beyond", 3, 7, 1.5)], ids=lambda r: r.name)
def test_blocks_change_nothing(rule, monkeypatch):
    z = np.random.default_rng(20260101).normal(size=400) * 1.4
    z[[50, 51, 200]] = np.nan
    z[100:130] = np.arange(30) / 10
    whole = fired(rule, z)
    monkeypatch.setattr(rules, "block_edges", lambda n: ((i, min(i + 7, n)) for i in range(0, n, 7)))
    assert fired(rule, z) == whole


def test_own_control_limits_follow_nsigma():
    assert fired(rules.BEYOND_LIMITS, [2.5], nsigma=2.0) == [0]
    assert fired(Rule("3 sigma", "beyond", 1, 1, 3.0), [2.5], nsigma=2.0) == []


def test_named_sets():
    assert [(r.k, r.m, r.threshold) for r in WESTERN_ELECTRIC.rules] == [
        (1, 1, None),
        (2, 3, 2.0),
        (4, 5, 1.0),
        (8, 8, 0.0),
    ]
    # Nelson (1984), JQT 16(4): tests 1 to 8
    assert [(r.kind, r.k, r.m) for r in NELSON.rules] == [
        ("beyond", 1, 1),
        ("beyond", 9, 9),
        ("trend", 6, 6),
        ("alternating", 14, 14),
        ("beyond", 2, 3),
        ("beyond", 4, 5),
        ("within", 15, 15),
        ("outside", 8, 8),
    ]
    assert rule_set("none").rules == () == rule_set(()).rules
    seven = Rule("7 on one side", "beyond", 7, 7, 0.0)
    assert rule_set((seven,)).rules == rule_set([seven]).rules == rule_set(seven).rules == (seven,)
    assert rule_set(NELSON) is NELSON


@pytest.mark.parametrize("bad", ["nelsen", None, 3, ("nelson",), {"a": 1}])
def test_refused_rule_sets(bad):
    with pytest.raises(DataError, match="rules: got"):
        rule_set(bad)


def test_two_rules_of_one_name_are_refused():
    with pytest.raises(DataError, match="same name"):
        RuleSet("mine", (Rule("a", "beyond"), Rule("a", "trend", 6, 6)))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"kind": "above"}, "kind"),
        ({"sides": "both"}, "sides"),
        ({"k": 3, "m": 2}, "k: got 3 of m = 2"),
        ({"k": 0}, "k: got 0"),
        ({"m": 256}, "m = 256"),
        ({"k": True}, "k: got True"),
        ({"threshold": -1.0}, "threshold"),
        ({"threshold": math.nan}, "threshold"),
        ({"kind": "trend", "k": 3, "m": 4}, "trend"),
        ({"kind": "trend", "k": 1, "m": 1}, "trend"),
        ({"kind": "alternating", "k": 2, "m": 2}, "alternating"),
        ({"kind": "trend", "k": 6, "m": 6, "threshold": 1.0}, "no threshold"),
    ],
)
def test_refused_rules(fields, word):
    with pytest.raises(DataError, match=word):
        Rule(**{"name": "mine", "kind": "beyond", **fields})
