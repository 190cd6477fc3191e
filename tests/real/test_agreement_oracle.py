"""Agreement on the tables of the R package irr (anxiety, diagnoses, video), which stay outside the project."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from qstats.msa.agreement import (
    attribute_agreement,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac,
    intraclass_correlation,
    kendall_w,
    krippendorff_alpha,
    light_kappa,
    marginal_homogeneity,
)

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (ORACLE / "msa.json").is_file(), reason="no ../shared/oracle beside the checkout"),
]
TABLES = {"diag": "diagnoses_int", "anx": "anxiety", "video": "video"}


@pytest.fixture(scope="module")
def cases():
    return {c["id"]: c["expected"] for c in json.loads((ORACLE / "msa.json").read_text(encoding="utf-8"))}


def ratings(name):
    with (ORACLE / "data" / f"irr_{TABLES[name]}.csv").open(encoding="utf-8") as f:
        return np.array([[float(v) for v in row] for row in list(csv.reader(f))[1:]])


@pytest.mark.parametrize("name", ["diag", "anx"])
def test_cohen(cases, name):
    x = ratings(name)
    for theirs, weights in (("unweighted", "none"), ("equal", "linear"), ("squared", "quadratic")):
        want, k = cases[f"kappa2-{name}-{theirs}"], cohen_kappa(x[:, 0], x[:, 1], weights=weights)
        assert k.estimate == pytest.approx(want["value"], rel=1e-12)
        assert k.null_statistic == pytest.approx(want["stat"], rel=1e-10)
    want = cases[f"vcdkappa-{name}"]
    for field, weights in (("unw", "none"), ("w_equal", "linear"), ("w_quad", "quadratic")):
        k = cohen_kappa(x[:, 0], x[:, 1], weights=weights)
        assert (k.estimate, k.se) == pytest.approx(tuple(want[field]), rel=1e-10)
    k, want = cohen_kappa(x[:, 0], x[:, 1], interval="wald"), cases[f"psychkappa-{name}"]
    assert k.se**2 == pytest.approx(want["var"], rel=1e-12)
    assert (k.interval.low, k.interval.high) == pytest.approx(tuple(want["ci"]["values"][0][::2]), rel=1e-9)


def test_a_rater_with_one_category_is_said_not_computed():
    """Rater 1 of `video` gave one category: irr answers kappa 0 with z NaN, psych a variance of 29."""
    x = ratings("video")
    assert cohen_kappa(x[:, 0], x[:, 1]).estimate is None or np.unique(x[:, 0]).size > 1


@pytest.mark.parametrize("name", TABLES)
def test_many_raters(cases, name):
    x = ratings(name)
    k, want = fleiss_kappa(x), cases[f"fleiss-{name}"]
    assert k.estimate == pytest.approx(want["fleiss"]["value"], rel=1e-10)
    assert k.null_statistic == pytest.approx(want["fleiss"]["stat"], rel=1e-10)
    for one, (value, z, _) in zip(k.by_category.values(), want["detail"]["values"], strict=True):
        assert (one.estimate, one.null_statistic) == pytest.approx((value, z), abs=6e-4)
    assert light_kappa(x).estimate == pytest.approx(cases[f"light-{name}"]["value"], rel=1e-12)
    want = cases[f"gwet-{name}"]
    found = {
        "ac1": gwet_ac(x),
        "ac2_quad": gwet_ac(x, weights="quadratic"),
        "fleiss": k,
        "alpha": krippendorff_alpha(x, interval="analytic"),
    }
    for field, c in found.items():
        assert c.estimate == pytest.approx(want[field]["coeff.val"], abs=6e-6)
        assert c.se == pytest.approx(want[field]["coeff.se"], abs=6e-6)
    w, want = kendall_w(x), cases[f"kendallW-{name}"]
    assert (w.estimate, w.details["without_ties"]) == pytest.approx((want["W_ties"], want["W"]), rel=1e-12)
    assert (w.null_statistic, w.null_pvalue) == pytest.approx((want["chisq"], want["p"]), rel=1e-9)


def test_alpha(cases):
    for case, want in cases.items():
        if found := re.match(r"krippx-(diag|anx|video)-(\w+)", case):
            a = krippendorff_alpha(ratings(found[1]), metric=found[2], interval="analytic")
            assert a.estimate == pytest.approx(want, rel=1e-12)


def test_intraclass(cases):
    for case, want in cases.items():
        if found := re.match(r"icc-(diag|anx|video)-(\w+)-(\w+)-(\w+)", case):
            name, model, kind, unit = found.groups()
            r = intraclass_correlation(ratings(name), model=model, type=kind, unit=unit)
            assert (r.estimate, r.null_statistic) == pytest.approx((want["value"], want["F"]), rel=1e-10)
            if not (kind == "agreement" and unit == "average"):  # psych steps the single limits up: next test
                assert (r.interval.low, r.interval.high) == pytest.approx((want["lo"], want["hi"]), rel=1e-9)


@pytest.mark.parametrize("name", ["diag", "anx"])
def test_intraclass_of_psych(cases, name):
    want = cases[f"psychicc-{name}"]
    plans = [("oneway", "agreement"), ("twoway", "agreement"), ("twoway", "consistency")]
    for i, (unit, (model, kind)) in enumerate((u, p) for u in ("single", "average") for p in plans):
        r = intraclass_correlation(ratings(name), model=model, type=kind, unit=unit)
        assert (r.estimate, r.null_pvalue) == pytest.approx((want["ICC"][i], want["p"][i]), rel=1e-6)
        assert (r.interval.low, r.interval.high) == pytest.approx((want["lo"][i], want["hi"][i]), rel=1e-6)


@pytest.mark.parametrize("name", TABLES)
def test_marginal_homogeneity(cases, name):
    x = ratings(name)
    want = cases[f"stuart-{name}"]
    s = marginal_homogeneity(x[:, 0], x[:, 1], method="stuart-maxwell")
    assert s.statistic == pytest.approx(want["sm"]["stat"]["values"][0][0], rel=1e-10)
    assert s.pvalue == pytest.approx(want["sm"]["p"]["values"][0][0], rel=1e-10)
    if want["bh"] is not None:
        b = marginal_homogeneity(x[:, 0], x[:, 1], method="bhapkar")
        assert (b.statistic, b.pvalue) == pytest.approx((want["bh"]["stat"], want["bh"]["p"]), rel=1e-9)


def test_study_of_six_psychiatrists(cases):
    s = attribute_agreement(ratings("diag"))
    assert 100 * s.between.estimate == pytest.approx(cases["agree-diag"][0])
    assert s.between_kappa.estimate == pytest.approx(cases["fleiss-diag"]["fleiss"]["value"], rel=1e-10)
    assert len(s.pairs) == 15
