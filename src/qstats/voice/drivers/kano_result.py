"""The result of a Kano study, and the names of its categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.arrays import FloatArray
from qstats._core.interval import Intervals
from qstats._core.notes import Note
from qstats._core.result import Result

__all__ = ["CATEGORIES", "LETTERS", "UNRESOLVED", "Kano"]

CATEGORIES = {
    "A": ("attractive", "魅力"),
    "O": ("one-dimensional", "期望"),
    "M": ("must-be", "必备"),
    "I": ("indifferent", "无差异"),
    "R": ("reverse", "反向"),
    "Q": ("questionable", "可疑"),
}
UNRESOLVED = ("unresolved", "未定")
LETTERS = tuple(CATEGORIES)


@dataclass(frozen=True, slots=True, eq=False)
class Kano(Result):
    """Category of each feature; arrays have shape (m,) unless said otherwise.

    Parameters
    ----------
    features : tuple of str
    category : tuple of str
        ``"A"``, ``"O"``, ``"M"``, ``"I"``, ``"R"`` or ``"Q"``; ``"unresolved"`` where the first does not beat the
        second.
    name, name_zh : tuple of str
        The same in words, English and Chinese.
    counts : ndarray, shape (m, 6)
        Answers in each category, in the order of `CATEGORIES` (A, O, M, I, R, Q).
    n : ndarray
    top, second : tuple of str
        The two most frequent categories; of equal ones that which comes first in M, O, A, I, R, Q.
    statistic : ndarray or None
        Fong's, by the error of the difference.
    pvalue, adjusted : ndarray
        That the first is no more frequent than the second: by itself, and over all features.
    better, worse : ndarray
        Better, ``(A + O)/(A + O + M + I)``: how much having it can please; and worse, ``-(O + M)/(A + O + M + I)``: how
        much lacking it annoys. NaN where nobody answered A, O, M or I, with a note.
    better_interval, worse_interval : Intervals
    confidence : float
    adjust : str
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.kano/1"
    title: ClassVar[str] = "Kano categories"

    features: tuple[str, ...]
    category: tuple[str, ...]
    name: tuple[str, ...]
    name_zh: tuple[str, ...]
    counts: FloatArray
    n: FloatArray
    top: tuple[str, ...]
    second: tuple[str, ...]
    statistic: FloatArray | None
    pvalue: FloatArray
    adjusted: FloatArray
    better: FloatArray
    better_interval: Intervals
    worse: FloatArray
    worse_interval: Intervals
    confidence: float
    adjust: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return self.pvalue.size

    def _rows(self) -> list[tuple[str, str]]:
        a, b = self.better_interval, self.worse_interval
        rows = []
        for i, feature in enumerate(self.features):
            seen = " ".join(f"{letter} {c:g}" for letter, c in zip(LETTERS, self.counts[i], strict=True))
            rows.append((
                feature,
                f"{self.name[i]} ({self.name_zh[i]})  {seen}  {self.top[i]} over {self.second[i]} p "
                f"{self.adjusted[i]:.3g} ({self.adjust})  better {self.better[i]:.2f} ({a.low[i]:.2f}, {a.high[i]:.2f})"
                f"  worse {self.worse[i]:.2f} ({b.low[i]:.2f}, {b.high[i]:.2f})",
            ))  # fmt: skip
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "feature": list(self.features),
            "category": list(self.category),
            "name": list(self.name),
            "name_zh": list(self.name_zh),
            **{letter: self.counts[:, i] for i, letter in enumerate(LETTERS)},
            "n": self.n,
            "top": list(self.top),
            "second": list(self.second),
            "pvalue": self.pvalue,
            "adjusted": self.adjusted,
            "better": self.better,
            "better_low": self.better_interval.low,
            "better_high": self.better_interval.high,
            "worse": self.worse,
            "worse_low": self.worse_interval.low,
            "worse_high": self.worse_interval.high,
        }
