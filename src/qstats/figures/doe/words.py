"""The words on figures of experiments, in English and Chinese."""

from __future__ import annotations

from qstats._core.checks import check_choice
from qstats.figures.words import LANGUAGES

__all__ = ["design_kind", "say"]

# One row per word; a test asks that no cell is empty and that both cells take the same values.
_WORDS: dict[str, tuple[str, str]] = {
    "alias blocks": ("confounded with blocks", "与区组混杂"),
    "alias clear": ("clear", "未混杂"),
    "alias map": ("Share of left-out terms in the model's coefficients", "未入模项对模型系数的影响"),
    "alias resolution": ("resolution {resolution}", "分辨度 {resolution}"),
    "alias title": ("Aliases of {n} factors up to order {order}", "{n} 个因子的混杂关系（至 {order} 阶）"),
    "average": ("average", "平均"),
    "coefficients": ("Coefficients in coded units, {level} intervals", "编码单位下的系数，{level} 区间"),
    "correlation map": ("Correlations of the columns (absolute)", "各列相关系数（绝对值）"),
    "cube": ("{response}: fitted means at the corners", "{response}：各顶点的拟合均值"),
    "design": ("{kind}: {n} runs, {k} factors", "{kind}：{n} 次试验，{k} 个因子"),
    "dispersion title": ("{response}: what changes its spread", "{response}：影响离散程度的因素"),
    "effect size": ("Size of the effect", "效应大小（绝对值）"),
    "effects pareto": ("Effects by size", "按大小排列的效应"),
    "effects title": ("{response}: effects of {n} runs", "{response}：{n} 次试验的效应"),
    "evaluation": ("{kind}, {n} runs: D-efficiency {d} %", "{kind}，{n} 次试验：D 效率 {d} %"),
    "fds": ("Fraction of design space", "设计空间占比"),
    "fit title": ("{response} = {model}", "{response} = {model}"),
    "fraction of space": ("Fraction of the design space", "设计空间占比"),
    "half-normal": ("Half-normal plot", "半正态图"),
    "half-normal score": ("Half-normal score", "半正态分位数"),
    "high": ("high", "高"),
    "interaction": ("{a} by {b}", "{a} 与 {b} 的交互作用"),
    "largest": ("largest", "最大"),
    "lenth title": ("{n} contrasts against their pseudo standard error", "{n} 个对照与伪标准误"),
    "low": ("low", "低"),
    "main effects": ("{response}: main effects", "{response}：主效应"),
    "margin all": ("all", "同时"),
    "margin alone": ("each", "单个"),
    "normal score": ("Normal score", "正态分位数"),
    "observed": ("Observed against predicted", "观测值与预测值"),
    "per unit": ("per unit", "每单位"),
    "predicted": ("Predicted", "预测值"),
    "prediction variance": ("Variance of a predicted mean / σ²", "预测均值方差 / σ²"),
    "repeated": ("numbers: runs at the same point", "数字：同一点上的试验次数"),
    "residual normal": ("Residuals on normal paper", "残差正态图"),
    "residual order": ("Residuals in the order of the runs", "按试验顺序的残差"),
    "run": ("Run (in the order drawn)", "试验（按随机顺序）"),
    "stopped": ("stopped before the end", "中途截止"),
    "studentized": ("Studentized residual", "学生化残差"),
    "terms": ("Terms of the model", "模型各项"),
    "variance ratio": ("Variance at high over low setting, {level} intervals", "高低水平方差之比，{level} 区间"),
}

_KINDS = {
    "A-optimal": "A 最优设计",
    "Box-Behnken": "Box-Behnken 设计",
    "D-optimal": "D 最优设计",
    "Halton": "Halton 序列",
    "I-optimal": "I 最优设计",
    "Latin hypercube": "拉丁超立方",
    "Plackett-Burman": "Plackett-Burman 设计",
    "Sobol": "Sobol 序列",
    "central composite": "中心复合设计",
    "definitive screening": "确定性筛选设计",
    "fractional factorial": "部分析因设计",
    "full factorial": "全因子设计",
    "mixture": "混料设计",
    "orthogonal array": "正交表",
    "split-plot": "裂区设计",
}


def say(key: str, lang: str, **values: object) -> str:
    """Return a word of these figures in a language."""
    return _WORDS[key][LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))].format(**values)


def design_kind(kind: str, lang: str) -> str:
    """Return what design it is, in a language; a kind that is not ours stays as it is."""
    if lang != "zh":
        return kind
    known = max((k for k in _KINDS if kind.lower().startswith(k.lower())), key=len, default="")
    return _KINDS[known] + kind[len(known) :] if known else kind
