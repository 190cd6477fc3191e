"""Cohen's kappa of two raters, plain and weighted; Light's kappa of more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence
from qstats._core.notes import Note
from qstats.errors import DataError, TooFewData
from qstats.msa.agreement.coding import Coded, Codes, code_answers, put_in_order
from qstats.msa.agreement.coefficient import SCALES, AgreementCoefficient, Sampled, coefficient, undefined
from qstats.msa.agreement.pairs import averaged, pair_fit, table_fit
from qstats.msa.agreement.ratings import read_ratings
from qstats.msa.agreement.weights import WEIGHTS, check_categories, one_hot, weight_matrix

__all__ = ["COHEN", "FCE", "cohen_kappa", "cohen_of_table", "cross_table", "light_kappa", "two_columns"]

COHEN = "Cohen's kappa"
FCE = "Cohen (1960), Educational and Psychological Measurement 20, 37-46; Fleiss, Cohen & Everitt (1969), "
FCE += "Psychological Bulletin 72, 323-327"
_WORDS = {"none": "unweighted", "linear": "linear weights", "quadratic": "quadratic weights"}
_LIGHT = "Light (1971), Psychological Bulletin 76, 365-377; influence values of Fleiss, Cohen & Everitt (1969)"


def two_columns(
    a: object, b: object, categories: Sequence[object] | None, missing: object
) -> tuple[Codes, Codes, Coded, tuple[Note, ...]]:
    """Return the answers of two raters as codes into one list of categories, pairs with a gap left out."""
    check_choice(missing, "missing", ("raise", "drop"))
    first, second = code_answers(a, "a"), code_answers(b, "b")
    n = first.codes.size
    if second.codes.size != n:
        raise DataError(
            f"b: {second.codes.size} answers came for {n} of a; the same parts in the same order are wanted"
        )
    if "nothing" not in (first.kind, second.kind) and first.kind != second.kind:
        raise DataError(f"b: got {second.kind} where a has {first.kind}; '1' and 1 would be different: convert one")
    both = put_in_order(merged(first, second), categories, "categories")
    check_categories(len(both.labels), "a and b")
    x, y = both.codes[:n], both.codes[n:]
    gap = (x < 0) | (y < 0)
    notes: tuple[Note, ...] = ()
    if dropped := int(gap.sum()):
        if missing == "raise":
            raise DataError(f"a, b: no answer at position {int(np.argmax(gap))}; fill it in or pass missing='drop'")
        notes = (Note("missing-dropped", "warning", f"{dropped} of {n} parts left out: an answer is missing"),)
    x, y = x[~gap], y[~gap]
    if x.size < 2:
        raise TooFewData(f"a, b: {x.size} parts with both answers; at least two are wanted")
    return x, y, both, notes


def merged(first: Coded, second: Coded) -> Coded:
    """Return both columns, one after the other, as codes into the union of their categories."""
    if first.kind == "numbers" and second.kind == "numbers" and first.values is not None and second.values is not None:
        values = np.unique(np.concatenate([first.values, second.values]))
        names = {**dict(zip(first.values.tolist(), first.labels, strict=True))}
        names |= dict(zip(second.values.tolist(), second.labels, strict=True))
        to_a, to_b = np.searchsorted(values, first.values), np.searchsorted(values, second.values)
        labels: tuple[str, ...] = tuple(names[v] for v in values.tolist())
        kind, held = "numbers", values
    else:
        union = code_answers([*first.labels, *second.labels], "categories")
        to_a, to_b = union.codes[: len(first.labels)], union.codes[len(first.labels) :]
        labels, held = union.labels, None
        kind = first.kind if first.kind != "nothing" else second.kind
    to_a, to_b = np.append(to_a, -1), np.append(to_b, -1)
    return Coded(np.concatenate([to_a[first.codes], to_b[second.codes]]), labels, kind, held)


def cross_table(x: Codes, y: Codes, k: int) -> FloatArray:
    """Return counts, shape (k, k): rows the first rater, columns the second."""
    return np.bincount(x * k + y, minlength=k * k).reshape(k, k).astype(np.float64)


def _indices(counts: FloatArray, w: FloatArray) -> dict[str, float]:
    """Return what explains a low kappa under high agreement: Byrt, Bishop & Carlin (1993)."""
    share = counts / counts.sum()
    p, q = share.sum(axis=1), share.sum(axis=0)
    expected = float(p @ q)
    found = {"percent_agreement": 100.0 * float(np.trace(share))}
    if expected < 1.0:
        found["maximum"] = (float(np.minimum(p, q).sum()) - expected) / (1.0 - expected)
    if counts.shape[0] == 2:
        found["prevalence_index"] = float(abs(share[0, 0] - share[1, 1]))
        found["bias_index"] = float(abs(share[0, 1] - share[1, 0]))
        found["prevalence_adjusted_kappa"] = 2.0 * float(np.trace(share)) - 1.0
    return found


def paradox(observed: float, estimate: float, commonest: float) -> tuple[Note, ...]:
    """Return a remark where nearly all agree and kappa is low because one category is nearly all there is."""
    if observed < 0.8 or estimate >= 0.6 or commonest < 0.75:
        return ()
    text = f"{observed:.0%} of the answers agree but kappa is {estimate:.2f}: {commonest:.0%} of the answers are one "
    text += (
        "category, so chance alone agrees nearly as often; read the shares and Gwet's AC1, and choose parts so that "
    )
    return (Note("kappa-paradox", "warning", f"{text}every category is common"),)


def cohen_of_table(
    counts: FloatArray,
    weights: str,
    confidence: float,
    labels: Sequence[str],
    notes: tuple[Note, ...] = (),
    interval: str = "log",
) -> AgreementCoefficient:
    """Return Cohen's kappa of a cross table, overall and each category against the rest."""
    k = counts.shape[0]
    n = int(counts.sum())
    w = weight_matrix(k, weights)
    name = COHEN if weights == "none" else f"{COHEN}, {_WORDS[weights]}"
    made = table_fit(counts, w)
    method = f"{_WORDS[weights]}; asymptotic standard error"
    if made is None:
        why = "all answers fall into one category"
        return undefined(name, n, 2, confidence, Sampled(name, 0.0, 0.0, 1.0, 1.0, n, 2, method, FCE, notes=notes), why)
    fit, se = made
    if se < 1e-6 and fit.null_se < 1e-6:
        return undefined(name, n, 2, confidence, None, "one of the two gave a single category; kappa is 0 whatever")
    common = float(((counts.sum(axis=0) + counts.sum(axis=1)) / (2.0 * n)).max())
    if weights == "none":
        notes = (*notes, *paradox(fit.observed, fit.estimate, common))
    s = Sampled(
        name,
        fit.estimate,
        se,
        fit.observed,
        fit.expected,
        n,
        2,
        method,
        FCE,
        null_se=fit.null_se,
        scale=interval,
        details=_indices(counts, w),
        notes=notes,
    )
    each = {}
    if k > 2 and weights == "none":
        each = {
            labels[c]: cohen_of_table(_collapsed(counts, c), "none", confidence, ("", ""), (), interval)
            for c in range(k)
        }
    return coefficient(s, confidence, each)


