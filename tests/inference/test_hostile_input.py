"""Hostile pairs of columns through every comparison: an answer without NaN, or an error of ours; never a warning."""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from qstats import (
    adjust_pvalues,
    compare_mean_groups,
    compare_proportions,
    compare_rates,
    interrupted_series,
    nps_from_counts,
    ordinal_power,
)
from qstats.errors import QStatsError
from qstats.inference.means.means import compare_mean_summaries, compare_means, estimate_mean
from qstats.inference.means.paired import compare_paired_means
from qstats.inference.ordinal.proportional_odds import proportional_odds
from qstats.inference.ordinal.scores import compare_ordinal, compare_ordinal_counts
from qstats.inference.times.logrank import logrank
from qstats.inference.times.quantiles import compare_quantiles, estimate_quantile
from qstats.inference.times.survival import survival_curve
from qstats.inference.times.times import compare_times

COLUMNS: list[Any] = [
    [], [1.0], [1, 1], [0, 0, 0], [0, 1], [1, 2, 3], [np.nan, 1], [math.inf, 1], ["a", "b"], None, 5, "abc",
    [[1, 2], [3, 4]], [1e308, 1e308], [1e-308, 2e-308], [1e12, 1e12 + 1], [-1, 2], [True, False], [None, 1], {"a": 1},
    [1e300, -1e300], [0, 1e-320], [2**60, 1],
]  # fmt: skip
BOOTSTRAP = {"method": "bootstrap-t", "rng": 1, "resamples": 99}
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "difference": compare_means,
    "ratio": partial(compare_means, effect="mean_ratio"),
    "bootstrap": partial(compare_means, **BOOTSTRAP),
    "bootstrap ratio": partial(compare_means, effect="mean_ratio", **BOOTSTRAP),
    "summaries": lambda a, b: compare_mean_summaries(a, 1.0, 5, b, 2.0, 5),
    "one mean": lambda a, b: estimate_mean(a),
    "ordinal": compare_ordinal,
    "ordinal, logit": partial(compare_ordinal, method="logit"),
    "ordinal, permuted": partial(compare_ordinal, method="permutation"),
    "ordinal counts": compare_ordinal_counts,
    "quantiles": partial(compare_quantiles, q=0.9, null=3),
    "one quantile": lambda a, b: estimate_quantile(a, 0.3),
    "paired": compare_paired_means,
    "sign-flip": partial(compare_paired_means, method="sign-flip"),
    "geometric": compare_times,
    "to a horizon": partial(compare_times, measure="rmst_difference", horizon=2),
    "ratio to a horizon": partial(compare_times, measure="rmst_ratio", horizon=2),
    "curve": lambda a, b: survival_curve(a, b).rmst(1.0),
    "log-rank": lambda a, b: logrank(a, None, b),
    "odds": lambda a, b: proportional_odds(a, {"x": b}),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_or_an_error_of_ours(name: str) -> None:
    answers = 0
    for a, b in itertools.product(COLUMNS, COLUMNS):
        try:
            r = CALLS[name](a, b)
        except QStatsError as error:
            assert str(error)
            continue
        answers += 1
        numbers = [getattr(r, "estimate", 0.0), getattr(r, "pvalue", 0.0)]
        if hasattr(r, "interval"):
            numbers += [r.interval.low, r.interval.high]
        assert not any(np.isnan(np.asarray(v, dtype=float)).any() for v in numbers), (a, b)
    assert answers or name == "odds"


GAP = [3.0, math.nan, 2.0]
TOLD: dict[str, Callable[[], Any]] = {
    **{name: partial(call, GAP, [1.0, 2.0, 4.0]) for name, call in CALLS.items()},
    "odds, term": lambda: proportional_odds([1, 2, 3], {"x": GAP}),
    "ordinal counts": lambda: compare_ordinal_counts(GAP, [1, 2, 3]),
    "ordinal power": lambda: ordinal_power(GAP, [1, 2, 3], 9, 9),
    "rates": lambda: compare_rates(GAP, 1.0, [1, 2, 4], 1.0),
    "rate, exposure": lambda: compare_rates([1, 2, 3], GAP, [1, 2, 4], 1.0),
    "proportions": lambda: compare_proportions(GAP, [9, 9, 9], [1, 2, 4], [9, 9, 9]),
    "groups": lambda: compare_mean_groups(GAP, ["a", "b", "b"]),
    "p-values": lambda: adjust_pvalues(GAP),
    "series": lambda: interrupted_series(GAP, step=1),
    "nps counts": lambda: nps_from_counts(GAP, [1, 2, 3], [1, 2, 3]),
}


@pytest.mark.parametrize("name", TOLD)
def test_no_option_is_advised_that_does_not_exist(name: str) -> None:
    """None of these has a parameter `missing`."""
    with pytest.raises(QStatsError) as told:
        TOLD[name]()
    assert "missing='drop'" not in str(told.value)
    assert "clean the data" in str(told.value)
