"""Runs that were made without a plan of ours, as a design with its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qstats import table
from qstats._core.arrays import BoolArray, FloatArray, as_vector
from qstats._core.result import FrozenMapping, frozen_array
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.sheet import RunRecord
from qstats.errors import DataError, DesignError

__all__ = ["from_runs"]


def from_runs(
    data: object,
    factors: object,
    *,
    responses: str | Sequence[str] = (),
    block: str | None = None,
    whole_plot: str | None = None,
    order_by: str | None = None,
    encoding: str | None = None,
) -> RunRecord:
    """Take an experiment that was made elsewhere: a table with one row a run becomes a design and its results.

    Use it for experiments planned in other software or on paper, and for published data: `evaluate`, `fit` and the rest
    then take them. Not for records of a process that nobody varied on purpose: what is found there may be anything
    that went along with the settings.

    Parameters
    ----------
    data : path, frame or mapping
        One row a run, settings in natural units, in the order the runs were made.
    factors : list of str, list of Factor, or mapping
        Columns that were set. Of a name alone the range, or the levels of text, is what the table shows; a mapping
        gives it: ``{"heat": (150, 190), "glue": ["A", "B"]}``. The ends of a range are -1 and +1 in coded units.
    responses : str or sequence of str
        Columns that were measured; empty cells are runs without a result.
    block, whole_plot : str, optional
        Columns that say which runs were made together.
    order_by : str, optional
        Column that holds the order in which the runs were made.
    encoding : str, optional
        Of a file; found out by itself among UTF-8 and GB18030.

    Returns
    -------
    RunRecord
        Its `design` is the experiment, `responses` the results.

    Raises
    ------
    DataError, DesignError
        A column is lacking or has no value where one is needed, a factor that was never changed, text in a numeric
        factor.

    Examples
    --------
    >>> from qstats import doe
    >>> runs = {"heat": [150, 190, 150, 190], "glue": ["A", "A", "B", "B"], "strength": [3.1, 4.0, 3.3, 4.4]}
    >>> record = doe.from_runs(runs, ["heat", "glue"], responses="strength")
    >>> record.design.coded.tolist()
    [[-1.0, 0.0], [1.0, 0.0], [-1.0, 1.0], [1.0, 1.0]]
    """
    measured = (responses,) if isinstance(responses, str) else tuple(responses)
    names = _names(factors)
    roles = {f"factor {n}": n for n in names} | {f"response {n}": n for n in measured}
    roles |= {role: column for role, column in (("block", block), ("whole_plot", whole_plot)) if column is not None}
    _once(roles)
    got = table.columns(table.as_table(data, encoding=encoding), roles, order_by=order_by)
    found = _as_found(factors, {n: got[f"factor {n}"] for n in names})
    coded = np.column_stack([_code(f, got[f"factor {f.name}"]) for f in found])
    if len(coded) < 1:
        raise DataError("data: the table has no rows; one row a run is wanted")
    design = make_design(
        "runs as made", found, coded, randomize=False, center=_centers(found, coded),
        block=_groups(got.get("block"), "block", len(coded)),
        whole_plot=_groups(got.get("whole_plot"), "whole_plot", len(coded)),
        method="taken from a table of runs",
    )  # fmt: skip
    return _record(design, {n: as_vector(got[f"response {n}"], n, missing="drop", least=0) for n in measured})


def _record(design: Design, values: Mapping[str, FloatArray]) -> RunRecord:
    empty = np.all([np.isnan(v) for v in values.values()], axis=0) if values else np.zeros(len(design), dtype=np.bool_)
    held = FrozenMapping({n: frozen_array(v) for n, v in values.items()})
    return RunRecord(design, design, held, tuple((np.flatnonzero(empty) + 1).tolist()), (), (), False)


def _names(factors: object) -> list[str]:
    if isinstance(factors, Mapping):
        names: list[Any] = list(factors)
    elif isinstance(factors, Iterable) and not isinstance(factors, str | bytes):
        names = [f.name if isinstance(f, Factor) else f for f in factors]
    else:
        raise DesignError(f"factors: got {factors!r}; a list of columns, of Factor, or a mapping of them is wanted")
    if not names or not all(isinstance(n, str) for n in names):
        raise DesignError(f"factors: got {factors!r}; names of one or more columns are wanted")
    return names


def _once(roles: Mapping[str, str]) -> None:
    columns = list(roles.values())
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice:
        raise DataError(f"data: column {twice[0]!r} is given two parts to play; every column has one")


def _as_found(factors: object, cells: Mapping[str, npt.NDArray[Any]]) -> tuple[Factor, ...]:
    """Factors as they were given; what was not said of them is read off the table."""
    if isinstance(factors, Mapping):
        return as_factors(factors)
    assert isinstance(factors, Iterable)
    return as_factors([f if isinstance(f, Factor) else _read_off(f, cells[f]) for f in factors])


def _read_off(name: str, cells: npt.NDArray[Any]) -> Factor:
    if cells.dtype.kind == "f":
        x = as_vector(cells, name)
        if not float(x.min()) < float(x.max()):
            raise DesignError(f"{name}: {x[0]:g} in every run; a factor was changed at least once")
        return Factor(name, float(x.min()), float(x.max()))
    levels = tuple(dict.fromkeys(_texts(cells, name)))
    if len(levels) < 2:
        raise DesignError(f"{name}: {levels[0]!r} in every run; a factor was changed at least once")
    return Factor(name, levels=tuple(sorted(levels)), kind="categorical")


def _texts(cells: npt.NDArray[Any], name: str) -> tuple[str, ...]:
    texts = table.labels(cells)
    if "" in texts:
        raise DataError(f"{name}: row {texts.index('') + 1} is empty; every run has a setting of every factor")
    return texts


def _code(factor: Factor, cells: npt.NDArray[Any]) -> FloatArray:
    return factor.code(cells if factor.numeric else _texts(cells, factor.name))


def _groups(cells: npt.NDArray[Any] | None, name: str, n: int) -> npt.NDArray[np.int64] | None:
    """Numbers from 1 in the order the groups appear."""
    if cells is None:
        return None
    texts = _texts(cells, name)
    place = {text: i + 1 for i, text in enumerate(dict.fromkeys(texts))}
    return np.array([place[text] for text in texts], dtype=np.int64).reshape(n)


def _centers(factors: Sequence[Factor], coded: FloatArray) -> BoolArray:
    """Runs in the middle of every range."""
    numeric = [j for j, f in enumerate(factors) if f.kind == "continuous"]
    if not numeric:
        return np.zeros(len(coded), dtype=np.bool_)
    return np.asarray((np.abs(coded[:, numeric]) < 1e-9).all(axis=1), dtype=np.bool_)
