"""Day and month swapped while the dates were read: found by the pattern they leave in the calendar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.keyed import f_sf
from qstats.improve.verify.reading import DAY, Days

__all__ = ["Swapped", "calendar_finding", "swapped_days"]

P_WANTED = 1e-4
_BETTER = 1.0 / 3.0  # of the chi-square, once swapped back
_LAST_MONTH = 12  # days beyond cannot be a month
# days beyond the 12th cannot be swapped: how unlike are classes of them? Half months for the course of the months, as
# bursts last for days; shorter blocks for the week, where there is no such memory
_HALVES = (12, 22)
_BLOCKS = (12, 15, 18, 21, 24, 27)
_LEAST_ROWS = 100.0
_LEAST_DAYS = 40
_LEAST_WEEKDAYS = 4  # fewer: counts by week or month, not by day
_LEAST_OUTSIDE = 10.0  # all of them on days up to 12: chance (12/30)^10
_INSIDE = 0.95
_ROUNDS = 30


@dataclass(frozen=True, slots=True)
class Swapped:
    """Days that look as if day and month had been swapped.

    Parameters
    ----------
    rows : float
        Rows concerned: day 12 or less, and not equal to the month.
    chi2, chi2_back : float
        How unlike these rows are to those on later days, over the week or over the months, as recorded and swapped
        back; both over the dispersion of the later days among themselves.
    pvalue : float
    """

    rows: float
    chi2: float
    chi2_back: float
    pvalue: float


def _parts(days: Days) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Year (since 1970), month 1-12 and day of the month."""
    months = days.astype("datetime64[M]")
    number = months.astype(np.int64)
    return number // 12, number % 12 + 1, (days - months.astype("datetime64[D]")).astype(np.int64) + 1


def _can_swap(days: Days) -> BoolArray:
    _, month, day = _parts(days)
    return np.asarray((day <= _LAST_MONTH) & (day != month), dtype=bool)


def _swapped_back(days: Days) -> Days:
    """Swap day and month wherever both readings are dates."""
    year, month, day = _parts(days)
    some = _can_swap(days)
    new = (year * 12 + np.where(some, day, month) - 1).astype("datetime64[M]").astype("datetime64[D]")
    return np.asarray(new + (np.where(some, month, day) - 1) * DAY)


