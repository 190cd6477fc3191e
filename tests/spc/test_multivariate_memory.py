"""MEWMA and MCUSUM charts."""

import json
import math
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.spc.chart import ControlLimits
from qstats.spc.charts.multivariate_memory import mcusum, mewma
from qstats.spc.monitor import Monitor, monitor
from qstats.spc.runlength import mcusum_arl, mewma_arl

HERE = Path(__file__).parents[1] / "reference"
CASES = {c["id"]: c for c in json.loads((HERE / "spc_t2.json").read_text(encoding="utf-8"))}
few = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 2**32 - 1)
BOTH = pytest.mark.parametrize("make", [mewma, mcusum])


def vectors(seed, m=40, p=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, p)) @ rng.normal(size=(p, p)) + 10.0 * np.arange(1, p + 1)


def fired(chart):
    return [(s.panel, s.index, s.rule) for s in chart.signals]


def main(chart):
    return chart.panels[chart.kind].statistic


def test_mewma_as_in_r():
    # direct recursion and spc::mewma.crit
    c = CASES["mewma-exact-p3"]
    chart = mewma(c["inputs"]["X"], lam=0.1, arl0=200)
    np.testing.assert_allclose(main(chart), c["expected"]["t2_exactcov"], rtol=1e-9)
    assert chart.limits.number("h") == pytest.approx(c["expected"]["h4"], rel=1e-6)
    np.testing.assert_array_equal(chart.panels["mewma"].upper, chart.limits.number("h"))
    assert np.isnan(chart.panels["mewma"].lower).all()


def test_mewma_as_msqc():
    c = CASES["MSQC-mewma-p3"]
    np.testing.assert_allclose(main(mewma(c["inputs"]["X"], lam=0.1)), c["expected"]["stat"], atol=0.006)


@pytest.mark.parametrize("case", ["MSQC-mcusum-p2", "MSQC-mcusum-p3"])
def test_mcusum_as_msqc(case):
    c = CASES[case]
    chart = mcusum(c["inputs"]["X"], k=0.5, h=c["expected"]["ucl"])
    np.testing.assert_allclose(main(chart), c["expected"]["stat"], atol=0.006)
    assert [s.index for s in chart.signals] == np.flatnonzero(np.array(c["expected"]["stat"]) > 5.5).tolist()


def loop(x, mean, cov, lam, steady, size=1.0):
    """MEWMA one point after the other: Lowry et al. (1992), eqs. 1-3."""
    z, v, out = np.zeros(len(mean)), 0.0, []
    for row, n in zip(x, np.broadcast_to(size, len(x)), strict=True):
        z = lam * (row - mean) + (1 - lam) * z
        v = (1 - lam) ** 2 * v + lam**2 / n
        out.append(z @ np.linalg.solve(cov * (lam / (2 - lam) / n if steady else v), z))
    return out


@pytest.mark.parametrize("steady", [False, True])
def test_mewma_in_a_plain_loop(steady):
    x = vectors(1)
    chart = mewma(x, lam=0.3, steady_state=steady, target=[10.0, 20.0, 30.0])
    want = loop(x, np.array([10.0, 20.0, 30.0]), np.cov(x.T), 0.3, steady)
    np.testing.assert_allclose(main(chart), want, rtol=1e-9)
    assert chart.limits.parameters["steady_state"] is steady


