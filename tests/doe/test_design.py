"""The design object: order, storage, hash, hours, views."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.errors import QStatsError

FACTORS = as_factors(
    [Factor("t", 0, 10, unit="s", run_hours=1.0, change_hours=0.5), Factor("胶", levels=["x", "y", "z"])]
)
CODED = [[-1, 0], [1, 0], [-1, 1], [1, 1], [-1, 2], [1, 2]]


def made(**more: Any) -> Design:
    return make_design("own", FACTORS, CODED, **{"rng": 1, **more})


def test_round_trip_and_hash() -> None:
    d = made(
        block=[1, 1, 1, 2, 2, 2], whole_plot=[1, 1, 2, 3, 3, 4], center=[False] * 6, generators=("C=AB",),
        defining_relation=("ABC",), resolution=3, model=("1", "t"), method="m", reference="r",
        certificate={"starts": 3, "best": 0.5}, notes=(Note("a", "info", "b"),),
    )  # fmt: skip
    again = Design.from_dict(json.loads(d.to_json()))
    assert again.to_dict() == d.to_dict() and again.hash == d.hash and len(d.hash) == 64
    assert again.factors == d.factors and again.notes == d.notes
    assert made(rng=2).hash != made().hash
    assert made(notes=(Note("x", "info", "y"),)).hash == made().hash  # notes do not define a design


@given(st.integers(0, 2**32), st.data())
def test_runs_stay_in_blocks_and_plots(seed: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 12))
    block = np.sort(data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)))
    plot = np.array(block) * 10 + data.draw(st.lists(st.integers(1, 2), min_size=n, max_size=n))
    d = make_design("own", as_factors(1), np.zeros((n, 1)), rng=seed, block=block, whole_plot=plot)
    assert sorted(d.run_order.tolist()) == list(range(n))
    for labels in (d.block[d.run_order], d.whole_plot[d.run_order]):
        assert int((np.diff(labels) != 0).sum()) == len(set(labels.tolist())) - 1
    same = make_design("own", as_factors(1), np.zeros((n, 1)), rng=seed, block=block, whole_plot=plot)
    np.testing.assert_array_equal(same.run_order, d.run_order)


def test_every_order_is_as_likely() -> None:
    # 3 runs have 6 orders: chi-squared with 5 df beyond 20.5 has probability .001
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(1200):
        order = tuple(make_design("own", as_factors(1), np.zeros((3, 1)), rng=seed).run_order.tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6 and sum((c - 200) ** 2 / 200 for c in counts.values()) < 20.5


def test_seed_and_generator() -> None:
    assert made(rng=7).seed == 7 and made(randomize=False).seed is None
    drawn = made(rng=np.random.default_rng(3))
    assert drawn.seed is not None
    np.testing.assert_array_equal(made(rng=drawn.seed).run_order, drawn.run_order)
    assert made(randomize=False).run_order.tolist() == [0, 1, 2, 3, 4, 5]


def test_hours_in_run_order() -> None:
    # six runs of one hour; in standard order t changes five times
    assert made(randomize=False).hours == 6 + 2.5
    d = made(rng=3)
    t = d.column("t")[d.run_order]
    assert d.hours == 6 + 0.5 * int((np.diff(t) != 0).sum())


def test_views_agree() -> None:
    d = made(block=[1, 1, 1, 2, 2, 2])
    frame = d.to_frame()
    assert frame["standard"].tolist() == (d.run_order + 1).tolist()
    assert frame["t"].tolist() == d.natural("t")[d.run_order].tolist()
    assert frame["胶"].tolist() == d.natural("胶")[d.run_order].tolist()
    assert d.coded_frame()["t"].tolist() == d.column("t").tolist()
    assert "blocks" in d.summary() and d.blocks == 2 and not d.split_plot
    for array in (d.coded, d.run_order, d.block, d.center):
        assert not array.flags.writeable


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "other/1"}, {"run_order": [0, 0, 1, 2, 3, 4]}, {"run_order": [0]}, {"block": [1]}, {"factors": []},
        {"factors": [{"name": "a"}]}, {"coded": [[0.0]]}, {"coded": [["x", 1]] * 6}, {"notes": [1]},
        {"replicate": [1, 2]},
    ],
)  # fmt: skip
def test_a_stored_design_that_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(QStatsError):
        Design.from_dict({**made().to_dict(), **change})


@pytest.mark.parametrize("held", [None, [], "x", {}, {"schema": "qstats.design/1"}])
def test_not_a_stored_design(held: Any) -> None:
    with pytest.raises(QStatsError):
        Design.from_dict(held)


def test_names_that_are_none() -> None:
    for wrong in ("Z", "", "T"):
        with pytest.raises(QStatsError, match="the factors are"):
            made().natural(wrong)
        with pytest.raises(QStatsError, match="the factors are"):
            made().column(wrong)


@pytest.mark.parametrize("rng", ["x", -1, 1.5, True, [1]])
def test_seeds_that_are_none(rng: Any) -> None:
    with pytest.raises(QStatsError, match="rng"):
        made(rng=rng)
