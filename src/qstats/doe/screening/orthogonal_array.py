"""Orthogonal arrays ("Taguchi" arrays): many factors of several levels, every pair of them balanced."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.runs import Runs, check_whole, put_levels
from qstats.doe.screening.arrays import MOST_SIZE, Array, arrays_of, plan, single, split
from qstats.errors import DesignError

__all__ = ["check_strength", "orthogonal_array"]

IntArray = npt.NDArray[np.int64]


def orthogonal_array(
    factors: object,
    *,
    levels: int | Sequence[int] | None = None,
    runs: int | None = None,
    replicates: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Screen factors of two, three, four, five ... levels in the smallest array in which every pair is balanced.

    When levels are kinds (suppliers, materials) or several settings are to be compared and main effects are the
    question. Not for telling interactions apart: they are mixed with main effects (the notes say how much); for ranges
    and curvature `definitive_screening` or `central_composite` do better.

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
    levels : int or sequence of int, optional
        How many equal steps a range is set at (one number for all, or one for each factor); 2 where unsaid.
    runs : int, optional
        Size of the array; the smallest that is made here where unsaid.
    replicates : int
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        No array of the size, or of up to 128 runs, holds factors of these levels.

    Notes
    -----
    Arrays come from Hadamard matrices, difference schemes over finite fields and their sums, and products; a column of
    s levels may be replaced by an array of s runs (L18 = 3^6 6^1 with 6 = 3 x 2; L36 = 3^12 12^1 with 12 = 2^11).
    Columns are chosen to make the sum of squared correlations between main effects and two-factor interactions
    (generalised words of length three) small. Strength two is verified by counting every pair.

    References
    ----------
    Hedayat, A. S., Sloane, N. J. A. and Stufken, J. (1999), Orthogonal Arrays, Springer, chapters 6, 7 and 9.
    Xu, H. and Wu, C. F. J. (2001), Ann. Statist. 29, 1066-1077 (generalised word lengths).

    Examples
    --------
    >>> from qstats.doe import Factor
    >>> from qstats.doe import orthogonal_array
    >>> glue = Factor("glue", levels=["A", "B", "C"])
    >>> design = orthogonal_array([glue, Factor("press", levels=[1, 2, 3]), Factor("side", levels=["l", "r"])], rng=1)
    >>> len(design)
    18
    """
    found = as_factors(factors)
    counts = _levels(found, levels)
    size, array, steps = _choice(counts, runs)
    whole, have = split(array, steps)
    chosen, words = _columns(whole, have, counts)
    check_strength(chosen, counts)
    coded = np.column_stack([put_levels(f, c, s) for f, c, s in zip(found, chosen.T, counts, strict=True)])
    table = Runs(coded).repeat(replicates)
    shown = " ".join(f"{s}^{m}" for s, m in sorted(Counter(counts).items()))
    return make_design(
        "orthogonal array",
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        resolution=3 if words > 1e-9 else None,
        method=f"orthogonal array of {size} runs for {shown}: {array.name}",
        reference="Hedayat, Sloane and Stufken 1999, Orthogonal Arrays, chapters 6, 7, 9",
        notes=_notes(size, counts, words, runs),
        **table.fields(),
    )


def _levels(factors: tuple[Factor, ...], levels: object) -> tuple[int, ...]:
    k = len(factors)
    if levels is None:
        asked: list[Any] = [f.count or 2 for f in factors]
    elif isinstance(levels, Iterable) and not isinstance(levels, str):
        asked = list(levels)
        if len(asked) != k:
            raise DesignError(f"levels: {len(asked)} came for {k} factors; one each is wanted")
    else:
        asked = [levels] * k
    counts = tuple(check_whole(v, "levels", least=2, most=MOST_SIZE) for v in asked)
    for f, s in zip(factors, counts, strict=True):
        put_levels(f, [0], s)
    return counts


