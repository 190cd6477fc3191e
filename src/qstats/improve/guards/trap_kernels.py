"""The traps themselves: each draws comparisons without an effect, and returns which of them claim one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.inference.rates import rate_pvalues

__all__ = ["TRAPS", "Kind", "Setting"]


class Setting(NamedTuple):
    """What is simulated: mean and dispersion of a period, periods before, after and in a year, level, runs."""

    mean: float
    phi: float
    before: int
    after: int
    alpha: float
    runs: int
    year: int


class Kind(NamedTuple):
    """A trap: warning code, documented size, bounds of the size, words, and the simulation."""

    warning: str
    size: float
    bounds: tuple[float, float]
    words: str
    simulate: Callable[[Setting, float, Any], BoolArray]

    def say(self, s: Setting, size: float) -> str:
        """Return what is simulated."""
        return self.words.format(size=size, before=s.before, after=s.after)


def _claims(after: FloatArray, t: Any, before: FloatArray, t0: Any, alpha: float) -> BoolArray:
    """Which comparisons of totals claim that the rate fell."""
    return np.asarray(rate_pvalues(after, t, before, t0, alternative="less") <= alpha, dtype=np.bool_)


def _pair(s: Setting, rng: Any, early: Any, late: Any) -> BoolArray:
    """Poisson totals with expectations `early` and `late`, compared as if both phases had one rate per period."""
    y0, y1 = rng.poisson(early, s.runs).astype(float), rng.poisson(late, s.runs).astype(float)
    return _claims(y1, float(s.after), y0, float(s.before), s.alpha)


def _trend(s: Setting, size: float, rng: Any) -> BoolArray:
    level = s.mean * (1.0 - size) ** np.arange(s.before + s.after)
    return _pair(s, rng, level[: s.before].sum(), level[s.before :].sum())


def _season(s: Setting, size: float, rng: Any) -> BoolArray:
    """The high half-year against the half-year that follows."""
    half = s.year // 2
    wave = s.mean * (1.0 + size * np.sin(2.0 * math.pi * (np.arange(2 * half) + 0.5) / (2.0 * half)))
    y0, y1 = (rng.poisson(part.sum(), s.runs).astype(float) for part in (wave[:half], wave[half:]))
    return _claims(y1, float(half), y0, float(half), s.alpha)


def _volume(s: Setting, size: float, rng: Any) -> BoolArray:
    return _pair(s, rng, s.mean * s.before, s.mean * s.after * (1.0 - size))


def _delay(s: Setting, size: float, rng: Any) -> BoolArray:
    """Exponential delay of mean `size` periods; the data are drawn when the last period ends."""
    age = np.arange(s.before + s.after, 0.0, -1.0)  # from the beginning of a period to the end of the data
    complete = 1.0 - size * np.exp(-(age - 1.0) / size) * -math.expm1(-1.0 / size)
    return _pair(s, rng, s.mean * complete[: s.before].sum(), s.mean * complete[s.before :].sum())


def _scatter(s: Setting, size: float, rng: Any) -> BoolArray:
    """Negative binomial periods with variance `size` times the mean, compared as Poisson."""
    if size <= 1.0:
        return _pair(s, rng, s.mean * s.before, s.mean * s.after)
    shape = s.mean / (size - 1.0)
    # a sum of alike negative binomials is one whose shape is the sum
    early, late = (rng.poisson(rng.gamma(shape * n, size - 1.0, s.runs)).astype(float) for n in (s.before, s.after))
    return _claims(late, float(s.after), early, float(s.before), s.alpha)


def _persistence(s: Setting, size: float, rng: Any) -> BoolArray:
    """A log-normal level that hangs together by `size`; its spread gives the baseline's dispersion, or 0.25."""
    spread = math.sqrt(math.log1p((s.phi - 1.0) / s.mean)) if s.phi > 1.0 else 0.25
    z, totals = rng.standard_normal(s.runs), [np.zeros(s.runs), np.zeros(s.runs)]
    for period in range(s.before + s.after):
        if period:
            z = size * z + math.sqrt(1.0 - size * size) * rng.standard_normal(s.runs)
        totals[period >= s.before] += rng.poisson(s.mean * np.exp(spread * z - 0.5 * spread * spread))
    return _claims(totals[1], float(s.after), totals[0], float(s.before), s.alpha)


