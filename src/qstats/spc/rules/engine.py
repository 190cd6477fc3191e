"""One engine for every run rule: it finds the points that complete a pattern, block by block.

Each comparison is turned into bytes once a block, and bytes are combined by shifted ANDs and ORs; a window that reaches
over the edge of a block is seen through a few points of context, so that blocks change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.blocks import BLOCK, block_edges
from qstats.spc.rules.patterns import BOTH, Bytes, Scratch, all_of, give_back, k_of, steps, take_scratch
from qstats.spc.rules.rule import Rule
from qstats.spc.rules.runs import find_chart_level
from qstats.spc.rules.short import FEW_POINTS, find_few, is_plain
from qstats.spc.rules.zones import NOWHERE, BoolArray, Indices, Zones, all_one_way, complete, positions
from qstats.spc.stretch import WIDE, Block, Computed, Flat, Stretch

__all__ = ["Indices", "count_rows", "find", "find_chart_level", "window_of"]


def _passes_over(rule: Rule) -> bool:
    """Whether some points do not count, so that a window has no fixed length."""
    return rule.center == "skip" or rule.ties == "ignore"


def _unequal(rule: Rule) -> bool:
    """Whether a window may hold points that do not show the pattern, so that an unjudged one must be looked for."""
    return rule.k < rule.m or rule.kind == "within"


def _counting(z: Zones, rule: Rule) -> BoolArray:
    """Return which points of a block count for a rule that passes over some; an unjudged point does: it breaks."""
    if rule.ties == "ignore":
        keep = np.empty(z.x.size, dtype=np.bool_)
        keep[0] = True
        np.not_equal(z.x[1:], z.x[:-1], out=keep[1:])
        return keep
    keep = np.isnan(z.x)
    off = z.sides(0.0)
    if off is not None:
        keep |= off != 0
    return keep


_JUDGED = 4


@dataclass(slots=True)
class _Followed:
    """A rule that passes over some points: the last points that counted, carried from block to block."""

    rule: Rule
    at: Indices = field(default_factory=lambda: NOWHERE)
    seen: npt.NDArray[Any] | None = None

    def complete(self, z: Zones, first: int, low: int) -> Indices:
        """Return where the rule is completed, counted in the chart; the block's first point is number `low` there."""
        rule, m = self.rule, self.rule.m
        new = np.flatnonzero(_counting(z, rule)[first:]) + first
        shown = self._shown(z)[new]
        at = np.concatenate((self.at, new + low))
        shown = shown if self.seen is None else np.concatenate((self.seen, shown))
        self.at, self.seen = at[-(m - 1) :] if m > 1 else NOWHERE, shown[-(m - 1) :] if m > 1 else shown[:0]
        if at.size < m:
            return NOWHERE
        hit = self._hits(shown, z.scratch)
        return at[positions(hit, z.scratch) + (m - 1)]

    def _shown(self, z: Zones) -> npt.NDArray[Any]:
        if self.rule.ties == "ignore":
            return z.x
        judged: Bytes = (z.x == z.x).view(np.uint8) * np.uint8(_JUDGED)
        b = z.counted(self.rule)
        return judged if b is None else np.bitwise_or(judged, b, judged)

    def _hits(self, shown: npt.NDArray[Any], scratch: Scratch) -> Bytes:
        rule = self.rule
        if rule.ties == "ignore":
            x = shown.astype(np.float64, copy=False)
            return all_one_way(x, steps(x, scratch), rule, scratch)
        b = shown.astype(np.uint8, copy=False)
        hit = k_of(b & np.uint8(BOTH), rule.k, rule.m, scratch)
        if rule.k == rule.m:
            return hit
        full = all_of(b & np.uint8(_JUDGED), rule.m, scratch)
        hit[full == 0] = 0
        return hit


def find(rules: Sequence[Rule], stretch: Stretch, broken: BoolArray | None = None) -> list[Indices]:
    """Return, for each rule, the positions of the points that complete it.

    Parameters
    ----------
    rules : sequence of Rule
        What to look for; a rule for the whole chart (``chart_level``) has no completing point.
    stretch : Stretch
        The points and their lines; positions are counted in the chart.
    broken : numpy.ndarray of bool, optional
        One entry per point of the stretch: True where a point is not judged. It never signals, and runs begin anew
        after it. NaN in the statistic is not judged either.

    Returns
    -------
    list of numpy.ndarray
        Sorted positions, one array per rule.
    """
    start = stretch.start
    shortcut = stretch.outside if isinstance(stretch, Flat | Computed) else None
    by_limits = shortcut is not None and all(_at_limits(rule) for rule in rules)
    if 0 < stretch.stop - start <= FEW_POINTS and broken is None and not (by_limits and isinstance(stretch, Computed)):
        few = find_few(rules, stretch.block(start, stretch.stop), start) if all(map(_is_quick, rules)) else None
        if few is not None:
            return few
    if shortcut is not None and by_limits:
        at = _outside(shortcut, stretch, broken) if rules else NOWHERE
        return [at for _ in rules]
    found: list[list[Indices]] = [[] for _ in rules]
    plain: list[tuple[Rule, list[Indices]]] = []
    followed: list[tuple[_Followed, list[Indices]]] = []
    context, look, halves = 0, False, False
    for rule, where in zip(rules, found, strict=True):
        if _passes_over(rule):
            followed.append((_Followed(rule), where))
            context = max(context, 1)
        elif not rule.chart_level:
            plain.append((rule, where))
            context, look, halves = max(context, rule.m - 1), look or _unequal(rule), halves or rule.threshold == 0
    scratch = take_scratch()
    for i, j in block_edges(stretch.stop - start if plain or followed else 0, WIDE):
        low = max(0, i - context)
        part = None if broken is None else broken[low:j]
        z = Zones(stretch.block(start + low, start + j), part, scratch, look=look, halves=halves)
        for rule, where in plain:
            at = complete(z, rule, i - low)
            if at.size:
                at += start + low
                where.append(at)
        for follow, where in followed:
            where.append(follow.complete(z, i - low, start + low))
    give_back(scratch, stretch.stop - start)
    return [_joined(where) for where in found]


