"""A fitted model as a polynomial of second order in the factors that are numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.place import Place, Trust, names_in
from qstats.errors import DataError, FormulaError

__all__ = ["Quadratic", "quadratic_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Quadratic:
    """``constant + x'linear + x'square x`` on the scale of the link, and how it hangs on the coefficients.

    Parameters
    ----------
    variables : tuple of int
        Places of the k factors among all.
    names : tuple of str, length k
    linear_map : ndarray, shape (k, p)
        Times the coefficients: the linear part.
    square_map : ndarray, shape (k, k, p)
        Times the coefficients: the symmetric matrix of the second-order part.
    constant : float
    linear : ndarray, shape (k,)
    square : ndarray, shape (k, k)
    trust : Trust
        The region of the design, and the model rows at points of these factors.
    """

    variables: tuple[int, ...]
    names: tuple[str, ...]
    linear_map: FloatArray
    square_map: FloatArray
    constant: float
    linear: FloatArray
    square: FloatArray
    trust: Trust

    def gradients(self, x: FloatArray) -> FloatArray:
        """Return maps from coefficients to the gradient at points of shape (m, k): shape (m, k, p)."""
        k, p = self.linear_map.shape
        bent = x @ self.square_map.transpose(1, 0, 2).reshape(k, k * p)
        return np.asarray(self.linear_map + 2.0 * bent.reshape(-1, k, p))


def quadratic_of(fit: DesignFit, place: Place) -> Quadratic:
    """Return the polynomial in all factors of the model that are numbers and not fixed.

    Raises
    ------
    FormulaError
        A term of third or higher order or with a function in these factors.
    DataError
        Components of a mixture that are not fixed, or no factor left.
    """
    factors, held = fit.design.factors, names_in(fit)
    free = [j for j, f in enumerate(factors) if f.numeric and f.name in held and f.name not in place.fixed]
    if any(factors[j].kind == "mixture" for j in free):
        raise DataError(
            "fit: shares of a mixture sum to 1 and cannot move freely, so they have no stationary point, ridge or way "
            "up of this kind; fix the blend by at=, or see profiler and optimize"
        )
    if not free:
        raise DataError("fit: no factor of the model is a number that is free to move; fix fewer of them by at=")
    _check_terms(fit, {factors[j].name for j in free})
    return _expanded(fit, place, free)


def _check_terms(fit: DesignFit, free: set[str]) -> None:
    for term in fit.model:
        parts = [p for p in term.parts if p.name in free]
        if any(p.function for p in parts):
            raise FormulaError(
                f"model: {term} takes a function of a factor; a surface of second order wants powers, or fix the "
                "factor by at="
            )
        if sum(p.power for p in parts) > 2:
            raise FormulaError(
                f"model: {term} is of order {sum(p.power for p in parts)}; a surface of second order is wanted: fit "
                "without it, or fix one of its factors by at="
            )


def _expanded(fit: DesignFit, place: Place, free: list[int]) -> Quadratic:
    """Read the polynomial off its rows at the middle, at both ends of every axis and at pairs: exact in whole steps."""
    k, trust = len(free), Trust(fit, place, free)
    first, second = np.triu_indices(k, 1)
    unit = np.eye(k)
    rows = trust.rows(np.concatenate([np.zeros((1, k)), unit, -unit, unit[first] + unit[second]]))
    middle, up, down, both = rows[0], rows[1 : k + 1], rows[k + 1 : 2 * k + 1], rows[2 * k + 1 :]
    linear = 0.5 * (up - down)
    square = np.zeros((k, k, rows.shape[1]))
    square[np.arange(k), np.arange(k)] = 0.5 * (up + down) - middle
    square[first, second] = square[second, first] = 0.5 * (both - up[first] - up[second] + middle)
    b = fit.fitted.coefficients
    names = tuple(fit.design.factors[j].name for j in free)
    return Quadratic(tuple(free), names, linear, square, float(middle @ b), linear @ b, square @ b, trust)
