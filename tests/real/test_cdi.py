"""Hospital infections (C. difficile) per patient day: 24 months, an intervention, 12 months.

Data: `cdi` of the R package qicharts2 (GPL), monthly cases and risk days at one hospital, 2012-11 to 2015-10. Not part
of the project. Totals come from the csv module, the exact interval from its definition in scipy.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

import qstats

FILE = Path(__file__).parents[3] / "shared" / "data" / "health_spc" / "qicharts2_cdi.csv"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason=f"{FILE.name} is not beside this checkout"),
]
COLUMNS = qstats.LogColumns(date="month", events="n", exposure_date="month", exposure="days")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judge(action: str = "2014-11-01", last: str = "2014-10-31", horizon: str = "2015-10-31", **more: Any) -> Any:
    plan = qstats.VerificationPlan("Fewer infections?", action, ("2012-11-01", last), horizon, **more)
    data = qstats.read_table(FILE)
    return qstats.verify_improvement(plan, data, exposure=data, columns=COLUMNS)


def test_totals_and_crude_ratio(rows: list[dict[str, str]]) -> None:
    v = judge()
    cells = []
    for phase, period in (("baseline", "pre"), ("after", "post")):
        own = [r for r in rows if r["period"] == period]
        n, days = sum(int(r["n"]) for r in own), sum(float(r["days"]) for r in own)
        got = next(p for p in v.phases if p.name == phase)
        assert (got.events, got.exposure) == (n, pytest.approx(days, rel=1e-12))
        cells.append((n, days))
    (y0, t0), (y, t) = cells
    exact = stats.binomtest(y, y + y0).proportion_ci(0.95, method="exact")
    assert v.crude.estimate == pytest.approx(y / t * t0 / y0, rel=1e-12)
    # months scatter more than Poisson, so the interval is wider than that of counts alone
    low, high = (bound / (1 - bound) * t0 / t for bound in (exact.low, exact.high))
    assert 0.8 * low < v.crude.interval.low < low < high < v.crude.interval.high < 1.2 * high


@pytest.mark.parametrize("trend", ["auto", "none"])
def test_the_intervention_is_found_but_not_proven(trend: str) -> None:
    v = judge(trend=trend)
    assert v.state == "effective"
    assert v.strength in ("confirmed", "verified")
    assert v.primary.interval.high < 1.0
    assert v.grade == "C"  # nobody froze a plan
    assert "W-POSTHOC" in v.warnings


@pytest.mark.parametrize("month", ["2013-10", "2013-11", "2013-12", "2014-01", "2014-02", "2014-03", "2014-04"])
def test_a_date_without_an_action_is_no_success(month: str) -> None:
    action = dt.date.fromisoformat(f"{month}-01")  # inside the baseline, where nothing was done
    v = judge(str(action), str(action - dt.timedelta(1)), "2014-10-31", season="none")
    assert v.state != "effective"


def test_looking_before_the_horizon_is_early() -> None:
    v = judge(horizon="2016-04-30")
    assert (v.state, v.reason) == ("inconclusive", "horizon")
    assert "W-PEEK" in v.warnings
