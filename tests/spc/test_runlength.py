"""Run lengths of CUSUM, EWMA and attribute charts against R spc, printed tables, and simulation by plain loops."""

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

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference/spc_runlength.json").read_text(encoding="utf-8"))
}
EWMA = [i for i in CASES if i.startswith(("xewma-one-", "xewma-two-"))]
CUSUM = [i for i in CASES if i.startswith(("xcusum-one-", "xcusum-two-", "xcusum-Crosier-"))]
CUSUM_SIDES = {"one": "upper", "two": "two", "Cro": "crosier"}


@pytest.mark.parametrize("case", EWMA)
def test_ewma_as_r_spc(case):
    c = CASES[case]
    lam, width = c["inputs"]["l"], c["inputs"]["c"]
    sides = "upper" if "-one-" in case else "two"
    limits = "exact" if "vacl" in case else "asymptotic"
    got = [rl.ewma_arl(lam, width, mu, sides=sides, limits=limits) for mu in c["inputs"]["mu"]]
    assert got == pytest.approx(c["expected"], rel=2e-8 if limits == "exact" else 1e-10)


@pytest.mark.parametrize("case", CUSUM)
def test_cusum_as_r_spc(case):
    c = CASES[case]
    k, h = c["inputs"]["k"], c["inputs"]["h"]
    got = [rl.cusum_arl(k, h, mu, sides=CUSUM_SIDES[case[7:10]]) for mu in c["inputs"]["mu"]]
    assert got == pytest.approx(c["expected"], rel=1e-10)


@pytest.mark.parametrize(("case", "sides"), [("xcusum-fir-one", "upper"), ("xcusum-fir-two", "two")])
def test_cusum_with_head_start_as_r_spc(case, sides):
    c = CASES[case]
    k, h = c["inputs"]["k"], c["inputs"]["h"]
    got = [[rl.cusum_arl(k, h, mu, head_start=s, sides=sides) for s in c["inputs"]["hs"]] for mu in (0.0, 1.0)]
    assert np.array(got) == pytest.approx(np.array(c["expected"]["values"]), rel=1e-10)


def test_cusum_as_printed():
    c = CASES["printed-cusum-k0.5-h4"]
    for start, column in ((0.0, "zero"), (2.0, "fir")):
        got = [rl.cusum_arl(0.5, 4.0, mu, head_start=start) for mu in c["inputs"]["mu"]]
        # Printed to three digits from a Markov chain: at most 0.6 of the last digit (1.3254 stands there as 1.32).
        for x, printed in zip(got, c["expected"][column], strict=True):
            assert abs(x - printed) <= 0.6 * 10.0 ** (math.floor(math.log10(printed)) - 2)


def test_ewma_as_printed():
    c = CASES["printed-ewma-l0.5"]
    big = [rl.ewma_arl(0.5, 3.071, mu) for mu in c["inputs"]["mu"]]
    assert [float(f"{x:.3g}") for x in big] == c["expected"]["3.071"]
    crowder = [rl.ewma_arl(0.5, 2.0, mu) for mu in c["inputs"]["mu"]]
    assert [round(x, 2) for x in crowder] == c["expected"]["2"]


# R spc 0.7.2, manual pages: one-sided k 0.5 h 3; two-sided h 5; EWMA of Lucas & Saccucci (1990).
@pytest.mark.parametrize(
    ("got", "printed", "digits"),
    [
        (lambda: rl.cusum_arl(0.5, 3.0, sides="upper"), 117.59, 0.011),
        (lambda: rl.cusum_arl(0.5, 4.0), 167.6838, 5e-5),
        (lambda: rl.cusum_arl(0.5, 4.0, 1.0), 8.3831, 1e-4),
        (lambda: rl.cusum_arl(0.5, 5.0), 465.4435, 5e-5),
        (lambda: rl.cusum_arl(0.5, 5.0, 1.0), 10.3760, 5e-5),
        (lambda: rl.ewma_arl(0.1, 2.814), 499.58, 5e-3),
        (lambda: rl.ewma_arl(0.1, 2.814, 1.0), 10.331, 5e-4),
        (lambda: rl.ewma_arl(0.1, 2.7), 369.0, 0.05),
        (lambda: rl.ewma_arl(0.2, 2.962), 499.74, 5e-3),
        (lambda: rl.ewma_arl(0.2, 2.962, 1.0), 10.542, 5e-4),
    ],
)
def test_single_printed_run_lengths(got, printed, digits):
    assert got() == pytest.approx(printed, abs=digits)


