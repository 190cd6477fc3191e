"""What capability needs of the data: moments, subgroups, who is beyond the limits, and a picture of the shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.blocks import block_edges, safe_mean
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats._core.spec import Spec
from qstats.errors import DataError, TooFewData
from qstats.spc.charts.subgroup_door import read_subgroups
from qstats.spc.charts.subgroup_fit import grand_mean, one_size
from qstats.spc.charts.subgroup_forms import Form, Grouped
from qstats.spc.door import Layers, read
from qstats.spc.kernels.moving_ranges import moving_ranges
from qstats.spc.kernels.subgroups import Subgroups, SubgroupStats, summarise

__all__ = ["Outside", "Picture", "Sample", "count_outside", "draw_picture", "read_sample"]

_LEAST = 2
_LARGE = 1e5
_DRAWN = 50_000  # values a picture is made of: more change no pixel
_BINS = 200
_ORDERED = 2000
_GROUPS, _POINTS = 25, 500
_BLOCK = 1 << 15
_MANY_GROUPS = 10_000
_SLIP = 1e-15


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The data, read once.

    Parameters
    ----------
    x : numpy.ndarray
        Values present, in charted order.
    mean, m2 : float
        Mean, and sum of squared deviations from it.
    groups, stats : Subgroups and SubgroupStats, or None
        The rational subgroups; None for single values.
    series, ranges : numpy.ndarray or None
        Single values with NaN at the gaps, and their moving ranges of two; None for subgroups.
    notes : tuple of Note
    """

    x: FloatArray
    mean: float
    m2: float
    groups: Subgroups | None
    stats: SubgroupStats | None
    series: FloatArray | None
    ranges: FloatArray | None
    notes: tuple[Note, ...]

    @property
    def n(self) -> int:
        """Number of values."""
        return self.x.size

    @property
    def size(self) -> int:
        """Values of every subgroup where all have as many, else 0; 1 for single values."""
        return 1 if self.stats is None else one_size(self.stats.n)

    @property
    def filled(self) -> int:
        """Number of subgroups that hold a value; 0 for single values."""
        if self.stats is None:
            return 0
        return self.stats.n.size if self.size else int(np.count_nonzero(self.stats.n))

    @property
    def sigma(self) -> float:
        """Overall standard deviation."""
        return math.sqrt(self.m2 / (self.n - 1))


def read_sample(
    data: object, form: Form, order_by: object, missing: str, parts: Sequence[str]
) -> Sample:  # fmt: skip
    """Return the data as single values in time order or as subgroups.

    Parameters
    ----------
    data, order_by, missing
        As in `process_capability`.
    form : Form
        `values`, `by`, `size`.
    parts : sequence of str
        What an estimator of sigma needs of `summarise` besides mean and standard deviation.
    """
    check_choice(missing, "missing", ("raise", "drop"))
    if _is_single(data, form):
        return _singles(data, form.values, order_by, missing)
    # a plain matrix is looked at by way of its standard deviations; an engine must give the rows here
    matrix = isinstance(data, np.ndarray) and form.by is None and form.size is None
    got = read_subgroups(data, form, Layers(order_by), missing, moments=matrix)
    return _grouped(got, parts)


def _is_single(data: object, form: Form) -> bool:
    if form.by is not None or form.size is not None or isinstance(form.values, list | tuple):
        return False
    if table.is_frame(data):
        return True
    if isinstance(data, list | tuple):
        return not any(isinstance(row, list | tuple | np.ndarray) for row in data)
    return getattr(data, "ndim", 1) != 2


def _singles(data: object, values: object, order_by: object, missing: str) -> Sample:
    got = read(data, {"values": values}, Layers(order_by))
    framed = table.is_frame(data)
    series = as_vector(got.values["values"], "values" if framed else "data", missing=missing, least=_LEAST)
    gone = np.isnan(series) if missing == "drop" else np.zeros(0, dtype=np.bool_)
    notes: tuple[Note, ...] = ()
    x = series
    if gone.any():
        x = series[~gone]
        text = f"{int(gone.sum())} of {series.size} values are missing: left out, and no moving range reaches over them"
        notes = (Note("missing-dropped", "warning", text),)
    mean, m2 = _moments(x)
    return Sample(x, mean, m2, None, None, series, moving_ranges(series), notes)


