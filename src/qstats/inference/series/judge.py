"""From a fitted series to estimate, interval, p-value and strength: one mixture behind all of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile, t_sf
from qstats._core.result import frozen_array
from qstats.inference.comparison import Comparison, tail_probability, tails
from qstats.inference.series.kernels import (
    RHO,
    Fitted,
    Mixture,
    cosine_contrast,
    mixture_cdf,
    mixture_quantile,
    nugget_mixture,
)
from qstats.inference.series.result import InterruptedSeries

__all__ = ["Asked", "Seen", "judged"]

_STRESS = (0.0, 0.3, 0.6)
_LONG, _LONG_AFTER = 24, 6  # periods that "verified" asks for
_SHORT = 18  # with fewer nothing was simulated
_SOURCE = (
    "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., ch. 6 and 9; Zeger (1988), Biometrika 75, 621-629 "
    "(counts with correlated noise); size and power: tests/calibration/test_interrupted_series.py"
)
_SECOND = "Mueller (2014), J. Business & Economic Statistics 32, 311-322; Lazarus et al. (2018), ibid. 36, 541-559"
_KINDS = {
    "rate_ratio": "Poisson regression",
    "rate_ratio_ratio": "regression of the share of both counts",
    "risk_ratio": "binomial regression with log link",
    "mean_difference": "regression of the means",
    "geometric_mean_ratio": "regression of the mean logarithms",
}


class Asked(NamedTuple):
    """What is asked of the series; `ratio`: coefficients are logarithms of the effect."""

    effect: str
    ratio: bool
    null: float
    confidence: float
    alternative: str

    def inner(self, value: float) -> float:
        """Return an effect on the scale of the coefficients."""
        return math.log(value) if self.ratio else value

    def outer(self, value: float) -> float:
        """Return a coefficient as an effect."""
        if not self.ratio:
            return value
        return math.exp(value) if value < 700.0 else math.inf


class Seen(NamedTuple):
    """What was seen: exposure and, for a control, its level per period, the periods kept, the events by phase."""

    x: FloatArray
    names: tuple[str, ...]
    contrast: FloatArray
    time: FloatArray
    scale: FloatArray
    level: FloatArray
    kept: BoolArray
    n: tuple[float, float]


def _second(f: Fitted, contrast: FloatArray, asked: Asked) -> Comparison:
    got = cosine_contrast(f, contrast)
    estimate, se, df = float(got.estimate[0]), float(got.se[0]), got.df
    t = (estimate - asked.inner(asked.null)) / se
    below, above = tails(asked.alternative, asked.confidence)
    low = asked.outer(estimate - float(t_quantile(1.0 - below, df)) * se if below else -math.inf)
    high = asked.outer(estimate + float(t_quantile(1.0 - above, df)) * se if above else math.inf)
    p = tail_probability(float(t_sf(-t, df)), float(t_sf(t, df)), asked.alternative)
    method = f"{_KINDS[asked.effect]}, {df} projected cosines, t"
    limits = Interval(low, high, asked.confidence)
    return Comparison(
        asked.effect, asked.outer(estimate), limits, p, asked.alternative, asked.null, t, (), method, _SECOND, df=df
    )


def _component(mix: Mixture, i: int, side: float) -> float:
    """One-sided p-value towards `side` (-1: fewer) if the correlation were RHO[i]."""
    return float(t_sf(side * mix.estimate[0, i] / mix.se[0, i], mix.df))


def _strength(p: float, second: float, stress: float, alpha: float, periods: tuple[int, int]) -> str:
    if p > alpha:
        return "none"
    if second > alpha or sum(periods) < _SHORT:
        return "indicated"
    long = sum(periods) >= _LONG and periods[0] >= _LONG_AFTER
    return "verified" if stress <= alpha and long else "confirmed"


def _counterfactual(f: Fitted, seen: Seen, asked: Asked) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level without the change, with limits of the mean at the scatter seen (no correlation: a picture, not a test)."""
    without = seen.x.copy()
    without[:, [i for i, name in enumerate(seen.names) if name in ("step", "slope")]] = 0.0
    cover = np.linalg.inv(np.einsum("tp,tq->pq", f.design[0], f.design[0])) * max(float(f.phi[0]), 1.0)
    level = without @ f.beta[0]
    reach = float(t_quantile(0.5 + 0.5 * asked.confidence, without.shape[0] - without.shape[1])) * np.sqrt(
        np.einsum("tp,pq,tq->t", without, cover, without)
    )
    lines = (level, level - reach, level + reach)
    return tuple(np.exp(line) for line in lines) if asked.ratio else lines


