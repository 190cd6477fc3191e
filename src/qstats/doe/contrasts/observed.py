"""The runs of an experiment with their results, from a design or from the record of what was really done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats.doe.design import Design
from qstats.doe.sheet import RunRecord
from qstats.errors import DataError, TooFewData

__all__ = ["Observed", "observed", "pure_error"]

IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """An experiment and one of its responses.

    Parameters
    ----------
    design : Design
        As run.
    y : ndarray, shape (n,)
        In standard order; NaN where nothing was measured.
    name : str
    """

    design: Design
    y: FloatArray
    name: str

    @property
    def present(self) -> BoolArray:
        """Which runs have a result."""
        return ~np.isnan(self.y)

    @property
    def center(self) -> BoolArray:
        """Which runs are centre points: said to be, or with every range at its middle."""
        numeric = [j for j, f in enumerate(self.design.factors) if f.numeric]
        middle = (np.abs(self.design.coded[:, numeric]) < 1e-9).all(axis=1) if numeric else self.design.center
        return np.asarray(self.design.center | middle, dtype=np.bool_)


def observed(experiment: object, response: Any) -> Observed:
    """Return the runs and results of a design (results in standard order) or of a record (the response's name)."""
    if isinstance(experiment, RunRecord):
        if not isinstance(response, str) or response not in experiment.responses:
            known = ", ".join(map(repr, experiment.responses))
            raise DataError(f"response: got {_shown(response)}; the record holds {known}")
        return Observed(experiment.design, np.asarray(experiment.responses[response]), response)
    if not isinstance(experiment, Design):
        raise DataError(f"design: got a {type(experiment).__name__}; a Design or a RunRecord is wanted")
    if isinstance(response, str):
        raise DataError(f"response: got {_shown(response)}; a design wants one number for each run, in standard order")
    name = getattr(response, "name", None)
    y = as_vector(response, "response", missing="drop", least=0)
    if y.size != len(experiment):
        raise DataError(
            f"response: {y.size} values came for {len(experiment)} runs; one each is wanted (NaN: no result)"
        )
    if not (~np.isnan(y)).any():
        raise TooFewData("response: no run has a result")
    return Observed(experiment, np.asarray(y), name if isinstance(name, str) else "response")


def _shown(response: object) -> str:
    return repr(response)[:60] if isinstance(response, str) else f"a {type(response).__name__}"


def cells(coded: FloatArray) -> IntArray:
    """Return which exact setting each run has: 0, 1, ..."""
    _, where = np.unique(np.round(coded, 9) + 0.0, axis=0, return_inverse=True)
    return np.asarray(where.reshape(-1), dtype=np.int64)


def block_indicators(block: IntArray) -> FloatArray:
    """Return one column of 0 and 1 for each block."""
    _, where = np.unique(block, return_inverse=True)
    return np.asarray(where[:, None] == np.arange(where.max() + 1), dtype=np.float64)


def pure_error(coded: FloatArray, block: IntArray, y: FloatArray) -> tuple[float, int]:
    """Return sum of squares and degrees of freedom of repeated settings, blocks taken out.

    Runs of a setting made once are fitted exactly whatever the blocks do, so only repeated settings are looked at.
    """
    where = cells(coded)
    again = np.bincount(where)[where] > 1
    if not again.any():
        return 0.0, 0
    x = np.concatenate([block_indicators(where[again]), block_indicators(block[again])], axis=1)
    fitted, _, rank, _ = np.linalg.lstsq(x, y[again] - y[again].mean(), rcond=1e-10)
    left = y[again] - y[again].mean() - x @ fitted
    df = int(again.sum()) - int(rank)
    if df == 0 or float(np.abs(left).max()) <= 64.0 * np.finfo(float).eps * float(np.abs(y).max()):
        return 0.0, df
    return float(left @ left), df
