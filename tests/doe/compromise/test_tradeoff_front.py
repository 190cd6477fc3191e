"""Fronts against their definition, written as plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.compromise.front import attained, joined, knee_of, nondominated, part_way, sort_by_first


def dominated(p, q):
    """Whether q is at least as good everywhere and better somewhere."""
    return all(b <= a for a, b in zip(p, q, strict=True)) and any(b < a for a, b in zip(p, q, strict=True))


def plain(points):
    """Indices no other point dominates; of equal points the first."""
    out = []
    for i, p in enumerate(points):
        if any(dominated(p, q) for q in points):
            continue
        if any(tuple(q) == tuple(p) for q in points[:i]):
            continue
        out.append(i)
    return out


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 4), st.lists(st.lists(st.integers(-3, 3), min_size=4, max_size=4), min_size=1, max_size=30))
def test_nondominated_points(d, points):
    losses = np.array(points, dtype=float)[:, :d]
    assert np.flatnonzero(nondominated(losses)).tolist() == plain(losses.tolist())


def test_many_goals_in_blocks(monkeypatch):
    losses = np.random.default_rng(1).integers(0, 6, (300, 3)).astype(float)
    whole = nondominated(losses)
    monkeypatch.setattr("qstats.doe.compromise.front._CELLS", 2000)
    assert (nondominated(losses) == whole).all() and 0 < whole.sum() < 300


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20), st.integers(-1, 10))
def test_best_second_loss_that_can_be_had(points, at):
    x = np.array(points, dtype=float)
    found = attained(sort_by_first(x[None, :, 0], x[None, :, 1]), np.array([float(at)]))[0, 0]
    assert found == min((b for a, b in points if a <= at), default=math.inf)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20), st.integers(-2, 21))
def test_straight_lines_between_neighbours(points, twice):
    at, x = twice / 2, np.array(points, dtype=float)
    found = joined(sort_by_first(x[None, :, 0], x[None, :, 1]), np.array([at]))[0, 0]
    front = sorted(points[i] for i in plain(points))
    if at < front[0][0]:
        assert found == math.inf
    else:
        assert found == pytest.approx(np.interp(at, [a for a, _ in front], [b for _, b in front]))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=20))
def test_members_of_the_front_of_a_draw(points):
    x = np.array(points, dtype=float)
    held = sort_by_first(x[None, :, 0], x[None, :, 1]).on_front[0]
    assert {points[i] for i in np.flatnonzero(held)} == {points[i] for i in plain(points)}


def test_knee_is_the_point_farthest_from_the_chord():
    rng = np.random.default_rng(3)
    x = rng.random((40, 2))
    knee = [float(v[0]) for v in knee_of(sort_by_first(x[None, :, 0], x[None, :, 1]))]
    front = sorted((x[i] for i in plain(x.tolist())), key=lambda p: p[0])
    (x0, y0), (x1, y1) = front[0], front[-1]
    scaled = [((a - x0) / (x1 - x0), (b - y1) / (y0 - y1)) for a, b in front]
    distance = [(1 - a - b) / math.sqrt(2) for a, b in scaled]  # from the line between (0, 1) and (1, 0)
    assert knee == pytest.approx(front[int(np.argmax(distance))].tolist())


def test_a_front_of_one_point_has_no_knee():
    x = np.array([[1.0, 1.0], [2.0, 2.0]])
    assert math.isnan(knee_of(sort_by_first(x[None, :, 0], x[None, :, 1]))[0][0])


def test_part_of_the_way_along_a_front():
    # scaled: (0, 0), (.2, .6), (1, 1): ways 0, .4, 1; a quarter lies on the first line, three quarters on the second
    x = np.array([[10.0, 5.0], [12.0, 2.0], [20.0, 0.0], [15.0, 4.0], [30.0, 1.0]])
    points = sort_by_first(x[None, :, 0], x[None, :, 1])
    first, second = part_way(points, 0.25)
    assert first[0] == pytest.approx(10 + 2 * 0.25 / 0.4) and second[0] == pytest.approx(5 - 3 * 0.25 / 0.4)
    share = (0.75 - 0.4) / 0.6
    first, second = part_way(points, 0.75)
    assert first[0] == pytest.approx(12 + 8 * share) and second[0] == pytest.approx(2 - 2 * share)
    # with the goals changed over it is the way back
    back = sort_by_first(x[None, :, 1], x[None, :, 0])
    assert part_way(back, 0.25)[1][0] == pytest.approx(first[0])
    assert math.isnan(part_way(sort_by_first(x[None, :1, 0], x[None, :1, 1]), 0.5)[0][0])
