"""How long a chart with run rules runs before it signals: an exact Markov chain, or a simulation where none exists.

A rule about zones sees each point as a letter (beyond, not beyond, on which side). What it must remember is a handful
of states; all rules together are the product of these, of which few can be reached. The run length then follows from
one linear system (Champ & Woodall 1987).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError, NoConvergence
from qstats.spc.rules import Rule, rule_set
from qstats.spc.runlength.markov import check_points

__all__ = ["RuleChain", "has_chain", "rule_chain", "rules_survival", "shewhart_rules_arl"]

Codes = npt.NDArray[np.int64]

_IN_ZONES = ("beyond", "within", "outside", "swing")
_MOST_STATES = 50_000
_DENSE = 400  # states: up to here a dense solve is as quick as a sparse one
_SIGNAL = -1

# (bits of the last m - 1 points, newest lowest; the same of the high side; of the low side; points seen, to m - 1)
_Memory = tuple[int, int, int, int]


def has_chain(rule: Rule) -> bool:
    """Return whether the rule looks at each point's zone only, so that a Markov chain describes it exactly."""
    return rule.kind in _IN_ZONES


def _cuts(rules: tuple[Rule, ...], nsigma: float) -> FloatArray:
    """Return the lines between zones, in sigmas from the centre, ascending."""
    lines = {0.0}
    for rule in rules:
        t = nsigma if rule.threshold is None else rule.threshold
        lines |= {t, -t}
        if not rule.beyond_limits:
            lines |= {nsigma, -nsigma}
    return np.array(sorted(lines))


def _letters(rule: Rule, side: str, z: FloatArray, nsigma: float) -> list[tuple[bool, bool, bool]]:
    """Return for a point in each zone: does it count as high, as low, and does it end the rule's memory."""
    t = nsigma if rule.threshold is None else rule.threshold
    high, low = z > t, z < -t
    if not rule.beyond_limits:
        high, low = high & (z <= nsigma), low & (z >= -nsigma)
    ends = np.zeros(z.size, dtype=np.bool_)
    if rule.kind == "within":
        high, low = np.abs(z) < t, ends
    elif rule.kind == "beyond":
        high, low = (high if side == "upper" else low), ends
        if rule.same_side:
            ends = z < 0.0 if side == "upper" else z > 0.0
    return list(zip(high.tolist(), low.tolist(), ends.tolist(), strict=True))


def _useful(bits: int, k: int, m: int) -> int:
    """Drop the points that no future can complete to `k` of `m`: states that behave alike become one."""
    for age in range(m - 1, 0, -1):  # age of a point: how many points back it lies once the next one has come
        if bits >> (age - 1) & 1:
            after = (bits & ((1 << (age - 1)) - 1)).bit_count()
            if 1 + after + (m - age) >= k:
                return bits
            bits &= ~(1 << (age - 1))
    return bits


def _newest(bits: int) -> int:
    return bits & -bits


def _step(rule: Rule, memory: _Memory, letter: tuple[bool, bool, bool]) -> _Memory | None:
    """Return what the rule remembers after one more point; None is a signal."""
    both, high, low, seen = memory
    is_high, is_low, ends = letter
    window = (1 << rule.m) - 1
    if ends:
        return (0, 0, 0, 0)
    is_hit = is_high or is_low
    both = (both << 1 | is_hit) & window
    high, low = (high << 1 | is_high) & window, (low << 1 | is_low) & window
    two_sided = rule.kind == "swing" or rule.sides == "both"
    enough = both.bit_count() >= rule.k and (not two_sided or (high > 0 and low > 0))
    if is_hit and seen >= rule.m - 1 and enough:
        return None
    keep = window >> 1
    both = _useful(both & keep, rule.k, rule.m)
    if not two_sided:
        high = low = 0
    return (both, _newest(high & keep & both), _newest(low & keep & both), min(seen + 1, rule.m - 1))


def _automaton(rule: Rule, letters: list[tuple[bool, bool, bool]], full: bool) -> Codes:
    """Return the next state by state and zone, from all the rule can remember; state 0 is the start."""
    start: _Memory = (0, 0, 0, rule.m - 1 if full and not rule.same_side else 0)
    place: dict[_Memory, int] = {start: 0}
    todo, rows = [start], []
    for memory in todo:  # grows while it is walked
        row = []
        for letter in letters:
            after = _step(rule, memory, letter)
            if after is not None and after not in place:
                place[after] = len(todo)
                todo.append(after)
            row.append(_SIGNAL if after is None else place[after])
        rows.append(row)
        if len(rows) > _MOST_STATES:
            raise NoConvergence(f"rules: {rule.name!r} has too many states for an exact run length; simulate it")
    return np.array(rows, dtype=np.int64)


