"""Key drivers: against relaimpo, all orderings of plain regressions, and transcriptions of Genizi and Johnson."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError, TooFewData
from qstats.voice.drivers.drivers import key_drivers
from qstats.voice.drivers.kernels import correlations, genizi, lmg_exact, observed_sums, resampled_sums, standardise

SWISS = json.loads((Path(__file__).parents[1] / "reference" / "voice_satisfaction.json").read_text("utf-8"))["swiss"]


def r2(x, y, w, subset):
    """R^2 of one regression by least squares on the rows."""
    root = np.sqrt(w)
    a = np.column_stack([np.ones(len(y)), *[x[:, j] for j in subset]]) * root[:, None]
    fit = a @ np.linalg.lstsq(a, y * root, rcond=None)[0]
    mean = (w * y).sum() / w.sum()
    return 1 - ((y * root - fit) ** 2).sum() / (w * (y - mean) ** 2).sum()


def all_orderings(x, y, w=None):
    w = np.ones(len(y)) if w is None else w
    p = x.shape[1]
    known = {s: r2(x, y, w, s) for k in range(p + 1) for s in itertools.combinations(range(p), k)}
    share = np.zeros(p)
    for order in itertools.permutations(range(p)):
        for i, j in enumerate(order):
            share[j] += known[tuple(sorted(order[: i + 1]))] - known[tuple(sorted(order[:i]))]
    return share / math.factorial(p)


def make(n=60, p=4, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=(n, p))
    return x, x @ rng.normal(size=p) + 2 * rng.normal(size=n)


def test_swiss_is_that_of_relaimpo():
    d = np.array(SWISS["rows"])
    names = ["Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality"]
    # the data are those of R: the published coefficients come out
    a = np.column_stack([np.ones(47), d[:, 1:]])
    np.testing.assert_allclose(np.linalg.lstsq(a, d[:, 0], rcond=None)[0], SWISS["coefficients"], atol=5e-6)
    r = key_drivers(d[:, 1:], outcome=d[:, 0], drivers=names, rng=1)
    np.testing.assert_allclose(r.share, SWISS["lmg"], atol=5e-9)
    np.testing.assert_allclose(r.share, all_orderings(d[:, 1:], d[:, 0]), atol=1e-12)
    assert r.rank.tolist() == [5, 2, 1, 4, 3]
    assert r.r2 == pytest.approx(r2(d[:, 1:], d[:, 0], np.ones(47), range(5)))
    beta = np.array(SWISS["coefficients"][1:]) * d[:, 1:].std(axis=0) / d[:, 0].std()
    np.testing.assert_allclose(r.coefficient, beta, atol=2e-5)  # printed to five decimals
    np.testing.assert_allclose(r.correlation, np.corrcoef(d.T)[0, 1:], atol=1e-12)
    assert r.relative.sum() == pytest.approx(1.0)
    assert r.notes[-1].code == "few-rows"


@pytest.mark.parametrize("p", [1, 2, 3, 5])
@pytest.mark.parametrize("weighted", [False, True])
def test_lmg_is_the_mean_over_orderings(p, weighted):
    x, y = make(p=p, seed=p)
    w = np.random.default_rng(9).uniform(0.1, 3.0, len(y)) if weighted else None
    r = key_drivers(x, outcome=y, weight=w, resamples=100, rng=1)
    np.testing.assert_allclose(r.share, all_orderings(x, y, w), atol=1e-12)
    assert (r.interval.low <= r.interval.high).all()


def test_genizi_and_johnson():
    x, y = make(n=200, p=5, seed=3)
    z = (x - x.mean(axis=0)) / x.std(axis=0) / math.sqrt(200)
    v = (y - y.mean()) / y.std() / math.sqrt(200)
    # Johnson (2000): the orthonormal matrix nearest to the data from its singular vectors
    left, size, right = np.linalg.svd(z, full_matrices=False)
    nearest = left @ right
    loading, slope = z.T @ nearest, nearest.T @ v
    expected = (loading**2) @ slope**2
    a, b = (key_drivers(x, outcome=y, method=m, resamples=200, rng=1) for m in ("genizi", "johnson"))
    np.testing.assert_allclose(a.share, expected, atol=1e-12)
    np.testing.assert_array_equal(a.share, b.share)
    assert (a.method, b.method) == (
        "Genizi; bootstrap percentiles",
        "Johnson's relative weights; bootstrap percentiles",
    )
    assert a.r2 == pytest.approx(r2(x, y, np.ones(200), range(5)))
    assert size.min() > 0
    # of two drivers all three are one
    two = [key_drivers(x[:, :2], outcome=y, method=m, resamples=100, rng=1).share for m in ("lmg", "genizi", "johnson")]
    np.testing.assert_allclose(two[0], two[1], atol=1e-12)


@given(st.integers(2, 5), st.integers(0, 10_000), st.floats(-1e6, 1e6), st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_shares_add_up_and_follow_the_drivers(p, seed, shift, scale):
    x, y = make(n=30, p=p, seed=seed)
    s = key_drivers(x, outcome=y, resamples=50, confidence=0.8, rng=seed)
    assert s.share.sum() == pytest.approx(r2(x, y, np.ones(30), range(p)), abs=1e-10)
    assert (s.share >= 0).all()
    order = np.random.default_rng(seed).permutation(p)
    moved = key_drivers(x[:, order] * scale + shift, outcome=-y, resamples=50, confidence=0.8, rng=seed)
    np.testing.assert_allclose(moved.share, s.share[order], atol=1e-8)
    wide = key_drivers(x, outcome=y, resamples=50, confidence=0.9, rng=seed)
    assert ((wide.interval.low <= s.interval.low) & (s.interval.high <= wide.interval.high)).all()
    assert ((s.rank_low <= s.rank_high) & (s.rank_low >= 1) & (s.rank_high <= p)).all()


def test_bootstrap_is_the_resampling_of_rows():
    """The sums of drawn rows give the correlation matrices of those rows, drawn by the same generator."""
    x, y = make(n=40, p=3)
    s = standardise(np.column_stack([x, y]), np.ones(40))
    got = np.concatenate([correlations(sums, 4) for sums in resampled_sums(s, 70, np.random.default_rng(4))])
    rng = np.random.default_rng(4)
    for k in range(70):
        rows = rng.integers(0, 40, 40)
        np.testing.assert_allclose(got[k], np.corrcoef(np.column_stack([x, y])[rows].T), atol=1e-12)
    shares = np.array([all_orderings(x[r], y[r]) for r in np.random.default_rng(4).integers(0, 40, (70, 40))])
    np.testing.assert_allclose(lmg_exact(got), shares, atol=1e-10)
    r = key_drivers(x, outcome=y, resamples=70, rng=4, confidence=0.9)
    np.testing.assert_allclose(r.interval.low, np.quantile(shares, 0.05, axis=0), atol=1e-10)
    np.testing.assert_allclose(r.r2_interval.high, np.quantile(shares.sum(axis=1), 0.95), atol=1e-10)
    ranks = (-shares).argsort(axis=1).argsort(axis=1) + 1
    np.testing.assert_array_equal(r.rank_high, np.quantile(ranks, 0.95, axis=0, method="inverted_cdf"))


def test_sampled_orderings_state_their_error():
    x, y = make(n=100, p=6, seed=8)
    exact = key_drivers(x, outcome=y, resamples=50, rng=1, confidence=0.8)
    r = key_drivers(x, outcome=y, orderings=2000, resamples=50, rng=1, confidence=0.8)
    assert exact.montecarlo_error is None
    assert (np.abs(r.share - exact.share) < 5 * r.montecarlo_error + 1e-12).all()
    assert r.montecarlo_error.max() < 0.01
    assert r.r2 == pytest.approx(exact.r2, abs=1e-12)  # each ordering adds up
    assert "2000 sampled orderings" in r.method
    assert "error of sampling orderings" in str(r)
    # the error stated is the error made: repeated samplings scatter by it
    again = np.array(
        [key_drivers(x, outcome=y, orderings=40, resamples=20, rng=k, confidence=0.6).share for k in range(60)]
    )
    stated = np.array(
        [
            key_drivers(x, outcome=y, orderings=40, resamples=20, rng=k, confidence=0.6).montecarlo_error
            for k in range(60)
        ]
    )
    seen = np.sqrt(((again - exact.share) ** 2).mean(axis=0))
    np.testing.assert_allclose(seen / np.sqrt((stated**2).mean(axis=0)), 1.0, atol=0.35)


def test_beyond_twelve_drivers():
    x, y = make(n=200, p=14, seed=2)
    r = key_drivers(x, outcome=y, resamples=20, orderings=40, rng=1, confidence=0.6)
    assert len(r) == 14
    assert r.share.sum() == pytest.approx(r2(x, y, np.ones(200), range(14)))
    assert key_drivers(x, outcome=y, resamples=4, confidence=0.1, rng=1).montecarlo_error is not None


def test_collinear_and_near_collinear():
    x, y = make(n=80, p=3, seed=5)
    twice = np.column_stack([x, x[:, 0], x[:, 1] + x[:, 2]])
    r = key_drivers(twice, outcome=y, resamples=100, rng=1)
    np.testing.assert_allclose(r.share, all_orderings(twice, y), atol=1e-8)
    assert r.share[0] == pytest.approx(r.share[3])
    assert np.isnan(r.coefficient).all()
    assert r.notes[0].code == "collinear"
    assert "'x1', 'x2', 'x3', 'x4', 'x5'" in r.notes[0].message
    np.testing.assert_allclose(
        genizi(correlations(observed_sums(standardise(np.column_stack([twice, y]), np.ones(80))), 6)).sum(), r.r2
    )
    near = np.column_stack([x, x[:, 0] + 1e-2 * np.random.default_rng(1).normal(size=80)])
    assert key_drivers(near, outcome=y, resamples=50, rng=1, confidence=0.8).notes[0].code == "nearly-collinear"
    only = np.column_stack([x[:, 0], x[:, 1], 2 * x[:, 0]])
    assert "'x1', 'x3'" in key_drivers(only, outcome=y, resamples=50, rng=1, confidence=0.8).notes[0].message


def test_far_from_zero_and_rare():
    x, y = make(n=50, p=3)
    a = key_drivers(x, outcome=y, resamples=50, rng=1, confidence=0.8)
    b = key_drivers(np.round(x * 1024) + 1e12, outcome=y + 1e6, resamples=50, rng=1, confidence=0.8)
    np.testing.assert_allclose(a.share, b.share, atol=1e-3)
    for scale in (1e300, 1e-300):
        c = key_drivers(x * scale, outcome=y, resamples=50, rng=1, confidence=0.8)
        np.testing.assert_allclose(c.share, a.share, rtol=1e-9)
    rare = np.zeros(30)
    rare[3] = 1.0  # most resamples hold it once, a third never
    r = key_drivers(np.column_stack([rare, x[:30, 0]]), outcome=y[:30], resamples=200, rng=1)
    assert np.isfinite(r.interval.low).all()
    assert r.interval.low[0] == 0.0
    few = key_drivers(x, outcome=y, weight=[1.0] * 6 + [0.0] * 44, resamples=200, rng=1)
    assert np.isfinite(few.interval.high).all()


@pytest.mark.parametrize("engine", ["pandas", "polars-lazy", "duckdb", "mapping"])
def test_engines(engine):
    rng = np.random.default_rng(3)
    f = {k: [int(v) for v in rng.integers(1, 6, 120)] for k in ("food", "signs", "w")}
    f["overall"] = [None if i % 30 == 0 else 11 if i == 7 else a for i, a in enumerate(f["food"])]
    if engine == "pandas":
        data = pd.DataFrame(f)
    elif engine == "mapping":
        data = f
    elif engine == "duckdb":
        data = pytest.importorskip("duckdb").from_arrow(pytest.importorskip("pyarrow").table(f))
    else:
        data = pytest.importorskip("polars").DataFrame(f).lazy()
    options = {"missing": "drop", "rng": 1, "resamples": 200, "blank": 11}
    weight = f["w"] if engine == "mapping" else "w"
    r = key_drivers(data, outcome="overall", drivers=["food", "signs"], weight=weight, **options)
    keep = np.array([v is not None and v <= 5 for v in f["overall"]])
    x = np.column_stack([f["food"], f["signs"]])[keep].astype(float)
    y = np.array([v for v, k in zip(f["overall"], keep, strict=True) if k], float)
    np.testing.assert_allclose(r.share, all_orderings(x, y, np.array(f["w"], float)[keep]), atol=1e-10)
    assert (r.n, r.outcome, r.notes[0].code) == (float(keep.sum()), "overall", "missing-dropped")


def test_views_and_randomness():
    x, y = make()
    a, b = (
        key_drivers(x, outcome=y, drivers=list("abcd"), rng=k, resamples=200) for k in (1, np.random.default_rng(1))
    )
    np.testing.assert_array_equal(a.interval.low, b.interval.low)
    assert a.title == "Key drivers: share of explained variance, not effect of improving"
    assert list(a.to_frame()["driver"]) == list("abcd")
    assert json.loads(a.to_json())["resamples"] == 200
    assert "200 resamples of rows" in str(a)
    none = key_drivers([[1.0], [2], [3], [4]], outcome=[1.0, -1, -1, 1], resamples=50, rng=1, confidence=0.8)
    assert (none.r2, none.notes[-1].code) == (pytest.approx(0.0, abs=1e-15), "nothing-explained")


X, Y = make(n=10, p=2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: key_drivers({"a": [1, 1, 1, 1], "y": [1, 2, 3, 4]}, outcome="y"), DataError, "'a' is 1 in every row"),
        (lambda: key_drivers({"a": [1, 2, 3, 4], "y": [2, 2, 2, 2]}, outcome="y"), DataError, "outcome: 'y' is 2"),
        (lambda: key_drivers({"a": [0.1] * 9, "y": list(range(9))}, outcome="y"), DataError, "'a' is 0.1"),
        (lambda: key_drivers({"a": [1e12] * 9, "y": list(range(9))}, outcome="y"), DataError, "in every row"),
        (lambda: key_drivers({"a": [1, 2], "y": [1, 2]}, outcome="y"), TooFewData, "at least 3"),
        (lambda: key_drivers({"a": [1, 2], "y": [1, 2]}, outcome="z"), DataError, "'z' is not in the data"),
        (
            lambda: key_drivers({"a": [1, 2], "y": [1, 2]}, outcome="y", drivers=["b"]),
            DataError,
            "'b' is not in the data",
        ),
        (lambda: key_drivers({"a": [1, 2], "y": [1, 2]}, outcome="y", drivers=["y"]), DataError, "the outcome itself"),
        (lambda: key_drivers({"a": [1, 2], "y": [1, 2]}, outcome="y", drivers=["a", "a"]), DataError, "2 times"),
        (lambda: key_drivers({"a": [1, 2], "y": [1, 2]}, outcome="y", drivers="a"), DataError, "drivers: got 'a'"),
        (lambda: key_drivers({"y": [1, 2]}, outcome="y"), DataError, "got none"),
        (lambda: key_drivers({"a": [1, 2, None, 4], "y": [1, 2, 3, 3]}, outcome="y"), DataError, "1 of 4 rows lack"),
        (lambda: key_drivers({"a": ["x", 2], "y": [1, 2]}, outcome="y"), DataError, "driver 'a': got text"),
        (lambda: key_drivers({"a": [1, 2, 3], "y": [1, 2]}, outcome="y"), DataError, "3 values came"),
        (lambda: key_drivers(X, outcome=Y[:5]), DataError, "10 values came, the outcome has 5"),
        (lambda: key_drivers(X, outcome="y"), DataError, "values of the outcome"),
        (lambda: key_drivers(X[:, 0], outcome=Y), DataError, "1 dimensions"),
        (lambda: key_drivers([[1, 2], [3]], outcome=[1, 2]), DataError, "unequal length"),
        (lambda: key_drivers("text", outcome=[1, 2]), DataError, "data: got 'text'"),
        (lambda: key_drivers(X, outcome=Y, drivers=["a"]), DataError, "1 names came for 2"),
        (lambda: key_drivers(X, outcome=Y, method="shapley"), DataError, "method"),
        (lambda: key_drivers(X, outcome=Y, resamples=10), DataError, "resamples"),
        (lambda: key_drivers(X, outcome=Y, orderings=21), DataError, "even number"),
        (lambda: key_drivers(X, outcome=Y, orderings=40, method="genizi"), DataError, "has none"),
        (lambda: key_drivers(X, outcome=Y, rng="x"), DataError, "rng"),
        (lambda: key_drivers(X, outcome=Y, weight=[-1.0] * 10), DataError, "zero or more"),
        (lambda: key_drivers(X, outcome=Y, weight=[0.0] * 10), DataError, "all are zero"),
        (lambda: key_drivers(X, outcome=Y, weight=[None] + [1.0] * 9), DataError, "weight: missing"),
        (lambda: key_drivers(X, outcome=Y, blank="x"), DataError, "blank"),
        (lambda: key_drivers(X, outcome=Y, missing="keep"), DataError, "missing"),
        (lambda: key_drivers(pd.DataFrame({"a": [1], "y": [2]}), outcome="y"), DataError, "drivers: got None"),
        (
            lambda: key_drivers(pd.DataFrame({"a": [1], "y": [2]}), outcome="y", drivers=["b"]),
            DataError,
            "not in the data",
        ),
        (
            lambda: key_drivers(pd.DataFrame({"a": [1], "y": [2]}), outcome=[2], drivers=["a"]),
            DataError,
            "name of a column",
        ),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("name", ["weight", "outcome", "drivers"])
def test_arrays_where_names_belong_give_one_short_line(name):
    frame = pd.DataFrame({"y": np.arange(50.0) % 7, "a": np.arange(50.0) % 5, "b": np.arange(50.0) % 3})
    given = {"outcome": "y", "drivers": ["a", "b"], name: np.ones((50, 2) if name == "drivers" else 500)}
    with pytest.raises(DataError, match=f"{name}: got a ndarray of shape") as e:
        key_drivers(frame, **given)
    assert "\n" not in str(e.value) and len(str(e.value)) < 140
