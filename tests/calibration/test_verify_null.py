"""Nothing was done: how often does the whole pipeline say "effective"? The traps of complaint data, one by one.

Rates a plain test gives in these traps (simulated, nominal 2.5 %): scatter 2 and 4 times Poisson 8 and
14.5 %, season of 20 % six months against six 48 %, volume down by a fifth 44 %, the trigger month as baseline 39 %.
Months that hang together by 0.6 (log-normal, sd 0.25): a plain test 17 %; the regression promises at most 4.5 %.
"""

import os
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from qstats import LogColumns, VerificationPlan, verify_improvement

pytestmark = pytest.mark.calibration
RUNS = 2000 if os.environ.get("QSTATS_CALIBRATE") == "full" else 150
MEAN = 25.0
COLUMNS = LogColumns(events="n", exposure="units")

Draw = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]


def _plain(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.poisson(MEAN, n), np.full(n, 1000.0)


def _scattered(times: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.poisson(rng.gamma(MEAN / (times - 1), times - 1, n)), np.full(n, 1000.0)

    return draw


def _seasonal(amplitude: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        # highest in autumn, so that the second half of a year is worse than the first half of the next
        return rng.poisson(MEAN * (1 - amplitude * np.sin(2 * np.pi * np.arange(n) / 12))), np.full(n, 1000.0)

    return draw


def _persistent(rho: float) -> Draw:
    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        z = rng.standard_normal(n)
        for t in range(1, n):
            z[t] = rho * z[t - 1] + (1 - rho**2) ** 0.5 * z[t]
        return rng.poisson(MEAN * np.exp(0.25 * z)), np.full(n, 1000.0)

    return draw


def _shrinking(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    units = np.where(np.arange(n) < n - 12, 1000.0, 800.0)
    return rng.poisson(MEAN * units / 1000.0), units


def _judge(counts: np.ndarray, units: np.ndarray, start: str, **plan: object) -> str:
    months = pd.date_range(start, periods=counts.size, freq="MS")
    table = pd.DataFrame({"date": months, "n": counts, "units": units})
    declared = VerificationPlan("?", **plan).freeze(on="2023-12-01")  # type: ignore[arg-type]
    return verify_improvement(declared, table, exposure=table, columns=COLUMNS, full=False).state


def _share(judge: Callable[[], str]) -> float:
    return sum(judge() == "effective" for _ in range(RUNS)) / RUNS


ALLOWED = 0.025 + 3 * (0.025 * 0.975 / RUNS) ** 0.5  # 2.5 % on the side of improvement, three Monte Carlo errors


@pytest.mark.parametrize(
    "draw",
    [_plain, _scattered(2.0), _scattered(4.0), _seasonal(0.3), _shrinking],
    ids=["plain", "scatter-2", "scatter-4", "season-30%", "volume-20%"],
)
def test_year_against_year(draw: Draw) -> None:
    rng = np.random.default_rng(20260101)
    plan = {"action_date": "2024-01-01", "baseline": ("2023-01-01", "2023-12-31"), "horizon": "2024-12-31"}
    assert _share(lambda: _judge(*draw(rng, 24), "2023-01-01", **plan)) <= ALLOWED


@pytest.mark.parametrize("rho", [0.3, 0.6])
def test_months_that_hang_together(rho: float) -> None:
    rng = np.random.default_rng(20260606)
    plan = {"action_date": "2024-01-01", "baseline": ("2022-01-01", "2023-12-31"), "horizon": "2024-12-31"}
    got = _share(lambda: _judge(*_persistent(rho)(rng, 36), "2022-01-01", **plan))
    assert got <= 0.045 + 3 * (0.045 * 0.955 / RUNS) ** 0.5


def test_half_year_against_half_year_with_a_season_is_blocked() -> None:
    rng = np.random.default_rng(7)
    plan = {"action_date": "2024-01-01", "baseline": ("2023-07-01", "2023-12-31"), "horizon": "2024-06-30"}
    draw = _seasonal(0.2)

    def judge() -> str:
        counts, units = draw(rng, 18)
        return _judge(counts[6:], units[6:], "2023-07-01", **plan)

    assert _share(judge) == 0.0


def test_action_triggered_by_a_peak() -> None:
    """The action starts after the first month beyond mean + 2 sd; that month is the trigger window, not baseline."""
    rng = np.random.default_rng(99)

    def judge() -> str:
        counts, units = _plain(rng, 24)
        counts[11] = MEAN + 2 * MEAN**0.5 + rng.integers(0, 8)  # a peak in the last month before the action
        plan = {
            "action_date": "2024-01-01",
            "baseline": ("2023-01-01", "2023-12-31"),
            "trigger_window": ("2023-12-01", "2023-12-31"),
            "horizon": "2024-12-31",
        }
        return _judge(counts, units, "2023-01-01", **plan)

    assert _share(judge) <= ALLOWED


def test_a_real_effect_is_found() -> None:
    """Power: a halved rate of 25 a month, a year against a year, is practically always found."""
    rng = np.random.default_rng(3)
    plan = {"action_date": "2024-01-01", "baseline": ("2023-01-01", "2023-12-31"), "horizon": "2024-12-31"}

    def judge() -> str:
        counts = np.concatenate([rng.poisson(MEAN, 12), rng.poisson(MEAN / 2, 12)])
        return _judge(counts, np.full(24, 1000.0), "2023-01-01", **plan)

    # about 7 % of stable baselines of twelve points show a chance signal and keep the verdict at "inconclusive"
    assert _share(judge) > 0.8
