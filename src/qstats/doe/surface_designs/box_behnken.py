"""Box-Behnken designs: full quadratic models at three levels, without a corner of the cube."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import as_factors
from qstats.doe.runs import Runs, check_rank, check_whole, interactions, put_three, require
from qstats.doe.screening.galois import field
from qstats.errors import DesignError

__all__ = ["box_behnken"]

# Factors -> centre points in the tables of Box and Behnken (1960); 8, which they do not have, by analogy.
_CENTERS = {3: 3, 4: 3, 5: 6, 6: 6, 7: 6, 8: 7, 9: 10, 10: 10, 11: 12, 12: 12, 16: 12}
Sets = tuple[tuple[int, ...], ...]


def box_behnken(
    factors: object,
    *,
    center_points: int | None = None,
    blocks: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Fit a full quadratic model of 3 to 12 or 16 factors at three levels, never all at their limits at once.

    When corners are dangerous or impossible and three settings are easy to make. Not when predictions at corners matter
    (`central_composite`, ``kind="face"``) or after a factorial that is to be extended (`central_composite`).

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
    center_points : int, optional
        In all; a multiple of the blocks. Unsaid: as in the published tables, rounded up to that.
    blocks : int
        Orthogonal blocks, where they exist: 4 factors: 3; 5, 6, 7, 10, 12: 2; 8: 7; 9: 5 (2, 10); 16: 6 (2, 3, 4, 12).
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        A number of factors, or of blocks, for which there is none.

    Notes
    -----
    Two-level factorials (halves for 8 and 11 factors) in small sets of factors, the others in the middle: 12, 24, 40,
    48, 56, 112, 120, 160, 176, 192 and 384 runs before centre points. Exactly rotatable with 4 and 7 factors. The sets
    are made by algebra; run counts and moments are the published ones (8 factors: planes of the cube, half factorials).

    References
    ----------
    Box, G. E. P. and Behnken, D. W. (1960), Technometrics 2, 455-475, Table 4.

    Examples
    --------
    >>> from qstats.doe import box_behnken
    >>> design = box_behnken({"speed": (20, 60), "heat": (150, 190), "force": (2, 4)}, rng=1)
    >>> len(design), int(design.center.sum())
    (15, 3)
    """
    found = as_factors(factors)
    k = len(found)
    if k not in _CENTERS:
        raise DesignError(f"factors: {k} came; Box-Behnken designs here have 3 to 12 or 16: use `optimal` for others")
    put_three(found, "a Box-Behnken design")
    b = check_whole(blocks, "blocks", least=1)
    runs, block = _runs(k, b)
    usual = b * -(-_CENTERS[k] // b)
    centers = usual if center_points is None else check_whole(center_points, "center_points", least=1)
    if centers % b:
        raise DesignError(f"center_points: got {centers}; {b} blocks want a multiple of {b}")
    _verify(runs, block)
    table = Runs(runs, block)
    for label in range(1, b + 1):
        table.add_center(centers // b, found, label)
    check_rank(found, table.coded, "quadratic")
    return make_design(
        "Box-Behnken",
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        model=("quadratic",),
        method=f"Box-Behnken, {len(runs)} runs and {centers} centre points" + (f" in {b} blocks" if b > 1 else ""),
        reference="Box and Behnken 1960, Technometrics 2, 455-475",
        notes=_notes(k, runs),
        **table.fields(),
    )


def _cyclic(start: tuple[int, ...], k: int) -> Sets:
    return tuple(tuple(sorted((s + i) % k for s in start)) for i in range(k))


def _plane(q: int) -> list[Sets]:
    """Lines of the affine plane of order q, class by class of parallels."""
    f = field(q)
    point = np.arange(q * q).reshape(q, q)
    upright = tuple(tuple(point[x].tolist()) for x in range(q))
    slanted = [tuple(tuple(int(point[x, f.add[f.mul[m, x], c]]) for x in range(q)) for c in range(q)) for m in range(q)]
    return [upright, *slanted]


@cache
def _sets(k: int) -> tuple[Sets, ...]:
    """Sets of factors that are varied together, in classes that each hold every factor equally often."""
    if k in (3, 5):
        if k == 3:
            return (((0, 1), (0, 2), (1, 2)),)
        return _cyclic((0, 1), 5), _cyclic((0, 2), 5)
    if k == 4:
        return ((0, 1), (2, 3)), ((0, 3), (1, 2)), ((0, 2), (1, 3))
    if k == 8:  # planes of the cube, each with its opposite
        planes = []
        for normal in range(1, 8):
            side = [bin(v & normal).count("1") % 2 for v in range(8)]
            planes.append(tuple(tuple(v for v in range(8) if side[v] == s) for s in (0, 1)))
        return tuple(planes)
    if k in (9, 16):  # an affine plane, and the parabolas y = x^2 + c as one more class
        q = 3 if k == 9 else 4
        f = field(q)
        curves = tuple(tuple(q * x + int(f.add[f.mul[x, x], c]) for x in range(q)) for c in range(q))
        return (*_plane(q), curves)
    if k == 10:  # factors are the edges of the complete graph on five points: an edge and the triangle it misses
        edges = list(itertools.combinations(range(5), 2))
        return (tuple(tuple(i for i, f in enumerate(edges) if f == e or not set(f) & set(e)) for e in edges),)
    return (_cyclic({6: (0, 1, 3), 7: (0, 1, 3), 11: (0, 2, 3, 4, 8), 12: (0, 1, 3, 7)}[k], k),)


def _runs(k: int, blocks: int) -> tuple[FloatArray, Any]:
    """The runs and their blocks: whole classes, and halves of every factorial by the sign of its highest product."""
    classes = _sets(k)
    size = len(classes[0][0])
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=size)))[:, ::-1]
    whole = k not in (8, 11)
    if not whole:
        signs = signs[signs.prod(axis=1) > 0]
    halves = 2 if whole and size > 2 else 1
    groups = [g for g in range(1, len(classes) + 1) if len(classes) % g == 0]
    options = {g * h: (g, h) for h in range(1, halves + 1) for g in groups}
    if blocks not in options:
        raise DesignError(
            f"blocks: got {blocks}; {k} factors have orthogonal blocks for {', '.join(map(str, sorted(options)))}"
        )
    g, h = options[blocks]
    rows, labels = [], []
    for c, sets in enumerate(classes):
        for members in sets:
            part = np.zeros((len(signs), k))
            part[:, members] = signs
            rows.append(part)
            half = (signs.prod(axis=1) > 0).astype(np.int64) if h == 2 else np.zeros(len(signs), dtype=np.int64)
            labels.append(1 + (c % g) * h + half)
    return np.vstack(rows), np.concatenate(labels)


