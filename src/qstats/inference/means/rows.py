"""Many pairs of samples in one call: one pair per line of two-dimensional arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from qstats._core.arrays import FloatArray, as_vector, object_to_float
from qstats._core.blocks import BLOCK, block_edges
from qstats._core.interval import Intervals
from qstats._core.moments import Moments
from qstats._core.notes import Note
from qstats._core.result import frozen_array
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import Comparisons
from qstats.inference.means.kernels import LEAST_SQUARES, MOST_SUM, by_t, positive_means
from qstats.inference.pivot import Pivot

__all__ = [
    "Column",
    "LineMoments",
    "as_lines",
    "collected",
    "compared_lines",
    "in_lines",
    "line_blocks",
    "line_pair",
    "paired_lines",
    "shape_words",
]

Column = np.ndarray[tuple[int], np.dtype[Any]] | Sequence[float] | Moments
Transform = Callable[[FloatArray], FloatArray]
_RAGGED = "lines of unequal length: compare_mean_summaries takes mean, sd and n of each, or make one call per pair"


def in_lines(*given: object) -> bool:
    """Return whether any of the samples is two-dimensional: one pair per line."""
    return any(_is_table(data) for data in given)


def _is_table(data: object) -> bool:
    if isinstance(data, list | tuple):
        first = data[0] if data else None
        return isinstance(first, list | tuple) or (isinstance(first, np.ndarray) and first.ndim == 1)
    return len(getattr(data, "shape", ())) == 2


def shape_words(data: Any) -> str:
    """Return the shape of whatever came, for a message."""
    if isinstance(data, Moments | str | bytes | dict | set | frozenset) or data is None:
        return "None" if data is None else f"a {type(data).__name__}"
    try:
        return str(np.shape(data))
    except ValueError:
        return "ragged"


def _at(bad: Any, a: FloatArray) -> str:
    line, column = np.unravel_index(int(np.argmax(bad)), a.shape)
    more = int(np.count_nonzero(bad)) - 1
    return f"{a[line, column]!s} in line {line}, column {column}" + (f" and {more} more" if more else "")


def _as_table(data: Any, name: str) -> FloatArray:
    """Return float64 in two dimensions, NaN and infinite values still in it."""
    try:
        a = data if isinstance(data, np.ma.MaskedArray) else np.asarray(data)
    except ValueError:
        raise DataError(f"{name}: {_RAGGED}") from None
    if a.ndim != 2:
        raise DataError(f"{name}: got {a.ndim} dimensions (shape {a.shape}); one pair per line is wanted")
    if a.dtype.kind == "O":
        return object_to_float(a.ravel(), name).reshape(a.shape)
    if a.dtype.kind == "f" and not isinstance(a, np.ma.MaskedArray):
        return np.ascontiguousarray(a, dtype=np.float64)
    return as_vector(a.ravel(), name, missing="drop", least=0).reshape(a.shape)


def as_lines(data: object, name: str, *, least: int = 1) -> FloatArray:
    """Return finite float64 values of shape (lines, values), `least` values or more in each line."""
    a = _as_table(data, name)
    for i, j in line_blocks(a.shape):
        part = a[i:j]
        if np.isfinite(part).all():
            continue
        if (infinite := np.isinf(a)).any():
            raise DataError(f"{name}: {_at(infinite, a)}; finite numbers are wanted")
        raise DataError(f"{name}: missing value ({_at(np.isnan(a), a)}); clean the data. For {_RAGGED}")
    if not a.shape[0]:
        raise TooFewData(f"{name}: no line came (shape {a.shape}); one line per pair is wanted")
    if a.shape[1] < least:
        raise TooFewData(f"{name}: {a.shape[1]} values per line came (shape {a.shape}); at least {least} wanted")
    return a


def line_pair(
    x: object, x0: object, names: tuple[str, str] = ("x", "x0"), *, least: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Return both samples with equally many lines."""
    if not (_is_table(x) and _is_table(x0)):
        raise DataError(
            f"{names[0]}, {names[1]}: got shapes {shape_words(x)} and {shape_words(x0)}; with one pair per line both "
            "have two dimensions, (pairs, values)"
        )
    a, a0 = as_lines(x, names[0], least=least), as_lines(x0, names[1], least=least)
    if a.shape[0] != a0.shape[0]:
        raise DataError(
            f"{names[1]}: shape {a0.shape} came for shape {a.shape} of {names[0]}; equally many lines are wanted, "
            "one per pair"
        )
    return a, a0


