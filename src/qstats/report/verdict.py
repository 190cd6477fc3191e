"""The report of a verdict: the sentence, what speaks against it, did it change, was it the action, the record."""

from __future__ import annotations

import math

from qstats.figures import figure_svg
from qstats.figures.words import word
from qstats.improve.verify import words
from qstats.improve.verify.verdict import Verdict
from qstats.inference.comparison import Comparison
from qstats.report.blocks import (
    MOST_ROWS,
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
)
from qstats.report.evidence import ATTRIBUTION, EFFECT, evidence_blocks, grid_table
from qstats.report.guarded import guardrail_blocks, level_text, secondary_blocks
from qstats.report.words import say

__all__ = ["verdict_blocks"]

_MOST_AGAINST = 2
_SIGNED = ("owner", "due", "signature")  # entries of the record that have a name in both languages


def _side(v: Verdict) -> str:
    """Which way the deciding interval lies: blocked, unknown, open, lower, higher."""
    c = v.primary
    if c is None:
        return "blocked" if any(check.status == "fail" for check in v.checks) else "unknown"
    if math.isnan(c.estimate):
        return "unknown"
    if c.interval.high < c.null:
        return "lower"
    return "higher" if c.interval.low > c.null else "open"


def _changed(v: Verdict, lang: str) -> str:
    side, metric = _side(v), v.metric
    if side not in ("lower", "higher") or not v.plan.get("metric"):
        return say(f"answer.{side}", lang)
    return say("answer.better" if side == metric.better else "answer.worse", lang, name=metric.name)


def _cause(v: Verdict) -> str:
    return f"grade.{v.grade}" if _side(v) in ("lower", "higher") else "grade.moot"


