"""A response over the settings, however it was fitted: what the trade-off needs to know of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_number
from qstats.doe.factor import Factor
from qstats.doe.fitting.prediction import inverse_link
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError, DesignError

__all__ = ["Surface", "cost_surface", "surface_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A response as a linear predictor with its uncertainty.

    Parameters
    ----------
    name : str
    fit : DesignFit or None
        None for a cost that is known exactly.
    rows : callable
        From coded settings (m, k) to rows (m, p).
    coefficients : ndarray, shape (p,)
    link : str
    lift : float
        1 where the mean lies half a variance above the predictor (lognormal), else 0.
    shift : float
        From the predictor to the mean on the scale of the link, as far as it does not depend on sigma.
    sigma : float
        Standard deviation of a run on the scale of the link.
    df : float
        Degrees of freedom of `sigma` and of standard errors; the least of any coefficient in a split-plot.
    """

    name: str
    fit: DesignFit | None
    rows: Callable[[FloatArray], FloatArray]
    coefficients: FloatArray
    link: str
    lift: float
    shift: float
    sigma: float
    df: float

    def standard_errors(self, rows: FloatArray) -> FloatArray:
        """Return the standard errors of the predictor, shape (m,)."""
        return np.zeros(rows.shape[0]) if self.fit is None else self.fit.fitted.standard_errors(rows)

    def mean(self, eta: FloatArray, sigma: Any) -> FloatArray:
        """Return the mean response at linear predictors."""
        if self.link == "identity":
            return eta
        return inverse_link(eta + self.shift + 0.5 * self.lift * np.square(sigma), self.link)

    def predicted(self, rows: FloatArray) -> FloatArray:
        """Return the predicted mean, shape (m,)."""
        return self.mean(rows @ self.coefficients, self.sigma)


def surface_of(name: str, fit: DesignFit) -> Surface:
    """Return the surface of a fit.

    Raises
    ------
    DesignError
        Nothing is left to judge the error by.
    """
    f = fit.fitted
    known = f.contrast_df(np.eye(f.coefficients.size)[: fit.model_columns])
    df = float(min(f.df, known.min()))
    if not df > 0.0 or math.isinf(f.sigma) or not np.isfinite(f.covariance).all():
        raise DesignError(
            f"fits: {name!r} has no degree of freedom left for its error: how safe a setting is cannot be told. "
            "Leave terms out of its model, or repeat runs"
        )
    shift = 0.0
    if fit.distribution == "weibull":
        shift = float(scipy.special.gammaln(1.0 + float(f.extra["scale"])))
    lift = 1.0 if fit.distribution == "lognormal" else 0.0
    return Surface(name, fit, fit.rows, np.asarray(f.coefficients), fit.link, lift, shift, f.sigma, df)


def cost_surface(costs: Mapping[Any, Any], factors: tuple[Factor, ...]) -> Surface:
    """Return what a setting costs: the sum of a price per natural unit, or of a price for each level.

    Parameters
    ----------
    costs : mapping
        Factor to its price per natural unit; of a categorical factor, a mapping of level to price.
    factors : tuple of Factor
    """
    if not isinstance(costs, Mapping) or not costs:
        raise DataError(f"costs: got {costs!r}; a mapping of factor to its price per natural unit is wanted")
    place = {f.name: j for j, f in enumerate(factors)}
    if unknown := [n for n in costs if n not in place]:
        raise DataError(f"costs: {', '.join(map(repr, unknown))} is no factor; there are {', '.join(place)}")
    tables: dict[int, FloatArray | float] = {}
    for name, price in costs.items():
        f = factors[place[name]]
        if f.numeric:
            tables[place[name]] = check_number(price, f"costs[{name!r}]")
        elif isinstance(price, Mapping) and set(price) == set(f.levels):
            tables[place[name]] = np.array([check_number(price[v], f"costs[{name!r}]") for v in f.levels])
        else:
            raise DataError(f"costs[{name!r}]: got {price!r}; a price for each of {', '.join(f.levels)} is wanted")

    def rows(coded: FloatArray) -> FloatArray:
        total = np.zeros(coded.shape[0])
        for j, table in tables.items():
            if isinstance(table, float):
                total += table * np.asarray(factors[j].decode(coded[:, j]), dtype=np.float64)
            else:
                total += table[np.rint(coded[:, j]).astype(np.intp)]
        return total[:, None]

    return Surface("cost", None, rows, np.ones(1), "identity", 0.0, 0.0, 0.0, math.inf)