def _collapsed(counts: FloatArray, c: int) -> FloatArray:
    both, row, column = counts[c, c], counts[c].sum(), counts[:, c].sum()
    return np.array([[both, row - both], [column - both, counts.sum() - row - column + both]])


def cohen_kappa(
    a: object,
    b: object,
    *,
    weights: str = "none",
    categories: Sequence[object] | None = None,
    interval: str = "log",
    confidence: float = 0.95,
    missing: str = "raise",
) -> AgreementCoefficient:
    r"""Tell how far two people (or a person and the standard) agree beyond what chance would give.

    Use it for two answers per part. For more raters use `fleiss_kappa` or `light_kappa`; where nearly all parts are of
    one category, read `gwet_ac` beside it.

    Parameters
    ----------
    a, b : array-like, shape (n,)
        Answers of each, for the same parts in the same order: text, numbers or booleans, one kind.
    weights : {"none", "linear", "quadratic"}
        How much neighbouring categories agree; steps between categories count as equal.
    categories : list, optional
        All categories, in order. By default those that occur: numbers rising, text in natural order.
    interval : {"log", "wald"}
        ``"log"``: limits symmetric in ``log(1 - estimate)``, which keep their confidence near perfect agreement;
        ``"wald"``: estimate and so many standard errors either way, as most programs print.
    confidence : float
    missing : {"raise", "drop"}

    Returns
    -------
    AgreementCoefficient
        With ``by_category`` for three or more, and in ``details`` the greatest kappa the marginal totals allow
        (``maximum``) and, for two categories, the prevalence and bias indices.

    Raises
    ------
    DataError
        Unequal lengths, text mixed with numbers, an answer not among `categories`, a gap where not allowed.
    TooFewData
        Fewer than two parts.

    Notes
    -----
    :math:`\kappa = (p_o - p_e) / (1 - p_e)`; the interval stands on the standard error of Fleiss, Cohen & Everitt
    for the kappa found, carried to :math:`\log(1 - \kappa)`, where it covers better at 30 to 50 parts; the test in
    ``null_pvalue`` on theirs for a kappa of zero. Where all parts agree the former is zero, and the interval takes
    the exact (Clopper-Pearson) limits of the share of agreement instead.

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20, 37-46. Cohen (1968), Psychological Bulletin 70, 213-220.
    Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72, 323-327.

    Examples
    --------
    >>> from qstats import cohen_kappa
    >>> a = ["ok"] * 25 + ["bad"] * 25
    >>> b = ["ok"] * 20 + ["bad"] * 5 + ["ok"] * 10 + ["bad"] * 15
    >>> k = cohen_kappa(a, b)
    >>> round(k.estimate, 3), round(k.interval.low, 3), round(k.interval.high, 3)
    (0.4, 0.092, 0.604)
    """
    check_choice(weights, "weights", WEIGHTS)
    check_choice(interval, "interval", SCALES)
    confidence = check_confidence(confidence)
    x, y, both, notes = two_columns(a, b, categories, missing)
    if weights != "none" and both.kind == "text" and categories is None:
        raise DataError("categories: weights need an order; list the categories in it, as categories=[...]")
    return cohen_of_table(cross_table(x, y, len(both.labels)), weights, confidence, both.labels, notes, interval)


