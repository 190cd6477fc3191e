"""The boiler temperatures shipped with R's qcc; skipped where the oracle files are not beside the checkout."""

import csv
import json
from pathlib import Path

import pytest

from qstats.spc.charts.individuals import individuals

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (ORACLE / "charts_shewhart.json").is_file(), reason="no ../shared/oracle beside the checkout"
    ),
]
COLUMNS = [f"t{i}" for i in range(1, 9)]


@pytest.fixture(scope="module")
def cases():
    return {c["id"]: c for c in json.loads((ORACLE / "charts_shewhart.json").read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def boiler():
    with (ORACLE / "data" / "boiler.csv").open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return {c: [float(r[c]) for r in rows] for c in COLUMNS}


def listed(value):
    return sorted(value) if isinstance(value, list) else [value]


@pytest.mark.parametrize("column", COLUMNS)
def test_moving_range_limits(cases, boiler, column):
    want = cases[f"xbarone-boiler-{column}-MR"]["expected"]
    chart = individuals(boiler[column], constants="table", rules="western_electric")
    panel = chart.panels["individuals"]
    assert chart.limits.center == pytest.approx(want["center"], rel=1e-13)
    assert chart.limits.sigma == pytest.approx(want["std.dev"], rel=1e-13)
    assert [panel.lower[0], panel.upper[0]] == pytest.approx(want["limits"]["values"][0], rel=1e-13)
    beyond = [s.index + 1 for s in chart.signals if s.rule == "beyond limits" and s.panel == "individuals"]
    assert beyond == listed(want["beyond"])


def test_new_data(cases, boiler):
    want = cases["xbarone-boiler-newdata"]["expected"]
    chart = individuals(boiler["t1"][:15], constants="table").extend(boiler["t1"][15:])
    panel = chart.panels["individuals"]
    assert [panel.lower[-1], panel.upper[-1]] == pytest.approx(want["limits"]["values"][0], rel=1e-13)
    assert len(chart.labels) == 25
