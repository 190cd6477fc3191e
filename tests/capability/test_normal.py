"""process_capability: against R, plain transcriptions of the definitions, and the defects of other programs."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import qstats
from qstats._core.spec import Spec
from qstats.capability.normal import process_capability
from qstats.errors import DataError, TooFewData

CASES = {c["id"]: c for c in json.loads((Path(__file__).parents[1] / "reference" / "capability.json").read_text())}
ROWS = np.random.default_rng(7).normal(10.2, 1.1, (25, 5))


def limits(e):
    return [e.estimate, e.interval.low, e.interval.high]


# ---- R ----


def test_qcc_individuals_with_its_own_rules():
    case = CASES["cap-one-4"]
    spec = Spec(7.2, 14, 10.4)
    got = process_capability(case["inputs"]["y"], spec=spec, constants="table", convention="qcc", rules="none")
    want = case["expected"]
    assert got.mean.estimate == pytest.approx(want["center"], rel=1e-13)
    assert got.sigma_within.estimate == pytest.approx(want["std.dev"], rel=1e-13)
    found = [got.within.cp, got.within.cpl, got.within.cpu, got.within.cpk, got.cpm]
    for e, row in zip(found, want["indices"]["values"], strict=True):
        assert limits(e) == pytest.approx(row, rel=1e-12)
    ppm = got.expected_ppm.within
    assert ppm.below.estimate / 1e6 == pytest.approx(want["exp"]["Exp < LSL"], rel=1e-11)
    assert ppm.above.estimate / 1e6 == pytest.approx(want["exp"]["Exp > USL"], rel=1e-11)
    assert got.observed_ppm.below.estimate == pytest.approx(want["obs"]["Obs < LSL"] * 1e6)
    assert got.observed_ppm.above.estimate == 0.0


def test_qcc_with_the_overall_standard_deviation():
    case = CASES["cap-one-sd-1"]
    got = process_capability(case["inputs"]["y"], spec=(6, 14), sigma="sd_c4", convention="qcc", rules="none")
    found = [got.within.cp, got.within.cpl, got.within.cpu, got.within.cpk, got.cpm]
    for e, row in zip(found, case["expected"]["indices"]["values"], strict=True):
        assert limits(e) == pytest.approx(row, rel=1e-12)
    # qcc prints 0 where the fraction is below 0.01 %; the truth is 78 ppm
    assert case["expected"]["exp"]["Exp < LSL"] == 0
    z = (case["expected"]["center"] - 6) / case["expected"]["std.dev"]
    assert got.expected_ppm.within.below.estimate == pytest.approx(1e6 * stats.norm.sf(z), rel=1e-11)


def test_sixsigma_calls_the_overall_indices_cp_and_cpk():
    x, want = CASES["cap-one-4"]["inputs"]["y"], CASES["ss-ca-4"]["expected"]
    got = process_capability(x, spec=(6, 14), rules="none")
    assert [got.overall.pp.estimate, *limits(got.overall.pp)[1:]] == pytest.approx(
        [want["cp"], *want["cp_ci"]], rel=1e-12
    )
    got = process_capability(x, spec=(6, 14), rules="none", confidence=0.9)
    assert limits(got.overall.ppk) == pytest.approx([want["cpk"], *want["cpk_ci"]], rel=1e-12)
    assert 3 * got.overall.ppk.estimate == pytest.approx(want["z"], rel=1e-12)


def test_sixsigma_one_sided():
    x, want = CASES["cap-one-sd-1"]["inputs"]["y"], CASES["ss-ca-onesided-1"]["expected"]
    assert process_capability(x, spec=Spec(upper=14)).z_bench_overall.estimate == pytest.approx(want["zU"], rel=1e-12)
    assert process_capability(x, spec=Spec(lower=6)).z_bench_overall.estimate == pytest.approx(want["zL"], rel=1e-12)
    assert process_capability(x, spec=Spec(lower=6)).overall.ppk.estimate == pytest.approx(want["cpkL"], rel=1e-12)


# ---- the definitions, in plain loops ----


def by_the_book(rows, lower, upper, target):
    flat = [v for row in rows for v in row]
    n = len(flat)
    mean = math.fsum(flat) / n
    overall = math.sqrt(math.fsum((v - mean) ** 2 for v in flat) / (n - 1))
    squares = [math.fsum((v - math.fsum(row) / len(row)) ** 2 for v in row) for row in rows]
    df = sum(len(row) - 1 for row in rows)
    c4 = math.sqrt(2 / df) * math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2))
    within = math.sqrt(math.fsum(squares) / df) / c4
    tau = math.sqrt(math.fsum((v - target) ** 2 for v in flat) / n)
    out = {"mean": mean, "sigma_within": within, "sigma_overall": overall}
    for stem, s in (("cp", within), ("pp", overall)):
        low, high = (mean - lower) / (3 * s), (upper - mean) / (3 * s)
        out |= {stem: (upper - lower) / (6 * s), stem + "l": low, stem + "u": high, stem + "k": min(low, high)}
    out["cpm"] = min(target - lower, upper - target) / (3 * tau)
    out["cpmk"] = min(mean - lower, upper - mean) / (3 * tau)
    return out, df, c4


@pytest.mark.parametrize("rows", [ROWS, [list(r[: 2 + i % 4]) for i, r in enumerate(ROWS)]], ids=["equal", "unequal"])
def test_every_index_is_its_definition(rows):
    want, df, c4 = by_the_book([list(map(float, r)) for r in rows], 6.0, 14.0, 9.5)
    got = process_capability(rows, spec=Spec(6, 14, 9.5))
    for name in ("cp", "cpl", "cpu", "cpk"):
        assert getattr(got.within, name).estimate == pytest.approx(want[name], rel=1e-12)
        pp = "p" + name[1:] if name != "cp" else "pp"
        pp = {"cp": "pp", "cpl": "ppl", "cpu": "ppu", "cpk": "ppk"}[name]
        assert getattr(got.overall, pp).estimate == pytest.approx(want[pp], rel=1e-12)
    for name in ("mean", "sigma_within", "sigma_overall", "cpm", "cpmk"):
        assert getattr(got, name).estimate == pytest.approx(want[name], rel=1e-12)
    assert got.df_within == df
    assert got.factor_within == pytest.approx(c4, rel=1e-12)
    q = stats.chi2(df).ppf([0.025, 0.975])
    assert limits(got.within.cp)[1:] == pytest.approx(want["cp"] / c4 * np.sqrt(q / df), rel=1e-11)
    p = stats.norm.sf(3 * want["cpl"]) + stats.norm.sf(3 * want["cpu"])
    assert got.expected_ppm.within.total.estimate == pytest.approx(1e6 * p, rel=1e-10)
    assert got.z_bench_within.estimate == pytest.approx(stats.norm.isf(p), rel=1e-10)


def test_interval_of_ppm_and_z_bench_are_one():
    got = process_capability(ROWS, spec=(6, 14))
    for z, ppm in ((got.z_bench_within, got.expected_ppm.within), (got.z_bench_overall, got.expected_ppm.overall)):
        turned = 1e6 * stats.norm.sf([z.interval.high, z.interval.low])
        assert [ppm.total.interval.low, ppm.total.interval.high] == pytest.approx(turned, rel=1e-10)
    cpl = got.within.cpl.interval
    below = got.expected_ppm.within.below.interval
    assert [below.low, below.high] == pytest.approx(1e6 * stats.norm.sf([3 * cpl.high, 3 * cpl.low]), rel=1e-10)


def test_minitab_convention_takes_its_table_of_degrees_of_freedom():
    # Minitab, Methods and formulas, Capability analysis: 0.9 k (n - 1) for ranges; n - 1 for moving ranges
    got = process_capability(ROWS, spec=(6, 14), sigma="rbar", convention="minitab")
    assert (got.df_within, got.factor_within) == (90.0, 1.0)
    q = stats.chi2(90).ppf([0.025, 0.975])
    assert limits(got.within.cp)[1:] == pytest.approx(got.within.cp.estimate * np.sqrt(q / 90), rel=1e-11)
    assert process_capability(ROWS.ravel(), spec=(6, 14), convention="minitab").df_within == 124
    assert process_capability(ROWS.ravel(), spec=(6, 14)).df_within == pytest.approx(0.605 * 124, rel=0.01)


def test_known_sigma():
    got = process_capability(ROWS, spec=(6, 14), sigma=1.0)
    assert limits(got.within.cp) == pytest.approx([4 / 3] * 3)
    reach = stats.norm.isf(0.025) / math.sqrt(125) / 3
    assert got.within.cpl.interval.high == pytest.approx(got.within.cpl.estimate + reach)


def test_robust_sigma_has_an_index_but_no_interval_and_says_so():
    got = process_capability(ROWS, spec=(6, 14), sigma="median_range")
    assert limits(got.within.cpk)[1:] == [-math.inf, math.inf]
    assert "no-interval" in {n.code for n in got.notes}
    assert math.isfinite(got.overall.ppk.interval.low)
    with pytest.raises(DataError, match="index='ppk'"):
        got.lower_bound(1.0)
    assert got.lower_bound(1.0, index="ppk").reached is not None
    json.dumps(got.to_dict(), allow_nan=False)


# ---- one side, boundaries, target ----


def test_one_sided_specification_has_no_cp_and_no_invented_target():
    # SixSigma returns max(Cpl, Cpu) as Cp; qcc lets the target fall back on the limit itself
    got = process_capability(ROWS, spec=Spec(upper=14))
    assert got.within.cp is got.within.cpl is got.overall.pp is got.cpm is got.expected_ppm.within.below is None
    assert limits(got.within.cpk) == limits(got.within.cpu)
    assert got.within.cpk.method.startswith("noncentral t")
    got = process_capability(ROWS, spec=Spec(upper=14, target=10))
    tau = math.sqrt(np.mean((ROWS - 10) ** 2))
    assert got.cpm.estimate == pytest.approx(4 / (3 * tau))


def test_a_boundary_is_no_specification():
    x = np.random.default_rng(1).normal(0.05, 0.02, 60).clip(0.001)
    got = process_capability(x, spec=Spec(0.0, 0.2, boundary="lower"))
    plain = process_capability(x, spec=Spec(upper=0.2))
    assert limits(got.within.cpk) == limits(plain.within.cpk)
    assert got.expected_ppm.overall.below is None
    assert got.expected_ppm.overall.total.estimate == plain.expected_ppm.overall.total.estimate
    # a piece on the boundary would look like Cpl 0.8 otherwise
    assert process_capability(x, spec=(0.0, 0.2)).within.cpk.estimate < 1 < got.within.cpk.estimate


def test_target_off_the_middle_takes_the_nearer_limit():
    got = process_capability(ROWS, spec=Spec(6, 14, 13))
    assert got.cpm.estimate == pytest.approx(1 / (3 * math.sqrt(np.mean((ROWS - 13) ** 2))))


# ---- other programs' defects ----


def test_41_ppm_does_not_print_as_zero():
    # reference row 4: qcc 3.0 sets an expected fraction below 0.01 % to 0
    d = stats.norm.isf(41e-6)
    x = np.array([-1.0, 1.0] * 50)
    x = x / x.std(ddof=1)
    got = process_capability(x, spec=Spec(lower=-d), sigma=1.0)
    assert got.expected_ppm.overall.total.estimate == pytest.approx(41.0, rel=1e-9)
    assert "41" in got.summary()


def test_the_faintest_tail_keeps_its_digits():
    x = np.array([-1.0, 1.0] * 50)
    x = x / x.std(ddof=1)
    got = process_capability(x, spec=(-11.5, 40.0), sigma=1.0)
    assert got.expected_ppm.within.total.estimate == pytest.approx(1e6 * stats.norm.sf(11.5), rel=1e-10)
    assert got.z_bench_within.estimate == pytest.approx(11.5, rel=1e-12)
    far = process_capability(x, spec=(-400.0, 400.0))
    assert far.z_bench_overall.estimate == pytest.approx(400, rel=1e-3)
    assert math.isfinite(far.z_bench_overall.interval.low)


def test_cp_does_not_depend_on_where_a_chart_draws_its_limits():
    # reference row 4: qcc 3.0 gives 1.124 with nsigmas 3 and 1.686 with 2
    base = process_capability(ROWS, spec=(6, 14))
    for rules in ("nelson", "none", "western_electric"):
        assert limits(process_capability(ROWS, spec=(6, 14), rules=rules).within.cp) == limits(base.within.cp)


@pytest.mark.parametrize("k", [85, 86, 100, 400])
def test_unbiasing_does_not_overflow(k):
    # reference row 15: JASP's gamma/gamma is NaN from 86 x 5 on
    x = np.random.default_rng(k).normal(size=(k, 5))
    got = process_capability(x, spec=(-4, 4))
    raw = math.sqrt(x.var(axis=1, ddof=1).mean())
    assert got.sigma_within.estimate == pytest.approx(raw * (1 + 1 / (16 * k)), rel=1e-5)


def test_degrees_of_freedom_are_those_of_the_estimator():
    # reference rows 12 and 25: JASP 0.9 k (N / k - 1) with k and n swapped (108 here), mfgQC and qcc n - 1 (124)
    assert process_capability(ROWS, spec=(6, 14)).df_within == 100
    assert process_capability(ROWS, spec=(6, 14), sigma="rbar").df_within == pytest.approx(90.8, abs=0.1)


def test_unequal_subgroups_are_welcome():
    # reference row 21: mfgQC raises
    rows = [list(r[: 2 + i % 4]) for i, r in enumerate(ROWS)]
    assert process_capability(rows, spec=(6, 14)).subgroups == 25


def test_a_gap_is_not_bridged():
    # reference rows 8 and 23: neighbours joined over a gap, or NaN everywhere
    x = np.array([1.0, 2.0, np.nan, 9.0, 8.0, 9.0, 8.5, 8.2])
    got = process_capability(x, spec=(-5, 20), missing="drop")
    moves = [1.0, 1.0, 1.0, 0.5, 0.3]
    assert got.sigma_within.estimate == pytest.approx(np.mean(moves) / 1.1283791670955126)
    assert got.n == 7
    assert "missing-dropped" in {n.code for n in got.notes}
    with pytest.raises(DataError, match="missing"):
        process_capability(x, spec=(-5, 20))


# ---- properties ----


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 100),
    st.sampled_from([0.0, 1.0, -1e3, 1e6]),
    st.floats(5, 9),
    st.floats(11, 16),
)
def test_shift_scale_and_mirror(seed, scale, shift, lower, upper):
    x = np.random.default_rng(seed).normal(10, 1, (8, 4))
    base = process_capability(x, spec=(lower, upper))
    assert base.within.cpk.estimate <= base.within.cp.estimate
    assert base.overall.ppk.estimate <= base.overall.pp.estimate
    moved = process_capability(shift + scale * x, spec=(shift + scale * lower, shift + scale * upper))
    mirrored = process_capability(-x, spec=(-upper, -lower))
    pairs = [(base.within.cpk, moved.within.cpk), (base.overall.pp, moved.overall.pp), (base.cpm, moved.cpm)]
    pairs += [(base.within.cpl, mirrored.within.cpu), (base.within.cpu, mirrored.within.cpl)]
    pairs += [(base.within.cpk, mirrored.within.cpk), (base.z_bench_overall, mirrored.z_bench_overall)]
    pairs += [(base.cpmk, mirrored.cpmk)]
    for one, other in pairs:
        assert limits(other) == pytest.approx(limits(one), rel=1e-6, abs=1e-9)
    assert moved.stability.signals == base.stability.signals == mirrored.stability.signals


def test_a_large_offset_costs_no_digits():
    x = np.round(ROWS * 2**10) / 2**10
    base = process_capability(x, spec=(6, 14))
    moved = process_capability(x + 1e12, spec=(6 + 1e12, 14 + 1e12))
    # thousandths in powers of two survive next to 1e12 exactly
    for name in ("sigma_within", "sigma_overall"):
        assert limits(getattr(moved, name)) == pytest.approx(limits(getattr(base, name)), rel=1e-12)
    for one, other in ((moved.within.cpk, base.within.cpk), (moved.cpm, base.cpm)):
        assert limits(one) == pytest.approx(limits(other), rel=1e-3)  # the mean itself is good to 1e-4 there


def test_intervals_are_nested_in_confidence():
    one, two = (process_capability(ROWS, spec=(6, 14), confidence=c).to_frame() for c in (0.9, 0.99))
    assert (two["low"] <= one["low"]).all() and (two["high"] >= one["high"]).all()
    assert (one["low"] <= one["estimate"]).all() and (one["estimate"] <= one["high"]).all()


# ---- stability ----


@pytest.mark.parametrize("rules", ["western_electric", "nelson", "none"])
def test_stability_is_what_the_chart_says(rules):
    x = np.random.default_rng(3).normal(0, 1, (60, 4))
    x[30:] += 1.0
    x[10] *= 4.0
    got = process_capability(x, spec=(-6, 6), rules=rules)
    chart = qstats.xbar_s(x, sigma="pooled", rules=rules)
    for panel in ("xbar", "std"):
        assert got.stability.signals[panel] == sum(s.panel == panel for s in chart.signals)
    assert got.stability.in_control == chart.in_control
    single = process_capability(x.ravel(), spec=(-6, 6), rules=rules)
    chart = qstats.individuals(x.ravel(), rules=rules)
    assert single.stability.total == len(chart.signals)


def test_an_unstable_process_is_told_and_a_long_stable_one_is_not_blamed():
    rng = np.random.default_rng(5)
    drift = rng.normal(size=(50, 5)) + np.linspace(0, 4, 50)[:, None]
    got = process_capability(drift, spec=(-8, 12))
    assert not got.stability.demonstrated
    assert next(n for n in got.notes if n.code == "not-stable").severity == "serious"
    batches = process_capability(drift + rng.normal(size=(50, 1)), spec=(-8, 12))
    assert batches.between.sigma > 0.5
    assert batches.between.cpk_bw.estimate < batches.within.cpk.estimate
    long = process_capability(rng.normal(size=(20_000, 5)), spec=(-5, 5))
    assert not long.stability.in_control
    assert long.stability.demonstrated
    assert long.stability.total == pytest.approx(long.stability.expected, rel=0.2)


def test_between_is_sixty_years_of_formula():
    # sigma_b^2 = (MRbar of the means / d2)^2 - sigma_w^2 / n, never negative
    x = ROWS + np.random.default_rng(2).normal(0, 2, (25, 1))
    got = process_capability(x, spec=(-6, 26))
    outer = np.abs(np.diff(x.mean(axis=1))).mean() / 1.1283791670955126
    sigma_w = got.sigma_within.estimate
    assert got.between.sigma == pytest.approx(math.sqrt(outer**2 - sigma_w**2 / 5), rel=1e-12)
    total = math.hypot(got.between.sigma, sigma_w)
    assert got.between.cp_bw.estimate == pytest.approx(32 / (6 * total), rel=1e-12)
    calm = ROWS - ROWS.mean(axis=1, keepdims=True)
    assert process_capability(calm, spec=(-6, 6)).between.sigma == 0.0


# ---- doors, words, pictures ----


def test_every_door_gives_the_same_numbers():
    flat = ROWS.ravel()
    frame = pd.DataFrame({"v": flat, "g": np.repeat(np.arange(25), 5), "t": np.arange(125)})
    base = process_capability(ROWS, spec=(6, 14)).to_frame()
    doors = [
        process_capability(ROWS.tolist(), spec=(6, 14)),
        process_capability(flat, spec=(6, 14), size=5),
        process_capability(flat, spec=(6, 14), by=np.repeat(np.arange(25), 5)),
        process_capability(frame.sample(frac=1, random_state=1), spec=(6, 14), values="v", by="g", order_by="t"),
        process_capability(pd.DataFrame(ROWS, columns=list("abcde")), spec=(6, 14), values=list("abcde")),
    ]
    for got in doors:
        pd.testing.assert_frame_equal(got.to_frame(), base, rtol=1e-12)
    single = process_capability(frame, spec=(6, 14), values="v", order_by="t")
    pd.testing.assert_frame_equal(single.to_frame(), process_capability(flat, spec=(6, 14)).to_frame())


def test_vocabularies():
    calm = process_capability(ROWS, spec=(6, 14), rules="western_electric")
    assert calm.stability.demonstrated
    values = calm.terms("aiag2005").values
    assert values["Cpk"] is calm.within.cpk and values["Ppk"] is calm.overall.ppk
    values = calm.terms("iso22514").values
    assert values["Cpk"] is calm.overall.ppk and "Ppk" not in values
    values = calm.terms("aiagvda2026").values
    assert values["Cwk"] is calm.within.cpk and values["Cpk"] is calm.overall.ppk
    assert "provisional-terms" in {n.code for n in calm.terms("aiagvda2026").notes}
    wild = process_capability(ROWS + np.linspace(0, 8, 25)[:, None], spec=(6, 30))
    assert wild.terms("iso22514").values["Ppk"] is wild.overall.ppk
    assert "Cpk" not in wild.terms("iso22514").values
    with pytest.raises(DataError, match="vocabulary"):
        calm.terms("din")


def test_picture_holds_the_shape_of_any_length():
    got = process_capability(ROWS, spec=(6, 14)).picture
    assert got.counts.sum() == got.used == 125
    counts, _ = np.histogram(ROWS, got.edges)
    assert counts.tolist() == got.counts.tolist()
    assert got.quantile.tolist() == sorted(ROWS.ravel().tolist())
    assert got.probability[[0, -1]].tolist() == [0.5 / 125, 124.5 / 125]
    assert got.last.tolist() == ROWS.tolist()
    x = np.random.default_rng(1).standard_cauchy(300_000)
    big = process_capability(x, spec=(-1, 1)).picture
    assert big.edges.size <= 201 and big.quantile.size <= 2000 and big.mean.size == 500 and big.used <= 50_000
    assert big.edges[0] == x.min() and big.edges[-1] == x.max()
    assert big.mean.tolist() == x[-500:].tolist()
    assert big.first == 299_500


def test_result_reads_well():
    got = process_capability(ROWS, spec=(6, 14), bootstrap=999, rng=1)
    assert got.to_dict()["schema"] == "qstats.capability/1"
    json.dumps(got.to_dict(), allow_nan=False)
    assert "Cpk" in got.summary() and "Ppk by bootstrap" in got.summary()
    assert set(got.to_frame()["quantity"]) >= {"cpk", "ppk", "cpm", "expected_ppm_within_total", "observed_ppm_total"}
    with pytest.raises(AttributeError):
        got.n = 3


def test_counts_that_deny_the_normal_tail_are_noted():
    x = np.random.default_rng(1).exponential(size=5000)
    got = process_capability(x, spec=Spec(0, 6, boundary="lower"))
    assert "normal-doubtful" in {n.code for n in got.notes}
    assert got.observed_ppm.total.estimate == pytest.approx(1e6 * np.mean(x > 6))


# ---- bound ----


def test_lower_bound_and_what_would_settle_it():
    got = process_capability(ROWS, spec=(6, 14))
    bound = got.lower_bound(1.0, confidence=0.95)
    c, z = got.within.cpk.estimate, stats.norm.isf(0.05)
    assert bound.lower == pytest.approx(c - z * math.sqrt(1 / (9 * 125) + c * c / 200))
    assert bound.reached == (bound.lower >= 1.0)
    one = process_capability(ROWS, spec=Spec(upper=14)).lower_bound(index="ppk")
    x = ROWS.ravel()
    t = math.sqrt(125) * (14 - x.mean()) / x.std(ddof=1)
    assert stats.nct.cdf(t, 124, 3 * math.sqrt(125) * one.lower) == pytest.approx(0.95, abs=1e-6)
    assert got.lower_bound(3.0).n_needed is None
    assert got.lower_bound(3.0).reached is False
    with pytest.raises(DataError, match="required"):
        got.lower_bound(-1)


# ---- bootstrap ----


def test_bootstrap_is_scipys_bca():
    x = np.random.default_rng(11).gamma(4, 1, 60)

    def ppk(v, axis=-1):
        m, s = v.mean(axis=axis), v.std(axis=axis, ddof=1)
        return np.minimum(m + 2, 12 - m) / (3 * s)

    got = process_capability(x, spec=(-2, 12), bootstrap=19_999, rng=5).bootstrap
    want = stats.bootstrap(
        (x,), ppk, n_resamples=19_999, method="BCa", rng=np.random.default_rng(6)
    ).confidence_interval
    assert got.estimate == pytest.approx(ppk(x))
    assert [got.interval.low, got.interval.high] == pytest.approx([want.low, want.high], abs=0.02)
    again = process_capability(x, spec=(-2, 12), bootstrap=19_999, rng=5).bootstrap
    assert limits(again) == limits(got)


# ---- hostile ----


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        ([5.0] * 20, {}, "resolution"),
        ([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]], {}, "within the subgroups"),
        ([1.0, np.inf, 2.0], {}, "finite"),
        (["a", "b"], {}, "text"),
        ([1.0, 2.0, 3.0], {"spec": (5, 4)}, "lower"),
        ([1.0, 2.0, 3.0], {"spec": 5}, "spec"),
        ([1.0, 2.0, 3.0], {"sigma": "pooled"}, "sigma"),
        ([1.0, 2.0, 3.0], {"sigma": 0.0}, "sigma"),
        ([1.0, 2.0, 3.0], {"confidence": 95}, "0.95"),
        ([1.0, 2.0, 3.0], {"convention": "excel"}, "convention"),
        ([1.0, 2.0, 3.0], {"vocabulary": "x"}, "vocabulary"),
        ([1.0, 2.0, 3.0], {"rng": 1}, "bootstrap"),
        ([1.0, 2.0, 3.0], {"bootstrap": 5, "rng": 1}, "resamples"),
        ([1.0, 2.0, 3.0], {"rules": "all"}, "rules"),
        (np.ones((2, 2, 2)), {}, "data"),
        ([1e300, -1e300, 1e300], {}, "overflow"),
    ],
)
def test_bad_input_is_told(data, options, message):
    with pytest.raises(DataError, match=message):
        process_capability(data, **{"spec": (0, 10), **options})


@pytest.mark.parametrize("data", [[1.0], [], [[1.0], [2.0]], np.empty((0, 5))])
def test_too_few(data):
    with pytest.raises(TooFewData):
        process_capability(data, spec=(0, 10))


def test_two_values_give_an_answer_and_a_warning():
    got = process_capability([4.0, 6.0], spec=(0, 10))
    assert got.overall.pp.estimate == pytest.approx(10 / (6 * math.sqrt(2)))
    assert "few-values" in {n.code for n in got.notes}
    assert got.overall.pp.interval.low < 0.1


@pytest.mark.parametrize("offset", [0.0, -50.0, 1e9])
@pytest.mark.parametrize("limits", [(-2.0, 3.0), (None, 1.0), (-9.0, 9.0), (-0.1, 0.1)])
def test_what_lies_outside_is_counted_whatever_the_road(offset: float, limits: tuple[float | None, float]) -> None:
    # many subgroups are looked at by their mean and spread first: the counts are those of the values
    x = np.random.default_rng(4).standard_t(4, (20_000, 5)) + offset
    low, high = (None if v is None else v + offset for v in limits)
    seen = process_capability(x, spec=(low, high)).observed_ppm
    assert high is not None
    above = np.count_nonzero(x > high)
    below = 0 if low is None else np.count_nonzero(x < low)
    assert seen.total.estimate == pytest.approx((above + below) / x.size * 1e6)
