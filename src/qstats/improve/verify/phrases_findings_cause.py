"""What the checks of other changes and of the implementation may find, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["FINDINGS_CAUSE"]

_WINDOW = "change dated between {first} and {last}; other changes: {others}"
_WINDOW_ZH = "变化日期在 {first} 至 {last} 之间；其他变化：{others_zh}"

# (check, finding) -> ((value, threshold, consequence) in English, the same in Chinese)
FINDINGS_CAUSE: dict[tuple[str, str], tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    ("other", "dated"): (
        (_WINDOW, "the action, {action}, is among the dates left open", "the date of the change speaks for the action"),
        (_WINDOW_ZH, "可能的日期包含措施日 {action}", "变化日期支持该措施为原因"),
    ),
    ("other", "elsewhere"): (
        (
            _WINDOW,
            "the action, {action}, is among the dates left open",
            "the numbers changed at another time: attribution to the action is weak, grade C at most",
        ),
        (_WINDOW_ZH, "可能的日期包含措施日 {action}", "数值在其他时间发生变化：归因于该措施的依据薄弱，等级最高为 C"),
    ),
    ("other", "others"): (
        (
            "declared near the action: {others}",
            "no other change within {days} days of {action}",
            "what they did cannot be told apart from what the action did: attribution is weak, grade C at most",
        ),
        (
            "已声明、临近措施：{others_zh}",
            "{action} 前后 {days} 天内无其他变化",
            "其作用与措施的作用无法区分：归因依据薄弱，等级最高为 C",
        ),
    ),
    ("other", "nothing"): (
        (
            "no change of level found; other changes: {others}",
            "a change that can be dated",
            "there is no date to compare with the action",
        ),
        ("未发现水平变化；其他变化：{others_zh}", "可定日期的变化", "没有可与措施日比较的日期"),
    ),
    ("other", "open"): (
        (
            _WINDOW,
            "few dates left open",
            "the data leave nearly every date open: they do not date the change",
        ),
        (_WINDOW_ZH, "可能的日期较少", "几乎任何日期都有可能：数据无法确定变化日期"),
    ),
    ("other", "short"): (
        (
            "{before} periods before, {after} after; other changes: {others}",
            "at least {wanted_before} before and {wanted_after} after",
            "too few periods to date a change: grade C at most",
        ),
        (
            "措施前 {before} 个时段，措施后 {after} 个；其他变化：{others_zh}",
            "措施前至少 {wanted_before} 个、措施后至少 {wanted_after} 个",
            "时段过少，无法确定变化日期：等级最高为 C",
        ),
    ),
    ("implementation", "moved"): (
        ("{name}: {level_before} before, {level_after} after", "moved the better way", "the action was carried out"),
        ("{name}：措施前 {level_before}，措施后 {level_after}", "向好的方向变化", "措施已执行"),
    ),
    ("implementation", "not_moved"): (
        (
            "{name}: {level_before} before, {level_after} after",
            "moved the better way",
            "it is not shown that the action was carried out: what changed cannot be put down to it, grade C at most",
        ),
        (
            "{name}：措施前 {level_before}，措施后 {level_after}",
            "向好的方向变化",
            "未能证明措施已执行：变化不能归因于该措施，等级最高为 C",
        ),
    ),
    ("implementation", "one_sided"): (
        (
            "{name}: {cases_before} cases before, {cases_after} after",
            "cases before and after",
            "implementation not evidenced: there is nothing to compare with",
        ),
        (
            "{name}：措施前样本 {cases_before}，措施后 {cases_after}",
            "措施前后均有样本",
            "执行情况缺乏证据：无可比较",
        ),
    ),
    ("implementation", "absent"): (
        ("no process metric", "a process metric that moved", "implementation not evidenced"),
        ("无过程指标", "过程指标有变化", "执行情况缺乏证据"),
    ),
}
