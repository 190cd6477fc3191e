"""Run rules as data: one rule, sets of rules, and the name or sequence a caller may give instead."""

from __future__ import annotations

from qstats._core.checks import check_choice
from qstats.errors import DataError
from qstats.spc.rules.rule import Rule, RuleSet
from qstats.spc.rules.sets import BEYOND_LIMITS, NAMED, NELSON, NO_RULES, WESTERN_ELECTRIC

__all__ = ["BEYOND_LIMITS", "NELSON", "NO_RULES", "WESTERN_ELECTRIC", "Rule", "RuleSet", "rule_set"]


def rule_set(rules: object) -> RuleSet:
    """Return the rule set that a name, a `Rule`, a `RuleSet` or a sequence of these stands for.

    Parameters
    ----------
    rules : str, Rule, RuleSet, or list or tuple of these
        ``"nelson"``, ``my_rule``, ``("nelson", my_rule)``; an empty sequence is no rules. A rule that comes twice is
        kept once.

    Returns
    -------
    RuleSet
        Called by what it is made of: ``"nelson"``, ``"custom"``, ``"nelson + custom"``.

    Raises
    ------
    DataError
        An unknown name, something that is not a rule, or two different rules of one name.

    Examples
    --------
    >>> rule_set(("western_electric", Rule("6 in a trend", "trend", 6, 6))).name
    'western_electric + custom'
    """
    if isinstance(rules, RuleSet):
        return rules
    if isinstance(rules, str):
        return NAMED[check_choice(rules, "rules", NAMED)]
    if isinstance(rules, Rule):
        return RuleSet("custom", (rules,))
    if not isinstance(rules, list | tuple) or not all(isinstance(r, Rule | RuleSet | str) for r in rules):
        raise DataError(
            f"rules: got {rules!r}; a name ({', '.join(map(repr, NAMED))}), a Rule, a RuleSet or a tuple of these is "
            "wanted"
        )
    out = NO_RULES
    for part in rules:
        out = out + rule_set(part)
    return out