def test_subgroups_of_unequal_size_in_plain_loops():
    rng = np.random.default_rng(2)
    size = np.array([2, 5, 3, 2, 4, 6, 2, 3, 5, 4, 2, 3])
    x = rng.normal(size=(size.sum(), 2))
    by = np.repeat(np.arange(12), size)
    groups = [x[by == g] for g in range(12)]
    means = np.array([g.mean(axis=0) for g in groups])
    cov = sum((g - g.mean(axis=0)).T @ (g - g.mean(axis=0)) for g in groups) / (size.sum() - 12)
    mean = x.mean(axis=0)
    np.testing.assert_allclose(main(mewma(x, by=by, lam=0.2)), loop(means, mean, cov, 0.2, False, size), rtol=1e-9)
    root = np.linalg.inv(np.linalg.cholesky(cov))
    s, want = np.zeros(2), []
    for row, n in zip(means, size, strict=True):
        c = math.hypot(*(s + root @ (row - mean) * math.sqrt(n)))
        s = (s + root @ (row - mean) * math.sqrt(n)) * max(0.0, 1 - 0.4 / c)
        want.append(math.hypot(*s))
    np.testing.assert_allclose(main(mcusum(x, by=by, k=0.4)), want, rtol=1e-9, atol=1e-12)
    with pytest.raises(DataError, match="limits of an endless series want one size"):
        mewma(x, by=by, steady_state=True)
    equal = rng.normal(size=(15, 4, 2))
    chart = mewma(equal, steady_state=True, lam=0.2)
    cov = sum(np.cov(g.T) for g in equal) / 15
    want = loop(equal.mean(axis=1), equal.mean(axis=(0, 1)), cov, 0.2, True, 4)
    np.testing.assert_allclose(main(chart), want, rtol=1e-9)


def test_the_limit_gives_the_run_length_asked_for():
    x = vectors(3)
    assert mewma_arl(0.2, mewma(x, lam=0.2).limits.number("h"), 3) == pytest.approx(370.4, rel=1e-6)
    assert mcusum_arl(0.75, mcusum(x, k=0.75, arl0=500).limits.number("h"), 3) == pytest.approx(500, rel=1e-6)
    assert mewma(x, h=9.5).limits.parameters.get("arl0") is None
    # Lowry et al. (1992): MEWMA with r = .1, p = 2 has h = 8.66 for an in-control run length of 200
    assert mewma(x[:, :2], arl0=200).limits.number("h") == pytest.approx(8.66, abs=0.05)


def test_in_control_run_length_by_simulation():
    """The asymptotic chart's h is exact for it; the exact covariance signals a little sooner."""
    rng = np.random.default_rng(4)
    h = mewma(vectors(5, 40, 2), lam=0.2, arl0=20.0, steady_state=True).limits.number("h")
    limits = ControlLimits(
        "mewma", 1.4, None, 3.0, "", 40, "given",
        {"names": ("a", "b"), "mean": (0.0, 0.0), "covariance": ((1.0, 0.0), (0.0, 1.0)), "basis": "sample",
         "m": 40, "n": 1.0, "lam": 0.2, "h": h, "steady_state": True},
    )  # fmt: skip
    runs = []
    for _ in range(400):
        chart = mewma(rng.normal(size=(250, 2)), limits=limits, lam=0.2)
        runs.append(chart.signals[0].index + 1 if chart.signals else 250)
    assert np.mean(runs) == pytest.approx(20.0, abs=4 * np.std(runs) / 20)


def test_the_exact_covariance_signals_sooner_than_arl0_says():
    x = vectors(9)
    assert "run length 370.4 with the asymptotic covariance" in mewma(x).method
    assert "run length 370.4)" in mewma(x, steady_state=True).method
    assert "run length 370.4)" in mcusum(x).method
    assert "run length" not in mewma(x, h=9.0).method
    exact, steady = (main(mewma(x, h=9.0, steady_state=s)) for s in (False, True))
    assert (exact > steady).all()


@BOTH
@few
@given(seeds, st.integers(8, 35))
def test_extending_is_freezing(make, seed, k):
    x = vectors(seed)
    frozen, extended = make(x, baseline=k), make(x[:k]).extend(x[k:])
    assert extended.to_dict() | {"notes": 0} == frozen.to_dict() | {"notes": 0}
    np.testing.assert_allclose(main(frozen)[:k], main(make(x[:k])), rtol=1e-12)


@BOTH
@few
@given(seeds, st.booleans(), st.sampled_from([None, 4]))
def test_the_monitor_agrees_with_the_chart(make, seed, gap, n):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 2) if n is None else (40, n, 2))
    x[25:] += 0.8
    if gap:
        x[27] = np.nan
    chart = make(x, baseline=20, exclude=[24, 30], missing="drop")
    watch = monitor(make(x[:20]))
    got = []
    for i in range(20, 40):
        row = None if np.isnan(x[i]).any() else x[i]
        got += [(s.panel, s.index, s.rule) for s in watch.update(row, exclude=i in (24, 30))]
        watch = Monitor.from_dict(json.loads(json.dumps(watch.state())))
    assert got == [f for f in fired(chart) if f[1] >= 20]


