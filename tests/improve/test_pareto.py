"""Pareto: published rank sets, qcc's table, categories that must not be lost, coverage of the rank sets."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats import DataError, pareto
from qstats.errors import TooFewData

CASES = json.loads((Path(__file__).parents[1] / "reference" / "comparisons.json").read_text(encoding="utf-8"))["cases"]
QCC = next(c for c in CASES if c["id"] == "pareto-1")


def test_equals_qcc() -> None:
    # R 4.2.2, qcc 2.7 pareto.chart: columns frequency, cumulative frequency, percent, cumulative percent.
    counts = {f"c{i}": n for i, n in enumerate(QCC["inputs"]["x"], start=1)}
    t = pareto(counts)
    assert list(t.categories) == QCC["expected"]["order"]
    for row, value, share, cumulative in zip(
        QCC["expected"]["table"]["values"], t.values, t.share, t.cumulative, strict=True
    ):
        assert (value, 100 * share, 100 * cumulative) == pytest.approx((row[0], row[2], row[3]))


@pytest.mark.parametrize(
    ("counts", "sets"),
    [
        # R csranks csranks_multinom, 95 %: values quoted in the project's reference, section 2.18.
        ((120, 95, 60, 30, 12, 8, 5), [(1, 2), (1, 3), (2, 3), (4, 5), (4, 7), (5, 7), (5, 7)]),
        ((18, 6, 5, 3, 2, 1, 1), [(1, 3), (1, 7), (1, 7), (2, 7), (2, 7), (2, 7), (2, 7)]),
    ],
)
def test_rank_sets_equal_csranks(counts: tuple[int, ...], sets: list[tuple[int, int]]) -> None:
    t = pareto({f"k{i}": n for i, n in enumerate(counts)})
    assert list(zip(t.rank_low.tolist(), t.rank_high.tolist(), strict=True)) == sets


def test_rows_counts_and_frame_agree() -> None:
    rows = ["late"] * 5 + ["wrong"] * 3 + [None] + ["破损"] * 2
    from_rows = pareto(rows)
    from_frame = pareto(pd.DataFrame({"kind": rows}), by="kind")
    counted = pd.DataFrame({"kind": ["late", "wrong", None, "破损", "late"], "n": [4, 3, 1, 2, 1]})
    from_counts = pareto(counted, by="kind", count="n")
    for t in (from_rows, from_frame, from_counts):
        assert t.categories == ("late", "wrong", "破损", "(missing)")
        assert t.values.tolist() == [5, 3, 2, 1]
        assert t.notes[0].code == "missing-category"


def test_weights_use_the_scatter_of_the_costs() -> None:
    # Ten equal costs against one that is as large: the sum is the same, but one row establishes nothing.
    frame = pd.DataFrame({"kind": ["a"] * 40 + ["b"] * 4 + ["c"], "cost": [10.0] * 40 + [10.0] * 4 + [300.0]})
    t = pareto(frame, by="kind", weight="cost")
    assert t.categories == ("a", "c", "b")
    ranks = dict(zip(t.categories, zip(t.rank_low, t.rank_high, strict=True), strict=True))
    assert ranks["a"] == (1, 2)  # surely above b; c's single 300 leaves the first place open
    assert ranks["c"] == (1, 3)
    assert t.weighted


def test_top_keeps_the_rest_as_other_last() -> None:
    t = pareto({"a": 5, "b": 40, "c": 30, "d": 20}, top=2)
    assert t.categories == ("b", "c", "(other)")
    assert t.values.tolist() == [40, 30, 25]
    assert t.cumulative[-1] == pytest.approx(1.0)


def test_says_when_the_top_is_not_established() -> None:
    assert any(n.code == "top-not-established" for n in pareto({"a": 18, "b": 16}).notes)
    assert not pareto({"a": 180, "b": 16}).notes


@given(st.lists(st.integers(0, 200), min_size=1, max_size=8))
def test_rank_sets_hold_the_observed_rank(counts: list[int]) -> None:
    if sum(counts) == 0:
        return
    t = pareto({f"k{i}": n for i, n in enumerate(counts)})
    rank = np.arange(1, len(counts) + 1)
    assert (t.rank_low <= rank).all()
    assert (rank <= t.rank_high).all()
    wide = pareto({f"k{i}": n for i, n in enumerate(counts)}, confidence=0.999)
    assert (wide.rank_low <= t.rank_low).all()


@pytest.mark.parametrize(
    ("data", "kwargs", "says"),
    [
        ({"a": -1}, {}, "counts are whole numbers"),
        ({"a": 1.5}, {}, "counts are whole numbers"),
        ("abc", {}, "a str"),
        (["a"], {"by": "x"}, "column names for a table"),
        (pd.DataFrame({"k": ["a"]}), {}, "by: is missing"),
        (pd.DataFrame({"k": ["a"]}), {"by": "kind"}, "kind"),
        (pd.DataFrame({"k": ["a"], "w": [-1.0]}), {"by": "k", "weight": "w"}, "negative"),
        ({"a": 3, "b": 2, "c": 1}, {"top": 0}, "top"),
    ],
)
def test_bad_input(data: object, kwargs: dict[str, str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        pareto(data, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [{}, {"a": 0}, []])
def test_nothing_to_count(data: object) -> None:
    with pytest.raises(TooFewData, match=r"nothing to count|at least 1"):
        pareto(data)
