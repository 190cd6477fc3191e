"""The report of a verdict: the sentence, what speaks against it, did it change, was it the action, the record."""

from __future__ import annotations

import math

from qstats.figures import figure_svg
from qstats.figures.words import word
from qstats.improve.verify import words
from qstats.improve.verify.verdict import Evidence, Verdict
from qstats.inference.comparison import Comparison
from qstats.report.blocks import (
    Block,
    Bullets,
    Figure,
    Heading,
    Hero,
    Table,
    Text,
    amount,
    as_rows,
    interval_text,
    number,
    pvalue_text,
    share_text,
)
from qstats.report.words import say

__all__ = ["verdict_blocks"]

_MOST_AGAINST = 3
_SHARES = ("sensitivity",)  # evidence that is a share, not a rate


def _changed(v: Verdict) -> str:
    c = v.primary
    if c is None:
        blocked = any(check.status == "fail" for check in v.checks)
        return "answer.blocked" if blocked else "answer.unknown"
    if math.isnan(c.estimate):
        return "answer.unknown"
    if c.interval.high < c.null:
        return "answer.lower"
    return "answer.higher" if c.interval.low > c.null else "answer.open"


def _cause(v: Verdict) -> str:
    return f"grade.{v.grade}" if _changed(v) in ("answer.lower", "answer.higher") else "grade.moot"


def _hero(v: Verdict, lang: str) -> Hero:
    facts = (
        (say("changed", lang), say(_changed(v), lang)),
        (say("cause", lang), say(_cause(v), lang)),
        (say("grade", lang), v.grade),
        (say("strength", lang), words.t(f"strength.{v.strength}", lang)),
    )
    return Hero(v.state, words.t(f"state.{v.state}", lang), v.sentence(lang), facts)


def _against(v: Verdict, lang: str) -> list[Block]:
    reasons = v.reasons(lang)[:_MOST_AGAINST]
    found: Block = (
        Bullets(tuple(reasons), name="against") if reasons else Text(say("against.none", lang), name="against")
    )
    return [Heading(say("against", lang)), found]


def _phase_table(v: Verdict, lang: str) -> Table:
    head = tuple(say(k, lang) for k in ("phase", "events", "exposure", "rate", "n_periods", "days"))
    rows = tuple(
        (
            words.t(f"role.{p.name}", lang),
            amount(p.events),
            amount(p.exposure),
            number(p.rate),
            amount(p.periods),
            f"{p.start} – {p.end}",
        )
        for p in v.phases
    )
    return Table(head, rows, numeric=(1, 2, 3, 4), name="phases")


def _comparison_row(name: str, c: Comparison, lang: str) -> tuple[str, ...]:
    level = f" ({100 * c.interval.confidence:.4g}%)"
    what = say("pair", lang, name=say(name, lang), what=word(c.effect, lang))
    return what, number(c.estimate), interval_text(c.interval) + level, pvalue_text(c.pvalue), c.method


def _comparison_table(v: Verdict, lang: str) -> list[Block]:
    head = tuple(say(k, lang) for k in ("comparison", "estimate", "interval.plain", "pvalue", "method"))
    named = (("primary", v.primary), ("crude", v.crude), ("absolute", v.absolute))
    rows = tuple(_comparison_row(name, c, lang) for name, c in named if c is not None)
    return (
        [Heading(say("comparisons", lang)), Table(head, rows, numeric=(1, 2, 3), name="effects", foreign=(4,))]
        if rows
        else []
    )


def _evidence_row(e: Evidence, lang: str) -> tuple[str, ...]:
    title, text = words.evidence_words(e.code, lang)
    estimate = number(e.estimate)
    if e.code in _SHARES and e.estimate is not None:
        estimate = share_text(e.estimate)
    return title, estimate, interval_text(e.interval), text


