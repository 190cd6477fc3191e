"""The fit of one family to one sample, and how good it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, frozen_array
from qstats.capability.nonnormal.bootstrap import fit_statistic, simulated_pvalue
from qstats.capability.nonnormal.boxcox import LIMIT, BoxCox, lambda_interval
from qstats.capability.nonnormal.empirical import QUANTILE_TYPES, Empirical
from qstats.capability.nonnormal.family import Family, NormalScore, log_u, mean_and_sd
from qstats.capability.nonnormal.fitted import FittedDistribution
from qstats.capability.nonnormal.normality import anderson_darling, anderson_darling_pvalue
from qstats.capability.nonnormal.registry import FAMILIES, Settings, family_named
from qstats.capability.nonnormal.sample import Placed, below_resolution, data_notes, place
from qstats.capability.nonnormal.threshold import FAR, NEAR
from qstats.errors import DataError
from qstats.inference.resample import as_generator

__all__ = ["JOHNSON_LEVEL", "LEAST", "check_settings", "clean", "fit_distribution", "fit_one"]

JOHNSON_LEVEL = 0.10
LEAST = 8
_TABLED = ("normal", "johnson")
_TABLE = "table of D'Agostino & Stephens, case 4"


def clean(x: FloatArray) -> tuple[FloatArray, tuple[Note, ...]]:
    """Return the present values of a vector that varies, and how many were missing."""
    notes: tuple[Note, ...] = ()
    if lost := int(np.count_nonzero(np.isnan(x))):
        notes = (Note("missing-dropped", "warning", f"{lost} of {x.size} values are missing: left out"),)
        x = x[~np.isnan(x)]
    if x.min() == x.max():
        text = f"all {x.size} values are {x[0]:g}; a distribution needs values that vary"
        raise DataError(f"data: {text}: record more digits, or check the gauge")
    return x, notes


def _refused(family: Family, x: FloatArray, reason: str) -> FittedDistribution:
    none = frozen_array(np.empty(0))
    return FittedDistribution(
        family.name, family.label, FrozenMapping({}), None, None, None, None, None, "", False, reason, None, x.size, 0,
        0.0, 1.0, none, "not fitted", family.source,
    )  # fmt: skip


def _trouble(family: Family, placed: Placed, theta: FloatArray) -> str | None:
    if not np.isfinite(theta).all():
        return "no parameters satisfy the equations of the fit"
    if family.name in ("lognormal3", "weibull3"):
        gap = (float(placed.v.min()) - float(theta[0])) / float(placed.v.std())
        if gap > 0.5 * FAR:
            return "the threshold runs away: the sample is not skewed the way this family is"
        if gap < 2.0 * NEAR:
            return "the threshold runs into the smallest value: many values are tied there"
    return None


def _log_likelihood(family: Family, placed: Placed, theta: FloatArray, edge: float | None) -> float:
    """Return the log-likelihood in the unit of the data; values below `edge` count by their tail in every family."""
    t = family.at_maximum(theta, placed.v.size)
    if edge is None:
        return float(family.log_pdf(placed.v, t).sum()) - placed.v.size * float(np.log(placed.unit))
    low = placed.at(edge)
    lost = placed.v < low if not family.positive else placed.v == -1.0
    seen = family.log_pdf(placed.v[~lost], t).sum() - np.count_nonzero(~lost) * np.log(placed.unit)
    return float(seen + np.count_nonzero(lost) * family.log_cdf(low, t))


def _normal_scores(family: Family, placed: Placed, theta: FloatArray) -> FloatArray | None:
    """Return the values that the table of the normal distribution is for, sorted; None where it does not apply."""
    if family.name == "lognormal" and placed.low is None:
        y = log_u(placed.v)
    elif isinstance(family, NormalScore) and (
        family.name in _TABLED or (family.name == "boxcox" and family.size == 2 and placed.low is None)
    ):
        y = family.score(placed.v, theta)
    else:
        return None
    mean, sd = mean_and_sd(y, 1.0)
    return np.asarray(np.sort((y - mean) / sd))


def _goodness(family: Family, placed: Placed, theta: FloatArray, rng: np.random.Generator) -> tuple[float, float, str]:
    z = _normal_scores(family, placed, theta)
    if z is not None:
        a = float(anderson_darling(scipy.special.log_ndtr(z), scipy.special.log_ndtr(-z)))
        how = f"{_TABLE}, the best over z" if family.name == "johnson" else _TABLE
        return a, anderson_darling_pvalue(a, z.size), how
    a = float(fit_statistic(family, placed.v[np.newaxis], theta[:, np.newaxis], placed.low)[0])
    p = simulated_pvalue(family, theta, placed.low, placed.v.size, a, rng)
    return a, p, "999 samples of the fit, fitted anew"


def fit_one(
    x: FloatArray, name: str, settings: Settings, rng: np.random.Generator
) -> tuple[FittedDistribution, Family, Placed | None]:
    """Return the fit of one family to a clean sample; never an error where the data do not suit the family."""
    family = family_named(name, settings)
    placed = place(x, family)
    if isinstance(placed, str):
        return _refused(family, x, placed), family, None
    with np.errstate(all="ignore"):
        theta = family.fit(placed.v[np.newaxis], placed.low)[:, 0]
        reason = _trouble(family, placed, theta)
        if reason is not None:
            return _refused(family, x, reason), family, None
        fitted = _described(x, family, placed, theta, settings, rng)
    return fitted, family, placed


def _described(
    x: FloatArray, family: Family, placed: Placed, theta: FloatArray, settings: Settings, rng: np.random.Generator
) -> FittedDistribution:
    natural = FrozenMapping(family.natural(theta, placed.origin, placed.unit))
    censored = 0 if placed.low is None else int(np.count_nonzero(placed.v == -1.0))
    held = frozen_array(theta)
    if isinstance(family, Empirical):
        return FittedDistribution(
            family.name, family.label, natural, None, None, None, None, None, "", False, None, None, x.size, 0,
            placed.origin, placed.unit, held, "sample percentiles", family.source,
        )  # fmt: skip
    n, k = x.size, family.size
    ll = _log_likelihood(family, placed, theta, below_resolution(x))
    aic = 2.0 * k - 2.0 * ll
    a, p, how = _goodness(family, placed, theta, rng)
    level = max(settings.alpha, JOHNSON_LEVEL) if family.name == "johnson" else settings.alpha
    interval, notes = _lambda(family, placed, theta, settings)
    return FittedDistribution(
        family.name, family.label, natural, ll, aic, aic + 2.0 * k * (k + 1.0) / (n - k - 1.0), a, p, how, p > level,
        None, interval, n, censored, placed.origin, placed.unit, held, family.source.split(":")[0], family.source,
        notes,
    )  # fmt: skip


def _lambda(
    family: Family, placed: Placed, theta: FloatArray, settings: Settings
) -> tuple[Interval | None, tuple[Note, ...]]:
    """Return the interval of an estimated Box-Cox lambda, and a note where it stands at the end of its range."""
    if family.name != "boxcox" or settings.lam is not None:
        return None, ()
    best = float(BoxCox().fit(placed.v[np.newaxis], placed.low)[0, 0])  # also where the lambda in use is rounded
    interval = lambda_interval(placed.v, placed.low, best, settings.confidence)
    if abs(float(theta[0])) < LIMIT - 1e-6:
        return interval, ()
    text = f"lambda is looked for between {-LIMIT:g} and {LIMIT:g} and stands at the end: no power helps"
    return interval, (Note("lambda-at-end", "warning", text),)


def check_settings(alpha: Any, lam: Any, round_lambda: Any, quantile_type: Any, confidence: float) -> Settings:
    """Return the settings of the fits, or an error that says what is wrong."""
    level = check_number(alpha, "alpha", above=0.0, below=1.0)
    power = None if lam is None else check_number(lam, "lam", above=-LIMIT - 1e-12, below=LIMIT + 1e-12)
    if not isinstance(round_lambda, bool):
        raise DataError(f"round_lambda: got {round_lambda!r}; True or False is wanted")
    if power is not None and round_lambda:
        raise DataError("round_lambda: lam is given, so there is nothing to round; leave one of them out")
    if isinstance(quantile_type, bool) or quantile_type not in QUANTILE_TYPES:
        raise DataError(f"quantile_type: got {quantile_type!r}; 6, 7 or 8 is wanted")
    return Settings(level, power, round_lambda, int(quantile_type), confidence)


def fit_distribution(
    data: object,
    family: str,
    *,
    lam: float | None = None,
    round_lambda: bool = False,
    alpha: float = 0.05,
    quantile_type: int = 6,
    rng: object = None,
    missing: str = "raise",
) -> FittedDistribution:
    """Fit one family to a sample and say how well it fits.

    Use it to look at one family: parameters, Anderson-Darling, likelihood, and its tail functions. To choose among
    families and get indices: `nonnormal_capability`.

    Parameters
    ----------
    data : array-like, shape (n,)
        At least 8 values, not all equal.
    family : str
        ``"normal"``, ``"boxcox"``, ``"johnson"``, ``"weibull"``, ``"weibull3"``, ``"lognormal"``, ``"lognormal3"``,
        ``"gamma"`` or ``"empirical"``; 3 means with a threshold.
    lam : float, optional
        A given Box-Cox lambda, from -5 to 5.
    round_lambda : bool
        Round the estimated lambda to the nearest half.
    alpha : float
        The fit is adequate where its p-value is above this.
    quantile_type : {6, 7, 8}
        For ``"empirical"``.
    rng : None, int, SeedSequence or Generator
        For p-values that are simulated.
    missing : {"raise", "drop"}
        Dropped values are counted in a note.

    Returns
    -------
    FittedDistribution
        Where the data do not suit the family, `reason` says why, and nothing is raised.

    Raises
    ------
    DataError, TooFewData
        Text, missing or infinite values; all values equal; fewer than 8; an unknown family.

    Notes
    -----
    Zeros in few data of a positive family count as values below the smallest positive one (left-censored).

    References
    ----------
    Of each family: the result's `reference`.

    Examples
    --------
    >>> from qstats import fit_distribution
    >>> r = fit_distribution([1.2, 3.4, 2.2, 0.7, 5.1, 1.9, 2.8, 1.4, 4.0, 2.5], "weibull", rng=1)
    >>> {k: round(v, 3) for k, v in r.parameters.items()}
    {'shape': 2.092, 'scale': 2.855}
    """
    check_choice(family, "family", FAMILIES)
    settings = check_settings(alpha, lam, round_lambda, quantile_type, 0.95)
    x, notes = clean(as_vector(data, "data", missing=missing, least=LEAST))
    fitted = fit_one(x, family, settings, as_generator(rng))[0]
    return replace(fitted, notes=(*notes, *data_notes(x), *fitted.notes))
