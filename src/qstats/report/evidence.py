"""The evidence beside a verdict, grouped by the question it answers, and the grid of other choices."""

from __future__ import annotations

from collections.abc import Sequence

from qstats.improve.verify import words
from qstats.improve.verify.grid import Grid
from qstats.improve.verify.verdict import Evidence
from qstats.report.blocks import Block, Heading, Table, Text, interval_text, number, share_text
from qstats.report.words import say

__all__ = ["ATTRIBUTION", "EFFECT", "evidence_blocks", "grid_table", "group_of"]

_SHARES = ("sensitivity", "placebo_dates", "placebo_rank", "trap")  # how codes of shares begin

# Group -> how the codes of its items begin; an item that fits nowhere is shown under "other".
_GROUPS: dict[str, tuple[str, ...]] = {
    "effect": ("crude", "absolute", "avoided", "controlled", "adjusted", "mix", "mantel", "strata", "predicted"),
    "time": ("hold", "fading", "slope", "relapse", "anytime", "eprocess", "change_date"),
    "placebo": ("placebo", "categor", "specific", "target_", "site", "staggered", "dose", "event_time", "control"),
    "robustness": ("sensitivity", "grid", "second_opinion", "stress", "correlation", "tipping"),
    "trap": ("trap",),
    "power": ("detectable", "needed", "power"),
}
EFFECT = ("effect", "time", "robustness", "power", "trap", "other")
ATTRIBUTION = ("placebo",)


def group_of(code: str) -> str:
    """Return the group an item of evidence belongs to: the longest beginning that fits decides."""
    fits = [(len(start), name) for name, starts in _GROUPS.items() for start in starts if code.startswith(start)]
    return max(fits)[1] if fits else "other"


def _row(e: Evidence, lang: str) -> tuple[str, ...]:
    title, text = words.evidence_words(e.code, lang)
    if e.estimate is None or not e.code.startswith(_SHARES):
        return title, number(e.estimate), interval_text(e.interval), text
    limits = "–" if e.interval is None else f"{share_text(e.interval.low)} … {share_text(e.interval.high)}"
    return title, share_text(e.estimate), limits, text


def evidence_blocks(evidence: Sequence[Evidence], groups: Sequence[str], lang: str) -> list[Block]:
    """Return one table per group that has items, each under its heading."""
    head = tuple(say(k, lang) for k in ("item", "estimate", "interval.plain", "sentence"))
    out: list[Block] = []
    for group in groups:
        rows = tuple(_row(e, lang) for e in evidence if group_of(e.code) == group)
        if rows:
            out += [
                Heading(say(f"group.{group}", lang), 4),
                Table(head, rows, numeric=(1, 2), name=f"evidence-{group}"),
            ]
    return out


def grid_table(grid: Grid | None, lang: str) -> list[Block]:
    """Return the comparison under other choices as a table, those that disagree marked; nothing without a grid."""
    if grid is None or not grid.codes:
        return []
    head = tuple(say(k, lang) for k in ("choice", "estimate", "agrees", "interval.plain"))
    agrees = grid.agrees.tolist()
    rows = tuple(
        (label, number(float(grid.estimate[i])), say("yes" if agrees[i] else "no", lang), _limits(grid, i))
        for i, label in enumerate(grid.labels(lang))
    )
    states = tuple("pass" if agree else "warn" for agree in agrees)
    return [
        Heading(say("grid", lang), 4),
        Text(say("grid.text", lang, agree=sum(agrees), n=len(agrees))),
        Table(head, rows, numeric=(1, 3), states=states, name="grid"),
    ]


def _limits(grid: Grid, i: int) -> str:
    return f"{number(float(grid.low[i]))} … {number(float(grid.high[i]))}"