def test_survival_of_ewma_as_r_spc():
    c = CASES["xewma-sf"]
    for shift, column in ((0.0, "ic"), (1.0, "shift1")):
        got = rl.ewma_survival(c["inputs"]["l"], c["inputs"]["c"], c["inputs"]["n"], shift)
        assert got == pytest.approx(np.array(c["expected"][column]), abs=1e-12)


@pytest.mark.parametrize("case", ["xewma-ad-l0.1", "xewma-ad-l0.25"])
def test_steady_state_of_ewma_as_r_spc(case):
    c = CASES[case]
    values = dict(zip(c["expected"]["rownames"], c["expected"]["values"], strict=True))
    for sides, row in (("two", "cond_two"), ("upper", "cond_one")):
        got = [rl.ewma_steady_arl(c["inputs"]["l"], c["inputs"]["c"], mu, sides=sides) for mu in c["inputs"]["mu1"]]
        assert got == pytest.approx(values[row], rel=1e-8)


def test_steady_state_of_cusum_as_r_spc():
    c = CASES["xcusum-ad"]
    values = dict(zip(c["expected"]["rownames"], c["expected"]["values"], strict=True))
    for sides, row in (("upper", "one"), ("crosier", "Crosier")):
        got = [rl.cusum_steady_arl(0.5, 4.77, mu, sides=sides) for mu in c["inputs"]["mu1"]]
        assert got == pytest.approx(values[row], rel=1e-8)


@pytest.mark.parametrize("case", [i for i in CASES if i.startswith("xewma-crit-")])
def test_limits_of_ewma_as_r_spc(case):
    c = CASES[case]
    lam, arl0 = c["inputs"]["l"], c["inputs"]["L0"]
    assert rl.ewma_limit(lam, arl0) == pytest.approx(c["expected"]["two.cE"], abs=1e-8)
    assert rl.ewma_limit(lam, arl0, sides="upper") == pytest.approx(c["expected"]["one.cE"], abs=1e-8)
    assert rl.ewma_limit(lam, arl0, limits="exact") == pytest.approx(c["expected"]["two_vacl.cE"], abs=1e-7)


def test_limits_of_ewma_as_printed():
    c = CASES["printed-ewma-crit-250"]
    assert [round(rl.ewma_limit(lam, 250.0), 2) for lam in c["inputs"]["lam"]] == c["expected"]


@pytest.mark.parametrize("case", [i for i in CASES if i.startswith("xcusum-crit-")])
def test_limits_of_cusum_as_r_spc(case):
    c = CASES[case]
    k, arl0 = c["inputs"]["k"], c["inputs"]["L0"]
    for sides, name in (("upper", "one.h"), ("two", "two.h"), ("crosier", "Crosier.h")):
        assert rl.cusum_limit(k, arl0, sides=sides) == pytest.approx(c["expected"][name], abs=2e-6)


def _cusum_run(rng, k, h, shift, start):
    """One run length by the definition of the tabular CUSUM."""
    high = low = start
    n = 0
    while True:
        n += 1
        x = rng.standard_normal() + shift
        high, low = max(0.0, high + x - k), max(0.0, low - x - k)
        if high > h or low > h:
            return n


@pytest.mark.parametrize(("shift", "start"), [(0.0, 0.0), (0.4, 1.5), (1.0, 0.0)])
def test_survival_of_two_sided_cusum_against_plain_loops(shift, start):
    rng = np.random.default_rng(12)
    runs = 3000
    lengths = np.array([_cusum_run(rng, 0.5, 2.0, shift, start) for _ in range(runs)])
    survival = rl.cusum_survival(0.5, 2.0, 40, shift, head_start=start)
    for n in (1, 3, 10, 40):
        p = survival[n - 1]
        assert abs((lengths > n).mean() - p) < 4.5 * math.sqrt(p * (1 - p) / runs) + 1e-12
    assert abs(lengths.mean() - rl.cusum_arl(0.5, 2.0, shift, head_start=start)) < 4.5 * lengths.std() / math.sqrt(runs)


