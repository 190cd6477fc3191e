"""Reporting delay: a plain loop, statsmodels' left-truncated product limit in reversed time, a known delay."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from qstats import DataError
from qstats.errors import TooFewData
from qstats.improve.guards.delay import reporting_delay


def drawn(seed: int = 2, n: int = 300, mean: float = 20.0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    day = np.datetime64("2024-01-01") + rng.integers(0, 120, n)
    seen = day + (rng.geometric(1 / mean, n) - 1)
    end = np.datetime64("2024-04-29")
    return day[seen <= end], seen[seen <= end], end


def test_share_equals_a_plain_loop() -> None:
    day, seen, end = drawn()
    r = reporting_delay({"e": day, "r": seen}, event="e", received="r", data_date=end, rng=1)
    d, c = (seen - day).astype(int), (end - day).astype(int)
    share = 1.0
    for k in range(int(c.max()), -1, -1):
        assert r.delay_share[k] == pytest.approx(share, rel=1e-12)
        among = sum(1 for a, b in zip(d, c, strict=True) if a <= k <= b)
        if among:
            share *= 1 - sum(1 for a in d if a == k) / among
    months = {"2024-01": 31, "2024-02": 29, "2024-03": 31, "2024-04": 29}
    for i, (month, days) in enumerate(months.items()):
        ages = [(end - (np.datetime64(f"{month}-01") + np.timedelta64(j, "D"))).astype(int) for j in range(days)]
        assert r.completeness[i] == pytest.approx(np.mean([r.delay_share[min(a, c.max())] for a in ages]), rel=1e-12)
        assert r.observed[i] == sum(str(v).startswith(month) for v in day)


def test_share_equals_statsmodels_product_limit_in_reversed_time() -> None:
    # delay D seen only if D <= C is, in time 1000 - D, a lifetime seen only if it is at least the entry 1000 - C
    day, seen, end = drawn(5)
    d, c = (seen - day).astype(int), (end - day).astype(int)
    sf = SurvfuncRight(1000.0 - d, np.ones(d.size), entry=999.5 - c)
    r = reporting_delay({"e": day, "r": seen}, event="e", received="r", data_date=end, rng=1)
    for time, alive in zip(sf.surv_times, sf.surv_prob, strict=True):
        k = 1000 - int(time)  # survival beyond 1000 - k is a delay under k
        if k > 0:
            assert r.delay_share[k - 1] == pytest.approx(alive, abs=1e-12)


def test_known_delay_is_found_and_the_plain_share_is_too_short() -> None:
    rng = np.random.default_rng(7)
    day = np.datetime64("2023-01-01") + rng.integers(0, 365, 6000)
    seen, end = day + (rng.geometric(1 / 30, 6000) - 1), np.datetime64("2023-12-31")
    ok = seen <= end
    r = reporting_delay({"e": day[ok], "r": seen[ok]}, event="e", received="r", data_date=end, rng=1)
    true = 1 - (29 / 30) ** (np.arange(120) + 1.0)
    assert np.abs(r.delay_share[:120] - true).max() < 0.02
    assert ((r.delay_low[:120] <= true) & (true <= r.delay_high[:120])).mean() > 0.85
    plain = np.array([np.mean((seen - day)[ok].astype(int) <= k) for k in range(120)])
    assert (plain[20:60] > r.delay_share[20:60] + 0.01).all()
    np.testing.assert_allclose(r.expected_events()[:-1].sum() / 6000, 11 / 12, atol=0.03)
    assert not r.mature()[-1] and r.mature()[0]
    assert (r.low <= r.completeness).all() and (r.completeness <= r.high).all()


def test_frame_counts_and_periods() -> None:
    day, seen, end = drawn(9, 200, 5.0)
    frame = pd.DataFrame({"e": day, "r": seen})
    a = reporting_delay(frame, event="e", received="r", data_date="2024-04-29", period="week", rng=1)
    packed = frame.value_counts().reset_index(name="n")
    b = reporting_delay(packed, event="e", received="r", count="n", data_date=end, period="week", rng=1)
    assert a.to_dict() == b.to_dict()
    assert all(pd.Timestamp(v).day_of_week == 0 for v in a.periods)
    assert a.observed.sum() == len(frame)
    days = reporting_delay(frame, event="e", received="r", data_date=end, period="day", rng=1)
    np.testing.assert_allclose(days.completeness[::-1][:30], days.delay_share[:30], rtol=1e-12)
    assert "last-period-open" in [n.code for n in a.notes] or pd.Timestamp(end).day_of_week == 6


def test_all_reported_at_once() -> None:
    r = reporting_delay({"e": ["2024-01-01"] * 3, "r": ["2024-01-01"] * 3}, event="e", received="r", rng=1)
    assert r.completeness.tolist() == [1.0] and r.delay_share.tolist() == [1.0]
    assert {"few-events", "data-date-assumed"} <= {n.code for n in r.notes}
    assert np.isfinite(r.low).all()


@pytest.mark.parametrize(
    ("event", "received", "kwargs", "says"),
    [
        (["2024-01-05"], ["2024-01-02"], {}, "before they happened"),
        (["2024-01-05"], ["2024-02-02"], {"data_date": "2024-01-31"}, "after the data date"),
        (["2024-01-05", None], ["2024-02-02", "2024-02-03"], {}, "1 events have no date"),
        (["2024-01-05"], ["2024-02-02", "2024-02-03"], {}, "one pair per event"),
        (["2024-01-05"], ["2024-02-02"], {"period": "year"}, "period"),
        (["1984-01-05"], ["2024-02-02"], {}, "over ten years"),
        (["05/01/2024"], ["2024-02-02"], {}, "no date"),
    ],
)
def test_bad_dates_are_named(event: list[str], received: list[str], kwargs: dict[str, str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        reporting_delay({"e": event, "r": received}, event="e", received="r", **kwargs)  # type: ignore[arg-type]


def test_other_bad_input() -> None:
    with pytest.raises(DataError, match="has no 'x'"):
        reporting_delay({"e": [], "r": []}, event="x", received="r")
    with pytest.raises(TooFewData, match="no event"):
        reporting_delay({"e": [], "r": []}, event="e", received="r")
    with pytest.raises(DataError, match="a table"):
        reporting_delay([1, 2], event="e", received="r")
    with pytest.raises(DataError, match="column of the event too"):
        reporting_delay({"e": ["2024-01-01"]}, event="e", received="e")
