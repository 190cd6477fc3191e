"""The engine against the definitions written as plain loops, and what it promises at edges, gaps and small blocks."""

import itertools
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qstats._core.blocks import block_edges
from qstats.spc.rules import NELSON, Rule, engine, rule_set, runs
from qstats.spc.rules.engine import count_rows, find, find_chart_level, window_of
from qstats.spc.rules.runs import fired_window
from qstats.spc.stretch import Block, Computed, Flat, Varying

# ---- the definitions, point by point ------------------------------------------------------------------------


class Points:
    """A stretch as lists, with the questions a rule asks of one point."""

    def __init__(self, x, center, sigma, below, lower, upper):
        self.x, self.center, self.sigma, self.below, self.lower, self.upper = x, center, sigma, below, lower, upper

    def above(self, i, t):
        line = self.upper[i] if t is None else self.center[i] + t * self.sigma[i]
        return self.x[i] > line

    def under(self, i, t):
        line = self.lower[i] if t is None else self.center[i] - t * self.below[i]
        return self.x[i] < line

    def side(self, i, rule):
        """+1 or -1 if the point is beyond the rule's threshold and counts, else 0."""
        up, down = self.above(i, rule.threshold), self.under(i, rule.threshold)
        if not rule.beyond_limits:
            up, down = up and not self.above(i, None), down and not self.under(i, None)
        return 1 if up else -1 if down else 0


def run_of(judged, end):
    """The judged points in a row up to and including `end`."""
    i = end
    while i >= 0 and judged[i]:
        i -= 1
    return list(range(i + 1, end + 1))


def counting(p, rule, where):
    if rule.center == "skip":
        return [i for i in where if p.x[i] != p.center[i]]
    if rule.ties == "ignore":
        return [i for n, i in enumerate(where) if n == 0 or p.x[i] != p.x[where[n - 1]]]
    return where


def shows(p, rule, w):
    """Whether the window `w` of m points shows the pattern, its last point included."""
    signs = {"each": (1, -1), "upper": (1,), "lower": (-1,)}.get(rule.sides, (0,))
    if rule.kind == "trend":
        for s in signs:
            d = [s * (p.x[b] - p.x[a]) for a, b in itertools.pairwise(w)]
            if rule.ties == "continue":
                if all(v >= 0 for v in d) and any(v > 0 for v in d):
                    return True
            elif all(v > 0 for v in d):
                return True
        return False
    if rule.kind == "alternating":
        d = [p.x[b] - p.x[a] for a, b in itertools.pairwise(w)]
        return all(a * b < 0 for a, b in itertools.pairwise(d))
    if rule.kind == "within":
        ok = [not p.above(i, rule.threshold) and not p.under(i, rule.threshold) and p.sigma[i] > 0 for i in w]
        return ok[-1] and sum(ok) >= rule.k
    side = [p.side(i, rule) for i in w]
    if rule.kind == "outside":
        enough = side[-1] != 0 and sum(v != 0 for v in side) >= rule.k
        return enough and (rule.sides == "either" or {1, -1} <= set(side))
    if rule.kind == "swing":
        return side[-1] != 0 and -side[-1] in side
    for s in signs:
        together = all((p.x[i] - p.center[i]) * s > 0 for i in w) or not rule.same_side
        if side[-1] == s and side.count(s) >= rule.k and together:
            return True
    return False


def by_hand(rule, p, judged):
    """Completing points and their windows."""
    out = []
    for end in range(len(p.x)):
        w = counting(p, rule, run_of(judged, end))[-rule.m :]
        if len(w) == rule.m and w[-1] == end and shows(p, rule, w):
            out.append((end, tuple(w)))
    return out


# ---- every kind and policy ----------------------------------------------------------------------------------