def _is_quick(rule: Rule) -> bool:
    return is_plain(rule) or rule.chart_level


def _at_limits(rule: Rule) -> bool:
    return (rule.kind, rule.m, rule.threshold, rule.sides) == ("beyond", 1, None, "each")


def _outside(shortcut: Callable[[int, int], Indices], stretch: Stretch, broken: BoolArray | None) -> Indices:
    """Return the judged points beyond their limits, by the stretch's own shortcut."""
    start = stretch.start
    found = [shortcut(start + i, start + j) for i, j in block_edges(stretch.stop - start, WIDE)]
    at = _joined([part for part in found if part.size])
    return at if broken is None else at[~broken[at - start]]


def _joined(parts: list[Indices]) -> Indices:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else NOWHERE


def window_of(rule: Rule, stretch: Stretch, at: int, broken: BoolArray | None = None) -> tuple[int, ...]:
    """Return the positions of the `m` points a signal at `at` looked at, the completing one last.

    They are neighbours, but for a rule that passes over points: ties in a trend, points on the centre line.
    """
    if not _passes_over(rule):
        return tuple(range(at - rule.m + 1, at + 1))
    reach = 4 * rule.m
    while True:
        low = max(stretch.start, at - reach)
        part = None if broken is None else broken[low - stretch.start : at + 1 - stretch.start]
        counting = _counting(Zones(stretch.block(low, at + 1), part, Scratch(), look=False), rule)
        # The first point of a piece cannot tell whether it is a tie.
        where = np.flatnonzero(counting[low > stretch.start :]) + low + (low > stretch.start)
        if where.size >= rule.m or low == stretch.start:
            return tuple(int(w) for w in where[-rule.m :])
        reach *= 4


def count_rows(rules: Sequence[Rule], z: FloatArray, nsigma: float = 3.0) -> list[tuple[Indices, Indices]]:
    """Return, for each rule, the rows and columns of the points that complete it, for many short series at once.

    Parameters
    ----------
    rules : sequence of Rule
        What to look for.
    z : numpy.ndarray
        One series a row, shape (series, points), standardised: ``(x - center) / sigma``; NaN is not judged.
    nsigma : float
        Where the control limits stand.

    Returns
    -------
    list of (rows, columns)
        Sorted by row, then column; the same points that `find` reports for each row by itself.
    """
    found: list[list[Indices]] = [[] for _ in rules]
    n, width = z.shape
    look = any(_unequal(rule) for rule in rules)
    scratch = Scratch()
    for i, j in block_edges(n if width else 0, max(1, BLOCK // max(width, 1))):
        for r, at in enumerate(_in_rows(rules, z[i:j], nsigma, scratch, look=look)):
            found[r].append(at + i * width)
    joined = [_joined(where) for where in found]
    return [(at // max(width, 1), at % max(width, 1)) for at in joined]


def _in_rows(
    rules: Sequence[Rule], part: FloatArray, nsigma: float, scratch: Scratch, *, look: bool
) -> Iterator[Indices]:
    """Yield, for each rule, where it is completed in some rows laid end to end."""
    width = part.shape[1]
    x = np.ascontiguousarray(part).reshape(-1)
    if width > BLOCK:
        yield from find(rules, _standard(x, nsigma))
        return
    halves = any(rule.threshold == 0 for rule in rules)
    z = Zones(Block(x, 0.0, 1.0, -nsigma, nsigma), None, scratch, look=look, halves=halves)
    for rule in rules:
        if rule.chart_level:
            yield NOWHERE
        elif _passes_over(rule):
            yield _over_gaps(rule, part, nsigma)
        else:
            at = complete(z, rule, 0)
            # A window that began in the row before is none.
            yield at[at % width >= rule.m - 1] if rule.m > 1 else at


def _standard(x: FloatArray, nsigma: float) -> Flat:
    return Flat(0, x.size, x, 0.0, 1.0, -nsigma, nsigma)


def _over_gaps(rule: Rule, part: FloatArray, nsigma: float) -> Indices:
    """Return where a rule that passes over points is completed: a gap before each row ends the windows there."""
    rows, width = part.shape
    apart = np.full((rows, width + 1), np.nan)
    apart[:, 1:] = part
    row, column = np.divmod(find((rule,), _standard(apart.reshape(-1), nsigma))[0], width + 1)
    at: Indices = row * width + column - 1
    return at
