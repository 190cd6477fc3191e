"""How many units a comparison of two proportions needs, and what power a given size has."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference import proportion_kernels as pk
from qstats.inference.odds_kernels import conditional_odds_ratio_pvalue
from qstats.inference.power.kernels import MOST_ROWS, Side, binomial_law, normal_power, rejection_power
from qstats.inference.power.study_size import Null, StudySize, Tests, as_target, read_tests, study, whole_size
from qstats.inference.proportion_kernels import Pair
from qstats.inference.rate_kernels import critical, score_pvalue

__all__ = ["proportions_power", "proportions_sample_size"]

_METHODS = ("miettinen-nurminen", "mee", "newcombe", "exact", "midp", "normal")
_ONLY = {"newcombe": "difference", "exact": "odds_ratio", "midp": "odds_ratio"}
_WEIGHTS = {"exact": 1.0, "midp": 0.5}
_NAMES = {"exact": "conditional exact central", "midp": "conditional mid-p"}
_NORMAL = (
    "Farrington & Manning (1990), Statistics in Medicine 9, 1447-1454, the error under the null at the restricted "
    "likelihood; for no difference and equal sizes Fleiss (1981), Statistical Methods for Rates and Proportions, "
    "equation 3.14"
)
_EXACT = "enumeration of the test, as in Chan (1998), Statistics in Medicine 17, 1403-1413"
_WIDEST = 1 << 12  # terms of one conditional distribution
_LARGEST = 1e12
Power = Callable[[float, float], float]


def _tail(method: str, effect: str, n: float, n0: float) -> Callable[[FloatArray, FloatArray, Side], FloatArray]:
    """The one-sided p-value of `compare_proportions`."""

    def tail(x: FloatArray, x0: FloatArray, test: Side) -> FloatArray:
        pair = Pair(x, np.full(x.size, n), x0, np.full(x.size, n0))
        if method == "newcombe":  # rejected exactly where the limit lies beyond the null
            z = critical(test.error, math.inf)
            limit = pk.newcombe_limit(pair, z, upper=test.side == "less")
            return np.where(limit < test.null if test.side == "less" else limit > test.null, 0.0, 1.0)
        inflate = np.full(x.size, (n + n0) / (n + n0 - 1.0) if method == "miettinen-nurminen" else 1.0)
        if effect == "difference":
            z = pk.difference_score(pair, np.full(x.size, test.null), inflate)
            return score_pvalue(z, math.inf, test.side)
        # nothing happened, or (for the odds) nothing else did: no information on a ratio
        empty = (x + x0 == 0.0) | ((effect == "odds_ratio") & (x + x0 == n + n0))
        pair = Pair(*(np.where(empty, v, c) for v, c in zip((1.0, n, 1.0, n0), pair, strict=True)))
        if method in _WEIGHTS:
            p = conditional_odds_ratio_pvalue(pair, test.null, _WEIGHTS[method], test.side)
        else:
            score = pk.risk_ratio_score if effect == "risk_ratio" else pk.odds_score
            p = score_pvalue(score(pair, np.full(x.size, math.log(test.null)), inflate), math.inf, test.side)
        return np.where(empty, 1.0, p)

    return tail


def _gap_and_errors(effect: str, p: float, n: float, p0: float, n0: float, null: float) -> tuple[float, float, float]:
    """Return gap, its error at the restricted likelihood, its error in truth."""
    x, x0 = n * p, n0 * p0
    if effect == "odds_ratio":
        a, b, a0, b0 = (float(v) for v in pk.restricted_odds(x, n, x0, n0, null))
        gap = math.log(p * (1.0 - p0)) - math.log(p0 * (1.0 - p)) - math.log(null)
        under = math.sqrt(1.0 / (n * a * b) + 1.0 / (n0 * a0 * b0))
        return gap, under, math.sqrt(1.0 / (n * p * (1.0 - p)) + 1.0 / (n0 * p0 * (1.0 - p0)))
    slope = null if effect == "risk_ratio" else 1.0
    restricted = pk.restricted_ratio if effect == "risk_ratio" else pk.restricted_difference
    a, a0 = (float(v) for v in restricted(x, n, x0, n0, null))
    gap = p - slope * p0 if effect == "risk_ratio" else p - p0 - null
    under = math.sqrt(max(0.0, a * (1.0 - a) / n + slope**2 * a0 * (1.0 - a0) / n0))
    return gap, under, math.sqrt(p * (1.0 - p) / n + slope**2 * p0 * (1.0 - p0) / n0)


def _by_normal(effect: str, p: float, p0: float, tests: Tests) -> Power:
    def power(n: float, n0: float) -> float:
        total = 0.0
        for test in tests.sides:
            gap, under, sd = _gap_and_errors(effect, p, n, p0, n0, test.null)
            total += normal_power((test,), (gap,), (under,), sd, False)
        return max(0.0, total - 1.0) if tests.both else min(1.0, total)

    return power


def _enumerable(method: str, p: float, n: float, p0: float, n0: float) -> bool:
    rows = 18.0 * math.sqrt(n0 * p0 * (1.0 - p0)) + 47.0
    return rows < MOST_ROWS and (method not in _WEIGHTS or min(n, n0, n * p + n0 * p0) < _WIDEST)


def _power(method: str, effect: str, p: float, p0: float, tests: Tests) -> Power:
    rough = _by_normal(effect, p, p0, tests)

    def power(n: float, n0: float) -> float:
        if method == "normal" or not _enumerable(method, p, n, p0, n0):
            return rough(n, n0)
        law, law0 = binomial_law(n, p), binomial_law(n0, p0)
        return rejection_power(_tail(method, effect, n, n0), law, law0, tests.sides, tests.both)

    return power


def _checked(
    effect: str, method: str | None, null: Null | None, confidence: object, alternative: str, p: object, p0: object
) -> tuple[Tests, str, float, float]:
    check_choice(effect, "effect", ("difference", "risk_ratio", "odds_ratio"))
    name = check_choice("miettinen-nurminen" if method is None else method, "method", _METHODS)
    if _ONLY.get(name, effect) != effect:
        raise DataError(f"method: {name!r} is for the {_ONLY[name]}; use 'miettinen-nurminen' for {effect!r}")
    ratio = effect != "difference"
    at: Null = (1.0 if ratio else 0.0) if null is None else null
    tests = read_tests(at, confidence, alternative, above=0.0 if ratio else -1.0, below=math.inf if ratio else 1.0)
    shares = []
    for value, what in ((p, "proportion"), (p0, "proportion0")):
        share = check_number(value, what, least=0.0)
        if share > 1.0:
            raise DataError(f"{what}: got {share:g}; a share from 0 to 1 is wanted (3 % is 0.03)")
        shares.append(share)
    inner = all(0.0 < s < 1.0 for s in shares)
    if not inner and (effect == "odds_ratio" or (effect == "risk_ratio" and shares[1] == 0.0)):
        raise DataError(f"proportion: {shares[0]:g} against {shares[1]:g} has no {effect}; use effect='difference'")
    return tests, name, shares[0], shares[1]


def _told(method: str, enumerable: bool) -> tuple[str, str, tuple[Note, ...]]:
    if method == "normal":
        return "normal approximation, restricted likelihood under the null", _NORMAL, ()
    if enumerable:
        return f"{_NAMES.get(method, method)} test, exact by enumeration", _EXACT, ()
    note = Note("normal-approximation", "info", "too many outcomes to go through: the normal approximation is used")
    return f"normal approximation ({method} test, too large to enumerate)", _NORMAL, (note,)


def _value(effect: str, p: float, p0: float) -> float:
    if effect == "difference":
        return p - p0
    return p / p0 if effect == "risk_ratio" else p * (1.0 - p0) / (p0 * (1.0 - p))


def proportions_power(
    proportion: float,
    proportion0: float,
    size: float,
    size0: float,
    *,
    effect: str = "difference",
    method: str | None = None,
    null: Null | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely a comparison of two shares is to show a difference, before anyone is asked.

    Use it when planning a survey or a pilot lot. Not afterwards with the shares just observed: the interval of
    `compare_proportions` says what the data exclude.

    Parameters
    ----------
    proportion, proportion0 : float
        True shares assumed in the group and in the reference group, 0 to 1.
    size, size0 : int
        Units in each.
    effect : {"difference", "risk_ratio", "odds_ratio"}
    method : str, optional
        Test of `compare_proportions` that will be used, Miettinen & Nurminen's unless given; or ``"normal"``, the
        textbook formula.
    null : float or (float, float), optional
        No effect (0 or 1) unless given; a non-inferiority margin (with `alternative`), or two margins of equivalence.
    confidence : float
        For equivalence one minus the error of each one-sided test.
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize
        Two-sided power counts a rejection on either side.

    Raises
    ------
    DataError
        Shares outside 0 to 1, sizes that are not whole, an effect that does not exist.

    Notes
    -----
    Exact: :math:`\sum_{x_0} P(x_0) P(x \in R(x_0))`, R the rejection region of the test itself. With more than some
    4000 likely counts the normal approximation is used and `method` says so:
    :math:`\Phi((|\delta| - z \tilde\sigma) / \sigma)` with :math:`\tilde\sigma` at the restricted likelihood.

    References
    ----------
    Chan (1998), Statistics in Medicine 17, 1403-1413. Farrington & Manning (1990), Statistics in Medicine 9, 1447-1454.

    Examples
    --------
    >>> from qstats import proportions_power
    >>> round(proportions_power(0.9, 0.8, 200, 200).power, 3)
    0.807
    """
    tests, name, p, p0 = _checked(effect, method, null, confidence, alternative, proportion, proportion0)
    n, n0 = whole_size(size, "size", 1.0), whole_size(size0, "size0", 1.0)
    text, source, notes = _told(name, _enumerable(name, p, n, p0, n0))
    return study(
        _power(name, effect, p, p0, tests), n, n0, effect=effect, unit="units",
        assumed={"proportion": p, "proportion0": p0}, tests=tests, method=text, reference=source, least=1.0,
        notes=notes,
    )  # fmt: skip


