"""The dispersion of negative binomial (NB2) counts by maximum likelihood, together with their coefficients."""

from __future__ import annotations

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.kernels.likelihoods import Response
from qstats.doe.fitting.kernels.scoring import Fit, bias_reduced, hat, maximum
from qstats.errors import NoConvergence

__all__ = ["joint_covariance", "negative_binomial"]

_GRID = np.linspace(np.log(1e-4), np.log(1e6), 60)  # of theta over the mean count
_ROUNDS, _PATIENT = 200, 15


def negative_binomial(q: FloatArray, response: Response, poisson: Fit, *, reduced: bool) -> tuple[Fit, Response] | None:
    """Return fit and response with the most likely theta, or None where Poisson counts are at least as likely.

    Coefficients given theta and theta given the means are found in turn: their expected information is orthogonal, so
    that a few rounds settle both.

    Parameters
    ----------
    q : ndarray, shape (n, p)
        Orthonormal columns.
    response : Response
        With alpha = 0.
    poisson : Fit
        Where to begin.
    reduced : bool
        Coefficients by the bias-reduced fit (the likelihood has no top).
    """
    log_theta = _on_grid(response, poisson.at.mean)
    if log_theta is None:
        return None
    fit, now = poisson, response
    for turn in range(_ROUNDS):
        now = response._replace(alpha=float(np.exp(-log_theta)))
        new = bias_reduced(q, now) if reduced else maximum(q, now, b=fit.b)
        if new is None:  # pragma: no cover - the caller has looked
            return None
        better = _newton_theta(response.y, new.at.mean, log_theta)
        change, moved = abs(better - log_theta), float(np.abs(new.eta - fit.eta).max())
        fit, log_theta = new, better
        if log_theta > _GRID[-1] + np.log(response.y.mean()):
            return None
        # a large theta hardly shows in the likelihood: its last digits are rounding, which the coefficients do not feel
        if moved < 1e-9 and change < (1e-9 if turn < _PATIENT else 1e-4):
            break
    else:
        raise NoConvergence("y: theta of the negative binomial did not settle; fit distribution='poisson' and compare")
    if now.log_likelihood(fit.at) <= response.log_likelihood(poisson.at) + 1e-9:
        return None
    return fit, now


def _profile(y: FloatArray, mean: FloatArray, log_theta: FloatArray) -> FloatArray:
    """Log likelihood of several theta, less what does not depend on it."""
    theta = np.exp(log_theta)[:, None]
    gammaln = scipy.special.gammaln
    each = gammaln(y + theta) - gammaln(theta) - y * np.log(theta) - (y + theta) * np.log1p(mean / theta)
    return np.asarray(each.sum(axis=1), dtype=np.float64)


def _on_grid(response: Response, mean: FloatArray) -> float | None:
    """Return a rough log theta, None where none is better than an infinite one."""
    grid = _GRID + np.log(response.y.mean())
    best = int(np.argmax(_profile(response.y, mean, grid)))
    return None if best == grid.size - 1 else float(grid[best])


def _slopes(y: FloatArray, mean: FloatArray, log_theta: float) -> tuple[float, float]:
    """First and second derivative of the log likelihood in log theta."""
    theta = float(np.exp(log_theta))
    digamma, polygamma = scipy.special.digamma, scipy.special.polygamma
    first = digamma(y + theta) - digamma(theta) - np.log1p(mean / theta) + (mean - y) / (theta + mean)
    second = polygamma(1, y + theta) - polygamma(1, theta) + 1.0 / theta - 2.0 / (theta + mean)
    second = second + (y + theta) / (theta + mean) ** 2
    one = theta * float(first.sum())
    return one, one + theta**2 * float(second.sum())


def _newton_theta(y: FloatArray, mean: FloatArray, log_theta: float) -> float:
    """Return the local maximum near this log theta."""
    for _ in range(50):
        first, second = _slopes(y, mean, log_theta)
        step = -first / second if second < 0.0 else np.sign(first) * 0.5
        log_theta += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-11 or log_theta > 40.0:
            break
    return log_theta


def joint_covariance(q: FloatArray, response: Response, fit: Fit) -> FloatArray:
    """Return the covariance of the coefficients, theta's uncertainty in it, shape (p, p), in the basis q.

    The inverse of the observed information of coefficients and log theta together; the expected one where the
    observed is not positive definite.
    """
    theta, y, mean = 1.0 / response.alpha, response.y, fit.at.mean
    cross = -(q * (theta * (y - mean) * mean / (theta + mean) ** 2)[:, None]).sum(axis=0)
    _, second = _slopes(y, mean, float(np.log(theta)))
    p = q.shape[1]
    information = np.empty((p + 1, p + 1))
    information[:p, :p] = (q * response.curvature(fit.at)[:, None]).T @ q
    information[:p, p] = information[p, :p] = cross
    information[p, p] = -second
    if float(np.linalg.eigvalsh(information)[0]) <= 0.0:
        return hat(q, fit.at.weight)[0]
    return np.asarray(np.linalg.inv(information)[:p, :p], dtype=np.float64)
