"""Split-plot layouts: factors that are hard to change stay put within whole plots."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.notes import Note
from qstats.doe.design import Design, make_design
from qstats.doe.factor import Factor, as_factors
from qstats.doe.runs import IntArray, Runs, check_whole, put_levels, require
from qstats.doe.terms import model_columns, named_model
from qstats.errors import DesignError

__all__ = ["split_plot"]

_MOST_RUNS = 100_000


def split_plot(
    design: object,
    *,
    whole_plots: int | None = None,
    replicates: int = 1,
    rng: Any = None,
    randomize: bool = True,
) -> Design:
    """Arrange an experiment so that hard-to-change factors are reset only between whole plots.

    When an oven temperature or a tool cannot be changed for every run. Not when all factors are easy to change: a run
    order drawn over all runs is better, and simpler to analyse.

    Parameters
    ----------
    design : Design, or sequence of Factor
        Runs to arrange, or factors of which all combinations are made. Those with ``hard_to_change=True`` are set by
        whole plot.
    whole_plots : int, optional
        How many; a multiple of the settings of the hard-to-change factors (in every block). Unsaid: one for each
        setting and replicate.
    replicates : int
        Repeats of all runs, in whole plots of their own.
    rng : None, int or Generator
        Draws the order of plots, then that of runs within each.
    randomize : bool

    Returns
    -------
    Design
        `whole_plot` numbers the plots from 1; notes count the degrees of freedom for whole-plot error.

    Raises
    ------
    DesignError
        No factor, or only factors, hard to change; a number of plots the runs do not divide into.

    Notes
    -----
    Settings are to be reset at the start of every plot, also where two neighbours share them: only then do plots have
    independent errors. Where a setting has several plots, they are its replicates, or the two halves of its runs by the
    sign of the product of the two-level easy factors.

    References
    ----------
    Jones, B. and Nachtsheim, C. J. (2009), J. Qual. Technol. 41, 340-361.

    Examples
    --------
    >>> from qstats.doe import Factor
    >>> from qstats.doe import split_plot
    >>> design = split_plot([Factor("oven", 180, 220, hard_to_change=True), Factor("time", 5, 9)], replicates=3, rng=1)
    >>> len(design), len(set(design.whole_plot.tolist()))
    (12, 6)
    """
    source = design if isinstance(design, Design) else None
    found = source.factors if source is not None else as_factors(design, least=2)
    hard = [j for j, f in enumerate(found) if f.hard_to_change]
    if not hard or len(hard) == len(found):
        which = "no factor is" if not hard else "all factors are"
        raise DesignError(f"design: {which} hard to change; a split-plot has some of each (hard_to_change=True)")
    table = _all(found) if source is None else _taken(source)
    table.repeat(replicates) if source is None else _again(table, replicates)
    settings = np.unique(np.column_stack([table.block, table.coded[:, hard]]), axis=0, return_inverse=True)[1].ravel()
    plot = _plots(settings, table, list(found), hard, whole_plots)
    _verify(table.coded[:, hard], plot, table.block)
    notes = _notes(found, hard, table, plot)
    kind = "split-plot " + ("full factorial" if source is None else source.kind)
    count = len(np.unique(plot))
    made = make_design(
        kind,
        found,
        table.coded,
        rng=rng,
        randomize=randomize,
        whole_plot=plot,
        method=f"{count} whole plots of {len(plot) / count:.4g} runs"
        + (f"; {source.method}" if source is not None and source.method else ""),
        reference="Jones and Nachtsheim 2009, J. Qual. Technol. 41, 340-361",
        notes=(*(source.notes if source is not None else ()), *notes),
        **table.fields(),
    )
    if source is None:
        return made
    return replace(
        made,
        generators=source.generators,
        defining_relation=source.defining_relation,
        resolution=source.resolution,
        model=source.model,
        certificate=source.certificate,
    )


def _all(factors: tuple[Factor, ...]) -> Runs:
    for f in factors:
        if f.kind == "mixture":
            raise DesignError(f"{f.name}: a mixture component; make the design first and pass it")
    counts = [f.count or 2 for f in factors]
    if np.prod(np.array(counts, dtype=np.float64)) > _MOST_RUNS:
        raise DesignError(f"factors: all combinations are more than {_MOST_RUNS} runs; pass a smaller design")
    index = np.array(list(itertools.product(*(range(c) for c in counts))))
    return Runs(np.column_stack([put_levels(f, c, s) for f, c, s in zip(factors, index.T, counts, strict=True)]))


def _taken(design: Design) -> Runs:
    table = Runs(np.array(design.coded), np.array(design.block))
    table.replicate, table.center = np.array(design.replicate), np.array(design.center)
    return table


def _again(table: Runs, replicates: object) -> None:
    """Repeat a design that may have replicates of its own: new ones are numbered on."""
    held, n = table.replicate, len(table.coded)
    table.repeat(replicates)
    table.replicate = np.tile(held, len(table.coded) // n) + (table.replicate - 1) * int(held.max())


def _plots(settings: IntArray, table: Runs, factors: list[Factor], hard: list[int], asked: object) -> IntArray:
    """Number of the whole plot of every run, from 1."""
    count = int(settings.max()) + 1
    unique = np.unique(np.column_stack([settings, np.where(table.center, 1, table.replicate)]), axis=0,
                       return_inverse=True)[1].ravel()  # fmt: skip
    natural = int(unique.max()) + 1
    total = natural if asked is None else check_whole(asked, "whole_plots", least=1)
    if total == natural:
        plot = unique
    elif total == count:
        plot = settings
    else:
        plot = _halved(unique, natural, table.coded, factors, hard, total, count)
    return np.unique(plot, return_inverse=True)[1].ravel().astype(np.int64) + 1


def _halved(
    plot: IntArray, now: int, coded: FloatArray, factors: list[Factor], hard: list[int], asked: int, least: int
) -> IntArray:
    easy = [j for j in range(len(factors)) if j not in hard]
    levels = [np.unique(coded[:, j]) for j in easy]
    if asked != 2 * now or any(v.size != 2 for v in levels):
        raise DesignError(
            f"whole_plots: got {asked}; the runs divide into {least} (a plot for each setting)"
            + (f", {now} (and replicate)" if now != least else "")
            + (f" or {2 * now} (each halved)" if all(v.size == 2 for v in levels) else "")
            + "; more whole plots come from replicates="
        )
    high = np.column_stack([coded[:, j] == v[1] for j, v in zip(easy, levels, strict=True)])
    side = high.sum(axis=1) % 2
    sizes = [np.bincount(side[plot == p], minlength=2) for p in np.unique(plot)]
    if any(s[0] != s[1] for s in sizes):
        raise DesignError(f"whole_plots: got {asked}; the runs of a setting do not divide into two like halves")
    return np.asarray(2 * plot + side, dtype=np.int64)


def _verify(hard: FloatArray, plot: IntArray, block: IntArray) -> None:
    for p in np.unique(plot):
        mine = plot == p
        require((hard[mine] == hard[mine][0]).all(), "constant in its hard-to-change factors within whole plots")
        require((block[mine] == block[mine][0]).all(), "free of whole plots that reach across blocks")


def _notes(factors: tuple[Factor, ...], hard: list[int], table: Runs, plot: IntArray) -> tuple[Note, ...]:
    _, first = np.unique(plot, return_index=True)
    few = [factors[j] for j in hard]
    x = model_columns(named_model("quadratic", few), few, table.coded[first][:, hard]).x
    blocks = (table.block[first][:, None] == np.unique(table.block)[1:]).astype(np.float64)
    rank = int(np.linalg.matrix_rank(np.hstack([x, blocks])))
    left = len(first) - rank
    reset = "Reset hard-to-change factors at the start of every plot, also where the next one has the same setting."
    text = (
        f"{len(first)} whole plots: {rank} degrees of freedom for intercept, blocks, hard-to-change factors and their "
        f"interactions, {left} for whole-plot error. {reset}"
    )
    if left > 0:
        return (Note("whole-plot-df", "info", text),)
    return (
        Note(
            "no-whole-plot-error",
            "warning",
            text + " Without such degrees of freedom effects of hard-to-change factors cannot be tested: add "
            "replicates, or judge them by Lenth's method on their own.",
        ),
    )
