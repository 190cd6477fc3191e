"""A model as a list of terms, and the columns it makes of a design: nothing is ever evaluated as code."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.factor import Factor
from qstats.errors import FormulaError

__all__ = ["FUNCTIONS", "MOST_POWER", "MOST_TERMS", "Columns", "Model", "Part", "Term", "model_columns", "named_model"]

MOST_TERMS = 512
MOST_POWER = 4


def _logarithm(x: FloatArray) -> FloatArray:
    return np.asarray(np.log(x))


def _inverse(x: FloatArray) -> FloatArray:
    return np.asarray(1.0 / x)


# Functions of natural settings, and what they need of them. They stand in a list: no name is ever looked up elsewhere.
FUNCTIONS: dict[str, tuple[Callable[[FloatArray], FloatArray], str]] = {
    "log": (_logarithm, "above 0"),
    "sqrt": (np.sqrt, "not below 0"),
    "inv": (_inverse, "not 0"),
}


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One factor within a term: itself, a power of it, or a function of its natural settings.

    Parameters
    ----------
    name : str
    power : int
        1 to 4.
    function : str
        Empty, ``"log"``, ``"sqrt"`` or ``"inv"``.
    """

    name: str
    power: int = 1
    function: str = ""

    def __str__(self) -> str:
        name = self.name if _plain(self.name) else f"`{self.name}`"
        text = f"{self.function}({name})" if self.function else name
        return text if self.power == 1 else f"{text}^{self.power}"


def _plain(name: str) -> bool:
    """Whether a name can stand in a model without quotes."""
    return name.isidentifier() and name not in (*FUNCTIONS, "poly", "SO", "FO", "TWI", "PQ")


