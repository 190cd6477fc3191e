"""The response over two factors: `surface_grid`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.fitting.prediction import relative_variance
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.place import Place, Trust, apart, as_fit, expected, names_in, place_of, told
from qstats.errors import DataError

__all__ = ["SurfaceGrid", "surface_grid"]

_MOST = 2001


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceGrid(Result):
    """The fitted response over two factors, and where it can be trusted.

    Parameters
    ----------
    response : str
    factors : tuple of two str
        Across and up.
    x, y : ndarray, shape (n,)
        Settings in natural units.
    predicted : ndarray, shape (n, n)
        Row i at ``y[i]``, column j at ``x[j]``; unit of the response.
    predicted_of : {"mean", "median"}
        The median for lognormal and Weibull responses.
    standard_error : ndarray, shape (n, n)
        On the scale of the link.
    low, high : ndarray, shape (n, n)
        Limits of the interval of `predicted`, each by itself.
    leverage : ndarray, shape (n, n)
        Variance of prediction over that of a run (least squares), or on the scale of the link (other fits).
    leverage_limit : float
        The largest at a run of the design.
    trusted : ndarray of bool, shape (n, n)
        Within the settings of the design, and leverage at most `leverage_limit`.
    run_x, run_y : ndarray, shape (r,)
        Runs with a response, natural units.
    run_here : ndarray of bool, shape (r,)
        Runs whose other factors stand where they do here.
    at : mapping of str to value
        The other factors; ``"average"`` over the levels of a factor of text.
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.surface_grid/1"
    title: ClassVar[str] = "Response over two factors"

    response: str
    factors: tuple[str, str]
    x: FloatArray
    y: FloatArray
    predicted: FloatArray
    predicted_of: str
    standard_error: FloatArray
    low: FloatArray
    high: FloatArray
    leverage: FloatArray
    leverage_limit: float
    trusted: BoolArray
    run_x: FloatArray
    run_y: FloatArray
    run_here: BoolArray
    at: FrozenMapping[str, Any]
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("response", f"{self.response}, {self.x.size} x {self.y.size} settings")]
        for name, which in (("least", int(self._seen().argmin())), ("largest", int(self._seen().argmax()))):
            i, j = divmod(int(np.flatnonzero(self._mask().ravel())[which]), self.x.size)
            place = f"{self.factors[0]} {self.x[j]:.6g}, {self.factors[1]} {self.y[i]:.6g}"
            text = f"{self.predicted[i, j]:.5g} ({self.low[i, j]:.4g}, {self.high[i, j]:.4g}) at {place}"
            rows.append((f"{name} {self.predicted_of}", text))
        rows.append(("trusted", f"{float(self.trusted.mean()):.1%} of the grid"))
        rows += [(f"  {name}", f"at {value}") for name, value in self.at.items()]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _mask(self) -> BoolArray:
        return self.trusted if self.trusted.any() else np.ones_like(self.trusted)

    def _seen(self) -> FloatArray:
        return np.asarray(self.predicted[self._mask()])

    def _columns(self) -> Mapping[str, object]:
        across, up = np.meshgrid(self.x, self.y)
        own = ("predicted", "standard_error", "low", "high", "leverage", "trusted")
        return {
            apart(self.factors[0], own): across.ravel(), apart(self.factors[1], own): up.ravel(),
            **{name: getattr(self, name).ravel() for name in own},
        }  # fmt: skip


