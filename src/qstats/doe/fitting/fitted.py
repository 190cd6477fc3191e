"""What every way of fitting gives: estimates, and what their uncertainty follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note

__all__ = ["Fitted"]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Coefficients of a linear predictor with their covariance; the kernels' common answer.

    Parameters
    ----------
    coefficients : ndarray, shape (p,)
        On the scale of the link: eta = X b.
    covariance : ndarray, shape (p, p)
        Of the coefficients (adjusted where the method adjusts it).
    mean : ndarray, shape (n,)
        Fitted mean response of each run.
    residuals : ndarray, shape (n,)
        Response minus mean for least squares; deviance residuals for other distributions.
    leverage : ndarray, shape (n,)
        Diagonal of the hat matrix.
    sigma : float
        Standard deviation of one run about its mean on the scale of the link (of the logarithm for a lognormal
        response); square root of the dispersion for a gamma response; 1 for counts and proportions.
    df : float
        Degrees of freedom of `sigma`; infinite where the theory is asymptotic.
    log_likelihood : float
        At the estimates, with all constants, of the response as it was measured.
    parameters : int
        How many were estimated, those of variance included: what AICc counts.
    extra : mapping of str to float
        What the method estimates besides: ``theta`` of a negative binomial, ``whole_plot`` and ``residual`` variances.
    method, reference : str
    notes : tuple of Note
    """

    coefficients: FloatArray
    covariance: FloatArray
    mean: FloatArray
    residuals: FloatArray
    leverage: FloatArray
    sigma: float
    df: float
    log_likelihood: float
    parameters: int
    extra: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    reference: str = ""
    notes: tuple[Note, ...] = ()

    def contrast_df(self, contrasts: FloatArray) -> FloatArray:
        """Return the degrees of freedom of each of these combinations of coefficients, shape (m, p)."""
        return np.full(contrasts.shape[0], self.df)

    def standard_errors(self, contrasts: FloatArray) -> FloatArray:
        """Return the standard error of each of these combinations of coefficients, shape (m, p)."""
        variance = ((contrasts @ self.covariance) * contrasts).sum(axis=1)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))

    def wald(self, contrasts: FloatArray) -> tuple[float, float, float]:
        """Return F, its numerator and its denominator degrees of freedom for "all these combinations are zero"."""
        value = contrasts @ self.coefficients
        middle = contrasts @ self.covariance @ contrasts.T
        rank = int(np.linalg.matrix_rank(middle, hermitian=True))
        f = float(value @ np.linalg.pinv(middle, hermitian=True) @ value) / max(rank, 1)
        return f, float(rank), self.df
