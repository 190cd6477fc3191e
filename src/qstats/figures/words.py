"""The words on figures, in English and Chinese."""

from __future__ import annotations

from qstats._core.checks import check_choice

__all__ = ["LANGUAGES", "word"]

LANGUAGES = ("en", "zh")

# One row per word; a test asks that no cell is empty and that both cells take the same values.
_WORDS: dict[str, tuple[str, str]] = {
    "First contact resolution": ("First contact resolution", "一次解决率"),
    "Service level attainment": ("Service level attainment", "服务水平达成率"),
    "after": ("after", "措施后"),
    "all categories": ("{n} more categories", "其余 {n} 个类别"),
    "all alike": ("all groups alike", "各组相同"),
    "answers": ("Score, {n} answers", "评分（{n} 份回答）"),
    "baseline": ("before", "措施前"),
    "baseline level": ("level before, carried on", "措施前水平（延续）"),
    "after level": ("level after", "措施后水平"),
    "beyond limits": ("beyond the limits", "超出控制限"),
    "category": ("Category", "类别"),
    "center": ("CL", "CL"),
    "control group": ("control group", "对照组"),
    "count": ("Count", "数量"),
    "cumulative": ("Cumulative share (%)", "累计占比（%）"),
    "days": ("days", "天"),
    "detractors": ("detractors", "贬损者"),
    "difference": ("Difference of proportions", "比例之差"),
    "effect interval": ("{estimate}  ({level} interval {low} to {high})", "{estimate}（{level} 区间 {low} 至 {high}）"),
    "excluded": ("left out", "未计入"),
    "expected": ("Expected count", "期望数"),
    "exposure": ("Exposure", "暴露量"),
    "hours": ("hours", "小时"),
    "level intervals": ("{level} intervals", "{level} 区间"),
    "limits at": ("{level} limits", "{level} 控制限"),
    "limits carried": ("{k}-sigma control limits of the time before", "措施前的 {k}σ 控制限"),
    "lost by": ("lost by {horizon}", "{horizon}内流失"),
    "lower": ("LCL", "LCL"),
    "mean": ("Mean", "均值"),
    "median time": ("Median time", "中位时间"),
    "median": ("Median", "中位数"),
    "minutes": ("minutes", "分钟"),
    "months": ("months", "个月"),
    "more rows": ("{n} more", "其余 {n} 项"),
    "no difference": ("no difference ({null})", "无差异（{null}）"),
    "nps": ("NPS (points)", "NPS（分）"),
    "not used": ("not used for the limits", "未用于计算控制限"),
    "pareto": ("Pareto of {n}", "帕累托图（总计 {n}）"),
    "passives": ("passives", "中立者"),
    "per": ("per {n}", "每 {n} 单位"),
    "period": ("Period", "期间"),
    "point": ("Point", "点"),
    "promoters": ("promoters", "推荐者"),
    "proportion": ("Proportion", "比例"),
    "rank": ("rank {low}-{high}", "第 {low}-{high} 位"),
    "rank header": ("ranks: {level} confidence sets", "排名：{level} 置信集"),
    "rank one": ("rank {low}", "第 {low} 位"),
    "rate": ("Rate", "比率"),
    "rate_difference": ("Rate difference", "比率之差"),
    "rate_ratio": ("Rate ratio", "率比"),
    "rate_ratio_ratio": ("Ratio of rate ratios", "率比之比"),
    "risk_ratio": ("Ratio of proportions", "比例之比"),
    "segments title": (
        "NPS by segment, {level} intervals; all {total}; diamonds: shrunken",
        "各细分的 NPS，{level} 区间；总体 {total}；菱形：收缩估计",
    ),
    "share kept": ("Share kept", "留存比例"),
    "share open": ("Share still open", "未关闭比例"),
    "signal": ("signal by rule", "异常信号，按规则"),
    "superiority over the rest": ("P(higher) + P(equal)/2, over the rest", "高于其余组的概率（平局计半）"),
    "target": ("all units together", "总体水平"),
    "time kept": ("Time as a customer", "成为客户以来的时间"),
    "time open": ("Time since opening", "自开启起的时间"),
    "transition": ("transition", "过渡期"),
    "units": ("Sample size", "样本量"),
    "upper": ("UCL", "UCL"),
    "verdict": ("Rate per period", "各期比率"),
    "weeks": ("weeks", "周"),
    "weight": ("Weight", "权重"),
}


def word(key: str, lang: str, **values: object) -> str:
    """Return a word of the figures in a language, or `key` itself where it is not one of ours (a user's name)."""
    column = LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))
    if key not in _WORDS:
        return key
    return _WORDS[key][column].format(**values)
