"""From a problem to the kernel that fits it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.linear import LeastSquares, fit_linear
from qstats.doe.fitting.problem import Problem

__all__ = ["DISTRIBUTIONS", "LINKS", "fit_kernel", "fit_least_squares", "likelihood_of"]

LINKS = {
    "normal": "identity",
    "lognormal": "log",
    "poisson": "log",
    "negative binomial": "log",
    "binomial": "logit",
    "gamma": "log",
    "weibull": "log",
}
DISTRIBUTIONS = tuple(LINKS)


def fit_kernel(p: Problem, x: FloatArray) -> Fitted:
    """Return the fit of these columns to the problem's response."""
    if p.least_squares:
        return fit_least_squares(p, x)
    if p.plot is not None:
        return _split_plot(p, x, p.plot)
    if p.censored is not None or p.distribution == "weibull":
        from qstats.doe.fitting.kernels.censored import fit_censored

        stopped = np.zeros(p.y.size, dtype=np.bool_) if p.censored is None else p.censored
        return fit_censored(x, p.y, stopped, distribution=p.distribution)
    from qstats.doe.fitting.kernels.families import fit_glm

    return fit_glm(x, p.y, distribution=p.distribution, size=p.size)


def likelihood_of(fitted: Fitted) -> float:
    """Return the log-likelihood to compare models by: where estimates are infinite, what it rises to on the way."""
    return float(fitted.extra.get("supremum", fitted.log_likelihood))


def fit_least_squares(p: Problem, x: FloatArray) -> LeastSquares:
    """Return the fit by least squares of the response or, lognormal, its logarithm."""
    fitted = fit_linear(x, p.scaled)
    if p.distribution == "normal":
        return fitted
    return replace(
        fitted,
        mean=_lognormal_mean(fitted.mean, fitted.sigma),
        log_likelihood=fitted.log_likelihood - float(p.scaled.sum()),
        method="least squares of the logarithm",
    )


def _split_plot(p: Problem, x: FloatArray, plot: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Fitted:
    from qstats.doe.fitting.split_plots.mixed import fit_split_plot

    fitted = fit_split_plot(x, p.scaled, plot, df_method=p.df_method)
    if p.distribution == "normal":
        return fitted
    return replace(
        fitted,
        mean=_lognormal_mean(fitted.mean, fitted.sigma),
        log_likelihood=fitted.log_likelihood - float(p.scaled.sum()),
        method=f"{fitted.method}, of the logarithm",
    )


def _lognormal_mean(eta: FloatArray, sigma: float) -> FloatArray:
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(eta + 0.5 * sigma**2))
