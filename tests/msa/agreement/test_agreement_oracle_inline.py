"""Coefficients against R (irr, vcd, psych), statsmodels and published tables."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats import inter_rater
from statsmodels.stats.contingency_tables import SquareTable

from qstats.msa.agreement import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac,
    intraclass_correlation,
    kendall_w,
    krippendorff_alpha,
    light_kappa,
    marginal_homogeneity,
)

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "msa_agreement.json").read_text(encoding="utf-8"))
CASES = {c["id"]: c for c in REFERENCE["cases"]}
WEIGHTS = {"unweighted": "none", "equal": "linear", "squared": "quadratic"}


def of(prefix):
    found = [c for c in CASES if c.startswith(prefix)]
    assert found
    return found


def ratings(case):
    return np.array(REFERENCE["data"][CASES[case]["data"]], dtype=float)


@pytest.mark.parametrize("case", of("kappa2-"))
def test_cohen_and_its_null_test(case):
    x, want = ratings(case), CASES[case]["expected"]
    k = cohen_kappa(x[:, 0], x[:, 1], weights=WEIGHTS[case.rsplit("-", 1)[1]])
    assert k.estimate == pytest.approx(want["value"], rel=1e-12)
    assert k.null_statistic == pytest.approx(want["stat"], rel=1e-12)
    assert k.null_pvalue == pytest.approx(want["p"], rel=1e-7)


@pytest.mark.parametrize("case", of("vcdkappa-"))
def test_standard_errors_of_cohen(case):
    # psych's variance of weighted kappa is not used: it disagrees with vcd, statsmodels and FCE (1969)
    x, want = ratings(case), CASES[case]["expected"]
    for weights, field in (("none", "unw"), ("linear", "w_equal"), ("quadratic", "w_quad")):
        k = cohen_kappa(x[:, 0], x[:, 1], weights=weights)
        assert (k.estimate, k.se) == pytest.approx(tuple(want[field]), rel=1e-12)


@pytest.mark.parametrize("case", of("fleiss-"))
def test_fleiss(case):
    want = CASES[case]["expected"]
    k = fleiss_kappa(ratings(case))
    assert k.estimate == pytest.approx(want["fleiss"]["value"], rel=1e-12)
    assert k.null_statistic == pytest.approx(want["fleiss"]["stat"], rel=1e-12)
    for one, (value, z, _) in zip(k.by_category.values(), want["detail"]["values"], strict=True):
        assert one.estimate == pytest.approx(value, abs=6e-4)  # irr rounds to three decimals
        assert one.null_statistic == pytest.approx(z, abs=6e-4)


@pytest.mark.parametrize("case", of("light-"))
def test_light(case):
    assert light_kappa(ratings(case)).estimate == pytest.approx(CASES[case]["expected"]["value"], rel=1e-12)


@pytest.mark.parametrize("case", of("krippx-"))
def test_alpha(case):
    a = krippendorff_alpha(ratings(case), metric=case.rsplit("-", 1)[1], interval="analytic")
    assert a.estimate == pytest.approx(CASES[case]["expected"], rel=1e-12)


@pytest.mark.parametrize("case", of("icc-"))
def test_intraclass(case):
    want = CASES[case]["expected"]
    model, kind, unit = re.match(r"icc-\w+?-(oneway|twoway)-(\w+)-(\w+)", case).groups()
    r = intraclass_correlation(ratings(case), model=model, type=kind, unit=unit)
    assert r.estimate == pytest.approx(want["value"], rel=1e-12)
    assert r.null_statistic == pytest.approx(want["F"], rel=1e-12)
    if not (kind == "agreement" and unit == "average"):  # see the note in the reference file
        assert (r.interval.low, r.interval.high) == pytest.approx((want["lo"], want["hi"]), rel=1e-10)


@pytest.mark.parametrize("case", of("psychicc-"))
def test_intraclass_of_psych(case):
    want, x = CASES[case]["expected"], ratings(case)
    plans = [("oneway", "agreement"), ("twoway", "agreement"), ("twoway", "consistency")]
    for i, (unit, (model, kind)) in enumerate((u, p) for u in ("single", "average") for p in plans):
        r = intraclass_correlation(x, model=model, type=kind, unit=unit)
        assert r.estimate == pytest.approx(want["ICC"][i], rel=1e-8)
        assert r.null_pvalue == pytest.approx(want["p"][i], rel=1e-6)
        assert (r.interval.low, r.interval.high) == pytest.approx((want["lo"][i], want["hi"][i]), rel=1e-7)


def test_bhapkar_and_stuart_maxwell():
    x, want = ratings("stuart-rand3"), CASES["stuart-rand3"]["expected"]["bh"]
    b = marginal_homogeneity(x[:, 0], x[:, 1], method="bhapkar")
    assert b.statistic == pytest.approx(want["value"], rel=1e-12)
    assert b.pvalue == pytest.approx(want["p"], rel=1e-10)
    s = marginal_homogeneity(x[:, 0], x[:, 1], method="stuart-maxwell")
    theirs = SquareTable(s.table, shift_zeros=False)
    assert s.statistic == pytest.approx(theirs.homogeneity(method="stuart_maxwell").statistic, rel=1e-10)
    assert b.statistic == pytest.approx(theirs.homogeneity(method="bhapkar").statistic, rel=1e-10)


def test_statsmodels_agrees_on_cohen():
    rng = np.random.default_rng(3)
    table = rng.integers(1, 12, (4, 4))
    a, b = (np.repeat(i.ravel(), table.ravel()) for i in np.indices((4, 4)))
    for weights, wt in (("none", None), ("linear", "linear"), ("quadratic", "quadratic")):
        theirs = inter_rater.cohens_kappa(table, wt=wt)
        k = cohen_kappa(a, b, weights=weights)
        assert (k.estimate, k.se) == pytest.approx((theirs.kappa, theirs.std_kappa), rel=1e-10)
        assert k.null_se == pytest.approx(theirs.std_kappa0, rel=1e-10)
        assert k.details["maximum"] == pytest.approx(inter_rater.cohens_kappa(table).kappa_max, rel=1e-10)


def test_statsmodels_agrees_on_fleiss():
    rng = np.random.default_rng(4)
    n = rng.multinomial(6, [0.5, 0.3, 0.2], size=30)
    k = fleiss_kappa(n, counts=True)
    assert k.estimate == pytest.approx(inter_rater.fleiss_kappa(n), rel=1e-12)


# Fleiss (1971), table 1: 10 of the rows made famous by encyclopaedias, 14 raters, 5 categories; kappa 0.210
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_published_fleiss():
    assert fleiss_kappa(FLEISS, counts=True).estimate == pytest.approx(0.210, abs=5e-4)


# Krippendorff (2011), section C: four observers, twelve units, missing data
NMM = [
    [1, 1, None, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [None, 5, 5, 5],
    [None, None, 1, 1],
    [None, None, 3, None],
]


@pytest.mark.parametrize(
    ("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_published_alpha(metric, alpha):
    a = krippendorff_alpha(NMM, metric=metric, resamples=499, rng=1)
    assert a.estimate == pytest.approx(alpha, abs=5e-4)
    assert a.estimate in a.interval
    assert a.resamples == 499


def test_published_shrout_fleiss():
    """Shrout & Fleiss (1979), table 4: .17 .29 .71 .44 .62 .91."""
    x = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    plans = [("oneway", "agreement"), ("twoway", "agreement"), ("twoway", "consistency")]
    got = [intraclass_correlation(x, model=m, type=t, unit=u).estimate for u in ("single", "average") for m, t in plans]
    assert got == pytest.approx([0.17, 0.29, 0.71, 0.44, 0.62, 0.91], abs=0.006)


def test_alpha_by_plain_loops():
    """Coincidences counted one by one (Krippendorff 2011, sections C and D)."""
    rng = np.random.default_rng(8)
    x = rng.choice([1.0, 2.0, 4.0, 7.0, np.nan], (15, 4))
    values = [1.0, 2.0, 4.0, 7.0]
    o = np.zeros((4, 4))
    for row in x:
        seen = [v for v in row if not math.isnan(v)]
        for i, a in enumerate(seen):
            for j, b in enumerate(seen):
                if i != j:
                    o[values.index(a), values.index(b)] += 1 / (len(seen) - 1)
    n = o.sum(axis=1)
    for metric in ("nominal", "ordinal", "interval", "ratio"):
        within = across = 0.0
        for i, a in enumerate(values):
            for j, b in enumerate(values):
                lo, hi = min(i, j), max(i, j)
                d = {
                    "nominal": float(i != j),
                    "ordinal": (n[lo : hi + 1].sum() - (n[i] + n[j]) / 2) ** 2,
                    "interval": (a - b) ** 2,
                    "ratio": ((a - b) / (a + b)) ** 2,
                }[metric]
                within += o[i, j] * d
                across += n[i] * n[j] * d
        want = 1 - (n.sum() - 1) * within / across
        got = krippendorff_alpha(x, metric=metric, interval="analytic")
        assert got.estimate == pytest.approx(want, rel=1e-12)


def test_kendall_w_by_ranks():
    """W as variance of rank sums over its greatest value, mid-ranks by counting (Kendall 1948)."""
    x = [[1, 1, 2], [2, 3, 1], [3, 2, 3], [4, 4, 5], [5, 5, 4], [3, 2, 2]]
    n, m = 6, 3
    ranks = np.zeros((n, m))
    ties = 0.0
    for j in range(m):
        column = [row[j] for row in x]
        for i, v in enumerate(column):
            ranks[i, j] = sum(u < v for u in column) + (sum(u == v for u in column) + 1) / 2
        ties += sum(column.count(v) ** 3 - column.count(v) for v in set(column))
    total = ranks.sum(axis=1)
    s = ((total - total.mean()) ** 2).sum()
    assert kendall_w(x).estimate == pytest.approx(12 * s / (m * m * (n**3 - n) - m * ties), rel=1e-12)


def test_gwet_by_its_definition():
    """AC1 of two raters and two categories: chance is 2 p (1 - p) with the mean share p (Gwet 2008, equation 5)."""
    a, b = [1] * 45 + [1] * 3 + [0] * 2, [1] * 45 + [0] * 3 + [0] * 2
    p = (48 + 45) / 100
    chance = 2 * p * (1 - p)
    assert gwet_ac(list(zip(a, b, strict=True))).estimate == pytest.approx((47 / 50 - chance) / (1 - chance), rel=1e-12)


def test_feinstein_and_cicchetti_paradox():
    """Feinstein & Cicchetti (1990), J. Clin. Epidemiol. 43, 543-549, table 1: agreement 85 %, kappa .70 and .32."""

    def columns(both, a_only, b_only, neither):
        a = [1] * (both + a_only) + [0] * (b_only + neither)
        b = [1] * both + [0] * a_only + [1] * b_only + [0] * neither
        return a, b

    even, rare = cohen_kappa(*columns(40, 9, 6, 45)), cohen_kappa(*columns(80, 10, 5, 5))
    assert even.observed == rare.observed == pytest.approx(0.85)
    assert (even.estimate, rare.estimate) == pytest.approx((0.70, 0.32), abs=0.006)
    assert [n.code for n in rare.notes] == ["kappa-paradox"]
    assert not even.notes
    assert rare.details["prevalence_index"] == pytest.approx(0.75)
    assert rare.details["bias_index"] == pytest.approx(0.05)


def test_plain_limits_are_those_of_statsmodels():
    table = np.array([[20, 5, 1], [4, 15, 3], [2, 2, 18]])
    a, b = (np.repeat(i.ravel(), table.ravel()) for i in np.indices((3, 3)))
    theirs = inter_rater.cohens_kappa(table)
    k = cohen_kappa(a, b, interval="wald")
    assert (k.interval.low, k.interval.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), rel=1e-9)
    z = theirs.kappa / theirs.std_kappa
    assert k.pvalue == pytest.approx(math.erfc(z / math.sqrt(2)), rel=1e-9)


def test_limits_in_the_logarithm_by_the_delta_method():
    k = cohen_kappa([0] * 20 + [1] * 20, [0] * 18 + [1] * 21 + [0])
    u, se = 1 - k.estimate, k.se
    step = 1.959963984540054 * se / u
    assert (k.interval.low, k.interval.high) == pytest.approx((1 - u * math.exp(step), 1 - u * math.exp(-step)))
