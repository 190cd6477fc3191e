"""The share lost by a horizon off a Kaplan-Meier curve, as a function of the normal deviate, and differences of two."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from qstats._core.quantiles import normal_sf
from qstats.errors import DataError
from qstats.inference.roots import bisect
from qstats.inference.times.survival import SurvivalCurve

__all__ = ["Lost", "LostGap", "lost_by"]

_FAR = 38.0  # a normal tail beyond it is zero in float64


class Lost(NamedTuple):
    """Share lost by a horizon, and what its limits need."""

    share: float
    root: float  # square root of Greenwood's sum: standard error of the logarithm of the share kept
    few: float  # customers followed to the horizon where none is lost; customers lost where none is left
    transform: str

    def limit(self, z: float) -> float:
        """Return the share that lies `z` normal deviates above the estimate on the scale of the transform.

        Where no one or everyone is lost there is no standard error: the exact binomial limit of those followed.
        """
        if z == 0.0:
            return self.share
        if self.share == 0.0:
            return 0.0 if z < 0.0 else -math.expm1(math.log(max(float(normal_sf(z)), 1e-320)) / self.few)
        if self.share == 1.0:
            return 1.0 if z > 0.0 else math.exp(math.log(max(float(normal_sf(-z)), 1e-320)) / self.few)
        kept = 1.0 - self.share
        if self.transform == "plain":
            return min(max(self.share + z * kept * self.root, 0.0), 1.0)
        power = z * self.root / abs(math.log(kept))
        return -math.expm1(math.log(kept) * math.exp(min(power, 700.0)))


def lost_by(curve: SurvivalCurve, horizon: float, transform: str) -> Lost:
    """Return the share lost by the horizon, which must lie within what the curve knows."""
    if horizon > curve.time[-1] and curve.survival[-1] > 0:
        raise DataError(
            f"horizon: got {horizon:g}, but no one was followed for longer than {curve.time[-1]:g}; take at most that"
        )
    k = int(np.searchsorted(curve.time, horizon, side="right"))
    kept = float(curve.survival[k - 1]) if k else 1.0
    if kept == 1.0:
        followed = float(curve.at_risk[np.searchsorted(curve.time, horizon, side="left")])
        return Lost(0.0, 0.0, followed, transform)
    if kept == 0.0:
        return Lost(1.0, 0.0, float(curve.events[:k].sum()), transform)
    return Lost(1.0 - kept, float(curve.se[k - 1]) / kept, 0.0, transform)


class LostGap:
    """Limits of a difference of two shares lost as a function of z: the limits of each, combined by squares."""

    def __init__(self, one: Lost, two: Lost) -> None:
        self.one, self.two = one, two
        self.estimate = one.share - two.share

    def lower(self, z: float) -> float:
        down, up = self.one.share - self.one.limit(-z), self.two.limit(z) - self.two.share
        return self.estimate - math.hypot(down, up)

    def upper(self, z: float) -> float:
        up, down = self.one.limit(z) - self.one.share, self.two.share - self.two.limit(-z)
        return self.estimate + math.hypot(up, down)

    def score(self, null: float) -> float:
        """Return the z at which a limit reaches `null`, with the sign of estimate - null."""
        if self.estimate == null:
            return 0.0
        if self.estimate > null:
            return bisect(lambda z: self.lower(z) - null, 0.0, _FAR)
        return -bisect(lambda z: null - self.upper(z), 0.0, _FAR)
