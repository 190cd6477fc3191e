"""How many cases a comparison of mean times to a horizon needs, when some are still open at the last look."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError
from qstats.inference.power.kernels import normal_power
from qstats.inference.power.means import sizes
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
from qstats.inference.times.survival import SurvivalCurve, restricted_mean

__all__ = ["rmst_power", "rmst_sample_size"]

_MEASURES = ("rmst_difference", "rmst_ratio")
_METHOD = "Kaplan-Meier mean time to the horizon, large-sample variance, normal"
_SOURCE = (
    "Royston & Parmar (2013), BMC Medical Research Methodology 13, 152; Tian, Zhao & Wei (2014), Biostatistics 15, "
    "222-233"
)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_SURE = 45.0  # cumulative hazard beyond which a float64 sees nothing of the rest
_HARDLY_ANY = 1e-9  # share of cases: no study has so many
_FEWEST = 10.0  # ends below which the normal approximation is not to be relied on


class _Watch(NamedTuple):
    """How long cases are watched: each at least `least`, one opened first `intake` longer."""

    least: float
    intake: float

    def share(self, t: FloatArray) -> FloatArray:
        """Return the share of cases watched to time t."""
        if self.intake == 0.0 or math.isinf(self.least):
            return np.ones_like(t)
        return np.clip((self.least + self.intake - t) / self.intake, 0.0, 1.0)


class _Expected(NamedTuple):
    """Mean time to the horizon, n times the variance of its estimate, and the share of cases seen to end before it."""

    mean: float
    variance: float
    ends: float


def _pieces(last: float, watch: _Watch, power: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights from 0 to `last`, cut where the censoring sets in, close to 0 as dense as `power` says."""
    cuts = [0.0, watch.least, last] if watch.intake > 0.0 and 0.0 < watch.least < last else [0.0, last]
    nodes, weights = [], []
    for a, b in itertools.pairwise(cuts):
        u, w = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS
        if a == 0.0:  # t = last u**power makes a hazard smooth that is infinite at 0
            u, w = u**power, w * power * u ** (power - 1.0)
        nodes.append(a + (b - a) * u)
        weights.append((b - a) * w)
    return np.concatenate(nodes), np.concatenate(weights)


def _weibull(median: float, shape: float, horizon: float, watch: _Watch) -> _Expected:
    r"""Asymptotic variance :math:`\int A(t)^2 f(t) / (S(t)^2 G(t)) dt` of a Weibull time, A the area from t on."""
    scale = median / math.log(2.0) ** (1.0 / shape)
    a, whole = 1.0 / shape, math.gamma(1.0 + 1.0 / shape)
    end = (horizon / scale) ** shape if shape * math.log(horizon / scale) < 500.0 else math.inf
    beyond = float(scipy.special.gammaincc(a, end))
    mean = scale * whole * float(scipy.special.gammainc(a, end))
    last = horizon if end <= _SURE else scale * _SURE**a
    t, w = _pieces(last, watch, max(4.0, 4.0 / shape))
    hazard = (t / scale) ** shape
    area = scale * whole * np.maximum(scipy.special.gammaincc(a, hazard) - beyond, 0.0)
    seen, density = watch.share(t), shape * hazard / t
    variance = float(w @ (area**2 * density * np.exp(hazard) / seen))
    return _Expected(mean, variance, float(w @ (density * np.exp(-hazard) * seen)))


def _pilot(curve: SurvivalCurve, horizon: float, watch: _Watch) -> _Expected:
    """Return the same of a curve that was seen, with the censoring that is planned in place of that of the pilot."""
    mean, _ = restricted_mean(curve, horizon)
    k = int(np.searchsorted(curve.time, horizon, side="right"))
    t, s = curve.time[:k], curve.survival[:k]
    before = np.concatenate(([1.0], s))[:k]
    gaps = np.diff(np.append(t, horizon))
    area = (gaps * s)[::-1].cumsum()[::-1]
    seen, alive = watch.share(t), s > 0.0
    # h / (1 - h) / S(t-) with h = 1 - S/S(t-): the fall of the curve over the product of its two sides
    part = np.divide(before - s, before * s * seen, out=np.zeros(k), where=alive)
    return _Expected(mean, float(area**2 @ part), float((before - s) @ seen))


