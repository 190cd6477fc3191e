"""The response along each factor by itself: `profiler`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.factor import Factor
from qstats.doe.fitting.result import DesignFit
from qstats.doe.surface.place import Place, Trust, as_fit, expected, place_of, rows_at, told
from qstats.errors import DataError

__all__ = ["Curve", "Profile", "profiler"]

_MOST = 10_001


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One response along one factor.

    Parameters
    ----------
    response, factor : str
    setting : ndarray, shape (n,)
        Natural units; levels of a factor of text.
    predicted : ndarray, shape (n,)
        Unit of the response.
    predicted_of : {"mean", "median"}
        The median for lognormal and Weibull responses.
    interval : Intervals
        Of `predicted`, each by itself.
    outside : ndarray of bool, shape (n,)
        Beyond the region of the design.
    """

    response: str
    factor: str
    setting: npt.NDArray[Any]
    predicted: FloatArray
    predicted_of: str
    interval: Intervals
    outside: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class Profile(Result):
    """What the fits expect when one factor is moved and the others stay.

    Parameters
    ----------
    responses : tuple of str, length r
    factors : tuple of str
    at : mapping of str to value
        Where the factors stand; ``"average"`` over the levels of a factor of text.
    predicted : ndarray, shape (r,)
        There; unit of each response.
    interval : Intervals
        Of `predicted`.
    curves : tuple of Curve
        Of each response along each factor.
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.profile/1"
    title: ClassVar[str] = "Prediction profile"

    responses: tuple[str, ...]
    factors: tuple[str, ...]
    at: FrozenMapping[str, Any]
    predicted: FloatArray
    interval: Intervals
    curves: tuple[Curve, ...]
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def curve(self, response: str, factor: str) -> Curve:
        """Return one response along one factor."""
        for held in self.curves:
            if (held.response, held.factor) == (response, factor):
                return held
        raise DataError(
            f"response, factor: got {response!r}, {factor!r}; responses are {', '.join(self.responses)}, factors "
            f"{', '.join(self.factors)}"
        )

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(f"  {name}", f"at {_text(value)}") for name, value in self.at.items()]
        for i, name in enumerate(self.responses):
            rows.append((name, f"{self.predicted[i]:.5g} {self.interval.at(i)}"))
        for c in self.curves:
            low, high = int(c.predicted.argmin()), int(c.predicted.argmax())
            ends = [f"{c.predicted[i]:.5g} at {_text(c.setting[i])}" for i in (low, high)]
            rows.append((f"{c.response} along {c.factor}", " to ".join(ends)))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        sizes = [c.predicted.size for c in self.curves]
        return {
            "response": np.repeat(np.array([c.response for c in self.curves], dtype=object), sizes),
            "factor": np.repeat(np.array([c.factor for c in self.curves], dtype=object), sizes),
            "setting": np.concatenate([c.setting.astype(object) for c in self.curves]),
            "predicted": np.concatenate([c.predicted for c in self.curves]),
            "low": np.concatenate([c.interval.low for c in self.curves]),
            "high": np.concatenate([c.interval.high for c in self.curves]),
            "outside": np.concatenate([c.outside for c in self.curves]),
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def profiler(fits: Any, *, at: Mapping[str, Any] | None = None, points: int = 41, confidence: float = 0.95) -> Profile:
    r"""Trace each response along each factor, the other factors held.

    Use it to see at one glance which factor does what to which response, and how sure that is, at settings of interest.
    Not to read an optimum off: interactions change the curves when `at` moves.

    Parameters
    ----------
    fits : DesignFit, sequence or mapping of them
        One for each response, all of the same factors; a mapping names them.
    at : mapping of str to value, optional
        Where the factors stand, natural units. Unsaid: the middle of ranges, the mean blend of a mixture, the average
        over the levels of a factor of text.
    points : int
        Settings along a range; factors of levels take their levels.
    confidence : float
        Of each interval by itself.

    Returns
    -------
    Profile

    Raises
    ------
    DataError
        No fit, fits of different factors, two of one name, an unknown factor or level.

    Notes
    -----
    :math:`x'b \pm t \sqrt{x'Vx}` on the scale of the link, carried back; blocks are averaged. A component of a mixture
    is moved with the others kept in proportion.

    References
    ----------
    Montgomery, Peck and Vining (2012), Introduction to Linear Regression Analysis, 5th edition, 3.4.2. Mixtures:
    Cornell (2002), Experiments with Mixtures, 3rd edition (the direction is Cox's).

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.fitting.door import fit
    >>> from qstats.doe.surface.profiles import profiler
    >>> design = full_factorial({"heat": (150, 190), "glue": ["A", "B"]}, replicates=2, rng=1)
    >>> found = fit(design, 5.0 + design.column("heat") + design.column("glue") + 0.1 * design.replicate, name="force")
    >>> curve = profiler(found, points=3).curve("force", "heat")
    >>> curve.setting.tolist(), curve.predicted.round(2).tolist()
    ([150.0, 170.0, 190.0], [4.65, 5.65, 6.65])
    """
    named, confidence = _named(fits), check_confidence(confidence)
    if isinstance(points, bool) or not isinstance(points, int) or not 2 <= points <= _MOST:
        raise DataError(f"points: got {points!r}; a whole number from 2 to {_MOST} is wanted")
    first = next(iter(named.values()))
    place = place_of(first, at)
    factors = first.design.factors
    curves = [
        _curve(name, fit, place, j, points, confidence) for name, fit in named.items() for j in range(len(factors))
    ]
    here = [expected(fit, rows_at(fit, place, place.coded[None, :]), confidence) for fit in named.values()]
    return Profile(
        tuple(named), first.design.names, told(first, place), frozen_array([float(h.value[0]) for h in here]),
        Intervals(
            frozen_array([float(h.low[0]) for h in here]), frozen_array([float(h.high[0]) for h in here]), confidence
        ),
        tuple(curves), confidence, "one factor at a time, Student's t on the scale of the model",
        "Montgomery, Peck and Vining 2012, Introduction to Linear Regression Analysis, 3.4.2", _notes(named, curves),
    )  # fmt: skip


def _named(fits: Any) -> dict[str, DesignFit]:
    if isinstance(fits, Mapping):
        named = {str(name): as_fit(fit, f"fits[{name!r}]") for name, fit in fits.items()}
    elif isinstance(fits, Iterable) and not isinstance(fits, str | bytes | DesignFit):
        held = [as_fit(fit, "fits") for fit in fits]
        named = {fit.response: fit for fit in held}
        if len(named) < len(held):
            raise DataError("fits: two fits of one response; name them by a mapping, {'strength': fit, ...}")
    else:
        named = {as_fit(fits, "fits").response: fits}
    if not named:
        raise DataError("fits: none came; one fit or more are wanted")
    first = next(iter(named.values())).design.factors
    if other := [name for name, fit in named.items() if fit.design.factors != first]:
        raise DataError(f"fits: {other[0]!r} is a fit of other factors than the first; the same factors are wanted")
    return named


def _curve(name: str, fit: DesignFit, place: Place, j: int, points: int, confidence: float) -> Curve:
    factor = fit.design.factors[j]
    x = _settings(fit, factor, j, points)
    coded = _moved(fit, place, j, x)
    rows = rows_at(fit, place, coded, (factor.name,))
    found = expected(fit, rows, confidence)
    numeric = [i for i, f in enumerate(fit.design.factors) if f.numeric and f.kind != "mixture"]
    outside = ~Trust(fit, place, numeric).holds(coded[:, numeric], rows)
    setting = factor.decode(x)
    return Curve(
        name, factor.name, frozen_array(setting, setting.dtype), frozen_array(found.value), found.of,
        Intervals(frozen_array(found.low), frozen_array(found.high), confidence), frozen_array(outside, np.bool_),
    )  # fmt: skip


def _settings(fit: DesignFit, factor: Factor, j: int, points: int) -> FloatArray:
    """The levels, or the range of the factor and of the runs."""
    if factor.levels:
        return factor.code(list(factor.levels))
    run = np.asarray(fit.design.coded)[:, j]
    if factor.kind == "mixture":
        return np.linspace(float(run.min()), float(run.max()), points)
    return np.linspace(min(-1.0, float(run.min())), max(1.0, float(run.max())), points)


def _moved(fit: DesignFit, place: Place, j: int, x: FloatArray) -> FloatArray:
    """All factors where one moves; the other components of a mixture keep their proportions."""
    coded = np.tile(place.coded, (x.size, 1))
    coded[:, j] = x
    if fit.design.factors[j].kind == "mixture":
        others = [i for i, f in enumerate(fit.design.factors) if f.kind == "mixture" and i != j]
        left = place.coded[others].sum()
        share = place.coded[others] / left if left > 0.0 else np.full(len(others), 1.0 / len(others))
        coded[:, others] = (1.0 - x)[:, None] * share
    return coded


def _notes(named: dict[str, DesignFit], curves: list[Curve]) -> tuple[Note, ...]:
    notes = []
    if any(bool(c.outside.any()) for c in curves):
        text = "parts of the curves lie outside the region of the design: do not rely on them"
        notes.append(Note("extrapolation", "info", text))
    if bare := [name for name, fit in named.items() if fit.fitted.df <= 0.0]:
        text = f"{', '.join(bare)}: no degree of freedom is left for the error, intervals are infinite"
        notes.append(Note("no-error-df", "warning", text))
    return tuple(notes)
