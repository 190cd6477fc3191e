"""Runs that were stopped before the end: what they say is that the response is larger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.linear import LeastSquares, decompose
from qstats.doe.fitting.kernels.location_scale import LAWS, Law
from qstats.doe.fitting.kernels.runs import as_columns, as_response, constant_weights, out_of_basis
from qstats.doe.fitting.kernels.separation import escape
from qstats.errors import DataError, NoConvergence, TooFewData

__all__ = ["Lifetimes", "fit_censored"]

_STEPS, _HALVINGS = 200, 40
_STILL = 1e-11
_EXACT = 1e-9  # residual, relative to the spread of the response, of runs fitted without scatter


@dataclass(frozen=True, slots=True, eq=False)
class Lifetimes(LeastSquares):
    """A fit with the covariance of its scale, which quantiles other than the location want.

    Parameters
    ----------
    joint : ndarray, shape (p + 1, p + 1)
        Covariance of the coefficients and the scale.
    """

    joint: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    def quantile_errors(self, contrasts: FloatArray, score: float) -> FloatArray:
        """Return standard errors of ``x b + score * scale``, for each row x of shape (m, p)."""
        if not np.isfinite(self.joint).all():  # no degree of freedom is left
            return np.full(contrasts.shape[0], np.inf)
        rows = np.column_stack([contrasts, np.full(contrasts.shape[0], score)])
        return np.asarray(np.sqrt(np.maximum(((rows @ self.joint) * rows).sum(axis=1), 0.0)))


class _Top(NamedTuple):
    """Where the likelihood is largest, in Olsen's parameters (b / s, 1 / s): shape (p + 1,)."""

    at: FloatArray
    value: float
    residual: FloatArray
    second: FloatArray
    information: FloatArray


def fit_censored(x: Any, y: Any, censored: Any, *, distribution: str) -> Fitted:
    """Fit a model to runs some of which were stopped: there the response is only known to be above `y`.

    Use it for times with a cap (the run was stopped, nothing had failed) and for gauges that ran off their scale. Not
    for values that are merely missing, nor where *because* of a bad value a run was stopped.

    Parameters
    ----------
    x : array-like, shape (n, p)
        Model matrix, with its constant and block columns.
    y : array-like, shape (n,)
        Response, or where the run was stopped.
    censored : array-like of bool, shape (n,)
        Whether the run was stopped at `y`.
    distribution : {"normal", "lognormal", "weibull"}
        Of the response; the last two are fitted to its logarithm, ``log y = X b + s error``.

    Returns
    -------
    Fitted
        ``coefficients`` of the location (of log y for lognormal and Weibull responses: exp is the median of a
        lognormal and the characteristic life of a Weibull response); ``mean`` in the units of y; ``residuals`` are
        deviance residuals; ``leverage`` adds up to p. ``extra`` holds ``scale`` (the maximum likelihood s), ``shape``
        (1 / s) of a Weibull response, ``censored`` (how many) and ``inflation`` = n / (n - p).

    Raises
    ------
    DataError
        Every run was stopped; an estimate is infinite as no run at one of its settings was seen to the end; no
        scatter is left; impossible values.
    NoConvergence

    Notes
    -----
    Newton's method on the log likelihood, which is concave in Olsen's parameters (b / s, 1 / s) [1]_ for normal and
    for smallest-extreme-value errors. Its inverse observed information understates what few runs leave open: with
    nothing censored it lacks the factor n / (n - p) of least squares. The covariance therefore is that inverse times
    n / (n - p), with Student's t on n - p degrees of freedom, and ``sigma`` is s sqrt(n / (n - p)), for a Weibull
    response times pi / sqrt(6). With normal or lognormal responses and nothing censored this is exactly least squares;
    elsewhere it is an approximation: in simulations (5 coefficients in 16 runs, 7 in 32, up to half of them stopped)
    nominal 95 % intervals covered 94 to 96 %, without the factor and t 86 to 92 %. ``log_likelihood`` and
    ``extra["scale"]`` are at the maximum.

    References
    ----------
    .. [1] Olsen, R. J. (1978). Note on the uniqueness of the maximum likelihood estimator for the Tobit model.
           Econometrica 46, 1211-1215.
    .. [2] Lawless, J. F. (2003). Statistical Models and Methods for Lifetime Data, 2nd ed. Wiley, chapters 5 and 6.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats.doe.fitting.kernels.censored import fit_censored
    >>> x = np.column_stack([np.ones(8), np.repeat([-1.0, 1.0], 4)])
    >>> hours = [12, 17, 9, 14, 30, 22, 40, 40]
    >>> stopped = np.array(hours) == 40
    >>> fit = fit_censored(x, hours, stopped, distribution="lognormal")
    >>> np.exp(2 * fit.coefficients[1]).round(2)  # the high setting lasts so many times as long
    np.float64(2.8)
    """
    columns, basis = as_columns(x)
    law, logarithm = _law(distribution)
    response = as_response(y, columns.shape[0])
    stopped = _as_flags(censored, columns.shape[0])
    if logarithm and not bool((response > 0.0).all()):
        where = int(np.argmin(response))
        raise DataError(f"y: {response[where]} at position {where}; a {distribution} response is above zero")
    if bool(stopped.all()):
        raise DataError(
            f"censored: all {stopped.size} runs were stopped before the end; nothing was seen: raise the cap and run on"
        )
    variable = np.log(response) if logarithm else response
    ones = constant_weights(columns)
    level = float(variable.mean()) if ones is not None else 0.0
    unit = float(np.abs(variable - level).max()) or 1.0
    t = (variable - level) / unit
    _check_finite(basis.q, t, ~stopped)
    top = _climb(basis.q, t, ~stopped, law)
    own = float((-variable if logarithm else np.zeros(t.size))[~stopped].sum())
    log_likelihood = top.value - int((~stopped).sum()) * float(np.log(unit)) + own
    back = out_of_basis(basis) * unit
    shift = np.zeros(columns.shape[1]) if ones is None else level * ones
    return _assemble(basis.q, back, shift, columns, top, ~stopped, law, distribution, unit, log_likelihood)


