"""Arithmetic in finite fields of prime power order, from which designs are made."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = ["Field", "field", "is_prime_power"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """GF(q), its elements numbered 0 to q - 1 (digits to the base p are coefficients of a polynomial).

    Parameters
    ----------
    q : int
        Order, a power of the prime p.
    add, mul : ndarray of int, shape (q, q)
    powers : ndarray of int, shape (q - 1,)
        Powers of a primitive element, from the zeroth: 1 first.
    """

    q: int
    p: int
    add: IntArray
    mul: IntArray
    powers: IntArray

    @property
    def negative(self) -> IntArray:
        """The element that adds up to zero with each."""
        return np.asarray(np.argmin(self.add, axis=1), dtype=np.int64)

    @property
    def difference(self) -> IntArray:
        """Table of a - b."""
        table: IntArray = self.add[:, self.negative]
        return table

    @property
    def character(self) -> IntArray:
        """+1 for squares, -1 for the others, 0 for zero (of odd q)."""
        chi = np.full(self.q, -1, dtype=np.int64)
        chi[0] = 0
        chi[self.powers[::2]] = 1
        return chi


def is_prime_power(q: int) -> tuple[int, int] | None:
    """Return (p, n) with q = p^n and p prime, or None."""
    p = next((d for d in range(2, q + 1) if q % d == 0), 0)
    n, rest = 0, q
    while p and rest % p == 0:
        rest, n = rest // p, n + 1
    return (p, n) if p and rest == 1 else None


@cache
def field(q: int) -> Field:
    """Return GF(q)."""
    found = is_prime_power(q)
    if found is None:
        raise ValueError(f"{q} is no prime power")
    p, n = found
    place = p ** np.arange(n)
    digits = (np.arange(q)[:, None] // place) % p
    add = ((digits[:, None, :] + digits[None, :, :]) % p) @ place
    powers = _powers(p, n) @ place
    log = np.zeros(q, dtype=np.int64)
    log[powers] = np.arange(q - 1)
    mul = np.zeros((q, q), dtype=np.int64)
    mul[1:, 1:] = powers[(log[1:, None] + log[None, 1:]) % (q - 1)]
    return Field(q, p, add, mul, powers)


def _powers(p: int, n: int) -> IntArray:
    """Powers of x modulo the first monic polynomial of degree n over GF(p) for which they run through the field."""
    q = p**n
    for tail in itertools.product(range(p), repeat=n):  # x^n = tail
        value = np.zeros(n, dtype=np.int64)
        value[0] = 1
        seen = [value]
        for _ in range(q - 2):
            carry = value[-1]
            value = (np.concatenate([[0], value[:-1]]) + carry * np.array(tail)) % p
            if (value == seen[0]).all():
                break
            seen.append(value)
        if tail[0] and len(seen) == q - 1:
            return np.array(seen, dtype=np.int64).reshape(q - 1, n)
    raise ValueError(f"no primitive polynomial of degree {n} over GF({p})")  # pragma: no cover - there always is one
