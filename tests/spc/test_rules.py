"""The rules against plain loops in R, against cases by hand, and what a rule may be."""

import math

import numpy as np
import pytest

from qstats.errors import DataError
from qstats.spc.rules import BEYOND_LIMITS, NELSON, WESTERN_ELECTRIC, Rule, rule_set
from qstats.spc.rules.engine import find
from qstats.spc.stretch import Flat, Varying

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


def fired(rule, z, center=0.0, sigma=1.0, nsigma=3.0, broken=None):
    z = np.asarray(z, dtype=np.float64)
    center, sigma = (v if isinstance(v, float) else np.asarray(v, dtype=np.float64) for v in (center, sigma))
    lower, upper = center - nsigma * sigma, center + nsigma * sigma
    shape = Flat if isinstance(center, float) and isinstance(sigma, float) else Varying
    return find((rule,), shape(0, z.size, z, center, sigma, lower, upper), broken)[0].tolist()


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
    assert fired(ORACLE["n5"], z, broken=np.array([False, True, False, False, False, False])) == [5]
    assert fired(ORACLE["n1"], [4.0, 4.0], broken=np.array([False, True])) == [0]
    # the same for a run, a trend and a saw: a point that is not judged is as good as absent
    gone = np.array([False] * 4 + [True] + [False] * 9)
    assert fired(ORACLE["we4_run8"], [0.5] * 14, broken=gone) == [12, 13]
    assert fired(ORACLE["n3"], list(range(14)), broken=gone) == [10, 11, 12, 13]
    assert fired(Rule("zig", "alternating", 5, 5), [0, 1] * 7, broken=gone) == [9, 10, 11, 12, 13]


def test_own_control_limits_follow_nsigma():
    assert fired(BEYOND_LIMITS, [2.5], nsigma=2.0) == [0]
    assert fired(Rule("3 sigma", "beyond", 1, 1, 3.0), [2.5], nsigma=2.0) == []


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
        ({"kind": "swing", "k": 1, "m": 2}, "2 of m"),
        ({"kind": "long_run", "threshold": 1.0}, "from the data"),
        ({"kind": "few_crossings", "m": 8}, "from the data"),
        ({"kind": "within", "k": 15, "m": 15}, "above 0"),
        ({"kind": "within", "threshold": 0.0}, "above 0"),
        ({"ties": "ignore"}, "only a trend"),
        ({"ties": "skip"}, "ties: got 'skip'"),
        ({"center": "skip", "threshold": 1.0}, "at 0 sigma"),
        ({"center": "skip"}, "at 0 sigma"),
        ({"center": "ignore", "threshold": 0.0}, "center: got"),
        ({"beyond_limits": False}, "with a threshold"),
        ({"kind": "trend", "k": 6, "m": 6, "beyond_limits": False}, "with a threshold"),
        ({"beyond_limits": 1}, "beyond_limits: got 1"),
        ({"same_side": None}, "same_side: got None"),
        ({"same_side": True, "threshold": 0.0}, "off 0 sigma"),
        ({"kind": "outside", "sides": "either", "same_side": True}, "off 0 sigma"),
    ],
)
def test_refused_rules(fields, word):
    with pytest.raises(DataError, match=word):
        Rule(**{"name": "mine", "kind": "beyond", **fields})


# Defects of other programs, each as a case that shows it -------------------------------------------------------------


def test_wide_and_narrow_points_of_a_p_chart_are_judged_each_in_its_own_zones():
    # qcc 3.0: with n alternating between 50 and 2000, 2-of-3 compared the window with the last point's limits and gave
    # 0.98 signals per 100 points in control. As defined, Champ & Woodall (1987): P(2 of 3 beyond 2 sigma) is rare.
    rng = np.random.default_rng(20260101)
    n = np.where(np.arange(60_000) % 2, 50.0, 2000.0)
    sigma = 1 / np.sqrt(n)
    got = fired(ORACLE["n5"], rng.normal(size=n.size) * sigma, np.zeros(n.size), sigma)
    # P(the point and at least one of the two before it beyond 2 sigma on one side), both sides, p = 1 - Phi(2)
    p = 0.022750131948179
    rate = 2 * p * (2 * p - p * p)
    assert abs(len(got) / n.size - rate) < 5 * math.sqrt(rate / n.size)


def test_two_high_and_one_low_are_two_of_three():
    # PowerBI-SPC nets +1 and -1; it also fires on the first two points
    assert fired(ORACLE["n5"], [2.5, -2.5, 2.5]) == [2]
    assert fired(ORACLE["n5"], [2.5, 2.5]) == []


def test_points_beyond_three_sigma_count_towards_two_of_three_unless_told_otherwise():
    # NHSRplotthedots issue 153: the last of these points stays "common cause"
    z = [3.5, 3.5, 2.5]
    assert fired(ORACLE["n5"], z) == [2]
    nhs = rule_set("nhs").rules[-1]
    assert fired(nhs, z) == []
    assert fired(nhs, [2.5, 0.5, 2.5]) == [2]
    assert fired(nhs, [2.5, -0.5, 2.5]) == [] != fired(ORACLE["n5"], [2.5, -0.5, 2.5])  # issue 143
    assert fired(nhs, [2.5, 3.5, 2.5]) == [2]  # one beyond the limit is passed by, two near it are left


