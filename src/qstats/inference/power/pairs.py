"""How many pairs a comparison before and after on the same units needs: measured values, and yes or no."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference.paired_proportions import compare_paired_proportions
from qstats.inference.power.kernels import student_power
from qstats.inference.power.study_size import (
    Null,
    StudySize,
    Tests,
    as_target,
    least_whole,
    read_tests,
    study,
    whole_size,
)

__all__ = [
    "paired_means_power",
    "paired_means_sample_size",
    "paired_proportions_power",
    "paired_proportions_sample_size",
]

_WIDEST = 1e60
_T = ("paired t: noncentral t, exact for normal differences", "Cohen (1988), Statistical Power Analysis, 2nd ed., 2.3")
_SHARES = {
    "score": "Tango's score",
    "midp": "McNemar mid-p",
    "exact": "McNemar exact",
}
_ENUMERATED = 1500  # pairs: beyond, a sum over every outcome takes seconds
_BLOCK = 1 << 18
_SOURCE = "Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13, 91; Tango (1998), Stat. Medicine 17"


def _paired_t(gap: float, sd: float, tests: Tests) -> Callable[[float, float], float]:
    gaps = tuple(gap - test.null for test in tests.sides)
    return lambda n, _: student_power(tests.sides, gaps, sd / math.sqrt(n), n - 1.0, tests.both)


def _spread(sd: object) -> float:
    return check_number(sd, "sd", above=0.0, below=_WIDEST, least=1.0 / _WIDEST)


def paired_means_power(
    difference: float,
    sd: float,
    n: float,
    *,
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely `compare_paired_means` is to show a difference of this size.

    Use it when the same units are measured before and after. Not with the standard deviation of single values: that of
    the differences counts, and it is smaller the better the two go together.

    Parameters
    ----------
    difference : float
        True mean difference assumed.
    sd : float
        Standard deviation of the differences, above zero.
    n : int
        Pairs, at least two.
    null, confidence, alternative
        As in `means_power`.

    Returns
    -------
    StudySize
        ``size`` and ``size0`` are both the number of pairs.

    Raises
    ------
    DataError
        A standard deviation not above zero, a size that is not whole.

    Notes
    -----
    Noncentral t with :math:`n - 1` degrees of freedom and :math:`\delta \sqrt n / \sigma_d`; see `means_power`.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 2.3.

    Examples
    --------
    >>> from qstats import paired_means_power
    >>> round(paired_means_power(0.5, 1.0, 34).power, 3)
    0.808
    """
    tests, spread = read_tests(null, confidence, alternative, above=-_WIDEST, below=_WIDEST), _spread(sd)
    gap = check_number(difference, "difference", above=-_WIDEST, below=_WIDEST)
    size = whole_size(n, "n")
    return study(
        _paired_t(gap, spread, tests), size, size, effect="mean_difference", unit="pairs",
        assumed={"difference": gap, "sd": spread}, tests=tests, method=_T[0], reference=_T[1],
    )  # fmt: skip


