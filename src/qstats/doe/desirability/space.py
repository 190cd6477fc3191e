"""Settings an optimum is looked for among: levels one by one, ranges on a grid, what is held stays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats.doe.exchange.constraints import rules_of
from qstats.doe.exchange.region import Region
from qstats.doe.factor import Factor
from qstats.errors import DataError, DesignError

__all__ = ["Space"]

_MOST_LEVELS = 20_000  # combinations of levels that are gone through one by one
_GRID = 30_000
_FINEST = 41
_FEW = 500
_DRAWS = 8192


class Space:
    """The region, with some factors held.

    Parameters
    ----------
    factors : sequence of Factor
    constraints : text or sequence of texts
    at : mapping of str to setting, or None
        Natural units.
    """

    def __init__(self, factors: Sequence[Factor], constraints: Any, at: Any) -> None:
        self.factors = tuple(factors)
        self.region = Region(self.factors, rules_of(constraints, (), self.factors))
        self.held = _held(self.factors, at)
        self.noise = tuple(f.name for j, f in enumerate(factors) if f.noise and f.name not in (at or {}))
        self.free = [j for j in self.region.ranged if j not in self.held]
        self.stepped = [
            j for j, f in enumerate(self.factors) if f.levels and j not in self.held
        ]  # fmt: skip
        self.combinations = self._combinations()

    def _combinations(self) -> FloatArray:
        levels = [self.region.settings(j) for j in self.stepped]
        count = math.prod(0 if v is None else v.size for v in levels)
        if count > _MOST_LEVELS:
            raise DataError(
                f"fits: {count} combinations of levels; {_MOST_LEVELS} are gone through: hold some factors by at="
            )
        rows = list(itertools.product(*(() if v is None else v.tolist() for v in levels)))
        out = np.zeros((len(rows), len(self.factors)))
        out[:, self.stepped] = np.array(rows, dtype=np.float64).reshape(len(rows), len(self.stepped))
        for j, value in self.held.items():
            out[:, j] = value
        return out

    def grid(self, rng: np.random.Generator) -> tuple[FloatArray, str]:
        """Return possible settings that cover the space, shape (m, k), and what they are.

        Raises
        ------
        DesignError
            Nothing keeps the constraints.
        """
        c = self.combinations.shape[0]
        room = _GRID / c
        per = min(_FINEST, int(room ** (1.0 / len(self.free)) + 1e-9)) if self.free else 1
        plain = not self.region.mixture.size and (not self.free or per >= 3)
        points, what = np.empty((0, len(self.factors))), ""
        if plain:
            per -= (per + 1) % 2  # an odd number has the middle among its levels
            points, what = self._product(per), f"grid of {per} settings a range" if self.free else "all levels"
        few = points.shape[0] < _FEW and bool(self.free) and not self.region.cube
        if not plain or few:
            points = np.concatenate([points, self._sample(rng)])
            what = f"{what} and a uniform sample" if plain else "uniform sample"
        if not points.shape[0]:
            raise DesignError("constraints: no setting with what at= holds keeps all of them; loosen one")
        return points, what

    def _product(self, per: int) -> FloatArray:
        line = np.linspace(-1.0, 1.0, per) if per > 1 else np.zeros(1)
        mesh = np.array(list(itertools.product(line.tolist(), repeat=len(self.free))))
        out = np.repeat(self.combinations, len(mesh), axis=0)
        out[:, self.free] = np.tile(mesh.reshape(len(mesh), len(self.free)), (self.combinations.shape[0], 1))
        return out[self.region.allowed(out)]

    def _sample(self, rng: np.random.Generator) -> FloatArray:
        n = max(_DRAWS, min(_GRID, 8 * self.combinations.shape[0]))
        drawn = self.region.sample(n, rng)
        if self.stepped or self.held:
            some = self.combinations[np.arange(n) % self.combinations.shape[0]]
            # levels as drawn keep rules between levels and ranges; those enumerated reach every combination
            cross = drawn.copy()
            cross[:, self.stepped] = some[:, self.stepped]
            drawn = np.concatenate([drawn, cross])
            for j, value in self.held.items():
                drawn[:, j] = value
        return drawn[self.region.inside(drawn)]

    def starts(self, points: FloatArray, score: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
        """Return settings to start from: the best of each combination of levels, then the best, then any."""
        order = np.argsort(-score, kind="stable")
        _, first = np.unique(points[order][:, self.stepped], axis=0, return_index=True)
        best = order[np.sort(first)][:count]
        more = count - best.size
        if more > 0:
            rest = np.setdiff1d(order, best, assume_unique=True)
            top = order[np.isin(order, rest)][: (more + 1) // 2]
            rest = np.setdiff1d(rest, top)
            drawn = rng.choice(rest, min(more - top.size, rest.size), replace=False)
            best = np.concatenate([best, top, drawn])
        return points[best]

    def inside(self, coded: FloatArray) -> BoolArray:
        """Return which settings of shape (..., k) are possible."""
        return self.region.inside(coded)

    def tidy(self, coded: FloatArray) -> FloatArray:
        """Return one setting with shares of a mixture exactly within their limits and summing to 1."""
        m = self.region.mixture
        if not m.size:
            return coded
        out = coded.copy()
        out[m] = np.clip(out[m], self.region.low[m], self.region.high[m])
        # the share with most room on both sides takes up what clipping left, some 1e-9
        room = np.minimum(out[m] - self.region.low[m], self.region.high[m] - out[m])
        out[m[int(np.argmax(room))]] += 1.0 - out[m].sum()
        return out

    def natural(self, coded: FloatArray) -> dict[str, Any]:
        """Return one setting in natural units."""
        return {f.name: f.decode(coded[j : j + 1]).tolist()[0] for j, f in enumerate(self.factors)}


def _held(factors: Sequence[Factor], at: Any) -> dict[int, float]:
    if at is None:
        at = {}
    if not isinstance(at, Mapping):
        raise DataError(f"at: got {at!r}; a mapping of factors to the settings they are held at is wanted")
    place = {f.name: j for j, f in enumerate(factors)}
    held: dict[int, float] = {}
    for name, value in at.items():
        if name not in place:
            raise DataError(f"at: {name!r} is no factor; there are {', '.join(map(repr, place))}")
        held[place[name]] = _setting(factors[place[name]], value)
    for j, f in enumerate(factors):
        if f.noise and j not in held:
            if f.levels:
                raise DataError(f"at: {f.name!r} cannot be set in production; say at which of its levels to look")
            held[j] = 0.0
    return held


def _setting(f: Factor, value: Any) -> float:
    if f.kind == "mixture":
        raise DataError(f"at: {f.name!r} is a share of a mixture; hold it by constraints instead")
    coded = float(f.code([value])[0])
    if f.kind == "discrete" and value not in f.levels:
        raise DataError(f"at: {f.name!r} has no level {value!r}; there are {', '.join(map(str, f.levels))}")
    if f.kind == "continuous" and not -1.0 - 1e-9 <= coded <= 1.0 + 1e-9:
        raise DataError(f"at: {f.name!r}: {value!r} lies outside its range from {f.low:g} to {f.high:g}")
    return coded
