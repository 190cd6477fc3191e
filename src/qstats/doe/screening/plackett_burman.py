"""Plackett-Burman designs: main effects of many factors in few runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import as_factors
from qstats.doe.runs import Runs, check_whole, put_two, require
from qstats.doe.screening.hadamard import MOST_RUNS, cyclic_row, hadamard
from qstats.errors import DesignError

__all__ = ["largest_alias", "plackett_burman"]


def plackett_burman(
    factors: object,
    *,
    runs: int | None = None,
    foldover: bool = False,
    replicates: int = 1,
    center_points: int = 0,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Screen up to N - 1 two-level factors in N runs, N any multiple of 4 up to 100.

    When many factors may matter and few will: the cheapest look at all main effects. Not when interactions are likely
    to be large and have to be told apart (`fractional_factorial`), nor for curvature (`definitive_screening`).

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Two levels each: a range, two numbers or two texts.
    runs : int, optional
        A multiple of 4 above the number of factors; the smallest where unsaid.
    foldover : bool
        Add every run with all signs changed: twice the runs, main effects free of two-factor interactions.
    replicates, center_points : int
        Centre points want ranges (no text).
    rng : None, int or Generator
        For the run order.
    randomize : bool

    Returns
    -------
    Design
        Notes say how strongly main effects are mixed with two-factor interactions.

    Raises
    ------
    DesignError
        A factor of other than two levels; runs that are no multiple of 4, or too few.

    Notes
    -----
    Columns of a normalised Hadamard matrix (`hadamard`), X'X = N I. Unless N is a power of 2 made by doubling, an
    interaction AB is spread over the other columns C with coefficient sum(ABC) / N: +-1/3 in 12 runs.

    References
    ----------
    Plackett, R. L. and Burman, J. P. (1946), Biometrika 33, 305-325.

    Examples
    --------
    >>> from qstats.doe import plackett_burman
    >>> design = plackett_burman(11, rng=1)
    >>> len(design), design.notes[0].code
    (12, 'partial-aliasing')
    """
    found = as_factors(factors, least=2)
    k = len(found)
    n = _runs(k, runs)
    signs = hadamard(n)[:, 1 : k + 1].astype(np.float64)
    if foldover:
        signs = np.vstack([signs, -signs])
    total = len(signs)
    balanced = (signs.sum(axis=0) == 0).all()
    require(balanced and (signs.T @ signs == total * np.eye(k)).all(), "balanced and orthogonal")
    table = Runs(put_two(found, signs)).repeat(replicates)
    table.add_center(check_whole(center_points, "center_points"), found)
    how = "printed cyclic row" if cyclic_row(n) is not None else "Hadamard matrix"
    return make_design(
        "Plackett-Burman",
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        resolution=4 if foldover else 3,
        method=f"Plackett-Burman, {n} runs ({how}){', folded over' if foldover else ''}",
        reference="Plackett and Burman 1946, Biometrika 33, 305-325",
        notes=(_aliasing(signs),),
        **table.fields(),
    )


def _runs(k: int, runs: object) -> int:
    fewest = 4 * (k // 4 + 1)
    n = fewest if runs is None else check_whole(runs, "runs", least=4)
    if n % 4 or n > MOST_RUNS:
        raise DesignError(f"runs: got {n}; a multiple of 4 from 4 to {MOST_RUNS} is wanted ({k} factors: {fewest})")
    if n < fewest:
        raise DesignError(f"runs: got {n} for {k} factors; {fewest} or more are wanted")
    return n


def largest_alias(signs: npt.NDArray[np.float64]) -> float:
    """Return the largest |sum(ABC)| / N over all triples of columns: main effect against two-factor interaction."""
    n, k = signs.shape
    most = 0.0
    for i in range(k - 2):
        rest: FloatArray = signs[:, i + 1 :]
        products = np.abs((rest * signs[:, i : i + 1]).T @ rest)
        np.fill_diagonal(products, 0.0)
        most = max(most, float(products.max()) / n)
    return most


def _aliasing(signs: FloatArray) -> Note:
    most = largest_alias(signs)
    if most == 0.0:
        return Note("clear-main-effects", "info", "Main effects are free of two-factor interactions of these factors.")
    if most == 1.0:
        return Note(
            "full-aliasing",
            "warning",
            "Some main effects are the same contrast as a two-factor interaction and cannot be told from it: "
            "foldover=True (twice the runs) parts them.",
        )
    return Note(
        "partial-aliasing",
        "info",
        f"Main effects are mixed with two-factor interactions, by at most {most:.4g} of each: an interaction of size d "
        f"moves main effects it has no part in by up to {most:.4g} d. foldover=True clears them.",
    )
