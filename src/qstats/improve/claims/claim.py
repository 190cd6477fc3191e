"""Is a claim such as "15 days -> 3 days" evidence, and what would make it so?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats.errors import DataError
from qstats.improve.claims.needs import Need, needs_of
from qstats.improve.claims.phrases import PHRASES
from qstats.improve.claims.text import KINDS, Claim, read_claim
from qstats.improve.verify.words import LANGUAGES
from qstats.inference.comparison import Comparison
from qstats.inference.means.means import compare_mean_summaries
from qstats.inference.pivot import safe_exp
from qstats.inference.power.study_size import whole_size
from qstats.inference.proportions import compare_proportions
from qstats.inference.rates import compare_rates
from qstats.voice.nps.compare import compare_nps_counts

__all__ = ["ClaimCheck", "claim_check"]

_SIZES = {kind: ("exposure", "exposure0") if kind in ("count", "rate") else ("n", "n0") for kind in KINDS}
_SPREAD = {"time": "needed", "mean": "needed", "nps": "helps"}
_ALWAYS = ("period", "who")


@dataclass(frozen=True, slots=True, eq=False)
class ClaimCheck(Result):
    """What a claim of a change is worth.

    Parameters
    ----------
    claim : str
        As written.
    kind : {"proportion", "time", "count", "rate", "nps", "mean"}
    before, after : float
        Shares from 0 to 1, everything else as written.
    unit : str
    state : {"evidence", "not_evidence", "cannot_say"}
        ``"cannot_say"`` whenever a size, an exposure or the spread that the comparison needs was not told.
    comparison : Comparison or None
    needed : tuple of Need
        Sizes or exposures per side at which the claim would be evidence.
    missing : tuple of str
        What was not told: ``"n"``, ``"n0"``, ``"exposure"``, ``"exposure0"``, ``"spread"``, and always ``"period"`` and
        ``"who"``, which no number can tell.
    confidence, power : float
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.claim-check/1"
    title: ClassVar[str] = "Claim check"

    claim: str
    kind: str
    before: float
    after: float
    unit: str
    state: str
    comparison: Comparison | None
    needed: tuple[Need, ...]
    missing: tuple[str, ...]
    confidence: float
    power: float
    notes: tuple[Note, ...] = ()

    def in_words(self, lang: str = "en") -> str:
        """Return the answer as a paragraph, in English (``"en"``) or Chinese (``"zh"``)."""
        check_choice(lang, "lang", LANGUAGES)
        parts = [_say(f"state.{self.state}", lang, claim=self.claim, **_numbers(self.comparison, lang))]
        told = [m for m in self.missing if m not in _ALWAYS]
        if told:
            parts.append(_say("missing", lang, items=_listed(told, lang)))
        if self.kind == "count" and told:
            parts.append(_volume(self.before, self.after, lang))
        if self.state != "evidence":
            parts += [_need(need, self.power, lang) for need in self.needed]
        parts.append(_say("ask", lang, items=_listed(_ALWAYS, lang)))
        parts.append(_say("caution", lang))
        return (" " if lang == "en" else "").join(parts)

    def _rows(self) -> list[tuple[str, str]]:
        seen = [] if self.comparison is None else self.comparison._rows()
        return [
            ("claim", f"{self.claim} ({self.kind})"),
            ("state", self.state.replace("_", " ")),
            *seen,
            *((f"needed: {need.assumption}", _need(need, self.power, "en")) for need in self.needed),
            ("not told", _listed(self.missing, "en")),
        ]

    def _columns(self) -> Mapping[str, object]:
        return {
            "assumption": [need.assumption for need in self.needed],
            "value": [need.value for need in self.needed],
            "shown": [need.shown for need in self.needed],
            "with_power": [need.with_power for need in self.needed],
        }


def _say(key: str, lang: str, **values: object) -> str:
    return PHRASES[key][LANGUAGES.index(lang)].format(**values)


