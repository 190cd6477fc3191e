"""Run lengths of multivariate charts against R spc, one-dimensional twins, and simulation by plain loops."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.special

from qstats.errors import DataError, NoConvergence
from qstats.spc import runlength as rl

CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parents[1] / "reference/spc_runlength.json").read_text(encoding="utf-8"))
}
MEWMA = ["mewma-p4-r0.1", "mewma-p8-r0.1"]


@pytest.mark.parametrize("case", MEWMA)
def test_mewma_as_r_spc(case):
    c = CASES[case]
    p, h = c["inputs"]["p"], c["expected"]["h4"]
    got = [rl.mewma_arl(0.1, h, p, delta) for delta in c["inputs"]["delta"]]
    assert got[0] == pytest.approx(c["expected"]["arl"][0], rel=1e-9)
    # spc solves the shifted case at 30 nodes; its p = 4 values are 1.4e-6 to 2.9e-6 off where both are refined
    assert got[1:] == pytest.approx(c["expected"]["arl"][1:], rel=4e-6)
    assert rl.mewma_limit(0.1, p, 200.0) == pytest.approx(h, abs=1e-8)


def test_mewma_as_printed():
    # Quoted on the manual page of R spc 0.7.2 for r .1, H 12.73, p 4; approximations, up to 0.4 per cent off: spc
    # itself gives the run length of 200 to H = 12.7231, not 12.73.
    printed = {0.0: 199.78, 0.5: 35.05, 1.0: 12.17, 1.5: 7.22, 2.0: 5.19, 3.0: 3.42}
    for delta, value in printed.items():
        assert rl.mewma_arl(0.1, 12.73, 4, delta) == pytest.approx(value, rel=5e-3)


@pytest.mark.parametrize(("lam", "width"), [(0.1, 2.7), (0.3, 3.0), (1.0, 2.8)])
def test_one_variable_is_the_two_sided_ewma(lam, width):
    for shift in (0.0, 0.6):
        assert rl.mewma_arl(lam, width**2, 1, shift) == pytest.approx(rl.ewma_arl(lam, width, shift), rel=1e-8)


@pytest.mark.parametrize("p", [2, 3, 10, 50])
def test_weight_one_is_the_chi_square_chart(p):
    # scipy.special: P(chi2_p > h) and the noncentral chndtr
    h = 2.0 * scipy.special.gammaincinv(p / 2, 0.98)
    assert rl.mewma_arl(1.0, h, p) == pytest.approx(50.0, rel=1e-8)
    shifted = 1.0 / (1.0 - scipy.special.chndtr(h, p, 1.5**2))
    assert rl.mewma_arl(1.0, h, p, 1.5) == pytest.approx(shifted, rel=1e-6)


@pytest.mark.parametrize(("p", "delta"), [(2, 0.0), (2, 1.0), (3, 0.7)])
def test_mewma_against_plain_loops(p, delta):
    rng = np.random.default_rng(p)
    r, h, runs = 0.2, 6.0, 2500
    lengths = np.empty(runs)
    for i in range(runs):
        z, n = np.zeros(p), 0
        while z @ z * (2 - r) / r <= h:
            x = rng.standard_normal(p)
            x[-1] += delta
            z = r * x + (1 - r) * z
            n += 1
        lengths[i] = n
    assert abs(lengths.mean() - rl.mewma_arl(r, h, p, delta)) < 4.5 * lengths.std() / math.sqrt(runs)


@pytest.mark.parametrize(
    "case", ["xcusum-Crosier-k0.25-h4", "xcusum-Crosier-k0.5-h5", "xcusum-Crosier-k0.75-h5", "xcusum-Crosier-k1-h3"]
)
def test_mcusum_of_one_variable_is_crosiers_cusum_in_r_spc(case):
    c = CASES[case]
    assert rl.mcusum_arl(c["inputs"]["k"], c["inputs"]["h"], 1) == pytest.approx(c["expected"][0], rel=1e-10)


@pytest.mark.parametrize(("p", "k", "h"), [(2, 0.5, 3.5), (5, 0.5, 6.0), (3, 1.0, 2.5)])
def test_mcusum_against_plain_loops(p, k, h):
    rng = np.random.default_rng(10 * p)
    runs = 2500
    lengths = np.empty(runs)
    for i in range(runs):
        s, n = np.zeros(p), 0
        while s @ s <= h * h:
            s = s + rng.standard_normal(p)
            c = math.sqrt(s @ s)
            s = s * (1 - k / c) if c > k else np.zeros(p)
            n += 1
        lengths[i] = n
    assert abs(lengths.mean() - rl.mcusum_arl(k, h, p)) < 4.5 * lengths.std() / math.sqrt(runs)


def test_limits_near_the_rounded_ones():
    # Limits for an in-control ARL of 200 as R MSQC 1.1.0 draws them: MCUSUM k = .5, two variables, 5.5; MEWMA r = .1
    assert rl.mcusum_limit(0.5, 2, 200.0) == pytest.approx(5.5, abs=0.02)
    for p, ucl in ((2, 8.63), (3, 10.81), (4, 12.72)):
        assert rl.mewma_limit(0.1, p, 200.0) == pytest.approx(ucl, abs=0.03)
    # R spc 0.7.2, mewma.crit(0.1, 200, 3, r = 30)
    assert rl.mewma_limit(0.1, 3, 200.0) == pytest.approx(10.783646702484045, abs=1e-8)


@pytest.mark.parametrize("p", [2, 7, 100])
def test_limits_give_the_run_length_asked_for(p):
    assert rl.mewma_arl(0.15, rl.mewma_limit(0.15, p, 500.0), p) == pytest.approx(500.0, rel=1e-8)
    assert rl.mcusum_arl(0.7, rl.mcusum_limit(0.7, p, 100.0), p) == pytest.approx(100.0, rel=1e-8)


def test_larger_shifts_are_seen_sooner():
    got = [rl.mewma_arl(0.3, 10.0, 3, delta) for delta in (0.0, 1e-3, 0.5, 1.0, 2.0, 5.0, 40.0)]
    assert all(a > b for a, b in itertools.pairwise(got))
    assert got[1] == pytest.approx(got[0], rel=1e-4)  # the two-dimensional equation runs into the one-dimensional one
    assert got[-1] == 1.0


@pytest.mark.parametrize(
    ("survival", "arl", "run"),
    [
        (
            lambda n: rl.mewma_survival(0.2, 6.0, 3, n),
            lambda: rl.mewma_arl(0.2, 6.0, 3),
            lambda: rl.run_length_of_mewma(0.2, 6.0, 3),
        ),
        (
            lambda n: rl.mewma_survival(0.2, 6.0, 3, n, 1.0),
            lambda: rl.mewma_arl(0.2, 6.0, 3, 1.0),
            lambda: rl.run_length_of_mewma(0.2, 6.0, 3, 1.0),
        ),
        (
            lambda n: rl.mewma_survival(0.2, 6.0, 1, n, 1.0),
            lambda: rl.ewma_arl(0.2, math.sqrt(6.0), 1.0),
            lambda: rl.run_length_of_ewma(0.2, math.sqrt(6.0), 1.0),
        ),
        (
            lambda n: rl.mcusum_survival(0.5, 4.0, 2, n),
            lambda: rl.mcusum_arl(0.5, 4.0, 2),
            lambda: rl.run_length_of_mcusum(0.5, 4.0, 2),
        ),
    ],
    ids=["mewma", "mewma shifted", "mewma of one", "mcusum"],
)
def test_the_run_length_is_the_sum_of_its_survival(survival, arl, run):
    clear = survival(4000)
    assert 1.0 + clear.sum() == pytest.approx(arl(), rel=1e-6)
    result = run()
    assert result.arl == arl()
    assert result.median == int(np.argmax(clear <= 0.5)) + 1
    assert result.within[0] == (25, pytest.approx(1.0 - clear[24], abs=1e-6))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: rl.mewma_arl(0.0, 10.0, 2), "r"),
        (lambda: rl.mewma_arl(1.2, 10.0, 2), "r"),
        (lambda: rl.mewma_arl(0.1, -1.0, 2), "h"),
        (lambda: rl.mewma_arl(0.1, 10.0, 0), "p"),
        (lambda: rl.mewma_arl(0.1, 10.0, 2.5), "p"),
        (lambda: rl.mewma_arl(0.1, 10.0, 2, -1.0), "delta"),
        (lambda: rl.mewma_limit(0.1, 2, 0.5), "arl0"),
        (lambda: rl.mcusum_arl(-0.5, 5.0, 2), "k"),
        (lambda: rl.mcusum_arl(0.5, math.nan, 2), "h"),
        (lambda: rl.mcusum_limit(0.5, True), "p"),
        (lambda: rl.mewma_survival(0.1, 10.0, 2, 0), "n"),
        (lambda: rl.mcusum_survival(0.5, 5.0, 2, 1.5), "n"),
    ],
)
def test_wrong_arguments_are_named(call, name):
    with pytest.raises(DataError, match=f"^{name}: "):
        call()


def test_what_cannot_be_told_is_refused():
    with pytest.raises(NoConvergence, match="MEWMA"):
        rl.mewma_arl(0.1, 80.0, 2)
    with pytest.raises(NoConvergence, match="MCUSUM"):
        rl.mcusum_arl(0.5, 60.0, 2)
