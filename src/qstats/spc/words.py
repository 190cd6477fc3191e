"""What a chart says of itself, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable

from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.spc.rules.rule import Rule

__all__ = ["LANGUAGES", "chart_name", "note_text", "panel_name", "rule_sentence", "say"]

LANGUAGES = ("en", "zh")

_CHARTS: dict[str, tuple[str, str]] = {
    "individuals": ("Individuals chart", "单值控制图"),
    "xbar_r": ("Xbar-R chart", "均值-极差控制图"),
    "xbar_s": ("Xbar-S chart", "均值-标准差控制图"),
    "between_within": ("Between/within chart", "组间/组内控制图"),
    "short_run": ("Short-run chart", "短期生产控制图"),
    "p": ("p chart", "p 控制图"),
    "np": ("np chart", "np 控制图"),
    "c": ("c chart", "c 控制图"),
    "u": ("u chart", "u 控制图"),
    "laney_p": ("Laney p' chart", "Laney p' 控制图"),
    "laney_u": ("Laney u' chart", "Laney u' 控制图"),
    "g": ("g chart", "g 控制图"),
    "t": ("t chart", "t 控制图"),
    "run": ("Run chart", "运行图"),
    "ewma": ("EWMA chart", "EWMA 控制图"),
    "cusum": ("CUSUM chart", "CUSUM 控制图"),
    "moving_average": ("Moving average chart", "移动平均控制图"),
    "t2": ("T² chart", "T² 控制图"),
    "generalized_variance": ("Generalized variance chart", "广义方差控制图"),
    "mewma": ("MEWMA chart", "MEWMA 控制图"),
    "mcusum": ("MCUSUM chart", "MCUSUM 控制图"),
    "funnel": ("Funnel plot", "漏斗图"),
    "nps": ("NPS chart", "NPS 控制图"),
}

_PANELS: dict[str, tuple[str, str]] = {
    "individuals": ("Individual value", "单值"),
    "moving_range": ("Moving range", "移动极差"),
    "xbar": ("Subgroup mean", "子组均值"),
    "range": ("Range", "极差"),
    "std": ("Standard deviation", "标准差"),
    "z": ("Standardised value", "标准化值"),
    "deviation": ("Deviation from nominal", "与标称值之差"),
    "p": ("Proportion", "不合格品率"),
    "np": ("Count", "不合格品数"),
    "c": ("Count", "缺陷数"),
    "u": ("Rate", "单位缺陷率"),
    "laney_p": ("Proportion", "不合格品率"),
    "laney_u": ("Rate", "单位缺陷率"),
    "g": ("Units between events", "事件间隔单位数"),
    "t": ("Time between events", "事件间隔时间"),
    "run": ("Value", "数值"),
    "ewma": ("EWMA", "EWMA"),
    "nps": ("NPS (points)", "NPS（分）"),
    "cusum": ("Cumulative sum", "累积和"),
    "run_of_minimum": ("Run of minima", "最小值连续点数"),
    "cusum_upper": ("CUSUM, upward", "上侧累积和"),
    "cusum_lower": ("CUSUM, downward", "下侧累积和"),
    "moving_average": ("Moving average", "移动平均"),
    "t2": ("T²", "T²"),
    "generalized_variance": ("Generalized variance |S|", "广义方差 |S|"),
    "mewma": ("MEWMA T²", "MEWMA T²"),
    "mcusum": ("MCUSUM", "MCUSUM"),
    "funnel": ("Value", "数值"),
}

_TEXTS: dict[str, tuple[str, str]] = {
    "head": ("{name}: {n} points{phases}.", "{name}：共 {n} 点{phases}。"),
    "phases": (" in {k} phases ({names})", "，分 {k} 个阶段（{names}）"),
    "limits": ("Centre {center}{sigma}, from {n} points.", "中心线 {center}{sigma}，依据 {n} 个点。"),
    "limits given": ("Centre {center}{sigma}, given from outside.", "中心线 {center}{sigma}，为外部给定。"),
    "sigma": (", sigma {sigma}", "，σ = {sigma}"),
    "sigma_z": (", sigma_z {sigma}", "，σ_z = {sigma}"),
    "method": ("Method: {text}.", "方法：{text}。"),
    "quiet": ("No rule fired: nothing here speaks against a stable process.", "没有规则触发：未见过程失稳的迹象。"),
    "fired": ("{count} signals:", "共 {count} 个信号："),
    "fired one": ("1 signal:", "共 1 个信号："),
    "rule": ("- {panel}, {sentence} At {points}.", "- {panel}：{sentence}出现于 {points}。"),
    "rule whole": ("- {panel}, {sentence}", "- {panel}：{sentence}"),
    "more": (" and {n} more", "等，另有 {n} 处"),
    "rules": ("Rules applied: {name}.", "所用规则：{name}。"),
    "no rules": ("No rules were applied.", "未使用任何规则。"),
    "cost": (
        "On a stable process these rules give one false signal in {arl} points on average{phase}; the chance of at "
        "least one on this chart of {n} points is {share}.",
        "若过程稳定，这些规则平均每 {arl} 点误报一次{phase}；这张 {n} 点的图至少误报一次的概率为 {share}。",
    ),
    "in phase": (" (phase {name})", "（阶段 {name}）"),
    "under": ("under {least} %", "低于 {least} %"),
    "over": ("over {most} %", "高于 {most} %"),
    "known": ("That is with limits taken as known.", "以上视控制限为已知。"),
    "main": ("That is the first panel alone, with limits taken as known.", "以上只计第一张图，并视控制限为已知。"),
    "note": ("Note: {text}", "注意：{text}"),
    "reference": ("Source: {text}.", "出处：{text}。"),
}


# What a note means, for readers of Chinese; the figures in it stand in the English message.
_NOTES_ZH: dict[str, str] = {
    "few-expected": '每点的期望事件数少于 5，3σ 控制限较粗略；请延长周期、加大样本，或用 limits="probability"。',
    "overdispersed": "各点波动大于随机波动；若这是常态，控制限就过窄，可改用 laney_p 或 laney_u。",
    "zero-variance": "数据没有波动，控制限与中心线重合；请检查测量分辨力。",
    "missing-dropped": "有的点没有数值，图上留空。",
    "missing-values": "有的子组缺值，按余下的样本量判断。",
    "missing-cells": "有的单元缺值。",
    "repeated-times": "有的点与另一点时间相同，按原来行序排列。",
    "underdispersed": "各点波动小于随机波动：控制限过宽，或数据并非彼此独立的计数。",
    "dispersion": "离散检验：看普通控制限是否够用。",
    "excluded": "有的点由使用者剔除：显示，但不参与计算和判断。",
    "short-baseline": "控制限所依据的点少于 12 个，只是试用控制限，数据增多后会变动。",
    "phase-without-baseline": "有的阶段没有基线点，其控制限依据该阶段全部点。",
    "single-values": "有的子组只有一个值：有均值，无极差和标准差。",
    "large-subgroups": "子组较大：极差只用到其中两个值，xbar_s 用到全部。",
    "no-between-variation": "未见组间波动。",
    "legacy-limits": "沿用旧法的控制限，误报率并非 0.27 %。",
    "approximate-limits": "控制限为近似值。",
    "short-part": "有的品种数据太少。",
    "too-short": "点数太少，难以判断。",
    "zero-times": "有间隔为零（同日事件），按半个单位的删失值处理。",
    "zero-counts": "有计数为零的单位。",
    "few-units": "单位数太少，离散程度估计不可靠。",
    "short-subgroup": "有的子组太小。",
    "normal-approximation": "上述误报率把计数视为正态分布；事件稀少时，上侧误报更多，下侧更少。",
    "asymptotic-covariance": "上述误报率按渐近协方差计算；用精确协方差时，最初几点更容易报警。",
    "run-test-left-out": "上述误报率只计单点超限；最小值连续点数的检验会另增误报。",
}


def note_text(note: Note, lang: str = "en") -> str:
    """Return what a note says; in Chinese what its code means, and the message itself where figures stand in it."""
    if check_choice(lang, "lang", LANGUAGES) == "en" or note.code not in _NOTES_ZH:
        return note.message
    return f"{_NOTES_ZH[note.code]}（{note.message}）"


def _in(table: dict[str, tuple[str, str]], key: str, lang: str) -> str:
    column = LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))
    return table[key][column] if key in table else key


def chart_name(kind: str, lang: str = "en") -> str:
    """Return what a kind of chart is called."""
    return _in(_CHARTS, kind, lang)


def panel_name(panel: str, lang: str = "en") -> str:
    """Return what is plotted on a panel."""
    return _in(_PANELS, panel, lang)


def say(key: str, lang: str, **values: object) -> str:
    """Return one of the sentences of an explanation."""
    return _in(_TEXTS, key, lang).format(**values)


def rule_sentence(rule: Rule, lang: str = "en") -> str:
    """Return one sentence that says what a rule looks for."""
    if check_choice(lang, "lang", LANGUAGES) == "en":
        return rule.describe()
    return _ZH[rule.kind](rule) + _policies(rule) + "。"


def _row(rule: Rule) -> str:
    if rule.m == 1:
        return "单点"
    return f"连续{rule.m}点" if rule.k == rule.m else f"连续{rule.m}点中有{rule.k}点"


def _beyond(rule: Rule) -> str:
    side = {"each": "同侧" if rule.m > 1 else "", "upper": "上侧", "lower": "下侧"}[rule.sides]
    if rule.threshold == 0:
        return f"{_row(rule)}位于中心线{side or '一侧'}"
    far = "控制限" if rule.threshold is None else f"{rule.threshold:g}σ"
    return f"{_row(rule)}{'在' + side if side else ''}超出{far}"


def _far(rule: Rule) -> str:
    return "控制限" if rule.threshold is None else f"中心线±{rule.threshold:g}σ"


def _policies(rule: Rule) -> str:
    said = []
    if rule.same_side:
        said.append(f"{rule.m}点均在该侧")
    if rule.center == "skip":
        said.append("恰在中心线上的点跳过不计")
    if rule.ties != "break":
        said.append("相等的点跳过不计" if rule.ties == "ignore" else "相等的点视为延续")
    if not rule.beyond_limits:
        said.append("超出控制限的点不计")
    return f"（{'，'.join(said)}）" if said else ""


_ZH: dict[str, Callable[[Rule], str]] = {
    "beyond": _beyond,
    "trend": lambda r: f"{_row(r)}{ {'each': '递增或递减', 'upper': '递增', 'lower': '递减'}[r.sides] }",
    "alternating": lambda r: f"{_row(r)}交替升降",
    "within": lambda r: f"{_row(r)}位于{_far(r)}以内",
    "outside": lambda r: f"{_row(r)}位于{_far(r)}以外（{'两侧均有' if r.sides == 'both' else '不分侧'}）",
    "swing": lambda r: f"连续{r.m}点中一点高于、一点低于{_far(r)}",
    "long_run": lambda r: "就整图而言，中心线同侧的链过长",
    "few_crossings": lambda r: "就整图而言，穿越中心线的次数过少",
}
