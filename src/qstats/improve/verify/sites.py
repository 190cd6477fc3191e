"""Sites that got the action at different days: does each change when its own turn comes?"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Interval
from qstats._core.quantiles import chi2_sf, t_quantile
from qstats.improve.verify.checks.case import Case
from qstats.improve.verify.checks.cause import plan_seed
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.reading import Days
from qstats.improve.verify.two_way import TwoWay, fit_two_way, permutation_pvalue
from qstats.improve.verify.verdict import Evidence
from qstats.inference.rates import compare_rates

__all__ = ["SiteTable", "site_table", "staggered_sites"]

_MOST = 160  # periods
_WEEK = 7
_CLUSTERS = 10  # sites from which their scatter can be told apart from that of cells
_EARLY = 3  # periods before a site's own date in which nothing should have happened yet
_SHOWN = 20


class SiteTable(NamedTuple):
    """Sites (S) by periods (T): totals, exposure, which cells come after the site's own date, and the dates.

    `dates` (G,) are the different days (NaT: never), `which` (S,) says which one a site has, `after` and `before`
    (G, T) which periods lie wholly on each side of a day. `variance` is that of single values, None for counts.
    """

    names: tuple[str, ...]
    total: FloatArray
    exposure: FloatArray
    start: Days
    dates: Days
    which: npt.NDArray[np.intp]
    after: BoolArray
    before: BoolArray
    variance: float | None

    def kept(self, sites: BoolArray, periods: BoolArray) -> SiteTable:
        """Return some sites and periods."""
        cells = np.ix_(sites, periods)
        names = tuple(name for name, keep in zip(self.names, sites, strict=True) if keep)
        return SiteTable(
            names, self.total[cells], self.exposure[cells], self.start[periods], self.dates, self.which[sites],
            self.after[:, periods], self.before[:, periods], self.variance,
        )  # fmt: skip


def _summed(case: Case) -> tuple[npt.NDArray[np.intp], BoolArray]:
    """First period of each block of periods (days become weeks, at most 160 blocks), and which periods count."""
    role = case.data.role
    counted = (role != "excluded") & (role != "immature") & (case.data.exposure > 0)
    unit = _WEEK if case.plan.period == "day" else 1
    return np.arange(0, role.size, unit * max(1, math.ceil(role.size / (unit * _MOST)))), counted


def site_table(case: Case) -> SiteTable | None:
    """Return totals by site and period; None where the plan names no sites, or they all changed together.

    Sites and periods without exposure or, of counts, without an event say nothing about a ratio and are left out.
    """
    plan, read, edges = case.plan, case.read, case.edges
    if plan.sites is None or len(set(plan.sites.values())) < 2 or "unit" not in read.log.keys:
        return None
    read = read if plan.category is None else read.rows("category", plan.category)
    first, counted = _summed(case)
    last = np.append(first[1:], counted.size) - 1
    inside = case.data.family in ("log", "mean")
    total, exposure, squares = [], [], 0.0
    for name in plan.sites:
        mine = read.rows("unit", name)
        y, e = mine.sums(edges)
        total.append(np.add.reduceat(np.where(counted, y, 0.0), first))
        exposure.append(np.add.reduceat(np.where(counted, e, 0.0), first))
        squares += float(mine.squares(edges)[counted].sum()) if inside else 0.0
    days = [np.datetime64("NaT", "D") if day is None else np.datetime64(day, "D") for day in plan.sites.values()]
    dates, which = np.unique(np.array(days, dtype="datetime64[D]"), return_inverse=True)
    start, end = case.data.start[first], case.data.end[last]
    after = start[None, :] >= dates[:, None]  # never true of NaT
    before = (end[None, :] < dates[:, None]) | np.isnat(dates)[:, None]
    df = float(np.array(exposure).sum()) - float((np.array(exposure) > 0).sum())
    variance = (squares / df if df > 0 else 0.0) if inside else None
    made = SiteTable(
        tuple(plan.sites), np.array(total), np.array(exposure), start, dates, which.ravel(), after, before, variance
    )
    return _informative(made)


def _informative(table: SiteTable) -> SiteTable | None:
    own = table.after[table.which] | table.before[table.which]  # a period in which the site changed is neither
    table = table._replace(
        total=np.where(own & (table.exposure > 0), table.total, 0.0), exposure=np.where(own, table.exposure, 0.0)
    )
    while True:
        seen = table.exposure if table.variance is not None else np.where(table.exposure > 0, table.total, 0.0)
        sites, periods = (np.asarray((seen > 0).any(axis=axis), dtype=np.bool_) for axis in (1, 0))
        if int(sites.sum()) < 2 or int(periods.sum()) < 2 or np.unique(table.which[sites]).size < 2:
            return None
        if sites.all() and periods.all():
            return table
        table = table.kept(sites, periods)


def _limits(f: TwoWay, i: int, sites: int, confidence: float, ratio: bool) -> tuple[float, Interval]:
    """Estimate and interval of one column: the scatter between cells, and from ten sites on that between sites too."""
    cover = np.linalg.inv(f.information)
    variance, df = max(1.0, f.phi) * float(cover[i, i]), f.df
    if sites >= _CLUSTERS:
        pulls = np.einsum("kst,st->sk", f.clear, f.pull)
        between = float((cover @ (pulls.T @ pulls) @ cover)[i, i]) * sites / (sites - 1.0)
        variance, df = max(variance, between), sites - 1.0  # the latter alone is too small with ten or twenty sites
    half = float(t_quantile(0.5 + confidence / 2.0, df)) * math.sqrt(variance)
    middle = float(f.effect[i])
    if not ratio:
        return middle, Interval(middle - half, middle + half, confidence)
    low, mid, high = (math.exp(min(v, 700.0)) for v in (middle - half, middle, middle + half))
    return mid, Interval(low, high, confidence)


def staggered_sites(case: Case) -> tuple[Evidence, ...]:
    """Return what sites that got the action at different days say: one common effect, each site's own, and checks.

    The regression has an effect of every site and of every period, so that what all sites share (season, volume, a
    general trend) and what a site always was cancel; what is left is the change at each site's own date. Log-linear
    for counts, weighted by cases for values. Items: the common effect; the p-value of giving the dates to other sites;
    each site's own ratio with the periods' movement taken out; the p-value of equal ratios; the effect in the three
    periods before a site's own date, which should be none. From ten sites on the standard error is the larger of those
    from the scatter between sites and between cells; with fewer it is the latter, which takes the periods of a site for
    independent: where they hang together only the permutation holds its level. Nothing for plans without sites.
    """
    table = site_table(case)
    if table is None:
        return ()
    confidence, ratio = 1.0 - case.plan.alpha, case.plan.measured.is_ratio
    on = table.after[table.which].astype(np.float64)
    joint = fit_two_way(table.total, table.exposure, on[None], variance=table.variance)
    if joint is None:
        return ()
    items, sites = [], len(table.names)
    if joint.settled:
        items.append(make_evidence("sites", *_limits(joint, 0, sites, confidence, ratio)))
    pvalue = _permuted(table, plan_seed(case.plan))
    if pvalue is not None:
        items.append(make_evidence("sites_permutation", pvalue))
    if joint.settled:
        items += _each(table, joint, confidence, ratio)
        early = _early(table, on, confidence, ratio)
        items += [] if early is None else [early]
    return tuple(items)


def _permuted(table: SiteTable, seed: int) -> float | None:
    """The permutation p-value, over periods that lie wholly on one side of every date: the same for each arrangement"""
    clear = np.asarray((table.after | table.before).all(axis=0), dtype=np.bool_)
    found = _informative(table.kept(np.ones(len(table.names), dtype=np.bool_), clear))
    if found is None:
        return None
    nothing = np.empty((0, *found.total.shape))
    null = fit_two_way(found.total, found.exposure, nothing, variance=found.variance)
    if null is None or not null.settled:
        return None
    return permutation_pvalue(null, found.after.astype(np.float64), found.which, seed)


def _early(table: SiteTable, on: FloatArray, confidence: float, ratio: bool) -> Evidence | None:
    """The effect in the last periods before a site's own date, beside that after it."""
    late = np.argmax(on > 0, axis=1)  # first period of the action; 0 where there is none
    place = np.arange(on.shape[1])[None, :]
    soon = ((place >= late[:, None] - _EARLY) & (place < late[:, None])).astype(np.float64)
    both = fit_two_way(table.total, table.exposure, np.stack([on, soon]), variance=table.variance)
    if both is None or not both.settled:
        return None
    return make_evidence("sites_early", *_limits(both, 1, len(table.names), confidence, ratio))


