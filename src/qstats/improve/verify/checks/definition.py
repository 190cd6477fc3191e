"""Is the same thing counted in the same way (2)? Units that stop recording, categories that absorb, channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import normal_quantile
from qstats.improve.verify.checks.case import Case, Mask, make_check
from qstats.improve.verify.checks.keyed import MISSING, Keyed, by_key, composition_shift, line_up, scatter
from qstats.improve.verify.periods import never_changed, target_of
from qstats.improve.verify.sources import Read
from qstats.improve.verify.verdict import Check

__all__ = ["Stopped", "definition_check", "stopped_recording"]

P_WANTED = 0.01
V_WANTED = 0.1
_EXPECTED = 10.0  # events that should have come after
_LEFT = 5.0  # of these, after what all others share of a fall
_GONE = 0.10  # of what was expected: the counting stopped
_LOUD = 0.25  # of what was expected: a period in which it still ran
_RAN = 0.40  # of what was expected, just before a sudden stop
_JUST_BEFORE = 3
_PERIODS = 3  # silent ones, and a quarter of all after
_SHOWN = 3
_WARNINGS = {"category": "W-DEF", "unit": "W-DEF", "channel": "W-CHANNEL"}


@dataclass(frozen=True, slots=True)
class Stopped:
    """A unit or channel of which nothing, or next to nothing, was recorded from some day on.

    Parameters
    ----------
    key : str
        ``"unit"`` or ``"channel"``.
    name : str
    since : str
        First day of the first silent period, ISO.
    expected : float
        Events that should have come after, at the rate before.
    seen : float
    """

    key: str
    name: str
    since: str
    expected: float
    seen: float


def _watched(case: Case, key: str) -> Read | None:
    """Rows in which a silence cannot be the effect itself, where the plan lets one tell; None where nothing can."""
    plan, read = case.plan, case.read
    if key not in read.log.keys or case.read.by_case:
        return None
    if plan.category is not None:
        read = read.rows("category", plan.category, others=True)
    if plan.unit is not None:
        if plan.control == "units":
            return read if plan.category is not None else read.rows("unit", plan.unit, others=True)
        return None if plan.category is None else read.rows("unit", plan.unit)
    if plan.control != "units":
        for site in never_changed(plan):
            read = read.rows("unit", site, others=True)
    return read


def _exposures(case: Case, read: Read, key: str, names: tuple[str, ...]) -> FloatArray:
    if key == "unit" and read.exposure is not None:
        return line_up(names, by_key(read.exposure, key, case.edges))
    return np.broadcast_to(read.sums(case.edges)[1], (len(names), case.data.start.size))


def _others_ratio(y: FloatArray, m: FloatArray) -> FloatArray:
    """Events over expected events of all other names, at most 1: what all share is no silence."""
    rest, wanted = y.sum() - y, m.sum() - m
    ratio = np.divide(rest, wanted, out=np.ones(y.size), where=wanted > 0)
    return np.asarray(np.minimum(1.0, ratio))


def _too_few(seen: float, mean: float, phi: float) -> float:
    """Poisson tail of so few events, both divided by the dispersion."""
    return float(scipy.special.gammaincc(math.ceil(seen / phi) + 1.0, mean / phi))


def _all_quiet(y: FloatArray, before: Mask, after: Mask) -> float:
    """Chance that all periods with events fall into the baseline: bursts, which scatter widely, do not enter."""
    a, n0, n1 = float((y[before] > 0).sum()), float(before.sum()), float(after.sum())
    choose = scipy.special.gammaln
    log_p = choose(n0 + 1.0) - choose(n0 - a + 1.0) - choose(n0 + n1 + 1.0) + choose(n0 + n1 - a + 1.0)
    return math.exp(min(0.0, float(log_p)))


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One unit or channel: events and expected events by period, its dispersion, the others' events over expected."""

    y: FloatArray
    mean: FloatArray
    phi: float
    share: float
    before: Mask
    after: Mask

    def since(self, k: int, at_action: bool) -> int | None:
        """Return the first silent period; None where it still runs. `k`: rows among which it is looked for."""
        late = np.flatnonzero(self.after)
        if not self.y[late].any():
            mean = float(self.mean[late].sum())
            if mean < _EXPECTED or mean * self.share < _LEFT:
                return None
            chance = min(_too_few(0.0, mean * self.share, self.phi), _all_quiet(self.y, self.before, self.after))
            return int(late[0]) if chance < P_WANTED else None
        used = np.flatnonzero(self.before | self.after)
        loud = np.flatnonzero(self.y[used] > _LOUD * self.share * self.mean[used])
        last = int(loud[-1]) + 1 if loud.size else 0
        silent = used[last:]
        late = silent[self.after[silent]]
        if late.size < max(_PERIODS, 0.25 * self.after.sum()):
            return None
        if int(silent[0]) == int(np.flatnonzero(self.after)[0]) and not at_action:
            return None
        mean, seen = float(self.mean[late].sum()), float(self.y[late].sum())
        wanted = mean * self.share
        if mean < _EXPECTED or wanted < _LEFT or seen > _GONE * wanted:
            return None
        sudden = self._ran(used[max(0, last - _JUST_BEFORE) : last])
        return int(silent[0]) if sudden and _too_few(seen, wanted, self.phi) * k < P_WANTED else None

    def _ran(self, near: npt.NDArray[np.intp]) -> bool:
        """Whether it still ran just before: what fades over years is not a stop."""
        return near.size > 0 and float(self.y[near].sum()) >= _RAN * self.share * float(self.mean[near].sum())


