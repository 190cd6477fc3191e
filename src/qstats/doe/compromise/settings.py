"""Settings among which to choose: a grid over the region, or a sample of it, and a finer grid about one of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.exchange.region import Region
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DesignError

__all__ = ["Space", "candidates", "make_space", "refined", "unique_rows"]

_LEVELS = {0: 1, 1: 101, 2: 31}  # of each range, by how many ranges there are
_USUAL = 11
_MOST_RANGES = 4
_MOST = 100_000
_SAMPLE = 4096
_PAIRS = 400
_FINE = {1: 21, 2: 13, 3: 7, 4: 5}
_NEARBY = 800


@dataclass(frozen=True, slots=True)
class Space:
    """What can be set, and what is held.

    Parameters
    ----------
    region : Region
    free : tuple of int
        Factors to choose settings of.
    held : ndarray, shape (k,)
        Coded settings of the others: noise factors at their middle, factors in no model likewise.
    idle : tuple of str
        Factors in no model and no rule.
    noise : tuple of int
        Noise factors.
    """

    region: Region
    free: tuple[int, ...]
    held: FloatArray
    idle: tuple[str, ...]
    noise: tuple[int, ...]

    @property
    def ranged(self) -> list[int]:
        """Free factors with a range."""
        return [j for j in self.free if self.region.factors[j].kind == "continuous"]

    def keep(self, coded: FloatArray) -> FloatArray:
        """Return those of the settings that are possible, with what is held put in."""
        coded = coded.copy()
        fixed = [j for j in range(self.region.k) if j not in self.free]
        coded[:, fixed] = self.held[fixed]
        return np.asarray(coded[self.region.inside(coded)])


def make_space(
    fits: Sequence[DesignFit], region: Region, priced: Sequence[str] = (), noisy: Sequence[str] = ()
) -> Space:
    """Return what is free and what is held.

    Parameters
    ----------
    fits : sequence of DesignFit
    region : Region
    priced : sequence of str
        Factors that cost something.
    noisy : sequence of str
        Factors that cannot be set in production.
    """
    factors = region.factors
    used = {name for fit in fits for term in fit.model for name in term.names}
    used |= {name for rule in region.rules for name in rule.names} | set(priced)
    noise = tuple(j for j, f in enumerate(factors) if f.noise or f.name in noisy)
    for j in noise:
        if factors[j].kind in ("categorical", "mixture"):
            raise DesignError(
                f"fits: the noise factor {factors[j].name!r} is {factors[j].kind}; one with numbers as settings is "
                "wanted here, whose middle is what production has on average"
            )
    idle = tuple(f.name for j, f in enumerate(factors) if j not in noise and f.name not in used and f.kind != "mixture")
    free = tuple(j for j, f in enumerate(factors) if j not in noise and f.name not in idle)
    held = np.zeros(len(factors))
    for j, f in enumerate(factors):
        if f.kind == "discrete" and j not in noise:
            levels = f.code(f.levels)
            held[j] = levels[np.abs(levels).argmin()]
    return Space(region, free, held, idle, noise)


def unique_rows(coded: FloatArray) -> FloatArray:
    """Return settings once each, in the order they come."""
    _, first = np.unique(np.round(coded, 9), axis=0, return_index=True)
    return np.asarray(coded[np.sort(first)])


def candidates(space: Space, runs: FloatArray, levels: int | None, rng: np.random.Generator) -> tuple[FloatArray, str]:
    """Return settings over the region and a word on how they were chosen.

    Parameters
    ----------
    space : Space
    runs : ndarray, shape (N, k)
        Of the designs.
    levels : int or None
        Of each range; unsaid 101, 31 or 11 for one, two or more of them.
    rng : Generator

    Raises
    ------
    DesignError
        The rules leave no setting.
    """
    region = space.region
    count = levels or _LEVELS.get(len(space.ranged), _USUAL)
    sides = [region.settings(j) for j in space.free]
    sizes = [count if side is None else side.size for side in sides]
    whole = bool(np.prod([float(v) for v in sizes]) <= _MOST)
    if whole and not region.mixture.size and (len(space.ranged) <= _MOST_RANGES or levels is not None):
        axes = [np.linspace(-1.0, 1.0, count) if side is None else side for side in sides]
        coded = np.tile(space.held, (int(np.prod(sizes)), 1))
        coded[:, list(space.free)] = np.array(list(itertools.product(*axes)))
        found, how = space.keep(coded), f"grid of {count} levels of each range"
        if not region.rules:
            return found, how
        sampled = space.keep(region.sample(max(_SAMPLE // 4, 64), rng))
        return _some(np.concatenate([found, sampled])), f"{how}, and a sample of the region"
    sampled = space.keep(region.sample(_SAMPLE, rng))
    edges = space.keep(_between(runs, rng))
    return _some(np.concatenate([sampled, edges])), "sample of the region, runs of the design and points between them"


def _some(found: FloatArray) -> FloatArray:
    found = unique_rows(found)
    if not found.shape[0]:
        raise DesignError(
            "constraints: no setting of the grid keeps all of them with noise factors at their middle; loosen one"
        )
    return found


def _between(runs: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Runs, and points on the lines between pairs of them: they lie on edges and faces, where the best often is."""
    runs = unique_rows(runs)
    a, b = np.triu_indices(runs.shape[0], 1)
    if a.size > _PAIRS:
        some = rng.choice(a.size, _PAIRS, replace=False)
        a, b = a[some], b[some]
    share = np.linspace(0.1, 0.9, 9)[:, None, None]
    lines = (1.0 - share) * runs[a] + share * runs[b]
    return np.concatenate([runs, lines.reshape(-1, runs.shape[1])])


def refined(
    space: Space, at: FloatArray, found: FloatArray, levels: int | None, rng: np.random.Generator
) -> FloatArray:
    """Return a finer grid about a setting, as far out as its neighbours in the coarse one; levels stay as they are.

    Parameters
    ----------
    space : Space
    at : ndarray, shape (k,)
    found : ndarray, shape (m, k)
        The coarse settings.
    levels : int or None
        As in `candidates`.
    rng : Generator
    """
    ranged, region = space.ranged, space.region
    if region.mixture.size:
        nearest = found[np.argsort(((found - at) ** 2).sum(axis=1))[: 2 * region.k + 1]]
        share = rng.dirichlet(np.ones(nearest.shape[0]), _NEARBY)
        mixed = share @ nearest
        rest = [j for j in range(region.k) if j not in region.mixture and j not in ranged]
        mixed[:, rest] = at[rest]
        return space.keep(mixed)
    if not ranged:
        return np.empty((0, region.k))
    count = levels or _LEVELS.get(len(ranged), _USUAL)
    reach = 2.0 / max(count - 1, 1) if len(ranged) <= _MOST_RANGES else 0.25
    if len(ranged) in _FINE:
        side = np.linspace(-reach, reach, _FINE[len(ranged)])
        change = np.array(list(itertools.product(side, repeat=len(ranged))))
    else:
        change = rng.uniform(-reach, reach, (_NEARBY, len(ranged)))
    near = np.tile(at, (change.shape[0], 1))
    near[:, ranged] = np.clip(near[:, ranged] + change, -1.0, 1.0)
    return unique_rows(space.keep(near))
