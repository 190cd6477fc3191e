"""One distribution fitted to one sample, or the reason why it could not be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.capability.nonnormal.empirical import Empirical
from qstats.capability.nonnormal.family import Family
from qstats.capability.nonnormal.registry import family_named
from qstats.errors import DataError

__all__ = ["FittedDistribution"]

_NO_PARAMETERS: FrozenMapping[str, Any] = FrozenMapping({})


@dataclass(frozen=True, slots=True, eq=False)
class FittedDistribution(Result):
    """A family fitted to a sample, how well it fits, and its functions.

    Parameters
    ----------
    family, label : str
        Name as in the option `method`, and name for people.
    parameters : mapping of str to float or str
        In the unit of the data; empty where the family could not be fitted.
    log_likelihood : float or None
        Of the data (for Box-Cox with the Jacobian, so that families can be compared); None for the sample itself.
    aic, aicc : float or None
        Akaike's criterion, and the same corrected for few values.
    anderson_darling : float or None
        A squared of the data against the fit.
    pvalue : float or None
        Of A squared.
    pvalue_method : str
        By which table or simulation.
    adequate : bool
        Whether the p-value is above the level asked for (for Johnson also above 0.10).
    reason : str or None
        Why there is no fit.
    lambda_interval : Interval or None
        Profile-likelihood interval of an estimated Box-Cox lambda.
    n, censored : int
        Values, and how many of them only count as below the smallest positive one.
    origin, unit : float
        The fit is held as ``(x - origin) / unit``, which keeps digits where the data lie far from zero.
    theta : ndarray, shape (parameters,)
        Parameters on that scale.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.fitted_distribution/1"
    title: ClassVar[str] = "Fitted distribution"

    family: str
    label: str
    parameters: Mapping[str, Any]
    log_likelihood: float | None
    aic: float | None
    aicc: float | None
    anderson_darling: float | None
    pvalue: float | None
    pvalue_method: str
    adequate: bool
    reason: str | None
    lambda_interval: Interval | None
    n: int
    censored: int
    origin: float
    unit: float
    theta: FloatArray
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def fitted(self) -> bool:
        """Whether there is a fit."""
        return self.reason is None

    def cdf(self, x: Any) -> Any:
        """Return ``P(X <= x)``."""
        return np.exp(self.log_cdf(x))

    def sf(self, x: Any) -> Any:
        """Return ``P(X > x)`` without cancellation."""
        return np.exp(self.log_sf(x))

    def log_cdf(self, x: Any) -> Any:
        """Return the logarithm of ``P(X <= x)``, finite far out in the tail."""
        return self._at(lambda f, v, t: np.minimum(f.log_cdf(v, t), 0.0), x)

    def log_sf(self, x: Any) -> Any:
        """Return the logarithm of ``P(X > x)``, finite far out in the tail."""
        return self._at(lambda f, v, t: np.minimum(f.log_sf(v, t), 0.0), x)

    def pdf(self, x: Any) -> Any:
        """Return the density of X; zero outside its support. The sample itself has none."""
        if self.family == "empirical":
            raise DataError("pdf: the sample itself has no density; fit a family")
        return self._at(lambda f, v, t: np.nan_to_num(np.exp(f.log_pdf(v, t)), nan=0.0) / self.unit, x)

    def quantile(self, p: Any) -> Any:
        """Return x with ``P(X <= x) = p``, for 0 < p < 1."""
        a = np.asarray(p, dtype=np.float64)
        if a.size == 0 or not bool(((a > 0.0) & (a < 1.0)).all()):
            raise DataError("p: probabilities between 0 and 1, both excluded, are wanted")
        return self.origin + self.unit * self._call(lambda f, v, t: f.quantile(v, t), a)

    def _at(self, what: Callable[[Family, Any, Any], Any], x: Any) -> Any:
        a = as_vector(np.ravel(np.asarray(x)), "x", missing="never").reshape(np.shape(x))
        return self._call(what, (a - self.origin) / self.unit)

    def _call(self, what: Callable[[Family, Any, Any], Any], v: Any) -> Any:
        if not self.fitted:
            raise DataError(f"{self.family}: there is no fit ({self.reason})")
        family = family_named(self.family)
        if isinstance(family, Empirical):
            family = Empirical(int(self.parameters["quantile_type"]))
        with np.errstate(all="ignore"):
            return np.asarray(what(family, v, self.theta), dtype=np.float64)[()]

    def _rows(self) -> list[tuple[str, str]]:
        if not self.fitted:
            return [("family", self.label), ("not fitted", str(self.reason))]
        told = ", ".join(f"{k} = {v if isinstance(v, str) else format(v, '.5g')}" for k, v in self.parameters.items())
        rows = [("family", self.label), ("parameters", told)]
        if self.lambda_interval is not None:
            rows.append((f"lambda, {self.lambda_interval.confidence:.0%} interval", str(self.lambda_interval)))
        if self.anderson_darling is not None and self.pvalue is not None:
            rows.append(
                ("Anderson-Darling", f"{self.anderson_darling:.4g} (p = {self.pvalue:.3g}, {self.pvalue_method})")
            )
        if self.log_likelihood is not None:
            rows.append(("log-likelihood, AICc", f"{self.log_likelihood:.5g}, {self.aicc:.5g}"))
        return [*rows, ("n", f"{self.n}"), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "family": [self.family],
            "parameters": [dict(self.parameters)],
            "log_likelihood": [self.log_likelihood],
            "aicc": [self.aicc],
            "anderson_darling": [self.anderson_darling],
            "pvalue": [self.pvalue],
            "adequate": [self.adequate],
            "reason": [self.reason],
        }
