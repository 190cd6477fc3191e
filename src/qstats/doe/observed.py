"""The runs of an experiment with one of their results, from a design or from the record of what was really done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats.doe.design import Design
from qstats.doe.sheet import RunRecord
from qstats.errors import DataError

__all__ = ["Observed", "column_of", "observed", "read_design"]


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


def read_design(given: object) -> tuple[Design, RunRecord | None]:
    """Return the design as run, and the record it came in, if it did."""
    if isinstance(given, RunRecord):
        return given.design, given
    if isinstance(given, Design):
        if len(given) < 1:
            raise DataError("design: it has no runs")
        return given, None
    got = type(given).__name__
    raise DataError(f"design: got a {got}; a Design, or a RunRecord as read_run_sheet and from_runs give, is wanted")


def column_of(given: Any, key: str, record: RunRecord | None) -> Any:
    """Return a column of the record for its name; anything else as it is."""
    if not isinstance(given, str):
        return given
    if record is None:
        raise DataError(f"{key}: got the name {given!r}, which goes with a run record; pass the values of all runs")
    if given not in record.responses:
        raise DataError(f"{key}: got {given!r}; the record has {', '.join(map(repr, record.responses))}")
    return record.responses[given]


def observed(experiment: object, response: Any, name: str | None = None) -> Observed:
    """Return the runs and results of a design (results in standard order) or of a record (the response's name).

    `name` is what values without a name of their own are called; a record and a pandas Series bring theirs.
    """
    design, record = read_design(experiment)
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise DataError(f"name: got {name!r}; text is wanted")
    own = response if isinstance(response, str) else getattr(response, "name", None)
    called = name or (own if isinstance(own, str) and own.strip() else "response")
    y = np.array(as_vector(column_of(response, "response", record), called, missing="drop"))
    if y.size != len(design):
        n = len(design)
        raise DataError(f"{called}: {y.size} values came for {n} runs; one each is wanted, None where a run has none")
    return Observed(design, y, called)
