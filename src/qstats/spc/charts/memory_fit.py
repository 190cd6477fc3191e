"""What the charts with a memory share: values with sizes, centre and sigma of a phase, points that are skipped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_exposure, as_vector, first_bad
from qstats._core.bias import d2
from qstats._core.blocks import everywhere, everywhere_true, level_and_moves
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.spc.build import Span, center_of, contiguous, own
from qstats.spc.door import Columns, Layers, read
from qstats.spc.flow import Judging, judging
from qstats.spc.kernels.sigma import INDIVIDUALS_SIGMA, SigmaEstimate, describe_sigma, known_sigma, moving_ranges
from qstats.spc.limits import ControlLimits, Parameter
from qstats.spc.phases import Layout
from qstats.spc.points import New, Points
from qstats.spc.rules import BEYOND_LIMITS, RuleSet
from qstats.spc.stored import refuse_held
from qstats.spc.stretch import Block, Computed, Line, Stretch

__all__ = [
    "SINGLE_POINTS",
    "LevelFit",
    "banded",
    "checked",
    "is_constant",
    "judged",
    "measure",
    "put_back",
    "read_points",
    "unit_of",
]

SINGLE_POINTS = RuleSet("beyond limits", (BEYOND_LIMITS,))


def is_constant(a: FloatArray) -> bool:
    """Whether all entries are the same number."""
    return a.strides == (0,) or bool((a == a[0]).all())


def unit_of(points: Points) -> float | None:
    """Return the one size of all points, None where sizes differ."""
    n = points.size
    return float(n[0]) if n.strides == (0,) and n.size else None


def read_points(values: object, size: object, missing: str, names: tuple[str, str]) -> Points:
    """Return checked values and subgroup sizes; a missing one of the two makes the point a gap."""
    x = own(as_vector(values, names[0], missing=missing), values)
    if size is None:
        return Points({"value": x}, everywhere(1.0, x.size))
    n = as_exposure(size, names[1], x.size, missing=missing)
    if not everywhere_true(lambda a: np.isnan(a) | (a == np.floor(a)), n):
        broken = ~(np.isnan(n) | (n == np.floor(n)))
        raise DataError(f"{names[1]}: {first_bad(broken, n)}; a subgroup has a whole number of values")
    if np.ndim(size) == 0:  # type: ignore[arg-type]
        return Points({"value": x}, everywhere(float(n[0]), x.size))
    x[np.isnan(n)] = np.nan
    return Points({"value": x}, n.copy())


def measure(new: New, limits: ControlLimits) -> Points:
    """Return later values as points of the chart that `limits` belong to."""
    if new.by is not None or new.target is not None:
        raise DataError(f"by: a {limits.kind} chart has neither by nor target per point; leave them out")
    sized = limits.parameters.get("size") == "per point"
    if sized != (new.size is not None):
        wanted = "the size of each new mean is wanted" if sized else "the chart has single values; leave size out"
        raise DataError(f"size: {wanted}")
    return read_points(new.values, new.size, new.missing, ("new", "size"))


def judged(span: Span) -> tuple[FloatArray, FloatArray, BoolArray | None]:
    """Return values and sizes of the points that a memory takes in, and which those are (None: all)."""
    x, n = span.points["value"][span.where], span.points.size[span.where]
    if span.broken is None:
        return x, n, None
    keep = ~span.broken
    return x[keep], n[keep], keep


def put_back(values: FloatArray, keep: BoolArray | None, before: float) -> FloatArray:
    """Return `values` at the points taken in; a point passed over repeats what was there before it."""
    if keep is None:
        return values
    return np.concatenate(([before], values))[np.cumsum(keep)]


def banded(span: Span, statistic: FloatArray, head: FloatArray, rest: float) -> Stretch:
    """Return a stretch with limits of its own at the first points, and one width from there on.

    Parameters
    ----------
    span : Span
    statistic : numpy.ndarray
        Plotted values of the phase.
    head : numpy.ndarray
        Variance of the first points, in units of the variance of one value.
    rest : float
        Variance of all later points.
    """
    lim = span.limits
    sigma = lim.sigma or 0.0
    wide, last, k = sigma * np.sqrt(head), sigma * math.sqrt(rest), head.size

    def make(i: int, j: int) -> Block:
        a, b = i - span.start, j - span.start
        s: Line = last if a >= k else wide[a : min(b, k)]
        if a < k < b:
            s = np.concatenate((wide[a:], np.full(b - k, last)))
        reach = lim.nsigma * s
        return Block(statistic[a:b], lim.center, s, lim.center - reach, lim.center + reach)

    return Computed(span.start, span.stop, make)


@dataclass(frozen=True, slots=True, eq=False)
class LevelFit:
    """Centre and sigma of one phase after another.

    Parameters
    ----------
    kind : str
    points : Points
    layout : Layout
    nsigma : float
    sigma : object
        Known standard deviation of one value, or the name of an estimator.
    constants : str
    target : float or None
        Where the centre line stands; None: at the mean.
    parameters : mapping
        What else the limits have to hold.
    """

    kind: str
    points: Points
    layout: Layout
    nsigma: float
    sigma: object
    constants: str
    target: float | None
    parameters: Mapping[str, Parameter]

    def __call__(self, name: str, where: slice) -> ControlLimits:
        which = f" in phase {name!r}" if name else ""
        run = contiguous(self.layout.used, where)
        used = self.layout.used[where]
        values = self.points["value"][where][used] if run is None else self.points["value"][run]
        if values.size < 1:
            raise TooFewData(f"data: no point is left to rest limits on{which}; exclude fewer or widen the baseline")
        sizes = self.points.size[where][used] if run is None else self.points.size[run]
        known = known_sigma(self.sigma, INDIVIDUALS_SIGMA)
        with np.errstate(over="ignore", invalid="ignore"):
            if known is None and run is not None and self.sigma == "moving_range" and unit_of(self.points) == 1.0:
                center, spread = self._plain(values, which)
            elif known is not None and self.target is not None:  # nothing to estimate, no pass over the data
                center, spread = self.target, SigmaEstimate(known, None)
            else:
                center = _mean(values, sizes)
                spread = SigmaEstimate(known, None) if known else self._estimate(where, used, center, which)
        center = center if self.target is None else self.target
        if not math.isfinite(abs(center) + 10.0 * self.nsigma * spread.sigma):
            raise DataError("data: values so large that their sums overflow; divide them by a power of ten first")
        how = describe_sigma(self.sigma, self.constants)
        df = None if spread.df is None else float(spread.df)
        return ControlLimits(
            self.kind, center, float(spread.sigma), self.nsigma, name, values.size, how, dict(self.parameters), df
        )

    def _plain(self, values: FloatArray, which: str) -> tuple[float, SigmaEstimate]:
        """Mean, and mean moving range of neighbours that are all there, in one pass and without storing one."""
        pairs = values.size - 1
        _enough(pairs, which)
        center, total = level_and_moves(values)
        if total == 0.0:  # the mean of equal values is their value, not a rounding step away from it
            center = float(values[0])
        return center, SigmaEstimate(total / pairs / d2(2, self.constants), float(pairs))

    def _estimate(self, where: slice, used: BoolArray, center: float, which: str) -> SigmaEstimate:
        """Sigma of one value from the scatter of the points, each as wide as one value once times root size."""
        how = INDIVIDUALS_SIGMA[str(self.sigma)]
        u = self.points["value"][where] - center
        if unit_of(self.points) != 1.0:
            u *= np.sqrt(self.points.size[where])
        if how.ranges == "none":
            return how.estimate(u[used], np.empty(0), 2, self.constants)
        ranges = moving_ranges(u, 2, missing=~used)
        _enough(int(np.count_nonzero(~np.isnan(ranges))), which)
        return how.estimate(u[used], ranges, 2, self.constants)

    def notes(self, limits: tuple[ControlLimits, ...]) -> Sequence[Note]:
        """Say where nothing varies."""
        flat = [lim.phase for lim in limits if lim.sigma == 0]
        if not flat:
            return ()
        which = f" in phase {', '.join(flat)}" if any(flat) else ""
        text = f"sigma is zero{which}: the limits fall on the centre line, and any other value would signal; "
        return (Note("zero-variance", "serious", text + "look at the resolution of the measurement, or pass sigma="),)


def _mean(values: FloatArray, sizes: FloatArray) -> float:
    middle = center_of(values)
    if is_constant(sizes):
        return middle
    return middle + float(np.dot(sizes, values - middle)) / float(sizes.sum())


def _enough(pairs: int, which: str) -> None:
    if pairs < 2:
        raise TooFewData(f"data: {pairs} moving ranges{which}; at least 2 are wanted, or pass sigma= or limits=")


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A call that has been checked, and its data in charted order."""

    by: Judging
    got: Columns
    points: Points
    target: float | None


