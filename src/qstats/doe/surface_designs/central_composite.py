"""Central composite designs: a cube, a star and centre points, for full quadratic models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.runs import Runs, check_rank, check_whole, interactions, require
from qstats.doe.surface_designs.cube import MOST_FACTORS, cube_blocks, factorial, small_cube
from qstats.errors import DesignError

__all__ = ["axial_distance", "central_composite"]

KINDS = ("circumscribed", "inscribed", "face", "small")
RULES = ("rotatable", "orthogonal", "uncorrelated", "spherical", "practical", "face")


def axial_distance(
    rule: str | float, factors: int, cube: int, *, star: int, center_cube: int = 0, center_star: int = 0
) -> float:
    """Return how far star points stand from the centre, in coded units of the cube.

    Parameters
    ----------
    rule : str or float
        ``"rotatable"``: (F / r)^(1/4). ``"orthogonal"`` (to blocks): sqrt(F (2kr + s) / (2r (F + c))).
        ``"uncorrelated"`` (squares with one another): sqrt((sqrt(F N) - F) / 2r). ``"spherical"``: sqrt(k).
        ``"practical"``: k^(1/4). ``"face"``: 1. Or the distance itself.
    factors, cube : int
        k, and F: cube runs, replicates counted.
    star : int
        r: replicates of the star.
    center_cube, center_star : int
        c and s: centre points in the cube's and in the star's blocks.

    Returns
    -------
    float

    References
    ----------
    Box, G. E. P. and Hunter, J. S. (1957), Ann. Math. Statist. 28, 195-241.

    Examples
    --------
    >>> from qstats.doe import axial_distance
    >>> round(axial_distance("orthogonal", 3, 8, star=1, center_cube=4, center_star=2), 3)
    1.633
    """
    k, f = factors, float(cube)
    points = 2.0 * k * star
    if not isinstance(rule, str):
        return check_number(rule, "alpha", above=0.0)
    check_choice(rule, "alpha", RULES)
    n = f + points + center_cube + center_star
    distances: dict[str, float] = {
        "rotatable": (f / star) ** 0.25,
        "orthogonal": math.sqrt(f * (points + center_star) / (2.0 * star * (f + center_cube))),
        "uncorrelated": math.sqrt((math.sqrt(f * n) - f) / (2.0 * star)),
        "spherical": math.sqrt(k),
        "practical": k**0.25,
        "face": 1.0,
    }
    return distances[rule]


def central_composite(
    factors: object,
    *,
    kind: str = "circumscribed",
    alpha: str | float | None = None,
    fraction: str = "full",
    center_points: int | tuple[int, int] | None = None,
    blocks: int = 1,
    cube_replicates: int = 1,
    star_replicates: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Fit a full quadratic model of two or more ranges, in one go or block by block after a factorial.

    When curvature is to be modelled and five settings (three with ``kind="face"``) can be made. Not for factors of
    fixed levels, nor with constraints among factors (`optimal`); `box_behnken` where corners are to be left out.

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Ranges.
    kind : {"circumscribed", "inscribed", "face", "small"}
        Star beyond the limits; all within the limits (the star on them); star on the faces; smallest cube (fewest runs,
        interactions estimated poorly).
    alpha : str or float, optional
        Rule or distance of the star: see `axial_distance`. Unsaid: ``"rotatable"``, or 1 for ``kind="face"``.
    fraction : {"full", "half", "quarter", "eighth", "sixteenth", "smallest"}
        Of the cube; never below resolution V.
    center_points : int or (int, int), optional
        In each block of the cube, and in that of the star; in all, if one number and one block. Unsaid: (4, 2).
    blocks : int
        1; 2: cube and star; 3, 5, 9: the cube split into 2, 4, 8.
    cube_replicates, star_replicates : int
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        A fraction below resolution V, blocks that are mixed with effects, factors that are no ranges.

    References
    ----------
    Box, G. E. P. and Wilson, K. B. (1951), J. R. Statist. Soc. B 13, 1-45; Box and Hunter (1957), Ann. Math. Statist.
    28, 195-241; Hartley, H. O. (1959), Biometrics 15, 611-624; Draper, N. R. and Lin, D. K. J. (1990), Technometrics
    32, 187-194 (small).

    Examples
    --------
    >>> from qstats.doe import central_composite
    >>> design = central_composite({"speed": (20, 60), "heat": (150, 190)}, alpha="face", kind="face", rng=1)
    >>> len(design), sorted(set(design.natural("speed").tolist()))
    (14, [20.0, 40.0, 60.0])
    """
    found = _ranges(as_factors(factors, least=2))
    k = len(found)
    check_choice(kind, "kind", KINDS)
    b = check_whole(blocks, "blocks", least=1)
    cube, part, method = _cube(k, kind, fraction, b)
    cube = np.tile(cube, (check_whole(cube_replicates, "cube_replicates", least=1), 1))
    part = np.tile(part, len(cube) // len(part))
    stars = check_whole(star_replicates, "star_replicates", least=1)
    centers = _centers(center_points, max(b - 1, 1), b)
    distance = axial_distance(
        _rule(kind, alpha), k, len(cube), star=stars, center_cube=centers[0] * max(b - 1, 1), center_star=centers[1]
    )
    star = np.tile(np.stack([-np.eye(k), np.eye(k)], axis=1).reshape(2 * k, k) * distance, (stars, 1))
    last = max(b, 1)
    table = Runs(np.vstack([cube, star]), np.concatenate([part + 1, np.full(len(star), last)]))
    for label in range(1, max(b - 1, 1) + 1):
        table.add_center(centers[0], found, label)
    table.add_center(centers[1], found, last)
    notes = _notes(found, table, distance, kind)
    _verify(table, kind)
    if kind == "inscribed":
        table.coded = table.coded / max(distance, 1.0)
    check_rank(found, table.coded, "quadratic")
    return make_design(
        "central composite",
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        model=("quadratic",),
        method=f"{kind} central composite, {method}, star at {distance:.6g} of the cube's half side, "
        f"{int(table.center.sum())} centre points",
        reference="Box and Wilson 1951; Box and Hunter 1957" + ("; Draper and Lin 1990" if kind == "small" else ""),
        notes=notes,
        **table.fields(),
    )


def _ranges(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    for f in factors:
        if f.kind != "continuous":
            raise DesignError(f"{f.name}: a central composite design wants ranges (low=, high=), not a {f.kind} factor")
    if len(factors) > MOST_FACTORS:
        raise DesignError(f"factors: {len(factors)} came; at most {MOST_FACTORS} are taken")
    return factors


def _rule(kind: str, alpha: str | float | None) -> str | float:
    if kind == "face":
        if alpha not in (None, "face", 1, 1.0):
            raise DesignError(f"alpha: got {alpha!r} with kind='face', whose star stands at 1; leave alpha out")
        return 1.0
    if kind == "inscribed" and not isinstance(alpha, str | None) and alpha < 1.0:
        raise DesignError(
            f"alpha: got {alpha!r} with kind='inscribed', whose star reaches the limits; 1 or more is wanted"
        )
    return "rotatable" if alpha is None else alpha


def _cube(k: int, kind: str, fraction: str, blocks: int) -> tuple[FloatArray, Any, str]:
    if kind == "small":
        if fraction != "full" or blocks > 2:
            raise DesignError(
                "kind: 'small' chooses its own cube and keeps it in one block; leave out fraction, blocks > 2"
            )
        if k > 10:
            raise DesignError(f"factors: {k} came; small composite designs are made for up to 10: fraction='smallest'")
        x, n = (factorial(2, "full")[0], 4) if k == 2 else small_cube(k)
        return x, np.zeros(len(x), dtype=np.int64), f"cube of {n} Plackett-Burman runs"
    x, columns, base = factorial(k, fraction)
    return x, cube_blocks(columns, base, max(blocks - 1, 1)), f"cube of {len(x)} runs ({fraction})"


def _centers(given: object, cubes: int, blocks: int) -> tuple[int, int]:
    if given is None:
        return (4, 2)
    if isinstance(given, tuple | list):
        if len(given) != 2:
            raise DesignError(f"center_points: got {given!r}; (in each cube block, in the star block) is wanted")
        return check_whole(given[0], "center_points"), check_whole(given[1], "center_points")
    one = check_whole(given, "center_points")
    return (one, 0) if blocks == 1 else (one, one)


def _blocks_orthogonal(table: Runs) -> bool:
    """Whether squares, too, are orthogonal to blocks: their sums proportional to the size of the block."""
    labels = np.unique(table.block)
    mean = np.array([(table.coded[table.block == b] ** 2).mean(axis=0) for b in labels])
    return bool(np.allclose(mean, mean[0], rtol=0, atol=1e-9 * max(1.0, float(mean.max()))))


def _verify(table: Runs, kind: str) -> None:
    x = table.coded
    gram = x.T @ x
    require(np.allclose(gram, np.diag(np.diag(gram)), atol=1e-9), "orthogonal in its main effects")
    require(np.allclose(np.diag(gram), gram[0, 0]), "the same in every factor")
    first = np.hstack([x, interactions(x)]) if kind != "small" else x
    inside = np.array([first[table.block == b].sum(axis=0) for b in np.unique(table.block)])
    require(np.allclose(inside, 0.0, atol=1e-9), "orthogonal to its blocks in main effects and interactions")
    if kind != "small":
        require(np.allclose(x.T @ interactions(x), 0.0, atol=1e-9), "of resolution V")


def _notes(factors: tuple[Factor, ...], table: Runs, distance: float, kind: str) -> tuple[Note, ...]:
    notes = []
    if kind in ("circumscribed", "small") and distance > 1.0:
        f = factors[0]
        low, high = f.decode([-distance, distance]).tolist()
        notes.append(
            Note(
                "beyond-limits",
                "info",
                f"Star points lie {distance:.4g} times as far out as the limits ({f.name}: {low:.6g} to {high:.6g}); "
                "kind='inscribed' or 'face' keeps within them.",
            )
        )
    if len(np.unique(table.block)) > 1 and not _blocks_orthogonal(table):
        notes.append(
            Note(
                "blocks-not-orthogonal",
                "warning",
                "Squares are not orthogonal to blocks: differences between blocks enter the curvature. "
                "alpha='orthogonal' parts them.",
            )
        )
    if kind == "small":
        notes.append(
            Note("small-cube", "warning", "Main effects are mixed with two-factor interactions in the cube; only the "
                 "star parts them. Coefficients are less precise than the number of runs suggests.")
        )  # fmt: skip
    return tuple(notes)
