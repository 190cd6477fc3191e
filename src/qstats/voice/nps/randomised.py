"""Randomisation tests of NPS: exact at any size, a p-value and no interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from qstats._core.checks import check_choice
from qstats.errors import DataError, TooFewData
from qstats.inference.comparison import ALTERNATIVES
from qstats.voice.nps.pairs import left_out, read_pairs
from qstats.voice.nps.resample import check_resamples, permutation_tails, sign_flip_tails
from qstats.voice.nps.result import NpsTest
from qstats.voice.nps.samples import two_groups

__all__ = ["nps_paired_test", "nps_permutation_test"]


def nps_paired_test(
    data: Any,
    data0: Any = None,
    *,
    values: str | None = None,
    values0: str | None = None,
    alternative: str = "two-sided",
    missing: str = "raise",
    blank: Any = (),
) -> NpsTest:
    """Test exactly whether the same customers moved at all: would a coin toss of each change explain it?

    Use it for few pairs, or where every customer changed alike and `compare_nps` has no scatter to go by. It gives no
    interval: for "by how much", `compare_nps` with ``paired=True``.

    Parameters
    ----------
    data, data0, values, values0, missing, blank
        As in `compare_nps` with ``paired=True``.
    alternative : {"two-sided", "less", "greater"}

    Returns
    -------
    NpsTest
        Exact for any number of pairs.

    Raises
    ------
    DataError, TooFewData
        As `compare_nps`.

    Notes
    -----
    Under the null hypothesis the sign of each change of class is a fair coin. Two-sided: changes whose sum is as far
    from zero as the one seen, or farther.

    References
    ----------
    Fisher (1935), The Design of Experiments, section 21.

    Examples
    --------
    >>> from qstats import nps_paired_test
    >>> nps_paired_test([9, 9, 10, 10, 9], [7, 8, 7, 8, 8]).pvalue  # five of five one class up: 2 / 2**5
    0.0625
    """
    check_choice(alternative, "alternative", ALTERNATIVES)
    pairs = read_pairs(data, data0, values, values0, missing, blank)
    changes, notes = pairs.changes, left_out(pairs)
    n = float(changes.sum())
    if not n:
        raise TooFewData("data, data0: no customer has both answers; at least one is wanted")
    less, greater, both = sign_flip_tails(changes)
    pvalue = {"less": less, "greater": greater, "two-sided": both}[alternative]
    estimate = 100.0 * float(changes @ np.arange(-2.0, 3.0)) / n
    source = "Fisher (1935), The Design of Experiments, section 21"
    return NpsTest(estimate, pvalue, alternative, (n, n), None, "sign flips of paired changes", source, notes)


def nps_permutation_test(
    data: Any,
    data0: Any = None,
    *,
    values: str | None = None,
    by: Any = None,
    reference: Any = None,
    alternative: str = "two-sided",
    missing: str = "raise",
    blank: Any = (),
    resamples: int = 100_000,
    rng: Any = None,
) -> NpsTest:
    """Test whether two groups could come from one: shuffle who belongs to which, and see how often NPS differs so much.

    Use it for small samples, where its level is exact. It is about "no difference in the answers at all" and gives no
    interval: for "by how much", `compare_nps`.

    Parameters
    ----------
    data, data0, values, by, reference, missing, blank
        As in `compare_nps`; not for weighted or clustered results.
    alternative : {"two-sided", "less", "greater"}
    resamples, rng
        Number and randomness of relabellings, as in `numpy.random.default_rng`, where there are too many to count all.

    Returns
    -------
    NpsTest
        ``resamples`` is None where all relabellings were counted.

    Raises
    ------
    DataError, TooFewData
        As `compare_nps`.

    Notes
    -----
    The counts of a relabelled group are multivariate hypergeometric: nothing is shuffled, and the time does not grow
    with the answers. Drawn at random, p is ``(1 + as extreme) / (1 + resamples)`` (never zero).

    References
    ----------
    Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9(1), 39.

    Examples
    --------
    >>> from qstats import nps_permutation_test
    >>> r = nps_permutation_test([10, 10, 9], [3, 5, 8])
    >>> round(r.pvalue, 12), r.resamples  # 2 of the 20 ways to choose three of six
    (0.1, None)
    """
    check_choice(alternative, "alternative", ALTERNATIVES)
    resamples = check_resamples(resamples)
    pair = two_groups(data, data0, values, by, reference, missing, blank)
    for x, name in zip(pair, ("data", "data0"), strict=True):
        if x.df is not None:
            raise DataError(f"{name}: has a survey design; relabelling wants plain answers: use compare_nps")
    one, two = pair
    counts = [(int(x.detractors), int(x.passives), int(x.promoters)) for x in pair]
    less, greater, both, drawn = permutation_tails(counts[0], counts[1], resamples, rng)
    return NpsTest(
        one.estimate - two.estimate,
        {"less": less, "greater": greater, "two-sided": both}[alternative],
        alternative,
        (one.n, two.n),
        drawn,
        "permutation of the group labels",
        "Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9(1), 39",
        tuple(dict.fromkeys((*one.notes, *two.notes))),
    )