def checked(
    kind: str,
    data: object,
    columns: tuple[str | None, object],
    layers: Layers,
    limits: object,
    nsigma: float,
    sigma: object,
    constants: str,
    target: object,
    own_options: Mapping[str, tuple[object, object]],
    missing: str,
) -> Checked:
    """Check what the charts with a memory have in common and read the data.

    `own_options` are the options that stored limits hold too: name -> (what came, the default).
    """
    check_choice(constants, "constants", ("exact", "table"))
    known_sigma(sigma, INDIVIDUALS_SIGMA)
    by = judging(kind, layers, limits, SINGLE_POINTS, nsigma)
    values, size = columns
    if by.given is not None:
        _agree(by.given, sigma, target, size, own_options)
        refuse_held(by.given, {"constants": (constants, "exact")})
    center = None if target is None else check_number(target, "target")
    got = read(data, {"values": values, **({} if size is None else {"size": size})}, layers)
    points = read_points(got.values["values"], got.values.get("size"), missing, ("data", "size"))
    return Checked(by, got, points, center)


def _agree(
    given: ControlLimits, sigma: object, target: object, size: object, options: Mapping[str, tuple[object, object]]
) -> None:
    """Refuse what stored limits hold already, or lack."""
    estimates: tuple[tuple[str, object, object], ...] = (("sigma", sigma, "moving_range"), ("target", target, None))
    for name, value, default in estimates:
        if value != default:
            raise DataError(f"{name}: given together with limits, which hold it; pass one of them")
    if given.sigma is None:
        raise DataError(f"limits: they hold no sigma; a chart of kind {given.kind!r} needs one")
    if (given.parameters.get("size") == "per point") != (size is not None):
        raise DataError("limits: they were made for single values and size= came, or the other way round")
    for name, (value, default) in options.items():
        held = given.parameters.get(name)
        if not isinstance(held, bool) if isinstance(default, bool) else isinstance(held, bool | str | tuple | None):
            raise DataError(f"limits: parameter {name!r} of a {given.kind} chart is {held!r}; take it from a chart")
        if value not in (default, held):
            raise DataError(f"{name}: got {value!r} together with limits that hold {held!r}; leave it out")
