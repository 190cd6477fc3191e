"""The test a cause carries, and what it says about the cause: confirmed, rejected, or still open."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats.errors import DataError
from qstats.inference.comparison import ALTERNATIVES, Comparison
from qstats.inference.groups.result import GroupComparison

__all__ = ["CONFIRMS", "STATUSES", "CauseTest", "load_test", "read_test"]

CONFIRMS = ("less", "greater", "either")
STATUSES = ("open", "confirmed", "rejected")
_SAME = 1e-12


@dataclass(frozen=True, slots=True)
class CauseTest:
    """The numbers of one comparison, and what it was asked to show about a cause.

    Parameters
    ----------
    effect : str
        Name of the measure: ``"rate_ratio"``, ``"difference"`` ...
    estimate, low, high : float or None
        None where the test has no single effect (several groups at once).
    confidence : float or None
        Of the interval.
    pvalue : float
        Of the comparison as it was made.
    alternative : {"two-sided", "less", "greater"}
    null : float or None
    confirms : {"less", "greater", "either"}
        Direction of the effect that speaks for the cause.
    alpha : float
        Level at which the p-value, adjusted for all tests of the tree, confirms.
    relevant : float, (float, float) or None
        Smallest effect worth acting on; for ``"either"`` the two ends of what is too small to matter.
    method, reference : str
    """

    effect: str
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float | None
    pvalue: float
    alternative: str
    null: float | None
    confirms: str
    alpha: float
    relevant: float | tuple[float, float] | None
    method: str
    reference: str

    def __post_init__(self) -> None:
        check_choice(self.alternative, "alternative", ALTERNATIVES)
        check_choice(self.confirms, "confirms", CONFIRMS)
        check_number(self.alpha, "alpha", above=0.0, below=1.0)
        if not 0.0 <= self.pvalue <= 1.0:
            raise DataError(f"result: its p-value is {self.pvalue}; a number from 0 to 1 is wanted")
        self._check_direction()
        self._check_interval()

    def _check_direction(self) -> None:
        if self.confirms == "either" and self.alternative != "two-sided":
            raise DataError(
                f"confirms: 'either' takes a two-sided test, and this one is alternative={self.alternative!r}; "
                "make it two-sided or say the direction"
            )
        if self.confirms != "either" and self.estimate is None and self.low is None:
            raise DataError("confirms: a test of several groups has no direction; 'either' is wanted")
        if self.confirms != "either" and self.alternative not in ("two-sided", self.confirms):
            raise DataError(
                f"confirms: the test asked for {self.alternative!r} and cannot confirm {self.confirms!r}; "
                "make the comparison with alternative='two-sided'"
            )

    def _check_interval(self) -> None:
        if self.low is None or self.high is None or self.confidence is None:
            if self.relevant is not None:
                raise DataError("relevant: this test has no interval to hold it against; leave it out")
            return
        if check_confidence(self.confidence) < 1.0 - self.alpha - _SAME:
            raise DataError(
                f"result: its interval has confidence {self.confidence:g}; alpha={self.alpha:g} wants "
                f"{1.0 - self.alpha:g} or more"
            )
        if self.relevant is None or self.null is None:
            return
        sides: tuple[tuple[str, float], ...]
        if self.confirms == "either":
            if not isinstance(self.relevant, tuple) or not self.relevant[0] < self.null < self.relevant[1]:
                raise DataError(f"relevant: got {self.relevant!r}; (low, high) around {self.null:g} is wanted")
            sides = (("low", self.low), ("high", self.high))
        else:
            self._check_one_sided()
            sides = (("high", self.high),) if self.confirms == "greater" else (("low", self.low),)
        for name, limit in sides:
            if math.isinf(limit) and self.alternative != "two-sided":
                raise DataError(
                    f"relevant: the one-sided interval has no {name} limit, so it can rule nothing out; make the "
                    "comparison with alternative='two-sided'"
                )

    def _check_one_sided(self) -> None:
        null = 0.0 if self.null is None else self.null
        up = self.confirms == "greater"
        if isinstance(self.relevant, tuple) or self.relevant is None or (self.relevant > null) != up:
            side = "above" if up else "below"
            raise DataError(f"relevant: got {self.relevant!r}; one number {side} {null:g} is wanted")

    @property
    def directed_pvalue(self) -> float:
        """The p-value for the direction asked: that of the test, or 1 where the effect points the other way."""
        if self.confirms == "either" or self.alternative != "two-sided":
            return self.pvalue
        if self.estimate is None or self.null is None:
            return 1.0
        right = self.estimate > self.null if self.confirms == "greater" else self.estimate < self.null
        return self.pvalue if right else 1.0

    @property
    def ruled_out(self) -> bool:
        """Whether the interval excludes an effect worth acting on (without `relevant`: any effect that way)."""
        if self.low is None or self.high is None:
            return False
        if self.confirms == "either":
            return isinstance(self.relevant, tuple) and self.relevant[0] < self.low and self.high < self.relevant[1]
        bound = self.null if self.relevant is None else self.relevant
        if bound is None or isinstance(bound, tuple):
            return False
        return self.high < bound if self.confirms == "greater" else self.low > bound

    def status(self, adjusted: float) -> str:
        """Return what the test says, given its p-value adjusted for all tests of the tree."""
        if self.ruled_out:
            return "rejected"
        return "confirmed" if adjusted <= self.alpha else "open"


def _finite_or_none(x: float) -> float | None:
    return None if math.isnan(x) else float(x)


def _relevant(value: Any) -> float | tuple[float, float] | None:
    if value is None:
        return None
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise DataError(f"relevant: got {value!r}; one number or (low, high) is wanted")
        return check_number(value[0], "relevant"), check_number(value[1], "relevant")
    return check_number(value, "relevant")


def read_test(result: object, confirms: str, alpha: float, relevant: object) -> CauseTest:
    """Take the numbers of a comparison, or of a test that several groups are alike."""
    alpha = check_number(alpha, "alpha", above=0.0, below=1.0)
    small = _relevant(relevant)
    if isinstance(result, Comparison):
        r, i = result, result.interval
        return CauseTest(
            r.effect, _finite_or_none(r.estimate), float(i.low), float(i.high), i.confidence, float(r.pvalue),
            r.alternative, float(r.null), confirms, alpha, small, r.method, r.reference,
        )  # fmt: skip
    if isinstance(result, GroupComparison):
        return CauseTest(
            f"groups alike: {result.name}", None, None, None, None, float(result.pvalue), "two-sided", None,
            confirms, alpha, small, result.method, result.reference,
        )  # fmt: skip
    if isinstance(getattr(result, "primary", None), Comparison):
        raise DataError("result: got a verdict; attach its primary comparison (verdict.primary)")
    raise DataError(
        f"result: got a {type(result).__name__}; the answer of compare_rates, compare_proportions or another compare_* "
        "function for one comparison is wanted"
    )


def _number(entry: object, name: str) -> float | None:
    if entry is None:
        return None
    if entry in ("Infinity", "-Infinity"):
        return math.inf if entry == "Infinity" else -math.inf
    return check_number(entry, f"test, {name}")


def load_test(entries: object, where: str) -> CauseTest:
    """Read a test back from its JSON form."""
    names = [f.name for f in fields(CauseTest)]
    if not isinstance(entries, Mapping) or set(entries) != set(names):
        raise DataError(f"{where}: its test must be an object with {', '.join(names)}")
    made: dict[str, Any] = dict(entries)
    for name in ("estimate", "low", "high", "confidence", "pvalue", "null"):
        made[name] = _number(made[name], name)
    made["alpha"] = check_number(made["alpha"], "test, alpha", above=0.0, below=1.0)
    if made["pvalue"] is None:
        raise DataError(f"{where}: its test has no p-value")
    for name in ("effect", "method", "reference"):
        if not isinstance(made[name], str):
            raise DataError(f"{where}: {name} of its test is {made[name]!r}; text is wanted")
    made["relevant"] = _relevant(made["relevant"])
    return CauseTest(**made)
