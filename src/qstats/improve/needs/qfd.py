"""House of quality: from customers' needs to technical characteristics, with the ranks the weights really establish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result, frozen_array
from qstats.errors import DataError
from qstats.improve.needs.qfd_input import Weights, check_scale, read_relations, read_roof, read_weights
from qstats.improve.needs.qfd_kernels import (
    Drawn,
    dominated,
    draws_of_respondents,
    draws_of_weights,
    open_ranks,
    ranks,
    ranks_one_cell_off,
)
from qstats.inference.resample import as_generator, check_resamples

__all__ = ["HouseOfQuality", "qfd"]

IntArray = npt.NDArray[np.int64]
_FEW = 30
_REFERENCE = (
    "Hauser & Clausing (1988), Harvard Business Review 66(3), 63-73; ranks: Mogstad, Romano, Shaikh & Wilhelm (2024), "
    "Review of Economic Studies 91(1), 476-518"
)


@dataclass(frozen=True, slots=True, eq=False)
class HouseOfQuality(Result):
    """Technical importance of each characteristic; arrays have shape (m,) in the order of `characteristics`.

    Parameters
    ----------
    needs, characteristics : tuple of str
    weight : ndarray, shape (needs,)
        As given, or mean rating.
    relations : ndarray, shape (needs, m)
    importance : ndarray
        Sum of weight times relation.
    share : ndarray
        Importance over the sum of all, 0 to 1.
    share_interval : Intervals or None
        Percentile interval of each share by itself; None without uncertainty of the weights.
    rank : ndarray of int
        1 is the most important; equal ones share the best rank.
    rank_low, rank_high : ndarray of int or None
        The true rank of each lies in its set, for all at once, with the confidence given; None without uncertainty.
    rank_other_scale : ndarray of int
        Ranks with the relations read on `other_scale`.
    rank_low_cell, rank_high_cell : ndarray of int
        Ranks that can come out when any one cell of the matrix is one step of the scale off.
    scale, other_scale : tuple of float
    uncertainty : {"respondents", "standard_errors", "none"}
        Where the uncertainty of the weights comes from.
    confidence : float
    n : int or None
        Respondents.
    resamples : int
        Drawn samples, or drawn weights; 0 without uncertainty.
    roof : tuple of (str, str, str)
        Pairs of characteristics and the mark of their correlation, passed through.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.qfd/1"
    title: ClassVar[str] = "House of quality"

    needs: tuple[str, ...]
    characteristics: tuple[str, ...]
    weight: FloatArray
    relations: FloatArray
    importance: FloatArray
    share: FloatArray
    share_interval: Intervals | None
    rank: IntArray
    rank_low: IntArray | None
    rank_high: IntArray | None
    rank_other_scale: IntArray
    rank_low_cell: IntArray
    rank_high_cell: IntArray
    scale: tuple[float, ...]
    other_scale: tuple[float, ...]
    uncertainty: str
    confidence: float
    n: int | None
    resamples: int
    roof: tuple[tuple[str, str, str], ...]
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for j in np.argsort(self.rank, kind="stable"):
            text = f"{self.importance[j]:.4g}  {self.share[j]:.1%}  rank {self.rank[j]}"
            if self.rank_low is not None and self.rank_high is not None:
                text += f" (open: {self.rank_low[j]} to {self.rank_high[j]})"
            text += f"; one cell off: {self.rank_low_cell[j]} to {self.rank_high_cell[j]}"
            rows.append((self.characteristics[j], f"{text}; other scale: {self.rank_other_scale[j]}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        out: dict[str, object] = {"characteristic": list(self.characteristics)}
        out |= {name: getattr(self, name) for name in ("importance", "share", "rank")}
        if self.share_interval is not None:
            out |= {"share_low": self.share_interval.low, "share_high": self.share_interval.high}
            out |= {"rank_low": self.rank_low, "rank_high": self.rank_high}
        return out | {name: getattr(self, name) for name in ("rank_other_scale", "rank_low_cell", "rank_high_cell")}


def _draw(w: Weights, r: FloatArray, resamples: int, confidence: float, rng: Any) -> Drawn | None:
    if w.ratings is not None:
        return draws_of_respondents(w.ratings, r, resamples, confidence, as_generator(rng))
    if w.errors is not None:
        return draws_of_weights(w.weight, w.errors, r, resamples, confidence, as_generator(rng))
    return None


def _notes(w: Weights, drawn: Drawn | None, rank_high: IntArray | None, rank: IntArray, moved: bool) -> list[Note]:
    notes = []
    if w.dropped:
        notes.append(Note("missing-dropped", "warning", f"{w.dropped} respondents left a need unrated: left out"))
    if w.ratings is not None and w.ratings.shape[0] < _FEW:
        text = f"{w.ratings.shape[0]} respondents: the bootstrap is rough under about {_FEW}"
        notes.append(Note("few-respondents", "warning", text))
    if drawn is None:
        text = "weights without standard errors: how sure the ranks are is not known; give ratings or standard_errors"
        notes.append(Note("weights-taken-as-exact", "warning", text))
    elif rank_high is not None and (rank_high[rank == 1] > 1).any():
        text = f"the first rank is not established: ranks 1 to {int(rank_high[rank == 1].max())} are open"
        notes.append(Note("top-not-established", "warning", text))
    if drawn is not None and drawn.clipped > 0.0:
        text = f"{drawn.clipped:.2%} of the drawn weights were negative and set to zero in the intervals of the shares"
        notes.append(Note("weights-clipped", "info" if drawn.clipped < 0.01 else "warning", text))
    if moved:
        text = "the order is another on the other scale: it rests on 9 being three times 3, which nobody measured"
        notes.append(Note("scale-decides", "warning", text))
    return notes


_METHODS = {
    "respondents": "bootstrap of respondents: simultaneous studentised differences of all pairs",
    "standard_errors": "independent normal weights, standard errors as given: simultaneous differences of all pairs",
    "none": "weights taken as exact",
}


def qfd(
    data: Any,
    matrix: Any,
    *,
    need: str = "need",
    standard_errors: Mapping[str, float] | None = None,
    scale: Sequence[float] = (0, 1, 3, 9),
    other_scale: Sequence[float] = (0, 1, 2, 3),
    roof: Mapping[tuple[str, str], str] | None = None,
    confidence: float = 0.95,
    resamples: int | None = None,
    rng: Any = None,
    missing: str = "raise",
) -> HouseOfQuality:
    r"""Turn customers' needs into the characteristics that matter most, and say how sure that order is.

    Use it to choose which few characteristics get the effort. Not as a measurement: the relations are agreed
    judgements, so look at the ranks with one cell off before arguing about a place.

    Parameters
    ----------
    data : frame or dict
        A survey, one row a respondent and one column a need (ratings of zero or more): their scatter gives the
        uncertainty. Or a dict of weights by need.
    matrix : dict of dict, or frame
        Relation of each need (outer key, or row) to each characteristic (inner key, or column), from `scale`. In a
        dict, a characteristic a need does not name is unrelated to it (0); a table must be filled.
    need : str
        Column of the needs, where `matrix` is a table.
    standard_errors : dict, optional
        Of the weights, by need.
    scale, other_scale : sequence of float
        Steps of a relation, and other numbers for the same steps to see whether the order depends on them.
    roof : dict, optional
        ``{(characteristic, characteristic): mark}``; passed through.
    confidence : float
        Of all rank sets together, and of each share's interval by itself.
    resamples : int, optional
        Default 9999.
    rng : None, int, SeedSequence or Generator
    missing : {"raise", "drop"}
        Respondents who left a need unrated.

    Returns
    -------
    HouseOfQuality

    Raises
    ------
    DataError, TooFewData
        A relation not on the scale, names that do not match, negative weights, no need or characteristic.

    Notes
    -----
    Importance :math:`h_j = \sum_i w_i r_{ij}`, share :math:`h_j / \sum_k h_k`. Rank sets: all pairs with
    :math:`|\hat h_j - \hat h_k| > c\, s_{jk}` are told apart, with :math:`c` the quantile of
    :math:`\max_{jk} |t^*_{jk}|` over resamples; the rank of j lies from one plus the number surely above it to m less
    the number surely below. A characteristic at least as strong for every need, and stronger for one, is above another
    whatever the weights.

    References
    ----------
    Hauser & Clausing (1988), Harvard Business Review 66(3), 63-73. Mogstad, Romano, Shaikh & Wilhelm (2024), Review of
    Economic Studies 91(1), 476-518.

    Examples
    --------
    >>> from qstats import qfd
    >>> house = qfd(
    ...     {"快": 5, "完好": 4, "便宜": 2},
    ...     {"快": {"分拣时间": 9, "包装强度": 1}, "完好": {"包装强度": 9}, "便宜": {"分拣时间": 1, "包装强度": 3}},
    ...     standard_errors={"快": 0.3, "完好": 0.3, "便宜": 0.3}, rng=1)
    >>> house.importance.tolist(), house.rank_low.tolist(), house.rank_high.tolist()
    ([47.0, 47.0], [1, 1], [2, 2])
    """
    confidence = check_confidence(confidence)
    needs, names, given = read_relations(matrix, need)
    steps = check_scale(scale, "scale")
    code = np.minimum(np.searchsorted(steps, given), steps.size - 1)
    if (off := steps[code] != given).any():
        i, j = (int(v) for v in np.argwhere(off)[0])
        raise DataError(f"matrix: {needs[i]!r}, {names[j]!r} is {given[i, j]:g}; one of {steps.tolist()} is wanted")
    other = check_scale(other_scale, "other_scale", steps.size)
    w = read_weights(data, standard_errors, needs, missing)
    if not (w.weight > 0).any():
        raise DataError("data: all weights are zero; at least one need must matter")
    if not given[w.weight > 0].any():
        raise DataError("matrix: no characteristic is related to a need with a weight; nothing can be ranked")
    count = check_resamples(resamples, (1.0 - confidence) / 2.0, (1.0 - confidence) / 2.0)
    drawn = _draw(w, given, count, confidence, rng)
    return _house(w, names, given, steps, (other, other[code]), drawn, confidence, read_roof(roof or {}, names), count)


def _house(
    w: Weights,
    names: tuple[str, ...],
    given: FloatArray,
    steps: FloatArray,
    other: tuple[FloatArray, FloatArray],
    drawn: Drawn | None,
    confidence: float,
    roof: tuple[tuple[str, str, str], ...],
    count: int,
) -> HouseOfQuality:
    """Put the numbers of a house together."""
    importance = w.weight @ given
    rank, rank_other = ranks(importance), ranks(w.weight @ other[1])
    low_cell, high_cell = ranks_one_cell_off(w.weight, given, steps)
    low = high = None
    interval = None
    if drawn is not None:
        low, high = (frozen_array(x, np.int64) for x in open_ranks(drawn, dominated(given, w.weight > 0)))
        tail = (1.0 - confidence) / 2.0
        ends = np.quantile(drawn.shares, [tail, 1.0 - tail], axis=0)
        interval = Intervals(frozen_array(ends[0]), frozen_array(ends[1]), confidence)
    kind = "respondents" if w.ratings is not None else "none" if w.errors is None else "standard_errors"
    notes = _notes(w, drawn, high, rank, bool((rank != rank_other).any()))
    return HouseOfQuality(
        w.needs, names, frozen_array(w.weight), frozen_array(given), frozen_array(importance),
        frozen_array(importance / importance.sum()), interval, frozen_array(rank, np.int64), low, high,
        frozen_array(rank_other, np.int64), frozen_array(low_cell, np.int64), frozen_array(high_cell, np.int64),
        tuple(steps.tolist()), tuple(other[0].tolist()), kind, confidence,
        None if w.ratings is None else int(w.ratings.shape[0]), 0 if drawn is None else count, roof, _METHODS[kind],
        _REFERENCE, tuple(notes),
    )  # fmt: skip
