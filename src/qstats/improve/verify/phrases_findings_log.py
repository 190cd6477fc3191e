"""What the checks of the log, the trend and the cause may find, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["FINDINGS_LOG"]

# (check, finding) -> ((value, threshold, consequence) in English, the same in Chinese)
FINDINGS_LOG: dict[tuple[str, str], tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    ("delay", "unknown"): (
        ("no receipt dates, or too few", "95 % complete", "complaints still to come would look like an improvement"),
        ("无收到日期或数据过少", "95 % 完整", "尚未收到的投诉会被误看成改善"),
    ),
    ("delay", "known_complete"): (
        ("last periods {worst:.0%} complete", "95 %", "none"),
        ("最近时段完整度 {worst:.0%}", "95 %", "无"),
    ),
    ("delay", "known_dropped"): (
        ("{count} periods below; the worst {worst:.0%} complete", "95 %", "these periods are left out"),
        ("{count} 个时段不足；最低完整度 {worst:.0%}", "95 %", "这些时段未计入"),
    ),
    ("delay", "known_nothing_left"): (
        (
            "{count} periods below; the worst {worst:.0%} complete",
            "95 %",
            "blocks the verdict: no complete period is left",
        ),
        ("{count} 个时段不足；最低完整度 {worst:.0%}", "95 %", "阻止判定：没有完整的时段"),
    ),
    ("delay", "declared_complete"): (
        ("every period older than {days} days", "declared: {days} days", "none"),
        ("各时段均已超过 {days} 天", "声明：{days} 天", "无"),
    ),
    ("delay", "declared_dropped"): (
        ("{count} periods younger than {days} days", "declared: {days} days", "these periods are left out"),
        ("{count} 个时段不足 {days} 天", "声明：{days} 天", "这些时段未计入"),
    ),
    ("delay", "declared_nothing_left"): (
        (
            "{count} periods younger than {days} days",
            "declared: {days} days",
            "blocks the verdict: no period is left",
        ),
        ("{count} 个时段不足 {days} 天", "声明：{days} 天", "阻止判定：没有剩余时段"),
    ),
    ("delay", "offset"): (
        (
            "{count} periods below; the worst {worst:.0%} complete",
            "95 %",
            "their exposure is cut to the share come in",
        ),
        ("{count} 个时段不足；最低完整度 {worst:.0%}", "95 %", "其暴露量按已收到的比例折减"),
    ),
    ("delay", "open_few"): (
        ("{count} cases still open ({share:.1%})", "1 %", "the slow ones are missing: the typical time looks shorter"),
        ("{count} 个未完成（{share:.1%}）", "1 %", "缺少的是较慢的案例：典型时间显得更短"),
    ),
    ("delay", "open_many"): (
        (
            "{count} cases still open ({share:.1%})",
            "1 %",
            "blocks the verdict: the slow ones are missing; judge the share past a promised time (metric 'sla')",
        ),
        ("{count} 个未完成（{share:.1%}）", "1 %", "阻止判定：缺少较慢的案例；请改用超时比例（sla 指标）"),
    ),
    ("trend", "flat"): (
        ("movement before, carried on: {low} to {high}", "within {margin}", "none"),
        ("措施前的走势外推：{low} 至 {high}", "不超过 {margin}", "无"),
    ),
    ("trend", "controlled"): (
        ("left to the control", "-", "what both share is taken out by the control"),
        ("由对照承担", "-", "两者共有的走势由对照消去"),
    ),
    ("trend", "modelled"): (
        (
            "movement before, carried on: {drift} ({low} to {high})",
            "within {margin}",
            "it could explain part of the effect: a trend is part of the model, which costs power",
        ),
        (
            "措施前的走势外推：{drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "可能解释部分效果：模型中加入趋势，功效随之降低",
        ),
    ),
    ("trend", "unmodelled"): (
        (
            "movement before, carried on: {drift} ({low} to {high})",
            "within {margin}",
            "it could explain part of the effect, and the periods are too few for a trend: grade C at most",
        ),
        (
            "措施前的走势外推：{drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "可能解释部分效果，而时段不足以拟合趋势：等级最高为 C",
        ),
    ),
    ("trend", "evident"): (
        (
            "movement before, carried on: {drift} ({low} to {high})",
            "within {margin}",
            "it was getting better before, and the periods are too few for a trend: grade D",
        ),
        (
            "措施前的走势外推：{drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "措施前已在好转，而时段不足以拟合趋势：等级为 D",
        ),
    ),
    ("trend", "declared_linear"): (
        ("movement before, carried on: {drift} ({low} to {high})", "declared", "a trend is part of the model"),
        ("措施前的走势外推：{drift}（{low} 至 {high}）", "已声明", "模型中包含趋势"),
    ),
    ("trend", "declared_none"): (
        (
            "movement before, carried on: {drift} ({low} to {high})",
            "within {margin}",
            "declared absent, not shown to be: stands on the declaration, grade C at most",
        ),
        (
            "措施前的走势外推：{drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "声明无趋势但未得到证实：以该声明为前提，等级最高为 C",
        ),
    ),
    ("trend", "short"): (
        ("{n} baseline periods", "6", "a trend cannot be judged: grade C at most"),
        ("基线时段 {n} 个", "6", "无法判断趋势：等级最高为 C"),
    ),
    ("exposure", "cases_steady"): (
        ("{change:+.0%} cases per period", "10 %", "none"),
        ("每时段样本数 {change:+.0%}", "10 %", "无"),
    ),
    ("exposure", "cases_moved"): (
        ("{change:+.0%} cases per period", "10 %", "those measured may not be the same kind as before"),
        ("每时段样本数 {change:+.0%}", "10 %", "被测对象可能与之前不同"),
    ),
}
