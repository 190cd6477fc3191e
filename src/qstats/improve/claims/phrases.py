"""Every phrase of a claim check, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["PHRASES"]

# key -> (English, Chinese)
PHRASES: dict[str, tuple[str, str]] = {
    "state.evidence": (
        'The claim "{claim}" is evidence of a change: {effect} {estimate} ({confidence:.0%} interval {low} to {high}, '
        "p {p}) leaves out no change.",
        "“{claim}”可以作为发生变化的证据：{effect}为 {estimate}"
        "（{confidence:.0%} 区间 {low} 至 {high}，p {p}），不含“无变化”。",
    ),
    "state.not_evidence": (
        'The claim "{claim}" is not evidence: {effect} {estimate} ({confidence:.0%} interval {low} to {high}, p {p}) '
        "is compatible with no change.",
        "“{claim}”不能作为证据：{effect}为 {estimate}"
        "（{confidence:.0%} 区间 {low} 至 {high}，p {p}），与“无变化”相容。",
    ),
    "state.cannot_say": (
        'Nothing can be said about the claim "{claim}" as it stands.',
        "仅凭“{claim}”无法判断。",
    ),
    "missing": ("Must be told first: {items}.", "须先说明：{items}。"),
    "ask": ("To be told with it: {items}.", "还须说明：{items}。"),
    "caution": (
        "Even then the numbers say that something changed, not that the action did it.",
        "即便如此，数字只说明发生了变化，不说明变化由该措施引起。",
    ),
    "volume_fell": (
        "A volume that fell to {ratio} of what it was explains it all.",
        "只要业务量降到原来的 {ratio}，就足以完全解释这一变化。",
    ),
    "volume_rose": (
        "A volume that rose to {ratio} of what it was explains it all.",
        "只要业务量升到原来的 {ratio}，就足以完全解释这一变化。",
    ),
    "volume_none": (
        "With no event on one side no change of volume alone explains it, but few events are soon gone by chance.",
        "一侧为零时，单靠业务量变化解释不了；但事件本来就少时，偶然也会降为零。",
    ),
    # what must be told
    "item.n": ("the number of cases after (n)", "改进后的样本量（n）"),
    "item.n0": ("the number of cases before (n0)", "改进前的样本量（n0）"),
    "item.exposure": ("the volume or time after (exposure)", "改进后的业务量或时长（exposure）"),
    "item.exposure0": ("the volume or time before (exposure0)", "改进前的业务量或时长（exposure0）"),
    "item.spread": ("how far single cases scatter (spread)", "单个案例的离散程度（spread）"),
    "item.period": ("which periods were compared, and who chose them when", "比较的是哪两个时段、由谁在何时选定"),
    "item.who": ("who and what was counted, and what was left out", "统计了哪些对象、剔除了哪些"),
    "join": ("; ", "；"),
    # sizes, one per assumption
    "need.proportion": (
        "From {shown} units on each side the change as claimed excludes no change; {power_size} show it with a power "
        "of {power:.0%}.",
        "每侧样本达到 {shown} 个时，所称变化即可排除“无变化”；要以 {power:.0%} 的功效证实，每侧需 {power_size} 个。",
    ),
    "need.volume_least": (
        "The counts exclude no change if the volume after is more than {shown} times that before.",
        "若改进后的业务量超过改进前的 {shown} 倍，则该计数变化可排除“无变化”。",
    ),
    "need.volume_most": (
        "The counts exclude no change if the volume after is less than {shown} times that before.",
        "若改进后的业务量低于改进前的 {shown} 倍，则该计数变化可排除“无变化”。",
    ),
    "need.periods": (
        "At equal volume these rates exclude no change from {shown} times the present volume on, and show it with a "
        "power of {power:.0%} from {power_size} times.",
        "业务量相同时，按此水平累计到目前业务量的 {shown} 倍即可排除“无变化”；{power:.0%} 的功效需 {power_size} 倍。",
    ),
    "need.exposure": (
        "From an exposure of {shown} on each side the change as claimed excludes no change; {power_size} show it with "
        "a power of {power:.0%}.",
        "每侧暴露量达到 {shown} 时，所称变化即可排除“无变化”；要以 {power:.0%} 的功效证实，每侧需 {power_size}。",
    ),
    "need.cv": (
        "If single times scatter by {value:.0%} of their mean: from {shown} cases on each side the change as claimed "
        "excludes no change; {power_size} show it with a power of {power:.0%}.",
        "若单个时长的变异系数为 {value:.0%}：每侧 {shown} 例即可排除“无变化”；"
        "{power:.0%} 的功效每侧需 {power_size} 例。",
    ),
    "need.sd": (
        "If single values have a standard deviation of {value:.3g}: from {shown} on each side the change as claimed "
        "excludes no change; {power_size} show it with a power of {power:.0%}.",
        "若单个数值的标准差为 {value:.3g}：每侧 {shown} 个即可排除“无变化”；{power:.0%} 的功效每侧需 {power_size} 个。",
    ),
    "need.nps_sd": (
        "If single answers have a standard deviation of {value:.0f} points: from {shown} answers on each side the "
        "change as claimed excludes no change; {power_size} show it with a power of {power:.0%}.",
        "若单个回答的标准差为 {value:.0f} 分：每侧 {shown} 份即可排除“无变化”；"
        "{power:.0%} 的功效每侧需 {power_size} 份。",
    ),
    # measures
    "effect.difference": ("difference of shares", "比例之差"),
    "effect.rate_ratio": ("rate ratio", "率比"),
    "effect.geometric_mean_ratio": ("ratio of typical times", "典型时长之比"),
    "effect.mean_difference": ("difference of means", "均值之差"),
    "effect.nps_difference": ("difference of NPS", "NPS 之差"),
    # notes
    "note.rounded": (
        "counts taken: {x} of {n} after, {x0} of {n0} before.",
        "按此计数计算：改进后 {n} 中 {x}，改进前 {n0} 中 {x0}。",
    ),
    "note.same-spread": (
        "the spread is taken to be the same before and after.",
        "假定改进前后离散程度相同。",
    ),
    "note.nps-shares-unknown": (
        "the shares of promoters and detractors were not told: judged by the most and the least that answers of such "
        "an NPS can scatter.",
        "未说明推荐者与贬损者的比例：按该 NPS 下回答可能的最大与最小离散程度分别判断。",
    ),
}
