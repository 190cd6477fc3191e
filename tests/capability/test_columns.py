"""capability_columns gives, column by column, what process_capability gives."""

import json

import numpy as np
import pandas as pd
import pytest

from qstats._core.spec import Spec
from qstats.capability.columns import capability_columns
from qstats.capability.normal import process_capability
from qstats.errors import DataError, TooFewData

INDICES = {"within": ("cp", "cpl", "cpu", "cpk"), "overall": ("pp", "ppl", "ppu", "ppk")}


def data(n=60, m=7, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(np.linspace(9, 11, m), np.linspace(0.5, 2, m), (n, m))


def agree(table, j, study, rel=1e-9):
    for family, names in INDICES.items():
        for name in names:
            one, many = getattr(getattr(study, family), name), getattr(table, name)
            if one is None:
                assert np.isnan([many.estimate[j], many.interval.low[j], many.interval.high[j]]).all()
                continue
            found = [many.estimate[j], many.interval.low[j], many.interval.high[j]]
            assert found == pytest.approx([one.estimate, one.interval.low, one.interval.high], rel=rel)
    if study.cpm is not None:
        found = [table.cpm.estimate[j], table.cpm.interval.low[j], table.cpm.interval.high[j]]
        assert found == pytest.approx([study.cpm.estimate, study.cpm.interval.low, study.cpm.interval.high], rel=rel)
    assert table.expected_ppm_within[j] == pytest.approx(study.expected_ppm.within.total.estimate, rel=100 * rel)
    assert table.expected_ppm_overall[j] == pytest.approx(study.expected_ppm.overall.total.estimate, rel=100 * rel)
    assert table.observed_ppm[j] == pytest.approx(study.observed_ppm.total.estimate)
    ratio = study.sigma_overall.estimate / study.sigma_within.estimate
    assert table.stability_ratio[j] == pytest.approx(ratio, rel=1e-9)


@pytest.mark.parametrize(("size", "sigma"), [(1, None), (1, "mssd"), (5, None), (5, "pooled_raw"), (7, None)])
def test_each_column_is_its_own_study(size, sigma):
    x = data()
    specs = [
        Spec(6, 14),
        Spec(6, 14, 11),
        Spec(6, None),
        Spec(None, 14),
        Spec(None, 14, 9),
        Spec(0, 15, boundary="lower"),
        (5, 16),
    ]
    specs[-1] = Spec(*specs[-1])
    table = capability_columns(x, spec=specs, size=size, sigma=sigma)
    for j, spec in enumerate(specs):
        agree(
            table,
            j,
            process_capability(x[:, j], spec=spec, size=None if size == 1 else size, sigma=sigma, rules="none"),
        )


@pytest.mark.parametrize("size", [1, 4])
def test_missing_cells_are_left_out_column_by_column(size):
    x = data(n=50)
    x[np.random.default_rng(3).random(x.shape) < 0.1] = np.nan
    with pytest.raises(DataError, match="missing"):
        capability_columns(x, spec=(5, 15), size=size)
    table = capability_columns(x, spec=(5, 15), size=size, missing="drop")
    for j in range(x.shape[1]):
        one = process_capability(x[:, j], spec=(5, 15), size=None if size == 1 else size, missing="drop", rules="none")
        agree(table, j, one)


def test_thousands_of_columns_are_as_good_as_one():
    x = np.random.default_rng(4).normal(10, 1, (40, 1500)) + 1e9
    table = capability_columns(x, spec=(6 + 1e9, 14 + 1e9), size=5)
    for j in (0, 777, 1499):
        agree(table, j, process_capability(x[:, j], spec=(6 + 1e9, 14 + 1e9), size=5, rules="none"), rel=1e-7)


def test_specifications_as_arrays():
    x = data(m=3)
    table = capability_columns(x, spec=([5, np.nan, 6], [15, 14, np.nan], [np.nan, 10, np.nan]))
    for j, spec in enumerate((Spec(5, 15), Spec(None, 14, 10), Spec(6, None))):
        agree(table, j, process_capability(x[:, j], spec=spec, rules="none"))


def test_worst_first():
    x = data()
    table = capability_columns(x, spec=(6, 14), values=[f"c{j}" for j in range(7)])
    worst = table.worst(3)
    order = np.argsort(table.ppk.estimate)[:3]
    assert worst.names == tuple(f"c{j}" for j in order)
    assert worst.ppk.estimate.tolist() == table.ppk.estimate[order].tolist()
    assert worst.mean.tolist() == table.mean[order].tolist()
    assert len(worst.to_frame()) == 3
    assert "Ppk below 1.33" in table.summary()
    json.dumps(table.to_dict(), allow_nan=False)


def test_columns_that_say_nothing_are_counted_not_hidden():
    x = data(n=20, m=4)
    x[:, 1] = 3.0
    x[1:, 2] = np.nan
    table = capability_columns(x, spec=(0, 20), missing="drop")
    assert np.isnan(table.cpk.estimate).tolist() == [False, True, True, False]
    assert {n.code for n in table.notes} == {"zero-variance", "too-few-values"}
    assert table.worst(4).names[-2:] == ("2", "3")


def test_frames():
    x = data(m=3)
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    table = capability_columns(frame, spec=(5, 15), values=["c", "a"])
    assert table.names == ("c", "a")
    assert table.cpk.estimate == pytest.approx(capability_columns(x[:, [2, 0]], spec=(5, 15)).cpk.estimate)
    with pytest.raises(DataError, match="values"):
        capability_columns(frame, spec=(5, 15), values="a")


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        ([[1.0, 2.0], [3.0]], {}, "unequal"),
        ([1.0, 2.0], {}, "matrix"),
        ([["a", "b"], ["c", "d"]], {}, "numbers"),
        ([[1.0, np.inf], [2.0, 3.0]], {}, "finite"),
        ([[1.0, 2.0], [2.0, 3.0]], {"size": 0}, "size"),
        ([[1.0, 2.0], [2.0, 3.0]], {"sigma": "rbar"}, "sigma"),
        ([[1.0, 2.0], [2.0, 3.0]], {"spec": ([1, 2, 3], 9)}, "3 values came for 2 columns"),
        ([[1.0, 2.0], [2.0, 3.0]], {"spec": ([1, 20], 9)}, "column 2"),
        ([[1.0, 2.0], [2.0, 3.0]], {"spec": [Spec(0, 9)] * 3}, "3 came for 2"),
        ([[1.0, 2.0], [2.0, 3.0]], {"spec": "wide"}, "spec"),
        ([[1.0, 2.0], [2.0, 3.0]], {"values": ["a"]}, "values"),
    ],
)
def test_bad_input_is_told(x, options, message):
    with pytest.raises(DataError, match=message):
        capability_columns(x, **{"spec": (0, 10), **options})


def test_too_few_rows():
    with pytest.raises(TooFewData):
        capability_columns([[1.0, 2.0]], spec=(0, 10))


def test_all_columns_of_a_table_unless_some_are_named() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"长": rng.normal(size=30), "宽": rng.normal(size=30)})
    whole = capability_columns(frame, spec=(-4, 4))
    assert whole.names == ("长", "宽")
    with pytest.raises(DataError, match="编号"):
        capability_columns(frame.assign(编号="a"), spec=(-4, 4))
