"""What the analysis of a response surface holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.path import AscentPath, make_path
from qstats.doe.surface.place import apart, place_of
from qstats.doe.surface.quadratic import Quadratic, quadratic_of
from qstats.doe.surface.stationary import stationarity
from qstats.errors import DataError

__all__ = ["ResponseSurface", "as_radii"]

_FARTHEST = 1e100
_RADII = np.linspace(0.0, 2.0, 21)


@dataclass(frozen=True, slots=True, eq=False)
class ResponseSurface(Result):
    """A fitted surface of second order: its stationary point, its axes and how sure both are.

    Parameters
    ----------
    response : str
    factors : tuple of str, length k
    nature : {"maximum", "minimum", "saddle", "ridge", "flat"}
        Of the stationary point, by the signs of the curvatures; a ridge if some count as zero by `threshold`.
    certain : bool
        Whether no interval of a curvature holds zero: else some direction may be a ridge, see `ridge_direction`.
    stationary : mapping of str to float
        Stationary point in natural units.
    coded : ndarray, shape (k,)
        The same in coded units.
    standard_error : ndarray, shape (k,), or None
        Of `coded`, by the delta method; None where curvatures count as zero.
    inside : bool
        Whether it lies in the region of the design.
    predicted : float
        There; unit of the response.
    interval : Interval
        Of `predicted`; to first order also of the response at the true stationary point.
    predicted_of : {"mean", "median"}
    constant : float
        At the centre; like the next two on the scale of the link, in coded units.
    linear : ndarray, shape (k,)
    square : ndarray, shape (k, k)
        Symmetric; squares on the diagonal, half the interactions beside it.
    eigenvalues : ndarray, shape (k,)
        Curvatures along the canonical axes, largest first.
    eigenvalue_error : ndarray, shape (k,)
    eigenvalue_interval : Intervals
    eigenvectors : ndarray, shape (k, k)
        Canonical axes as columns, the largest entry of each positive.
    eigenvector_error : ndarray, shape (k, k)
        Infinite where two curvatures are equal.
    ridge_direction : ndarray of bool, shape (k,)
        Axes whose interval of the curvature holds zero: along them the response may not change.
    region_share : float or None
        Share of the region of the design that the confidence region of the stationary point covers, from 4096 points
        evenly spread; None where too few of them lie in the region of the design (many factors).
    region_box : mapping of str to Interval, or None
        Box around the confidence region within the region of the design, natural units; found to about a thousandth
        of the range. None where they do not meet.
    region_open : bool
        Whether the confidence region reaches the edge of the region of the design.
    threshold : float
    link : str
    at : mapping of str to value
        Where the other factors stand; ``"average"`` over the levels of a factor of text.
    averaged : tuple of str
        Factors of text over whose levels is averaged.
    confidence : float
    fit : DesignFit
        What was analysed; not part of `to_dict`.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.response_surface/1"
    title: ClassVar[str] = "Response surface"

    response: str
    factors: tuple[str, ...]
    nature: str
    certain: bool
    stationary: FrozenMapping[str, float]
    coded: FloatArray
    standard_error: FloatArray | None
    inside: bool
    predicted: float
    interval: Interval
    predicted_of: str
    constant: float
    linear: FloatArray
    square: FloatArray
    eigenvalues: FloatArray
    eigenvalue_error: FloatArray
    eigenvalue_interval: Intervals
    eigenvectors: FloatArray
    eigenvector_error: FloatArray
    ridge_direction: BoolArray
    region_share: float | None
    region_box: FrozenMapping[str, Interval] | None
    region_open: bool
    threshold: float
    link: str
    at: FrozenMapping[str, Any]
    averaged: tuple[str, ...]
    confidence: float
    fit: DesignFit
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    # ---- asking it ----

    def in_region(self, points: Any, *, confidence: float | None = None) -> BoolArray:
        """Return which settings may be the stationary point.

        Parameters
        ----------
        points : mapping, frame or array-like, shape (m, k)
            Settings in natural units: factor to value(s), or one column for each of `factors`.
        confidence : float, optional
            Of the region; unsaid, that of the analysis.

        Returns
        -------
        ndarray of bool, shape (m,)
            Where `pvalue` is not below 1 - confidence.
        """
        held = self.confidence if confidence is None else check_confidence(confidence)
        return np.asarray(self.pvalue(points) >= 1.0 - held, dtype=np.bool_)

    def pvalue(self, points: Any) -> FloatArray:
        """Return p-values of "the gradient is zero at this point", shape (m,); points as in `in_region`."""
        q = self._quadratic()
        return stationarity(q, self.fit.fitted, _coded_points(self.fit, q, points))

    def ridge(self, *, radii: Any = None, descent: bool = False, confidence: float | None = None) -> AscentPath:
        """Return the best predicted response on spheres about the centre.

        Use it where the stationary point is a saddle, lies outside the region or is hardly known.

        Parameters
        ----------
        radii : array-like, optional
            Distances from the centre in coded units; unsaid, 0 to 2 by 0.1.
        descent : bool
            The least instead of the largest response.
        confidence : float, optional
            Of each interval by itself; unsaid, that of the analysis.

        Returns
        -------
        AscentPath
        """
        held = self.confidence if confidence is None else check_confidence(confidence)
        return make_path(self.fit, self._quadratic(), as_radii(radii, _RADII), descent, None, held)

    def _quadratic(self) -> Quadratic:
        return quadratic_of(self.fit, place_of(self.fit, {n: v for n, v in self.at.items() if n not in self.averaged}))

    # ---- views ----

    def to_dict(self) -> dict[str, Any]:
        """Return all fields but `fit` as JSON-safe values."""
        held = Result.to_dict(self)
        held["fit"] = {"response": self.fit.response, "model": str(self.fit.model)}
        return held

    def _rows(self) -> list[tuple[str, str]]:
        sure = "" if self.certain else ", not certain: " + " and ".join(self._flat()) + " may be flat"
        rows = [("stationary point", f"{self.nature}{sure}")]
        for i, (name, value) in enumerate(self.stationary.items()):
            box = None if self.region_box is None else self.region_box[name]
            rows.append((f"  {name}", f"{value:.6g} (coded {self.coded[i]:.4g})" + (f", region {box}" if box else "")))
        rows.append((f"predicted {self.predicted_of}", f"{self.predicted:.6g} {self.interval}"))
        rows.append(("inside the design", "yes" if self.inside else "no"))
        if self.region_share is not None:
            rows.append(("confidence region", f"{self.region_share:.2g} of the region of the design"))
        for i, value in enumerate(self.eigenvalues):
            axis = ", ".join(f"{v:.3g} {n}" for v, n in zip(self.eigenvectors[:, i], self.factors, strict=True))
            rows.append((f"curvature {value:.5g}", f"{self.eigenvalue_interval.at(i)} along {axis}"))
        rows += [(f"  {name}", f"at {value}") for name, value in self.at.items()]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _flat(self) -> list[str]:
        return [f"axis {i + 1}" for i in np.flatnonzero(self.ridge_direction)]

    def _columns(self) -> Mapping[str, object]:
        """One row for each canonical axis."""
        out: dict[str, Any] = {
            "eigenvalue": self.eigenvalues, "standard_error": self.eigenvalue_error,
            "low": self.eigenvalue_interval.low, "high": self.eigenvalue_interval.high,
            "ridge_direction": self.ridge_direction,
        }  # fmt: skip
        return {**out, **{apart(name, out): self.eigenvectors[j] for j, name in enumerate(self.factors)}}


