"""Where the other factors stand while some are looked at, and the rows of the model there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.result import FrozenMapping
from qstats.doe.factor import Factor
from qstats.doe.fitting.prediction import half_width, inverse_link, median_factor, relative_variance, typical_errors
from qstats.doe.fitting.problem import basis_of
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["Expected", "Place", "Trust", "apart", "as_fit", "expected", "names_in", "place_of", "rows_at", "told"]

_EDGE = 1e-9
_SUM = 1e-6
_SLACK = 1.0 + 1e-6
_SKEWED = ("lognormal", "weibull")


def as_fit(fit: object, name: str = "fit") -> DesignFit:
    """Return a fit, or say that it is none."""
    if not isinstance(fit, DesignFit):
        raise DataError(f"{name}: got a {type(fit).__name__}; what qstats.doe.fit returns is wanted")
    return fit


def names_in(fit: DesignFit) -> set[str]:
    """Return the factors that the model holds."""
    return {name for term in fit.model for name in term.names}


def apart(name: str, own: Collection[str]) -> str:
    """Return a factor's name as the head of a column beside others."""
    return f"{name} (factor)" if name in own else name


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A point from which one or more factors are moved.

    Parameters
    ----------
    coded : ndarray, shape (K,)
        All factors of the design; 0 for those averaged over.
    fixed : tuple of str
        Factors the caller set.
    averaged : tuple of str
        Factors of text the caller left: the average over their levels is taken.
    """

    coded: FloatArray
    fixed: tuple[str, ...]
    averaged: tuple[str, ...]


def place_of(fit: DesignFit, at: Mapping[str, Any] | None) -> Place:
    """Return the place that ``at`` means: unsaid, the middle of ranges, the mean blend, the average over levels."""
    if at is not None and not isinstance(at, Mapping):
        raise DataError(f"at: got a {type(at).__name__}; a mapping of factor to its setting is wanted")
    given, factors = dict(at or {}), fit.design.factors
    known = {f.name for f in factors}
    if unknown := sorted(str(n) for n in given if n not in known):
        raise DataError(f"at: {', '.join(map(repr, unknown))} is no factor; there are {', '.join(sorted(known))}")
    coded = _blend(fit, given)
    for j, f in enumerate(factors):
        if f.name in given:
            coded[j] = _one(f, given[f.name])
    averaged = tuple(f.name for f in factors if not f.numeric and f.name not in given)
    return Place(coded, tuple(f.name for f in factors if f.name in given), averaged)


def _one(factor: Factor, value: object) -> float:
    if not isinstance(value, str) and np.ndim(value) != 0:  # type: ignore[arg-type]
        raise DataError(f"at: {factor.name}: got {value!r}; one setting is wanted")
    return float(factor.code([value])[0])


def _blend(fit: DesignFit, given: Mapping[str, Any]) -> FloatArray:
    """Zeros, with the mean blend of the runs where there are mixture components."""
    coded = np.zeros(len(fit.design.factors))
    parts = [j for j, f in enumerate(fit.design.factors) if f.kind == "mixture"]
    named = [j for j in parts if fit.design.factors[j].name in given]
    if not parts:
        return coded
    if named and len(named) < len(parts):
        lost = ", ".join(repr(fit.design.factors[j].name) for j in parts if j not in named)
        raise DataError(f"at: {lost} has no share; the shares of a mixture are given together, or not at all")
    coded[parts] = np.asarray(fit.design.coded)[:, parts].mean(axis=0)
    if named:
        total = sum(_one(fit.design.factors[j], given[fit.design.factors[j].name]) for j in parts)
        if abs(total - 1.0) > _SUM:
            raise DataError(f"at: the shares of the mixture sum to {total:g}; they must sum to 1")
    return coded


def told(fit: DesignFit, place: Place, free: tuple[str, ...] = ()) -> FrozenMapping[str, Any]:
    """Return where the factors stand that are not free, in natural units; ``"average"`` where levels are averaged."""
    out: dict[str, Any] = {}
    for j, f in enumerate(fit.design.factors):
        if f.name in place.averaged:
            out[f.name] = "average"
        elif f.name not in free:
            value = f.decode(place.coded[j : j + 1])[0]
            out[f.name] = value if isinstance(value, str) else float(value)
    return FrozenMapping(out)


def rows_at(fit: DesignFit, place: Place, coded: FloatArray, free: tuple[str, ...] = ()) -> FloatArray:
    """Return model rows, shape (m, p); columns of factors averaged over are zero, as their contrasts sum to zero."""
    rows = fit.rows(coded)
    averaged = set(place.averaged) - set(free)
    if not averaged:
        return rows
    basis = basis_of(fit.model, fit.design.factors)
    gone = np.array([bool(averaged & set(term.names)) for term in fit.model], dtype=np.bool_)
    rows[:, : basis.p][:, gone[basis.term]] = 0.0
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What is expected at rows of a model.

    Parameters
    ----------
    value, low, high : ndarray, shape (m,)
        In the unit of the response.
    se : ndarray, shape (m,)
        On the scale of the link.
    of : {"mean", "median"}
        The median for lognormal and Weibull responses.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    se: FloatArray
    of: str


def expected(fit: DesignFit, rows: FloatArray, confidence: float) -> Expected:
    """Return what the model expects at rows, each with its own interval."""
    f = fit.fitted
    eta, se = rows @ f.coefficients, typical_errors(fit, rows)
    half = half_width(se, f.contrast_df(rows), confidence)
    factor = median_factor(fit)
    value, low, high = (factor * inverse_link(v, fit.link) for v in (eta, eta - half, eta + half))
    return Expected(value, low, high, se, "median" if fit.distribution in _SKEWED else "mean")


class Trust:
    """The region the design covers: within the range of its settings, and no less well known than its worst run.

    Parameters
    ----------
    fit : DesignFit
    place : Place
    variables : sequence of int
        Factors that are moved.
    """

    def __init__(self, fit: DesignFit, place: Place, variables: list[int]) -> None:
        run = np.asarray(fit.design.coded)[~np.isnan(fit.y)]
        self.fit, self.place, self.variables = fit, place, variables
        self.most = float(relative_variance(fit.fitted, fit.rows(run)).max())
        self.low, self.high = run[:, variables].min(axis=0), run[:, variables].max(axis=0)

    def whole(self, x: FloatArray) -> FloatArray:
        """Return all factors, shape (m, K), where the variables stand at x, shape (m, k)."""
        coded = np.tile(self.place.coded, (x.shape[0], 1))
        coded[:, self.variables] = x
        return coded

    def rows(self, x: FloatArray) -> FloatArray:
        """Return model rows where the variables stand at x."""
        return rows_at(self.fit, self.place, self.whole(x))

    def holds(self, x: FloatArray, rows: FloatArray | None = None) -> BoolArray:
        """Return whether points of the variables, shape (m, k), lie in the region."""
        rows = self.rows(x) if rows is None else rows
        within = ((x >= self.low - _EDGE) & (x <= self.high + _EDGE)).all(axis=1)
        return np.asarray(within & (relative_variance(self.fit.fitted, rows) <= self.most * _SLACK), dtype=np.bool_)
