"""Cells of a map over two factors: which candidates fall into each, and what is the best among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from qstats._core.arrays import FloatArray
from qstats.doe.compromise.tradeoff_result import TradeOff
from qstats.doe.factor import Factor
from qstats.figures.doe.parts import PALE
from qstats.figures.doe.words import say
from qstats.figures.panels import apart
from qstats.figures.style import PALETTE, name_axis, shorten, user_ticks

__all__ = ["Cells", "best_in_cells", "cells_of", "draw_cells", "important", "place_in", "qualifying"]

_MOST = 41  # settings that get a cell each
_BINS = (11, 15)  # where candidates are a sample, by its size: few cells are to be empty by chance
_LARGE = 3000
_NOWHERE = "#DDDDDD"
_STEPS = 10  # colours: few, so that the picture stays lines and areas in every format


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One factor cut into cells.

    Parameters
    ----------
    number : int
        Place of the factor.
    factor : Factor
    centers : ndarray, shape (c,)
        Coded.
    which : ndarray of int, shape (m,)
        Cell of each coarse candidate.
    """

    number: int
    factor: Factor
    centers: FloatArray
    which: npt.NDArray[np.intp]

    @property
    def levels(self) -> list[str] | None:
        """Levels of a factor of text."""
        return None if self.factor.numeric else [str(v) for v in self.factor.levels]

    def shown(self, coded: npt.ArrayLike) -> FloatArray:
        """Return where coded settings stand on the axis: natural units, or the number of the level."""
        c = np.asarray(coded, dtype=np.float64)
        return np.asarray(self.factor.decode(c), dtype=np.float64) if self.factor.numeric else c

    @property
    def edges(self) -> FloatArray:
        """Edges of the cells on the axis, shape (c + 1,); those at the ends of a range do not go beyond it."""
        c = self.centers
        middle = 0.5 * (c[1:] + c[:-1])
        if self.levels is not None:
            return np.concatenate([[c[0] - 0.5], middle, [c[-1] + 0.5]])
        return self.shown(np.concatenate([[c[0]], middle, [c[-1]]]))

    def name(self, ax: Axes, which: str) -> None:
        """Name an axis by the factor."""
        name_axis(ax, which, shorten(self.factor.label(), 34))
        if self.levels is not None:
            user_ticks(ax, which, range(len(self.levels)), apart(self.levels, 12))


def cells_of(r: TradeOff, number: int) -> Cells:
    """Return the cells of one factor."""
    factor, used = r.factors[number], np.asarray(r.candidates)[: r.grid, number]
    found = np.unique(np.round(used, 9))
    if factor.numeric and found.size > _MOST:
        found = np.linspace(found[0], found[-1], _BINS[r.grid >= _LARGE])
    which = np.abs(used[:, None] - found).argmin(axis=1)
    return Cells(number, factor, found, which)


def place_in(cells: Cells, coded: FloatArray) -> float:
    """Return where one setting of all factors stands on the axis of this one."""
    return float(cells.shown(coded[cells.number]))


def important(r: TradeOff) -> list[int]:
    """Return the factors that can be chosen, the one that explains most of the probability and the goals first."""
    coarse = np.asarray(r.candidates)[: r.grid]
    free = [j for j in range(coarse.shape[1]) if float(np.ptp(coarse[:, j])) > 0.0]
    columns = [r.probability[: r.grid], *(r.predicted_of(g.response)[: r.grid] for g in r.goals)]
    share = {j: sum(_explained(cells_of(r, j), v) for v in columns) for j in free}
    return sorted(free, key=lambda j: -share[j])


def _explained(cells: Cells, values: FloatArray) -> float:
    """Share of the variance of values that lies between the cells of a factor."""
    known = np.isfinite(values)
    v, which = values[known] - values[known].mean(), cells.which[known]
    total = float(v @ v)
    if not total > 0.0:
        return 0.0
    count = np.bincount(which, minlength=cells.centers.size)
    sums = np.bincount(which, weights=v, minlength=cells.centers.size)
    return float((sums**2 / np.maximum(count, 1)).sum()) / total


def best_in_cells(r: TradeOff, across: Cells, up: Cells) -> FloatArray:
    """Return the largest probability among the candidates of each cell, shape (up, across); NaN where there is none."""
    best = np.full((up.centers.size, across.centers.size), -np.inf)
    np.maximum.at(best, (up.which, across.which), r.probability[: r.grid])
    return np.where(np.isfinite(best), best, np.nan)


def draw_cells(ax: Axes, r: TradeOff, across: Cells, up: Cells, lang: str) -> list[Patch]:
    """Draw the probability cell by cell, with its scale, and where some setting qualifies; return areas of the key."""
    colors = ListedColormap(PALE(np.linspace(0.0, 1.0, _STEPS)))
    norm = BoundaryNorm(np.linspace(0.0, 1.0, _STEPS + 1), _STEPS)
    height = np.ma.masked_invalid(best_in_cells(r, across, up))
    mesh = ax.pcolormesh(across.edges, up.edges, height, cmap=colors, norm=norm, gid="map", zorder=0.5)
    safe = r.safe[: r.grid]
    pairs = np.unique(np.column_stack([across.which[safe], up.which[safe]]), axis=0)
    if pairs.size:
        qualifying(ax, across.shown(across.centers[pairs[:, 0]]), up.shown(up.centers[pairs[:, 1]]), lang)
    ax.set_xlim(across.edges[0], across.edges[-1])
    ax.set_ylim(up.edges[0], up.edges[-1])
    across.name(ax, "x")
    up.name(ax, "y")
    figure: Any = ax.figure
    ticks = np.linspace(0.0, 1.0, 6)
    bar = figure.colorbar(mesh, ax=ax, fraction=0.046, pad=0.02, ticks=ticks)
    user_ticks(bar.ax, "y", ticks.tolist(), [f"{100 * v:.0f}%" for v in ticks])
    bar.minorticks_off()
    bar.outline.set_visible(False)
    if not np.ma.getmaskarray(height).any():
        return []
    ax.set_facecolor(_NOWHERE)
    return [Patch(facecolor=_NOWHERE, label=say("no setting", lang))]


def qualifying(ax: Axes, x: FloatArray, y: FloatArray, lang: str) -> None:
    """Mark settings that qualify."""
    if x.size:
        ax.plot(x, y, "o", color=PALETTE["green"], markersize=3.6, markeredgewidth=0, zorder=3, gid="qualify",
                label=say("qualify", lang), clip_on=False)  # fmt: skip
