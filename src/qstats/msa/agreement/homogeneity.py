"""Do two raters use the categories equally often? McNemar, Stuart-Maxwell, Bhapkar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice
from qstats._core.notes import Note
from qstats._core.quantiles import binomial_cdf, chi2_sf
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats.errors import DataError
from qstats.msa.agreement.cohen import cross_table, two_columns

__all__ = ["MarginalTest", "homogeneity_of_table", "marginal_homogeneity"]

_SOURCE = {
    "stuart-maxwell": "Stuart (1955), Biometrika 42, 412-416; Maxwell (1970), Brit. J. Psychiatry 116, 651-655",
    "bhapkar": "Bhapkar (1966), Journal of the American Statistical Association 61, 228-235",
    "mcnemar": "McNemar (1947), Psychometrika 12, 153-157 (exact binomial)",
}


@dataclass(frozen=True, slots=True, eq=False)
class MarginalTest(Result):
    """Whether two raters give each category equally often.

    Parameters
    ----------
    statistic : float or None
        Chi-square; for ``"mcnemar"`` the number of parts that only the first put into the first category.
    df : int
    pvalue : float
    shares : mapping of str to tuple of float
        Category -> share of it among the answers of the first and of the second rater.
    table : ndarray, shape (k, k)
        Parts; rows the first rater, columns the second.
    n : int
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.marginal_test/1"
    title: ClassVar[str] = "Use of the categories by two raters"

    statistic: float
    df: int
    pvalue: float
    shares: FrozenMapping[str, tuple[float, float]]
    table: FloatArray
    n: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [(label, f"{a:.1%} and {b:.1%}") for label, (a, b) in self.shares.items()]
        rows.append((self.method, f"{self.statistic:.4g} with {self.df} df, p {self.pvalue:.4g}"))
        return [*rows, ("parts", str(self.n)), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        return {
            "category": list(self.shares),
            "first": [a for a, _ in self.shares.values()],
            "second": [b for _, b in self.shares.values()],
        }


def homogeneity_of_table(
    counts: FloatArray, labels: Sequence[str], method: str, notes: tuple[Note, ...] = ()
) -> MarginalTest:
    """Return the test for a cross table."""
    n = float(counts.sum())
    row, column = counts.sum(axis=1), counts.sum(axis=0)
    if method == "mcnemar" or (method == "auto" and counts.shape[0] == 2):
        only, other = (float(counts[0, 1]), float(counts[1, 0])) if counts.shape[0] == 2 else (0.0, 0.0)
        tied = only + other
        p = 1.0 if tied == 0.0 else min(1.0, 2.0 * float(binomial_cdf(min(only, other), tied, 0.5)))
        statistic, df, method = only, 1, "mcnemar"
    else:
        method = "stuart-maxwell" if method == "auto" else method
        statistic, df = _quadratic(counts, method)
        p = float(chi2_sf(statistic, df)) if df else 1.0
        if df < int((row + column > 0).sum()) - 1:
            text = "some categories are never confused with the others; the test is on those that are"
            notes = (*notes, Note("fewer-categories", "info", text))
    return MarginalTest(
        statistic,
        df,
        p,
        FrozenMapping({label: (float(row[i] / n), float(column[i] / n)) for i, label in enumerate(labels)}),
        frozen_array(counts),
        int(n),
        {"mcnemar": "exact McNemar", "bhapkar": "Bhapkar"}.get(method, "Stuart-Maxwell"),
        _SOURCE[method],
        notes,
    )


def _quadratic(counts: FloatArray, method: str) -> tuple[float, int]:
    """Return the quadratic form of the marginal differences and its rank."""
    n = float(counts.sum())
    off = counts - np.diag(np.diag(counts))
    d = off.sum(axis=1) - off.sum(axis=0)
    v = np.diag(off.sum(axis=1) + off.sum(axis=0)) - off - off.T
    # v is the Laplacian of the graph of confusions: its rank is the categories less the connected groups
    rank = int(np.linalg.matrix_rank(v, hermitian=True)) if v.any() else 0
    if rank == 0:
        return 0.0, 0
    inverse = np.linalg.pinv(v, hermitian=True)
    statistic = float(d @ inverse @ d)
    if method == "bhapkar":
        statistic = statistic / (1.0 - statistic / n) if statistic < n else float("inf")
    return statistic, rank


def marginal_homogeneity(
    a: object,
    b: object,
    *,
    categories: Sequence[object] | None = None,
    method: str = "auto",
    missing: str = "raise",
) -> MarginalTest:
    r"""Tell whether two raters use the categories equally often, or one is stricter.

    Use it beside kappa, which does not say in which direction two raters differ.

    Parameters
    ----------
    a, b : array-like, shape (n,)
        Answers of each for the same parts.
    categories : list, optional
    method : {"auto", "mcnemar", "stuart-maxwell", "bhapkar"}
        ``"auto"``: the exact McNemar test for two categories, Stuart-Maxwell for more. Bhapkar's test is sharper.
    missing : {"raise", "drop"}

    Returns
    -------
    MarginalTest

    Raises
    ------
    DataError
        Unequal lengths, mixed kinds, an unknown category, McNemar for other than two categories.
    TooFewData
        Fewer than two parts.

    Notes
    -----
    Stuart-Maxwell: :math:`d' V^{-} d` of the marginal differences, with as many degrees of freedom as V has rank;
    Bhapkar: :math:`X^2 / (1 - X^2 / n)`.

    References
    ----------
    Stuart (1955), Biometrika 42, 412-416. Bhapkar (1966), Journal of the American Statistical Association 61, 228-235.

    Examples
    --------
    >>> from qstats import marginal_homogeneity
    >>> a = ["ok"] * 25 + ["bad"] * 25
    >>> b = ["ok"] * 20 + ["bad"] * 5 + ["ok"] * 10 + ["bad"] * 15
    >>> round(marginal_homogeneity(a, b).pvalue, 4)
    0.3018
    """
    check_choice(method, "method", ("auto", "mcnemar", "stuart-maxwell", "bhapkar"))
    x, y, both, notes = two_columns(a, b, categories, missing)
    k = len(both.labels)
    if method == "mcnemar" and k != 2:
        raise DataError(f"method: 'mcnemar' compares two categories, {k} came; use 'stuart-maxwell'")
    return homogeneity_of_table(cross_table(x, y, k), both.labels, method, notes)
