"""First contact resolution: brute force, cluster-robust variance by statsmodels, windows, topics, groups."""

import copy
import datetime as dt
import json
import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from qstats.errors import DataError, TooFewData
from qstats.inference.equivalence import noninferiority
from qstats.inference.proportions import compare_proportions
from qstats.voice.service.contact import compare_first_contact, first_contact_resolution

DAY0 = dt.datetime(2024, 1, 1)
NAMES = {"customer": "who", "opened": "at"}


def log_of(rows):
    """Rows of (customer, hour, topic)."""
    return {
        "who": [w for w, _, _ in rows],
        "at": np.array([np.datetime64(DAY0 + dt.timedelta(hours=h), "us") for _, h, _ in rows]),
        "topic": [t for _, _, t in rows],
    }


def judged(rows, hours, now, by_topic):
    """The definition in two plain loops: for each contact whose window is over, did anyone like it come after it?"""
    out = []
    for i, (w, h, t) in enumerate(rows):
        if h > now or h + hours >= now:
            continue
        back = False
        for j, (v, g, u) in enumerate(rows):
            later = g > h or (g == h and j > i)
            back |= i != j and v == w and (u == t or not by_topic) and later and g - h <= hours and g <= now
        out.append((i, not back))
    return out


contacts = st.lists(
    st.tuples(st.sampled_from(["甲", "乙", "丙", "丁"]), st.integers(0, 500), st.sampled_from("xy")), min_size=1
)


@given(contacts, st.integers(1, 200), st.integers(0, 600), st.booleans())
@settings(max_examples=200)
def test_equals_brute_force(rows, hours, now, by_topic):
    expected = judged(rows, hours, now, by_topic)
    options = {"window": f"{hours}h", "now": DAY0 + dt.timedelta(hours=now), "topic": "topic" if by_topic else None}
    if not expected:
        with pytest.raises(TooFewData):
            first_contact_resolution(log_of(rows), **NAMES, **options)
        return
    r = first_contact_resolution(log_of(rows), **NAMES, **options)
    assert r.n == len(expected)
    assert r.resolved == sum(ok for _, ok in expected)
    assert r.repeated == r.n - r.resolved
    assert r.pending == sum(h <= now for _, h, _ in rows) - len(expected)
    assert 0 <= r.interval.low <= r.estimate <= r.interval.high <= 1
    back = first_contact_resolution(log_of(rows[::-1]), **NAMES, **options)
    assert (back.n, back.resolved) == (r.n, r.resolved)  # the order of the rows says nothing


def test_a_chain_is_judged_link_by_link():
    rows = [("a", 0, "x"), ("a", 100, "x"), ("a", 200, "x"), ("a", 300, "x"), ("b", 0, "x")]
    r = first_contact_resolution(log_of(rows), **NAMES, window="168h", now="2024-03-01")
    assert (r.resolved, r.repeated) == (2, 3)
    on_the_hour = [("a", 0, "x"), ("a", 168, "x"), ("b", 0, "x"), ("b", 169, "x")]
    assert first_contact_resolution(log_of(on_the_hour), **NAMES, now="2024-03-01").repeated == 1


def random_log(seed, n=800, customers=200):
    rng = np.random.default_rng(seed)
    rows = list(
        zip(rng.integers(0, customers, n).tolist(), rng.integers(0, 24 * 90, n).tolist(), ["x"] * n, strict=True)
    )
    return rows, log_of(rows)


