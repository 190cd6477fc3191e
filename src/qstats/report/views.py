"""From a result to the blocks of its report."""

from __future__ import annotations

from functools import singledispatch
from itertools import islice

from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.figures import can_plot, figure_svg
from qstats.figures.charts import phase_spans
from qstats.figures.words import word
from qstats.improve.pareto.table import ParetoTable
from qstats.improve.verify.verdict import Verdict
from qstats.inference.comparison import Comparison
from qstats.report.blocks import (
    MOST_ROWS,
    Block,
    Figure,
    Heading,
    Table,
    Text,
    amount,
    as_rows,
    interval_text,
    number,
    pvalue_text,
    share_text,
)
from qstats.report.verdict import verdict_blocks
from qstats.report.words import say
from qstats.spc.chart import ControlChart
from qstats.spc.explain import in_words
from qstats.spc.words import chart_name, panel_name, rule_sentence

__all__ = ["MOST_ROWS", "blocks_of", "notes_table"]


def notes_table(notes: tuple[Note, ...], lang: str) -> list[Block]:
    """Return the notes as a table under a heading, or nothing."""
    if not notes:
        return []
    head = tuple(say(k, lang) for k in ("severity", "code", "message"))
    rows = tuple((say(f"severity.{n.severity}", lang), n.code, n.message) for n in notes)
    return [Heading(say("notes", lang)), Table(head, rows, states=tuple(n.severity for n in notes), foreign=(1, 2))]


def _facts(pairs: list[tuple[str, str]], lang: str) -> Table:
    return Table((say("field", lang), say("value", lang)), as_rows(pairs), name="summary")


def _figure(result: Result, lang: str) -> list[Block]:
    return [Figure(figure_svg(result, lang=lang))] if can_plot(result) else []


@singledispatch
def blocks_of(result: Result, lang: str) -> list[Block]:
    """Return the blocks of any result: its rows, its figure, its notes."""
    return [
        Heading(result.title, 2),
        _facts(result._rows(), lang),
        *_figure(result, lang),
        *notes_table(result._remarks(), lang),
    ]


@blocks_of.register
def _(result: Verdict, lang: str) -> list[Block]:
    return [*verdict_blocks(result, lang), *notes_table(result.notes, lang)]


@blocks_of.register
def _(result: Comparison, lang: str) -> list[Block]:
    level = f"{100 * result.interval.confidence:.4g}%"
    side = say(f"alternative.{result.alternative}", lang)
    p_name = say("against_null", lang, alternative=side, null=number(result.null))
    pairs = [
        (word(result.effect, lang), number(result.estimate)),
        (say("interval", lang, level=level), interval_text(result.interval)),
        (p_name, pvalue_text(result.pvalue)),
        (say("n", lang), ", ".join(map(amount, result.n))),
        (say("method", lang), result.method),
        (say("reference", lang), result.reference),
    ]
    heading = Heading(say("result.comparison", lang), 2)
    return [heading, _facts(pairs, lang), *_figure(result, lang), *notes_table(result.notes, lang)]


@blocks_of.register
def _(result: ParetoTable, lang: str) -> list[Block]:
    head = tuple(
        say(k, lang) for k in ("category", "weight" if result.weighted else "events", "share", "cumulative", "rank")
    )
    rows = tuple(
        (
            category,
            amount(float(result.values[i])),
            share_text(float(result.share[i])),
            share_text(float(result.cumulative[i])),
            f"{int(result.rank_low[i])}–{int(result.rank_high[i])}",
        )
        for i, category in enumerate(result.categories)
    )
    pairs = [
        (say("total", lang), amount(float(result.values.sum()))),
        (say("confidence", lang), f"{100 * result.confidence:.4g}%"),
    ]
    return [
        Heading(say("result.pareto", lang), 2),
        _facts(pairs, lang),
        *_figure(result, lang),
        Table(head, rows, numeric=(1, 2, 3, 4), name="pareto"),
        *notes_table(result.notes, lang),
    ]


def _limits_table(chart: ControlChart, lang: str) -> Table:
    main = next(iter(chart.panels.values()))
    head = tuple(say(k, lang) for k in ("phase", "center", "lower", "upper", "sigma", "points_used", "method"))
    rows = []
    for limits, (_, start, stop) in zip(chart.limits_by_phase, phase_spans(chart), strict=True):
        at = max(stop - 1, start)
        ends = (number(float(main.lower[at]), 6), number(float(main.upper[at]), 6)) if stop > start else ("–", "–")
        row = (limits.phase or "–", number(limits.center, 6), *ends, number(limits.sigma, 6), amount(limits.n))
        rows.append((*row, limits.method))
    return Table(head, tuple(rows), numeric=(1, 2, 3, 4, 5), name="limits")


def _signals_table(chart: ControlChart, lang: str) -> list[Block]:
    out: list[Block] = [Heading(say("signals", lang))]
    if not chart.signals:
        return [*out, Text(say("no_signals", lang))]
    head = tuple(say(k, lang) for k in ("panel", "point", "rule"))
    named = {rule.name: rule_sentence(rule, "zh").rstrip("。") for rule in chart.rule_set} if lang == "zh" else {}
    shown = chart.signals[:MOST_ROWS]
    rows = tuple((panel_name(s.panel, lang), s.label or "–", named.get(s.rule, s.rule)) for s in shown)
    out.append(Table(head, rows, name="signals"))
    left = len(chart.signals) - len(rows)
    return [*out, Text(say("more_rows", lang, n=left))] if left else out


def _points_table(chart: ControlChart, lang: str) -> list[Block]:
    main = next(iter(chart.panels.values()))
    head = (
        say("point", lang),
        say("phase", lang),
        panel_name(main.name, lang),
        *(say(k, lang) for k in ("center", "lower", "upper")),
    )
    rows = tuple(
        (label, phase or "–", *(number(float(a[i]), 6) for a in (main.statistic, main.center, main.lower, main.upper)))
        for i, (label, phase) in enumerate(islice(zip(chart.labels, chart.phases, strict=False), MOST_ROWS))
    )
    out: list[Block] = [Heading(say("points", lang)), Table(head, rows, numeric=(2, 3, 4, 5), name="points")]
    left = len(chart.labels) - len(rows)
    return [*out, Text(say("more_rows", lang, n=left))] if left else out


@blocks_of.register
def _(result: ControlChart, lang: str) -> list[Block]:
    signals = len(result.signals)
    state = say("in_control.yes", lang) if result.in_control else say("in_control.no", lang, n=signals)
    pairs = [
        (say("kind", lang), chart_name(result.kind, lang)),
        (say("in_control", lang), state),
        (say("rules", lang), result.rules),
        (say("method", lang), result.method),
        (say("reference", lang), result.reference),
    ]
    return [
        Heading(say("result.chart", lang), 2),
        _facts(pairs, lang),
        *_figure(result, lang),
        Heading(say("in_words", lang)),
        *(Text(line) for line in in_words(result, lang)),
        _limits_table(result, lang),
        *_signals_table(result, lang),
        *_points_table(result, lang),
        *notes_table(result.notes, lang),
    ]
