"""corrected_capability: what the process could do if the gauge were perfect, or better, or worse."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_choice, check_confidence, check_number
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.quantiles import t_quantile
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats._core.spec import Spec, as_spec
from qstats.capability.measured.difference import Around, difference_limits, ratio_limits, share_limits
from qstats.capability.measured.sources import COMPONENTS, Variance, gauge_variance, is_capability, is_gauge
from qstats.capability.result import Capability
from qstats.errors import DataError
from qstats.inference.estimate import Estimate
from qstats.msa.gauge import GaugeStudy

__all__ = ["CorrectedCapability", "CorrectedFamily", "corrected_capability"]

_PERCENT = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0)
_MOST = 30.0
_REFERENCE = (
    "Burdick, Borror & Montgomery (2005), Design and Analysis of Gauge R&R Studies, SIAM; Graybill & Wang (1980), JASA "
    "75, 869-873; Donner & Zou (2012), Statist. Methods Med. Res. 21, 347-359"
)
_MLS = "modified large sample, difference of variances"
_MOVER = "limits of mean and sigma put together (MOVER)"


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedFamily:
    """One sigma (within, or overall) with the gauge in it and taken out.

    Parameters
    ----------
    sigma_observed : float
        Unit of the data.
    sigma_product : Estimate
        ``sqrt(sigma_observed**2 - sigma_gauge**2)``, no less than 0.
    raw_variance : float
        The difference before it was cut off at zero.
    percent_gauge : Estimate
        Of the observed standard deviation, 0 to 100.
    cp_observed, cpk_observed : float or None
        Indices as measured (Pp and Ppk for the overall sigma); the first None for one limit.
    cp, cpk : Estimate or None
        Indices of the parts themselves.
    """

    sigma_observed: float
    sigma_product: Estimate
    raw_variance: float
    percent_gauge: Estimate
    cp_observed: float | None
    cpk_observed: float
    cp: Estimate | None
    cpk: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedCapability(Result):
    """Capability with the noise of the gauge taken out.

    Parameters
    ----------
    families : mapping of str to CorrectedFamily
        ``"within"`` (Cp, Cpk) and ``"overall"`` (Pp, Ppk); only the latter where plain numbers came.
    sigma_gauge : float
        What was taken out, unit of the data.
    mean : float
    relation_percent : ndarray, shape (9,)
        Gauges: their standard deviation in per cent of the observed one.
    relation_cp, relation_cpk : ndarray, shape (9,), or None
        What Pp and Ppk would be observed with each; infinite where nothing is left of the process.
    component : str
    spec : Spec
    confidence : float
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.corrected_capability/1"
    title: ClassVar[str] = "Capability without gauge noise"

    families: FrozenMapping[str, CorrectedFamily]
    sigma_gauge: float
    mean: float
    relation_percent: FloatArray
    relation_cp: FloatArray | None
    relation_cpk: FloatArray
    component: str
    spec: Spec
    confidence: float
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def observed_with(self, percent: float, family: str = "overall") -> tuple[float | None, float]:
        """Return Cp and Cpk (Pp and Ppk) as a gauge of so many per cent of the observed sigma would show them.

        Parameters
        ----------
        percent : float
            100 times sigma of the gauge over sigma observed, 0 to below 100.
        family : {"overall", "within"}
        """
        share = 0.01 * check_number(percent, "percent", least=0.0, below=100.0)
        part = self.families[check_choice(family, "family", tuple(self.families))]
        factor = math.sqrt((1.0 - share) * (1.0 + share))
        return (None if part.cp is None else factor * part.cp.estimate), factor * part.cpk.estimate

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("specification", str(self.spec)), ("sigma of the gauge", f"{self.sigma_gauge:.4g} ({self.component})")]
        for name, part in self.families.items():
            rows.append(
                (f"sigma {name}", f"{part.sigma_observed:.4g} observed, {_text(part.sigma_product)} of the parts")
            )
            rows.append((f"gauge in sigma {name}", f"{_text(part.percent_gauge)} %"))
            if part.cp is not None:
                rows.append((part.cp.name, f"{part.cp_observed:.4g} observed, {_text(part.cp)} of the parts"))
            rows.append((part.cpk.name, f"{part.cpk_observed:.4g} observed, {_text(part.cpk)} of the parts"))
        rows.append(("confidence of each interval", f"{self.confidence:.4g}"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        rows: list[tuple[str, str, float, Estimate]] = []
        for name, part in self.families.items():
            rows.append((name, "sigma", part.sigma_observed, part.sigma_product))
            if part.cp is not None and part.cp_observed is not None:
                rows.append((name, part.cp.name, part.cp_observed, part.cp))
            rows.append((name, part.cpk.name, part.cpk_observed, part.cpk))
        return {
            "family": [r[0] for r in rows], "quantity": [r[1] for r in rows], "observed": [r[2] for r in rows],
            "estimate": [r[3].estimate for r in rows], "low": [r[3].interval.low for r in rows],
            "high": [r[3].interval.high for r in rows],
        }  # fmt: skip


def _text(e: Estimate) -> str:
    return f"{e.estimate:.4g} {e.interval}"


@dataclass(frozen=True, slots=True, eq=False)
class _Origin:
    """What came: mean with its limits, spec, sigmas (as reported, and as a chi-square) by family."""

    mean: Around
    n: float
    spec: Spec
    sigmas: Mapping[str, tuple[float, Variance]]


def corrected_capability(
    capability: Capability | None = None,
    gauge: GaugeStudy | None = None,
    *,
    spec: object = None,
    mean: float | None = None,
    sigma_observed: float | None = None,
    n: int | None = None,
    sigma_gauge: float | None = None,
    df_gauge: float | None = None,
    component: str = "gauge_rr",
    confidence: float = 0.95,
) -> CorrectedCapability:
    r"""Take the noise of the gauge out of an observed capability: is it the process that is poor, or the gauge?

    Use it when the same kind of gauge that was studied measured the capability sample, before money is spent on the
    process. Not for reporting to a customer in place of the observed index: wrong decisions are made on what is
    measured.

    Parameters
    ----------
    capability : Capability, optional
        Study of the measured values; or give `spec`, `mean`, `sigma_observed` and `n`.
    gauge : GaugeStudy, optional
        Study of the gauge; or give `sigma_gauge`, and `df_gauge` unless it is exactly known.
    spec : Spec or pair of float, optional
        Left out: that of `capability`.
    mean, sigma_observed : float, optional
        Of the measured values, unit of the data.
    n : int, optional
        How many there were.
    sigma_gauge, df_gauge : float, optional
    component : {"gauge_rr", "repeatability"}
        What is in the observed values: repeatability alone where one operator measured them all.
    confidence : float

    Returns
    -------
    CorrectedCapability

    Raises
    ------
    DataError
        Neither study nor numbers for something needed, or both.

    Notes
    -----
    :math:`\sigma_p^2 = \sigma_o^2 - \sigma_g^2`, with modified-large-sample limits from the chi-squares of both
    studies. Cp has the limits of :math:`\sigma_p` turned round; Cpk those of the distance to the nearer limit (by
    Student's t) and of :math:`\sigma_p` put together. A difference below zero counts as zero: the
    index is then infinite, with a finite lower limit unless the studies contradict each other, and a serious note says
    so. With a gauge of share g of the observed sigma, ``observed index = true index * sqrt(1 - g**2)``.

    References
    ----------
    Burdick, Borror & Montgomery (2005), Design and Analysis of Gauge R&R Studies, SIAM. Graybill & Wang (1980), JASA
    75, 869-873. Ting et al. (1990), J. Statist. Comput. Simul. 35, 135-143. Donner & Zou (2012), Statist. Methods Med.
    Res. 21, 347-359.

    Examples
    --------
    >>> from qstats import corrected_capability
    >>> study = corrected_capability(spec=(-4, 4), mean=0, sigma_observed=1.25, n=100, sigma_gauge=0.75)
    >>> part = study.families["overall"]
    >>> round(part.cp_observed, 3), round(part.cp.estimate, 3)
    (1.067, 1.333)
    """
    level = check_confidence(confidence)
    check_choice(component, "component", COMPONENTS)
    if capability is not None:
        origin = _of_study(is_capability(capability), spec, (mean, sigma_observed, n), level)
    else:
        origin = _of_numbers(spec, mean, sigma_observed, n, level)
    noise = _noise(gauge, sigma_gauge, df_gauge, component)
    return _result(origin, noise, component, level)


def _noise(gauge: object, sigma: object, df: object, component: str) -> Variance:
    if gauge is not None:
        if sigma is not None or df is not None:
            raise DataError("sigma_gauge: given together with gauge, which holds one; pass one of them")
        return gauge_variance(is_gauge(gauge), component)
    if sigma is None:
        raise DataError("sigma_gauge: nothing came; pass gauge= (the result of gauge_rr), or a number")
    freedom = math.inf if df is None else check_number(df, "df_gauge", above=0.0)
    return Variance.of(check_number(sigma, "sigma_gauge", least=0.0), freedom)


def _of_study(study: Capability, spec: object, numbers: tuple[object, ...], level: float) -> _Origin:
    if any(v is not None for v in numbers):
        raise DataError("mean, sigma_observed, n: given together with capability, which holds them; pass one of them")
    sigmas = {"overall": (study.sigma_overall.estimate, Variance.of(study.sigma_overall.estimate, study.n - 1.0))}
    if not math.isnan(study.df_within):
        s = study.sigma_within.estimate
        sigmas = {"within": (s, Variance.of(s * study.factor_within, study.df_within)), **sigmas}
    spread = study.sigma_overall.estimate
    mean = _mean(study.mean.estimate, spread, study.n, level)
    return _Origin(mean, float(study.n), study.spec if spec is None else as_spec(spec), sigmas)


def _mean(mean: float, s: float, n: int, level: float) -> Around:
    reach = float(t_quantile(0.5 + 0.5 * level, n - 1.0)) * s / math.sqrt(n)
    return Around(mean, mean - reach, mean + reach)


def _of_numbers(spec: object, mean: object, sigma: object, n: object, level: float) -> _Origin:
    for name, value in (("spec", spec), ("mean", mean), ("sigma_observed", sigma), ("n", n)):
        if value is None:
            raise DataError(f"{name}: nothing came; pass capability= (of process_capability), or all plain numbers")
    s = check_number(sigma, "sigma_observed", above=0.0)
    count = check_number(n, "n", least=2.0)
    if not count.is_integer():
        raise DataError(f"n: got {count:g}; a whole number is wanted")
    found = _mean(check_number(mean, "mean"), s, int(count), level)
    return _Origin(found, count, as_spec(spec), {"overall": (s, Variance.of(s, count - 1.0))})


def _result(origin: _Origin, noise: Variance, component: str, level: float) -> CorrectedCapability:
    families = {name: _family(name, s, v, noise, origin, level) for name, (s, v) in origin.sigmas.items()}
    percent = np.array(_PERCENT)
    factor = np.sqrt(1.0 - (0.01 * percent) ** 2)
    last = families["overall"]
    notes = []
    for name, part in families.items():
        if part.sigma_product.interval.high == 0.0:
            text = f"the gauge varied by more than sigma {name} beyond chance: the studies contradict each other"
            notes.append(
                Note("studies-contradict", "serious", f"{text}; not the same gauge, or not the same conditions")
            )
        elif part.raw_variance <= 0.0:
            text = f"the gauge varies as much as sigma {name} or more: nothing of it is shown to be the process"
            notes.append(Note("gauge-hides-process", "serious", f"{text}; improve the gauge first"))
        elif part.percent_gauge.estimate > _MOST:
            text = f"the gauge makes {part.percent_gauge.estimate:.3g} % of sigma {name}: the correction is large"
            notes.append(Note("large-correction", "warning", f"{text}, and rests on the gauge study"))
    return CorrectedCapability(
        FrozenMapping(families), math.sqrt(noise.estimate), origin.mean.estimate, frozen_array(percent),
        None if last.cp is None else frozen_array(factor * last.cp.estimate),
        frozen_array(factor * last.cpk.estimate), component, origin.spec, level,
        f"sigma: {_MLS}; Cpk: {_MOVER}", _REFERENCE, tuple(notes),
    )  # fmt: skip


def _family(name: str, s: float, v: Variance, noise: Variance, origin: _Origin, level: float) -> CorrectedFamily:
    tail = 0.5 * (1.0 - level)
    raw = s * s - noise.estimate
    low, high = (math.sqrt(x) for x in difference_limits(v, noise, tail))
    sigma = math.sqrt(max(raw, 0.0))
    around = Around(sigma, min(low, sigma), max(high, sigma))
    share = [100.0 * math.sqrt(x) for x in share_limits(noise, v, tail)] if noise.estimate > 0.0 else [0.0, 0.0]
    percent = min(100.0, 100.0 * math.sqrt(noise.estimate) / s)
    stem = "C" if name == "within" else "P"
    width, distance = origin.spec.tolerance, _distance(origin)

    def estimate(label: str, value: float, ends: tuple[float, float], how: str) -> Estimate:
        return Estimate(label, value, Interval(ends[0], ends[1], level), origin.n, how, _REFERENCE)

    # on the scale of the observed sigma the limits are numbers of ordinary size
    ends = ratio_limits(Around(*(d / s for d in distance)), Around(*(x / s for x in around)))
    cpk = _over(distance.estimate, 3.0 * sigma)
    return CorrectedFamily(
        s, estimate(f"sigma {name}, parts", sigma, (around.low, around.high), _MLS), raw,
        estimate(f"gauge in sigma {name}", percent, (min(share[0], percent), max(share[1], percent)), _MLS),
        None if width is None else width / (6.0 * s), distance.estimate / (3.0 * s),
        None if width is None else estimate(
            f"{stem}p", _over(width, 6.0 * sigma),
            (_over(width, 6.0 * around.high), _over(width, 6.0 * around.low)), _MLS
        ),
        estimate(f"{stem}pk", cpk, (min(ends[0] / 3.0, cpk), max(ends[1] / 3.0, cpk)), _MOVER),
    )  # fmt: skip


def _over(top: float, bottom: float) -> float:
    if bottom > 0.0:
        return top / bottom
    return math.copysign(math.inf, top) if top else 0.0


def _distance(origin: _Origin) -> Around:
    """Return the distance of the mean from the nearer specification."""
    lower, upper, mean = origin.spec.lower_spec, origin.spec.upper_spec, origin.mean
    reach = mean.high - mean.estimate
    sides = [math.inf if lower is None else mean.estimate - lower, math.inf if upper is None else upper - mean.estimate]
    nearer = min(sides)
    return Around(nearer, nearer - reach, nearer + reach)
