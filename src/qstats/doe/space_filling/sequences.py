"""Sobol and Halton points: sequences that fill the space evenly, and go on doing so when runs are added."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design, draw_seed, make_design
from qstats.doe.factor import as_factors
from qstats.doe.runs import check_whole, require
from qstats.doe.space_filling.latin_hypercube import place
from qstats.errors import DesignError

__all__ = ["halton", "halton_points", "sobol", "sobol_points"]

_BITS = 30
_MOST = 1 << 24
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71)
# Degree, coefficients (bits) and first direction integers of dimensions 2 to 21: Joe and Kuo (2008).
_SOBOL = (
    (1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)), (4, 1, (1, 1, 3, 3)), (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)), (5, 4, (1, 1, 5, 5, 5)), (5, 7, (1, 1, 7, 11, 19)), (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)), (5, 14, (1, 3, 5, 5, 31)), (6, 1, (1, 3, 3, 9, 7, 49)), (6, 13, (1, 1, 1, 15, 21, 21)),
    (6, 16, (1, 3, 1, 13, 27, 49)), (6, 19, (1, 1, 1, 15, 7, 5)), (6, 22, (1, 3, 1, 15, 13, 25)),
    (6, 25, (1, 1, 5, 5, 19, 61)), (7, 1, (1, 3, 7, 11, 23, 15, 103)), (7, 4, (1, 3, 7, 13, 13, 15, 69)),
)  # fmt: skip


def sobol(factors: object, *, runs: int, scramble: bool = True, rng: Any = None, randomize: bool = True) -> Design:
    """Spread runs evenly by Sobol's sequence: any power of two of them is balanced in every factor.

    For simulators, when runs may be added later (the next points continue the pattern). Not for few runs: below a
    hundred a maximin `latin_hypercube` fills better.

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Up to 21.
    runs : int
        Powers of two keep the balance.
    scramble : bool
        Random linear scrambling and a random shift, which keep the balance; else the sequence as it stands, whose first
        point has every factor at its low end.
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design

    Raises
    ------
    DesignError

    References
    ----------
    Sobol, I. M. (1967), USSR Comput. Math. Math. Phys. 7, 86-112. Joe, S. and Kuo, F. Y. (2008), SIAM J. Sci. Comput.
    30, 2635-2654 (direction numbers). Matousek, J. (1998), J. Complexity 14, 527-556 (scrambling).

    Examples
    --------
    >>> from qstats.doe import sobol
    >>> sobol(2, runs=4, scramble=False, randomize=False).coded.tolist()
    [[-1.0, -1.0], [0.0, 0.0], [0.5, -0.5], [-0.5, 0.5]]
    """
    found = as_factors(factors)
    n = check_whole(runs, "runs", least=1, most=_MOST)
    seed = draw_seed(rng)
    u = sobol_points(n, len(found), np.random.default_rng(seed) if scramble else None)
    size = n & -n
    cells = np.stack([np.bincount((c * size).astype(np.int64), minlength=size) for c in u.T])
    require((cells == n // size).all(), "balanced in every factor")
    notes = [] if n & (n - 1) == 0 else [_unbalanced(n)]
    if not scramble:
        notes.append(Note("first-point", "info", "The first point has every factor at its low end."))
    return make_design(
        "Sobol points",
        found,
        place(found, u),
        rng=seed,
        randomize=randomize,
        method="Sobol sequence" + (", scrambled" if scramble else ""),
        reference="Sobol 1967; Joe and Kuo 2008; Matousek 1998",
        notes=tuple(notes),
    )


def _unbalanced(n: int) -> Note:
    low = 1 << (n.bit_length() - 1)
    return Note("not-a-power-of-two", "info", f"{n} runs: {low} or {2 * low} would be balanced in every factor.")


def _directions(k: int) -> npt.NDArray[np.int64]:
    """Direction integers, shape (k, bits), the highest bit first."""
    if k > len(_SOBOL) + 1:
        raise DesignError(f"factors: {k} came; Sobol points are made for up to {len(_SOBOL) + 1}")
    out = np.zeros((k, _BITS), dtype=np.int64)
    out[0] = 1
    for j in range(1, k):
        degree, bits, first = _SOBOL[j - 1]
        m = list(first)
        for i in range(degree, _BITS):
            new = m[i - degree] ^ (m[i - degree] << degree)
            for r in range(1, degree):
                new ^= ((bits >> (degree - 1 - r)) & 1) * (m[i - r] << r)
            m.append(new)
        out[j] = m[:_BITS]
    return out << np.arange(_BITS - 1, -1, -1)


def sobol_points(n: int, k: int, rng: np.random.Generator | None = None) -> FloatArray:
    """Return n points of the unit cube in the order of the Gray code, scrambled where `rng` is given."""
    v = _directions(k)
    shift = np.zeros(k, dtype=np.int64)
    if rng is not None:
        v = _scrambled(v, rng)
        shift = rng.integers(0, 1 << _BITS, size=k)
    step = np.arange(1, n)
    lowest = np.log2(step & -step).astype(np.int64)  # the bit in which the Gray codes of i - 1 and i differ
    x = np.vstack([np.zeros((1, k), dtype=np.int64), np.bitwise_xor.accumulate(v[:, lowest].T, axis=0)])
    return np.asarray((x ^ shift) / float(1 << _BITS))


def _scrambled(v: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Multiply the direction integers by random lower triangular binary matrices with ones on the diagonal."""
    place = np.arange(_BITS - 1, -1, -1)
    bits = (v[:, :, None] >> place) & 1
    lower = np.tril(rng.integers(0, 2, size=(len(v), _BITS, _BITS)), -1) + np.eye(_BITS, dtype=np.int64)
    mixed = np.einsum("kic,krc->kir", bits, lower) & 1
    return np.asarray((mixed << place).sum(axis=2), dtype=np.int64)