def _expected(given: Any, shape: object, name: str, horizon: float, watch: _Watch) -> _Expected:
    if isinstance(given, SurvivalCurve):
        got = _pilot(given, horizon, watch)
    else:
        median = check_number(given, name, above=0.0, below=1e100, least=1e-100)
        suffix = "0" if name.endswith("0") else ""
        k = check_number(shape, f"shape{suffix}", least=0.1, below=100.0)
        got = _weibull(median, k, horizon, watch)
    if not (got.variance > 0.0 and got.mean > 0.0 and got.ends > _HARDLY_ANY):
        raise DataError(f"{name}: no case is expected to end before the horizon of {horizon:g}; take a later one")
    return got


def _watch(watched: object, intake: object, horizon: float) -> _Watch:
    least = math.inf if watched is None else check_number(watched, "watched", least=0.0)
    over = check_number(intake, "intake", least=0.0)
    if watched is None and over > 0.0:
        raise DataError("intake: given without watched; cases watched until they end may open when they like")
    longest = least + over
    if horizon > longest or (over > 0.0 and horizon == longest):
        raise DataError(
            f"horizon: got {horizon:g}; the case opened first is watched for {longest:g}: the mean time is not known "
            "so far out, take a horizon below that"
        )
    return _Watch(least, over)


class _Plan(NamedTuple):
    tests: Tests
    effect: float
    group: _Expected
    group0: _Expected
    seen: float  # share of cases watched to the horizon
    horizon: float
    measure: str

    def power(self, n: float, n0: float) -> float:
        (m, v, _), (m0, v0, _) = self.group, self.group0
        tests, at = self.tests, self.effect
        if self.measure == "rmst_ratio":
            tests, at, v, v0 = logged(tests), math.log(at), v / (m * m), v0 / (m0 * m0)
        se = math.sqrt(v / n + v0 / n0)
        gaps = tuple(at - test.null for test in tests.sides)
        return normal_power(tests.sides, gaps, (se,) * len(gaps), se, tests.both)

    def assumed(self) -> dict[str, float]:
        return {
            "mean": self.group.mean, "mean0": self.group0.mean, "sd": math.sqrt(self.group.variance),
            "sd0": math.sqrt(self.group0.variance), "horizon": self.horizon,
        }  # fmt: skip

    def notes(self, n: float, n0: float) -> tuple[Note, ...]:
        found = []
        ends = min(n * self.group.ends, n0 * self.group0.ends)
        if ends < _FEWEST:
            text = f"some {ends:.2g} cases of a group are expected to end before the horizon: the normal is rough there"
            found.append(Note("few-ends", "warning", text))
        if (chance := max((1.0 - self.seen) ** n, (1.0 - self.seen) ** n0)) > 0.01:
            text = f"with probability {chance:.2g} no case of a group is watched to the horizon: take an earlier one"
            found.append(Note("horizon-out-of-reach", "warning", text))
        return tuple(found)


def _plan(
    given: tuple[Any, Any], horizon: object, measure: str, shapes: tuple[float, float | None],
    watch: tuple[object, object], null: Any, confidence: object, alternative: str,
) -> _Plan:  # fmt: skip
    check_choice(measure, "measure", _MEASURES)
    end = check_number(horizon, "horizon", above=0.0, below=1e100, least=1e-100)
    ratio = measure == "rmst_ratio"
    at = (1.0 if ratio else 0.0) if null is None else null
    bounds = {"above": 0.0} if ratio else {"above": -end, "below": end}
    tests, time = read_tests(at, confidence, alternative, **bounds), _watch(*watch, end)
    shape, shape0 = shapes
    group = _expected(given[0], shape, "expected", end, time)
    group0 = _expected(given[1], shape if shape0 is None else shape0, "expected0", end, time)
    effect = group.mean / group0.mean if ratio else group.mean - group0.mean
    return _Plan(tests, effect, group, group0, float(time.share(np.array([end]))[0]), end, measure)


def _study(plan: _Plan, n: float, n0: float, target: float | None) -> StudySize:
    of: Callable[[float, float], float] = plan.power
    return study(
        of, n, n0, effect=plan.measure, unit="cases", assumed=plan.assumed(), tests=plan.tests, method=_METHOD,
        reference=_SOURCE, target=target, notes=plan.notes(n, n0),
    )  # fmt: skip


