"""Run rules on a few points: each comparison is one whole number with a bit per point, and patterns are shifts of it.

On twenty-five points a call of numpy costs more than the arithmetic: this road gives the same points as the blocks of
`find`, some times sooner. It is for series where every point is judged; all others take the long road.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qstats.spc.rules.rule import Rule
from qstats.spc.rules.zones import NOWHERE, Indices
from qstats.spc.stretch import Block, Line

__all__ = ["FEW_POINTS", "find_few", "is_plain"]

FEW_POINTS = 64  # from here on the blocks of numpy are as quick
_BITS = tuple(1 << i for i in range(FEW_POINTS))

Pair = tuple[int, int]  # points on the upper and on the lower side, point i in bit i


def is_plain(rule: Rule) -> bool:
    """Return whether the windows of a rule have a fixed length and each point is compared with lines or its neighbour.

    Those that pass over points (ties, points on the centre line) or let a trend rest are not.
    """
    if rule.kind == "trend":
        return rule.ties == "break" and rule.m > 1
    return rule.center != "skip" and rule.ties == "break" and (rule.kind != "alternating" or rule.m > 2)


def _all_of(b: int, m: int) -> int:
    """Return the points at which the last `m` bits are set."""
    have = 1
    while have < m and b:
        step = min(have, m - have)
        b &= b << step
        have += step
    return b


def _any_of(b: int, m: int) -> int:
    """Return the points at which one of the last `m` bits is set."""
    have = 1
    while have < m and b:
        step = min(have, m - have)
        b |= b << step
        have += step
    return b


def _k_of(b: int, k: int, m: int) -> int:
    """Return the points at which `k` of the last `m` bits are set, the last one among them."""
    if k == m:
        return _all_of(b, m)
    if b.bit_count() < k:
        return 0
    least = [b] + [0] * (k - 1)  # the last bit, and with it at least 2, ... k of the bits seen so far
    for shift in range(1, m):
        more = b << shift
        for j in range(k - 1, 0, -1):
            least[j] |= least[j - 1] & more
    return least[-1]


class _Few:
    """The comparisons made on a few points, each once."""

    __slots__ = ("block", "high", "low", "n", "seen", "stepped", "values")

    def __init__(self, block: Block, values: list[float]) -> None:
        self.block, self.values, self.n = block, values, len(values)
        self.low, self.high = min(values), max(values)
        self.seen: dict[float | None, Pair] = {}
        self.stepped: Pair | None = None

    def _beyond(self, line: Line, upper: bool) -> int:
        if isinstance(line, float):
            if upper:
                return sum([bit for v, bit in zip(self.values, _BITS, strict=False) if v > line])
            return sum([bit for v, bit in zip(self.values, _BITS, strict=False) if v < line])
        return _packed(self.block.x > line if upper else self.block.x < line)

    def sides(self, threshold: float | None) -> Pair:
        """Return which points are further out than `threshold`."""
        got = self.seen.get(threshold)
        if got is None:
            b = self.block
            upper, lower = b.upper, b.lower
            if threshold is not None:
                below = b.sigma if b.sigma_lower is None else b.sigma_lower
                far = threshold > 0.0
                upper, lower = (
                    (b.center + threshold * b.sigma, b.center - threshold * below) if far else (b.center,) * 2
                )
            inside = isinstance(upper, float) and isinstance(lower, float) and lower <= self.low and self.high <= upper
            got = (0, 0) if inside else (self._beyond(upper, True), self._beyond(lower, False))
            self.seen[threshold] = got
        return got

    def counted(self, rule: Rule) -> Pair:
        """Return `sides` of the rule's threshold, of the points and the sides that count for it."""
        up, down = self.sides(rule.threshold)
        if not rule.beyond_limits:
            far, near = self.sides(None)
            up, down = up & ~far, down & ~near
        return 0 if rule.sides == "lower" else up, 0 if rule.sides == "upper" else down

    def steps(self) -> Pair:
        """Return which points lie above, and which below, the one before."""
        if self.stepped is None:
            up = down = 0
            last = self.values[0]
            for v, bit in zip(self.values, _BITS, strict=False):
                if v > last:
                    up |= bit
                elif v < last:
                    down |= bit
                last = v
            self.stepped = up, down
        return self.stepped

    def wide(self) -> int:
        """Return the points whose zones have a width."""
        center, sigma = self.block.center, self.block.sigma
        below = sigma if self.block.sigma_lower is None else self.block.sigma_lower
        if isinstance(center, float) and isinstance(sigma, float) and isinstance(below, float):
            return (1 << self.n) - 1 if sigma > 0.0 and below > 0.0 and center == center else 0
        wide: Any = np.greater(sigma, 0.0) & np.greater(below, 0.0) & np.equal(center, center)
        return _packed(np.broadcast_to(wide, self.n))


def _packed(flags: Any) -> int:
    return sum([_BITS[i] for i in flags.nonzero()[0].tolist()])


def _on_a_side(f: _Few, rule: Rule) -> int:
    up, down = f.counted(rule)
    if not (up or down):
        return 0
    up, down = _k_of(up, rule.k, rule.m), _k_of(down, rule.k, rule.m)
    if rule.same_side and rule.k < rule.m:
        above, below = f.sides(0.0)
        up, down = up & _all_of(above, rule.m), down & _all_of(below, rule.m)
    return up | down


def _trend(f: _Few, rule: Rule) -> int:
    up, down = f.steps()
    rises = 0 if rule.sides == "lower" else _all_of(up, rule.m - 1)
    return rises | (0 if rule.sides == "upper" else _all_of(down, rule.m - 1))


def _alternating(f: _Few, rule: Rule) -> int:
    up, down = f.steps()
    return _all_of((up & (down << 1)) | (down & (up << 1)), rule.m - 2)


def _within(f: _Few, rule: Rule) -> int:
    up, down = f.sides(rule.threshold)
    return _k_of(f.wide() & ~(up | down), rule.k, rule.m)


def _outside(f: _Few, rule: Rule) -> int:
    up, down = f.counted(rule)
    hit = _k_of(up | down, rule.k, rule.m)
    return hit & _any_of(up, rule.m) & _any_of(down, rule.m) if rule.sides == "both" else hit


def _swing(f: _Few, rule: Rule) -> int:
    up, down = f.counted(rule)
    return (up & _any_of(down << 1, rule.m - 1)) | (down & _any_of(up << 1, rule.m - 1))


_PATTERNS: dict[str, Callable[[_Few, Rule], int]] = {
    "beyond": _on_a_side,
    "trend": _trend,
    "alternating": _alternating,
    "within": _within,
    "outside": _outside,
    "swing": _swing,
}


def find_few(rules: Sequence[Rule], block: Block, start: int) -> list[Indices] | None:
    """Return, for each rule, the points that complete it; None where a point is not judged.

    Parameters
    ----------
    rules : sequence of Rule
        Plain ones, and rules for the whole chart, which have no completing point.
    block : Block
        The whole stretch, at most `FEW_POINTS` points.
    start : int
        Position of its first point in the chart.
    """
    values: list[float] = block.x.tolist()
    total = sum(values)
    if total != total:
        return None
    few, n, out = _Few(block, values), len(values), []
    for rule in rules:
        hit = 0
        if not rule.chart_level and n >= rule.m:
            # a window that began before the first point is none
            hit = (_PATTERNS[rule.kind](few, rule) & ((1 << n) - 1)) >> (rule.m - 1)
        if hit:
            first = start + rule.m - 1
            out.append(np.array([first + i for i in range(n) if hit >> i & 1], dtype=np.intp))
        else:
            out.append(NOWHERE)
    return out
