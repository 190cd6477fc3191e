"""Where runs may lie: the ranges of the factors, a mixture's sum, and the rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.exchange.constraints import Rule
from qstats.doe.factor import Factor
from qstats.errors import DesignError

__all__ = ["Region"]

_SLACK = 1e-9
_MOST_DRAWS = 1 << 20
_CHUNK = 1 << 13
_HALVINGS = 80
_NEAR = 1e-7


class Region:
    """The settings that are possible.

    Parameters
    ----------
    factors : sequence of Factor
    rules : sequence of Rule
    """

    def __init__(self, factors: Sequence[Factor], rules: Sequence[Rule] = ()) -> None:
        self.factors, self.rules = tuple(factors), tuple(rules)
        self.k = len(self.factors)
        self.mixture = np.array([j for j, f in enumerate(factors) if f.kind == "mixture"], dtype=np.int64)
        self.process = [j for j, f in enumerate(factors) if f.kind != "mixture"]
        self.ranged = [j for j, f in enumerate(factors) if f.kind == "continuous"]
        low = [self._range(f)[0] for f in factors]
        high = [self._range(f)[1] for f in factors]
        self.low, self.high = np.array(low), np.array(high)
        self._check_mixture()

    @staticmethod
    def _range(f: Factor) -> tuple[float, float]:
        if f.kind == "mixture":
            assert f.low is not None and f.high is not None
            return f.low, f.high
        return (0.0, len(f.levels) - 1.0) if f.kind == "categorical" else (-1.0, 1.0)

    def _check_mixture(self) -> None:
        m = self.mixture
        if not m.size:
            return
        if m.size < 2:
            raise DesignError("factors: one mixture component; two or more are wanted, their shares sum to 1")
        least, most = float(self.low[m].sum()), float(self.high[m].sum())
        if not least < 1.0 - 1e-12 or not most > 1.0 + 1e-12:
            raise DesignError(
                f"factors: the shares of the mixture sum to {least:g} at least and {most:g} at most, but must sum to 1"
                " with room to vary; widen low= and high="
            )

    @property
    def cube(self) -> bool:
        """Whether every factor is free of the others."""
        return not self.rules and not self.mixture.size

    def settings(self, j: int) -> FloatArray | None:
        """Return the coded levels of factor j; None for a range."""
        f = self.factors[j]
        if f.kind == "categorical":
            return np.arange(len(f.levels), dtype=np.float64)
        return f.code(f.levels) if f.levels else None

    def excess(self, coded: FloatArray) -> FloatArray:
        """Return by how much the worst rule is broken at settings of shape (..., k): at most 0 is allowed."""
        worst = np.full(coded.shape[:-1], -1.0)
        if self.mixture.size:
            x = coded[..., self.mixture]
            over = np.maximum(x - self.high[self.mixture], self.low[self.mixture] - x).max(axis=-1)
            worst = np.maximum(worst, over)
        if self.rules:
            held = {f.name: self._natural(j, coded[..., j]) for j, f in enumerate(self.factors)}
            for rule in self.rules:
                worst = np.maximum(worst, rule.excess(held))
        return worst

    def _natural(self, j: int, t: FloatArray) -> FloatArray:
        f = self.factors[j]
        return t if f.kind == "categorical" else np.asarray(f.decode(t), dtype=np.float64)

    def allowed(self, coded: FloatArray) -> BoolArray:
        """Return which settings of shape (..., k) are possible."""
        if self.cube:
            return np.ones(coded.shape[:-1], dtype=np.bool_)
        return self.excess(coded) <= _SLACK

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n settings, uniform over ranges, levels and the simplex, whatever the rules say: shape (n, k)."""
        out = np.empty((n, self.k))
        for j in self.process:
            levels = self.settings(j)
            out[:, j] = rng.uniform(-1.0, 1.0, n) if levels is None else rng.choice(levels, n)
        if self.mixture.size:
            low = self.low[self.mixture]
            share = rng.exponential(size=(n, self.mixture.size))
            out[:, self.mixture] = low + (1.0 - low.sum()) * share / share.sum(axis=1, keepdims=True)
        return out

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Return n possible settings, uniform over the region: by rejection, or by a random walk where it is thin.

        Raises
        ------
        DesignError
            The rules leave no room.
        """
        if self.cube:
            return self.draw(n, rng)
        found: list[FloatArray] = []
        have = tried = 0
        nearest, least = np.empty((0, self.k)), np.inf
        while have < n and tried < _MOST_DRAWS and (have * 50 > tried or tried < 8 * _CHUNK):
            x = self.draw(_CHUNK, rng)
            excess = self.excess(x)
            good = x[excess <= _SLACK]
            if not have and float(excess.min()) < least:
                least = float(excess.min())
                nearest = x[np.argsort(excess)[:64]]
            found.append(good)
            have += good.shape[0]
            tried += _CHUNK
        if have >= n:
            return np.concatenate(found)[:n]
        inside = np.concatenate(found) if have else self._approach(nearest, rng)
        return self._walk(inside, n, rng)

    def _approach(self, x: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Walk downhill in the excess from the nearest points found, until one is possible."""
        excess, reach = self.excess(x), np.full((x.shape[0], 1), 0.5)
        free = np.array([self.settings(j) is None for j in range(self.k)])
        for _ in range(1500):
            change = reach * (self.draw(x.shape[0], rng) - self.draw(x.shape[0], rng))
            trial = x + np.where(free, change, 0.0)
            trial[:, self.ranged] = np.clip(trial[:, self.ranged], -1.0, 1.0)
            jump = ~free & (rng.random(x.shape) < 0.2)
            trial = np.where(jump, self.draw(x.shape[0], rng), trial)
            value = self.excess(trial)
            better = (value < excess)[:, None]
            x, excess = np.where(better, trial, x), np.where(better[:, 0], value, excess)
            if (excess <= _SLACK).any():
                return x[excess <= _SLACK]
            reach = np.clip(np.where(better, 1.5 * reach, 0.93 * reach), 1e-7, 0.5)
        worst = max(self.rules, key=lambda r: float(Region(self.factors, [r]).excess(x).min()), default=None)
        shown = "" if worst is None else f"; nothing keeps {worst.text[:120]!r} together with the others"
        raise DesignError(f"constraints: no setting keeps all of them{shown}. Loosen one, or widen a range")

    def _walk(self, inside: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
        """Slice sampling along random lines, every point a walker; categories change where the rules let them."""
        x = inside[rng.integers(0, inside.shape[0], n)]
        free = np.array([self.settings(j) is None for j in range(self.k)])
        for number in range(100):
            # differences of other walkers lie along a thin region, those of free points reach all of a wide one
            pool = self.draw(2 * n, rng) if number % 3 == 0 else x[rng.integers(0, n, 2 * n)]
            direction = pool[:n] - pool[n:]
            direction[:, ~free] = 0.0
            back, forth = np.full(n, -4.0), np.full(n, 4.0)
            going = np.ones(n, dtype=np.bool_)
            for _ in range(40):
                t = rng.uniform(back, forth)
                trial = x + t[:, None] * direction
                good = going & self.inside(trial)
                x = np.where(good[:, None], trial, x)
                going &= ~good
                back, forth = np.where(t < 0.0, t, back), np.where(t < 0.0, forth, t)
            if (~free).any():
                trial = np.where(free | (rng.random((n, self.k)) < 0.5), x, self.draw(n, rng))
                x = np.where(self.allowed(trial)[:, None], trial, x)
        return x

    def inside(self, coded: FloatArray) -> BoolArray:
        """Return which settings lie in the ranges and keep the rules."""
        inside = ((coded >= self.low - _SLACK) & (coded <= self.high + _SLACK)).all(axis=-1)
        return np.asarray(inside & self.allowed(coded), dtype=np.bool_)

    def reach(self, x: FloatArray, direction: FloatArray) -> FloatArray:
        """Return how far one can go from x along directions (both of shape (..., k)): shape (...)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(direction > 0.0, self.high - x, x - self.low) / np.abs(direction)
        most = np.where(direction != 0.0, np.maximum(room, 0.0), np.inf).min(axis=-1)
        most = np.where(np.isfinite(most), most, 0.0)
        if not self.rules:
            return np.asarray(most, dtype=np.float64)
        return self._reach(x, direction, most)

    def _reach(self, x: FloatArray, direction: FloatArray, most: FloatArray) -> FloatArray:
        """Secants, which hit linear limits, a look just beyond, and halving, which ends everywhere."""
        low, high = np.zeros(most.shape), most
        e_low = np.broadcast_to(self.excess(x), most.shape)
        e_high = self.excess(x + most[..., None] * direction)
        held = e_high <= _SLACK
        low, high, e_low = np.where(held, most, low), high, np.where(held, e_high, e_low)
        for number in range(_HALVINGS):
            done = held | (high - low < _NEAR)
            if done.all():
                break
            slope = e_high - e_low
            share = -e_low / np.where(slope > 0.0, slope, 1.0)
            # along a limit the excess is flat: a secant would stay where it is
            share = np.where((share < 0.02) | (number % 3 == 2), 0.5, np.minimum(share, 1.0))
            middle = low + share * (high - low) if number % 3 != 1 else low + 0.9 * _NEAR
            middle = np.where(done, low, np.minimum(middle, high))
            e = self.excess(x + middle[..., None] * direction)
            good = e <= _SLACK
            low, e_low = np.where(good, middle, low), np.where(good, e, e_low)
            high, e_high = np.where(good, high, middle), np.where(good, e_high, e)
        return low

    def directions(self, x: FloatArray) -> FloatArray:
        """Return lines to slide along from settings of shape (s, k): shape (s, d, k).

        Within a mixture one share grows at the cost of another. Where a rule is at its limit, two ranges change
        together along it: changes of one at a time cannot follow an oblique limit to its corner.
        """
        s = x.shape[0]
        found = []
        m = self.mixture
        for a in range(m.size):
            for b in range(a):
                d = np.zeros((s, self.k))
                d[:, m[a]], d[:, m[b]] = 1.0, -1.0
                found += [d, -d]
        if self.rules:
            found += self._tangents(x)
        return np.stack(found, axis=1) if found else np.zeros((s, 0, self.k))

    def pulled(self, x: FloatArray, ways: FloatArray, steps: tuple[float, ...], anchor: FloatArray) -> FloatArray:
        """Return steps along lines, drawn back towards an inner point where they leave the region: shape (s, d, k).

        A straight step along a curved limit ends outside at once; drawn back it follows the limit.
        """
        inner = x.copy()
        inner[:, self.ranged] = anchor[self.ranged]
        target = np.clip(x[:, None, None] + np.array(steps)[:, None] * ways[:, :, None], self.low, self.high)
        target = target.reshape(x.shape[0], -1, self.k)
        way = target - inner[:, None]
        share = np.minimum(self.reach(inner[:, None], way), 1.0)
        # an inner point that is none beside this run's levels leaves the run where it is
        share = np.where(self.allowed(inner)[:, None], share, 0.0)
        drawn: FloatArray = np.where((share > 0.0)[..., None], inner[:, None] + share[..., None] * way, x[:, None])
        return drawn

    def _tangents(self, x: FloatArray) -> list[FloatArray]:
        step = 1e-4
        base = self.excess(x)
        slope = np.zeros((x.shape[0], self.k))
        for j in self.ranged:
            moved = x.copy()
            moved[:, j] += np.where(x[:, j] > 0.0, -step, step)
            slope[:, j] = (self.excess(moved) - base) / (moved[:, j] - x[:, j])
        at_limit = (base > -1e-3)[:, None]
        found: list[Any] = []
        for i, a in enumerate(self.ranged):
            for b in self.ranged[:i]:
                d = np.zeros_like(x)
                d[:, a], d[:, b] = slope[:, b], -slope[:, a]
                size = np.abs(d).max(axis=1, keepdims=True)
                d = np.where(at_limit & (size > 0.0), d / np.where(size > 0.0, size, 1.0), 0.0)
                found += [d, -d]
        return found
