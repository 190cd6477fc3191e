"""What one block of a chart shows: each comparison made once, as bytes, and one pattern for each kind of rule."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.spc.rules.patterns import BOTH, LOWER, UPPER, Bytes, Scratch, all_of, any_of, as_bits, k_of, steps, turns
from qstats.spc.rules.rule import Rule
from qstats.spc.stretch import Block, Line

__all__ = ["NOWHERE", "BoolArray", "Indices", "Zones", "all_one_way", "complete", "positions"]

BoolArray = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

NOWHERE: Indices = np.empty(0, dtype=np.intp)
NOWHERE.flags.writeable = False
_SIDE = {"each": BOTH, "upper": UPPER, "lower": LOWER}


_FEW = 4096  # points: a call of `any` costs more than counting them


def _many(flags: BoolArray) -> int:
    """Return how many flags are up; where there are very many flags, whether any is (as the number of flags)."""
    if flags.size <= _FEW:
        return int(np.count_nonzero(flags))
    return flags.size if np.count_nonzero(flags[:_FEW]) or flags.any() else 0


class Zones:
    """One block of a chart and the comparisons made on it; an unjudged point is NaN and compares false.

    `look` asks for unjudged points to be looked for; `halves` says that the sides of the centre will be wanted anyway.
    """

    __slots__ = ("block", "ends", "judged", "most", "scratch", "seen", "spread", "x")

    def __init__(
        self, block: Block, broken: BoolArray | None, scratch: Scratch, *, look: bool, halves: bool = False
    ) -> None:
        self.block, self.scratch = block, scratch
        self.seen: dict[object, Bytes | None] = {}
        self.most: dict[float | None, int] = {}
        self.spread: tuple[float, bool] | None = None  # threshold times which sigma stands in that buffer
        self.ends: tuple[float, float] | None = None  # smallest and largest value of a few points
        self.x = block.x
        if broken is not None and np.count_nonzero(broken):
            self.x = scratch.floats("x", block.x.size)
            np.copyto(self.x, block.x)
            self.x[broken] = np.nan
        self.judged: Bytes | None = None  # BOTH where judged; None: all are
        # The largest of values with a NaN among them is NaN. (A dot product is faster, but wakes the threads of BLAS.)
        if look and not (halves and self._off_center()) and math.isnan(np.max(self.x, initial=-math.inf)):
            self.judged = (self.x == self.x).view(np.uint8) * np.uint8(BOTH)

    def _off_center(self) -> bool:
        """Return whether every point is on one side of the centre, so that none can be NaN."""
        b = self.sides(0.0)
        return b is not None and bool(np.minimum.reduce(b))

    def line(self, threshold: float | None, upper: bool) -> Line:
        """Return a zone line: one number where it is the same at every point."""
        b = self.block
        if threshold is None:
            return b.upper if upper else b.lower
        if threshold == 0.0:
            return b.center
        sigma = b.sigma if upper or b.sigma_lower is None else b.sigma_lower
        if isinstance(sigma, float) and isinstance(b.center, float):
            return b.center + threshold * sigma if upper else b.center - threshold * sigma
        spread, out = (self.scratch.floats(name, self.x.size) for name in ("spread", "line"))
        if self.spread != (threshold, sigma is b.sigma):
            np.multiply(sigma, threshold, out=spread)
            self.spread = (threshold, sigma is b.sigma)
        return (np.add if upper else np.subtract)(b.center, spread, out=out)

    def wide(self) -> BoolArray | bool:
        """Return where zones have a width: where nothing varies "close to the centre" means nothing."""
        center, sigma = self.block.center, self.block.sigma
        below = sigma if self.block.sigma_lower is None else self.block.sigma_lower
        if isinstance(center, float) and isinstance(sigma, float) and isinstance(below, float):
            return sigma > 0.0 and below > 0.0 and center == center
        out: BoolArray = np.greater(sigma, 0.0) & np.equal(center, center)
        return out if below is sigma else out & np.greater(below, 0.0)

    def sides(self, threshold: float | None) -> Bytes | None:
        """Return the side on which each point is further out than `threshold`; None if no point is."""
        if threshold not in self.seen:
            n, scratch = self.x.size, self.scratch
            upper, out = self.line(threshold, True), None
            if n <= _FEW and threshold != 0.0 and self._all_inside(upper, threshold):
                self.most[threshold], self.seen[threshold] = 0, None
                return None
            up, down = scratch.flags["up", n], scratch.flags["down", n]
            np.greater(self.x, upper, up)
            np.less(self.x, self.line(threshold, False), down)
            self.most[threshold] = most = max(_many(up), _many(down))
            if most:
                name = f"sides {threshold}"
                out = as_bits(scratch["up", n], scratch["down", n], scratch[name, n])
            self.seen[threshold] = out
        return self.seen[threshold]

    def _all_inside(self, upper: Line, threshold: float | None) -> bool:
        """Return whether the extremes alone show that no point is further out, as most often on a short chart."""
        lower = self.line(threshold, False) if isinstance(upper, float) else upper
        if not (isinstance(upper, float) and isinstance(lower, float) and self.x.size):
            return False
        if self.ends is None:
            self.ends = float(np.minimum.reduce(self.x)), float(np.maximum.reduce(self.x))
        return lower <= self.ends[0] and self.ends[1] <= upper  # false for NaN

    def counted(self, rule: Rule) -> Bytes | None:
        """Return `sides` of the rule's threshold, of the points and the sides that count for it."""
        b = self.sides(rule.threshold)
        if b is None or (rule.beyond_limits and rule.sides not in ("upper", "lower")):
            return b
        out = self.scratch["counted", self.x.size]
        if not rule.beyond_limits:
            beyond = self.sides(None)
            if beyond is not None:
                b = np.bitwise_and(b, np.invert(beyond, out), out)
        if rule.sides in ("upper", "lower"):
            b = np.bitwise_and(b, _SIDE[rule.sides], out)
        return b

    def steps(self) -> Bytes:
        """Return which way each point lies from the one before."""
        b = self.seen.get("steps")
        if b is None:
            b = self.seen["steps"] = steps(self.x, self.scratch)
        return b

    def whole(self, hit: Bytes, rule: Rule) -> Bytes:
        """Return `hit` without the windows that hold an unjudged point."""
        if self.judged is None or rule.k == rule.m:
            return hit
        full = all_of(self.judged, rule.m, self.scratch)
        return np.bitwise_and(hit, full, out=self.scratch["whole", hit.size])


