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
    if "sigma_z" in lim.parameters:
        sigma += say("sigma_z", lang, sigma=f"{lim.number('sigma_z'):.6g}")
    phase = f"{lim.phase}: " if lim.phase else ""
    return phase + say("limits" if lim.n else "limits given", lang, center=f"{lim.center:.6g}", sigma=sigma, n=lim.n)


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


def _percent(share: float, lang: str) -> str:
    """Return a probability in per cent, with no more digits than it is worth and never as a bare 0 or 100."""
    if share < 0.001:
        return say("under", lang, least=0.1)
    if share > 0.99:
        return say("over", lang, most=99)
    tenths = round(100.0 * share, 1)
    return f"{tenths:.1f} %" if tenths < 10.0 else f"{100.0 * share:.0f} %"


def _amount(arl: float) -> str:
    """Return a run length to three digits, written out."""
    return f"{arl:.3g}" if arl < 999.5 else f"{float(f'{arl:.3g}'):,.0f}"


def _others_count(chart: ControlChart) -> bool:
    """Whether panels beside the first are judged and add false alarms that nothing else speaks of."""
    # A CUSUM's run length is that of both sums; of a g chart's second panel its note tells.
    single = any(rule.kind == "beyond" and rule.m == 1 for rule in chart.rule_set)
    return single and len(chart.panels) > 1 and chart.kind not in ("cusum", "g")


def _cost(chart: ControlChart, lang: str) -> Iterator[str]:
    if not chart.rule_set:
        return
    yield say("rules", lang, name=chart.rules)
    known = false_alarms(chart)
    if known is None:
        return
    run, share = known
    phase = say("in phase", lang, name=chart.limits.phase) if len(chart.limits_by_phase) > 1 else ""
    yield say("cost", lang, arl=_amount(run.arl), phase=phase, n=len(chart.labels), share=_percent(share, lang))
    yield say("main" if _others_count(chart) else "known", lang)
    for note in run.notes:
        if note.code != "assumed-known":  # the line before says that
            yield say("note", lang, text=note_text(note, lang))


def _charted(chart: ControlChart, lang: str) -> list[str]:
    return [_head(chart, lang), *(_limits(lim, lang) for lim in chart.limits_by_phase)]


def _found(chart: ControlChart, lang: str) -> list[str]:
    return [*_fired(chart, lang), *_cost(chart, lang)]


def in_words(chart: ControlChart, lang: str = "en") -> list[str]:
    """Return what was charted, what fired and the false alarms to expect, without method, notes and source."""
    return _charted(chart, lang) + _found(chart, lang)


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
    lines = [*_charted(chart, lang), say("method", lang, text=chart.method.rstrip(".")), *_found(chart, lang)]
    lines += [say("note", lang, text=note_text(note, lang)) for note in chart.notes]
    lines.append(say("reference", lang, text=chart.reference.rstrip(".")))
    return "\n".join(lines)