def test_attribute_charts_have_run_rules_like_any_other():
    # JASP's p chart judged point by point: 20 points on one side and a trend of 20 gave no run and no trend
    p = 0.1 + np.arange(1, 21) / 1000
    sigma = np.full(20, 0.03)
    assert fired(ORACLE["n2"], p, np.full(20, 0.1), sigma) == list(range(8, 20))
    assert fired(ORACLE["n3"], p, np.full(20, 0.1), sigma) == list(range(5, 20))


def test_fifteen_within_one_sigma_are_fifteen_from_the_first_point_on():
    assert fired(ORACLE["n7"], [0.5, -0.5] * 7 + [0.5]) == [14]
    assert fired(ORACLE["n7"], [0.5, -0.5] * 7) == []


def test_the_mixture_rule_can_fire_and_two_of_three_needs_two():
    # manufacturing: "p > U and p < L" never fires, "2 of 3" needs three
    assert fired(ORACLE["n8"], [1.5, 1.5, -1.5, 1.5, 1.5, 1.5, -1.5, 1.5]) == [7]
    assert fired(ORACLE["n5"], [2.5, 0.0, 2.5]) == [2]


@pytest.mark.parametrize("ties", ["break", "ignore", "continue"])
def test_a_constant_series_is_no_trend(ties):
    assert fired(Rule("trend", "trend", 6, 6, ties=ties), [5.0] * 20, 5.0) == []


def test_every_rule_a_point_breaks_is_reported():
    # mfgQC keeps one violation a point
    z = np.array([0.5] * 8 + [4.0])
    found = find(NELSON.rules[:2], Flat(0, 9, z, 0.0, 1.0, -3.0, 3.0))
    assert [at.tolist() for at in found] == [[8], [8]]


# Policies ------------------------------------------------------------------------------------------------------------


def test_ties_in_a_trend():
    z = [1, 2, 3, 3, 4, 5, 6, 6, 7]
    assert fired(Rule("t", "trend", 6, 6), z) == []
    # a tie neither counts nor breaks: 1 2 3 4 5 6 complete at position 6; the tie at 7 does not signal, 7 does
    assert fired(Rule("t", "trend", 6, 6, ties="ignore"), z) == [6, 8]
    # a tie goes on with the trend: six points 1 2 3 3 4 5 and every one after
    assert fired(Rule("t", "trend", 6, 6, ties="continue"), z) == [5, 6, 7, 8]


def test_points_on_the_centre_line():
    z = [1, 1, 0, 1, 0, 0, 1]
    assert fired(Rule("r", "beyond", 4, 4, 0.0), z) == []
    assert fired(Rule("r", "beyond", 4, 4, 0.0, center="skip"), z) == [6]


def test_a_swing_is_one_beyond_each_side():
    r4s = rule_set("westgard").rules[2]
    assert fired(r4s, [2.1, -2.1, -2.5, 2.1]) == [1, 3]
    assert fired(r4s, [2.1, 0.0, -2.1]) == []  # neighbours only
    assert fired(r4s, [3.9, -1.0]) == []  # 4.9 sigma apart, but one of them within 2
    assert fired(Rule("3", "swing", 2, 3, 2.0), [2.1, 0.0, -2.1]) == [2]


def test_zones_may_differ_above_and_below():
    z = np.array([1.5, -1.5, 2.5, -2.5])
    skewed = Flat(0, 4, z, 0.0, 1.0, -6.0, 3.0, sigma_lower=2.0)
    one = Rule("1", "beyond", 1, 1, 1.0)
    assert find((one,), skewed)[0].tolist() == [0, 2, 3]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (BEYOND_LIMITS, "A point beyond a control limit."),
        (WESTERN_ELECTRIC.rules[1], "2 of 3 points in a row more than 2 sigma from the centre line on one side."),
        (ORACLE["n2"], "9 points in a row on one side of the centre line."),
        (ORACLE["n3"], "6 points in a row, all rising or all falling."),
        (ORACLE["n4"], "14 points in a row, up and down in turn."),
        (ORACLE["n7"], "15 points in a row within 1 sigma of the centre line, on either side."),
        (ORACLE["n8"], "8 points in a row more than 1 sigma from the centre line, both sides visited."),
        (Rule("u", "beyond", 7, 7, 0.0, "upper", center="skip"),
         "7 points in a row above the centre line, points on it passed over."),
        (Rule("u", "beyond", 1, 1, 3.0, "lower"), "A point more than 3 sigma below the centre line."),
        (Rule("u", "beyond", 2, 2, None, "upper"), "2 points in a row beyond the upper control limit."),
        (Rule("u", "trend", 6, 6, sides="lower", ties="ignore"), "6 points in a row, all falling, ties passed over."),
        (Rule("u", "swing", 2, 2, 2.0),
         "Of 2 points in a row one more than 2 sigma above and one more than 2 sigma below the centre line."),
        (rule_set("nhs").rules[-1], "2 of 3 points in a row more than 2 sigma from the centre line on one side, all 3 "
         "on that side of the centre line, points beyond the control limits not counted."),
        (rule_set("anhoej").rules[0], "On the whole chart, too long a run on one side of the centre line."),
        (rule_set("anhoej").rules[1], "On the whole chart, too few crossings of the centre line."),
    ],
)  # fmt: skip
def test_a_rule_says_what_it_looks_for(rule, sentence):
    assert rule.describe() == sentence
