"""Definitive screening designs: main effects free of all second-order effects, in about two runs a factor."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.runs import Runs, check_whole, interactions, put_three, put_two, require, two_level
from qstats.doe.screening.conference import conference, next_order
from qstats.doe.screening.definitive_text import augmented, orthogonal
from qstats.errors import DesignError

__all__ = ["definitive_screening"]

_REFERENCE = "Jones and Nachtsheim 2011, J. Qual. Technol. 43, 1-15; Xiao, Lin and Bai 2012, ibid. 44, 2-8"
_WITH_TEXT = "Jones and Nachtsheim 2013, J. Qual. Technol. 45, 121-129"


def definitive_screening(
    factors: object,
    *,
    fake_factors: int = 2,
    center_runs: int | None = None,
    blocks: int = 1,
    categorical: str = "augment",
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Screen three or more factors at three levels in 2c + 1 runs, c the number of factors or a little above.

    When few of many factors matter and curvature is possible: main effects are free of interactions and squares, and
    with up to about half the factors active the full quadratic model of those can be fitted. Not when nearly all
    factors and interactions are active (`optimal`), nor for hard-to-change factors.

    Parameters
    ----------
    factors : sequence of Factor, dict, names or int
        Ranges or three-level numbers; factors of two levels (text or numbers) are taken too.
    fake_factors : int
        Columns left empty, at least; each adds two runs and two degrees of freedom for error. With none, an even number
        of factors leaves no degree of freedom beside intercept, main effects and squares, so two are the default.
    center_runs : int, optional
        Centre runs in all. Unsaid: one a block; with two-level factors as few as `categorical` allows.
    blocks : int
        Mirror pairs stay together and every block has the same number of centre runs: main effects are orthogonal to
        blocks, squares nearly.
    categorical : {"augment", "orthogonal"}
        With two-level factors: ``"augment"`` keeps main effects free of second-order effects and lets main effects
        correlate a little; ``"orthogonal"`` (up to four such factors) keeps main effects orthogonal to one another.
    rng : None, int or Generator
    randomize : bool

    Returns
    -------
    Design

    Raises
    ------
    DesignError
        Fewer than three factors, mostly two-level factors, centre runs or blocks that cannot be had.

    Notes
    -----
    Rows are C, -C and zeros, C a conference matrix of order c, C'C = (c - 1) I. There is none of order 22 or 34, and
    none made here of 36, 46 ...: the next one above is used. Squares correlate 1/3 - 1/(c - 1) with one centre run.

    References
    ----------
    Jones, B. and Nachtsheim, C. J. (2011), J. Qual. Technol. 43, 1-15; (2013) 45, 121-129; (2016), Technometrics 58,
    74-83 (blocks). Xiao, L., Lin, D. K. J. and Bai, F. (2012), J. Qual. Technol. 44, 2-8.

    Examples
    --------
    >>> from qstats.doe import definitive_screening
    >>> len(definitive_screening(6, rng=1)), len(definitive_screening(6, fake_factors=0, rng=1))
    (17, 13)
    """
    found = as_factors(factors, least=3)
    texts = np.array([two_level(f) for f in found])
    put_three([f for f in found if not two_level(f)], "definitive screening")
    if (~texts).sum() < 2:
        raise DesignError("factors: two or more of three levels are wanted; with two levels only, use plackett_burman")
    fakes = check_whole(fake_factors, "fake_factors")
    check_choice(categorical, "categorical", ("augment", "orthogonal"))
    c = next_order(len(found) + fakes)
    b = check_whole(blocks, "blocks", least=1, most=c // 2)
    half = conference(c)[:, : len(found)].astype(np.float64)
    centers = _centers(center_runs, b, int(texts.sum()), categorical)
    pairs, middle = _rows(half, texts, centers, categorical)
    signs = np.vstack([pairs, middle])
    # pairs of mirror images go round the blocks, as do the centre runs (two by two where they are mirror images too)
    step = 2 if texts.any() else 1
    block = np.concatenate([np.tile(np.arange(c) % b, 2), np.repeat(np.arange(centers // step) % b, step)]) + 1
    _verify(signs, texts, block, categorical)
    table = Runs(_coded(found, signs, texts), block.astype(np.int64))
    table.center[len(pairs) :] = True
    return make_design(
        "definitive screening",
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        method=f"conference matrix of order {c}, folded over, {centers} centre runs",
        reference=f"{_REFERENCE}; {_WITH_TEXT}" if texts.any() else _REFERENCE,
        notes=_notes(signs, texts, c, len(found), fakes, b, categorical),
        **table.fields(),
    )


def _centers(asked: object, blocks: int, texts: int, categorical: str) -> int:
    """Number of centre runs, or an error that says which numbers are possible."""
    if not texts:
        count = blocks if asked is None else check_whole(asked, "center_runs", least=1)
        if count % blocks:
            raise DesignError(f"center_runs: got {count}; {blocks} blocks want a multiple of {blocks}")
        return count
    if categorical == "orthogonal":
        if texts > 4:
            raise DesignError(f"categorical: 'orthogonal' takes up to 4 two-level factors, {texts} came; use 'augment'")
        if blocks > 1:
            raise DesignError("blocks: with categorical='orthogonal' centre runs cannot be shared out; use 'augment'")
        count, fewest = (2 if texts == 1 else 4), (2 if texts == 1 else 4)
        wanted = f"{fewest} centre runs"
        count = fewest if asked is None else check_whole(asked, "center_runs", least=1)
        good = count == fewest
    else:
        count = 2 * blocks if asked is None else check_whole(asked, "center_runs", least=1)
        good, wanted = count % (2 * blocks) == 0, f"a multiple of {2 * blocks} (mirror pairs, the same in every block)"
    if not good:
        raise DesignError(f"center_runs: got {count}; with {texts} two-level factors {wanted} are wanted")
    return count


def _rows(half: FloatArray, texts: Any, centers: int, categorical: str) -> tuple[FloatArray, FloatArray]:
    if not texts.any():
        return np.vstack([half, -half]), np.zeros((centers, half.shape[1]))
    return (augmented if categorical == "augment" else orthogonal)(half, np.flatnonzero(texts), centers)


def _coded(factors: tuple[Factor, ...], signs: FloatArray, texts: Any) -> FloatArray:
    coded = signs.copy()
    where = np.flatnonzero(texts)
    if where.size:
        coded[:, where] = put_two([factors[j] for j in where], signs[:, where])
    return coded


def _verify(signs: FloatArray, texts: Any, block: Any, categorical: str) -> None:
    ordinary = signs[:, ~texts]
    gram = ordinary.T @ ordinary
    require((gram == np.diag(np.diag(gram))).all(), "orthogonal in its main effects")
    if texts.any() and categorical == "orthogonal":
        whole = signs.T @ signs
        require((whole == np.diag(np.diag(whole))).all() and (signs.sum(axis=0) == 0).all(), "orthogonal")
    else:
        second = np.hstack([np.ones((len(signs), 1)), interactions(signs), signs**2])
        require((signs.T @ second == 0).all(), "free of second-order effects in its main effects")
        inside = np.array([signs[block == b].sum(axis=0) for b in np.unique(block)])
        require((inside == 0).all(), "orthogonal to its blocks")
    first = np.hstack([np.ones((len(signs), 1)), signs, ordinary**2])
    require(np.linalg.matrix_rank(first) == first.shape[1], "able to estimate main effects and squares")


def _notes(
    signs: FloatArray, texts: Any, c: int, k: int, fakes: int, blocks: int, categorical: str
) -> tuple[Note, ...]:
    left = len(signs) - 1 - k - int((~texts).sum()) - (blocks - 1)
    notes = []
    if left == 0:
        notes.append(
            Note(
                "no-error-df",
                "warning",
                "Intercept, main effects and squares use up all runs: nothing is left for error. fake_factors=2 adds "
                "four runs and four degrees of freedom; center_runs=3 adds two.",
            )
        )
    elif c > k:
        notes.append(
            Note(
                "fake-factors",
                "info",
                f"{c - k} columns are left empty (fake_factors={fakes}): {left} degrees of freedom for error beside "
                "intercept, main effects and squares.",
            )
        )
    if c > k + fakes + 1:
        notes.append(Note("stepped-up", "info", f"No conference matrix below order {c} is available for {k + fakes}."))
    if texts.any():
        notes.append(_text_note(signs, categorical))
    return tuple(notes)


def _text_note(signs: FloatArray, categorical: str) -> Note:
    if categorical == "orthogonal":
        return Note("mixed-with-interactions", "info", "Main effects are orthogonal to one another, but correlate with "
                    "interactions of the two-level factors; categorical='augment' clears those.")  # fmt: skip
    norm = np.sqrt((signs**2).sum(axis=0))
    most = float(np.abs(np.triu(signs.T @ signs / np.outer(norm, norm), 1)).max())
    return Note("correlated-main-effects", "info", f"Main effects correlate by up to {most:.3f} because of the "
                "two-level factors, and are free of second-order effects.")  # fmt: skip
