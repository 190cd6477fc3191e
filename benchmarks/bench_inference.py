"""CPU of a million comparisons of rates or proportions, of a hundred thousand pairs of samples, and of one.

Run: ``OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/bench_inference.py`` (``--quick``: a tenth of the rows).
*Ordinary* counts have means around 20, so that many rows share a pair of counts; *large* ones have means around 2,000
and hardly ever do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
from measure import cpu, per_call

from qstats import compare_proportions, compare_rates
from qstats.inference.means.means import compare_means
from qstats.inference.means.paired import compare_paired_means
from qstats.inference.negative_binomial import compare_overdispersed_rates
from qstats.inference.paired_proportions import compare_paired_proportions
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.rate_estimates import estimate_rate
from qstats.inference.rates import rate_pvalues
from qstats.inference.times.quantiles import compare_quantiles
from qstats.inference.times.times import compare_times

M = 100_000 if "--quick" in sys.argv else 1_000_000


def _show(what: str, job: Callable[[], object]) -> None:
    print(f"{what:<67} {cpu(job, 3):6.3f} s")


def _rates(rng: np.random.Generator, mean: float, words: str) -> None:
    level = rng.gamma(2.0, mean / 2.0, M)
    y, y0 = rng.poisson(level), rng.poisson(level)
    t, t0 = rng.uniform(0.5, 2.0, (2, M))
    for method in ("midp", "exact", "score"):
        _show(f"{words} rates, {method}: p-values", lambda m=method: rate_pvalues(y, t, y0, t0, method=m))
        _show(f"{words} rates, {method}: with intervals", lambda m=method: compare_rates(y, t, y0, t0, method=m))
    _show(f"{words} rates, difference", lambda: compare_rates(y, t, y0, t0, effect="rate_difference"))
    _show(f"{words} rates, one each, mid-p", lambda: estimate_rate(y, t))


def _rates_by_mean(rng: np.random.Generator) -> None:
    """Print the hardest rows: no change between the groups, every tail near its middle; the last ones far apart."""
    for mean, mean0 in ((5, 5), (20, 20), (50, 50), (200, 200), (2000, 2000), (5, 2000)):
        y, y0, t0 = rng.poisson(mean, M), rng.poisson(mean0, M), mean0 / mean
        for words, t in (("one exposure", np.ones(M)), ("own exposures", rng.uniform(0.5, 2.0, M))):
            name, columns = f"rates, means of {mean} and {mean0}, {words}", (y, t, y0, t0)
            _show(f"{name}: p-values", partial(rate_pvalues, *columns))
            _show(f"{name}: with intervals", partial(compare_rates, *columns))


def _proportions(rng: np.random.Generator) -> None:
    n, n0 = rng.integers(20, 200, (2, M))
    x, x0 = rng.binomial(n, 0.3), rng.binomial(n0, 0.35)
    for effect in ("difference", "risk_ratio", "odds_ratio"):
        _show(f"proportions, {effect}, score", lambda e=effect: compare_proportions(x, n, x0, n0, effect=e))
    _show("proportions, difference, Newcombe", lambda: compare_proportions(x, n, x0, n0, method="newcombe"))
    few = slice(0, M // 10)
    job = lambda: compare_proportions(x[few], n[few], x0[few], n0[few], effect="odds_ratio", method="midp")  # noqa: E731
    _show("a tenth of them, odds_ratio, conditional mid-p", job)
    for method in ("wilson", "clopper-pearson", "midp", "jeffreys"):
        _show(f"one proportion each, {method}", lambda m=method: estimate_proportion(x, n, method=m))
    b, c = rng.poisson(6.0, (2, M))
    _show("paired, difference (Tango)", lambda: compare_paired_proportions(40, b, c, 30))


def _lines(rng: np.random.Generator) -> None:
    shape = (M // 10, 20)
    x, x0 = rng.gamma(2.0, 3.0, shape), rng.gamma(2.0, 4.0, shape)
    closed, closed0 = rng.random((2, *shape)) < 0.8
    horizon = min(float(t.max(axis=1).min()) for t in (x, x0))
    y, y0 = rng.negative_binomial(2, 0.2, shape), rng.negative_binomial(2, 0.2, shape)
    days = {"measure": "rmst_difference", "horizon": horizon}
    jobs: dict[str, Callable[[], object]] = {
        "compare_means, Welch": lambda: compare_means(x, x0),
        "compare_means, ratio (Fieller)": lambda: compare_means(x, x0, effect="mean_ratio"),
        "compare_paired_means, t": lambda: compare_paired_means(x, x0),
        "compare_times, geometric mean": lambda: compare_times(x, x0),
        "compare_times, to a horizon, all closed": lambda: compare_times(x, x0, **days),
        "compare_times, to a horizon, some open": lambda: compare_times(x, x0, closed=closed, closed0=closed0, **days),
        "compare_quantiles, median": lambda: compare_quantiles(x, x0),
        "compare_quantiles, 0.9": lambda: compare_quantiles(x, x0, 0.9),
        "compare_overdispersed_rates, ratio": lambda: compare_overdispersed_rates(y, 1, y0, 1),
        "compare_overdispersed_rates, difference": lambda: compare_overdispersed_rates(
            y, 1, y0, 1, effect="rate_difference"
        ),
    }
    for name, job in jobs.items():
        _show(f"a tenth of them x 20 rows, {name}", job)
    few = M // 100
    nb, nb0 = rng.negative_binomial(2, 0.2, (few, 24)), rng.negative_binomial(2, 0.2, (few, 12))
    job = partial(compare_overdispersed_rates, nb, 1, nb0, 1, model="negative-binomial")
    _show("a hundredth of them x (24 + 12) periods, negative binomial", job)


def _single() -> None:
    before, after = [9, 2, 14, 6, 11, 3, 8, 15, 1, 7], [4, 1, 6, 2, 0, 7, 3, 1]
    jobs: dict[str, Callable[[], object]] = {
        "compare_rates, mid-p": lambda: compare_rates(12, 100, 30, 100),
        "compare_rates, exact": lambda: compare_rates(12, 100, 30, 100, method="exact"),
        "compare_rates, score": lambda: compare_rates(12, 100, 30, 100, method="score"),
        "compare_rates, difference": lambda: compare_rates(12, 100, 30, 100, effect="rate_difference"),
        "compare_proportions": lambda: compare_proportions(56, 70, 48, 80),
        "compare_overdispersed_rates, quasi-Poisson": lambda: compare_overdispersed_rates(after, 1, before, 1),
    }
    for name, job in jobs.items():
        print(f"one call, {name:<48} {1e6 * per_call(job):6.0f} us")
    nb = cpu(lambda: compare_overdispersed_rates(after, 1, before, 1, model="negative-binomial"), 3)
    print(f"one call, {'compare_overdispersed_rates, negative binomial':<48} {1e3 * nb:6.1f} ms")


def main() -> None:
    """Print CPU seconds."""
    rng = np.random.default_rng(20261121)
    print(f"{M:,} rows, CPU seconds")
    _rates(rng, 20.0, "ordinary")
    _rates(rng, 2000.0, "large")
    _rates_by_mean(rng)
    _proportions(rng)
    _lines(rng)
    _single()


if __name__ == "__main__":
    main()
