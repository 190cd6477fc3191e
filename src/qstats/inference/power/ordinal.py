"""How many answers a comparison on an ordered scale needs, from the two distributions expected."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats._core.quantiles import normal_sf, t_quantile
from qstats.errors import DataError
from qstats.inference.ordinal.kernels import degenerate_pvalue
from qstats.inference.pivot import satterthwaite
from qstats.inference.power.kernels import Side, normal_power
from qstats.inference.power.means import sizes
from qstats.inference.power.ordinal_exact import enumerable, exact_power
from qstats.inference.power.study_size import Null, StudySize, Tests, as_target, read_tests, study, whole_size

__all__ = ["ordinal_power", "ordinal_sample_size"]

_METHODS = {
    "brunner-munzel": (
        "Brunner-Munzel t, normal to second order",
        "Brunner & Munzel (2000), Biometrical Journal 42, 17-25; Happ, Bathke & Brunner (2019), Statistics in Medicine "
        "38, 363-375",
    ),
    "noether": (
        "Wilcoxon-Mann-Whitney, variance without a difference and with these ties",
        "Noether (1987), JASA 82, 645-647; with ties Zhao, Rahardja & Qu (2008), Statistics in Medicine 27, 462-468",
    ),
}
_STEP = 0.02  # standard errors, for slopes and curvatures
_FEW = 30  # answers in a group below which the expansion promises too much
_TEETH = 5.0  # sizes in a row with the power wanted: the exact power is a saw
_EXACT = "Brunner-Munzel t, exact by enumeration"
_ROUGH = Note(
    "approximate-power",
    "warning",
    f"fewer than {_FEW} answers in a group, and not every possible sample gone through: the approximation can promise "
    "0.05 too much, 0.1 at ten answers; take some more",
)
Power = Callable[[float, float], float]


def _shares(data: object, name: str) -> FloatArray:
    s = as_vector(data, name, least=2, missing="never")
    if (s < 0.0).any() or not s.sum() > 0.0:
        raise DataError(f"{name}: shares (or counts) of zero or more are wanted, not all zero")
    return np.asarray(s / s.sum())


def _superiority(s: FloatArray, s0: FloatArray) -> tuple[float, float, float]:
    """Return ``P(X > Y) + P(X = Y)/2`` and the variances of the placements of one answer of either group."""
    beats, beaten = np.cumsum(s0) - 0.5 * s0, np.cumsum(s) - 0.5 * s
    theta = float(s @ beats)
    return theta, float(s @ (beats - theta) ** 2), float(s0 @ (beaten - (1.0 - theta)) ** 2)


def _statistic(s: FloatArray, s0: FloatArray, n: float, n0: float, null: float) -> tuple[FloatArray, FloatArray]:
    """Return the studentised superiority and its degrees of freedom for rows of shares (of any sum)."""
    s, s0 = s / s.sum(axis=-1, keepdims=True), s0 / s0.sum(axis=-1, keepdims=True)
    beats, beaten = np.cumsum(s0, axis=-1) - 0.5 * s0, np.cumsum(s, axis=-1) - 0.5 * s
    theta = (s * beats).sum(axis=-1, keepdims=True)
    v = (s * (beats - theta) ** 2).sum(axis=-1) / (n - 1.0)
    v0 = (s0 * (beaten - 1.0 + theta) ** 2).sum(axis=-1) / (n0 - 1.0)
    spread = np.maximum(v + v0, 1e-30)  # a step may leave the shares that exist
    return (theta[..., 0] - null) / np.sqrt(spread), satterthwaite(v, n - 1.0, v0, n0 - 1.0)


def _wobbles(s: FloatArray, n: float) -> FloatArray:
    """Return the directions in which sampled shares vary: each times a standard normal, summed."""
    value, vector = np.linalg.eigh((np.diag(s) - np.outer(s, s)) / n)
    return (vector * np.sqrt(np.maximum(value, 0.0))).T  # type: ignore[no-any-return]


def _expanded(s: FloatArray, s0: FloatArray, n: float, n0: float, null: float) -> tuple[float, float, float]:
    """Return mean and standard deviation of the statistic and its degrees of freedom, to second order.

    The error estimated goes with the effect found (the further the groups are apart, the less there is to estimate), so
    the statistic is not a normal of variance one: its slope and curvature along the sampled shares say what it is.
    """
    centre, df = _statistic(s, s0, n, n0, null)
    steps = (_STEP * _wobbles(s, n), _STEP * _wobbles(s0, n0))
    shift = np.concatenate([steps[0], np.zeros_like(steps[1])])
    shift0 = np.concatenate([np.zeros_like(steps[0]), steps[1]])
    up, _ = _statistic(s + shift, s0 + shift0, n, n0, null)
    down, _ = _statistic(s - shift, s0 - shift0, n, n0, null)
    slope, curve = (up - down) / (2.0 * _STEP), (up - 2.0 * centre + down) / _STEP**2
    return float(centre + 0.5 * curve.sum()), math.sqrt(float((slope**2).sum())), float(df)


def _separated(theta: float, n: float, n0: float, tests: Tests) -> float:
    """Return the power where every sample is separated or all tied: the exact test decides, always the same way."""
    at, size, size0 = np.array([round(2.0 * theta) / 2.0]), np.array([n]), np.array([n0])
    hits = []
    for test in tests.sides:
        low, high = degenerate_pvalue(at, size, size0, test.null)
        hits.append(float((low if test.side == "less" else high)[0]) < test.error)
    return float(all(hits) if tests.both else any(hits))


def _separable(test: Side, n: float, n0: float) -> bool:
    """Tell whether so few answers can show anything: not if even complete separation would not be significant."""
    at = 1.0 if test.side == "greater" else 0.0
    low, high = degenerate_pvalue(np.array([at]), np.array([n]), np.array([n0]), test.null)
    return bool((low if test.side == "less" else high)[0] < test.error)


def _power(method: str, s: FloatArray, s0: FloatArray, tests: Tests) -> tuple[float, Power, Power]:
    """Return the superiority, the power by formula, and the power that is told: exact where it can be."""
    theta, v, v0 = _superiority(s, s0)

    def noether(n: float, n0: float) -> float:
        mixed = (n * s + n0 * s0) / (n + n0)
        sd = math.sqrt((1.0 - float((mixed**3).sum())) / 12.0 * (n + n0) / (n * n0))
        gaps = tuple(theta - test.null for test in tests.sides)
        return normal_power(tests.sides, gaps, (sd,) * len(gaps), sd, tests.both)

    def placements(n: float, n0: float) -> float:
        if v / n + v0 / n0 < 1e-28:
            return _separated(theta, n, n0, tests)
        total = 0.0
        for test in tests.sides:
            if not tests.both and not _separable(test, n, n0):
                continue
            mean, sd, df = _expanded(s, s0, n, n0, test.null)
            toward = mean if test.side == "greater" else -mean
            total += float(normal_sf((float(-t_quantile(test.error, df)) - toward) / sd))
        return max(0.0, total - 1.0) if tests.both else min(1.0, total)

    def best(n: float, n0: float) -> float:
        return exact_power(s, s0, n, n0, tests) if _exact(method, s, s0, n, n0) else placements(n, n0)

    return (theta, noether, noether) if method == "noether" else (theta, placements, best)


def _exact(method: str, s: FloatArray, s0: FloatArray, n: float, n0: float) -> bool:
    """Tell whether the power at these sizes is that of the comparison itself, over all samples there can be."""
    return method != "noether" and min(n, n0) <= _FEW and enumerable(s, s0, n, n0)


def _lasting(of: Power, group: Callable[[float], float], n0: float, target: float) -> float:
    """Return the reference size from which on, as far as looked, all have the power; `n0` is a guess."""
    while n0 > 2.0 and of(group(n0), n0) >= target:
        n0 = max(2.0, n0 - _TEETH)
    last = n0 - 1.0
    while n0 <= last + _TEETH:
        if of(group(n0), n0) < target:
            last = n0
        n0 += 1.0
    return last + 1.0


def _told(method: str, s: FloatArray, s0: FloatArray, n: float, n0: float) -> tuple[str, tuple[Note, ...]]:
    """Return how the power at these sizes was found, and a warning where it is rough."""
    if _exact(method, s, s0, n, n0):
        return _EXACT, ()
    return _METHODS[method][0], (_ROUGH,) if min(n, n0) < _FEW else ()


def _checked(
    shares: object, shares0: object, method: str, null: object, confidence: object, alternative: str
) -> tuple[Tests, FloatArray, FloatArray]:
    check_choice(method, "method", _METHODS)
    tests = read_tests(null, confidence, alternative, above=0.0, below=1.0)
    s, s0 = _shares(shares, "shares"), _shares(shares0, "shares0")
    if s.size != s0.size:
        raise DataError(f"shares0: {s0.size} categories came for {s.size} in shares; the same scale is wanted")
    if method == "noether" and tests.null != 0.5:
        raise DataError(f"null: got {null!r} with method='noether', whose variance holds at 0.5 only; use the other")
    if method == "noether" and float(((s + s0) ** 3).max()) >= 8.0:
        raise DataError("shares: everybody answers the same in both groups; there is no order to compare")
    return tests, s, s0


def ordinal_power(
    shares: object,
    shares0: object,
    n: float,
    n0: float,
    *,
    method: str = "brunner-munzel",
    null: Null = 0.5,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely a comparison of answers on an ordered scale is to show a shift.

    Use it for scores from 1 to 5 and the like, with the distribution of an earlier survey as reference. Not for the
    same customers asked twice.

    Parameters
    ----------
    shares, shares0 : array-like, shape (k,)
        Expected shares (or counts) in each category, lowest first, of the group and of the reference group.
    n, n0 : int
        Answers in each, at least two.
    method : {"brunner-munzel", "noether"}
        Test of `compare_ordinal`, or the Wilcoxon-Mann-Whitney formula of textbooks.
    null : float or (float, float)
        Probability tested against: one half, a non-inferiority margin (with `alternative`), or two margins.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Shares below zero, scales that differ, sizes that are not whole.

    Notes
    -----
    :math:`\theta = P(X > Y) + P(X = Y)/2`; one answer's placement in the other group has variances
    :math:`\sigma^2, \sigma_0^2` that follow from the shares. The statistic
    :math:`(\hat\theta - \theta_0) / \sqrt{\hat\sigma^2/n + \hat\sigma_0^2/n_0}` is taken as normal, with mean and
    variance from its slope and curvature in the sampled shares (delta method), against the quantile of t. By simulation
    the power is off by less than 0.01 from fifty answers a group. With thirty answers or fewer in a group it can be off
    by 0.05, at ten by 0.1, so there the comparison is carried out on every pair of samples that can occur (up to
    260 000 pairs: 30 and 30 answers in three categories, 12 and 12 in four); where there are more, a note says so.

    References
    ----------
    Brunner & Munzel (2000), Biometrical Journal 42, 17-25. Happ, Bathke & Brunner (2019), Statistics in Medicine 38,
    363-375. Noether (1987), JASA 82, 645-647.

    Examples
    --------
    >>> from qstats import ordinal_power
    >>> r = ordinal_power([5, 10, 20, 35, 30], [10, 15, 25, 30, 20], 150, 150)
    >>> round(r.assumed["superiority"], 4), round(r.power, 2)
    (0.5925, 0.83)
    """
    tests, s, s0 = _checked(shares, shares0, method, null, confidence, alternative)
    theta, _, of = _power(method, s, s0, tests)
    size, size0 = whole_size(n, "n"), whole_size(n0, "n0")
    text, notes = _told(method, s, s0, size, size0)
    return study(
        of, size, size0, effect="superiority", unit="answers", assumed={"superiority": theta}, tests=tests,
        method=text, reference=_METHODS[method][1], notes=notes,
    )  # fmt: skip


