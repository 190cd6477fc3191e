"""How much exposure a comparison of two rates needs, and what power a given exposure has."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference.power.kernels import MOST_ROWS, Side, normal_power, poisson_law, rejection_power
from qstats.inference.power.study_size import Null, StudySize, Tests, as_target, read_tests, study
from qstats.inference.rate_kernels import conditional_pvalue, ratio_score, score_pvalue

__all__ = ["rates_power", "rates_sample_size"]

_METHODS = ("midp", "exact", "score", "normal")
_WEIGHTS = {"exact": 1.0, "midp": 0.5}
_NAMES = {"exact": "exact central", "midp": "mid-p"}
_NORMAL = "Thode (1997), The Statistician 46, 227-230; Gu et al. (2008), Biometrical Journal 50, 283-298"
_EXACT = "enumeration of the test of Przyborowski & Wilenski (1940), Biometrika 31, 313-323, as in " + _NORMAL
_LARGEST = 1e15  # expected events
_SMOOTH = 1000.0  # events from which on no dip of the power is left to look for


def _tail(method: str, ratio: float) -> Callable[[FloatArray, FloatArray, Side], FloatArray]:
    """The one-sided p-value of `compare_rates`; `ratio` is that of the exposures."""

    def tail(y: FloatArray, y0: FloatArray, test: Side) -> FloatArray:
        n, odds = y + y0, np.full(y.size, test.null * ratio)
        if method == "score":
            z = ratio_score(y, n, odds, 1.0)
            return np.where(n > 0.0, score_pvalue(z, math.inf, test.side), 1.0)
        return conditional_pvalue(y, n, odds, _WEIGHTS[method], test.side)

    return tail


def _by_normal(mean: float, mean0: float, ratio: float, tests: Tests, phi: float) -> float:
    """Score of ``y q - y0 p`` with p the share of events expected in the group under the null."""
    gaps, under_null, sd = [], [], 0.0
    for test in tests.sides:
        odds = test.null * ratio
        p, q = odds / (1.0 + odds), 1.0 / (1.0 + odds)
        # scaled by sqrt(p q), so that the sides of an equivalence share one unit
        gaps.append((mean * q - mean0 * p) / math.sqrt(p * q))
        under_null.append(math.sqrt(phi * (mean + mean0)))
    total = 0.0
    for i, test in enumerate(tests.sides):
        odds = test.null * ratio
        sd = math.sqrt(phi * (mean / odds + mean0 * odds))
        total += normal_power((test,), (gaps[i],), (under_null[i],), sd, False)
    return max(0.0, total - 1.0) if tests.both else min(1.0, total)


def _enumerable(mean: float, mean0: float) -> bool:
    return 2.0 * 9.0 * math.sqrt(mean0) + 47.0 < MOST_ROWS and mean < _LARGEST


def _power(method: str, rate: float, rate0: float, tests: Tests, phi: float) -> Callable[[float, float], float]:
    def power(exposure: float, exposure0: float) -> float:
        mean, mean0, ratio = rate * exposure, rate0 * exposure0, exposure / exposure0
        if method == "normal" or phi > 1.0 or not _enumerable(mean, mean0):
            return _by_normal(mean, mean0, ratio, tests, phi)
        return rejection_power(_tail(method, ratio), poisson_law(mean), poisson_law(mean0), tests.sides, tests.both)

    return power


def _checked(
    method: str, null: object, confidence: object, alternative: str, dispersion: object
) -> tuple[Tests, float]:
    check_choice(method, "method", _METHODS)
    phi = check_number(dispersion, "dispersion", least=1.0)
    if phi > 1.0 and method not in ("score", "normal"):
        raise DataError(f"dispersion: got {phi:g} with method={method!r}; only 'score' and 'normal' can use it")
    return read_tests(null, confidence, alternative, above=1e-50, below=1e50), phi


def _told(method: str, phi: float, mean: float, mean0: float) -> tuple[str, str, tuple[Note, ...]]:
    """Say how the power was found."""
    if phi > 1.0:
        return f"normal approximation, quasi-Poisson score with dispersion {phi:g}", _NORMAL, ()
    if method == "normal":
        return "normal approximation of the score test", _NORMAL, ()
    name = _NAMES.get(method, method)
    if _enumerable(mean, mean0):
        return f"{name} test, exact by enumeration", _EXACT, ()
    note = Note("normal-approximation", "info", "too many outcomes to go through: the normal approximation is used")
    return f"normal approximation ({name} test, too large to enumerate)", _NORMAL, (note,)


def rates_power(
    rate: float,
    rate0: float,
    exposure: float,
    exposure0: float,
    *,
    method: str = "midp",
    null: Null = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
) -> StudySize:
    r"""Tell how likely a comparison of two rates is to show a change, before anyone waits for it.

    Use it when planning how long to watch complaints or defects after an action. Not afterwards: the interval of
    `compare_rates` says what the data exclude; power computed from the rate just observed says nothing new.

    Parameters
    ----------
    rate, rate0 : float
        True events per unit of exposure assumed in the group and in the reference group; zero or more.
    exposure, exposure0 : float
        Above zero, one unit for both.
    method : {"midp", "exact", "score", "normal"}
        Test of `compare_rates` that will be used; ``"normal"`` is the textbook approximation of the score test.
    null : float or (float, float)
        Rate ratio tested against: 1, a non-inferiority margin (with `alternative`), or two margins of equivalence.
    confidence : float
        For equivalence one minus the error of each one-sided test.
    alternative : {"two-sided", "less", "greater"}
    dispersion : float
        Variance over Poisson variance, 1 or more; above 1 only with ``"score"`` and ``"normal"``, by the
        normal approximation.

    Returns
    -------
    StudySize
        Two-sided power counts a rejection on either side.

    Raises
    ------
    DataError
        A negative rate, exposure not above zero, an unknown option.

    Notes
    -----
    Exact: :math:`\sum_{y_0} P(y_0) P(y \in R(y_0))` with R the rejection region of the test itself, found by bisection
    for every :math:`y_0` (its p-value is monotone in y). Beyond some 50 000 events the score statistic is taken as
    normal and `method` says so.

    References
    ----------
    Thode (1997), The Statistician 46, 227-230. Gu, Ng, Tang & Schucany (2008), Biometrical Journal 50, 283-298.

    Examples
    --------
    Two complaints in a thousand orders, hoped to fall to one; 10 000 orders on each side:

    >>> from qstats import rates_power
    >>> round(rates_power(0.001, 0.002, 10_000, 10_000).power, 3)
    0.435
    """
    tests, phi = _checked(method, null, confidence, alternative, dispersion)
    lam, lam0 = (check_number(v, name, least=0.0, below=1e50) for v, name in ((rate, "rate"), (rate0, "rate0")))
    t, t0 = (
        check_number(v, name, above=0.0, below=1e50, least=1e-50)
        for v, name in ((exposure, "exposure"), (exposure0, "exposure0"))
    )
    if max(lam * t, lam0 * t0) > _LARGEST:
        raise DataError(f"exposure: {max(lam * t, lam0 * t0):g} events expected; at most {_LARGEST:g} are wanted")
    text, source, notes = _told(method, phi, lam * t, lam0 * t0)
    return study(
        _power(method, lam, lam0, tests, phi), t, t0, effect="rate_ratio", unit="exposure",
        assumed={"rate": lam, "rate0": lam0, "dispersion": phi}, tests=tests, method=text, reference=source, least=0.0,
        notes=notes,
    )  # fmt: skip


def _least_exposure(power: Callable[[float], float], start: float, target: float, points: int) -> float:
    """Return the exposure from which on `power` is held, as far as twice `start`: the last crossing, not the first.

    `start` is a first guess; `points` exposures around it are looked at.
    """
    grid = start * 2.0 ** np.linspace(-0.5, 1.0, points)
    held = np.array([power(float(t)) for t in grid]) >= target
    if not held[-1]:
        if start > 1e300:
            raise DataError(f"power: {target:g} is not reached with any exposure; the effect is too small")
        return _least_exposure(power, 2.0 * start, target, points)
    if held.all():
        return _least_exposure(power, 0.5 * start, target, points)
    last = int(np.flatnonzero(~held)[-1])
    low, high = math.log(grid[last]), math.log(grid[last + 1])
    below, above = (power(math.exp(v)) - target for v in (low, high))
    for _ in range(60):  # regula falsi; halving the end that stays (Illinois) keeps it fast
        middle = high - above * (high - low) / (above - below)
        found = power(math.exp(middle)) - target
        if found >= 0.0:
            high, above, below = middle, found, 0.5 * below
        else:
            low, below, above = middle, found, 0.5 * above
        if high - low < 1e-9 or 0.0 <= found < 1e-9:
            break
    return math.exp(high)


def rates_sample_size(
    rate0: float,
    ratio: float,
    *,
    power: float = 0.8,
    exposure_ratio: float = 1.0,
    method: str = "midp",
    null: Null = 1.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
    dispersion: float = 1.0,
) -> StudySize:
    r"""Tell how much exposure (orders, months, units) is needed to show that a rate changed by a given factor.

    Use it when setting the horizon of a verification. Not for a baseline that is already there and cannot grow:
    `hold_period` answers that.

    Parameters
    ----------
    rate0 : float
        Rate of the reference group, above zero.
    ratio : float
        Rate ratio that is to be shown, zero or more: 0.7 for "three in ten fewer".
    power : float
    exposure_ratio : float
        Exposure of the group over that of the reference group.
    method, null, confidence, alternative, dispersion
        As in `rates_power`.

    Returns
    -------
    StudySize
        The smallest exposure from which on the power is held.

    Raises
    ------
    DataError
        A ratio that no exposure can tell from `null`, or a bad number.

    Notes
    -----
    With the ratio of the exposures fixed the rejection region is fixed, and power is a smooth but not quite monotone
    function of the exposure. The answer is its last crossing of `power`: none of the exposures looked at from there to
    twice as much (32 of them, 8 beyond a thousand events) has less.

    References
    ----------
    Gu, Ng, Tang & Schucany (2008), Biometrical Journal 50, 283-298.

    Examples
    --------
    >>> from qstats import rates_sample_size
    >>> r = rates_sample_size(0.002, 0.5)
    >>> round(r.size0), round(r.power, 3)
    (23097, 0.8)
    """
    tests, phi = _checked(method, null, confidence, alternative, dispersion)
    lam0 = check_number(rate0, "rate0", above=0.0, below=1e50, least=1e-50)
    factor = check_number(ratio, "ratio", least=0.0, below=1e50)
    k = check_number(exposure_ratio, "exposure_ratio", above=0.0, below=1e9, least=1e-9)
    target = as_target(power, tests, factor, "ratio")
    of = _power(method, factor * lam0, lam0, tests, phi)
    rough = _power("normal", factor * lam0, lam0, tests, phi)
    start = _least_exposure(lambda t: rough(k * t, t), 1.0 / lam0, target, 17)
    t0 = _least_exposure(lambda t: of(k * t, t), start, target, 49 if lam0 * start < _SMOOTH else 13)
    text, source, notes = _told(method, phi, factor * lam0 * k * t0, lam0 * t0)
    return study(
        of, k * t0, t0, effect="rate_ratio", unit="exposure",
        assumed={"rate": factor * lam0, "rate0": lam0, "dispersion": phi}, tests=tests, method=text, reference=source,
        target=target, least=0.0, notes=notes,
    )  # fmt: skip
