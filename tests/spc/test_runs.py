"""Runs of a chart as a whole: what chance allows, against R; see test_engine.py for the plain loops."""

import math

import numpy as np
import pytest

from qstats._core.blocks import block_edges
from qstats.spc.rules import rule_set, runs
from qstats.spc.rules.engine import find_chart_level
from qstats.spc.rules.runs import crossings_limit, longest_limit
from qstats.spc.stretch import Flat


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_of_runs_as_long_the_first_is_shown(size, monkeypatch):
    monkeypatch.setattr(runs, "block_edges", lambda n: block_edges(n, size))
    x = np.array([1.0, -1, -1, 0, -1, 2, 2, 2, -1, math.nan, -1, -1, -1])
    [(_, got), _] = find_chart_level(rule_set("anhoej").rules, Flat(0, x.size, x, 0.0, 1.0, -3.0, 3.0))
    assert (got["longest_run"], got["window"], got["n_useful"], got["crossings"]) == (3, (1, 4), 11, 3)


def test_limits_of_runs_as_qicharts2(direct):
    case = direct["anhoej-limits"]
    n, limits = case["inputs"]["n"], case["expected"]
    assert [longest_limit(v) for v in n] == limits["longest.run.max"]
    assert [crossings_limit(v - 1) for v in n] == limits["n.crossings.min"]


@pytest.mark.parametrize("case", ["qic-run-2", "qic-run-4", "qic-i-1-screenFALSE", "qic-c-2", "qic-g-3"])
def test_runs_of_a_chart_as_qicharts2(direct, case):
    q = direct[case]["expected"]
    y = np.array(q["y"], dtype=float)
    stretch = Flat(0, y.size, y, float(q["cl"][0]), 1.0, math.nan, math.nan)
    [(_, got), _] = find_chart_level(rule_set("anhoej").rules, stretch)
    names = {
        "n_useful": "n.useful",
        "longest_run": "longest.run",
        "longest_limit": "longest.run.max",
        "crossings": "n.crossings",
        "crossings_limit": "n.crossings.min",
        "signal": "runs.signal",
    }
    assert {k: got[k] for k in names} == {k: q[v] for k, v in names.items()}


def test_limits_of_runs_are_binomial_quantiles():
    for trials in (*range(60), 200, 999):
        k = crossings_limit(trials)
        below = sum(math.comb(trials, i) for i in range(k))
        assert below * 20 < 2**trials <= 20 * (below + math.comb(trials, k))