def _trigger(s: Setting, size: float, rng: Any) -> BoolArray:
    """An action opened when a period exceeds the mean by `size` standard deviations, compared with that period."""
    at = math.floor(s.mean + size * math.sqrt(s.mean)) + 1
    k = np.arange(at, at + 40 + 12 * math.ceil(math.sqrt(at)))
    log_p = k * math.log(s.mean) - np.array([math.lgamma(v + 1.0) for v in k])
    p = np.exp(log_p - log_p.max())
    seen = rng.choice(k, s.runs, p=p / p.sum()).astype(float)
    return _claims(rng.poisson(s.mean * s.after, s.runs).astype(float), float(s.after), seen, 1.0, s.alpha)


def _worst(s: Setting, size: float, rng: Any) -> BoolArray:
    """The worst of `size` alike units, picked by its baseline."""
    worst = np.zeros(s.runs)
    for _ in range(int(size)):
        np.maximum(worst, rng.poisson(s.mean * s.before, s.runs), out=worst)
    return _claims(rng.poisson(s.mean * s.after, s.runs).astype(float), float(s.after), worst, float(s.before), s.alpha)


def _best(s: Setting, size: float, rng: Any) -> BoolArray:
    """`size` alike categories that share the complaints; the best is reported."""
    found = np.zeros(s.runs, dtype=np.bool_)
    for _ in range(int(size)):
        found |= _pair(s, rng, s.mean * s.before / size, s.mean * s.after / size)
    return found


def _many(s: Setting, size: float, rng: Any) -> BoolArray:
    """`size` independent figures, each tested two-sided at 5 %, any difference reported."""
    return np.asarray((rng.random((s.runs, int(size))) <= 2.0 * s.alpha).any(axis=1))


def _peeks(s: Setting, size: float, rng: Any) -> BoolArray:
    """A look every week for `size` weeks, stopping at the first that claims a fall."""
    week = s.year / 52.0  # in periods
    y0, y1 = rng.poisson(s.mean * s.before, s.runs).astype(float), np.zeros(s.runs)
    found = np.zeros(s.runs, dtype=np.bool_)
    for look in range(1, int(size) + 1):
        y1 += rng.poisson(s.mean * week, s.runs)
        found |= _claims(y1, look * week, y0, float(s.before), s.alpha)
    return found


TRAPS: dict[str, Kind] = {
    "trigger": Kind("W-RTM", 2.0, (0.0, 6.0), "compared with the period that was {size:g} sd up", _trigger),
    "worst": Kind("W-RTM", 20.0, (1.0, 10_000.0), "the worst of {size:g} alike units was picked", _worst),
    "season": Kind("W-SEASON", 0.2, (0.0, 0.99), "season of +-{size:.0%}, half a year against the next half", _season),
    "scatter": Kind("W-OD", 2.0, (1.0, 1000.0), "variance {size:.3g} times Poisson, taken as Poisson", _scatter),
    "persistence": Kind(
        "W-AR", 0.6, (0.0, 0.99), "periods hang together by {size:.2g}, taken as independent", _persistence
    ),
    "delay": Kind("W-DELAY", 1.0, (0.01, 100.0), "reports come {size:.3g} periods late on average", _delay),
    "volume": Kind("W-EXPOSURE", 0.2, (0.0, 0.99), "volume fell by {size:.0%}, counts compared", _volume),
    "trend": Kind("W-TREND", 0.02, (0.0, 0.5), "it was falling by {size:.1%} a period before", _trend),
    "categories": Kind("W-MULTI", 8.0, (1.0, 1000.0), "the best of {size:g} categories is reported", _best),
    "figures": Kind("W-MULTI", 8.0, (1.0, 1000.0), "any change of {size:g} figures is reported", _many),
    "peeking": Kind("W-PEEK", 26.0, (1.0, 520.0), "a look every week for {size:g} weeks", _peeks),
}
