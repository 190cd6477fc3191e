"""Many starts within a budget of time, and the trace they leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.exchange import Kernel, Plan, State
from qstats.doe.exchange.plots import move_plots
from qstats.doe.exchange.region import Region

__all__ = ["Found", "Stage", "search"]

_WORK = 6_000_000  # floats of all inverses and rows of a batch: what a cache holds
_MOST = 64
_CYCLE = 4  # one batch of random starts, three from the best design
_SAME = 3e-4  # two searches ended at the same value: relative, in units of the efficiency
_PASSES = 200


@dataclass(frozen=True, slots=True)
class Stage:
    """How finely settings are tried.

    Parameters
    ----------
    levels : int
        Levels of a range; 0 tries steps from where a setting is.
    fractions : tuple of float
        Shares of the way to the limit, along the lines of a mixture or a rule.
    settle : float
        A pass that gains less in the mean log of the criterion is the last.
    bows : tuple of float
        Steps along a curved limit.
    """

    levels: int
    fractions: tuple[float, ...]
    settle: float
    bows: tuple[float, ...] = ()


COARSE = Stage(3, (1.0, 0.5), 3e-4, (0.8, 0.3))
FINE = Stage(21, (1.0, 0.6, 0.3, 0.1, 0.03), 2e-6, (0.4, 0.1, 0.03))
EXACT = Stage(0, (), 1e-9)
_STEPS = 4  # passes that shorten the step of what is settled between the levels


@dataclass(slots=True)
class Found:
    """What a search came to.

    Parameters
    ----------
    coded : ndarray, shape (n, k)
    value : float
        Mean log of the criterion, larger is better.
    on_grid : float
        The same before it was settled between the levels: what starts are compared with.
    values : list of float
        Of every start that ended in a design that can be analysed.
    starts, kicks : int
        From random settings; from the best design with some runs redrawn.
    seconds : float
    ended : str
        What ended it: "starts", "seconds" or "bound".
    """

    coded: FloatArray
    value: float = -np.inf
    on_grid: float = -np.inf
    values: list[float] = field(default_factory=list)
    starts: int = 0
    kicks: int = 0
    seconds: float = 0.0
    ended: str = ""

    def trace(self) -> tuple[float | None, int]:
        """Return the second best value that differs, and how often random starts came to the best one."""
        values = np.array(self.values)
        others = values[values < self.on_grid - _SAME]
        return (float(others.max()) if others.size else None), int((values >= self.on_grid - _SAME).sum())


class Sweeper:
    """Passes over all runs of a batch at one fineness.

    Parameters
    ----------
    basis, region, plan : Basis, Region, Plan
    hard : list of int
        Factors that change between whole plots only.
    """

    def __init__(self, basis: Basis, region: Region, plan: Plan, hard: list[int]) -> None:
        self.basis, self.region, self.plan, self.hard = basis, region, plan, hard
        easy = [j for j in region.process if j not in hard]
        self.kernel = Kernel(basis, plan, easy)
        self.slides = bool(region.mixture.size or region.rules)
        self.anchor: FloatArray | None = None
        if region.rules and not region.mixture.size:
            self.anchor = region.sample(256, np.random.default_rng(0)).mean(axis=0)

    def grid(self, count: int, factors: Any) -> tuple[FloatArray, BoolArray]:
        """Return levels of shape (f, l), padded, and which of them are."""
        found = [self.region.settings(int(j)) for j in factors]
        filled = [np.linspace(-1.0, 1.0, count) if x is None else x for x in found]
        widest = max([1, *(x.size for x in filled)])
        levels, real = np.zeros((len(filled), widest)), np.zeros((len(filled), widest), dtype=np.bool_)
        for row, x in enumerate(filled):
            levels[row, : x.size], real[row, : x.size] = x, True
            levels[row, x.size :] = x[0]
        return levels, real

    def values(self, levels: FloatArray) -> FloatArray:
        """Return the pieces at levels of shape (s, f, l)."""
        at = [self.basis.values(int(j), levels[:, f]) for f, j in enumerate(self.kernel.movable)]
        return np.stack(at, axis=1)

    def run(
        self, coded: FloatArray, stage: Stage, stop: Callable[[], bool], step: float = 0.0
    ) -> tuple[FloatArray, FloatArray]:
        """Return values and settings of all starts when each has settled; a `stop` leaves the others as they are."""
        state, values, ends = State(self.basis, self.plan, coded.copy()), [], []
        levels, real = self.grid(max(stage.levels, 3), self.kernel.movable)
        held = self.values(levels[None]) if self.kernel.movable.size else None
        passes = _PASSES // 4 if self.slides else _PASSES
        for number in range(passes):
            before = state.value.copy()
            if self.hard:
                move_plots(state, self.region, self.hard, self.grid(max(stage.levels, 3), self.hard))
            for i in range(self.plan.kept, self.plan.n):
                self._row(state, i, stage, (levels, real, held), step * 0.3**number)
            state.refresh()
            last = number == passes - 1 or stop()
            # what began beside a singular design is judged after it has left it
            still = ~(state.value > before + stage.settle)
            if stage.levels:
                done = still & (number > 0) | last
            else:
                # a step too long gains nothing where a shorter one will
                done = np.full(still.size, number + 1 >= _STEPS or last)
            values.append(state.value[done])
            ends.append(state.coded[done])
            if done.all():
                break
            state.take(np.flatnonzero(~done))
        return np.concatenate(values), np.concatenate(ends)

    def _row(
        self, state: State, i: int, stage: Stage, grid: tuple[FloatArray, BoolArray, FloatArray | None], step: float
    ) -> None:
        levels, real, held = grid
        if held is not None:
            if stage.levels and not self.slides:
                self.kernel.step(state, i, levels[None], held, real[None])
            else:
                tried, possible = self._tried(state.coded[:, i], stage, levels, real, step)
                self.kernel.step(state, i, tried, self.values(tried), possible)
        if self.slides:
            settings = self._slid(state.coded[:, i], stage, step)
            if settings.shape[1]:
                self.kernel.replace(state, i, settings, self.region.inside(settings))

    def _tried(
        self, x: FloatArray, stage: Stage, levels: FloatArray, real: BoolArray, step: float
    ) -> tuple[FloatArray, BoolArray]:
        """Levels of this run of every start: the grid and both ends of what is possible, or steps from where it is."""
        s, movable = x.shape[0], self.kernel.movable
        ranged = np.array([self.region.settings(int(j)) is None for j in movable])
        possible = np.broadcast_to(real, (s, *real.shape))
        tried = np.broadcast_to(levels, (s, *levels.shape))
        if not stage.levels:
            near = np.clip(x[:, movable, None] + step * np.array([-1.0, -0.5, 0.5, 1.0]), -1.0, 1.0)
            tried = np.concatenate([tried, near], axis=2)
            fits = ranged[:, None] & np.ones(4, dtype=np.bool_)
            possible = np.concatenate([possible & ~ranged[:, None], np.broadcast_to(fits, near.shape)], axis=2)
        if not self.region.rules:
            return tried, possible
        ways = np.zeros((movable.size, 2, self.region.k))
        ways[np.arange(movable.size), 0, movable], ways[np.arange(movable.size), 1, movable] = -1.0, 1.0
        reach = self.region.reach(x[:, None, None, :], np.broadcast_to(ways, (s, *ways.shape)))
        ends = np.where(ranged[:, None], x[:, movable, None] + reach * np.array([-1.0, 1.0]), x[:, movable, None])
        tried = np.concatenate([tried, ends], axis=2)
        possible = np.concatenate([possible, np.broadcast_to(ranged[:, None], ends.shape)], axis=2)
        settings = np.broadcast_to(x[:, None, None, :], (*tried.shape, x.shape[1])).copy()
        for f, j in enumerate(movable):
            settings[:, f, :, j] = tried[:, f]
        return tried, possible & self.region.inside(settings)

    def _slid(self, x: FloatArray, stage: Stage, step: float) -> FloatArray:
        """Settings along the lines of the mixture and the rules."""
        ways = self.region.directions(x)
        if self.hard:
            ways[..., self.hard] = 0.0
        reach = self.region.reach(x[:, None, :], ways)
        if stage.levels:
            far = reach[..., None] * np.array(stage.fractions)
        else:
            far = np.minimum(reach[..., None], step * np.array([1.0, 0.5]))
        moved: FloatArray = x[:, None, None, :] + far[..., None] * ways[:, :, None, :]
        moved = moved.reshape(x.shape[0], -1, x.shape[1])
        if self.anchor is None or not ways.shape[1]:
            return moved
        bowed = self.region.pulled(x, ways, stage.bows if stage.levels else (step,), self.anchor)
        return np.concatenate([moved, bowed], axis=1)


def search(
    basis: Basis,
    region: Region,
    plan: Plan,
    *,
    kept: FloatArray,
    hard: list[int],
    starts: int | None,
    seconds: float | None,
    seed: int,
    bound: float,
    tick: Callable[[int, float], None],
) -> Found:
    """Return the best design of many starts.

    Parameters
    ----------
    kept : ndarray, shape (kept, k)
    hard : list of int
    starts, seconds : int or float or None
        Whichever is reached first.
    seed : int
        The starts of a batch depend on it and the number of the batch alone: what time allows is a longer or shorter
        piece of one sequence.
    bound : float
        No design can have a larger value: one that has it ends the search.
    tick : callable
        Is told starts done and the best value.
    """
    began = time.perf_counter()
    sweeper = Sweeper(basis, region, plan, hard)
    found = Found(np.empty((0, region.k)))
    size = _batch_size(basis, region, plan, sweeper.slides)

    def late() -> bool:
        return seconds is not None and time.perf_counter() - began > seconds and np.isfinite(found.value)

    batch = 0
    while not found.ended:
        rng = np.random.default_rng([seed, batch])
        left = size if starts is None else min(size, starts - found.starts - found.kicks)
        kick = batch % _CYCLE != 0 and np.isfinite(found.value)
        coded = _kicked(found.coded, plan, region, hard, left, rng) if kick else _random(
            plan, region, kept, hard, left, rng)  # fmt: skip
        _improve(sweeper, found, coded, kick, late)
        batch += 1
        tick(found.starts + found.kicks, found.value)
        if found.value >= bound - 1e-9:
            found.ended = "bound"
        elif starts is not None and found.starts + found.kicks >= starts:
            found.ended = "starts"
        elif seconds is not None and time.perf_counter() - began > seconds:
            found.ended = "seconds"
    found.on_grid = found.value
    if np.isfinite(found.value):
        _finish(sweeper, found)
    found.seconds = time.perf_counter() - began
    return found


def _batch_size(basis: Basis, region: Region, plan: Plan, slides: bool) -> int:
    """How many starts are improved side by side: as many as fit the memory of the processor's cache."""
    p = basis.p + plan.blocks.shape[1]
    work, most = (_WORK // 8, _MOST // 8) if slides else (_WORK, _MOST)
    return int(np.clip(work // ((plan.n + 4 * p + 21 * region.k) * p * 4), 4, most))


def _improve(sweeper: Sweeper, found: Found, coded: FloatArray, kick: bool, late: Callable[[], bool]) -> None:
    """Run one batch and keep the best: kicked designs finely at once, random ones coarsely, the better of them on."""
    s = coded.shape[0]
    if not kick:
        values, coded = sweeper.run(coded, COARSE, late)
        best = np.argsort(-values, kind="stable")[: max(1, s // 4)]
        rest = np.delete(values, best)
        coded = coded[best]
        found.starts += s
        found.values += rest[np.isfinite(rest)].tolist()
    else:
        found.kicks += s
    values, coded = sweeper.run(coded, FINE, late)
    top = int(values.argmax())
    if not kick:
        found.values += values[np.isfinite(values)].tolist()
    if values[top] > found.value:
        found.value, found.coded = float(values[top]), coded[top]


def _finish(sweeper: Sweeper, found: Found) -> None:
    """Settle the best design between the levels, then take settings of three decimals where that costs nothing."""
    values, coded = sweeper.run(found.coded[None], EXACT, lambda: False, step=0.05)
    if values[0] > found.value:
        found.value, found.coded = float(values[0]), coded[0]
    plain = _plain(found.coded, sweeper.region)
    keep = ~sweeper.region.inside(plain)
    keep[: sweeper.plan.kept] = True
    plain[keep] = found.coded[keep]
    state = State(sweeper.basis, sweeper.plan, plain[None])
    state.refresh()
    if state.value[0] > found.value - 1e-6:
        found.value, found.coded = float(state.value[0]), plain


def _plain(coded: FloatArray, region: Region) -> FloatArray:
    """Settings of three decimals; of a mixture the largest share takes what is left."""
    plain = coded.copy()
    plain[:, region.ranged] = np.round(coded[:, region.ranged], 3) + 0.0
    if region.mixture.size:
        shares = np.round(coded[:, region.mixture], 3) + 0.0
        rows, top = np.arange(shares.shape[0]), shares.argmax(axis=1)
        shares[rows, top] = 0.0
        shares[rows, top] = np.round(1.0 - shares.sum(axis=1), 3)
        plain[:, region.mixture] = shares
    return plain


def _random(
    plan: Plan, region: Region, kept: FloatArray, hard: list[int], s: int, rng: np.random.Generator
) -> FloatArray:
    """Starts of possible settings; runs of a whole plot share what is hard to change."""
    coded = region.sample(s * plan.n, rng).reshape(s, plan.n, region.k)
    if not region.rules and not region.mixture.size:
        # on the coarse levels from the start: else most of the first passes only bring each setting to one of them
        coded[..., region.ranged] = np.clip(np.rint(1.5 * coded[..., region.ranged]), -1.0, 1.0)
    if hard:
        first = np.array([np.argmax(plan.plot == w) for w in range(int(plan.plot.max()) + 1)])
        shared = coded[:, first[plan.plot]]
        trial = coded.copy()
        trial[..., hard] = shared[..., hard]
        # a run that the rules forbid beside its plot's settings is the plot's first run over again
        coded = np.where(region.inside(trial)[..., None], trial, shared)
    coded[:, : plan.kept] = kept
    return coded


def _kicked(
    best: FloatArray, plan: Plan, region: Region, hard: list[int], s: int, rng: np.random.Generator
) -> FloatArray:
    """The best design with some of its runs redrawn."""
    coded = np.broadcast_to(best, (s, *best.shape)).copy()
    free = plan.n - plan.kept
    share = rng.uniform(1.0 / free, max(0.35, 1.5 / free), size=(s, 1))
    chosen = rng.random((s, plan.n)) < share
    chosen[:, : plan.kept] = False
    drawn = region.sample(s * plan.n, rng).reshape(coded.shape)
    drawn[..., hard] = coded[..., hard]
    chosen &= region.inside(drawn)
    coded[chosen] = drawn[chosen]
    return coded