def _beyond(z: Zones, rule: Rule) -> Bytes | None:
    b = z.counted(rule)
    if b is None or z.most[rule.threshold] < rule.k:
        return None
    hit = k_of(b, rule.k, rule.m, z.scratch)
    if rule.same_side and rule.k < rule.m:
        side = z.sides(0.0)
        if side is None:
            return None
        hit = np.bitwise_and(hit, all_of(side, rule.m, z.scratch), out=z.scratch["one way", hit.size])
    return z.whole(hit, rule)


def _trend(z: Zones, rule: Rule) -> Bytes:
    return all_one_way(z.x, z.steps() if rule.ties != "continue" else None, rule, z.scratch)


def all_one_way(x: FloatArray, step: Bytes | None, rule: Rule, scratch: Scratch) -> Bytes:
    if step is not None:
        hit = all_of(step, rule.m - 1, scratch)
    else:
        # None turns back, and the last is further on than the first: a constant series is no trend.
        hit = all_of(steps(x, scratch, strict=False), rule.m - 1, scratch)
        ahead = steps(x, scratch, span=rule.m - 1)
        hit = np.bitwise_and(hit, ahead, out=scratch["one way", hit.size])
    if rule.sides == "each":
        return hit
    return np.bitwise_and(hit, _SIDE[rule.sides], out=scratch["counted", hit.size])


def _alternating(z: Zones, rule: Rule) -> BoolArray:
    return all_of(turns(z.steps(), z.scratch), rule.m - 2, z.scratch).view(np.bool_)


def _within(z: Zones, rule: Rule) -> BoolArray | None:
    wide = z.wide()
    if wide is False:
        return None
    b, n = z.sides(rule.threshold), z.x.size
    inside, flags = z.scratch["inside", n], z.scratch.flags["inside", n]
    if b is None:
        flags[:] = True
    else:
        np.equal(b, 0, flags)
    if not isinstance(wide, bool):
        np.logical_and(flags, wide, flags)
    if z.judged is not None:
        np.bitwise_and(inside, z.judged, inside)
    return z.whole(k_of(inside, rule.k, rule.m, z.scratch), rule).view(np.bool_)


def _outside(z: Zones, rule: Rule) -> BoolArray | None:
    b = z.counted(rule)
    if b is None:
        return None
    far = z.scratch["far", b.size]
    np.not_equal(b, 0, z.scratch.flags["far", b.size])
    hit = k_of(far, rule.k, rule.m, z.scratch)
    if rule.sides == "both":
        sides = any_of(b, rule.m, z.scratch)
        both = z.scratch["both", sides.size]
        np.equal(sides, BOTH, z.scratch.flags["both", sides.size])
        hit = np.bitwise_and(hit, both, both)
    return z.whole(hit, rule).view(np.bool_)


def _swing(z: Zones, rule: Rule) -> Bytes | None:
    b = z.counted(rule)
    if b is None:
        return None
    # Bit for bit the other side: 1 becomes 2, 2 becomes 1.
    other, up = z.scratch["other", b.size], z.scratch["upper side", b.size]
    np.bitwise_and(b, UPPER, up)
    other = as_bits(np.right_shift(b, 1, other), up, up)
    before = any_of(other[:-1], rule.m - 1, z.scratch)
    return z.whole(np.bitwise_and(before, b[rule.m - 1 :], z.scratch["swing", before.size]), rule)


_PATTERNS: dict[str, Callable[[Zones, Rule], Bytes | BoolArray | None]] = {
    "beyond": _beyond,
    "trend": _trend,
    "alternating": _alternating,
    "within": _within,
    "outside": _outside,
    "swing": _swing,
}


def complete(z: Zones, rule: Rule, first: int) -> Indices:
    """Return where in the block the rule is completed, from point `first` on."""
    if z.x.size < rule.m:
        return NOWHERE
    hit = _PATTERNS[rule.kind](z, rule)
    if hit is None:
        return NOWHERE
    at = positions(hit, z.scratch)
    if at.size:
        at += rule.m - 1
        if at[0] < first:
            at = at[np.searchsorted(at, first) :]
    return at


def positions(hit: Bytes | BoolArray, scratch: Scratch) -> Indices:
    """Return where the bytes are not 0."""
    if hit.dtype != np.bool_ and hit.size > _FEW:  # numpy searches truth values ten times as fast
        hit = np.not_equal(hit, 0, scratch.flags["flags", hit.size])
    return hit.nonzero()[0]
