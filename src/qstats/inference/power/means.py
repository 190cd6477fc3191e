"""How many values a comparison of two means needs, and what power a given number has."""

from __future__ import annotations

import math
from collections.abc import Callable

from qstats._core.checks import check_choice, check_number
from qstats.inference.pivot import satterthwaite
from qstats.inference.power.kernels import student_power, welch_power
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

_WIDEST = 1e60  # differences and spreads whose squares and quotients a float64 holds
_LARGE = 200.0  # values in each group from which on Satterthwaite's degrees of freedom may be taken as known
__all__ = ["means_power", "means_sample_size", "sizes", "two_sample_t"]

_METHODS = {
    "welch": (
        "Welch t, exact for normal values (from 200 in each group noncentral t)",
        "Moser, Stevens & Watts (1989), Communications in Statistics - Theory and Methods 18, 3963-3975",
    ),
    "pooled": (
        "pooled t: noncentral t, exact for normal values",
        "Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, 2nd ed., section 12.5; equivalence: "
        "Phillips (1990), J. Pharmacokinetics and Biopharmaceutics 18, 137-144",
    ),
}


def two_sample_t(method: str, gap: float, sd: float, sd0: float, tests: Tests) -> Callable[[float, float], float]:
    """Return the power of Student's t as a function of the two sizes; `gap` on the scale of the nulls."""
    gaps = tuple(gap - test.null for test in tests.sides)

    def power(n: float, n0: float) -> float:
        v, v0 = sd * sd / n, sd0 * sd0 / n0
        df = n + n0 - 2.0
        if method == "welch" and min(n, n0) < _LARGE:
            return welch_power(tests.sides, gaps, v, v0, n - 1.0, n0 - 1.0, tests.both)
        if method == "welch":
            df = float(satterthwaite(v, n - 1.0, v0, n0 - 1.0))
        return student_power(tests.sides, gaps, math.sqrt(v + v0), df, tests.both)

    return power


def _checked(
    method: str, null: object, confidence: object, alternative: str, sd: object, sd0: object
) -> tuple[Tests, float, float]:
    check_choice(method, "method", _METHODS)
    tests = read_tests(null, confidence, alternative, above=-_WIDEST, below=_WIDEST)
    spread = check_number(sd, "sd", above=0.0, below=_WIDEST, least=1.0 / _WIDEST)
    spread0 = spread if sd0 is None else check_number(sd0, "sd0", above=0.0, below=_WIDEST, least=1.0 / _WIDEST)
    if method == "pooled" and spread0 != spread:
        check_choice(method, "method with unequal sd and sd0", ("welch",))
    return tests, spread, spread0


def means_power(
    difference: float,
    sd: float,
    n: float,
    n0: float,
    *,
    sd0: float | None = None,
    method: str = "welch",
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely a comparison of two means is to show a difference of this size.

    Use it when planning a trial of cost, weight or a score. Not for skewed times (`times_power`), and not afterwards
    with the difference just observed.

    Parameters
    ----------
    difference : float
        True difference assumed, group less reference group.
    sd : float
        Standard deviation of one value in the group, above zero; the same unit.
    n, n0 : int
        Values in each, at least two.
    sd0 : float, optional
        That of the reference group; `sd` unless given.
    method : {"welch", "pooled"}
        Test of `compare_means` that will be used; ``"pooled"`` wants one `sd`.
    null : float or (float, float)
        Difference tested against: 0, a non-inferiority margin (with `alternative`), or two margins of equivalence.
    confidence : float
        For equivalence one minus the error of each one-sided test.
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize
        Two-sided power counts a rejection on either side; textbook formulas that count one side only are
        ``alternative="greater"`` with half the error.

    Raises
    ------
    DataError
        A standard deviation not above zero, sizes that are not whole.

    Notes
    -----
    :math:`E_s[\Phi(\delta/\sigma_{\bar d} - t s)]` over the chi distribution of the estimated error s: the tail of the
    noncentral t with :math:`\delta / \sqrt{\sigma^2/n + \sigma_0^2/n_0}`, by Gauss-Legendre quadrature. Welch's t,
    whose degrees of freedom are estimated as well, is averaged over both groups' estimated spreads. For equivalence
    both tests share the estimated error, so their joint probability is exact too.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 12.5. Moser, Stevens & Watts (1989), Communications in
    Statistics - Theory and Methods 18, 3963-3975. Phillips (1990), J. Pharmacokinetics and Biopharmaceutics 18,
    137-144.

    Examples
    --------
    >>> from qstats import means_power
    >>> round(means_power(0.5, 1.0, 40, 40).power, 3)
    0.598
    """
    tests, spread, spread0 = _checked(method, null, confidence, alternative, sd, sd0)
    gap = check_number(difference, "difference", above=-_WIDEST, below=_WIDEST)
    text, source = _METHODS[method]
    return study(
        two_sample_t(method, gap, spread, spread0, tests), whole_size(n, "n"), whole_size(n0, "n0"),
        effect="mean_difference", unit="values", assumed={"difference": gap, "sd": spread, "sd0": spread0}, tests=tests,
        method=text, reference=source,
    )  # fmt: skip


def means_sample_size(
    difference: float,
    sd: float,
    *,
    sd0: float | None = None,
    power: float = 0.8,
    size_ratio: float = 1.0,
    method: str = "welch",
    null: Null = 0.0,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how many values are needed to show a difference of two means.

    Use it with a standard deviation from earlier data. Not with one guessed to make the answer affordable: look at
    `StudySize.table` and at twice the guess.

    Parameters
    ----------
    difference, sd, sd0, method, null, confidence, alternative
        As in `means_power`.
    power : float
    size_ratio : float
        Size of the group over that of the reference group; the group's size is rounded up.

    Returns
    -------
    StudySize
        The smallest sizes with the power; every larger one has it too.

    Raises
    ------
    DataError
        A difference that no size can tell from `null`, or a bad number.

    Notes
    -----
    As `means_power`, searched over whole sizes.

    References
    ----------
    Cohen (1988), Statistical Power Analysis, 2nd ed., section 12.5.

    Examples
    --------
    >>> from qstats import means_sample_size
    >>> means_sample_size(0.1, 0.3).size
    143.0
    """
    tests, spread, spread0 = _checked(method, null, confidence, alternative, sd, sd0)
    gap = check_number(difference, "difference", above=-_WIDEST, below=_WIDEST)
    target = as_target(power, tests, gap, "difference")
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    of, (text, source) = two_sample_t(method, gap, spread, spread0, tests), _METHODS[method]
    n, n0 = sizes(of, k, target)
    return study(
        of, n, n0, effect="mean_difference", unit="values",
        assumed={"difference": gap, "sd": spread, "sd0": spread0}, tests=tests, method=text, reference=source,
        target=target,
    )  # fmt: skip


def sizes(of: Callable[[float, float], float], ratio: float, target: float) -> tuple[float, float]:
    """Return the smallest whole sizes in this ratio with the power wanted, two at least in each group."""

    def group(n0: float) -> float:
        return float(max(2, math.ceil(ratio * n0 - 1e-9)))

    n0 = least_whole(lambda v: of(group(v), v), target)
    return group(n0), n0