def _listed(items: Any, lang: str) -> str:
    return _say("join", lang).join(_say(f"item.{item}", lang) for item in items)


def _numbers(c: Comparison | None, lang: str) -> dict[str, object]:
    if c is None:
        return {}
    return {
        "effect": _say(f"effect.{c.effect}", lang),
        "estimate": f"{c.estimate:.3g}",
        "low": f"{c.interval.low:.3g}",
        "high": f"{c.interval.high:.3g}",
        "confidence": c.interval.confidence,
        "p": "< 0.0001" if c.pvalue < 1e-4 else f"= {c.pvalue:.2g}",
    }


def _size_text(size: float | None) -> str:
    if size is None:
        return ""
    return f"{size:,.0f}" if size == math.floor(size) else f"{size:.3g}"


def _need(need: Need, power: float, lang: str) -> str:
    return _say(
        f"need.{need.assumption}", lang, value=need.value, shown=_size_text(need.shown),
        power_size=_size_text(need.with_power), power=power,
    )  # fmt: skip


def _volume(before: float, after: float, lang: str) -> str:
    if min(before, after) == 0.0:
        return _say("volume_none", lang)
    return _say("volume_fell" if after < before else "volume_rose", lang, ratio=f"{after / before:.0%}")


def _read(claim: object, kind: str | None, before: object, after: object) -> Claim:
    if claim is not None:
        if before is not None or after is not None:
            raise DataError("before, after: given beside a claim in words; give one or the other")
        found = read_claim(claim, kind)  # type: ignore[arg-type]
    else:
        if kind is None or before is None or after is None:
            raise DataError("claim: give a text like '15 days -> 3 days', or kind=, before= and after=")
        check_choice(kind, "kind", KINDS)
        old, new = check_number(before, "before"), check_number(after, "after")
        found = Claim(kind, old, new, "", f"{old:g} -> {new:g}")
    _possible(found)
    return found


_RANGES = {
    "proportion": (0.0, 1.0, "a share from 0 to 1 (0 to 100 %)"),
    "nps": (-100.0, 100.0, "an NPS from -100 to 100 points"),
    "time": (0.0, 1e100, "a time above zero"),
    "count": (0.0, 1e9, "a count from 0 to 1e9"),
    "rate": (0.0, 1e100, "a rate of zero or more"),
    "mean": (-1e100, 1e100, "a mean between -1e100 and 1e100"),
}


def _possible(claim: Claim) -> None:
    low, high, wanted = _RANGES[claim.kind]
    for name, value in (("before", claim.before), ("after", claim.after)):
        if not low <= value <= high or (claim.kind == "time" and value == 0.0):
            raise DataError(f"{name}: got {value:g} in {claim.text!r}; {wanted} is wanted")
        if claim.kind == "count" and value != math.floor(value):
            raise DataError(f"{name}: got {value:g}; counts are whole numbers: for events per unit pass kind='rate'")
    if claim.before == claim.after:
        raise DataError(f"claim: {claim.text!r} claims no change; there is nothing to check")


def _told(kind: str, given: dict[str, Any], spread: Any) -> tuple[dict[str, float], float | None, tuple[str, ...]]:
    """Return the sizes told, the spread told, and what is missing; refuse what does not belong to the kind."""
    wanted = _SIZES[kind]
    for name, value in given.items():
        if value is not None and name not in wanted:
            raise DataError(f"{name}: given for a {kind}, which is judged by {' and '.join(wanted)}")
    if spread is not None and kind not in _SPREAD:
        raise DataError(f"spread: given for a {kind}, whose scatter follows from its size; leave it out")
    least = 1.0 if kind == "proportion" else 2.0
    sizes = {
        name: whole_size(given[name], name, least)
        if name.startswith("n")
        else check_number(given[name], name, above=0.0)
        for name in wanted
        if given[name] is not None
    }
    scatter = (
        None if spread is None else check_number(spread, "spread", above=0.0, below=1e6 if kind == "time" else 1e100)
    )
    if kind == "nps" and scatter is not None and scatter > 100.0:
        raise DataError(
            f"spread: got {scatter:g}; answers scored -100, 0, 100 have a standard deviation of at most 100"
        )
    missing = tuple(name for name in wanted if name not in sizes)
    if scatter is None and _SPREAD.get(kind) == "needed":
        missing += ("spread",)
    return sizes, scatter, missing


