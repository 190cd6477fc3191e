"""T2 and generalized variance charts, and what is behind a T2 signal."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.contributions import t2_contributions
from qstats.spc.charts.multivariate import generalized_variance, t2
from qstats.spc.kernels.hotelling import t2_limit
from qstats.spc.monitor import Monitor, monitor

HERE = Path(__file__).parents[1] / "reference"
CASES = {c["id"]: c for c in json.loads((HERE / "spc_t2.json").read_text(encoding="utf-8"))}
RYAN = next(c for c in json.loads((HERE / "spc_multivariate.json").read_text(encoding="utf-8")) if "X1" in c["inputs"])
few = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)


def codes(chart):
    return [n.code for n in chart.notes]


def vectors(seed, m=30, p=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, p)) @ rng.normal(size=(p, p)) + 10.0 * np.arange(1, p + 1)


def ryan():
    return np.dstack([np.array(RYAN["inputs"][k]["values"], dtype=float) for k in ("X1", "X2")])


def fired(chart):
    return [(s.panel, s.index, s.rule) for s in chart.signals]


def test_subgroups_as_qcc():
    # Ryan (2000), table 9.2; qcc 2.7 mqcc with its confidence (1 - .0027)^p
    want, x = RYAN["expected"], ryan()
    chart = t2(x, alpha=1 - (1 - 0.0027) ** 2)
    panel = chart.panels["t2"]
    np.testing.assert_allclose(panel.statistic, want["statistics"], rtol=1e-10)
    np.testing.assert_allclose(panel.upper, want["limits"]["values"][0][1], rtol=1e-11)
    assert np.isnan(panel.lower).all()
    assert [s.index + 1 for s in chart.signals] == want["beyond"]
    held = chart.limits.parameters
    assert held["mean"] == pytest.approx(want["center"], rel=1e-14)
    np.testing.assert_allclose(held["covariance"], want["cov"]["values"], rtol=1e-13)
    assert (held["m"], held["n"], chart.limits.df, held["names"]) == (20, 4.0, 60.0, ("x1", "x2"))
    later = chart.extend(x[:3]).panels["t2"]
    np.testing.assert_allclose(later.upper[20:], want["pred.limits"]["values"][0][1], rtol=1e-11)
    np.testing.assert_array_equal(later.upper[:20], panel.upper)


@pytest.mark.parametrize("case", ["MSQC-t2-p2", "MSQC-t2-p3"])
def test_single_vectors_as_msqc(case):
    # MSQC rounds to two decimals; its limit is the Phase I one at alpha = .01
    c = CASES[case]
    chart = t2(c["inputs"]["X"], alpha=0.01)
    np.testing.assert_allclose(chart.panels["t2"].statistic, c["expected"]["stat"], atol=0.006)
    np.testing.assert_allclose(chart.panels["t2"].upper, c["expected"]["ucl"], atol=0.006)
    assert chart.limits.parameters["mean"] == pytest.approx(c["expected"]["mean"], abs=0.006)


def test_montgomery_table_11_1_taken_as_single_vectors():
    # 20 vectors of two: UCL 8.28593 at confidence .99460729 (JASP's tests; the data do not enter)
    chart = t2(vectors(1, 20, 2), alpha=1 - 0.99460729)
    np.testing.assert_allclose(chart.panels["t2"].upper, 8.28593, atol=5e-6)


def test_limits_of_both_phases_by_scipy():
    m, p, alpha = 25, 3, 0.01
    x = vectors(2, 30, p)
    panel = t2(x, baseline=m, alpha=alpha).panels["t2"]
    first = (m - 1) ** 2 / m * scipy.stats.beta.isf(alpha, p / 2, (m - p - 1) / 2)
    then = p * (m + 1) * (m - 1) / (m * (m - p)) * scipy.stats.f.isf(alpha, p, m - p)
    np.testing.assert_allclose(panel.upper, [first] * m + [then] * 5, rtol=1e-10)
    middle = (m - 1) ** 2 / m * scipy.stats.beta.median(p / 2, (m - p - 1) / 2)
    np.testing.assert_allclose(panel.center[:m], middle, rtol=1e-10)
    mean, cov = x[:m].mean(axis=0), np.cov(x[:m].T)
    want = [(r - mean) @ np.linalg.solve(cov, r - mean) for r in x]
    np.testing.assert_allclose(panel.statistic, want, rtol=1e-9)


def test_equal_subgroups_have_the_textbook_limits():
    rng = np.random.default_rng(3)
    panel = t2(rng.normal(size=(20, 5, 3)), baseline=15, alpha=0.005).panels["t2"]
    first, then = (t2_limit(0.005, 3, basis, 15, 5) for basis in ("subgroups", "new subgroups"))
    np.testing.assert_allclose(panel.upper, [first] * 15 + [then] * 5, rtol=1e-11)


def uneven(rng, p=2):
    size = np.array([2, 3, 9, 2, 5, 4, 2, 8, 3, 2])
    return rng.normal(size=(size.sum(), p)), size


def test_unequal_subgroups_in_a_plain_loop():
    x, size = uneven(np.random.default_rng(4))
    by = np.repeat(list("abcdefghij"), size)
    chart = t2(x, by=by)
    groups = [x[by == g] for g in "abcdefghij"]
    mean, rows, m = x.mean(axis=0), len(x), 10
    cov = sum(np.cov(g.T) * (len(g) - 1) for g in groups) / (rows - m)
    want = [len(g) * (g.mean(axis=0) - mean) @ np.linalg.solve(cov, g.mean(axis=0) - mean) for g in groups]
    np.testing.assert_allclose(chart.panels["t2"].statistic, want, rtol=1e-11)
    f = scipy.stats.f.isf(0.0027, 2, rows - m - 1)
    np.testing.assert_allclose(chart.panels["t2"].upper, (1 - size / rows) * 2 * (rows - m) / (rows - m - 1) * f)
    assert list(chart.labels) == list("abcdefghij")
    np.testing.assert_array_equal(chart.size, size)


def test_false_alarms_are_as_many_as_asked_for():
    """Each point of a stable process is beyond its limit with probability alpha, in both phases."""
    rng = np.random.default_rng(5)
    charts, alpha = 600, 0.1
    hits = np.zeros(4)
    for _ in range(charts):
        single = t2(rng.normal(size=(12, 3)), baseline=10, alpha=alpha).panels["t2"]
        x, size = uneven(rng)
        groups = t2(x, by=np.repeat(np.arange(10), size), baseline=8, alpha=alpha).panels["t2"]
        for k, (panel, cut) in enumerate(((single, 10), (groups, 8))):
            out = panel.statistic > panel.upper
            hits[2 * k] += out[0]
            hits[2 * k + 1] += out[cut]
    assert np.abs(hits - charts * alpha).max() < 4 * np.sqrt(charts * alpha * (1 - alpha)), hits


def test_successive_differences():
    x = vectors(6, 40, 2)
    x[20:] += 5.0
    chart = t2(x, covariance="successive_differences", exclude=[7])
    d = [x[i + 1] - x[i] for i in range(39) if 7 not in (i, i + 1)]
    cov = sum(np.outer(v, v) for v in d) / (2 * len(d))
    np.testing.assert_allclose(chart.limits.parameters["covariance"], cov, rtol=1e-12)
    np.testing.assert_allclose(chart.panels["t2"].upper, scipy.stats.chi2.isf(0.0027, 2), rtol=1e-11)
    assert "approximate-limits" not in codes(chart)  # 39 points, more than 2^2 + 3 * 2
    note = next(n for n in t2(x[:10], covariance="successive_differences").notes if n.code == "approximate-limits")
    assert note.severity == "warning"
    assert "10" in note.message


def test_contributions_in_a_plain_loop():
    x = vectors(7, 30, 4)
    chart = t2(x, phase=[14], baseline=np.arange(30) % 3 > 0)
    parts = t2_contributions(chart)
    for i, row in enumerate(x):
        lim = chart.limits_by_phase[int(i >= 14)].parameters
        d, cov = row - np.array(lim["mean"]), np.array(lim["covariance"])
        for j in range(4):
            rest = [k for k in range(4) if k != j]
            without = d[rest] @ np.linalg.solve(cov[np.ix_(rest, rest)], d[rest])
            whole = d @ np.linalg.solve(cov, d)
            assert parts.drop[i, j] == pytest.approx(whole - without, rel=1e-7, abs=1e-9)
            assert parts.alone[i, j] == pytest.approx(d[j] ** 2 / cov[j, j], rel=1e-11)
    np.testing.assert_array_equal(parts.statistic, chart.panels["t2"].statistic)
    assert parts.to_frame().shape == (120, 5)
    assert parts.ranked(3)[0][1] == parts.drop[3].max()
    assert json.loads(parts.to_json())["names"] == ["x1", "x2", "x3", "x4"]


def test_contributions_name_the_culprit():
    x = vectors(8, 41, 3)
    x[40, 1] += 40.0
    frame = pd.DataFrame(x, columns=["length", "width", "宽度"])
    parts = t2_contributions(t2(frame, values=list(frame.columns), baseline=40))
    assert parts.names == ("length", "width", "宽度")
    assert 40 in parts.signals
    assert parts.ranked(40)[0][0] == "width"
    assert "width" in str(parts)
    with pytest.raises(DataError, match="chart: got"):
        t2_contributions(generalized_variance(ryan()))
    with pytest.raises(DataError, match="index"):
        parts.ranked(41)


def test_contributions_of_subgroups_and_gaps():
    x = ryan()
    x[3] = np.nan
    chart = t2(x, missing="drop")
    parts = t2_contributions(chart)
    assert np.isnan(parts.drop[3]).all()
    cov, mean = np.array(chart.limits.parameters["covariance"]), np.array(chart.limits.parameters["mean"])
    d = x[0].mean(axis=0) - mean
    assert parts.alone[0] == pytest.approx(4 * d**2 / np.diag(cov), rel=1e-12)
    one = 4 * d[1] ** 2 / cov[1, 1]
    assert parts.drop[0, 0] == pytest.approx(chart.panels["t2"].statistic[0] - one, rel=1e-9)


@few
@given(seeds, st.integers(6, 25))
def test_extending_is_freezing(seed, k):
    x = vectors(seed)
    frozen, extended = t2(x, baseline=k), t2(x[:k]).extend(x[k:])
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}
    first = t2(x[:k])
    np.testing.assert_array_equal(frozen.panels["t2"].upper[:k], first.panels["t2"].upper)
    np.testing.assert_array_equal(frozen.panels["t2"].statistic[:k], first.panels["t2"].statistic)


@few
@given(seeds, st.integers(5, 15), st.sampled_from([t2, generalized_variance]))
def test_extending_subgroups_is_freezing(seed, k, make):
    x = np.random.default_rng(seed).normal(size=(18, 4, 2))
    frozen, extended = make(x, baseline=k), make(x[:k]).extend(x[k:])
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}


@few
@given(seeds, st.sampled_from(["single", "t2", "variance"]))
def test_the_monitor_agrees_with_the_chart(seed, kind):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, 2)) if kind == "single" else rng.normal(size=(30, 4, 2))
    x[20:] *= 3.0
    make = generalized_variance if kind == "variance" else t2
    chart = make(x, baseline=15)
    watch = monitor(make(x[:15]))
    got = []
    for row in x[15:]:
        got += [(s.panel, s.index, s.rule) for s in watch.update(row)]
        watch = Monitor.from_dict(json.loads(json.dumps(watch.state())))
    assert got == [f for f in fired(chart) if f[1] >= 15]
    assert watch.update(None) == ()
    assert watch.n == 31


@few
@given(seeds)
def test_phases_do_not_touch_one_another(seed):
    x = vectors(seed)
    both, first, second = t2(x, phase=[13]), t2(x[:13]), t2(x[13:])
    for part in ("statistic", "center", "upper"):
        whole = getattr(both.panels["t2"], part)
        parts = [getattr(c.panels["t2"], part) for c in (first, second)]
        np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-9)
    assert [lim.phase for lim in both.limits_by_phase] == ["1", "2"]


@few
@given(seeds)
def test_any_linear_change_of_scale_leaves_t2_alone(seed):
    x = vectors(seed)
    turn = np.array([[2.0, 0.5, 0.0], [0.0, -3.0, 1.0], [0.0, 0.0, 0.1]])
    np.testing.assert_allclose(
        t2(x @ turn + [1e3, -5.0, 7.0]).panels["t2"].statistic, t2(x).panels["t2"].statistic, rtol=1e-5
    )


@few
@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_with_order_by(seed, random):
    x = vectors(seed, 12, 2)
    at = list(range(12))
    random.shuffle(at)
    shuffled = t2(x[at], order_by=np.array(at))
    assert shuffled.to_dict() == t2(x, order_by=np.arange(12)).to_dict()


def test_a_huge_offset_costs_no_digits():
    x = np.round(vectors(9, 30, 2), 3)
    np.testing.assert_allclose(t2(x + 1e9).panels["t2"].statistic, t2(x).panels["t2"].statistic, rtol=1e-4)
    with pytest.raises(DataError, match="x2 does not vary"):
        t2(np.column_stack([x[:, 0], np.full(30, 1e12)]))


def test_every_way_to_pass_subgroups_is_the_same():
    pl = pytest.importorskip("polars")
    x = ryan()
    flat = x.reshape(-1, 2)
    by = np.repeat(np.arange(20), 4)
    mixed = np.random.default_rng(0).permutation(80)
    frame = pd.DataFrame({"a": flat[:, 0], "b": flat[:, 1], "lot": by})
    stacked = t2(x).to_dict()
    assert t2(flat, size=4).to_dict() == stacked
    named = t2(flat, by=by).to_dict()
    for chart in (
        t2(frame, values=["a", "b"], by="lot"),
        t2(pl.from_pandas(frame), values=("a", "b"), by="lot"),
        t2(flat[np.argsort(mixed)], by=by[np.argsort(mixed)], order_by=np.argsort(mixed)),
    ):
        got = chart.to_dict()
        assert got["panels"] == named["panels"] == stacked["panels"]
        assert got["labels"] == [str(i) for i in range(20)]
    scattered = t2(flat[mixed], by=by[mixed])
    order = [int(v) for v in scattered.labels]
    assert sorted(order) == list(range(20))
    statistic = np.array(stacked["panels"]["t2"]["statistic"])
    np.testing.assert_allclose(scattered.panels["t2"].statistic, statistic[order], rtol=1e-9)


def test_phases_of_rows_become_phases_of_subgroups():
    flat, by = ryan().reshape(-1, 2), np.repeat(np.arange(20), 4)
    rows = t2(flat, by=by, phase=np.repeat(["a", "b"], 40), exclude=np.repeat(np.arange(20) == 9, 4))
    points = t2(flat, by=by, phase=["a"] * 10 + ["b"] * 10, exclude=[9])
    assert rows.to_dict() == points.to_dict()
    assert not rows.used[9]
    with pytest.raises(DataError, match="phase: the rows of subgroup 11 do not agree"):
        t2(flat, by=by, phase=np.repeat(["a", "b"], [41, 39]))


def test_gaps_and_incomplete_rows():
    x = vectors(10, 20, 2)
    x[4, 1] = np.nan
    with pytest.raises(DataError, match=r"data \(x2\): missing value \(nan at position 4\)"):
        t2(x)
    chart = t2(x, missing="drop")
    assert np.isnan(chart.panels["t2"].statistic[4])
    assert codes(chart) == ["missing-dropped"]
    full = t2(np.delete(x, 4, axis=0))
    np.testing.assert_allclose(np.delete(chart.panels["t2"].statistic, 4), full.panels["t2"].statistic, rtol=1e-12)
    np.testing.assert_allclose(np.delete(chart.panels["t2"].upper, 4), full.panels["t2"].upper)
    groups = ryan()
    groups[5, 2, 0] = np.nan
    groups[8] = np.nan
    chart = t2(groups, missing="drop")
    assert chart.size[5] == 3
    assert np.isnan(chart.panels["t2"].statistic[8])
    assert [n.code for n in chart.notes] == ["missing-dropped", "missing-cells"]
    assert "5 of 80 rows" in chart.notes[1].message


def test_limits_survive_json_and_pickle():
    x = vectors(11)
    chart = t2(x[:20])
    limits = ControlLimits.from_dict(json.loads(chart.limits.to_json()))
    assert limits.to_dict() == chart.limits.to_dict()
    later = t2(x[20:], limits=limits)
    np.testing.assert_array_equal(later.panels["t2"].statistic, chart.extend(x[20:]).panels["t2"].statistic[20:])
    np.testing.assert_array_equal(later.panels["t2"].upper, chart.extend(x[20:]).panels["t2"].upper[20:])
    again = pickle.loads(pickle.dumps(later))
    assert again.to_dict() == later.to_dict()
    assert "T²" in chart.explain("zh")


def test_results_own_their_arrays():
    x = vectors(12)
    chart = t2(x)
    before = chart.to_dict()
    x[:] = 0.0
    assert chart.to_dict() == before
    assert not chart.columns["mean"].flags.writeable


def test_a_plain_loop_of_generalized_variances():
    x = np.random.default_rng(13).normal(size=(12, 6, 3)) + 1e6
    chart = generalized_variance(x, nsigma=2.5)
    panel = chart.panels["generalized_variance"]
    np.testing.assert_allclose(panel.statistic, [np.linalg.det(np.cov(g.T)) for g in x], rtol=1e-8)
    # Montgomery (2013), eqs. 11.35-11.37
    b1 = 5 * 4 * 3 / 5**3
    b2 = (5 * 4 * 3) / 5**6 * (7 * 6 * 5 - 5 * 4 * 3)
    pooled = sum(np.cov(g.T) for g in x) / 12
    of_pooled = 60 * 59 * 58 / 60**3  # b1 with the 60 degrees of freedom of the pooled covariance
    sigma = np.linalg.det(pooled) / of_pooled
    np.testing.assert_allclose(panel.center, sigma * b1, rtol=1e-8)
    np.testing.assert_allclose(panel.upper, sigma * (b1 + 2.5 * np.sqrt(b2)), rtol=1e-8)
    np.testing.assert_allclose(panel.lower, 0.0)
    assert chart.limits.number("determinant") == pytest.approx(sigma, rel=1e-8)
    assert chart.limits.center == pytest.approx(sigma * b1, rel=1e-8)


def test_generalized_variance_of_unequal_subgroups():
    rng = np.random.default_rng(14)
    size = np.array([4, 7, 5, 4, 9, 6, 5, 4])
    x = rng.normal(size=(size.sum(), 2))
    panel = generalized_variance(x, by=np.repeat(np.arange(8), size)).panels["generalized_variance"]
    b1 = (size - 2) / (size - 1)
    assert np.ptp(panel.center / b1) == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(DataError, match="wants more rows"):
        generalized_variance(x[:10], by=[0] * 8 + [1] * 2)
    with pytest.raises(DataError, match="single vectors have no scatter"):
        generalized_variance(x)


BAD = [
    (lambda x: t2(x[:, :1]), DataError, "1 variable"),
    (lambda x: t2(x[:, 0]), DataError, "1 dimensions"),
    (lambda x: t2([[1.0, 2.0], [3.0]]), DataError, "unequal length"),
    (lambda x: t2("abc"), DataError, "got a str"),
    (lambda x: t2([["a", "b"]] * 9), DataError, "text"),
    (lambda x: t2(np.empty((0, 3))), TooFewData, "no row came"),
    (lambda x: t2(x[:1]), TooFewData, "two or more"),
    (lambda x: t2(x[:4]), TooFewData, "4 points"),
    (lambda x: t2(np.where(x == x[3, 1], np.inf, x)), DataError, r"inf at position 3"),
    (lambda x: t2(np.column_stack([x, x[:, 0] + x[:, 2]])), DataError, "x1, x3, x4 determine one another"),
    (lambda x: t2(x * 1e200), DataError, "overflow"),
    (lambda x: t2(x, alpha=0.0), DataError, "alpha"),
    (lambda x: t2(x, alpha=1.0), DataError, "alpha"),
    (lambda x: t2(x, covariance="robust"), DataError, "covariance"),
    (lambda x: t2(x, size=3, covariance="sample"), DataError, "pooled within them"),
    (lambda x: t2(x, size=7), DataError, "do not make subgroups"),
    (lambda x: t2(x, size=1), DataError, "size"),
    (lambda x: t2(x, size=3, by=[1] * 30), DataError, "pass one of them"),
    (lambda x: t2(x.reshape(10, 3, 3), size=3), DataError, "three dimensions"),
    (lambda x: t2(x, by=np.arange(30)), TooFewData, "no subgroup has two rows"),
    (lambda x: t2(x, values=["a"]), DataError, "no table"),
    (lambda x: t2(x, missing="ignore"), DataError, "missing"),
    (lambda x: t2(pd.DataFrame(x), values="a"), DataError, "list of its columns"),
    (lambda x: t2(pd.DataFrame(x, columns=list("abc")), values=["a", "a"]), DataError, "twice"),
    (lambda x: t2(pd.DataFrame(x, columns=list("abc")), values=["a"]), DataError, "one column"),
    (lambda x: t2(x).extend(x[:, :2]), DataError, "2 variables came"),
    (lambda x: t2(x).extend(x, size=3), DataError, "single vectors are wanted"),
    (lambda x: t2(x).extend(x, target=1.0), DataError, "target"),
    (lambda x: t2(x, size=3).extend(x), DataError, "subgroups are wanted"),
    (lambda x: t2(x, limits=t2(x).limits, alpha=0.01), DataError, "alpha: got 0.01 together"),
    (lambda x: t2(x, limits=t2(x).limits, covariance="sample"), DataError, "covariance: given together"),
    (lambda x: t2(x[:, :2], limits=t2(x).limits), DataError, "limits: they are about x1, x2, x3"),
    (lambda x: t2(x, limits=t2(x, size=3).limits), DataError, "for subgroups"),
    (lambda x: t2(x, exclude=slice(None)), TooFewData, "no point is left"),
    (lambda x: t2(np.full((9, 2), np.nan), missing="drop"), TooFewData, "no point is left"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD)
def test_what_cannot_be_charted(call, error, text):
    with pytest.raises(error, match=text):
        call(vectors(15))


def test_limits_of_columns_in_another_order_are_refused():
    frame = pd.DataFrame(vectors(16, 30, 2), columns=["a", "b"])
    limits = t2(frame, values=["a", "b"]).limits
    with pytest.raises(DataError, match="they are about a, b; the data hold b, a"):
        t2(frame, values=["b", "a"], limits=limits)
    chart = t2(frame, values=["a", "b"])
    swapped = chart.extend(frame[["b", "a"]])  # a table is read by its column names
    np.testing.assert_array_equal(swapped.panels["t2"].statistic[30:], chart.panels["t2"].statistic)


@pytest.mark.parametrize("damage", ["names", "mean", "covariance"])
def test_damaged_limits_are_refused(damage):
    x = vectors(17)
    stored = t2(x).limits.to_dict()
    stored["parameters"] = {**stored["parameters"], damage: "?"}
    with pytest.raises(DataError, match="limits: names, mean"):
        t2(x, limits=stored)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("alpha", v) for v in (0, 7, "evil", True)),
        *(("m", v) for v in (0, 2.5, "evil", 10**400)),
        ("mean", [1.0, 10**400, 2.0]),
        ("covariance", [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]]),
    ],
)
def test_hostile_stored_limits(name, value):
    x = vectors(3)
    stored = t2(x).limits.to_dict()
    stored["parameters"][name] = value
    with pytest.raises(DataError, match=rf"^limits(\.parameters\['{name}'\]: |: names, mean)"):
        t2(x, limits=stored)


def test_very_large_and_very_small_vectors():
    for scale, text in ((1e300, "so large that their squares overflow"), (1e-300, "so little that its squares vanish")):
        with pytest.raises(DataError, match=text):
            t2(vectors(4) * scale)
        with pytest.raises(DataError, match=text):
            generalized_variance(vectors(4).reshape(6, 5, 3) * scale)


@pytest.mark.parametrize("value", [0, -1.0, "evil", True, 10**400])
def test_hostile_stored_determinant(value):
    x = vectors(5).reshape(6, 5, 3)
    stored = generalized_variance(x).limits.to_dict()
    stored["parameters"]["determinant"] = value
    with pytest.raises(DataError, match=r"limits\.parameters\['determinant'\]: got "):
        generalized_variance(x, limits=stored)
