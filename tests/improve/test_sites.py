"""Sites that changed at different days: statsmodels GLM and WLS, permutations in plain loops, size and power."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from qstats import LogColumns, Metric, VerificationPlan
from qstats.improve.verify import words
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.periods import period_table
from qstats.improve.verify.phrases_evidence_cause import EVIDENCE_CAUSE
from qstats.improve.verify.sites import site_table, staggered_sites
from qstats.improve.verify.sources import Source
from qstats.improve.verify.two_way import arrangements, fit_two_way, permutation_pvalue

SITES = LogColumns(events="n", exposure="units", unit="site")
DATES = ["2024-01-01", "2024-03-01", "2024-05-01", None, "2024-07-01", "2024-03-01"]
MONTHS = pd.date_range("2022-01-01", periods=36, freq="MS")


@pytest.fixture(autouse=True)
def with_words(monkeypatch):
    """The words of the new items, whether or not they are merged into the table of all words."""
    monkeypatch.setattr(words, "_EVIDENCE", words._EVIDENCE | EVIDENCE_CAUSE)


def case_of(log, columns=SITES, **changes):
    """A plan of 24 months before and 12 after 2024-01-01, and what is read for it."""
    entries = {
        "question": "Fewer late parcels?",
        "action_date": "2024-01-01",
        "baseline": ("2022-01-01", "2023-12-31"),
        "horizon": "2024-12-31",
        **changes,
    }
    plan = VerificationPlan(**entries).freeze(on="2023-12-15")
    source, day = Source(log, log if columns.values is None else None, columns), np.datetime64("2025-01-15", "D")
    data, read = period_table(plan, source, None, day)
    return Case(plan, data, read, source, day)


def sites_log(dates, ratio, seed=0, level=20.0):
    """Sites of different level and volume with a common movement; the ratio from each site's own date on."""
    rng = np.random.default_rng(seed)
    common = np.exp(0.2 * np.sin(np.arange(36) / 6) + rng.normal(0, 0.1, 36))
    rows = []
    for s, day in enumerate(dates):
        for t, month in enumerate(MONTHS):
            units = float(rng.integers(500, 1500))
            on = day is not None and month >= pd.Timestamp(day)
            mean = units / 1000 * level * np.exp(0.1 * s - 0.3) * common[t] * (ratio if on else 1.0)
            rows.append((month, f"S{s}", rng.poisson(mean), units))
    return pd.DataFrame(rows, columns=["date", "site", "n", "units"])


def plan_sites(dates):
    return {f"S{i}": day or "never" for i, day in enumerate(dates)}


def items_of(case):
    return {e.code: e for e in staggered_sites(case)}


def design(d):
    s, t = np.indices(d.shape[-2:])
    site = [(s.ravel() == k).astype(float) for k in range(d.shape[-2])]
    period = [(t.ravel() == k).astype(float) for k in range(1, d.shape[-1])]
    return np.column_stack([*site, *period, *(one.ravel() for one in d)])


def glm(table, d):
    family, offset = sm.families.Poisson(), np.log(table.exposure.ravel())
    return sm.GLM(table.total.ravel(), design(d), family=family, offset=offset).fit(scale="X2")


def test_common_ratio_equals_statsmodels():
    case = case_of(sites_log(DATES, 0.6, seed=4), sites=plan_sites(DATES))
    table = site_table(case)
    fit = glm(table, table.after[table.which].astype(float)[None])
    item = items_of(case)["sites"]
    half = (
        stats.t.ppf(0.975, fit.df_resid) * fit.bse[-1] / min(1.0, np.sqrt(fit.scale))
    )  # too little scatter counts as 1
    assert item.estimate == pytest.approx(np.exp(fit.params[-1]), rel=1e-8)
    assert item.interval.low == pytest.approx(np.exp(fit.params[-1] - half), rel=1e-7)
    assert item.interval.high == pytest.approx(np.exp(fit.params[-1] + half), rel=1e-7)


def test_early_effect_equals_statsmodels():
    case = case_of(sites_log(DATES, 0.6, seed=4), sites=plan_sites(DATES))
    table = site_table(case)
    on = table.after[table.which].astype(float)
    soon = np.zeros_like(on)
    for s, day in enumerate(DATES):
        if day is not None:
            first = int(np.flatnonzero(pd.Timestamp(day) == MONTHS)[0])
            soon[s, first - 3 : first] = 1.0
    fit = glm(table, np.stack([on, soon]))
    item = items_of(case)["sites_early"]
    assert item.estimate == pytest.approx(np.exp(fit.params[-1]), rel=1e-8)
    assert 1.0 in item.interval