def as_radii(radii: Any, unsaid: FloatArray) -> FloatArray:
    """Return distances from the centre as checked numbers."""
    if radii is None:
        return unsaid
    try:
        r: npt.NDArray[np.float64] = np.atleast_1d(np.asarray(radii, dtype=np.float64))
    except (TypeError, ValueError):
        raise DataError(f"radii: got {radii!r}; distances in coded units are wanted") from None
    if r.ndim != 1 or not r.size or not np.isfinite(r).all() or bool((r < 0.0).any()):
        raise DataError("radii: finite distances in coded units, 0 or above, in one row are wanted")
    return r.copy()


def _coded_points(fit: DesignFit, q: Quadratic, points: Any) -> FloatArray:
    if isinstance(points, Mapping) or table.is_frame(points):
        columns = _columns_of(points, q.names)
    else:
        try:
            array = np.atleast_2d(np.asarray(points, dtype=np.float64))
        except (TypeError, ValueError):
            raise DataError("points: numbers in natural units are wanted") from None
        if array.ndim != 2 or array.shape[1] != len(q.names):
            raise DataError(f"points: shape {array.shape}; one column for each of {', '.join(q.names)} is wanted")
        columns = list(array.T)
    coded = [fit.design.factors[j].code(v) for j, v in zip(q.variables, columns, strict=True)]
    if len({c.size for c in coded} - {1}) > 1:
        raise DataError("points: columns of unequal length; one length is wanted")
    found = np.column_stack(np.broadcast_arrays(*coded))
    if float(np.abs(found).max(initial=0.0)) > _FARTHEST:
        raise DataError(f"points: settings beyond {_FARTHEST:g} ranges of a factor are none")
    return found


def _columns_of(points: Any, names: tuple[str, ...]) -> list[Any]:
    have = set(points) if isinstance(points, Mapping) else set(table.column_names(points))
    if missing := [n for n in names if n not in have]:
        raise DataError(f"points: no value for {', '.join(map(repr, missing))}; each of {', '.join(names)} wants one")
    held = points if isinstance(points, Mapping) else table.columns(points, {n: n for n in names})
    return [np.atleast_1d(np.asarray(held[n], dtype=object)) for n in names]
