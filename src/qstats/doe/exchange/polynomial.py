"""Polynomials of settings, as the limits of an experiment are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.factor import Factor
from qstats.errors import FormulaError

__all__ = ["LARGEST", "MOST_POWER", "SLACK", "Columns", "Excess", "Poly", "excess_of", "plus", "times"]

MOST_POWER = 8
LARGEST = 1e100
SLACK = 1e-9  # a setting on the limit keeps it, whatever rounding says
_MOST_TERMS = 256

Poly = dict[tuple[tuple[str, int], ...], float]
Columns = Mapping[str, FloatArray]
Excess = Callable[[Columns], FloatArray]


def plus(a: Poly, b: Poly, sign: float) -> Poly:
    """Return a + sign b."""
    out = dict(a)
    for key, value in b.items():
        out[key] = out.get(key, 0.0) + sign * value
    return _kept(out)


def times(a: Poly, b: Poly) -> Poly:
    """Return a b."""
    out: Poly = {}
    for x, u in a.items():
        for y, v in b.items():
            powers = dict(x)
            for name, power in y:
                powers[name] = powers.get(name, 0) + power
            key = tuple(sorted(powers.items()))
            out[key] = out.get(key, 0.0) + u * v
    return _kept(out)


def _kept(poly: Poly) -> Poly:
    if len(poly) > _MOST_TERMS or any(sum(p for _, p in key) > MOST_POWER for key in poly):
        raise FormulaError(f"constraint: more than {_MOST_TERMS} terms or a power above {MOST_POWER}")
    if not all(abs(v) <= LARGEST for v in poly.values()):
        raise FormulaError("constraint: its numbers multiply to more than a float64 holds; use other units")
    return {key: v for key, v in poly.items() if v or not key}


def excess_of(poly: Poly, factors: Mapping[str, Factor], *, strict: bool) -> Excess:
    """Return the polynomial over its largest value in the region, so that one slack fits all units."""
    if not set(poly) - {()}:
        raise FormulaError("constraint: no factor stands in a comparison; it holds always or never")

    def top(name: str) -> float:
        f = factors[name]
        ends = f.levels if f.levels else (f.low, f.high)
        return max(abs(float(v)) for v in ends if v is not None)

    scale = sum(abs(v) * float(np.prod([top(n) ** p for n, p in key])) for key, v in poly.items())
    if not 0.0 < scale <= LARGEST:
        raise FormulaError("constraint: its terms vanish or pass what a float64 holds; use other units")
    shift = 2.0 * SLACK if strict else 0.0

    def excess(c: Columns) -> FloatArray:
        total: Any = shift
        for key, value in poly.items():
            term: Any = value / scale
            for name, power in key:
                term = term * c[name] ** power
            total = total + term
        return np.asarray(total, dtype=np.float64)

    return excess