def paired_means_sample_size(
    difference: float,
    sd: float,
    *,
    power: float = 0.8,
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    """Tell how many pairs are needed to show a mean difference.

    Use it with the standard deviation of the differences from earlier pairs. Not with that of single values.

    Parameters
    ----------
    difference, sd, null, confidence, alternative
        As in `paired_means_power`.
    power : float

    Returns
    -------
    StudySize
        The smallest number of pairs with the power; every larger one has it too.

    Raises
    ------
    DataError
        A difference that no size can tell from `null`, or a bad number.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 2.3.

    Examples
    --------
    >>> from qstats import paired_means_sample_size
    >>> paired_means_sample_size(0.5, 1.0).size
    34.0
    """
    tests, spread = read_tests(null, confidence, alternative, above=-_WIDEST, below=_WIDEST), _spread(sd)
    gap = check_number(difference, "difference", above=-_WIDEST, below=_WIDEST)
    target = as_target(power, tests, gap, "difference")
    of = _paired_t(gap, spread, tests)
    n = least_whole(lambda v: of(v, v), target)
    return study(
        of, n, n, effect="mean_difference", unit="pairs", assumed={"difference": gap, "sd": spread}, tests=tests,
        method=_T[0], reference=_T[1], target=target,
    )  # fmt: skip


def _outcomes(n: int, only: float, only0: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return every pair of discordant counts that matters and its probability."""
    b, c = np.divmod(np.arange((n + 1) ** 2), n + 1)
    inside = b + c <= n
    b, c = b[inside].astype(np.float64), c[inside].astype(np.float64)
    gamma = scipy.special.gammaln
    rest = n - b - c
    log = gamma(n + 1.0) - gamma(b + 1.0) - gamma(c + 1.0) - gamma(rest + 1.0)
    log += scipy.special.xlogy(b, only) + scipy.special.xlogy(c, only0)
    log += scipy.special.xlogy(rest, 1.0 - only - only0)
    likely = log > -34.0
    return b[likely], c[likely], np.exp(log[likely])


def _paired_share(only: float, only0: float, method: str, tests: Tests) -> Callable[[float, float], float]:
    effect = "difference" if method == "score" else "odds_ratio"
    error = 1.0 - tests.confidence

    def power(n: float, _: float) -> float:
        b, c, weight = _outcomes(int(n), only, only0)
        total = 0.0
        for i in range(0, b.size, _BLOCK):
            x, y, w = b[i : i + _BLOCK], c[i : i + _BLOCK], weight[i : i + _BLOCK]
            got = compare_paired_proportions(
                np.zeros(x.size), x, y, n - x - y, effect=effect, method=method, null=tests.null,  # type: ignore[arg-type]
                confidence=tests.confidence, alternative=tests.alternative,
            )  # fmt: skip
            total += float(w[np.asarray(got.pvalue) < error].sum())
        return total

    return power


def _checked_shares(
    only: object, only0: object, method: str, null: object, confidence: object, alternative: str
) -> tuple[float, float, float, Tests]:
    check_choice(method, "method", _SHARES)
    p, q = check_number(only, "only", least=0.0, below=1.0), check_number(only0, "only0", least=0.0, below=1.0)
    if not 0.0 < p + q <= 1.0:
        raise DataError(f"only, only0: got {p:g} and {q:g}; shares of all pairs that together are above 0, at most 1")
    neutral = 0.0 if method == "score" else 1.0
    at = neutral if null is None else check_number(null, "null", above=-1.0 if method == "score" else 0.0)
    effect = p - q if method == "score" else math.inf if q == 0.0 else p / q
    return p, q, effect, read_tests(at, confidence, alternative)


def paired_proportions_power(
    only: float,
    only0: float,
    n: float,
    *,
    method: str = "score",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely `compare_paired_proportions` is to show a change of a share among the same units.

    Use it when the same customers are asked twice. Not with the two shares alone: what counts is how many change their
    mind in either direction.

    Parameters
    ----------
    only, only0 : float
        Share of all pairs assumed to have the event in the group alone (after), and in the reference alone (before).
    n : int
        Pairs, 2 to 1,500.
    method : {"score", "midp", "exact"}
        Tango's score of the difference, or McNemar's test (of the odds ratio) mid-p or exact.
    null : float, optional
        Difference for ``"score"`` (0), odds ratio for the others (1): a margin goes here.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize
        ``size`` and ``size0`` are both the number of pairs.

    Raises
    ------
    DataError
        Shares that cannot be, or more pairs than can be enumerated.

    Notes
    -----
    The sum of the trinomial probabilities of all pairs of discordant counts whose p-value, by the library's own test,
    is below ``1 - confidence``: exact.

    References
    ----------
    Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13, 91.

    Examples
    --------
    >>> from qstats import paired_proportions_power
    >>> round(paired_proportions_power(0.2, 0.05, 100, method="exact").power, 3)
    0.837
    """
    p, q, _, tests = _checked_shares(only, only0, method, null, confidence, alternative)
    size = whole_size(n, "n")
    if size > _ENUMERATED:
        raise DataError(f"n: got {size:g}; at most {_ENUMERATED} pairs are enumerated: power is near 1 or n too large")
    return _share_study(p, q, method, tests, size, None, ())


def _share_study(
    p: float, q: float, method: str, tests: Tests, size: float, target: float | None, notes: tuple[Note, ...]
) -> StudySize:
    of = _paired_share(p, q, method, tests)
    known: dict[float, float] = {}

    def once(n: float, _: float) -> float:
        if n not in known:
            known[n] = of(n, n)
        return known[n]

    effect = "difference" if method == "score" else "odds_ratio"
    return study(
        once, size, size, effect=effect, unit="pairs", assumed={"only": p, "only0": q}, tests=tests,
        method=f"{_SHARES[method]}, every outcome enumerated", reference=_SOURCE, target=target, notes=notes,
    )  # fmt: skip


def paired_proportions_sample_size(
    only: float,
    only0: float,
    *,
    power: float = 0.8,
    method: str = "score",
    null: float | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    """Tell how many pairs are needed to show a change of a share among the same units.

    Use it with shares of changed minds from a pilot. Not where the pairs run into the thousands: a note of the error
    says so.

    Parameters
    ----------
    only, only0, method, null, confidence, alternative
        As in `paired_proportions_power`.
    power : float

    Returns
    -------
    StudySize
        The smallest number of pairs from which on none up to a tenth more has less power: counts make it a saw-tooth.

    Raises
    ------
    DataError
        An effect that no size can show, or one that more than 1,500 pairs would show.

    References
    ----------
    Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13, 91.

    Examples
    --------
    >>> from qstats import paired_proportions_sample_size
    >>> paired_proportions_sample_size(0.25, 0.05, method="midp").size
    53.0
    """
    p, q, effect, tests = _checked_shares(only, only0, method, null, confidence, alternative)
    target = as_target(power, tests, effect, "only, only0")
    of = _paired_share(p, q, method, tests)
    n = 4.0
    while of(n, n) < target:
        n *= 1.5
        n = math.ceil(n)
        if n > _ENUMERATED:
            raise DataError(
                f"power: {target:g} is not reached by {_ENUMERATED} pairs; the effect is small: see the table"
            )
    low, seen = max(2, math.floor(n / 1.5)), {}
    for size in range(low, math.ceil(1.1 * n) + 1):
        seen[size] = of(float(size), float(size))
    short = [size for size, value in seen.items() if value < target]
    best = float(max(short) + 1 if short else low)
    text = f"no number of pairs from {best:g} to {max(seen):g} has less power; larger ones were not looked at"
    return _share_study(p, q, method, tests, best, target, (Note("saw-tooth", "info", text),))
