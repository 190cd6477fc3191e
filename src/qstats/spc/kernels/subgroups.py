"""Mean, range, standard deviation and median of each rational subgroup, in cache-sized blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.blocks import everywhere

__all__ = ["PARTS", "TINY", "SubgroupStats", "Subgroups", "summarise"]

IntArray = npt.NDArray[np.int64]
PARTS = ("mean", "range", "std", "median")
_POINTS = 160_000  # points a block: with its scratch it stays in a second-level cache
_FEW = 12
TINY = 1e-140  # squares of what is smaller lose digits, or vanish
_SCALE = 2.0**600  # a power of two costs no digit; it brings the smallest float64 to 1e-143, and TINY to 1e40
_SMALL = 4096  # points: below, the calls cost more than the arithmetic
_MANY = 1000
_LONG = 48  # from this subgroup size on numpy's inner loop along the rows is long enough by itself


@dataclass(frozen=True, slots=True, eq=False)
class Subgroups:
    """Measurements in rational subgroups, group after group in one flat array.

    Parameters
    ----------
    x : numpy.ndarray
        All values, finite, group after group; a C-contiguous matrix (one row a group) is taken without a copy by `of`.
    size : int or numpy.ndarray
        Values per group; one number when all are equal, else one whole number a group (0 for an empty one).
    """

    x: FloatArray
    size: int | IntArray

    @classmethod
    def of(cls, matrix: FloatArray) -> Subgroups:
        """Return the rows of a (k, n) matrix as k subgroups of n; no copy if it is C-contiguous."""
        return cls(matrix.reshape(-1), int(matrix.shape[1]))

    @property
    def count(self) -> int:
        """Number of subgroups."""
        if isinstance(self.size, int):
            return self.x.size // self.size if self.size else 0
        return int(self.size.size)

    @property
    def n(self) -> FloatArray:
        """Subgroup sizes as float64, one a group (where all are equal a read-only view of one number)."""
        if isinstance(self.size, int):
            return everywhere(float(self.size), self.count)
        return self.size.astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SubgroupStats:
    """What a subgroup chart and its sigma estimators need of each subgroup.

    Parameters
    ----------
    n : numpy.ndarray
        Subgroup sizes as float64.
    mean, range, std, median : numpy.ndarray or None
        One value a group, None where not asked for. Mean and median are NaN for an empty group, range and std (n - 1 in
        the denominator) for a group of fewer than two.
    """

    n: FloatArray
    mean: FloatArray | None = None
    range: FloatArray | None = None
    std: FloatArray | None = None
    median: FloatArray | None = None


Outputs = dict[str, FloatArray]


def summarise(groups: Subgroups, parts: Sequence[str] = ("mean", "range", "std")) -> SubgroupStats:
    """Return the statistics named in `parts` for every subgroup.

    Only what is asked for is computed. Sums are taken of differences from the group's first value, so an offset of
    1e12 costs no digits. Values must be finite (a missing cell lowers the
    group's size before it comes here); sums beyond the float64 range give infinity or NaN, which the sigma estimators
    refuse.

    Parameters
    ----------
    groups : Subgroups
        The data.
    parts : sequence of {"mean", "range", "std", "median"}
        Which statistics.

    Returns
    -------
    SubgroupStats
        Arrays as long as there are groups.

    Examples
    --------
    >>> import numpy as np
    >>> got = summarise(Subgroups(np.array([1.0, 3.0, 5.0, 9.0, 2.0]), np.array([2, 0, 3])), ("mean", "range"))
    >>> got.mean.tolist(), got.range.tolist()
    ([2.0, nan, 5.333333333333333], [2.0, nan, 7.0])
    """
    k = groups.count
    with np.errstate(over="ignore", invalid="ignore"):
        if isinstance(groups.size, int) and 1 < groups.size < _LONG and 0 < groups.x.size <= _SMALL:
            out = _small(groups.x, groups.size, k, parts)
            _rescue(groups, out)
            return SubgroupStats(groups.n, **out)
        wanted = [part for part in PARTS if part in parts]
        # one piece of memory: an allocator gives it again to the next chart, where it returns many small ones
        out = dict(zip(wanted, np.empty((len(wanted), k)), strict=True))
        if isinstance(groups.size, int):
            _equal(groups.x, groups.size, k, out)
        else:
            _ragged(groups.x, groups.size, out)
        _rescue(groups, out)
    return SubgroupStats(groups.n, **out)


def _rescue(groups: Subgroups, out: Outputs) -> None:
    """Work out anew, in a larger unit, standard deviations so small that their squares vanished."""
    if "std" not in out or not (out["std"] < TINY).any():
        return
    where = np.flatnonzero(out["std"] < TINY)
    size = groups.n[where].astype(np.int64)
    n = groups.n.astype(np.int64)
    starts = (np.cumsum(n) - n)[where]
    first = np.repeat(starts, size)
    within = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    d = groups.x[first + within] - groups.x[first]
    if not d.any():
        return
    large = {"std": np.empty(where.size)}
    _ragged(d * _SCALE, size, large)
    out["std"][where] = large["std"] / _SCALE


def _small(x: FloatArray, n: int, k: int, parts: Sequence[str]) -> Outputs:
    """Do what `_columns` does, to the last bit, with the fewest calls."""
    block = x[: k * n].reshape(k, n).T.copy()
    out: Outputs = {}
    if "range" in parts:
        out["range"] = np.maximum.reduce(block) - np.minimum.reduce(block)
    if "median" in parts:
        out["median"] = _middle(np.partition(block, _middles(n), axis=0), n)
    if "mean" in parts or "std" in parts:
        first = block[0]
        d = block[1:] - first
        shift = np.add.reduce(d) * (1.0 / n)
        if "mean" in parts:
            out["mean"] = first + shift
        if "std" in parts:
            out["std"] = np.sqrt((np.add.reduce(d * d) - shift * shift * n) * (1.0 / (n - 1)))
    return out


def _equal(x: FloatArray, n: int, k: int, out: Outputs) -> None:
    if k == 0 or n == 0:
        return
    rows = x[: k * n].reshape(k, n)
    step = max(_POINTS // n, 1)
    if n < _LONG:
        width = min(step, k)
        block, scratch = np.empty((n, width)), np.empty((2, width))
        for i in range(0, k, step):
            j = min(i + step, k)
            part = block[:, : j - i]
            np.copyto(part, rows[i:j].T)
            _columns(part, scratch[:, : j - i], i, j, out)
    else:
        for i in range(0, k, step):
            j = min(i + step, k)
            _rows(rows[i:j], i, j, out)
    if n < 2:
        for name in ("range", "std"):
            if name in out:
                out[name].fill(np.nan)


def _columns(block: FloatArray, scratch: FloatArray, i: int, j: int, out: Outputs) -> None:
    """One group a column: reducing over axis 0 lets every operation run along memory at full width."""
    n, (low, shift) = block.shape[0], scratch
    if "range" in out:
        spread = out["range"][i:j]
        _fold(np.maximum, block, spread)
        _fold(np.minimum, block, low)
        np.subtract(spread, low, out=spread)
    if "median" in out:
        np.copyto(out["median"][i:j], _middle(np.partition(block, _middles(n), axis=0), n))
    if "mean" not in out and "std" not in out:
        return
    first, d = block[0], block[1:]
    if n == 1:
        if "mean" in out:
            np.copyto(out["mean"][i:j], first)
        return
    np.subtract(d, first, out=d)
    _fold(np.add, d, shift)
    np.multiply(shift, 1.0 / n, out=shift)  # of equal values still exactly zero
    if "mean" in out:
        np.add(first, shift, out=out["mean"][i:j])
    if "std" in out:
        _columns_std(d, shift, low, out["std"][i:j])


def _fold(operation: np.ufunc, rows: FloatArray, out: FloatArray) -> None:
    """Combine the rows one after another: for a handful of rows faster than a reduction over axis 0."""
    if rows.shape[0] > _FEW or rows.shape[0] == 1:
        operation.reduce(rows, axis=0, out=out)
        return
    operation(rows[0], rows[1], out=out)
    for row in rows[2:]:
        operation(out, row, out=out)


def _columns_std(d: FloatArray, shift: FloatArray, scratch: FloatArray, std: FloatArray) -> None:
    """Deviations from the first value in, standard deviations out.

    The sum of squares about the mean is ``sum(d**2) - n * shift**2``. As the first value is one of the group,
    ``shift**2`` is at most ``(n - 1) / n`` of that sum: the subtraction loses a factor n of eps at most, at any offset.
    """
    n = d.shape[0] + 1
    np.multiply(d, d, out=d)
    _fold(np.add, d, std)
    np.multiply(shift, shift, out=scratch)
    np.multiply(scratch, n, out=scratch)
    np.subtract(std, scratch, out=std)
    np.multiply(std, 1.0 / (n - 1), out=std)
    np.sqrt(std, out=std)


def _rows(block: FloatArray, i: int, j: int, out: Outputs) -> None:
    """One group a row, for large groups."""
    n = block.shape[1]
    if "range" in out:
        np.subtract(block.max(axis=1), block.min(axis=1), out=out["range"][i:j])
    if "median" in out:
        np.copyto(out["median"][i:j], _middle(np.partition(block, _middles(n), axis=1).T, n))
    if "mean" not in out and "std" not in out:
        return
    first = block[:, :1]
    d = block - first
    shift = d.sum(axis=1, keepdims=True) * (1.0 / n)
    if "mean" in out:
        np.add(first[:, 0], shift[:, 0], out=out["mean"][i:j])
    if "std" in out:
        np.subtract(d, shift, out=d)
        np.sqrt(np.einsum("ij,ij->i", d, d) * (1.0 / (n - 1)), out=out["std"][i:j])


def _middles(n: int) -> tuple[int, ...]:
    return (n // 2,) if n % 2 else (n // 2 - 1, n // 2)


def _middle(block: FloatArray, n: int) -> FloatArray:
    low, high = block[_middles(n)[0]], block[n // 2]
    middle: FloatArray = low + (high - low) / 2
    return middle


def _ragged(x: FloatArray, size: IntArray, out: Outputs) -> None:
    for values in out.values():
        values.fill(np.nan)
    filled = np.flatnonzero(size > 0)  # reduceat cannot express an empty group
    n = size[filled].astype(np.int64)
    starts = np.concatenate(([0], np.cumsum(n)))
    # blocks end at group edges; a group longer than a block is a block by itself
    i = 0
    while i < n.size:
        j = max(int(np.searchsorted(starts, starts[i] + _POINTS, side="right")) - 1, i + 1)
        _ragged_block(x[starts[i] : starts[j]], n[i:j], starts[i:j] - starts[i], filled[i:j], out)
        i = j


def _ragged_block(x: FloatArray, n: IntArray, starts: IntArray, where: IntArray, out: Outputs) -> None:
    two = n > 1
    if "range" in out:
        out["range"][where[two]] = (np.maximum.reduceat(x, starts) - np.minimum.reduceat(x, starts))[two]
    if "median" in out:
        group = np.repeat(np.arange(n.size), n)
        ordered = x[np.lexsort((x, group))]
        low, high = ordered[starts + (n - 1) // 2], ordered[starts + n // 2]
        out["median"][where] = low + (high - low) / 2
    if "mean" not in out and "std" not in out:
        return
    first = x[starts]
    d = x - np.repeat(first, n)
    shift = np.add.reduceat(d, starts) * (1.0 / n)
    if "mean" in out:
        out["mean"][where] = first + shift
    if "std" in out:
        slip = shift * shift * n
        if int(n.max()) > _MANY:  # the shortcut of `_columns_std` would cost too many digits
            np.subtract(d, np.repeat(shift, n), out=d)
            slip = np.zeros(n.size)
        np.multiply(d, d, out=d)
        out["std"][where[two]] = np.sqrt((np.add.reduceat(d, starts) - slip)[two] * (1.0 / (n[two] - 1)))
