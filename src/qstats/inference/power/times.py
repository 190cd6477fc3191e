"""How many times (or ends) a comparison of times needs: on the log scale by the spread of one case, or by log-rank."""

from __future__ import annotations

import math
from collections.abc import Callable

from qstats._core.checks import check_number
from qstats._core.quantiles import normal_quantile
from qstats.errors import DataError
from qstats.inference.power.kernels import normal_power
from qstats.inference.power.means import sizes, two_sample_t
from qstats.inference.power.study_size import (
    Null,
    StudySize,
    Tests,
    as_target,
    logged,
    read_tests,
    study,
    whole_size,
)

__all__ = ["logrank_power", "logrank_sample_size", "times_power", "times_sample_size"]

_TIMES = (
    "Welch t on logarithms, times taken as lognormal",
    "Julious (2004), Statistics in Medicine 23, 1921-1986, section 4 (log scale); Moser, Stevens & Watts (1989), "
    "Communications in Statistics - Theory and Methods 18, 3963-3975",
)
_LOGRANK = ("log-rank, normal approximation by events", "Schoenfeld (1981), Biometrika 68, 316-319")


def _log_sd(cv: float) -> float:
    return math.sqrt(math.log1p(cv * cv))


def _checked(
    ratio: object, cv: object, cv0: object, null: object, confidence: object, alternative: str
) -> tuple[Tests, float, float, float]:
    tests = read_tests(null, confidence, alternative, above=0.0)
    factor = check_number(ratio, "ratio", above=0.0, below=1e100, least=1e-100)
    spread = check_number(cv, "cv", above=0.0, below=1e6, least=1e-6)
    spread0 = spread if cv0 is None else check_number(cv0, "cv0", above=0.0, below=1e6, least=1e-6)
    return tests, factor, spread, spread0