@dataclass(frozen=True, slots=True, eq=False)
class _Daily:
    """Counts of every day from the first to the last, and what the calendar says of the day.

    `free`: can be swapped; `sure`: cannot (beyond the 12th).
    """

    count: FloatArray
    free: BoolArray
    sure: BoolArray
    day: npt.NDArray[np.int64]
    weekday: npt.NDArray[np.int64]
    month: npt.NDArray[np.int64]

    @classmethod
    def of(cls, days: Days, weight: FloatArray) -> _Daily:
        first = days.min()
        place = (days - first).astype(np.int64)
        count = np.bincount(place, weights=weight).astype(np.float64)
        each = first + np.arange(count.size) * DAY
        _, _, day = _parts(each)
        weekday = (each.astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday; Monday is 0
        month = each.astype("datetime64[M]").astype(np.int64)
        return cls(count, _can_swap(each), day > _LAST_MONTH, day, np.asarray(weekday), month - month[0])

    def against_sure(self) -> tuple[BoolArray, ...]:
        """Days that can be swapped, and those that cannot."""
        return self.free, self.sure

    def among_sure(self, edges: tuple[int, ...]) -> tuple[BoolArray, ...]:
        """Days that cannot be swapped, in blocks that begin after these days of the month."""
        return tuple((self.day > low) & (self.day <= high) for low, high in zip(edges, (*edges[1:], 31), strict=True))


def _unlike(daily: _Daily, level: npt.NDArray[np.int64], classes: tuple[BoolArray, ...]) -> tuple[float, float]:
    """Chi-square and df of classes of days having the same course over `level`, by the days each holds."""
    size = int(level.max()) + 1
    n = np.array([np.bincount(level[c], minlength=size) for c in classes], dtype=np.float64)
    y = np.array([np.bincount(level[c], weights=daily.count[c], minlength=size) for c in classes])
    use = (n > 0).all(axis=0) & (y.sum(axis=0) > 0)
    n, y = n[:, use], y[:, use]
    n, y = n[y.sum(axis=1) > 0], y[y.sum(axis=1) > 0]
    if min(y.shape) < 2:
        return 0.0, 0.0
    row = y.sum(axis=1) / n.sum(axis=1)
    column = np.ones(n.shape[1])
    for _ in range(_ROUNDS):  # proportional fitting with the days as offset
        column = y.sum(axis=0) / (row[:, None] * n).sum(axis=0)
        row = y.sum(axis=1) / (column * n).sum(axis=1)
    mean = row[:, None] * column * n
    return float(((y - mean) ** 2 / mean).sum()), float((y.shape[0] - 1) * (y.shape[1] - 1))


def _part(now: _Daily, back: _Daily, what: str, edges: tuple[int, ...]) -> tuple[float, float, float]:
    """P-value of the week or the months being unlike, its chi-square, and that once swapped back."""
    level, level_back = getattr(now, what), getattr(back, what)
    chi2, df = _unlike(now, level, now.against_sure())
    noise, df_noise = _unlike(now, level, now.among_sure(edges))
    if df == 0 or df_noise == 0:
        return 1.0, 0.0, 0.0
    phi = max(1.0, noise / df_noise)
    chi2_back, _ = _unlike(back, level_back, back.against_sure())
    return f_sf(chi2 / df / phi, df, df_noise), chi2 / phi, chi2_back / phi


def _roughness(daily: _Daily, week: FloatArray) -> float:
    """Squared residuals of the days around a week's moving level times the weekday, on the root scale."""
    factor = np.maximum(week[daily.weekday], 0.02)
    window = np.ones(7)
    level = np.convolve(daily.count, window, "same") / np.convolve(factor, window, "same")
    residual = np.sqrt(daily.count + 0.375) - np.sqrt(level * factor + 0.375)
    return float((residual**2).mean())


def _week(daily: _Daily) -> FloatArray:
    """Weekday pattern of the days that cannot be swapped."""
    sure = daily.sure
    n = np.bincount(daily.weekday[sure], minlength=7)
    mean = np.bincount(daily.weekday[sure], weights=daily.count[sure], minlength=7) / np.maximum(n, 1)
    return np.asarray(mean / mean.mean()) if mean.any() else np.ones(7)


def swapped_days(days: Days, weight: FloatArray) -> Swapped | None:
    """Tell whether day and month were swapped wherever both readings are dates; None where nothing speaks for it.

    A program that guesses the order of day and month leaves days beyond the 12th right. So rows of the first twelve
    days and rows of later days show the same week and the same course of months, unless the first were swapped; and if
    they were, swapping them back makes both agree, and the days smoother. The unlikeness (chi-square over weekdays or
    over months, the days of the calendar as offset) is judged against that of later days among themselves, which cannot
    be swapped: what scatters or comes in bursts does so there too. F below 1e-4, a chi-square that falls to a third,
    and smoother days: all three are wanted.

    Parameters
    ----------
    days : ndarray of datetime64[D]
    weight : ndarray
        Rows of each day; days may repeat.
    """
    some = ~np.isnat(days) & (weight > 0)
    days, weight = days[some], weight[some]
    if days.size < _LEAST_DAYS or weight.sum() < _LEAST_ROWS or np.unique(days).size < _LEAST_DAYS:
        return None
    span = float((days.max() - days.min()).astype(np.float64))
    if span > 366.0 * 200:  # a date so far off is another defect, and no calendar is laid out for it
        return None
    now = _Daily.of(days, weight)
    if np.unique(now.weekday[now.count > 0]).size < _LEAST_WEEKDAYS:
        return None
    back = _Daily.of(_swapped_back(days), weight)
    parts = [_part(now, back, "weekday", _BLOCKS), _part(now, back, "month", _HALVES)]
    p, chi2, chi2_back = min(parts)
    if not (2.0 * p < P_WANTED and chi2_back < _BETTER * chi2):
        return None
    if not _roughness(back, _week(now)) < _roughness(now, _week(now)):
        return None
    return Swapped(float(weight[_can_swap(days)].sum()), chi2, chi2_back, min(1.0, 2.0 * p))


def _astray(case: Case) -> float:
    """Rows outside the windows of the plan, or in the future, all on days up to 12 and inside once swapped back."""
    log = case.read.log
    days, size = log.days, log.size
    first, last = case.edges[0], min(case.edges[-1] - DAY, case.data_date)

    def outside(d: Days) -> BoolArray:
        return np.asarray((d < first) | (d > last), dtype=bool)

    there = ~np.isnat(days) & (size > 0)
    days, size = days[there], size[there]
    out = outside(days)
    rows = float(size[out].sum())
    if rows < _LEAST_OUTSIDE or not _can_swap(days[out]).all() or np.unique(days[out]).size < _LEAST_OUTSIDE:
        return 0.0
    inside = float(size[out][~outside(_swapped_back(days[out]))].sum())
    return rows if inside >= _INSIDE * rows else 0.0


def calendar_finding(case: Case) -> tuple[str, str, float] | None:
    """Say that day and month look swapped: what, in English and Chinese (with a gap for the count), and how many rows.

    None where nothing speaks for it.
    """
    found = swapped_days(case.read.log.days, case.read.log.size)
    if found is not None:
        return (
            "{:g} with day and month swapped, by their pattern in the calendar",
            "{:g} 条日期的日与月疑似颠倒（按日历规律）",
            found.rows,
        )
    rows = _astray(case)
    if rows:
        return (
            "{:g} outside the dates of the plan only because day and month are swapped",
            "{:g} 条日期因日与月颠倒而超出计划期间",
            rows,
        )
    return None
