"""Probabilities of wrong decisions, elementwise; and their slots in a result."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy

from qstats._core.arrays import FloatArray
from qstats._core.spec import Spec
from qstats.capability.measured.wedge import log_between, rectangle

__all__ = ["Process", "Risks", "risks_of"]


class Process(NamedTuple):
    """Scenarios: what is made, how it is measured, what is accepted; arrays of one shape (m,)."""

    mean: FloatArray
    sigma_process: FloatArray
    sigma_gauge: FloatArray
    bias: FloatArray
    accept_lower: FloatArray
    accept_upper: FloatArray


class Risks(NamedTuple):
    """Probabilities, arrays of one shape (m,)."""

    consumer: FloatArray
    producer: FloatArray
    share_bad: FloatArray
    share_rejected: FloatArray
    share_accepted: FloatArray
    bad_if_accepted: FloatArray
    good_if_rejected: FloatArray


def _two_tails(low: FloatArray, high: FloatArray) -> FloatArray:
    return np.asarray(scipy.special.ndtr(low) + scipy.special.ndtr(-high))


def risks_of(spec: Spec, p: Process) -> Risks:
    """Return every probability; what has no acceptance, or no rejection, to be conditional on is 0 there."""
    lower, upper = spec.lower_spec, spec.upper_spec
    minus, plus = np.full(p.mean.shape, -np.inf), np.full(p.mean.shape, np.inf)
    a = minus if lower is None else (lower - p.mean) / p.sigma_process
    b = plus if upper is None else (upper - p.mean) / p.sigma_process
    c = (p.accept_lower - p.bias - p.mean) / p.sigma_process
    d = (p.accept_upper - p.bias - p.mean) / p.sigma_process
    t = p.sigma_gauge / p.sigma_process
    boxes = ((minus, a, c, d), (b, plus, c, d), (a, b, minus, c), (a, b, d, plus))
    low, high, under, over = (np.concatenate(column) for column in zip(*boxes, strict=True))
    parts = rectangle(low, high, under, over, np.tile(t, len(boxes))).reshape(len(boxes), -1)
    consumer, producer = parts[0] + parts[1], parts[2] + parts[3]
    wide = np.sqrt(1.0 + t * t)
    rejected = _two_tails(c / wide, d / wide)
    accepted = np.exp(log_between(c / wide, d / wide))
    return Risks(
        consumer, producer, _two_tails(a, b), rejected, accepted, _share(consumer, accepted), _share(producer, rejected)
    )


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
    return np.minimum(share, 1.0)
