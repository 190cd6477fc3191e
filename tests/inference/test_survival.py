"""Open tickets: R survival and survRM2, statsmodels, plain loops; edges; agreement of p and interval."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from qstats.errors import DataError
from qstats.inference.times.logrank import logrank
from qstats.inference.times.survival import survival_curve
from qstats.inference.times.times import compare_times

REFERENCE = Path(__file__).parents[1] / "reference" / "means_times.json"
CASES = {c["id"]: c for c in json.loads(REFERENCE.read_text(encoding="utf-8"))["cases"]}


def _data(case: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    i = CASES[case]["inputs"]
    return np.array(i["time"], dtype=float), np.array(i["status"]) == 1, np.array(i["group"])


def _none_as(values: list[Any], missing: float) -> np.ndarray:
    return np.array([missing if v is None or v == "Inf" else v for v in values], dtype=float)


@pytest.mark.parametrize("case", ["surv-aml", "surv-veteran"])
def test_curve_equals_survfit(case: str) -> None:
    """R survival 3.5.3 survfit(conf.type="log"); where the curve has come down to zero R has no limits."""
    time, closed, group = _data(case)
    e = CASES[case]["expected"]
    ends = np.cumsum(e["strata"])
    for k, label in enumerate(np.unique(group)):
        part = slice(ends[k] - e["strata"][k], ends[k])
        curve = survival_curve(time[group == label], closed[group == label], transform="log")
        s = _none_as(e["km_surv"][part], math.nan)
        assert curve.time == pytest.approx(_none_as(e["km_time"][part], math.nan))
        assert curve.survival == pytest.approx(s, abs=1e-12)
        up = s > 0
        assert (curve.se / np.maximum(curve.survival, 1e-9))[up] == pytest.approx(
            _none_as(e["km_se"][part], math.nan)[up], rel=1e-9
        )
        assert curve.low[up] == pytest.approx(_none_as(e["km_lo"][part], math.nan)[up], rel=1e-9)
        assert curve.high[up] == pytest.approx(_none_as(e["km_hi"][part], math.nan)[up], rel=1e-9)
        assert curve.median.estimate == e["median"][k]
        # "rmean" of survfit is the area to the longest time of all groups, each curve held level past its own end.
        longest = time[group == label].max()
        level = curve.survival[-1] * (time.max() - longest)
        assert curve.rmst(longest).estimate + level == pytest.approx(e["rmean"][k], rel=1e-9)


def test_median_limits_of_aml() -> None:
    # R: survfit(Surv(time, status) ~ x, aml): maintained 31 (18, NA), non-maintained 23 (8, NA).
    time, closed, group = _data("surv-aml")
    by_median = {}
    for label in np.unique(group):
        m = survival_curve(time[group == label], closed[group == label], transform="log").median
        by_median[m.estimate] = (m.interval.low, m.interval.high)
    assert by_median == {31.0: (18.0, math.inf), 23.0: (8.0, math.inf)}


@pytest.mark.parametrize("case", ["surv-aml", "surv-veteran", "surv-lung", "surv-lung-3grp"])
def test_logrank_equals_survdiff(case: str) -> None:
    time, closed, group = _data(case)
    e = CASES[case]["expected"]
    r = logrank(time, closed, group)
    assert r.statistic == pytest.approx(e["chisq"], rel=1e-9)
    assert r.pvalue == pytest.approx(e["p"], rel=1e-8)
    assert r.observed == pytest.approx(e["obs"])
    assert r.expected == pytest.approx(e["exp"], rel=1e-9)
    assert r.df == len(e["obs"]) - 1
    if "chisq_peto" in e:
        assert logrank(time, closed, group, weight="peto-peto").statistic == pytest.approx(e["chisq_peto"], rel=1e-9)


def test_stratified_logrank_equals_statsmodels() -> None:
    rng = np.random.default_rng(11)
    time = rng.integers(1, 30, 120).astype(float)
    closed, group, strata = rng.random(120) < 0.7, rng.integers(0, 3, 120), rng.integers(0, 4, 120)
    r = logrank(time, closed, group, strata=strata)
    chi2, p = survdiff(time, closed.astype(int), group, strata=strata)
    assert (r.statistic, r.pvalue) == pytest.approx((chi2, p), rel=1e-9)
    assert "stratified" in r.method


def test_logrank_without_information_and_with_groups_that_never_meet() -> None:
    r = logrank([1.0, 2.0, 3.0], [0, 0, 0], ["a", "b", "b"])
    assert (r.pvalue, r.df, r.notes[0].code) == (1.0, 0.0, "no-information")
    rng = np.random.default_rng(3)
    time, layer = rng.exponential(size=40), np.repeat([0, 1], 20)
    group = np.where(layer == 0, rng.integers(0, 2, 40), rng.integers(2, 4, 40))
    r = logrank(time, None, group, strata=layer)  # two separate comparisons: chi-squares and df add
    parts = [logrank(time[layer == k], None, group[layer == k]) for k in (0, 1)]
    assert r.df == 2.0
    assert r.statistic == pytest.approx(sum(p.statistic for p in parts), rel=1e-9)


def test_rmst_of_veteran_equals_survrm2() -> None:
    # R survRM2 on survival::veteran, arms trt 1 and 2, tau = 500: mean and standard error.
    time, closed, group = _data("surv-veteran")
    for label, mean, se in ((1, 122.98995, 14.41283), (2, 122.35693, 17.88809)):
        r = survival_curve(time[group == label], closed[group == label]).rmst(500.0)
        assert r.estimate == pytest.approx(mean, abs=6e-6)
        assert (r.interval.high - r.interval.low) / 2 / 1.959963984540054 == pytest.approx(se, abs=6e-6)


def test_comparison_of_restricted_means() -> None:
    """survRM2's contrasts of the same two arms: difference with summed variances, ratio on the log scale."""
    time, closed, group = _data("surv-veteran")
    one, two = group == 1, group == 2
    options: dict[str, Any] = {"closed": closed[one], "closed0": closed[two], "horizon": 500.0}
    r = compare_times(time[one], time[two], measure="rmst_difference", **options)
    se = math.hypot(14.41283, 17.88809)
    assert r.estimate == pytest.approx(122.98995 - 122.35693, abs=2e-5)
    assert r.interval.high - r.interval.low == pytest.approx(2 * 1.959964 * se, rel=1e-6)
    ratio = compare_times(time[one], time[two], measure="rmst_ratio", **options)
    log_se = math.hypot(14.41283 / 122.98995, 17.88809 / 122.35693)
    assert ratio.estimate == pytest.approx(122.98995 / 122.35693, rel=1e-6)
    assert math.log(ratio.interval.high / ratio.interval.low) == pytest.approx(2 * 1.959964 * log_se, rel=1e-6)
    assert ratio.values == pytest.approx((122.98995, 122.35693), abs=1e-5)


