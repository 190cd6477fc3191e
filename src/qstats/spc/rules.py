"""Run rules as data, and one engine that finds where they fire.

A rule is a row: what it looks at, how many points of how many, how far out, on which side. A new rule is a new row, not
new code. The engine turns each comparison into bytes once and combines shifted bytes; it never walks over points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.blocks import block_edges
from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError

__all__ = ["BEYOND_LIMITS", "NELSON", "NO_RULES", "WESTERN_ELECTRIC", "Rule", "RuleSet", "find", "rule_set"]

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]

_ONE = np.uint8(1)
_NOWHERE: Indices = np.empty(0, dtype=np.intp)
_NOWHERE.flags.writeable = False
_SIDES = {
    "beyond": ("each", "upper", "lower"),
    "trend": ("each", "upper", "lower"),
    "alternating": ("each",),
    "within": ("each",),
    "outside": ("either", "both"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One run rule: `k` of `m` points in a row that show a pattern.

    A rule needs `m` judged points in a row and signals at the point that completes it, which shows the pattern itself.
    Each point is held against its own zones, ``center_i + threshold * sigma_i``, by strict comparison: a point exactly
    on a line is not beyond it, and one on the centre line breaks a run.

    Parameters
    ----------
    name : str
        How the rule is called in results.
    kind : {"beyond", "trend", "alternating", "within", "outside"}
        ``beyond``: further out than `threshold` on one side (0 sigma: on one side of the centre). ``trend``: each point
        above (below) the one before; a tie breaks it. ``alternating``: up and down in turn. ``within``: not further out
        than `threshold` on either side. ``outside``: further out than `threshold`, both sides counted together.
    k, m : int
        `k` of the last `m` points; ``1 <= k <= m <= 255``. Trend and alternating count points, with ``k == m``.
    threshold : float or None
        Distance from the centre in standard errors of the point; None is the chart's own control limit.
    sides : {"each", "upper", "lower", "either", "both"}
        ``each`` looks at both sides, one at a time. For ``outside``: ``either``, or ``both`` if each side must be
        visited.

    Raises
    ------
    DataError
        The fields contradict one another.

    References
    ----------
    Western Electric (1956), Statistical Quality Control Handbook, pp. 25-28; Nelson (1984), Journal of Quality
    Technology 16(4), 237-239. Run lengths of such rules: Champ & Woodall (1987), Technometrics 29(4), 393-399.

    Examples
    --------
    >>> from qstats import Rule
    >>> Rule("7 in a row on one side", "beyond", 7, 7, 0.0).threshold
    0.0
    """

    name: str
    kind: str
    k: int = 1
    m: int = 1
    threshold: float | None = None
    sides: str = "each"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise DataError(f"name: got {self.name!r}; a rule needs a name")
        check_choice(self.kind, "kind", _SIDES)
        check_choice(self.sides, "sides", _SIDES[self.kind])
        for value, what in ((self.k, "k"), (self.m, "m")):
            if isinstance(value, bool) or not isinstance(value, int):
                raise DataError(f"{what}: got {value!r} for rule {self.name!r}; a whole number is wanted")
        if not 1 <= self.k <= self.m <= 255:
            raise DataError(f"k: got {self.k} of m = {self.m} for rule {self.name!r}; 1 <= k <= m <= 255 is wanted")
        shortest = {"trend": 2, "alternating": 3}.get(self.kind)
        if shortest is not None and (self.k != self.m or self.m < shortest or self.threshold is not None):
            raise DataError(f"k: a {self.kind} rule has k == m >= {shortest} and no threshold; {self.name!r} does not")
        if self.threshold is not None:
            check_number(self.threshold, "threshold", least=0.0)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A named tuple of rules.

    Parameters
    ----------
    name : str
        Name results carry.
    rules : tuple of Rule
        The rules, in the order they are reported.
    """

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise DataError(f"rules: two rules of {self.name!r} have the same name; give each its own")


BEYOND_LIMITS = Rule("beyond limits", "beyond")
_TWO_OF_THREE = Rule("2 of 3 beyond 2 sigma", "beyond", 2, 3, 2.0)
_FOUR_OF_FIVE = Rule("4 of 5 beyond 1 sigma", "beyond", 4, 5, 1.0)

NO_RULES = RuleSet("none", ())
WESTERN_ELECTRIC = RuleSet(
    "western_electric", (BEYOND_LIMITS, _TWO_OF_THREE, _FOUR_OF_FIVE, Rule("8 on one side", "beyond", 8, 8, 0.0))
)
NELSON = RuleSet(
    "nelson",
    (
        BEYOND_LIMITS,
        Rule("9 on one side", "beyond", 9, 9, 0.0),
        Rule("6 in a trend", "trend", 6, 6),
        Rule("14 alternating", "alternating", 14, 14),
        _TWO_OF_THREE,
        _FOUR_OF_FIVE,
        Rule("15 within 1 sigma", "within", 15, 15, 1.0),
        Rule("8 outside 1 sigma", "outside", 8, 8, 1.0, "either"),
    ),
)
_NAMED = {s.name: s for s in (NO_RULES, WESTERN_ELECTRIC, NELSON)}


def rule_set(rules: object) -> RuleSet:
    """Return the rule set that a name, a `RuleSet`, or a sequence of `Rule` stands for."""
    if isinstance(rules, RuleSet):
        return rules
    if isinstance(rules, str):
        return _NAMED[check_choice(rules, "rules", _NAMED)]
    if isinstance(rules, Rule):
        rules = (rules,)
    if not isinstance(rules, list | tuple) or not all(isinstance(r, Rule) for r in rules):
        raise DataError(f"rules: got {rules!r}; a name ({', '.join(map(repr, _NAMED))}) or a tuple of Rule is wanted")
    return RuleSet("custom", tuple(rules)) if rules else NO_RULES


@dataclass(frozen=True, slots=True, eq=False)
class _Zones:
    """One block of a chart, and the comparisons already made on it."""

    x: FloatArray
    center: FloatArray | float
    sigma: FloatArray | float
    nsigma: float
    seen: dict[tuple[float, bool], Bytes] = field(default_factory=dict)

    def beyond(self, threshold: float | None, upper: bool) -> Bytes:
        t = self.nsigma if threshold is None else threshold
        if (t, upper) not in self.seen:
            if t == 0.0:
                line = self.center
            else:
                line = self.center + t * self.sigma if upper else self.center - t * self.sigma
            hit = self.x > line if upper else self.x < line
            self.seen[t, upper] = hit.view(np.uint8)
        return self.seen[t, upper]


def _all_of(b: Bytes, m: int) -> Bytes:
    """Return 1 where the last `m` bytes are all 1, by doubling: three or four ANDs for any usual `m`."""
    have = 1
    while have < m:
        step = min(have, m - have)
        out = np.zeros_like(b)
        if step < b.size:
            np.bitwise_and(b[step:], b[:-step], out=out[step:])
        b, have = out, have + step
    return b


def _k_of(b: Bytes, k: int, m: int) -> Bytes:
    """Return 1 where at least `k` of the last `m` bytes are 1, the last one among them."""
    if k == m:
        return _all_of(b, m)
    count = b.copy()
    for t in range(1, min(m, b.size)):
        np.add(count[t:], b[:-t], out=count[t:])
    hit = (count >= k).view(np.uint8)
    np.bitwise_and(hit, b, out=hit)
    hit[: m - 1] = 0  # fewer than m points so far
    return hit


def _steps(x: FloatArray, upper: bool) -> Bytes:
    out = np.zeros(x.size, dtype=np.uint8)
    (np.greater if upper else np.less)(x[1:], x[:-1], out=out[1:].view(np.bool_))
    return out


def _alternating(z: _Zones, rule: Rule) -> Bytes:
    up, down = _steps(z.x, True), _steps(z.x, False)
    turn = np.zeros_like(up)
    turn[1:] = (up[1:] & down[:-1]) | (down[1:] & up[:-1])
    return _all_of(turn, rule.m - 2)


def _two_sided(z: _Zones, rule: Rule) -> Bytes:
    high, low = z.beyond(rule.threshold, True), z.beyond(rule.threshold, False)
    if rule.kind == "outside":
        out = _k_of(high | low, rule.k, rule.m)
        if rule.sides == "both":
            one_sided = _all_of(high ^ _ONE, rule.m) | _all_of(low ^ _ONE, rule.m)
            out = out & (one_sided ^ _ONE)
        return out
    # A gap is neither beyond nor within, and where nothing varies "close to the centre" means nothing.
    inside = ((high | low) ^ _ONE) & (~np.isnan(z.x) & (np.asarray(z.sigma) > 0)).view(np.uint8)
    return _k_of(inside, rule.k, rule.m)


def _patterns(z: _Zones, rule: Rule) -> Iterator[Bytes]:
    """Yield one byte array per side the rule looks at."""
    if rule.kind == "alternating":
        yield _alternating(z, rule)
    elif rule.kind in ("within", "outside"):
        yield _two_sided(z, rule)
    else:
        for side, upper in (("upper", True), ("lower", False)):
            if rule.sides in ("each", side):
                if rule.kind == "trend":
                    yield _all_of(_steps(z.x, upper), rule.m - 1)
                else:
                    b = z.beyond(rule.threshold, upper)
                    # Alarms are rare: most of the time there is nothing to combine.
                    if np.count_nonzero(b) >= rule.k:
                        yield _k_of(b, rule.k, rule.m)


def _lean(a: FloatArray, i: int, j: int) -> FloatArray | float:
    """A constant kept as a broadcast view goes through the comparisons as one number."""
    return float(a[0]) if a.strides == (0,) and a.size else a[i:j]


def find(
    rules: tuple[Rule, ...],
    statistic: FloatArray,
    center: FloatArray,
    sigma: FloatArray,
    nsigma: float,
    age: npt.NDArray[np.intp] | None = None,
) -> list[Indices]:
    """Return, for each rule, the positions of the points that complete it.

    Parameters
    ----------
    rules : tuple of Rule
        What to look for.
    statistic, center, sigma : numpy.ndarray
        One value per point, shape (n,); NaN in `statistic` is a gap.
    nsigma : float
        Where the control limits stand, in sigmas.
    age : numpy.ndarray of int, optional
        How many judged points in a row precede each point in its run; -1 for a point that is not judged. None: all
        points are one unbroken run.
    """
    context = max((rule.m for rule in rules), default=1) - 1
    found: list[list[Indices]] = [[] for _ in rules]
    for start, stop in block_edges(statistic.size if rules else 0):
        low = max(0, start - context)
        z = _Zones(statistic[low:stop], _lean(center, low, stop), _lean(sigma, low, stop), nsigma)
        for where, rule in zip(found, rules, strict=True):
            for hit in _patterns(z, rule):
                if np.count_nonzero(hit):
                    at = np.flatnonzero(hit.view(np.bool_)) + low
                    where.append(at[at >= start])
    out = [np.sort(np.concatenate(w)) if w else _NOWHERE for w in found]
    if age is None:
        return out
    return [at[age[at] >= rule.m - 1] if at.size else at for at, rule in zip(out, rules, strict=True)]
