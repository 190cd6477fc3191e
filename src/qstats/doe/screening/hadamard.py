"""Hadamard matrices: squares of +1 and -1 whose columns are orthogonal."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from qstats._core.result import frozen_array
from qstats.doe.runs import require
from qstats.doe.screening.galois import field, is_prime_power
from qstats.errors import DesignError

__all__ = ["MOST_RUNS", "cyclic_row", "hadamard"]

IntArray = npt.NDArray[np.int64]
MOST_RUNS = 100

# First rows printed by Plackett and Burman (1946): the other rows are its cyclic shifts, and one row of minus signs.
_ROWS = {
    8: "+++-+--",
    12: "++-+++---+-",
    16: "++++-+-++--+---",
    20: "++--++++-+-+----++-",
    24: "+++++-+-++--++--+-+----",
    32: "----+-+-+++-++---+++++--++-+--+",
    36: "-+-+++---+++++-+++--+----+-+-++--+-",
    44: "++--+-+--+++-+++++---+-+++-----+---++-+-++-",
    48: "+++++-++++--+-+-+++--+--++-++---+-+-++----+----",
}
# First rows of the symmetric circulants of order 23 found by Baumert, Golomb and Hall (1962), + as 1.
_WILLIAMSON_92 = (
    "11000100010110100010001",
    "10110110011111100110110",
    "11100011010110101100011",
    "11101110100000010111011",
)


def cyclic_row(runs: int) -> IntArray | None:
    """Return the printed first row of a cyclic Plackett-Burman design, or None where the design is not cyclic."""
    row = _ROWS.get(runs)
    return None if row is None else np.array([1 if c == "+" else -1 for c in row], dtype=np.int64)


@cache
def hadamard(order: int) -> IntArray:
    """Return a Hadamard matrix whose first column is all +1, for orders 1, 2 and the multiples of 4 up to 100.

    Raises
    ------
    DesignError
        No construction is known here for the order.

    Notes
    -----
    Printed cyclic rows where there are, else Paley's two constructions over GF(q), doubling, and for 92 the four
    circulants of Baumert, Golomb and Hall. H'H = N I is verified.

    References
    ----------
    Plackett, R. L. and Burman, J. P. (1946), Biometrika 33, 305-325.
    Paley, R. E. A. C. (1933), J. Math. Phys. 12, 311-320.
    Baumert, L., Golomb, S. W. and Hall, M. (1962), Bull. Amer. Math. Soc. 68, 237-238.
    """
    if order in (1, 2):
        return np.array([[1, 1], [1, -1]], dtype=np.int64)[:order, :order]
    row = cyclic_row(order)
    if row is not None:
        at = np.arange(row.size)
        body = np.vstack([row[(at[None, :] - at[:, None]) % row.size], np.full(row.size, -1)])
        h = np.hstack([np.ones((order, 1), dtype=np.int64), body])
    elif order == 92:
        h = _williamson()
    elif order % 4 == 0 and is_prime_power(order - 1):
        h = _paley(order - 1)
    elif order % 4 == 0 and (order // 2 - 1) % 4 == 1 and is_prime_power(order // 2 - 1):
        h = _paley_double(order // 2 - 1)
    elif order % 8 == 0 and order > 4:
        h = np.kron(hadamard(2), hadamard(order // 2))
    else:
        raise DesignError(f"runs: no Hadamard matrix of order {order} is known here; multiples of 4 up to 100 are")
    h = np.asarray(h * h[:, :1], dtype=np.int64)
    require((h.T @ h == order * np.eye(order)).all(), f"a Hadamard matrix of order {order}")
    return frozen_array(h, np.int64)


def _differences(q: int) -> IntArray:
    f = field(q)
    return np.asarray(f.character[f.difference], dtype=np.int64)


def _paley(q: int) -> IntArray:
    """Order q + 1, q = 3 modulo 4: I + S, S skew."""
    s = np.ones((q + 1, q + 1), dtype=np.int64)
    s[1:, 1:] = _differences(q)
    s[1:, 0] = -1
    s[0, 0] = 0
    return s + np.eye(q + 1, dtype=np.int64)


def _paley_double(q: int) -> IntArray:
    """Order 2 (q + 1), q = 1 modulo 4: from a symmetric conference matrix."""
    s = np.ones((q + 1, q + 1), dtype=np.int64)
    s[1:, 1:] = _differences(q)
    s[0, 0] = 0
    one = np.eye(q + 1, dtype=np.int64)
    return np.kron(s, [[1, 1], [1, -1]]) + np.kron(one, [[1, -1], [-1, -1]])


def _williamson() -> IntArray:
    at = np.arange(23)
    turn = (at[None, :] - at[:, None]) % 23
    a, b, c, d = ((2 * np.array(list(row), dtype=np.int64) - 1)[turn] for row in _WILLIAMSON_92)
    return np.block([[a, b, c, d], [-b, a, -d, c], [-c, d, a, -b], [-d, -c, b, a]])
