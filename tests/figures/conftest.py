"""Results to draw: made by the library's own functions from numbers written here."""

import numpy as np
import pytest

from qstats import (
    ControlChart,
    LogColumns,
    ParetoTable,
    Verdict,
    VerificationPlan,
    individuals,
    pareto,
    u_chart,
    verify_improvement,
)

HOSTILE = "<script>alert(1)</script> ]]> & \"x\" 'y' $a_b$"


@pytest.fixture
def chart() -> ControlChart:
    x = np.random.default_rng(7).normal(50.0, 2.0, 40)
    x[12] = 75.0
    return individuals(x, rules="nelson")


@pytest.fixture
def phased() -> ControlChart:
    rng = np.random.default_rng(3)
    size = rng.uniform(800, 1500, 36)
    counts = rng.poisson(np.where(np.arange(36) < 20, 0.012, 0.006) * size)
    return u_chart(counts, exposure=size, phase=["老工艺"] * 20 + [HOSTILE] * 16, exclude=[4])


@pytest.fixture
def table() -> ParetoTable:
    names = ["配送延迟", "外观划痕与色差导致的客户退货(华东大区)及其它说明文字", HOSTILE, "late", "$5"]
    return pareto(np.repeat(names, [60, 30, 12, 8, 2]))


def make_verdict(question: str = "Fewer late parcels?", ratio: float = 0.5, control: bool = False) -> Verdict:
    import pandas as pd

    rng = np.random.default_rng(11)
    months = pd.date_range("2022-01-01", "2024-12-01", freq="MS")
    orders = rng.integers(8000, 12000, 36).astype(float)
    rate = np.where(np.arange(36) < 24, 0.004, 0.004 * ratio)
    rate[22] = 0.008
    log = pd.DataFrame({"date": months, "n": rng.poisson(rate * orders), "orders": orders})
    plan = VerificationPlan(
        question,
        "2024-01-01",
        ("2022-01-01", "2023-12-31"),
        "2024-12-31",
        transition=("2024-01-01", "2024-01-31"),
        trigger_window=("2023-11-01", "2023-11-30"),
        control="group" if control else "none",
    ).freeze(on="2023-12-15")
    other = pd.DataFrame({"date": months, "n": rng.poisson(0.005 * orders), "orders": orders}) if control else None
    columns = LogColumns(events="n", exposure="orders")
    return verify_improvement(plan, log, exposure=log, control=other, control_exposure=other, columns=columns)


@pytest.fixture
def verdict() -> Verdict:
    return make_verdict(control=True)
