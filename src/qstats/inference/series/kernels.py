"""Short series before and after a change: regression with autocorrelation integrated out, many at once.

Arrays carry a leading axis of m series that share one design, so that a simulation of thousands is one call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.quantiles import t_sf
from qstats.inference.roots import bracketed

__all__ = [
    "RHO",
    "Contrast",
    "Fitted",
    "Mixture",
    "cosine_contrast",
    "fit_means",
    "fit_poisson",
    "fit_proportion",
    "fit_share",
    "mixture_cdf",
    "mixture_quantile",
    "nugget_mixture",
]

RHO: FloatArray = np.linspace(0.0, 0.95, 20)  # correlation from one period to the next of what is not Poisson
_STEP = 1.5  # longest step on the log scale
_LEAST = 0.02  # excess scatter a series is taken to have at least, so that every weight exists
_ROUNDS = 100
_NOTHING = 1e-300  # residual sum of squares of a perfect fit: its logarithm must exist
_ALMOST = -1e-6  # log of the largest share a model may ask for


class Fitted(NamedTuple):
    """Regressions of counts: coefficients (m, p), means (m, T), weighted design (m, T, p), Pearson residuals (m, T)."""

    beta: FloatArray
    mean: FloatArray
    design: FloatArray
    residual: FloatArray
    phi: FloatArray
    settled: npt.NDArray[np.bool_]


class Mixture(NamedTuple):
    """Estimate and standard error of a contrast at each correlation, with their weights; shape (m, len(RHO))."""

    estimate: FloatArray
    se: FloatArray
    weight: FloatArray
    noise: FloatArray
    df: int


class Contrast(NamedTuple):
    """Estimate, standard error and degrees of freedom of a contrast, shape (m,)."""

    estimate: FloatArray
    se: FloatArray
    df: int


Moments = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]]  # mean, its slope in eta, variance


def fit_poisson(y: FloatArray, log_exposure: FloatArray, x: FloatArray) -> Fitted:
    """Maximise the Poisson likelihood with log link by Newton steps cut at 1.5.

    Parameters
    ----------
    y : ndarray, shape (m, T)
        Counts.
    log_exposure : ndarray, shape (T,)
    x : ndarray, shape (T, p)
        Of full rank.
    """

    def moments(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        mean = np.exp(eta + log_exposure)
        return mean, mean, mean

    return _fit(y, np.log(y + 0.5) - log_exposure, x, moments)


def fit_proportion(y: FloatArray, size: FloatArray, x: FloatArray) -> Fitted:
    """Maximise the binomial likelihood with log link, so that coefficients are ratios of shares.

    Parameters
    ----------
    y : ndarray, shape (m, T)
    size : ndarray, shape (T,)
        Cases, at least the count of each.
    x : ndarray, shape (T, p)
    """

    def moments(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        share = np.exp(np.minimum(eta, _ALMOST))
        mean = size * share
        return mean, mean, mean * (1.0 - share)

    return _fit(y, np.log((y + 0.5) / (size + 1.0)), x, moments)


def fit_share(y: FloatArray, total: FloatArray, log_odds: FloatArray, x: FloatArray) -> Fitted:
    """Maximise the likelihood of the target's share of both counts, which a common cause leaves as it is.

    Parameters
    ----------
    y, total : ndarray, shape (m, T)
        Counts of the target, and of target and control together.
    log_odds : ndarray, shape (T,)
        Log of target's over control's exposure.
    x : ndarray, shape (T, p)
    """

    def moments(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        p = scipy.special.expit(eta + log_odds)
        variance = np.maximum(total * p * scipy.special.expit(-eta - log_odds), 1e-12)
        return total * p, variance, variance

    return _fit(y, np.log((y + 0.5) / (total - y + 0.5)) - log_odds, x, moments)


def fit_means(y: FloatArray, se: FloatArray, x: FloatArray) -> Fitted:
    """Weighted least squares of means whose sampling error is known: the part of their noise that cannot persist.

    Parameters
    ----------
    y : ndarray, shape (m, T)
        Means of the periods.
    se : ndarray, shape (m, T) or (T,)
        Their standard errors.
    x : ndarray, shape (T, p)
    """

    def moments(eta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        return eta, np.ones_like(eta), np.broadcast_to(se**2, eta.shape)

    return _fit(y, y, x, moments, longest=np.inf)


def _solved(information: FloatArray, score: FloatArray) -> FloatArray:
    """Return the Newton step, NaN for a series whose information is singular: it cannot settle."""
    try:
        return np.asarray(np.linalg.solve(information, score[..., None])[..., 0])
    except np.linalg.LinAlgError:
        with np.errstate(all="ignore"):
            fine = np.linalg.cond(information) < 1e14
        step = np.full_like(score, np.nan)
        step[fine] = np.linalg.solve(information[fine], score[fine][..., None])[..., 0]
        return step


def _fit(y: FloatArray, start: FloatArray, x: FloatArray, moments: Moments, longest: float = _STEP) -> Fitted:
    beta: FloatArray = np.asarray(np.linalg.lstsq(x, start.T, rcond=None)[0].T, dtype=np.float64)
    moving = np.ones(y.shape[0], dtype=np.bool_)
    for _ in range(_ROUNDS):
        mean, slope, variance = moments(beta @ x.T)
        weight = slope / variance
        information = (x.T * (slope * weight)[:, None, :]) @ x
        step = _solved(information, ((y - mean) * weight) @ x)
        size = np.abs(step).max(axis=1)
        beta = beta + step * np.minimum(1.0, longest / np.maximum(size, 1e-300))[:, None]
        moving = size > 1e-10 * (1.0 + np.abs(beta).max(axis=1))
        if not moving.any():
            break
    mean, slope, variance = moments(beta @ x.T)
    root = np.sqrt(variance)
    residual = (y - mean) / root
    phi = (residual**2).sum(axis=1) / (y.shape[1] - x.shape[1])
    return Fitted(beta, mean, (slope / root)[..., None] * x, residual, phi, ~moving)


def _prior() -> FloatArray:
    """Half at no correlation, half rising with it: persistence from month to month is common and hard to see."""
    weight = RHO / RHO.sum() * 0.5
    weight[0] = 0.5
    return np.asarray(weight)


def _turned(time: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues (R, T) and eigenvectors (R, T, T) of the first-order correlation matrices of all RHO."""
    gap = np.abs(np.subtract.outer(time, time))
    values, vectors = np.linalg.eigh(RHO[:, None, None] ** gap)
    return values, vectors


