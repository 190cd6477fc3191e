"""Aliasing: which effects an experiment cannot tell apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.checks import check_number
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.doe.design import Design
from qstats.doe.fractions.door import defining_words, generator_texts
from qstats.doe.fractions.layout import check_count
from qstats.doe.fractions.letters import Letters
from qstats.doe.fractions.structure import Regular, parity_signs, regular_part
from qstats.doe.grammar import as_model
from qstats.doe.terms import Columns, Model, Part, Term, model_columns
from qstats.errors import DesignError

__all__ = ["AliasStructure", "alias_structure"]

_MOST = 50_000
_REFERENCE = (
    "Box & Hunter 1961, Technometrics 3, 311-351; Box & Wilson 1951, J. R. Stat. Soc. B 13, 1-45 (alias matrix)"
)


@dataclass(frozen=True, slots=True, eq=False)
class AliasStructure(Result):
    """What is mixed with what.

    Parameters
    ----------
    factors : tuple of str
    order : int
        Interactions of up to this many factors were looked at.
    regular : bool
        Whether the runs (without centre points) are a regular two-level fraction: effects are then either fully
        aliased or not at all.
    generators, defining_relation : tuple of str
        With signs; of a regular fraction.
    resolution : int or None
        Length of the shortest word; None without words, or where not regular.
    pattern : tuple of int
        Numbers of words of length 1, 2, ..., k.
    effects : tuple of str, length e
        Main effects and interactions, of a regular fraction.
    chain : ndarray of int, shape (e,)
        Effects with the same number are aliased; 0 is the mean.
    sign : ndarray of int, shape (e,)
        +1 or -1, relative to the first effect of the chain.
    clear : ndarray of bool, shape (e,)
        Main effects and two-factor interactions aliased with no other of them, and not with blocks.
    blocked : ndarray of bool, shape (e,)
        Confounded with blocks.
    terms : tuple of str, length p
        Columns of the model, where an alias matrix was computed.
    aliases : tuple of str, length q
        Columns left out of the model.
    matrix : ndarray, shape (p, q)
        How much of each left-out coefficient is in each model coefficient.
    threshold : float
        Entries of the matrix below it are not listed.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.alias_structure/1"
    title: ClassVar[str] = "Alias structure"

    factors: tuple[str, ...]
    order: int
    regular: bool
    generators: tuple[str, ...]
    defining_relation: tuple[str, ...]
    resolution: int | None
    pattern: tuple[int, ...]
    effects: tuple[str, ...]
    chain: npt.NDArray[np.int64]
    sign: npt.NDArray[np.int64]
    clear: BoolArray
    blocked: BoolArray
    terms: tuple[str, ...]
    aliases: tuple[str, ...]
    matrix: FloatArray
    threshold: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def chains(self) -> tuple[str, ...]:
        """Every chain of two or more effects, once: ``"A = BD = -CE"``."""
        members: dict[int, list[str]] = {0: ["I"]}
        for effect, number, sign in zip(self.effects, self.chain.tolist(), self.sign.tolist(), strict=True):
            members.setdefault(number, []).append(("-" if sign < 0 else "") + effect)
        return tuple(" = ".join(names) for names in members.values() if len(names) > 1)

    @property
    def clear_effects(self) -> tuple[str, ...]:
        """Main effects and two-factor interactions aliased with no other of them, nor with blocks."""
        return tuple(e for e, c in zip(self.effects, self.clear.tolist(), strict=True) if c)

    @property
    def blocked_effects(self) -> tuple[str, ...]:
        """Effects confounded with blocks."""
        return tuple(e for e, b in zip(self.effects, self.blocked.tolist(), strict=True) if b)

    def table(self) -> str:
        """Return the chains, or the entries of the alias matrix, one a line."""
        if not self.terms:
            return "\n".join(self.chains) or "nothing is aliased"
        lines = []
        for i, term in enumerate(self.terms):
            parts = [
                f"{v:+.4g} {a}" for a, v in zip(self.aliases, self.matrix[i].tolist(), strict=True) if self._shown(v)
            ]
            lines.append(f"{term}: " + (" ".join(parts) or "clear"))
        return "\n".join(lines)

    def _shown(self, value: float) -> bool:
        return abs(value) > self.threshold

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("factors", ", ".join(self.factors)), ("regular", "yes" if self.regular else "no")]
        if self.regular:
            words = self.defining_relation[:8]
            more = len(self.defining_relation) - len(words)
            relation = "I = " + " = ".join(words) + (f" = ... ({more} more)" if more else "") if words else "none"
            rows += [("defining relation", relation), ("resolution", str(self.resolution))]
            found = [f"{n} of {i}" for i, n in enumerate(self.pattern, start=1) if n]
            rows.append(("words", ", ".join(found) or "none"))
            rows.append(("clear", ", ".join(self.clear_effects) or "none"))
        if self.blocked.any():
            rows.append(("confounded with blocks", ", ".join(self.blocked_effects)))
        lines = self.table().split("\n")
        rows += [("aliases" if i == 0 else "", line) for i, line in enumerate(lines)]
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        if self.terms:
            i, j = np.nonzero(np.abs(self.matrix) > self.threshold)
            return {
                "term": [self.terms[a] for a in i.tolist()],
                "alias": [self.aliases[b] for b in j.tolist()],
                "coefficient": self.matrix[i, j],
            }
        return {
            "effect": list(self.effects), "chain": self.chain, "sign": self.sign, "clear": self.clear,
            "confounded with blocks": self.blocked,
        }  # fmt: skip