def test_variance_equals_cluster_robust_regression():
    # statsmodels OLS of the flag on a constant, cov_type="cluster": C/(C-1) sum of squared cluster totals over n**2.
    rows, log = random_log(4)
    r = first_contact_resolution(log, **NAMES, now="2024-05-01")
    outcome = judged(rows, 168, 24 * 121, False)
    y = np.array([float(ok) for _, ok in outcome])
    who = np.array([rows[i][0] for i, _ in outcome])
    fit = sm.OLS(y, np.ones(y.size)).fit(cov_type="cluster", cov_kwds={"groups": who})
    p, n = y.mean(), y.size
    deff = float(fit.cov_params()[0, 0]) * (n - 1) / (p * (1 - p))
    assert r.estimate == pytest.approx(p)
    assert r.deff == pytest.approx(deff, rel=1e-9)
    assert r.n_eff == pytest.approx(min(n, n / deff))
    assert (r.customers, r.df) == (len(set(who.tolist())), len(set(who.tolist())) - 1)
    # Wilson's limits by their definition: |p - x| = t sqrt(x (1 - x) / n_eff).
    t = stats.t.ppf(0.975, r.df)
    for x in (r.interval.low, r.interval.high):
        assert abs(p - x) == pytest.approx(t * np.sqrt(x * (1 - x) / r.n_eff), rel=1e-9)


def test_one_contact_each_is_plain_wilson():
    log = {"who": list(range(40)), "at": [DAY0] * 40, "ok": [True] * 31 + [False] * 9}
    r = first_contact_resolution(log, **NAMES, resolved="ok", now="2024-02-01")
    assert (r.resolved, r.repeated, r.deff, r.df) == (31, 0, 1.0, None)
    assert (r.interval.low, r.interval.high) == pytest.approx(proportion_confint(31, 40, method="wilson"))
    assert first_contact_resolution(log, **NAMES, resolved="ok", now="2024-02-01", clustered=True).df == 39


def test_clusters_are_the_default_only_where_there_are_any():
    _, log = random_log(4)
    r = first_contact_resolution(log, **NAMES, now="2024-05-01")
    plain = first_contact_resolution(log, **NAMES, now="2024-05-01", clustered=False)
    assert plain.df is None
    assert plain.estimate == r.estimate
    assert (plain.interval.low, plain.interval.high) == pytest.approx(
        proportion_confint(int(r.resolved), int(r.n), method="wilson")
    )
    with pytest.raises(DataError, match="clustered"):
        first_contact_resolution(log, **NAMES, now="2024-05-01", clustered="yes")


def test_all_alike_counts_customers():
    log = log_of([(c, h, "x") for c in range(10) for h in (0, 500, 1000)])
    r = first_contact_resolution(log, **NAMES, now="2024-05-01")
    assert (r.estimate, r.n, r.n_eff) == (1.0, 30.0, 10.0)
    assert r.interval.low == pytest.approx(10 / (10 + stats.t.ppf(0.975, 9) ** 2))  # Wilson at x = n
    assert "design-effect-unknown" in {n.code for n in r.notes}


def test_pairs_never_claim_more_than_the_contacts():
    # Every customer calls twice: exactly half are resolved, and clusters show no variance at all.
    log = log_of([(c, h, "x") for c in range(50) for h in (0, 24)])
    r = first_contact_resolution(log, **NAMES, now="2024-05-01")
    assert (r.estimate, r.n_eff) == (0.5, 100.0)
    assert r.interval.high - r.interval.low > 0.18


def test_groups_and_returns_elsewhere():
    rows, log = random_log(6)
    log["渠道"] = [("电话", "微信")[i % 2] for i in range(len(rows))]
    t = first_contact_resolution(log, **NAMES, by="渠道", now="2024-05-01")
    outcome = judged(rows, 168, 24 * 121, False)
    for i, name in enumerate(t.segments):
        own = [ok for j, ok in outcome if log["渠道"][j] == name]
        assert (t.n[i], t.count[i]) == (len(own), sum(own))
    plain = first_contact_resolution(log, **NAMES, by="渠道", now="2024-05-01", clustered=False)
    x, n = plain.count, plain.n
    assert plain.pvalue[0] == pytest.approx(compare_proportions(x[0], n[0], x[1], n[1]).pvalue, rel=1e-9)
    assert {"repeated", "pending", "deff"} <= set(t.to_frame().columns)
    with pytest.raises(TypeError, match="item assignment"):
        t.details["repeated"] = t.n
    for again in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t)):
        assert again.to_json() == t.to_json()
    assert json.loads(t.to_json())["total"]["window"] == 7 * 86400
    # The rest of two groups is the other one.
    assert t.difference[0] == pytest.approx(-t.difference[1])
    assert t.pvalue[0] == pytest.approx(t.pvalue[1])
    with pytest.raises(DataError, match="one group only"):
        first_contact_resolution(log | {"渠道": ["一"] * len(rows)}, **NAMES, by="渠道", now="2024-05-01")


