"""Latin hypercubes: as many settings of every factor as runs, points far apart or of given correlation."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_number
from qstats._core.notes import Note
from qstats.doe.design import Design, draw_seed, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.runs import check_whole, put_levels, require
from qstats.doe.space_filling.correlation import as_target, correlated, rank_correlation
from qstats.doe.space_filling.swaps import Budget, maximin, random_hypercube, squared_distances
from qstats.errors import DesignError

__all__ = ["latin_hypercube", "place"]

_MOST = 2000  # points between which all distances are held


def latin_hypercube(
    factors: object,
    *,
    runs: int,
    criterion: str = "maximin",
    correlation: Any = None,
    jitter: bool = False,
    iterations: int | None = None,
    seconds: float | None = None,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Spread runs over the whole space, every factor at as many settings as there are runs.

    For simulators and flexible models (Gaussian processes), where no form of the answer is assumed. Not for physical
    experiments with noise and a polynomial in mind: `central_composite` and `optimal` estimate that better.

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Fixed levels are taken in turn, each equally often to within one run.
    runs : int
    criterion : {"maximin", "correlation", "random"}
        Points far apart; rank correlations close to `correlation`; or neither.
    correlation : array-like of shape (k, k), optional
        With ``criterion="correlation"``; uncorrelated where unsaid.
    jitter : bool
        Draw each setting within its cell; else the middle of the cell.
    iterations : int, optional
        Exchanges looked for with maximin; unsaid, a number that takes a fraction of a second.
    seconds : float, optional
        Stop after so much CPU time, too: what is found then depends on the machine, not on the seed alone.
    rng : None, int or Generator
        For the points and the run order.
    randomize : bool

    Returns
    -------
    Design
        `certificate` holds the smallest distance in the unit cube (maximin) or the largest miss of a correlation.

    Raises
    ------
    DesignError
        Too few runs, an impossible correlation matrix, mixture components.

    References
    ----------
    McKay, M. D., Beckman, R. J. and Conover, W. J. (1979), Technometrics 21, 239-245. Morris, M. D. and Mitchell, T. J.
    (1995), J. Statist. Plann. Inference 43, 381-402. Iman, R. L. and Conover, W. J. (1982), Commun. Statist. 11,
    311-334.

    Examples
    --------
    >>> from qstats.doe import latin_hypercube
    >>> design = latin_hypercube({"speed": (20, 60), "heat": (150, 190)}, runs=7, rng=1)
    >>> round(design.certificate["smallest distance"] * 7) ** 2 >= 8
    True
    """
    found = as_factors(factors)
    k = len(found)
    n = check_whole(runs, "runs", least=2, most=10_000_000)
    check_choice(criterion, "criterion", ("maximin", "correlation", "random"))
    _options(criterion, correlation, iterations, seconds, n)
    seed = draw_seed(rng)
    draw = np.random.default_rng(seed)
    certificate: dict[str, Any] = {}
    if criterion == "maximin":
        usual = int(np.clip(1.2e7 / (n * n * k), 50, 1000))
        count = usual if iterations is None else check_whole(iterations, "iterations", least=1)
        x, squared, starts = maximin(n, k, draw, Budget(count, seconds))
        certificate = {"smallest distance": float(np.sqrt(squared)) / n, "squared steps": squared, "starts": starts}
    else:
        x = random_hypercube(n, k, draw)
        if criterion == "correlation" and k > 1:
            target = as_target(correlation, k)
            x = correlated(x, target)
            miss = float(np.abs(rank_correlation(x) - target).max())
            certificate = {"largest miss of a rank correlation": miss}
    require((np.sort(x, axis=0) == np.arange(n)[:, None]).all(), "a Latin hypercube")
    if criterion == "maximin":
        require(int(squared_distances(x).min()) == certificate["squared steps"], "as far apart as was found")
    u = (x + (draw.random(x.shape) if jitter else 0.5)) / n
    return make_design(
        "Latin hypercube",
        found,
        place(found, u),
        rng=seed,
        randomize=randomize,
        certificate=certificate or None,
        method=f"Latin hypercube, {criterion}, {'drawn within' if jitter else 'middle of'} cells",
        reference="McKay, Beckman and Conover 1979; Morris and Mitchell 1995; Iman and Conover 1982",
        notes=_notes(certificate, found),
    )


def _options(criterion: str, correlation: Any, iterations: Any, seconds: Any, n: int) -> None:
    """Refuse what would have no effect."""
    if correlation is not None and criterion != "correlation":
        raise DesignError(f"correlation: came with criterion={criterion!r}; pass criterion='correlation'")
    if criterion != "maximin" and (iterations is not None or seconds is not None):
        raise DesignError(f"iterations, seconds: they belong to criterion='maximin', not to {criterion!r}")
    if seconds is not None:
        check_number(seconds, "seconds", above=0.0)
    if criterion == "maximin" and n > _MOST:
        raise DesignError(f"runs: maximin takes up to {_MOST}, {n} came; use criterion='random', or `sobol`")
    if criterion == "correlation" and n < 4:
        raise DesignError(f"runs: {n} came; correlations want 4 or more")


def place(factors: tuple[Factor, ...], u: FloatArray) -> FloatArray:
    """Return points of the unit cube as coded settings: ranges all over, levels in equal shares."""
    columns = []
    for f, v in zip(factors, u.T, strict=True):
        if f.count is None:
            if f.kind == "mixture":
                raise DesignError(f"{f.name}: shares of a mixture add up to one and cannot be spread like this")
            columns.append(2.0 * v - 1.0)
        else:
            columns.append(put_levels(f, np.minimum((v * f.count).astype(np.int64), f.count - 1), f.count))
    return np.column_stack(columns)


def _notes(certificate: dict[str, Any], factors: tuple[Factor, ...]) -> tuple[Note, ...]:
    notes = []
    if (miss := certificate.get("largest miss of a rank correlation")) is not None:
        severity = "warning" if miss > 0.1 else "info"
        notes.append(Note("correlation", severity, f"Rank correlations are met to within {miss:.3g}."))  # type: ignore[arg-type]
    if any(f.count is not None for f in factors):
        notes.append(Note("levels", "info", "Fixed levels share the runs equally; distances and correlations hold for "
                          "the points before they were put on levels."))  # fmt: skip
    return tuple(notes)
