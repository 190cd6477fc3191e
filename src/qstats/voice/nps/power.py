"""How likely two NPS of given sizes are to show that they differ, or that one is no worse, or the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from qstats._core.arrays import as_vector
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference.power.kernels import normal_power
from qstats.inference.power.study_size import Null, StudySize, Tests, read_tests, study, whole_size

__all__ = ["class_variance", "nps_power", "nps_tests", "read_shares"]

_METHOD = "normal, variance of the classes assumed"
_SOURCE = "Rocks (2016), American Statistician 70, 365-372"
_WORST = Note(
    "variance-largest",
    "info",
    "an NPS alone leaves the passives open: none are assumed, the largest variance there can be; shares say more",
)


def read_shares(shares: Any, name: str) -> tuple[float, float, float]:
    """Return expected shares of detractors, passives and promoters."""
    s = as_vector(shares, name, missing="never")
    if s.size != 3 or (s < 0).any() or not math.isclose(float(s.sum()), 1.0, abs_tol=1e-6):
        raise DataError(
            f"{name}: got {', '.join(f'{v:g}' for v in s)}; detractors, passives and promoters, each zero or more "
            f"and together 1, are wanted"
        )
    return float(s[0]), float(s[1]), float(s[2])


def class_variance(detractors: float, promoters: float, name: str) -> float:
    """Return the variance of one answer scored -1, 0, 1."""
    v = detractors + promoters - (promoters - detractors) ** 2
    if v <= 0.0:
        raise DataError(f"{name}: all answers in one class have no variance; expect at least a few others")
    return v


def nps_tests(null: object, confidence: object, alternative: str) -> Tests:
    """Return the tests of a difference in points."""
    return read_tests(null, confidence, alternative, above=-200.0, below=200.0)


class _Group(NamedTuple):
    """What is assumed of one group: NPS in points, and the variance of one answer in points squared."""

    nps: float
    variance: float
    notes: tuple[Note, ...]


def _group(nps: object, shares: Any, suffix: str) -> _Group:
    if (nps is None) == (shares is None):
        raise DataError(f"nps{suffix}, shares{suffix}: give one of them, the NPS in points or the shares it comes from")
    if shares is not None:
        d, _, p = read_shares(shares, f"shares{suffix}")
        return _Group(100.0 * (p - d), 1e4 * class_variance(d, p, f"shares{suffix}"), ())
    e = check_number(nps, f"nps{suffix}", above=-100.0, below=100.0)
    return _Group(e, 1e4 - e * e, (_WORST,))


def nps_power(
    n: float,
    n0: float,
    *,
    nps: float | None = None,
    nps0: float | None = None,
    shares: Any = None,
    shares0: Any = None,
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely `compare_nps` is to show a move of the NPS with so many answers before and after.

    Use it for the survey one has: with 200 answers each a move of five points is hardly ever shown. Not afterwards with
    the difference just observed (its interval says more), and not for customers who answered twice.

    Parameters
    ----------
    n, n0 : int
        Answers of the group and of the reference group, at least two.
    nps, nps0 : float, optional
        True NPS assumed, points; or the shares.
    shares, shares0 : array-like, shape (3,), optional
        True shares of detractors, passives and promoters: better, as passives make an NPS more precise.
    null : float or (float, float)
        Points of difference tested against: 0, a non-inferiority margin such as -5 with ``alternative="greater"``, or
        two margins of equivalence.
    confidence : float
        For equivalence one minus the error of each one-sided test.
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize
        In points. From NPS alone the power is the least there can be, with a note.

    Raises
    ------
    DataError
        For a group both NPS and shares or none, shares that do not add up to 1.

    Notes
    -----
    The difference has standard error :math:`100 \sqrt{v/n + v_0/n_0}`, :math:`v = d + p - (p - d)^2` of each group by
    itself; without shares :math:`v = 1 - e^2`, the largest at the NPS e.

    References
    ----------
    Rocks (2016), American Statistician 70(4), 365-372.

    Examples
    --------
    >>> from qstats import nps_power
    >>> before, after = (0.25, 0.35, 0.40), (0.22, 0.36, 0.42)
    >>> round(nps_power(200, 200, shares=after, shares0=before).power, 3)
    0.098
    >>> round(nps_power(400, 400, shares=before, shares0=before, null=-10.0, alternative="greater").power, 3)
    0.556
    """
    tests = nps_tests(null, confidence, alternative)
    group, group0 = _group(nps, shares, ""), _group(nps0, shares0, "0")
    gaps = tuple(group.nps - group0.nps - test.null for test in tests.sides)

    def of(m: float, m0: float) -> float:
        se = math.sqrt(group.variance / m + group0.variance / m0)
        return normal_power(tests.sides, gaps, (se,) * len(gaps), se, tests.both)

    power: Callable[[float, float], float] = of
    assumed = {
        "nps": group.nps, "nps0": group0.nps, "sd": math.sqrt(group.variance), "sd0": math.sqrt(group0.variance),
    }  # fmt: skip
    return study(
        power, whole_size(n, "n"), whole_size(n0, "n0"), effect="nps_difference", unit="answers", assumed=assumed,
        tests=tests, method=_METHOD, reference=_SOURCE, notes=tuple(dict.fromkeys((*group.notes, *group0.notes))),
    )  # fmt: skip
