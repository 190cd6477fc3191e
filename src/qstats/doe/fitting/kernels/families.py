"""Counts, proportions and skewed positive responses: generalized linear models by maximum likelihood."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_counts, as_exposure
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_sf
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.likelihoods import Response, default_link, gamma_shape
from qstats.doe.fitting.kernels.linear import Decomposition, LeastSquares
from qstats.doe.fitting.kernels.links import LINKS
from qstats.doe.fitting.kernels.overdispersed import joint_covariance, negative_binomial
from qstats.doe.fitting.kernels.runs import as_columns, as_response, out_of_basis
from qstats.doe.fitting.kernels.scoring import Fit, bias_reduced, hat, maximum, supremum
from qstats.errors import DataError, NoConvergence

__all__ = ["DISTRIBUTIONS", "fit_glm"]

DISTRIBUTIONS = {
    "poisson": ("log",),
    "negative binomial": ("log",),
    "binomial": ("logit", "probit", "cloglog"),
    "gamma": ("log",),
}
_REFERENCE = "McCullagh & Nelder (1989), Generalized Linear Models, 2nd ed., chapters 2, 4, 6, 8 and 12"
_DOUBT = 0.05
_ENOUGH = 1.0  # expected events per run from which Pearson's statistic is near chi-square


def fit_glm(
    x: Any, y: Any, *, distribution: str, size: Any = None, link: str | None = None
) -> Fitted:  # fmt: skip
    """Fit counts, successes of trials or skewed positive values where least squares would be wrong.

    Use it for defects (Poisson; negative binomial where they cluster), pass or fail (binomial) and times or
    concentrations whose scatter grows with their mean (gamma). Not for the mean of many values: that is normal enough.

    Parameters
    ----------
    x : array-like, shape (n, p)
        Model matrix, with its constant and block columns.
    y : array-like, shape (n,)
        Events, successes (whole numbers of zero or more), or positive values.
    distribution : {"poisson", "negative binomial", "binomial", "gamma"}
    size : array-like, shape (n,), or float, optional
        Exposure of counts (above zero; 1 if left out), or trials of successes (1 if left out).
    link : {"log", "logit", "probit", "cloglog"}, optional
        The log, and for successes the logit, unless told otherwise; a binomial response takes the last three.

    Returns
    -------
    Fitted
        ``mean`` in the units of y (events, successes), ``residuals`` are deviance residuals, ``sigma`` is the root of
        the dispersion of a gamma response and 1 otherwise. ``extra`` holds ``deviance`` and ``pearson``, ``theta`` of
        a negative binomial (variance = mean + mean squared / theta), ``dispersion`` and ``shape`` of a gamma response,
        ``reduced`` (1 for Firth's fit, else 0) and then ``supremum``, the log likelihood that infinite estimates would
        have: likelihood ratios between models are to be formed with it.

    Raises
    ------
    DataError
        Impossible values, no event or no failure at all, unknown distribution or link.
    DesignError
        Terms that cannot be told apart.
    NoConvergence

    Notes
    -----
    Newton's method on an orthonormal basis, with halved steps. Standard errors from the expected information; of a
    negative binomial from the observed information of coefficients and theta together; of a gamma response times
    Pearson's dispersion, chi-square over n - p, with t on n - p degrees of freedom. Counts that scatter no more than
    Poisson's are given the Poisson fit, with a note. Where runs without an event (or without a failure) drive an
    estimate to infinity, which linear programming decides exactly, Firth's bias-reduced fit is given instead, with a
    note; its ``log_likelihood`` is the plain one at those estimates.

    References
    ----------
    .. [1] McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed. Chapman & Hall.
    .. [2] Firth, D. (1993). Bias reduction of maximum likelihood estimates. Biometrika 80, 27-38.

    Examples
    --------
    Twice the defects at the high setting, each seen on four boards:

    >>> import numpy as np
    >>> from qstats.doe.fitting.kernels.families import fit_glm
    >>> x = np.array([[1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [1.0, 1.0]])
    >>> fit = fit_glm(x, [9, 11, 19, 21], distribution="poisson", size=4)
    >>> np.exp(fit.coefficients).round(4)
    array([3.5355, 1.4142])
    >>> float(fit.standard_errors(np.eye(2))[1].round(4))
    0.1369
    """
    columns, basis = as_columns(x)
    response = _response(y, columns.shape[0], distribution, size, link)
    fit = maximum(basis.q, response)
    reduced = fit is None
    if fit is None:
        fit = bias_reduced(basis.q, response)
    notes = [_separated(response)] if reduced else []
    if distribution == "negative binomial":
        fit, response, more = _with_theta(basis, response, fit, reduced)
        notes += more
    return _assemble(basis, response, fit, reduced, notes)


def _with_theta(
    basis: Decomposition, response: Response, poisson: Fit, reduced: bool
) -> tuple[Fit, Response, list[Note]]:  # fmt: skip
    """Return the negative binomial fit, or the Poisson one with the reason."""
    try:
        both = negative_binomial(basis.q, response, poisson, reduced=reduced)
    except NoConvergence:
        if not reduced:
            raise
        return poisson, response, [_theta_unknown()]
    return (poisson, response, [_not_overdispersed()]) if both is None else (*both, [])


def _response(y: Any, n: int, distribution: str, size: Any, link: str | None) -> Response:
    if not isinstance(distribution, str) or distribution not in DISTRIBUTIONS:
        raise DataError(f"distribution: got {distribution!r}; one of {', '.join(map(repr, DISTRIBUTIONS))} is wanted")
    if link is not None and link not in DISTRIBUTIONS[distribution]:
        wanted = " or ".join(map(repr, DISTRIBUTIONS[distribution]))
        raise DataError(f"link: got {link!r}; a {distribution} response takes {wanted}")
    chosen = default_link(distribution) if link is None else LINKS[link]
    if distribution == "gamma":
        return Response(distribution, _positive(y, n, size), np.ones(n), chosen)
    counts = as_response(as_counts(y, "y"), n)
    units = np.ones(n) if size is None else np.array(as_exposure(size, "size", n))
    if distribution == "binomial":
        _check_trials(counts, units, size is None)
        if not counts.any() or bool((counts == units).all()):
            raise DataError(
                f"y: {'no' if not counts.any() else 'every'} trial was a success in all {n} runs; no effect can be "
                "seen: use more trials per run, or settings further apart"
            )
    elif not counts.any():
        raise DataError(f"y: no event in any of the {n} runs; no effect can be seen: watch longer (a larger exposure)")
    return Response("poisson" if distribution == "negative binomial" else distribution, counts, units, chosen)


def _positive(y: Any, n: int, size: Any) -> FloatArray:
    if size is not None:
        raise DataError("size: a gamma response has neither exposure nor trials; leave size out")
    a = as_response(y, n)
    if not bool((a > 0.0).all()):
        where = int(np.argmin(a))
        raise DataError(f"y: {a[where]} at position {where}; a gamma response is above zero")
    return a


def _check_trials(y: FloatArray, trials: FloatArray, unsaid: bool) -> None:
    if not bool((trials == np.floor(trials)).all()):
        raise DataError("size: trials are whole numbers of one or more")
    if (over := y > trials).any():
        where = int(np.argmax(over))
        more = "; give the trials of each run: size=" if unsaid else ""
        raise DataError(f"y: {y[where]:g} successes of {trials[where]:g} trials at position {where}{more}")


def _assemble(basis: Decomposition, response: Response, fit: Fit, reduced: bool, notes: list[Note]) -> Fitted:
    back = out_of_basis(basis)
    n, p = basis.q.shape
    pearson = float(((response.y - fit.at.mean) ** 2 / fit.at.variance).sum())
    each = response.deviance(fit.at)
    extra = {"deviance": float(each.sum()), "pearson": pearson, "reduced": float(reduced)}
    if reduced:
        extra["supremum"] = supremum(basis.q, response)
    residuals = np.sign(response.y - fit.at.mean) * np.sqrt(each)
    inverse, leverage = hat(basis.q, fit.at.weight)
    if response.distribution == "gamma":
        return _gamma(back, response, fit, inverse, leverage, residuals, extra)
    if response.alpha > 0.0:
        extra["theta"] = 1.0 / response.alpha
        inverse = inverse if reduced else joint_covariance(basis.q, response, fit)
    else:
        notes = [*notes, *_scatter(response, fit, pearson, n - p)]
    name = "negative binomial" if response.alpha > 0.0 else response.distribution
    how = "bias-reduced (Firth)" if reduced else "maximum likelihood"
    return Fitted(
        back @ fit.b, back @ inverse @ back.T, fit.at.mean, residuals, leverage, 1.0, np.inf,
        response.log_likelihood(fit.at), p + (response.alpha > 0.0), extra,
        f"{name} regression, {response.link.name} link, {how}", _REFERENCE, tuple(notes),
    )  # fmt: skip


def _gamma(
    back: FloatArray, response: Response, fit: Fit, inverse: FloatArray, leverage: FloatArray, residuals: FloatArray,
    extra: dict[str, float],
) -> Fitted:  # fmt: skip
    n, p = residuals.size, fit.b.size
    unscaled = back @ inverse @ back.T
    shape = gamma_shape(extra["deviance"], n)
    notes = []
    if n == p:
        notes.append(_saturated("the dispersion of a gamma response, and with it every standard error, is unknown"))
    dispersion = extra["pearson"] / (n - p) if n > p else np.inf
    extra |= {"dispersion": dispersion, "shape": shape}
    perfect = n == p or np.isinf(shape)
    return LeastSquares(
        back @ fit.b, dispersion * unscaled if n > p else np.diag(np.full(p, np.inf)), fit.at.mean, residuals, leverage,
        float(np.sqrt(dispersion)), float(n - p),
        np.inf if perfect else response.log_likelihood(fit.at, shape=shape), p + 1, extra,
        "gamma regression, log link, maximum likelihood; dispersion by Pearson's chi-square", _REFERENCE, tuple(notes),
        unscaled,
    )  # fmt: skip


def _separated(response: Response) -> Note:
    low, high = response.edges
    what = "runs without an event" if response.distribution == "poisson" else "runs with all or no successes"
    return Note(
        "separation", "warning",
        f"{int((low | high).sum())} {what} drive an estimate to infinity (some setting shows no spread to judge by); "
        "Firth's bias-reduced fit is given instead. Remedies: collect more there, drop the term, or keep Firth's fit "
        "and trust only the direction of the large effects.",
    )  # fmt: skip


def _not_overdispersed() -> Note:
    return Note(
        "not-overdispersed", "info",
        "the counts scatter no more than Poisson counts (theta is infinite): the Poisson fit is given",
    )  # fmt: skip


def _theta_unknown() -> Note:
    return Note(
        "theta-unknown", "warning",
        "with runs that drive an estimate to infinity theta has no estimate either; Firth's Poisson fit is given, "
        "whose standard errors are too small where events cluster: collect more, or drop the term",
    )  # fmt: skip


def _saturated(what: str) -> Note:
    return Note("saturated", "warning", f"as many coefficients as runs: {what}; drop terms or replicate")


def _scatter(response: Response, fit: Fit, pearson: float, df: int) -> list[Note]:
    """Note where the runs scatter more than counts or proportions of their own would."""
    if df == 0:
        return [_saturated("whether the scatter is that of the distribution cannot be checked")]
    binomial = response.distribution == "binomial"
    least = np.minimum(fit.at.mean, fit.at.rest) if binomial else fit.at.mean
    p = float(chi2_sf(pearson, df))
    if p >= _DOUBT or float(least.mean()) < _ENOUGH or (binomial and float(response.size.max()) == 1.0):
        return []
    remedy = (
        "trials of one run are alike: standard errors are too small; treat the run's share as one normal response "
        "after an arcsine or logit transform, or find what differs between runs"
        if binomial
        else "events cluster: standard errors are too small; fit distribution='negative binomial'"
    )
    return [Note("overdispersion", "warning", f"Pearson's chi-square is {pearson / df:.3g} times its degrees of "
                 f"freedom (p = {p:.2g}); {remedy}")]  # fmt: skip
