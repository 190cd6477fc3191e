"""How many values, units or how much exposure a comparison of several groups needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import scipy

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_confidence, check_number
from qstats._core.quantiles import chi2_quantile
from qstats.errors import DataError
from qstats.inference.power.study_size import StudySize, Tests, least_whole, study, whole_size

__all__ = [
    "mean_groups_power",
    "mean_groups_sample_size",
    "proportion_groups_power",
    "proportion_groups_sample_size",
    "rate_groups_power",
    "rate_groups_sample_size",
]

_F = ("noncentral F, equal spreads", "Cohen (1988), Statistical Power Analysis, 2nd ed., section 8.2")
_CHI = ("noncentral chi-square", "Cohen (1988), Statistical Power Analysis, 2nd ed., section 7.2; Agresti (2013), 6.6")
_MOST = 1e12


def _assumed(values: object, name: str, most: float = np.inf) -> FloatArray:
    v = as_vector(values, name)
    if v.size < 2:
        raise DataError(f"{name}: got {v.size}; one value for each of two groups or more is wanted")
    if most < np.inf and ((v < 0).any() or (v > most).any()):
        raise DataError(f"{name}: got {v.min():g} to {v.max():g}; values from 0 to {most:g} are wanted")
    return v


def _one_test(confidence: object) -> Tests:
    return Tests((), False, 0.0, check_confidence(confidence), "any difference")


def _f_power(spread: float, k: int, confidence: float) -> Callable[[float, float], float]:
    """Power as a function of the size of each group; `spread` is the sum of squared deviations in sigmas."""

    def power(n: float, _: float) -> float:
        df = k * (n - 1.0)
        edge = float(scipy.special.fdtri(k - 1.0, df, confidence))
        return 1.0 - float(scipy.special.ncfdtr(k - 1.0, df, n * spread, edge))

    return power


def _chi_power(spread: float, k: int, confidence: float) -> Callable[[float, float], float]:
    edge = float(chi2_quantile(confidence, k - 1))
    return lambda n, _: 1.0 - float(scipy.special.chndtr(edge, k - 1.0, n * spread))


def _target(power: object, confidence: float, spread: float, name: str) -> float:
    target = check_number(power, "power", above=1.0 - confidence, below=1.0)
    if not spread > 0.0:
        raise DataError(f"{name}: all groups are assumed alike; no size shows a difference that is not there")
    return target


def _study(
    of: Callable[[float, float], float], n: float, effect: str, unit: str, assumed: Mapping[str, float], tests: Tests,
    told: tuple[str, str], target: float | None, least: float = 2.0,
) -> StudySize:  # fmt: skip
    return study(
        of, n, n, effect=effect, unit=f"{unit} in each group", assumed=assumed, tests=tests, method=told[0],
        reference=told[1], target=target, least=least,
    )  # fmt: skip


def _named(values: FloatArray, name: str) -> dict[str, float]:
    return {f"{name} {i + 1}": float(v) for i, v in enumerate(values)}


def _means(means: object, sd: object) -> tuple[FloatArray, float, float]:
    v, sigma = _assumed(means, "means"), check_number(sd, "sd", above=0.0)
    return v, sigma, float((((v - v.mean()) / sigma) ** 2).sum())


def mean_groups_power(means: object, sd: float, n: float, *, confidence: float = 0.95) -> StudySize:
    r"""Tell how likely `compare_mean_groups` is to show that group means differ.

    Use it when planning a trial with several machines or regions. Not for one pair of them (`means_power`).

    Parameters
    ----------
    means : array-like, shape (k,)
        True means assumed.
    sd : float
        Standard deviation inside each group, above zero.
    n : int
        Values in each group, at least two.
    confidence : float

    Returns
    -------
    StudySize
        ``size`` is that of each group.

    Raises
    ------
    DataError
        Fewer than two means, a standard deviation not above zero.

    Notes
    -----
    Noncentral F with :math:`\lambda = n \sum (\mu_i - \bar\mu)^2 / \sigma^2`. The library's test is Welch's, which
    does not assume equal spreads and has a little less power where they are equal.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 8.2.

    Examples
    --------
    >>> from qstats import mean_groups_power
    >>> round(mean_groups_power([10.0, 10.0, 11.0], 1.5, 30).power, 3)
    0.75
    """
    v, sigma, spread = _means(means, sd)
    tests, size = _one_test(confidence), whole_size(n, "n")
    of = _f_power(spread, v.size, tests.confidence)
    return _study(of, size, "mean", "values", {**_named(v, "mean"), "sd": sigma}, tests, _F, None)


def mean_groups_sample_size(means: object, sd: float, *, power: float = 0.8, confidence: float = 0.95) -> StudySize:
    """Tell how many values each of several groups needs.

    Use it with the pattern of means that would matter. Not with the pattern just observed.

    Parameters
    ----------
    means, sd, confidence
        As in `mean_groups_power`.
    power : float

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Means all alike, or a bad number.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 8.2.

    Examples
    --------
    >>> from qstats import mean_groups_sample_size
    >>> mean_groups_sample_size([10.0, 10.0, 11.0], 1.5).size
    34.0
    """
    v, sigma, spread = _means(means, sd)
    tests = _one_test(confidence)
    target = _target(power, tests.confidence, spread, "means")
    of = _f_power(spread, v.size, tests.confidence)
    n = least_whole(lambda m: of(m, m), target)
    return _study(of, n, "mean", "values", {**_named(v, "mean"), "sd": sigma}, tests, _F, target)


def _shares(proportions: object) -> tuple[FloatArray, float]:
    v = _assumed(proportions, "proportions", 1.0)
    common = float(v.mean())
    if not 0.0 < common < 1.0:
        raise DataError(f"proportions: all are {common:g}; nothing can differ")
    return v, float(((v - common) ** 2).sum() / (common * (1.0 - common)))


def proportion_groups_power(proportions: object, n: float, *, confidence: float = 0.95) -> StudySize:
    r"""Tell how likely `compare_proportion_groups` is to show that shares differ.

    Use it for defect shares of several suppliers or satisfaction of several regions. Not for fewer than some five
    expected events in a group: the exact test there has less power.

    Parameters
    ----------
    proportions : array-like, shape (k,)
        True shares assumed.
    n : int
        Units in each group.
    confidence : float

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Shares outside 0 to 1, or all at one end.

    Notes
    -----
    Noncentral chi-square with :math:`\lambda = n \sum (p_i - \bar p)^2 / (\bar p (1 - \bar p))`.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 7.2.

    Examples
    --------
    >>> from qstats import proportion_groups_power
    >>> round(proportion_groups_power([0.1, 0.1, 0.2], 150).power, 3)
    0.753
    """
    v, spread = _shares(proportions)
    tests, size = _one_test(confidence), whole_size(n, "n")
    of = _chi_power(spread, v.size, tests.confidence)
    return _study(of, size, "proportion", "units", _named(v, "proportion"), tests, _CHI, None)


def proportion_groups_sample_size(proportions: object, *, power: float = 0.8, confidence: float = 0.95) -> StudySize:
    """Tell how many units each of several groups needs.

    Use it with the pattern of shares that would matter. Not with the pattern just observed.

    Parameters
    ----------
    proportions, confidence
        As in `proportion_groups_power`.
    power : float

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Shares all alike, or a bad number.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 7.2.

    Examples
    --------
    >>> from qstats import proportion_groups_sample_size
    >>> proportion_groups_sample_size([0.1, 0.1, 0.2]).size
    168.0
    """
    v, spread = _shares(proportions)
    tests = _one_test(confidence)
    target = _target(power, tests.confidence, spread, "proportions")
    of = _chi_power(spread, v.size, tests.confidence)
    n = least_whole(lambda m: of(m, m), target)
    return _study(of, n, "proportion", "units", _named(v, "proportion"), tests, _CHI, target)


def _rates(rates: object, dispersion: object) -> tuple[FloatArray, float]:
    v = _assumed(rates, "rates")
    if (v < 0).any() or not v.mean() > 0:
        raise DataError(f"rates: got {v.min():g} to {v.max():g}; rates of zero or more, not all zero, are wanted")
    phi = check_number(dispersion, "dispersion", least=1.0)
    return v, float(((v - v.mean()) ** 2).sum() / (v.mean() * phi))


def rate_groups_power(
    rates: object, exposure: float, *, dispersion: float = 1.0, confidence: float = 0.95
) -> StudySize:
    r"""Tell how likely `compare_rate_groups` is to show that rates differ.

    Use it for complaints per order of several regions. Not for fewer than some five expected events in a group.

    Parameters
    ----------
    rates : array-like, shape (k,)
        True events per unit of exposure assumed.
    exposure : float
        Of each group, above zero.
    dispersion : float
        Variance over Poisson variance, 1 or more.
    confidence : float

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Negative rates, all zero, exposure not above zero.

    Notes
    -----
    Noncentral chi-square with :math:`\lambda = t \sum (r_i - \bar r)^2 / (\bar r \phi)`.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, 3rd ed., section 6.6.

    Examples
    --------
    >>> from qstats import rate_groups_power
    >>> round(rate_groups_power([0.02, 0.02, 0.03], 2000.0).power, 3)
    0.562
    """
    v, spread = _rates(rates, dispersion)
    tests, size = _one_test(confidence), check_number(exposure, "exposure", above=0.0, below=_MOST)
    of = _chi_power(spread, v.size, tests.confidence)
    return _study(of, size, "rate", "exposure", _named(v, "rate"), tests, _CHI, None, 0.0)


def rate_groups_sample_size(
    rates: object, *, power: float = 0.8, dispersion: float = 1.0, confidence: float = 0.95
) -> StudySize:
    """Tell how much exposure each of several groups needs.

    Use it with the pattern of rates that would matter. Not with the pattern just observed.

    Parameters
    ----------
    rates, dispersion, confidence
        As in `rate_groups_power`.
    power : float

    Returns
    -------
    StudySize
        The exposure of each group, not rounded.

    Raises
    ------
    DataError
        Rates all alike, or a bad number.

    References
    ----------
    Agresti (2013), Categorical Data Analysis, 3rd ed., section 6.6.

    Examples
    --------
    >>> from qstats import rate_groups_sample_size
    >>> round(rate_groups_sample_size([0.02, 0.02, 0.03]).size)
    3372
    """
    v, spread = _rates(rates, dispersion)
    tests = _one_test(confidence)
    target = _target(power, tests.confidence, spread, "rates")
    edge = float(chi2_quantile(tests.confidence, v.size - 1))
    size = float(scipy.special.chndtrinc(edge, v.size - 1.0, 1.0 - target)) / spread
    of = _chi_power(spread, v.size, tests.confidence)
    return _study(of, size, "rate", "exposure", _named(v, "rate"), tests, _CHI, target, 0.0)
