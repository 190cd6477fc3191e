"""Subgroup charts of the piston rings shipped with R qcc; skipped where the oracle is not beside the checkout."""

import csv
import json
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

from qstats.spc.charts.xbar import xbar_r, xbar_s

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (ORACLE / "charts_shewhart.json").is_file(), reason="no ../shared/oracle beside the checkout"
    ),
]
QCC = {"UWAVE-R": "rbar", "UWAVE-SD": "sbar", "MVLUE-R": "mvlue_r", "MVLUE-SD": "mvlue_s", "RMSDF": "pooled"}


def cases():
    if not (ORACLE / "charts_shewhart.json").is_file():
        return {}
    every = json.loads((ORACLE / "charts_shewhart.json").read_text(encoding="utf-8"))
    return {c["id"]: c for c in every if re.match(r"(xbar|R|S)-pistonrings", c["id"])}


CASES = cases()


@pytest.fixture(scope="module")
def rings():
    with (ORACLE / "data" / "pistonrings.csv").open(encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return np.array([float(r["diameter"]) for r in rows]), [int(r["sample"]) for r in rows]


def options_of(call):
    """Read qcc's call: which chart, which subgroups, which options."""
    kind = re.search(r"type='(\w+)'", call).group(1)
    named = re.search(r"std\.dev='([A-Z-]+)'", call)
    confidence = re.search(r"confidence\.level=([\d.]+)", call)
    width = re.search(r"nsigmas=(\d+)", call)
    out = {"sigma": QCC[named.group(1)]} if named else {"sigma": "sbar" if kind == "S" else "rbar"}
    if confidence:
        out["nsigma"] = statistics.NormalDist().inv_cdf((1 + float(confidence.group(1))) / 2)
        if kind != "xbar":
            out["dispersion_limits"] = "probability"
    if width:
        out["nsigma"] = float(width.group(1))
    if "center=74" in call:
        out |= {"target": 74, "sigma": 0.01}
    baseline = 25 if "1:25" in call else None
    stop = 125 if baseline and "newdata" not in call else 200
    return kind, out, baseline, stop


@pytest.mark.parametrize("name", list(CASES) or ["absent"])  # an empty list is an error, not a skip
def test_piston_rings_as_r_qcc(rings, name):
    want, (kind, options, baseline, stop) = CASES[name]["expected"], options_of(CASES[name]["call"])
    if options["sigma"] in ("rbar", "mvlue_r"):
        options["constants"] = "table"  # qcc's d2 has three decimals, whatever was supplied
    x, by = rings[0][:stop], rings[1][:stop]
    chart = (xbar_s if kind == "S" else xbar_r)(x, by=by, baseline=baseline, rules="none", **options)
    panel = chart.panels[{"xbar": "xbar", "R": "range", "S": "std"}[kind]]
    assert panel.statistic == pytest.approx(want["statistics"], rel=1e-11, abs=1e-11)
    assert chart.limits.sigma == pytest.approx(want["std.dev"], rel=1e-10)
    # qcc draws probability limits about sigma; the centre line here is the mean of the statistic
    if options.get("dispersion_limits") != "probability" or kind == "R":
        assert panel.center[0] == pytest.approx(want["center"], rel=1e-10)
    limits = want["limits"]["values"][0]
    # R: d3 of tables against 7 digits; quantiles of the studentised range good to 1e-6
    loose = {"R": 2e-4 if "dispersion_limits" not in options else 1e-6}.get(kind, 1e-10)
    assert [panel.lower[0], panel.upper[0]] == pytest.approx(limits, rel=loose)


def test_the_cases_are_there():
    assert len(CASES) >= 25
