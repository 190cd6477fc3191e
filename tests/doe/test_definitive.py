"""Definitive screening: correlations of doe.md 2.2 (m = 4 to 30), conference matrices, text factors."""

import itertools

import numpy as np
import pytest

from qstats.doe.factor import Factor
from qstats.doe.screening.conference import conference, next_order
from qstats.doe.screening.definitive import definitive_screening
from qstats.errors import DesignError


def columns(x):
    pairs = np.column_stack([x[:, i] * x[:, j] for i, j in itertools.combinations(range(x.shape[1]), 2)])
    return pairs, x**2


def correlation(a, b):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a.T @ b) / np.outer(np.linalg.norm(a, axis=0), np.linalg.norm(b, axis=0))


@pytest.mark.parametrize("order", [4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 26, 28, 30, 32, 40, 50, 82])
def test_conference_matrices(order):
    c = conference(order)
    assert (np.diag(c) == 0).all()
    assert (np.abs(c[~np.eye(order, dtype=bool)]) == 1).all()
    assert (c.T @ c == (order - 1) * np.eye(order)).all()


def test_orders_that_do_not_exist_are_stepped_over():
    """No conference matrix of order 22 or 34: 21 and 33 are no sums of two squares."""
    assert next_order(21) == next_order(22) == 24
    assert next_order(33) == next_order(34) >= 38
    for order in (22, 34):
        with pytest.raises(DesignError):
            conference(order)
    assert len(definitive_screening(21, fake_factors=0, rng=1)) == len(definitive_screening(22, fake_factors=0, rng=1))
    assert len(definitive_screening(22, fake_factors=0, rng=1)) == 49


@pytest.mark.parametrize("m", range(4, 31))
def test_main_effects_are_free_of_everything_and_squares_correlate_as_published(m):
    design = definitive_screening(m, fake_factors=0, rng=1)
    x = design.coded
    c = (len(x) - 1) // 2
    pairs, squares = columns(x)
    gram = x.T @ x
    assert (gram == np.diag(np.diag(gram))).all()
    assert (x.T @ pairs == 0).all()
    assert (x.T @ squares == 0).all()
    r = correlation(squares, squares)[np.triu_indices(m, 1)]
    np.testing.assert_allclose(np.abs(r), 1 / 3 - 1 / (c - 1), atol=1e-12)


@pytest.mark.parametrize(("m", "runs"), [(4, 9), (6, 13), (8, 17), (10, 21), (12, 25), (14, 29), (16, 33), (18, 37)])
def test_run_counts(m, runs):
    assert len(definitive_screening(m, fake_factors=0, rng=1)) == runs
    assert len(definitive_screening(m - 1, fake_factors=0, rng=1)) == runs


@pytest.mark.parametrize(
    ("m", "quad", "pair"), [(6, 0.4655, 0.50), (8, 0.3673, 2 / 3), (10, 0.3118, 0.75), (12, 0.2752, 0.40)]
)
def test_largest_second_order_correlations(m, quad, pair):
    pairs, squares = columns(definitive_screening(m, fake_factors=0, rng=1).coded)
    assert np.abs(correlation(squares, pairs)).max() == pytest.approx(quad, abs=6e-5)
    r = correlation(pairs, pairs)
    assert np.abs(r[np.triu_indices(len(r), 1)]).max() == pytest.approx(pair, abs=1e-3)


def test_two_fake_factors_are_the_default_and_the_note_says_why():
    plain, bare = definitive_screening(6, rng=1), definitive_screening(6, fake_factors=0, rng=1)
    assert (len(plain), len(bare)) == (17, 13)
    assert plain.notes[0].code == "fake-factors"
    assert "4 degrees of freedom" in plain.notes[0].message
    assert [n.code for n in bare.notes] == ["no-error-df"]
    more = definitive_screening(6, fake_factors=0, center_runs=3, rng=1)
    assert len(more) == 15
    assert not more.notes


def mixed(ranges, texts):
    return [Factor(f"x{i}", 0, 1) for i in range(ranges)] + [Factor(f"t{i}", levels=["a", "b"]) for i in range(texts)]


def signs(design):
    x = np.array(design.coded)
    for j, f in enumerate(design.factors):
        if not f.numeric:
            x[:, j] = 2 * x[:, j] - 1
    return x


@pytest.mark.parametrize(("ranges", "texts"), [(4, 1), (4, 2), (5, 3), (8, 4), (6, 6)])
def test_text_factors_augmented_keep_main_effects_free(ranges, texts):
    design = definitive_screening(mixed(ranges, texts), rng=1)
    x = signs(design)
    pairs, squares = columns(x)
    assert (x.T @ pairs == 0).all()
    assert (x.T @ squares == 0).all()
    assert (x.sum(axis=0) == 0).all()
    assert set(np.unique(x[:, ranges:])) == {-1.0, 1.0}
    r = correlation(x, x)
    assert np.abs(r[:ranges, :ranges] - np.eye(ranges)).max() < 1e-12
    assert np.abs(r - np.eye(len(r))).max() < 0.25
    assert design.center.sum() == 2


@pytest.mark.parametrize(("texts", "centers"), [(1, 2), (2, 4), (3, 4), (4, 4)])
def test_text_factors_orthogonal(texts, centers):
    design = definitive_screening(mixed(5, texts), categorical="orthogonal", rng=1)
    x = signs(design)
    gram = x.T @ x
    assert (gram == np.diag(np.diag(gram))).all()
    assert (x.sum(axis=0) == 0).all()
    assert design.center.sum() == centers


def test_blocks_are_orthogonal_to_main_effects():
    for factors in (7, mixed(5, 2)):
        design = definitive_screening(factors, blocks=3, rng=1)
        x = signs(design)
        assert design.blocks == 3
        for b in (1, 2, 3):
            assert (x[design.block == b].sum(axis=0) == 0).all()
            assert design.center[design.block == b].any()


@pytest.mark.parametrize(
    ("factors", "options", "says"),
    [
        (2, {}, "3 or more"),
        ([Factor("a", levels=["x", "y", "z"]), "b", "c"], {}, "a: definitive screening"),
        ([Factor("a", levels=[1, 2, 4]), "b", "c"], {}, "half way"),
        (mixed(1, 4), {}, "plackett_burman"),
        (mixed(4, 5), {"categorical": "orthogonal"}, "up to 4"),
        (mixed(4, 1), {"center_runs": 1}, "center_runs"),
        (5, {"blocks": 2, "center_runs": 3}, "multiple of 2"),
        (5, {"fake_factors": -1}, "fake_factors"),
        (120, {}, "goes up to 98"),
    ],
)
def test_refusals(factors, options, says):
    with pytest.raises(DesignError, match=says):
        definitive_screening(factors, **options)
