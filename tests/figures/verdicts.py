"""Verdicts on every kind of metric, with guardrails, late reports and a block: made from numbers drawn here."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from qstats import Guardrail, LogColumns, Metric, Verdict, VerificationPlan, verify_improvement

MONTHS = pd.period_range("2022-01", "2024-12", freq="M")
VALUES = LogColumns(values="value")
COUNTS = LogColumns(events="n", exposure="units")
Draw = Callable[[np.random.Generator, int, bool], npt.NDArray[Any]]


def plan(**changes: Any) -> VerificationPlan:
    entries: dict[str, Any] = {
        "question": "Better?",
        "action_date": "2024-01-01",
        "baseline": ("2022-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        "trend": "none",
        **changes,
    }
    return VerificationPlan(**entries).freeze(on="2023-12-01")


def cases(draw: Draw, n: int = 100, seed: int = 1) -> pd.DataFrame:
    """n rows a month; `draw(rng, n, after)` gives their values."""
    rng = np.random.default_rng(seed)
    rows = []
    for month in MONTHS:
        days = month.start_time + pd.to_timedelta(rng.integers(0, month.days_in_month, n), unit="D")
        rows.append(pd.DataFrame({"date": days, "value": draw(rng, n, month >= pd.Period("2024-01"))}))
    return pd.concat(rows, ignore_index=True)


def scores(rng: np.random.Generator, n: int, after: bool) -> Any:
    p = [0.01] * 6 + [0.04, 0.1, 0.2, 0.35, 0.25] if after else [0.02] * 6 + [0.08, 0.15, 0.2, 0.25, 0.2]
    return rng.choice(11, n, p=p)


def minutes(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.lognormal(2.7 if after else 3.0, 0.6, n)


def defects(rng: np.random.Generator, n: int, after: bool) -> Any:
    return (rng.random(n) < (0.05 if after else 0.1)).astype(int)


def same(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.lognormal(3.0, 0.6, n)


def slower(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.lognormal(3.5 if after else 3.0, 0.6, n)


def effort(rng: np.random.Generator, n: int, after: bool) -> Any:
    return rng.integers(1, 8, n)


def nps() -> Verdict:
    return verify_improvement(
        plan(metric=Metric("NPS", "nps"), target_difference=10), cases(scores, n=60), columns=VALUES
    )


def lead_time() -> Verdict:
    return verify_improvement(
        plan(metric=Metric("处理时长", "time"), target_rr=0.8), cases(minutes, n=60), columns=VALUES
    )


def share() -> Verdict:
    return verify_improvement(plan(metric=Metric("defective", "proportion")), cases(defects), columns=VALUES)


def dpmo() -> Verdict:
    counts = pd.DataFrame({"date": [m.start_time for m in MONTHS], "n": [40] * 24 + [20] * 12, "units": 100.0})
    measured = Metric("DPMO", "dpmo", opportunities=50)
    return verify_improvement(plan(metric=measured), counts, exposure=counts, columns=COUNTS)


def guarded() -> Verdict:
    """Guardrails that pass, break, stay open and have no data; two secondary metrics; a signed record."""
    p = plan(
        metric=Metric("defective", "proportion"),
        guardrails=[
            Guardrail("lead time", "time", margin_rr=1.1),
            Guardrail("NPS after", "nps", margin=3),
            Guardrail("交付周期(含周末与节假日)", "time", margin_rr=1.2),
            Guardrail("effort", "ces", better="lower", margin=0.01),
            Guardrail("cost", "mean", better="lower", margin=2.0),
        ],
        secondary=[Metric("NPS", "nps"), Metric("late", "time"), Metric("asked", "csat", top=4)],
        record={"owner": "李工", "due": "2025-02-28", "signature": "QA-17", "site": "East"},
    )
    data = {
        "lead time": cases(same, seed=2),
        "NPS after": cases(scores, seed=3),
        "交付周期(含周末与节假日)": cases(slower, seed=4),
        "effort": cases(effort, seed=5),
    }
    asked = {"NPS": cases(scores), "late": cases(same)}
    return verify_improvement(p, cases(defects), columns=VALUES, guardrail_data=data, survey=asked)


def immature() -> Verdict:
    """Reports come forty days late on average: the last months are not yet complete."""
    rng = np.random.default_rng(3)
    date = pd.to_datetime(rng.integers(0, 1096, 2400), unit="D", origin="2022-01-01")
    received = date + pd.to_timedelta(np.floor(rng.exponential(40.0, 2400)), unit="D")
    log = pd.DataFrame({"date": date, "received": received})
    units = pd.DataFrame({"date": [m.start_time for m in MONTHS], "exposure": 1000.0})
    columns = LogColumns(received="received")
    return verify_improvement(
        plan(), log[received <= "2024-12-31"], exposure=units, columns=columns, data_date="2024-12-31"
    )


def counted(rates: npt.ArrayLike, start: str = "2022-01-01", **changes: Any) -> Verdict:
    """Months with these counts over 1000 units each."""
    n = np.asarray(rates, dtype=float)
    log = pd.DataFrame({"date": pd.date_range(start, periods=n.size, freq="MS"), "n": n, "units": 1000.0})
    return verify_improvement(plan(**changes), log, exposure=log, columns=COUNTS)


def blocked() -> Verdict:
    """Half a year against the other half: season blocks."""
    window = ("2023-07-01", "2023-12-31")
    return counted(
        [40, 42, 38, 41, 39, 40] + [15] * 6, start="2023-07-01", baseline=window, horizon="2024-06-30", trend="auto"
    )


def weekly(years: int) -> Verdict:
    rng = np.random.default_rng(5)
    n = 52 * years
    days = pd.date_range("2024-01-01", periods=n, freq="7D") - pd.Timedelta(weeks=n // 2)
    counts = rng.poisson(np.where(np.arange(n) < n // 2, 20.0, 12.0))
    log = pd.DataFrame({"date": days, "n": counts, "units": 2000.0})
    last = str((days[-1] + pd.Timedelta(days=6)).date())
    window = (str(days[0].date()), "2023-12-31")
    return verify_improvement(
        plan(baseline=window, horizon=last, period="week", season="none"), log, exposure=log, columns=COUNTS
    )
