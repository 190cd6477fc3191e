"""What a table of signs really is: read off the runs themselves, so that it also checks what a search claims."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.design import Design
from qstats.doe.factor import Factor
from qstats.doe.fractions.words import IntArray, full_pattern, odd, resolution_of
from qstats.errors import DesignError

__all__ = [
    "Regular",
    "check_blocks",
    "check_fraction",
    "coded_of",
    "parity_signs",
    "regular",
    "regular_part",
    "signs_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class Regular:
    """A regular fraction.

    Parameters
    ----------
    m : int
        Its different runs are ``2**m``.
    columns : ndarray of int, shape (k,)
        Column numbers over the base factors.
    signs : ndarray of int, shape (k,)
        +1 or -1: factor = sign * product of base factors.
    base : tuple of int
        Which factors are the base.
    run : ndarray of int, shape (n,)
        Which run of the fraction each row is: bit i is set where base factor i is low.
    """

    m: int
    columns: IntArray
    signs: IntArray
    base: tuple[int, ...]
    run: IntArray

    @property
    def pattern(self) -> tuple[int, ...]:
        """Numbers of words of length 1, 2, ..., k."""
        return full_pattern(self.columns, self.m)

    @property
    def resolution(self) -> int | None:
        """Length of the shortest word; None without words."""
        return resolution_of(self.pattern)

    def sign(self, word: int) -> int:
        """Return the sign of a word: the product of the signs of its factors."""
        negative = sum(1 for j, s in enumerate(self.signs.tolist()) if word >> j & 1 and s < 0)
        return -1 if negative % 2 else 1


def signs_of(factors: tuple[Factor, ...], coded: FloatArray) -> FloatArray | None:
    """Return -1 and +1 for the lower and the higher setting, or None where a factor has other settings too."""
    out = np.empty_like(coded)
    for j, f in enumerate(factors):
        column = coded[:, j]
        low, high = column.min(initial=np.inf), column.max(initial=-np.inf)
        if not low < high or not np.isin(column, (low, high)).all() or f.kind == "mixture" or f.count not in (None, 2):
            return None
        out[:, j] = np.where(column == low, -1.0, 1.0)
    return out


def coded_of(factors: tuple[Factor, ...], signs: FloatArray) -> FloatArray:
    """Return coded settings: -1 and +1 as they are for numbers, level 0 and 1 for text."""
    text = np.array([f.kind == "categorical" for f in factors])
    return np.where(text, 0.5 * (signs + 1.0), signs)


def regular(signs: FloatArray) -> Regular | None:
    """Return what regular fraction these runs are, or None: an affine space over two elements, all runs as often."""
    bits = (signs < 0).astype(np.int64)
    k = bits.shape[1]
    # factors one after another: base where independent of those before, a product of them (and a sign) else
    base: list[int] = []
    columns = np.zeros(k, dtype=np.int64)
    negative = np.zeros(k, dtype=np.int64)
    reduced: list[tuple[IntArray, int, int]] = []  # column of bits, the base factors and the constant it is made of
    one = np.ones(bits.shape[0], dtype=np.int64)
    pivots: list[int] = []
    for j in range(k):
        column, parts, flip = bits[:, j].copy(), 0, 0
        if column[0]:
            column, flip = column ^ one, 1
        for (v, how, c), at in zip(reduced, pivots, strict=True):
            if column[at]:
                column, parts, flip = column ^ v, parts ^ how, flip ^ c
        if column.any():
            own = 1 << len(base)
            pivots.append(int(np.argmax(column)))
            reduced.append((column, parts ^ own, flip))
            base.append(j)
            columns[j] = own
        else:
            columns[j], negative[j] = parts, flip
    m = len(base)
    if m > 20:
        return None
    run = (bits[:, base] << np.arange(m)).sum(axis=1)
    count = np.bincount(run, minlength=1 << m)
    if count.min() == 0 or (count != count[0]).any():
        return None
    return Regular(m, columns, 1 - 2 * negative, tuple(base), run)


def check_fraction(signs: FloatArray, *, runs: int, resolution: int | None) -> Regular:
    """Return the fraction these signs are, after checking everything that is claimed of it.

    Raises
    ------
    DesignError
        A column is not balanced, two are not orthogonal, the runs are no regular fraction, or not of that resolution.
    """
    n, k = signs.shape
    if n != runs:
        raise DesignError(f"design: {n} runs were made, {runs} were wanted: this is a bug in qstats")
    if signs.sum(axis=0).any():
        raise DesignError("design: a factor is not as often high as low: this is a bug in qstats")
    if not np.array_equal(signs.T @ signs, n * np.eye(k)):
        raise DesignError("design: two factors are not orthogonal: this is a bug in qstats")
    found = regular(signs)
    if found is None:
        raise DesignError("design: the runs are no regular fraction: this is a bug in qstats")
    if found.resolution != resolution:
        raise DesignError(f"design: resolution {found.resolution}, not {resolution}: this is a bug in qstats")
    return found


def check_blocks(x: FloatArray, block: IntArray) -> None:
    """Check that blocks are of one size and no column of `x` (each of sum zero) differs between them."""
    labels, where, count = np.unique(block, return_inverse=True, return_counts=True)
    if (count != count[0]).any():
        raise DesignError("design: blocks of different sizes: this is a bug in qstats")
    sums = np.zeros((labels.size, x.shape[1]))
    np.add.at(sums, where, x)
    if np.abs(sums).max(initial=0.0) > 1e-9 * x.shape[0]:
        raise DesignError("design: a main effect is not orthogonal to the blocks: this is a bug in qstats")


def regular_part(design: Design) -> tuple[FloatArray, Regular] | None:
    """Return the signs of the runs that are no centre points, and the regular fraction they are, if they are one."""
    rows = ~design.center
    if not rows.any():
        return None
    signs = signs_of(design.factors, np.asarray(design.coded[rows]))
    found = None if signs is None else regular(signs)
    return None if found is None or signs is None else (signs, found)


def parity_signs(word: int | IntArray, runs: IntArray) -> FloatArray:
    """Return the +1 and -1 of a column number in runs given as numbers."""
    return np.asarray(1.0 - 2.0 * odd(word & runs), dtype=np.float64)
