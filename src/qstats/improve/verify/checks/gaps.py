"""What is missing from the tables without looking so: silent stretches of the log, days that stand for no date."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import numpy as np

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.keyed import scatter
from qstats.improve.verify.sources import binned

__all__ = ["Oddity", "gap_oddities", "silent_periods"]

# What is odd in English and Chinese (with a gap for the number), how many, and whether it blocks: always, from 1 % of
# the rows on, or never
Oddity = tuple[str, str, float, Literal["always", "share", "never"]]

P_WANTED = 1e-4
DIRTY_SHARE = 0.01
_TOGETHER = {"month": 1, "week": 2, "day": 14}  # a holiday of a week is no gap
_INTERMITTENT = 0.2
# What programs write where a date is missing: their own first days, far from any other row
_FIRST_DAYS = np.array(["1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01"], dtype="datetime64[D]")
_ANCIENT = np.datetime64("1850-01-01")
_FAR = np.timedelta64(3653, "D")
_ONE_ROW = 0.9  # share of days with one row of exposure from which on two rows are a surprise


def silent_periods(case: Case) -> int:
    """Return how many periods have no row in the log at all though many were to be expected.

    Rows of every category and unit count, those with a count of zero too. A stretch (a month, two weeks) is silent
    when chance leaves it empty with probability below 1e-4 over all stretches, at the mean of the others of its phase
    (of the baseline, where the whole phase is empty) and with their scatter. Where a fifth of the baseline is silent
    the log is one of bursts or of a season that ends, and nothing is said.
    """
    data, log = case.data, case.read.log
    if case.read.by_case:
        return 0  # a period without a case has no exposure, and that is told already
    rows = binned(log.days, np.ones(log.days.size), case.edges)
    size = binned(log.days, log.size, case.edges)
    over = (data.exposure > 0) & (data.end <= case.data_date) if case.drawn else data.exposure > 0
    blocks = {role: _blocks(case, over & (data.role == role)) for role in ("baseline", "after")}
    levels = {role: _level(size, data.exposure, rows, found) for role, found in blocks.items()}
    k = sum(map(len, blocks.values()))
    quiet = [not rows[block].any() for block in blocks["baseline"]]
    if sum(quiet) >= _INTERMITTENT * len(quiet):
        return 0
    silent = 0
    for role, found in blocks.items():
        level = levels[role] or levels["baseline"]
        if level is None:
            continue
        rate, phi, typical = level
        for block in found:
            expected = rate * min(float(data.exposure[block].sum()), typical)
            if not rows[block].any() and k * math.exp(-expected / phi) < P_WANTED:
                silent += block.size
    return silent


def _blocks(case: Case, used: BoolArray) -> list[np.ndarray]:
    """Periods of one phase in stretches; a last short one is left out."""
    where, m = np.flatnonzero(used), _TOGETHER[case.plan.period]
    return [where[i : i + m] for i in range(0, where.size - m + 1, m)]


def _level(
    size: FloatArray, exposure: FloatArray, rows: FloatArray, blocks: Iterable[np.ndarray]
) -> tuple[float, float, float] | None:
    """Rate, dispersion and mean exposure of the stretches that have rows; None where there are none."""
    seen = [b for b in blocks if rows[b].any()]
    if not seen:
        return None
    y, e = (np.array([float(x[b].sum()) for b in seen]) for x in (size, exposure))
    phi = float(scatter(y[None], e[None])[0])
    return float(y.sum() / e.sum()), phi, float(e.mean())


def gap_oddities(case: Case) -> list[Oddity]:
    """Say what is missing: rows, periods, dates, and exposure that may stand twice."""
    log, exposure = case.read.log, case.read.exposure
    no_day = 0.0 if exposure is None else float(exposure.amount[np.isnat(exposure.days)].sum())
    many = no_day > DIRTY_SHARE * (0.0 if exposure is None else float(exposure.amount.sum()))
    return [
        ("no row in the log ({:g} table without rows)", "日志无任何行（{:g} 个空表）",
         float(log.days.size == 0 and log.lost == 0), "always"),
        ("{:g} dated as programs do where a date is missing (such as 1900-01-01)",
         "{:g} 条日期为占位日期（如 1900-01-01）", _placeholders(case), "share"),
        ("{:g} periods without any row in the log where many were to be expected (a gap is not a zero: enter a count "
         "of 0 if there was none)",
         "{:g} 个时段日志无任何行，而预期应有多条（缺口不等于零：若确无投诉，请填入计数 0）",
         float(silent_periods(case)), "always"),
        ("{:g} of exposure without a date", "{:g} 的暴露量无日期", no_day, "always" if many else "never"),
        ("{:g} days with a second row of exposure, added up", "{:g} 天有第二行暴露量（已相加）",
         float(_second_rows(case)), "never"),
    ]  # fmt: skip


def _placeholders(case: Case) -> float:
    """Rows dated on the first day of some calendar of computers, ten years from every other row."""
    days = case.read.log.days
    real = days[~np.isnat(days) & ~np.isin(days, _FIRST_DAYS) & (days >= _ANCIENT)]
    odd = np.isin(days, _FIRST_DAYS) | (days < _ANCIENT)
    if real.size:
        odd &= days < real.min() - _FAR
    return float(case.read.log.size[odd & (days < case.edges[0] - _FAR)].sum())


def _second_rows(case: Case) -> int:
    """Days with more than one row of exposure where nearly all others have one."""
    if case.read.exposure is None:
        return 0
    c = case.source.columns
    keys = [name for name in (c.unit, c.stratum) if name is not None]
    out = table.counts_by(case.source.exposure, [c.exposure_date, *keys], dates=[c.exposure_date])
    days = table.to_dates(out[c.exposure_date], c.exposure_date)
    n = np.asarray(out["n"])[~np.isnat(days)]
    more = n > 1
    return int(more.sum()) if n.size and more.mean() <= 1.0 - _ONE_ROW else 0