def ordinal_sample_size(
    shares: object,
    shares0: object,
    *,
    power: float = 0.8,
    size_ratio: float = 1.0,
    method: str = "brunner-munzel",
    null: Null = 0.5,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how many answers are needed to show that one distribution of scores lies above another.

    Use it before a survey on an ordered scale. Not for the share of top answers alone (`proportions_sample_size`).

    Parameters
    ----------
    shares, shares0, method, null, confidence, alternative
        As in `ordinal_power`.
    power : float
    size_ratio : float
        Size of the group over that of the reference group; the group's size is rounded up.

    Returns
    -------
    StudySize

    Raises
    ------
    DataError
        Distributions that no size can tell apart, or bad numbers.

    Notes
    -----
    As `ordinal_power`, searched over whole sizes. The exact power of small groups is a saw-toothed function of size:
    the size told is one from which on at least five in a row have the power.

    References
    ----------
    Noether (1987), JASA 82, 645-647. Happ, Bathke & Brunner (2019), Statistics in Medicine 38, 363-375.

    Examples
    --------
    >>> from qstats import ordinal_sample_size
    >>> ordinal_sample_size([5, 10, 20, 35, 30], [10, 15, 25, 30, 20]).size
    141.0
    """
    tests, s, s0 = _checked(shares, shares0, method, null, confidence, alternative)
    theta, rough, of = _power(method, s, s0, tests)
    target = as_target(power, tests, theta, "shares")
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)

    def group(v: float) -> float:
        return float(max(2, math.ceil(k * v - 1e-9)))

    n, n0 = sizes(rough, k, target)
    if _exact(method, s, s0, n, n0):
        n0 = _lasting(of, group, n0, target)
    text, notes = _told(method, s, s0, group(n0), n0)
    return study(
        of, group(n0), n0, effect="superiority", unit="answers", assumed={"superiority": theta}, tests=tests,
        method=text, reference=_METHODS[method][1], target=target, notes=notes,
    )  # fmt: skip
