"""Did only the targeted category change? The same comparison for every other category."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.result import frozen_array
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.checks.keyed import MISSING, Keyed, by_key
from qstats.improve.verify.decide import side_of
from qstats.improve.verify.declare import worse_by
from qstats.improve.verify.evidence_item import make_evidence
from qstats.improve.verify.measure import compare_totals, controlled_totals
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.sources import Read
from qstats.improve.verify.verdict import Evidence
from qstats.inference.comparison import Comparison

__all__ = ["placebo_categories"]

LEAST = 20.0  # events of a category in the baseline
HALF = 0.5  # of the target's effect: what the others may share before it is not specific
_SHOWN = 10


def _of(case: Case, amount: FloatArray, size: FloatArray, squares: FloatArray | None) -> PeriodTable:
    """The periods with another category in place of the target."""
    exposure = frozen_array(size) if case.read.by_case else case.data.exposure
    return replace(
        case.data, events=frozen_array(amount), exposure=exposure, control_events=None, control_exposure=None,
        squares=None if squares is None else frozen_array(squares), control_squares=None,
    )  # fmt: skip


def _squares(case: Case, read: Read, name: str, *, others: bool = False) -> FloatArray | None:
    if case.data.squares is None:
        return None
    return read.rows("category", name, others=others).squares(case.edges)


def _compared(data: PeriodTable, before: Mask, after: Mask, confidence: float) -> Comparison | None:
    """The change of one table; None where a phase has no cases, or nothing was counted in either."""
    before, after = before & (data.exposure > 0), after & (data.exposure > 0)
    if not (before.any() and after.any()):
        return None
    if data.family in ("rate", "share") and not data.events[before | after].any():
        return None
    return compare_totals(data, after, before, confidence)


def _better(c: Comparison, case: Case) -> float:
    """Return how far an effect lies on the better side; logarithms for ratios."""
    metric = case.data.metric
    return -worse_by(c.estimate, metric.null, metric.better or "lower", metric.is_ratio)


def _contrast(case: Case, pooled: PeriodTable, before: Mask, confidence: float) -> Comparison | None:
    """The change of the target relative to that of all others together."""
    data = replace(
        case.data, control_events=pooled.events, control_exposure=pooled.exposure, control_squares=pooled.squares
    )
    there = pooled.exposure > 0
    before, after = before & there, case.after & there
    cells = [v[m].sum() for v in (data.events, pooled.events) for m in (before, after)]
    if data.family in ("rate", "share") and min(cells) == 0.0:
        return None  # a ratio of ratios wants events in all four cells
    return controlled_totals(data, after, before, confidence)


def _placebos(case: Case, rows: Keyed, read: Read, before: Mask, confidence: float) -> list[tuple[str, Comparison]]:
    out = []
    for i, name in enumerate(rows.names):
        enough = rows.size[i, before].sum() >= LEAST
        if enough and name != MISSING:
            table = _of(case, rows.amount[i], rows.size[i], _squares(case, read, name))
            made = _compared(table, before, case.after, confidence)
            if made is not None:
                out.append((name, made))
    return out


def placebo_categories(case: Case, before: Mask) -> tuple[tuple[Evidence, ...], bool | None]:
    """Return the change of the other categories as evidence, and whether the target's change is its own.

    False: all that was not targeted, added up, improved by half of the target's effect or more, its interval wholly on
    the better side: everything moved alike. True: the target improved beyond the others (interval of the contrast).
    None: it cannot be told, or the plan names no category. Negative controls: Lipsitch, Tchetgen Tchetgen & Cohen
    (2010), Epidemiology 21, 383-388.
    """
    plan, after = case.plan, case.after
    if plan.category is None or not (before.any() and after.any()):
        return (), None
    confidence = 1.0 - plan.alpha
    read = case.read if plan.unit is None else case.read.rows("unit", plan.unit)
    rows = by_key(read.log, "category", case.edges).without(plan.category)
    if not rows.names or rows.size[:, before].sum() < LEAST:
        return (), None
    target = _compared(case.data, before, after, confidence)
    both = rows.amount.sum(axis=0), rows.size.sum(axis=0)
    pooled_table = _of(case, *both, _squares(case, read, plan.category, others=True))
    pooled = _compared(pooled_table, before, after, confidence)
    if target is None or pooled is None:
        return (), None
    each = _placebos(case, rows, read, before, confidence)
    items = [make_evidence("placebo_pooled", pooled.estimate, pooled.interval)]
    if each:
        gains = np.array([_better(c, case) for _, c in each])
        items.append(
            make_evidence("placebo_rank", float(1 + (gains >= _better(target, case)).sum()) / (1 + gains.size))
        )
    items += [make_evidence(f"placebo:{name}", c.estimate, c.interval) for name, c in each[:_SHOWN]]
    contrast = _contrast(case, pooled_table, before, confidence)
    if contrast is not None:
        items.insert(1, make_evidence("placebo_contrast", contrast.estimate, contrast.interval))
    return tuple(items), _specific(case, target, pooled, contrast)


def _specific(case: Case, target: Comparison, pooled: Comparison, contrast: Comparison | None) -> bool | None:
    metric, gain = case.data.metric, _better(target, case)
    if not gain > 0.0:
        return None
    shared = _better(pooled, case)
    if side_of(pooled, metric) < 0 and (shared >= HALF * gain or math.isinf(shared)):
        return False
    return True if contrast is not None and side_of(contrast, metric) < 0 else None
