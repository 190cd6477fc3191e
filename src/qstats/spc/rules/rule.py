"""A run rule is a row of plain data; a rule set is a named tuple of rows. A new rule is a new row, not new code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qstats._core.checks import check_choice, check_number
from qstats.errors import DataError

__all__ = ["KINDS", "Rule", "RuleSet"]

_SIDES = {
    "beyond": ("each", "upper", "lower"),
    "trend": ("each", "upper", "lower"),
    "alternating": ("each",),
    "within": ("each",),
    "outside": ("either", "both"),
    "swing": ("each",),
    "long_run": ("each",),
    "few_crossings": ("each",),
}
KINDS = tuple(_SIDES)


@dataclass(frozen=True, slots=True)
class Rule:
    """One run rule: `k` of `m` points in a row that show a pattern.

    A rule needs `m` judged points in a row and signals at the point that completes it, which shows the pattern itself.
    Each point is held against its own zones, ``center_i + threshold * sigma_i``, by strict comparison: a point exactly
    on a line is not beyond it.

    Parameters
    ----------
    name : str
        How the rule is called in results.
    kind : {"beyond", "trend", "alternating", "within", "outside", "swing", "long_run", "few_crossings"}
        ``beyond``: further out than `threshold` on one side (0 sigma: on one side of the centre). ``trend``: each point
        above (below) the one before. ``alternating``: up and down in turn. ``within``: not further out than `threshold`
        on either side. ``outside``: further out than `threshold`, both sides counted together. ``swing``: of `m` points
        one further out than `threshold` above and one below. ``long_run``: the longest run on one side of the centre
        line is too long for the whole chart; ``few_crossings``: the line is crossed too seldom (Anhoej). These two have
        no completing point.
    k, m : int
        `k` of the last `m` points; ``1 <= k <= m <= 255``. Trend and alternating count points, with ``k == m``; a swing
        is 2 of `m`.
    threshold : float or None
        Distance from the centre in standard errors of the point; None is the control limit as drawn (not for
        ``within``).
    sides : {"each", "upper", "lower", "either", "both"}
        ``each`` looks at both sides, one at a time. For ``outside``: ``either``, or ``both`` if each side must be
        visited.
    ties : {"break", "ignore", "continue"}
        What two equal neighbours do to a trend: end it; nothing (the second point is passed over, it neither counts nor
        signals); or go on with it (`m` points none of which turns back, the last further on than the first).
    center : {"break", "skip"}
        What a point on the centre line does to a run on one side (threshold 0): end it, or nothing (it is passed over:
        only "useful" points count).
    beyond_limits : bool
        Whether points beyond the control limits count towards a zone rule.
    same_side : bool
        Whether all `m` points, not only the `k`, must lie on the one side of the centre line.

    Raises
    ------
    DataError
        The fields contradict one another.

    References
    ----------
    Western Electric (1956), Statistical Quality Control Handbook, pp. 25-28; Nelson (1984), Journal of Quality
    Technology 16(4), 237-239; Anhoej & Olesen (2014), PLoS ONE 9(11), e113825. Run lengths of such rules: Champ &
    Woodall (1987), Technometrics 29(4), 393-399.

    Examples
    --------
    >>> from qstats import Rule
    >>> rule = Rule("7 in a row on one side", "beyond", 7, 7, 0.0)
    >>> rule.describe()
    '7 points in a row on one side of the centre line.'
    """

    name: str
    kind: str
    k: int = 1
    m: int = 1
    threshold: float | None = None
    sides: str = "each"
    ties: str = "break"
    center: str = "break"
    beyond_limits: bool = True
    same_side: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise DataError(f"name: got {self.name!r}; a rule needs a name")
        check_choice(self.kind, "kind", _SIDES)
        check_choice(self.sides, "sides", _SIDES[self.kind])
        check_choice(self.ties, "ties", ("break", "ignore", "continue"))
        check_choice(self.center, "center", ("break", "skip"))
        for flag, what in ((self.beyond_limits, "beyond_limits"), (self.same_side, "same_side")):
            if not isinstance(flag, bool):
                raise DataError(f"{what}: got {flag!r} for rule {self.name!r}; True or False is wanted")
        if self.threshold is not None:
            check_number(self.threshold, "threshold", least=0.0)
        self._check_counts()
        self._check_policies()

    def _check_counts(self) -> None:
        for value, what in ((self.k, "k"), (self.m, "m")):
            if isinstance(value, bool) or not isinstance(value, int):
                raise DataError(f"{what}: got {value!r} for rule {self.name!r}; a whole number is wanted")
        if not 1 <= self.k <= self.m <= 255:
            raise DataError(f"k: got {self.k} of m = {self.m} for rule {self.name!r}; 1 <= k <= m <= 255 is wanted")
        shortest = {"trend": 2, "alternating": 3}.get(self.kind)
        if shortest is not None and (self.k != self.m or self.m < shortest or self.threshold is not None):
            raise DataError(f"k: a {self.kind} rule has k == m >= {shortest} and no threshold; {self.name!r} does not")
        if self.kind == "swing" and self.k != 2:
            raise DataError(f"k: a swing is 2 of m points; {self.name!r} has k = {self.k}")
        if self.chart_level and (self.m != 1 or self.threshold is not None):
            raise DataError(
                f"m: a {self.kind} rule takes its limits from the data; {self.name!r} has a k, m or threshold"
            )
        if self.kind == "within" and not self.threshold:
            raise DataError(
                f"threshold: got {self.threshold!r}; a within rule needs one above 0, {self.name!r} has not"
            )

    def _check_policies(self) -> None:
        side_run = self.kind == "beyond" and self.threshold == 0
        zones = self.kind in ("beyond", "outside", "swing") and self.threshold is not None
        wrong = (
            (self.ties != "break" and self.kind != "trend", "ties: only a trend rule has a tie policy"),
            (
                self.center != "break" and not side_run,
                "center: only a beyond rule at 0 sigma has a centre policy",
            ),
            (
                not self.beyond_limits and not zones,
                "beyond_limits: only a beyond, outside or swing rule with a threshold can leave such points out",
            ),
            (
                self.same_side and (self.kind != "beyond" or side_run),
                "same_side: only a beyond rule off 0 sigma has it",
            ),
        )
        for bad, text in wrong:
            if bad:
                raise DataError(f"{text}; {self.name!r} is not one")

    @property
    def chart_level(self) -> bool:
        """Whether the rule judges a chart as a whole and no point of it."""
        return self.kind in ("long_run", "few_crossings")

    def describe(self) -> str:
        """Return one sentence that says what the rule looks for."""
        return _SENTENCES[self.kind](self)


def _points(rule: Rule) -> str:
    if rule.m == 1:
        return "A point"
    return f"{rule.m} points in a row" if rule.k == rule.m else f"{rule.k} of {rule.m} points in a row"


def _distance(rule: Rule) -> str:
    return f"{rule.threshold:g} sigma"


def _but(rule: Rule) -> str:
    return "" if rule.beyond_limits else ", points beyond the control limits not counted"


def _beyond(rule: Rule) -> str:
    above, below = rule.sides == "upper", rule.sides == "lower"
    side = "above" if above else "below"
    if rule.threshold is None:
        limit = f"{'the upper' if above else 'the lower' if below else 'a'} control limit"
        where = f"beyond {limit}" + (" on one side" if rule.m > 1 and not (above or below) else "")
    elif rule.threshold == 0:
        where = f"{side} the centre line" if above or below else "on one side of the centre line"
    elif above or below:
        where = f"more than {_distance(rule)} {side} the centre line"
    else:
        where = f"more than {_distance(rule)} from the centre line" + (" on one side" if rule.m > 1 else "")
    skip = ", points on it passed over" if rule.center == "skip" else ""
    whole = f", all {rule.m} on that side of the centre line" if rule.same_side else ""
    return f"{_points(rule)} {where}{skip}{whole}{_but(rule)}."


def _trend(rule: Rule) -> str:
    way = {"each": "rising or all falling", "upper": "rising", "lower": "falling"}[rule.sides]
    ties = {"break": "", "ignore": ", ties passed over", "continue": ", ties going on with the trend"}[rule.ties]
    return f"{_points(rule)}, all {way}{ties}."


def _within(rule: Rule) -> str:
    return f"{_points(rule)} within {_distance(rule)} of the centre line, on either side."


def _outside(rule: Rule) -> str:
    far = "beyond a control limit" if rule.threshold is None else f"more than {_distance(rule)} from the centre line"
    return f"{_points(rule)} {far}, {'both sides visited' if rule.sides == 'both' else 'on either side'}{_but(rule)}."


def _swing(rule: Rule) -> str:
    if rule.threshold is None:
        return f"Of {rule.m} points in a row one above the upper and one below the lower control limit."
    far = f"more than {_distance(rule)}"
    return f"Of {rule.m} points in a row one {far} above and one {far} below the centre line{_but(rule)}."


_SENTENCES: dict[str, Callable[[Rule], str]] = {
    "beyond": _beyond,
    "trend": _trend,
    "alternating": lambda rule: f"{_points(rule)}, up and down in turn.",
    "within": _within,
    "outside": _outside,
    "swing": _swing,
    "long_run": lambda _: "On the whole chart, too long a run on one side of the centre line.",
    "few_crossings": lambda _: "On the whole chart, too few crossings of the centre line.",
}


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A named tuple of rules.

    Sets add up: ``NELSON + my_rule`` or ``WESTERN_ELECTRIC + ANHOEJ``; a rule that is in both is kept once.

    Parameters
    ----------
    name : str
        Name results carry.
    rules : tuple of Rule
        The rules, in the order they are reported.

    Raises
    ------
    DataError
        Two different rules have the same name.

    Examples
    --------
    >>> from qstats import Rule
    >>> from qstats.spc.rules import NELSON
    >>> mine = NELSON.without("14 alternating") + Rule("7 on one side", "beyond", 7, 7, 0.0)
    >>> mine.name, len(mine.rules)
    ('custom', 8)
    """

    name: str
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise DataError(f"name: got {self.name!r}; a rule set needs a name")
        if not isinstance(self.rules, tuple) or not all(isinstance(rule, Rule) for rule in self.rules):
            raise DataError(f"rules: got {self.rules!r} for {self.name!r}; a tuple of Rule is wanted")
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise DataError(f"rules: two rules of {self.name!r} have the same name; give each its own")

    def __add__(self, other: RuleSet | Rule) -> RuleSet:
        """Return both sets as one; identical rules are kept once."""
        if isinstance(other, Rule):
            other = RuleSet("custom", (other,))
        if not isinstance(other, RuleSet):
            return NotImplemented
        if not self.rules or not other.rules:
            return self if self.rules else other
        parts = dict.fromkeys(self.name.split(" + ") + other.name.split(" + "))
        return RuleSet(" + ".join(parts), tuple(dict.fromkeys(self.rules + other.rules)))

    def without(self, *names: str) -> RuleSet:
        """Return the set without the rules of these names; it is then called ``"custom"``.

        Raises
        ------
        DataError
            No rule has such a name.
        """
        for name in names:
            check_choice(name, "name", [rule.name for rule in self.rules])
        if not names:
            return self
        return RuleSet("custom", tuple(rule for rule in self.rules if rule.name not in names))