@pytest.mark.parametrize("engine", ["pandas", "polars", "polars-lazy", "pyarrow", "duckdb"])
def test_engines(engine):
    _, log = random_log(9, 300, 60)
    expected = first_contact_resolution(log, **NAMES, now="2024-05-01")
    frame = pd.DataFrame(log)
    if engine == "pyarrow":
        frame = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    elif engine == "duckdb":
        frame = pytest.importorskip("duckdb").from_arrow(pytest.importorskip("pyarrow").Table.from_pandas(frame))
    elif engine.startswith("polars"):
        frame = pytest.importorskip("polars").DataFrame(log)
        frame = frame.lazy() if engine == "polars-lazy" else frame
    r = first_contact_resolution(frame, **NAMES, now="2024-05-01")
    assert (r.resolved, r.n, r.customers) == (expected.resolved, expected.n, expected.customers)
    assert r.interval.low == pytest.approx(expected.interval.low)


def test_missing_and_bad():
    log = {"who": ["a", None, "b", "a"], "at": ["2024-01-01", "2024-01-01", None, "2024-01-03"]}
    with pytest.raises(DataError, match=r"customer \(column 'who'\) missing: 1 of 4 \(row 1\)"):
        first_contact_resolution(log, **NAMES)
    r = first_contact_resolution(log, **NAMES, missing="drop", now="2024-02-01")
    assert (r.n, r.repeated) == (2, 1)
    assert [n.code for n in r.notes if n.code == "missing-dropped"] == ["missing-dropped"] * 2
    good = {"who": ["a", "b"], "at": ["2024-01-01", "2024-01-01"], "ok": [1, 2]}
    with pytest.raises(DataError, match=r"resolved \(column 'ok'\): True or False"):
        first_contact_resolution(good, **NAMES, resolved="ok", now="2024-02-01")
    with pytest.raises(TooFewData, match="over for none of 2 contacts"):
        first_contact_resolution(good, **NAMES)
    with pytest.raises(TooFewData, match="every contact came after it"):
        first_contact_resolution(good, **NAMES, now="2023-01-01")
    with pytest.raises(DataError, match="window"):
        first_contact_resolution(good, **NAMES, window=7, now="2024-02-01")
    twice = {"who": ["a", "a"], "at": ["2024-01-01"] * 2}
    r = first_contact_resolution(twice, **NAMES, now="2024-02-01")
    assert r.repeated == 1
    assert "same-time" in {n.code for n in r.notes}


def singles(n, ok):
    return {"who": list(range(n)), "at": [DAY0] * n, "ok": [i < ok for i in range(n)]}


def test_comparison_of_single_contacts_is_miettinen_nurminen():
    options = {**NAMES, "resolved": "ok", "now": "2024-02-01", "now0": "2024-02-01"}
    r = compare_first_contact(singles(70, 56), singles(80, 48), **options)
    assert (r.interval.low, r.interval.high) == pytest.approx((0.0528297, 0.3381729), abs=1e-7)  # R ratesci
    assert r.pvalue == pytest.approx(compare_proportions(56, 70, 48, 80).pvalue)
    assert r.df is None
    shown = noninferiority(
        compare_first_contact, singles(300, 240), singles(300, 243), margin=-0.1, better="higher", **options
    )
    assert shown.shown


