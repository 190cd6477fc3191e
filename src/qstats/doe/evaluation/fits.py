"""Likelihood fits of many simulated responses on one model matrix at once."""

from __future__ import annotations

import numpy as np
import scipy

from qstats._core.arrays import BoolArray, FloatArray

__all__ = ["binomial_deviance", "censored_loglik", "f_ratio", "poisson_deviance"]

_STEPS = 40
_FARTHEST = 30.0  # of a linear predictor: separated data drive it on for ever, the deviance has long settled
_CLOSE = 1e-9
_CELLS = 2_000_000


def f_ratio(y: FloatArray, x: FloatArray, less: FloatArray) -> FloatArray:
    """Return F statistics of the columns that `less` lacks: y of shape (r, n)."""
    full, some = _residual(y, x), _residual(y, less)
    df, df_error = x.shape[1] - less.shape[1], x.shape[0] - x.shape[1]
    return np.asarray(((some - full) / df) / (full / df_error), dtype=np.float64)


def _residual(y: FloatArray, x: FloatArray) -> FloatArray:
    q, _ = np.linalg.qr(x)
    return np.asarray(((y - (y @ q) @ q.T) ** 2).sum(axis=1), dtype=np.float64)


def poisson_deviance(y: FloatArray, x: FloatArray, size: FloatArray) -> FloatArray:
    """Return -2 log likelihood (less a constant) of counts y of shape (r, n) with rates exp(X b) size."""

    def parts(eta: FloatArray, some: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        mean = size * np.exp(eta)
        return 2.0 * (mean - some * eta).sum(axis=1), some - mean, mean

    return _scoring(y, x, np.log((y.mean(axis=1) + 0.1) / size.mean()), parts)


def binomial_deviance(y: FloatArray, x: FloatArray, size: FloatArray) -> FloatArray:
    """Return -2 log likelihood (less a constant) of y of shape (r, n) successes of `size` with logit X b."""

    def parts(eta: FloatArray, some: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        p = scipy.special.expit(eta)
        return 2.0 * (size * np.logaddexp(0.0, eta) - some * eta).sum(axis=1), some - size * p, size * p * (1.0 - p)

    share = (y.sum(axis=1) + 0.5) / (size.sum() + 1.0)
    return _scoring(y, x, np.log(share / (1.0 - share)), parts)


def _scoring(y: FloatArray, x: FloatArray, start: FloatArray, parts: object) -> FloatArray:
    """Fisher scoring with halved steps; every simulation goes on until its deviance has settled."""
    take = parts
    assert callable(take)
    chunk = max(1, _CELLS // (x.shape[0] + x.shape[1] ** 2))
    done = [
        _score_chunk(y[a : a + chunk], x, start[a : a + chunk], take) for a in range(0, y.shape[0], chunk)
    ]  # fmt: skip
    return np.concatenate(done)


def _score_chunk(y: FloatArray, x: FloatArray, start: FloatArray, take: object) -> FloatArray:
    assert callable(take)
    p = x.shape[1]
    squares = (x[:, :, None] * x[:, None, :]).reshape(x.shape[0], p * p)
    beta, *_ = np.linalg.lstsq(x, np.broadcast_to(start, (x.shape[0], y.shape[0])), rcond=None)
    beta = beta.T.copy()
    eta = np.clip(beta @ x.T, -_FARTHEST, _FARTHEST)
    deviance, slope, weight = take(eta, y)
    going = np.arange(y.shape[0])
    for _ in range(_STEPS):
        info = (weight[going] @ squares).reshape(-1, p, p)
        info += 1e-10 * np.trace(info, axis1=1, axis2=2)[:, None, None] * np.eye(p) + 1e-12 * np.eye(p)
        step = np.linalg.solve(info, (slope[going] @ x)[..., None])[..., 0]
        scale = np.ones(going.size)
        old = deviance[going].copy()
        for _ in range(12):
            trial = beta[going] + scale[:, None] * step
            eta = np.clip(trial @ x.T, -_FARTHEST, _FARTHEST)
            new = take(eta, y[going])
            worse = ~(new[0] <= old + 1e-9 * (1.0 + np.abs(old)))
            if not worse.any():
                break
            scale = np.where(worse, 0.5 * scale, scale)
        better = ~worse
        at = going[better]
        beta[at], deviance[at], slope[at], weight[at] = trial[better], new[0][better], new[1][better], new[2][better]
        going = at[old[better] - deviance[at] > _CLOSE * (1.0 + np.abs(deviance[at]))]
        if not going.size:
            break
    return np.asarray(deviance, dtype=np.float64)


def censored_loglik(y: FloatArray, seen: BoolArray, x: FloatArray) -> FloatArray:
    """Return the largest log likelihood of y ~ normal(X b, s), where not `seen` the value is only known to be larger.

    In Olsen's parameters (b / s, 1 / s) the log likelihood is concave: Newton's method finds its top.
    """
    chunk = max(1, _CELLS // (x.shape[0] * (x.shape[1] + 1) ** 2))
    done = [
        _newton_chunk(y[a : a + chunk], seen[a : a + chunk], x) for a in range(0, y.shape[0], chunk)
    ]  # fmt: skip
    return np.concatenate(done)


def _newton_chunk(y: FloatArray, seen: BoolArray, x: FloatArray) -> FloatArray:
    r = y.shape[0]
    z = np.concatenate([np.broadcast_to(-x, (r, *x.shape)), y[..., None]], axis=2)  # residual = z . (b / s, 1 / s)
    fit, *_ = np.linalg.lstsq(x, y.T, rcond=None)
    spread = np.sqrt(((y - fit.T @ x.T) ** 2).mean(axis=1)) + 1e-3
    at = np.concatenate([fit.T, np.ones((r, 1))], axis=1) / spread[:, None]
    value, first, second = _olsen(at, z, seen)
    for _ in range(_STEPS):
        hessian = (z * second[..., None]).swapaxes(1, 2) @ z
        count = seen.sum(axis=1)
        hessian[:, -1, -1] -= count / at[:, -1] ** 2
        gradient = (z * first[..., None]).sum(axis=1)
        gradient[:, -1] += count / at[:, -1]
        size = np.trace(hessian, axis1=1, axis2=2)[:, None, None]
        step = np.linalg.solve(1e-11 * size * np.eye(z.shape[2]) + hessian, -gradient[..., None])[..., 0]
        scale = np.ones(r)
        for _ in range(25):
            trial = at + scale[:, None] * step
            sound = trial[:, -1] > 0.0
            trial[~sound] = at[~sound]
            new = _olsen(trial, z, seen)
            good = sound & (new[0] >= value - 1e-9 * (1.0 + np.abs(value)))
            if good.all():
                break
            scale = np.where(good, scale, 0.5 * scale)
        gain = np.where(good, new[0] - value, 0.0)
        at = np.where(good[:, None], trial, at)
        value = np.where(good, new[0], value)
        first, second = np.where(good[:, None], new[1], first), np.where(good[:, None], new[2], second)
        if float(np.abs(gain).max()) < 1e-8:
            break
    return np.asarray(value, dtype=np.float64)


def _olsen(at: FloatArray, z: FloatArray, seen: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log likelihood, and its first and second derivative in every residual."""
    res = (z @ at[..., None])[..., 0]
    tail = scipy.special.log_ndtr(-res)
    hazard = np.exp(-0.5 * res**2 - 0.5 * np.log(2.0 * np.pi) - tail)
    count = seen.sum(axis=1)
    own = np.where(seen, -0.5 * res**2 - 0.5 * np.log(2.0 * np.pi), tail).sum(axis=1)
    value = own + count * np.log(at[:, -1])
    return value, np.where(seen, -res, -hazard), np.where(seen, -1.0, -hazard * (hazard - res))
