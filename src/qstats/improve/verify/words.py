"""Sentences of a verdict and of its checks, in English and Chinese, from one table of phrases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qstats._core.checks import check_choice
from qstats.improve.verify.phrases import CHECK_TITLES, FINDINGS, WORDS
from qstats.improve.verify.phrases_evidence import EVIDENCE, NOT_CHECKED

if TYPE_CHECKING:
    from qstats.improve.verify.verdict import Check, Verdict

__all__ = ["check_text", "evidence_words", "finding", "not_checked_text", "t", "verdict_sentence"]

LANGUAGES = ("en", "zh")


def _pick(pair: tuple[Any, Any], lang: str) -> Any:
    check_choice(lang, "lang", LANGUAGES)
    return pair[LANGUAGES.index(lang)]


def t(key: str, lang: str = "en", **values: object) -> str:
    """Return one entry of the word table with its gaps filled."""
    text: str = _pick(WORDS[key], lang)
    return text.format(**values)


def finding(code: str, key: str, lang: str = "en", **values: object) -> tuple[str, str, str]:
    """Return value, threshold and consequence of a check's finding."""
    value, threshold, consequence = _pick(FINDINGS[code, key], lang)
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
    """Return title and sentence of an item of evidence."""
    title, text = _pick(EVIDENCE[code], lang)
    return title, text


def not_checked_text(code: str, lang: str = "en") -> str:
    """Return what was not looked at, as a phrase."""
    text: str = _pick(NOT_CHECKED[code], lang)
    return text


def _p_text(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"= {p:.2g}"


def _limits(comparison: Any) -> dict[str, Any]:
    return {
        "estimate": f"{comparison.estimate:.3g}",
        "low": f"{comparison.interval.low:.3g}",
        "high": f"{comparison.interval.high:.3g}",
        "confidence": comparison.interval.confidence,
        "p": _p_text(comparison.pvalue),
    }


def verdict_sentence(verdict: Verdict, lang: str = "en") -> str:
    """Put the verdict into a paragraph: the decision, its numbers, how far it can be trusted."""
    plan = verdict.plan
    parts = [t(verdict.reason, lang, target=plan["target_rr"], horizon=plan["horizon"])]
    primary, crude = verdict.primary, verdict.crude
    if primary is not None:
        controlled = primary.effect == "rate_ratio_ratio"
        parts.append(t("numbers_controlled" if controlled else "numbers", lang, **_limits(primary)))
    if crude is not None and crude is not primary and crude.estimate == crude.estimate:
        parts.append(t("crude", lang, **_limits(crude)))
    if primary is not None and verdict.reason in ("effect_excluded", "compatible_with_both"):
        excluded = primary.interval.high < plan["harm_rr"]
        parts.append(t("harm_excluded" if excluded else "harm_open", lang, harm=plan["harm_rr"]))
    wait = next((e for e in verdict.evidence if e.code == "needed"), None)
    if verdict.reason == "compatible_with_both" and wait is not None and wait.estimate is not None:
        have = sum(p.exposure for p in verdict.phases if p.name == "after")
        if wait.estimate == float("inf"):
            parts.append(t("wait_never", lang))
        elif wait.estimate > have:
            parts.append(t("wait", lang, needed=f"{wait.estimate:.3g}", have=f"{have:.3g}"))
    if verdict.strength != "none":
        parts.append(t("grade", lang, grade=verdict.grade, strength=t(f"strength.{verdict.strength}", lang)))
    if "W-POSTHOC" in verdict.warnings:
        parts.append(t("exploratory", lang))
    return (" " if lang == "en" else "").join(parts)