def _automata(rules: tuple[Rule, ...], nsigma: float, full: bool) -> tuple[FloatArray, list[Codes]]:
    """Return the zone lines and one automaton per rule and side."""
    cuts = _cuts(rules, nsigma)
    edges = np.concatenate([[cuts[0] - 1.0], cuts, [cuts[-1] + 1.0]])
    middle = 0.5 * (edges[1:] + edges[:-1])
    out = []
    for rule in rules:
        sides = ("upper", "lower") if rule.kind == "beyond" and rule.sides == "each" else (rule.sides,)
        out += [_automaton(rule, _letters(rule, side, middle, nsigma), full) for side in sides]
    return cuts, out


@dataclass(frozen=True, slots=True, eq=False)
class RuleChain:
    """All states a set of rules can be in before its first signal.

    Parameters
    ----------
    cuts : numpy.ndarray
        Lines between zones, in sigmas from the centre, ascending.
    after : numpy.ndarray of int
        Next state by state and zone, shape (states, zones); the number of states stands for a signal. State 0 is the
        start.
    """

    cuts: FloatArray
    after: Codes

    def zone_probabilities(self, shift: float) -> FloatArray:
        """Return the probability of each zone for a point ``Normal(shift, 1)``, without cancellation in the tails."""
        low = np.concatenate([[-math.inf], self.cuts]) - shift
        high = np.concatenate([self.cuts, [math.inf]]) - shift
        right = low > 0.0
        below = scipy.special.ndtr(np.where(right, -low, high)) - scipy.special.ndtr(np.where(right, -high, low))
        return np.asarray(below)

    def survival(self, n: int, shift: float) -> FloatArray:
        """Return P(RL > 1), ..., P(RL > n)."""
        p = self.zone_probabilities(shift)
        clear = np.ones(self.after.shape[0] + 1)
        clear[-1] = 0.0
        out = np.empty(n)
        for i in range(n):
            clear[:-1] = clear[self.after] @ p
            out[i] = clear[0]
        return out

    def arl(self, shift: float) -> float:
        """Return the mean run length from the start."""
        p, states = self.zone_probabilities(shift), self.after.shape[0]
        stays = self.after < states
        row = np.broadcast_to(np.arange(states)[:, None], self.after.shape)[stays]
        weight = np.broadcast_to(p, self.after.shape)[stays]
        try:
            if states <= _DENSE:
                system = np.eye(states)
                np.subtract.at(system, (row, self.after[stays]), weight)
                return _finite(np.linalg.solve(system, np.ones(states))[0])
            import scipy.sparse
            import scipy.sparse.linalg

            move = scipy.sparse.csc_matrix((weight, (row, self.after[stays])), shape=(states, states))
            eye = scipy.sparse.identity(states, format="csc")
            return _finite(scipy.sparse.linalg.splu((eye - move).tocsc()).solve(np.ones(states))[0])
        except (np.linalg.LinAlgError, RuntimeError):  # singular: some state is never left
            return _finite(math.inf)


def _finite(arl: float) -> float:
    if not 1.0 - 1e-9 <= arl < 1e12:
        raise NoConvergence("rules: the run length is too long for double precision; the rules hardly ever signal")
    return max(float(arl), 1.0)


def _product(machines: list[Codes], zones: int) -> Codes:
    """Return the joint table of several automata: only the states that can be reached, wave by wave."""
    sizes = [machine.shape[0] for machine in machines]
    if math.prod(sizes) >= 2**62:
        raise NoConvergence("rules: too many rules for an exact run length; simulate them")
    known, wave, waves = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), []
    while wave.size:
        codes = np.zeros((wave.size, zones), dtype=np.int64)
        signal = np.zeros((wave.size, zones), dtype=np.bool_)
        rest, unit = wave, 1
        for machine, size in zip(machines, sizes, strict=True):
            after = machine[rest % size]
            signal |= after == _SIGNAL
            codes += unit * after
            rest, unit = rest // size, unit * size
        codes[signal] = _SIGNAL
        waves.append((wave, codes))
        fresh = np.unique(codes[~signal])
        wave = fresh[~np.isin(fresh, known)]
        known = np.concatenate([known, wave])
        if known.size > _MOST_STATES:
            raise NoConvergence("rules: too many states for an exact run length; simulate the rules")
    order = np.sort(known)
    table = np.concatenate([codes for _, codes in waves])[np.argsort(known)]
    place = np.searchsorted(order, table)
    place[table == _SIGNAL] = order.size
    return place