def alias_structure(design: Design, *, order: int = 2, model: Any = None, threshold: float = 0.01) -> AliasStructure:
    """Tell which effects a design mixes up.

    Use it before an experiment is run, and again to name what an effect may be. A regular two-level fraction gives
    chains of fully aliased effects; any other design (Plackett-Burman, definitive screening, semifold ...), or
    a `model` of your own, gives the alias matrix.

    Parameters
    ----------
    design : Design
    order : int
        Interactions of up to this many factors are looked at; squares too where a factor has three or more settings.
    model : str, list of terms or Model, optional
        What will be fitted; main effects for a design that is no regular fraction.
    threshold : float
        Entries of the alias matrix of at most this size are not listed.

    Returns
    -------
    AliasStructure

    Raises
    ------
    DesignError
        The model cannot be fitted to this design, or too many effects.
    FormulaError
        A term that is no term.

    Notes
    -----
    Fitting X1 where X1 b1 + X2 b2 is true estimates b1 + A b2, with A = (X1'X1)^-1 X1'X2. Blocks belong to X1.

    References
    ----------
    Box & Hunter 1961, Technometrics 3, 311-351; Box & Wilson 1951, J. R. Stat. Soc. B 13, 1-45.

    Examples
    --------
    >>> from qstats.doe import alias_structure
    >>> from qstats.doe import fractional_factorial
    >>> print(alias_structure(fractional_factorial(4, generators="-ABC", rng=1)).table())
    AB = -CD
    AC = -BD
    AD = -BC
    """
    if not isinstance(design, Design):
        raise DesignError(f"design: got a {type(design).__name__}; a Design is wanted")
    k = len(design.factors)
    top = min(check_count(order, "order", least=1, most=k if k > 1 else 2), k)
    limit = check_number(threshold, "threshold", least=0.0)
    if (count := sum(math.comb(k, i) for i in range(1, top + 1))) > _MOST:
        raise DesignError(f"order: {count} effects of up to {top} of {k} factors; at most {_MOST}: pass a lower order")
    found = regular_part(design)
    letters = Letters(design.names)
    if found is None or model is not None:
        return _by_matrix(design, top, model, limit, None if found is None else found[1], letters)
    return _by_words(design, top, limit, found[1], letters)


def _head(real: Regular | None, letters: Letters) -> dict[str, Any]:
    if real is None:
        return {"regular": False, "generators": (), "defining_relation": (), "resolution": None, "pattern": ()}
    words, _ = defining_words(real, letters)
    return {
        "regular": True, "generators": generator_texts(real, letters), "defining_relation": words,
        "resolution": real.resolution, "pattern": real.pattern,
    }  # fmt: skip


# ---- regular fractions ----


