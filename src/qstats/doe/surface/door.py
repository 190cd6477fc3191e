"""Analyse a fitted surface: `response_surface`, `steepest_ascent`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence, check_number
from qstats._core.interval import Interval, Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, frozen_array
from qstats.doe.fitting.prediction import half_width
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.canonical import Axes, axes_of, direction_errors, nature_of, point_errors
from qstats.doe.surface.path import AscentPath, make_path, radii_of_steps
from qstats.doe.surface.place import as_fit, expected, place_of, told
from qstats.doe.surface.quadratic import Quadratic, quadratic_of
from qstats.doe.surface.result import ResponseSurface, as_radii
from qstats.doe.surface.stationary import Cover, cover_of
from qstats.errors import DataError, FormulaError

__all__ = ["response_surface", "steepest_ascent"]

_MOST_STEPS = 10_000
_REACH = 6.0  # standard errors of the stationary point, for the first look around it
_REFERENCE = (
    "Box and Draper 1987, Empirical Model-Building and Response Surfaces, chapters 10 and 11; Bisgaard and Ankenman "
    "1996, Technometrics 38, 238-246; Box and Hunter 1954, Biometrika 41, 190-199"
)


def response_surface(
    fit: DesignFit, *, at: Mapping[str, Any] | None = None, threshold: float = 0.0, confidence: float = 0.95
) -> ResponseSurface:
    r"""Say what a fitted quadratic looks like: where its optimum or saddle is, and how sure that is.

    Use it after a fit with squares, to see whether the optimum lies inside, outside or on a ridge. Not to set several
    responses at once (see `optimize`, `tradeoff`), and not for fits of first order (see `steepest_ascent`).

    Parameters
    ----------
    fit : DesignFit
        Of second order at most in the factors that are numbers; blocks are averaged.
    at : mapping of str to value, optional
        Settings of factors to hold, natural units. Unsaid: factors of text are averaged over their levels, all that
        are numbers move.
    threshold : float
        Curvatures smaller than this (response per coded unit squared) count as zero; the stationary point is then the
        one nearest the centre. Use it when a weak curvature throws the point far away.
    confidence : float
        Of each interval by itself, and of the confidence region.

    Returns
    -------
    ResponseSurface
        Its `in_region` tells which settings may be the stationary point, its `ridge` gives the best response on
        spheres about the centre.

    Raises
    ------
    FormulaError
        A model without squares and interactions, of a higher order, or with functions.
    DataError
        Components of a mixture that are not held, an unknown factor or level.

    Notes
    -----
    With :math:`\hat y = b_0 + x'b + x'Bx` in coded units on the scale of the link: stationary point
    :math:`x_s = -\frac12 B^{-1} b`, curvatures the eigenvalues of B. Their standard errors are those of the pure
    squares after turning the factors onto the canonical axes, which is also the delta method. The confidence region
    holds every x with :math:`g'[G V G']^{-1} g \le k F_{k,\nu}`, g = Gb the gradient at x: exact for normal errors
    of equal variance, and unbounded where a curvature may be zero.

    References
    ----------
    Box, G. E. P. and Draper, N. R. (1987), Empirical Model-Building and Response Surfaces, chapters 10 and 11.
    Bisgaard, S. and Ankenman, B. (1996), Technometrics 38, 238-246. Box, G. E. P. and Hunter, J. S. (1954),
    Biometrika 41, 190-199.

    Examples
    --------
    The chemical process of the NIST e-Handbook, 5.5.3.1:

    >>> import numpy as np
    >>> from qstats.doe.design import make_design
    >>> from qstats.doe.factor import as_factors
    >>> from qstats.doe.fitting.door import fit
    >>> from qstats.doe.surface.door import response_surface
    >>> a = 1.414
    >>> x = [[-1, -1], [1, -1], [-1, 1], [1, 1], [-a, 0], [a, 0], [0, -a], [0, a], *[[0, 0]] * 5]
    >>> y = [64.33, 51.78, 77.3, 45.37, 72.58, 37.42, 54.63, 54.18, 62.08, 79.36, 75.29, 73.81, 69.45]
    >>> found = response_surface(fit(make_design("CCD", as_factors(["x1", "x2"]), x, rng=1), y, model="quadratic"))
    >>> found.nature, found.coded.round(4).tolist(), round(found.predicted, 3)
    ('maximum', [-0.9279, 0.3468], 77.589)
    >>> found.in_region([[-0.9, 0.3], [1.0, -1.0]]).tolist()
    [True, False]
    """
    fit, confidence = as_fit(fit), check_confidence(confidence)
    threshold = check_number(threshold, "threshold", least=0.0)
    q = quadratic_of(fit, place_of(fit, at))
    if not q.square_map.any():
        raise FormulaError(
            "model: it has no square and no interaction of these factors, so no stationary point; see steepest_ascent, "
            "or fit model='quadratic'"
        )
    axes = axes_of(q, threshold)
    errors = point_errors(q, axes, fit.fitted)
    reach = None if errors is None else _REACH * errors
    cover = cover_of(q, fit.fitted, axes.point, reach, confidence)
    return _surface(fit, q, axes, errors, cover, threshold, confidence)


def _surface(
    fit: DesignFit, q: Quadratic, axes: Axes, errors: FloatArray | None, cover: Cover, threshold: float,
    confidence: float,
) -> ResponseSurface:  # fmt: skip
    f, point = fit.fitted, axes.point[None, :]
    se = f.standard_errors(axes.contrasts)
    half = half_width(se, f.contrast_df(axes.contrasts), confidence)
    low, high = axes.values - half, axes.values + half
    flat = ~axes.curved | ((low <= 0.0) & (high >= 0.0))
    rows = q.trust.rows(point)
    inside, there = bool(q.trust.holds(point, rows)[0]), expected(fit, rows, confidence)
    return ResponseSurface(
        fit.response, q.names, nature_of(axes), not bool(flat.any()), FrozenMapping(_natural(fit, q, axes.point)),
        frozen_array(axes.point), None if errors is None else frozen_array(errors), inside, float(there.value[0]),
        Interval(float(there.low[0]), float(there.high[0]), confidence), there.of, q.constant,
        frozen_array(q.linear), frozen_array(q.square), frozen_array(axes.values), frozen_array(se),
        Intervals(frozen_array(low), frozen_array(high), confidence), frozen_array(axes.vectors),
        frozen_array(direction_errors(q, axes, f)), frozen_array(flat, np.bool_), cover.share,
        _box(fit, q, cover, confidence), cover.open, threshold, fit.link, told(fit, q.trust.place, q.names),
        q.trust.place.averaged, confidence, fit, _method(fit), _REFERENCE, _notes(fit, q, axes, flat, inside, cover),
    )  # fmt: skip


def _natural(fit: DesignFit, q: Quadratic, x: FloatArray) -> dict[str, float]:
    return {n: float(fit.design.factors[j].decode(v)) for n, j, v in zip(q.names, q.variables, x, strict=True)}


def _box(fit: DesignFit, q: Quadratic, cover: Cover, confidence: float) -> FrozenMapping[str, Interval] | None:
    if cover.low is None or cover.high is None:
        return None
    low, high = _natural(fit, q, cover.low), _natural(fit, q, cover.high)
    return FrozenMapping({n: Interval(low[n], high[n], confidence) for n in q.names})


def _method(fit: DesignFit) -> str:
    text = "canonical analysis in coded units; confidence region by the F test of a zero gradient"
    if fit.design.split_plot:
        text += ", with the fewest degrees of freedom of its components"
    return text if fit.link == "identity" else text + f"; on the scale of the {fit.link} link"


def _notes(fit: DesignFit, q: Quadratic, axes: Axes, flat: BoolArray, inside: bool, cover: Cover) -> tuple[Note, ...]:
    notes = []
    if fit.fitted.df <= 0.0 or math.isinf(fit.fitted.sigma):
        text = "no degree of freedom is left for the error: nothing is certain; leave terms out or repeat runs"
        notes.append(Note("no-error-df", "warning", text))
    if not inside:
        text = "the stationary point lies outside the region of the design: see ridge() for the best response within"
        notes.append(Note("outside", "warning", text))
    if flat.any():
        text = f"{int(flat.sum())} of {flat.size} curvatures may be zero: a ridge, along which the optimum is not fixed"
        notes.append(Note("ridge-direction", "info", text))
    rise = np.abs(axes.vectors.T @ q.linear)[~axes.curved]
    if (rise > 1e-10 * np.abs(q.linear).max(initial=0.0)).any():
        text = (
            f"along axes without curvature the response changes by up to {rise.max():.4g} a coded unit (link scale): "
            "no point is stationary; the one given is where the other axes are, nearest to the centre"
        )
        notes.append(Note("rising-ridge", "warning", text))
    if cover.open and inside:
        text = "the confidence region of the stationary point runs out of the region of the design"
        notes.append(Note("region-open", "info", text))
    steps = [n for n, j in zip(q.names, q.variables, strict=True) if fit.design.factors[j].levels]
    if steps:
        text = f"{', '.join(steps)}: only some settings are possible; compare those on both sides of the point"
        notes.append(Note("discrete-factor", "info", text))
    return tuple(notes)


def steepest_ascent(
    fit: DesignFit,
    *,
    step: float | None = None,
    steps: int = 10,
    base_factor: str | None = None,
    radii: Any = None,
    descent: bool = False,
    at: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
) -> AscentPath:
    r"""Lay out runs along the way on which the response rises fastest from the centre of the design.

    Use it after a first experiment far from the optimum: run these settings one after another until the response no
    longer improves, then lay the next design there. Not inside a fitted optimum (see `response_surface`).

    Parameters
    ----------
    fit : DesignFit
        Of first order (a straight way) or second order (the best points on growing spheres).
    step : float, optional
        Change of the base factor from one point to the next, natural units.
    steps : int
        Points after the centre.
    base_factor : str, optional
        Whose change makes the steps; unsaid, that with the largest coefficient. Without `step` it moves by half its
        range a step.
    radii : array-like, optional
        Distances from the centre in coded units instead of steps. Without steps and distances: 0, 0.5, 1 ...
    descent : bool
        The way down.
    at : mapping of str to value, optional
        Settings of factors to hold, natural units; factors of text are else averaged over their levels.
    confidence : float
        Of each interval by itself, and of the cone of directions.

    Returns
    -------
    AscentPath

    Raises
    ------
    FormulaError
        A model of a higher order or with functions.
    DataError
        A factor that does not move, components of a mixture that are not held, a step that is no number above 0.

    Notes
    -----
    Way in coded units: proportional to the coefficients; for second order
    :math:`(B - \mu I) x = -b/2` with :math:`\mu` at least the largest eigenvalue of B. The units of the factors decide
    what is steep: the way is that of the ranges chosen. Cone: directions d with
    :math:`\min_c (b - cd)'V^{-1}(b - cd) \le (k-1) F_{k-1,\nu}`.

    References
    ----------
    Box, G. E. P. and Wilson, K. B. (1951), J. Roy. Statist. Soc. B 13, 1-45. Draper, N. R. (1963), Technometrics 5,
    469-479. Box, G. E. P. and Draper, N. R. (1987), Empirical Model-Building and Response Surfaces, chapter 6.

    Examples
    --------
    >>> from qstats.doe.design import make_design
    >>> from qstats.doe.factor import as_factors
    >>> from qstats.doe.fitting.door import fit
    >>> from qstats.doe.surface.door import steepest_ascent
    >>> factors = as_factors({"time": (30, 40), "heat": (150, 160)})
    >>> design = make_design("2^2", factors, [[-1, -1], [1, -1], [-1, 1], [1, 1], *[[0, 0]] * 5], rng=1)
    >>> found = fit(design, [39.3, 40.9, 40.0, 41.5, 40.3, 40.5, 40.7, 40.2, 40.6], model="linear")
    >>> path = steepest_ascent(found, base_factor="time", step=5, steps=3)
    >>> path.settings["heat"].round(2).tolist(), path.predicted.round(2).tolist()
    ([155.0, 157.1, 159.19, 161.29], [40.44, 41.36, 42.27, 43.18])
    """
    fit, confidence = as_fit(fit), check_confidence(confidence)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= _MOST_STEPS:
        raise DataError(f"steps: got {steps!r}; a whole number from 1 to {_MOST_STEPS} is wanted")
    if not isinstance(descent, bool):
        raise DataError(f"descent: got {descent!r}; True or False is wanted")
    q = quadratic_of(fit, place_of(fit, at))
    if radii is not None or (step is None and base_factor is None):
        if step is not None or base_factor is not None:
            raise DataError("radii: distances came with step or base_factor; pass one of them")
        return make_path(fit, q, as_radii(radii, 0.5 * np.arange(steps + 1.0)), descent, None, confidence)
    base = _base(q, base_factor)
    found = radii_of_steps(q, base, _coded_step(fit, q, base, step), steps, descent)
    if found.size < 2:
        raise DataError(
            f"base_factor: {q.names[base]!r} does not move by a step along the way; take another, or radii="
        )
    notes: tuple[Note, ...] = ()
    if found.size <= steps:
        text = f"{q.names[base]} turns back after {found.size - 1} of {steps} steps; see radii= for the rest of the way"
        notes = (Note("turns-back", "info", text),)
    return make_path(fit, q, found, descent, q.names[base], confidence, notes)


def _base(q: Quadratic, name: str | None) -> int:
    if name is None:
        return int(np.abs(q.linear).argmax())
    if name not in q.names:
        raise DataError(f"base_factor: got {name!r}; one of {', '.join(map(repr, q.names))} is wanted")
    return q.names.index(name)


def _coded_step(fit: DesignFit, q: Quadratic, base: int, step: float | None) -> float:
    if step is None:
        return 1.0
    factor = fit.design.factors[q.variables[base]]
    low, high = (float(v) for v in factor.decode([-1.0, 1.0]))
    return 2.0 * check_number(step, "step", above=0.0) / (high - low)
