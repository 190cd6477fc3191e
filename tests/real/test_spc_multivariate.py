"""T2 of the boiler temperatures shipped with R's qcc; skipped where the oracle files are not beside the checkout."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from qstats.spc.charts.multivariate import t2

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
FILE = ORACLE / "charts_timeweighted_multivariate.json"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not FILE.is_file(), reason="no ../shared/oracle beside the checkout"),
]


@pytest.mark.parametrize("case", ["mqcc-boiler-3", "mqcc-boiler-5", "mqcc-boiler-8", "mqcc-boiler-conf999"])
def test_as_qcc(case):
    c = next(c for c in json.loads(FILE.read_text(encoding="utf-8")) if c["id"] == case)
    with (ORACLE / "data" / "boiler.csv").open(encoding="utf-8") as f:
        x = np.array([[float(v) for v in row] for row in list(csv.reader(f))[1:]])
    p = c["inputs"].get("k", 8)
    x, want = x[:, :p], c["expected"]
    chart = t2(x, alpha=0.001 if case.endswith("999") else 1 - (1 - 0.0027) ** p)
    np.testing.assert_allclose(chart.panels["t2"].statistic, want["statistics"], rtol=1e-9)
    np.testing.assert_allclose(chart.panels["t2"].upper, want["limits"]["values"][0][1], rtol=1e-10)
    np.testing.assert_allclose(chart.limits.parameters["covariance"], want["cov"]["values"], rtol=1e-11)
    assert [s.index + 1 for s in chart.signals] == np.atleast_1d(want["beyond"]).tolist()
    later = chart.extend(x[:1]).panels["t2"].upper[-1]
    assert later == pytest.approx(want["pred.limits"]["values"][0][1], rel=1e-10)
