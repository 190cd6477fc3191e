"""The named rule sets, each with where it comes from and where its sources differ.

Counts are of points, not of steps: "six in a row increasing" is six points. A name says what the rule looks for, so a
rule that two sets share is one rule when they are put together.
"""

from __future__ import annotations

from qstats.spc.rules.rule import Rule, RuleSet

__all__ = [
    "AIAG",
    "ANHOEJ",
    "BEYOND_LIMITS",
    "BOEING",
    "JMP",
    "MINITAB",
    "MONTGOMERY",
    "NAMED",
    "NELSON",
    "NHS",
    "NO_RULES",
    "WESTERN_ELECTRIC",
    "WESTGARD",
]


def _side(m: int) -> Rule:
    return Rule(f"{m} on one side", "beyond", m, m, 0.0)


BEYOND_LIMITS = Rule("beyond limits", "beyond")
_TWO_OF_THREE = Rule("2 of 3 beyond 2 sigma", "beyond", 2, 3, 2.0)
_FOUR_OF_FIVE = Rule("4 of 5 beyond 1 sigma", "beyond", 4, 5, 1.0)
_TREND_6 = Rule("6 in a trend", "trend", 6, 6)
_ALTERNATING_14 = Rule("14 alternating", "alternating", 14, 14)
_WITHIN_15 = Rule("15 within 1 sigma", "within", 15, 15, 1.0)
_OUTSIDE_8 = Rule("8 outside 1 sigma", "outside", 8, 8, 1.0, "either")
_MIXTURE_8 = Rule("8 outside 1 sigma, both sides", "outside", 8, 8, 1.0, "both")

NO_RULES = RuleSet("none", ())

# Western Electric (1956), Statistical Quality Control Handbook, pp. 25-27: the four zone tests, one half of the chart
# at a time.
WESTERN_ELECTRIC = RuleSet("western_electric", (BEYOND_LIMITS, _TWO_OF_THREE, _FOUR_OF_FIVE, _side(8)))

# Nelson (1984), JQT 16(4), 237-239. Test 8, "on both sides of centerline with none in zone C", is read in two ways:
# eight points beyond 1 sigma wherever they lie (here, Minitab, MATLAB), or with both sides visited (Montgomery, qcc).
NELSON = RuleSet(
    "nelson",
    (
        BEYOND_LIMITS,
        _side(9),
        _TREND_6,
        _ALTERNATING_14,
        _TWO_OF_THREE,
        _FOUR_OF_FIVE,
        _WITHIN_15,
        _OUTSIDE_8,
    ),
)

# Minitab, "Select tests for special causes", default values of K: tests 1 to 8 as Nelson's, test 8 "either side". It
# performs test 1 alone unless asked; the set is all eight.
MINITAB = RuleSet("minitab", NELSON.rules)

# JMP, Control Chart Builder, "Tests": Nelson's numbering and counts; tests 1, 2, 5 and 6 look at each half of the chart
# separately, a point on a line belongs to the inner zone.
JMP = RuleSet("jmp", NELSON.rules)

# AIAG (2005), Statistical Process Control, 2nd ed., table II.1 "Summary of typical special cause criteria": Nelson's,
# with a run of 7. (The first edition of 1992 also had a trend of 7.)
AIAG = RuleSet("aiag", (BEYOND_LIMITS, _side(7), *NELSON.rules[2:]))

# Montgomery, Introduction to Statistical Quality Control, 6th ed., table 5.1: rules 1 to 8. Rule 9 (an unusual pattern)
# and rule 10 (points near a limit) are judgements, not rules. Rule 8: "on both sides of the center line".
MONTGOMERY = RuleSet(
    "montgomery",
    (
        BEYOND_LIMITS,
        _TWO_OF_THREE,
        _FOUR_OF_FIVE,
        _side(8),
        _TREND_6,
        _WITHIN_15,
        _ALTERNATING_14,
        _MIXTURE_8,
    ),
)

# NHS England, Making Data Count: a point outside the limits, 7 on one side of the mean, 7 increasing or decreasing, 2
# of 3 "within one sigma of a control limit". As its tool has it, the last wants all three points on one side of the
# mean and leaves points outside the limits out of the count: two beyond 3 sigma and one beyond 2 do not add up to it.
NHS = RuleSet(
    "nhs",
    (
        BEYOND_LIMITS,
        _side(7),
        Rule("7 in a trend", "trend", 7, 7),
        Rule("2 of 3 near a limit", "beyond", 2, 3, 2.0, beyond_limits=False, same_side=True),
    ),
)

# Anhoej & Olesen (2014), PLoS ONE 9(11), e113825: longest run and number of crossings of the useful points, judged for
# the chart as a whole. They need no control limits.
ANHOEJ = RuleSet("anhoej", (Rule("run too long", "long_run"), Rule("too few crossings", "few_crossings")))

# Westgard, Barry, Hunt & Groth (1981), Clinical Chemistry 27(3), 493-501: the five rejection rules (1_2s only warns).
# All are in standard deviations, wherever the limits are drawn. R_4s was meant within one run of control samples; here,
# as in programs that chart one sample, the two are neighbours. (Some take it as neighbours more than 4s apart.)
WESTGARD = RuleSet(
    "westgard",
    (
        Rule("1_3s", "beyond", 1, 1, 3.0),
        Rule("2_2s", "beyond", 2, 2, 2.0),
        Rule("R_4s", "swing", 2, 2, 2.0),
        Rule("4_1s", "beyond", 4, 4, 1.0),
        Rule("10_x", "beyond", 10, 10, 0.0),
    ),
)

# Boeing D1-9000 (2000), section 4.2.5, asks for "industry standard methods"; those are the four zone tests of Western
# Electric. Lists that go by the name of Boeing's AQS tools add others: agree them with the customer and write them out.
BOEING = RuleSet("boeing", WESTERN_ELECTRIC.rules)

NAMED = {
    s.name: s
    for s in (NO_RULES, WESTERN_ELECTRIC, NELSON, MINITAB, JMP, AIAG, MONTGOMERY, NHS, ANHOEJ, WESTGARD, BOEING)
}
