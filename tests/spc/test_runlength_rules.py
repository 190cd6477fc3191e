"""Run lengths with run rules against R spc, Champ & Woodall, all zone sequences written out, and simulation."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, NoConvergence
from qstats.spc import runlength as rl
from qstats.spc.rules import Rule
from qstats.spc.runlength.rules_chain import has_chain, rule_chain

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference/spc_runlength.json").read_text(encoding="utf-8"))
}
ONE = Rule("1", "beyond")
TWO = Rule("2 of 3", "beyond", 2, 3, 2.0)
FOUR = Rule("4 of 5", "beyond", 4, 5, 1.0)
RUN = Rule("8", "beyond", 8, 8, 0.0)
SETS = {"1": (ONE,), "12": (ONE, TWO), "13": (ONE, FOUR), "14": (ONE, RUN), "1234": (ONE, TWO, FOUR, RUN)}


@pytest.mark.parametrize("rules", ["1", "12", "13", "14"])
def test_rules_as_champ_and_woodall_in_r_spc(rules):
    c = CASES["runsrules-arl"]
    column = c["expected"]["colnames"].index(rules)
    got = [rl.shewhart_rules_arl(SETS[rules], mu) for mu in c["inputs"]["mu"]]
    # spc's own solution of rule 1 is good to 3e-9: 1.99999999605 for an ARL of exactly 2
    assert got == pytest.approx([row[column] for row in c["expected"]["values"]], rel=5e-9)


@pytest.mark.parametrize("rules", SETS)
def test_rules_as_an_independent_chain(rules):
    c = CASES["chain-western-electric"]
    got = [rl.shewhart_rules_arl(SETS[rules], shift) for shift in c["inputs"]["shift"]]
    assert [round(x, 3) for x in got] == c["expected"][rules]


def test_named_sets_and_their_probability_of_a_false_alarm():
    assert rl.shewhart_rules_arl("western_electric") == pytest.approx(91.751, abs=5e-4)
    run = rl.run_length_of_rules("western_electric")
    assert run.arl == pytest.approx(91.751, abs=5e-4)
    assert run.standard_error is None
    clear = rl.rules_survival("western_electric", 100, start="central")
    assert dict(run.within) == {n: pytest.approx(1.0 - clear[n - 1]) for n in (25, 50, 100)}
    assert run.median == int(np.argmax(clear <= 0.5)) + 1
    one = rl.rules_survival(ONE, 50)
    assert one == pytest.approx((1.0 - 2.0 * scipy.special.ndtr(-3.0)) ** np.arange(1, 51), rel=1e-12)


def test_two_of_three_needs_three_points_on_a_new_chart():
    # by hand: P(RL > 2) = 1, and the third point signals with the first or the second beyond the same line
    p = scipy.special.ndtr(-2.0)
    got = rl.rules_survival(TWO, 3)
    assert got[:2].tolist() == [1.0, 1.0]
    assert got[2] == pytest.approx(1.0 - 2.0 * p * (1.0 - (1.0 - p) ** 2), rel=1e-12)
    # Champ & Woodall count two points as enough
    early = rl.rules_survival(TWO, 3, start="central")
    assert early[1] == pytest.approx(1.0 - 2.0 * p * p, rel=1e-12)
    assert rl.shewhart_rules_arl(TWO, start="empty") > rl.shewhart_rules_arl(TWO)


def _signals(rule, window, t, nsigma):
    """The definition of a rule on its last m points (standardised, none of them on a line)."""
    counts = [abs(z) > t and (rule.beyond_limits or abs(z) < nsigma) for z in window]
    if rule.kind == "within":
        inside = [abs(z) < t for z in window]
        return inside[-1] and sum(inside) >= rule.k
    if rule.kind in ("outside", "swing"):
        high = any(c and z > 0 for c, z in zip(counts, window, strict=True))
        low = any(c and z < 0 for c, z in zip(counts, window, strict=True))
        both = (high and low) or (rule.kind == "outside" and rule.sides == "either")
        return counts[-1] and sum(counts) >= rule.k and both
    found = False
    for side, sign in (("upper", 1), ("lower", -1)):
        if rule.sides in ("each", side):
            hits = [c and z * sign > 0 for c, z in zip(counts, window, strict=True)]
            whole = not rule.same_side or all(z * sign > 0 for z in window)
            found |= hits[-1] and sum(hits) >= rule.k and whole
    return found


def _survival_by_sequences(rules, n, shift, nsigma, full):
    """P(RL > 1..n) by writing out every sequence of zones; `full`: the points before the first count for nothing."""
    lines = sorted({0.0} | {s * (nsigma if r.threshold is None else r.threshold) for r in rules for s in (-1, 1)}
                   | {s * nsigma for s in (-1, 1)})  # fmt: skip
    edges = [-math.inf, *lines, math.inf]
    middle = [lines[0] - 1, *[(a + b) / 2 for a, b in itertools.pairwise(lines)], lines[-1] + 1]
    p = np.diff(scipy.special.ndtr(np.array(edges) - shift))
    out, alive = [], {(): 1.0}
    for _ in range(n):
        grown = {}
        for path, mass in alive.items():
            for zone, z in enumerate(middle):
                longer = (*path, z)
                fired = False
                for r in rules:
                    t = nsigma if r.threshold is None else r.threshold
                    window = longer[-r.m :]
                    if len(window) == r.m or (full and not r.same_side):
                        fired |= _signals(r, window, t, nsigma)
                if not fired:
                    grown[longer] = mass * p[zone]
        alive = grown
        out.append(sum(alive.values()))
    return np.array(out)


PAIRS = [
    (Rule("a", "beyond", 2, 3, 1.0),),
    (Rule("a", "beyond", 3, 4, 0.5, "upper"), Rule("b", "beyond", 2, 2, None, "lower")),
    (Rule("a", "outside", 3, 4, 0.7, "both"),),
    (Rule("a", "outside", 3, 3, 0.7, "either"), Rule("b", "within", 3, 3, 1.0)),
    (Rule("a", "outside", 4, 4, 0.4, "both"),),
    (Rule("a", "swing", 2, 2, 1.0), ONE),
    (Rule("a", "swing", 2, 3, 1.2),),
    (Rule("a", "beyond", 2, 3, 1.0, beyond_limits=False),),
    (Rule("a", "beyond", 2, 3, 1.0, same_side=True),),
    (Rule("a", "beyond", 2, 4, 1.0, same_side=True, beyond_limits=False), Rule("b", "within", 2, 3, 0.8)),
    (Rule("a", "outside", 2, 3, 1.0, "either", beyond_limits=False),),
]


@pytest.mark.parametrize("start", ["empty", "central"])
@pytest.mark.parametrize("shift", [0.0, 0.8])
@pytest.mark.parametrize("rules", PAIRS, ids=lambda rules: " ".join(f"{r.kind}-{r.k}of{r.m}" for r in rules))
def test_survival_as_every_sequence_of_zones(rules, shift, start):
    expected = _survival_by_sequences(rules, 5, shift, 2.0, start == "central")
    assert rl.rules_survival(rules, 5, shift, 2.0, start=start) == pytest.approx(expected, abs=1e-13)


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 1), st.sampled_from([0.0, 0.5, 1.0, 1.7]), st.booleans()),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    st.floats(-1.5, 1.5),
)
@settings(max_examples=25, deadline=None)
def test_any_beyond_rules_as_every_sequence_of_zones(drawn, shift):
    rules = tuple(
        Rule(f"{i}", "beyond", k, k + more, t, "upper" if one_side else "each")
        for i, (k, more, t, one_side) in enumerate(drawn)
    )
    expected = _survival_by_sequences(rules, 4, shift, 2.0, False)
    assert rl.rules_survival(rules, 4, shift, 2.0) == pytest.approx(expected, abs=1e-13)


@given(st.floats(0.0, 3.0), st.floats(0.05, 1.0), st.sampled_from(["12", "13", "14", "1234"]))
@settings(max_examples=30, deadline=None)
def test_larger_shifts_are_seen_sooner_on_either_side(shift, more, rules):
    at = rl.shewhart_rules_arl(SETS[rules], shift)
    assert rl.shewhart_rules_arl(SETS[rules], -shift) == pytest.approx(at, rel=1e-10)
    assert 1.0 <= rl.shewhart_rules_arl(SETS[rules], shift + more) < at
    assert at < rl.shewhart_rules_arl(ONE, shift)


def test_the_run_length_is_the_sum_of_its_survival():
    for start in ("central", "empty"):  # a dense and a sparse system
        clear = rl.rules_survival("western_electric", 4000, 0.3, start=start)
        assert 1.0 + clear.sum() == pytest.approx(
            rl.shewhart_rules_arl("western_electric", 0.3, start=start), rel=1e-10
        )


def test_simulation_and_chain_agree():
    for shift, runs in ((0.0, 4000), (1.0, 8000)):
        mean, error = rl.simulate_rules_arl("western_electric", shift, rng=20, runs=runs)
        assert abs(mean - rl.shewhart_rules_arl("western_electric", shift, start="empty")) < 4.5 * error


def test_simulation_lengthens_series_without_a_signal():
    # rule 1 at 4 sigma, ARL 15787: most series are lengthened many times
    lengths = rl.simulate_run_lengths(ONE, 1.0, 4.0, rng=5, runs=2000)
    p = scipy.special.ndtr(-3.0) + scipy.special.ndtr(-5.0)
    assert abs(lengths.mean() - 1.0 / p) < 4.5 / p / math.sqrt(2000)
    assert abs((lengths > 500).mean() - (1 - p) ** 500) < 4.5 * 0.5 / math.sqrt(2000)


def test_simulated_trends_against_their_exact_chance():
    # Six points in a given order: P(RL = 6) = 2 / 6! (each way), for any continuous distribution.
    trend = Rule("6 in a trend", "trend", 6, 6)
    lengths = rl.simulate_run_lengths(trend, 0.0, rng=7, runs=60_000)
    p = 2.0 / math.factorial(6)
    assert lengths.min() == 6
    assert abs((lengths == 6).mean() - p) < 4.5 * math.sqrt(p * (1 - p) / lengths.size)
    # Three in a trend: RL > n iff the first n alternate; Euler zigzag numbers 1, 2, 5, 16, 61 give 2 E_n / n!
    short = rl.simulate_run_lengths(Rule("3", "trend", 3, 3), 0.0, rng=8, runs=60_000)
    for n, zigzag in ((3, 2), (4, 5), (5, 16), (6, 61)):
        clear = 2.0 * zigzag / math.factorial(n)
        assert abs((short > n).mean() - clear) < 4.5 * math.sqrt(clear * (1 - clear) / short.size)


def test_run_length_of_rules_without_a_chain():
    run = rl.run_length_of_rules("nelson", rng=3, runs=3000)
    mean, error = rl.simulate_rules_arl("nelson", rng=3, runs=3000)
    assert (run.arl, run.standard_error) == (mean, error)
    assert run.within[0][1] < run.within[1][1] < run.within[2][1]
    assert "simulation of 3000" in run.method
    assert "standard error" in run.summary()
    assert rl.simulate_rules_arl("nelson", rng=3, runs=3000) == (mean, error)


def test_too_many_states_are_simulated_instead():
    wide = (Rule("a", "beyond", 9, 25, 1.0), Rule("b", "beyond", 11, 25, 0.5))
    with pytest.raises(NoConvergence, match="states"):
        rl.shewhart_rules_arl(wide)
    run = rl.run_length_of_rules(wide, 1.0, rng=1, runs=500)
    assert run.standard_error is not None
    assert 9 <= run.arl < 100


def test_what_never_signals_is_refused():
    with pytest.raises(NoConvergence, match="hardly ever"):
        rl.shewhart_rules_arl(Rule("far", "beyond", 1, 1, 40.0))
    with pytest.raises(NoConvergence, match="hardly ever"):
        rl.simulate_rules_arl(Rule("far", "beyond", 1, 1, 12.0), rng=1, runs=2000)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: rl.shewhart_rules_arl(()), "rules"),
        (lambda: rl.shewhart_rules_arl("nelson"), "rules"),
        (lambda: rl.shewhart_rules_arl("western"), "rules"),
        (lambda: rl.shewhart_rules_arl(ONE, math.inf), "shift"),
        (lambda: rl.shewhart_rules_arl(ONE, 0.0, 0.0), "nsigma"),
        (lambda: rl.shewhart_rules_arl(ONE, start="warm"), "start"),
        (lambda: rl.rules_survival(ONE, 0), "n"),
        (lambda: rl.run_length_of_rules(()), "rules"),
        (lambda: rl.run_length_of_rules("anhoej"), "rules"),
        (lambda: rl.simulate_rules_arl(()), "rules"),
        (lambda: rl.simulate_rules_arl(ONE, runs=1), "runs"),
        (lambda: rl.simulate_rules_arl(ONE, rng="seed"), "rng"),
    ],
)
def test_wrong_arguments_are_named(call, name):
    with pytest.raises(DataError, match=f"^{name}: "):
        call()


def test_states_that_behave_alike_are_one():
    # The plain chain on zone codes has 1497 states; states that no future can tell apart must not be kept.
    assert rule_chain(SETS["1234"], 3.0, "central").after.shape[0] < 1497
    assert not has_chain(Rule("t", "trend", 6, 6))
