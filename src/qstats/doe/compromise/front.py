"""The best that two or more goals allow together. Everywhere here less is better: losses, not values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray

__all__ = ["Sorted", "attained", "joined", "knee_of", "nondominated", "part_way", "sort_by_first", "spans"]

_CELLS = 1 << 22

IntArray = npt.NDArray[np.intp]


def nondominated(losses: FloatArray) -> BoolArray:
    """Return which points no other one beats or equals in all goals and beats in one; of equal points the first.

    Parameters
    ----------
    losses : ndarray, shape (m, d)
    """
    m, d = losses.shape
    if d <= 2:
        second = losses[:, 1] if d == 2 else np.zeros(m)
        order = np.lexsort((second, losses[:, 0]))
        held = second[order]
        earlier = np.concatenate([[np.inf], np.minimum.accumulate(held)[:-1]])
        if d == 1:
            earlier[1:] = -np.inf
        out = np.zeros(m, dtype=np.bool_)
        out[order] = held < earlier
        return out
    return _by_comparison(losses)


def _by_comparison(losses: FloatArray) -> BoolArray:
    """Any number of goals: a point can only be beaten by one that comes before it in lexicographic order."""
    m, d = losses.shape
    order = np.lexsort(losses.T[::-1])
    x = losses[order]
    kept = np.ones(m, dtype=np.bool_)
    step = max(1, _CELLS // (m * d))
    for start in range(0, m, step):
        some = np.arange(start, min(start + step, m))
        below = (x[None, : some[-1] + 1] <= x[some, None]).all(axis=2)
        below &= np.arange(some[-1] + 1)[None] < some[:, None]
        kept[some] = ~below.any(axis=1)
    out = np.zeros(m, dtype=np.bool_)
    out[order] = kept
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """Points of many draws by their first loss.

    Parameters
    ----------
    first : ndarray, shape (b, m)
        First losses, rising.
    second : ndarray, shape (b, m)
        Their second losses.
    best : ndarray, shape (b, m)
        Least second loss so far.
    order : ndarray of int, shape (b, m)
    """

    first: FloatArray
    second: FloatArray
    best: FloatArray
    order: np.ndarray[tuple[int, ...], np.dtype[np.intp]]

    @property
    def on_front(self) -> BoolArray:
        """Which points (as they came) no other of their draw beats, shape (b, m)."""
        earlier = np.full_like(self.best, np.inf)
        earlier[:, 1:] = self.best[:, :-1]
        out = np.zeros(self.best.shape, dtype=np.bool_)
        np.put_along_axis(out, self.order, self.second < earlier, axis=1)
        return out


def sort_by_first(first: FloatArray, second: FloatArray) -> Sorted:
    """Return the points of each draw sorted by the first loss (ties by the second).

    Parameters
    ----------
    first, second : ndarray, shape (b, m)
    """
    order = np.lexsort((second, first), axis=-1)
    a, b = np.take_along_axis(first, order, axis=1), np.take_along_axis(second, order, axis=1)
    return Sorted(a, b, np.minimum.accumulate(b, axis=1), order)


def attained(points: Sorted, first: FloatArray) -> FloatArray:
    """Return the least second loss of each draw among points whose first loss is at most this.

    Parameters
    ----------
    points : Sorted
    first : ndarray, shape (t,) or (b, t)
        One grid for all draws, or one each.

    Returns
    -------
    ndarray, shape (b, t)
        Infinite where no point comes that far.
    """
    b = points.first.shape[0]
    grid = np.broadcast_to(first, (b, np.shape(first)[-1]))
    out = np.empty(grid.shape)
    draw = np.arange(b)
    for t in range(grid.shape[1]):
        count = (points.first <= grid[:, t, None]).sum(axis=1)
        out[:, t] = np.where(count > 0, points.best[draw, np.maximum(count - 1, 0)], np.inf)
    return out


def joined(points: Sorted, first: FloatArray) -> FloatArray:
    """Return the second loss on the straight lines between neighbours on each draw's front: what rates are told of.

    The steps of a grid would make the front between its points look flatter and steeper than it is.

    Parameters
    ----------
    points : Sorted
    first : ndarray, shape (t,) or (b, t)

    Returns
    -------
    ndarray, shape (b, t)
        Infinite before the front, the least second loss behind it.
    """
    b, m = points.first.shape
    grid = np.broadcast_to(first, (b, np.shape(first)[-1]))
    before, after = _neighbours(points)
    out, draw = np.empty(grid.shape), np.arange(b)
    for t in range(grid.shape[1]):
        count = (points.first <= grid[:, t, None]).sum(axis=1)
        left = before[draw, np.maximum(count - 1, 0)]
        right = after[draw, count]
        right = np.where(right < m, right, left)
        x0, x1 = points.first[draw, left], points.first[draw, right]
        share = np.where(x1 > x0, (grid[:, t] - x0) / np.where(x1 > x0, x1 - x0, 1.0), 0.0)
        value = points.second[draw, left] + share * (points.second[draw, right] - points.second[draw, left])
        out[:, t] = np.where(count > 0, value, np.inf)
    return out


def _neighbours(points: Sorted) -> tuple[IntArray, IntArray]:
    """Where the last member of the front up to each place stands, and the first from each place on (m: none)."""
    b, m = points.first.shape
    new = _members(points)
    before = np.maximum.accumulate(np.where(new, np.arange(m), 0), axis=1)
    after = np.full((b, m + 1), m)
    after[:, :m] = np.minimum.accumulate(np.where(new, np.arange(m), m)[:, ::-1], axis=1)[:, ::-1]
    return before, after


def _members(points: Sorted) -> BoolArray:
    new = np.ones(points.first.shape, dtype=np.bool_)
    new[:, 1:] = points.best[:, 1:] < points.best[:, :-1]
    return new


def spans(points: Sorted) -> tuple[FloatArray, FloatArray]:
    """Return the first losses of both ends of each draw's front: its fastest point, and its best in the second."""
    ends = points.second.argmin(axis=1)
    return points.first[:, 0], points.first[np.arange(ends.size), ends]


