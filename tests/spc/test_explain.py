"""A chart in words, in two languages."""

import pytest

from qstats.errors import DataError
from qstats.spc import words
from qstats.spc.build import _HOMES
from qstats.spc.charts.attributes import p_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.rules import Rule
from qstats.spc.rules.sets import NAMED

Y = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_what_fired_where_how_often_and_by_which_convention():
    text = individuals([*Y, *Y, 62.0], constants="table").explain()
    assert "Individuals chart: 21 points." in text
    assert "a point beyond a control limit. At 21." in text
    assert "western_electric" in text
    assert "one false signal in 91.8 points" in text
    assert "d2 = 1.128 (table)" in text
    assert "Montgomery" in text


def test_a_quiet_chart_and_no_rules():
    assert "No rule fired" in individuals(Y).explain()
    text = individuals(Y, rules="none").explain()
    assert "No rules were applied" in text
    assert "false signal" not in text


def test_share_of_false_alarms():
    # 1 - (1 - .0027)^10 = 2.7 %
    text = individuals(Y, rules=Rule("out", "beyond")).explain()
    assert "370 points" in text
    assert "2.7 % chance" in text


def test_phases_given_limits_and_many_points():
    chart = individuals([*Y, *[70.0] * 20], phase=[10], limits=individuals(Y).limits)
    text = chart.explain()
    assert "in 2 phases (1, 2)" in text
    assert "given from outside" not in text  # the stored limits say how many points they rest on
    assert "and 12 more" in text
    given = individuals(Y, limits={**individuals(Y).limits.to_dict(), "n": 0}).explain()
    assert "given from outside" in given


def test_chinese():
    text = p_chart([5, 6, 4, 30, 5, 6, 5, 4, 6, 5], size=100, phase=["改前"] * 5 + ["改后"] * 5).explain("zh")
    assert "p 控制图：共 10 点，分 2 个阶段（改前、改后）。" in text
    assert "单点超出控制限。出现于 4。" in text
    assert "若过程稳定" in text


def test_chart_level_signals_are_told_without_a_point():
    text = individuals([1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 9, 8, 9, 8, 9, 8, 9, 8, 9, 8], rules="anhoej").explain()
    assert "too few crossings of the centre line." in text
    assert "too long a run on one side of the centre line." in text
    assert " At " not in text.split("Rules applied")[0].split("signals:")[1]


def test_unknown_language():
    with pytest.raises(DataError, match="lang: got 'de'"):
        individuals(Y).explain("de")


def test_every_rule_and_chart_has_words_in_both_languages():
    for rule in {rule for rules in NAMED.values() for rule in rules.rules}:
        zh = words.rule_sentence(rule, "zh")
        assert zh.endswith("。")
        assert rule.describe().endswith(".")
        assert not set(zh) & set("abcdefghijklmnopqrstuvwxyz")
    for kind in _HOMES:
        assert words.chart_name(kind, "en") != kind
        assert words.chart_name(kind, "zh") != kind
    for table in (words._CHARTS, words._PANELS, words._TEXTS):
        for key, (en, zh) in table.items():
            assert en and zh, key
            assert sorted(part.split("}")[0] for part in en.split("{")[1:]) == sorted(
                part.split("}")[0] for part in zh.split("{")[1:]
            ), key


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Rule("a", "beyond", 2, 3, 2.0), "连续3点中有2点在同侧超出2σ。"),
        (Rule("a", "beyond", 9, 9, 0.0), "连续9点位于中心线同侧。"),
        (
            Rule("a", "beyond", 9, 9, 0.0, sides="upper", center="skip"),
            "连续9点位于中心线上侧（恰在中心线上的点跳过不计）。",
        ),
        (Rule("a", "trend", 6, 6, sides="lower", ties="ignore"), "连续6点递减（相等的点跳过不计）。"),
        (Rule("a", "outside", 8, 8, 1.0, "both"), "连续8点位于中心线±1σ以外（两侧均有）。"),
        (Rule("a", "swing", 2, 2, 2.0), "连续2点中一点高于、一点低于中心线±2σ。"),
    ],
)
def test_rules_in_chinese(rule, sentence):
    assert words.rule_sentence(rule, "zh") == sentence