def light_kappa(
    ratings: object,
    *,
    weights: str = "none",
    categories: Sequence[object] | None = None,
    interval: str = "log",
    confidence: float = 0.95,
) -> AgreementCoefficient:
    """Tell how far several people agree: the mean of Cohen's kappa over all pairs of them.

    Use it where raters are the same people throughout and differ in how often they use each category. Not for raters
    that change from part to part (`fleiss_kappa`).

    Parameters
    ----------
    ratings : array-like, shape (parts, raters)
        Answers; a missing one leaves the part out of that rater's pairs.
    weights : {"none", "linear", "quadratic"}
    categories : list, optional
        All categories, in order.
    interval : {"log", "wald"}
        ``"log"``: limits symmetric in ``log(1 - estimate)``, which keep their confidence near perfect agreement;
        ``"wald"``: estimate and so many standard errors either way, as most programs print.
    confidence : float

    Returns
    -------
    AgreementCoefficient

    Raises
    ------
    DataError
        Not an array of parts x raters, mixed kinds, an unknown category.
    TooFewData
        Fewer than two parts or raters.

    Notes
    -----
    The standard error adds up what each part says in all pairs, so it needs no model of how pairs hang together.

    References
    ----------
    Light (1971), Psychological Bulletin 76, 365-377.

    Examples
    --------
    >>> from qstats import light_kappa
    >>> light_kappa([[1, 1, 1], [2, 2, 1], [2, 2, 2], [1, 1, 1]]).estimate.__round__(3)
    0.667
    """
    check_choice(weights, "weights", WEIGHTS)
    check_choice(interval, "interval", SCALES)
    confidence = check_confidence(confidence)
    r = read_ratings(ratings, categories, ordered=weights != "none")
    shares = [one_hot(r.codes[:, j], len(r.labels)) for j in range(r.codes.shape[1])]
    return light_of(shares, r.labels, weights, confidence, interval=interval)


def light_of(
    shares: list[FloatArray],
    labels: Sequence[str],
    weights: str,
    confidence: float,
    name: str = "Light's kappa",
    interval: str = "log",
) -> AgreementCoefficient:
    """Return Light's kappa from each rater's share of answers per part and category (a row of zeros is missing).

    Of two raters with several trials that is kappa of the table pairing every answer of one with every of the other.
    """
    w = weight_matrix(len(labels), weights)
    n = shares[0].shape[0]
    there = [s.any(axis=1) for s in shares]
    fits, lost = [], 0
    for i, j in combinations(range(len(shares)), 2):
        rows = np.flatnonzero(there[i] & there[j])
        fit = pair_fit(shares[i][rows], shares[j][rows], w) if rows.size > 1 else None
        if fit is None:
            lost += 1
        else:
            fits.append((fit, rows))
    method = f"mean of Cohen's kappa over {len(fits)} pairs, {_WORDS[weights]}; variance by parts"
    if not fits:
        return undefined(name, n, len(shares), confidence, None, "no pair of raters used two categories")
    estimate, se, observed, expected, _ = averaged(fits, n)
    notes: tuple[Note, ...] = ()
    if lost:
        text = f"{lost} pairs of raters have no kappa (one category, or no common parts) and are left out of the mean"
        notes = (Note("pairs-left-out", "warning", text),)
    used = int(np.sum(np.sum(there, axis=0) > 1))
    s = Sampled(name, estimate, se, observed, expected, used, len(shares), method, _LIGHT, scale=interval, notes=notes)
    return coefficient(s, confidence) if not math.isnan(se) else undefined(name, n, len(shares), confidence, s, "n < 2")
