"""What each check may find: value, threshold and consequence, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["FINDINGS"]

# (check, finding) -> ((value, threshold, consequence) in English, the same in Chinese)
FINDINGS: dict[tuple[str, str], tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    ("plan", "intact"): (
        ("frozen {on}, unchanged", "frozen on or before {first}", "confirmatory"),
        ("{on} 冻结，未改动", "不晚于 {first} 冻结", "验证性结论"),
    ),
    ("plan", "late"): (
        ("frozen {on}", "frozen on or before {first}", "exploratory; grade C at most"),
        ("{on} 冻结", "不晚于 {first} 冻结", "探索性结论；等级最高为 C"),
    ),
    ("plan", "edited"): (
        ("edited after freezing", "unchanged", "exploratory; grade C at most"),
        ("冻结后被修改", "未改动", "探索性结论；等级最高为 C"),
    ),
    ("plan", "open"): (
        ("never frozen", "frozen on or before {first}", "exploratory; grade C at most"),
        ("从未冻结", "不晚于 {first} 冻结", "探索性结论；等级最高为 C"),
    ),
    ("sanity", "clean"): (
        ("{rows:g} complaints read, {text}", "no defect", "none"),
        ("读入 {rows:g} 条投诉，{text_zh}", "无缺陷", "无"),
    ),
    ("sanity", "odd"): (
        ("{rows:g} complaints read, {text}", "no defect", "these rows are not in the counts or count double"),
        ("读入 {rows:g} 条投诉，{text_zh}", "无缺陷", "这些行未计入或被重复计入"),
    ),
    ("sanity", "broken"): (
        (
            "{rows:g} complaints read, {text}",
            "at most 1 % without date or double, no period without exposure",
            "blocks the verdict: {text}",
        ),
        ("读入 {rows:g} 条投诉，{text_zh}", "缺日期或重复不超过 1 %，且各时段均有暴露量", "阻止判定：{text_zh}"),
    ),
    ("phases", "separate"): (
        ("{before} periods before, {after} after", "both phases present", "none"),
        ("措施前 {before} 个时段，措施后 {after} 个", "两阶段均存在", "无"),
    ),
    ("phases", "trigger"): (
        (
            "{before} periods before, {after} after; {left} of the trigger window left out",
            "trigger outside the baseline",
            "a peak goes down by itself: the trigger window is left out of the baseline",
        ),
        (
            "措施前 {before} 个时段，措施后 {after} 个；触发期 {left} 个时段被剔除",
            "触发期不在基线内",
            "峰值会自行回落：触发期已从基线中剔除",
        ),
    ),
    ("phases", "empty"): (
        ("{before} periods before, {after} after", "both phases present", "blocks the verdict: nothing to compare"),
        ("措施前 {before} 个时段，措施后 {after} 个", "两阶段均存在", "阻止判定：无可比较"),
    ),
    ("horizon", "reached"): (
        ("power {power:.0%} at ratio {target:g}", "80 %", "none"),
        ("比值 {target:g} 时检验功效 {power:.0%}", "80 %", "无"),
    ),
    ("horizon", "weak"): (
        ("power {power:.0%} at ratio {target:g}", "80 %", "a true effect of the promised size may stay unseen"),
        ("比值 {target:g} 时检验功效 {power:.0%}", "80 %", "即使效果达到承诺幅度也可能看不出来"),
    ),
    ("horizon", "early"): (
        (
            "data end {last}",
            "{horizon}",
            "blocks the verdict: looking before the horizon finds effects that are not there",
        ),
        ("数据止于 {last}", "{horizon}", "阻止判定：提前查看会“发现”并不存在的效果"),
    ),
    ("horizon", "thin"): (
        ("{have:.4g} of exposure after", "{wanted:.4g}", "blocks the verdict: the declared exposure is not reached"),
        ("措施后暴露量 {have:.4g}", "{wanted:.4g}", "阻止判定：尚未达到计划规定的暴露量"),
    ),
    ("horizon", "anytime"): (
        ("data end {last}", "{horizon}, or any look", "judged by a test that holds at every look"),
        ("数据止于 {last}", "{horizon}，或任一次查看", "采用每次查看均有效的检验"),
    ),
    ("horizon", "unknown"): (
        ("no event in the baseline", "80 %", "the power cannot be told"),
        ("基线无事件", "80 %", "无法计算检验功效"),
    ),
    ("amount", "enough"): (
        ("{before} before, {after} after", "12 before, 6 after", "none"),
        ("措施前 {before}，措施后 {after}", "措施前 12，措施后 6", "无"),
    ),
    ("amount", "few"): (
        ("{before} before, {after} after", "12 before, 6 after", "too few periods: grade {cap} at most"),
        ("措施前 {before}，措施后 {after}", "措施前 12，措施后 6", "时段过少：等级最高为 {cap}"),
    ),
    ("baseline", "stable"): (
        ("no signal in {n} periods", "no signal", "none"),
        ("{n} 个时段无异常信号", "无信号", "无"),
    ),
    ("baseline", "signals"): (
        (
            "{count} signals in {n} periods, first at {first}",
            "no signal",
            "the baseline moved by itself: grade D without a control, unless the change stands without them",
        ),
        (
            "{n} 个时段出现 {count} 个信号，首个在 {first}",
            "无信号",
            "基线自身已在变动：若无对照且剔除后不成立，等级为 D",
        ),
    ),
    ("baseline", "short"): (
        ("{n} periods", "4 periods", "stability cannot be judged: grade D without a control"),
        ("{n} 个时段", "4 个时段", "无法判断稳定性：若无对照，等级为 D"),
    ),
    ("season", "declared"): (
        ("declared absent in the plan", "-", "stands on the declaration"),
        ("计划中声明无季节性", "-", "结论以该声明为前提"),
    ),
    ("season", "whole_years"): (
        ("{before:.1f} and {after:.1f} years", "whole years", "none"),
        ("{before:.1f} 年与 {after:.1f} 年", "整年", "无"),
    ),
    ("season", "same_months"): (
        ("after: months {months}; baseline holds them", "same months", "the same calendar months are compared"),
        ("措施后为 {months} 月；基线包含这些月份", "相同月份", "按相同月份比较"),
    ),
    ("season", "controlled"): (
        (
            "after: months {months}; not in the baseline",
            "same months or whole years",
            "the season is carried by the control; alone, the crude ratio would mislead",
        ),
        ("措施后为 {months} 月；基线中没有", "相同月份或整年", "季节影响由对照组承担；单看粗比值会误导"),
    ),
    ("season", "blocked"): (
        (
            "after: months {months}; not in the baseline",
            "same months or whole years",
            "blocks the verdict: a step cannot be told from a season",
        ),
        ("措施后为 {months} 月；基线中没有", "相同月份或整年", "阻止判定：无法区分阶跃与季节"),
    ),
    ("overdispersion", "poisson"): (
        ("variance {phi:.2f} times Poisson on {df:g} df", "1", "none"),
        ("方差为泊松的 {phi:.2f} 倍（自由度 {df:g}）", "1", "无"),
    ),
    ("overdispersion", "over"): (
        ("variance {phi:.2f} times Poisson on {df:g} df", "1", "the interval is widened by the extra scatter"),
        ("方差为泊松的 {phi:.2f} 倍（自由度 {df:g}）", "1", "区间已按额外离散放宽"),
    ),
    ("overdispersion", "unknown"): (
        ("too few periods", "1", "extra scatter cannot be judged"),
        ("时段过少", "1", "无法判断额外离散"),
    ),
    ("autocorrelation", "adjusted"): (
        ("correlation of the counts {rho:.2f}, adjusted", "always adjusted", "none"),
        ("计数的相关系数 {rho:.2f}，已调整", "始终调整", "无"),
    ),
    ("autocorrelation", "few"): (
        (
            "correlation of the counts {rho:.2f}, adjusted; {periods} periods",
            "24 periods, 6 after",
            "both methods agree; too few periods to call it verified",
        ),
        (
            "计数的相关系数 {rho:.2f}，已调整；{periods} 个时段",
            "24 个时段、措施后 6 个",
            "两种方法一致；时段不足以称为“已验证”",
        ),
    ),
    ("autocorrelation", "one_method"): (
        (
            "second method p {second:.2g}",
            "both methods",
            "a second method does not confirm it: indicated at most, grade C at most",
        ),
        ("第二种方法 p {second:.2g}", "两种方法一致", "第二种方法未予确认：最多为“有迹象”，等级最高为 C"),
    ),
    ("autocorrelation", "persistence"): (
        (
            "p {stress:.2g} if months hung together by 0.6; stands up to {tipping:.2g}",
            "stands at 0.6",
            "stands only if persistence from month to month is weak",
        ),
        (
            "若月间相关为 0.6 则 p {stress:.2g}；相关不超过 {tipping:.2g} 时成立",
            "相关 0.6 时仍成立",
            "仅在月间持续性较弱时成立",
        ),
    ),
    ("autocorrelation", "short"): (
        (
            "{before} periods before, {after} after",
            "12 before, 6 after, events in both",
            "periods are taken as independent: indicated at most, grade C at most",
        ),
        (
            "措施前 {before} 个时段，措施后 {after} 个",
            "措施前 12、措施后 6，且均有事件",
            "按时段相互独立处理：最多为“有迹象”，等级最高为 C",
        ),
    ),
    ("exposure", "steady"): (
        ("{change:+.0%} per period", "10 %", "none"),
        ("每时段 {change:+.0%}", "10 %", "无"),
    ),
    ("exposure", "moved"): (
        ("{change:+.0%} per period", "10 %", "counts alone would mislead: rates are compared"),
        ("每时段 {change:+.0%}", "10 %", "仅看件数会误导：比较的是比率"),
    ),
    ("exposure", "declared"): (
        ("declared constant", "-", "a change of volume would pass unseen"),
        ("声明为常数", "-", "业务量的变化将无法察觉"),
    ),
    ("control", "parallel"): (
        ("drift against control {low} to {high}", "within {margin}", "none"),
        ("相对对照的漂移 {low} 至 {high}", "不超过 {margin}", "无"),
    ),
    ("control", "open"): (
        (
            "drift against control {drift} ({low} to {high})",
            "within {margin}",
            "parallel courses are likely but not proven: grade C at most",
        ),
        (
            "相对对照的漂移 {drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "平行走势可能成立但未证实：等级最高为 C",
        ),
    ),
    ("control", "drifting"): (
        (
            "drift against control {drift} ({low} to {high})",
            "within {margin}",
            "the two were drifting apart before: the control is shown, not used",
        ),
        (
            "相对对照的漂移 {drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "两者此前已在分离：对照仅供参考，不用于判定",
        ),
    ),
    ("control", "drift_modelled"): (
        (
            "drift against control {drift} ({low} to {high})",
            "within {margin}",
            "the two were drifting apart before: that drift is part of the model; grade C at most",
        ),
        (
            "相对对照的漂移 {drift}（{low} 至 {high}）",
            "不超过 {margin}",
            "两者此前已在分离：模型中包含该漂移；等级最高为 C",
        ),
    ),
    ("control", "short"): (
        ("{n} baseline periods with both", "6", "parallel courses cannot be judged: the control is shown, not used"),
        ("两者俱全的基线时段 {n} 个", "6", "无法判断是否平行：对照仅供参考，不用于判定"),
    ),
    ("control", "empty"): (
        ("an empty cell", "events in every cell", "the control cannot be used"),
        ("某一格无事件", "各格均有事件", "对照不可用"),
    ),
}