def _moments(x: FloatArray) -> tuple[float, float]:
    mean = safe_mean(x)
    scratch = np.empty(min(x.size, _BLOCK))
    total, slips = [], []
    with np.errstate(over="ignore"):
        for i, j in block_edges(x.size, _BLOCK):
            d = np.subtract(x[i:j], mean, out=scratch[: j - i])
            total.append(float(np.dot(d, d)))
            slips.append(float(np.add.reduce(d)))
    if not all(map(math.isfinite, (mean, *total))):
        raise DataError("data: values so large that their squares overflow; divide them by a power of ten first")
    slip = math.fsum(slips) / x.size  # what a float64 as large as the mean cannot hold
    return mean, max(math.fsum(total) - x.size * slip * slip, 0.0)


def _grouped(got: Grouped, parts: Sequence[str]) -> Sample:
    groups = got.groups
    assert groups is not None  # the door was asked for the rows
    stats = summarise(groups, tuple(dict.fromkeys(("mean", "std", *parts))))
    mean, std, n = stats.mean, stats.std, stats.n
    assert mean is not None and std is not None
    size = one_size(n)
    if size >= 2:
        got.confirm(std)
        with np.errstate(over="ignore"):
            center, between = _moments(mean)
            m2 = (size - 1) * float(np.dot(std, std)) + size * between
    else:
        center, m2 = _unequal(mean, std, n)
    if not math.isfinite(m2) or not math.isfinite(center):
        raise DataError("data: values so large that their squares overflow; divide them by a power of ten first")
    if abs(center) > _LARGE * math.sqrt(m2 / groups.x.size):  # the subgroup means have lost digits, the values not
        center, m2 = _moments(groups.x)
    return Sample(groups.x, center, m2, groups, stats, None, None, got.notes)


def _unequal(mean: FloatArray, std: FloatArray, n: FloatArray) -> tuple[float, float]:
    """Return mean and sum of squares of subgroups of different sizes."""
    some = n > 0.0  # an empty subgroup counts for nothing
    mean, std, n = mean[some], std[some], n[some]
    if n.sum() < _LEAST:
        raise TooFewData(f"data: {n.sum():g} values came; at least {_LEAST} are wanted")
    center = grand_mean(mean, n)
    with np.errstate(over="ignore", invalid="ignore"):
        inner = np.where(n > 1.0, (n - 1.0) * np.square(np.where(n > 1.0, std, 0.0)), 0.0)
        return center, float(inner.sum()) + float((n * np.square(mean - center)).sum())


# ---- beyond the limits ----


@dataclass(frozen=True, slots=True)
class Outside:
    """Lowest and highest value, and how many lie below and above the specification."""

    low: float
    high: float
    below: int
    above: int


def count_outside(sample: Sample, spec: Spec) -> Outside:
    """Return extremes and counts beyond the limits; a value on a limit is within."""
    groups, stats = sample.groups, sample.stats
    if groups is not None and stats is not None and isinstance(groups.size, int) and groups.count >= _MANY_GROUPS:
        return _outside_of_groups(groups.x.reshape(-1, groups.size), stats, spec)
    return _outside(sample.x, spec)


def _outside(x: FloatArray, spec: Spec) -> Outside:
    lower, upper = spec.lower_spec, spec.upper_spec
    low, high, below, above = math.inf, -math.inf, 0, 0
    for i, j in block_edges(x.size, _BLOCK):
        part = x[i:j]
        least, most = float(np.minimum.reduce(part)), float(np.maximum.reduce(part))
        low, high = min(low, least), max(high, most)
        if lower is not None and least < lower:
            below += int(np.count_nonzero(part < lower))
        if upper is not None and most > upper:
            above += int(np.count_nonzero(part > upper))
    return Outside(low, high, below, above)


def _outside_of_groups(rows: FloatArray, stats: SubgroupStats, spec: Spec) -> Outside:
    """The same, looking only into subgroups that can hold such a value.

    No value of n lies further from their mean than ``s * (n - 1) / sqrt(n)`` (Samuelson's inequality).
    """
    mean, std, size = stats.mean, stats.std, rows.shape[1]
    assert mean is not None and std is not None
    reach = (size - 1) / math.sqrt(size) * (1.0 + 1e-9)
    lower = -math.inf if spec.lower_spec is None else spec.lower_spec
    upper = math.inf if spec.upper_spec is None else spec.upper_spec
    low, high, below, above = math.inf, -math.inf, 0, 0
    scratch = np.empty((3, min(mean.size, _BLOCK)))
    for i, j in block_edges(mean.size, _BLOCK):
        far, top, bottom = scratch[:, : j - i]
        np.multiply(std[i:j], reach, out=far)
        np.add(mean[i:j], far, out=top)
        np.subtract(mean[i:j], far, out=bottom)
        most, least = float(np.maximum.reduce(top)), float(np.minimum.reduce(bottom))
        if i == 0:  # extremes of the widest subgroups: what is asked for later lies beyond them
            low, high = float(rows[np.argmin(bottom)].min()), float(rows[np.argmax(top)].max())
        slip = _SLIP * size * max(abs(least), abs(most))  # rounding of the means
        over, under = min(upper, high) - slip, max(lower, low) + slip
        if most < over and least > under:
            continue
        wanted = np.flatnonzero((top >= over) | (bottom <= under))
        part = _outside(rows[i + wanted].reshape(-1), spec)
        low, high = min(low, part.low), max(high, part.high)
        below, above = below + part.below, above + part.above
    return Outside(low, high, below, above)


