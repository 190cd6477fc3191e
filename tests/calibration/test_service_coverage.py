"""Service levels, first contact resolution and churn on simulated logs with a known truth: bias and coverage.

Bounds are nominal values plus Monte Carlo error (four standard errors) plus the room stated beside each number.
"""

import math
import os

import numpy as np
import pytest

from qstats.voice.service.churn import churn, compare_churn
from qstats.voice.service.contact import compare_first_contact, first_contact_resolution
from qstats.voice.service.resolution import resolution_time
from qstats.voice.service.sla import sla_attainment

pytestmark = pytest.mark.calibration

RUNS = 4_000 if os.environ.get("QSTATS_CALIBRATE") == "full" else 300
NOW = np.datetime64("2024-01-01", "us")
SECOND = np.timedelta64(1, "s")
DAY = np.timedelta64(1, "D")


def error(rate: float) -> float:
    return 4.0 * math.sqrt(rate * (1 - rate) / RUNS)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261121)


def desk(rng: np.random.Generator, n: int, days: float, mean_hours: float) -> dict[str, np.ndarray]:
    """Tickets opened over the last days, exponential times; what is not closed by NOW is open."""
    opened = NOW - rng.integers(1, int(days * 86400), n) * SECOND
    ended = opened + np.ceil(rng.exponential(mean_hours * 3600, n)).astype(int) * SECOND
    return {"o": opened, "c": np.where(ended > NOW, np.datetime64("NaT", "us"), ended)}


def test_service_level_and_median_do_not_mind_open_tickets(rng: np.random.Generator) -> None:
    """Ten days, mean 60 h, within 72 h: 1 - exp(-1.2) is met, median 60 log 2; closed tickets alone are far off."""
    names = {"opened": "o", "closed": "c", "now": NOW}
    met, level, middle, naive_level, naive_middle = 1 - math.exp(-1.2), 0, 0, 0, 0
    for _ in range(RUNS):
        log = desk(rng, 200, 10, 60)
        level += met in sla_attainment(log, **names, within="72h").interval
        r = resolution_time(log, **names)
        middle += 60 * math.log(2) in r.median.interval
        closed = {k: v[~np.isnat(log["c"])] for k, v in log.items()}
        naive_level += np.mean(closed["c"] - closed["o"] <= np.timedelta64(72, "h")) > met
        naive_middle += r.naive[0] < 60 * math.log(2)
    assert level / RUNS == pytest.approx(0.95, abs=error(0.05) + 0.01)  # Wilson wavers by a point at n = 140
    assert middle / RUNS == pytest.approx(0.95, abs=error(0.05) + 0.015)  # steps of a curve: a point and a half
    assert naive_level / RUNS > 0.95
    assert naive_middle / RUNS > 0.95


def calls(rng: np.random.Generator, customers: int, spread: float) -> dict[str, np.ndarray]:
    """One matter a month for each customer, whom it makes call again with a probability of his own, mean 0.25."""
    chance = rng.beta(0.25 * spread, 0.75 * spread, customers)
    who = np.repeat(np.arange(customers), 5)
    at = NOW - (np.tile(np.arange(5) * 30 + 20, customers)) * DAY
    again = rng.random(who.size) < chance[who]
    return {"who": np.r_[who, who[again]].astype(float), "at": np.r_[at, at[again] + 2 * DAY]}


def test_first_contact_covers_with_customers_who_differ(rng: np.random.Generator) -> None:
    """Truth: a matter is 1 contact resolved, or one not and one that is: share 1 / 1.25. Plain Wilson is too short."""
    names = {"customer": "who", "opened": "at", "now": NOW}
    hit = plain = size = 0
    for _ in range(RUNS):
        log, other = calls(rng, 60, 0.6), calls(rng, 40, 0.6)
        hit += 0.8 in first_contact_resolution(log, **names).interval
        plain += 0.8 in first_contact_resolution(log, **names, clustered=False).interval
        size += compare_first_contact(log, other, **names, now0=NOW).pvalue < 0.05
    assert hit / RUNS == pytest.approx(0.95, abs=error(0.05) + 0.02)  # linearised variance of 60 clusters
    assert plain / RUNS < hit / RUNS
    assert size / RUNS == pytest.approx(0.05, abs=error(0.05) + 0.02)


@pytest.mark.parametrize(("n", "hazard"), [(40, 1 / 900), (150, 1 / 400)])
def test_churn_covers(rng: np.random.Generator, n: int, hazard: float) -> None:
    """Won evenly over three years, lost at a constant hazard; log-log limits at 40: within two points."""
    truth, hit, gap, size = 1 - math.exp(-365 * hazard), 0, 0, 0
    names = {"start": "o", "end": "c", "now": NOW, "horizon": 365}
    for _ in range(RUNS):
        log, other = (desk(rng, n, 1095, 24 / hazard) for _ in range(2))
        r = churn(log, **names)
        hit += truth in r.interval
        c = compare_churn(log, other, **names)
        gap += 0.0 in c.interval
        size += c.pvalue < 0.05
    assert hit / RUNS == pytest.approx(0.95, abs=error(0.05) + 0.02)
    assert gap / RUNS == pytest.approx(0.95, abs=error(0.05) + 0.02)
    assert size == RUNS - gap