def judged(f: Fitted, seen: Seen, asked: Asked) -> InterruptedSeries:
    """Return everything that is said about the step of a fitted series."""
    after = seen.x[:, seen.names.index("step")]
    mix = nugget_mixture(f, seen.contrast, seen.time)
    low_tail, high_tail = (float(p[0]) for p in mixture_cdf(mix, np.array([asked.inner(asked.null)])))
    # what lies above the null speaks for "greater": the chance of the other side is its p-value
    pvalue = tail_probability(high_tail, low_tail, asked.alternative)
    below, above = tails(asked.alternative, asked.confidence)
    low, middle, high = (float(mixture_quantile(mix, p)[0]) for p in (below, 0.5, 1.0 - above))
    second = _second(f, seen.contrast, asked)
    side = -1.0 if middle > 0 else 1.0
    alpha = 0.5 * (1.0 - asked.confidence)
    zero = [float(p[0]) for p in mixture_cdf(mix, np.zeros(1))]
    components = [_component(mix, i, -side) for i in range(RHO.size)]
    nothing = asked._replace(null=1.0 if asked.ratio else 0.0, alternative="less" if side > 0 else "greater")
    plain = _second(f, seen.contrast, nothing).pvalue
    periods = (int(after.sum()), int((after == 0).sum()))
    stress = {rho: components[round(rho / 0.05)] for rho in _STRESS}
    strength = _strength(zero[1] if side > 0 else zero[0], plain, stress[0.6], alpha, periods)
    standing = [float(rho) for rho, p in zip(RHO, components, strict=True) if p <= alpha]
    spread = float(np.sqrt((mix.weight * (mix.se**2 + (mix.estimate - middle) ** 2)).sum()))
    reach = float(t_quantile(1.0 - alpha, mix.df) + t_quantile(0.8, mix.df)) * spread
    fitted, expected, least, most = _bands(f, seen, asked)
    return InterruptedSeries(
        asked.effect, asked.outer(middle), Interval(asked.outer(low), asked.outer(high), asked.confidence), pvalue,
        asked.alternative, asked.null, seen.n, periods, mix.df, float(f.phi[0]),
        float((mix.weight * mix.noise * RHO).sum()), frozen_array(mix.weight[0]), stress,
        max(standing) if standing else None, second, strength, asked.outer(-reach),
        dict(zip(seen.names, f.beta[0].tolist(), strict=True)), fitted, expected, least, most,
        f"{_KINDS[asked.effect]}, autocorrelation integrated out; " + ", ".join(seen.names[1:]), _SOURCE,
        _notes(f, periods),
    )  # fmt: skip


def _bands(f: Fitted, seen: Seen, asked: Asked) -> list[FloatArray]:
    """Fitted level, and level without the change with its limits; NaN where a period was left out."""
    out = []
    lines = (seen.level * line for line in _counterfactual(f, seen, asked))
    for values in (f.mean[0] / seen.scale, *lines):
        band = np.full(seen.kept.size, np.nan)
        band[seen.kept] = values
        out.append(frozen_array(band))
    return out


def _notes(f: Fitted, periods: tuple[int, int]) -> tuple[Note, ...]:
    notes = []
    if f.phi[0] <= 1.0:
        text = "no more scatter than chance: the series carries no information about autocorrelation"
        notes.append(Note("no-autocorrelation-seen", "info", text))
    if sum(periods) < _SHORT:
        text = f"{sum(periods)} periods: fewer than the {_SHORT} the method was tried on; 'indicated' at most"
        notes.append(Note("short-series", "warning", text))
    return tuple(notes)