@lru_cache(maxsize=64)
def rule_chain(rules: tuple[Rule, ...], nsigma: float, start: str) -> RuleChain:
    """Return the chain of a set of rules about zones, ready for any shift.

    Parameters
    ----------
    rules : tuple of Rule
        Rules for which `has_chain` holds.
    nsigma : float
        Where the control limits stand, in sigmas.
    start : {"central", "empty"}
        What lies before the first point. ``"central"``: points that count for no rule, as in the tables of Champ &
        Woodall. ``"empty"``: nothing, as on a chart, where 2 of 3 needs three points.
    """
    check_choice(start, "start", ("central", "empty"))
    cuts, machines = _automata(rules, nsigma, start == "central")
    return RuleChain(cuts, _product(machines, cuts.size + 1))


def _zone_rules(rules: object, nsigma: object) -> tuple[tuple[Rule, ...], float]:
    chosen = rule_set(rules).rules
    if not chosen:
        raise DataError("rules: there are none; a chart without rules never signals")
    moving = [rule.name for rule in chosen if not has_chain(rule)]
    if moving:
        raise DataError(
            f"rules: {', '.join(map(repr, moving))} compare points with one another, which zones cannot tell; "
            f"use simulate_rules_arl or run_length_of_rules"
        )
    return chosen, check_number(nsigma, "nsigma", above=0.0)


def shewhart_rules_arl(rules: object, shift: float = 0.0, nsigma: float = 3.0, *, start: str = "central") -> float:
    """Return how many points a chart with run rules takes on average until any of them signals, exactly.

    To weigh what a rule costs in false alarms against what it gains. Not for rules about trends or alternation, which
    are no functions of zones.

    Parameters
    ----------
    rules : str, RuleSet, Rule or sequence of Rule
        Rules of the kinds ``beyond``, ``within``, ``outside`` and ``swing``.
    shift : float
        Shift of the mean, in standard errors of the plotted point.
    nsigma : float
        Where the control limits stand, in the same unit.
    start : {"central", "empty"}
        What lies before the first point. ``"central"``: points that count for no rule, as in the published tables.
        ``"empty"``: nothing, as on a new chart, where 2 of 3 needs three points; the run length is then a little longer
        (91.90 for 91.75 with the four Western Electric rules, 3.44 for 3.13 at a shift of two sigmas).

    Returns
    -------
    float
        Average run length in points, for independent normal points and known parameters.

    Raises
    ------
    DataError
        No rules, or rules that zones cannot tell.
    NoConvergence
        The rules together have more than 50,000 states, or never signal.

    References
    ----------
    Champ & Woodall (1987), Technometrics 29(4), 393-399, Table 1.

    Examples
    --------
    >>> from qstats.spc.runlength import shewhart_rules_arl
    >>> round(shewhart_rules_arl("western_electric"), 2)
    91.75
    """
    chosen, nsigma = _zone_rules(rules, nsigma)
    return rule_chain(chosen, nsigma, start).arl(check_number(shift, "shift"))


def rules_survival(
    rules: object, n: int, shift: float = 0.0, nsigma: float = 3.0, *, start: str = "empty"
) -> FloatArray:
    """Return the probability that no rule has signalled by the 1st, ..., the n-th point, exactly.

    One minus the last value is the probability of at least one false alarm on a chart of `n` points.

    Parameters
    ----------
    rules, shift, nsigma, start
        As in `shewhart_rules_arl`.
    n : int
        Number of points.

    Returns
    -------
    numpy.ndarray
        P(RL > 1), ..., P(RL > n), shape (n,).

    Examples
    --------
    >>> from qstats.spc.runlength import rules_survival
    >>> round(float(1 - rules_survival("western_electric", 25)[-1]), 3)
    0.218
    """
    chosen, nsigma = _zone_rules(rules, nsigma)
    return rule_chain(chosen, nsigma, start).survival(check_points(n), check_number(shift, "shift"))
