"""Rules on a few points (bits of whole numbers) find what the blocks of numpy find, and what a plain loop finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.errors import DataError
from qstats.spc.rules.engine import find
from qstats.spc.rules.rule import Rule
from qstats.spc.rules.sets import NAMED
from qstats.spc.rules.short import FEW_POINTS, find_few
from qstats.spc.stretch import Flat, Varying

RULES = tuple(dict.fromkeys(rule for rules in NAMED.values() for rule in rules.rules))
values = st.lists(
    st.one_of(st.floats(-4, 4), st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0])), min_size=1, max_size=FEW_POINTS
)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(["beyond", "trend", "alternating", "within", "outside", "swing"]))
    m = draw(st.integers(1, 9))
    k = m if kind in ("trend", "alternating") else 2 if kind == "swing" else draw(st.integers(1, m))
    threshold = None if kind in ("trend", "alternating") else draw(st.sampled_from([None, 0.0, 0.5, 1.0, 2.0]))
    sides = draw(st.sampled_from(["each", "upper", "lower", "either", "both"]))
    more = {
        "beyond_limits": draw(st.booleans()), "same_side": draw(st.booleans()),
        "ties": draw(st.sampled_from(["break", "ignore", "continue"])),
        "center": draw(st.sampled_from(["break", "skip"])),
    }  # fmt: skip
    for fields in (more, {}):
        for side in (sides, "each", "either"):
            try:
                return Rule("drawn", kind, k, m, threshold, side, **fields)
            except DataError:
                continue
    return draw(st.sampled_from(RULES))


def _long_road(asked: list[Rule], stretch: Flat | Varying) -> list[np.ndarray]:
    """With a mark for each point, none of them set, the same series is judged block by block."""
    return find(asked, stretch, np.zeros(stretch.stop - stretch.start, dtype=np.bool_))


@given(
    values, st.lists(st.one_of(rules(), st.sampled_from(RULES)), min_size=1, max_size=6), st.integers(0, 3), st.data()
)
@settings(max_examples=300, deadline=None)
def test_short_and_long_road_meet(x: list[float], asked: list[Rule], start: int, data: st.DataObject) -> None:
    n, whole = len(x), np.array([9.0] * start + x)
    sigma = data.draw(st.sampled_from([0.0, 1.0]))
    below = data.draw(st.sampled_from([None, 0.7]))
    upper = data.draw(st.sampled_from([2.5, np.nan]))
    flat = Flat(start, start + n, whole, 0.1, sigma, -2.5, upper, below)
    spread = np.linspace(0.6, 1.4, n)
    varying = Varying(start, start + n, whole[start:], 0.1, spread, -2.5 * spread, 2.5 * spread)
    for stretch in (flat, varying):
        for short, long in zip(find(asked, stretch), _long_road(asked, stretch), strict=True):
            assert short.dtype == long.dtype
            assert short.tolist() == long.tolist()


@given(values)
@settings(max_examples=60)
def test_western_electric_by_a_plain_loop(x: list[float]) -> None:
    # Western Electric (1956), pp. 25-27: each test on one half of the chart at a time, the last point shows it too
    tests = ((1, 1, 3.0), (2, 3, 2.0), (4, 5, 1.0), (8, 8, 0.0))
    flat = Flat(0, len(x), np.array(x), 0.0, 1.0, -3.0, 3.0)
    got = find(NAMED["western_electric"].rules, flat)
    for (k, m, t), at in zip(tests, got, strict=True):
        expected = [
            i
            for i in range(m - 1, len(x))
            if any(s * x[i] > t and sum(s * v > t for v in x[i - m + 1 : i + 1]) >= k for s in (1, -1))
        ]
        assert at.tolist() == expected


def test_a_missing_point_takes_the_long_road() -> None:
    x = np.array([3.5, np.nan, 2.1, 2.2, 0.0])
    flat = Flat(0, 5, x, 0.0, 1.0, -3.0, 3.0)
    assert find_few(RULES[:2], flat.block(0, 5), 0) is None
    assert [at.tolist() for at in find(RULES[:2], flat)] == [at.tolist() for at in _long_road(list(RULES[:2]), flat)]


@pytest.mark.parametrize("n", [FEW_POINTS, FEW_POINTS + 1])
def test_on_both_sides_of_the_length(n: int) -> None:
    x = np.random.default_rng(3).normal(0.4, 1.3, n)
    flat = Flat(0, n, x, 0.0, 1.0, -3.0, 3.0)
    short, long = find(RULES, flat), _long_road(list(RULES), flat)
    assert sum(at.size for at in long) > 5
    assert [at.tolist() for at in short] == [at.tolist() for at in long]