def _loop_curve(time: list[float], closed: list[bool]) -> list[tuple[float, float, float]]:
    """Plain definition: product of (1 - d/n) and sum of d / (n (n - d))."""
    s, g, out = 1.0, 0.0, []
    for t in sorted(set(time)):
        n = sum(v >= t for v in time)
        d = sum(v == t and c for v, c in zip(time, closed, strict=True))
        s *= 1 - d / n
        g = math.inf if d == n else g + d / (n * (n - d))
        out.append((t, s, g))
    return out


tickets = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=20)


@given(tickets, st.sampled_from(["log-log", "log", "plain"]))
def test_curve_equals_a_plain_loop(rows: list[tuple[int, bool]], transform: str) -> None:
    time, closed = [float(t) for t, _ in rows], [c for _, c in rows]
    curve = survival_curve(time, closed, transform=transform)
    for i, (t, s, g) in enumerate(_loop_curve(time, closed)):
        assert curve.time[i] == t
        assert curve.survival[i] == pytest.approx(s, abs=1e-12)
        if s > 0:
            assert curve.se[i] == pytest.approx(s * math.sqrt(g), abs=1e-12)
    assert np.all(np.diff(curve.survival) <= 0)
    assert np.all((curve.low >= 0) & (curve.low <= curve.survival + 1e-12))
    assert np.all((curve.high <= 1) & (curve.high >= curve.survival - 1e-12))
    assert curve.median.interval.low <= curve.median.estimate <= curve.median.interval.high


def test_log_log_limits_equal_statsmodels() -> None:
    time, closed, group = _data("surv-veteran")
    curve = survival_curve(time[group == 1], closed[group == 1])
    theirs = SurvfuncRight(time[group == 1], closed[group == 1].astype(int))
    with np.errstate(all="ignore"):  # statsmodels takes the logarithm of the curve's last zero
        low, high = theirs.quantile_ci(0.5, method="cloglog")
    assert (curve.median.interval.low, curve.median.interval.high) == (low, high)


