"""A chart in words, in two languages."""

import pytest

from qstats import cusum, ewma, g_chart, mewma, moving_average
from qstats.errors import DataError
from qstats.spc import words
from qstats.spc.build import _HOMES
from qstats.spc.charts.attributes import c_chart, p_chart
from qstats.spc.charts.individuals import individuals
from qstats.spc.charts.laney import laney_p
from qstats.spc.explain import _amount, _percent
from qstats.spc.rules import Rule
from qstats.spc.rules.sets import NAMED

Y = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]

PAIRS = [[a, (7 * i) % 10 / 3] for i, a in enumerate(Y)]


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
    assert "the chance of at least one on this chart of 10 points is 2.7 %." in text


def test_phases_given_limits_and_many_points():
    chart = individuals([*Y, *[70.0] * 20], phase=[10], limits=individuals(Y).limits)
    text = chart.explain()
    assert "in 2 phases (1, 2)" in text
    assert "given from outside" not in text  # the stored limits say how many points they rest on
    assert "and 12 more" in text
    given = individuals(Y, limits={**individuals(Y).limits.to_dict(), "n": 0}).explain()
    assert "given from outside" in given


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [
        (0.0, "under 0.1 %", "低于 0.1 %"),
        (0.00099, "under 0.1 %", "低于 0.1 %"),
        (0.001, "0.1 %", "0.1 %"),
        (0.0994, "9.9 %", "9.9 %"),
        (0.0996, "10 %", "10 %"),
        (0.345, "34 %", "34 %"),
        (0.99, "99 %", "99 %"),
        (0.996, "over 99 %", "高于 99 %"),
        (1.0, "over 99 %", "高于 99 %"),
    ],
)
def test_percentages(share, en, zh):
    assert (_percent(share, "en"), _percent(share, "zh")) == (en, zh)


@pytest.mark.parametrize(("arl", "text"), [(1.994, "1.99"), (91.75, "91.8"), (999.6, "1,000"), (123456.0, "123,000")])
def test_run_lengths_are_written_out(arl, text):
    assert _amount(arl) == text


def test_a_long_chart_is_nearly_sure_of_a_false_alarm():
    # 1 - (1 - .0027)^5000 is one to six digits
    values = [float(v) for v in Y] * 500
    assert "this chart of 5000 points is over 99 %." in individuals(values, rules=Rule("out", "beyond")).explain()


def test_the_convention_is_told_once():
    for chart, words_ in [
        (ewma(Y, lam=0.3, nsigma=2.7), ("weight 0.3", "exact limits of each point at 2.7 standard errors")),
        (ewma(Y, steady_state=True), ("weight 0.2",)),
        (cusum(Y, k=0.4, h=4.5), ("k = 0.4 sigma", "h = 4.5 sigma")),
        (moving_average(Y, span=3), ("last 3 points",)),
        (individuals(Y, nsigma=2.5, constants="table"), ("d2 = 1.128 (table)", "limits at 2.5 sigma")),
    ]:
        text = chart.explain()
        assert text.count(chart.method) == 1
        assert text.count(chart.limits.method) == 1
        assert f"Method: {chart.method}." in text.splitlines()
        assert f"方法：{chart.method}。" in chart.explain("zh")
        for word in words_:
            assert word in text
    laney = laney_p([16, 14, 18, 16, 12, 20], size=90)
    assert f"sigma_z {laney.limits.number('sigma_z'):.6g}, from 6 points." in laney.explain()


def test_what_the_false_alarms_take_for_granted():
    known, first = "That is with limits taken as known.", "That is the first panel alone, with limits taken as known."
    for chart, line in [
        (individuals(Y), first),
        (individuals(Y, rules=Rule("run", "beyond", 8, 8, 0.0)), known),  # moving ranges are not judged then
        (cusum(Y), known),  # both sums are counted
        (ewma(Y), known),
        (c_chart([16, 14, 18, 16, 12, 20]), known),
    ]:
        assert [s for s in chart.explain().splitlines() if "taken as known" in s] == [line]
        assert chart.explain("zh").count("视控制限为已知") == 1
    for chart, en, zh in [
        (c_chart([16, 14, 18, 16, 12, 20]), "Note: counts are taken as normal", "上述误报率把计数视为正态分布"),
        (g_chart([3, 40, 5, 60, 9, 20, 1, 12]), "Note: only single points beyond", "上述误报率只计单点超限"),
        (mewma(PAIRS), "Note: worked out for the asymptotic covariance", "上述误报率按渐近协方差计算"),
    ]:
        assert en in chart.explain()
        assert zh in chart.explain("zh")
    single = c_chart([16, 14, 18, 16, 12, 20], rules=Rule("any name", "beyond")).explain()
    assert "taken as normal" not in single


def test_the_run_length_is_that_of_the_last_phase():
    chart = p_chart([2] * 20 + [40] * 20, size=100, phase=["before"] * 20 + ["after"] * 20, rules=Rule("a", "beyond"))
    # scipy: 1 / P(X < .4 - 3 s or X > .4 + 3 s) of 100 at .4: 345
    assert "one false signal in 345 points on average (phase after); the chance" in chart.explain()
    assert "每 345 点误报一次（阶段 after）" in chart.explain("zh")


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