RULES = [
    *NELSON.rules,
    Rule("8 both", "outside", 8, 8, 1.0, "both"),
    Rule("3 of 4 both", "outside", 3, 4, 1.0, "both"),
    Rule("3 of 5 either", "outside", 3, 5, 1.0, "either"),
    Rule("3 of 4 off centre, inside the limits", "outside", 3, 4, 0.0, "either", beyond_limits=False),
    Rule("1 of 3", "beyond", 1, 3, 1.0),
    Rule("2 of 4", "beyond", 2, 4, 1.0),
    Rule("3 of 7", "beyond", 3, 7, 1.0),
    Rule("5 of 8 up", "beyond", 5, 8, 0.0, "upper"),
    Rule("8 of 9", "beyond", 8, 9, 0.0),
    Rule("3 of 4 down", "beyond", 3, 4, 0.0, "lower"),
    Rule("2 limits", "beyond", 2, 2),
    Rule("2 of 3 limits", "beyond", 2, 3),
    Rule("3 in a row", "beyond", 3, 3, 1.0),
    Rule("nhs", "beyond", 2, 3, 2.0, beyond_limits=False, same_side=True),
    Rule("same side", "beyond", 2, 4, 1.0, "lower", same_side=True),
    Rule("same side limits", "beyond", 2, 3, same_side=True),
    Rule("4 useful", "beyond", 4, 4, 0.0, center="skip"),
    Rule("3 of 5 useful", "beyond", 3, 5, 0.0, center="skip"),
    Rule("3 useful up inside", "beyond", 3, 3, 0.0, "upper", center="skip", beyond_limits=False),
    Rule("1 useful", "beyond", 1, 1, 0.0, center="skip"),
    Rule("3 inside", "beyond", 3, 3, 0.0, beyond_limits=False),
    Rule("trend 3", "trend", 3, 3),
    Rule("trend 2 up", "trend", 2, 2, sides="upper"),
    Rule("trend 4 down", "trend", 4, 4, sides="lower"),
    Rule("ignore 3", "trend", 3, 3, ties="ignore"),
    Rule("ignore 4 up", "trend", 4, 4, sides="upper", ties="ignore"),
    Rule("continue 2", "trend", 2, 2, ties="continue"),
    Rule("continue 4", "trend", 4, 4, ties="continue"),
    Rule("continue 5 down", "trend", 5, 5, sides="lower", ties="continue"),
    Rule("zigzag", "alternating", 3, 3),
    Rule("zigzag 5", "alternating", 5, 5),
    Rule("4 within", "within", 4, 4, 1.0),
    Rule("3 of 4 within", "within", 3, 4, 1.0),
    Rule("3 of 6 within", "within", 3, 6, 1.0),
    Rule("3 within 1.5", "within", 3, 3, 1.5),
    Rule("R_4s", "swing", 2, 2, 1.0),
    Rule("swing of 4", "swing", 2, 4, 1.0),
    Rule("swing limits", "swing", 2, 3),
    Rule("swing inside", "swing", 2, 3, 1.0, beyond_limits=False),
]

# Small whole numbers, so that ties, points on a line and on the centre come up all the time.
VALUE = st.integers(-4, 4)


@st.composite
def charts(draw):
    n = draw(st.integers(0, 40))

    def column(low, high):
        return draw(st.lists(st.integers(low, high), min_size=n, max_size=n))

    x = [float(v) for v in column(-4, 4)]
    for i in draw(st.lists(st.integers(0, max(n - 1, 0)), max_size=3)):
        if i < n:
            x[i] = math.nan
    kind = draw(st.sampled_from(["flat", "varying", "computed"]))
    if kind == "flat":
        center, sigma = [float(draw(st.integers(-1, 1)))] * n, [float(draw(st.integers(0, 2)))] * n
    else:
        center, sigma = [float(v) for v in column(-1, 1)], [float(v) for v in column(0, 2)]
    below = draw(st.sampled_from([None, 1.0, 2.0]))
    missing = draw(st.booleans())
    upper = [c + 3 * s for c, s in zip(center, sigma, strict=True)]
    lower = [
        math.nan if missing else c - 3 * (s if below is None else below) for c, s in zip(center, sigma, strict=True)
    ]
    points = Points(x, center, sigma, sigma if below is None else [below] * n, lower, upper)
    broken = draw(st.one_of(st.none(), st.lists(st.sampled_from([False, False, False, True]), min_size=n, max_size=n)))
    return kind, points, below, broken, draw(st.integers(0, 3)), draw(st.integers(1, 9))


