"""What one response must show in confirmation runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qstats._core.checks import check_choice, check_number
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["Criterion", "as_criteria"]

KINDS = ("better", "not worse")
_ENTRIES = ("kind", "better", "by", "delta", "expected", "sd", "sd_df", "reference", "fit")


@dataclass(frozen=True, slots=True)
class Criterion:
    """What one response must show.

    Parameters
    ----------
    response : str
    kind : {"better", "not worse"}
        Superiority by `margin`, or non-inferiority: not worse than today by as much as `margin`.
    better : {"lower", "higher"}
    margin : float
        In the unit of the response: at least 0 for superiority, above 0 for non-inferiority.
    expected : float
        Improvement that is thought to be there, in the unit of the response; below 0 it is a change for the worse.
    sd : float
        Standard deviation of one run.
    sd_df : float or None
        Degrees of freedom behind `sd`; None where it is taken as known.
    reference : float or None
        Fixed value the runs are compared with; None for runs at today's setting beside them.
    """

    response: str
    kind: str
    better: str
    margin: float
    expected: float
    sd: float
    sd_df: float | None = None
    reference: float | None = None

    def __post_init__(self) -> None:
        at = f"responses[{self.response!r}]"
        if not isinstance(self.response, str) or not self.response.strip():
            raise DataError(f"responses: got the name {self.response!r}; text is wanted")
        check_choice(self.kind, f"{at}: kind", KINDS)
        check_choice(self.better, f"{at}: better", ("lower", "higher"))
        put = object.__setattr__
        put(self, "expected", check_number(self.expected, f"{at}: expected"))
        put(self, "sd", check_number(self.sd, f"{at}: sd", above=0.0))
        if self.kind == "better":
            put(self, "margin", check_number(self.margin, f"{at}: by", least=0.0))
        else:
            put(self, "margin", check_number(self.margin, f"{at}: delta", above=0.0))
        for name in ("sd_df", "reference"):
            if (value := getattr(self, name)) is not None:
                put(self, name, check_number(value, f"{at}: {name}"))
        if not self.gap > 0.0:
            raise DataError(
                f"{at}: expected {self.expected:g} is not beyond {self.threshold:g}, what must be shown: no number of"
                " runs is enough; take a smaller by=, a larger delta=, or a better setting"
            )

    @property
    def sign(self) -> float:
        """What turns a difference of new less old into an improvement."""
        return -1.0 if self.better == "lower" else 1.0

    @property
    def threshold(self) -> float:
        """Improvement that must be exceeded: the margin, or minus it."""
        return self.margin if self.kind == "better" else -self.margin

    @property
    def gap(self) -> float:
        """Expected improvement beyond the threshold."""
        return self.expected - self.threshold

    def rule(self, alpha: float) -> str:
        """Return the pass rule in words."""
        against = "today's runs" if self.reference is None else f"{self.reference:g}"
        word = "lower" if self.better == "lower" else "higher"
        if self.kind == "better":
            what = f"more than {self.margin:g} {word}" if self.margin else word
        else:
            what = f"not {'higher' if self.better == 'lower' else 'lower'} by {self.margin:g} or more"
        return (
            f"{self.response}: mean {what} than {against}: the one-sided {1.0 - alpha:.4g} confidence limit of the"
            f" improvement lies above {self.threshold:g}"
        )


def as_criteria(responses: Any, settings: Any, today: Any) -> tuple[Criterion, ...]:
    """Return what each response must show, from mappings.

    Parameters
    ----------
    responses : mapping of str to mapping
        ``kind`` ("better", "not worse", or "faster" and "slower" as words for lower and higher), ``better``, ``by`` or
        ``delta``, ``expected``, ``sd``, ``reference``, ``fit``.
    settings, today : mapping or None
        New and present setting, for what a fit expects.
    """
    if not isinstance(responses, Mapping) or not responses:
        raise DataError(
            f'responses: got {responses!r}; a mapping such as {{"time": {{"kind": "faster", "by": 1, "sd": 2,'
            ' "expected": 3}} is wanted'
        )
    return tuple(_criterion(name, given, settings, today) for name, given in responses.items())


def _criterion(name: Any, given: Any, settings: Any, today: Any) -> Criterion:
    at = f"responses[{name!r}]"
    if isinstance(given, Criterion):
        return given
    if not isinstance(given, Mapping):
        raise DataError(f"{at}: got {given!r}; a mapping with kind, sd and expected is wanted")
    if unknown := sorted(set(map(str, given)) - set(_ENTRIES)):
        raise DataError(f"{at}: unknown {', '.join(map(repr, unknown))}; there are {', '.join(_ENTRIES)}")
    held = dict(given)
    kind, better = _words(held, at)
    wanted, other = ("by", "delta") if kind == "better" else ("delta", "by")
    if other in held:
        raise DataError(f"{at}: {other}= belongs to the other kind; {kind!r} takes {wanted}=")
    if kind == "not worse" and "delta" not in held:
        raise DataError(f"{at}: delta= is missing; say from how much worse it would matter")
    held.setdefault("by", 0.0)
    held |= _from_fit(held, better, settings, today, at)
    for key, what in (("sd", "the standard deviation of a run"), ("expected", "the improvement thought to be there")):
        if held.get(key) is None:
            if key == "expected" and kind == "not worse":
                held[key] = 0.0
                continue
            raise DataError(f"{at}: {key}= is missing; {what} is wanted, or a fit= that tells it")
    return Criterion(
        name, kind, better, held[wanted], held["expected"], held["sd"], held.get("sd_df"), held.get("reference")
    )


def _words(held: dict[Any, Any], at: str) -> tuple[str, str]:
    kind, better = held.get("kind"), held.get("better")
    short = {"faster": "lower", "lower": "lower", "higher": "higher"}
    if isinstance(kind, str) and kind in short:
        if better not in (None, short[kind]):
            raise DataError(f"{at}: kind {kind!r} says {short[kind]} is better, better= says {better!r}")
        return "better", short[kind]
    check_choice(kind, f"{at}: kind", (*KINDS, *short))
    if better is None:
        raise DataError(f"{at}: better= is missing; say whether 'lower' or 'higher' is better")
    return str(kind), str(better)


def _from_fit(held: dict[Any, Any], better: str, settings: Any, today: Any, at: str) -> dict[str, Any]:
    """Standard deviation and expected improvement from a model, where they were not said."""
    fit = held.get("fit")
    if fit is None:
        return {}
    if not isinstance(fit, DesignFit):
        raise DataError(f"{at}: fit: got a {type(fit).__name__}; what fit returns is wanted")
    if fit.distribution != "normal":
        raise DataError(
            f"{at}: fit: a {fit.distribution} model has no one standard deviation in the unit measured; pass sd= and"
            " expected= (of logarithms where results are compared as such)"
        )
    out: dict[str, Any] = {}
    if held.get("sd") is None:
        if not fit.fitted.df > 0.0 or not fit.sigma > 0.0:
            raise DataError(f"{at}: fit: no degree of freedom tells the standard deviation of a run; pass sd=")
        out = {"sd": fit.sigma, "sd_df": fit.fitted.df}
    if held.get("expected") is None:
        if settings is None or (today is None and held.get("reference") is None):
            raise DataError(
                f"{at}: expected= is missing; pass it, or settings= and today= for the model to predict the improvement"
            )
        new = float(fit.predict(settings).mean[0])
        old = held["reference"] if held.get("reference") is not None else float(fit.predict(today).mean[0])
        out["expected"] = (old - new) if better == "lower" else (new - old)
    return out
