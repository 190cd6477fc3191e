"""Coverage of the intervals of agreement: exact shares by enumeration, coefficients by simulation."""

import math
import os

import numpy as np
import pytest
from scipy.stats import binom, norm

from qstats.msa.agreement import cohen_kappa, fleiss_kappa, gwet_ac, krippendorff_alpha
from qstats.msa.agreement.shares import share_of

pytestmark = pytest.mark.calibration

FULL = os.environ.get("QSTATS_CALIBRATE") == "full"
STUDIES = 10_000 if FULL else 400


def judged(rng, parts, raters, bad, right):
    """Answers of raters who are each right with probability `right`, independently, on parts bad with share `bad`."""
    truth = rng.random((parts, 1)) < bad
    return (truth ^ (rng.random((parts, raters)) >= right)).astype(int)


def truth(bad, right):
    """Return kappa (the same for any number of such raters) and AC1 of the population."""
    agree = right**2 + (1 - right) ** 2
    p = bad * right + (1 - bad) * (1 - right)
    chance, rare = p**2 + (1 - p) ** 2, 2 * p * (1 - p)
    return (agree - chance) / (1 - chance), (agree - rare) / (1 - rare)


def not_below(hits, n, least):
    """The share is not below `least`, within Monte Carlo error."""
    assert hits / n >= least - norm.isf(1e-4) * math.sqrt(least * (1 - least) / n), hits / n


# (share bad, share right): true kappas of 0.43 to 0.81. Full run (10,000 studies, nominal 0.95): Cohen 0.937 to 0.950,
# Fleiss of three 0.943 to 0.961, AC1 0.959 to 0.981, alpha 0.949 to 0.968. Limits symmetric in kappa itself (Wald) gave
# Cohen 0.89 to 0.99 in 1,500 studies of the same populations.
POPULATIONS = [(0.5, 0.95), (0.5, 0.85), (0.3, 0.95), (0.3, 0.85)]


@pytest.mark.parametrize("parts", [30, 50])
@pytest.mark.parametrize(("bad", "right"), POPULATIONS)
def test_kappa_and_ac(parts, bad, right):
    rng = np.random.default_rng(20261122)
    kappa, ac = truth(bad, right)
    hits = np.zeros(4)
    for _ in range(STUDIES):
        x = judged(rng, parts, 3, bad, right)
        two = cohen_kappa(x[:, 0], x[:, 1], categories=[0, 1])
        three = fleiss_kappa(x, categories=[0, 1])
        hits += [
            two.interval is not None and kappa in two.interval,
            three.interval is not None and kappa in three.interval,
            ac in gwet_ac(x, categories=[0, 1]).interval,
            kappa in krippendorff_alpha(x, interval="analytic").interval,
        ]
    print(parts, bad, right, hits / STUDIES)
    for h, least in zip(hits, (0.93, 0.93, 0.93, 0.93), strict=True):
        not_below(h, STUDIES, least)


@pytest.mark.parametrize("n", [10, 30, 50])
def test_shares_by_enumeration(n):
    """Every share, every outcome: Clopper-Pearson never covers less than it says."""
    limits = [share_of(np.arange(n) < k, 0.95).interval for k in range(n + 1)]
    for p in np.linspace(0.005, 0.995, 199):
        held = sum(binom.pmf(k, n, p) for k in range(n + 1) if p in limits[k])
        assert held >= 0.95 - 1e-12
