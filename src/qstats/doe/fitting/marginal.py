"""Means of the response at settings of some factors, the others in their middle: what effect plots show."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.factor import Factor
from qstats.doe.fitting.prediction import half_width, inverse_link
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError

__all__ = ["MarginalMeans", "marginal_means"]

_MOST = 100_000  # combinations of settings


@dataclass(frozen=True, slots=True, eq=False)
class MarginalMeans(Result):
    """Fitted means at every combination of the settings of some factors.

    Parameters
    ----------
    response : str
    settings : mapping of str to ndarray, shape (m,)
        Natural settings of the factors asked for.
    mean : ndarray, shape (m,)
        In the unit of the response; with a logarithmic or logit link the inverse of the mean on the link's scale.
    interval : Intervals
    link : str
    averaged : tuple of str
        Factors of text whose levels were averaged with equal weight; numbers stand in the middle of their range.
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.marginal_means/1"
    title: ClassVar[str] = "Means by setting"

    response: str
    settings: FrozenMapping[str, npt.NDArray[Any]]
    mean: FloatArray
    interval: Intervals
    link: str
    averaged: tuple[str, ...]
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for i in range(min(self.mean.size, 40)):
            place = ", ".join(f"{name} {_shown(values[i])}" for name, values in self.settings.items())
            rows.append((place, f"{self.mean[i]:.6g} ({self.interval.low[i]:.4g}, {self.interval.high[i]:.4g})"))
        if self.averaged:
            rows.append(("averaged over", ", ".join(self.averaged)))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {**self.settings, "mean": self.mean, "low": self.interval.low, "high": self.interval.high}


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def marginal_means(
    fit: DesignFit,
    factors: str | Sequence[str],
    *,
    at: Mapping[str, Any] | None = None,
    points: int | None = None,
    confidence: float = 0.95,
) -> MarginalMeans:
    r"""Mean response at each setting of one factor, or of several together, whatever else the model holds.

    Use it to say what an effect amounts to in the unit of the response, with an interval. Not for a factor that takes
    part in an interaction, by itself: ask for both factors together. Not for what one run will give: see
    `DesignFit.predict`.

    Parameters
    ----------
    fit : DesignFit
    factors : str or sequence of str
        Every combination of their settings is shown.
    at : mapping of str to value, optional
        Settings of other factors. Unsaid: the middle of a range, equal shares of a mixture, the average over levels of
        text.
    points : int, optional
        Settings of a range, evenly spread over it; unsaid: those the design has.
    confidence : float

    Returns
    -------
    MarginalMeans

    Raises
    ------
    DataError
        A name that is no factor, a setting out of its levels, too many combinations.

    Notes
    -----
    :math:`\bar x' b` with :math:`\bar x` the average of the model rows over the levels of the other factors of text,
    its standard error :math:`(\bar x' V \bar x)^{1/2}`, Student's t on the scale of the link.

    References
    ----------
    Searle, Speed & Milliken (1980), The American Statistician 34, 216-221.

    Examples
    --------
    >>> from qstats import doe
    >>> design = doe.full_factorial({"heat": (150, 190), "glue": ["A", "B"]}, replicates=2, rng=1)
    >>> strength = 5.0 + design.column("heat") + 0.1 * design.replicate
    >>> doe.marginal_means(doe.fit(design, strength), "heat").mean.round(2).tolist()
    [4.15, 6.15]
    """
    if not isinstance(fit, DesignFit):
        raise DataError(f"fit: got a {type(fit).__name__}; what qstats.doe.fit returns is wanted")
    confidence = check_confidence(confidence)
    names = (factors,) if isinstance(factors, str) else tuple(factors)
    fixed = dict(at or {})
    by = {f.name: (j, f) for j, f in enumerate(fit.design.factors)}
    unknown = [name for name in (*names, *fixed) if name not in by]
    if unknown or not names or len(set(names)) < len(names) or set(names) & set(fixed):
        raise DataError(
            f"factors: got {names!r}, at {sorted(fixed)}; each of {', '.join(map(repr, by))} may stand there once"
        )
    grid = _grid([_settings(fit, *by[name], points) for name in names])
    others = [_rest(f, fixed) for name, (_, f) in by.items() if name not in names]
    rows = _averaged_rows(fit, grid, [by[n][0] for n in names], _grid(others), names)
    eta = rows @ fit.fitted.coefficients
    half = half_width(fit.fitted.standard_errors(rows), fit.fitted.contrast_df(rows), confidence)
    averaged = [n for n, (_, f) in by.items() if n not in names and n not in fixed and not f.numeric]
    natural = {n: by[n][1].decode(grid[:, i]) for i, n in enumerate(names)}
    return MarginalMeans(
        fit.response, FrozenMapping({n: frozen_array(v, v.dtype) for n, v in natural.items()}),
        frozen_array(inverse_link(eta, fit.link)),
        Intervals(frozen_array(inverse_link(eta - half, fit.link)), frozen_array(inverse_link(eta + half, fit.link)),
                  confidence),
        fit.link, tuple(averaged), confidence, "estimated marginal means, Student's t on the scale of the model",
        "Searle, Speed & Milliken (1980), The American Statistician 34, 216-221",
    )  # fmt: skip


def _settings(fit: DesignFit, j: int, factor: Factor, points: int | None) -> FloatArray:
    if factor.levels:
        levels: Any = factor.levels
        return factor.code(list(levels))
    used = np.asarray(fit.design.coded)[:, j]
    if points is None:
        return np.unique(np.round(used, 9))
    if isinstance(points, bool) or not isinstance(points, int) or points < 2:
        raise DataError(f"points: got {points!r}; a whole number from 2 on is wanted")
    return np.linspace(used.min(), used.max(), points)


def _rest(factor: Factor, fixed: Mapping[str, Any]) -> FloatArray:
    if factor.name in fixed:
        return factor.code([fixed[factor.name]])
    if not factor.numeric:
        return np.arange(float(len(factor.levels)))
    return np.array([0.0]) if factor.kind != "mixture" else np.array([np.nan])


def _grid(axes: Sequence[FloatArray]) -> FloatArray:
    """Every combination, the first factor slowest."""
    if int(np.prod([len(a) for a in axes], dtype=np.float64)) > _MOST:
        raise DataError(f"factors: more than {_MOST:,} combinations of settings; ask for fewer factors or points")
    combinations = list(itertools.product(*axes))  # of no axis: one, of nothing
    return np.array(combinations, dtype=np.float64).reshape(len(combinations), len(axes))


def _averaged_rows(
    fit: DesignFit, grid: FloatArray, place: Sequence[int], rest: FloatArray, names: Sequence[str]
) -> FloatArray:
    factors = fit.design.factors
    k, m, r = len(factors), grid.shape[0], max(rest.shape[0], 1)
    coded = np.empty((m, r, k))
    coded[:, :, list(place)] = grid[:, None, :]
    coded[:, :, [j for j, f in enumerate(factors) if f.name not in names]] = rest[None, :, :]
    mixture = [j for j, f in enumerate(factors) if f.kind == "mixture"]
    if mixture:
        shares = coded[..., mixture]
        free = np.isnan(shares)
        left = np.maximum(1.0 - np.where(free, 0.0, shares).sum(axis=-1, keepdims=True), 0.0)
        coded[..., mixture] = np.where(free, left / np.maximum(free.sum(axis=-1, keepdims=True), 1), shares)
    rows = fit.rows(coded.reshape(m * r, k)).reshape(m, r, -1)
    return np.asarray(rows.mean(axis=1), dtype=np.float64)