def _crossing(power: Callable[[float], float], target: float) -> float:
    """Return the first whole size of a doubling and bisection at which `power` reaches the target."""
    high = 1.0
    while power(high) < target:
        high *= 2.0
        if high > _LARGEST:
            raise DataError(f"power: {target:g} is not reached below a size of {_LARGEST:g}; the effect is too small")
    low = 0.5 * high
    while high - low > 1.0:
        middle = math.floor(0.5 * (low + high))
        low, high = (low, middle) if power(middle) >= target else (middle, high)
    return float(max(high, 1.0))


def _last_dip(power: Callable[[float], float], start: float, target: float, teeth: float) -> tuple[float, float]:
    """Return the size from which on every size has the power, and the last size looked at.

    Power is a saw: each whole count that joins the region is a jump. `teeth` sizes without a dip end the search.
    """
    n = start
    while n > 1.0 and power(n) >= target:  # the guess may be too large: walk down to sizes that lack power
        n = max(1.0, n - teeth)
    last = n - 1.0
    while n <= last + teeth:
        if power(n) < target:
            last = n
        n += 1.0
    return last + 1.0, n - 1.0


def proportions_sample_size(
    proportion: float,
    proportion0: float,
    *,
    power: float = 0.8,
    size_ratio: float = 1.0,
    effect: str = "difference",
    method: str | None = None,
    null: Null | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how many units are needed to show that a share moved from one value to another.

    Use it before a survey, a pilot or an acceptance trial. Not for a share of units that come in clusters: multiply by
    the design effect.

    Parameters
    ----------
    proportion, proportion0 : float
        Shares to be told apart, 0 to 1; the second is that of the reference group.
    power : float
    size_ratio : float
        Size of the group over that of the reference group; the group's size is rounded up.
    effect, method, null, confidence, alternative
        As in `proportions_power`.

    Returns
    -------
    StudySize
        Whole sizes; every larger one has the power too, as far as the note ``saw-tooth`` says it was looked.

    Raises
    ------
    DataError
        Shares that no size can tell apart, or a bad number.

    Notes
    -----
    The exact power is a saw-toothed function of the size, so the first size that reaches the power is often followed by
    some that do not. The answer is one more than the last that does not; the search ends after three teeth (one tooth:
    the size at which the rarest outcome is expected once more) or 300 sizes without a dip.

    References
    ----------
    Chernick & Liu (2002), American Statistician 56, 149-155 (saw-tooth). Farrington & Manning (1990), Statistics in
    Medicine 9, 1447-1454.

    Examples
    --------
    >>> from qstats import proportions_sample_size
    >>> proportions_sample_size(0.9, 0.8).size, proportions_sample_size(0.9, 0.8, method="normal").size
    (196.0, 199.0)
    """
    tests, name, p, p0 = _checked(effect, method, null, confidence, alternative, proportion, proportion0)
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    target = as_target(power, tests, _value(effect, p, p0), "proportion")
    rough, of = _by_normal(effect, p, p0, tests), _power(name, effect, p, p0, tests)

    def group(n0: float) -> float:
        return float(math.ceil(k * n0 - 1e-9))

    n0 = _crossing(lambda v: rough(k * v, v), target)
    enumerable = _enumerable(name, p, group(n0), p0, n0)
    notes: tuple[Note, ...] = ()
    if name == "normal" or not enumerable:
        n0 = _crossing(lambda v: rough(group(v), v), target)
    else:
        common = min(v for v in (p, p0, 1.0 - p, 1.0 - p0) if v > 0.0)
        n0, end = _last_dip(lambda v: of(group(v), v), n0, target, math.ceil(min(3.0 / common, 300.0)) + 5.0)
        text = (
            f"no size of the reference group from {n0:.0f} to {end:.0f} has less power; larger ones were not looked at"
        )
        notes = (Note("saw-tooth", "info", text),)
    text, source, more = _told(name, enumerable)
    return study(
        of, group(n0), n0, effect=effect, unit="units", assumed={"proportion": p, "proportion0": p0}, tests=tests,
        method=text, reference=source, target=target, least=1.0, notes=(*notes, *more),
    )  # fmt: skip
