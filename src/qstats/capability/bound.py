"""The lower confidence bound of an index, and whether it reaches what is required."""

from __future__ import annotations

from qstats._core.checks import check_choice, check_confidence, check_number
from qstats.capability.intervals import bissell, distance_limits
from qstats.capability.result import Capability, CapabilityBound
from qstats.capability.size import BISSELL, EXACT, values_needed
from qstats.errors import DataError

__all__ = ["bound_of"]

_POWER = 0.8


def bound_of(study: Capability, required: object, index: str, confidence: object) -> CapabilityBound:
    """Return the bound; see `Capability.lower_bound`."""
    check_choice(index, "index", ("cpk", "ppk"))
    level = check_confidence(confidence)
    wanted = None if required is None else check_number(required, "required", above=0.0)
    within = index == "cpk"
    estimate = study.within.cpk if within else study.overall.ppk
    df, factor = (study.df_within, study.factor_within) if within else (study.n - 1.0, 1.0)
    if df != df:
        raise DataError(f"index: sigma {study.sigma!r} has no known degrees of freedom; ask for index='ppk'")
    value, error = estimate.estimate, 1.0 - level
    if study.spec.sides == "both" or study.convention != "qstats":
        lower, method = float(bissell(value, study.n, df, error, 0.0)[0]), BISSELL
    else:
        lower = float(distance_limits(3.0 * value / factor, study.n, df, error, 0.0)[0]) / 3.0
        method = EXACT
    needed = None
    if wanted is not None:
        sides = "both" if study.spec.sides == "both" else "one"
        needed = values_needed(wanted, value, level, _POWER, sides)
    return CapabilityBound(
        index, value, lower, level, wanted, None if wanted is None else lower >= wanted, study.n, needed, method,
        estimate.reference,
    )  # fmt: skip
