"""Mean and variance fitted together: log-linear variances by residual maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.errors import DesignError, NoConvergence, TooFewData

__all__ = ["Joint", "fit_joint", "null_ratios"]

_STEPS = 200
_CLOSE = 1e-16  # of the expected gain of a step, for each run
_FAR = 60.0  # a logarithm of variance this far from the others': the model fits some runs exactly


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Models of mean and log variance.

    Parameters
    ----------
    mean : ndarray, shape (p,)
        Coefficients of x.
    mean_covariance : ndarray, shape (p, p)
    dispersion : ndarray, shape (q,)
        Coefficients of z: ln variance = z g.
    dispersion_covariance : ndarray, shape (q, q)
        Inverse of the expected information.
    log_likelihood : float
        Restricted, with constants.
    """

    mean: FloatArray
    mean_covariance: FloatArray
    dispersion: FloatArray
    dispersion_covariance: FloatArray
    log_likelihood: float


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    g: FloatArray
    b: FloatArray
    inverse: FloatArray
    hat: FloatArray
    left: FloatArray
    value: float


def fit_joint(x: FloatArray, z: FloatArray, y: FloatArray) -> Joint:
    r"""Fit the mean x b and the variance exp(z g) by restricted maximum likelihood.

    The score is that of a gamma regression with log link of :math:`e_i^2/(1 - h_i)` with weights :math:`1 - h_i`,
    where e and h are residuals and leverages of the weighted fit of the mean; steps are Newton's
    (Fisher's far from the summit), halved where they overshoot.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    z : ndarray, shape (n, q)
        With a column of ones.
    y : ndarray, shape (n,)

    Raises
    ------
    TooFewData, DesignError, NoConvergence
    """
    n, p = x.shape
    q = z.shape[1]
    if n < p + q:
        raise TooFewData(f"response: {n} results for {p} coefficients of the mean and {q} of the variance; drop terms")
    for name, a in (("model", x), ("dispersion", z)):
        if np.linalg.matrix_rank(a) < a.shape[1]:
            raise DesignError(f"{name}: its {a.shape[1]} columns cannot be told apart in these runs; fewer terms")
    level = float(y.mean())
    centred = y - level
    size = float(np.sqrt(centred @ centred / n))
    residual = centred - x @ np.linalg.lstsq(x, centred, rcond=None)[0]
    if not size > 0.0 or float(np.abs(residual).max()) <= 1e-12 * size:
        raise DesignError("response: the model of the mean fits every run exactly; no variance is left")
    unit = centred / size  # the fit does not know the unit: ln variance is shifted back at the end
    one = np.linalg.lstsq(z, np.ones(n), rcond=None)[0]
    start = np.log(float(residual @ residual) / size**2 / (n - p)) * one
    state = _climb(x, z, unit, _state(x, z, unit, start))
    shift = np.linalg.lstsq(x, np.ones(n), rcond=None)[0] * level
    if level and float(np.abs(x @ shift - level).max()) > 1e-9 * abs(level):
        raise DesignError("model: it has no constant; the joint fit wants one")
    return Joint(
        state.b * size + shift, state.inverse * size**2, state.g + 2.0 * np.log(size) * one,
        np.asarray(np.linalg.inv(_information(z, state.hat)), dtype=np.float64),
        state.value - (n - p) * (0.5 * float(np.log(2.0 * np.pi)) + float(np.log(size))),
    )  # fmt: skip


def _state(x: FloatArray, z: FloatArray, y: FloatArray, g: FloatArray) -> _State:
    """Fit the mean at these variances."""
    log_variance = z @ g
    root = np.exp(-0.5 * log_variance)
    q, r = np.linalg.qr(x * root[:, None])
    upper = np.linalg.solve(r, np.eye(x.shape[1]))
    scaled = y * root
    left = scaled - q @ (q.T @ scaled)
    logdet = 2.0 * float(np.log(np.abs(np.diag(r))).sum())
    value = -0.5 * (float(log_variance.sum()) + logdet + float(left @ left))
    return _State(g, upper @ (q.T @ scaled), upper @ upper.T, q @ q.T, left, value)


def _information(z: FloatArray, hat: FloatArray) -> FloatArray:
    """Expected restricted information of g."""
    return np.asarray(0.5 * z.T @ (np.diag(1.0 - 2.0 * np.diag(hat)) + hat**2) @ z)


def _curvature(z: FloatArray, state: _State) -> FloatArray:
    """Observed restricted information of g where it is positive definite, else the expected one."""
    expected = _information(z, state.hat)
    u = z * state.left[:, None]
    free = 1.0 - np.diag(state.hat)
    observed = u.T @ u - u.T @ state.hat @ u - expected + 0.5 * (z * (free - state.left**2)[:, None]).T @ z
    smallest = float(np.linalg.eigvalsh(observed)[0])
    return np.asarray(observed if smallest > 1e-3 * float(np.linalg.eigvalsh(expected)[0]) else expected)


def _climb(x: FloatArray, z: FloatArray, y: FloatArray, state: _State) -> _State:
    for _ in range(_STEPS):
        score = 0.5 * z.T @ (state.left**2 - (1.0 - np.diag(state.hat)))
        if np.linalg.matrix_rank(_information(z, state.hat), hermitian=True) < z.shape[1]:
            break
        information = _curvature(z, state)
        step = np.linalg.solve(information, score)
        gain = float(score @ step)
        if gain < _CLOSE * y.size:
            return state
        taken = 1.0
        while taken > 1e-8:
            new = _state(x, z, y, state.g + taken * step)
            if np.isfinite(new.value) and new.value >= state.value - 1e-12 * abs(state.value):
                break
            taken *= 0.5
        else:
            if gain < 1e-8 * y.size:  # at the summit but for rounding
                return state
            break
        state = new
        if float(np.ptp(z @ state.g)) > _FAR:
            break
    raise NoConvergence(
        "dispersion: the likelihood has no maximum: some variance runs to zero because the model fits a setting "
        "exactly; leave terms out of model or dispersion"
    )


def null_ratios(x: FloatArray, z: FloatArray, draws: int, seed: int) -> FloatArray:
    """Return coefficient over standard error of each column of z, shape (draws, q), of experiments of one variance.

    The mean and the one variance do not matter to them. Experiments without a maximum count as infinitely large.
    """
    rng = np.random.default_rng(seed)
    out = np.full((draws, z.shape[1]), np.inf)
    for i in range(draws):
        y: FloatArray = rng.standard_normal((x.shape[0],))
        try:
            fit = fit_joint(x, z, y)
        except NoConvergence:
            continue
        out[i] = fit.dispersion / np.sqrt(np.diag(fit.dispersion_covariance))
    return out