def _rounded(x: float, n: float, x0: float, n0: float) -> Note:
    values = {"x": f"{x:g}", "n": f"{n:g}", "x0": f"{x0:g}", "n0": f"{n0:g}"}
    return Note("counts-taken", "info", _say("note.rounded", "en", **values))


_SAME_SPREAD = Note("same-spread", "info", _say("note.same-spread", "en"))
_UNKNOWN_SHARES = Note("nps-shares-unknown", "info", _say("note.nps-shares-unknown", "en"))
Found = tuple[Comparison | None, tuple[Note, ...], tuple[str, ...]]  # comparison, notes, what is missing after all


def _of_counts(claim: Claim, sizes: dict[str, float], confidence: float) -> Found:
    if claim.kind == "proportion":
        n, n0 = sizes["n"], sizes["n0"]
        x, x0 = float(round(claim.after * n)), float(round(claim.before * n0))
        return compare_proportions(x, n, x0, n0, confidence=confidence), (_rounded(x, n, x0, n0),), ()
    t, t0 = sizes["exposure"], sizes["exposure0"]
    scale, scale0 = (1.0, 1.0) if claim.kind == "count" else (t, t0)
    y, y0 = float(round(claim.after * scale)), float(round(claim.before * scale0))
    notes = () if claim.kind == "count" else (_rounded(y, t, y0, t0),)
    found = compare_rates(y, t, y0, t0, confidence=confidence)
    return found, (*notes, *found.notes), ()


def _of_values(claim: Claim, sizes: dict[str, float], spread: float, confidence: float) -> Found:
    log = claim.kind == "time"
    before, after = (math.log(v) if log else v for v in (claim.before, claim.after))
    sd = math.sqrt(math.log1p(spread**2)) if log else spread
    found = compare_mean_summaries(after, sd, sizes["n"], before, sd, sizes["n0"], confidence=confidence)
    assert isinstance(found, Comparison)  # numbers went in
    if log:
        limits = Interval(safe_exp(found.interval.low), safe_exp(found.interval.high), confidence)
        found = replace(
            found, effect="geometric_mean_ratio", estimate=safe_exp(found.estimate), interval=limits, null=1.0,
            method="Welch t on logarithms, times taken as lognormal", values=(claim.after, claim.before),
        )  # fmt: skip
    return found, (_SAME_SPREAD, *found.notes), ()


def _nps_counts(nps: float, n: float, variance: float) -> tuple[float, float, float]:
    """Return detractors, passives, promoters of n answers with this NPS and nearly this variance."""
    e = nps / 100.0
    scored = min(1.0, max(abs(e), variance + e * e))
    promoters = float(round(n * (scored + e) / 2.0))
    detractors = min(float(round(n * (scored - e) / 2.0)), n - promoters)
    return detractors, n - promoters - detractors, promoters


def _of_nps(claim: Claim, sizes: dict[str, float], spread: float | None, confidence: float) -> Found:
    def at(variance: float) -> Comparison:
        after = _nps_counts(claim.after, sizes["n"], variance)
        before = _nps_counts(claim.before, sizes["n0"], variance)
        found = compare_nps_counts(*after, *before, confidence=confidence)
        assert isinstance(found, Comparison)  # numbers went in
        return found

    if spread is not None:
        return at((spread / 100.0) ** 2), (_SAME_SPREAD,), ()
    most, least = at(1.0), at(0.0)
    if (most.pvalue < 1.0 - confidence) == (least.pvalue < 1.0 - confidence):
        return most, (_UNKNOWN_SHARES,), ()
    return None, (_UNKNOWN_SHARES,), ("spread",)


