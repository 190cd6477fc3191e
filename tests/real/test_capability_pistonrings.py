"""Capability of the piston rings shipped with R qcc, by qcc's own rules; skipped where the oracle is not there."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from qstats._core.spec import Spec
from qstats.capability.normal import process_capability

ORACLE = Path(__file__).parents[3] / "shared" / "oracle"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (ORACLE / "capability.json").is_file(), reason="no ../shared/oracle beside the checkout"),
]
NAMED = {
    "basic": (Spec(73.95, 74.05), "rbar", 0.95),
    "target": (Spec(73.95, 74.05, 74.02), "rbar", 0.95),
    "tight": (Spec(73.99, 74.01), "rbar", 0.95),
    "tight-off": (Spec(73.99, 74.1), "rbar", 0.95),
    "usl-only": (Spec(upper=74.05), "rbar", 0.95),
    "lsl-only": (Spec(lower=73.95), "rbar", 0.95),
    "conf90": (Spec(73.95, 74.05), "rbar", 0.9),
    "UWAVE-SD": (Spec(73.95, 74.05, 74), "sbar", 0.95),
    "MVLUE-R": (Spec(73.95, 74.05, 74), "mvlue_r", 0.95),
    "MVLUE-SD": (Spec(73.95, 74.05, 74), "mvlue_s", 0.95),
    "RMSDF": (Spec(73.95, 74.05, 74), "pooled", 0.95),
}


@pytest.fixture(scope="module")
def rings():
    with (ORACLE / "data" / "pistonrings.csv").open(encoding="utf-8") as f:
        return np.array([float(r["diameter"]) for r in csv.DictReader(f)]).reshape(-1, 5)


@pytest.mark.parametrize("name", NAMED)
def test_as_qcc(rings, name):
    cases = {c["id"]: c for c in json.loads((ORACLE / "capability.json").read_text(encoding="utf-8"))}
    want = cases[f"cap-piston-{name}"]["expected"]
    spec, sigma, confidence = NAMED[name]
    options = {"spec": spec, "sigma": sigma, "confidence": confidence, "convention": "qcc"}
    # the d2(5) = 2.326 of printed tables is qcc's; its c4 is exact
    table = "table" if sigma == "rbar" else "exact"
    got = process_capability(rings[: want["n"] // 5], constants=table, **options)
    rel = 1e-10 if sigma != "mvlue_r" else 4e-5  # qcc's d2 has three decimals
    assert got.mean.estimate == pytest.approx(want["center"], rel=1e-13)
    assert got.sigma_within.estimate == pytest.approx(want["std.dev"], rel=rel)
    found = [got.within.cp, got.within.cpl, got.within.cpu, got.within.cpk, got.cpm]
    for e, row in zip(found, want["indices"]["values"], strict=True):
        if row[0] is not None:  # qcc has no Cpk of a single limit: here it is the one index there is
            assert [e.estimate, e.interval.low, e.interval.high] == pytest.approx(row, rel=2 * rel)
    for side, key in (("below", "Exp < LSL"), ("above", "Exp > USL")):
        if want["exp"][key]:  # qcc prints 0 under 0.01 %
            ppm = getattr(got.expected_ppm.within, side).estimate
            assert ppm == pytest.approx(1e6 * want["exp"][key], rel=1e-7)
    for side, key in (("below", "Obs < LSL"), ("above", "Obs > USL")):
        if want["obs"][key] is not None:
            assert getattr(got.observed_ppm, side).estimate == pytest.approx(1e6 * want["obs"][key])


def test_montgomery(rings):
    # Montgomery's first 25 samples, 73.95 to 74.05: Cp 1.7033, Cpl 1.7435, Cpu 1.6631 (qcc issue 31; d2 exact moves
    # the fifth digit); qcc with nsigmas = 2 calls 2.555 Cp
    got = process_capability(rings[:25], spec=(73.95, 74.05), sigma="rbar")
    found = [got.within.cp.estimate, got.within.cpl.estimate, got.within.cpu.estimate]
    assert found == pytest.approx([1.7033, 1.7433, 1.6632], abs=2e-4)
    assert got.stability.in_control
    assert got.expected_ppm.within.total.estimate > 0
