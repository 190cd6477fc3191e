"""The word table of the evidence on dates, sites, hold and specifications, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["EVIDENCE_CAUSE", "GRID_NAMES"]

# code -> ((title, sentence) in English, the same in Chinese)
EVIDENCE_CAUSE: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "placebo_dates": (
        (
            "Pretended dates",
            "Share of dates before the action, the action itself counted in, whose pretended effect is as large as the "
            "real one: a picture, not a test; with m dates it never falls below 1/(m+1).",
        ),
        (
            "假想日期",
            "措施前各假想日期（含真实日期）中效果不小于真实效果者所占比例：仅供观察，不是检验；"
            "m 个日期时最小为 1/(m+1)。",
        ),
    ),
    "sensitivity": (
        ("Sensitivity", "Share of other ways to analyse the same data that come to the same conclusion."),
        ("敏感性", "对同一数据采用其他分析方式后结论相同者所占比例。"),
    ),
    "fading": (
        ("Course after the action", "Level at the end of the time after over (or minus) its beginning: does it fade?"),
        ("措施后的走势", "后期末端水平与其起始水平之比（或之差）：效果是否减退？"),
    ),
    "anytime": (
        (
            "Valid at every look",
            "All of after over before; the upper end of the interval holds at every look together.",
        ),
        ("随时查看均有效", "措施后全部与措施前之比；区间上限对所有查看时点同时成立。"),
    ),
    "sites": (
        (
            "Staggered sites",
            "Change of each site at its own date, with what all sites share and what a site always was taken out.",
        ),
        ("分批实施的站点", "各站点在其自身实施日的变化，已消去所有站点的共同变动与各站点固有水平。"),
    ),
    "sites_permutation": (
        ("Dates given to other sites", "Two-sided p-value: how often do dates dealt out at random look as strong?"),
        ("将日期分给其他站点", "双侧 p 值：随机分配日期时，有多大比例同样显著？"),
    ),
    "site": (
        ("Site", "The site's own change, with the movement of all sites from period to period taken out."),
        ("站点", "该站点自身的变化，已消去所有站点的逐期共同变动。"),
    ),
    "sites_differ": (
        ("Sites alike", "P-value of the same change at every site."),
        ("各站点一致性", "各站点变化相同的 p 值。"),
    ),
    "sites_early": (
        (
            "Before its own date",
            "Change in the last three periods before a site's own date: nothing should have happened yet.",
        ),
        ("自身实施日之前", "站点实施日前三个时段的变化：此时本不应有变化。"),
    ),
}

# specification -> (English, Chinese)
GRID_NAMES: dict[str, tuple[str, str]] = {
    "baseline_half": ("last half of the baseline", "仅用基线后一半"),
    "baseline_late": ("first quarter of the baseline left out", "去掉基线前四分之一"),
    "without_first_before": ("first period before left out", "去掉措施前第一个时段"),
    "without_last_before": ("last period before left out", "去掉措施前最后一个时段"),
    "without_first_after": ("first period after left out", "去掉措施后第一个时段"),
    "without_last_after": ("last period after left out", "去掉措施后最后一个时段"),
    "earlier": ("action one period earlier", "措施提前一个时段"),
    "later": ("action one period later", "措施推后一个时段"),
    "trend": ("with a trend", "加入趋势"),
    "no_trend": ("without a trend", "不含趋势"),
    "season": ("with a season", "加入季节项"),
    "no_season": ("without a season", "不含季节项"),
    "no_control": ("without the control", "不用对照"),
    "quasi": ("totals of the phases, scatter between periods", "阶段合计，计入时段间散布"),
    "negative_binomial": ("totals, negative binomial", "阶段合计，负二项"),
    "sandwich": ("AR(1) sandwich", "AR(1) 夹心方差"),
    "leave_period": (
        "totals without the period from {detail} (the worst case)",
        "合计去掉自 {detail} 起的时段（最不利）",
    ),
    "leave_unit": ("without unit {detail}", "去掉单位 {detail}"),
    "leave_category": ("without category {detail}", "去掉类别 {detail}"),
}