def _crossed(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the crossed products of columns, (m, T, p) by (m, T, q) to (m, p, q)."""
    return np.asarray(a.swapaxes(1, 2) @ b)


def nugget_mixture(f: Fitted, contrast: FloatArray, time: FloatArray | None = None) -> Mixture:
    r"""Return the contrast at each correlation with its posterior weight.

    `time` counts the periods, shape (T,), where some between them are left out.

    Pearson residuals are taken as Poisson noise of variance 1 plus an excess of variance :math:`\kappa` with
    correlation :math:`\rho^{|t-s|}`; for each :math:`\rho`, :math:`\kappa` follows from the residual sum of squares,
    the coefficients from one step of generalised least squares, and the weight from the restricted likelihood.
    """
    m, t = f.mean.shape
    nu = t - contrast.size
    inverse = np.linalg.inv(_crossed(f.design, f.design))
    values, vectors = _turned(np.arange(float(t)) if time is None else time)
    estimate, se, noise, log_weight = (np.empty((m, RHO.size)) for _ in range(4))
    for i, vector in enumerate(vectors):
        b, r = vector.T @ f.design, f.residual @ vector
        own = ((b @ inverse) * b).sum(axis=2)  # diagonal of the hat matrix, turned
        k = np.maximum((t - own @ values[i]) / nu, 0.05)
        kappa = np.maximum(f.phi - 1.0, _LEAST) / k
        share = kappa / (1.0 + kappa)
        w = 1.0 / ((1.0 - share)[:, None] + share[:, None] * values[i])
        weighed = b * w[..., None]
        gram = _crossed(weighed, b)
        cover = np.linalg.inv(gram)
        delta = (cover @ _crossed(weighed, r[..., None]))[..., 0]
        rest = (w * (r - (b @ delta[..., None])[..., 0]) ** 2).sum(axis=1)
        estimate[:, i] = (f.beta + delta) @ contrast
        scale = np.maximum(rest / nu, 1.0)
        se[:, i] = np.sqrt(scale * (cover @ contrast @ contrast))
        noise[:, i] = share
        determinant = np.linalg.slogdet(gram)[1]
        fit = 0.5 * nu * np.log(np.maximum(rest, _NOTHING))
        log_weight[:, i] = 0.5 * np.log(w).sum(axis=1) - 0.5 * determinant - fit
    log_weight += np.log(_prior())
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    return Mixture(estimate, se, weight / weight.sum(axis=1, keepdims=True), noise, nu)


def mixture_cdf(mix: Mixture, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the probability at or below `x` (m,), and above it, each without cancellation."""
    z = (x[:, None] - mix.estimate) / mix.se
    return (mix.weight * t_sf(-z, mix.df)).sum(axis=1), (mix.weight * t_sf(z, mix.df)).sum(axis=1)


def mixture_quantile(mix: Mixture, p: float) -> FloatArray:
    """Return the value with probability `p` below it, for each series."""
    if p in (0.0, 1.0):
        return np.full(mix.estimate.shape[0], -np.inf if p == 0.0 else np.inf)
    reach = float(scipy.special.stdtrit(mix.df, 1.0 - 0.25 * min(p, 1.0 - p))) * mix.se
    low, high = (mix.estimate - reach).min(axis=1), (mix.estimate + reach).max(axis=1)

    def falling(x: FloatArray, which: npt.NDArray[np.intp]) -> FloatArray:
        some = Mixture(mix.estimate[which], mix.se[which], mix.weight[which], mix.noise[which], mix.df)
        below, above = mixture_cdf(some, x)
        return p - below if p < 0.5 else above - (1.0 - p)

    return bracketed(falling, low, high)


def cosine_contrast(f: Fitted, contrast: FloatArray) -> Contrast:
    """Return the contrast with a long-run variance from a few slow cosines, clear of the regression.

    No model of the correlation: the variance of the residuals' slow movements is read off ``B = max(2, round(0.4
    T**(2/3)))`` cosines, projected off the design (which would otherwise have eaten part of them), and Student's t has
    B degrees of freedom. Less scatter than Poisson counts as Poisson.
    """
    t = f.mean.shape[1]
    count = max(2, round(0.4 * t ** (2.0 / 3.0)))
    times = (np.arange(t) + 0.5)[:, None]
    waves = np.sqrt(2.0 / t) * np.cos(np.pi * times * np.arange(1, count + 1) / t)
    inverse = np.linalg.inv(_crossed(f.design, f.design))
    fitted = f.design @ (inverse @ (f.design.swapaxes(1, 2) @ waves))
    basis = np.linalg.qr(waves - fitted)[0]
    variance = np.maximum((_crossed(basis, f.residual[..., None])[..., 0] ** 2).mean(axis=1), 1.0)
    se = np.sqrt(variance * (inverse @ contrast @ contrast))
    return Contrast(f.beta @ contrast, se, count)
