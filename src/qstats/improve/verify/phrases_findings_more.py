"""What the checks of definitions, of picked units and of the mix may find, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["FINDINGS_MORE"]

# (check, finding) -> ((value, threshold, consequence) in English, the same in Chinese)
FINDINGS_MORE: dict[tuple[str, str], tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    ("definition", "none"): (
        ("no column of categories or channels", "-", "a change of definition, coding or channel would pass unseen"),
        ("无类别或渠道列", "-", "定义、编码或渠道的变化将无法察觉"),
    ),
    ("definition", "same"): (
        ("shares alike before and after", "V 0.1 at p 0.01, nothing that stopped", "none"),
        ("前后构成一致", "V 0.1 且 p 0.01，无停止记录者", "无"),
    ),
    ("definition", "stopped"): (
        (
            "{count} stopped being recorded: {text}",
            "recorded before and after",
            "blocks the verdict: what is no longer counted looks like an improvement; leave these out of both phases",
        ),
        (
            "{count} 个停止记录：{text}",
            "前后均有记录",
            "阻止判定：不再统计会被误看成改善；请在两个阶段中都剔除后重新判定",
        ),
    ),
    ("definition", "taken_over"): (
        (
            "{count} stopped being recorded, others rose by as much: {text}",
            "recorded before and after",
            "merged or renamed: the total holds, the parts do not compare",
        ),
        (
            "{count} 个停止记录，其余相应上升：{text}",
            "前后均有记录",
            "可能已合并或改名：合计可比，分项不可比",
        ),
    ),
    ("definition", "absorbed"): (
        (
            "rose as the targeted category fell: {text}",
            "no other category takes over half of the fall",
            "complaints may only be filed under another name: compare both categories together",
        ),
        (
            "目标类别下降时上升的类别：{text}",
            "其他类别的上升不超过降幅的一半",
            "投诉可能只是换了类别登记：请将两类合并比较",
        ),
    ),
    ("definition", "moved_category"): (
        (
            "{text} (p {p:.2g}, V {v:.2f})",
            "V 0.1 at p 0.01",
            "the categories shifted: the definition or the coding may have changed with the action",
        ),
        ("{text}（p {p:.2g}，V {v:.2f}）", "V 0.1 且 p 0.01", "类别构成变化：定义或编码可能随措施改变"),
    ),
    ("definition", "moved_channel"): (
        (
            "{text} (p {p:.2g}, V {v:.2f})",
            "V 0.1 at p 0.01",
            "complaints come in by other ways than before: fewer may only mean harder to file",
        ),
        ("{text}（p {p:.2g}，V {v:.2f}）", "V 0.1 且 p 0.01", "投诉渠道变化：减少可能只是更难提交"),
    ),
    ("definition", "moved_both"): (
        (
            "{text} (p {p:.2g}, V {v:.2f})",
            "V 0.1 at p 0.01",
            "categories and channels shifted: what is counted, or how, may have changed with the action",
        ),
        ("{text}（p {p:.2g}，V {v:.2f}）", "V 0.1 且 p 0.01", "类别与渠道均有变化：统计内容或方式可能随措施改变"),
    ),
    ("regression", "none"): (
        ("not picked as the worst; no peak at the end of the baseline", "-", "none"),
        ("并非挑选的最差者；基线末尾无峰值", "-", "无"),
    ),
    ("regression", "predicted"): (
        (
            "picked among {k}: {estimate} ({low} to {high}) against what {units} units predict, {naive} naively",
            "still an improvement",
            "it is more than a bad unit gets better by itself",
        ),
        (
            "从 {k} 个中挑出：与 {units} 个单元的预测相比 {estimate}（{low} 至 {high}），直接比较为 {naive}",
            "仍为改善",
            "超过最差者自然回落的幅度",
        ),
    ),
    ("regression", "predicted_open"): (
        (
            "picked among {k}: {estimate} ({low} to {high}) against what {units} units predict, {naive} naively",
            "still an improvement",
            "no more than a bad unit gets better by itself: no improvement is claimed",
        ),
        (
            "从 {k} 个中挑出：与 {units} 个单元的预测相比 {estimate}（{low} 至 {high}），直接比较为 {naive}",
            "仍为改善",
            "未超过最差者自然回落的幅度：不认定为改善",
        ),
    ),
    ("regression", "picked"): (
        ("picked among {k}: p {p:.2g}", "{alpha:.2g} ({k} comparisons)", "it stands though the worst was picked"),
        ("从 {k} 个中挑出：p {p:.2g}", "{alpha:.2g}（{k} 次比较）", "即使是挑选的最差者也成立"),
    ),
    ("regression", "picked_open"): (
        (
            "picked among {k}: p {p:.2g}",
            "{alpha:.2g} ({k} comparisons)",
            "the worst of so many gets better by itself: no improvement is claimed",
        ),
        ("从 {k} 个中挑出：p {p:.2g}", "{alpha:.2g}（{k} 次比较）", "众多单元中的最差者会自行好转：不认定为改善"),
    ),
    ("regression", "picked_unjudged"): (
        ("picked among {k}", "-", "the worst of so many gets better by itself; here no improvement is shown anyway"),
        ("从 {k} 个中挑出", "-", "众多单元中的最差者会自行好转；此处本未显示改善"),
    ),
    ("regression", "peak"): (
        (
            "the last {last} baseline periods stand {sd:.1f} sd off",
            "2 sd",
            "a peak goes down by itself; without these periods the improvement stands",
        ),
        ("基线最后 {last} 个时段偏离 {sd:.1f} 倍标准差", "2 倍标准差", "峰值会自行回落；剔除这些时段后改善仍成立"),
    ),
    ("regression", "peak_open"): (
        (
            "the last {last} baseline periods stand {sd:.1f} sd off",
            "2 sd",
            "a peak goes down by itself; without these periods no improvement is left",
        ),
        ("基线最后 {last} 个时段偏离 {sd:.1f} 倍标准差", "2 倍标准差", "峰值会自行回落；剔除这些时段后改善不再成立"),
    ),
    ("regression", "peak_unjudged"): (
        (
            "the last {last} baseline periods stand {sd:.1f} sd off",
            "2 sd",
            "a peak goes down by itself; here no improvement is shown anyway",
        ),
        ("基线最后 {last} 个时段偏离 {sd:.1f} 倍标准差", "2 倍标准差", "峰值会自行回落；此处本未显示改善"),
    ),
    ("mix", "same"): (
        ("{adjusted} adjusted over {strata} strata, {crude} crude", "within {margin}", "none"),
        ("按 {strata} 层调整后 {adjusted}，粗值 {crude}", "相差不超过 {margin}", "无"),
    ),
    ("mix", "moved"): (
        (
            "{adjusted} adjusted over {strata} strata, {crude} crude",
            "within {margin}",
            "part of the crude change is a change of the mix",
        ),
        ("按 {strata} 层调整后 {adjusted}，粗值 {crude}", "相差不超过 {margin}", "粗变化的一部分来自构成变化"),
    ),
    ("mix", "reversed"): (
        (
            "{adjusted} adjusted over {strata} strata, {crude} crude",
            "the same sign",
            "inside the strata it went the other way (Simpson): the crude figure is the mix",
        ),
        ("按 {strata} 层调整后 {adjusted}，粗值 {crude}", "方向一致", "各层内方向相反（辛普森悖论）：粗值反映的是构成"),
    ),
    ("mix", "vanished"): (
        (
            "{adjusted} ({low} to {high}) adjusted over {strata} strata, {crude} crude",
            "still an improvement",
            "adjusted for the mix no improvement is left",
        ),
        (
            "按 {strata} 层调整后 {adjusted}（{low} 至 {high}），粗值 {crude}",
            "仍为改善",
            "按构成调整后改善不再成立",
        ),
    ),
    ("mix", "no_exposure"): (
        ("volume by stratum not given", "exposure by stratum", "a change of the mix would pass unseen"),
        ("未提供分层业务量", "分层暴露量", "构成变化将无法察觉"),
    ),
    ("mix", "unmatched"): (
        (
            "{share:.0%} of the events in strata without exposure in both phases",
            "at most 10 %",
            "the strata do not compare: a change of the mix would pass unseen",
        ),
        ("{share:.0%} 的事件所在层在某一阶段无暴露量", "不超过 10 %", "各层不可比：构成变化将无法察觉"),
    ),
    ("mix", "empty"): (
        ("no events before or no events after in comparable strata", "events", "the mix cannot be adjusted"),
        ("可比各层在措施前或后无事件", "有事件", "无法按构成调整"),
    ),
}
