"""The one door to pyDOE3: every matrix it returns is checked for what its name promises, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.result import frozen_array
from qstats.doe.screening.orthogonal_array import check_strength
from qstats.errors import DesignError

__all__ = ["CALLS", "pydoe_matrix"]

_BOX_BEHNKEN = {3: 12, 4: 24, 5: 40, 6: 48, 7: 56, 8: 112, 9: 120, 10: 160, 11: 176, 12: 192, 16: 384}


def pydoe_matrix(call: str, *args: Any, **options: Any) -> FloatArray:
    """Return a matrix made by pyDOE3, after checking it is what the call promises.

    For comparing with work done in pyDOE3. The designs of this library do not come from there.

    Parameters
    ----------
    call : str
        ``"fullfact"``, ``"ff2n"``, ``"fracfact"``, ``"pbdesign"``, ``"bbdesign"``, ``"ccdesign"``, ``"lhs"``,
        ``"get_orthogonal_array"`` or ``"doehlert_simplex_design"``.
    *args, **options
        As pyDOE3 takes them.

    Returns
    -------
    ndarray, shape (n, k)
        Read-only.

    Raises
    ------
    DesignError
        The call fails, or what it returns is not such a design; the message names the call and the fault.

    Notes
    -----
    Checked: all combinations once (factorials); orthogonal, distinct columns (fractions, Plackett-Burman); number of
    runs, balance and orthogonality (Box-Behnken, central composite); one point in each cell of each column (Latin
    hypercube); strength two (orthogonal arrays); unit distances (Doehlert).

    Examples
    --------
    >>> from qstats.doe.from_pydoe import pydoe_matrix
    >>> pydoe_matrix("ff2n", 2).shape
    (4, 2)
    >>> pydoe_matrix("get_orthogonal_array", "L64(2^31)")
    Traceback (most recent call last):
    ...
    qstats.errors.DesignError: pyDOE3 get_orthogonal_array('L64(2^31)'): not an orthogonal array of strength two: ...
    """
    check_choice(call, "call", CALLS)
    what = f"pyDOE3 {call}({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in options.items())])})"
    import pyDOE3

    try:
        made = np.asarray(getattr(pyDOE3, call)(*args, **options), dtype=np.float64)
    except Exception as error:  # whatever a foreign call raises is told as one kind of error
        raise DesignError(f"{what}: failed with {type(error).__name__}: {error}") from error
    if made.ndim != 2 or not made.size or not np.isfinite(made).all():
        raise DesignError(f"{what}: returned shape {made.shape}, not a table of finite numbers")
    fault = CALLS[call](made, what)
    if fault:
        raise DesignError(f"{what}: {fault}")
    return frozen_array(made)


def _factorial(x: FloatArray, what: str) -> str:
    levels = [len(np.unique(c)) for c in x.T]
    once = len(np.unique(x, axis=0)) == len(x) == int(np.prod(levels))
    return "" if once else "not every combination of levels once"


def _orthogonal(x: FloatArray, what: str) -> str:
    k = x.shape[1]
    if not (np.abs(x) == 1.0).all() or (x.sum(axis=0) != 0).any():
        return "columns are not balanced between -1 and +1"
    wrong = int((np.triu(x.T @ x, 1) != 0).sum())
    return f"{wrong} of {k * (k - 1) // 2} pairs of columns are not orthogonal" if wrong else ""


def _box_behnken(x: FloatArray, what: str) -> str:
    k = x.shape[1]
    runs = int(x.any(axis=1).sum())
    if _BOX_BEHNKEN.get(k) != runs:
        return f"{runs} runs beside centre points; a Box-Behnken design of {k} factors has {_BOX_BEHNKEN.get(k)}"
    return _second_order(x)


def _second_order(x: FloatArray, what: str = "") -> str:
    k = x.shape[1]
    pairs = np.column_stack([x[:, i] * x[:, j] for i in range(k) for j in range(i, k)])
    gram = x.T @ x
    if not np.allclose(gram, gram[0, 0] * np.eye(k), atol=1e-9) or not np.allclose(x.T @ pairs, 0.0, atol=1e-9):
        return "main effects are not orthogonal to one another and to second-order effects"
    model = np.column_stack([np.ones(len(x)), x, pairs])
    return "" if np.linalg.matrix_rank(model) == model.shape[1] else "the quadratic model cannot be estimated"


def _hypercube(x: FloatArray, what: str) -> str:
    n = len(x)
    # a midpoint or a drawn point of cell i lies in [i, i + 1) / n; rounding may touch the upper edge
    cells = np.sort(np.floor(x * n - 1e-9 * (x * n == np.rint(x * n))).astype(np.int64), axis=0)
    inside = (x >= 0.0).all() and (x <= 1.0).all()
    return "" if inside and (cells == np.arange(n)[:, None]).all() else "not one point in each cell of each column"


def _array(x: FloatArray, what: str) -> str:
    levels = [int(c.max()) + 1 for c in x.T]
    check_strength(x, levels, what)
    return ""


def _doehlert(x: FloatArray, what: str) -> str:
    k = x.shape[1]
    radius = np.sort(np.linalg.norm(x, axis=1))
    if len(x) != k * k + k + 1:
        return f"{len(x)} points; a Doehlert design of {k} factors has {k * k + k + 1}"
    return (
        "" if np.allclose(radius, [0.0, *[1.0] * (len(x) - 1)]) else "points are not all at distance 1 from the centre"
    )


CALLS: dict[str, Callable[[FloatArray, str], str]] = {
    "fullfact": _factorial,
    "ff2n": _factorial,
    "fracfact": _orthogonal,
    "pbdesign": _orthogonal,
    "bbdesign": _box_behnken,
    "ccdesign": _second_order,
    "lhs": _hypercube,
    "get_orthogonal_array": _array,
    "doehlert_simplex_design": _doehlert,
}
