"""Funnel plots."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.spc.charts.funnel import funnel
from qstats.spc.kernels.funnel_model import adjusted_pvalues

CASES = json.loads((Path(__file__).parents[1] / "reference" / "spc_funnel.json").read_text(encoding="utf-8"))
X, N = CASES[0]["inputs"]["x"], CASES[0]["inputs"]["n"]
few = settings(deadline=None, max_examples=60)


def codes(chart):
    return [n.code for n in chart.notes]


def test_overdispersion_as_funnelplotr():
    # FunnelPlotR 0.5.0, proportions, winsorised at 10 %
    plot = funnel(X, size=N)
    want = CASES[0]["expected"]
    assert plot.overdispersion.phi == pytest.approx(want["phi"], rel=1e-12)
    assert plot.overdispersion.tau2 == pytest.approx(want["tau2"], rel=1e-12)
    assert plot.limits.number("tau2") == plot.overdispersion.tau2


def by_hand(x, n, target, transform, extremes, trim=0.1):
    """Spiegelhalter (2005), Statist. Med. 24, section 4, unit by unit."""
    if transform == "arcsine":
        rows = [(math.asin(math.sqrt(a / b)) - math.asin(math.sqrt(target)), 0.5 / math.sqrt(b)) for a, b in zip(x, n)]  # noqa: B905
    elif transform == "sqrt":
        rows = [(math.sqrt(a / b) - math.sqrt(target), 0.5 / math.sqrt(b)) for a, b in zip(x, n)]  # noqa: B905
    else:
        rows = [(math.log((a or 0.5) / b) - math.log(target), 1 / math.sqrt(b * target)) for a, b in zip(x, n)]  # noqa: B905
    low, high = np.quantile([d / s for d, s in rows], [trim, 1 - trim])
    z, w = [], []
    for d, s in rows:
        u = d / s
        if extremes == "truncate" and not low <= u <= high:
            continue
        z.append(min(max(u, low), high) if extremes == "winsorise" else u)
        w.append(1 / s**2)
    k = len(z)
    phi = sum(u * u for u in z) / k
    tau2 = max(0.0, (k * phi - (k - 1)) / (sum(w) - sum(v * v for v in w) / sum(w)))
    return phi, tau2, [d / math.sqrt(s * s + tau2) for d, s in rows]


EXPECTED = [12.1, 30.5, 8.2, 51.0, 20.3, 33.3, 90.1, 15.2, 41.7, 66.0, 5.5, 27.2]
SEEN = [25, 22, 3, 70, 18, 41, 60, 30, 55, 48, 0, 40]


@pytest.mark.parametrize("extremes", ["winsorise", "truncate", None])
@pytest.mark.parametrize("transform", ["arcsine", "sqrt", "log"])
def test_overdispersion_unit_by_unit(transform, extremes):
    if transform == "arcsine":
        plot, data = funnel(X, size=N, extremes=extremes), (X, N, sum(X) / sum(N))
    else:
        plot = funnel(SEEN, expected=EXPECTED, extremes=extremes, transform=transform)
        data = (SEEN, EXPECTED, 1.0)
    phi, tau2, z = by_hand(*data, transform, extremes)
    assert plot.overdispersion.phi == pytest.approx(phi, rel=1e-10)
    assert plot.overdispersion.tau2 == pytest.approx(tau2, rel=1e-10)
    assert tau2 > 0
    np.testing.assert_allclose(plot.z, z, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(plot.pvalue, 2 * scipy.stats.norm.sf(np.abs(z)), rtol=1e-8)
    assert ("zero-counts" in codes(plot)) == (transform == "log")


def test_normal_limits_transformed_back():
    plot = funnel(SEEN, expected=EXPECTED, transform="log", confidence=0.9)
    tau2 = plot.overdispersion.tau2
    reach = scipy.stats.norm.ppf(0.95) * np.sqrt(1 / np.array(EXPECTED) + tau2)
    np.testing.assert_allclose(plot.lower[:, 0], np.exp(-reach), rtol=1e-12)
    np.testing.assert_allclose(plot.upper[:, 0], np.exp(reach), rtol=1e-12)
    plot = funnel(SEEN, expected=EXPECTED, limits="normal", overdispersion=None)
    low = np.maximum(1 - scipy.stats.norm.ppf(0.999) / 2 / np.sqrt(EXPECTED), 0) ** 2
    np.testing.assert_allclose(plot.panels["funnel"].lower, low, rtol=1e-12)
    plot = funnel([1, 0, 2, 5], size=[2, 4, 5, 9], limits="normal", overdispersion=None)
    assert plot.lower.min() == 0.0
    assert plot.upper.max() == 1.0


def test_exact_limits_of_proportions_by_scipy():
    plot = funnel(X, size=N, overdispersion=None)
    p = sum(X) / sum(N)
    for j, level in enumerate((0.95, 0.998)):
        for i, n in enumerate(N):
            law = scipy.stats.binom(n, p)
            up, low = plot.upper[i, j] * n, plot.lower[i, j] * n
            assert law.sf(round(up)) <= (1 - level) / 2 < law.sf(round(up) - 1)
            assert law.cdf(round(low) - 1) <= (1 - level) / 2 < law.cdf(round(low))
    want = [min(1.0, 2 * min(scipy.stats.binom.cdf(x, n, p), scipy.stats.binom.sf(x - 1, n, p))) for x, n in zip(X, N)]  # noqa: B905
    np.testing.assert_allclose(plot.pvalue, want, rtol=1e-9)
    assert "overdispersed" in codes(plot)


def test_exact_limits_of_rates_and_ratios_by_scipy():
    exposure = np.array(EXPECTED) * 10
    rates = funnel(SEEN, exposure=exposure, overdispersion=None)
    rate = sum(SEEN) / exposure.sum()
    assert rates.limits.center == pytest.approx(rate, rel=1e-14)
    for plot, size, target in (
        (rates, exposure, rate),
        (funnel(SEEN, expected=EXPECTED, overdispersion=None), EXPECTED, 1.0),
    ):
        for i, n in enumerate(size):
            law = scipy.stats.poisson(n * target)
            up, low = plot.upper[i, 1] * n, plot.lower[i, 1] * n
            assert law.sf(round(up)) <= 0.001 < law.sf(round(up) - 1)
            assert law.cdf(round(low) - 1) <= 0.001 < law.cdf(round(low))
    assert funnel(SEEN, expected=EXPECTED, target=1.2).limits.center == 1.2


units = st.lists(st.tuples(st.integers(0, 60), st.integers(60, 500)), min_size=3, max_size=40).filter(
    lambda u: any(x for x, _ in u)
)


@few
@given(units, st.sampled_from(["size", "exposure", "expected"]), st.sampled_from([None, "additive"]))
def test_status_limits_signals_and_pvalues_agree(rows, kind, od):
    x, n = zip(*rows, strict=True)
    plot = funnel(x, **{kind: n}, overdispersion=od)
    r = np.array(x) / np.array(n)
    assert {s.index for s in plot.signals} == set(np.flatnonzero((r < plot.lower[:, 1]) | (r > plot.upper[:, 1])))
    for i, status in enumerate(plot.status):
        outer = r[i] < plot.lower[i, 1] or r[i] > plot.upper[i, 1]
        inner = r[i] < plot.lower[i, 0] or r[i] > plot.upper[i, 0]
        assert status.split()[-1] == ("0.998" if outer else "0.95" if inner else "inside")
        if abs(plot.pvalue[i] - 0.05) > 1e-9:
            assert (plot.pvalue[i] <= 0.05) == inner
        if inner:
            assert status.startswith("high") == (r[i] > plot.limits.center)
    assert (plot.lower[:, 1] <= plot.lower[:, 0]).all()
    assert (plot.upper[:, 1] >= plot.upper[:, 0]).all()
    assert (plot.adjusted >= plot.pvalue).all()


@few
@given(units, st.randoms(use_true_random=False))
def test_the_order_of_units_does_not_matter(rows, random):
    at = list(range(len(rows)))
    random.shuffle(at)
    x, n = (np.array(v) for v in zip(*rows, strict=True))
    one, two = funnel(x, size=n), funnel(x[at], size=n[at])
    np.testing.assert_allclose(one.z[at], two.z, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(one.adjusted[at], two.adjusted, rtol=1e-6)


def test_false_alarms_without_overdispersion():
    """Exact limits are crossed no more often than they say, and not much less with large counts."""
    rng = np.random.default_rng(1)
    size = rng.integers(3000, 9000, size=4000)
    plot = funnel(rng.binomial(size, 0.3), size=size, target=0.3, overdispersion=None)
    share = np.mean([s != "inside" for s in plot.status])
    assert share < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 4000)
    assert share > 0.03


def test_additive_overdispersion_is_recovered():
    rng = np.random.default_rng(2)
    n = rng.integers(200, 3000, size=3000)
    p = np.sin(np.arcsin(math.sqrt(0.2)) + rng.normal(0, 0.05, size=3000)) ** 2
    plot = funnel(rng.binomial(n, p), size=n, extremes=None)
    assert plot.overdispersion.tau2 == pytest.approx(0.0025, rel=0.12)
    share = np.mean([s != "inside" for s in plot.status])
    assert share == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 3000))


def plain_holm(p):
    order, out, running = np.argsort(p), [0.0] * len(p), 0.0
    for k, i in enumerate(order):
        running = max(running, min(1.0, (len(p) - k) * p[i]))
        out[i] = running
    return out


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_pvalues_as_scipy_and_a_plain_loop(p):
    np.testing.assert_allclose(adjusted_pvalues(np.array(p), "bh"), scipy.stats.false_discovery_control(p), rtol=1e-12)
    np.testing.assert_allclose(adjusted_pvalues(np.array(p), "holm"), plain_holm(p), rtol=1e-12)


def test_adjustment_leaves_gaps_out():
    got = adjusted_pvalues(np.array([0.01, np.nan, 0.04]), "holm")
    assert got.tolist()[0] == pytest.approx(0.02)
    assert np.isnan(got[1])
    assert funnel(X, size=N, adjust="holm").adjusted.max() <= 1.0


def test_frames_labels_and_views():
    names = [f"厂{i}" for i in range(len(X))]
    frame = pd.DataFrame({"late": X, "all": N, "site": names})
    plot = funnel(frame, count="late", size="all", unit="site")
    assert list(plot.labels) == names
    pl = pytest.importorskip("polars")
    assert plot.to_dict() == funnel(pl.from_pandas(frame), count="late", size="all", unit="site").to_dict()
    assert plot.to_dict() == funnel(X, size=N, unit=names).to_dict()
    table = plot.to_frame()
    assert {"unit", "z", "pvalue", "adjusted", "status", "lower_0.95", "upper_0.998"} <= set(table.columns)
    assert json.loads(plot.to_json())["overdispersion"]["tau2"] == plot.overdispersion.tau2
    assert pickle.loads(pickle.dumps(plot)).to_dict() == plot.to_dict()
    assert "厂4" in str(plot)
    assert "funnel" in plot.panels
    low, high = plot.curve(N, 0.95)
    np.testing.assert_array_equal(np.column_stack([low, high]), np.column_stack([plot.lower[:, 0], plot.upper[:, 0]]))


def test_rows_without_an_order_of_their_own():
    duckdb = pytest.importorskip("duckdb")
    rows = "values (5, 50, 'b'), (9, 60, 'a'), (2, 70, 'c')"
    relation = duckdb.sql(f'select * from ({rows}) as t(late, "all", site)')
    plot = funnel(relation, count="late", size="all", unit="site")
    assert list(plot.labels) == ["a", "b", "c"]
    np.testing.assert_array_equal(plot.columns["count"], [9, 5, 2])


def test_gaps_are_kept():
    plot = funnel([3, None, 5, 7], exposure=[10.0, 20.0, np.nan, 40.0], missing="drop")
    assert plot.status == ("inside", "gap", "gap", "inside")
    assert np.isnan(plot.pvalue[1:3]).all()
    assert "missing-dropped" in codes(plot)
    assert "few-units" in codes(plot)


def test_it_has_no_later_points():
    with pytest.raises(DataError, match="compares units"):
        funnel(X, size=N).extend([3], size=[20])


BAD = [
    (lambda: funnel(X), "nothing came; one of size"),
    (lambda: funnel(X, size=N, exposure=N), "size, exposure came"),
    (lambda: funnel(X, size=X[:3]), "one each"),
    (lambda: funnel([5, 3], size=[4, 9]), "a count cannot exceed"),
    (lambda: funnel([5.5, 3], size=[14, 9]), "whole numbers"),
    (lambda: funnel([5, 3], size=[14.5, 9]), "whole number of units"),
    (lambda: funnel([-5, 3], size=[14, 9]), "counts"),
    (lambda: funnel([5, 3], size=[14, 0]), "above zero"),
    (lambda: funnel([5, None], size=[14, 9]), "missing"),
    (lambda: funnel([0, 0], size=[14, 9]), "every unit is at 0"),
    (lambda: funnel([14, 9], size=[14, 9]), "every unit is at 1"),
    (lambda: funnel(["a", "b"], size=[14, 9]), "text"),
    (lambda: funnel(X, size=N, unit=["a"] * 25), "unit: 'a' comes"),
    (lambda: funnel(X, size=N, unit=[None, *"abcdefghijklmnopqrstuvwx"]), "unit"),
    (lambda: funnel(X, size="n"), "no table"),
    (lambda: funnel(X, count="x", size=N), "no table"),
    (lambda: funnel(pd.DataFrame({"x": X, "n": N}), size="n"), "name its column"),
    (lambda: funnel(pd.DataFrame({"x": X, "n": N}), count="x", size=N), "name its column"),
    (lambda: funnel(pd.DataFrame({"x": X, "n": N}), count="x", size="m"), "m"),
    (lambda: funnel(X, size=N, confidence=95), "0.95"),
    (lambda: funnel(X, size=N, confidence=()), "at least one"),
    (lambda: funnel(X, size=N, limits="3sigma"), "limits"),
    (lambda: funnel(X, size=N, overdispersion="multiplicative"), "overdispersion"),
    (lambda: funnel(X, size=N, extremes="trim"), "extremes"),
    (lambda: funnel(X, size=N, trim=0.5), "trim"),
    (lambda: funnel(X, size=N, transform="log"), "arcsine"),
    (lambda: funnel(X, exposure=N, transform="arcsine"), "transform"),
    (lambda: funnel(X, size=N, adjust="bonferroni"), "adjust"),
    (lambda: funnel(X, size=N, target=1.0), "target"),
    (lambda: funnel(X, size=N).curve([0.0], 0.95), "above zero"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_what_cannot_be_drawn(call, text):
    with pytest.raises(DataError, match=text):
        call()


def test_one_unit_is_too_few():
    with pytest.raises(TooFewData, match="1 units"):
        funnel([3], size=[20])
