"""Power of pairs: statsmodels' t, a plain sum over every outcome with the public test, simulation-free."""

import math

import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from qstats import (
    DataError,
    compare_paired_proportions,
    paired_means_power,
    paired_means_sample_size,
    paired_proportions_power,
    paired_proportions_sample_size,
)


@pytest.mark.parametrize(("d", "sd", "n"), [(0.5, 1.0, 34), (2.0, 5.0, 12), (-1.0, 0.7, 6)])
def test_paired_means_equal_statsmodels(d: float, sd: float, n: int) -> None:
    wanted = TTestPower().power(abs(d) / sd, n, 0.05)
    assert paired_means_power(d, sd, n).power == pytest.approx(wanted, rel=1e-8)
    side = "greater" if d > 0 else "less"
    one = TTestPower().power(abs(d) / sd, n, 0.05, alternative="larger")
    assert paired_means_power(d, sd, n, alternative=side).power == pytest.approx(one, rel=1e-8)


def test_paired_means_sample_size_is_the_least() -> None:
    r = paired_means_sample_size(0.4, 1.0, power=0.9)
    assert r.power >= 0.9 > TTestPower().power(0.4, r.size - 1, 0.05)
    assert r.size == math.ceil(TTestPower().solve_power(0.4, power=0.9, alpha=0.05))


@pytest.mark.parametrize("method", ["score", "midp", "exact"])
@pytest.mark.parametrize("alternative", ["two-sided", "greater"])
def test_paired_proportions_are_the_sum_over_every_outcome(method: str, alternative: str) -> None:
    p, q, n = 0.3, 0.1, 15
    law = stats.multinomial(n, [p, q, 1 - p - q])
    effect = "difference" if method == "score" else "odds_ratio"
    wanted = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            got = compare_paired_proportions(0, b, c, n - b - c, effect=effect, method=method, alternative=alternative)
            wanted += law.pmf([b, c, n - b - c]) * (got.pvalue < 0.05)
    got = paired_proportions_power(p, q, n, method=method, alternative=alternative)
    assert got.power == pytest.approx(wanted, rel=1e-9)


def test_noninferiority_margin() -> None:
    assert paired_proportions_power(0.1, 0.1, 200, null=-0.1, alternative="greater").power > 0.8
    assert paired_proportions_power(0.1, 0.2, 200, null=-0.1, alternative="greater").power < 0.06


def test_paired_proportions_sample_size() -> None:
    r = paired_proportions_sample_size(0.25, 0.05, method="exact")
    assert r.power >= 0.8
    for n in range(int(r.size), int(r.size) + 6):
        assert paired_proportions_power(0.25, 0.05, n, method="exact").power >= 0.8
    assert paired_proportions_power(0.25, 0.05, int(r.size) - 1, method="exact").power < 0.8


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired_means_power(0.5, 0.0, 10), "sd"),
        (lambda: paired_means_power(0.5, 1.0, 10.5), "whole"),
        (lambda: paired_means_sample_size(0.0, 1.0), "difference"),
        (lambda: paired_proportions_power(0.7, 0.6, 10), "together"),
        (lambda: paired_proportions_power(0.0, 0.0, 10), "together"),
        (lambda: paired_proportions_power(0.2, 0.1, 5000), "enumerated"),
        (lambda: paired_proportions_sample_size(0.2, 0.2), "only"),
        (lambda: paired_proportions_sample_size(0.2, 0.199), "not reached"),
        (lambda: paired_proportions_power(0.2, 0.1, 50, method="wald"), "method"),
    ],
)
def test_refused(call, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=says):
        call()