def _silent(y: FloatArray, t: FloatArray, before: Mask, after: Mask, *, at_action: bool) -> list[tuple[int, int]]:
    """Return which rows fell silent, and the period from which they were.

    `at_action`: also a row that is not quite silent and fell just where the action began.
    """
    exposed = t[:, before].sum(axis=1)
    rate = np.divide(y[:, before].sum(axis=1), exposed, out=np.zeros(len(y)), where=exposed > 0)
    mean = rate[:, None] * t
    share = _others_ratio(y[:, after].sum(axis=1), mean[:, after].sum(axis=1))
    phi = scatter(y[:, before], mean[:, before])
    rows = [_Row(y[i], mean[i], float(phi[i]), float(share[i]), before, after) for i in range(len(y))]
    since = [row.since(len(y), at_action) for row in rows]
    return [(i, at) for i, at in enumerate(since) if at is not None]


def _took_over(baseline: FloatArray, mean: FloatArray, seen: FloatArray, gone: Mask) -> bool:
    """Whether names that are new, or all others together beyond chance, rose by half or more of what is missing."""
    missing = float((mean - seen)[gone].sum())
    new = ~gone & (baseline.sum(axis=1) == 0)
    if float(seen[new].sum()) >= 0.5 * missing:
        return True
    excess, level = float((seen - mean)[~gone].sum()), float(mean[~gone].sum())
    total = baseline[~gone].sum(axis=0)[None]
    known = max(float(total.sum()), 1.0)
    sd = math.sqrt(float(scatter(total, np.ones_like(total))[0]) * level * (1.0 + level / known))
    return excess >= 0.5 * missing and excess > 2.0 * sd


def stopped_recording(case: Case) -> tuple[list[Stopped], bool]:
    """Return units and channels in which the counting stopped, and whether the others took their events over.

    A unit counts when ten events or more were to be expected after, at its rate before and its exposure after, and
    none came, or it fell at once below a tenth and stayed there for a quarter of the time; what all others share of a
    fall is allowed for, and chance is excluded at 1 % (scatter included). With a category in the plan only the other
    categories are looked at: there the silence cannot be the effect.
    """
    out: list[Stopped] = []
    taken_over = True
    before, after = case.before, case.after
    for key in ("unit", "channel"):
        read = _watched(case, key)
        if read is None:
            continue
        rows = by_key(read.log, key, case.edges)
        if len(rows.names) < (1 if case.plan.category is not None else 2):
            continue  # one unit that falls silent may be the effect
        t = _exposures(case, read, key, rows.names)
        found = _silent(rows.size, t, before, after, at_action=case.plan.category is not None)
        found = [(i, at) for i, at in found if rows.names[i] != MISSING]
        if not found:
            continue
        exposed = t[:, before].sum(axis=1)
        rate = np.divide(rows.size[:, before].sum(axis=1), exposed, out=np.zeros(exposed.size), where=exposed > 0)
        mean, seen = rate * t[:, after].sum(axis=1), rows.size[:, after].sum(axis=1)
        gone = np.zeros(len(rows.names), dtype=np.bool_)
        gone[[i for i, _ in found]] = True
        taken_over &= _took_over(rows.size[:, before], mean, seen, gone)
        out += [
            Stopped(key, rows.names[i], str(case.data.start[at]), float(mean[i]), float(seen[i])) for i, at in found
        ]
    return sorted(out, key=lambda s: -s.expected), taken_over and bool(out)


def _listed(texts: list[str]) -> str:
    """The first few, and how many more."""
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" (+{more})" if more > 0 else "")


