"""What a fitted model expects at settings: the mean and one new run, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.kernels.censored import Lifetimes
from qstats.doe.fitting.kernels.linear import LeastSquares
from qstats.doe.fitting.split_plots.mixed import SplitPlotFitted
from qstats.errors import DataError

if TYPE_CHECKING:
    from qstats.doe.fitting.result import DesignFit

__all__ = ["Prediction", "coded_settings", "inverse_link", "median_factor", "predict", "typical_errors"]

_EDGE = 1e-9
_SHOWN = 5
_SKEWED = ("lognormal", "weibull")


@dataclass(frozen=True, slots=True, eq=False)
class Prediction(Result):
    """What is expected at settings; one entry each.

    Parameters
    ----------
    response : str
    settings : mapping of str to ndarray, shape (m,)
        In natural units.
    mean : ndarray, shape (m,)
        Expected response: per unit of exposure for counts, the share of successes for trials.
    median : ndarray or None, shape (m,)
        What half the runs pass: the mean itself for a normal response; None for counts, trials and gamma responses.
    interval : Intervals
        Of the mean; of the median for lognormal and Weibull responses.
    interval_of : {"mean", "median"}
    new_run : Intervals or None
        Where one more run is expected; None for counts, trials, gamma and Weibull responses, whose scatter about the
        mean is no normal one on the scale of the link.
    outside : ndarray of bool, shape (m,)
        Whether the setting lies outside the region the design covers.
    confidence : float
        Of each interval by itself.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.prediction/1"
    title: ClassVar[str] = "Prediction"

    response: str
    settings: FrozenMapping[str, Any]
    mean: FloatArray
    median: FloatArray | None
    interval: Intervals
    interval_of: str
    new_run: Intervals | None
    outside: BoolArray
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return int(self.mean.size)

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for i in range(min(len(self), _SHOWN)):
            at = ", ".join(f"{name} {_text(v[i])}" for name, v in self.settings.items())
            rows.append((at, f"{self.response} {self.mean[i]:.5g}"))
            rows.append((f"  {self.confidence:.0%} of the {self.interval_of}", str(self.interval.at(i))))
            if self.new_run is not None:
                rows.append((f"  {self.confidence:.0%} of one new run", str(self.new_run.at(i))))
        if len(self) > _SHOWN:
            rows.append(("more settings", str(len(self) - _SHOWN)))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = dict(self.settings)
        out["mean"] = self.mean
        if self.median is not None:
            out["median"] = self.median
        out |= {"low": self.interval.low, "high": self.interval.high}
        if self.new_run is not None:
            out |= {"new_run_low": self.new_run.low, "new_run_high": self.new_run.high}
        return {**out, "outside": self.outside}


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def inverse_link(eta: FloatArray, link: str) -> FloatArray:
    """Return the response that a linear predictor stands for."""
    if link == "identity":
        return eta
    if link == "log":
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(eta))
    return np.asarray(scipy.special.expit(eta))


def coded_settings(fit: DesignFit, settings: Any) -> FloatArray:
    """Return settings in coded units, shape (m, k); factors outside the model may be left out (their middle)."""
    given = _as_mapping(fit, settings)
    factors = fit.design.factors
    known = {f.name for f in factors}
    if unknown := sorted(str(n) for n in given if n not in known):
        raise DataError(f"settings: {', '.join(map(repr, unknown))} is no factor; there are {', '.join(sorted(known))}")
    needed = {name for term in fit.model for name in term.names}
    if missing := [f.name for f in factors if f.name in needed and f.name not in given]:
        raise DataError(f"settings: no value for {', '.join(map(repr, missing))}; every factor of the model wants one")
    columns: dict[str, FloatArray] = {}
    for f in factors:
        if f.name in given:
            value = given[f.name]
            columns[f.name] = f.code([value] if _single(value) else value)
    sizes = {c.size for c in columns.values()} - {1}
    if len(sizes) > 1:
        raise DataError(f"settings: columns of {', '.join(map(str, sorted(sizes)))} values; one length is wanted")
    m = sizes.pop() if sizes else 1
    out = np.zeros((m, len(factors)))
    for j, f in enumerate(factors):
        if f.name in columns:
            out[:, j] = columns[f.name]
    return out


def _single(value: object) -> bool:
    return isinstance(value, str) or np.ndim(value) == 0  # type: ignore[arg-type]


def _as_mapping(fit: DesignFit, settings: Any) -> Mapping[str, Any]:
    if isinstance(settings, Mapping):
        return settings
    if not table.is_frame(settings):
        got = type(settings).__name__
        raise DataError(
            f"settings: got a {got}; a mapping of factor to value(s) or a frame with their columns is wanted"
        )
    found = table.column_names(settings)
    names = {n: n for n in fit.design.names if n in found}
    return table.columns(settings, names)


