"""What else a verdict looked at: what must not get worse, and what else was promised."""

from __future__ import annotations

import math

from qstats.figures import figure_svg
from qstats.improve.verify import words
from qstats.improve.verify.verdict import GuardrailResult, SecondaryResult, Verdict
from qstats.report.blocks import Block, Figure, Heading, Table, Text, interval_text, number, pvalue_text, share_text
from qstats.report.words import say

__all__ = ["guardrail_blocks", "level_text", "secondary_blocks"]

_SHARES = ("proportion", "sla", "csat")
_DIFFERENCES = ("nps", "ces", "mean")
_HEAD = ("item", "better", "status", "before", "after", "effect", "interval.plain")
_COLOUR = {"pass": "pass", "improved": "pass", "breach": "fail", "worse": "fail", "open": "warn"}


def level_text(level: float, kind: str) -> str:
    """Return a level in its unit: a share as percent, a dpmo per million."""
    if kind in _SHARES:
        return share_text(level)
    return f"{1e6 * level:,.4g}" if kind == "dpmo" and math.isfinite(level) else number(level)


def _limit(g: GuardrailResult) -> str:
    text = f"{g.limit:+.4g}" if g.kind in _DIFFERENCES else number(g.limit)
    return f"{'≥' if g.better == 'lower' else '≤'} {text}"


def _cells(found: GuardrailResult | SecondaryResult) -> tuple[str, ...]:
    """Level before and after, effect, interval; dashes where nothing was assessed."""
    after, before = found.levels if found.levels else (math.nan, math.nan)
    c = found.comparison
    effect = ("–", "–") if c is None else (number(c.estimate), interval_text(c.interval))
    return level_text(before, found.kind), level_text(after, found.kind), *effect


def _names(found: GuardrailResult | SecondaryResult, state: str, lang: str) -> tuple[str, str, str]:
    return found.name, say(f"better.{found.better}", lang), words.t(state, lang)


def _answer(v: Verdict) -> str:
    states = {g.state for g in v.guardrails}
    if "breach" in states:
        return "guard.breach"
    return "guard.pass" if states == {"pass"} else "guard.open"


def guardrail_blocks(v: Verdict, lang: str) -> list[Block]:
    """Return the guardrails against their margins, or that none was declared."""
    heading = Heading(say("guardrails", lang), 2)
    if not v.guardrails:
        return [heading, Text(say("guard.none", lang), name="guardrails")]
    head = (*_HEAD, "margin")
    rows = [(*_names(g, f"guardrail.{g.state}", lang), *_cells(g), _limit(g)) for g in v.guardrails]
    table = Table(
        tuple(say(k, lang) for k in head),
        tuple(rows),
        numeric=(3, 4, 5, 6, 7),
        states=tuple(_COLOUR.get(g.state, "unknown") for g in v.guardrails),
        name="guardrails",
    )
    figure = Figure(figure_svg(v, lang=lang, what="guardrails"))
    answer = Text(say(_answer(v), lang), name="guardrails")
    return [heading, answer, figure, table, Text(say("guard.note", lang))]


def secondary_blocks(v: Verdict, lang: str) -> list[Block]:
    """Return the secondary metrics in their declared order, or nothing where none was declared."""
    if not v.secondary:
        return []
    head = (*_HEAD, "pvalue")
    rows = []
    for s in v.secondary:
        p = "–" if s.comparison is None else pvalue_text(s.comparison.pvalue)
        rows.append((*_names(s, f"secondary.{s.state}", lang), *_cells(s), p))
    states = tuple(_COLOUR.get(s.state, "unknown") for s in v.secondary)
    table = Table(
        tuple(say(k, lang) for k in head), tuple(rows), numeric=(3, 4, 5, 6, 7), states=states, name="secondary"
    )
    return [Heading(say("secondary", lang)), table, Text(say("secondary.note", lang))]
