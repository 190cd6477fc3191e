"""Time to resolution: R survRM2 and survdiff, statsmodels quantiles, bias of closed tickets, cohorts, comparisons."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from qstats.errors import DataError, TooFewData
from qstats.inference.equivalence import noninferiority
from qstats.voice.service.resolution import first_response, resolution_time
from qstats.voice.service.resolution_compare import compare_resolution_time

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference" / "means_times.json").read_text(encoding="utf-8"))[
        "cases"
    ]
}
NOW = np.datetime64("2024-01-01", "us")
DAY = np.timedelta64(1, "D")
NAMES = {"opened": "o", "closed": "c", "now": "2024-01-01", "unit": "days"}


def tickets(days, closed):
    """Tickets last seen at NOW whose times in days are those given."""
    days, closed = np.asarray(days), np.asarray(closed, dtype=bool)
    opened = NOW - np.round(days * 86400).astype(int) * np.timedelta64(1, "s")
    return {"o": opened, "c": np.where(closed, NOW, np.datetime64("NaT", "us"))}


def veteran():
    i = CASES["surv-veteran"]["inputs"]
    return np.array(i["time"], dtype=float), np.array(i["status"]) == 1, np.array(i["group"])


def test_mean_to_the_horizon_equals_survrm2():
    # R survRM2 on survival::veteran, tau 500: 122.98995 (SE 14.41283) and 122.35693 (17.88809).
    time, closed, group = veteran()
    for label, mean, se in ((np.unique(group)[0], 122.98995, 14.41283), (np.unique(group)[1], 122.35693, 17.88809)):
        r = resolution_time(tickets(time[group == label], closed[group == label]), **NAMES, horizon=500)
        assert r.mean.estimate == pytest.approx(mean, abs=5e-6)
        z = stats.norm.ppf(0.975)
        assert (r.mean.interval.low, r.mean.interval.high) == pytest.approx((mean - z * se, mean + z * se), abs=2e-4)


def test_quantiles_equal_statsmodels():
    time, closed, group = veteran()
    which = group == np.unique(group)[0]
    sf = SurvfuncRight(time[which], closed[which].astype(int))
    r = resolution_time(tickets(time[which], closed[which]), **NAMES, quantiles=(0.25, 0.5, 0.9))
    assert [e.name for e in r.quantiles] == ["p25", "median", "p90"]
    for q, e in zip((0.25, 0.5, 0.9), r.quantiles, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):  # of statsmodels, where the curve has come down to zero
            low, high = sf.quantile_ci(q, method="cloglog")
        assert e.interval.low == pytest.approx(low)
        assert e.interval.high == pytest.approx(high)
        assert e.estimate == pytest.approx(sf.quantile(q))
    assert r.median.interval.low == r.quantiles[1].interval.low


def test_a_quantile_on_a_step_is_midway():
    # Four closed at 1, 2, 3, 4: half are done at 2, and the curve rests there until 3 (as R's quantile.survfit).
    r = resolution_time(tickets([1, 2, 3, 4], [1, 1, 1, 1]), **NAMES, quantiles=(0.5, 0.6, 1 / 4))
    assert [e.estimate for e in r.quantiles] == [2.5, 3.0, 1.5]


def test_open_tickets_are_not_left_out():
    r = resolution_time(tickets([1, 2, 3, 30, 30, 30], [1, 1, 1, 0, 0, 0]), **NAMES)
    assert r.naive == (2.0, pytest.approx(3.0))
    assert r.median.estimate == 3.0
    assert math.isinf(r.quantiles[1].estimate)
    codes = {n.code for n in r.notes}
    assert {"closed-only-biased", "quantile-not-reached"} <= codes
    assert "more than was seen" in r.summary()
    nothing = resolution_time(tickets([1, 2], [0, 0]), **NAMES)
    assert "none-closed" in {n.code for n in nothing.notes}
    assert nothing.naive == (None, None)
    assert json.loads(nothing.to_json())["quantiles"][0]["estimate"] == "Infinity"


def queue(seed, n=3000, hours=100.0):
    rng = np.random.default_rng(seed)
    opened = NOW - 400 * DAY + np.sort(rng.integers(0, 400 * 86400, n)) * np.timedelta64(1, "s")
    ended = opened + np.round(rng.exponential(hours * 3600, n)).astype(int) * np.timedelta64(1, "s")
    return {"o": opened, "c": ended}, opened, ended


def test_open_tickets_and_cohorts_by_closing_date():
    # True median of an exponential: log(2) times its mean, 69.3 h.
    full, _, ended = queue(3)
    as_of = {"opened": "o", "closed": "c", "now": "2024-01-01"}
    r = resolution_time(full, **as_of, start="2023-12-25")  # the last week: many still open
    assert r.median.interval.low < 100 * math.log(2) < r.median.interval.high
    assert r.naive[0] < r.median.interval.low
    closed = resolution_time(full, **as_of, start="2023-12-25", stop="2024-01-01", cohort="closed")
    assert "closing-date-cohort" in {n.code for n in closed.notes if n.severity == "serious"}
    assert closed.n == np.count_nonzero((ended >= NOW - 7 * DAY) & (ended < NOW))
    # A desk that opened two days ago: what it closed so far are the fast ones.
    new = {k: v[full["o"] >= NOW - 2 * DAY] for k, v in full.items()}
    assert resolution_time(new, **as_of, start="2023-12-01", cohort="closed").quantiles[1].estimate < 48
    assert resolution_time(new, **as_of).median.interval.high > 48
    # An old backlog closed on one day makes it look slow, though the tickets of that week took a day each.
    old = NOW - 300 * DAY + np.arange(50) * np.timedelta64(1, "h")
    week = NOW - 6 * DAY + np.arange(40) * np.timedelta64(1, "h")
    cleared = {"o": np.r_[old, week], "c": np.r_[np.full(50, NOW - 2 * DAY), week + DAY]}
    assert resolution_time(cleared, **as_of, start="2023-12-25").median.estimate == 24
    assert resolution_time(cleared, **as_of, start="2023-12-25", cohort="closed").median.estimate > 6000
    with pytest.raises(DataError, match="without start="):
        resolution_time(full, **as_of, cohort="closed")


@pytest.mark.parametrize("seed", range(5))
def test_a_table_of_closed_tickets_gives_itself_away(seed):
    full, _, ended = queue(seed)
    done = {k: v[ended <= NOW] for k, v in full.items()}
    r = resolution_time(done, opened="o", closed="c")
    assert "open-left-out" in {n.code for n in r.notes}
    complete = {k: v[: 3000 // 2] for k, v in full.items()}  # opened long ago, all closed since
    assert "open-left-out" not in {n.code for n in resolution_time(complete, opened="o", closed="c", now=NOW).notes}
    assert "open-left-out" not in {n.code for n in resolution_time(complete, opened="o", closed="c").notes}


def test_groups_with_the_log_rank_test():
    # R survival 3.5.3, survdiff(Surv(time, status) ~ trt, veteran).
    time, closed, group = veteran()
    log = tickets(time, closed) | {"处理组": [f"第{g}组" for g in group]}
    t = resolution_time(log, **NAMES, by="处理组", horizon=500)
    assert t.logrank.statistic == pytest.approx(CASES["surv-veteran"]["expected"]["chisq"], rel=1e-9)
    assert t.results[0].mean.estimate == pytest.approx(122.98995, abs=5e-6)
    assert t.total.n == time.size
    assert {"segment", "median", "p90 high", "open"} <= set(t.to_frame().columns)
    assert "log-rank" in t.summary()
    json.loads(t.to_json())
    with pytest.raises(DataError, match=r"group '第.组': horizon: got 9000"):
        resolution_time(
            tickets([9100, 1, 2], [0, 1, 0]) | {"g": ["第1组", "第1组", "第2组"]}, **NAMES, by="g", horizon=9000
        )


def test_units_and_plot():
    log = tickets([1, 2, 4], [1, 1, 0])
    for unit, factor in (("days", 1), ("hours", 24), ("minutes", 1440), ("weeks", 1 / 7), ("seconds", 86400)):
        r = resolution_time(log, **NAMES | {"unit": unit}, horizon=3 * factor)
        assert r.median.estimate == pytest.approx(2 * factor)
        assert r.mean.estimate == pytest.approx(2 * factor)  # 1 + 2/3 + 1/3
    assert r.plot().get_title(loc="left")
    with pytest.raises(DataError, match="unit"):
        resolution_time(log, **NAMES | {"unit": "months"})
    for bad in (0, -1, math.nan, "5"):
        with pytest.raises(DataError, match="horizon"):
            resolution_time(log, **NAMES, horizon=bad)


def test_first_response():
    log = tickets([1, 2, 3, 8, 8], [1, 1, 1, 0, 0])
    log["done"] = np.array([NOW, NOW, NOW, NOW - 3 * DAY, np.datetime64("NaT", "s")])
    r = first_response(log, opened="o", responded="c", closed="done", now=NOW, unit="days")
    assert (r.n, r.closed, r.waiting) == (5, 3, 2)
    assert r.curve.time.tolist() == [1, 2, 3, 5, 8]  # the one closed without an answer waited five days
    assert "closed-unanswered" in {n.code for n in r.notes}
    assert r.title == "Time to first response (days)"
    plain = first_response(log, opened="o", responded="c", now=NOW, unit="days")
    assert plain.curve.time.tolist() == [1, 2, 3, 8]
    with pytest.raises(DataError, match=r"responded \(column 'c'\) before opened"):
        first_response(
            {"o": ["2024-01-02"], "c": ["2024-01-01"]}, opened="o", responded="c", now="2024-02-01", unit="days"
        )
    with pytest.raises(DataError, match=r"closed \(column 'done'\) before opened"):
        first_response(log | {"done": log["o"] - DAY}, opened="o", responded="c", closed="done", now=NOW)


def test_compare_two_groups_of_veteran():
    time, closed, group = veteran()
    one, two = np.unique(group)
    options = {"horizon": 500, **NAMES}
    log = tickets(time, closed) | {"g": [str(g) for g in group]}
    r = compare_resolution_time(log, **options, by="g", reference=two)
    # Means and standard errors by R survRM2 (above).
    d, se = 122.98995 - 122.35693, math.hypot(14.41283, 17.88809)
    assert r.estimate == pytest.approx(d, abs=1e-5)
    assert r.pvalue == pytest.approx(2 * stats.norm.sf(d / se), abs=1e-6)
    z = stats.norm.ppf(0.975)
    assert (r.interval.low, r.interval.high) == pytest.approx((d - z * se, d + z * se), abs=1e-4)
    assert r.other.estimate == pytest.approx(122.98995 / 122.35693, abs=1e-7)
    assert r.logrank.statistic == pytest.approx(CASES["surv-veteran"]["expected"]["chisq"], rel=1e-9)
    assert r.groups == (str(one), str(two))
    assert [c.n for c in r.curves] == [np.count_nonzero(group == one), np.count_nonzero(group == two)]
    apart = compare_resolution_time(
        tickets(time[group == one], closed[group == one]), tickets(time[group == two], closed[group == two]), **options
    )
    assert (apart.estimate, apart.pvalue) == (r.estimate, r.pvalue)
    ratio = compare_resolution_time(log, **options, by="g", reference=two, measure="rmst_ratio")
    assert (ratio.estimate, ratio.other.estimate) == (r.other.estimate, r.estimate)
    assert "log-rank" in ratio.summary()
    assert {"estimate", "logrank pvalue"} <= set(r.to_frame().columns)
    json.loads(r.to_json())
    assert r.plot().get_xlabel()


def test_compare_after_a_change():
    log, opened, ended = queue(7)
    faster = opened >= NOW - 200 * DAY
    log["c"] = np.where(faster, opened + (ended - opened) // 2, ended)
    r = compare_resolution_time(
        log, opened="o", closed="c", now=NOW, change=NOW - 200 * DAY, horizon=200, measure="rmst_ratio"
    )
    # Exponential with mean m: mean to the horizon m (1 - exp(-200 / m)); m = 50 against 100.
    true = 50 * -math.expm1(-4) / (100 * -math.expm1(-2))
    assert r.interval.low < true < r.interval.high
    assert r.pvalue < 1e-6
    shown = noninferiority(
        compare_resolution_time, log, margin=1.1, better="lower", opened="o", closed="c", now=NOW,
        change=NOW - 200 * DAY, horizon=200, measure="rmst_ratio",
    )  # fmt: skip
    assert shown.shown


times = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=2, max_size=25)


@given(times, times, st.sampled_from([0.8, 0.9, 0.95, 0.99]), st.sampled_from(["two-sided", "less", "greater"]))
@settings(max_examples=80)
def test_interval_and_pvalue_agree(a, b, confidence, alternative):
    one, two = (tickets([t for t, _ in x] + [50], [c for _, c in x] + [0]) for x in (a, b))
    options = {**NAMES, "horizon": 30, "confidence": confidence, "alternative": alternative}
    flat = [not any(ended and t < 30 for t, ended in x) for x in (a, b)]
    if all(flat):  # nothing ended before the horizon
        with pytest.raises(TooFewData, match="nothing varies"):
            compare_resolution_time(one, two, **options)
        return
    r = compare_resolution_time(one, two, **options)
    if r.interval.high - r.interval.low > 1e-9:
        assert (r.pvalue < 1 - confidence) == (not r.interval.low <= 0 <= r.interval.high)
    wider = compare_resolution_time(one, two, **options | {"confidence": confidence + (1 - confidence) / 2})
    assert wider.interval.low <= r.interval.low
    assert wider.interval.high >= r.interval.high
    if alternative == "two-sided":
        swap = compare_resolution_time(two, one, **options)
        assert (swap.estimate, swap.pvalue) == pytest.approx((-r.estimate, r.pvalue), abs=1e-12)


def test_a_far_epoch_changes_nothing():
    log = {"o": np.array(["9000-01-01", "9000-01-02"], "datetime64[us]")}
    log["c"] = log["o"] + np.timedelta64(3, "us")
    r = resolution_time(log, opened="o", closed="c", unit="seconds", now="9001-01-01")
    assert r.median.estimate == pytest.approx(3e-6)


def test_one_ticket_and_a_single_group():
    assert resolution_time(tickets([3], [1]), **NAMES).median.estimate == 3.0
    with pytest.raises(DataError, match="one group only"):
        resolution_time(tickets([3], [1]) | {"g": ["a"]}, **NAMES, by="g")
    with pytest.raises(TooFewData, match="no row"):
        resolution_time({"o": [], "c": []}, opened="o", closed="c")


@pytest.mark.parametrize("measure", ["rmst_difference", "rmst_ratio"])
def test_times_that_do_not_vary_claim_no_certainty(measure):
    log = {"o": ["2024-05-01"] * 6, "c": ["2024-05-02", "2024-05-03"] * 3, "g": list("abababab"[:6])}
    options = {"opened": "o", "closed": "c", "by": "g", "reference": "b", "horizon": 5, "unit": "days"}
    with pytest.raises(TooFewData, match="nothing varies: up to 5 days all tickets of 'a' took equally long"):
        compare_resolution_time(log, **options, measure=measure, now="2024-05-20")
    log["c"][0] = "2024-05-04"
    assert 0.0 < compare_resolution_time(log, **options, measure=measure, now="2024-05-20").pvalue < 1.0


def test_a_null_beyond_the_horizon_is_refused():
    log = {"opened": ["2024-05-01"] * 4, "team": ["a", "b"] * 2, "closed": [f"2024-05-0{d}" for d in (2, 5, 3, 5)]}
    options = {"opened": "opened", "closed": "closed", "by": "team", "reference": "b", "horizon": 3, "unit": "days"}
    assert compare_resolution_time(log, **options, null=-3).null == -3.0
    with pytest.raises(DataError, match=r"null: got -4; .*-3 to 3 is wanted"):
        compare_resolution_time(log, **options, null=-4)
