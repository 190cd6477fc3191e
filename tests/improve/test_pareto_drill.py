"""Drill-down: each split equals the Pareto table of its own rows, whatever the engine, counts or weights."""

import numpy as np
import pandas as pd
import pytest

from qstats import DataError, pareto
from qstats.errors import TooFewData
from qstats.improve.pareto.drill import pareto_drill


@pytest.fixture
def log() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    kind = rng.choice(["late", "wrong", "rude", "Other", None], 600, p=[0.5, 0.2, 0.05, 0.2, 0.05])
    site = rng.choice(["N", "S", "E", "W"], 600, p=[0.6, 0.3, 0.08, 0.02])
    return pd.DataFrame({"kind": kind, "site": site, "n": rng.integers(0, 4, 600), "cost": rng.choice([1.5, 8.0], 600)})


@pytest.mark.parametrize("how", [{}, {"count": "n"}, {"weight": "cost"}])
def test_each_split_is_the_table_of_its_rows(log: pd.DataFrame, how: dict[str, str]) -> None:
    d = pareto_drill(log, category="kind", by="site", other="Other", **how)
    assert d.categories == ("late", "wrong", "(missing)") or d.categories[:2] == ("late", "wrong")
    whole = pareto(log, by="kind", other="Other", **how)
    assert d.overall.categories == whole.categories
    np.testing.assert_allclose(d.overall.values, whole.values, rtol=1e-12)
    for name in ("late", "wrong"):
        own = pareto(log[log["kind"] == name], by="site", **how)
        assert d[name].categories == own.categories
        np.testing.assert_allclose(d[name].values, own.values, rtol=1e-12)
        np.testing.assert_array_equal(d[name].rank_low, own.rank_low)
        np.testing.assert_array_equal(d[name].rank_high, own.rank_high)
    assert d["late"].values.sum() == pytest.approx(whole.values[0])


def test_catch_all_is_not_drilled_and_small_parts_are_pooled(log: pd.DataFrame) -> None:
    d = pareto_drill(log, category="kind", by="site", other="Other", other_below=0.12, top=9, resamples=199, rng=1)
    assert "Other" not in d.categories and "(other)" not in d.categories
    assert d["late"].categories == ("N", "S", "(other)")
    assert d["late"].cumulative_low is not None
    assert set(d.to_frame()["kind"]) == set(d.categories)
    assert d.to_dict()["parts"][0]["categories"][0] == "N"


def test_polars_lazy_counts_where_the_rows_are(log: pd.DataFrame) -> None:
    pl = pytest.importorskip("polars")
    log = log.astype({"kind": object}).where(log.notna(), None)
    lazy = pl.DataFrame({c: log[c].tolist() for c in log}).lazy()
    for how in ({}, {"weight": "cost"}):
        a, b = (pareto_drill(x, category="kind", by="site", **how) for x in (log, lazy))  # type: ignore[arg-type]
        assert a.to_dict() == b.to_dict()
        np.testing.assert_allclose(
            pareto(lazy, by="kind", **how).values, pareto(log, by="kind", **how).values, rtol=1e-12  # type: ignore[arg-type]
        )  # fmt: skip


@pytest.mark.parametrize(
    ("kwargs", "error", "says"),
    [
        ({"category": "kind", "by": "kind"}, DataError, "second column"),
        ({"category": "kind", "by": "depot"}, DataError, "depot"),
        ({"category": "kind", "by": "site", "count": "n", "weight": "cost"}, DataError, "one of them"),
        ({"category": "kind", "by": "site", "top": 0}, DataError, "top"),
        ({"category": "kind", "by": "site", "weight": "site"}, DataError, "category"),
    ],
)
def test_bad_input(log: pd.DataFrame, kwargs: dict[str, str], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        pareto_drill(log, **kwargs)  # type: ignore[arg-type]


def test_no_frame_no_rows_unknown_part(log: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="a table"):
        pareto_drill({"a": 3}, category="kind", by="site")
    with pytest.raises(TooFewData, match="nothing to count"):
        pareto_drill(log.assign(n=0), category="kind", by="site", count="n")
    with pytest.raises(DataError, match="not drilled"):
        pareto_drill(log, category="kind", by="site")["snow"]
