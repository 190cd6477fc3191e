"""Mixture designs: shares of components that add up to one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.doe.blends.polytope import corners, faces
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.runs import Runs, check_rank, check_whole, require
from qstats.errors import DesignError

__all__ = ["mixture"]

KINDS = ("lattice", "centroid", "extreme_vertices")
_WORDS = {"none": (), "overall": (-1,), "edges": (1, -1)}
_MOST_RUNS = 20_000
Constraint = tuple[Mapping[str, float], float]


def mixture(
    factors: object,
    *,
    kind: str = "lattice",
    degree: int = 2,
    axial: bool = False,
    centroids: str | Sequence[int] = "overall",
    constraints: Sequence[Constraint] = (),
    replicates: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Vary the shares of two or more components of a blend, which add up to one.

    When the answer depends on proportions, not amounts. Not with few runs and many limits (`optimal`).

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Components: ``kind="mixture"`` with `low` and `high` shares, name -> (low, high), or names (0 to 1).
    kind : {"lattice", "centroid", "extreme_vertices"}
        Equal steps in every share; centres of all subsets; corners of the region between limits.
    degree : int
        Of the lattice: shares 0, 1/degree ... 1.
    axial : bool
        Add check blends half way between the centre and the pure components, and the centre where it is missing.
    centroids : {"none", "overall", "edges", "all"} or sequence of int
        With extreme vertices: which centres to add: of the region; of its edges too; of all faces; or by dimension.
    constraints : sequence of (mapping, float)
        With extreme vertices: ``({"A": 2, "B": -1}, 0.1)`` means 2 A - B <= 0.1.
    replicates : int
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design
        `coded` holds the shares themselves. Notes name limits that can never be reached.

    Raises
    ------
    DesignError
        Limits or constraints that no blend meets, or (lattice, centroid) upper limits that cut the simplex.

    Notes
    -----
    With lower limits L, lattice and centroid are made in pseudo-components: x = L + (1 - sum L) z. Corners come from
    all choices of q - 1 limits; they are those of McLean and Anderson, and of Snee and Marquardt (XVERT).

    References
    ----------
    Scheffe, H. (1958), J. R. Statist. Soc. B 20, 344-360; (1963) 25, 235-251. McLean, R. A. and Anderson, V. L. (1966),
    Technometrics 8, 447-454. Piepel, G. F. (1983), Technometrics 25, 97-104 (limits that agree).

    Examples
    --------
    >>> from qstats.doe import mixture
    >>> len(mixture(["water", "sugar", "acid"], degree=2, rng=1))
    6
    >>> blend = {"water": (0.2, 0.6), "sugar": (0.1, 0.6), "acid": (0.1, 0.5)}
    >>> len(mixture(blend, kind="extreme_vertices", centroids="none", rng=1))
    6
    """
    found = _components(factors)
    q = len(found)
    check_choice(kind, "kind", KINDS)
    m = check_whole(degree, "degree", least=1)
    if kind != "extreme_vertices" and (len(constraints) or centroids != "overall"):
        raise DesignError(f"kind: constraints and centroids belong to 'extreme_vertices', not to {kind!r}")
    low, high, notes = _limits(found)
    if kind == "extreme_vertices":
        if axial:
            raise DesignError("axial: check blends belong to 'lattice' and 'centroid'; use centroids='all' here")
        x = _vertices(found, low, high, constraints, centroids)
        method = f"extreme vertices and centres ({centroids})"
    else:
        free = 1.0 - low.sum()
        if (low + free > high + 1e-9).any():
            j = int(np.argmax(low + free - high))
            raise DesignError(
                f"{found[j].name}: its upper limit {high[j]:g} cuts the simplex (shares up to {low[j] + free:g}); "
                "use kind='extreme_vertices'"
            )
        z = _lattice(q, m) if kind == "lattice" else _centroid(q)
        z = _axial(z) if axial else z
        x = low + free * z
        method = f"simplex {kind}" + (f" {{{q}, {m}}}" if kind == "lattice" else "") + (" with check blends" * axial)
    inside = (x >= low - 1e-9).all() and (x <= high + 1e-9).all()
    require(inside and np.allclose(x.sum(axis=1), 1.0, atol=1e-12), "a set of blends within the limits")
    check_rank(found, x, "linear" if kind == "lattice" and m == 1 and not axial else _model(x, kind))
    table = Runs(x).repeat(replicates)
    return make_design(
        "mixture",
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        method=method,
        reference="Scheffe 1958, 1963" if kind != "extreme_vertices" else "McLean and Anderson 1966; Piepel 1983",
        notes=notes,
        **table.fields(),
    )


def _model(x: FloatArray, kind: str) -> str:
    """The model the runs have to support: quadratic by construction of a lattice or centroid, else linear."""
    return "linear" if kind == "extreme_vertices" else "quadratic"