def _verify(x: FloatArray, block: Any) -> None:
    squares = x**2
    count, moments = squares.sum(axis=0), squares.T @ squares
    require((count == count[0]).all(), "balanced: every factor varied equally often")
    pairs = interactions(squares).sum(axis=0)
    require(pairs.min() > 0, "able to estimate every interaction")
    spread = pairs.max() - pairs.min()
    require(spread <= pairs.min() and (np.diag(moments) == count).all(), "near to rotatable")
    linear = np.hstack([x, interactions(x)])
    require((x.T @ x == np.diag(count)).all() and (linear.sum(axis=0) == 0).all(), "orthogonal in its main effects")
    require((x.T @ np.hstack([interactions(x), squares]) == 0).all(), "free of second-order effects in main effects")
    labels, sizes = np.unique(block, return_counts=True)
    inside = np.array([linear[block == b].sum(axis=0) for b in labels])
    even = np.array([squares[block == b].sum(axis=0) for b in labels])
    require((inside == 0).all() and (even == even[0]).all() and (sizes == sizes[0]).all(), "orthogonal to its blocks")


def _notes(k: int, x: FloatArray) -> tuple[Note, ...]:
    if k not in (8, 11):
        return ()
    pairs = interactions(x)
    gram = pairs.T @ pairs
    most = float(np.abs(np.triu(gram, 1)).max() / gram[0, 0])
    if most == 0.0:
        return ()
    return (
        Note(
            "correlated-interactions",
            "info",
            f"The factorials are halves: interactions correlate with one another by up to {most:.3g}; main effects and "
            "squares are free of them.",
        ),
    )