@pytest.mark.parametrize("sides", ["two", "upper", "lower", "crosier"])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_the_run_length_of_a_cusum_is_the_sum_of_its_survival(sides, shift):
    if sides == "lower":
        shift = -shift
    survival = rl.cusum_survival(0.5, 3.0, 6000, shift, sides=sides)
    assert 1.0 + survival.sum() == pytest.approx(rl.cusum_arl(0.5, 3.0, shift, sides=sides), rel=1e-9)


@pytest.mark.parametrize("limits", ["asymptotic", "exact"])
@pytest.mark.parametrize("sides", ["two", "upper"])
def test_the_run_length_of_an_ewma_is_the_sum_of_its_survival(sides, limits):
    survival = rl.ewma_survival(0.2, 2.2, 5000, 0.3, sides=sides, limits=limits)
    assert 1.0 + survival.sum() == pytest.approx(rl.ewma_arl(0.2, 2.2, 0.3, sides=sides, limits=limits), rel=1e-8)


def test_exact_limits_of_an_ewma_against_plain_loops():
    rng = np.random.default_rng(3)
    lam, width, runs = 0.25, 2.0, 4000
    lengths = np.empty(runs)
    for i in range(runs):
        z, t = 0.0, 0
        while True:
            t += 1
            z = lam * (rng.standard_normal() + 0.5) + (1 - lam) * z
            if abs(z) > width * math.sqrt(lam / (2 - lam) * (1 - (1 - lam) ** (2 * t))):
                break
        lengths[i] = t
    exact = rl.ewma_arl(lam, width, 0.5, limits="exact")
    assert abs(lengths.mean() - exact) < 4.5 * lengths.std() / math.sqrt(runs)


@given(st.floats(0.02, 1.0), st.floats(1.5, 3.5), st.floats(0.0, 3.0), st.floats(0.05, 1.0))
@settings(max_examples=40, deadline=None)
def test_an_ewma_sees_larger_shifts_sooner_on_either_side(lam, width, shift, more):
    at = rl.ewma_arl(lam, width, shift)
    assert rl.ewma_arl(lam, width, -shift) == pytest.approx(at, rel=1e-7)
    assert 1.0 <= rl.ewma_arl(lam, width, shift + more) < at
    assert rl.ewma_arl(lam, width, shift, limits="exact") <= at * (1 + 1e-7)


@given(st.floats(0.0, 1.5), st.floats(0.5, 5.0), st.floats(0.0, 3.0), st.floats(0.05, 1.0))
@settings(max_examples=40, deadline=None)
def test_a_cusum_sees_larger_shifts_sooner_on_either_side(k, h, shift, more):
    at = rl.cusum_arl(k, h, shift)
    assert rl.cusum_arl(k, h, -shift) == pytest.approx(at, rel=1e-7)
    assert 1.0 <= rl.cusum_arl(k, h, shift + more) < at
    assert rl.cusum_arl(k, h, shift, head_start=h / 2) < at
    assert rl.cusum_arl(k, h, -shift, sides="lower") == pytest.approx(rl.cusum_arl(k, h, shift, sides="upper"))