def _hero(v: Verdict, lang: str) -> Hero:
    facts = (
        (say("changed", lang), _changed(v, lang)),
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


def _counted(v: Verdict) -> tuple[tuple[str, ...], bool]:
    """Heads of what was counted and of the level, and whether the sum of what was measured is worth showing."""
    metric = v.metric
    if metric.family == "rate":
        return ("events", "exposure", "level.dpmo" if metric.kind == "dpmo" else "rate"), True
    if metric.family == "share":
        return ("bad", "cases", "level.share"), True
    return ("cases", f"level.{metric.family}"), False


def _phase_table(v: Verdict, lang: str) -> Table:
    heads, sums = _counted(v)
    rows = []
    for p in v.phases:
        counted = ((amount(p.events),) if sums else ()) + (amount(p.exposure), level_text(p.rate, v.metric.kind))
        rows.append((words.t(f"role.{p.name}", lang), *counted, amount(p.periods), f"{p.start} – {p.end}"))
    head = tuple(say(k, lang) for k in ("phase", *heads, "n_periods", "days"))
    return Table(head, tuple(rows), numeric=tuple(range(1, len(heads) + 2)), name="phases")


def _comparison_row(name: str, c: Comparison, lang: str) -> tuple[str, ...]:
    level = f" ({100 * c.interval.confidence:.4g}%)"
    what = say("pair", lang, name=say(name, lang), what=word(c.effect, lang))
    return what, number(c.estimate), interval_text(c.interval) + level, pvalue_text(c.pvalue), c.method


def _comparison_table(v: Verdict, lang: str) -> list[Block]:
    head = tuple(say(k, lang) for k in ("comparison", "estimate", "interval.plain", "pvalue", "method"))
    named = (("primary", v.primary), ("crude", v.crude), ("absolute", v.absolute))
    rows = tuple(_comparison_row(name, c, lang) for name, c in named if c is not None)
    if not rows:
        return []
    return [Heading(say("comparisons", lang)), Table(head, rows, numeric=(1, 2, 3), name="effects", foreign=(4,))]


def _effect_figures(v: Verdict, lang: str) -> list[Block]:
    out: list[Block] = []
    if v.primary is not None and math.isfinite(v.primary.estimate):
        out.append(Figure(figure_svg(v.primary, lang=lang)))
    if v.chart is not None:
        names = {"before": words.t("role.baseline", lang), "after": words.t("role.after", lang)}
        out.append(Figure(figure_svg(v.chart, lang=lang, title=say("staged", lang), phase_names=names)))
    return out


def _effect_evidence(v: Verdict, lang: str) -> list[Block]:
    found = [*evidence_blocks(v.evidence, EFFECT, lang), *grid_table(v.grid, lang)]
    return [Heading(say("evidence", lang)), *found] if found else []


def _placebo_panel(v: Verdict, lang: str) -> list[Block]:
    """What speaks for the action and not for something else: the control, placebos, sites."""
    control = [words.t("reason", lang, **words.check_text(c, lang)) for c in v.checks if c.code == "control"]
    found = [*map(Text, control), *evidence_blocks(v.evidence, ATTRIBUTION, lang)]
    return found or [Text(say("no_control", lang))]


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
    """What nobody looked at, and what the data given could not tell."""
    done = {c.code for c in v.checks}
    items = [words.not_checked_text(code, lang) for code in v.not_checked if code not in done]
    for c in v.checks:
        if c.status == "not possible":
            text = words.check_text(c, lang)
            items.append(say("could_not", lang, title=f"{c.number} {text['title']}", value=text["value"]))
    return [Heading(say("not_checked", lang)), Bullets(tuple(items), name="not-checked")] if items else []


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{k}: {_plain(x)}" for k, x in value.items())
    if isinstance(value, list | tuple):
        return " – ".join(_plain(x) for x in value)
    return "–" if value is None else str(value)


def _record(v: Verdict, lang: str) -> list[Block]:
    signed = v.plan.get("record") or {}
    frozen = (v.plan.get("frozen") or {}).get("on") or say("frozen.never", lang)
    pairs = [
        *((say(k, lang) if k in _SIGNED else k, _plain(x)) for k, x in signed.items()),
        (say("action_date", lang), _plain(v.plan.get("action_date"))),
        (say("frozen", lang), frozen),
        (say("plan_hash", lang), v.plan_hash),
        (say("data_digest", lang), v.data_digest),
        (say("seed", lang), str(v.seed)),
        (say("warnings", lang), ", ".join(v.warnings)),
        *((say("version", lang, name=name), version) for name, version in v.versions.items()),
    ]
    plan = tuple((str(k), _plain(x)) for k, x in v.plan.items() if k != "record")
    head = (say("field", lang), say("value", lang))
    return [
        Heading(say("record", lang), 2),
        Table(head, as_rows(pairs), name="record"),
        Heading(say("plan", lang)),
        Table(head, plan, name="plan"),
    ]


def _period_table(v: Verdict, lang: str) -> list[Block]:
    heads, sums = _counted(v)
    kind, level = v.metric.kind, v.level
    lines = [(k, x) for k, x in (("expected", v.expected), ("control_rate", v.control_rate)) if x is not None]
    rows = []
    for i, period in enumerate(v.periods[:MOST_ROWS]):
        counted = ((amount(float(v.events[i])),) if sums else ()) + (amount(float(v.exposure[i])),)
        shown = (level_text(float(x[i]), kind) for x in (level, *(x for _, x in lines)))
        rows.append((period, words.t(f"role.{v.role[i]}", lang), *counted, *shown))
    head = tuple(say(k, lang) for k in ("period", "phase", *heads, *(k for k, _ in lines)))
    table = Table(head, tuple(rows), numeric=tuple(range(2, len(head))), name="periods")
    left = len(v.periods) - len(rows)
    more: list[Block] = [Text(say("more_rows", lang, n=left))] if left else []
    return [Heading(say("periods", lang)), table, *more]


def verdict_blocks(v: Verdict, lang: str) -> list[Block]:
    """Return the report of a verdict; "did it change?" and "was it the action?" are answered apart."""
    return [
        Heading(v.question, 2),
        _hero(v, lang),
        *_against(v, lang),
        Figure(figure_svg(v, lang=lang)),
        Heading(say("changed", lang), 2),
        Text(_changed(v, lang), name="changed"),
        Heading(say("phases", lang)),
        _phase_table(v, lang),
        *_comparison_table(v, lang),
        *_effect_figures(v, lang),
        *_effect_evidence(v, lang),
        *guardrail_blocks(v, lang),
        *secondary_blocks(v, lang),
        Heading(say("cause", lang), 2),
        Text(say(_cause(v), lang), name="cause"),
        *_placebo_panel(v, lang),
        *_check_table(v, lang),
        *_not_checked(v, lang),
        *_record(v, lang),
        *_period_table(v, lang),
    ]