def _law(distribution: Any) -> tuple[Law, bool]:
    if not isinstance(distribution, str) or distribution not in LAWS:
        raise DataError(f"distribution: got {distribution!r}; one of {', '.join(map(repr, LAWS))} is wanted")
    return LAWS[distribution], distribution != "normal"


def _as_flags(censored: Any, n: int) -> BoolArray:
    a = np.asarray(censored)
    if a.shape != (n,) or a.dtype.kind not in "biuf" or not bool(np.isin(a, (0, 1)).all()):
        raise DataError(f"censored: true or false for each of the {n} runs is wanted (true: it was stopped at y)")
    return a.astype(np.bool_)


def _check_finite(q: FloatArray, t: FloatArray, seen: BoolArray) -> None:
    """Raise where the likelihood has no top: an infinite coefficient, or no scatter at all."""
    rows = q[seen]
    d = decompose(rows)
    left = t[seen] - rows @ np.linalg.lstsq(rows, t[seen], rcond=None)[0]
    exact = float(np.abs(left).max()) <= _EXACT * max(float(np.abs(t).max()), 1e-300)
    if d.rank == q.shape[1] and not exact:
        return
    if escape(rows, q[:0], q[~seen]) is not None:
        raise DataError(
            "censored: at some setting every run was stopped, so an estimate is infinite: no run there tells how far "
            "beyond the cap it lies. Remedies: raise the cap and run on there, or drop the term"
        )
    if not exact:
        return
    # the scale goes to zero if one set of coefficients meets every seen run exactly and passes every stopped one
    both = np.column_stack([q, -t])
    if escape(both[seen], both[:0], _tie(both[~seen])) is not None:
        raise TooFewData(
            f"y: the {int(seen.sum())} runs seen to the end are met exactly, which leaves no scatter to estimate: "
            "drop terms, run more, or record more digits"
        )


def _tie(rows: FloatArray) -> FloatArray:
    """With the condition that the last parameter does not fall."""
    last = np.zeros((1, rows.shape[1]))
    last[0, -1] = 1.0
    return np.concatenate([rows, last])