def claim_check(
    claim: str | None = None,
    *,
    kind: str | None = None,
    before: float | None = None,
    after: float | None = None,
    n: float | None = None,
    n0: float | None = None,
    exposure: float | None = None,
    exposure0: float | None = None,
    spread: float | None = None,
    confidence: float = 0.95,
    power: float = 0.8,
) -> ClaimCheck:
    r"""Tell whether a claim such as "15 days -> 3 days" is evidence of a change, and which sizes would make it so.

    Use it on slides, supplier reports and annual reviews before believing them. Not in place of the data: with the rows
    or the log use the comparison itself, or `verify_improvement`.

    Parameters
    ----------
    claim : str, optional
        "before -> after" with its unit, in English or Chinese ("破损率从 3 % 降至 0.5 %").
    kind : {"proportion", "time", "count", "rate", "nps", "mean"}, optional
        Needed where the text names no unit, and in place of a text.
    before, after : float, optional
        In place of a text: shares from 0 to 1, NPS in points.
    n, n0 : int, optional
        Cases after and before (proportion, time, mean, nps).
    exposure, exposure0 : float, optional
        Volume or length of time after and before (count, rate).
    spread : float, optional
        Of one case: coefficient of variation for a time, standard deviation for a mean, standard deviation in points
        for NPS (answers scored -100, 0, 100).
    confidence : float
        Of the two-sided interval that must leave out no change.
    power : float
        For the sizes needed.

    Returns
    -------
    ClaimCheck
        Without sizes its state is ``"cannot_say"``, and `needed` is the table to ask for. `in_words` puts it into a
        paragraph.

    Raises
    ------
    DataError
        A text without both values, a change only ("+30 %"), impossible values, an argument of another kind.

    Notes
    -----
    Proportions by Miettinen & Nurminen's score, counts and rates by the conditional mid-p test, times by Welch's t on
    logarithms (a lognormal with the coefficient of variation told), means by Welch's t, NPS by MOVER on score
    intervals; sizes as in the sample-size function of each.

    References
    ----------
    The comparisons': see `compare_proportions`, `compare_rates`, `compare_times`, `compare_means`, `compare_nps`.

    Examples
    --------
    >>> from qstats import claim_check
    >>> r = claim_check("3 % -> 0.5 %")
    >>> r.state, r.needed[0].shown, r.needed[0].with_power
    ('cannot_say', 212.0, 396.0)
    >>> claim_check("3 % -> 0.5 %", n=100, n0=100).state
    'not_evidence'
    """
    confidence = check_confidence(confidence)
    power = check_number(power, "power", above=1.0 - confidence, below=1.0)
    read = _read(claim, kind, before, after)
    given = {"n": n, "n0": n0, "exposure": exposure, "exposure0": exposure0}
    sizes, scatter, missing = _told(read.kind, given, spread)
    comparison: Comparison | None = None
    notes: tuple[Note, ...] = ()
    if not missing:
        if read.kind in ("proportion", "count", "rate"):
            comparison, notes, missing = _of_counts(read, sizes, confidence)
        elif read.kind == "nps":
            comparison, notes, missing = _of_nps(read, sizes, scatter, confidence)
        else:
            assert scatter is not None  # or it would be missing
            comparison, notes, missing = _of_values(read, sizes, scatter, confidence)
    if comparison is None:
        state = "cannot_say"
    else:
        state = "evidence" if comparison.pvalue < 1.0 - confidence else "not_evidence"
    return ClaimCheck(
        read.text, read.kind, read.before, read.after, read.unit, state, comparison,
        needs_of(read, scatter, confidence, power), (*missing, *_ALWAYS), confidence, power, notes,
    )  # fmt: skip
