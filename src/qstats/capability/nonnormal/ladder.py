"""Which of the adequate fits is taken."""

from __future__ import annotations

from collections.abc import Sequence

from qstats._core.notes import Note
from qstats.capability.nonnormal.fitted import FittedDistribution

__all__ = ["choose"]

# Equally good fits: fewest parameters first, then this order.
_POOL = ("lognormal", "weibull", "gamma", "boxcox", "lognormal3", "weibull3")
_PARAMETERS = {"lognormal": 2, "weibull": 2, "gamma": 2}
_ALIKE = 2.0  # difference of AICc that tells nothing


def choose(fits: Sequence[FittedDistribution]) -> tuple[FittedDistribution, tuple[Note, ...]]:
    """Return the fit to use and what must be said about the choice.

    1. Normal, if adequate. 2. Of the adequate lognormal, Weibull, gamma, Box-Cox, and three-parameter lognormal and
    Weibull, those within 2 of the least AICc; among them the fewest parameters, then the order named. 3. Johnson, if
    adequate: it is fitted through four quantiles and has no likelihood to compare. 4. The percentiles of the sample.
    """
    by = {f.family: f for f in fits}
    if by["normal"].adequate:
        return by["normal"], ()
    pool = [by[name] for name in _POOL if by[name].adequate]
    scored = [(f.aicc, f) for f in pool if f.aicc is not None]
    if scored:
        least = min(a for a, _ in scored)
        near = [f for a, f in scored if a <= least + _ALIKE]
        return min(near, key=lambda f: _PARAMETERS.get(f.family, 3)), ()
    if by["johnson"].adequate:
        return by["johnson"], ()
    text = (
        "no family fits: the indices are sample percentiles and shares, which need thousands of values; look for a "
        "mixture, outliers, drift or a coarse gauge first"
    )
    return by["empirical"], (Note("no-family-fits", "warning", text),)
