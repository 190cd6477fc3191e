"""Windows over bytes: "all of the last m", "k of the last m", without walking over points.

Every function takes one byte a point and returns one byte a window: entry t of the result speaks of the m points that
end at entry ``t + m - 1`` of the input. Bit 1 of a byte is the upper side and bit 2 the lower, so one AND serves both.
Results stand in scratch that the next call of the same function may overwrite.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray

__all__ = [
    "BOTH",
    "LOWER",
    "UPPER",
    "Bytes",
    "Scratch",
    "all_of",
    "any_of",
    "as_bits",
    "give_back",
    "k_of",
    "steps",
    "take_scratch",
    "turns",
]

BoolArray = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

UPPER, LOWER, BOTH = 1, 2, 3
_SHORT, _KEPT = 4096, 8
_MANY = 1000  # views remembered: more only come where blocks are of ever other lengths


class Scratch(dict[tuple[str, int], Bytes]):
    """Buffers by name, made once and used again for every block: a fresh one costs more than the arithmetic.

    ``scratch["all", n]`` is `n` bytes, contents undefined, the same ones each time they are asked for by that name;
    ``scratch.flags["all", n]`` is the same bytes as truth values. A dict, because short charts are mostly look-ups.
    """

    __slots__ = ("_lines", "_made", "flags")

    def __init__(self) -> None:
        super().__init__()
        self.flags = _Flags(self)
        self._made: dict[str, Bytes] = {}
        self._lines: dict[str, FloatArray] = {}

    def __missing__(self, key: tuple[str, int]) -> Bytes:
        name, n = key
        have = self._made.get(name)
        if have is None or have.size < n or len(self) > _MANY:
            self.clear()
            self.flags.clear()
        if have is None or have.size < n:
            have = self._made[name] = np.empty(n, dtype=np.uint8)
        view = self[key] = have[:n]
        return view

    def floats(self, name: str, n: int) -> FloatArray:
        """Return `n` floats, contents undefined."""
        have = self._lines.get(name)
        if have is None or have.size < n:
            have = self._lines[name] = np.empty(n)
        return have[:n]


class _Flags(dict[tuple[str, int], BoolArray]):
    """The bytes of a `Scratch` as truth values."""

    __slots__ = ("_bytes",)

    def __init__(self, of: Scratch) -> None:
        super().__init__()
        self._bytes = of

    def __missing__(self, key: tuple[str, int]) -> BoolArray:
        view = self._bytes[key].view(np.bool_)
        self[key] = view
        return view


_spare: list[Scratch] = []  # what short charts used: making it anew would cost as much as judging them


def take_scratch() -> Scratch:
    """Return scratch nobody else is using."""
    try:
        return _spare.pop()
    except IndexError:
        return Scratch()


def give_back(scratch: Scratch, n: int) -> None:
    """Keep scratch for the next caller if it has not grown beyond `n` <= 4096 points."""
    if n <= _SHORT and len(_spare) < _KEPT:
        _spare.append(scratch)


def as_bits(upper: Bytes, lower: Bytes, out: Bytes) -> Bytes:
    """Return bytes with the upper side in bit 1 and the lower in bit 2."""
    np.add(lower, lower, out)  # a shift costs six times an addition
    return np.bitwise_or(out, upper, out)


def _fold(op: np.ufunc, b: Bytes, m: int, scratch: Scratch, names: tuple[str, str]) -> Bytes:
    """Combine the last `m` bytes by an operation that may meet a byte twice: three or four steps for any usual `m`."""
    have, turn, n = 1, 0, b.size
    while have < m:
        step = min(have, m - have)
        n -= step
        b = op(b[step:], b[:n], scratch[names[turn], n])
        have, turn = have + step, 1 - turn
    return b


def all_of(b: Bytes, m: int, scratch: Scratch) -> Bytes:
    """Return the bits that are set in all of the last `m` bytes."""
    return _fold(np.bitwise_and, b, m, scratch, ("all", "all again"))


def any_of(b: Bytes, m: int, scratch: Scratch) -> Bytes:
    """Return the bits that are set in any of the last `m` bytes."""
    return _fold(np.bitwise_or, b, m, scratch, ("any", "any again"))


def _all_but_one(b: Bytes, m: int, scratch: Scratch) -> Bytes:
    """Return the bits set in at least ``m - 1`` of the last `m` bytes, `m` a power of two from 2 on."""
    n = b.size - 1
    some = np.bitwise_or(b[1:], b[:n], scratch["some", n])
    have = 2
    while have < m:
        every = all_of(b, have, scratch)
        n = some.size - have
        one = np.bitwise_and(every[:n], some[have:], scratch[f"one {have}", n])
        two = np.bitwise_and(every[have:], some[:n], scratch["two", n])
        some = np.bitwise_or(one, two, one)
        have *= 2
    return some


def _count(b: Bytes, m: int, scratch: Scratch) -> Bytes:
    """Return how many of the last `m` bytes are 1, by sums of 1, 2, 4, ... bytes."""
    n = b.size - m + 1
    total = scratch["count", n]
    total[:] = 0
    width, done, turn = 1, 0, 0
    while True:
        if m & width:
            np.add(total, b[done : done + n], total)
            done += width
        if done == m:
            return total
        size = b.size - width
        b = np.add(b[width:], b[:size], scratch[("sum", "sum again")[turn], size])
        width, turn = 2 * width, 1 - turn


def k_of(b: Bytes, k: int, m: int, scratch: Scratch) -> Bytes:
    """Return the bits set in at least `k` of the last `m` bytes, the last one among them."""
    if k == m:
        return all_of(b, m, scratch)
    last = b[m - 1 :]
    if k == 1:
        return last
    out = scratch["k of", last.size]
    if k == m - 1 and (k & (k - 1)) == 0:
        return np.bitwise_and(_all_but_one(b[:-1], k, scratch), last, out)
    out[:] = 0
    for bit in (UPPER, LOWER):
        one = np.bitwise_and(b, bit, scratch["one side", b.size])
        np.not_equal(one, 0, scratch.flags["one side", b.size])
        enough = scratch["enough", last.size]
        np.greater_equal(_count(one, m, scratch), k, scratch.flags["enough", last.size])
        np.multiply(enough, bit, enough)
        np.bitwise_or(out, enough, out)
    return np.bitwise_and(out, last, out)


def steps(x: FloatArray, scratch: Scratch, *, strict: bool = True, span: int = 1) -> Bytes:
    """Return for each point from `span` on whether it is above (bit 1) or below (bit 2) the one `span` before."""
    n = x.size - span
    above, below = (np.greater, np.less) if strict else (np.greater_equal, np.less_equal)
    above(x[span:], x[:n], scratch.flags["up", n])
    below(x[span:], x[:n], scratch.flags["down", n])
    name = ("steps" if span == 1 else "ahead") if strict else "soft steps"
    return as_bits(scratch["up", n], scratch["down", n], scratch[name, n])


def turns(step: Bytes, scratch: Scratch) -> Bytes:
    """Return 1 where a step goes the other way than the one before (a tie is no step)."""
    n = step.size - 1
    other = np.bitwise_xor(step[1:], step[:n], scratch["turns", n])
    np.equal(other, BOTH, scratch.flags["turns", n])
    return other