def _climb(q: FloatArray, t: FloatArray, seen: BoolArray, law: Law) -> _Top:
    """Newton's method in Olsen's parameters on an orthonormal basis."""
    z = np.column_stack([-q, t])  # standardized residual = z (b / s, 1 / s)
    count = float(seen.sum())
    b = q.T @ t
    scale = float(np.sqrt(((t - q @ b) ** 2).mean())) + 1e-3
    at = np.append(b, 1.0) / scale
    now = _state(z, at, seen, law, count)
    for _ in range(_STEPS):
        gradient = z.T @ law.parts(now.residual, seen).first
        gradient[-1] += count / at[-1]
        step = np.linalg.solve(now.information, gradient)
        share = 1.0 if at[-1] + step[-1] > 0.0 else -0.9 * at[-1] / step[-1]
        for _ in range(_HALVINGS):
            new = _state(z, at + share * step, seen, law, count)
            if new.value >= now.value - 1e-12 * (1.0 + abs(now.value)):
                break
            share *= 0.5
        at, now = new.at, new
        if share * float(np.abs(z @ step).max()) < _STILL * (1.0 + float(np.abs(now.residual).max())):
            return now
    raise NoConvergence("y: the likelihood of the stopped runs did not settle; drop terms or look for outlying runs")


def _state(z: FloatArray, at: FloatArray, seen: BoolArray, law: Law, count: float) -> _Top:
    residual = z @ at
    parts = law.parts(residual, seen)
    information = (z * -parts.second[:, None]).T @ z
    information[-1, -1] += count / at[-1] ** 2
    return _Top(at, float(parts.value.sum()) + count * float(np.log(at[-1])), residual, parts.second, information)


def _assemble(
    q: FloatArray, back: FloatArray, shift: FloatArray, x: FloatArray, top: _Top, seen: BoolArray, law: Law,
    distribution: str, unit: float, log_likelihood: float,
) -> Fitted:  # fmt: skip
    p = q.shape[1]
    b, scale = top.at[:-1] / top.at[-1], 1.0 / float(top.at[-1])
    turn = np.eye(p + 1) * scale  # derivatives of (b, s) in Olsen's parameters
    turn[:, -1] = -np.append(b, scale) * scale
    covariance = turn @ np.linalg.inv(top.information) @ turn.T
    df = float(seen.size - p)
    inflation = seen.size / df if df else np.inf
    coefficients = back @ b + shift
    location = x @ coefficients
    s = scale * unit
    half = q * np.sqrt(-top.second)[:, None]
    leverage = np.einsum("ij,jk,ik->i", half, np.linalg.pinv(half.T @ half, hermitian=True), half)
    extra = {"scale": s, "censored": float((~seen).sum()), "inflation": inflation}
    if distribution == "weibull":
        extra["shape"] = 1.0 / s
    turn_back = np.zeros((p + 1, p + 1))
    turn_back[:p, :p], turn_back[p, p] = back, unit
    joint = turn_back @ covariance @ turn_back.T
    known = joint[:p, :p]
    return Lifetimes(
        coefficients, known * inflation if df > 0.0 else np.diag(np.full(p, np.inf)),
        law.mean(location, _mean_scale(s, inflation, distribution), logarithm=distribution != "normal"),
        law.deviance_residuals(top.residual, seen),
        np.clip(leverage, 0.0, 1.0), s * law.spread * float(np.sqrt(inflation)), df, log_likelihood, p + 1,
        extra, f"{distribution} regression with {int((~seen).sum())} of {seen.size} runs censored, maximum likelihood",
        "Lawless (2003), Statistical Models and Methods for Lifetime Data, 2nd ed., chapters 5 and 6",
        _few(df), known / (s * law.spread) ** 2, joint * inflation if df > 0.0 else np.diag(np.full(p + 1, np.inf)),
    )  # fmt: skip


def _mean_scale(s: float, inflation: float, distribution: str) -> float:
    """Return the scale a mean is computed with: as least squares of the logarithm has it, for a lognormal response."""
    return s * float(np.sqrt(inflation)) if distribution == "lognormal" and np.isfinite(inflation) else s


def _few(df: float) -> tuple[Note, ...]:
    if df > 0.0:
        return ()
    text = "as many coefficients as runs: standard errors are infinite; drop terms or run more"
    return (Note("saturated", "warning", text),)
