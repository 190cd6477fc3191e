"""Fit a model to the results of an experiment: `fit`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Intervals
from qstats._core.quantiles import t_sf
from qstats._core.result import frozen_array
from qstats.doe.fitting.anova import AnovaRow, analysis_of_variance
from qstats.doe.fitting.deviance import term_tests
from qstats.doe.fitting.diagnostics import Diagnostics, diagnose, press_of
from qstats.doe.fitting.dispatch import DISTRIBUTIONS, LINKS, fit_kernel, likelihood_of
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.linear import LeastSquares
from qstats.doe.fitting.lack_of_fit import curvature, lack_of_fit
from qstats.doe.fitting.prediction import half_width
from qstats.doe.fitting.problem import Problem
from qstats.doe.fitting.remarks import remarks
from qstats.doe.fitting.responses import read_problem
from qstats.doe.fitting.result import DesignFit

__all__ = ["fit", "fit_problem"]

_ROUNDING = 64.0 * np.finfo(float).eps


def fit(
    design: Any,
    response: Any,
    *,
    model: Any = None,
    distribution: str = "normal",
    exposure: Any = None,
    trials: Any = None,
    censored: Any = None,
    df_method: str = "kenward-roger",
    confidence: float = 0.95,
    name: str | None = None,
) -> DesignFit:
    r"""Fit a model to the results of an experiment and say how far it can be believed.

    Use it for any design; blocks and whole plots of the design are respected, runs without a result are left out. Not
    to find out which terms matter among many: see `select_terms`, or `effects` for an unreplicated factorial.

    Parameters
    ----------
    design : Design or RunRecord
        A record brings the settings as they really were.
    response : array-like, shape (N,), or str
        One value a run in standard order, None or NaN where a run has none; or its name in a record.
    model : str, list or Model, optional
        ``"linear"``, ``"interactions"``, ``"quadratic"`` or terms; unsaid, what the design was made for, else linear.
    distribution : {"normal", "lognormal", "poisson", "negative binomial", "binomial", "gamma", "weibull"}
        Of a run about its mean: lognormal, gamma or Weibull for times, Poisson or negative binomial for counts,
        binomial for successes among trials.
    exposure : array-like, number or str, optional
        Of counts: units, area or hours of each run.
    trials : array-like, number or str, optional
        Of binomial responses: how many units each run tried; the response is how many of them succeeded.
    censored : array-like of bool or str, optional
        True where the run was stopped at its response (normal, lognormal, Weibull).
    df_method : {"kenward-roger", "satterthwaite"}
        Of split-plots.
    confidence : float
        Of the intervals of coefficients, each by itself.
    name : str, optional
        What a response is called that comes as an array; a record and a pandas Series bring a name.

    Returns
    -------
    DesignFit

    Raises
    ------
    DataError
        Values that are no numbers, of the wrong count or outside what the distribution allows; an argument that the
        distribution does not take.
    DesignError
        The runs cannot tell the terms apart; the message names them.
    FormulaError
        A model that the grammar does not hold.

    Notes
    -----
    Least squares in coded units by an orthogonal decomposition of the scaled columns. Blocks are fixed effects that sum
    to zero. Sums of squares of type II: each term after all that do not contain it. Lack of fit against pure error of
    runs with exactly equal settings within a block. :math:`\mathrm{PRESS} = \sum (e_i/(1-h_i))^2`;
    :math:`\mathrm{AICc} = -2\ell + 2K + 2K(K+1)/(n-K-1)` with :math:`K = p + 1`.

    References
    ----------
    Montgomery, Peck and Vining (2012), Introduction to Linear Regression Analysis, 5th edition, chapters 3 to 6.
    Hurvich and Tsai (1989), Biometrika 76, 297-307. Durbin and Watson (1951), Biometrika 38, 159-178.

    Examples
    --------
    The springs of the NIST e-Handbook, 5.5.9:

    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.fitting.door import fit
    >>> design = full_factorial(["X1", "X2", "X3"], rng=1)
    >>> found = fit(design, [67, 79, 61, 75, 59, 90, 52, 87], model="X1 + X2 + X1:X3", name="strength")
    >>> dict(zip(found.labels, found.estimate.round(6).tolist()))
    {'1': 71.25, 'X1': 11.5, 'X2': -2.5, 'X1:X3': 5.0}
    >>> round(found.sigma, 6), round(found.r2_predicted, 6)
    (1.541104, 0.971157)
    """
    confidence = check_confidence(confidence)
    check_choice(distribution, "distribution", DISTRIBUTIONS)
    more = {"exposure": exposure, "trials": trials, "censored": censored}
    problem = read_problem(design, response, model, distribution, more, df_method, name)
    return fit_problem(problem, confidence)


def fit_problem(p: Problem, confidence: float) -> DesignFit:
    """Return the fit of a problem that was read and checked."""
    fitted = fit_kernel(p, p.x)
    told = diagnose(p, fitted)
    if p.least_squares and isinstance(fitted, LeastSquares):
        lack = lack_of_fit(p, fitted)
        rows, bent = analysis_of_variance(p, fitted, lack, "II"), curvature(p, lack)
        r2, adjusted, predicted, press = _determination(rows[-1], fitted)
    else:
        rows, lack, bent = term_tests(p, fitted), None, None
        r2 = adjusted = predicted = press = None
    return DesignFit(
        design=p.design, response=p.response, y=_whole(p, p.y), model=p.model, labels=p.labels, fitted=fitted,
        distribution=p.distribution, link=LINKS[p.distribution],
        size=None if p.size is None else _whole(p, p.size),
        censored=None if p.censored is None else frozen_array(_whole(p, p.censored) == 1.0, np.bool_),
        **_coefficients(p, fitted, confidence), anova=rows, lack_of_fit=lack, curvature=bent, r2=r2,
        r2_adjusted=adjusted, r2_predicted=predicted, press=press, aicc=_aicc(p, fitted), sigma=fitted.sigma,
        diagnostics=_frozen(told), confidence=confidence, df_method=p.df_method, method=fitted.method,
        reference=fitted.reference, notes=remarks(p, fitted, told, lack, adjusted, predicted),
    )  # fmt: skip


def _whole(p: Problem, values: Any) -> FloatArray:
    out = np.full(p.used.size, np.nan)
    out[p.used] = values
    return frozen_array(out)


def _frozen(told: Diagnostics) -> Diagnostics:
    for array in (told.run, told.residual, told.leverage, told.studentized, told.deleted, told.cook, told.dffits):
        if array is not None:
            array.flags.writeable = False
    return told


def _coefficients(p: Problem, fitted: Fitted, confidence: float) -> Mapping[str, Any]:
    each = np.eye(p.x.shape[1])
    b, se, df = fitted.coefficients, fitted.standard_errors(each), fitted.contrast_df(each)
    t = _ratio(b, se)
    known = df > 0.0
    pvalue = np.where(known, 2.0 * t_sf(np.abs(t), np.where(known, df, 1.0)), 1.0)
    half = half_width(se, df, confidence)
    return {
        "estimate": frozen_array(b), "standard_error": frozen_array(se), "t": frozen_array(t),
        "p": frozen_array(pvalue), "df": frozen_array(df), "vif": frozen_array(_inflation(p)),
        "interval": Intervals(frozen_array(b - half), frozen_array(b + half), confidence),
    }  # fmt: skip


def _ratio(b: FloatArray, se: FloatArray) -> FloatArray:
    """b over se; without any error what rounding left of a coefficient is zero, and the others are certain."""
    zero = se == 0.0
    small = np.abs(b) <= _ROUNDING * float(np.abs(b).max(initial=0.0))
    return np.where(zero, np.where(small, 0.0, np.copysign(np.inf, b)), b / np.where(zero, 1.0, se))


def _inflation(p: Problem) -> FloatArray:
    """Variances of coefficients over those with orthogonal columns; the constant's has n for its sum of squares."""
    size = np.sqrt((p.x**2).sum(axis=0))
    r = np.linalg.qr(p.x / size)[1]
    inverse = np.linalg.solve(r, np.eye(r.shape[0]))
    held: FloatArray = (inverse**2).sum(axis=1)
    if not p.model.intercept:
        return held
    centred = ((p.x - p.x.mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(np.where(centred > 0.0, held * centred / size**2, held))


def _determination(whole: AnovaRow, fitted: LeastSquares) -> tuple[float | None, float | None, float | None, float]:
    total, of = whole.ss or 0.0, whole.df
    press = press_of(fitted.residuals, fitted.leverage)
    if total == 0.0:
        return None, None, None, press
    rss = float(fitted.residuals @ fitted.residuals)
    adjusted = 1.0 - (rss / fitted.df) / (total / of) if fitted.df else None
    return 1.0 - rss / total, adjusted, 1.0 - press / total if math.isfinite(press) else None, press


def _aicc(p: Problem, fitted: Fitted) -> float | None:
    k, n = fitted.parameters, p.y.size
    likelihood = likelihood_of(fitted)
    if n - k - 1 <= 0 or not math.isfinite(likelihood):
        return None
    return -2.0 * likelihood + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0)
