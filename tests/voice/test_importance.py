"""Importance and performance: against statistics of the resampled rows themselves."""

import json

import numpy as np
import pytest
from scipy import stats

from qstats.errors import DataError
from qstats.voice.drivers.drivers import key_drivers
from qstats.voice.drivers.importance import QUADRANTS, UNRESOLVED, importance_performance


def make(n=200, p=3, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 6, (n, p)).astype(float)
    y = np.round(x @ np.arange(p, 0.0, -1.0) / p + rng.normal(size=n))
    return x, y


def test_points_and_regions_are_those_of_the_rows():
    x, y = make(n=50)
    r = importance_performance(x, outcome=y, resamples=60, rng=3, confidence=0.9)
    assert r.importance == pytest.approx([np.corrcoef(x[:, j], y)[0, 1] for j in range(3)])
    assert r.performance == pytest.approx(x.mean(axis=0))
    assert r.cross == pytest.approx((r.importance.mean(), r.performance.mean()))
    rows = np.random.default_rng(3).integers(0, 50, (60, 50))
    draws = np.array([[[np.corrcoef(x[k, j], y[k])[0, 1] for j in range(3)], x[k].mean(axis=0)] for k in rows])
    for j in range(3):
        np.testing.assert_allclose(r.covariance[j], np.cov(draws[:, :, j].T), atol=1e-12)
        # the ellipse holds what a normal of that covariance holds: half axes along its eigenvectors
        c = stats.chi2.ppf(0.9, 2)
        way = np.array([np.cos(r.angle[j]), np.sin(r.angle[j])])
        assert way @ r.covariance[j] @ way * c == pytest.approx(r.major[j] ** 2)
        assert r.major[j] * r.minor[j] == pytest.approx(c * np.sqrt(np.linalg.det(r.covariance[j])))
    np.testing.assert_allclose(r.importance_interval.low, np.quantile(draws[:, 0], 0.05, axis=0), atol=1e-12)
    np.testing.assert_allclose(r.performance_interval.high, np.quantile(draws[:, 1], 0.95, axis=0), atol=1e-12)
    # quadrants resample by resample, crossing included
    cross = draws.mean(axis=2)
    for j in range(3):
        hi, good = draws[:, 0, j] > cross[:, 0], draws[:, 1, j] > cross[:, 1]
        mass = [np.mean(~hi & ~good), np.mean(~hi & good), np.mean(hi & ~good), np.mean(hi & good)]
        np.testing.assert_allclose(r.probability[j], mass, atol=1e-12)
        expected = QUADRANTS[int(np.argmax(mass))] if max(mass) >= 0.9 else UNRESOLVED
        assert r.quadrant[j] == expected


def test_shares_top_boxes_weights_and_fixed_crossing():
    x, y = make()
    w = np.random.default_rng(5).uniform(0.5, 2.0, 200)
    r = importance_performance(
        x, outcome=y, weight=w, importance="share", top_from=4, cross=(0.3, 0.5), resamples=200, rng=1
    )
    shares = key_drivers(x, outcome=y, weight=w, resamples=100, rng=1)
    np.testing.assert_allclose(r.importance, shares.relative, atol=1e-12)
    np.testing.assert_allclose(r.performance, [np.average(x[:, j] >= 4, weights=w) for j in range(3)], atol=1e-12)
    assert (r.cross, r.performance_measure) == ((0.3, 0.5), "top_box")
    mean = importance_performance(x, outcome=y, weight=w, resamples=100, rng=1)
    np.testing.assert_allclose(mean.performance, np.average(x, axis=0, weights=w), atol=1e-12)
    assert r.probability.sum(axis=1) == pytest.approx(1.0)


def test_only_what_is_sure_is_named():
    rng = np.random.default_rng(2)
    low, high = rng.integers(1, 3, 400), rng.integers(4, 6, 400)
    noise, same = rng.integers(4, 6, 400), rng.integers(1, 3, 400)
    y = low + high + rng.normal(0, 0.2, 400)
    data = {"low": low, "high": high, "noise": noise, "same": same, "y": y}
    r = importance_performance(data, outcome="y", rng=1)
    assert r.quadrant == ("concentrate here", "keep up the good work", "possible overkill", "low priority")
    # twenty rows of alike items: nothing is sure
    x = rng.integers(1, 6, (20, 3)).astype(float)
    r = importance_performance(x, outcome=x.sum(axis=1) + rng.normal(size=20), rng=1)
    assert set(r.quadrant) == {UNRESOLVED}
    assert r.notes[-1].code == "unresolved"
    assert json.loads(r.to_json())["quadrant"] == [UNRESOLVED] * 3
    assert "unresolved" in str(r)
    assert list(r.to_frame()["quadrant"]) == [UNRESOLVED] * 3
    assert len(r) == 3
    again = importance_performance(x, outcome=x.sum(axis=1), rng=np.random.default_rng(1), importance="share")
    assert again.measure == "share"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"importance": "beta"}, "importance"),
        ({"cross": 3}, "cross"),
        ({"cross": (0.1, "x")}, "cross"),
        ({"top_from": "4"}, "top_from"),
        ({"resamples": 3}, "resamples"),
    ],
)
def test_bad_options(options, words):
    x, y = make(n=20)
    with pytest.raises(DataError, match=words):
        importance_performance(x, outcome=y, **options)


def test_one_item_is_none_to_compare():
    x, y = make(n=20)
    with pytest.raises(DataError, match="at least two items"):
        importance_performance(x[:, :1], outcome=y)