def _bound(counts: tuple[int, ...]) -> set[int]:
    """Sizes at which every pair can be balanced and main effects estimated."""
    least = 1 + sum(s - 1 for s in counts)
    step = int(np.lcm.reduce([a * b for a, b in itertools.combinations(counts, 2)] or [counts[0]]))
    return set(range(step * -(-least // step), MOST_SIZE + 1, step))


def _choice(counts: tuple[int, ...], runs: object) -> tuple[int, Array, Any]:
    need = Counter(counts)
    shown = " ".join(f"{s}^{m}" for s, m in sorted(need.items()))
    possible = sorted(_bound(counts))
    if runs is not None:
        n = check_whole(runs, "runs", least=2, most=MOST_SIZE)
        if n not in possible:
            raise DesignError(
                f"runs: no orthogonal array of {n} runs can hold {shown}; possible sizes: "
                f"{', '.join(map(str, possible[:6])) or f'none up to {MOST_SIZE}'}"
            )
        possible = [n]
    for n in possible:
        for array in arrays_of(n) or (single(n),):
            steps = plan(array.levels, need)
            if steps is not None:
                return n, array, steps
    if not possible:
        step = int(np.lcm.reduce([a * b for a, b in itertools.combinations(counts, 2)]))
        raise DesignError(
            f"factors: balancing every pair of {shown} takes a multiple of {step} runs above "
            f"{sum(s - 1 for s in counts)}; arrays go up to {MOST_SIZE} runs: use fewer factors or levels, or `optimal`"
        )
    where = f"of {runs} runs" if runs is not None else f"of up to {MOST_SIZE} runs"
    raise DesignError(f"factors: no array {where} made here holds {shown}; use fewer factors or levels, or `optimal`")


def _contrasts(column: IntArray, s: int) -> FloatArray:
    """Orthogonal contrasts of a column's levels, of mean square one over the runs."""
    q, _ = np.linalg.qr(np.column_stack([np.ones(s), np.eye(s)[:, : s - 1]]))
    return np.asarray((q[:, 1:] * np.sqrt(s))[column])


def _triples(whole: IntArray, have: tuple[int, ...]) -> FloatArray:
    """Words of length three that every triple of columns contributes."""
    n, k = whole.shape
    parts = [_contrasts(whole[:, j], s) for j, s in enumerate(have)]
    x = np.hstack(parts)
    owner = np.repeat(np.arange(k), [p.shape[1] for p in parts])
    table = np.zeros((k, k, k))
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    for i, part in enumerate(parts):
        for c in part.T:
            squared = ((x * c[:, None]).T @ x / n) ** 2
            table[i] += np.add.reduceat(np.add.reduceat(squared, starts, axis=0), starts, axis=1)
    return table


def _columns(whole: IntArray, have: tuple[int, ...], counts: tuple[int, ...]) -> tuple[IntArray, float]:
    """Choose columns with few generalised words of length three, exchanging one at a time."""
    words = _triples(whole, have)
    free = {s: [j for j, level in enumerate(have) if level == s] for s in set(counts)}
    take = {s: iter(list(js)) for s, js in free.items()}
    chosen = [next(take[s]) for s in counts]

    def total(of: list[int]) -> float:
        return float(sum(words[i, j, m] for i, j, m in itertools.combinations(of, 3))) if len(of) < 8 else _sum(of)

    def _sum(of: list[int]) -> float:
        w = words[np.ix_(of, of, of)]
        e = np.arange(len(of))
        return float(w.sum() - 3.0 * w[e, e, :].sum() + 2.0 * w[e, e, e].sum()) / 6.0

    best, better = total(chosen), True
    while better and best > 1e-9:
        better = False
        for place, s in enumerate(counts):
            rest = [j for i, j in enumerate(chosen) if i != place]
            options = [j for j in free[s] if j not in rest]
            pull = words[np.ix_(options, rest, rest)]
            e = np.arange(len(rest))
            cost = (pull.sum(axis=(1, 2)) - pull[:, e, e].sum(axis=1)) / 2.0
            at = int(np.argmin(cost))
            if cost[at] < cost[options.index(chosen[place])] - 1e-9:
                chosen[place], better = options[at], True
        best = total(chosen)
    return whole[:, chosen], best


def check_strength(runs: npt.ArrayLike, levels: Sequence[int], what: str = "design") -> None:
    """Raise unless every column, and every pair of columns, shows each combination of levels equally often.

    Parameters
    ----------
    runs : array-like of int, shape (n, k)
        Numbers of levels from 0.
    levels : sequence of int, length k
    what : str
        Where the array comes from, for the message.
    """
    x = np.asarray(runs, dtype=np.int64)
    n, k = x.shape
    hot = np.hstack([(x[:, j : j + 1] == np.arange(s)).astype(np.int64) for j, s in enumerate(levels)])
    owner = np.repeat(np.arange(k), levels)
    size = np.asarray(levels)[owner]
    expected = n / (size[:, None] * size[None, :])
    off = owner[:, None] != owner[None, :]
    wrong = off & (hot.T @ hot != expected)
    single = hot.sum(axis=0) != n / size
    if wrong.any() or single.any():
        pairs = {tuple(sorted((int(owner[i]) + 1, int(owner[j]) + 1))) for i, j in np.argwhere(wrong)}
        shown = ", ".join(f"{i} and {j}" for i, j in sorted(pairs)[:4]) or "a single column"
        raise DesignError(
            f"{what}: not an orthogonal array of strength two: {len(pairs)} of {k * (k - 1) // 2} pairs of columns are "
            f"unbalanced ({shown}{' ...' if len(pairs) > 4 else ''})"
        )


def _notes(size: int, counts: tuple[int, ...], words: float, runs: object) -> tuple[Note, ...]:
    notes = []
    left = size - 1 - sum(s - 1 for s in counts)
    if left == 0:
        notes.append(Note("saturated", "info", "Main effects use up all runs; error needs replicates or Lenth's PSE."))
    if words > 1e-9:
        notes.append(
            Note(
                "aliasing",
                "info",
                f"Main effects are mixed with two-factor interactions: generalised words of length three {words:.4g}.",
            )
        )
    least = min(_bound(counts))
    if runs is None and size > least:
        notes.append(
            Note("larger-than-bound", "info", f"By counting, {least} runs could hold these factors; {size} do here.")
        )
    return tuple(notes)
