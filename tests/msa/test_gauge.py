"""gauge_rr against R, published tables, and definitions written out in loops."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from qstats import Spec
from qstats.errors import DataError, TooFewData
from qstats.msa.gauge import gauge_rr, gauge_rr_many

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "msa_gauge.json").read_text(encoding="utf-8"))
CASES = {c["id"]: c for c in REFERENCE["cases"]}


def study(name, **options):
    """The gauge study of one reference table."""
    t = REFERENCE["tables"][name]
    return gauge_rr(t["y"], part=t["part"], operator=list(t["operator"]), **options)


def cube(seed=1, shape=(10, 3, 3), sd=(1.0, 0.3, 0.2, 0.25), mean=50.0):
    """Measurements of a crossed study: sd of part, operator, interaction, repeats."""
    rng = np.random.default_rng(seed)
    p, o, r = shape
    return (
        mean
        + sd[0] * rng.normal(size=(p, 1, 1))
        + sd[1] * rng.normal(size=(1, o, 1))
        + sd[2] * rng.normal(size=(p, o, 1))
        + sd[3] * rng.normal(size=(p, o, r))
    )


def made_of(ss, shape):
    """A parts x operators x repeats cube with given sums of squares (part, operator, interaction, repeats)."""
    p, o, r = shape

    def unit(k, seed):
        v = np.random.default_rng(seed).normal(size=k)
        v -= v.mean()
        return v / np.sqrt((v**2).sum())

    a, b, c = unit(p, 1), unit(o, 2), unit(r, 3)
    one = np.ones
    x = np.sqrt(ss[0] / (o * r)) * np.einsum("i,j,k", a, one(o), one(r))
    x = x + np.sqrt(ss[1] / (p * r)) * np.einsum("i,j,k", one(p), b, one(r))
    x = x + np.sqrt(ss[2] / r) * np.einsum("i,j,k", a, b, one(r))
    return x + np.sqrt(ss[3]) * np.einsum("i,j,k", a, b, c)


# ---- published tables


def test_aiag_table_of_the_manual():
    """AIAG MSA 4th ed., chapter III: the ANOVA study, from its sums of squares (the table itself: tests/real)."""
    s = gauge_rr(made_of((88.3619, 3.1673, 0.3590, 2.7589), (10, 3, 3)))
    assert s.interaction_pvalue == pytest.approx(0.974, abs=5e-4)
    assert s.pooled
    full = s.anova["with_interaction"]
    assert full.f[2] == pytest.approx(0.434, abs=5e-4)
    assert full.ss[4] == pytest.approx(94.6471, abs=1e-9)
    assert s.sd["repeatability"] == pytest.approx(0.199933, abs=1e-6)
    assert s.sd["operator"] == pytest.approx(0.226838, abs=2e-6)
    assert s.sd["gauge_rr"] == pytest.approx(0.302373, abs=2e-6)
    assert s.sd["part"] == pytest.approx(1.042327, abs=1e-6)
    assert s.sd["total"] == pytest.approx(1.0853, abs=5e-5)
    found = [s.percent_contribution[k] for k in ("repeatability", "operator", "gauge_rr", "part")]
    assert found == pytest.approx([3.4, 4.4, 7.8, 92.2], abs=0.05)
    assert s.percent_study["gauge_rr"] == pytest.approx(27.86, abs=0.005)
    assert s.ndc == pytest.approx(4.875, abs=5e-4)
    assert s.ndc * 1.41 / math.sqrt(2) == pytest.approx(4.861, abs=5e-4)
    assert s.ndc_truncated == 4
    kept = gauge_rr(made_of((88.3619, 3.1673, 0.3590, 2.7589), (10, 3, 3)), pool="never")
    assert kept.sd["repeatability"] == pytest.approx(0.214435, abs=2e-6)


def test_jasp_crossed_study():
    """jaspQualityControl tests, 10 parts x 3 operators x 3 repeats: sums of squares, components, per cent of study."""
    s = gauge_rr(made_of((880.5556, 1.67222, 2.82778, 7.66667), (10, 3, 3)))
    found = [s.variance[k] for k in ("gauge_rr", "repeatability", "operator", "part")]
    assert found == pytest.approx([0.157930, 0.134544, 0.023386, 10.856107], abs=2e-6)
    assert s.percent_study["gauge_rr"] == pytest.approx(11.97, abs=0.005)  # a per cent, not a fraction
    assert s.ndc_truncated == 11


# ---- R

_SIXSIGMA = {
    "gauge_rr": "Total Gage R&R",
    "repeatability": "  Repeatability",
    "reproducibility": "  Reproducibility",
    "operator": "    oper",
    "interaction": "part:oper",
    "part": "Part-To-Part",
    "total": "Total Variation",
}


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("ssrr")])
def test_sixsigma(case):
    expected = CASES[case]["expected"]
    s = study(CASES[case]["table"], pool=float(case.rpartition("-a")[2]))
    table = np.array(expected["anova"]["values"], dtype=float)
    ours = s.anova["with_interaction"]
    for column, values in zip(range(5), (ours.df, ours.ss, ours.ms, ours.f, ours.pvalue), strict=True):
        rows = slice(0, 5 if column < 2 else 4 if column == 2 else 3)
        assert values[rows] == pytest.approx(table[rows, column], rel=1e-8)
    assert s.pooled is (expected["reduced"] is not None)
    if s.pooled:
        table = np.array(expected["reduced"]["values"], dtype=float)
        ours = s.anova["without_interaction"]
        assert ours.f[:2] == pytest.approx(table[:2, 3], rel=1e-8)
        assert ours.pvalue[:2] == pytest.approx(table[:2, 4], rel=1e-7)
    for name, theirs in _SIXSIGMA.items():
        if name in s.variance:
            assert s.variance[name] == pytest.approx(expected["varcomp"][theirs], rel=1e-8, abs=1e-12), name
    assert s.ndc_truncated == expected["ncat"]


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("qtrr") and "nested" not in c])
def test_qualitytools(case):
    expected = CASES[case]["expected"]
    s = study(CASES[case]["table"], pool=float(case.rpartition("-a")[2]))
    found = [s.variance[k] for k in ("gauge_rr", "repeatability", "reproducibility", "operator", "part", "total")]
    names = ("totalRR", "repeatability", "reproducibility", "a", "bTob", "totalVar")
    assert found == pytest.approx([expected[k] for k in names], rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("vc-anova")])
def test_moments_in_r_with_their_raw_values(case):
    expected = CASES[case]["expected"]
    s = study(CASES[case]["table"], pool="never")
    names = {"part": "part", "operator": "oper", "interaction": "int", "repeatability": "rep"}
    for ours, theirs in names.items():
        assert s.components[ours].raw == pytest.approx(expected["raw"][theirs], rel=1e-8)
        assert s.variance[ours] == pytest.approx(expected["truncated"][theirs], rel=1e-8)
    assert s.interaction_pvalue == pytest.approx(expected["p_int"], rel=1e-8)


def test_negative_component_is_noted_and_its_raw_value_kept():
    s = study("twoop", pool="never")
    assert s.variance["operator"] == 0.0
    assert s.components["operator"].raw == pytest.approx(-0.006005844696969986, rel=1e-8)  # vc-anova-twoop
    assert "negative-component" in {n.code for n in s.notes}
    assert s.components["operator"].variance.interval.low == 0.0


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("vca")])
def test_interval_of_repeatability_is_the_chi_square_one_of_vca(case):
    expected = CASES[case]["expected"]
    s = study(CASES[case]["table"], pool="never")
    interval = s.components["repeatability"].variance.interval
    assert interval.low == pytest.approx(expected["inf"]["LCL"][-1], rel=1e-7)
    assert interval.high == pytest.approx(expected["inf"]["UCL"][-1], rel=1e-7)


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("vc-reml")])
def test_reml_of_lme4(case):
    expected = CASES[case]["expected"]
    s = study(CASES[case]["table"], method="reml", pool="never")
    names = {"part": "part", "operator": "oper", "interaction": "part:oper", "repeatability": "Residual"}
    for ours, theirs in names.items():  # lme4 itself stops about 1e-5 from its optimum
        assert s.variance[ours] == pytest.approx(expected[theirs], rel=1e-4, abs=2e-6), ours


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("vc-nested")])
def test_nested_analysis(case):
    """R's lm(y ~ oper/part); SixSigma's nested reproducibility is (o - 1)/o of it and its F of operators wrong."""
    expected = CASES[case]["expected"]
    t = REFERENCE["tables"][CASES[case]["table"]]
    s = gauge_rr(t["y"], part=t["part"], operator=list(t["operator"]), design="nested")
    ours = s.anova["nested"]
    assert ours.df[:3].tolist() == expected["df"]
    assert ours.ss[:3] == pytest.approx(expected["SS"], rel=1e-8)
    assert ours.f[:2] == pytest.approx([expected["F_oper"], expected["F_part"]], rel=1e-8)
    assert ours.pvalue[:2] == pytest.approx([expected["p_oper"], expected["p_part"]], rel=1e-7)
    found = [s.components[k].raw for k in ("operator", "part", "repeatability")]
    assert found == pytest.approx([expected["raw"][k] for k in ("oper", "part", "rep")], rel=1e-8)
    assert s.variance["operator"] == pytest.approx(expected["truncated"]["oper"], rel=1e-8)
    unique = [f"{o}-{p}" for o, p in zip(t["operator"], t["part"], strict=True)]
    auto = gauge_rr(t["y"], part=unique, operator=list(t["operator"]))
    assert auto.design == "nested"
    assert auto.variance == s.variance


@pytest.mark.parametrize("case", [c for c in CASES if c.startswith("avgrange")])
def test_average_and_range(case):
    expected = CASES[case]["expected"]
    s = study(CASES[case]["table"], method="average_range")
    names = {"repeatability": "EV", "operator": "AV", "gauge_rr": "GRR", "part": "PV", "total": "TV"}
    for ours, theirs in names.items():  # d2* of the reference: quadrature good to 1e-5
        assert s.sd[ours] == pytest.approx(expected[theirs], rel=1e-5)
    assert s.ndc * 1.41 / math.sqrt(2) == pytest.approx(expected["ndc"], rel=1e-5)
    assert len(s.anova) == 0


def test_printed_k_factors():
    """AIAG MSA 4th ed., form: K1 .8862 .5908 (2, 3 trials), K2 .7071 .5231 (2, 3 operators), K3 .3146 (10 parts)."""
    x = cube(shape=(10, 3, 3))
    s = gauge_rr(x, method="average_range", constants="table")
    ev = 0.5908 * np.ptp(x, axis=2).mean()
    av = math.sqrt((0.5231 * np.ptp(x.mean(axis=(0, 2)))) ** 2 - ev**2 / 30)
    assert s.sd["repeatability"] == pytest.approx(ev, rel=1e-12)
    assert s.sd["operator"] == pytest.approx(av, rel=1e-12)
    assert s.sd["part"] == pytest.approx(0.3146 * np.ptp(x.mean(axis=(1, 2))), rel=1e-12)
    two = gauge_rr(x[:, :2, :2], method="average_range", constants="table")
    ev = 0.8862 * np.ptp(x[:, :2, :2], axis=2).mean()
    av = math.sqrt((0.7071 * np.ptp(x[:, :2, :2].mean(axis=(0, 2)))) ** 2 - ev**2 / 20)
    assert two.sd["operator"] == pytest.approx(av, rel=1e-12)


# ---- tolerance, process, conventions


def test_one_sided_specification_halves_the_multiplier():
    """Minitab, gage R&R methods and formulas: multiplier / 2 times sd over the distance from the mean to the limit."""
    x = cube()
    s = gauge_rr(x, spec=(None, 55.0))
    expected = 100 * 3.0 * s.sd["gauge_rr"] / (55.0 - x.mean())
    assert s.percent_tolerance["gauge_rr"] == pytest.approx(expected, rel=1e-12)
    assert s.tolerance_multiplier == 3.0
    assert "one-sided-tolerance" in {n.code for n in s.notes}
    both = gauge_rr(x, spec=Spec(45.0, 55.0), multiplier=5.15)
    assert both.percent_tolerance["part"] == pytest.approx(100 * 5.15 * both.sd["part"] / 10.0, rel=1e-12)
    assert both.components["part"].study_variation.estimate == pytest.approx(5.15 * both.sd["part"], rel=1e-15)
    bounded = gauge_rr(x, spec=Spec(0.0, 55.0, boundary="lower"))
    assert bounded.percent_tolerance == s.percent_tolerance
    assert gauge_rr(x, tolerance=10.0).percent_tolerance == gauge_rr(x, spec=(45, 55)).percent_tolerance
    beyond = gauge_rr(x, spec=(None, 40.0))
    assert beyond.percent_tolerance is None
    assert "mean-beyond-limit" in {n.code for n in beyond.notes}


def test_historical_sigma():
    s = gauge_rr(cube(), sigma_process=2.0)
    part = s.components["gauge_rr"]
    assert s.percent_process["gauge_rr"] == pytest.approx(100 * s.sd["gauge_rr"] / 2.0, rel=1e-12)
    assert part.percent_process.interval.high == pytest.approx(50 * part.sd.interval.high, rel=1e-12)
    assert gauge_rr(cube()).percent_process is None


def test_conventions_set_the_pooling_rule():
    assert study("midint").pooled  # p lies between 0.05 and 0.25
    assert study("midint", convention="minitab").pooled
    assert study("midint", convention="jasp").pooled
    aiag = study("midint", convention="aiag")
    assert not aiag.pooled
    assert aiag.convention == "aiag"
    assert study("midint", convention="aiag", pool=0.05).pooled
    assert study("strongint", pool="always").pooled
    assert not study("noint", pool="never").pooled


def test_both_tables_are_shown_whatever_was_pooled():
    for pool in ("always", "never"):
        s = study("midint", pool=pool)
        assert list(s.anova) == ["with_interaction", "without_interaction"]
        assert s.anova["without_interaction"].source == ("part", "operator", "repeatability", "total")
        assert "as asked" in s.pooling


# ---- intervals


def mls_by_loops(weights, ms, df, alpha):
    """Ting et al. (1990) without the terms between equal signs, written out one pair at a time."""
    chi, f = stats.chi2, stats.f
    low = high = 0.0
    for q, c in enumerate(weights):
        g = 1 - df[q] / chi.ppf(1 - alpha / 2, df[q])
        h = df[q] / chi.ppf(alpha / 2, df[q]) - 1
        low += ((g if c > 0 else h) * c * ms[q]) ** 2
        high += ((h if c > 0 else g) * c * ms[q]) ** 2
        if c <= 0:
            continue
        for r, d in enumerate(weights):
            if d >= 0:
                continue
            gr = 1 - df[r] / chi.ppf(1 - alpha / 2, df[r])
            hr = df[r] / chi.ppf(alpha / 2, df[r]) - 1
            up, down = f.ppf(1 - alpha / 2, df[q], df[r]), f.ppf(alpha / 2, df[q], df[r])
            low += ((up - 1) ** 2 - g**2 * up**2 - hr**2) / up * c * -d * ms[q] * ms[r]
            high += ((1 - down) ** 2 - h**2 * down**2 - gr**2) / down * c * -d * ms[q] * ms[r]
    at = sum(c * m for c, m in zip(weights, ms, strict=True))
    return at - math.sqrt(max(low, 0)), at + math.sqrt(max(high, 0))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_mls_limits_of_every_variance(confidence):
    p, o, r = 10, 3, 3
    s = gauge_rr(cube(5), pool="never", confidence=confidence)
    assert min(c.raw for c in s.components.values()) > 0
    ms, df = s.anova["with_interaction"].ms[:4], s.anova["with_interaction"].df[:4]
    weights = {  # Burdick, Borror & Montgomery (2005): gamma_P, gamma_M, gamma_Y and the rest
        "part": [1 / (o * r), 0, -1 / (o * r), 0],
        "operator": [0, 1 / (p * r), -1 / (p * r), 0],
        "interaction": [0, 0, 1 / r, -1 / r],
        "gauge_rr": [0, 1 / (p * r), (p - 1) / (p * r), (r - 1) / r],
        "total": [1 / (o * r), 1 / (p * r), (p * o - p - o) / (p * o * r), (r - 1) / r],
    }
    for name, c in weights.items():
        low, high = mls_by_loops(c, ms, df, 1 - confidence)
        interval = s.components[name].variance.interval
        assert interval.low == pytest.approx(max(low, 0.0), rel=1e-8), name
        assert interval.high == pytest.approx(high, rel=1e-8), name
    # a share may be x as long as the interval of gauge - x total holds zero
    edge = s.components["gauge_rr"].percent_contribution.interval
    for x, side in ((edge.low, 0), (edge.high, 1)):
        c = [a - x / 100 * b for a, b in zip(weights["gauge_rr"], weights["total"], strict=True)]
        assert mls_by_loops(c, ms, df, 1 - confidence)[side] == pytest.approx(0.0, abs=1e-8 * s.variance["total"])


def test_exact_cases_of_the_intervals():
    """One operator: PV/EV is decided by one F ratio, and its interval is the exact one of a one-way random model."""
    x = cube(3, (8, 1, 4))
    s = gauge_rr(x)
    y = x[:, 0, :]
    f = 4 * y.mean(axis=1).var(ddof=1) / y.var(axis=1, ddof=1).mean()
    for tail, got in ((0.975, s.icc.interval.low), (0.025, s.icc.interval.high)):
        ratio = f / stats.f.ppf(tail, 7, 24)
        assert got == pytest.approx((ratio - 1) / (ratio + 3), rel=1e-9)  # Searle, Casella & McCulloch (1992), eq. 3.60


@pytest.mark.parametrize(
    "options", [{}, {"method": "average_range"}, {"method": "reml"}, {"interval": "bootstrap", "rng": 1}]
)
def test_every_estimate_lies_in_its_interval_and_intervals_nest(options):
    x = cube(7)
    wide, narrow = (gauge_rr(x, spec=(45, 55), confidence=c, **options) for c in (0.95, 0.8))
    for name, part in wide.components.items():
        fields = ("variance", "sd", "study_variation", "percent_contribution", "percent_study", "percent_tolerance")
        for field in fields:
            e, small = getattr(part, field), getattr(narrow.components[name], field)
            assert e.estimate in e.interval
            assert e.interval.low <= small.interval.low + 1e-12
            assert small.interval.high <= e.interval.high + 1e-9
    assert wide.ndc in wide.ndc_interval
    assert wide.ndc_interval.low <= narrow.ndc_interval.low
    share = wide.components["gauge_rr"].percent_contribution.interval.high / 100
    assert wide.ndc_interval.low == pytest.approx(math.sqrt(2 * (1 - share) / share), rel=1e-9)


def test_the_two_roads_to_an_interval_agree():
    """MLS and the generalized interval aim at the same coverage; they are close (Hamada & Weerahandi 2000)."""
    x = cube(11)
    a, b = gauge_rr(x), gauge_rr(x, interval="bootstrap", rng=3)
    assert b.resamples == 9999
    assert "bootstrap" in b.interval_method
    for name in ("repeatability", "operator", "gauge_rr", "part", "total"):
        one, two = (s.components[name].sd.interval for s in (a, b))
        assert one.low == pytest.approx(two.low, rel=0.1)
        assert one.high == pytest.approx(two.high, rel=0.1)
    assert gauge_rr(x, interval="bootstrap", rng=3).to_dict() == b.to_dict()


# ---- properties


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(5, 2, 2), (6, 3, 3), (4, 4, 2)]))
def test_shares_add_up_and_orders_and_names_do_not_matter(seed, shape):
    x = cube(seed, shape)
    s = gauge_rr(x, spec=(40, 60))
    leaves = [k for k in s.variance if k in ("repeatability", "operator", "interaction", "part")]
    assert sum(s.percent_contribution[k] for k in leaves) == pytest.approx(100.0, rel=1e-12)
    assert s.variance["total"] == pytest.approx(sum(s.variance[k] for k in leaves), rel=1e-12)
    assert s.percent_study["gauge_rr"] == pytest.approx(10 * math.sqrt(s.percent_contribution["gauge_rr"]), rel=1e-12)
    moved = gauge_rr(-2.5 * x + 7.0)
    for name, v in s.percent_study.items():
        assert moved.percent_study[name] == pytest.approx(v, rel=1e-9, abs=1e-7)
    part, operator, _ = np.indices(shape)
    order = np.random.default_rng(seed).permutation(x.size)
    labels = np.array([f"部品{i}" for i in range(shape[0])])
    mixed = gauge_rr(
        x.ravel()[order], part=labels[shape[0] - 1 - part.ravel()][order], operator=(9 - operator.ravel())[order]
    )
    for name, v in s.variance.items():
        assert mixed.variance[name] == pytest.approx(v, rel=1e-9, abs=1e-14)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_reml_equals_the_analysis_of_variance_where_nothing_is_negative(seed):
    """Searle, Casella & McCulloch (1992), section 6.6: balanced data, estimates inside the parameter space."""
    x = cube(seed, (6, 3, 2), (1.0, 0.8, 0.6, 0.2))
    a = gauge_rr(x, pool="never")
    if min(c.raw for c in a.components.values()) <= 0:
        return
    b = gauge_rr(x, method="reml", pool="never")
    for name, v in a.variance.items():
        assert b.variance[name] == pytest.approx(v, rel=1e-5)


# ---- many characteristics


def test_many_are_each_by_itself():
    rng = np.random.default_rng(4)
    sds = rng.uniform(0.0, 1.0, size=(40, 4))
    x = np.stack([cube(i, (6, 3, 2), sd, mean=10.0**i if i < 8 else 5.0) for i, sd in enumerate(sds)])
    table = gauge_rr_many(x, tolerance=8.0, convention="aiag")
    assert len(table) == 40
    assert 0 < table.pooled.sum() < 40
    for i, one in enumerate(x):
        s = gauge_rr(one, tolerance=8.0, convention="aiag")
        assert bool(table.pooled[i]) is s.pooled
        for name in ("repeatability", "operator", "reproducibility", "gauge_rr", "part", "total"):
            assert getattr(table, name)[i] == pytest.approx(s.variance[name], rel=1e-6, abs=1e-12)
        assert table.interaction[i] == pytest.approx(s.variance.get("interaction", 0.0), rel=1e-6, abs=1e-12)
        assert table.percent_tolerance[i] == pytest.approx(s.percent_tolerance["gauge_rr"], rel=1e-6)
        assert table.percent_study[i] == pytest.approx(s.percent_study["gauge_rr"], rel=1e-6)
        assert table.ndc[i] == pytest.approx(s.ndc, rel=1e-6)
        assert table.ndc_truncated[i] == s.ndc_truncated
        assert table.interaction_pvalue[i] == pytest.approx(s.interaction_pvalue, rel=1e-5, abs=1e-12)
    assert table.to_frame().shape[0] == 40
    assert "characteristics" in str(table)


def test_many_with_tiny_noise_constants_and_faults():
    x = np.stack([cube(1, (5, 2, 2), (1, 0.1, 0.1, 1e-9)), np.full((5, 2, 2), 3.3)])
    table = gauge_rr_many(x)
    assert table.repeatability[0] == pytest.approx(gauge_rr(x[0]).variance["repeatability"], rel=1e-4)
    assert np.isnan(table.percent_study[1])
    assert {n.code for n in table.notes} == {"constant"}
    json.loads(table.to_json())
    assert len(gauge_rr_many(np.stack([cube(i, (5, 2, 2)) for i in range(1100)]))) == 1100  # more than one block
    with pytest.raises(DataError, match="characteristic 1 has missing"):
        gauge_rr_many(np.stack([cube(), np.full((10, 3, 3), np.nan)]))
    with pytest.raises(DataError, match="shape"):
        gauge_rr_many(cube())
    with pytest.raises(TooFewData, match="two of each"):
        gauge_rr_many(cube()[None, :, :1])
    with pytest.raises(DataError, match="tolerance"):
        gauge_rr_many(cube()[None], tolerance=[1.0, 2.0])
    with pytest.raises(DataError, match="names"):
        gauge_rr_many(cube()[None], names=["a", "b"])