def test_ten_sites_take_the_scatter_between_them():
    dates = DATES * 2
    log = sites_log(dates, 0.6, seed=1)
    late = log["date"] >= "2024-01-01"
    jump = np.where(log["site"].isin(["S1", "S5", "S8"]) & late, 2.0, 1.0)
    log["n"] = (log["n"] * jump).astype(int)
    case = case_of(log, sites=plan_sites(dates))
    table = site_table(case)
    d = table.after[table.which].astype(float)[None]
    groups = np.indices(d.shape[-2:])[0].ravel()
    fit = sm.GLM(
        table.total.ravel(), design(d), family=sm.families.Poisson(), offset=np.log(table.exposure.ravel())
    ).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False})
    half = stats.t.ppf(0.975, 11) * fit.bse[-1] * np.sqrt(12 / 11)
    item = items_of(case)["sites"]
    assert item.interval.high == pytest.approx(np.exp(fit.params[-1] + half), rel=1e-6)


def test_means_equal_weighted_least_squares():
    rng = np.random.default_rng(9)
    rows = []
    for s, day in enumerate(DATES):
        for t, month in enumerate(MONTHS):
            on = day is not None and month >= pd.Timestamp(day)
            for _ in range(int(rng.integers(2, 6))):
                rows.append((month, f"S{s}", 1e9 + 20.0 + s + np.sin(t / 5) - 5.0 * on + rng.normal(0, 3)))
    metric = Metric("lead time", "mean", better="lower")
    case = case_of(
        pd.DataFrame(rows, columns=["date", "site", "value"]), LogColumns(values="value", unit="site"), metric=metric,
        target_difference=2.0, sites=plan_sites(DATES),
    )  # fmt: skip
    table = site_table(case)
    d = table.after[table.which].astype(float)[None]
    value = (table.total / table.exposure).ravel() - 1e9
    fit = sm.WLS(value, design(d), weights=table.exposure.ravel()).fit()
    found = items_of(case)
    assert found["sites"].estimate == pytest.approx(fit.params[-1], abs=1e-5)
    phi = max(1.0, fit.scale / table.variance)
    half = stats.t.ppf(0.975, fit.df_resid) * fit.bse[-1] * np.sqrt(phi * table.variance / fit.scale)
    assert found["sites"].interval.low == pytest.approx(fit.params[-1] - half, abs=1e-4)
    assert found["site:S0"].estimate == pytest.approx(-5.0, abs=2.5)
    assert "site:S3" not in found


def test_permutation_equals_all_refits():
    # five sites, all 20 arrangements of three dates (2, 2, 1): the efficient score written out with the hat matrix
    rng = np.random.default_rng(3)
    total, exposure = rng.poisson(15, (5, 8)).astype(float), rng.uniform(0.5, 2, (5, 8))
    which = np.array([0, 1, 2, 1, 0])
    on = np.array([np.arange(8) >= 3, np.arange(8) >= 5, np.zeros(8)], float)
    null = fit_two_way(total, exposure, np.empty((0, 5, 8)))
    x = design(np.zeros((1, 5, 8)))[:, :-1]
    fit = sm.GLM(total.ravel(), x, family=sm.families.Poisson(), offset=np.log(exposure.ravel())).fit()
    mu = fit.fittedvalues

    def statistic(given):
        d = on[list(given)].ravel()
        w = np.diag(mu)
        inner = d @ w @ d - d @ w @ x @ np.linalg.solve(x.T @ w @ x, x.T @ w @ d)
        return abs(d @ (total.ravel() - mu)) / np.sqrt(inner)

    every = sorted(set(itertools.permutations(which.tolist())))
    values = np.array([statistic(g) for g in every])
    wanted = np.mean(values >= statistic(which) - 1e-9)
    assert permutation_pvalue(null, on, which, 1) == pytest.approx(wanted)