def line_blocks(*shapes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of runs of lines, so short that their temporaries stay in cache."""
    widest = max(1, *(shape[1] for shape in shapes))
    return block_edges(shapes[0][0], max(1, BLOCK // widest))


class LineMoments(NamedTuple):
    """Moments of each line, arrays of shape (lines,), and the number of values in a line."""

    n: int
    mean: FloatArray
    m2: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def empty(cls, lines: int, n: int) -> LineMoments:
        """Return room for that many lines."""
        return cls(n, *np.empty((4, lines)))

    def fill(self, start: int, stop: int, x: FloatArray) -> None:
        """Put in the moments of lines `start` to `stop`, as `Moments.of` has them."""
        part = slice(start, stop)
        centre = x.mean(axis=1)
        d = x - centre[:, np.newaxis]
        slip = d.mean(axis=1)
        m2 = np.maximum(np.einsum("ij,ij->i", d, d) - self.n * slip * slip, 0.0)
        low, high = x.min(axis=1), x.max(axis=1)
        still = low == high  # all equal: whatever is left in m2 is rounding
        self.mean[part] = np.where(still, low, centre + slip)
        self.m2[part], self.low[part], self.high[part] = np.where(still, 0.0, m2), low, high

    @property
    def variance(self) -> FloatArray:
        """Unbiased variance of each line."""
        return self.m2 / (self.n - 1.0)

    def checked(self, name: str) -> LineMoments:
        """Return the moments if float64 holds them all; the rule of single samples."""
        most = self.n * np.maximum(np.abs(self.low), np.abs(self.high))
        if (bad := ~(np.isfinite(self.m2) & (most < MOST_SUM))).any():
            line = int(np.argmax(bad))
            raise DataError(
                f"{name}: line {line}: sums of values up to {self.high[line]:g} do not fit a float64; scale the values"
            )
        if (bad := (self.m2 < LEAST_SQUARES) & (self.low < self.high)).any():
            line = int(np.argmax(bad))
            raise DataError(
                f"{name}: line {line}: the scatter squared is too small for a float64 (mean {self.mean[line]:g}); "
                "scale the values"
            )
        return self


def _both_moments(
    x: FloatArray, x0: FloatArray, names: tuple[str, str], transform: Transform | None = None
) -> tuple[LineMoments, LineMoments, FloatArray]:
    """Return the moments of both groups and the difference of means, taken about a common centre, line by line.

    `transform` (such as the logarithm) is applied block by block: the transformed data never exist as a whole.
    """
    m, m0 = LineMoments.empty(*x.shape), LineMoments.empty(*x0.shape)
    gap = np.empty(x.shape[0])
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is told by `checked`
        for i, j in line_blocks(x.shape, x0.shape):
            a, a0 = x[i:j], x0[i:j]
            if transform is not None:
                a, a0 = transform(a), transform(a0)
            m.fill(i, j, a)
            m0.fill(i, j, a0)
            centre = m0.mean[i:j, np.newaxis]
            gap[i:j] = (a - centre).sum(axis=1) / m.n - (a0 - centre).sum(axis=1) / m0.n
    return m.checked(names[0]), m0.checked(names[1]), gap


def paired_lines(x: FloatArray, x0: FloatArray) -> tuple[LineMoments, LineMoments, LineMoments]:
    """Return the moments of both columns and of their differences, line by line."""
    if x.shape != x0.shape:
        raise DataError(f"x0: shape {x0.shape} came for shape {x.shape} of x; pairs are wanted, value by value")
    m, m0, d = (LineMoments.empty(*x.shape) for _ in range(3))
    with np.errstate(over="ignore", invalid="ignore"):
        for i, j in line_blocks(x.shape):
            m.fill(i, j, x[i:j])
            m0.fill(i, j, x0[i:j])
            d.fill(i, j, x[i:j] - x0[i:j])
    return m.checked("x"), m0.checked("x0"), d.checked("x")


def collected(
    effect: str, estimate: FloatArray, pivot: Pivot, sizes: tuple[float, float], notes: tuple[Note, ...], *,
    confidence: float, alternative: str, null: float, method: str, reference: str,
) -> Comparisons:  # fmt: skip
    """Return the comparisons of all lines."""
    limits = Intervals(frozen_array(pivot.low), frozen_array(pivot.high), confidence)
    n = np.broadcast_to(np.array(sizes, dtype=np.float64), (estimate.size, 2))
    return Comparisons(
        effect, frozen_array(estimate), limits, frozen_array(pivot.pvalue), alternative, null,
        frozen_array(pivot.statistic), frozen_array(n), method, reference, notes,
    )  # fmt: skip


def compared_lines(
    pairs: tuple[FloatArray, FloatArray], effect: str, method: str, *, null: float, confidence: float, alternative: str,
    text: str, source: str, names: tuple[str, str] = ("x", "x0"), transform: Transform | None = None,
) -> Comparisons:  # fmt: skip
    """Return the t comparison of each line of two arrays."""
    m, m0, gap = _both_moments(*pairs, names, transform)
    positive_means(effect, m.mean, m0.mean)
    group, reference = (m.mean, m.variance, float(m.n)), (m0.mean, m0.variance, float(m0.n))
    estimate, pivot, _, notes = by_t(effect, method, group, reference, null, confidence, alternative, gap)
    return collected(
        effect, estimate, pivot, (m.n, m0.n), notes, confidence=confidence, alternative=alternative, null=null,
        method=text, reference=source,
    )  # fmt: skip
