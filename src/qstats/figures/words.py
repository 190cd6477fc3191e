"""The words on figures, in English and Chinese."""

from __future__ import annotations

from qstats._core.checks import check_choice

__all__ = ["LANGUAGES", "word"]

LANGUAGES = ("en", "zh")

# One row per word; a test asks that no cell is empty and that both cells take the same values.
_WORDS: dict[str, tuple[str, str]] = {
    "14 alternating": ("14 alternating", "连续14点交替升降"),
    "15 within 1 sigma": ("15 within 1 sigma", "连续15点在1σ内"),
    "2 of 3 beyond 2 sigma": ("2 of 3 beyond 2 sigma", "3点中2点超2σ（同侧）"),
    "4 of 5 beyond 1 sigma": ("4 of 5 beyond 1 sigma", "5点中4点超1σ（同侧）"),
    "6 in a trend": ("6 in a trend", "连续6点递增或递减"),
    "8 on one side": ("8 on one side", "连续8点在中心线同侧"),
    "8 outside 1 sigma": ("8 outside 1 sigma", "连续8点在1σ外"),
    "9 on one side": ("9 on one side", "连续9点在中心线同侧"),
    "after": ("after", "措施后"),
    "all categories": ("{n} more categories", "其余 {n} 个类别"),
    "baseline": ("before", "措施前"),
    "baseline level": ("level before, carried on", "措施前水平（延续）"),
    "after level": ("level after", "措施后水平"),
    "beyond limits": ("beyond limits", "超出控制限"),
    "category": ("Category", "类别"),
    "center": ("CL", "CL"),
    "control group": ("control group", "对照组"),
    "count": ("Count", "数量"),
    "cumulative": ("Cumulative share (%)", "累计占比（%）"),
    "difference": ("Difference of proportions", "比例之差"),
    "effect interval": ("{estimate}  ({level} interval {low} to {high})", "{estimate}（{level} 区间 {low} 至 {high}）"),
    "excluded": ("left out", "未计入"),
    "individuals": ("Individual value", "单值"),
    "individuals chart": ("Individuals chart", "单值控制图"),
    "limits carried": ("{k}-sigma control limits of the time before", "措施前的 {k}σ 控制限"),
    "lower": ("LCL", "LCL"),
    "moving_range": ("Moving range", "移动极差"),
    "no difference": ("no difference ({null})", "无差异（{null}）"),
    "not used": ("not used for the limits", "未用于计算控制限"),
    "p": ("Proportion", "不合格品率"),
    "p chart": ("p chart", "p 控制图"),
    "pareto": ("Pareto of {n}", "帕累托图（总计 {n}）"),
    "per": ("per {n}", "每 {n} 单位"),
    "period": ("Period", "期间"),
    "point": ("Point", "点"),
    "rank": ("rank {low}-{high}", "第 {low}-{high} 位"),
    "rank header": ("ranks: {level} confidence sets", "排名：{level} 置信集"),
    "rank one": ("rank {low}", "第 {low} 位"),
    "rate": ("Rate", "比率"),
    "rate_difference": ("Rate difference", "比率之差"),
    "rate_ratio": ("Rate ratio", "率比"),
    "rate_ratio_ratio": ("Ratio of rate ratios", "率比之比"),
    "risk_ratio": ("Ratio of proportions", "比例之比"),
    "signal": ("signal by rule", "异常信号，按规则"),
    "transition": ("transition", "过渡期"),
    "u": ("Rate", "单位缺陷率"),
    "u chart": ("u chart", "u 控制图"),
    "upper": ("UCL", "UCL"),
    "verdict": ("Rate per period", "各期比率"),
    "weight": ("Weight", "权重"),
}


def word(key: str, lang: str, **values: object) -> str:
    """Return a word of the figures in a language, or `key` itself where it is not one of ours (a user's name)."""
    column = LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))
    if key not in _WORDS:
        return key
    return _WORDS[key][column].format(**values)
