"""The way up (or down) a fitted surface: what it holds, and how it is found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.cone import cone_of
from qstats.doe.surface.place import apart, expected, told
from qstats.doe.surface.quadratic import Quadratic
from qstats.doe.surface.ridge import best_on_spheres
from qstats.errors import DataError

__all__ = ["AscentPath", "make_path", "radii_of_steps"]

_GRID = 1000
_FAR = 20.0
_FARTHEST = 1e6
_HALVINGS = 60
_RIDGE = "Draper 1963, Technometrics 5, 469-479"
_STRAIGHT = "Box and Wilson 1951, J. Roy. Statist. Soc. B 13, 1-45; cone: Box and Draper 1987, chapter 6"


@dataclass(frozen=True, slots=True, eq=False)
class AscentPath(Result):
    """Settings along the way on which the fitted response rises (or falls) fastest.

    Parameters
    ----------
    response : str
    factors : tuple of str, length k
        Those that move.
    settings : mapping of str to ndarray, shape (m,)
        In natural units.
    coded : ndarray, shape (m, k)
    distance : ndarray, shape (m,)
        From the centre, in coded units.
    predicted : ndarray, shape (m,)
        Unit of the response.
    predicted_of : {"mean", "median"}
        The median for lognormal and Weibull responses.
    standard_error : ndarray, shape (m,)
        On the scale of the link.
    interval : Intervals
        Of `predicted` at these settings, each by itself.
    outside : ndarray of bool, shape (m,)
        Beyond the region of the design: to be tried, not to be believed.
    straight : bool
        A fit of first order, whose way is a straight line; else the points are the best on spheres about the centre.
    descent : bool
    base_factor : str or None
        Whose change makes the steps; None where distances were given.
    cone_angle : float or None
        Half the angle of the cone of directions that the data do not exclude, degrees; straight ways of two and more
        factors only. 180: no direction is excluded.
    excluded : float or None
        Share of all directions that the data exclude; 0.9 and more is a direction known well.
    at : mapping of str to value
        Where the other factors stand; ``"average"`` over the levels of a factor of text.
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.ascent_path/1"
    title: ClassVar[str] = "Way up a response surface"

    response: str
    factors: tuple[str, ...]
    settings: FrozenMapping[str, Any]
    coded: FloatArray
    distance: FloatArray
    predicted: FloatArray
    predicted_of: str
    standard_error: FloatArray
    interval: Intervals
    outside: BoolArray
    straight: bool
    descent: bool
    base_factor: str | None
    cone_angle: float | None
    excluded: float | None
    at: FrozenMapping[str, Any]
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return int(self.distance.size)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("way", f"{'down' if self.descent else 'up'}, {'straight' if self.straight else 'best on spheres'}")]
        for i in range(len(self)):
            at = ", ".join(f"{name} {v[i]:.6g}" for name, v in self.settings.items())
            text = f"{self.predicted[i]:.5g} {self.interval.at(i)}" + ("  outside" if self.outside[i] else "")
            rows.append((at, text))
        if self.excluded is not None:
            rows.append(("directions excluded", f"{self.excluded:.1%}, cone of {self.cone_angle:.3g} degrees"))
        rows += [(f"  {name}", f"at {value}") for name, value in self.at.items()]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        own = ("distance", "predicted", "standard_error", "low", "high", "outside")
        out: dict[str, object] = {"distance": self.distance}
        out |= {apart(name, own): v for name, v in self.settings.items()}
        out |= {f"{name} (coded)": self.coded[:, j] for j, name in enumerate(self.factors)}
        return {
            **out, "predicted": self.predicted, "standard_error": self.standard_error, "low": self.interval.low,
            "high": self.interval.high, "outside": self.outside,
        }  # fmt: skip


def make_path(
    fit: DesignFit, q: Quadratic, radii: FloatArray, descent: bool, base: str | None, confidence: float,
    notes: tuple[Note, ...] = (),
) -> AscentPath:  # fmt: skip
    """Return the path at these distances from the centre."""
    if float(radii.max()) > _FARTHEST:
        raise DataError(f"radii: got {radii.max():g} coded units; at most {_FARTHEST:g} from the centre are taken")
    x = points_at(q, radii, descent)
    rows = q.trust.rows(x)
    found, straight = expected(fit, rows, confidence), not q.square.any()
    outside = ~q.trust.holds(x, rows)
    angle = excluded = None
    if straight and len(q.names) > 1:
        angle, excluded = cone_of(q, fit.fitted, confidence)
        angle = math.degrees(angle)
    named = {
        n: fit.design.factors[j].decode(x[:, i]) for i, (n, j) in enumerate(zip(q.names, q.variables, strict=True))
    }
    return AscentPath(
        fit.response, q.names, FrozenMapping({n: frozen_array(v) for n, v in named.items()}), frozen_array(x),
        frozen_array(radii), frozen_array(found.value), found.of, frozen_array(found.se),
        Intervals(frozen_array(found.low), frozen_array(found.high), confidence), frozen_array(outside, np.bool_),
        straight, descent, base, angle, excluded, told(fit, q.trust.place, q.names), confidence,
        "steepest way of the first-order fit" if straight else "ridge analysis: best point on each sphere",
        _STRAIGHT if straight else _RIDGE, (*notes, *_notes(fit, outside, excluded)),
    )  # fmt: skip


def points_at(q: Quadratic, radii: FloatArray, descent: bool) -> FloatArray:
    """Return the best point at each distance from the centre, shape (m, k)."""
    sign = -1.0 if descent else 1.0
    if not q.linear.any() and not q.square.any():
        raise DataError("fit: the fitted response does not change with any of these factors; there is no way up")
    return best_on_spheres(sign * q.linear, sign * q.square, radii)


def radii_of_steps(q: Quadratic, base: int, step: float, steps: int, descent: bool) -> FloatArray:
    """Return the distances at which factor ``base`` has first moved by 0, 1, 2 ... steps (coded); fewer if it turns."""
    if step * steps > _FARTHEST:
        raise DataError(f"step: {steps} steps are {step * steps:g} coded units; at most {_FARTHEST:g} are taken")
    if not q.square.any():
        share = abs(float(q.linear[base])) / float(np.linalg.norm(q.linear)) if q.linear.any() else 0.0
        return step * np.arange(steps + 1.0) / share if share > 0.0 else np.zeros(1)
    wanted = step * np.arange(1.0, steps + 1.0)
    grid = np.linspace(0.0, _FAR * step * steps, _GRID)
    moved = np.maximum.accumulate(np.abs(points_at(q, grid, descent)[:, base]))
    after = np.searchsorted(moved, wanted)
    after = after[after < grid.size]
    low, high, wanted = grid[np.maximum(after - 1, 0)], grid[after], wanted[: after.size]
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        short = np.abs(points_at(q, middle, descent)[:, base]) < wanted
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.concatenate([[0.0], high])


def _notes(fit: DesignFit, outside: BoolArray, excluded: float | None) -> tuple[Note, ...]:
    notes = []
    if outside.any():
        text = (
            f"{int(outside.sum())} of {outside.size} points lie outside the region of the design: where to run next, "
            "not what to expect there"
        )
        notes.append(Note("extrapolation", "warning", text))
    if excluded == 0.0:
        text = "the data exclude no direction: the way up is not known; repeat runs, or use a wider range"
        notes.append(Note("direction-unknown", "serious", text))
    if fit.fitted.df <= 0.0 or math.isinf(fit.fitted.sigma):
        text = "no degree of freedom is left for the error: intervals are infinite; leave terms out or repeat runs"
        notes.append(Note("no-error-df", "warning", text))
    return tuple(notes)