def stretch_of(kind, p, below, start):
    """The points from position `start` of a chart on; what stands before and after is not theirs."""
    n = len(p.x)
    around = np.concatenate((np.full(start, 9.0), p.x, [9.0, 9.0]))
    line = {k: np.array(getattr(p, k), dtype=float) for k in ("center", "sigma", "lower", "upper")}
    if kind == "flat" and n:
        return Flat(start, start + n, around, **{k: float(v[0]) for k, v in line.items()}, sigma_lower=below)
    varying = Varying(start, start + n, np.array(p.x, dtype=float), **line, sigma_lower=below)
    if kind == "varying" or not n:
        return varying

    def make(i, j):
        b = varying.block(i, j)
        return Block(b.x.copy(), b.center.copy(), b.sigma.copy(), b.lower.copy(), b.upper.copy(), b.sigma_lower)

    return Computed(start, start + n, make)


def small_blocks(monkeypatch, size):
    monkeypatch.setattr(engine, "block_edges", lambda n, block=None: block_edges(n, size))
    monkeypatch.setattr(runs, "block_edges", lambda n, block=None: block_edges(n, size))


@settings(max_examples=400, deadline=None)
@given(charts())
def test_every_rule_as_the_plain_loops_whatever_the_blocks(chart):
    kind, p, below, broken, start, size = chart
    judged = [not math.isnan(v) and not (broken and broken[i]) for i, v in enumerate(p.x)]
    mask = None if broken is None else np.array(broken, dtype=bool)
    stretch = stretch_of(kind, p, below, start)
    with pytest.MonkeyPatch.context() as patch:
        small_blocks(patch, size)
        found = find(RULES, stretch, mask)
    for rule, at in zip(RULES, found, strict=True):
        expected = by_hand(rule, p, judged)
        assert at.tolist() == [end + start for end, _ in expected], rule.name
        for end, window in expected:
            assert window_of(rule, stretch, end + start, mask) == tuple(w + start for w in window), rule.name
    alone = [find((rule,), stretch, mask)[0].tolist() for rule in RULES]
    assert alone == [at.tolist() for at in found]


def patterned(seed, n=240):
    """Pieces long enough for every rule: runs, slopes, saws, calm and wild stretches, with a gap now and then."""
    rng = np.random.default_rng(seed)
    makers = (
        lambda k: np.full(k, rng.choice([-1.5, 0.5, 1.5, 2.5])),
        lambda k: rng.choice([-1, 1]) * np.arange(k) / 5,
        lambda k: np.where(np.arange(k) % 2, 1.0, -1.0) * rng.choice([0.5, 1.5, 2.5]),
        lambda k: rng.integers(-2, 3, k) / 2,
        lambda k: rng.integers(-7, 8, k) / 2,
    )
    x = np.concatenate([makers[rng.integers(len(makers))](rng.integers(2, 24)) for _ in range(n)])[:n]
    x[rng.random(n) < 0.01] = np.nan
    return x


@pytest.mark.parametrize("seed", range(12))
def test_long_patterns_as_the_plain_loops(seed, monkeypatch):
    x = patterned(seed)
    n = x.size
    p = Points(x.tolist(), *([v] * n for v in (0.0, 1.0, 1.0, -3.0, 3.0)))
    small_blocks(monkeypatch, 1 + 7 * seed)
    found = find(RULES, Flat(0, n, x, 0.0, 1.0, -3.0, 3.0))
    judged = [not math.isnan(v) for v in p.x]
    for rule, at in zip(RULES, found, strict=True):
        assert at.tolist() == [end for end, _ in by_hand(rule, p, judged)], rule.name


