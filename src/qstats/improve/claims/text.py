"""Read a claim as people write it: "15 days -> 3 days", "破损率从 3 % 降至 0.5 %"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from qstats._core.checks import check_choice
from qstats.errors import DataError

__all__ = ["KINDS", "Claim", "read_claim"]

KINDS = ("proportion", "time", "count", "rate", "nps", "mean")

# unit as written -> (kind, unit in the answer, factor to the unit of the calculation)
_UNITS: dict[str, tuple[str, str, float]] = {
    "%": ("proportion", "%", 0.01),
    "‰": ("proportion", "‰", 0.001),
    "ppm": ("proportion", "ppm", 1e-6),
    **dict.fromkeys(("s", "sec", "second", "seconds", "秒"), ("time", "seconds", 1.0)),
    **dict.fromkeys(("min", "minute", "minutes", "分钟"), ("time", "minutes", 60.0)),
    **dict.fromkeys(("h", "hour", "hours", "小时"), ("time", "hours", 3600.0)),
    **dict.fromkeys(("d", "day", "days", "天", "日"), ("time", "days", 86400.0)),
    **dict.fromkeys(("week", "weeks", "周"), ("time", "weeks", 604800.0)),
    **dict.fromkeys(("month", "months", "个月"), ("time", "months", 2629746.0)),
    **dict.fromkeys(("point", "points", "star", "stars", "分", "星"), ("mean", "points", 1.0)),
    **dict.fromkeys(("complaint", "complaints", "case", "cases", "件", "起", "次", "例"), ("count", "events", 1.0)),
}
_NUMBER = r"[+-]?\d+(?:,\d{3})+(?:\.\d+)?|[+-]?\d+(?:\.\d+)?"
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_ARROW = (
    r"(?:->|=>|→|⇒|—>|–>|降低到|下降到|减少到|缩短到|提高到|上升到|增加到|降低至|下降至|减少至|缩短至|提高至|上升至|增加至|降至|升至|"
    r"降到|升到|变为|改为|到|至|\bto\b)"
)
_QUANTITY = rf"(?<![\d.,e])({_NUMBER})(?![.,]?\d)\s*({_UNIT})?(?![a-z\d])"  # no piece of a longer number
_CLAIM = re.compile(rf"{_QUANTITY}\s*{_ARROW}\s*{_QUANTITY}", re.IGNORECASE)
_MORE = re.compile(rf"\s*{_ARROW}\s*{_QUANTITY}", re.IGNORECASE)
_COMMA = re.compile(r"\d,\d{1,2}(?!\d)")
_CHANGE = re.compile(rf"({_NUMBER})\s*(?:%|‰)")
_COUNT = re.compile(r"complaint|defect|incident|claims?\b|投诉|客诉|缺陷|事故|不良", re.IGNORECASE)
_RATE = re.compile(r"\brate\b|\bper\b|率|每", re.IGNORECASE)
_NPS = re.compile(r"\bnps\b|净推荐", re.IGNORECASE)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim in numbers.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    before, after : float
        Shares from 0 to 1, times in the unit given, anything else as written.
    unit : str
        As it is shown.
    text : str
        What was written.
    """

    kind: str
    before: float
    after: float
    unit: str
    text: str


def read_claim(text: str, kind: str | None = None) -> Claim:
    """Return the two values of a claim, or say what is missing in it."""
    if kind is not None:
        check_choice(kind, "kind", KINDS)
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"claim: got {text!r}; a text like '15 days -> 3 days' is wanted")
    if len(text) > _LONGEST:
        raise DataError(f"claim: a text of {len(text)} characters; one claim, such as '3 % -> 0.5 %', is wanted")
    plain = unicodedata.normalize("NFKC", text)
    if _COMMA.search(plain):
        raise DataError(f"claim: {text!r} holds a decimal comma; write 1.5, and 1,500 for thousands")
    if (first_claim := _CLAIM.search(plain)) and _MORE.match(plain, first_claim.end()):
        raise DataError(f"claim: {text!r} goes on after the second value; check one 'before -> after' at a time")
    found = _CLAIM.findall(plain)
    if not found:
        if _CHANGE.search(plain):
            raise DataError(
                f"claim: {text!r} holds a change but not the value before and the value after; a change alone proves "
                "nothing: write 'before -> after'"
            )
        raise DataError(f"claim: no 'before -> after' in {text!r}; write for instance '15 days -> 3 days'")
    if len(found) > 1:
        raise DataError(f"claim: {len(found)} claims in {text!r}; check one at a time")
    first, unit0, second, unit1 = found[0]
    before, after = (float(v.replace(",", "")) for v in (first, second))
    return _claim(text, plain, kind, (before, unit0.lower()), (after, unit1.lower()))


def _claim(text: str, plain: str, kind: str | None, old: tuple[float, str], new: tuple[float, str]) -> Claim:
    units = [u for u in (old[1], new[1]) if u]
    if not units:
        if kind is None and _NPS.search(plain):
            kind = "nps"
        elif kind is None and _COUNT.search(plain) and not _RATE.search(plain):
            kind = "count"
        if kind is None:
            raise DataError(f"kind: {text!r} names no unit; pass kind= one of {', '.join(map(repr, KINDS))}")
        return Claim(kind, old[0], new[0], {"nps": "points", "count": "events"}.get(kind, ""), text)
    meant = [_UNITS[u or units[0]] for u in (old[1], new[1])]
    if meant[0][0] != meant[1][0]:
        raise DataError(f"claim: {text!r} compares a {meant[0][0]} with a {meant[1][0]}; both sides need one unit")
    if kind == "nps" and meant[0][1] in ("%", "points"):
        return Claim("nps", old[0], new[0], "points", text)
    if kind is not None and kind != meant[0][0]:
        raise DataError(f"kind: got {kind!r}, but {text!r} speaks of a {meant[0][0]}; leave kind out")
    shown, scale = meant[0][1], meant[0][2]
    if shown in ("%", "points") and _NPS.search(plain):  # NPS is often written in per cent, which it is not
        return Claim("nps", old[0], new[0], "points", text)
    if meant[0][0] == "time":  # shown in the unit of the value before
        return Claim("time", old[0], new[0] * meant[1][2] / scale, shown, text)
    return Claim(meant[0][0], old[0] * scale, new[0] * meant[1][2], shown, text)
