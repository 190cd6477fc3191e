"""From what came in to the problem that is fitted: responses, exposure, trials, censoring, each checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray, as_vector, first_bad
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.doe.design import Design
from qstats.doe.fitting.problem import Problem, make_problem, model_for
from qstats.doe.observed import column_of, observed, read_design
from qstats.doe.sheet import RunRecord
from qstats.errors import DataError

__all__ = ["DF_METHODS", "read_problem"]

DF_METHODS = ("kenward-roger", "satterthwaite")
_TAKES = {
    "exposure": ("poisson", "negative binomial"),
    "trials": ("binomial",),
    "censored": ("normal", "lognormal", "weibull"),
}
_POSITIVE = ("lognormal", "gamma", "weibull")
_COUNTS = ("poisson", "negative binomial", "binomial")
_LARGEST = 1e140  # its square is a float64 still


def read_problem(
    design: Any,
    response: Any,
    model: Any,
    distribution: str,
    more: Mapping[str, Any],
    df_method: str,
    name: str | None,
    check: bool = True,
) -> Problem:
    """Return runs, columns and response of a fit, or an error that says what cannot be used."""
    plan, record = read_design(design)
    check_choice(df_method, "df_method", DF_METHODS)
    _check_arguments(distribution, more, plan)
    held = observed(design, response, name)
    y, name = held.y, held.name
    used = ~np.isnan(y)
    _check_range(y[used], name, distribution)
    extra: dict[str, Any] = {"distribution": distribution, "df_method": df_method, "notes": _notes(record)}
    sizes = [k for k in ("exposure", "trials") if more[k] is not None]
    for key in sizes:
        extra["size"] = _numbers(more[key], key, record, used)
    if distribution == "binomial":
        if not sizes:
            raise DataError("trials: a binomial response wants trials=, how many units each run tried")
        _check_trials(y[used], extra["size"], name)
    if more["censored"] is not None:
        extra["censored"] = _flags(more["censored"], record, used)
    if plan.split_plot:
        extra["plot"] = _plots(plan, used)
    return make_problem(plan, model_for(plan, model), name, y, check, **extra)


def _check_arguments(distribution: str, more: Mapping[str, Any], design: Design) -> None:
    for key, takers in _TAKES.items():
        if more[key] is not None and distribution not in takers:
            raise DataError(f"{key}: a {distribution} response takes none; it is for {', '.join(takers)}")
    if design.split_plot and (distribution not in ("normal", "lognormal") or more["censored"] is not None):
        raise DataError(
            f"distribution: whole plots are fitted with normal or lognormal responses without censoring, not with "
            f"{distribution!r}{' and censored=' if more['censored'] is not None else ''}; transform the response"
        )


def _check_range(y: FloatArray, name: str, distribution: str) -> None:
    if distribution in _POSITIVE and (bad := y <= 0.0).any():
        raise DataError(f"{name}: {first_bad(bad, y)}; a {distribution} response is above zero")
    if distribution in _COUNTS and (bad := (y < 0.0) | (y != np.floor(y))).any():
        raise DataError(f"{name}: {first_bad(bad, y)}; counts are whole numbers of zero or more")
    largest, spread = float(np.abs(y).max(initial=0.0)), float(np.ptp(y)) if y.size else 0.0
    if largest > _LARGEST or 0.0 < spread < 1.0 / _LARGEST:
        raise DataError(f"{name}: values of {largest:.3g} with a range of {spread:.3g}; use a unit nearer to them")


def _numbers(given: Any, key: str, record: RunRecord | None, used: npt.NDArray[np.bool_]) -> FloatArray:
    given = column_of(given, key, record)
    if np.ndim(given) == 0:
        given = [given] * used.size
    size = as_vector(given, key, missing="drop")
    if size.size != used.size:
        raise DataError(f"{key}: {size.size} values came for {used.size} runs; one each is wanted")
    size = np.array(size[used])
    if (bad := ~(size > 0.0)).any():
        raise DataError(f"{key}: {first_bad(bad, size)}; each run with a response wants a number above zero")
    return size


def _check_trials(y: FloatArray, trials: FloatArray, name: str) -> None:
    if (bad := trials != np.floor(trials)).any():
        raise DataError(f"trials: {first_bad(bad, trials)}; whole numbers are wanted")
    if (bad := y > trials).any():
        raise DataError(f"{name}: {first_bad(bad, y)} successes; more than the trials of that run")


def _flags(given: Any, record: RunRecord | None, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    flags = as_vector(column_of(given, "censored", record), "censored", missing="drop")
    if flags.size != used.size:
        raise DataError(f"censored: {flags.size} values came for {used.size} runs; one each is wanted")
    flags = flags[used]
    if (bad := ~((flags == 0.0) | (flags == 1.0))).any():
        raise DataError(f"censored: {first_bad(bad, flags)}; True where the run was stopped, else False")
    return np.asarray(flags == 1.0, dtype=np.bool_)


def _plots(design: Design, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Whole plots of the runs used, numbered through all blocks."""
    both = np.column_stack([design.block, design.whole_plot])[used]
    _, where = np.unique(both, axis=0, return_inverse=True)
    return np.asarray(where.reshape(-1), dtype=np.int64)


def _notes(record: RunRecord | None) -> tuple[Note, ...]:
    """What the record tells; missing runs are counted anew for the response that is fitted."""
    return () if record is None else tuple(n for n in record.notes if n.code != "missed-runs")
