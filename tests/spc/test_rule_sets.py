"""The named sets, rule by rule, and how sets are put together."""

import pytest

from qstats.errors import DataError
from qstats.spc.rules import BEYOND_LIMITS, NELSON, NO_RULES, WESTERN_ELECTRIC, Rule, RuleSet, rule_set
from qstats.spc.rules.sets import NAMED

BEYOND = ("beyond", 1, 1, None)
TWO_OF_THREE, FOUR_OF_FIVE = ("beyond", 2, 3, 2.0), ("beyond", 4, 5, 1.0)
TREND, SAW, CALM, MIXED = (
    ("trend", 6, 6, None),
    ("alternating", 14, 14, None),
    ("within", 15, 15, 1.0),
    ("outside", 8, 8, 1.0),
)


def run(m):
    return ("beyond", m, m, 0.0)


# Sources: Western Electric (1956), pp. 25-27; Nelson (1984), JQT 16(4); Minitab, "Select tests for special causes";
# JMP, Control Chart Builder, "Tests"; AIAG (2005), SPC 2nd ed., table II.1; Montgomery, 6th ed., table 5.1, rules 1-8;
# Making Data Count, NHS England; Anhoej & Olesen (2014); Westgard et al. (1981), Clin Chem 27, 493-501.
SETS = {
    "none": [],
    "western_electric": [BEYOND, TWO_OF_THREE, FOUR_OF_FIVE, run(8)],
    "nelson": [BEYOND, run(9), TREND, SAW, TWO_OF_THREE, FOUR_OF_FIVE, CALM, MIXED],
    "minitab": [BEYOND, run(9), TREND, SAW, TWO_OF_THREE, FOUR_OF_FIVE, CALM, MIXED],
    "jmp": [BEYOND, run(9), TREND, SAW, TWO_OF_THREE, FOUR_OF_FIVE, CALM, MIXED],
    "aiag": [BEYOND, run(7), TREND, SAW, TWO_OF_THREE, FOUR_OF_FIVE, CALM, MIXED],
    "montgomery": [BEYOND, TWO_OF_THREE, FOUR_OF_FIVE, run(8), TREND, CALM, SAW, MIXED],
    "nhs": [BEYOND, run(7), ("trend", 7, 7, None), TWO_OF_THREE],
    "anhoej": [("long_run", 1, 1, None), ("few_crossings", 1, 1, None)],
    "westgard": [("beyond", 1, 1, 3.0), ("beyond", 2, 2, 2.0), ("swing", 2, 2, 2.0), ("beyond", 4, 4, 1.0), run(10)],
    "boeing": [BEYOND, TWO_OF_THREE, FOUR_OF_FIVE, run(8)],
}


@pytest.mark.parametrize("name", SETS)
def test_named_sets_as_their_sources_have_them(name):
    s = rule_set(name)
    assert s.name == name
    assert [(r.kind, r.k, r.m, r.threshold) for r in s.rules] == SETS[name]


def test_no_set_is_untested():
    assert set(SETS) == set(NAMED)


def test_where_the_sets_differ():
    assert [r.sides for s in ("nelson", "minitab", "montgomery") for r in rule_set(s).rules if r.kind == "outside"] == [
        "either",
        "either",
        "both",
    ]
    near = rule_set("nhs").rules[-1]
    assert not near.beyond_limits and near.same_side
    others = [r for s in NAMED.values() if s.name != "nhs" for r in s.rules]
    assert all(r.beyond_limits and not r.same_side and r.ties == r.center == "break" for r in others)


def test_one_name_is_one_rule():
    rules = {r for s in NAMED.values() for r in s.rules}
    assert len({r.name for r in rules}) == len(rules)


SEVEN = Rule("7 on one side", "beyond", 7, 7, 0.0)
MINE = Rule("3 beyond 1 sigma", "beyond", 3, 3, 1.0)


@pytest.mark.parametrize(
    ("given", "name", "rules"),
    [
        ("none", "none", ()),
        ((), "none", ()),
        ([], "none", ()),
        (MINE, "custom", (MINE,)),
        ([MINE, SEVEN], "custom", (MINE, SEVEN)),
        ((MINE, MINE), "custom", (MINE,)),
        (("nelson",), "nelson", NELSON.rules),
        (("nelson", MINE), "nelson + custom", (*NELSON.rules, MINE)),
        ((MINE, "nelson"), "custom + nelson", (MINE, *NELSON.rules)),
        ((NELSON, MINE, SEVEN), "nelson + custom", (*NELSON.rules, MINE, SEVEN)),
        (("western_electric", "none"), "western_electric", WESTERN_ELECTRIC.rules),
        (("western_electric", "nelson"), "western_electric + nelson",
         (*WESTERN_ELECTRIC.rules, *(r for r in NELSON.rules if r not in WESTERN_ELECTRIC.rules))),
        (("anhoej", BEYOND_LIMITS), "anhoej + custom", (*NAMED["anhoej"].rules, BEYOND_LIMITS)),
    ],
)  # fmt: skip
def test_rules_a_caller_may_give(given, name, rules):
    got = rule_set(given)
    assert (got.name, got.rules) == (name, rules)


def test_sets_add_up():
    assert rule_set(NELSON) is NELSON
    assert (NELSON + MINE).rules == (*NELSON.rules, MINE)
    assert (NELSON + NELSON).rules == NELSON.rules and (NELSON + NELSON).name == "nelson"
    assert NELSON + NO_RULES is NELSON and NO_RULES + NELSON is NELSON
    assert (NELSON + MINE + SEVEN).name == "nelson + custom"
    with pytest.raises(TypeError):
        NELSON + "nhs"


def test_without():
    fewer = NELSON.without("14 alternating", "15 within 1 sigma")
    assert fewer.name == "custom"
    assert [r.name for r in fewer.rules] == [r.name for r in NELSON.rules if r.kind not in ("alternating", "within")]
    assert NELSON.without() is NELSON
    with pytest.raises(DataError, match="name: got '15 inside'"):
        NELSON.without("15 inside")


@pytest.mark.parametrize("bad", ["nelsen", None, 3, {"a": 1}, (1,), ("nelson", None), ("nelsen",)])
def test_refused_rule_sets(bad):
    with pytest.raises(DataError, match="rules: got"):
        rule_set(bad)


def test_two_different_rules_of_one_name_are_refused():
    with pytest.raises(DataError, match="same name"):
        RuleSet("mine", (Rule("a", "beyond"), Rule("a", "trend", 6, 6)))
    with pytest.raises(DataError, match="same name"):
        rule_set(("nelson", Rule("beyond limits", "beyond", 1, 1, 3.0)))


@pytest.mark.parametrize(("name", "rules"), [("", ()), (None, ()), ("mine", [MINE]), ("mine", ("a",))])
def test_refused_fields(name, rules):
    with pytest.raises(DataError, match="got"):
        RuleSet(name, rules)
