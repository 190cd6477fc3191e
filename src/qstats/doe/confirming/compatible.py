"""Whether runs agree with what models predicted for them: `check_prediction`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.quantiles import t_sf
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.doe.compromise.goals import as_fits
from qstats.doe.fitting.prediction import coded_settings, half_width, inverse_link
from qstats.doe.fitting.result import DesignFit
from qstats.errors import DataError, TooFewData

__all__ = ["PredictionCheck", "check_prediction"]

_REFERENCE = (
    "Montgomery, Peck and Vining 2012, Introduction to Linear Regression Analysis, 3.5; Bonferroni for responses"
)


@dataclass(frozen=True, slots=True, eq=False)
class PredictionCheck(Result):
    """Whether runs at one setting are what the models predicted.

    Parameters
    ----------
    compatible : bool
        No response lies outside its interval.
    responses : tuple of str, length r
    settings : mapping of str to setting
    observed, predicted : ndarray, shape (r,)
        Mean of the runs (geometric for a lognormal response), and where it was expected.
    interval : Intervals
        For the mean of so many runs, jointly at `confidence`: each at 1 - (1 - confidence)/r.
    pvalue : ndarray, shape (r,)
        Adjusted for r responses: below 1 - confidence exactly where the mean lies outside its interval.
    each : ndarray of bool, shape (r,)
    n : ndarray of int, shape (r,)
    confidence : float
        Of all intervals together.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.prediction_check/1"
    title: ClassVar[str] = "Runs against their prediction"

    compatible: bool
    responses: tuple[str, ...]
    settings: FrozenMapping[str, Any]
    observed: FloatArray
    predicted: FloatArray
    interval: Intervals
    pvalue: FloatArray
    each: BoolArray
    n: np.ndarray[tuple[int], np.dtype[np.int64]]
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("runs agree with the prediction", "yes" if self.compatible else "no")]
        for i, name in enumerate(self.responses):
            text = f"mean {self.observed[i]:.5g} of {self.n[i]} runs, expected {self.predicted[i]:.5g}"
            rows.append((name, f"{text} {self.interval.at(i)}, p = {self.pvalue[i]:.3g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "response": list(self.responses), "observed": self.observed, "predicted": self.predicted,
            "low": self.interval.low, "high": self.interval.high, "p": self.pvalue, "compatible": self.each,
            "n": self.n,
        }  # fmt: skip


def check_prediction(fits: Any, settings: Any, results: Any, *, confidence: float = 0.95) -> PredictionCheck:
    r"""Tell whether runs at a setting agree with what the models of an experiment predicted there.

    Use it on confirmation runs: disagreement means the model is wrong there, or something else changed. Agreement with
    few runs says little: that a setting keeps a promise is for `confirm`.

    Parameters
    ----------
    fits : DesignFit, sequence or mapping of them
        Normal or lognormal responses.
    settings : mapping
        One setting in natural units.
    results : mapping of response to array-like of shape (n,)
    confidence : float
        Of all responses together.

    Returns
    -------
    PredictionCheck

    Raises
    ------
    DataError
        Counts, trials or stopped runs, whose means are not normal on the scale of the model; responses without results.

    Notes
    -----
    The mean of n runs is expected at :math:`x'b \pm t\,\sqrt{x'Vx + \sigma^2/n}`, t at
    :math:`1 - (1 - \text{confidence})/(2r)`; of the logarithms for a lognormal response.

    References
    ----------
    Montgomery, Peck and Vining (2012), Introduction to Linear Regression Analysis, 5th edition, section 3.5.

    Examples
    --------
    >>> from qstats.doe import full_factorial
    >>> from qstats.doe.confirming.compatible import check_prediction
    >>> from qstats.doe.fitting.door import fit
    >>> design = full_factorial({"heat": (150, 190)}, replicates=4, rng=1)
    >>> found = fit(design, [3.1, 4.0, 3.3, 4.2, 2.9, 4.1, 3.2, 4.3], name="strength")
    >>> check_prediction(found, {"heat": 170}, {"strength": [3.6, 3.7, 3.5]}).compatible
    True
    """
    level = check_confidence(confidence)
    every = as_fits(fits)
    if not isinstance(results, Mapping) or set(results) != set(every):
        raise DataError(f"results: values for each of {', '.join(every)}, and no other, are wanted")
    share = 1.0 - (1.0 - level) / len(every)
    rows = [_one(name, f, settings, results[name], share) for name, f in every.items()]
    held = {k: np.array([row[k] for row in rows]) for k in ("observed", "predicted", "low", "high", "p", "n", "lost")}
    p = np.minimum(held["p"] * len(every), 1.0)
    each = (held["observed"] >= held["low"]) & (held["observed"] <= held["high"])
    first = next(iter(every.values()))
    natural = {f.name: f.decode(coded_settings(first, settings)[0, j]) for j, f in enumerate(first.design.factors)}
    return PredictionCheck(
        bool(each.all()), tuple(every), FrozenMapping({k: v.item() for k, v in natural.items()}),
        frozen_array(held["observed"]), frozen_array(held["predicted"]),
        Intervals(frozen_array(held["low"]), frozen_array(held["high"]), share), frozen_array(p),
        frozen_array(each, np.bool_), frozen_array(held["n"], np.int64), level,
        "prediction interval of the mean of n runs on the scale of the model, Bonferroni over responses", _REFERENCE,
        _notes(rows, list(every)),
    )  # fmt: skip


def _one(name: str, fit: DesignFit, settings: Any, given: Any, share: float) -> dict[str, Any]:
    if fit.distribution not in ("normal", "lognormal") or fit.censored is not None:
        raise DataError(
            f"fits: {name!r} is {fit.distribution}; normal and lognormal responses without stopped runs only"
        )
    y = as_vector(given, f"results[{name!r}]", missing="drop", least=0)
    lost = int(np.isnan(y).sum())
    y = y[~np.isnan(y)]
    if not y.size:
        raise TooFewData(f"results[{name!r}]: no result came; one or more are wanted")
    log = fit.link == "log"
    if log and not (y > 0.0).all():
        raise DataError(f"results[{name!r}]: a lognormal response is above zero")
    coded = coded_settings(fit, settings)
    if coded.shape[0] != 1:
        raise DataError("settings: one setting is wanted, one value a factor")
    rows = fit.rows(coded)
    eta = rows @ fit.fitted.coefficients
    df = fit.fitted.contrast_df(rows)
    se = np.hypot(fit.fitted.standard_errors(rows), fit.fitted.sigma / math.sqrt(y.size))
    mean = float((np.log(y) if log else y).mean())
    half = half_width(se, df, share)
    t = abs(mean - float(eta[0])) / float(se[0]) if se[0] > 0.0 else (0.0 if mean == float(eta[0]) else math.inf)
    known = bool(df[0] > 0.0)
    low, at, high, seen = (float(inverse_link(v, fit.link)[0]) for v in (eta - half, eta, eta + half, np.array([mean])))
    return {
        "observed": seen, "predicted": at, "low": low, "high": high, "n": y.size, "lost": lost, "known": known,
        "p": 2.0 * float(t_sf(t, float(df[0]))) if known else 1.0, "blocks": fit.design.blocks,
    }  # fmt: skip


def _notes(rows: list[dict[str, Any]], names: list[str]) -> tuple[Note, ...]:
    notes = []
    if lost := sum(row["lost"] for row in rows):
        notes.append(Note("missing-dropped", "warning", f"{lost} results are missing and were left out"))
    if blind := [n for n, row in zip(names, rows, strict=True) if not row["known"]]:
        text = f"no degree of freedom is left for the error of {', '.join(blind)}: any mean agrees; leave terms out"
        notes.append(Note("no-error-df", "warning", text))
    if any(row["blocks"] > 1 for row in rows):
        text = "the experiment had blocks that differed: a new day may differ too, which these intervals leave out"
        notes.append(Note("new-block", "info", text))
    return tuple(notes)