def times_power(
    ratio: float,
    cv: float,
    n: float,
    n0: float,
    *,
    cv0: float | None = None,
    null: Null = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely a comparison of times is to show that they changed by a factor.

    Use it for handling, resolution or lead times that all end. Not with tickets still open (`logrank_power`).

    Parameters
    ----------
    ratio : float
        True ratio of typical (geometric mean) times, group over reference group: 0.8 for one fifth faster.
    cv : float
        Standard deviation of one time over its mean: 0.5 is steady, 1 usual for service times, 2 very uneven.
    n, n0 : int
        Times in each, at least two.
    cv0 : float, optional
        That of the reference group; `cv` unless given.
    null : float or (float, float)
        Ratio tested against: 1, a non-inferiority margin (with `alternative`), or two margins of equivalence.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        A ratio or cv not above zero, sizes that are not whole.

    Notes
    -----
    A lognormal time has standard deviation :math:`\sqrt{\log(1 + cv^2)}` on the log scale, where the test of
    `compare_times` is Welch's; see `means_power` for the rest.

    References
    ----------
    Julious (2004), Statistics in Medicine 23, 1921-1986, section 4.

    Examples
    --------
    >>> from qstats import times_power
    >>> round(times_power(0.8, 1.0, 200, 200).power, 3)
    0.762
    """
    tests, factor, spread, spread0 = _checked(ratio, cv, cv0, null, confidence, alternative)
    of = two_sample_t("welch", math.log(factor), _log_sd(spread), _log_sd(spread0), logged(tests))
    return study(
        of, whole_size(n, "n"), whole_size(n0, "n0"), effect="geometric_mean_ratio", unit="values",
        assumed={"ratio": factor, "cv": spread, "cv0": spread0}, tests=tests, method=_TIMES[0], reference=_TIMES[1],
    )  # fmt: skip


def times_sample_size(
    ratio: float,
    cv: float,
    *,
    cv0: float | None = None,
    power: float = 0.8,
    size_ratio: float = 1.0,
    null: Null = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how many cases are needed to show that times changed by a factor.

    Use it before piloting a faster way of working. Not with tickets still open (`logrank_sample_size`).

    Parameters
    ----------
    ratio, cv, cv0, null, confidence, alternative
        As in `times_power`.
    power : float
    size_ratio : float
        Size of the group over that of the reference group; the group's size is rounded up.

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        A ratio that no size can tell from `null`, or a bad number.

    Notes
    -----
    As `times_power`, searched over whole sizes.

    References
    ----------
    Julious (2004), Statistics in Medicine 23, 1921-1986, section 4.

    Examples
    --------
    >>> from qstats import times_sample_size
    >>> times_sample_size(0.8, 1.0).size
    220.0
    """
    tests, factor, spread, spread0 = _checked(ratio, cv, cv0, null, confidence, alternative)
    target = as_target(power, tests, factor, "ratio")
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    of = two_sample_t("welch", math.log(factor), _log_sd(spread), _log_sd(spread0), logged(tests))
    n, n0 = sizes(of, k, target)
    return study(
        of, n, n0, effect="geometric_mean_ratio", unit="values",
        assumed={"ratio": factor, "cv": spread, "cv0": spread0}, tests=tests, method=_TIMES[0], reference=_TIMES[1],
        target=target,
    )  # fmt: skip


def _by_events(ratio: float, tests: Tests) -> Callable[[float, float], float]:
    on_log = logged(tests)
    gaps = tuple(math.log(ratio) - test.null for test in on_log.sides)

    def power(events: float, events0: float) -> float:
        # Schoenfeld counts events by the share of cases, not of events: d p (1 - p) with p the share of the group
        d = events + events0
        se = math.sqrt(d / (events * events0))
        return normal_power(on_log.sides, gaps, (se,) * len(gaps), se, tests.both)

    return power


def logrank_power(
    hazard_ratio: float,
    events: float,
    *,
    size_ratio: float = 1.0,
    null: Null = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely a log-rank test is to show a change of pace, by the number of cases that end.

    Use it where some tickets stay open: only those that end carry information. Not where the curves cross.

    Parameters
    ----------
    hazard_ratio : float
        Pace of the group over that of the reference group, above zero: above 1 the group closes sooner.
    events : float
        Cases that end, both groups together, at least two.
    size_ratio : float
        Cases of the group over those of the reference group.
    null : float or (float, float)
    confidence : float
    alternative : {"two-sided", "less", "greater"}
        Of the hazard ratio.

    Returns
    -------
    StudySize
        `size` and `size0` are ends, shared out as the cases are.

    Raises
    ------
    DataError
        A ratio not above zero, fewer than two events.

    Notes
    -----
    :math:`\log \widehat{HR}` has variance :math:`1 / (d\, p (1 - p))`, d ends and p the share of cases in the group.

    References
    ----------
    Schoenfeld (1981), Biometrika 68, 316-319.

    Examples
    --------
    >>> from qstats import logrank_power
    >>> round(logrank_power(1.5, 191).power, 3)
    0.8
    """
    tests = read_tests(null, confidence, alternative, above=0.0)
    factor = check_number(hazard_ratio, "hazard_ratio", above=0.0, below=1e100, least=1e-100)
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    d = check_number(events, "events", least=2.0, below=1e15)
    return study(
        _by_events(factor, tests), d * k / (1.0 + k), d / (1.0 + k), effect="hazard_ratio", unit="events",
        assumed={"hazard_ratio": factor}, tests=tests, method=_LOGRANK[0], reference=_LOGRANK[1], least=0.0,
    )  # fmt: skip


def logrank_sample_size(
    hazard_ratio: float,
    *,
    closed: float | None = None,
    power: float = 0.8,
    size_ratio: float = 1.0,
    null: Null = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how many cases must end (or be opened) for a log-rank test to show a change of pace.

    Use it where some tickets stay open. Where all end, `times_sample_size` needs fewer.

    Parameters
    ----------
    hazard_ratio, size_ratio, null, confidence, alternative
        As in `logrank_power`.
    closed : float, optional
        Share of cases that will have ended when one looks, above 0 to 1. Given, the answer is in cases; without it in
        ends.
    power : float

    Returns
    -------
    StudySize
        In ends, not rounded unless `closed` is given, as they are a sum over both groups.

    Raises
    ------
    DataError
        A ratio that no size can tell from `null`, or a bad number.

    Notes
    -----
    :math:`d = (z_{1-\alpha/2} + z_{1-\beta})^2 / (p (1 - p) (\log HR - \log HR_0)^2)` ends.

    References
    ----------
    Schoenfeld (1981), Biometrika 68, 316-319.

    Examples
    --------
    >>> from qstats import logrank_sample_size
    >>> r = logrank_sample_size(1.5)
    >>> round(r.size + r.size0, 1)
    191.0
    """
    tests = read_tests(null, confidence, alternative, above=0.0)
    factor = check_number(hazard_ratio, "hazard_ratio", above=0.0, below=1e100, least=1e-100)
    target = as_target(power, tests, factor, "hazard_ratio")
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    share = 1.0 if closed is None else check_number(closed, "closed", above=0.0)
    if share > 1.0:
        raise DataError(f"closed: got {share:g}; a share above 0, at most 1, is wanted")
    p, of = k / (1.0 + k), _by_events(factor, tests)
    # a first guess that is enough, then the events at which the power is met
    gap = min(abs(math.log(factor) - math.log(test.null)) for test in tests.sides)
    z = float(normal_quantile(1.0 - tests.sides[0].error / 2.0) + normal_quantile(0.5 + target / 2.0))
    low, high = 0.0, 2.0 * (z / gap) ** 2 / (p * (1.0 - p))
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if of(p * middle, (1.0 - p) * middle) >= target else (middle, high)
    n, n0, unit, least = high * p, high * (1.0 - p), "events", 0.0
    if closed is not None:
        n, n0, unit, least = math.ceil(n / share - 1e-9), math.ceil(n0 / share - 1e-9), "cases", 1.0
    return study(
        lambda a, b: of(a * share, b * share), float(n), float(n0), effect="hazard_ratio", unit=unit,
        assumed={"hazard_ratio": factor, "closed": share}, tests=tests, method=_LOGRANK[0], reference=_LOGRANK[1],
        target=target, least=least,
    )  # fmt: skip
