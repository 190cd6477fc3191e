"""Difference schemes: tables over a group in which any two columns differ by every element equally often."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from qstats.doe.runs import require
from qstats.doe.screening.galois import field, is_prime_power
from qstats.doe.screening.hadamard import hadamard

__all__ = ["addition", "develop", "scheme"]

IntArray = npt.NDArray[np.int64]

# Found by a search over balanced rows; rows after the first, columns after the first (both of those are zeros).
_STORED: dict[tuple[int, int], tuple[str, ...]] = {
    (12, 3): (
        "00011112222", "20110221012", "12121001202", "10220212101", "01102202211", "21212100102",
        "12012022110", "11200121220", "02221120011", "21022011021", "22101210120",
    ),
    (12, 4): (
        "00111222333", "23201233101", "22013113032", "13313201220", "30321310122", "12032321103",
        "13230012312", "01332132021", "32120031231", "21122303310", "31203120213",
    ),
}  # fmt: skip


def addition(s: int) -> IntArray:
    """Return the addition table of the group of order s used: of GF(s)."""
    return field(s).add


@cache
def scheme(r: int, s: int) -> IntArray:
    """Return a difference scheme D(r, r, s): r rows, r columns, entries 0 to s - 1.

    Notes
    -----
    s = 2: Hadamard matrices. r and s powers of one prime: the multiplication table of GF(r), of which the low digits
    are kept. r = 2s, s odd: four quadratic blocks (Jungnickel 1979, Math. Z. 167, 49-60). Stored: (12, 3), (12, 4).
    Kronecker sums of (r / s, s) and (s, s). Every scheme is verified.
    """
    powers = is_prime_power(r), is_prime_power(s)
    if s == 2 and powers[0] is None:
        d = (1 - hadamard(r)) // 2
    elif powers[0] and powers[1] and powers[0][0] == powers[1][0] and r >= s:
        d = field(r).mul % s
    elif r == 2 * s:
        d = _quadratic(s)
    elif (r, s) in _STORED:
        d = np.zeros((r, r), dtype=np.int64)
        d[1:, 1:] = [[int(v) for v in row] for row in _STORED[r, s]]
    else:
        d = _sum(scheme(r // s, s), scheme(s, s), s)
    _verify(d, s)
    return d


def _verify(d: IntArray, s: int) -> None:
    minus = field(s).difference
    r = d.shape[0]
    counts = np.stack([(minus[d[:, :, None], d[:, None, :]] == v).sum(axis=0) for v in range(s)])
    off = ~np.eye(d.shape[1], dtype=np.bool_)
    require((counts[:, off] == r // s).all(), f"a difference scheme of {r} rows over {s} elements")


def _quadratic(s: int) -> IntArray:
    f = field(s)
    add, mul, minus = f.add, f.mul, f.difference
    e = np.arange(s)
    inverse = np.argmax(mul == 1, axis=1)
    n = int(f.powers[1])  # a primitive element is no square
    quarter = inverse[add[add[1, 1], add[1, 1]]]
    x, y = np.meshgrid(e, e, indexing="ij")
    xy, square = mul[x, y], mul[e, e]
    part = mul[square, quarter]
    below = minus[minus[xy, square[y]], part[x]]
    return np.block([[add[xy, part[x]], add[xy, mul[n, part[x]]]], [below, mul[inverse[n], below]]])


def _sum(a: IntArray, b: IntArray, s: int) -> IntArray:
    return addition(s)[a[:, None, :, None], b[None, :, None, :]].reshape(a.shape[0] * b.shape[0], -1)


def develop(r: int, s: int) -> IntArray:
    """Return an orthogonal array of r s runs: one column of r levels, then r columns of s levels.

    Every element of the group is added to the scheme in turn; the first column tells the rows of the scheme.
    """
    d = scheme(r, s)
    body = addition(s)[d[:, None, :], np.arange(s)[None, :, None]].reshape(r * s, r)
    return np.hstack([np.repeat(np.arange(r), s)[:, None], body])
