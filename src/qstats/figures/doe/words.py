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
    "correlation map": ("Correlations of the columns (absolute)", "各列相关系数（绝对值）"),
    "design": ("{kind}: {n} runs, {k} factors", "{kind}：{n} 次试验，{k} 个因子"),
    "evaluation": ("{kind}, {n} runs: D-efficiency {d} %", "{kind}，{n} 次试验：D 效率 {d} %"),
    "fds": ("Fraction of design space", "设计空间占比"),
    "fraction of space": ("Fraction of the design space", "设计空间占比"),
    "high": ("high", "高"),
    "largest": ("largest", "最大"),
    "low": ("low", "低"),
    "prediction variance": ("Variance of a predicted mean / σ²", "预测均值方差 / σ²"),
    "repeated": ("numbers: runs at the same point", "数字：同一点上的试验次数"),
    "run": ("Run (in the order drawn)", "试验（按随机顺序）"),
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