def _movers(rows: Keyed, before: Mask, after: Mask) -> str:
    """The names whose share moved most, with both shares."""
    shares = [rows.size[:, m].sum(axis=1) / rows.size[:, m].sum() for m in (before, after)]
    order = np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")[:_SHOWN]
    return ", ".join(f"{rows.names[i]} {shares[0][i]:.0%} → {shares[1][i]:.0%}" for i in order)


def _absorbing(case: Case) -> list[str]:
    """Categories that rose beyond the others by half or more of what the targeted one fell, chance excluded at 1 %."""
    plan, before, after = case.plan, case.before, case.after
    read = case.read if plan.unit is None else case.read.rows("unit", plan.unit)
    rows = by_key(read.log, "category", case.edges)
    if len(rows.names) < 2 or plan.category not in rows.names or case.read.by_case:
        return []
    t = case.data.exposure
    reach = float(t[after].sum() / t[before].sum())
    mean = rows.size[:, before].sum(axis=1) * reach
    seen = rows.size[:, after].sum(axis=1)
    target = rows.names.index(plan.category)
    rest = np.arange(mean.size) != target
    wanted = mean[rest].sum() - np.where(rest, mean, 0.0)
    ratio = np.divide(seen[rest].sum() - np.where(rest, seen, 0.0), wanted, out=np.ones(mean.size), where=wanted > 0)
    short = float(mean[target] * ratio[target] - seen[target])
    if short <= 0:
        return []
    level = mean * ratio
    phi = scatter(rows.size[:, before], np.broadcast_to(t[before], (mean.size, int(before.sum()))))
    excess = seen - level
    sd = np.sqrt(phi * (np.maximum(level, 1.0) + reach * level))
    strange = rest & (excess >= 0.5 * short) & (excess > float(normal_quantile(1.0 - P_WANTED / rest.sum())) * sd)
    return [rows.names[i] for i in np.flatnonzero(strange)]


def _arrivals(rows: Keyed, before: Mask, after: Mask) -> bool:
    """Whether a name appears only after, or vanishes, where ten events were to be expected in the other phase."""
    first, last = (rows.size[:, m].sum(axis=1) for m in (before, after))
    reach = last.sum() / first.sum()
    odd = ((last == 0) & (first * reach >= _EXPECTED)) | ((first == 0) & (last / reach >= _EXPECTED))
    return bool(odd.any())


def _moved(case: Case, key: str) -> tuple[str, float, float] | None:
    """Say how the shares of a key changed: text, p-value, V; None where nothing did."""
    plan, before, after = case.plan, case.before, case.after
    if key == "category" and plan.category is not None:  # an effect moves the target's own share: look at the others
        read = case.read if plan.unit is None else case.read.rows("unit", plan.unit)
        rows = by_key(read.log, key, case.edges).without(plan.category)
    else:
        rows = by_key(target_of(plan, case.read).log, key, case.edges)
    if len(rows.names) < 2:
        return None
    shift = composition_shift(rows.size, before, after)
    if shift is None:
        return None
    if shift.pvalue < P_WANTED and (shift.v >= V_WANTED or _arrivals(rows, before, after)):
        return _movers(rows, before, after), shift.pvalue, shift.v
    return None


def definition_check(case: Case) -> Check:
    """2: is the same counted in the same way? Units that stop recording, categories and channels that shift."""
    keys = case.read.log.keys
    if not (case.before.any() and case.after.any()):
        return make_check(2, "definition", "none", "not possible")
    stopped, taken_over = stopped_recording(case)
    if stopped:
        numbers: dict[str, Any] = {
            "text": _listed([f"{s.name} ({s.expected:.0f} → {s.seen:.0f}, {s.since})" for s in stopped]),
            "count": len(stopped),
        }
        warning = _WARNINGS[stopped[0].key]
        if taken_over:
            return make_check(2, "definition", "taken_over", "warn", warning, **numbers)
        return make_check(2, "definition", "stopped", "fail", warning, **numbers)
    seen = [key for key in ("category", "channel") if key in keys]
    if not seen:
        return make_check(2, "definition", "none", "not possible")
    if case.plan.category is not None:
        absorbing = _absorbing(case)
        if absorbing:
            return make_check(2, "definition", "absorbed", "warn", "W-DEF", text=_listed(absorbing))
    moved = {key: found for key in seen if (found := _moved(case, key)) is not None}
    if not moved:
        return make_check(2, "definition", "same", "pass")
    text = "; ".join(found[0] for found in moved.values())
    which, (_, p, v) = next(iter(moved.items()))
    key = "moved_both" if len(moved) == 2 else f"moved_{which}"
    return make_check(2, "definition", key, "warn", _WARNINGS[which], text=text, p=p, v=v)
