"""Limits of an experiment: read safely, kept exactly, and followed to their corners."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qstats.doe.exchange.constraints import parse_rule, rules_of
from qstats.doe.exchange.door import optimal
from qstats.doe.exchange.region import Region
from qstats.doe.factor import Factor, as_factors
from qstats.errors import DesignError, FormulaError

FACTORS = (
    Factor("T", 100, 200),
    Factor("P", 0, 90),
    Factor("glue", levels=["A", "B", "it's"]),
    Factor("n", levels=[1, 2, 4]),
    Factor("Table Speed", 1, 9),
    Factor("速度", -5, 5),
)


def holds(text: str, **given: float) -> bool:
    settings = {"T": 150.0, "P": 45.0, "glue": 0.0, "n": 1.0, "Table Speed": 5.0, "速度": 0.0} | given
    columns = {name: np.array([value]) for name, value in settings.items()}
    return bool(parse_rule(text, FACTORS).excess(columns)[0] <= 1e-9)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("2*T + P <= 400", {"T": 155.0, "P": 90.0}, {"T": 155.001, "P": 90.0}),
        ("T + -P * 2 >= 1e1 + 0.5*3", {"T": 151.5, "P": 70.0}, {"T": 151.4, "P": 70.0}),
        ("(T - 150)^2 + (P - 45)^2 / 2 <= 100", {"T": 160.0}, {"T": 160.1}),
        ("120 <= T <= 180", {"T": 180.0}, {"T": 180.1}),
        ("n < 4", {"n": 2.0}, {"n": 4.0}),
        ("glue == 'A'", {"glue": 0.0}, {"glue": 1.0}),
        ("glue != 'A'", {"glue": 1.0}, {"glue": 0.0}),
        ('glue in ("A", "it\'s")', {"glue": 2.0}, {"glue": 1.0}),
        ("n == 4 or P <= 10", {"n": 4.0, "P": 50.0}, {"n": 2.0, "P": 50.0}),
        ("if glue == 'B' then T <= 180", {"glue": 0.0, "T": 200.0}, {"glue": 1.0, "T": 181.0}),
        ("if T >= 180 then P <= 20 and n == 1", {"T": 180.0, "P": 20.0}, {"T": 180.0, "P": 21.0}),
        ("(T <= 120 or P <= 10) and n in (1, 2)", {"T": 120.0}, {"T": 120.0, "n": 4.0}),
        ("`Table Speed` * 2 <= 6", {"Table Speed": 3.0}, {"Table Speed": 3.1}),
        ("速度 >= -2", {"速度": -2.0}, {"速度": -2.1}),
        ("T*P/10 <= 675", {}, {"P": 45.1}),
        ("2^3 * P <= 360 ", {}, {"P": 45.1}),
    ],
)
def test_rules_mean_what_they_say(text: str, inside: dict[str, float], outside: dict[str, float]) -> None:
    assert holds(text, **inside)
    assert not holds(text, **outside)


HOSTILE = [
    "__import__('os').system('id')", "T.__class__ <= 1", "().__class__.__bases__[0] <= T", "eval('1') <= T",
    "exec('x') <= T", "open('/etc/passwd') <= T", "lambda: T <= 1", "T <= 1; P <= 2", "T <= 1\x00", "T <= 1 # comment",
    "T <= {P}", "T <= [1]", "T := 1", "T = 1", "T == 150", "T + P == 200", "T != 150", "T <= ", "<= T", "", "   ", "T",
    "T + P", "T <= P <", "1 <= 2", "0*T <= 1", "T - T <= 1", "T / P <= 1", "T / 0 <= 1", "T ^ 99 <= 1",
    "T^2^2^2^2 <= 1", "T ^ -1 <= 1", "T ^ P <= 1", "T ** 2 <= 1", "Z <= 1", "glue <= 1", "glue + T <= 1",
    "glue == 'Z'", "glue == A", "n == 3", "if T <= 1", "if T <= 1 then", "then T <= 1", "if if T <= 1 then P <= 2",
    "T <= 1 and", "or T <= 1", "T in (1, 2)", "n in ()", "n in (1", "glue == 'A", "`T <= 1", "T <= 1e999",
    "T <= 1.2.3", "T <= 1_000", "1e200*T*1e200 <= 1", "(" * 60 + "T" + ")" * 60 + " <= 1",
    "(T+P+n)^8*(T+P+n)^8 <= 1", "T <= 1" + " and T <= 1" * 400, "T <= 0x10", "%s <= T", "T <= $(id)", "T <= 1 || 2",
    "T <= 1 && P <= 2", "\u202eT <= 1", "T\u2264 1", "T <= nan", "T <= inf", "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
]  # fmt: skip


def test_there_are_fifty_of_them() -> None:
    assert len(set(HOSTILE)) >= 50


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_refused_and_touch_nothing(
    text: str, refuses: Callable[[Callable[[], object]], None]
) -> None:
    refuses(lambda: parse_rule(text, FACTORS))


@pytest.mark.parametrize("given", [3, None, {"T": 1}, [["T <= 1"]], [1], ["T <= 150"] * 300])
def test_constraints_are_texts(given: Any) -> None:
    with pytest.raises(FormulaError):
        rules_of(given, (), FACTORS)


@pytest.mark.parametrize("given", [{}, {"Z": 1}, {"T": 150}, {"T": ("a", "b")}, {"glue": "Z"}, {"n": 3}, 7])
def test_disallowed_are_combinations(given: Any) -> None:
    with pytest.raises(FormulaError):
        rules_of((), given, FACTORS)


@given(st.text(max_size=60))
def test_any_text_gives_a_rule_or_a_formula_error(text: str) -> None:
    try:
        parse_rule(text, FACTORS)
    except FormulaError:
        return


WORDS = ["T", "P", "n", "glue", "<=", "<", "==", "'A'", "+", "*", "^", "2", "(", ")", "if", "then", "and", "or", "in"]


@settings(max_examples=200)
@given(st.lists(st.sampled_from([*WORDS, ",", "/", "1.5"]), max_size=14))
def test_any_order_of_words_gives_a_rule_or_a_formula_error(words: list[str]) -> None:
    try:
        rule = parse_rule(" ".join(words), FACTORS)
    except FormulaError:
        return
    value = rule.excess({f.name: np.array([1.0]) for f in FACTORS})
    assert np.isfinite(value).all()


def test_disallowed_combinations_do_not_occur() -> None:
    banned = [{"glue": "B", "T": (180, 200)}, {"glue": ["A", "it's"], "n": 4}, "P > 80 and T > 190"]
    design = optimal(FACTORS[:4], runs=20, model="linear", disallowed=banned, starts=8, rng=1)
    t, p, glue, n = (design.natural(f.name) for f in FACTORS[:4])
    assert not ((glue == "B") & (t >= 180)).any()
    assert not (np.isin(glue, ["A", "it's"]) & (n == 4)).any()
    assert not ((p > 80) & (t > 190)).any()
    assert set(glue.tolist()) == {"A", "B", "it's"}


def test_linear_limits_are_followed_to_their_corners() -> None:
    """The variance of a first-order model is convex: its best runs are corners of the polygon, none lies within."""
    factors = [Factor("T", 100, 200), Factor("P", 0, 90)]
    design = optimal(
        factors, runs=9, model="linear", constraints=["2*T + P <= 400", "P >= 0.5*T - 20"], starts=16, rng=1
    )
    corners = np.array([(100, 30), (100, 90), (155, 90), (168, 64)], dtype=float)
    runs = np.column_stack([design.natural("T"), design.natural("P")])
    distance = np.abs(runs[:, None] - corners[None]).max(axis=2).min(axis=1)
    assert distance.max() < 0.1
    # the best choice of nine of these corners, tried one by one
    best = 0.0
    coded = np.column_stack([factors[0].code(corners[:, 0]), factors[1].code(corners[:, 1])])
    x = np.column_stack([np.ones(4), coded])
    for a in range(10):
        for b in range(10 - a):
            for c in range(10 - a - b):
                weight = np.array([a, b, c, 9 - a - b - c])
                best = max(best, float(np.linalg.det((x.T * weight) @ x)))
    mine = np.column_stack([np.ones(9), np.asarray(design.coded)])
    assert np.linalg.det(mine.T @ mine) >= best * (1 - 1e-3)


@settings(max_examples=10, deadline=None)
@given(limit=st.floats(-0.5, 2.5), seed=st.integers(0, 99))
def test_every_run_keeps_the_limits(limit: float, seed: int) -> None:
    text = f"A + B + 0.5*C <= {limit!r}"
    design = optimal(3, runs=7, model="linear", constraints=text, starts=4, rng=seed)
    a, b, c = np.asarray(design.coded).T
    assert (a + b + 0.5 * c <= limit + 1e-7).all()


def test_thin_regions_are_found_and_empty_ones_said() -> None:
    factors = as_factors(4)
    thin = Region(factors, rules_of(["0.999 <= A + B <= 1.001", "C - D <= -1.9"], (), factors))
    x = thin.sample(500, np.random.default_rng(1))
    assert thin.inside(x).all()
    assert np.ptp(x[:, 0]) > 0.8
    with pytest.raises(DesignError, match="no setting keeps"):
        Region(factors, rules_of(["A + B >= 1", "A + B <= 0.9"], (), factors)).sample(5, np.random.default_rng(1))


def test_points_of_a_cut_region_are_even() -> None:
    """Below A + B = 0 lies half of the square; the mean of A there is -1/3."""
    factors = as_factors(2)
    region = Region(factors, rules_of("A + B <= 0", (), factors))
    x = region.sample(20_000, np.random.default_rng(1))
    assert abs(float(x[:, 0].mean()) + 1 / 3) < 4 * 0.47 / np.sqrt(20_000)
    walked = region._walk(x[:5], 4000, np.random.default_rng(2))
    assert region.inside(walked).all()
    assert abs(float(walked[:, 0].mean()) + 1 / 3) < 5 * 0.47 / np.sqrt(4000)


def test_curved_limits_are_followed() -> None:
    """In a ball six runs for a first-order model are at best orthogonal: |X'X| = 6 * 2^3, as on three axes.

    In a disc a regular pentagon with its centre is the usual design of six runs for the full quadratic.
    """
    ball = optimal(3, runs=6, model="linear", constraints="A^2 + B^2 + C^2 <= 1", starts=8, rng=1)
    assert ball.certificate is not None
    assert 100 * 48**0.25 / 6 * 0.998 <= ball.certificate["best"] <= 100 * 48**0.25 / 6 * (1 + 1e-6)
    disc = optimal(2, runs=6, constraints="A^2 + B^2 <= 1", starts=16, rng=1)
    turn = 2 * np.pi * np.arange(5) / 5
    x, y = np.append(np.cos(turn), 0.0), np.append(np.sin(turn), 0.0)
    f = np.column_stack([np.ones(6), x, y, x * y, x * x, y * y])
    assert disc.certificate is not None
    assert disc.certificate["best"] >= 100 * np.linalg.det(f.T @ f) ** (1 / 6) / 6 * 0.998
