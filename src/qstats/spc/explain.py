"""A chart in words: what was drawn, what fired, and how often that would happen on a stable process."""

from __future__ import annotations

from collections.abc import Iterator

from qstats.spc.chart import ControlChart
from qstats.spc.limits import ControlLimits
from qstats.spc.runlength.of_chart import false_alarms
from qstats.spc.words import chart_name, note_text, panel_name, rule_sentence, say

__all__ = ["explain", "in_words"]

_SHOWN = 8  # points named for each rule


def _head(chart: ControlChart, lang: str) -> str:
    names = [lim.phase for lim in chart.limits_by_phase]
    listed = ("、" if lang == "zh" else ", ").join(names)
    phases = say("phases", lang, k=len(names), names=listed) if len(names) > 1 else ""
    return say("head", lang, name=chart_name(chart.kind, lang), n=len(chart.labels), phases=phases)


def _limits(lim: ControlLimits, lang: str) -> str:
    sigma = "" if lim.sigma is None else say("sigma", lang, sigma=f"{lim.sigma:.6g}")
    phase = f"{lim.phase}: " if lim.phase else ""
    key = "limits" if lim.n else "limits given"
    return phase + say(key, lang, center=f"{lim.center:.6g}", sigma=sigma, n=lim.n, method=lim.method.rstrip("."))


def _fired(chart: ControlChart, lang: str) -> Iterator[str]:
    count = len(chart.signals)
    if not count:
        yield say("quiet" if chart.rule_set else "no rules", lang)
        return
    yield say("fired one", lang) if count == 1 else say("fired", lang, count=count)
    where: dict[tuple[str, str], list[str]] = {}
    for s in chart.signals:
        where.setdefault((s.panel, s.rule), []).append(s.label if s.index is not None else "")
    sentences = {rule.name: rule_sentence(rule, lang) for rule in chart.rule_set}
    for (panel, rule), labels in where.items():
        named = [label for label in labels if label]
        points = ("、" if lang == "zh" else ", ").join(named[:_SHOWN])
        if len(named) > _SHOWN:
            points += say("more", lang, n=len(named) - _SHOWN)
        sentence = sentences.get(rule, rule)
        said = sentence[0].lower() + sentence[1:] if lang == "en" else sentence
        key = "rule" if named else "rule whole"
        yield say(key, lang, panel=panel_name(panel, lang), sentence=said, points=points)


def _cost(chart: ControlChart, lang: str) -> Iterator[str]:
    if not chart.rule_set:
        return
    yield say("rules", lang, name=chart.rules)
    n = len(chart.labels)
    known = false_alarms(chart, n)
    if known is None:
        return
    arl, share = known
    yield say("cost", lang, arl=f"{arl:.3g}" if arl < 1e5 else f"{arl:.1g}", n=n, share=f"{100 * share:.2g} %")
    if len(chart.panels) > 1:
        yield say("main", lang)


def in_words(chart: ControlChart, lang: str = "en") -> list[str]:
    """Return what was charted, what fired and the false alarms to expect, without notes and source."""
    lines = [_head(chart, lang), *(_limits(lim, lang) for lim in chart.limits_by_phase)]
    if chart.constants == "table":
        lines.append(say("constants", lang, which=say("table", lang)))
    return [*lines, *_fired(chart, lang), *_cost(chart, lang)]


def explain(chart: ControlChart, lang: str = "en") -> str:
    """Return the chart in words.

    Parameters
    ----------
    chart : ControlChart
    lang : {"en", "zh"}

    Returns
    -------
    str
        What was charted and how, what fired and where, the false alarms to expect, and the notes, a line each.
    """
    lines = in_words(chart, lang)
    lines += [say("note", lang, text=note_text(note, lang)) for note in chart.notes]
    lines.append(say("reference", lang, text=chart.reference.rstrip(".")))
    return "\n".join(lines)