@given(tickets, st.floats(0.5, 8))
def test_restricted_mean_equals_a_plain_loop(rows: list[tuple[int, bool]], horizon: float) -> None:
    """Area by steps, and A_i^2 d_i / (n_i (n_i - d_i)) summed over the steps before the horizon."""
    time, closed = [float(t) for t, _ in rows], [c for _, c in rows]
    steps = _loop_curve(time, closed)
    if horizon > max(time) and steps[-1][1] > 0:
        with pytest.raises(DataError, match="still open"):
            survival_curve(time, closed).rmst(horizon)
        return

    def area(start: float) -> float:
        edges = sorted({start, horizon, *(t for t, _, _ in steps if start < t < horizon)})
        total = 0.0
        for a, b in itertools.pairwise(edges):
            total += (b - a) * ([1.0] + [s for t, s, _ in steps if t <= a])[-1]
        return total

    variance = 0.0
    for t, _, _ in steps:
        n = sum(v >= t for v in time)
        d = sum(v == t and c for v, c in zip(time, closed, strict=True))
        if t <= horizon and d and n > d:
            variance += area(t) ** 2 * d / (n * (n - d))
    r = survival_curve(time, closed).rmst(horizon)
    assert r.estimate == pytest.approx(area(0.0), rel=1e-12)
    low = max(0.0, area(0.0) - 1.959963984540054 * math.sqrt(variance))
    assert r.interval.low == pytest.approx(low, rel=1e-9, abs=1e-9)


def test_without_censoring_it_is_the_plain_mean() -> None:
    """The variance is then that of a mean with divisor n: what lifelines' RMST variance misses by a factor n."""
    time = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 3.0])
    r = survival_curve(time).rmst(16.0)
    assert r.estimate == pytest.approx(time.mean(), rel=1e-12)
    assert (r.interval.high - r.interval.low) / 2 / 1.959963984540054 == pytest.approx(
        math.sqrt(time.var() / 6), rel=1e-9
    )
    assert survival_curve(time).rmst(40.0).estimate == pytest.approx(time.mean())


def test_edges() -> None:
    nobody = survival_curve([3.0, 5.0], [False, False])
    assert nobody.notes[0].code == "none-closed"
    assert nobody.median.estimate == math.inf
    assert list(nobody.survival) == [1.0, 1.0]
    r = nobody.rmst(5.0)
    assert (r.estimate, r.interval.low, r.notes[0].code) == (5.0, 5.0, "no-scatter")
    at_once = survival_curve([0.0, 0.0, 2.0])
    assert at_once.survival[0] == pytest.approx(1 / 3)
    one = survival_curve([4.0])
    assert (one.survival[0], one.low[0], one.high[0], one.median.estimate) == (0.0, 0.0, 1.0, 4.0)
    assert "median time" in one.summary()
    assert list(one.to_frame().columns) == ["time", "at_risk", "events", "survival", "se", "low", "high"]
    stored = json.loads(survival_curve([1.0, 2.0], [True, False]).to_json())
    assert stored["schema"] == "qstats.survival_curve/1"
    assert stored["median"]["interval"]["high"] == "Infinity"


def test_any_unit_gives_the_same_mean() -> None:
    time, closed = np.array([1.0, 2.0, 4.0, 4.0, 7.0]), [True, False, True, True, False]
    plain = survival_curve(time, closed).rmst(6.0)
    for unit in (1e-200, 1e200):
        r = survival_curve(unit * time, closed).rmst(6.0 * unit)
        assert (r.estimate, r.interval.low) == pytest.approx(
            (unit * plain.estimate, unit * plain.interval.low), rel=1e-9
        )


def test_logrank_shows_itself() -> None:
    r = logrank([1.0, 2.0, 3.0, 4.0], None, ["b", "a", "b", "a"])
    assert r.groups == ("a", "b")
    assert list(r.to_frame()["observed"]) == [2.0, 2.0]
    assert "chi-square, df" in r.summary()
    assert json.loads(r.to_json())["schema"] == "qstats.logrank/1"
    with pytest.raises(ValueError, match="read-only"):
        r.observed[0] = 9.0


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([-1.0, 2.0],), {}, "closed before opened"),
        (([1.0, 2.0], [True]), {}, "closed: 1 values came for 2"),
        (([1.0, 2.0], [1, 2]), {}, "closed: 2"),
        (([1.0, 2.0], ["yes", "no"]), {}, "closed: got text"),
        (([1.0, math.inf],), {}, "time: inf"),
        (([],), {}, "time: 0 values"),
        (([1.0],), {"transform": "logit"}, "transform"),
        (([1.0],), {"confidence": 1.0}, "confidence"),
    ],
)
def test_bad_curves(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        survival_curve(*args, **kwargs)


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        (([1, 2], None, ["a", "a"]), {}, "only 'a'"),
        (([1, 2], None, ["a"]), {}, "group: got shape"),
        (([1, 2], None, ["a", None]), {}, "group: 1 labels are missing"),
        (([1, 2], None, [1.0, float("nan")]), {}, "group: 1 labels are missing"),
        (([1, 2], None, ["a", "b"]), {"weight": "wilcoxon"}, "weight"),
        (([1, -2], None, ["a", "b"]), {}, "closed before opened"),
    ],
)
def test_bad_logrank(args: tuple[Any, ...], kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        logrank(*args, **kwargs)
