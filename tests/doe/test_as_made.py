"""Experiments made elsewhere come in as designs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats import doe
from qstats.errors import DataError, DesignError

RUNS: dict[str, Any] = {
    "温度": [150, 190, 150, 190, 170],
    "glue": ["B", "B", "A", "A", "B"],
    "day": ["mon", "mon", "tue", "tue", "tue"],
    "强度": [3.1, 4.0, None, 4.4, 3.6],
}


def test_ranges_and_levels_are_read_off_or_given() -> None:
    read = doe.from_runs(RUNS, ["温度", "glue"], responses="强度").design
    assert [(f.name, f.low, f.high, f.levels) for f in read.factors] == [
        ("温度", 150.0, 190.0, ()), ("glue", None, None, ("A", "B"))
    ]  # fmt: skip
    given_ = doe.from_runs(RUNS, {"温度": (160, 180), "glue": ["B", "A"]}).design
    np.testing.assert_array_equal(given_.column("温度"), [-2, 2, -2, 2, 0])
    np.testing.assert_array_equal(given_.column("glue"), [0, 0, 1, 1, 0])
    own = doe.from_runs(RUNS, [doe.Factor("温度", 0, 170, unit="°C"), "glue"]).design
    assert own.factors[0].unit == "°C"


def test_blocks_order_centres_and_missing_results() -> None:
    record = doe.from_runs(RUNS, ["温度", "glue"], responses=["强度"], block="day")
    assert record.design.block.tolist() == [1, 1, 2, 2, 2]
    assert record.design.center.tolist() == [False, False, False, False, True]
    assert record.missed == (3,)
    assert record.design.run_order.tolist() == [0, 1, 2, 3, 4]
    later = doe.from_runs({**RUNS, "no": [5, 4, 3, 2, 1]}, ["温度", "glue"], responses="强度", order_by="no")
    np.testing.assert_array_equal(later.responses["强度"], [3.6, 4.4, np.nan, 4.0, 3.1])


def test_from_a_chinese_file(tmp_path: Path) -> None:
    path = tmp_path / "试验.csv"
    path.write_text("温度,胶水,强度\n150,甲,3.1\n190,甲,4\n150,乙,3.3\n190,乙,\n", encoding="gb18030")
    record = doe.from_runs(path, ["温度", "胶水"], responses="强度")
    assert set(record.design.factors[1].levels) == {"甲", "乙"}
    assert record.missed == (4,)


def test_from_any_frame(in_polars: Callable[[Any], list[Any]]) -> None:
    plain = doe.from_runs(RUNS, ["温度", "glue"], responses="强度")
    for frame in [pd.DataFrame(RUNS), *in_polars(RUNS)]:
        assert doe.from_runs(frame, ["温度", "glue"], responses="强度").design.hash == plain.design.hash


def test_it_is_a_design_like_any_other() -> None:
    planned = doe.central_composite({"a": (0, 10), "b": (1, 3)}, rng=2)
    runs = {name: planned.natural(name) for name in planned.names}
    made = doe.from_runs(runs, {"a": (0, 10), "b": (1, 3)}).design
    np.testing.assert_allclose(made.coded, planned.coded, atol=1e-12)
    ours, theirs = (doe.evaluate(d, model="quadratic") for d in (made, planned))
    assert ours.d_efficiency == pytest.approx(theirs.d_efficiency, rel=1e-9)
    assert doe.Design.from_dict(made.to_dict()).hash == made.hash


@given(st.permutations(range(5)))
def test_names_of_blocks_do_not_matter(order: list[int]) -> None:
    names = np.array(["p", "q", "r", "s", "t"])[order]
    runs = {"x": [1.0, 2.0, 3.0, 4.0, 5.0], "b": names.tolist()}
    assert doe.from_runs(runs, ["x"], block="b").design.block.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("change", "how", "error", "words"),
    [
        ({}, {"factors": "温度"}, DesignError, "list of columns"),
        ({}, {"factors": []}, DesignError, "one or more"),
        ({}, {"factors": ["heat"]}, DataError, "heat"),
        ({}, {"factors": ["温度"], "responses": "温度"}, DataError, "two parts"),
        ({}, {"factors": {"glue": ["A", "C"]}}, DataError, "'B'"),
        ({"温度": [1, 1, 1, 1, 1]}, {}, DesignError, "every run"),
        ({"glue": ["A"] * 5}, {}, DesignError, "every run"),
        ({"glue": ["A", "B", "", "A", "A"]}, {}, DataError, "row 3"),
        ({"温度": [1, 2, None, 1, 1]}, {}, DataError, "温度"),
        ({"强度": ["much"] * 5}, {"responses": "强度"}, DataError, "强度"),
        ({"day": ["mon", None, "a", "b", "c"]}, {"block": "day"}, DataError, "block"),
    ],
)
def test_what_is_no_experiment_is_refused(change: Any, how: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        doe.from_runs({**RUNS, **change}, **{"factors": ["温度", "glue"], **how})


def test_an_empty_table_is_refused() -> None:
    with pytest.raises((DataError, DesignError)):
        doe.from_runs({"a": [], "y": []}, {"a": (0, 1)}, responses="y")
