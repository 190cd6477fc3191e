"""What must hold for every coefficient: relabelling, order, perfection, nesting, one procedure for p and interval."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

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

COEFFICIENTS = {
    "cohen": lambda x, **k: cohen_kappa(x[:, 0], x[:, 1], **k),
    "cohen quadratic": lambda x, **k: cohen_kappa(x[:, 0], x[:, 1], weights="quadratic", **k),
    "light": light_kappa,
    "fleiss": fleiss_kappa,
    "gwet": gwet_ac,
    "gwet linear": lambda x, **k: gwet_ac(x, weights="linear", **k),
    "alpha": lambda x, **k: krippendorff_alpha(x, interval="analytic", **k),
    "alpha ordinal": lambda x, **k: krippendorff_alpha(x, metric="ordinal", interval="analytic", **k),
    "alpha drawn": lambda x, **k: krippendorff_alpha(x, metric="ordinal", resamples=399, rng=7, **k),
    "alpha interval drawn": lambda x, **k: krippendorff_alpha(x, metric="interval", resamples=399, rng=7, **k),
}
names = pytest.mark.parametrize("name", COEFFICIENTS)
tables = st.integers(0, 10_000).map(
    lambda s: np.random.default_rng(s).choice(
        4, (np.random.default_rng(s).integers(4, 40), 3), p=np.random.default_rng(s).dirichlet(np.ones(4))
    )
)


@names
@settings(max_examples=40)
@given(x=tables, confidence=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.98]))
def test_pvalue_and_interval_are_one(name, x, confidence):
    k = COEFFICIENTS[name](x, confidence=confidence)
    assume(k.estimate is not None)
    assert 0.0 <= k.pvalue <= 1.0
    assert -1.0 <= k.interval.low <= k.estimate <= k.interval.high <= 1.0
    assume(min(abs(k.interval.low), abs(k.interval.high)) > 1e-9)
    assume(abs(k.pvalue - (1 - confidence)) > 1e-9)
    assert (k.pvalue < 1 - confidence) == (0.0 not in k.interval)


@names
@settings(max_examples=30)
@given(x=tables)
def test_nested(name, x):
    wide, narrow = (COEFFICIENTS[name](x, confidence=c) for c in (0.98, 0.8))
    assume(wide.estimate is not None)
    assert wide.interval.low <= narrow.interval.low <= narrow.interval.high <= wide.interval.high
    assert wide.estimate == narrow.estimate


@pytest.mark.parametrize("name", ["cohen", "light", "fleiss", "gwet", "alpha"])
@settings(max_examples=30)
@given(x=tables)
def test_names_and_order_do_not_matter(name, x):
    words = np.array(["delta", "alpha", "charlie", "bravo"], dtype=object)
    first, second = COEFFICIENTS[name](x), COEFFICIENTS[name](words[x][::-1])
    if first.estimate is None:
        assert second.estimate is None
        return
    assert second.estimate == pytest.approx(first.estimate, rel=1e-9, abs=1e-12)
    assert second.se == pytest.approx(first.se, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", [n for n in COEFFICIENTS if not n.startswith("cohen")])
@settings(max_examples=20)
@given(x=tables)
def test_raters_may_change_places(name, x):
    first, second = COEFFICIENTS[name](x), COEFFICIENTS[name](x[:, [2, 0, 1]])
    if first.estimate is not None:
        assert second.estimate == pytest.approx(first.estimate, rel=1e-9, abs=1e-12)
        assert second.interval.low == pytest.approx(first.interval.low, rel=1e-6, abs=1e-9)


@names
@pytest.mark.parametrize("n", [4, 12, 50])
def test_perfect_agreement(name, n):
    x = np.repeat(np.arange(n)[:, None] % 3, 3, axis=1)
    k = COEFFICIENTS[name](x)
    assert k.estimate == pytest.approx(1.0, abs=1e-12)
    assert k.interval.high == pytest.approx(1.0, abs=1e-12)
    assert k.interval.low < 1.0  # never a width of zero
    assert k.notes[-1].code == "no-variation"


def test_perfect_agreement_takes_the_exact_limit_of_the_share():
    x = [["ok", "ok"]] * 10 + [["bad", "bad"]] * 10
    k = fleiss_kappa(x)
    assert k.interval.low == pytest.approx((0.025 ** (1 / 20) - 0.5) / 0.5, rel=1e-9)
    assert k.pvalue == pytest.approx(2 * 0.5**20, rel=1e-9)


@settings(max_examples=30)
@given(x=tables, confidence=st.sampled_from([0.5, 0.9, 0.95]))
def test_kendall_and_intraclass(x, confidence):
    assume(np.ptp(x, axis=0).all())
    w = kendall_w(x, confidence=confidence)
    assume(abs(w.pvalue - (1 - confidence)) > 1e-9)
    assert (w.pvalue < 1 - confidence) == (1 / 3 not in w.interval)
    assert w.estimate in w.interval
    assert kendall_w(10 * x + 3, confidence=confidence).estimate == pytest.approx(w.estimate)
    for kind in ("agreement", "consistency"):
        for unit in ("single", "average"):
            r = intraclass_correlation(x, type=kind, unit=unit, confidence=confidence)
            assume(r.estimate is not None)
            assert r.interval.low <= r.estimate <= r.interval.high
            assume(abs(r.pvalue - (1 - confidence)) > 1e-6)
            assert (r.pvalue < 1 - confidence) == (0.0 not in r.interval)


def test_kendall_of_one_order():
    w = kendall_w(np.repeat(np.arange(6)[:, None], 3, axis=1))
    assert w.estimate == 1.0
    assert 1 / 3 < w.interval.low < 1.0
    assert 0.0 < w.pvalue < 1e-3


@settings(max_examples=30)
@given(x=tables)
def test_swapping_two_raters(x):
    a, b = cohen_kappa(x[:, 0], x[:, 1]), cohen_kappa(x[:, 1], x[:, 0])
    if a.estimate is not None:
        assert a.estimate == pytest.approx(b.estimate, rel=1e-12, abs=1e-14)
        assert a.se == pytest.approx(b.se, rel=1e-9)
    for method in ("stuart-maxwell", "bhapkar"):
        p, q = (marginal_homogeneity(x[:, i], x[:, 1 - i], method=method) for i in (0, 1))
        assert p.pvalue == pytest.approx(q.pvalue, rel=1e-9)
        assert p.pvalue == marginal_homogeneity(x[:, 0], x[:, 1], method=method).pvalue


@given(b=st.integers(0, 12), c=st.integers(0, 12))
def test_mcnemar_is_the_exact_binomial(b, c):
    x = [0] * (8 + b) + [1] * (c + 8)
    y = [0] * 8 + [1] * b + [0] * c + [1] * 8
    p = marginal_homogeneity(x, y).pvalue
    want = min(1.0, 2 * binom.cdf(min(b, c), b + c, 0.5)) if b + c else 1.0
    assert p == pytest.approx(want, rel=1e-9)


def test_counts_and_ratings_agree():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, (25, 4))
    n = np.stack([(x == c).sum(axis=1) for c in range(3)], axis=1)
    for f in (fleiss_kappa, gwet_ac):
        assert f(n, counts=True).estimate == pytest.approx(f(x).estimate, rel=1e-12)


def test_unused_categories():
    x = [["a", "a"], ["b", "b"], ["a", "b"], ["b", "b"]]
    assert gwet_ac(x, categories=["a", "b", "c"]).estimate > gwet_ac(x).estimate
    k = fleiss_kappa(x, categories=["a", "b", "c"])
    assert k.estimate == pytest.approx(fleiss_kappa(x).estimate)
    assert k.by_category["c"].estimate is None


@given(offset=st.sampled_from([0.0, 1e6, 1e12]))
def test_offsets(offset):
    rng = np.random.default_rng(3)
    x = rng.integers(0, 50, (20, 3)).astype(float)
    base = krippendorff_alpha(x, metric="interval", interval="analytic")
    assert krippendorff_alpha(x + offset, metric="interval", interval="analytic").estimate == pytest.approx(
        base.estimate, rel=1e-9
    )
    assert intraclass_correlation(x + offset).estimate == pytest.approx(intraclass_correlation(x).estimate, rel=1e-6)


def test_many_parts_at_once():
    rng = np.random.default_rng(2)
    n = 200_000
    a = rng.integers(0, 4, n)
    b = np.where(rng.random(n) < 0.8, a, rng.integers(0, 4, n))
    k = cohen_kappa(a, b)
    assert k.estimate == pytest.approx(0.8, abs=0.01)
    s = attribute_agreement(np.stack([a, b], axis=1))
    assert s.pairs["1 / 2"].estimate == pytest.approx(k.estimate, rel=1e-12)
    assert math.isclose(s.between.estimate, (a == b).mean())


def test_intraclass_at_its_ends():
    perfect = intraclass_correlation([[1, 1], [2, 2], [3, 3]], type="consistency")
    assert perfect.estimate == 1.0
    assert [n.code for n in perfect.notes] == ["no-variation"]
    assert intraclass_correlation([[1, 1], [1, 1], [1, 1]]).estimate is None
    assert intraclass_correlation([[1, 2], [2, 1]]).estimate is None
