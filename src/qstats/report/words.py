"""The words of the report that are not the verdict's own, in English and Chinese."""

from __future__ import annotations

from qstats._core.checks import check_choice

__all__ = ["LANGUAGES", "say"]

LANGUAGES = ("en", "zh")

# A test asks that no cell is empty and that both languages take the same values.
_WORDS: dict[str, tuple[str, str]] = {
    # headings
    "title": ("Quality report", "质量报告"),
    "against": ("The strongest reasons against", "最有力的反面理由"),
    "against.none": (
        "No check raised a warning; what was not looked at is listed below.",
        "各项检查均无警告；未检查的事项列于下文。",
    ),
    "changed": ("Did it change?", "发生变化了吗？"),
    "cause": ("Was it the action?", "是措施的作用吗？"),
    "checks": ("Checks", "检查"),
    "comparisons": ("Comparisons", "比较"),
    "evidence": ("Further evidence", "其他证据"),
    "n_periods": ("periods", "期数"),
    "not_checked": ("Not checked", "未检查的事项"),
    "notes": ("Notes", "备注"),
    "periods": ("Counts per period", "各期计数"),
    "phases": ("Before and after", "措施前后"),
    "plan": ("Plan", "计划"),
    "points": ("Points", "数据点"),
    "record": ("Record: to run it again", "记录：用于重新核算"),
    "staged": ("Control chart with limits before and after", "措施前后分别计算控制限的控制图"),
    "signals": ("Signals", "异常信号"),
    "summary": ("Summary", "摘要"),
    # answers
    "answer.blocked": ("Not judged: a check blocks the comparison.", "未作判断：有检查项阻止比较。"),
    "answer.higher": ("Yes: the rate is higher.", "是：比率上升。"),
    "answer.lower": ("Yes: the rate is lower.", "是：比率下降。"),
    "answer.open": ("Not shown: the interval holds “no change”.", "未证实：区间包含“无变化”。"),
    "answer.unknown": ("Cannot be told: there is nothing to compare.", "无从得知：没有可比较的数据。"),
    "grade.A": ("Grade A: a concurrent control that passed its check.", "等级 A：有同期对照且通过检查。"),
    "grade.B": (
        "Grade B: a stable, long series whose change falls on the action.",
        "等级 B：序列稳定且足够长，变化时点与措施吻合。",
    ),
    "grade.C": (
        "Grade C: a sound before-after comparison; other causes are not excluded.",
        "等级 C：前后比较可靠，但未排除其他原因。",
    ),
    "grade.D": ("Grade D: the data cannot tie a change to the action.", "等级 D：数据无法将变化归因于该措施。"),
    "grade.moot": ("No change is established, so there is nothing to attribute.", "变化尚未成立，因此无可归因。"),
    "pair": ("{name}: {what}", "{name}：{what}"),
    # table heads and row names
    "absolute": ("absolute effect", "绝对效果"),
    "against_null": ("p ({alternative}, against {null})", "p（{alternative}，原假设 {null}）"),
    "alternative.greater": ("greater", "单侧，大于"),
    "alternative.less": ("less", "单侧，小于"),
    "alternative.two-sided": ("two-sided", "双侧"),
    "category": ("category", "类别"),
    "center": ("centre", "中心线"),
    "check": ("check", "检查项"),
    "code": ("code", "代码"),
    "comparison": ("comparison", "比较"),
    "confidence": ("confidence", "置信水平"),
    "consequence": ("consequence", "对结论的影响"),
    "control_rate": ("control rate", "对照组比率"),
    "crude": ("crude", "粗略"),
    "cumulative": ("cumulative", "累计"),
    "data_digest": ("data digest (SHA-256)", "数据摘要（SHA-256）"),
    "days": ("days", "起止日期"),
    "effect": ("effect", "效应"),
    "estimate": ("estimate", "估计值"),
    "events": ("events", "事件数"),
    "exposure": ("exposure", "暴露量"),
    "field": ("field", "项目"),
    "found": ("found", "结果"),
    "grade": ("grade", "归因等级"),
    "in_words": ("In words", "文字说明"),
    "in_control": ("in control", "受控"),
    "in_control.no": ("no: {n} signals", "否：{n} 个信号"),
    "in_control.yes": ("yes", "是"),
    "interval": ("{level} interval", "{level} 区间"),
    "interval.plain": ("interval", "区间"),
    "item": ("item", "条目"),
    "kind": ("chart", "图类型"),
    "lower": ("lower limit", "下控制限"),
    "message": ("message", "说明"),
    "method": ("method", "方法"),
    "more_rows": ("{n} more rows are in the JSON of this result.", "其余 {n} 行见该结果的 JSON。"),
    "n": ("counts", "计数"),
    "no_signals": ("No rule fired.", "无规则触发。"),
    "number": ("no.", "序号"),
    "panel": ("panel", "子图"),
    "period": ("period", "期间"),
    "phase": ("phase", "阶段"),
    "plan_hash": ("plan hash (SHA-256)", "计划哈希（SHA-256）"),
    "point": ("point", "点"),
    "points_used": ("points used", "使用的点数"),
    "primary": ("primary", "主要"),
    "pvalue": ("p", "p"),
    "rank": ("rank set", "排名集合"),
    "rate": ("rate", "比率"),
    "reference": ("source", "出处"),
    "rule": ("rule", "规则"),
    "rules": ("rules", "规则集"),
    "sentence": ("meaning", "含义"),
    "share": ("share", "占比"),
    "severity": ("severity", "严重程度"),
    "severity.info": ("info", "提示"),
    "severity.warning": ("warning", "警告"),
    "severity.serious": ("serious", "严重"),
    "sigma": ("sigma", "标准差"),
    "state": ("state", "结论"),
    "status": ("status", "状态"),
    "strength": ("strength of the evidence", "证据强度"),
    "threshold": ("wanted", "要求"),
    "total": ("total", "合计"),
    "upper": ("upper limit", "上控制限"),
    "value": ("value", "值"),
    "version": ("version of {name}", "{name} 版本"),
    "warnings": ("warnings", "警告代码"),
    "weight": ("weight", "权重"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    # titles of results
    "result.chart": ("Control chart", "控制图"),
    "result.comparison": ("Comparison", "比较"),
    "result.pareto": ("Pareto table", "帕累托表"),
    # the foot
    "foot": (
        "Made by qstats {version}. One file: no script, nothing loaded from outside.",
        "由 qstats {version} 生成。单一文件：不含脚本，不加载外部内容。",
    ),
}


def say(key: str, lang: str, **values: object) -> str:
    """Return a word or sentence of the report with its gaps filled."""
    text = _WORDS[key][LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))]
    return text.format(**values)