@given(
    st.integers(0, 50),
    st.integers(0, 50),
    st.sampled_from([0.8, 0.95]),
    st.sampled_from(["two-sided", "less", "greater"]),
)
@settings(max_examples=30, deadline=None)
def test_interval_and_pvalue_agree_with_clusters(seed, other, confidence, alternative):
    a, b = random_log(seed, 120, 40)[1], random_log(other, 150, 70)[1]
    options = {**NAMES, "now": "2024-05-01", "now0": "2024-05-01", "confidence": confidence, "alternative": alternative}
    r = compare_first_contact(a, b, **options)
    assert r.df is not None
    assert (r.pvalue < 1 - confidence) == (not r.interval.low <= 0 <= r.interval.high)
    for edge in (r.interval.low, r.interval.high):
        if abs(edge) < 1:
            at = compare_first_contact(a, b, **options, null=edge)
            assert at.pvalue == pytest.approx(1 - confidence, rel=1e-6)
    swap = compare_first_contact(b, a, **options | {"alternative": "two-sided"})
    assert swap.pvalue == pytest.approx(compare_first_contact(a, b, **options | {"alternative": "two-sided"}).pvalue)


def _log():
    rng = np.random.default_rng(8)
    day = np.datetime64("2024-01-01") + rng.integers(0, 120, 200)
    return {"who": rng.integers(0, 60, 200).tolist(), "day": day.tolist(), "team": rng.choice(["x", "y"], 200).tolist()}


def _settled(log, rows):
    """By the definition: no other contact of the same customer in the 7 days after; rows whose window is over."""
    back = 0
    for i in rows:
        gaps = [(log["day"][j] - log["day"][i]).days for j in range(len(log["day"])) if j != i]
        same = [log["who"][j] == log["who"][i] for j in range(len(log["day"])) if j != i]
        back += any(s and 0 < g <= 7 for s, g in zip(same, gaps, strict=True))
    return 1.0 - back / len(rows)


def test_two_groups_of_one_log_where_coming_back_counts_anywhere():
    log = _log()
    seen = set()
    keep = [i for i, key in enumerate(zip(log["who"], log["day"], strict=True)) if not (key in seen or seen.add(key))]
    log = {k: [v[i] for i in keep] for k, v in log.items()}  # at the very same time nobody knows who came first
    options = {"customer": "who", "opened": "day", "now": "2024-06-01"}
    r = compare_first_contact(log, by="team", reference="x", **options)
    rows = {t: [i for i, g in enumerate(log["team"]) if g == t] for t in "xy"}
    np.testing.assert_allclose(r.values, (_settled(log, rows["y"]), _settled(log, rows["x"])), rtol=1e-12)
    assert r.n == (len(rows["y"]), len(rows["x"]))
    table = first_contact_resolution(log, by="team", **options)
    np.testing.assert_allclose(r.values, table.estimate[::-1], rtol=1e-12)
    change = dt.date(2024, 3, 1)
    c = compare_first_contact(log, change=change, **options)
    sides = ([i for i, d in enumerate(log["day"]) if d >= change], [i for i, d in enumerate(log["day"]) if d < change])
    np.testing.assert_allclose(c.values, [_settled(log, side) for side in sides], rtol=1e-12)
    turned = compare_first_contact(log, by="team", reference="y", **options)
    np.testing.assert_allclose([turned.estimate, turned.pvalue], [-r.estimate, r.pvalue], atol=1e-9)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "none of them came"),
        ({"by": "team", "change": "2024-02-01"}, "by= and change= came"),
        ({"by": "team", "reference": "z"}, "reference: got 'z'"),
        ({"change": "2024-02-01", "reference": "x"}, "without by="),
        ({"change": "2025-02-01"}, "change: all"),
        ({"by": "team", "reference": "x", "now0": "2024-06-01"}, "now0: got .* without data0="),
    ],
)
def test_one_way_to_say_which_contacts_are_compared(given, text):
    with pytest.raises(DataError, match=text):
        compare_first_contact(_log(), customer="who", opened="day", now="2024-06-01", **given)