def _components(factors: object) -> tuple[Factor, ...]:
    if isinstance(factors, Mapping):
        factors = [
            v if isinstance(v, Factor) else Factor(name, *_pair(name, v), kind="mixture") for name, v in factors.items()
        ]
    elif isinstance(factors, int) or (
        isinstance(factors, Iterable) and not isinstance(factors, str) and all(isinstance(f, str) for f in factors)
    ):
        factors = [Factor(f.name, kind="mixture") for f in as_factors(factors)]
    found = as_factors(factors, least=2)
    for f in found:
        if f.kind != "mixture":
            raise DesignError(f"{f.name}: a {f.kind} factor; a component is Factor(name, low, high, kind='mixture')")
    return found


def _pair(name: str, given: Any) -> tuple[float, float]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise DesignError(f"{name}: got {given!r}; lowest and highest share are wanted")
    return given[0], given[1]


def _limits(factors: tuple[Factor, ...]) -> tuple[FloatArray, FloatArray, tuple[Note, ...]]:
    """Return limits of the shares and a note on each that no blend reaches."""
    low = np.array([f.low for f in factors], dtype=np.float64)
    high = np.array([f.high for f in factors], dtype=np.float64)
    if low.sum() >= 1.0 - 1e-12 or high.sum() <= 1.0 + 1e-12:
        which = f"lower limits add up to {low.sum():g}" if low.sum() >= 1.0 - 1e-12 else f"upper to {high.sum():g}"
        raise DesignError(f"factors: {which}; shares add up to 1, so below 1 (lower) and above 1 (upper) are wanted")
    most = 1.0 - (low.sum() - low)
    least = 1.0 - (high.sum() - high)
    notes = []
    for f, lo, hi, a, b in zip(factors, low, high, least, most, strict=True):
        if b < hi - 1e-12 and hi < 1.0:
            notes.append(Note("unreachable-limit", "warning", f"{f.name}: its upper limit {hi:g} is never reached; the "
                              f"lower limits of the others leave at most {b:g}."))  # fmt: skip
        if a > lo + 1e-12 and lo > 0.0:
            notes.append(Note("unreachable-limit", "warning", f"{f.name}: its lower limit {lo:g} is never reached; the "
                              f"upper limits of the others leave at least {a:g}."))  # fmt: skip
    return low, high, tuple(notes)


def _lattice(q: int, m: int) -> FloatArray:
    if math.comb(q + m - 1, m) > _MOST_RUNS:
        raise DesignError(f"degree: {math.comb(q + m - 1, m)} blends; at most {_MOST_RUNS} are made")
    bars = np.array(list(itertools.combinations(range(q + m - 1), q - 1)), dtype=np.int64).reshape(-1, q - 1)
    edges = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), q + m - 1)])
    return np.asarray((np.diff(edges, axis=1) - 1)[::-1] / m)


def _centroid(q: int) -> FloatArray:
    if 2**q > _MOST_RUNS:
        raise DesignError(f"factors: {2**q - 1} blends for {q} components; at most {_MOST_RUNS} are made")
    rows = [s for r in range(1, q + 1) for s in itertools.combinations(range(q), r)]
    x = np.zeros((len(rows), q))
    for i, s in enumerate(rows):
        x[i, s] = 1.0 / len(s)
    return x


def _axial(z: FloatArray) -> FloatArray:
    q = z.shape[1]
    middle = np.full((1, q), 1.0 / q)
    more = 0.5 * (middle + np.eye(q))
    if not np.isclose(z, middle).all(axis=1).any():
        more = np.vstack([middle, more])
    return np.vstack([z, more])


def _vertices(
    factors: tuple[Factor, ...], low: FloatArray, high: FloatArray, constraints: Any, centroids: Any
) -> FloatArray:
    q = len(factors)
    names = [f.name for f in factors]
    rows, limits = [-np.eye(q), np.eye(q)], [-low, high]
    for given in constraints:
        weights, most = given if isinstance(given, tuple | list) and len(given) == 2 else (None, None)
        if not isinstance(weights, Mapping) or not weights or set(weights) - set(names):
            raise DesignError(f"constraints: got {given!r}; ({{component: weight, ...}}, highest value) is wanted")
        rows.append(np.array([[check_number(weights.get(name, 0.0), f"constraints: {name}") for name in names]]))
        limits.append(np.array([check_number(most, "constraints: highest value")]))
    points, tight = corners(np.vstack(rows), np.concatenate(limits))
    if not len(points):
        raise DesignError("constraints: no blend meets all limits and constraints")
    points = np.clip(points, low, high)
    points[np.abs(points) < 1e-12] = 0.0
    if centroids == "none" or len(points) == 1:
        return points
    by_size = faces(points, tight)
    asked = _dimensions(centroids, by_size)
    return np.vstack([points, *(by_size[d] for d in asked)])


def _dimensions(centroids: Any, by_size: Mapping[int, FloatArray]) -> list[int]:
    top = max(by_size)
    if isinstance(centroids, str):
        check_choice(centroids, "centroids", (*_WORDS, "all"))
        wanted = sorted(by_size) if centroids == "all" else [top if d == -1 else d for d in _WORDS[centroids]]
    else:
        wanted = [check_whole(d, "centroids", least=1, most=top) for d in centroids]
    return sorted({d for d in wanted if d in by_size})
