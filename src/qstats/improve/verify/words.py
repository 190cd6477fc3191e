"""Sentences of a verdict and of its checks, in English and Chinese, from one table of phrases."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from qstats._core.checks import check_choice
from qstats.improve.verify.phrases import CHECK_TITLES, WORDS
from qstats.improve.verify.phrases_evidence import EVIDENCE, NOT_CHECKED
from qstats.improve.verify.phrases_evidence_cause import EVIDENCE_CAUSE
from qstats.improve.verify.phrases_evidence_more import EVIDENCE_MORE
from qstats.improve.verify.phrases_findings import FINDINGS
from qstats.improve.verify.phrases_findings_cause import FINDINGS_CAUSE
from qstats.improve.verify.phrases_findings_log import FINDINGS_LOG
from qstats.improve.verify.phrases_findings_more import FINDINGS_MORE

if TYPE_CHECKING:
    from qstats.improve.verify.verdict import Check, Verdict

__all__ = ["check_text", "evidence_words", "finding", "not_checked_text", "t", "verdict_sentence"]

LANGUAGES = ("en", "zh")
_CENTURY = 36_525  # days
_USED = ("parallel", "open", "drift_modelled")  # findings with which the control decides
_ALL = {**FINDINGS, **FINDINGS_LOG, **FINDINGS_MORE, **FINDINGS_CAUSE}
_EVIDENCE = {**EVIDENCE, **EVIDENCE_MORE, **EVIDENCE_CAUSE}


def _pick(pair: tuple[Any, Any], lang: str) -> Any:
    check_choice(lang, "lang", LANGUAGES)
    return pair[LANGUAGES.index(lang)]


def t(key: str, lang: str = "en", **values: object) -> str:
    """Return one entry of the word table with its gaps filled."""
    text: str = _pick(WORDS[key], lang)
    return text.format(**values)


def finding(code: str, key: str, lang: str = "en", **values: object) -> tuple[str, str, str]:
    """Return value, threshold and consequence of a check's finding."""
    value, threshold, consequence = _pick(_ALL[code, key], lang)
    return value.format(**values), threshold.format(**values), consequence.format(**values)


def check_text(check: Check, lang: str = "en") -> dict[str, str]:
    """Return title, status, value, threshold and consequence of a check in the language."""
    value, threshold, consequence = finding(check.code, check.key, lang, **dict(check.numbers))
    return {
        "title": _pick(CHECK_TITLES[check.code], lang),
        "status": t(f"status.{check.status}", lang),
        "value": value,
        "threshold": threshold,
        "consequence": consequence,
    }


def evidence_words(code: str, lang: str = "en") -> tuple[str, str]:
    """Return title and sentence of an item of evidence; what follows a colon in `code` is a name of the user's."""
    kind, _, name = code.partition(":")
    title, text = _pick(_EVIDENCE[kind], lang)
    return (title + (": " if lang == "en" else "：") + name if name else title), text


def not_checked_text(code: str, lang: str = "en") -> str:
    """Return what was not looked at, as a phrase."""
    text: str = _pick(NOT_CHECKED[code], lang)
    return text


def _p_text(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"


def _limits(comparison: Any, lang: str) -> dict[str, Any]:
    return {
        "effect": t(f"effect.{comparison.effect}", lang),
        "estimate": f"{comparison.estimate:.3g}",
        "low": f"{comparison.interval.low:.3g}",
        "high": f"{comparison.interval.high:.3g}",
        "confidence": comparison.interval.confidence,
        "p": _p_text(comparison.pvalue),
    }


def _opposite(primary: Any, crude: Any) -> bool:
    """Whether the crude comparison lies on the other side of no change, and either is more than chance."""
    sides = (primary.estimate - primary.null) * (crude.estimate - crude.null)
    return bool(sides < 0 and not (primary.null in primary.interval and crude.null in crude.interval))


def _direction(plan: Any, lang: str) -> dict[str, str]:
    """Words for better and worse, and the target, of the metric."""
    metric = plan.measured
    kind, named = ("rate", {}) if plan.metric is None else ("other", {"name": metric.name})
    target = "change" if not metric.is_ratio else metric.better
    return {
        "fell": t(f"fell.{kind}", lang, **named),
        "rose": t(f"rose.{kind}", lang, **named),
        "target": t(f"target.{target}", lang, target=plan.target),
    }


def _harm(verdict: Verdict, plan: Any, lang: str) -> str | None:
    """Say whether important harm is excluded, where no improvement is shown."""
    primary, harm = verdict.primary, plan.harm
    if primary is None or harm is None or verdict.reason not in ("effect_excluded", "compatible_with_both"):
        return None
    up = plan.measured.better == "lower"
    excluded = primary.interval.high < harm if up else primary.interval.low > harm
    plain = "" if plan.metric is None else "_up"
    return t(("harm_excluded" if excluded else "harm_open") + plain, lang, harm=harm)


def _amount(value: float) -> str:
    """Three digits, without powers of ten where a reader would count in thousands."""
    return f"{float(f'{value:.3g}'):,.0f}" if 100.0 <= value < 1e15 else f"{value:.3g}"


def _wait(verdict: Verdict, lang: str) -> str | None:
    wait = next((e for e in verdict.evidence if e.code == "needed"), None)
    if verdict.reason != "compatible_with_both" or wait is None or wait.estimate is None:
        return None
    have = sum(p.exposure for p in verdict.phases if p.name == "after")
    if wait.estimate == float("inf"):
        return t("wait_never", lang)
    if not wait.estimate > have > 0:
        return None
    after = next(p for p in verdict.phases if p.name == "after")
    start, end = dt.date.fromisoformat(after.start), dt.date.fromisoformat(after.end)
    days = ((end - start).days + 1) * wait.estimate / have
    date = (start + dt.timedelta(days=days)).isoformat() if days < _CENTURY else t("wait_long", lang)
    return t("wait", lang, needed=_amount(wait.estimate), have=_amount(have), date=date)


def _guardrails(verdict: Verdict, lang: str) -> str | None:
    if not verdict.guardrails:
        return None
    joint = ", " if lang == "en" else "，"
    text = joint.join(f"{g.name} {t(f'guardrail.{g.state}', lang)}" for g in verdict.guardrails)
    return t("guardrails", lang, text=text)


def verdict_sentence(verdict: Verdict, lang: str = "en") -> str:
    """Put the verdict into a paragraph: the decision, its numbers, how far it can be trusted."""
    from qstats.improve.verify.plan import VerificationPlan

    plan = VerificationPlan.from_dict(verdict.plan)
    parts: list[str | None] = [t(verdict.reason, lang, horizon=plan.horizon, **_direction(plan, lang))]
    primary, crude = verdict.primary, verdict.crude
    if primary is not None:
        controlled = plan.control != "none" and any(c.code == "control" and c.key in _USED for c in verdict.checks)
        parts.append(t("numbers_controlled" if controlled else "numbers", lang, **_limits(primary, lang)))
    if crude is not None and crude is not primary and crude.estimate == crude.estimate:
        parts.append(t("crude", lang, **_limits(crude, lang)))
        if primary is not None and _opposite(primary, crude):
            parts.append(t("crude_opposite", lang))
    parts += [_harm(verdict, plan, lang), _wait(verdict, lang), _guardrails(verdict, lang)]
    if verdict.strength != "none":
        parts.append(t("grade", lang, grade=verdict.grade, strength=t(f"strength.{verdict.strength}", lang)))
    if "W-POSTHOC" in verdict.warnings:
        parts.append(t("exploratory", lang))
    return (" " if lang == "en" else "").join(part for part in parts if part)