def _evidence_table(v: Verdict, lang: str) -> list[Block]:
    if not v.evidence:
        return []
    head = tuple(say(k, lang) for k in ("item", "estimate", "interval.plain", "sentence"))
    rows = tuple(_evidence_row(e, lang) for e in v.evidence)
    return [Heading(say("evidence", lang)), Table(head, rows, numeric=(1, 2), name="evidence")]


def _check_table(v: Verdict, lang: str) -> list[Block]:
    head = tuple(say(k, lang) for k in ("number", "check", "status", "found", "threshold", "consequence"))
    rows = []
    for c in v.checks:
        text = words.check_text(c, lang)
        consequence = text["consequence"] + (f" ({c.warning})" if c.warning else "")
        found = (text["value"], text["threshold"], consequence)
        rows.append((str(c.number), text["title"], words.t(f"status.{c.status}", lang), *found))
    states = tuple(c.status for c in v.checks)
    return [Heading(say("checks", lang)), Table(head, tuple(rows), states=states, name="checks")]


def _not_checked(v: Verdict, lang: str) -> list[Block]:
    items = tuple(words.not_checked_text(code, lang) for code in v.not_checked)
    return [Heading(say("not_checked", lang)), Bullets(items, name="not-checked")] if items else []


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{k}: {_plain(x)}" for k, x in value.items())
    if isinstance(value, list | tuple):
        return " – ".join(_plain(x) for x in value)
    return "–" if value is None else str(value)


def _record(v: Verdict, lang: str) -> list[Block]:
    pairs = [
        (say("plan_hash", lang), v.plan_hash),
        (say("data_digest", lang), v.data_digest),
        (say("warnings", lang), ", ".join(v.warnings)),
        *((say("version", lang, name=name), version) for name, version in v.versions.items()),
    ]
    plan = tuple((str(k), _plain(x)) for k, x in v.plan.items())
    head = (say("field", lang), say("value", lang))
    return [
        Heading(say("record", lang)),
        Table(head, as_rows(pairs), name="record"),
        Heading(say("plan", lang)),
        Table(head, plan, name="plan"),
    ]


def _period_table(v: Verdict, lang: str) -> list[Block]:
    keys = ["period", "phase", "events", "exposure", "rate"] + ["control_rate"] * (v.control_rate is not None)
    rows = []
    for i, period in enumerate(v.periods):
        events, exposure = float(v.events[i]), float(v.exposure[i])
        rate = number(events / exposure if exposure > 0 else math.nan)
        row = (period, words.t(f"role.{v.role[i]}", lang), amount(events), amount(exposure), rate)
        rows.append(row if v.control_rate is None else (*row, number(float(v.control_rate[i]))))
    head = tuple(say(k, lang) for k in keys)
    return [Heading(say("periods", lang)), Table(head, tuple(rows), numeric=(2, 3, 4, 5), name="periods")]


def verdict_blocks(v: Verdict, lang: str) -> list[Block]:
    """Return the report of a verdict; "did it change?" and "was it the action?" are answered apart."""
    figures: list[Block] = [Figure(figure_svg(v, lang=lang))]
    effect: list[Block] = []
    if v.primary is not None and math.isfinite(v.primary.estimate):
        effect.append(Figure(figure_svg(v.primary, lang=lang)))
    if v.chart is not None:
        names = {"before": words.t("role.baseline", lang), "after": words.t("role.after", lang)}
        title = say("staged", lang)
        effect.append(Figure(figure_svg(v.chart, lang=lang, title=title, phase_names=names)))
    return [
        Heading(v.question, 2),
        _hero(v, lang),
        *_against(v, lang),
        *figures,
        Heading(say("changed", lang), 2),
        Text(say(_changed(v), lang), name="changed"),
        Heading(say("phases", lang)),
        _phase_table(v, lang),
        *_comparison_table(v, lang),
        *effect,
        *_evidence_table(v, lang),
        Heading(say("cause", lang), 2),
        Text(say(_cause(v), lang), name="cause"),
        *_check_table(v, lang),
        *_not_checked(v, lang),
        *_record(v, lang),
        *_period_table(v, lang),
    ]
