"""What every kernel asks of its runs: numbers, one row each, columns that can be told apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray, as_vector
from qstats.doe.fitting.kernels.linear import Decomposition, decompose
from qstats.errors import DataError, DesignError, TooFewData

__all__ = ["as_columns", "as_response", "constant_weights", "out_of_basis"]

_SMALL = 1e-10


def as_columns(x: Any) -> tuple[FloatArray, Decomposition]:
    """Return the model matrix, shape (n, p), of full column rank and its decomposition, or say what is wrong."""
    try:
        a = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("x: numbers are wanted, one row per run and one column per coefficient") from None
    if a.ndim != 2 or a.shape[1] < 1:
        raise DataError(f"x: got shape {a.shape}; one row per run and one column per coefficient are wanted")
    if not np.isfinite(a).all():
        raise DataError("x: it holds values that are missing or infinite; leave those runs out")
    n, p = a.shape
    if n < p:
        raise TooFewData(f"x: {n} runs for {p} coefficients; drop terms or run more")
    d = decompose(a)
    if d.rank < p:
        raise DesignError(
            f"x: {p} columns have rank {d.rank} on these {n} runs: some terms cannot be told apart; "
            "drop terms or add runs (evaluate(design) says which are confounded)"
        )
    return a, d


def as_response(y: Any, n: int, name: str = "y") -> FloatArray:
    """Return one finite number per run."""
    a = as_vector(y, name, missing="never")
    if a.size != n:
        raise DataError(f"{name}: {a.size} values came for {n} runs; one each is wanted")
    return a


def constant_weights(x: FloatArray) -> FloatArray | None:
    """Return c with X c = 1 on every run, or None where no combination of columns is the constant.

    A far zero of the response can then be taken off first and put back into the coefficients, without loss of digits.
    """
    one = np.ones(x.shape[0])
    if (x[:, 0] == 1.0).all():
        return np.asarray(np.eye(1, x.shape[1])[0], dtype=np.float64)
    c = np.asarray(np.linalg.lstsq(x, one, rcond=None)[0], dtype=np.float64)
    return c if float(np.abs(x @ c - one).max()) < _SMALL else None


def out_of_basis(d: Decomposition) -> FloatArray:
    """Return the matrix that turns coefficients in the orthonormal basis into those of the columns, shape (p, p)."""
    return np.asarray(np.linalg.inv(d.r) / d.scale[:, None], dtype=np.float64)