def test_arrangements_are_all_or_drawn():
    every, complete = arrangements(np.array([0, 1, 1, 2]), 1)
    assert complete
    assert sorted(map(tuple, every.tolist())) == sorted(set(itertools.permutations([0, 1, 1, 2])))
    drawn, complete = arrangements(np.arange(9), 1)
    assert not complete
    assert drawn.shape == (1999, 9)
    assert (np.sort(drawn, axis=1) == np.arange(9)).all()


def test_what_all_sites_share_is_no_effect():
    log = sites_log(DATES, 1.0, seed=2)
    late = log["date"] >= "2024-01-01"
    log.loc[late, "n"] = (log.loc[late, "n"] * 0.4).astype(int)  # everything fell, changed or not
    found = items_of(case_of(log, sites=plan_sites(DATES)))
    assert 1.0 in found["sites"].interval
    assert found["sites_permutation"].estimate > 0.05


def test_unlike_sites_are_told():
    log = sites_log(DATES, 0.7, seed=2, level=60.0)
    worse = (log["site"] == "S0") & (log["date"] >= "2024-01-01")
    log.loc[worse, "n"] *= 3
    found = items_of(case_of(log, sites=plan_sites(DATES)))
    assert found["sites_differ"].estimate < 1e-6
    alike = items_of(case_of(sites_log(DATES, 0.7, seed=2, level=60.0), sites=plan_sites(DATES)))
    assert alike["sites_differ"].estimate > 0.01
    assert alike["site:S1"].estimate == pytest.approx(0.7, rel=0.15)


def test_dates_inside_a_month_leave_that_month_out():
    dates = ["2024-01-15", "2024-04-10", None, "2024-07-20"]
    case = case_of(sites_log(dates, 0.6), sites=plan_sites(dates))
    table = site_table(case)
    at = int(np.flatnonzero(table.start == np.datetime64("2024-01-01"))[0])
    assert table.exposure[0, at] == 0.0
    assert (table.exposure[1:, at] > 0).all()
    assert items_of(case)["sites"].estimate == pytest.approx(0.6, rel=0.15)


def test_nothing_to_say():
    log = sites_log(DATES, 0.6)
    assert staggered_sites(case_of(log)) == ()
    silent = log.copy()
    silent.loc[silent["site"] != "S0", "n"] = 0
    assert staggered_sites(case_of(silent, sites=plan_sites(DATES))) == ()
    zero = log.copy()  # every site falls to none at its own date: a ratio of 0 has no interval on the log scale
    for name, day in plan_sites(DATES).items():
        if day != "never":
            zero.loc[(zero["site"] == name) & (zero["date"] >= day), "n"] = 0
    found = items_of(case_of(zero, sites=plan_sites(DATES)))
    assert "sites" not in found
    assert found["sites_permutation"].estimate < 0.05


def test_many_days_become_weeks():
    rng = np.random.default_rng(0)
    days = pd.date_range("2022-01-01", "2024-12-31", freq="D")
    dates = ["2024-01-01", "2024-04-01", None]
    rows = [
        pd.DataFrame({
            "date": days, "site": f"S{s}", "units": 100.0,
            "n": rng.poisson(np.where(days >= pd.Timestamp(day or "2100-01-01"), 3.0, 5.0)),
        })
        for s, day in enumerate(dates)
    ]  # fmt: skip
    case = case_of(pd.concat(rows), sites=plan_sites(dates), period="day")
    assert site_table(case).total.shape[1] <= 160
    assert items_of(case)["sites"].estimate == pytest.approx(0.6, rel=0.1)


@pytest.mark.calibration
def test_size_of_the_permutation_with_months_that_hang_together():
    rng = np.random.default_rng(12)
    runs, hits, first = 300, 0, np.array([12, 14, 16, 99, 18, 14])
    names, which = np.unique(first, return_inverse=True)
    on = (np.arange(24)[None, :] >= names[:, None]).astype(float)
    for _ in range(runs):
        z = rng.standard_normal((6, 24))
        for t in range(1, 24):
            z[:, t] = 0.7 * z[:, t - 1] + np.sqrt(1 - 0.49) * z[:, t]
        y = rng.poisson(20 * np.exp(0.3 * z)).astype(float)
        null = fit_two_way(y, np.ones((6, 24)), np.empty((0, 6, 24)))
        hits += permutation_pvalue(null, on, rng.permutation(which.ravel()), 1) <= 0.05
    assert hits / runs <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / runs)
    assert hits > 0