def test_the_long_patterns_reach_every_rule():
    found = [find(RULES, Flat(0, 240, patterned(s), 0.0, 1.0, -3.0, 3.0)) for s in range(12)]
    assert [rule.name for r, rule in enumerate(RULES) if not any(f[r].size for f in found)] == []


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_many_rows_as_each_row_by_itself(data):
    rows, width = data.draw(st.integers(0, 6)), data.draw(st.integers(0, 30))
    flat = data.draw(st.lists(st.integers(-7, 7), min_size=rows * width, max_size=rows * width))
    z = np.array(flat, dtype=float).reshape(rows, width) / 2
    if z.size and data.draw(st.booleans()):
        z.reshape(-1)[data.draw(st.integers(0, z.size - 1))] = np.nan
    if data.draw(st.booleans()):
        z = np.asfortranarray(z)
    nsigma = data.draw(st.sampled_from([2.0, 3.0]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "BLOCK", data.draw(st.integers(1, 80)))
        found = count_rows(RULES, z, nsigma)
    for rule, (row, column) in zip(RULES, found, strict=True):
        expected = []
        for r in range(rows):
            x = np.ascontiguousarray(z[r])
            at = find((rule,), Flat(0, width, x, 0.0, 1.0, -nsigma, nsigma))[0]
            expected += [(r, c) for c in at.tolist()]
        assert list(zip(row.tolist(), column.tolist(), strict=True)) == expected, rule.name


@settings(max_examples=200, deadline=None)
@given(charts(), st.integers(-3, 3))
def test_mirrored_and_moved_series(chart, by):
    kind, p, _, broken, start, _ = chart
    mask = None if broken is None else np.array(broken, dtype=bool)
    here = find(RULES, stretch_of(kind, p, None, start), mask)
    moved = Points(*([v + by for v in q] for q in (p.x, p.center)), p.sigma, p.below, None, None)
    moved.upper, moved.lower = ([v + by for v in q] for q in (p.upper, p.lower))
    assert [a.tolist() for a in find(RULES, stretch_of(kind, moved, None, start), mask)] == [a.tolist() for a in here]
    turned = Points(*([-v for v in q] for q in (p.x, p.center)), p.sigma, p.below, None, None)
    turned.upper, turned.lower = [-v for v in p.lower], [-v for v in p.upper]
    swap = {"upper": "lower", "lower": "upper"}
    mirrored = [replace(rule, sides=swap.get(rule.sides, rule.sides)) for rule in RULES]
    back = find(mirrored, stretch_of(kind, turned, None, start), mask)
    assert [a.tolist() for a in back] == [a.tolist() for a in here]


def test_real_blocks_change_nothing():
    n = 3 * (1 << 17) + 11
    x = np.random.default_rng(20260101).normal(size=n).round(1)
    x[1 << 17 :: 1000] = np.nan
    stretch = Flat(0, n, x, 0.0, 1.0, -3.0, 3.0)
    blocked = find(RULES, stretch)
    with pytest.MonkeyPatch.context() as patch:
        small_blocks(patch, n)
        whole = find(RULES, stretch)
    for rule, a, b in zip(RULES, blocked, whole, strict=True):
        assert np.array_equal(a, b), rule.name
        assert np.all(np.diff(a) > 0)
    assert sum(a.size > 0 for a in blocked) > len(RULES) - 3


@pytest.mark.parametrize("edge", range((1 << 17) - 9, (1 << 17) + 10))
def test_a_run_over_the_edge_of_a_block(edge):
    x = np.zeros((1 << 17) + 40)
    x[edge : edge + 9] = 0.5
    nine = Rule("9", "beyond", 9, 9, 0.0)
    assert find((nine,), Flat(0, x.size, x, 0.0, 1.0, -3.0, 3.0))[0].tolist() == [edge + 8]


def test_a_run_of_useful_points_over_many_blocks(monkeypatch):
    small_blocks(monkeypatch, 5)
    x = np.zeros(203)
    x[[0, 100, 101, 202]] = 1.0
    four, stretch = Rule("4 useful", "beyond", 4, 4, 0.0, center="skip"), Flat(0, 203, x, 0.0, 1.0, -3.0, 3.0)
    assert find((four,), stretch)[0].tolist() == [202]
    assert window_of(four, stretch, 202) == (0, 100, 101, 202)


def test_scratch_is_not_shared_between_calls():
    # A short chart leaves its buffers to the next one: what it found must not change with them.
    x = np.array([4.0, 0.0, 4.0])
    first = find(NELSON.rules, Flat(0, 3, x, 0.0, 1.0, -3.0, 3.0))
    kept = [a.tolist() for a in first]
    find(NELSON.rules, Flat(0, 3, -x, 0.0, 1.0, -3.0, 3.0))
    find(NELSON.rules, Flat(0, 60, np.full(60, 5.0), 0.0, 1.0, -3.0, 3.0))
    assert [a.tolist() for a in first] == kept


def test_nothing_is_asked_and_nothing_is_there():
    stretch = Flat(0, 5, np.full(5, 9.0), 0.0, 1.0, -3.0, 3.0)
    assert find((), stretch) == []
    assert [a.tolist() for a in find(NELSON.rules, Flat(3, 3, np.full(5, 9.0), 0.0, 1.0, -3.0, 3.0))] == [[]] * 8
    assert find_chart_level(NELSON.rules, stretch) == []
    assert [a.tolist() for a in find(rule_set("anhoej").rules, stretch)] == [[], []]


def test_the_data_are_left_alone():
    x = np.random.default_rng(1).normal(size=50)
    x.flags.writeable = False
    broken = np.zeros(50, dtype=bool)
    broken[10] = True
    before = x.copy()
    find(RULES, Flat(0, 50, x, 0.0, 1.0, -3.0, 3.0), broken)
    assert np.array_equal(x, before) and broken.sum() == 1


# ---- the chart as a whole -----------------------------------------------------------------------------------


def runs_by_hand(x, center, broken):
    pieces, piece = [], []
    for v, c, b in zip(x, center, broken, strict=True):
        if math.isnan(v) or b:
            pieces.append(piece)
            piece = []
        elif v != c:
            piece.append(1 if v > c else -1)
    pieces = [q for q in [*pieces, piece] if q]
    longest = crossings = 0
    for q in pieces:
        run = 0
        for i, s in enumerate(q):
            run = run + 1 if i and q[i - 1] == s else 1
            longest = max(longest, run)
            crossings += bool(i and q[i - 1] != s)
    n = sum(map(len, pieces))
    trials = n - len(pieces)
    fewest = next(k for k in range(n + 1) if 100 * sum(math.comb(trials, i) for i in range(k + 1)) >= 5 * 2**trials)
    return n, longest, crossings, fewest


@settings(max_examples=200, deadline=None)
@given(charts())
@example(("flat", Points([1.0] * 12, [0.0] * 12, [1.0] * 12, [1.0] * 12, [-3.0] * 12, [3.0] * 12), None, None, 2, 5))
def test_runs_of_a_chart_as_the_plain_loops(chart):
    kind, p, below, broken, start, size = chart
    mask = None if broken is None else np.array(broken, dtype=bool)
    with pytest.MonkeyPatch.context() as patch:
        small_blocks(patch, size)
        [(rule, got), (other, again)] = find_chart_level(
            (NELSON.rules[0], *rule_set("anhoej").rules), stretch_of(kind, p, below, start), mask
        )
    n, longest, crossings, fewest = runs_by_hand(p.x, p.center, broken or [False] * len(p.x))
    assert (rule.name, other.name, again) == ("run too long", "too few crossings", got)
    long = fired_window(rule, got)
    assert (long is not None) == (longest > got["longest_limit"])
    assert long is None or len(long) >= longest
    assert (fired_window(other, got) == ()) == (crossings < fewest)
    assert (got["n_useful"], got["longest_run"], got["crossings"]) == (n, longest, crossings)
    assert got["crossings_limit"] == fewest
    assert got["signal"] == (longest > got["longest_limit"] or crossings < fewest)
    if n:
        first, last = (w - start for w in got["window"])
        inside = [v - c for v, c in zip(p.x[first : last + 1], p.center[first : last + 1], strict=True)]
        assert len({v > 0 for v in inside if v}) == 1 and sum(v != 0 for v in inside) == longest
        assert not any(map(math.isnan, inside))


def test_a_rule_is_plain_data():
    for rule in RULES:
        assert Rule(**asdict(rule)) == rule
