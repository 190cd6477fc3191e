"""Mean and standard deviation behind the indices against NIST's Statistical Reference Datasets (univariate)."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from qstats import capability_columns, process_capability

# NIST StRD, NumAcc1 to NumAcc4: certified mean and standard deviation (exact)
NUMACC = {
    "NumAcc1": (np.array([10000001.0, 10000003.0, 10000002.0]), 10000002.0, 1.0),
    "NumAcc2": (np.array([1.2] + [1.1, 1.3] * 500), 1.2, 0.1),
    "NumAcc3": (np.array([1000000.2] + [1000000.1, 1000000.3] * 500), 1000000.2, 0.1),
    "NumAcc4": (np.array([10000000.2] + [10000000.1, 10000000.3] * 500), 10000000.2, 0.1),
}
LEW = Path(__file__).parents[3] / "shared" / "data" / "nist" / "LEW.DAT"


def _exact(x: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the float64 values as they are, in rational arithmetic."""
    values = [Fraction(float(v)) for v in x]
    mean = sum(values, Fraction(0)) / len(values)
    m2 = sum(((v - mean) ** 2 for v in values), Fraction(0))
    return float(mean), math.sqrt(float(m2 / (len(values) - 1)))


@pytest.mark.parametrize("name", NUMACC)
def test_fourteen_digits(name: str) -> None:
    x, mean, sd = NUMACC[name]
    r = process_capability(x, spec=(mean - 5 * sd, mean + 5 * sd))
    # what the certified value differs by is the rounding of the data to float64: 2e-9 of 0.1 in NumAcc4
    assert r.mean.estimate == pytest.approx(mean, rel=1e-14)
    assert r.sigma_overall.estimate == pytest.approx(sd, rel=3e-8 if name == "NumAcc4" else 3e-9)
    exact_mean, exact_sd = _exact(x)
    assert r.mean.estimate == pytest.approx(exact_mean, rel=1e-15)
    assert r.sigma_overall.estimate == pytest.approx(exact_sd, rel=1e-14)
    many = capability_columns(np.column_stack([x, x]), spec=(mean - 5 * sd, mean + 5 * sd))
    assert many.sigma_overall[1] == pytest.approx(exact_sd, rel=1e-14)


@pytest.mark.real
@pytest.mark.skipif(not LEW.is_file(), reason="no ../shared/data/nist beside the checkout")
def test_lew() -> None:
    rows = LEW.read_text(encoding="latin-1").split()
    x = np.array([float(v) for v in rows if v.lstrip("-").isdigit()][-200:])
    r = process_capability(x, spec=(-1500, 1500))
    assert r.mean.estimate == pytest.approx(-177.435, rel=1e-14)  # certified
    assert r.sigma_overall.estimate == pytest.approx(277.332168044316, rel=1e-14)  # certified, 15 digits
