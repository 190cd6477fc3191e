"""The word table of the evidence and of what was not looked at, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["EVIDENCE", "NOT_CHECKED"]

_ALONE = (
    "How often this alone makes a plain comparison claim success, in data like these, with no effect.",
    "在类似数据、毫无效果的情况下，仅此一项使简单比较宣称成功的频率。",
)
_TRAPS = {
    "trend": ("Trap: a trend that ran before", "陷阱：此前已有的趋势"),
    "season": ("Trap: season", "陷阱：季节性"),
    "delay": ("Trap: late reports", "陷阱：报告延迟"),
    "volume": ("Trap: fallen volume", "陷阱：业务量下降"),
    "scatter": ("Trap: scatter taken for chance", "陷阱：把离散当作偶然"),
    "persistence": ("Trap: periods that hang together", "陷阱：时段之间的相关"),
    "peeking": ("Trap: a look every week", "陷阱：每周查看"),
    "worst": ("Trap: the worst was picked", "陷阱：挑选最差者"),
}

# code -> ((title, sentence) in English, the same in Chinese)
EVIDENCE: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "crude": (
        ("Crude comparison", "All of after against all of before, nothing adjusted."),
        ("粗比较", "措施后全部与措施前全部相比，未作任何调整。"),
    ),
    "absolute": (
        ("Change of the rate or share", "Per unit of exposure or per case, after minus before."),
        ("比率变化", "每单位暴露量或每个样本，措施后减措施前。"),
    ),
    "avoided": (
        ("Complaints avoided", "In the time after, against what the rate before would have given."),
        ("避免的投诉", "措施后期间，与按措施前水平推算相比。"),
    ),
    "hold": (
        ("Hold: last third of after", "Rate ratio of the last third of the time after: does the effect fade?"),
        ("保持情况：后期最后三分之一", "后期最后三分之一的率比：效果是否减退？"),
    ),
    "second_opinion": (
        ("Second opinion", "The same ratio by slow cosines, without a model of how months hang together."),
        ("第二意见", "用低频余弦法得到的同一比值，不对月间相关作模型假设。"),
    ),
    "stress": (
        ("Stress test", "One-sided p-value if what is not chance hung together by 0.6 from period to period."),
        ("压力检验", "若非随机部分的时段间相关为 0.6，单侧 p 值。"),
    ),
    "correlation": (
        ("Correlation of the counts", "From one period to the next, averaged over what the data allow."),
        ("计数的相关", "相邻时段之间，按数据允许的各种取值平均。"),
    ),
    "tipping": (
        ("Tipping point", "Largest correlation at which the change still stands by itself."),
        ("临界相关", "变化单独仍成立的最大相关系数。"),
    ),
    "detectable": (
        ("Smallest fall to be seen", "Ratio that this series would show in four cases of five."),
        ("可察觉的最小降幅", "该序列有五分之四的把握显示出的比值。"),
    ),
    "needed": (
        ("Exposure needed", "Exposure after the action that shows the target with 80 % power."),
        ("所需暴露量", "措施后以 80 % 功效证明目标效果所需的暴露量。"),
    ),
    **{f"trap_{code}": ((en, _ALONE[0]), (zh, _ALONE[1])) for code, (en, zh) in _TRAPS.items()},
}

NOT_CHECKED: dict[str, tuple[str, str]] = {
    "definition": ("2 drift of definitions, channels or coding", "2 定义、渠道或编码的漂移"),
    "delay": ("4 complaints not yet received (reporting delay)", "4 尚未收到的投诉（报告延迟）"),
    "trend": ("8 a trend that ran before the action", "8 措施之前已有的趋势"),
    "regression": ("10 regression to the mean beyond the trigger window", "10 触发期以外的向均值回归"),
    "mix": ("13 change of the mix inside the exposure", "13 暴露量内部构成的变化"),
    "control": ("14 a control group: none was declared", "14 对照组：计划未声明"),
    "other": ("15 other changes in the window", "15 同期的其他变化"),
    "implementation": ("16 whether the action was really carried out", "16 措施是否真正执行"),
}
