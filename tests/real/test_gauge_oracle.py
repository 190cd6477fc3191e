"""Gauge R&R on tables that stay outside the project: the AIAG manual's and the one of the R package SixSigma."""

import csv
import json
import math
from pathlib import Path

import pytest

from qstats.msa.gauge import gauge_rr

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (ORACLE / "msa.json").is_file(), reason="no ../shared/oracle beside the checkout"),
]
TABLES = ("aiag", "ssrr")


@pytest.fixture(scope="module")
def cases():
    return {c["id"]: c["expected"] for c in json.loads((ORACLE / "msa.json").read_text(encoding="utf-8"))}


def study(name, **options):
    with (ORACLE / "data" / f"msa_{name}.csv").open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return gauge_rr(
        [float(r["y"]) for r in rows], part=[r["part"] for r in rows], operator=[r["oper"] for r in rows], **options
    )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("pool", [0.05, 0.25])
def test_anova(cases, table, pool):
    expected = cases[f"ssrr-{table}-a{pool}"]
    s = study(table, pool=pool)
    full = s.anova["with_interaction"]
    theirs = expected["anova"]["values"]
    assert full.ss == pytest.approx([row[1] for row in theirs], rel=1e-8)
    assert full.f[:3] == pytest.approx([row[3] for row in theirs[:3]], rel=1e-8)
    assert full.pvalue[:3] == pytest.approx([row[4] for row in theirs[:3]], rel=1e-7)
    reduced = s.anova["without_interaction"]
    assert reduced.pvalue[:2] == pytest.approx([row[4] for row in expected["reduced"]["values"][:2]], rel=1e-7)
    assert s.variance["gauge_rr"] == pytest.approx(expected["varcomp"]["Total Gage R&R"], rel=1e-8)
    assert s.variance["part"] == pytest.approx(expected["varcomp"]["Part-To-Part"], rel=1e-8)
    assert s.ndc_truncated == expected["ncat"]
    quality = cases[f"qtrr-{table}-a{pool}"]
    assert s.variance["operator"] == pytest.approx(quality["a"], rel=1e-8)
    assert s.variance["total"] == pytest.approx(quality["totalVar"], rel=1e-8)


@pytest.mark.parametrize("table", TABLES)
def test_raw_moments_ranges_and_reml(cases, table):
    s = study(table, pool="never")
    raw = cases[f"vc-anova-{table}"]["raw"]
    names = {"part": "part", "operator": "oper", "interaction": "int", "repeatability": "rep"}
    for ours, theirs in names.items():
        assert s.components[ours].raw == pytest.approx(raw[theirs], rel=1e-8)
    ranges, expected = study(table, method="average_range"), cases[f"avgrange-{table}"]
    for ours, theirs in {
        "repeatability": "EV",
        "operator": "AV",
        "gauge_rr": "GRR",
        "part": "PV",
        "total": "TV",
    }.items():
        assert ranges.sd[ours] == pytest.approx(expected[theirs], rel=1e-5)
    reml, expected = study(table, method="reml", pool="never"), cases[f"vc-reml-{table}"]
    for ours, theirs in {
        "part": "part",
        "operator": "oper",
        "interaction": "part:oper",
        "repeatability": "Residual",
    }.items():
        assert reml.variance[ours] == pytest.approx(expected[theirs], rel=1e-4, abs=2e-6)
    low, high = (cases[f"vca-{table}"]["inf"][k][-1] for k in ("LCL", "UCL"))
    interval = s.components["repeatability"].variance.interval
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-7)


def test_printed_numbers_of_the_aiag_manual():
    """AIAG MSA 4th ed., chapter III: the average-and-range form and the ANOVA report of the same table."""
    form = study("aiag", method="average_range", constants="table")
    found = [form.sd[k] for k in ("repeatability", "operator", "gauge_rr", "part", "total")]
    assert found == pytest.approx([0.20186, 0.22967, 0.30577, 1.10460, 1.14613], abs=1.5e-5)
    found = [form.percent_study[k] for k in ("repeatability", "operator", "gauge_rr", "part")]
    assert found == pytest.approx([17.61, 20.04, 26.68, 96.38], abs=0.006)
    assert form.ndc * 1.41 / math.sqrt(2) == pytest.approx(5.09, abs=0.005)
    assert form.ndc_truncated == 5
    s = study("aiag")
    assert s.percent_study["gauge_rr"] == pytest.approx(27.86, abs=0.005)
    assert s.ndc_truncated == 4
