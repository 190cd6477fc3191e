"""What all subgroup charts share: lines that follow the subgroup sizes, and limits estimated within subgroups."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.bias import c4, d2, d3
from qstats._core.notes import Note
from qstats._core.quantiles import chi2_quantile, normal_sf
from qstats.errors import DataError, TooFewData
from qstats.spc.build import Span, center_of, contiguous
from qstats.spc.charts.subgroup_door import new_subgroups
from qstats.spc.charts.subgroup_forms import Grouped
from qstats.spc.kernels.range_quantile import range_quantile
from qstats.spc.kernels.sigma import SUBGROUP_SIGMA, SigmaEstimate, describe_sigma, known_sigma
from qstats.spc.kernels.subgroups import Subgroups, SubgroupStats, summarise
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.stretch import Block, Computed, Flat, Stretch, Varying

__all__ = [
    "SubgroupFit",
    "check_finite",
    "dispersion_stretch",
    "grand_mean",
    "mean_stretch",
    "measure_subgroups",
    "needs_values",
    "one_size",
    "points_of",
    "stats_of",
    "within_sigma",
    "zero_variance",
]

_NO_LINES = (math.nan,) * 5
_NO_GROUPS = Subgroups(np.empty(0), 1)


def one_size(size: FloatArray) -> int:
    """Return the size all subgroups have; 0 where they differ or some are empty."""
    if not size.size or not size[0] >= 1.0 or size[0] != size[-1]:
        return 0
    return int(size[0]) if size.strides == (0,) or bool((size == size[0]).all()) else 0


# ---- statistics ----


def needs_values(sigma: object) -> bool:
    """Whether an estimator looks at the values themselves, so that size, mean, range and s are not enough."""
    return isinstance(sigma, str) and sigma in SUBGROUP_SIGMA and not SUBGROUP_SIGMA[sigma].parts


def stats_of(got: Grouped, spread: str, sigma: object = None) -> SubgroupStats:
    """Return what is plotted, and what the estimator `sigma` needs besides."""
    if got.stats is not None:
        return got.stats
    more = SUBGROUP_SIGMA[sigma].parts if isinstance(sigma, str) and sigma in SUBGROUP_SIGMA else ()
    assert got.groups is not None  # one of the two is there
    out = summarise(got.groups, tuple(dict.fromkeys(("mean", spread, *more))))
    got.confirm(getattr(out, spread))
    return out


def points_of(stats: SubgroupStats, spread: str, target: FloatArray | None = None) -> Points:
    """Return the plotted columns: ``mean`` and ``range`` or ``std`` (and ``target``), with the subgroup sizes."""
    mean, other = stats.mean, getattr(stats, spread)
    assert mean is not None  # both were asked for
    columns = {"mean": mean, spread: other}
    if target is not None:
        columns["target"] = target
    return Points(columns, stats.n)


def measure_subgroups(new: New, limits: ControlLimits, spread: str) -> Points:
    """Return later subgroups as points of the chart that `limits` belong to."""
    per_point = limits.parameters.get("target") == "per point"
    if per_point != (new.target is not None):
        wanted = "one target per new subgroup is wanted" if per_point else "the chart has one centre; leave target out"
        raise DataError(f"target: {wanted}")
    groups, target = new_subgroups(new)
    return points_of(summarise(groups, ("mean", spread)), spread, target)


# ---- lines ----


def _by_size(
    span: Span, x: FloatArray, lines: Callable[[int], tuple[float, ...]], least: int, skewed: bool = False
) -> Computed:
    """Return points with lines worked out once per size; NaN for subgroups smaller than `least`."""
    size = span.points.size
    seen = np.flatnonzero(np.bincount(size[span.where].astype(np.intp)))
    table = np.full((len(_NO_LINES), int(seen.max(initial=0)) + 1), np.nan)
    for n in seen[seen >= least].tolist():
        table[:, n] = lines(n)

    def make(i: int, j: int) -> Block:
        center, above, lower, upper, below = table[:, size[i:j].astype(np.intp)]
        return Block(x[i:j], center, above, lower, upper, below if skewed else None)

    return Computed(span.start, span.stop, make)


def _center_and_spread(panel: str, n: int, constants: str) -> tuple[float, float]:
    """Mean and standard deviation of the statistic of `n` values, in sigmas."""
    if panel == "range":
        return d2(n, constants), d3(n, constants)
    mean = c4(n, constants)
    return mean, math.sqrt(1.0 - mean * mean)


def _dispersion_lines(panel: str, n: int, sigma: float, limits: ControlLimits) -> tuple[float, ...]:
    """Return centre, zone above, lower limit, upper limit and zone below for subgroups of `n`."""
    if n < 2:
        return _NO_LINES
    mean, spread = _center_and_spread(panel, n, limits.constants)
    center, k = mean * sigma, limits.nsigma
    if limits.parameters.get("dispersion_limits") != "probability":
        zone = spread * sigma
        return center, zone, max(center - k * zone, 0.0), center + k * zone, zone
    tail = float(normal_sf(k))
    if panel == "range":
        low, high = range_quantile(tail, n), range_quantile(1.0 - tail, n)
    else:
        low, high = (math.sqrt(float(chi2_quantile(p, n - 1)) / (n - 1)) for p in (tail, 1.0 - tail))
    lower, upper = low * sigma, high * sigma
    return center, (upper - center) / k, lower, upper, (center - lower) / k


def dispersion_stretch(span: Span, panel: str, sigma: float) -> Stretch:
    """Return ranges or standard deviations with the centre and the limits of each point's own size."""
    x, size = span.points[panel], span.points.size[span.where]
    n = one_size(size)
    if n:
        center, above, lower, upper, below = _dispersion_lines(panel, n, sigma, span.limits)
        return Flat(span.start, span.stop, x, center, above, lower, upper, None if above == below else below)
    skewed = span.limits.parameters.get("dispersion_limits") == "probability"
    return _by_size(span, x, lambda m: _dispersion_lines(panel, m, sigma, span.limits), 2, skewed)


