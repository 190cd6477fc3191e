"""Rules for the chart as a whole: the longest run and the number of crossings of the centre line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from qstats._core.blocks import block_edges
from qstats._core.quantiles import binomial_cdf
from qstats.spc.rules.rule import Rule
from qstats.spc.stretch import Stretch

__all__ = ["RunsStatement", "crossings_limit", "find_chart_level", "fired_window", "longest_limit"]

BoolArray = npt.NDArray[np.bool_]


class RunsStatement(TypedDict):
    """What the runs of a chart look like, and what chance allows.

    Parameters
    ----------
    n_useful : int
        Judged points that are not on the centre line.
    longest_run, longest_limit : int
        Points of the longest run on one side, and the most that chance allows.
    crossings, crossings_limit : int
        How often the line is crossed, and the fewest that chance allows.
    window : tuple of int
        First and last position of the longest run (the first of them, if several are as long); empty without a point.
    signal : bool
        Whether either limit is passed.
    """

    n_useful: int
    longest_run: int
    longest_limit: int
    crossings: int
    crossings_limit: int
    window: tuple[int, ...]
    signal: bool


def longest_limit(n: int) -> int:
    """Return the longest run that `n` useful points are allowed, ``round(log2(n)) + 3``."""
    return round(math.log2(n)) + 3 if n > 0 else 0


def crossings_limit(trials: int) -> int:
    """Return the fewest crossings allowed: the lower 5 % quantile of Binomial(`trials`, 1/2)."""
    if trials < 1:
        return 0
    k = max(0, math.floor(trials / 2 - 1.645 * math.sqrt(trials) / 2))
    while k > 0 and binomial_cdf(k - 1, trials, 0.5) >= 0.05:
        k -= 1
    while binomial_cdf(k, trials, 0.5) < 0.05:
        k += 1
    return k


@dataclass(slots=True)
class _Runs:
    """Runs met so far; the one that is still open is carried from block to block."""

    useful: int = 0
    pieces: int = 0
    crossings: int = 0
    longest: int = 0
    window: tuple[int, ...] = ()
    side: int = 0
    length: int = 0
    first: int = 0
    last: int = 0

    def add(self, side: npt.NDArray[np.int8], at: npt.NDArray[np.intp]) -> None:
        """Take points that count, in order: side 1 or -1, or 0 for a point that is not judged and ends the run."""
        if not side.size:
            return
        begins = np.flatnonzero(np.concatenate(([side[0] != self.side or side[0] == 0], side[1:] != side[:-1])))
        self.useful += int(np.count_nonzero(side))
        before = np.concatenate(([self.side], side[:-1]))[begins]
        self.crossings += int(np.count_nonzero(before * side[begins] < 0))
        self.pieces += int(np.count_nonzero((before == 0) & (side[begins] != 0)))
        ends = np.append(begins[1:], side.size)
        if not begins.size or begins[0] > 0:  # the open run goes on
            until = int(begins[0]) if begins.size else side.size
            self._open(self.side, self.length + until, self.first, int(at[until - 1]))
        if begins.size:
            sides = side[begins]
            lengths = np.where(sides != 0, ends - begins, 0)
            for r in {int(np.argmax(lengths)), begins.size - 1}:
                self._note(int(lengths[r]), int(at[begins[r]]), int(at[ends[r] - 1]))
            self._open(int(sides[-1]), int(lengths[-1]), int(at[begins[-1]]), int(at[-1]))

    def _open(self, side: int, length: int, first: int, last: int) -> None:
        self.side, self.length, self.first, self.last = side, length, first, last
        self._note(length, first, last)

    def _note(self, length: int, first: int, last: int) -> None:
        if length > self.longest:
            self.longest, self.window = length, (first, last)

    def statement(self) -> RunsStatement:
        """Return the runs against what chance allows."""
        most = longest_limit(self.useful)
        fewest = crossings_limit(self.useful - self.pieces)
        return {
            "n_useful": self.useful,
            "longest_run": self.longest,
            "longest_limit": most,
            "crossings": self.crossings,
            "crossings_limit": fewest,
            "window": self.window,
            "signal": self.longest > most or self.crossings < fewest,
        }


def find_chart_level(
    rules: Sequence[Rule], stretch: Stretch, broken: BoolArray | None = None
) -> list[tuple[Rule, RunsStatement]]:
    """Return what the rules for a whole chart say of a stretch as a whole, whether or not they signal.

    A point on the centre line is passed over. A point that is not judged (marked in `broken`, or NaN) ends the run, and
    a crossing is not looked for across it: with g pieces between such points the crossings are held against
    Binomial(n - g, 1/2), which without one is the usual n - 1.

    Parameters
    ----------
    rules : sequence of Rule
        Those of another kind are left to `find`.
    stretch : Stretch
        The points and their centre line.
    broken : numpy.ndarray of bool, optional
        One entry per point of the stretch: True where a point is not judged.

    References
    ----------
    Anhoej & Olesen (2014), PLoS ONE 9(11), e113825; Anhoej (2015), PLoS ONE 10(3), e0121349: a run is too long above
    ``round(log2(n)) + 3``, crossings are too few below the 5 % quantile of Binomial(n - 1, 1/2).
    """
    asked = [rule for rule in rules if rule.chart_level]
    if not asked:
        return []
    runs, start = _Runs(), stretch.start
    for i, j in block_edges(stretch.stop - start):
        block = stretch.block(start + i, start + j)
        side = np.greater(block.x, block.center).astype(np.int8) - np.less(block.x, block.center).astype(np.int8)
        unjudged = np.isnan(block.x)
        if broken is not None:
            unjudged |= broken[i:j]
            side[unjudged] = 0
        counts = np.flatnonzero((side != 0) | unjudged)
        runs.add(side[counts], counts + start + i)
    statement = runs.statement()
    return [(rule, statement) for rule in asked]


def fired_window(rule: Rule, runs: RunsStatement) -> tuple[int, ...] | None:
    """Return the points of the run that is too long, nothing for too few crossings; None where the rule is content."""
    if rule.kind == "few_crossings":
        return () if runs["crossings"] < runs["crossings_limit"] else None
    if runs["longest_run"] <= runs["longest_limit"]:
        return None
    return tuple(range(runs["window"][0], runs["window"][-1] + 1))