# ---- pictures ----


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a histogram, a probability plot and a six-panel display need, whatever the number of values.

    Parameters
    ----------
    edges : numpy.ndarray, shape (b + 1,)
        Edges of the bins, in the unit of the data; at most 200 bins.
    counts : numpy.ndarray, shape (b,)
        Of the values used.
    probability, quantile : numpy.ndarray, shape (q,)
        Ordered values and their plotting positions (i - 1/2) / used; at most 2000.
    used : int
        Values histogram and quantiles are made of: all, or evenly spaced ones of very long data.
    mean, spread : numpy.ndarray, shape (p,)
        The last subgroup means and standard deviations (single values and moving ranges), at most 500.
    last : numpy.ndarray, shape (g, n)
        The values of the last 25 subgroups, NaN where a subgroup is shorter.
    first : int
        Position of the first of `mean` in the data.
    """

    edges: FloatArray
    counts: FloatArray
    probability: FloatArray
    quantile: FloatArray
    used: int
    mean: FloatArray
    spread: FloatArray
    last: FloatArray
    first: int


def draw_picture(sample: Sample, low: float, high: float) -> Picture:
    """Return the picture of a sample whose extremes are known."""
    step = -(-sample.n // _DRAWN)
    x = np.sort(sample.x[::step])
    edges = _edges(x, low, high)
    at = np.searchsorted(x, edges[1:-1], side="left")
    counts = np.diff(np.concatenate(([0], at, [x.size])))
    rank = np.unique(np.linspace(0, x.size - 1, min(x.size, _ORDERED)).round().astype(np.intp))
    mean, spread, last = _recent(sample)
    total = sample.stats.n.size if sample.stats is not None else mean.size
    if sample.series is not None:
        total = sample.series.size
    return Picture(
        frozen_array(edges), frozen_array(counts), frozen_array((rank + 0.5) / x.size), frozen_array(x[rank]), x.size,
        frozen_array(mean.copy()), frozen_array(spread.copy()), frozen_array(last), total - mean.size,
    )  # fmt: skip


def _edges(x: FloatArray, low: float, high: float) -> FloatArray:
    """Bins of Freedman and Diaconis; as many as Sturges says where the middle half is one value."""
    if low == high:
        return np.array([low, high])
    quarter, rest = x[x.size // 4], x[(3 * x.size) // 4]
    width = 2.0 * float(rest - quarter) / x.size ** (1.0 / 3.0)
    bins = math.ceil(min((high - low) / width, _BINS)) if width > 0 else math.ceil(math.log2(x.size) + 1)
    return np.linspace(low, high, max(bins, 1) + 1)


def _recent(sample: Sample) -> tuple[FloatArray, FloatArray, FloatArray]:
    if sample.series is not None and sample.ranges is not None:
        part = sample.series[-_POINTS:]
        return part, sample.ranges[-_POINTS:], part[-_GROUPS:, None]
    groups, stats = sample.groups, sample.stats
    assert groups is not None and stats is not None and stats.mean is not None and stats.std is not None
    return stats.mean[-_POINTS:], stats.std[-_POINTS:], _last(groups)


def _last(groups: Subgroups) -> FloatArray:
    if isinstance(groups.size, int):
        size = groups.size
        return groups.x[: groups.count * size].reshape(-1, size)[-_GROUPS:].copy()
    sizes = groups.size[-_GROUPS:]
    ends = groups.x.size - int(sizes.sum()) + np.cumsum(sizes)
    out = np.full((sizes.size, int(sizes.max())), np.nan)
    for row, (end, n) in enumerate(zip(ends.tolist(), sizes.tolist(), strict=True)):
        out[row, :n] = groups.x[end - n : end]
    return out
