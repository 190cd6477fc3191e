"""Steps common to the generators: counts checked, settings coded, runs repeated, centre points added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats.doe.factor import Factor
from qstats.doe.terms import model_columns, named_model
from qstats.errors import DesignError

__all__ = [
    "Runs",
    "check_rank",
    "check_whole",
    "interactions",
    "put_levels",
    "put_three",
    "put_two",
    "require",
    "two_level",
]

IntArray = npt.NDArray[np.int64]


def check_whole(value: object, name: str, *, least: int = 0, most: int | None = None) -> int:
    """Return a whole number from `least` to `most`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or int(value) < least or (most is not None and int(value) > most):  # type: ignore[call-overload]
        limits = f"of {least} or more" if most is None else f"from {least} to {most}"
        raise DesignError(f"{name}: got {value!r}; a whole number {limits} is wanted")
    return int(value)  # type: ignore[call-overload,no-any-return]


def require(holds: object, what: str) -> None:
    """Raise unless a property every design of this kind has does hold: no wrong matrix leaves the library."""
    if not bool(holds):
        raise DesignError(f"design: the matrix made is not {what}; this is a fault of the library, please report it")


def two_level(factor: Factor) -> bool:
    """Whether a factor has exactly two settings by its nature (text, or two discrete levels)."""
    return factor.count == 2


def put_two(factors: Sequence[Factor], signs: FloatArray) -> FloatArray:
    """Return -1 and +1 as coded settings: the ends of a range, or the two levels."""
    for f in factors:
        if f.kind == "mixture" or (f.count is not None and f.count != 2):
            what = "a mixture component" if f.kind == "mixture" else f"{f.count} levels"
            raise DesignError(f"{f.name}: {what}; this design sets two levels: pass low= and high=, or two levels")
    text = np.array([not f.numeric for f in factors])
    return np.where(text, 0.5 * (signs + 1.0), signs)


def put_three(factors: Sequence[Factor], design: str) -> None:
    """Raise unless every factor can be set at -1, 0 and +1."""
    for f in factors:
        middle = f.kind == "continuous" or (f.kind == "discrete" and bool((f.code(f.levels) == 0.0).any()))
        if not middle:
            raise DesignError(
                f"{f.name}: {design} sets a low, a middle and a high; a range (low=, high=) is wanted, "
                "or rising numbers of which one lies half way between the ends"
            )


def put_levels(factor: Factor, index: npt.ArrayLike, count: int) -> FloatArray:
    """Return numbers of levels (from 0) as coded settings; a range is divided into `count` equal steps."""
    at = np.asarray(index, dtype=np.intp)
    if factor.kind == "mixture":
        raise DesignError(f"{factor.name}: a mixture component cannot stand here; its share depends on the others")
    if factor.count is not None and factor.count != count:
        raise DesignError(f"{factor.name}: it has {factor.count} levels, but {count} are asked for")
    if factor.kind == "categorical":
        return at.astype(np.float64)
    if factor.kind == "discrete":
        return factor.code(factor.levels)[at]
    return np.asarray(np.linspace(-1.0, 1.0, count)[at], dtype=np.float64)


class Runs:
    """A table of runs while it is put together: replicates first, centre points last."""

    def __init__(self, coded: FloatArray, block: IntArray | None = None) -> None:
        n = coded.shape[0]
        self.coded = coded
        self.block = np.ones(n, dtype=np.int64) if block is None else block
        self.replicate = np.ones(n, dtype=np.int64)
        self.center = np.zeros(n, dtype=np.bool_)

    def repeat(self, times: object) -> Runs:
        """Repeat all runs."""
        m = check_whole(times, "replicates", least=1)
        n = len(self.coded)
        self.coded = np.tile(self.coded, (m, 1))
        self.block, self.center = np.tile(self.block, m), np.tile(self.center, m)
        self.replicate = np.repeat(np.arange(1, m + 1), n)
        return self

    def add_center(self, count: int, factors: Sequence[Factor], block: int = 1) -> Runs:
        """Add centre points to a block."""
        if count:
            put_three(factors, "a centre point")
            k = self.coded.shape[1]
            self.coded = np.vstack([self.coded, np.zeros((count, k))])
            self.block = np.concatenate([self.block, np.full(count, block)])
            self.replicate = np.concatenate([self.replicate, np.arange(1, count + 1)])
            self.center = np.concatenate([self.center, np.ones(count, dtype=np.bool_)])
        return self

    def fields(self) -> dict[str, Any]:
        """Return what `make_design` takes."""
        return {"block": self.block, "replicate": self.replicate, "center": self.center}


def interactions(x: FloatArray) -> FloatArray:
    """Return the products of all pairs of columns, in the order of `itertools.combinations`."""
    left, right = np.triu_indices(x.shape[1], 1)
    return np.asarray(x[:, left] * x[:, right], dtype=np.float64)


def check_rank(factors: Sequence[Factor], coded: FloatArray, model: str) -> int:
    """Return how many coefficients a model has, all of which the design can estimate; else raise."""
    x = model_columns(named_model(model, factors), factors, coded).x
    rank = int(np.linalg.matrix_rank(x))
    if rank < x.shape[1]:
        raise DesignError(
            f"design: {len(coded)} runs support {rank} of the {x.shape[1]} coefficients of the {model} model; "
            "more runs or another design are wanted"
        )
    return rank
