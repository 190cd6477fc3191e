"""Moving ranges of any span, none across a gap, an excluded point or the start of a phase."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.blocks import block_edges

__all__ = ["moving_ranges"]


def moving_ranges(
    x: FloatArray, span: int = 2, *, starts: Iterable[int] = (), missing: npt.NDArray[np.bool_] | None = None
) -> FloatArray:
    """Return at each point the range of the last `span` points, NaN where these are not one unbroken run.

    Parameters
    ----------
    x : numpy.ndarray
        Points in time order; NaN is a gap.
    span : int
        Points a range, 2 or more.
    starts : iterable of int
        Positions where a new run begins (phase boundaries): no range reaches back across one.
    missing : numpy.ndarray of bool, optional
        Points that take no part (excluded ones): no range holds one.

    Examples
    --------
    >>> import numpy as np
    >>> moving_ranges(np.array([1.0, 3.0, 2.0, 7.0]), starts=[2]).tolist()
    [nan, 2.0, nan, 5.0]
    """
    out = np.full(x.size, np.nan) if x.size < span else np.empty(x.size)
    out[: span - 1] = np.nan
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is told where sigma is estimated
        for i, j in block_edges(max(x.size - span + 1, 0)):
            _ranges_block(x[i : j + span - 1], span, out[i + span - 1 : j + span - 1])
    at = np.fromiter(starts, dtype=np.int64)
    if missing is not None:
        gone = np.flatnonzero(missing)
        at = np.concatenate((at, gone, gone + 1))
    for later in range(span - 1):
        out[np.minimum(at[at < x.size] + later, x.size - 1)] = np.nan  # one cut at the end is NaN already
    return out


def _ranges_block(x: FloatArray, span: int, out: FloatArray) -> None:
    """Highest less lowest of every `span` neighbours: windows by doubling, the last two overlapping."""
    if span == 2:
        np.subtract(x[1:], x[:-1], out=out)
        np.abs(out, out=out)
        return
    high = low = x
    width = 1
    while 2 * width <= span:
        high = np.maximum(high[:-width], high[width:])
        low = np.minimum(low[:-width], low[width:])
        width *= 2
    rest = span - width
    if rest:
        high, low = np.maximum(high[:-rest], high[rest:]), np.minimum(low[:-rest], low[rest:])
    np.subtract(high, low, out=out)
