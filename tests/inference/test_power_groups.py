"""Power of several groups: statsmodels' F, scipy's noncentral chi-square, and simulated studies."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import FTestAnovaPower

from qstats import (
    DataError,
    compare_mean_groups,
    compare_proportion_groups,
    compare_rate_groups,
    mean_groups_power,
    mean_groups_sample_size,
    proportion_groups_power,
    proportion_groups_sample_size,
    rate_groups_power,
    rate_groups_sample_size,
)


@pytest.mark.parametrize(("means", "sd", "n"), [([10, 10, 11], 1.5, 30), ([1, 2, 3, 4], 4.0, 15), ([0, 1], 1.0, 20)])
def test_means_equal_statsmodels(means: list[float], sd: float, n: int) -> None:
    f = float(np.std(means)) / sd
    wanted = FTestAnovaPower().power(f, n * len(means), 0.05, len(means))
    assert mean_groups_power(means, sd, n).power == pytest.approx(wanted, rel=1e-9)


def test_counts_are_noncentral_chi_square() -> None:
    p, n = np.array([0.1, 0.15, 0.2, 0.1]), 120
    common = p.mean()
    shift = n * ((p - common) ** 2).sum() / (common * (1 - common))
    wanted = stats.ncx2.sf(stats.chi2.ppf(0.95, 3), 3, shift)
    assert proportion_groups_power(p, n).power == pytest.approx(wanted, rel=1e-9)
    rates = np.array([0.02, 0.03])
    shift = 1500 * ((rates - 0.025) ** 2).sum() / (0.025 * 2.0)
    wanted = stats.ncx2.sf(stats.chi2.ppf(0.95, 1), 1, shift)
    assert rate_groups_power(rates, 1500, dispersion=2.0).power == pytest.approx(wanted, rel=1e-9)


def test_sizes_have_the_power_and_one_less_has_not() -> None:
    n = mean_groups_sample_size([10, 10, 11], 1.5).size
    assert mean_groups_power([10, 10, 11], 1.5, n).power >= 0.8 > mean_groups_power([10, 10, 11], 1.5, n - 1).power
    n = proportion_groups_sample_size([0.1, 0.1, 0.2]).size
    assert proportion_groups_power([0.1, 0.1, 0.2], n).power >= 0.8
    assert proportion_groups_power([0.1, 0.1, 0.2], n - 1).power < 0.8
    assert rate_groups_sample_size([0.02, 0.03]).power == pytest.approx(0.8, abs=1e-9)


def test_simulated_studies_have_the_power() -> None:
    rng = np.random.default_rng(1)
    runs = 400
    p, rates, mu = np.array([0.1, 0.1, 0.2]), np.array([0.02, 0.02, 0.03]), np.array([10.0, 10.0, 11.0])
    by = np.repeat([0, 1, 2], 30)
    hits = np.zeros(3)
    for _ in range(runs):
        hits[0] += compare_proportion_groups(rng.binomial(150, p), [150] * 3).pvalue < 0.05
        hits[1] += compare_rate_groups(rng.poisson(2000 * rates), [2000.0] * 3).pvalue < 0.05
        hits[2] += compare_mean_groups(rng.normal(mu[by], 1.5), by).pvalue < 0.05
    planned = [
        proportion_groups_power(p, 150).power,
        rate_groups_power(rates, 2000).power,
        mean_groups_power(mu, 1.5, 30).power,
    ]
    error = 4 * np.sqrt(0.25 / runs)
    assert np.abs(hits / runs - planned).max() < error


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mean_groups_power([1.0], 1.0, 5), "means"),
        (lambda: mean_groups_power([1.0, 2.0], 0.0, 5), "sd"),
        (lambda: mean_groups_sample_size([1.0, 1.0], 1.0), "alike"),
        (lambda: proportion_groups_power([0.1, 1.2], 5), "proportions"),
        (lambda: proportion_groups_power([0.0, 0.0], 5), "nothing can differ"),
        (lambda: rate_groups_power([-1.0, 1.0], 5), "rates"),
        (lambda: rate_groups_power([0.1, 0.2], 0), "exposure"),
        (lambda: rate_groups_sample_size([0.1, 0.1]), "alike"),
    ],
)
def test_refused(call, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=says):
        call()
