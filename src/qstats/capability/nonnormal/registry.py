"""The families by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qstats.capability.nonnormal.boxcox import BoxCox
from qstats.capability.nonnormal.empirical import Empirical
from qstats.capability.nonnormal.family import Family, Normal
from qstats.capability.nonnormal.gamma import Gamma
from qstats.capability.nonnormal.johnson import Johnson
from qstats.capability.nonnormal.lognormal import Lognormal, Lognormal3
from qstats.capability.nonnormal.weibull import Weibull, Weibull3

__all__ = ["COARSE", "DEFAULTS", "FAMILIES", "Settings", "family_named"]

COARSE = 5  # resamples of Johnson try each how many-th z


class Settings(NamedTuple):
    """What a caller may say about the fits."""

    alpha: float = 0.05
    lam: float | None = None
    round_lambda: bool = False
    quantile_type: int = 6
    confidence: float = 0.95


DEFAULTS = Settings()

_MADE: dict[str, Callable[[Settings], Family]] = {
    "normal": lambda _: Normal(),
    "boxcox": lambda s: BoxCox(s.lam, s.round_lambda),
    "lognormal": lambda _: Lognormal(),
    "weibull": lambda _: Weibull(),
    "gamma": lambda _: Gamma(),
    "lognormal3": lambda _: Lognormal3(),
    "weibull3": lambda _: Weibull3(),
    "johnson": lambda _: Johnson(),
    "empirical": lambda s: Empirical(s.quantile_type),
}
FAMILIES = tuple(_MADE)


def family_named(name: str, settings: Settings = DEFAULTS) -> Family:
    """Return the family of this name."""
    return _MADE[name](settings)
