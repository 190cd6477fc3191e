"""Maximum likelihood of one linear predictor by Newton's method, and Firth's bias-reduced fit where there is none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.fitting.kernels.likelihoods import Moments, Response
from qstats.doe.fitting.kernels.separation import escape
from qstats.errors import NoConvergence

__all__ = ["Fit", "bias_reduced", "hat", "maximum", "supremum"]

_FIRST, _MOST = 30, 300
_HALVINGS = 30
_STILL = 1e-10  # change of every linear predictor
_EDGE = 1e-5  # a run at the edge fitted this closely may be on its way to infinity: look
_LEAP = 3.0
_NOT_SETTLED = "y: the bias-reduced fit did not settle; drop terms or collect more data"
_LONGEST, _LATE = 3000, 1e-5  # a bias-reduced fit of hardly any events creeps; its standard errors are above one


class Fit(NamedTuple):
    """Coefficients in an orthonormal basis, and what they give.

    Parameters
    ----------
    b : ndarray, shape (p,)
    eta : ndarray, shape (n,)
    at : Moments
    converged : bool
    """

    b: FloatArray
    eta: FloatArray
    at: Moments
    converged: bool


def maximum(q: FloatArray, response: Response, *, b: FloatArray | None = None) -> Fit | None:
    """Return the fit of most likelihood on orthonormal columns q, shape (n, p); None where it lies at infinity."""
    found = _newton(q, response, q.T @ response.start() if b is None else b, _FIRST)
    if found.converged and not _suspect(response, found.at):
        return found
    low, high = response.edges
    if escape(q[~(low | high)], q[low], q[high]) is not None:
        return None
    if not found.converged:
        found = _newton(q, response, found.b, _MOST)
    if not found.converged:
        raise NoConvergence(
            f"y: the {response.distribution} likelihood did not settle; some means are near zero or its bound: "
            "drop terms, or look for outlying runs"
        )
    return found


def _suspect(response: Response, at: Moments) -> bool:
    low, high = response.edges
    near = (low & (at.mean < _EDGE * response.size)) | (high & (at.rest < _EDGE * response.size))
    if response.distribution != "binomial":
        near = low & (at.mean < _EDGE)
    return bool(near.any())


def _newton(q: FloatArray, response: Response, b: FloatArray, most: int) -> Fit:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        eta = q @ b
        at = response.moments(eta)
        value = float(response.deviance(at).sum())
        for _ in range(most):
            score = q.T @ ((response.y - at.mean) * at.slope / at.variance)
            step = _solve((q * response.curvature(at)[:, None]).T @ q, score)
            move = q @ step
            trial, new, accepted = _descend(response, eta, move, value)
            if not accepted:  # no digits left to gain, or none to be had
                return Fit(b, eta, at, bool(np.abs(move).max() < 1e-6))
            b, at = b + accepted * step, trial
            eta, value = eta + accepted * move, new
            if accepted * float(np.abs(move).max()) < _STILL * (1.0 + float(np.abs(eta).max())):
                return Fit(b, eta, at, True)
    return Fit(b, eta, at, False)


def _descend(
    response: Response, eta: FloatArray, move: FloatArray, value: float
) -> tuple[Moments, float, float]:  # fmt: skip
    """Halve the step until the deviance does not rise: moments there, deviance, share of the step (0: none)."""
    share = 1.0
    trial, new = None, np.inf
    for _ in range(_HALVINGS):
        trial = response.moments(eta + share * move)
        new = float(response.deviance(trial).sum())
        if new <= value + 1e-12 * (1.0 + abs(value)):
            return trial, new, share
        share *= 0.5
    assert trial is not None
    return trial, new, 0.0


def _solve(information: FloatArray, score: FloatArray) -> FloatArray:
    """Newton's step; a little damping where the information is all but gone."""
    size = float(np.trace(information))
    try:
        step = np.linalg.solve(information, score)
    except np.linalg.LinAlgError:
        step = np.full(score.size, np.nan)
    if not np.isfinite(step).all():
        step = np.linalg.solve(information + (1e-10 * size + 1e-290) * np.eye(score.size), score)
    return np.asarray(step, dtype=np.float64)


def hat(q: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the inverse information in the basis q, shape (p, p), and the leverage of each run, shape (n,)."""
    part = q * np.sqrt(weight)[:, None]
    inverse = np.asarray(np.linalg.inv(part.T @ part), dtype=np.float64)
    leverage = np.clip(np.einsum("ij,jk,ik->i", part, inverse, part), 0.0, 1.0)
    return inverse, np.asarray(leverage, dtype=np.float64)


def supremum(q: FloatArray, response: Response) -> float:
    """Return what the log likelihood rises to where its top lies at infinity (to about 1e-10)."""
    return response.log_likelihood(_newton(q, response, q.T @ response.start(), _FIRST).at)


def bias_reduced(q: FloatArray, response: Response) -> Fit:
    """Return the fit whose score is corrected for the first-order bias; finite where maximum likelihood is not.

    For the logit and log links it maximizes the likelihood times Jeffreys' prior [1]_; the score is corrected as in
    [2]_ for the other links.

    References
    ----------
    .. [1] Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38.
    .. [2] Kosmidis, I. and Firth, D. (2009). Bias reduction in exponential family nonlinear models. Biometrika 96,
           793-804.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            return _reduce(q, response, q.T @ response.start())
        except np.linalg.LinAlgError:  # strongly clustered counts: the corrected score may have no zero
            raise NoConvergence(_NOT_SETTLED) from None


def _reduce(q: FloatArray, response: Response, b: FloatArray) -> Fit:
    """Scoring for the corrected score; steps that do not improve are halved."""
    now = _corrected(q, response, b)
    for turn in range(_MOST if response.alpha > 0.0 else _LONGEST):
        step, norm = now[1], now[2]
        share = min(1.0, _LEAP / max(float(np.abs(q @ step).max()), 1e-300))
        for _ in range(_HALVINGS):
            new = _corrected(q, response, b + share * step)
            if new[2] <= norm + 1e-12 * abs(norm) + 1e-24:
                break
            share *= 0.5
        else:  # neither a likelihood nor the length of the score guides any more: half a step settles most
            share = min(0.5, _LEAP / max(float(np.abs(q @ step).max()), 1e-300))
            new = _corrected(q, response, b + share * step)
        b, now = b + share * step, new
        if share * float(np.abs(q @ step).max()) < (_STILL * 10.0 if turn < _MOST else _LATE):
            return Fit(b, q @ b, now[0], True)
    raise NoConvergence(_NOT_SETTLED)


def _corrected(q: FloatArray, response: Response, b: FloatArray) -> tuple[Moments, FloatArray, float]:
    """Moments, the scoring step for the corrected score, and what is to fall: minus the penalized log likelihood.

    Where the corrected score is no derivative of one, the length of the score.
    """
    at = response.moments(q @ b)
    inverse, leverage = hat(q, np.maximum(at.weight, 1e-290))
    raw = (response.y - at.mean) * at.slope / at.variance
    score = q.T @ (raw + 0.5 * leverage * at.curve / np.maximum(at.slope, 1e-290))
    step = inverse @ score
    if response.alpha > 0.0 or response.link.name not in ("log", "logit"):
        return at, step, float(score @ step)
    penalized = 0.5 * float(response.deviance(at).sum()) + 0.5 * float(np.linalg.slogdet(inverse)[1])
    return at, step, penalized
