"""Estimators of sigma from moving ranges."""

import math

import numpy as np
import pytest

from qstats.errors import DataError
from qstats.spc.sigma import describe_sigma, known_sigma, median_moving_range, moving_range

RANGES = np.array([1.0, 2.0, 6.0])


def test_mean_moving_range():
    # d2(2) = 2/sqrt(pi) exactly; printed as 1.128 (Montgomery, Appendix VI)
    assert moving_range(RANGES) == pytest.approx(3.0 * math.sqrt(math.pi) / 2, rel=1e-14)
    assert moving_range(RANGES, "table") == 3.0 / 1.128


def test_median_moving_range():
    # sqrt(2) * Phi^-1(.75) = 0.953873 (R: sqrt(2)*qnorm(.75)), not 1.128; JMP prints 0.954
    assert median_moving_range(RANGES) == pytest.approx(2.0 / 0.953873, rel=1e-6)
    assert median_moving_range(RANGES, "table") == 2.0 / 0.954


def test_known_sigma():
    assert known_sigma("moving_range") is None
    assert known_sigma(2) == 2.0


@pytest.mark.parametrize("bad", ["sd", 0.0, -1.0, math.nan, True, None])
def test_refused(bad):
    with pytest.raises(DataError, match="sigma"):
        known_sigma(bad)


def test_the_method_is_named():
    assert "1.128 (table)" in describe_sigma("moving_range", "table")
    assert "1.12838 (exact)" in describe_sigma("moving_range", "exact")
    assert "0.953873" in describe_sigma("median_moving_range", "exact")
    assert describe_sigma(2.0, "exact") == "sigma given"
