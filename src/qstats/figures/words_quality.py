"""The words on figures of capability and of gauges, in English and Chinese."""

from __future__ import annotations

from qstats._core.checks import check_choice
from qstats.capability.nonnormal.fitted import FittedDistribution
from qstats.figures.words import LANGUAGES

__all__ = ["named", "say"]

# One row per word; a test asks that no cell is empty and that both cells take the same values.
_WORDS: dict[str, tuple[str, str]] = {
    "after": ("after", "改进后"),
    "at confidence": ("{level} intervals", "{level} 区间"),
    "attribute": ("Attribute capability", "计数型过程能力"),
    "bars": ("Capability: ±3σ against the specification", "能力：±3σ 与规格对比"),
    "before": ("before", "改进前"),
    "better": ("more capable after the change", "改进后能力提高"),
    "boundary": ("boundary {value}", "物理界限 {value}"),
    "by operator": ("By operator", "按检验员"),
    "by part": ("By part", "按零件"),
    "by percentiles": ("by percentiles", "按百分位数"),
    "by tails": ("by tails", "按尾部概率"),
    "capability at": ("Process capability ({level} intervals)", "过程能力（{level} 区间）"),
    "capability state": ("Process capability ({level} intervals): {state}", "过程能力（{level} 区间）：{state}"),
    "changes": ("After over before", "改进后 / 改进前"),
    "chosen": ("chosen", "已选用"),
    "compare title": ("Capability before and after: {verdict}", "改进前后的过程能力：{verdict}"),
    "components": ("Components of variation", "变异分量"),
    "crossed": ("crossed", "交叉"),
    "cumulative": ("{name}: {text}, {level} interval", "{name}：{text}，{level} 区间"),
    "cumulative dpu": ("Cumulative defects per unit", "累计单位缺陷数"),
    "cumulative share": ("Cumulative share defective", "累计不合格品率"),
    "defects": ("Defects per unit", "单位缺陷数"),
    "demonstrated": (
        "{index} with {level} intervals; filled: lower limit reaches {required}",
        "{index} 及 {level} 区间；实心：下限达到 {required}",
    ),
    "expanded": ("expanded", "扩展"),
    "expected overall": ("expected, overall", "预期（总体）"),
    "expected ppm": ("expected", "预期"),
    "expected within": ("expected, within", "预期（组内）"),
    "fit axis": ("Ppk under each fit; filled: adequate", "各拟合下的 Ppk；实心：拟合合格"),
    "fit axis z": ("Ppk by tails under each fit; filled: adequate", "各拟合下的 Ppk（按尾部概率）；实心：拟合合格"),
    "fits": ("Ppk under each distribution ({level} intervals)", "各分布下的 Ppk（{level} 区间）"),
    "gauge": (
        "Gauge R&R ({design}): {n} values, {level} intervals",
        "测量系统 R&R（{design}）：{n} 个数据，{level} 区间",
    ),
    "gauge table": ("Gauge R&R of {n} characteristics, worst first", "{n} 个特性的量具 R&R，最差在前"),
    "gauge table axis": (
        "Gauge R&R in % of study variation; dashed: 10 and 30",
        "量具 R&R 占研究变异的百分比；虚线：10 与 30",
    ),
    "gauge_rr": ("gauge R&R", "量具 R&R"),
    "histogram": ("Histogram", "直方图"),
    "interaction": ("Part × operator", "零件 × 检验员"),
    "interaction p": ("Part × operator (p {p})", "零件 × 检验员（p {p}）"),
    "last": ("Last {n} subgroups", "最近 {n} 个子组"),
    "last resort": ("only where nothing fits", "仅在无合适分布时使用"),
    "last singles": ("Last {n} values", "最近 {n} 个数据"),
    "lower beyond": ("◄ LSL {value}", "◄ LSL {value}"),
    "lsl": ("LSL {value}", "LSL {value}"),
    "mean": ("mean", "均值"),
    "mean chart seen": (
        "Means: {out} of {n} outside (parts told apart)",
        "均值图：{n} 点中 {out} 点在限外（限外：能区分零件）",
    ),
    "means": ("Subgroup means", "子组均值"),
    "met": ("met", "达到"),
    "missed": ("missed", "未达到"),
    "more operators": ("{n} more, thin", "其余 {n} 名（细线）"),
    "nested": ("nested", "嵌套"),
    "no classes": ("no single values are held: density of the fit", "未保存单个数据：仅示拟合密度"),
    "no repeats": ("no part was measured twice by one operator", "没有零件由同一检验员重复测量"),
    "nonnormal": ("Capability, {family} ({level} intervals)", "过程能力，{family}（{level} 区间）"),
    "normal plot": ("Normal probability plot", "正态概率图"),
    "normal plot tested": (
        "Normal probability plot: A² = {a}, p {p}",
        "正态概率图：A² = {a}，p {p}",
    ),
    "not adequate": ("not adequate, {p}", "拟合不合格，{p}"),
    "not fitted": ("could not be fitted", "无法拟合"),
    "not judged": ("stability not judged", "稳定性未判定"),
    "not shown": ("no change is shown", "未显示有变化"),
    "not stable": ("NOT stable: {n} signals", "不稳定：{n} 个信号"),
    "observed": ("observed", "实测"),
    "operator": ("operator", "检验员"),
    "others": ("others", "其他"),
    "overall": ("overall", "总体"),
    "overall curve": ("overall: σ {sigma}", "总体：σ {sigma}"),
    "part": ("part-to-part", "零件间"),
    "part axis": ("Part", "零件"),
    "percent contribution": ("% contribution", "% 贡献"),
    "percent of": ("Percent", "百分比"),
    "percent process": ("% process", "% 过程"),
    "percent study": ("% study variation", "% 研究变异"),
    "percent tolerance": ("% tolerance", "% 公差"),
    "point band": (
        "{level} band of each ordered value (beta), parameters taken as known",
        "各顺序值的 {level} 逐点带（β 分布，参数视为已知）",
    ),
    "ppm": ("ppm beyond specification", "超出规格的 ppm"),
    "ppm ratio": ("expected ppm", "预期 ppm"),
    "probability": ("{family}: probability plot", "{family}：概率图"),
    "probability tested": ("{family}: A² = {a}, p {p}", "{family}：A² = {a}，p {p}"),
    "process": ("process", "过程"),
    "range chart": ("Ranges by operator", "各检验员的极差图"),
    "ranges": ("Moving ranges", "移动极差"),
    "rates": ("Rates of the samples", "各样本比率的分布"),
    "ratio ppk": ("Ppk", "Ppk"),
    "repeatability": ("repeatability", "重复性"),
    "reproducibility": ("reproducibility", "再现性"),
    "sample number": ("Sample", "样本"),
    "samples": ("Samples", "样本数"),
    "share": ("Share defective", "不合格品率"),
    "share of values": ("Share of the values in each class", "各组数据占比"),
    "sigma overall": ("σ overall", "σ 总体"),
    "sigma within": ("σ within", "σ 组内"),
    "singles": ("Single values", "单值"),
    "spec": ("specification", "规格"),
    "spreads": ("Standard deviations", "标准差"),
    "stable": ("stable", "稳定"),
    "stable but": ("signals: {n}, by chance about {expected}", "信号 {n} 个，偶然约 {expected} 个"),
    "table": ("{n} of {all} characteristics, lowest {index} first", "{all} 个特性中的 {n} 个，{index} 最低者在前"),
    "table axis": ("{index} with {level} intervals", "{index} 及 {level} 区间"),
    "target": ("target {value}", "目标 {value}"),
    "undecided": ("undecided", "未定"),
    "upper beyond": ("USL {value} ►", "USL {value} ►"),
    "usl": ("USL {value}", "USL {value}"),
    "values": ("{n} values", "{n} 个数据"),
    "values groups": ("{n} values in {groups} subgroups", "{n} 个数据，{groups} 个子组"),
    "with interval": ("{estimate} ({low} to {high})", "{estimate}（{low} 至 {high}）"),
    "within": ("within", "组内"),
    "within curve": ("within: σ {sigma}", "组内：σ {sigma}"),
    "worse": ("less capable after the change", "改进后能力下降"),
}


def say(key: str, lang: str, **values: object) -> str:
    """Return a word of these figures in a language."""
    return _WORDS[key][LANGUAGES.index(check_choice(lang, "lang", LANGUAGES))].format(**values)


_FAMILIES = {
    "boxcox": "Box-Cox 变换",
    "empirical": "经验百分位数",
    "gamma": "伽马分布",
    "johnson": "约翰逊分布",
    "lognormal": "对数正态分布",
    "lognormal3": "三参数对数正态分布",
    "normal": "正态分布",
    "weibull": "威布尔分布",
    "weibull3": "三参数威布尔分布",
}


def named(fit: FittedDistribution, lang: str) -> str:
    """Return the name of a fitted distribution; in English that is what the result calls it."""
    return _FAMILIES.get(fit.family, fit.label) if lang == "zh" else fit.label
