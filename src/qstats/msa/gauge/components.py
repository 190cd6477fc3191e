"""Variance components, their sums and shares, and the three ways to an interval for each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import chi2_quantile
from qstats.msa.gauge.mls import MeanSquares, mls_limits, mls_ratio_limits
from qstats.msa.gauge.reml import Constraint, Reml, RemlFit, TooFar

__all__ = ["ByDraws", "ByMeanSquares", "ByProfile", "Engine", "Limits", "groups_of"]

Limits = tuple[FloatArray, FloatArray]

_Place = Callable[[float, FloatArray], tuple[FloatArray, Constraint]]

_CLOSE = 1e-6  # last move of a fit whose deviance is wanted
_FAR = 60.0  # on the scale of logarithms: no limit is that far
_TINY = 1e-9  # of the variance of the data: taken for zero


class Engine(Protocol):
    """What gives limits for sums of components and for one sum over another that holds it."""

    def sums(self, groups: Sequence[tuple[str, ...]]) -> Limits:
        """Return limits of the variance of each sum."""

    def shares(self, pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Limits:
        """Return limits, between 0 and 1, of the first sum over the second."""


def groups_of(leaves: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return every reported variance as the components it adds up, in the order of the tables."""
    between = tuple(name for name in leaves if name not in ("repeatability", "part"))
    groups: dict[str, tuple[str, ...]] = {"repeatability": ("repeatability",)}
    if between:
        groups["reproducibility"] = between
        groups |= {name: (name,) for name in between}
    groups["gauge_rr"] = ("repeatability", *between)
    groups["part"] = ("part",)
    groups["total"] = ("repeatability", *between, "part")
    return groups


