"""Capability of a process whose values are normal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from qstats._core.checks import check_choice, check_confidence
from qstats._core.interval import Interval
from qstats._core.quantiles import t_quantile
from qstats._core.spec import Spec, as_spec
from qstats.capability.bootstrap import bootstrap_ppk
from qstats.capability.estimates import (
    between_of,
    expected_ppm,
    family_estimates,
    observed_ppm,
    sigma_estimate,
    target_estimates,
    z_bench_estimate,
)
from qstats.capability.freedom import Pivot, individuals_pivot, subgroup_pivot
from qstats.capability.indices import CONVENTIONS, Scale
from qstats.capability.remarks import remarks
from qstats.capability.result import Capability, ExpectedPpm, OverallIndices, WithinIndices
from qstats.capability.sample import Sample, count_outside, draw_picture, read_sample
from qstats.capability.stability import check_stability
from qstats.capability.words import VOCABULARIES
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.spc.charts.subgroup_forms import Form
from qstats.spc.kernels.sigma import (
    INDIVIDUALS_SIGMA,
    SUBGROUP_SIGMA,
    SigmaEstimate,
    describe_sigma,
    known_sigma,
)
from qstats.spc.rules import rule_set

__all__ = ["process_capability"]

_DEFAULT = {
    "qstats": ("pooled", "moving_range"),
    "minitab": ("pooled", "moving_range"),
    "qcc": ("rbar", "moving_range"),
}
_REFERENCE = (
    "Kotz & Lovelace (1998), Process Capability Indices in Theory and Practice; Bissell (1990), Applied Statistics "
    "39(3), 331-340"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Options:
    spec: Spec
    sigma: object
    constants: str
    confidence: float
    convention: str

    @property
    def tails(self) -> tuple[float, float]:
        tail = 0.5 * (1.0 - self.confidence)
        return tail, tail


def _checked(
    spec: object, sigma: object, constants: str, confidence: object, vocabulary: str, convention: str | None
) -> _Options:
    check_choice(constants, "constants", ("exact", "table"))
    check_choice(vocabulary, "vocabulary", VOCABULARIES)
    name = "qstats" if convention is None else check_choice(convention, "convention", CONVENTIONS)
    if sigma is not None and not isinstance(sigma, str):
        known_sigma(sigma)
    elif sigma is not None:
        check_choice(sigma, "sigma", (*SUBGROUP_SIGMA, *INDIVIDUALS_SIGMA))
    return _Options(as_spec(spec), sigma, constants, check_confidence(confidence), name)


def _parts(sigma: object) -> tuple[str, ...]:
    if sigma is None:
        return ("range",)
    return tuple(SUBGROUP_SIGMA[sigma].parts) if isinstance(sigma, str) and sigma in SUBGROUP_SIGMA else ()


def _sigma_within(sample: Sample, name: object, constants: str) -> SigmaEstimate:
    if isinstance(name, Real):
        return SigmaEstimate(float(name), math.inf)
    if sample.stats is not None:
        check_choice(name, "sigma", SUBGROUP_SIGMA)
        assert sample.groups is not None
        return SUBGROUP_SIGMA[str(name)].estimate(sample.stats, sample.groups, constants)
    check_choice(name, "sigma", INDIVIDUALS_SIGMA)
    assert sample.ranges is not None
    return INDIVIDUALS_SIGMA[str(name)].estimate(sample.x, sample.ranges, 2, constants)


def _pivot(sample: Sample, name: object, found: SigmaEstimate, convention: str) -> Pivot:
    """Return factor and degrees of freedom of sigma within, by the rules of `convention`."""
    if isinstance(name, Real):
        return Pivot(1.0, math.inf)
    if convention == "qcc":
        return Pivot(1.0, sample.n - 1.0)
    if convention == "minitab":
        return Pivot(1.0, math.nan if found.df is None else found.df)
    if sample.stats is not None:
        return subgroup_pivot(str(name), found.df, sample.stats.n)
    return individuals_pivot(str(name), found.df)


def _check_spread(sample: Sample, within: float) -> None:
    advice = "look at the resolution of the measurement"
    if sample.m2 == 0.0:
        raise DataError(f"data: all {sample.n} values are equal, so capability is not defined; {advice}")
    if not within > 0.0:
        where = "within the subgroups" if sample.stats is not None else "from one value to the next"
        raise DataError(f"data: nothing varies {where}, so sigma within is zero; {advice}, or pass sigma=")


def _mean(sample: Sample, confidence: float) -> Estimate:
    reach = float(t_quantile(0.5 + 0.5 * confidence, sample.n - 1)) * sample.sigma / math.sqrt(sample.n)
    limits = Interval(sample.mean - reach, sample.mean + reach, confidence)
    return Estimate(
        "mean", sample.mean, limits, sample.n, "Student's t, overall s", "Student (1908), Biometrika 6, 1-25"
    )


def process_capability(
    data: object,
    *,
    spec: object,
    values: object = None,
    by: object = None,
    size: object = None,
    order_by: object = None,
    sigma: object = None,
    constants: str = "exact",
    confidence: float = 0.95,
    bootstrap: int | None = None,
    rng: object = None,
    rules: object = "western_electric",
    vocabulary: str = "aiag2005",
    convention: str | None = None,
    missing: str = "raise",
) -> Capability:
    r"""Tell how well a process fits its specification: Cp, Cpk, Pp, Ppk, Cpm, ppm, each with its interval.

    Use it on measured values in time order, best in rational subgroups, once the process is stable: the control chart
    on the same data is judged first, and what it says travels with the indices. Not for values that are not normal
    (skewed, bounded, mixed): the expected ppm would be far off; and not for counts of defects.

    Parameters
    ----------
    data : array-like or frame
        Single values in time order; or a matrix (or list of rows), one subgroup a row; or a table.
    spec : Spec or pair of float
        ``Spec(lower, upper, target, boundary)``, or ``(lower, upper)``, in the unit of the data. A side that is missing
        or a physical boundary has no index and no expected ppm.
    values, by, size, order_by
        As in `xbar_s`: column of the values (list of columns: each row a subgroup), labels of the subgroups, or how
        many consecutive values are one; `order_by` sorts the rows first.
    sigma : str or float, optional
        Standard deviation within: for subgroups ``"pooled"`` (default), ``"pooled_raw"``, ``"rbar"``, ``"sbar"``,
        ``"mvlue_r"``, ``"mvlue_s"``, ``"median_range"``, ``"median_s"``, ``"shamos"``; for single values
        ``"moving_range"`` (default), ``"median_moving_range"``, ``"nelson1982"``, ``"mssd"``, ``"mssd_unbiased"``,
        ``"sd_c4"``; or the number itself, where it is known.
    constants : {"exact", "table"}
        ``"table"`` takes the rounded constants of printed forms.
    confidence : float
        Of every interval, two-sided; `Capability.lower_bound` gives one-sided bounds.
    bootstrap : int, optional
        Resamples for a bootstrap (BCa) interval of Ppk, such as 9999: for values that are not normal.
    rng : None, int, SeedSequence or Generator
        Randomness of the bootstrap.
    rules : str, RuleSet or tuple of Rule
        Run rules of the stability check; ``"none"`` leaves stability unjudged.
    vocabulary : {"aiag2005", "iso22514", "aiagvda2026"}
        Names the summary uses; `Capability.terms` gives the others.
    convention : {"qstats", "minitab", "qcc"}, optional
        Whose rules the intervals follow. ``"minitab"``: Bissell for all, and its table of degrees of freedom (n - 1 for
        moving ranges, which are worth 0.6 n). ``"qcc"``: sigma from ranges, n - 1 for every estimator, one-sided z for
        Cpl and Cpu, Cpm about sigma within.
    missing : {"raise", "drop"}

    Returns
    -------
    Capability
        `within` (Cp, Cpl, Cpu, Cpk), `overall` (Pp ...), `cpm`, `cpmk`, `z_bench_within`, `expected_ppm`,
        `observed_ppm`, `stability`, `between`, `picture` ...

    Raises
    ------
    DataError
        No specification, text, infinite or missing values, nothing that varies.
    TooFewData
        Fewer than two values, or no subgroup with two.

    Notes
    -----
    :math:`C_p = (U - L) / 6\sigma`, :math:`C_{pl} = (\bar x - L) / 3\sigma`, :math:`C_{pm} = \min(T - L, U - T) /
    3\tau`, :math:`\tau^2 = \sum (x - T)^2 / n`. Intervals take :math:`\sigma` as chi with its effective degrees of
    freedom: Cp by chi-square, Cpl and Cpu (and Cpk against a single limit) exactly by the noncentral t, Cpk between two
    limits by Bissell's formula, Cpm by Boyles' chi-square, Cpmk by its derivatives. The fraction beyond two limits has
    the interval of its generalized pivotal quantity, against one limit the exact one. Tails are survival functions:
    nothing small is printed as 0.

    References
    ----------
    Kotz & Lovelace (1998), Process Capability Indices in Theory and Practice. Bissell (1990), Applied Statistics 39(3),
    331-340. Boyles (1991), Journal of Quality Technology 23(1), 17-26. Kushler & Hurley (1992), Journal of Quality
    Technology 24(4), 188-195. Krishnamoorthy & Mathew (2009), Statistical Tolerance Regions, section 1.4 (pivotal
    quantities).

    Examples
    --------
    >>> from qstats import Spec, process_capability
    >>> rows = [[5, 7, 6], [6, 8, 7], [5, 6, 4], [7, 6, 8], [6, 5, 7], [6, 7, 8], [7, 5, 6], [6, 6, 7]]
    >>> study = process_capability(rows, spec=Spec(2, 11))
    >>> round(study.within.cpk.estimate, 3), round(study.overall.ppk.estimate, 3)
    (1.471, 1.373)
    >>> study.stability.in_control
    True
    """
    options = _checked(spec, sigma, constants, confidence, vocabulary, convention)
    judged = rule_set(rules)
    if bootstrap is None and rng is not None:
        raise DataError("rng: got randomness, but nothing is drawn; pass bootstrap= as well, or leave it out")
    sample = read_sample(data, Form(values, by, size), order_by, missing, _needed(options))
    name = _DEFAULT[options.convention][0 if sample.stats is not None else 1] if sigma is None else sigma
    found = _sigma_within(sample, name, constants)
    _check_spread(sample, found.sigma)
    pivot = _pivot(sample, name, found, options.convention)
    within = Scale(float(sample.n), sample.mean, found.sigma, pivot.factor, pivot.df)
    overall = Scale(float(sample.n), sample.mean, sample.sigma, 1.0, sample.n - 1.0)
    drawn = None if bootstrap is None else bootstrap_ppk(sample.x, options.spec, bootstrap, options.confidence, rng)
    numbers = _numbers(options, sample, within, overall)
    stability = check_stability(sample, found.sigma, judged)
    outside = count_outside(sample, options.spec)
    study = Capability(
        **numbers,
        observed_ppm=observed_ppm(outside, options.spec, sample.n, options.confidence),
        df_within=pivot.df,
        factor_within=pivot.factor,
        n=sample.n,
        subgroups=sample.filled,
        spec=options.spec,
        stability=stability,
        bootstrap=drawn,
        picture=draw_picture(sample, outside.low, outside.high),
        sigma=name if isinstance(name, str) else "known",
        vocabulary=vocabulary,
        convention=options.convention,
        method=_method(name, constants, options.convention),
        reference=_REFERENCE,
        notes=sample.notes,
    )
    return remarks(study)


def _needed(options: _Options) -> tuple[str, ...]:
    name = options.sigma if options.sigma is not None else _DEFAULT[options.convention][0]
    return _parts(name)


def _method(name: object, constants: str, convention: str) -> str:
    text = f"within: {describe_sigma(name, constants)}; overall: s"
    return text if convention == "qstats" else f"{text}; intervals as in {convention}"


def _numbers(options: _Options, sample: Sample, within: Scale, overall: Scale) -> dict[str, Any]:
    """Return every estimate with its interval, by field of `Capability`."""
    spec, confidence, convention = options.spec, options.confidence, options.convention
    inner = family_estimates(spec, within, confidence, convention, "Cp")
    outer = family_estimates(spec, overall, confidence, "minitab" if convention == "minitab" else "qstats", "Pp")
    cpm, cpmk = target_estimates(spec, within, sample.sigma, confidence, convention)
    z = {kind: z_bench_estimate(spec, s, confidence, kind) for kind, s in (("within", within), ("overall", overall))}
    exact = convention == "qstats"
    ppm = {
        kind: expected_ppm(spec, s, z[kind], known if exact else None, confidence)
        for kind, s, known in (("within", within, inner), ("overall", overall, outer))
    }
    return {
        "within": WithinIndices(**_renamed(inner, "cp")),
        "overall": OverallIndices(**_renamed(outer, "pp")),
        "cpm": cpm,
        "cpmk": cpmk,
        "z_bench_within": z["within"],
        "z_bench_overall": z["overall"],
        "expected_ppm": ExpectedPpm(ppm["within"], ppm["overall"]),
        "mean": _mean(sample, confidence),
        "sigma_within": sigma_estimate("sigma within", within, confidence),
        "sigma_overall": sigma_estimate("sigma overall", overall, confidence),
        "between": between_of(sample, within, spec, confidence),
    }


def _renamed(found: Mapping[str, Estimate | None], stem: str) -> dict[str, Any]:
    letters = {"potential": "", "lower": "l", "upper": "u", "worst": "k"}
    return {stem + letter: found.get(key) for key, letter in letters.items()}
