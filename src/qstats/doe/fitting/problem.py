"""What is fitted: the runs with a response, and the columns of model and blocks over them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design
from qstats.doe.exchange.basis import Basis
from qstats.doe.exchange.layout import block_columns
from qstats.doe.factor import Factor
from qstats.doe.fitting.kernels.linear import aliases, decompose
from qstats.doe.grammar import as_model, planned_model
from qstats.doe.terms import Model
from qstats.errors import DesignError, TooFewData

__all__ = ["BLOCK", "Group", "Problem", "basis_of", "groups_of", "make_problem", "model_for"]

BLOCK = -1  # the term of block columns
_SHOWN = 6


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Runs and columns.

    Parameters
    ----------
    design : Design
    model : Model
    response : str
    used : ndarray of bool, shape (N,)
        Runs of the design with a response.
    x : ndarray, shape (n, p)
        Over the runs used: columns of the model, then of the blocks.
    labels : tuple of str, length p
    term : ndarray of int, shape (p,)
        Term of each column; -1 of blocks.
    y : ndarray, shape (n,)
        Response as it was measured.
    distribution : str
    size : ndarray, shape (n,), or None
        Exposure or trials.
    censored : ndarray of bool, shape (n,), or None
    plot : ndarray of int, shape (n,), or None
        Whole plots, where the errors are those of a split-plot.
    df_method : str
    notes : tuple of Note
    """

    design: Design
    model: Model
    response: str
    used: BoolArray
    x: FloatArray
    labels: tuple[str, ...]
    term: npt.NDArray[np.int64]
    y: FloatArray
    distribution: str = "normal"
    size: FloatArray | None = None
    censored: BoolArray | None = None
    plot: npt.NDArray[np.int64] | None = None
    df_method: str = "kenward-roger"
    notes: tuple[Note, ...] = ()

    @property
    def least_squares(self) -> bool:
        """Whether it is ordinary least squares, of the response or its logarithm."""
        plain = self.plot is None and self.censored is None
        return plain and self.distribution in ("normal", "lognormal")

    @property
    def scaled(self) -> FloatArray:
        """The response on the scale the errors are on: its logarithm if lognormal."""
        return np.log(self.y) if self.distribution == "lognormal" else self.y


@lru_cache(maxsize=64)
def basis_of(model: Model, factors: tuple[Factor, ...]) -> Basis:
    """Return the basis of a model, kept from one fit to the next."""
    return Basis(model, factors)


def model_for(design: Design, model: Any) -> Model:
    """Return the model asked for; unsaid, what the design was made for, else the linear one."""
    return planned_model(design.model, design.factors) if model is None else as_model(model, design.factors)


def make_problem(
    design: Design, model: Model, response: str, y: FloatArray, check: bool = True, **more: Any
) -> Problem:
    """Return the columns over the runs that have a response; `check` refuses those that cannot be told apart."""
    used = ~np.isnan(y)
    if not used.any():
        raise TooFewData(f"{response}: no run has a value; one at least is wanted")
    basis = basis_of(model, design.factors)
    blocks = block_columns(design.block[used])
    names = [f"block[{b}]" for b in np.unique(design.block[used])[1:].tolist()]
    x = np.concatenate([basis.rows(np.asarray(design.coded)[used]), blocks], axis=1)
    labels = (*basis.labels, *names)
    term = np.concatenate([basis.term, np.full(len(names), BLOCK)]).astype(np.int64)
    if check:
        _check_rank(x, labels)
    return Problem(design, model, response, used, x, labels, term, y[used], **more)


def _check_rank(x: FloatArray, labels: tuple[str, ...]) -> None:
    n, p = x.shape
    rank = decompose(x).rank
    if rank == p:
        return
    lost = aliases(x, p - rank)
    told = [" = ".join([labels[j], " + ".join(labels[i] for i in of[:_SHOWN]) or "0"]) for j, of in lost.items()]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    raise DesignError(
        f"model: {n} runs tell {rank} of {p} coefficients; they cannot tell apart (up to factors): "
        f"{'; '.join(told[:_SHOWN])}{more}. Leave {p - rank} of these out, or add at least {p - rank} runs"
        f" that differ in them"
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Columns tested together.

    Parameters
    ----------
    source : str
    columns : tuple of int
    above : tuple of int
        Columns of the terms that contain it: left out of the comparison that respects marginality.
    """

    source: str
    columns: tuple[int, ...]
    above: tuple[int, ...]


@lru_cache(maxsize=64)
def _containing(model: Model) -> tuple[tuple[int, ...], ...]:
    """For every term the places of the others that contain it."""
    terms = model.terms
    return tuple(
        tuple(k for k, other in enumerate(terms) if k != i and other.order > 0 and term.within(other))
        for i, term in enumerate(terms)
    )


def groups_of(p: Problem) -> tuple[FloatArray, list[int], list[Group]]:
    """Return columns to test, the column of the constant (if it is in them) and the groups, blocks first.

    Of a mixture the components' shares sum to one: one of them gives its place to the constant, and what is left of
    the linear part are the differences between components, tested together.
    """
    terms, x, shares = p.model.terms, p.x, _shares(p)
    columns: dict[int, list[int]] = {}
    for j, t in enumerate(p.term.tolist()):
        columns.setdefault(t, []).append(j)
    constant = [columns[i][0] for i, t in enumerate(terms) if not t.parts]
    sets: list[tuple[str, list[int]]] = [(str(t), [i]) for i, t in enumerate(terms) if t.parts and i not in shares]
    if shares:
        constant = [columns[shares[0]].pop(0)]
        x = x.copy()
        x[:, constant[0]] = 1.0
        if len(shares) > 1:
            sets.insert(0, ("linear mixture", shares))
    above = _containing(p.model)
    groups = [Group("block", tuple(columns[BLOCK]), ())] if BLOCK in columns else []
    for source, inside in sets:
        over = sorted({k for i in inside for k in above[i]} - set(inside))
        groups.append(Group(source, *(tuple(j for i in some for j in columns[i]) for some in (inside, over))))
    return x, constant, groups


def _shares(p: Problem) -> list[int]:
    """Linear terms of the components of a mixture, where they stand for the constant; else none."""
    names = [f.name for f in p.design.factors if f.kind == "mixture"]
    if p.model.intercept or not names:
        return []
    linear = [
        i for i, t in enumerate(p.model.terms) if t.order == 1 and t.names[0] in names and not t.parts[0].function
    ]
    columns = p.x[:, np.isin(p.term, linear)]
    return linear if linear and bool((np.abs(columns.sum(axis=1) - 1.0) < 1e-9).all()) else []
