"""The word table as data: every phrase of a verdict, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["CHECK_TITLES", "WORDS"]

# key -> (English, Chinese)
WORDS: dict[str, tuple[str, str]] = {
    # verdict, one per reason
    "sanity": (
        "Inconclusive: the data do not pass the sanity check, so no comparison is trusted.",
        "无法判定：数据未通过完整性检查，任何比较都不可信。",
    ),
    "phases": (
        "Inconclusive: the plan's windows hold no usable period before or after the action.",
        "无法判定：计划的时间窗内，措施前或措施后没有可用的时段。",
    ),
    "horizon": (
        "Inconclusive: the data end before the declared horizon {horizon}; wait until then.",
        "无法判定：数据尚未到达计划规定的截止日 {horizon}，请等到那时再判定。",
    ),
    "season": (
        "Inconclusive: the months before and after differ and less than two yearly cycles were seen, so a seasonal "
        "swing and a real change look the same here.",
        "无法判定：前后月份不同，且观察不足两个完整年度，季节波动与真实变化在此无法区分。",
    ),
    "no_information": (
        "Inconclusive: nothing was counted before or after.",
        "无法判定：措施前后均无记录。",
    ),
    "harmful": (
        "Harmful: {rose} after the action.",
        "有害：措施之后{rose}。",
    ),
    "target_met": (
        "Effective: {fell} and the promised target ({target}) is met.",
        "有效：{fell}，并达到承诺目标（{target}）。",
    ),
    "target_not_shown": (
        "Effective: {fell}; whether the promised target ({target}) is met is still open.",
        "有效：{fell}；但是否达到承诺目标（{target}）尚未得到证明。",
    ),
    "target_excluded": (
        "Effective: {fell}, but less than promised (the target, {target}, is excluded).",
        "有效：{fell}，但小于承诺（目标，即{target}，已被排除）。",
    ),
    "cause_not_established": (
        "Inconclusive: {fell}, but the data cannot tie that to the action.",
        "无法判定：{fell}，但数据不足以证明这是措施带来的。",
    ),
    "effect_excluded": (
        "Not shown: no improvement is shown, and one as large as promised is excluded.",
        "未证实：未显示改善，且承诺幅度的改善已被排除。",
    ),
    "compatible_with_both": (
        "Inconclusive: the data are compatible with the promised effect and with none.",
        "无法判定：数据与承诺的效果相容，也与毫无效果相容。",
    ),
    "delay": (
        "Inconclusive: the complaints of the time after have not all come in yet; wait and draw the data again.",
        "无法判定：措施后的投诉尚未全部收到，请等待后重新提取数据。",
    ),
    "guardrail_breached": (
        "Harmful: a guardrail is breached, whatever the primary metric says.",
        "有害：护栏指标被突破，无论主要指标结果如何。",
    ),
    "safety_not_shown": (
        "Inconclusive: the primary metric improved, but it is not shown that nothing else got worse.",
        "无法判定：主要指标已改善，但尚未证明其他方面没有变差。",
    ),
    "regression": (
        "Inconclusive: the improvement is no larger than what follows a peak, or a choice of the worst, by itself.",
        "无法判定：这一改善并不大于峰值之后或挑选最差者之后自然出现的回落。",
    ),
    "trend": (
        "Inconclusive: with less than two years before, a trend that ran before and a season look alike, and the answer "
        "hangs on which of them it was; a control, a longer baseline, or declaring one of them absent would settle it.",
        "无法判定：措施前不足两年，此前的趋势与季节性看起来相同，而结论取决于是哪一种；设对照、延长基线，或声明其中一种不存在，方可判定。",
    ),
    "looks": (
        "Inconclusive: it looks better, but not by enough to say so at any look; go on and look again.",
        "无法判定：看似改善，但尚不足以在任一次查看时作出结论；请继续观察。",
    ),
    "mix": (
        "Inconclusive: adjusted for the mix (age, product, region) the improvement is not there.",
        "无法判定：按构成（批龄、产品、地区）调整后，改善并不存在。",
    ),
    "definition": (
        "Inconclusive: what is counted, or how, changed with the action.",
        "无法判定：统计的内容或方式随措施一起发生了变化。",
    ),
    # parts of the paragraph
    "numbers": (
        "{effect} {estimate} ({confidence:.0%} interval {low} to {high}, p {p}).",
        "{effect} {estimate}（{confidence:.0%} 区间 {low} 至 {high}，p {p}）。",
    ),
    "numbers_controlled": (
        "Compared with the control: {effect} {estimate} ({confidence:.0%} interval {low} to {high}, p {p}).",
        "与对照组相比：{effect} {estimate}（{confidence:.0%} 区间 {low} 至 {high}，p {p}）。",
    ),
    "crude": (
        "Taken alone, after against before is {estimate} ({low} to {high}): this crude figure is not the verdict.",
        "单独看，措施后与措施前相比为 {estimate}（{low} 至 {high}）：这一粗比值不是结论。",
    ),
    "crude_opposite": (
        "It points the other way: what was adjusted for decides.",
        "其方向与结论相反：起决定作用的是所作的调整。",
    ),
    "harm_excluded": (
        "An important rise (ratio {harm:g} or more) is excluded.",
        "重要的上升（比值不低于 {harm:g}）已被排除。",
    ),
    "harm_open": (
        "An important rise (ratio {harm:g} or more) is not excluded either.",
        "重要的上升（比值不低于 {harm:g}）也未被排除。",
    ),
    "wait": (
        "Exposure after the action needed to see the target: about {needed} (so far {have}); at this volume about {date}.",
        "要看到目标效果，措施后约需暴露量 {needed}（目前 {have}）；按目前业务量约在 {date}。",
    ),
    "wait_long": ("a century from now", "百年以后"),
    "wait_never": (
        "The baseline holds too few events: no length of follow-up can show the target.",
        "基线事件过少：无论观察多久都无法证明目标效果。",
    ),
    "grade": (
        "Was it the action? Grade {grade}; strength of the evidence: {strength}.",
        "是措施的作用吗？归因等级 {grade}；证据强度：{strength}。",
    ),
    "exploratory": (
        "Exploratory: the plan was not frozen before the result could be seen.",
        "探索性结论：计划并未在结果可见之前冻结。",
    ),
    "harm_excluded_up": (
        "An important worsening ({harm:g} or beyond) is excluded.",
        "重要的恶化（达到或超过 {harm:g}）已被排除。",
    ),
    "harm_open_up": (
        "An important worsening ({harm:g} or beyond) is not excluded either.",
        "重要的恶化（达到或超过 {harm:g}）也未被排除。",
    ),
    "fell.rate": ("the rate fell", "投诉率下降"),
    "rose.rate": ("the rate rose", "投诉率上升"),
    "fell.other": ("{name} improved", "{name}改善"),
    "rose.other": ("{name} got worse", "{name}变差"),
    "target.lower": ("ratio {target:g} or lower", "比值不高于 {target:g}"),
    "target.higher": ("ratio {target:g} or higher", "比值不低于 {target:g}"),
    "target.change": ("a change of {target:+g} or more", "变化达到 {target:+g}"),
    "effect.rate_ratio": ("Rate ratio", "率比"),
    "effect.rate_ratio_ratio": ("Rate ratio", "率比"),
    "effect.risk_ratio": ("Ratio of shares", "占比之比"),
    "effect.geometric_mean_ratio": ("Ratio of typical times", "典型时间之比"),
    "effect.mean_difference": ("Difference", "差值"),
    "strength.verified": ("verified", "已验证"),
    "strength.confirmed": ("confirmed", "已确认"),
    "strength.indicated": ("indicated", "有迹象"),
    "strength.none": ("none", "无"),
    "reason": ("{title} ({value}): {consequence}.", "{title}（{value}）：{consequence}。"),
    "state.effective": ("effective", "有效"),
    "state.not_shown": ("not shown", "未证实"),
    "state.harmful": ("harmful", "有害"),
    "state.inconclusive": ("inconclusive", "无法判定"),
    "status.pass": ("pass", "通过"),
    "status.warn": ("warn", "警告"),
    "status.fail": ("fail", "不通过"),
    "status.not possible": ("not possible", "无法检查"),
    "role.baseline": ("before", "措施前"),
    "role.transition": ("transition", "过渡期"),
    "role.after": ("after", "措施后"),
    "role.excluded": ("left out", "未计入"),
    "role.immature": ("not yet complete", "尚未完整"),
    "guardrail.pass": ("passed", "通过"),
    "guardrail.breach": ("breached", "突破"),
    "guardrail.open": ("open", "未定"),
    "guardrail.not assessed": ("not assessed", "未评估"),
    "secondary.improved": ("improved", "改善"),
    "secondary.not shown": ("not shown", "未证实"),
    "secondary.worse": ("worse", "变差"),
    "secondary.not claimed": ("shown, not claimed", "仅供参考"),
    "secondary.not assessed": ("not assessed", "未评估"),
    "guardrails": ("Guardrails: {text}.", "护栏指标：{text}。"),
}

CHECK_TITLES: dict[str, tuple[str, str]] = {
    "plan": ("Plan declared before the result", "结果可见之前已制定计划"),
    "sanity": ("Sanity of the data", "数据完整性"),
    "phases": ("Phases", "阶段划分"),
    "horizon": ("Horizon reached, enough exposure", "到达截止日、暴露量充足"),
    "amount": ("Amount of data", "数据量"),
    "baseline": ("Baseline stable", "基线稳定"),
    "season": ("Season", "季节性"),
    "overdispersion": ("Overdispersion", "过度离散"),
    "delay": ("Complaints still to come", "尚未收到的投诉"),
    "trend": ("Trend before the action", "措施前的趋势"),
    "definition": ("Definitions, channels, coding", "定义、渠道与编码"),
    "regression": ("Regression to the mean", "向均值回归"),
    "mix": ("Mix inside the exposure", "暴露量的内部构成"),
    "other": ("Other changes, date of the change", "其他变化与变化日期"),
    "implementation": ("Action carried out", "措施的执行"),
    "autocorrelation": ("Months that hang together", "月份之间的相关"),
    "exposure": ("Exposure changed", "暴露量变化"),
    "control": ("Control valid", "对照有效"),
}
