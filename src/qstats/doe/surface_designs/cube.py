"""The two-level part of a central composite design: full, fractions of resolution V, and smaller still."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.doe.runs import interactions, require
from qstats.doe.screening.hadamard import hadamard
from qstats.errors import DesignError

__all__ = ["MOST_FACTORS", "cube_blocks", "factorial", "small_cube"]

IntArray = npt.NDArray[np.int64]
MOST_FACTORS = 17
_PARTS = {"full": 0, "half": 1, "quarter": 2, "eighth": 3, "sixteenth": 4}


def _columns(k: int, base: int) -> list[int] | None:
    """Columns of a fraction of resolution V in 2^base runs: bit i is base factor i, a product is an exclusive or.

    Every column is taken in turn that is no product of up to three of those taken: no word is shorter than five.
    """
    if k == base + 1:
        return [*(1 << i for i in range(base)), (1 << base) - 1] if base >= 4 else None
    taken: list[int] = []
    shut = {0}
    for c in range(1, 1 << base):
        if c not in shut:
            taken.append(c)
            shut |= {c, *(c ^ a for a in taken), *(c ^ a ^ b for a, b in itertools.combinations(taken, 2))}
            # products of three columns that do not hold c were shut when the last of them was taken
    return sorted(taken[:k], key=lambda c: bin(c).count("1") > 1) if len(taken) >= k else None


def factorial(k: int, fraction: object) -> tuple[FloatArray, list[int], int]:
    """Return the cube (-1, +1; standard order), its columns and the number of base factors.

    Parameters
    ----------
    fraction : {"full", "half", "quarter", "eighth", "sixteenth", "smallest"}
    """
    if fraction == "smallest":
        base = next(b for b in range(2, k + 1) if b == k or _columns(k, b) is not None)
    elif isinstance(fraction, str) and fraction in _PARTS:
        base = k - _PARTS[fraction]
    else:
        raise DesignError(f"fraction: got {fraction!r}; one of {', '.join(map(repr, (*_PARTS, 'smallest')))} is wanted")
    columns = [1 << i for i in range(k)] if base == k else (_columns(k, base) if base > 1 else None)
    if columns is None:
        raise DesignError(
            f"fraction: a {fraction} of the cube of {k} factors is below resolution V, where interactions of two "
            "factors are mixed; fraction='smallest' takes the smallest that is not, kind='small' goes below it"
        )
    run = np.arange(1 << base)
    parity = np.array([[bin(int(r) & c).count("1") % 2 for c in columns] for r in run])
    sizes = np.array([bin(c).count("1") for c in columns])
    x = np.where((parity + sizes) % 2 == 0, 1.0, -1.0)
    second = np.hstack([np.ones((len(x), 1)), x, interactions(x)])
    require((second.T @ second == len(x) * np.eye(second.shape[1])).all(), "of resolution V in its cube")
    return x, columns, base


def cube_blocks(columns: list[int], base: int, blocks: int) -> IntArray:
    """Return the block (from 0) of each run of a cube so that main effects and two-factor interactions stay free."""
    if blocks == 1:
        return np.zeros(1 << base, dtype=np.int64)
    need = blocks.bit_length() - 1
    if blocks != 1 << need:
        raise DesignError(f"blocks: the cube splits into 2, 4, 8 ... blocks, not {blocks} (one more holds the star)")
    shut = {0, *columns, *(a ^ b for a, b in itertools.combinations(columns, 2))}

    def search(words: tuple[int, ...], span: tuple[int, ...], start: int) -> tuple[int, ...] | None:
        if len(words) == need:
            return words
        for w in range(start, 1 << base):
            if all(w ^ s not in shut for s in span):
                got = search((*words, w), (*span, *(w ^ s for s in span)), w + 1)
                if got is not None:
                    return got
        return None

    words = search((), (0,), 1)
    if words is None:
        raise DesignError(f"blocks: {blocks} blocks of this cube would be mixed with main effects or interactions")
    run = range(1 << base)
    return np.array([sum((bin(r & w).count("1") % 2) << i for i, w in enumerate(words)) for r in run], dtype=np.int64)


def small_cube(k: int) -> tuple[FloatArray, int]:
    """Return columns of the smallest Plackett-Burman design that, with a star, support the quadratic model.

    Which columns: those with the largest |X'X| among all choices, or 400 drawn with a fixed seed where there are more.
    """
    star = np.vstack([np.zeros((1, k)), np.eye(k), -np.eye(k)]) * np.sqrt(k)
    for n in range(4 * max(1, -(-k * (k - 1) // 8)), 101, 4):
        if n - 1 < k:
            continue
        h = hadamard(n)[:, 1:].astype(np.float64)
        best: tuple[float, Any] = (-np.inf, None)
        for choice in _choices(n - 1, k):
            x = np.vstack([h[:, choice], star])
            model = np.hstack([np.ones((len(x), 1)), x, interactions(x), x**2])
            sign, value = np.linalg.slogdet(model.T @ model / len(x))
            # rounding leaves a singular matrix with a determinant of about the machine's precision
            if sign > 0 and value > best[0] and np.linalg.matrix_rank(model) == model.shape[1]:
                best = (float(value) + 1e-9, choice)
        if best[1] is not None:
            return h[:, best[1]], n
    raise DesignError(f"factors: no small composite design of {k} factors is made here; use fraction='smallest'")


def _choices(columns: int, k: int) -> list[Any]:
    every = list(itertools.islice(itertools.combinations(range(columns), k), 401))
    if len(every) <= 400:
        return every
    rng = np.random.default_rng(19900101)
    return [tuple(sorted(rng.permutation(columns)[:k].tolist())) for _ in range(400)]
