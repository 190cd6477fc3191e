"""One analysis, every table library: the same numbers as from plain lists."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from qstats import (
    ControlChart,
    DataError,
    LogColumns,
    VerificationPlan,
    individuals,
    pareto,
    u_chart,
    verify_improvement,
)

Make = Callable[[dict[str, list[Any]]], Any]

N = 24
DAYS = [dt.date(2023 + i // 12, i % 12 + 1, 1) for i in range(N)]
COUNTS = [31, 27, 35, 29, 33, 30, 26, 34, 28, 32, 30, 29, 14, 17, 12, 15, 18, 13, 16, 15, 14, 12, 17, 13]
UNITS = [1000.0 + 10 * i for i in range(N)]
VALUES = [1e9 + 1e-3 * ((7 * i) % 11) for i in range(N)]
PHASE = ["前"] * 12 + ["后"] * 12


def _columns(rng: np.random.Generator) -> dict[str, list[Any]]:
    order = rng.permutation(N)
    table: dict[str, list[Any]] = {"day": DAYS, "n": COUNTS, "units": UNITS, "x": VALUES, "phase": PHASE}
    return {name: [cells[i] for i in order] for name, cells in table.items()}


def _same(a: ControlChart, b: ControlChart) -> None:
    assert a.panels.keys() == b.panels.keys()
    for name, panel in a.panels.items():
        other = b.panels[name]
        for field in ("statistic", "center", "lower", "upper"):
            np.testing.assert_allclose(getattr(panel, field), getattr(other, field), rtol=1e-15, equal_nan=True)
    assert [(s.panel, s.index, s.rule) for s in a.signals] == [(s.panel, s.index, s.rule) for s in b.signals]
    assert a.phases == b.phases


def test_u_chart(make: Make, shuffled: np.random.Generator) -> None:
    plain = u_chart(COUNTS, exposure=UNITS, phase=PHASE)
    frame = make(_columns(shuffled))
    got = u_chart(frame, count="n", exposure="units", order_by="day", phase="phase")
    _same(got, plain)
    assert got.labels[0] == "2023-01-01"
    # sum of counts over sum of exposures, per phase: 364 / 12660 and 176 / 14100
    assert got.panels["u"].center[0] == pytest.approx(364 / 12660, rel=1e-15)
    assert got.panels["u"].center[-1] == pytest.approx(176 / 14100, rel=1e-15)


def test_individuals_at_a_large_offset(make: Make, shuffled: np.random.Generator) -> None:
    _same(individuals(make(_columns(shuffled)), values="x", order_by="day"), individuals(VALUES))


def test_pareto(make: Make, shuffled: np.random.Generator) -> None:
    table = pareto(make(_columns(shuffled)), by="phase", count="n")
    assert table.categories == ("前", "后")
    assert table.values.tolist() == [364.0, 176.0]


def test_verify(make: Make, shuffled: np.random.Generator) -> None:
    frame = make(_columns(shuffled))
    plan = VerificationPlan("?", "2024-01-01", ("2023-01-01", "2023-12-31"), "2024-12-31")  # type: ignore[arg-type]
    v = verify_improvement(
        plan, frame, exposure=frame, columns=LogColumns("day", "n", None, None, None, "day", "units")
    )
    assert v.events.tolist() == COUNTS
    assert v.exposure.tolist() == UNITS
    assert v.state == "effective"


def test_unordered_engines_want_an_order(engine: str, make: Make, shuffled: np.random.Generator) -> None:
    if engine in ("pandas", "polars", "polars-lazy", "pyarrow"):
        pytest.skip("rows of this table have an order")
    with pytest.raises(DataError, match="order_by"):
        individuals(make(_columns(shuffled)), values="x")