def _by_words(design: Design, order: int, threshold: float, real: Regular, letters: Letters) -> AliasStructure:
    """Effects with the same column number are aliased."""
    k = len(design.factors)
    sets = [some for size in range(1, order + 1) for some in itertools.combinations(range(k), size)]
    masks = [sum(1 << j for j in some) for some in sets]
    columns = real.columns.tolist()
    product = np.array([_xor(columns, some) for some in sets], dtype=np.int64)
    sign = np.array([real.sign(w) for w in masks], dtype=np.int64)
    _, first, where = np.unique(product, return_index=True, return_inverse=True)
    # chains are numbered by their first effect; 0 is the mean
    rank = np.empty(first.size, dtype=np.int64)
    rank[np.argsort(first)] = np.arange(1, first.size + 1)
    chain = np.where(product == 0, 0, rank[where])
    relative = np.where(product == 0, sign, sign * sign[first[where]])
    low = np.array([len(some) <= 2 for some in sets])
    several = np.bincount(where[low], minlength=first.size)
    blocked = _blocked(design, real, product)
    clear = low & (product != 0) & (several[where] == 1) & ~blocked
    if order < 2 and k > 1:
        clear &= _by_words(design, 2, threshold, real, letters).clear[: len(sets)]
    notes = letters.legend()
    if len(real.columns) - real.m > 12:
        notes = (*notes, Note("words-cut", "info", "only the shortest words are listed"))
    empty = frozen_array(np.empty((0, 0)))
    return AliasStructure(
        design.names, order, effects=tuple(letters.text(w) for w in masks), chain=frozen_array(chain, np.int64),
        sign=frozen_array(relative, np.int64), clear=frozen_array(clear, np.bool_),
        blocked=frozen_array(blocked, np.bool_), terms=(), aliases=(), matrix=empty, threshold=threshold,
        method="words of the defining relation, read off the runs", reference=_REFERENCE, notes=notes,
        **_head(real, letters),
    )  # fmt: skip


def _xor(columns: list[int], some: tuple[int, ...]) -> int:
    value = 0
    for j in some:
        value ^= columns[j]
    return value


def _blocked(design: Design, real: Regular, product: npt.NDArray[np.int64]) -> BoolArray:
    """Whether the runs of every block have one sign in a column."""
    out = np.zeros(product.size, dtype=np.bool_)
    block = design.block[~design.center]
    labels, where = np.unique(block, return_inverse=True)
    if labels.size == 1:
        return out
    member = (np.arange(labels.size)[:, None] == where).astype(np.float64)
    values, back = np.unique(product, return_inverse=True)
    constant = np.zeros(values.size, dtype=np.bool_)
    for start in range(0, values.size, 256):
        part = values[start : start + 256]
        sums = member @ parity_signs(part[None, :], real.run[:, None])
        constant[start : start + 256] = np.abs(sums).sum(axis=0) == block.size
    constant &= values != 0
    return np.asarray(constant[back])


# ---- any design ----


def _left_out(design: Design, order: int, fitted: Model) -> Model:
    """Interactions up to an order and, from order 2 on, squares, that are not in the model."""
    k = len(design.factors)
    parts = [Part(f.name) for f in design.factors]
    terms = [Term(some) for size in range(1, order + 1) for some in itertools.combinations(parts, size)]
    several = [np.unique(design.coded[~design.center, j]).size > 2 for j in range(k)]
    if order >= 2:
        terms += [
            Term((Part(f.name, 2),))
            for f, s in zip(design.factors, several, strict=True)
            if s and f.numeric and f.kind != "mixture"
        ]
    held = set(fitted.terms)
    return Model(tuple(t for t in terms if t not in held))


def _by_matrix(
    design: Design, order: int, model: Any, threshold: float, real: Regular | None, letters: Letters
) -> AliasStructure:
    """A = (X1'X1)^-1 X1'X2, by least squares of every left-out column."""
    fitted = as_model("linear" if model is None else model, design.factors)
    coded = np.asarray(design.coded)
    x1 = model_columns(fitted, design.factors, coded)
    rest = _left_out(design, order, fitted)
    x2 = model_columns(rest, design.factors, coded) if rest.terms else Columns(np.empty((len(design), 0)), (), x1.term)
    _, where = np.unique(design.block, return_inverse=True)
    member = (where[:, None] == np.arange(1, design.blocks)).astype(np.float64)
    blocks = member - member.mean(axis=0)
    x = np.concatenate([x1.x, blocks], axis=1)
    rank = int(np.linalg.matrix_rank(x)) if x.size else 0
    if rank < x.shape[1]:
        raise DesignError(
            f"model: {x.shape[1]} columns (blocks included) but only {rank} can be told apart in these {len(design)} "
            "runs; fit fewer terms"
        )
    a = np.linalg.lstsq(x, x2.x, rcond=None)[0][: x1.x.shape[1]]
    a = np.where(np.abs(a) < 1e-12, 0.0, a)
    none: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    return AliasStructure(
        design.names, order, effects=(), chain=frozen_array(none, np.int64), sign=frozen_array(none, np.int64),
        clear=frozen_array(none, np.bool_), blocked=frozen_array(none, np.bool_), terms=x1.labels, aliases=x2.labels,
        matrix=frozen_array(a), threshold=threshold, method="alias matrix, blocks fitted", reference=_REFERENCE,
        notes=letters.legend() if real is not None else (), **_head(real, letters),
    )  # fmt: skip
