"""What a gauge study and a capability study know of their variances, and how uncertain it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.quantiles import chi2_quantile
from qstats.capability.result import Capability
from qstats.errors import DataError
from qstats.msa.gauge import GaugeStudy
from qstats.msa.gauge.mls import MeanSquares

__all__ = ["COMPONENTS", "Variance", "gauge_variance", "is_capability", "is_gauge"]

COMPONENTS = ("gauge_rr", "repeatability")
_HALVINGS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Variance:
    """A variance as a weighted sum of independent mean squares; infinite df: known.

    Parameters
    ----------
    estimate : float
        No less than zero, unit of the data squared.
    weights, ms, df : ndarray, shape (k,)
    """

    estimate: float
    weights: FloatArray
    ms: FloatArray
    df: FloatArray

    @classmethod
    def of(cls, sigma: float, df: float) -> Variance:
        """Return the variance of one standard deviation."""
        return cls(sigma * sigma, np.ones(1), np.array([sigma * sigma]), np.array([df]))

    def draws(self, resamples: int, rng: np.random.Generator) -> FloatArray:
        """Return generalized draws, no less than zero; shape (resamples,)."""
        known = np.isinf(self.df)
        df = np.where(known, 1.0, self.df)
        theta = np.where(known, self.ms, df * self.ms / rng.chisquare(df, size=(resamples, df.size)))
        return np.maximum(theta @ self.weights, 0.0)


def is_gauge(gauge: object) -> GaugeStudy:
    """Return `gauge` if it is the result of gauge_rr."""
    if not isinstance(gauge, GaugeStudy):
        raise DataError(f"gauge: got {type(gauge).__name__}; the result of gauge_rr is wanted, or sigma_gauge=")
    return gauge


def is_capability(capability: object) -> Capability:
    """Return `capability` if it is the result of process_capability."""
    if not isinstance(capability, Capability):
        got = type(capability).__name__
        raise DataError(f"capability: got {got}; the result of process_capability is wanted, or plain numbers")
    return capability


def gauge_variance(gauge: GaugeStudy, component: str) -> Variance:
    """Return the variance of a component of a gauge study, with the mean squares it is made of.

    Where the study has no mean squares (REML, ranges) it is one chi-square, whose degrees of freedom give the upper
    limit that the study has.
    """
    check_choice(component, "component", COMPONENTS)
    found = gauge.components[component].variance
    squares = _squares(gauge)
    if squares is not None:
        leaves = ("repeatability",) if component == "repeatability" else tuple(squares.coefficients)
        weights = squares.total(leaves)
        if math.isclose(max(float(weights @ squares.ms), 0.0), found.estimate, rel_tol=1e-9):
            return Variance(found.estimate, weights, squares.ms, squares.df)
    if not found.estimate > 0.0:
        raise DataError(f"gauge: its {component.replace('_', ' ')} is zero; pass sigma_gauge= with what is known")
    df = _matching_df(found.interval.high / found.estimate, 0.5 * (1.0 - found.interval.confidence))
    return Variance(found.estimate, np.ones(1), np.array([found.estimate]), np.array([df]))


def _squares(gauge: GaugeStudy) -> MeanSquares | None:
    """Return repeatability, operator and interaction in terms of the mean squares of a balanced study."""
    operators = len(gauge.cells.operator_labels)
    if "with_interaction" in gauge.anova:
        table = gauge.anova["without_interaction" if gauge.pooled else "with_interaction"]
        return _crossed(dict(zip(table.source, zip(table.ms, table.df, strict=True), strict=True)), gauge, operators)
    for name in ("one_operator", "nested"):
        if name in gauge.anova:
            table = gauge.anova[name]
            ms, df = table.ms[:-1], table.df[:-1]
            keep = np.zeros(ms.size)
            keep[list(table.source).index("repeatability")] = 1.0
            coefficients = {"repeatability": keep}
            if name == "nested":
                per = gauge.n / operators
                above = np.zeros(ms.size)
                above[0], above[1] = 1.0 / per, -1.0 / per
                coefficients["operator"] = above
            return MeanSquares(ms, df, coefficients)
    return None


def _crossed(rows: dict[str, tuple[float, float]], gauge: GaugeStudy, operators: int) -> MeanSquares | None:
    parts = len(gauge.cells.part_labels)
    repeats = gauge.n / (parts * operators)
    within = "part x operator" if "part x operator" in rows else "repeatability"
    names = ["operator", "repeatability"] if within == "repeatability" else ["operator", within, "repeatability"]
    if any(name not in rows or not rows[name][1] > 0 for name in names):
        return None
    ms, df = (np.array([rows[name][i] for name in names]) for i in (0, 1))
    unit = np.eye(len(names))
    at = {name: unit[i] for i, name in enumerate(names)}
    coefficients = {"repeatability": at["repeatability"]}
    coefficients["operator"] = (at["operator"] - at[within]) / (parts * repeats)
    if within != "repeatability":
        coefficients["interaction"] = (at[within] - at["repeatability"]) / repeats
    return MeanSquares(ms, df, coefficients)


def _matching_df(ratio: float, tail: float) -> float:
    """Return the degrees of freedom with which a chi-square variance has this upper limit over its estimate."""
    low, high = -6.0, 16.0  # logarithms
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        df = math.exp(middle)
        quantile = float(chi2_quantile(tail, df))
        above = quantile <= 0.0 or df / quantile > ratio
        low, high = (middle, high) if above else (low, middle)
    return math.exp(0.5 * (low + high))