@dataclass(frozen=True, slots=True, eq=False)
class ByMeanSquares:
    """Modified-large-sample limits."""

    squares: MeanSquares
    tail: float

    def sums(self, groups: Sequence[tuple[str, ...]]) -> Limits:
        """Return limits of the variance of each sum."""
        low, high = mls_limits(np.stack([self.squares.total(g) for g in groups]), self.squares, self.tail)
        return np.maximum(low, 0.0), np.maximum(high, 0.0)

    def shares(self, pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Limits:
        """Return limits of the first sum over the second."""
        top, bottom = (np.stack([self.squares.total(pair[i]) for pair in pairs]) for i in (0, 1))
        return mls_ratio_limits(top, bottom, self.squares, self.tail)


@dataclass(frozen=True, slots=True, eq=False)
class ByDraws:
    """Quantiles of redrawn components."""

    draws: Mapping[str, FloatArray]
    tail: float

    def _sum(self, group: tuple[str, ...]) -> FloatArray:
        return np.asarray(np.sum([self.draws[name] for name in group], axis=0))

    def _quantiles(self, rows: list[FloatArray]) -> Limits:
        low, high = np.quantile(np.stack(rows), [self.tail, 1.0 - self.tail], axis=1)
        return low, high

    def sums(self, groups: Sequence[tuple[str, ...]]) -> Limits:
        """Return limits of the variance of each sum."""
        return self._quantiles([self._sum(g) for g in groups])

    def shares(self, pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Limits:
        """Return limits of the first sum over the second."""
        rows = []
        for top, bottom in pairs:
            whole = self._sum(bottom)
            rows.append(np.divide(self._sum(top), whole, out=np.zeros_like(whole), where=whole > 0.0))
        return self._quantiles(rows)


@dataclass(frozen=True, slots=True, eq=False)
class ByProfile:
    """Profile-likelihood limits: values the restricted likelihood does not reject.

    Parameters
    ----------
    reml : Reml
    fit : RemlFit
    names : tuple of str
        Of the variances of `fit`.
    tail : float
    """

    reml: Reml
    fit: RemlFit
    names: tuple[str, ...]
    tail: float

    def _mask(self, group: tuple[str, ...]) -> FloatArray:
        return np.array([1.0 if name in group else 0.0 for name in self.names])

    def sums(self, groups: Sequence[tuple[str, ...]]) -> Limits:
        """Return limits of the variance of each sum."""
        found = {g: self._sum_limits(self._mask(g)) for g in set(groups)}
        low, high = zip(*(found[g] for g in groups), strict=True)
        return np.array(low) * self.reml.scale, np.array(high) * self.reml.scale

    def shares(self, pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Limits:
        """Return limits of the first sum over the second."""
        found: dict[object, tuple[float, float]] = {}
        for a, b in pairs:
            rest = tuple(name for name in b if name not in a)
            if (rest, b) in found:  # what one share gains the other loses
                found[a, b] = 1.0 - found[rest, b][1], 1.0 - found[rest, b][0]
            elif (a, b) not in found:
                found[a, b] = self._share_limits(self._mask(a), self._mask(b))
        low, high = zip(*(found[pair] for pair in pairs), strict=True)
        return np.array(low), np.array(high)

    @property
    def _critical(self) -> float:
        return float(chi2_quantile(1.0 - 2.0 * self.tail, 1.0))

    def _without(self, mask: FloatArray) -> bool:
        """Whether the data allow all variances of `mask` to be zero."""
        if mask[0]:
            return False
        use = [i for i in range(mask.size) if not mask[i]]
        found = self.reml.fit(np.where(mask > 0, 0.0, self.fit.variance), use=use, close=_CLOSE)
        return found.deviance - self.fit.deviance <= self._critical

    def _root(
        self, place: Callable[[float, FloatArray], tuple[FloatArray, Constraint]], begin: float, way: float
    ) -> float:
        """Return where the root of the deviance lost, nearly linear on the scale of `begin`, reaches its limit."""
        wanted = float(np.sqrt(self._critical))
        v = self.fit.variance

        def lost(t: float) -> float:
            nonlocal v
            start, plane = place(t, v)
            found = self.reml.fit(start, plane=plane, close=_CLOSE)
            v = found.variance
            return float(np.sqrt(max(found.deviance - self.fit.deviance, 0.0)))

        inner, inner_lost, step = begin, 0.0, way
        outer = begin + step
        outer_lost = lost(outer)
        while outer_lost < wanted:
            if abs(outer - begin) > _FAR:
                return float(np.copysign(np.inf, way))
            inner, inner_lost = outer, outer_lost
            slope = outer_lost / (outer - begin)
            guess = (wanted - outer_lost) / slope if slope * way > 0.0 else 4.0 * step
            step = float(np.clip(1.05 * abs(guess), 0.05, 4.0 * abs(step))) * np.sign(way)
            outer += step
            try:
                outer_lost = lost(outer)
            except TooFar:
                return float(np.copysign(np.inf, way))
        return _between(lost, (inner, inner_lost), (outer, outer_lost), wanted)

    def _sum_limits(self, mask: FloatArray) -> tuple[float, float]:
        at = float(mask @ self.fit.variance)

        def place(log_value: float, near: FloatArray) -> tuple[FloatArray, Constraint]:
            value = float(np.exp(log_value))
            return np.where(mask > 0, _spread(mask, near, value), near), Constraint(mask, value)

        begin = float(np.log(max(at, _TINY)))
        low = 0.0 if at <= _TINY or self._without(mask) else float(np.exp(self._root(place, begin, -0.5)))
        return low, float(np.exp(self._root(place, begin, 0.5)))

    def _share_limits(self, top: FloatArray, bottom: FloatArray) -> tuple[float, float]:
        v, rest = self.fit.variance, bottom - top
        at = float(top @ v) / max(float(bottom @ v), _TINY)

        def place(logit: float, near: FloatArray) -> tuple[FloatArray, Constraint]:
            share = _expit(logit)
            whole = float(bottom @ near)
            inside = _spread(top, near, share * whole) + _spread(rest, near, (1.0 - share) * whole)
            return np.where(bottom > 0, inside, near), Constraint(top - share * bottom, 0.0)

        begin = float(scipy.special.logit(min(max(at, _TINY), 1.0 - _TINY)))
        low = 0.0 if at <= _TINY or self._without(top) else _expit(self._root(place, begin, -0.5))
        high = 1.0 if at >= 1.0 - _TINY or self._without(rest) else _expit(self._root(place, begin, 0.5))
        return low, high


def _spread(mask: FloatArray, near: FloatArray, value: float) -> FloatArray:
    """Return variances of `mask` that add up to `value`, in the proportions they have."""
    held = float(mask @ near)
    return mask * near * (value / held) if held > 0.0 else mask * (value / mask.sum())


def _between(
    lost: Callable[[float], float], inner: tuple[float, float], outer: tuple[float, float], wanted: float
) -> float:
    """Return where `lost` is `wanted`, between two places (with what is lost there) that hold it: regula falsi."""
    (a, lost_a), (b, lost_b) = inner, outer
    for _ in range(60):
        t = (
            a + (b - a) * min(max((wanted - lost_a) / (lost_b - lost_a), 0.02), 0.98)
            if lost_b > lost_a
            else 0.5 * (a + b)
        )
        found = lost(t)
        if abs(found - wanted) <= 1e-6 or abs(b - a) <= 1e-9:
            return t
        if found < wanted:
            a, lost_a = t, found
        else:
            b, lost_b = t, found
    return t


def _expit(x: float) -> float:
    return float(scipy.special.expit(x))
