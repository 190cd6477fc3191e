"""What is doubtful about a capability study, said in notes."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from qstats._core.notes import Note
from qstats.capability.result import Capability

__all__ = ["remarks"]

_FEW = 30
_COARSE = 5  # different values over six sigmas: the chart's and the index's sigma are then mostly rounding


def remarks(study: Capability) -> Capability:
    """Return the study with its notes."""
    found = (_stability(study), _few(study), _no_interval(study), _coarse(study), _contradicted(study))
    return dataclasses.replace(study, notes=(*study.notes, *(note for note in found if note is not None)))


def _stability(study: Capability) -> Note | None:
    s = study.stability
    if s.rules == "none":
        return Note("stability-unjudged", "warning", "no rules were applied: nothing is known of stability")
    if s.in_control:
        return None
    if s.demonstrated:
        text = f"signals on the chart: {s.total}, where chance alone gives about {s.expected:.2g} (first at point "
        return Note("signals", "warning", f"{text}{0 if s.first is None else s.first + 1}): look what was there")
    text = f"the chart has {s.total} signals, by chance alone about {s.expected:.2g}: the process is not stable, and "
    return Note("not-stable", "serious", text + "indices describe these data, not the process; find the causes first")


def _few(study: Capability) -> Note | None:
    if study.n >= _FEW:
        return None
    return Note("few-values", "warning", f"{study.n} values: read the lower limits, not the indices")


def _no_interval(study: Capability) -> Note | None:
    if not math.isnan(study.df_within):
        return None
    text = f"sigma {study.sigma!r} has no agreed degrees of freedom: what rests on it has no interval"
    return Note("no-interval", "warning", text + "; use 'pooled' (subgroups) or 'moving_range'")


def _coarse(study: Capability) -> Note | None:
    different = np.unique(study.picture.quantile).size
    if different >= _COARSE:
        return None
    text = f"only {different} different values: the measurement rounds too coarsely for a capability"
    return Note("coarse-resolution", "warning", text)


def _contradicted(study: Capability) -> Note | None:
    """Counted and expected fractions whose intervals do not meet tell that the normal tails are wrong."""
    seen, expected = study.observed_ppm.total, study.expected_ppm.overall.total
    if seen.interval.low <= expected.interval.high and seen.interval.high >= expected.interval.low:
        return None
    text = f"{seen.estimate:.4g} ppm were counted, a normal process would give {expected.estimate:.4g}: the values are "
    return Note("normal-doubtful", "warning", text + "not normal; use nonnormal_capability")
