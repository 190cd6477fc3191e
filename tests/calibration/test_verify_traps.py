"""The whole pipeline on data without any effect: for each trap of complaint data, "effective" in at most 5 % of runs.

And its power: a fall of 30 % at 20 complaints a month, 24 months before and 12 after. Every run goes through
`verify_improvement` with tables as a user has them; `--junitxml=FILE -o junit_family=xunit1` records
the share found in each.
"""

import os

import numpy as np
import pandas as pd
import pytest

from qstats import LogColumns, Metric, VerificationPlan, verify_improvement

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
pytestmark = pytest.mark.calibration

RUNS = 1000 if FULL else 60
MEAN = 20.0
COUNTS = LogColumns(events="n", exposure="units")
UNITS = LogColumns(events="n", exposure="units", unit="unit")


def _months(n):
    return pd.period_range("2022-01", periods=n, freq="M")


def _plan(before, after, **changes):
    months = _months(before + after)
    first = months[before]
    return VerificationPlan(
        "Fewer?",
        first.start_time.date(),
        (months[0].start_time.date(), (first - 1).end_time.date()),
        months[-1].end_time.date(),
        **changes,
    ).freeze(on="2022-01-01")


def _judge(counts, before, units=1000.0, **changes):
    after = len(counts) - before
    table = pd.DataFrame({"date": [m.start_time for m in _months(len(counts))], "n": counts, "units": units})
    return verify_improvement(_plan(before, after, **changes), table, exposure=table, columns=COUNTS, full=False)


def _level(n, ratio=1.0, before=24):
    return MEAN * np.where(np.arange(n) < before, 1.0, ratio)


def _plain(rng):
    return _judge(rng.poisson(_level(36)), 24)


def _declared_flat(rng):
    return _judge(rng.poisson(_level(36)), 24, trend="none", season="none")


def _trigger(rng):
    """Twelve months end in the first that is two standard deviations up; nobody says that it was the trigger."""
    seen = list(rng.poisson(MEAN, 11))
    while True:
        seen.append(int(rng.poisson(MEAN)))
        if seen[-1] > MEAN + 2.0 * np.sqrt(MEAN):
            break
    return _judge([*seen[-12:], *rng.poisson(MEAN, 12)], 12)


def _against_the_trigger(rng):
    """The six months that follow against the month that started it all."""
    seen = 0
    while not seen > MEAN + 2.0 * np.sqrt(MEAN):
        seen = int(rng.poisson(MEAN))
    return _judge([seen, *rng.poisson(MEAN, 6)], 1, trend="none", season="none")


def _eight_figures(rng):
    """One primary and seven secondary metrics, nothing changed in any; whichever is claimed counts."""
    months = [m.start_time for m in _months(36)]
    names = [f"figure {i}" for i in range(7)]
    tables = [pd.DataFrame({"date": months, "n": rng.poisson(_level(36)), "units": 1000.0}) for _ in range(8)]
    p = _plan(24, 12, trend="none", season="none", secondary=[Metric(name) for name in names])
    given = {name: {"log": t, "exposure": t, "columns": COUNTS} for name, t in zip(names, tables[1:], strict=True)}
    return verify_improvement(p, tables[0], exposure=tables[0], survey=given, columns=COUNTS, full=False)


def _worst_of_20(rng):
    """The worst of twenty alike suppliers by its baseline; the log holds them all."""
    counts = rng.poisson(MEAN, (20, 24))
    worst = int(counts[:, :12].sum(axis=1).argmax())
    months = [m.start_time for m in _months(24)]
    table = pd.DataFrame(
        {"date": np.tile(months, 20), "unit": np.repeat([f"s{i}" for i in range(20)], 24), "n": counts.ravel()}
    ).assign(units=1000.0)
    p = _plan(12, 12, unit=f"s{worst}", selected_from=20, trend="none", season="none")
    return verify_improvement(p, table, exposure=table, columns=UNITS, full=False)


def _worst_alone(rng):
    """The same with the other suppliers' data not at hand."""
    counts = rng.poisson(MEAN, (20, 24))
    worst = counts[counts[:, :12].sum(axis=1).argmax()]
    return _judge(worst, 12, selected_from=20, trend="none", season="none")


def _season(n, before, size):
    def run(rng):
        wave = 1.0 + size * np.sin(2.0 * np.pi * (np.arange(n) + rng.uniform(0, 12)) / 12.0)
        return _judge(rng.poisson(MEAN * wave), before)

    return run


def _scatter(phi, **changes):
    def run(rng):
        return _judge(rng.poisson(rng.gamma(MEAN / (phi - 1.0), phi - 1.0, 36)), 24, **changes)

    return run


def _persistent(rho, sd=0.25, **changes):
    def run(rng):
        z = rng.standard_normal(36)
        for t in range(1, 36):
            z[t] = rho * z[t - 1] + np.sqrt(1.0 - rho * rho) * z[t]
        return _judge(rng.poisson(MEAN * np.exp(sd * z - 0.5 * sd * sd)), 24, **changes)

    return run


