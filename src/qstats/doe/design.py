"""An experiment as a table of runs, with all that is needed to carry it out and to analyse it later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import BoolArray, FloatArray
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.doe.factor import Factor, total_hours
from qstats.errors import DataError, DesignError

__all__ = ["Design", "draw_seed", "make_design"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Design(Result):
    """The runs of an experiment.

    Rows are in standard order; `run_order` says in which order to carry them out.

    Parameters
    ----------
    kind : str
        What design it is: ``"fractional factorial"``, ``"D-optimal"`` ...
    factors : tuple of Factor
    coded : ndarray, shape (n, k)
        Settings in coded units: -1 to +1 for ranges and discrete levels, the number of the level from 0 for text, the
        share itself for mixture components.
    run_order : ndarray of int, shape (n,)
        Rows in the order they are to be run.
    block : ndarray of int, shape (n,)
        Block of each row, from 1; all 1 without blocks.
    whole_plot : ndarray of int, shape (n,)
        Whole plot of each row, from 1, where factors are hard to change; 0 else.
    replicate : ndarray of int, shape (n,)
        From 1.
    center : ndarray of bool, shape (n,)
        Centre points.
    generators, defining_relation : tuple of str
        Of a regular fraction, with signs.
    resolution : int or None
    seed : int or None
        What the run order was drawn with.
    model : tuple of str
        Terms the design was made for; empty where it was made for none in particular.
    certificate : mapping or None
        Of a search: starts, best and second best value, how often found, seconds.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.design/1"
    title: ClassVar[str] = "Design of an experiment"

    kind: str
    factors: tuple[Factor, ...]
    coded: FloatArray
    run_order: IntArray
    block: IntArray
    whole_plot: IntArray
    replicate: IntArray
    center: BoolArray
    generators: tuple[str, ...] = ()
    defining_relation: tuple[str, ...] = ()
    resolution: int | None = None
    seed: int | None = None
    model: tuple[str, ...] = ()
    certificate: Mapping[str, Any] | None = None
    method: str = ""
    reference: str = ""
    notes: tuple[Note, ...] = ()

    # ---- looking at it ----

    def __len__(self) -> int:
        return int(self.coded.shape[0])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the factors."""
        return tuple(f.name for f in self.factors)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return len(set(self.block.tolist()))

    @property
    def split_plot(self) -> bool:
        """Whether some factors are changed only between whole plots."""
        return bool((self.whole_plot > 0).any())

    def natural(self, name: str) -> npt.NDArray[Any]:
        """Return one factor's settings in natural units, in standard order."""
        if name not in self.names:
            raise DataError(f"name: got {name!r}; the factors are {', '.join(self.names)}")
        j = self.names.index(name)
        return self.factors[j].decode(self.coded[:, j])

    def column(self, name: str) -> FloatArray:
        """Return one factor's settings in coded units, in standard order."""
        if name not in self.names:
            raise DataError(f"name: got {name!r}; the factors are {', '.join(self.names)}")
        column: FloatArray = self.coded[:, self.names.index(name)]
        return column

    @property
    def hours(self) -> float:
        """Clock hours of all runs in run order, as far as the factors tell."""
        return total_hours(self.factors, self.coded, self.run_order)

    @property
    def hash(self) -> str:
        """SHA-256 of everything that defines the design (not of the words about it), to tie results to it."""
        words = ("notes", "certificate", "method", "reference")
        held = {k: v for k, v in self.to_dict().items() if k not in words}
        text = json.dumps(held, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()

    # ---- storing ----

    def to_dict(self) -> dict[str, Any]:
        """Return the design as JSON-safe values; `from_dict` gives it back exactly."""
        held = Result.to_dict(self)
        held["factors"] = [f.to_dict() for f in self.factors]
        return held

    @classmethod
    def from_dict(cls, held: Mapping[str, Any]) -> Design:
        """Return what `to_dict` gave."""
        if not isinstance(held, Mapping) or held.get("schema") != cls.schema:
            raise DataError(f"design: a mapping with schema {cls.schema!r} is wanted")
        known = {f for f in cls.__dataclass_fields__ if f not in ("schema", "title")}
        given = {k: v for k, v in held.items() if k in known}
        try:
            given["factors"] = tuple(Factor.from_dict(f) for f in given["factors"])
            given["notes"] = tuple(Note(**n) for n in given.get("notes", ()))
            for name in ("generators", "defining_relation", "model"):
                given[name] = _texts(given.get(name, ()))
            if not isinstance(given.get("resolution"), int | None):
                raise TypeError("resolution is no whole number")
            return _frozen(cls(**given))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"design: not a stored design ({error})") from None

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("design", self.kind), ("runs", str(len(self))), ("factors", ", ".join(self.names))]
        if self.resolution is not None:
            rows.append(("resolution", str(self.resolution)))
        if self.generators:
            rows.append(("generators", ", ".join(self.generators)))
        if self.defining_relation:
            shown = self.defining_relation[:8]
            more = len(self.defining_relation) - len(shown)
            rows.append(("defining relation", "I = " + " = ".join(shown) + (f" = ... ({more} more)" if more else "")))
        if self.blocks > 1:
            rows.append(("blocks", str(self.blocks)))
        if self.split_plot:
            rows.append(("whole plots", str(int(np.unique(self.whole_plot).size))))
        if self.center.any():
            rows.append(("centre points", str(int(self.center.sum()))))
        if self.certificate is not None:
            rows.append(("search", ", ".join(f"{k} {_short(v)}" for k, v in self.certificate.items())))
        if self.hours > 0.0:
            rows.append(("clock hours", f"{self.hours:.4g}"))
        return [*rows, ("seed of the run order", str(self.seed)), ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        """Rows in run order, settings in natural units."""
        order = self.run_order
        out: dict[str, object] = {"run": np.arange(1, len(self) + 1), "standard": order + 1}
        own = ("run", "standard", "block", "whole_plot")
        if self.blocks > 1:
            out["block"] = self.block[order]
        if self.split_plot:
            out["whole_plot"] = self.whole_plot[order]
        for f in self.factors:
            out[f"{f.name} (factor)" if f.name in own else f.name] = self.natural(f.name)[order]
        return out

    def coded_frame(self) -> Any:
        """Return the runs in standard order and coded units as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name) for name in self.names})


def _texts(held: Any) -> tuple[str, ...]:
    if isinstance(held, str) or not all(isinstance(v, str) for v in held):
        raise TypeError("generators, relations and terms are lists of texts")
    return tuple(held)


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _frozen(design: Design) -> Design:
    """The same design with checked, read-only arrays of the right kinds."""
    n = np.asarray(design.coded, dtype=np.float64).shape[0]
    coded = np.array(design.coded, dtype=np.float64)
    if coded.shape != (n, len(design.factors)) or not np.isfinite(coded).all():
        raise DesignError(
            f"design: settings of shape {coded.shape}; finite numbers, {len(design.factors)} a run, wanted"
        )
    if len(set(design.names)) < len(design.factors):
        raise DesignError("design: two factors have one name")
    whole = {name: np.array(getattr(design, name), dtype=np.int64) for name in ("block", "whole_plot", "replicate")}
    order = np.array(design.run_order, dtype=np.int64)
    sizes = [v.shape for v in (*whole.values(), np.asarray(design.center))]
    if sorted(order.tolist()) != list(range(n)) or any(shape != (n,) for shape in sizes):
        raise DesignError(f"design: run order, blocks and plots must have one entry for each of the {n} runs")
    if n and (whole["block"].min() < 1 or whole["replicate"].min() < 1 or whole["whole_plot"].min() < 0):
        raise DesignError("design: blocks and replicates count from 1, whole plots from 1 (0: none)")
    arrays: dict[str, Any] = {name: frozen_array(v, np.int64) for name, v in whole.items()}
    arrays["center"] = frozen_array(np.array(design.center, dtype=np.bool_), np.bool_)
    return replace(design, coded=frozen_array(coded), run_order=frozen_array(order, np.int64), **arrays)


def make_design(
    kind: str,
    factors: tuple[Factor, ...],
    coded: npt.ArrayLike,
    *,
    rng: Any = None,
    randomize: bool = True,
    block: npt.ArrayLike | None = None,
    whole_plot: npt.ArrayLike | None = None,
    replicate: npt.ArrayLike | None = None,
    center: npt.ArrayLike | None = None,
    **more: Any,
) -> Design:
    """Return a design of these runs with a run order drawn within blocks and whole plots.

    Parameters
    ----------
    kind, factors, coded
        As in `Design`.
    rng : None, int or Generator
        For the run order. A whole number is kept as the seed; else one is drawn, kept, and used.
    randomize : bool
        False leaves standard order (block by block, plot by plot).
    block, whole_plot, replicate, center : array-like of shape (n,), optional
    **more
        Other fields of `Design`.
    """
    coded = np.asarray(coded, dtype=np.float64)
    if coded.ndim != 2:
        raise DesignError(f"coded: shape {coded.shape}; one row a run and one column a factor are wanted")
    n = coded.shape[0]
    ones = np.ones(n, dtype=np.int64)
    blocks = ones if block is None else np.asarray(block, dtype=np.int64)
    plots = 0 * ones if whole_plot is None else np.asarray(whole_plot, dtype=np.int64)
    seed = draw_seed(rng) if randomize else None
    if blocks.shape != (n,) or plots.shape != (n,):
        raise DesignError(f"block: shapes {blocks.shape} and {plots.shape} came for {n} runs; one entry each is wanted")
    order = _order(blocks, plots, seed)
    return _frozen(
        Design(
            kind,
            factors,
            coded,
            order,
            blocks,
            plots,
            ones if replicate is None else np.asarray(replicate, dtype=np.int64),
            np.zeros(n, dtype=np.bool_) if center is None else np.asarray(center, dtype=np.bool_),
            seed=seed,
            **more,
        )
    )


def draw_seed(rng: Any) -> int:
    """Return the seed that `rng` stands for: itself if it is a whole number, else one drawn from it."""
    kinds = (int, np.integer, np.random.Generator, np.random.SeedSequence)
    if isinstance(rng, bool) or not (rng is None or isinstance(rng, kinds)):
        raise DataError(f"rng: got {rng!r}; None, a seed or a numpy Generator is wanted")
    if isinstance(rng, int | np.integer):
        if rng < 0:
            raise DataError(f"rng: got {rng}; a seed is not negative")
        return int(rng)
    return int(np.random.default_rng(rng).integers(2**32))


def _order(block: IntArray, plot: IntArray, seed: int | None) -> IntArray:
    """Blocks one after another in an order drawn, plots within them likewise, runs within plots likewise."""
    n = block.size
    if seed is None:
        return np.lexsort((np.arange(n), plot, block)).astype(np.int64)
    rng = np.random.default_rng(seed)
    drawn = []
    for group in (block, plot):
        labels, where = np.unique(group, return_inverse=True)
        drawn.append(rng.permutation(labels.size)[where])
    return np.lexsort((rng.random(n), drawn[1], drawn[0])).astype(np.int64)
