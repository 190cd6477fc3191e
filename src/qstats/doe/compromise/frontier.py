"""The front over the draws: how sure it is, what it costs to move along it, where it bends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.interval import Interval, Intervals
from qstats._core.result import frozen_array
from qstats.doe.compromise.draws import Draws
from qstats.doe.compromise.front import Sorted, attained, joined, knee_of, nondominated, part_way, sort_by_first
from qstats.doe.compromise.goals import Goal
from qstats.doe.compromise.parts import Band, ExchangeRate
from qstats.doe.compromise.safe import blocks
from qstats.doe.compromise.surfaces import Surface

__all__ = ["Axis", "Frontier", "Pair", "band_of", "exchange_of", "frontier", "quantiles"]

_PILOT = 400
_POINTS = 41
_WINDOW = 4  # places of the band to either side for a local rate: a fifth of the front together
_COMPARED = 300  # draws, where three goals or more leave no order to sort by
_CELLS = 1 << 22
_NEAR = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One goal over the candidate settings: its surface, its draws and its rows."""

    goal: Goal
    surface: Surface
    draws: Draws
    rows: FloatArray

    @property
    def loss(self) -> FloatArray:
        """Predicted loss, shape (m,)."""
        return self.goal.sign * self.surface.predicted(self.rows)

    def losses(self, at: slice, some: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> FloatArray:
        """Return the true losses of these draws at these settings, shape (b, m)."""
        eta = self.draws.truth[at] @ self.rows[some].T
        return self.goal.sign * self.surface.mean(eta, self.surface.sigma * self.draws.ratio[at, None])


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """What the draws tell of a front of two goals, in losses.

    Parameters
    ----------
    grid : ndarray, shape (t,)
        First losses from one end of the predicted front to the other.
    second : ndarray, shape (t,)
        Predicted least second loss.
    attained : ndarray, shape (M, t)
        The same of each draw; infinite where the first loss is out of reach.
    lines : tuple of ndarray, shapes (t,) and (M, t)
        Second losses on straight lines between neighbours on the front, predicted and of each draw.
    rate : float
        Exchange along the middle half of the predicted front.
    rates : ndarray, shape (M,)
        The same of each draw; NaN where a draw has no front.
    knee : tuple of float
        Losses of the predicted knee.
    knee_share : float
    """

    grid: FloatArray
    second: FloatArray
    attained: FloatArray
    lines: tuple[FloatArray, FloatArray]
    rate: float
    rates: FloatArray
    knee: tuple[float, float]
    knee_share: float


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """The predicted front.

    Parameters
    ----------
    members : ndarray of int, shape (f,)
        Candidates on it, by the first goal from its best.
    non_dominated : ndarray, shape (f,)
        Share of draws in which no candidate beats it.
    compared : int
        Draws these shares stand on.
    pair : Pair or None
        None unless there are two goals and more than one point.
    """

    members: np.ndarray[tuple[int, ...], np.dtype[np.intp]]
    non_dominated: FloatArray
    compared: int
    pair: Pair | None


def frontier(axes: Sequence[Axis], settings: np.ndarray[tuple[int, ...], np.dtype[np.intp]]) -> Frontier:
    """Return the front of predictions among these settings and what the draws say of it.

    Parameters
    ----------
    axes : sequence of Axis
    settings : ndarray of int, shape (m,)
        Candidates that take part.
    """
    losses = np.column_stack([a.loss[settings] for a in axes])
    members = settings[nondominated(losses)]
    members = members[np.argsort(axes[0].loss[members], kind="stable")]
    draws = axes[0].draws.ratio.size
    if len(axes) > 2:
        return Frontier(members, *_compared(axes, settings, members), None)
    if len(axes) == 1:
        return _single(axes[0], settings, members, draws)
    some = _screened(axes, settings, members)
    return _two(axes[0], axes[1], some, members, draws)


def _screened(axes: Sequence[Axis], settings: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Settings that are on the front of the predictions or of some of the first draws: the others hardly ever are."""
    kept = np.zeros(axes[0].rows.shape[0], dtype=np.bool_)
    kept[members] = True
    for at in blocks(min(_PILOT, axes[0].draws.ratio.size), settings.size):
        points = sort_by_first(*(a.losses(at, settings) for a in axes))
        kept[settings[points.on_front.any(axis=0)]] = True
    return np.flatnonzero(kept)


def _single(axis: Axis, settings: np.ndarray, members: np.ndarray, draws: int) -> Frontier:
    best, place = 0, int(np.searchsorted(settings, members[0]))
    for at in blocks(draws, settings.size):
        loss = axis.losses(at, settings)
        best += int((loss[:, place] <= loss.min(axis=1)).sum())
    return Frontier(members, np.array([best / draws]), draws, None)


def _two(first: Axis, second: Axis, some: np.ndarray, members: np.ndarray, draws: int) -> Frontier:
    predicted = sort_by_first(first.loss[None, some], second.loss[None, some])
    place = np.searchsorted(some, members)
    on_front = np.zeros(members.size)
    if members.size > 1:
        grid = np.linspace(first.loss[members[0]], first.loss[members[-1]], _POINTS)
        knee = tuple(float(v[0]) for v in knee_of(predicted))
    else:
        grid, knee = np.empty(0), (math.nan, math.nan)
    held, lines = np.empty((draws, grid.size)), np.empty((draws, grid.size))
    rates, near = np.empty(draws), 0
    for at in blocks(draws, some.size):
        points = sort_by_first(first.losses(at, some), second.losses(at, some))
        on_front += points.on_front[:, place].sum(axis=0)
        if grid.size:
            held[at], lines[at], rates[at] = attained(points, grid), joined(points, grid), _rate(points)
            near += int((np.abs(knee_of(points)[0] - knee[0]) <= _NEAR * (grid[-1] - grid[0])).sum())
    if not grid.size:
        return Frontier(members, on_front / draws, draws, None)
    pair = Pair(
        grid,
        attained(predicted, grid)[0],
        held,
        (joined(predicted, grid)[0], lines),
        float(_rate(predicted)[0]),
        rates,
        (knee[0], knee[1]),
        near / draws,
    )
    return Frontier(members, on_front / draws, draws, pair)


def _rate(points: Sorted) -> FloatArray:
    """Second loss given up for one unit of the first, from a quarter to three quarters of the way along each front."""
    x0, y0 = part_way(points, 0.25)
    x1, y1 = part_way(points, 0.75)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((y0 - y1) / (x1 - x0))


def _compared(axes: Sequence[Axis], settings: np.ndarray, members: np.ndarray) -> tuple[FloatArray, int]:
    """Shares of draws in which no candidate beats a member, by comparing all with all, in blocks of members."""
    draws = min(_COMPARED, axes[0].draws.ratio.size)
    free, place = np.zeros(members.size), np.searchsorted(settings, members)
    step = max(1, _CELLS // max(settings.size, 1))
    for m in range(draws):
        at = slice(m, m + 1)
        every = np.stack([a.losses(at, settings)[0] for a in axes])
        own = every[:, place]  # a second product would differ in its rounding, and points beat themselves
        for start in range(0, members.size, step):
            some = slice(start, min(start + step, members.size))
            least = (every[:, None, :] <= own[:, some, None]).all(axis=0)
            better = np.asarray(every[:, None, :] < own[:, some, None]).any(axis=0)
            free[some] += ~np.asarray(least & better, dtype=np.bool_).any(axis=1)
    return free / draws, draws


def quantiles(values: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper limits over draws (first axis): draws as far from either end, so that infinities stay."""
    ordered = np.sort(values, axis=0)
    away = math.floor((0.5 - 0.5 * confidence) * ordered.shape[0] + 1e-9)
    return np.asarray(ordered[away]), np.asarray(ordered[ordered.shape[0] - 1 - away])


def band_of(pair: Pair, goals: tuple[Goal, Goal], confidence: float) -> Band:
    """Return the front with its credible band in natural units."""
    first, second = goals[0].sign, goals[1].sign
    low, high = quantiles(pair.attained, confidence)
    if second < 0:
        low, high = -high, -low
    rate, rates = _local(pair.grid, pair.lines[0][None])[0], _local(pair.grid, pair.lines[1])
    r_low, r_high = quantiles(rates, confidence)
    order = slice(None, None, 1 if first > 0 else -1)
    put = [first * pair.grid, second * pair.second, low, high, rate, r_low, r_high, np.isfinite(pair.attained).mean(0)]
    x, y, low, high, rate, r_low, r_high, reach = (frozen_array(np.array(v[order])) for v in put)
    return Band(x, y, Intervals(low, high, confidence), rate, Intervals(r_low, r_high, confidence), reach)


def _local(grid: FloatArray, second: FloatArray) -> FloatArray:
    out = np.full(second.shape, np.nan)
    w = _WINDOW
    faster, slower = second[:, : -2 * w], second[:, 2 * w :]
    gap = np.where(np.isinf(faster), np.inf, faster - np.where(np.isinf(slower), 0.0, slower))
    out[:, w:-w] = gap / (grid[2 * w :] - grid[: -2 * w])
    return out


def exchange_of(pair: Pair, goals: tuple[Goal, Goal], confidence: float) -> ExchangeRate | None:
    """Return the exchange rate along the middle half of the front."""
    known = pair.rates[np.isfinite(pair.rates)]
    if not math.isfinite(pair.rate) or known.size < 0.5 * pair.rates.size:
        return None
    low, high = (float(v) for v in quantiles(known, confidence))
    gained, given = goals
    way = "less" if gained.kind == "min" else "more"
    back = "more" if given.kind == "min" else "less"
    text = (
        f"one unit {way} of {gained.response} costs {pair.rate:.3g} {back} {given.response} "
        f"({confidence:.0%}: {low:.3g} to {high:.3g})"
    )
    share = known.size / pair.rates.size
    return ExchangeRate(gained.response, given.response, pair.rate, Interval(low, high, confidence), share, text)