def test_few_nodes_never_pass_for_an_answer():
    # lam = 0.01, L = 2.7 is 50 per cent off at 40 nodes. A Markov chain of Brook & Evans (1972) in 2001 states, error
    # O(1 / states**2), is the outside witness.
    lam, width = 0.01, 2.7
    c = width * math.sqrt(lam / (2 - lam))
    edges = np.linspace(-c, c, 2002)
    z = 0.5 * (edges[1:] + edges[:-1])
    cdf = scipy.special.ndtr((edges - (1 - lam) * z[:, None]) / lam)
    chain = np.linalg.solve(np.eye(z.size) - np.diff(cdf, axis=1), np.ones(z.size))[z.size // 2]
    assert rl.ewma_arl(lam, width) == pytest.approx(chain, rel=2e-4)


def test_what_cannot_be_told_is_refused():
    with pytest.raises(NoConvergence, match=r"k = 0\.5, h = 30"):
        rl.cusum_arl(0.5, 30.0)
    with pytest.raises(NoConvergence, match="L = 9"):
        rl.ewma_arl(0.1, 9.0)
    assert rl.cusum_arl(0.5, 5.0, 100.0) == 1.0
    assert rl.ewma_arl(0.1, 3.0, 100.0) == 1.0


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: rl.cusum_arl(-0.1, 5.0), "k"),
        (lambda: rl.cusum_arl(0.5, 0.0), "h"),
        (lambda: rl.cusum_arl(0.5, math.nan), "h"),
        (lambda: rl.cusum_arl(0.5, 4.0, "one"), "shift"),
        (lambda: rl.cusum_arl(0.5, 4.0, head_start=3.0), "head_start"),
        (lambda: rl.cusum_arl(0.5, 4.0, head_start=5.0, sides="upper"), "head_start"),
        (lambda: rl.cusum_arl(0.5, 4.0, sides="both"), "sides"),
        (lambda: rl.cusum_steady_arl(0.5, 4.0, 1.0, sides="two"), "sides"),
        (lambda: rl.cusum_survival(0.5, 4.0, 0), "n"),
        (lambda: rl.cusum_survival(0.5, 4.0, True), "n"),
        (lambda: rl.ewma_arl(0.0, 3.0), "lam"),
        (lambda: rl.ewma_arl(1.1, 3.0), "lam"),
        (lambda: rl.ewma_arl(0.1, -3.0), "L"),
        (lambda: rl.ewma_arl(0.1, 3.0, limits="vacl"), "limits"),
        (lambda: rl.ewma_limit(0.1, 1.0), "arl0"),
        (lambda: rl.cusum_limit(0.5, 370.0, head_start=1.5), "head_start"),
        (lambda: rl.design_ewma(370.0, 0.0), "shift"),
        (lambda: rl.design_cusum(370.0, -1.0, sides="upper"), "shift"),
        (lambda: rl.run_length_of_probability(0.0), "alarm"),
        (lambda: rl.run_length_of_probability(1.5), "alarm"),
        (lambda: rl.attribute_alarm("g", 0.1), "kind"),
        (lambda: rl.attribute_alarm("p", 1.5, 50), "center"),
        (lambda: rl.attribute_alarm("p", 0.1, 50, rate=-0.1), "rate"),
        (lambda: rl.attribute_alarm("p", 0.1, 50.5), "size"),
        (lambda: rl.attribute_alarm("c", 4.0, [1.0, 0.0]), "size"),
    ],
)
def test_wrong_arguments_are_named(call, name):
    with pytest.raises(DataError, match=f"^{name}: "):
        call()


def test_the_best_ewma_is_better_than_its_neighbours():
    design = rl.design_ewma(370.4, 1.0)
    assert design.arl0 == pytest.approx(370.4, rel=1e-8)
    for lam in (0.5 * design.lam, 0.9 * design.lam, 1.1 * design.lam, 2.0 * design.lam):
        assert rl.design_ewma(370.4, 1.0, lam=lam).arl > design.arl
    small, large = rl.design_ewma(370.4, 0.5), rl.design_ewma(370.4, 2.0)
    assert small.lam < design.lam < large.lam
    crit = CASES["xewma-crit-l0.1-L370.4"]["expected"]
    assert abs(rl.design_ewma(370.4, 1.0, lam=0.1).L - crit["two.cE"]) < 1e-8
    exact = rl.design_ewma(370.4, 1.0, lam=0.1, limits="exact")
    assert abs(exact.L - crit["two_vacl.cE"]) < 1e-7
    assert exact.arl < rl.design_ewma(370.4, 1.0, lam=0.1).arl


def test_the_cusum_for_a_shift_is_the_best_of_all_reference_values():
    design = rl.design_cusum(500.0, 1.0)
    assert (design.k, design.h) == (0.5, pytest.approx(5.070703854756956, abs=2e-6))  # xcusum-crit-k0.5-L500
    assert design.arl0 == pytest.approx(500.0, rel=1e-8)
    for k in (0.3, 0.7):
        assert rl.design_cusum(500.0, 1.0, k=k).arl > design.arl
    fast = rl.design_cusum(500.0, 1.0, head_start=0.5)
    assert fast.head_start == pytest.approx(fast.h / 2)
    assert fast.arl < design.arl < 11.0
    assert fast.h > design.h
    assert rl.design_cusum(500.0, -1.0, sides="lower").arl == pytest.approx(rl.design_cusum(500.0, sides="upper").arl)


@pytest.mark.parametrize("design", [rl.design_ewma(200.0, 1.5, lam=0.2), rl.design_cusum(200.0, 1.5)])
def test_designs_show_themselves(design):
    out = json.loads(design.to_json())
    assert out["shift"] == 1.5
    assert "a false alarm every 200.0 points" in design.summary()
    assert float(design.to_frame()["arl0"].iloc[0]) == design.arl0


