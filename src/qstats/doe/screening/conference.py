"""Conference matrices: zeros on the diagonal, +1 and -1 elsewhere, orthogonal columns."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from qstats.doe.runs import require
from qstats.doe.screening.galois import field, is_prime_power
from qstats.errors import DesignError

__all__ = ["MOST_ORDER", "conference", "next_order"]

IntArray = npt.NDArray[np.int64]
MOST_ORDER = 98


@cache
def conference(order: int) -> IntArray:
    """Return a conference matrix C, with C'C = (order - 1) I.

    Notes
    -----
    Paley over GF(order - 1), prime powers included; else a skew matrix of half the order is doubled (16, 40 ...).
    None exists of order 22 or 34: 21 and 33 are no sums of two squares (Raghavarao 1960).

    References
    ----------
    Paley, R. E. A. C. (1933), J. Math. Phys. 12, 311-320.
    Goethals, J. M. and Seidel, J. J. (1967), Canad. J. Math. 19, 1001-1010.
    """
    c = _made(order)
    if c is None:
        raise DesignError(f"no conference matrix of order {order} is known here")
    off = ~np.eye(order, dtype=np.bool_)
    entries = (np.diag(c) == 0).all() and (np.abs(c[off]) == 1).all()
    require(entries and (c.T @ c == (order - 1) * np.eye(order)).all(), f"a conference matrix of order {order}")
    return c


def _made(order: int) -> IntArray | None:
    q = order - 1
    if order % 2 == 0 and order > 2 and is_prime_power(q):
        f = field(q)
        c = np.ones((order, order), dtype=np.int64)
        c[0, 0] = 0
        c[1:, 1:] = f.character[f.difference]
        if q % 4 == 3:
            c[1:, 0] = -1
        return c
    half = _made(order // 2) if order % 8 == 0 else None
    if half is None or (-half != half.T).any():
        return None
    one = np.eye(order // 2, dtype=np.int64)
    return np.block([[half, half + one], [half - one, -half]])


def next_order(least: int) -> int:
    """Return the smallest order not below `least` (and not below 4) that there is a conference matrix for."""
    start = max(4, least + least % 2)
    for order in range(start, MOST_ORDER + 1, 2):
        if _made(order) is not None:
            return order
    raise DesignError(f"factors: {least} columns are wanted; definitive screening goes up to {MOST_ORDER}")
