"""Run sheets: out, filled in, and back; what was missed, changed or swapped is found."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.sheet import Departure, read_run_sheet, run_sheet
from qstats.errors import DataError

FACTORS = as_factors(
    [Factor("温度", 150, 190, unit="°C"), Factor("=glue", levels=["-A", "B"]), Factor("t", levels=[1.1, 2.2, 4.4])]
)
CODED = np.array(list(itertools.product([-1.0, 1.0], [0.0, 1.0], [-1.0, FACTORS[2].code([2.2])[0], 1.0])))


def _design(**more: Any) -> Design:
    return make_design("full", FACTORS, CODED, rng=5, **more)


def _filled(design: Design, **changes: Any) -> pd.DataFrame:
    frame = pd.DataFrame(dict(run_sheet(design, responses=["y", "z"])))
    frame["y"] = np.arange(len(design)) + 0.5
    frame["z"] = frame["standard"] * 10.0
    return frame


def test_out_to_a_file_and_back(tmp_path: Path) -> None:
    design = _design()
    path = tmp_path / "试验.csv"
    run_sheet(design, path, responses=["y", "z"])
    text = path.read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "run,standard,温度 [°C],'=glue,t,y,z,remark"
    assert "'-A" in text  # no cell runs as a formula
    frame = _filled(design)
    frame.columns = ["run", "standard", "温度 [°C]", "'=glue", "t", "y", "z", "remark"]
    frame["'=glue"] = ["'-A" if v == "-A" else v for v in frame["'=glue"]]
    frame.to_csv(path, index=False, encoding="utf-8-sig")
    record = read_run_sheet(design, path)
    assert record.as_planned
    assert record.design.hash == design.hash
    np.testing.assert_array_equal(record.responses["z"], 10.0 * np.arange(1, 13))
    assert record.responses["y"][design.run_order].tolist() == (np.arange(12) + 0.5).tolist()
    assert record.notes == ()


def test_a_file_of_plain_names_in_gb18030(tmp_path: Path) -> None:
    design = make_design("two", as_factors([Factor("温度", 150, 190, unit="度")]), [[-1], [1]], rng=1)
    frame = pd.DataFrame(dict(run_sheet(design, responses=["强度"])))
    frame["强度"] = [3.5, 4.5]
    frame.to_csv(tmp_path / "a.csv", index=False, encoding="gb18030")
    record = read_run_sheet(design, tmp_path / "a.csv")
    assert record.as_planned
    assert sorted(record.responses["强度"].tolist()) == [3.5, 4.5]


def test_rows_in_another_order_and_missed_runs() -> None:
    design = _design()
    frame = _filled(design)
    frame.loc[frame["standard"] == 4, ["y", "z"]] = np.nan
    frame = frame[frame["standard"] != 7].sort_values("standard")
    record = read_run_sheet(design, frame)
    assert record.missed == (4, 7)
    assert record.reordered
    assert {n.code for n in record.notes} == {"missed-runs", "another-order"}
    assert np.isnan(record.responses["z"][[3, 6]]).all()
    assert record.departures == ()


def test_settings_as_they_were() -> None:
    design = _design()
    frame = _filled(design)
    frame.loc[frame["standard"] == 2, "温度 [°C]"] = 155.0
    frame.loc[frame["standard"] == 9, "=glue"] = "B"
    record = read_run_sheet(design, frame)
    planned = design.natural("=glue")[8]
    expected = {Departure(2, "温度", 150.0, 155.0)}
    if planned != "B":
        expected |= {Departure(9, "=glue", planned, "B")}
    assert set(record.departures) == expected
    assert record.design.natural("温度")[1] == pytest.approx(155.0)
    assert not record.as_planned
    assert record.planned is design


def test_swapped_runs_are_found() -> None:
    design = _design()
    frame = _filled(design).set_index("standard", drop=False)
    names = ["温度 [°C]", "=glue", "t"]
    one, other = frame.loc[3, names].tolist(), frame.loc[8, names].tolist()
    for name, a, b in zip(names, one, other, strict=True):
        frame.loc[3, name], frame.loc[8, name] = b, a
    record = read_run_sheet(design, frame)
    assert record.swapped == ((3, 8),)
    assert record.departures == ()
    np.testing.assert_array_equal(record.design.coded[2], design.coded[7])
    assert "3 and 8" in record.summary()


def test_rounded_settings_are_the_planned_ones() -> None:
    design = _design()
    frame = _filled(design)
    frame["t"] = frame["t"] * (1 + 1e-12)
    assert read_run_sheet(design, frame).as_planned


def test_blocks_and_plots_stand_on_the_sheet() -> None:
    design = _design(block=np.repeat([1, 2], 6), whole_plot=np.repeat([1, 2, 3, 4], 3))
    sheet = run_sheet(design)
    assert set(sheet) >= {"block", "whole plot"}
    assert sheet["block"] == design.block[design.run_order].tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: f.drop(columns="standard"), "standard"),
        (lambda f: f.assign(standard=1), "run 1 stands there twice"),
        (lambda f: f.assign(standard=f["standard"] + 50), "1 to 12"),
        (lambda f: f.drop(columns="t"), "'t'"),
        (lambda f: f.assign(y="much"), "much"),
        (lambda f: f.assign(**{"=glue": "C"}), "one of"),
        (lambda f: f.drop(columns=["y", "z"]), "no column of results"),
        (lambda f: f.assign(t="hot"), "t"),
    ],
)
def test_bad_sheets_are_told(change: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_run_sheet(_design(), change(_filled(_design())))


@pytest.mark.parametrize("responses", ["y", ["run"], ["温度"], ["y", "y"], [""], [3]])
def test_bad_response_names_are_told(responses: Any) -> None:
    with pytest.raises(DataError, match="responses"):
        run_sheet(_design(), responses=responses)


def test_a_sheet_comes_back_as_a_mapping_too() -> None:
    factors = as_factors({"T": (20, 60), "glue": ["A", "B"]})
    design = make_design("four runs", factors, [[-1, 0], [1, 0], [-1, 1], [1, 1]], rng=1)
    sheet = {**run_sheet(design), "response": [1.0, 2.0, None, 4.0]}
    record = read_run_sheet(design, sheet)
    assert record.as_planned is False
    assert record.missed == (int(design.run_order[2]) + 1,)
    with pytest.raises(DataError, match="lengths"):
        read_run_sheet(design, {**sheet, "response": [1.0]})
    with pytest.raises(DataError, match="encoding"):
        read_run_sheet(design, sheet, encoding="utf-8")
