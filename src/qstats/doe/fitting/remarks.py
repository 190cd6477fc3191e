"""Warnings that travel with a fit."""

from __future__ import annotations

import math

from qstats._core.notes import Note
from qstats.doe.fitting.diagnostics import FULL, Diagnostics
from qstats.doe.fitting.fitted import Fitted
from qstats.doe.fitting.lack_of_fit import LackOfFit
from qstats.doe.fitting.problem import Problem

__all__ = ["remarks"]

_FAR = 0.2
_DOUBTFUL = 0.05
_RARE = 0.01  # two tests of the run order and one of normality: not one false alarm in seven fits


def remarks(
    p: Problem,
    fitted: Fitted,
    told: Diagnostics,
    lack: LackOfFit | None,
    adjusted: float | None,
    predicted: float | None,
) -> tuple[Note, ...]:
    """Return the notes of a fit: what is missing, what is doubtful, what to do."""
    notes = [*p.notes, *fitted.notes, *_missing(p)]
    if p.least_squares:
        notes += [*_error(fitted, lack), *_prediction(adjusted, predicted), *_fit(lack), *_residuals(told)]
    return tuple(notes)


def _missing(p: Problem) -> list[Note]:
    lost = int((~p.used).sum())
    if not lost:
        return []
    return [Note("missing-runs", "warning", f"{lost} of {p.used.size} runs have no {p.response}: fitted to the others")]


def _error(fitted: Fitted, lack: LackOfFit | None) -> list[Note]:
    if fitted.df == 0.0:
        text = "saturated: no degree of freedom is left for the error, so nothing can be tested; leave terms out,"
        return [Note("saturated", "warning", f"{text} repeat runs, or look at the effects with Lenth's method")]
    if fitted.sigma == 0.0:
        return [Note("exact-fit", "warning", "the model fits every run exactly: are these measured values?")]
    if lack is None:
        text = "no setting was run twice in a block: pure error and lack of fit cannot be told; add centre points"
        return [Note("no-replicates", "info", text)]
    return []


def _prediction(adjusted: float | None, predicted: float | None) -> list[Note]:
    if predicted is None or adjusted is None:
        return []
    if predicted < 0.0:
        text = f"predicted R2 is {predicted:.3g}: the model predicts new runs worse than the mean does; leave terms out"
        return [Note("predicted-r2-negative", "warning", text)]
    if adjusted - predicted > _FAR:
        text = f"predicted R2 {predicted:.3f} is far below adjusted R2 {adjusted:.3f}: too many terms, or an outlier"
        return [Note("predicted-r2-low", "warning", text)]
    return []


def _fit(lack: LackOfFit | None) -> list[Note]:
    if lack is None or lack.p is None or lack.p >= _DOUBTFUL:
        return []
    text = f"lack of fit (p = {lack.p:.3g}): the model misses more than repeated runs scatter; add terms or transform"
    return [Note("lack-of-fit", "warning", text)]


def _residuals(told: Diagnostics) -> list[Note]:
    notes = []
    full = told.run[told.leverage > FULL].tolist()
    if full and len(full) < told.run.size:
        shown = ", ".join(map(str, full[:8])) + (" ..." if len(full) > 8 else "")
        text = f"run {shown}: leverage 1, the model goes through it whatever it is; an error there cannot be seen"
        notes.append(Note("leverage-one", "warning", text))
    if told.outlier_pvalue is not None and told.outlier_pvalue < _DOUBTFUL and told.deleted is not None:
        size = abs(told.deleted)
        worst = int(told.run[max(range(size.size), key=lambda i: -1.0 if math.isnan(size[i]) else float(size[i]))])
        text = f"run {worst} does not belong to the others (p = {told.outlier_pvalue:.3g} for all runs): look at it"
        notes.append(Note("outlier", "warning", text))
    w = told.normality.shapiro_wilk_pvalue if told.normality is not None else None
    if w is not None and w < _RARE:
        text = f"residuals are not normal (Shapiro-Wilk p = {w:.3g}): look at box_cox() or another distribution"
        notes.append(Note("residuals-not-normal", "warning", text))
    if told.run_order is not None and min(told.run_order.p, told.run_order.p_durbin_watson) < _RARE:
        text = "residuals follow the order of the runs: something drifted; put time into the model or look for it"
        notes.append(Note("drift", "warning", text))
    return notes