def _delay(rng):
    """Reports one month late on average, the data drawn on the day the plan's horizon ends."""
    months = _months(36)
    days = pd.date_range(months[0].start_time, months[-1].end_time.normalize())
    date = days[rng.integers(0, len(days), rng.poisson(MEAN * 36))]
    received = date + pd.to_timedelta(np.floor(rng.exponential(30.4, len(date))), unit="D")
    log = pd.DataFrame({"date": date, "received": received})
    log = log[log["received"] <= days[-1]]
    units = pd.DataFrame({"date": [m.start_time for m in months], "exposure": [float(m.days_in_month) for m in months]})
    p = _plan(24, 12, trend="none", season="none")
    columns = LogColumns(received="received")
    return verify_improvement(p, log, exposure=units, columns=columns, data_date=days[-1].date(), full=False)


def _volume(rng):
    units = np.where(np.arange(36) < 24, 1000.0, 800.0)
    return _judge(rng.poisson(MEAN * units / 1000.0), 24, units=units, trend="none", season="none")


def _trend(size, before=24):
    def run(rng):
        return _judge(rng.poisson(MEAN * (1.0 - size) ** np.arange(before + 12)), before)

    return run


def _best_of_8(rng):
    """Eight alike categories; the plan takes the one that looks best afterwards and says it was picked from eight."""
    counts = rng.poisson(MEAN, (8, 36))
    best = int((counts[:, 24:].sum(axis=1) / counts[:, :24].sum(axis=1)).argmin())
    return _judge(counts[best], 24, selected_from=8, trend="none", season="none")


def _peeks(**changes):
    """Weekly looks for half a year; the first that says "effective" counts."""

    def run(rng):
        weeks = pd.date_range("2022-01-03", periods=52 + 26, freq="7D")
        table = pd.DataFrame({"date": weeks, "n": rng.poisson(MEAN / 4, 78), "units": 1000.0})
        p = VerificationPlan(
            "Fewer?", weeks[52].date(), (weeks[0].date(), weeks[51].date() + pd.Timedelta(days=6)),
            weeks[77].date() + pd.Timedelta(days=6), period="week", trend="none", season="none", **changes,
        ).freeze(on="2022-01-01")  # fmt: skip
        verdict = None
        for seen in range(53, 79):
            part = table.iloc[:seen]
            verdict = verify_improvement(p, part, exposure=part, columns=COUNTS, full=False)
            if verdict.state == "effective":
                break
        return verdict

    return run


NULL = {
    "no trap": _plain,
    "no trap, trend and season declared absent": _declared_flat,
    "trigger month inside the baseline": _trigger,
    "against the trigger month alone": _against_the_trigger,
    "worst of 20 suppliers, all in the log": _worst_of_20,
    "worst of 20 suppliers, alone": _worst_alone,
    "season 20 %, 6 v 6": _season(12, 6, 0.2),
    "season 30 %, 24 v 12": _season(36, 24, 0.3),
    "variance twice Poisson": _scatter(2.0, trend="none"),
    "variance four times Poisson": _scatter(4.0, trend="none"),
    "AR(1) 0.3": _persistent(0.3, trend="none"),
    "AR(1) 0.6": _persistent(0.6, trend="none"),
    "reports a month late": _delay,
    "volume falls by 20 %": _volume,
    "trend -1 % a month": _trend(0.01),
    "trend -2 % a month": _trend(0.02),
    "trend -3 % a month": _trend(0.03),
    "trend -2 % a month, 12 v 12": _trend(0.02, 12),
    "best of 8 categories": _best_of_8,
    "eight figures, any": _eight_figures,
    "weekly looks, fixed horizon": _peeks(),
    "weekly looks, declared": _peeks(looks="anytime"),
}
POWER = {
    "trend left to the data": lambda rng: _judge(rng.poisson(_level(36, 0.7)), 24),
    "trend declared absent": lambda rng: _judge(rng.poisson(_level(36, 0.7)), 24, trend="none"),
    "trend and season declared absent": lambda rng: _judge(
        rng.poisson(_level(36, 0.7)), 24, trend="none", season="none"
    ),
}


def _claims(verdict):
    return verdict.state == "effective" or any(s.state == "improved" for s in verdict.secondary)


def _share(run, key, runs):
    """Share of runs that end as "effective"."""
    rng = np.random.default_rng(key)
    return sum(_claims(run(rng)) for _ in range(runs)) / runs


@pytest.mark.parametrize("trap", NULL)
def test_a_trap_alone_is_no_success(trap, record_property):
    runs = max(20, RUNS // 10) if trap.startswith("weekly") else RUNS
    got = _share(NULL[trap], [1, list(NULL).index(trap)], runs)
    record_property("effective", got)
    assert got <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("case", POWER)
def test_power(case, record_property):
    got = _share(POWER[case], [2, list(POWER).index(case)], RUNS)
    record_property("effective", got)
    least = {"trend left to the data": 0.25, "trend declared absent": 0.6, "trend and season declared absent": 0.7}
    assert got >= least[case] - 2.5 * np.sqrt(0.25 / RUNS)