def halton(factors: object, *, runs: int, scramble: bool = True, rng: Any = None, randomize: bool = True) -> Design:
    """Spread runs evenly by Halton's sequence, for any number of runs.

    For simulators with up to about eight factors and a number of runs that is no power of two; `sobol` is more even
    where it is one. Not for few runs (`latin_hypercube`).

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Up to 20.
    runs : int
    scramble : bool
        Random permutations of the digits; without, columns of large primes move together in the first runs.
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design

    Raises
    ------
    DesignError

    References
    ----------
    Halton, J. H. (1960), Numer. Math. 2, 84-90. Owen, A. B. (2017), arXiv:1706.02808 (randomised).

    Examples
    --------
    >>> from qstats.doe import halton
    >>> halton({"x": (0, 1)}, runs=4, scramble=False, randomize=False).natural("x").tolist()
    [0.0, 0.5, 0.25, 0.75]
    """
    found = as_factors(factors)
    k = len(found)
    n = check_whole(runs, "runs", least=1, most=_MOST)
    if k > len(_PRIMES):
        raise DesignError(f"factors: {k} came; Halton points are made for up to {len(_PRIMES)}: use latin_hypercube")
    seed = draw_seed(rng)
    u = halton_points(n, k, np.random.default_rng(seed) if scramble else None)
    require((u >= 0.0).all() and (u < 1.0).all() and len(np.unique(u[:, 0])) == n, "a set of distinct points")
    notes: tuple[Note, ...] = ()
    if k > 8 and not scramble:
        notes = (Note("correlated-columns", "warning", "Without scrambling, columns beyond the eighth move together "
                      "unless there are thousands of runs."),)  # fmt: skip
    return make_design(
        "Halton points",
        found,
        place(found, u),
        rng=seed,
        randomize=randomize,
        method="Halton sequence" + (", digits permuted" if scramble else ""),
        reference="Halton 1960; Owen 2017",
        notes=notes,
    )


def halton_points(n: int, k: int, rng: np.random.Generator | None = None) -> FloatArray:
    """Return n points of the unit cube: the digits of 0, 1, 2 ... to a prime base, mirrored at the point."""
    columns = []
    for base in _PRIMES[:k]:
        rest, place, value = np.arange(n), 1.0, np.zeros(n)
        # digits beyond those of n are zeros, which a permutation turns into others: go on to the end of a float64
        while place > 2.0**-53 if rng is not None else rest.any():
            digit = rest % base
            place /= base
            value += place * (rng.permutation(base)[digit] if rng is not None else digit)
            rest = rest // base
        columns.append(np.minimum(value, np.nextafter(1.0, 0.0)))
    return np.column_stack(columns)