def rmst_power(
    expected: float | SurvivalCurve,
    expected0: float | SurvivalCurve,
    n: float,
    n0: float,
    *,
    horizon: float,
    measure: str = "rmst_difference",
    shape: float = 1.0,
    shape0: float | None = None,
    watched: float | None = None,
    intake: float = 0.0,
    null: Null | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    r"""Tell how likely `compare_times` is to show a change of the mean time to a horizon, open cases included.

    Use it when some tickets will still be open at the last look, or when the curves may cross (`logrank_power` is for
    those that do not). Where every case is watched to the horizon it is the mean of times cut there, and `means_power`
    with their standard deviation says the same.

    Parameters
    ----------
    expected, expected0 : float or SurvivalCurve
        Median time assumed in the group and in the reference group (of a Weibull time with `shape`), or the curve of a
        pilot (`survival_curve`); one unit of time throughout.
    n, n0 : int
        Cases in each, at least two.
    horizon : float
        Such as the agreed service time.
    measure : {"rmst_difference", "rmst_ratio"}
    shape, shape0 : float
        Of the Weibull time, 0.1 to 100: 1 is exponential (a steady pace), below 1 the pace slows (usual for tickets),
        above 1 it rises. `shape0` is `shape` unless given.
    watched : float, optional
        Least time each case is watched: from the last opening to the last look. Until all end unless given.
    intake : float
        Length of the period in which cases open evenly; those opened first are watched that much longer.
    null : float or (float, float), optional
        Difference (0, within the horizon) or ratio (1) tested against: no change, a non-inferiority margin (with
        `alternative`), or two margins of equivalence.
    confidence : float
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    StudySize
        ``assumed`` holds the mean times to the horizon and the standard deviations of one case that they come with.

    Raises
    ------
    DataError
        Times not above zero, a horizon beyond what is watched, nothing that ends before it.

    Notes
    -----
    n times the variance of the mean time tends to :math:`\int_0^\tau A(t)^2 f(t) / (S(t)^2 G(t))\,dt`,
    :math:`A(t) = \int_t^\tau S`, f the density and G the share still watched: by quadrature for a Weibull time, a sum
    over the steps for a pilot. Power is that of the normal test; in small samples the test's own error rate is a
    little above its nominal one.

    References
    ----------
    Royston & Parmar (2013), BMC Medical Research Methodology 13, 152. Tian, Zhao & Wei (2014), Biostatistics 15,
    222-233.

    Examples
    --------
    >>> from qstats import rmst_power
    >>> r = rmst_power(20.0, 30.0, 150, 150, horizon=48.0, watched=24.0, intake=60.0)
    >>> round(r.assumed["mean"] - r.assumed["mean0"], 2), round(r.power, 3)
    (-5.62, 0.812)
    """
    plan = _plan((expected, expected0), horizon, measure, (shape, shape0), (watched, intake), null, confidence,
                 alternative)  # fmt: skip
    return _study(plan, whole_size(n, "n"), whole_size(n0, "n0"), None)


def rmst_sample_size(
    expected: float | SurvivalCurve,
    expected0: float | SurvivalCurve,
    *,
    horizon: float,
    measure: str = "rmst_difference",
    shape: float = 1.0,
    shape0: float | None = None,
    watched: float | None = None,
    intake: float = 0.0,
    power: float = 0.8,
    size_ratio: float = 1.0,
    null: Null | None = None,
    confidence: float = 0.95,
    alternative: str = "two-sided",
) -> StudySize:
    """Tell how many cases must be opened to show a change of the mean time to a horizon.

    Use it before a trial that ends with tickets still open. Not with the curves of the trial itself afterwards.

    Parameters
    ----------
    expected, expected0, horizon, measure, shape, shape0, watched, intake, null, confidence, alternative
        As in `rmst_power`.
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
        Mean times that no size can tell from `null`, or a bad number.

    Notes
    -----
    As `rmst_power`, searched over whole sizes.

    References
    ----------
    Royston & Parmar (2013), BMC Medical Research Methodology 13, 152.

    Examples
    --------
    >>> from qstats import rmst_sample_size
    >>> rmst_sample_size(20.0, 30.0, horizon=48.0).size
    144.0
    """
    plan = _plan((expected, expected0), horizon, measure, (shape, shape0), (watched, intake), null, confidence,
                 alternative)  # fmt: skip
    target = as_target(power, plan.tests, plan.effect, "expected, expected0")
    k = check_number(size_ratio, "size_ratio", above=0.0, below=1e9, least=1e-9)
    return _study(plan, *sizes(plan.power, k, target), target)