@BOTH
@few
@given(seeds)
def test_phases_do_not_touch_one_another(make, seed):
    x = vectors(seed)
    both = make(x, phase=[17])
    np.testing.assert_allclose(
        main(both), np.concatenate([main(make(x[:17])), main(make(x[17:]))]), rtol=1e-8, atol=1e-9
    )


@BOTH
@few
@given(seeds)
def test_any_linear_change_of_scale_leaves_it_alone(make, seed):
    x = vectors(seed)
    turn = np.array([[2.0, 0.5, 0.0], [0.0, -3.0, 1.0], [0.0, 0.0, 0.1]])
    np.testing.assert_allclose(main(make(x @ turn + [1e3, -5.0, 7.0])), main(make(x)), rtol=1e-5, atol=1e-6)


@BOTH
def test_the_memory_waits_at_gaps_and_excluded_points(make):
    x = vectors(6)
    x[5], x[9, 1] = np.nan, np.nan
    chart = make(x, missing="drop", exclude=[12])
    kept = np.delete(np.arange(40), [5, 9, 12])
    plain = make(x[kept])
    np.testing.assert_allclose(main(chart)[kept], main(plain), rtol=1e-12)
    assert np.isnan(main(chart)[[5, 9]]).all()
    assert main(chart)[12] == main(chart)[11]
    first = make(x, missing="drop", exclude=[0, 12])
    assert main(first)[0] == 0.0


@BOTH
def test_limits_survive_json_and_are_used_again(make):
    x = vectors(7)
    chart = make(x[:30])
    limits = json.loads(chart.limits.to_json())
    assert ControlLimits.from_dict(limits).to_dict() == chart.limits.to_dict()
    again = make(x, limits=limits)
    np.testing.assert_allclose(main(again)[:30], main(chart), rtol=1e-12)
    assert pickle.loads(pickle.dumps(again)).to_dict() == again.to_dict()
    frame = pd.DataFrame(x, columns=list("abc"))
    np.testing.assert_array_equal(main(make(frame, values=list("abc"))), main(make(x)))
    assert "MSQC" not in again.explain()


BAD = [
    (lambda x: mewma(x, lam=0.0), "lam"),
    (lambda x: mewma(x, lam=1.5), "lam: got 1.5"),
    (lambda x: mcusum(x, k=0.0), "k"),
    (lambda x: mewma(x, h=5.0, arl0=200), "arl0: came together with h"),
    (lambda x: mewma(x, h=-1.0), "h: got"),
    (lambda x: mewma(x, arl0=1.0), "arl0"),
    (lambda x: mewma(x, steady_state=1), "steady_state"),
    (lambda x: mewma(x, target=[1.0]), "target"),
    (lambda x: mewma(x, target=[1.0, np.nan, 2.0]), "target"),
    (lambda x: mewma(x, target="a"), "target"),
    (lambda x: mewma(x, covariance="x"), "covariance"),
    (lambda x: mewma(x, limits=mewma(x).limits, lam=0.3), "lam: given together"),
    (lambda x: mewma(x, limits=mewma(x).limits, h=8.0), "h: given together"),
    (lambda x: mewma(x, limits=mewma(x).limits, target=np.zeros(3)), "target: given together"),
    (lambda x: mcusum(x, limits=mewma(x).limits), "kind 'mewma'"),
    (lambda x: mcusum(x, size=4, limits=mcusum(x).limits), "other way round"),
    (lambda x: mewma(np.column_stack([x, x[:, 0]])), "x1, x4 determine one another"),
    (lambda x: mewma(x[:2]), "singular"),
]


@pytest.mark.parametrize(("call", "text"), BAD)
def test_what_cannot_be_charted(call, text):
    with pytest.raises(DataError, match=text):
        call(vectors(8))