@dataclass(frozen=True, slots=True)
class Term:
    """A product of parts; without any it is the constant.

    Parameters
    ----------
    parts : tuple of Part
        In the order of the factors.
    """

    parts: tuple[Part, ...] = ()

    def __str__(self) -> str:
        return ":".join(map(str, self.parts)) or "1"

    @property
    def order(self) -> int:
        """Sum of the powers: 0 for the constant, 1 for a main effect, 2 for an interaction or a square."""
        return sum(p.power for p in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Factors it holds."""
        return tuple(dict.fromkeys(p.name for p in self.parts))

    def within(self, other: Term) -> bool:
        """Whether every part of it, power for power, stands in `other` (heredity: it is a parent of it)."""
        powers = {(p.name, p.function): p.power for p in other.parts}
        return all(powers.get((p.name, p.function), 0) >= p.power for p in self.parts)


@dataclass(frozen=True, slots=True)
class Model:
    """Terms in order: the constant first, then by order and by factor.

    Parameters
    ----------
    terms : tuple of Term
    """

    terms: tuple[Term, ...]

    @property
    def intercept(self) -> bool:
        """Whether the constant is in it."""
        return Term() in self.terms

    def __len__(self) -> int:
        return len(self.terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __str__(self) -> str:
        return " + ".join(map(str, self.terms)) or "0"

    @property
    def labels(self) -> tuple[str, ...]:
        """Text of every term."""
        return tuple(map(str, self.terms))

    @classmethod
    def of(cls, terms: Iterable[Term], names: Sequence[str]) -> Model:
        """Return the model of these terms, each once, in the usual order."""
        place = {name: i for i, name in enumerate(names)}

        def key(term: Term) -> tuple[object, ...]:
            return (term.order, -len(term.parts), tuple((place[p.name], p.power, p.function) for p in term.parts))

        found = sorted(dict.fromkeys(terms), key=key)
        if len(found) > MOST_TERMS:
            raise FormulaError(f"model: {len(found)} terms; at most {MOST_TERMS} are taken")
        return cls(tuple(found))


def _interactions(factors: Sequence[Factor], order: int) -> list[Term]:
    return [
        Term(tuple(Part(f.name) for f in some))
        for k in range(1, order + 1)
        for some in itertools.combinations(factors, k)
    ]


def _squares(factors: Sequence[Factor]) -> list[Term]:
    numeric = [f for f in factors if f.numeric and f.kind != "mixture" and (f.count is None or f.count > 2)]
    return [Term((Part(f.name, 2),)) for f in numeric]


def named_model(name: str, factors: Sequence[Factor]) -> Model:
    """Return a model known by name: ``"linear"``, ``"interactions"`` or ``"quadratic"``.

    Of mixture components it is Scheffe's polynomial: without a constant, whose place their sum takes, and without
    squares, whose place their products take.
    """
    constant = [] if factors and all(f.kind == "mixture" for f in factors) else [Term()]
    terms = {
        "linear": lambda: _interactions(factors, 1),
        "interactions": lambda: _interactions(factors, 2),
        "quadratic": lambda: _interactions(factors, 2) + _squares(factors),
    }
    if name not in terms:
        raise FormulaError(f"model: got {name!r}; {', '.join(map(repr, terms))} or a list of terms is wanted")
    return Model.of([*constant, *terms[name]()], [f.name for f in factors])


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The model matrix.

    Parameters
    ----------
    x : ndarray, shape (n, p)
    labels : tuple of str, length p
        What each column is; categorical factors show the level: ``glue[B]``.
    term : ndarray of int, shape (p,)
        Which term of the model each column belongs to.
    """

    x: FloatArray
    labels: tuple[str, ...]
    term: np.ndarray[tuple[int], np.dtype[np.int64]]


def model_columns(model: Model, factors: Sequence[Factor], coded: FloatArray) -> Columns:
    """Return the columns of a model at coded settings.

    Numbers stand in coded units. A categorical factor of m levels has m - 1 columns that sum to zero over its levels
    (the first level is -1 in all of them): with two levels that is -1 and +1. Functions are taken of natural settings.

    Parameters
    ----------
    model : Model
    factors : sequence of Factor
    coded : ndarray, shape (n, k)

    Raises
    ------
    FormulaError
        A term names no factor, takes a power of text or a function where it has no value.
    """
    place = {f.name: j for j, f in enumerate(factors)}
    blocks, labels, which = [], [], []
    cache: dict[Part, tuple[FloatArray, list[str]]] = {}
    for i, term in enumerate(model.terms):
        block, names = np.ones((coded.shape[0], 1)), [""]
        for part in term.parts:
            if part not in cache:
                if part.name not in place:
                    raise FormulaError(f"model: {part.name!r} is no factor; there are {', '.join(map(repr, place))}")
                j = place[part.name]
                cache[part] = _part(part, factors[j], coded[:, j])
            columns, heads = cache[part]
            block = (block[:, :, None] * columns[:, None, :]).reshape(coded.shape[0], -1)
            names = [f"{a}:{b}" if a else b for a in names for b in heads]
        blocks.append(block)
        labels += [name or "1" for name in names]
        which += [i] * len(names)
    x = np.concatenate(blocks, axis=1) if blocks else np.empty((coded.shape[0], 0))
    return Columns(x, tuple(labels), np.array(which, dtype=np.int64))


def _part(part: Part, factor: Factor, c: FloatArray) -> tuple[FloatArray, list[str]]:
    if not factor.numeric:
        if part.power != 1 or part.function:
            raise FormulaError(f"model: {part} takes a power or a function of {factor.name!r}, whose levels are text")
        m = len(factor.levels)
        basis = np.vstack([-np.ones(m - 1), np.eye(m - 1)])
        shown = str(Part(factor.name))
        return basis[np.rint(c).astype(np.intp)], [f"{shown}[{level}]" for level in factor.levels[1:]]
    if part.function:
        take, wanted = FUNCTIONS[part.function]
        natural = np.asarray(factor.decode(c), dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = take(natural)
        if not np.isfinite(value).all():
            raise FormulaError(f"model: {part} wants settings {wanted}; {factor.name!r} has others")
    else:
        value = c
    return (value**part.power)[:, None], [str(part)]
