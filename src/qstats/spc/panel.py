"""One picture of a chart, whose arrays are made when somebody looks at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.blocks import block_edges, everywhere
from qstats._core.result import frozen_array, json_safe
from qstats.spc.stretch import Block, Flat, Line, Stretch, Varying

__all__ = ["Panel"]

_PARTS = ("statistic", "center", "lower", "upper", "sigma", "sigma_lower")


class Panel:
    """One picture of a chart: the plotted statistic with its centre line and limits.

    Attributes
    ----------
    name : str
        ``"individuals"``, ``"moving_range"``, ``"p"``, ``"u"``, ...
    statistic : numpy.ndarray
        Plotted values, shape (n,), read-only; NaN is a gap.
    center, lower, upper : numpy.ndarray
        Centre line and limits of each point, shape (n,), in the unit of the statistic; NaN where no limit exists.
    sigma : numpy.ndarray
        What a zone above the centre line is measured in, shape (n,): the standard error of each point, or a third of
        the way to an exact limit. The limits before clipping are ``center -+ nsigma * sigma``.
    sigma_lower : numpy.ndarray
        The same below the centre line; differs from `sigma` only where limits are not symmetric.
    """

    __slots__ = ("_made", "name", "stretches")

    def __init__(self, name: str, stretches: Sequence[Stretch]) -> None:
        self.name = name
        self.stretches = tuple(stretches)
        self._made: dict[str, FloatArray] = {}

    def __len__(self) -> int:
        return self.stretches[-1].stop

    @property
    def statistic(self) -> FloatArray:
        """Plotted values."""
        return self._get("statistic")

    @property
    def center(self) -> FloatArray:
        """Centre line at each point."""
        return self._get("center")

    @property
    def lower(self) -> FloatArray:
        """Lower control limit at each point."""
        return self._get("lower")

    @property
    def upper(self) -> FloatArray:
        """Upper control limit at each point."""
        return self._get("upper")

    @property
    def sigma(self) -> FloatArray:
        """Zone width above the centre line at each point."""
        return self._get("sigma")

    @property
    def sigma_lower(self) -> FloatArray:
        """Zone width below the centre line at each point."""
        return self._get("sigma_lower")

    def _get(self, part: str) -> FloatArray:
        if part not in self._made:
            self._made = self._flat() if len(self.stretches) == 1 else self._dense()
        return self._made[part]

    def _flat(self) -> dict[str, FloatArray]:
        """Return the arrays of a single stretch; a constant line costs no memory."""
        s = self.stretches[0]
        if not isinstance(s, Flat | Varying):
            return self._dense()
        block = s.block(s.start, s.stop)
        n = s.stop - s.start
        return {part: _whole(line, n) for part, line in zip(_PARTS, _lines(block), strict=True)}

    def _dense(self) -> dict[str, FloatArray]:
        """Return the arrays of all stretches; a line that is the same everywhere costs no memory here either."""
        n = len(self)
        out: dict[str, Line] = {}
        for s in self.stretches:
            for i, j in block_edges(s.stop - s.start):
                block = s.block(s.start + i, s.start + j)
                for part, line in zip(_PARTS, _lines(block), strict=True):
                    if part == "sigma_lower" and part not in out:
                        if block.sigma_lower is None:
                            continue
                        out[part] = np.array(_whole(out["sigma"], n))  # what came before was symmetric
                    out[part] = _laid(out.get(part, line), line, n, slice(s.start + i, s.start + j))
        out.setdefault("sigma_lower", out["sigma"])
        return {part: _whole(line, n) for part, line in out.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, *(self._get(part) for part in _PARTS))

    def __repr__(self) -> str:
        return f"Panel({self.name!r}, {len(self)} points)"

    def to_dict(self) -> dict[str, Any]:
        """Return name and arrays as JSON-safe values."""
        return {"name": self.name, **{part: json_safe(self._get(part)) for part in _PARTS}}


def _lines(b: Block) -> tuple[Line, ...]:
    return b.x, b.center, b.lower, b.upper, b.sigma, b.sigma if b.sigma_lower is None else b.sigma_lower


def _laid(held: Line, line: Line, n: int, where: slice) -> Line:
    """Return a line of `n` points with one more block: one number for as long as that is all it is."""
    if isinstance(held, float):
        if isinstance(line, float) and (held == line or (math.isnan(held) and math.isnan(line))):
            return held
        held = np.full(n, held)
    elif held is line:  # the first block of a line that varies
        held = np.empty(n)
    held[where] = line
    return held


def _whole(line: Line, n: int) -> FloatArray:
    return everywhere(line, n) if isinstance(line, float) else frozen_array(line)


def _restore(name: str, x: FloatArray, *lines: FloatArray) -> Panel:
    center, lower, upper, sigma, below = (frozen_array(a) for a in lines)
    return Panel(name, [Varying(0, x.size, frozen_array(x), center, sigma, lower, upper, below)])
