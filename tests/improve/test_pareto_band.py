"""Pareto: the band of the cumulative line, the catch-all, pooling, weights by moments, the sentence."""

import numpy as np
import pandas as pd
import pytest

from qstats import DataError, pareto
from qstats.improve.pareto.kernels import cumulative_band

COUNTS = {"late": 120, "damaged": 95, "wrong": 60, "short": 30, "rude": 12, "invoice": 8, "else": 5}


def test_band_by_a_plain_loop() -> None:
    # the definition written out: resample counts with half a count added, excess of any set, lack of the leading sets
    x = np.array(list(COUNTS.values()), dtype=float)
    p = (x + 0.5) / (x + 0.5).sum()
    rng, runs = np.random.default_rng(8), 4000
    excess, lack = [], []
    for _ in range(runs):
        d = rng.multinomial(int(x.sum()), p) / x.sum() - p
        excess.append(sum(v for v in d if v > 0))
        lack.append(max(0.0, *(-sum(d[:k]) for k in range(1, 8))))
    down, up = np.quantile(excess, 0.975), np.quantile(lack, 0.975)
    t = pareto(COUNTS, resamples=4000, rng=3)
    assert t.cumulative_low is not None and t.cumulative_high is not None
    line = np.cumsum(x) / x.sum()
    low = np.maximum(line - down, np.arange(1, 8) / 7)
    np.testing.assert_allclose(t.cumulative_low, low, atol=0.006)
    np.testing.assert_allclose(t.cumulative_high, np.minimum(line + up, 1), atol=0.006)
    assert t.resamples == 4000


def test_band_is_reproducible_nested_and_off_by_default() -> None:
    assert pareto(COUNTS).cumulative_low is None
    a, b = (pareto(COUNTS, resamples=999, rng=5) for _ in range(2))
    np.testing.assert_array_equal(a.cumulative_low, b.cumulative_low)
    wide = pareto(COUNTS, resamples=999, rng=5, confidence=0.99)
    assert (wide.cumulative_low <= a.cumulative_low).all()
    assert (wide.cumulative_high >= a.cumulative_high).all()
    assert (a.cumulative_low <= a.cumulative).all() and (a.cumulative <= a.cumulative_high).all()
    assert a.cumulative_low[-1] == a.cumulative_high[-1] == 1.0
    assert "cumulative_low" in a.to_frame()


def test_weights_of_one_resample_like_counts() -> None:
    # n equal weights: exponential multipliers, the Bayesian bootstrap of the counts; nearly the multinomial's band
    x = np.array([60.0, 30.0, 8.0, 2.0])
    rng = np.random.default_rng(4)
    as_counts = cumulative_band(x, None, 0.95, 6000, rng)
    as_weights = cumulative_band(7.0 * x, 49.0 * x, 0.95, 6000, rng)
    np.testing.assert_allclose(as_weights, as_counts, atol=0.012)
    lumpy = cumulative_band(7.0 * x, 49.0 * x * 9, 0.95, 6000, rng)
    assert (lumpy[0] <= as_weights[0] + 0.002).all()
    assert lumpy[0][0] < as_weights[0][0]


def test_catch_all_is_last_unranked_and_joined_by_the_small() -> None:
    t = pareto({"Other": 70, "a": 50, "b": 30, "c": 2, "d": 1}, other="Other", other_below=0.05)
    assert t.categories == ("a", "b", "(other)")
    assert t.values.tolist() == [50, 30, 73]
    assert t.cumulative[-1] == 1.0
    assert "catch-all-largest" in [n.code for n in t.notes]
    alone = pareto({"a": 50, "b": 30, "c": 2, "d": 1})
    assert t.rank_high[:2].tolist() == alone.rank_high[:2].tolist()
    # a second "(other)" in the data does not make two lines of that name
    assert pareto({"(other)": 4, "a": 9, "b": 5, "c": 3}, top=1).categories == ("a", "(other)")


def test_one_small_category_keeps_its_name() -> None:
    assert pareto({"a": 50, "b": 30, "c": 1}, other_below=0.05).categories == ("a", "b", "c")


def test_weighted_missing_category_is_kept() -> None:
    frame = pd.DataFrame({"k": ["a", None, "b", None, "a"], "cost": [5.0, 9.0, 2.5, 1.0, 0.5]})
    t = pareto(frame, by="k", weight="cost")
    assert dict(zip(t.categories, t.values.tolist(), strict=True)) == {"(missing)": 10.0, "a": 5.5, "b": 2.5}
    assert t.n == 5
    with pytest.raises(DataError, match="missing values"):
        pareto(pd.DataFrame({"k": ["a", "b"], "cost": [1.0, None]}), by="k", weight="cost")


def test_sentence() -> None:
    t = pareto({"late": 14, "wrong": 9, "short": 8})
    assert t.top_sentence() == (
        "The top category is not established at 31 defects: 'late' leads, but ranks 1 to 3 are open."
    )
    assert "31 个缺陷，尚不足以确定首位类别" in t.top_sentence("zh")
    assert "31 defects" in next(n.message for n in t.notes if n.code == "top-not-established")
    assert pareto({"a": 180, "b": 16}).top_sentence().startswith("'a' is established")
    assert "one category only" in pareto({"a": 3}).top_sentence()
    with pytest.raises(DataError, match="lang"):
        t.top_sentence("fr")


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [({"other_below": 1.0}, "other_below"), ({"resamples": None}, "resamples"), ({"resamples": 10}, "resamples"),
     ({"resamples": 999, "rng": "x"}, "rng")],
)  # fmt: skip
def test_bad_options(kwargs: dict[str, object], says: str) -> None:
    with pytest.raises(DataError, match=says):
        pareto(COUNTS, **kwargs)  # type: ignore[arg-type]