def _mean_lines(n: int, sigma: float, limits: ControlLimits) -> tuple[float, ...]:
    error = sigma / math.sqrt(n)
    reach = limits.nsigma * error
    return limits.center, error, limits.center - reach, limits.center + reach, error


def mean_stretch(span: Span) -> Stretch:
    """Return subgroup means with limits at so many of their own standard errors."""
    lim, x, size = span.limits, span.points["mean"], span.points.size[span.where]
    sigma = lim.sigma or 0.0
    n = one_size(size)
    if "target" not in span.points.columns:
        if not n:
            return _by_size(span, x, lambda m: _mean_lines(m, sigma, lim), 1)
        center, error, lower, upper, _ = _mean_lines(n, sigma, lim)
        return Flat(span.start, span.stop, x, center, error, lower, upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.where(size > 0, sigma / np.sqrt(size), np.nan)  # an empty subgroup has no limits
    reaches = lim.nsigma * errors
    centers = span.points["target"][span.where] + lim.center
    return Varying(span.start, span.stop, x[span.where], centers, errors, centers - reaches, centers + reaches)


# ---- limits ----


def grand_mean(mean: FloatArray, n: FloatArray) -> float:
    """Return the mean of all values: subgroup means weighted by size."""
    if one_size(n) or mean.min() == mean.max():
        return center_of(mean)
    first, total = float(mean[0]), float(n.sum())
    level = first + float((n * (mean - first)).sum()) / total
    return level + float((n * (mean - level)).sum()) / total  # what rounding left over


def check_finite(*numbers: float) -> None:
    """Refuse values whose sums leave the float64 range."""
    if not all(map(math.isfinite, numbers)):
        raise DataError("data: values so large that their sums overflow; divide them by a power of ten first")


def _picked(values: FloatArray | None, at: slice | npt.NDArray[np.intp]) -> FloatArray | None:
    return None if values is None else values[at]


def _some(groups: Subgroups, at: slice | npt.NDArray[np.intp]) -> Subgroups:
    """Return some of the subgroups."""
    if isinstance(groups.size, int):
        return Subgroups(groups.x.reshape(-1, groups.size)[at].reshape(-1), groups.size)
    chosen = np.zeros(groups.count, dtype=np.bool_)
    chosen[at] = True
    return Subgroups(groups.x[np.repeat(chosen, groups.size)], groups.size[chosen])


def within_sigma(
    stats: SubgroupStats, groups: Subgroups | None, at: slice | npt.NDArray[np.intp], sigma: object, constants: str
) -> SigmaEstimate:
    """Return the standard deviation within the subgroups at `at`, known or by a named estimator."""
    known = known_sigma(sigma, SUBGROUP_SIGMA)
    if known is not None:
        return SigmaEstimate(known, None)
    part = stats
    if not isinstance(at, slice) or at != slice(0, stats.n.size):
        part = SubgroupStats(stats.n[at], *(_picked(a, at) for a in (stats.mean, stats.range, stats.std, stats.median)))
    some = _NO_GROUPS
    if needs_values(sigma):
        assert groups is not None  # the door was told that values are needed
        some = _some(groups, at)
    return SUBGROUP_SIGMA[str(sigma)].estimate(part, some, constants)


def zero_variance(limits: Sequence[ControlLimits], sigma: Callable[[ControlLimits], float | None]) -> Sequence[Note]:
    """Say in which phases nothing varies."""
    flat = [lim.phase for lim in limits if sigma(lim) == 0]
    if not flat:
        return ()
    which = f" in phase {', '.join(flat)}" if any(flat) else ""
    text = f"sigma is zero{which}: the limits fall on the centre line, and any other value would signal; "
    return (Note("zero-variance", "serious", text + "look at the resolution of the measurement, or pass sigma="),)


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupFit:
    """Centre and sigma within subgroups of one phase after another.

    Parameters
    ----------
    kind : str
        Chart.
    points : Points
        Columns ``mean``, ``range`` or ``std``, and ``target`` where each point has one.
    stats : SubgroupStats
        What the estimator needs.
    groups : Subgroups or None
        The values, for estimators that need them.
    layout : Layout
    nsigma : float
    sigma : str or float
        Estimator of `SUBGROUP_SIGMA`, or the known standard deviation.
    constants : str
    center : float or None
        Known centre.
    robust : numpy.ndarray or None
        Hodges-Lehmann estimate of each subgroup, where the centre rests on them instead of the means.
    parameters : dict
        What else the limits must hold.
    """

    kind: str
    points: Points
    stats: SubgroupStats
    groups: Subgroups | None
    layout: Layout
    nsigma: float
    sigma: object
    constants: str
    center: float | None = None
    robust: FloatArray | None = None
    parameters: dict[str, Parameter] = field(default_factory=dict)

    def taken(self, name: str, where: slice) -> slice | npt.NDArray[np.intp]:
        """Return which subgroups the limits of a phase rest on; there is at least one."""
        run = contiguous(self.layout.used, where)
        at = np.flatnonzero(self.layout.used[where]) + where.start if run is None else run
        if run is None and not len(at):  # type: ignore[arg-type]
            which = f" in phase {name!r}" if name else ""
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        return at

    def __call__(self, name: str, where: slice) -> ControlLimits:
        at = self.taken(name, where)
        mean, n = self.points["mean"][at], self.points.size[at]
        center = 0.0 if "target" in self.points.columns else self.center
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is told below
            if center is None:
                center = grand_mean(mean if self.robust is None else self.robust[at], n)
            spread = within_sigma(self.stats, self.groups, at, self.sigma, self.constants)
        check_finite(center, 10.0 * self.nsigma * spread.sigma)
        how = describe_sigma(self.sigma, self.constants)
        if self.robust is not None:
            how = f"centre = mean of the subgroups' Hodges-Lehmann estimates; {how}"
        df = None if spread.df is None else float(spread.df)
        return ControlLimits(self.kind, center, spread.sigma, self.nsigma, name, mean.size, how, self.parameters, df)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where nothing varies, and where ranges waste what large subgroups tell."""
        out = list(zero_variance(limits, lambda lim: lim.sigma))
        most = float(self.points.size.max())
        if "range" in self.points.columns and most > 10:
            text = f"subgroups of up to {most:g}: ranges use only two values of each; xbar_s uses them all"
            out.append(Note("large-subgroups", "info", text))
        return out
