"""The band and the shares of draws by their definition, over all candidates and in plain loops."""

import math

import numpy as np
import pytest

from qstats.doe import central_composite
from qstats.doe.compromise.draws import simulate
from qstats.doe.compromise.frontier import Axis, band_of, frontier, quantiles
from qstats.doe.compromise.goals import Goal
from qstats.doe.compromise.surfaces import surface_of
from qstats.doe.fitting.door import fit

GOALS = (Goal("time", "min"), Goal("quality", "max"))


def axes(draws, seed=1, goals=GOALS):
    design = central_composite(2, kind="face", center_points=4, rng=1)
    rng = np.random.default_rng(seed)
    x = np.asarray(design.coded)
    y = {"time": 10 - x[:, 0] + 0.5 * x[:, 1] ** 2, "quality": 50 - x[:, 0] + x[:, 1] - 0.5 * x[:, 0] ** 2}
    fits = [fit(design, v + rng.normal(0, 0.2, len(x)), model="quadratic", name=n) for n, v in y.items()]
    surfaces = [surface_of(f.response, f) for f in fits]
    side = np.linspace(-1, 1, 9)
    coded = np.array([[a, b] for a in side for b in side])
    drawn = simulate(surfaces, draws, rng)[0]
    made = {s.name: (s, d, s.rows(coded)) for s, d in zip(surfaces, drawn, strict=True)}
    return [Axis(g, *made[g.response]) for g in goals], np.arange(81)


def test_band_and_shares_by_definition():
    two, every = axes(60)
    found = frontier(two, every)
    time = np.array([two[0].rows @ t for t in two[0].draws.truth])
    quality = np.array([two[1].rows @ t for t in two[1].draws.truth])
    for i, share in zip(found.members, found.non_dominated, strict=True):
        free = 0
        for t, q in zip(time, quality, strict=True):
            free += not any(t[j] <= t[i] and q[j] >= q[i] and (t[j] < t[i] or q[j] > q[i]) for j in range(81))
        assert share == pytest.approx(free / 60)
    band = band_of(found.pair, GOALS, 0.9)
    for at in (0, 10, 25, 40):
        best = [max((b for a, b in zip(t, q, strict=True) if a <= band.first[at]), default=-math.inf)
                for t, q in zip(time, quality, strict=True)]  # fmt: skip
        ordered = sorted(best)  # three of 60 beyond either limit
        assert band.interval.low[at] == pytest.approx(ordered[3])
        assert band.interval.high[at] == pytest.approx(ordered[60 - 1 - 3])
        assert band.reach[at] == pytest.approx(np.mean(np.isfinite(best)))
    assert (band.interval.low <= band.second).mean() > 0.9 and (band.second <= band.interval.high).all()


def test_settings_left_out_by_the_first_draws_hardly_matter(monkeypatch):
    two, every = axes(2000)
    whole = frontier(two, every)
    monkeypatch.setattr("qstats.doe.compromise.frontier._PILOT", 2000)
    exact = frontier(two, every)
    assert (whole.members == exact.members).all()
    assert whole.non_dominated == pytest.approx(exact.non_dominated, abs=0.005)
    a, b = (band_of(f.pair, GOALS, 0.95) for f in (whole, exact))
    known = np.isfinite(b.interval.low)
    width = b.interval.high[known] - b.interval.low[known]
    assert (np.abs(a.interval.low[known] - b.interval.low[known]) <= 0.05 * width).all()
    assert (np.abs(a.interval.high[known] - b.interval.high[known]) <= 0.05 * width).all()


def test_one_goal_and_three():
    one, every = axes(200, goals=GOALS[:1])
    found = frontier(one, every)
    losses = np.array([one[0].rows @ t for t in one[0].draws.truth])
    assert found.members.size == 1 and found.pair is None
    assert found.non_dominated[0] == pytest.approx(np.mean(losses.argmin(axis=1) == found.members[0]), abs=1e-12)
    two, _ = axes(200)
    three = [*two, Axis(Goal("quality", "max"), two[1].surface, two[1].draws, two[1].rows)]  # nothing new
    again = frontier(three, every)
    assert again.members.tolist() == frontier(two, every).members.tolist() and again.compared == 200
    assert again.non_dominated == pytest.approx(frontier(two, every).non_dominated)


def test_limits_over_draws_keep_infinities():
    x = np.array([1.0, 2.0, math.inf, 3.0])
    assert quantiles(x, 0.5) == (2.0, 3.0)
    assert quantiles(x, 0.98)[1] == math.inf