def part_way(points: Sorted, share: float) -> tuple[FloatArray, FloatArray]:
    """Return first and second loss this far along each draw's front: shape (b,) each, NaN for a single point.

    Along means by equal parts of both goals, each scaled to the front's own range, so that the way back, with the goals
    changed over, meets the same points, and a long flat end counts for little.
    """
    low, high = spans(points)
    top, bottom = points.second[:, 0], points.best[:, -1]
    wide, tall = high - low, top - bottom
    single = (wide <= 0.0) | (tall <= 0.0)
    x = (points.first - low[:, None]) / np.where(single, 1.0, wide)[:, None]
    y = (top[:, None] - points.second) / np.where(single, 1.0, tall)[:, None]
    way = np.where(_members(points), 0.5 * (x + y), -np.inf)
    count = (np.maximum.accumulate(way, axis=1) <= share).sum(axis=1)
    before, after = _neighbours(points)
    draw, m = np.arange(low.size), points.first.shape[1]
    left = before[draw, np.maximum(count - 1, 0)]
    right = after[draw, count]
    right = np.where(right < m, right, left)
    gap = way[draw, right] - way[draw, left]
    part = np.where(gap > 0.0, (share - way[draw, left]) / np.where(gap > 0.0, gap, 1.0), 0.0)
    ends = [v[draw, left] + part * (v[draw, right] - v[draw, left]) for v in (points.first, points.second)]
    return np.where(single, np.nan, ends[0]), np.where(single, np.nan, ends[1])


def knee_of(points: Sorted) -> tuple[FloatArray, FloatArray]:
    """Return first and second loss of the knee of each draw's front: farthest from the chord between its ends.

    Both axes are scaled to the front's own range. NaN where the front is a single point.
    """
    low, high = spans(points)
    top, bottom = points.second[:, 0], points.best[:, -1]
    wide, tall = high - low, top - bottom
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = 1.0 - (points.first - low[:, None]) / wide[:, None] - (points.second - bottom[:, None]) / tall[:, None]
    gain = np.where(points.first <= high[:, None], gain, -np.inf)
    single = (wide <= 0.0) | (tall <= 0.0)
    at = np.where(single[:, None], -np.inf, gain).argmax(axis=1)
    draw = np.arange(at.size)
    return np.where(single, np.nan, points.first[draw, at]), np.where(single, np.nan, points.second[draw, at])