def predict(fit: DesignFit, settings: Any, confidence: float, block: Any) -> Prediction:
    """Return the prediction of a fit; what `DesignFit.predict` does."""
    confidence = check_confidence(confidence)
    coded = coded_settings(fit, settings)
    rows = _with_block(fit, fit.rows(coded), block)
    f = fit.fitted
    eta = rows @ f.coefficients
    df = f.contrast_df(rows)
    mean, median = _centers(fit, eta)
    half, se = median_factor(fit), typical_errors(fit, rows)
    outside = _outside(fit, coded, fit.rows(coded))
    normal = fit.distribution in ("normal", "lognormal")
    natural = {g.name: g.decode(coded[:, j]) for j, g in enumerate(fit.design.factors)}
    return Prediction(
        fit.response, FrozenMapping({n: frozen_array(v, v.dtype) for n, v in natural.items()}), frozen_array(mean),
        None if median is None else frozen_array(median), _limits(eta, se, df, fit.link, confidence, half),
        "median" if fit.distribution in _SKEWED else "mean",
        _limits(eta, np.hypot(se, f.sigma), _run_df(f, rows, df), fit.link, confidence) if normal else None,
        frozen_array(outside, np.bool_), confidence,
        "Student's t on the scale of the model" + (", carried back by the link" if fit.link != "identity" else ""),
        "Montgomery, Peck and Vining 2012, Introduction to Linear Regression Analysis, 3.4.2 and 3.5",
        _notes(fit, outside),
    )  # fmt: skip


def _with_block(fit: DesignFit, rows: FloatArray, block: Any) -> FloatArray:
    if block is None:
        return rows
    known = np.unique(fit.design.block[~np.isnan(fit.y)]).tolist()
    if isinstance(block, bool) or block not in known:
        raise DataError(
            f"block: got {block!r}; one of {', '.join(map(str, known))} is wanted, or None for their average"
        )
    out = rows.copy()
    out[:, fit.model_columns :] = -1.0 if block == known[0] else 0.0
    if block != known[0]:
        out[:, fit.model_columns + known.index(block) - 1] = 1.0
    return out


def _centers(fit: DesignFit, eta: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Mean and, where it is a simple one, median of runs about this linear predictor."""
    typical = inverse_link(eta, fit.link)
    if fit.distribution == "normal":
        return typical, typical
    if fit.distribution not in _SKEWED:
        return typical, None
    if fit.distribution == "weibull":
        lift = float(scipy.special.gammaln(1.0 + float(fit.fitted.extra["scale"])))
    else:
        lift = 0.5 * fit.fitted.sigma**2
    return inverse_link(eta + lift, "log"), typical * median_factor(fit)


def median_factor(fit: DesignFit) -> float:
    """Return the median over exp of the linear predictor: 1 but for a Weibull response."""
    return math.log(2.0) ** float(fit.fitted.extra["scale"]) if fit.distribution == "weibull" else 1.0


def typical_errors(fit: DesignFit, rows: FloatArray) -> FloatArray:
    """Return standard errors on the scale of the link; a Weibull median moves with the scale, too."""
    if fit.distribution != "weibull":
        return fit.fitted.standard_errors(rows)
    assert isinstance(fit.fitted, Lifetimes)
    return fit.fitted.quantile_errors(rows, math.log(math.log(2.0)))


def _run_df(fitted: Fitted, rows: FloatArray, df: FloatArray) -> FloatArray:
    """Degrees of freedom of one new run: in a split-plot it comes with a whole plot of its own."""
    return fitted.run_df(rows) if isinstance(fitted, SplitPlotFitted) else df


def _limits(
    eta: FloatArray, se: FloatArray, df: FloatArray, link: str, confidence: float, factor: float = 1.0
) -> Intervals:
    half = half_width(se, df, confidence)
    low, high = factor * inverse_link(eta - half, link), factor * inverse_link(eta + half, link)
    return Intervals(frozen_array(low), frozen_array(high), confidence)


def half_width(se: FloatArray, df: FloatArray, confidence: float) -> FloatArray:
    """Return half the width of an interval: infinite without a degree of freedom."""
    known = np.asarray(df) > 0.0
    q = t_quantile(0.5 + 0.5 * confidence, np.where(known, df, 1.0))
    with np.errstate(invalid="ignore"):
        return np.where(known, q * se, np.inf)


def relative_variance(fitted: Fitted, rows: FloatArray) -> FloatArray:
    """Return the variance of predictions up to a factor they share; it exists without error df too."""
    held = fitted.unscaled if isinstance(fitted, LeastSquares) else fitted.covariance
    return np.asarray(((rows @ held) * rows).sum(axis=1), dtype=np.float64)


def _outside(fit: DesignFit, coded: FloatArray, rows: FloatArray) -> BoolArray:
    """Beyond the settings of some factor, or less well known than every run of the design."""
    run = np.asarray(fit.design.coded)[~np.isnan(fit.y)]
    known = relative_variance(fit.fitted, fit.rows(run)).max()
    beyond = relative_variance(fit.fitted, rows) > known * (1.0 + 1e-6)
    named = {name for term in fit.model for name in term.names}
    for j, f in enumerate(fit.design.factors):
        if f.numeric and f.name in named:
            low, high = run[:, j].min() - _EDGE, run[:, j].max() + _EDGE
            beyond |= (coded[:, j] < low) | (coded[:, j] > high)
    return np.asarray(beyond, dtype=np.bool_)


def _notes(fit: DesignFit, outside: BoolArray) -> tuple[Note, ...]:
    notes = []
    if outside.any():
        text = (
            f"{int(outside.sum())} of {outside.size} settings lie outside the region of the design: do not rely on them"
        )
        notes.append(Note("extrapolation", "warning", text))
    if fit.fitted.df <= 0.0 or math.isinf(fit.fitted.sigma):
        text = "no degree of freedom is left for the error: intervals are infinite; leave terms out or repeat runs"
        notes.append(Note("no-error-df", "warning", text))
    return tuple(notes)