def _each(table: SiteTable, joint: TwoWay, confidence: float, ratio: bool) -> list[Evidence]:
    """Each site's own change with the movement of the periods taken out, and whether the changes differ."""
    on, phi = table.after[table.which], max(1.0, joint.phi)
    counts = table.variance is None
    seen = table.exposure * (np.exp(joint.periods) if counts else 1.0)
    total = table.total if counts else table.total - table.exposure * joint.periods
    y1, y0 = (np.where(side, total, 0.0).sum(axis=1) for side in (on, ~on))
    e1, e0 = (np.where(side, seen, 0.0).sum(axis=1) for side in (on, ~on))
    both = (e1 > 0) & (e0 > 0)
    if not both.any():
        return []
    names = [name for name, keep in zip(table.names, both, strict=True) if keep]
    y1, e1, y0, e0 = y1[both], e1[both], y0[both], e0[both]
    if counts:
        change = compare_rates(y1, e1, y0, e0, method="score", dispersion=phi, df=joint.df, confidence=confidence)
        middle, low, high = change.estimate, change.interval.low, change.interval.high
        good = (y1 > 0) & (y0 > 0)
        effect = np.log(np.where(good, middle, 1.0))
        variance = phi * (1.0 / np.where(good, y1, 1.0) + 1.0 / np.where(good, y0, 1.0))
    else:
        good, effect = np.ones(y1.size, bool), y1 / e1 - y0 / e0
        variance = phi * (table.variance or 1.0) * (1.0 / e1 + 1.0 / e0)
        half = float(t_quantile(0.5 + confidence / 2.0, joint.df)) * np.sqrt(variance)
        middle, low, high = (np.exp(v) if ratio else v for v in (effect, effect - half, effect + half))
    order = np.argsort(-(e1 + e0), kind="stable")[:_SHOWN]
    items = [
        make_evidence(f"site:{names[i]}", float(middle[i]), Interval(float(low[i]), float(high[i]), confidence))
        for i in sorted(order.tolist())
        if np.isfinite(middle[i])
    ]
    if int(good.sum()) >= 2:
        w, x = 1.0 / variance[good], effect[good]
        spread = float((w * (x - (w * x).sum() / w.sum()) ** 2).sum())
        items.append(make_evidence("sites_differ", float(chi2_sf(spread, float(good.sum()) - 1.0))))
    return items