def surface_grid(
    fit: DesignFit, x: str, y: str, *, at: Mapping[str, Any] | None = None, n: int = 61, confidence: float = 0.95
) -> SurfaceGrid:
    r"""Compute the fitted response over two factors, for a contour or surface plot with its region of trust.

    Use it to look at two factors at a time. Not for components of a mixture, whose shares do not move freely.

    Parameters
    ----------
    fit : DesignFit
    x, y : str
        Two factors that are numbers; across and up.
    at : mapping of str to value, optional
        Where the others stand, natural units. Unsaid: the middle of ranges, the mean blend, the average over levels.
    n : int
        Settings along each of the two, over the range of the factor and of the runs.
    confidence : float
        Of each interval by itself.

    Returns
    -------
    SurfaceGrid

    Raises
    ------
    DataError
        A name that is no such factor, or the same twice.

    Notes
    -----
    Trusted are settings within those of the design whose variance of prediction :math:`x'Vx` is at most the largest
    of its runs (the region of Cook's hidden extrapolation).

    References
    ----------
    Montgomery, Peck and Vining (2012), Introduction to Linear Regression Analysis, 5th edition, 3.8.

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.fitting.door import fit
    >>> from qstats.doe.surface.grid import surface_grid
    >>> design = full_factorial({"time": (10, 20), "heat": (150, 170)}, replicates=2, rng=1)
    >>> found = fit(design, [60, 72, 54, 68, 61, 73, 52, 69])
    >>> surface_grid(found, "time", "heat", n=3).predicted.round(2).tolist()
    [[59.62, 66.5, 73.38], [56.75, 63.62, 70.5], [53.88, 60.75, 67.62]]
    """
    fit, confidence = as_fit(fit), check_confidence(confidence)
    if isinstance(n, bool) or not isinstance(n, int) or not 2 <= n <= _MOST:
        raise DataError(f"n: got {n!r}; a whole number from 2 to {_MOST} is wanted")
    i, j = _axis(fit, x, "x"), _axis(fit, y, "y")
    if i == j:
        raise DataError(f"y: got {y!r} for both x and y; two factors are wanted")
    place = place_of(fit, at)
    if taken := [name for name in (x, y) if name in place.fixed]:
        raise DataError(f"at: {', '.join(map(repr, taken))} moves over the grid and cannot be held")
    return _grid(fit, place, (i, j), n, confidence)


def _axis(fit: DesignFit, name: str, what: str) -> int:
    good = [f.name for f in fit.design.factors if f.numeric and f.kind != "mixture"]
    if name not in good:
        raise DataError(
            f"{what}: got {name!r}; a factor that is a number and no share of a mixture is wanted: "
            f"{', '.join(map(repr, good)) or 'there is none'}"
        )
    return fit.design.names.index(name)


def _grid(fit: DesignFit, place: Place, axes: tuple[int, int], n: int, confidence: float) -> SurfaceGrid:
    coded = np.asarray(fit.design.coded)
    ends = [(min(-1.0, float(coded[:, a].min())), max(1.0, float(coded[:, a].max()))) for a in axes]
    across, up = (np.linspace(low, high, n) for low, high in ends)
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    trust = Trust(fit, place, list(axes))
    rows = trust.rows(points)
    found = expected(fit, rows, confidence)
    run = coded[~np.isnan(fit.y)]
    names = (fit.design.names[axes[0]], fit.design.names[axes[1]])
    factor = [fit.design.factors[a] for a in axes]
    shape = (n, n)
    leverage = relative_variance(fit.fitted, rows).reshape(shape)
    return SurfaceGrid(
        fit.response, names, frozen_array(factor[0].decode(across)), frozen_array(factor[1].decode(up)),
        frozen_array(found.value.reshape(shape)), found.of, frozen_array(found.se.reshape(shape)),
        frozen_array(found.low.reshape(shape)), frozen_array(found.high.reshape(shape)),
        frozen_array(leverage), trust.most, frozen_array(trust.holds(points, rows).reshape(shape), np.bool_),
        frozen_array(factor[0].decode(run[:, axes[0]])), frozen_array(factor[1].decode(run[:, axes[1]])),
        frozen_array(_here(fit, place, axes, run), np.bool_), told(fit, place, names), confidence,
        "predicted response on a grid, Student's t on the scale of the model",
        "Montgomery, Peck and Vining 2012, Introduction to Linear Regression Analysis, 3.8", _notes(fit),
    )  # fmt: skip


def _here(fit: DesignFit, place: Place, axes: tuple[int, int], run: FloatArray) -> BoolArray:
    held = names_in(fit)
    others = [
        j for j, f in enumerate(fit.design.factors) if j not in axes and f.name in held and f.name not in place.averaged
    ]
    return np.asarray((np.abs(run[:, others] - place.coded[others]) < 1e-9).all(axis=1), dtype=np.bool_)


def _notes(fit: DesignFit) -> tuple[Note, ...]:
    if fit.fitted.df > 0.0:
        return ()
    text = "no degree of freedom is left for the error: intervals are infinite; leave terms out or repeat runs"
    return (Note("no-error-df", "warning", text),)
