"""Capability without assuming normality: one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import scipy

from qstats import table
from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping
from qstats._core.spec import Spec, as_spec
from qstats.capability.nonnormal.bootstrap import resampled_indices
from qstats.capability.nonnormal.family import Family
from qstats.capability.nonnormal.fits import LEAST, check_settings, clean, fit_one
from qstats.capability.nonnormal.fitted import FittedDistribution
from qstats.capability.nonnormal.indices import INDICES, SIDE, TAIL, index_rows
from qstats.capability.nonnormal.johnson import Johnson
from qstats.capability.nonnormal.ladder import choose
from qstats.capability.nonnormal.normality import tests_of
from qstats.capability.nonnormal.registry import COARSE, FAMILIES, Settings
from qstats.capability.nonnormal.result import FamilyCapability, NonnormalCapability
from qstats.capability.nonnormal.sample import Placed, data_notes
from qstats.capability.result import Ppm
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.inference.proportion_estimates import estimate_proportion
from qstats.inference.resample import as_generator, check_resamples
from qstats.table.frames import open_frame, row_order_is_known

__all__ = ["nonnormal_capability"]

_REFERENCE = (
    "ISO 22514-2:2017 (percentiles); Clements (1989), Quality Progress 22(9), 95-100; Efron (1987), JASA 82, 171-185 "
    "(BCa)"
)
_EXTREME = 1.0 / TAIL  # values of which one is expected beyond an outer percentile


class _Study(NamedTuple):
    """What all fits of one call share."""

    x: FloatArray
    spec: Spec
    resamples: int
    confidence: float
    rng: np.random.Generator
    settings: Settings


def _column(data: Any, values: Any, missing: str) -> FloatArray:
    if isinstance(data, list | tuple | np.ndarray) or not table.is_frame(data):
        if values is not None:
            raise DataError(f"values: got {values!r}, but data is no table; pass the numbers themselves as data")
        return as_vector(data, "data", missing=missing, least=LEAST)
    if not isinstance(values, str):
        raise DataError(f"values: got {values!r}; data is a table: name the column of the measurements")
    # no order is needed here: engines without one may sort by the column itself
    order = None if row_order_is_known(open_frame(data)) else values
    return as_vector(
        table.columns(data, {"values": values}, order_by=order)["values"], "values", missing=missing, least=LEAST
    )


def _sides(spec: Spec) -> tuple[str, ...]:
    return {"both": ("lower", "upper"), "lower": ("lower",), "upper": ("upper",)}[spec.sides]


def _counted(x: FloatArray, spec: Spec) -> dict[str, int]:
    below = 0 if spec.lower_spec is None else int(np.count_nonzero(x < spec.lower_spec))
    above = 0 if spec.upper_spec is None else int(np.count_nonzero(x > spec.upper_spec))
    return {"ppm_below": below, "ppm_above": above, "ppm_total": below + above}


def _share(count: int, n: int, confidence: float) -> tuple[float, float]:
    interval = estimate_proportion(count, n, method="clopper-pearson", confidence=confidence).interval
    return float(interval.low), float(interval.high)


def _exact(study: _Study) -> dict[str, tuple[float, float]]:
    """Return the limits of counted shares (Clopper and Pearson), and of the normal values that belong to them."""
    n = study.x.size
    share = {k: _share(c, n, study.confidence) for k, c in _counted(study.x, study.spec).items()}
    out = {k: (1e6 * low, 1e6 * high) for k, (low, high) in share.items()}
    z = {k: tuple(float(-scipy.special.ndtri(p)) + 0.0 for p in (high, low)) for k, (low, high) in share.items()}
    out["z_bench"] = (z["ppm_total"][0], z["ppm_total"][1])
    each = {"lower": z["ppm_below"], "upper": z["ppm_above"]}
    thirds = {side: (each[side][0] / 3.0, each[side][1] / 3.0) for side in _sides(study.spec)}
    out |= {name: thirds[side] for name, side in (("z_ppl", "lower"), ("z_ppu", "upper")) if side in thirds}
    out["z_ppk"] = (min(t[0] for t in thirds.values()), min(t[1] for t in thirds.values()))
    return out


def _capability(
    study: _Study, fitted: FittedDistribution, family: Family, placed: Placed, chosen: bool
) -> FamilyCapability:
    spec = study.spec
    limits = tuple(None if s is None else float(placed.at(s)) for s in (spec.lower_spec, spec.upper_spec))
    parametric = fitted.adequate and fitted.family != "empirical"
    again = Johnson(COARSE) if fitted.family == "johnson" else family
    got = resampled_indices(
        again, placed, fitted.theta, (limits[0], limits[1]), study.resamples, study.confidence, study.rng, parametric
    )
    estimate = index_rows(family, fitted.theta[:, np.newaxis], *limits)[:, 0]
    exact = _exact(study) if fitted.family == "empirical" else {}
    resampling = "parametric" if parametric else "nonparametric"
    text = f"{fitted.label}, {resampling} bootstrap BCa, {study.resamples} resamples"
    indices = {}
    for name, value, low, high in zip(INDICES, estimate, got.low, got.high, strict=True):
        side = SIDE.get(name)
        if (side is not None and side not in _sides(spec)) or (name == "pp" and spec.sides != "both"):
            continue
        ends = exact.get(name, (float(low), float(high)))
        how = f"{fitted.label}, exact limits of the share" if name in exact else text
        interval = Interval(*ends, study.confidence)
        indices[name] = Estimate(name, float(value), interval, float(study.x.size), how, _REFERENCE)
    return FamilyCapability(
        fitted.family, fitted.label, fitted.adequate, chosen, fitted.pvalue, fitted.aicc, FrozenMapping(indices),
        resampling, got.failed,
    )  # fmt: skip


def _observed(study: _Study) -> Ppm:
    n = study.x.size
    made: dict[str, Estimate] = {}
    for name, count in _counted(study.x, study.spec).items():
        low, high = _share(count, n, study.confidence)
        interval = Interval(1e6 * low, 1e6 * high, study.confidence)
        source = "Clopper & Pearson (1934), Biometrika 26, 404-413"
        made[name] = Estimate(f"observed {name}", 1e6 * count / n, interval, float(n), "counted, exact limits", source)
    sides = _sides(study.spec)
    return Ppm(
        made["ppm_below"] if "lower" in sides else None, made["ppm_above"] if "upper" in sides else None,
        made["ppm_total"],
    )  # fmt: skip


def _notes(study: _Study, fitted: FittedDistribution, own: FamilyCapability) -> tuple[Note, ...]:
    notes = list(fitted.notes)
    if fitted.family != "empirical" and not fitted.adequate:
        text = f"{fitted.label} does not fit (Anderson-Darling p = {fitted.pvalue:.2g}): its tails are not the data's"
        notes.append(Note("inadequate-fit", "serious", text))
    if fitted.family == "empirical" and study.x.size < _EXTREME:
        text = (
            f"{study.x.size} values do not reach the 0.135 % points (one in {_EXTREME:.0f}): the extremes stand for "
            "them, indices are too high and their intervals too short"
        )
        notes.append(Note("beyond-the-data", "serious", text))
    if own.failed:
        text = f"{own.failed} of {study.resamples} resamples could not be fitted and are left out of the intervals"
        notes.append(Note("resamples-failed", "warning" if own.failed < 0.05 * study.resamples else "serious", text))
    endless = [name for name, e in own.indices.items() if not np.isfinite(e.estimate)]
    if endless:
        what = "no value of the sample" if fitted.family == "empirical" else "the fitted distribution has nothing"
        text = f"{', '.join(endless)}: infinite, {what} beyond that specification"
        notes.append(Note("nothing-beyond", "info", text))
    return tuple(notes)


def _fits(study: _Study, method: str) -> dict[str, tuple[FittedDistribution, Family, Placed | None]]:
    names = FAMILIES if method == "auto" else (method,)
    return {name: fit_one(study.x, name, study.settings, study.rng) for name in names}


def _result(study: _Study, method: str, leads: str, notes: tuple[Note, ...]) -> NonnormalCapability:
    tried = _fits(study, method)
    fits = tuple(f for f, _, _ in tried.values())
    if method == "auto":
        chosen, said = choose(fits)
    else:
        chosen, said = fits[0], ()
        if not chosen.fitted:
            raise DataError(f"method: {method!r} cannot be fitted: {chosen.reason}; method='auto' finds one that can")
    wanted = [f for f in fits if f is chosen or f.adequate]
    each = []
    for f in wanted:
        _, family, placed = tried[f.family]
        assert placed is not None  # a fit without a sample is refused, hence neither adequate nor chosen
        each.append(_capability(study, f, family, placed, f is chosen))
    own = next(a for a in each if a.chosen)
    get: Mapping[str, Estimate] = own.indices
    points = chosen.quantile([TAIL, 0.5, 1.0 - TAIL])
    how = "chosen by the ladder" if method == "auto" else "as asked for"
    return NonnormalCapability(
        get.get("pp"), get.get("ppl"), get.get("ppu"), get["ppk"], get.get("z_ppl"), get.get("z_ppu"), get["z_ppk"],
        get["z_bench"], Ppm(get.get("ppm_below"), get.get("ppm_above"), get["ppm_total"]), _observed(study),
        (float(points[0]), float(points[1]), float(points[2])), leads, chosen, fits, tuple(each), tests_of(study.x),
        study.spec, study.x.size, study.confidence, study.resamples, own.failed,
        f"{chosen.label} ({chosen.method}), {how}; {get['ppk'].method.split(', ', 1)[1]}", _REFERENCE,
        (*notes, *said, *_notes(study, chosen, own)),
    )  # fmt: skip


def nonnormal_capability(
    data: Any,
    *,
    spec: Any,
    values: str | None = None,
    method: str = "auto",
    indices: str = "percentile",
    lam: float | None = None,
    round_lambda: bool = False,
    alpha: float = 0.05,
    quantile_type: int = 6,
    confidence: float = 0.95,
    resamples: int = 1000,
    rng: object = None,
    missing: str = "raise",
) -> NonnormalCapability:
    r"""Overall capability of data that need not be normal: every fit shown, every index with its interval.

    Use it for skewed measurements: roundness, runout, times, contamination. Not for a process that is not stable: no
    distribution describes it, so look at a control chart first. Not for a mixture of machines or cavities: separate
    them. For normal data `process_capability` says more (within, overall, between).

    Parameters
    ----------
    data : array-like, shape (n,), or frame
        Measurements, at least 8.
    spec : Spec or pair of float
        Limits in the unit of the data; a boundary gets no index.
    values : str
        Column of the measurements, for a frame.
    method : str
        ``"auto"``: normal if adequate; else the best by AICc of the adequate among lognormal, Weibull, gamma, Box-Cox
        and the three-parameter lognormal and Weibull; else Johnson; else sample percentiles. Or one of ``"normal"``,
        ``"boxcox"``, ``"johnson"``, ``"weibull"``, ``"weibull3"``, ``"lognormal"``, ``"lognormal3"``, ``"gamma"``,
        ``"empirical"``.
    indices : {"percentile", "z"}
        Which kind leads; both are always there. ``"z"`` agrees with programs that transform data and limits.
    lam : float, optional
        A given Box-Cox lambda, -5 to 5.
    round_lambda : bool
        Round the estimated lambda to the nearest half.
    alpha : float
        A fit is adequate where its Anderson-Darling p-value is above this (Johnson: also above 0.10).
    quantile_type : {6, 7, 8}
        Of the empirical percentiles, numbered as Hyndman & Fan do: 6 is what most statistics packages of industry do.
    confidence : float
    resamples : int
        For each interval; at least ``2 / (1 - confidence)``.
    rng : None, int, SeedSequence or Generator
    missing : {"raise", "drop"}
        Dropped values are counted in a note.

    Returns
    -------
    NonnormalCapability

    Raises
    ------
    DataError, TooFewData
        Text, missing or infinite values; all values equal; fewer than 8; a named `method` that the data do not suit.

    Notes
    -----
    Percentiles: :math:`P_p = (U - L)/(x_{.99865} - x_{.00135})`, :math:`P_{pu} = (U - x_{.5})/(x_{.99865} - x_{.5})`;
    the outer points are :math:`\Phi(\pm 3)`, so that normal data give the usual index. Tails:
    :math:`P_{pu} = -\Phi^{-1}(P(X > U))/3`. The standard deviation of the normal and of transformed data has divisor
    n - 1, other families are fitted by maximum likelihood (with a threshold: modified).

    Intervals are BCa: resamples are drawn from the fitted distribution where it is adequate, else from the data, and
    fitted anew (Johnson over each fifth z). They hold given the family; what another family would say is in `table`:
    where families fit about as well, one value more or less can change the choice of ``"auto"``, and Ppk by a quarter
    to a half. For a decision that recurs, name the family that the characteristic is known to follow.
    Beyond 2000 values a resample has 2000 and its distance from the estimate is shrunk accordingly.

    Simulated coverage of 95 % intervals at n = 50 and 100: Ppk .94 to .98 (lognormal with threshold .93); indices by
    tails .94 to .96 for two parameters, .85 to .92 for Box-Cox and the lognormal with threshold.

    Zeros in a positive family are values below the smallest positive one (left-censored); more than a tenth of them, or
    negative values further out, it refuses.

    References
    ----------
    ISO 22514-2:2017. Clements (1989), Quality Progress 22(9), 95-100. Slifker & Shapiro (1980), Technometrics 22,
    239-246. Box & Cox (1964), JRSS B 26, 211-252. Cohen & Whitten (1980), JASA 75, 399-404. D'Agostino & Stephens
    (1986), Goodness-of-Fit Techniques. Efron (1987), JASA 82, 171-185.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats import Spec
    >>> from qstats import nonnormal_capability
    >>> runout = np.random.default_rng(7).lognormal(2.0, 0.4, 200)
    >>> r = nonnormal_capability(runout, spec=Spec(0, 30, boundary="lower"), rng=1)
    >>> r.chosen.family, round(r.ppk.estimate, 2), r.ppl is None
    ('lognormal', 1.77, True)
    """
    limits = as_spec(spec)
    check_choice(method, "method", ("auto", *FAMILIES))
    check_choice(indices, "indices", ("percentile", "z"))
    confidence = check_confidence(confidence)
    tail = 0.5 * (1.0 - confidence)
    count = check_resamples(resamples, tail, tail)
    settings = check_settings(alpha, lam, round_lambda, quantile_type, confidence)
    if method not in ("auto", "boxcox") and (lam is not None or round_lambda):
        raise DataError(f"lam: {method!r} has no lambda; method='boxcox' is wanted")
    x, notes = clean(_column(data, values, missing))
    study = _Study(x, limits, count, confidence, as_generator(rng), settings)
    return _result(study, method, indices, (*notes, *data_notes(x)))