def test_run_length_results():
    run = rl.run_length_of_cusum(0.5, 5.0)
    survival = rl.cusum_survival(0.5, 5.0, 2000)
    assert run.arl == pytest.approx(465.4435, abs=5e-5)
    assert run.median == int(np.argmax(survival <= 0.5)) + 1
    assert dict(run.within) == {n: pytest.approx(1.0 - survival[n - 1]) for n in (25, 50, 100)}
    assert run.standard_error is None
    assert json.loads(run.to_json())["schema"] == "qstats.run_length/1"
    assert "465.44 points" in run.summary()
    assert run.to_frame().shape == (1, 7)
    ewma = rl.run_length_of_ewma(0.2, 2.86, limits="exact")
    survival = rl.ewma_survival(0.2, 2.86, 1000, limits="exact")
    assert ewma.median == int(np.argmax(survival <= 0.5)) + 1


def test_the_median_of_a_long_run_follows_from_the_geometric_tail():
    run = rl.run_length_of_cusum(0.5, 8.0)
    survival = rl.cusum_survival(0.5, 8.0, 8000)
    assert run.median == int(np.argmax(survival <= 0.5)) + 1
    run = rl.run_length_of_ewma(0.1, 4.0)
    survival = rl.ewma_survival(0.1, 4.0, 40_000)
    assert abs(run.median - int(np.argmax(survival <= 0.5)) - 1) <= 1


def test_a_chart_of_independent_points_is_geometric():
    # Three-sigma limits: 370.3983, Montgomery, Introduction to Statistical Quality Control, section on the ARL.
    run = rl.run_length_of_probability(2.0 * float(scipy.special.ndtr(-3.0)))
    assert run.arl == pytest.approx(370.3983473449564, rel=1e-12)
    assert run.arl == pytest.approx(rl.ewma_arl(1.0, 3.0), rel=1e-9)
    assert run.median == 257  # smallest n with (1 - .0027)**n <= 1/2, by hand: log(.5)/log(1-.0026998) = 256.4
    assert rl.run_length_of_probability(1.0).arl == 1.0


def _alarm_by_sum(kind, rate, size, lower, upper):
    """The definition: every count that would be plotted beyond a limit, one by one."""
    total = 0.0
    for x in range(int(size) + 1 if kind in ("p", "np") else 400):
        value = x / size if kind in ("p", "u") else float(x)
        if (upper is not None and value > upper) or (lower is not None and value < lower):
            if kind in ("p", "np"):
                total += math.comb(int(size), x) * rate**x * (1 - rate) ** (int(size) - x)
            else:
                total += math.exp(-rate * size + x * math.log(rate * size) - math.lgamma(x + 1))
    return total


@given(
    st.sampled_from(["p", "np", "c", "u"]),
    st.floats(0.01, 0.99),
    st.integers(1, 80),
    st.one_of(st.none(), st.integers(-2, 90)),
    st.one_of(st.none(), st.integers(-2, 90)),
    st.booleans(),
)
@settings(deadline=None)
def test_attribute_alarms_are_sums_over_counts(kind, rate, size, lower, upper, between):
    # limits on a count and between two: a point exactly on a limit is not beyond it
    low, high = (
        None if v is None else (v + 0.5 * between) / (size if kind in ("p", "u") else 1) for v in (lower, upper)
    )
    if low is not None and high is not None and low > high:
        low, high = high, low
    got = float(rl.attribute_alarm(kind, rate, size, low, high))
    assert got == pytest.approx(_alarm_by_sum(kind, rate, size, low, high), abs=1e-10)


def test_attribute_alarms_point_by_point():
    size = np.array([50, 100, 200])
    upper = 0.02 + 3 * np.sqrt(0.02 * 0.98 / size)
    got = rl.attribute_alarm("p", 0.02, size, upper=upper)
    assert got == pytest.approx([_alarm_by_sum("p", 0.02, n, None, u) for n, u in zip(size, upper, strict=True)])
    assert got[0] == pytest.approx(1.0 / 56.0, rel=0.01)
    shifted = rl.attribute_alarm("p", 0.02, size, upper=upper, rate=0.06)
    assert (shifted > 5 * got).all()
    assert float(rl.attribute_alarm("c", 4.0)) == 0.0
