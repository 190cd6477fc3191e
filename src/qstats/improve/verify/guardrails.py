"""What must not get worse, and what else was promised: guardrails and secondary metrics of a plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from qstats.errors import DataError
from qstats.improve.verify.checks.case import Case, Mask
from qstats.improve.verify.decide import side_of, span
from qstats.improve.verify.declare import Guardrail, LogColumns, Metric, worse_by
from qstats.improve.verify.measure import compare_totals, level_of
from qstats.improve.verify.periods import PeriodTable
from qstats.improve.verify.series import fit_series
from qstats.improve.verify.sources import Source, read_source
from qstats.improve.verify.verdict import GuardrailResult, SecondaryResult
from qstats.inference.comparison import Comparison

__all__ = ["compared_phases", "judge_guardrails", "judge_secondary", "periods_of", "sources_of"]

_ENTRIES = ("log", "exposure", "columns")


def sources_of(given: object, declared: tuple[Metric, ...], name: str) -> dict[str, Source]:
    """Return the tables of guardrails and secondary metrics by their names; one that is not in the plan is an error."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DataError(
            f"{name}: got a {type(given).__name__}; a dict from the name of a metric to its table is wanted"
        )
    known = [m.name for m in declared]
    out = {}
    for key, value in given.items():
        if key not in known:
            told = ", ".join(map(repr, known)) or "none"
            raise DataError(f"{name}: {key!r} is not in the plan; declared are {told}: the plan decides, not the call")
        entries = dict(value) if isinstance(value, Mapping) else {"log": value}
        for entry in entries:
            if entry not in _ENTRIES:
                raise DataError(f"{name}[{key!r}]: unknown entry {entry!r}; known are {', '.join(_ENTRIES)}")
        if "log" not in entries:
            raise DataError(f"{name}[{key!r}]: entry 'log' is missing; the table is wanted")
        columns = entries.get("columns", LogColumns(values="value"))
        if not isinstance(columns, LogColumns):
            raise DataError(f"{name}[{key!r}]: columns is a {type(columns).__name__}; LogColumns is wanted")
        out[key] = Source(entries["log"], entries.get("exposure"), columns, key)
    return out


def periods_of(case: Case, metric: Metric, source: Source) -> PeriodTable:
    """The periods of the plan filled with another metric; a period without a case of it is a gap."""
    try:
        read = read_source(source, metric, case.data_date)
    except DataError as error:
        raise type(error)(f"{metric.name!r}: {error}") from None  # which of several tables it is about
    events, exposure = read.sums(case.edges)
    if metric.family == "share" and (events > exposure).any():
        raise DataError(f"{metric.name}: more bad cases than cases in a period; check the exposure table")
    inside = metric.family in ("log", "mean")
    return dataclasses.replace(
        case.data, events=events, exposure=exposure, control_events=None, control_exposure=None,
        squares=read.squares(case.edges) if inside else None, control_squares=None, metric=metric,
    )  # fmt: skip


def compared_phases(
    case: Case, metric: Metric, source: Source, before: Mask
) -> tuple[Comparison | None, tuple[float, ...], tuple[float, ...]]:
    """Compare the phases; return also level and cases after and before."""
    data = periods_of(case, metric, source)
    first, second = before & (data.exposure > 0), data.where("after")
    cases = tuple(float(data.exposure[mask].sum()) for mask in (second, first))
    if not first.any() or not second.any():
        return None, (), cases
    series = fit_series(data, case.plan, first, second, controlled=False, trend=False)
    levels = (level_of(data, second), level_of(data, first))
    if series is not None:
        return series.comparison(), levels, cases
    return compare_totals(data, second, first, 1.0 - case.plan.alpha), levels, cases


def _state(c: Comparison | None, guardrail: Guardrail) -> str:
    if c is None or not np.isfinite(c.estimate):
        return "not assessed"
    best, worst = span(c, guardrail)
    limit = worse_by(guardrail.limit, guardrail.null, guardrail.better or "lower", guardrail.is_ratio)
    if worst < limit:
        return "pass"
    return "breach" if best >= limit else "open"


def judge_guardrails(case: Case, before: Mask, sources: Mapping[str, Source]) -> tuple[GuardrailResult, ...]:
    """Return, for every guardrail of the plan, whether the margin is excluded, breached or open.

    Each at the same two-sided error as the primary (one-sided half of it): all must pass, so no error is shared out
    (intersection-union test; Berger (1982), Technometrics 24, 295-300). Without data it is not assessed, never "ok".
    """
    out = []
    for g in case.plan.guardrails:
        found: tuple[Comparison | None, tuple[float, ...], tuple[float, ...]] = (None, (), ())
        if g.name in sources:
            found = compared_phases(case, g, sources[g.name], before)
        state: Any = _state(found[0], g)
        out.append(GuardrailResult(g.name, g.kind, g.better or "lower", g.limit, state, *found))
    return tuple(out)


def judge_secondary(
    case: Case, before: Mask, sources: Mapping[str, Source], *, improved: bool
) -> tuple[SecondaryResult, ...]:
    """Return the secondary metrics in their declared order; the first that does not improve ends the list.

    The order keeps the error of the whole family at that of the primary (fixed sequence; Maurer, Hothorn & Lehmacher
    (1995), in Vollmar, Biometrie in der chemisch-pharmazeutischen Industrie 6, 3-18). Later ones are shown only.
    """
    out, going = [], improved
    for m in case.plan.secondary:
        found: tuple[Comparison | None, tuple[float, ...], tuple[float, ...]] = (None, (), ())
        if m.name in sources:
            found = compared_phases(case, m, sources[m.name], before)
        side = None if found[0] is None else side_of(found[0], m)
        if side is None:
            state = "not assessed"
        elif side > 0:
            state = "worse"
        elif not going:
            state = "not claimed"
        else:
            state = "improved" if side < 0 else "not shown"
        going = going and state == "improved"
        out.append(SecondaryResult(m.name, m.kind, m.better or "lower", state, *found))  # type: ignore[arg-type]
    return tuple(out)
