"""The studentised bootstrap of two means, for skewed data."""

from __future__ import annotations

import math

from qstats._core.arrays import as_vector
from qstats._core.interval import Interval
from qstats.errors import DataError
from qstats.inference.comparison import Comparison, tail_probability, tails
from qstats.inference.means.kernels import (
    BOOTSTRAP,
    ENDLESS,
    difference_of_means,
    mean_draws,
    moments_of,
    scatter_notes,
    without_error,
)
from qstats.inference.pivot import pivot_test, safe_exp
from qstats.inference.resample import as_generator, check_resamples, invert_draws

__all__ = ["by_bootstrap"]


def by_bootstrap(
    effect: str, x: object, x0: object, null: float, confidence: float, alternative: str, resamples: int | None,
    rng: object,
) -> Comparison:  # fmt: skip
    """Return the bootstrap-t comparison of two samples; the ratio on the log scale."""
    below, above = tails(alternative, confidence)
    count, draw = check_resamples(resamples, below, above), as_generator(rng)
    a, a0 = as_vector(x, "x", least=2, missing="never"), as_vector(x0, "x0", least=2, missing="never")
    m, m0 = moments_of(a, "x"), moments_of(a0, "x0")
    ratio = effect == "mean_ratio"
    if ratio and (m.low < 0 or m0.low < 0):
        raise DataError("effect: the bootstrap of a mean ratio wants values of zero or more; use method='welch'")
    v, v0 = m.variance / m.n, m0.variance / m0.n
    se = math.hypot(math.sqrt(v) / m.mean, math.sqrt(v0) / m0.mean) if ratio else math.sqrt(v + v0)
    estimate, target = (
        (math.log(m.mean / m0.mean), math.log(null)) if ratio else (difference_of_means(a, m, a0, m0), null)
    )
    notes = scatter_notes(se, *((1.0,) if ratio else (m.mean, m0.mean)))
    if se == 0.0:
        pivot = pivot_test(estimate, se, math.inf, target, confidence, alternative)
        statistic, p, low, high = (float(value) for value in without_error(pivot, True))
    else:
        statistic = (estimate - target) / se
        found = invert_draws(mean_draws(effect, a, m, a0, m0, count, draw), statistic, below, above)
        p = tail_probability(found.low_tail, found.high_tail, alternative)
        low, high = estimate - found.high_critical * se, estimate - found.low_critical * se
        if (below > 0 and math.isinf(low)) or (above > 0 and math.isinf(high)):
            notes = (*notes, ENDLESS)
    if ratio:
        estimate, low, high = m.mean / m0.mean, safe_exp(low), safe_exp(high)
    text = f"bootstrap-t{' on the log ratio' if ratio else ''}, {count} resamples"
    return Comparison(
        effect, estimate, Interval(low, high, confidence), p, alternative, null, statistic, (m.n, m0.n), text,
        BOOTSTRAP, notes, (m.mean, m0.mean),
    )  # fmt: skip
