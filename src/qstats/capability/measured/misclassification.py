"""misclassification: how often a gauge passes bad parts and refuses good ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np

from qstats._core.arrays import FloatArray
from qstats._core.checks import check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result, frozen_array
from qstats._core.spec import Spec, as_spec
from qstats.capability.measured.risks import Process, Risks, risks_of
from qstats.capability.measured.sources import Variance, gauge_variance, is_capability, is_gauge
from qstats.capability.result import Capability
from qstats.errors import DataError
from qstats.inference.resample import as_generator
from qstats.msa.gauge import GaugeStudy

__all__ = ["Misclassification", "misclassification"]

_LEAST = 200
_FLOOR = 1e-6  # of the observed standard deviation: what is left of a process lost in the noise of the gauge
_NAMES = ("consumer", "producer", "share_bad", "share_rejected", "bad_if_accepted", "good_if_rejected")
_WORDS = {
    "consumer": "consumer's risk (bad and accepted)",
    "producer": "producer's risk (good and rejected)",
    "share_bad": "bad parts made",
    "share_rejected": "parts rejected",
    "bad_if_accepted": "bad among the accepted",
    "good_if_rejected": "good among the rejected",
}
_REFERENCE = (
    "Burdick, Borror & Montgomery (2005), Design and Analysis of Gauge R&R Studies, SIAM, chapter 1; JCGM 106:2012, "
    "clause 9.5"
)

Number = float | FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Misclassification(Result):
    """Probabilities of wrong decisions; floats, or arrays of shape (m,) where scenarios came as arrays.

    Parameters
    ----------
    consumer : float or ndarray
        Of a part that is bad and accepted, among all parts made.
    producer : float or ndarray
        Of a part that is good and rejected, among all parts made.
    share_bad, share_rejected : float or ndarray
        Of parts that are bad; of parts that are rejected.
    bad_if_accepted, good_if_rejected : float or ndarray
        Of bad ones among the accepted; of good ones among the rejected (0 where none is).
    intervals : mapping of str to Interval, or None
        Of each of these, where they come from studies.
    mean, sigma_process, sigma_gauge, bias : float or ndarray
        True process, and gauge; unit of the data.
    accept_lower, accept_upper : float or ndarray
        A part is accepted if its measured value lies between; infinite where there is no such specification.
    spec : Spec
    resamples : int
        Draws behind the intervals; 0 where there are none.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.misclassification/1"
    title: ClassVar[str] = "Misclassification"

    consumer: Number
    producer: Number
    share_bad: Number
    share_rejected: Number
    bad_if_accepted: Number
    good_if_rejected: Number
    intervals: FrozenMapping[str, Interval] | None
    mean: Number
    sigma_process: Number
    sigma_gauge: Number
    bias: Number
    accept_lower: Number
    accept_upper: Number
    spec: Spec
    resamples: int
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def ppm(self) -> FrozenMapping[str, Number]:
        """Each probability in parts per million."""
        return FrozenMapping({name: 1e6 * getattr(self, name) for name in _NAMES})

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("specification", str(self.spec))]
        for name in _NAMES:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                text = f"{1e6 * value.min():.4g} to {1e6 * value.max():.4g} ppm in {value.size} scenarios"
            else:
                text = f"{1e6 * value:.4g} ppm"
            if self.intervals is not None:
                i = self.intervals[name]
                text += f" ({1e6 * i.low:.4g}, {1e6 * i.high:.4g})"
            rows.append((_WORDS[name], text))
        if self.intervals is not None:
            level = self.intervals["consumer"].confidence
            rows.append(("confidence of each interval", f"{level:.4g}, {self.resamples} draws"))
        return [*rows, ("method", self.method), ("source", self.reference)]

    def _columns(self) -> Mapping[str, object]:
        names = (
            "mean", "sigma_process", "sigma_gauge", "bias", "accept_lower", "accept_upper", *_NAMES,
        )  # fmt: skip
        columns: dict[str, object] = {name: np.atleast_1d(getattr(self, name)) for name in names}
        if self.intervals is not None:
            for name in _NAMES:
                columns[f"{name}_low"] = [self.intervals[name].low]
                columns[f"{name}_high"] = [self.intervals[name].high]
        return columns


def misclassification(
    *,
    spec: object = None,
    mean: object = None,
    sigma_process: object = None,
    sigma_gauge: object = None,
    bias: object = 0.0,
    guard: object = 0.0,
    capability: Capability | None = None,
    gauge: GaugeStudy | None = None,
    component: str = "gauge_rr",
    confidence: float = 0.95,
    resamples: int = 2000,
    rng: object = None,
) -> Misclassification:
    r"""Tell how many bad parts a gauge lets pass and how many good ones it refuses.

    Use it for sorting and final inspection with a gauge that is not perfect, when process and measurement error are
    normal. Not for pass/fail gauges (attribute agreement), nor for a process that is not stable.

    Parameters
    ----------
    spec : Spec or pair of float, optional
        Left out: that of the studies. Physical boundaries are not limits that a part can fail.
    mean, sigma_process : float or array-like, optional
        Of the parts as they are, without measurement error; unit of the data. Arrays are scenarios, shape (m,).
    sigma_gauge : float or array-like, optional
        Standard deviation of the measurement; 0 is a perfect one.
    bias : float or array-like
        Measured less true.
    guard : float or array-like
        By how much a measured value must lie inside the specification to be accepted; below zero: outside.
    capability : Capability, optional
        Study of measured values, in place of `mean` and `sigma_process`: the gauge is taken out of its overall sigma.
    gauge : GaugeStudy, optional
        In place of `sigma_gauge`; without `capability` and numbers its parts stand for the process.
    component : {"gauge_rr", "repeatability"}
        Which part of the gauge study disturbs a decision: repeatability alone where one operator measures all parts.
    confidence : float
        Of the intervals, which there are if capability or gauge is a study.
    resamples : int
        Draws of the variances and the mean.
    rng : None, int, SeedSequence or Generator

    Returns
    -------
    Misclassification

    Raises
    ------
    DataError
        Neither number nor study for something needed, or both; the gauge varies more than the measured process.

    Notes
    -----
    True values :math:`X \sim N(\mu, \sigma_p^2)`, measured :math:`Y = X + b + e`, :math:`e \sim N(0, \sigma_g^2)`. Each
    risk is :math:`\int \phi(z) [\Phi(\cdot) - \Phi(\cdot)] dz` over the true values concerned, by Gauss-Legendre
    quadrature that is relative to its own largest value: small risks keep their digits (about 12). Intervals:
    percentiles of the risks over generalized draws, ``df * MS / chi2`` for each mean square of the studies.

    References
    ----------
    Burdick, Borror & Montgomery (2005), Design and Analysis of Gauge R&R Studies, SIAM. JCGM 106:2012, clause 9.5.
    Hamada & Weerahandi (2000), Journal of Quality Technology 32, 241-253.

    Examples
    --------
    >>> from qstats import misclassification
    >>> found = misclassification(spec=(-3, 3), mean=0, sigma_process=1, sigma_gauge=0.3)
    >>> round(found.ppm["consumer"], 2), round(found.ppm["producer"], 2)
    (651.88, 2011.87)
    """
    check_confidence(confidence)
    study = is_capability(capability) if capability is not None else None
    source = is_gauge(gauge) if gauge is not None else None
    wanted = _spec(spec, study, source)
    if study is None and source is None:
        if rng is not None:
            raise DataError("rng: got randomness, but nothing is drawn: there are no studies; leave it out")
        return _plain(wanted, mean, sigma_process, sigma_gauge, bias, guard)
    origin = _origin(study, source, (mean, sigma_process, sigma_gauge), component)
    return _studied(wanted, origin, _Options(_one(bias, "bias"), _one(guard, "guard"), confidence, resamples), rng)


def _spec(spec: object, study: Capability | None, source: GaugeStudy | None) -> Spec:
    if spec is not None:
        return as_spec(spec)
    for held in (study, source):
        if held is not None and held.spec is not None:
            return held.spec
    raise DataError("spec: nothing came, and no study holds one; pass Spec(lower, upper) or a pair")


def _numbers(value: object, name: str, *, above: float = -np.inf, least: float = -np.inf) -> FloatArray:
    if value is None:
        raise DataError(f"{name}: nothing came; a number is wanted, or a study that holds it")
    if isinstance(value, str | bytes | bool):
        raise DataError(f"{name}: got {value!r}; a number is wanted")
    try:
        a = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name}: got {value!r}; a number, or an array of them, is wanted") from None
    if a.ndim > 1 or a.size == 0:
        raise DataError(f"{name}: shape {a.shape} came; one number, or one for each scenario, is wanted")
    if not np.isfinite(a).all() or (a <= above).any() or (a < least).any():
        wanted = "above 0" if above == 0.0 else "at least 0" if least == 0.0 else "finite"
        bad = a[~np.isfinite(a) | (a <= above) | (a < least)]
        raise DataError(f"{name}: got {bad.flat[0]:g}; numbers {wanted} are wanted")
    return a


def _one(value: object, name: str) -> float:
    a = _numbers(value, name)
    if a.ndim:
        raise DataError(f"{name}: an array came; with studies one number is wanted")
    return float(a)


def _accepting(spec: Spec, guard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the limits of acceptance, infinite where there is no specification."""
    lower, upper = spec.lower_spec, spec.upper_spec
    low = np.full(guard.shape, -np.inf) if lower is None else lower + guard
    high = np.full(guard.shape, np.inf) if upper is None else upper - guard
    if not (low < high).all():
        raise DataError("guard: it leaves nothing to accept; it must be less than half the tolerance")
    return low, high


def _plain(spec: Spec, mean: object, process: object, gauge: object, bias: object, guard: object) -> Misclassification:
    given = {
        "mean": _numbers(mean, "mean"),
        "sigma_process": _numbers(process, "sigma_process", above=0.0),
        "sigma_gauge": _numbers(gauge, "sigma_gauge", least=0.0),
        "bias": _numbers(bias, "bias"),
        "guard": _numbers(guard, "guard"),
    }
    sizes = {a.size for a in given.values() if a.ndim}
    if len(sizes) > 1:
        shapes = ", ".join(f"{name} {a.size}" for name, a in given.items() if a.ndim)
        raise DataError(
            f"{shapes}: scenarios of different numbers came; one number, or arrays of one length, are wanted"
        )
    shape = (sizes.pop(),) if sizes else ()
    *columns, g = (np.broadcast_to(a, shape or (1,)) for a in given.values())
    low, high = _accepting(spec, g)
    p = Process(columns[0], columns[1], columns[2], columns[3], low, high)
    return _result(spec, p, risks_of(spec, p), None, 0, bool(shape), ())


def _result(
    spec: Spec,
    p: Process,
    risks: Risks,
    intervals: FrozenMapping[str, Interval] | None,
    resamples: int,
    many: bool,
    notes: tuple[Note, ...],
) -> Misclassification:
    def slot(a: FloatArray) -> Any:
        return frozen_array(np.array(a)) if many else float(a[0])

    fields: dict[str, Any] = {name: slot(getattr(risks, name)) for name in _NAMES}
    fields |= {name: slot(v) for name, v in p._asdict().items()}
    return Misclassification(
        **fields, intervals=intervals, spec=spec, resamples=resamples,
        method="normal process and normal measurement error, quadrature" + ("; generalized draws" if resamples else ""),
        reference=_REFERENCE, notes=notes + _boundary(spec),
    )  # fmt: skip


def _boundary(spec: Spec) -> tuple[Note, ...]:
    if spec.boundary == "none":
        return ()
    text = (
        f"the {spec.boundary} limit is a physical boundary: a normal process crosses it a little, this is not counted"
    )
    return (Note("boundary", "info", text),)


# ---- from studies ----


@dataclass(frozen=True, slots=True)
class _Options:
    bias: float
    guard: float
    confidence: float
    resamples: int


@dataclass(frozen=True, slots=True, eq=False)
class _Origin:
    """Where mean and variances come from: `observed` holds the gauge's variance if `inside`."""

    mean: float
    behind_mean: float
    spread: Variance
    inside: bool
    gauge: Variance
    notes: tuple[Note, ...]


def _origin(
    study: Capability | None, source: GaugeStudy | None, numbers: tuple[object, object, object], component: str
) -> _Origin:
    mean, process, gauge = numbers
    if source is not None and gauge is not None:
        raise DataError("sigma_gauge: given together with gauge, which holds one; pass one of them")
    if study is not None and (mean is not None or process is not None):
        raise DataError("mean, sigma_process: given together with capability, which holds them; pass one of them")
    measure = (
        gauge_variance(source, component) if source is not None
        else Variance.of(float(_numbers(gauge, "sigma_gauge", least=0.0)), np.inf)
    )  # fmt: skip
    if study is not None:
        spread = Variance.of(study.sigma_overall.estimate, study.n - 1.0)
        return _Origin(study.mean.estimate, float(study.n), spread, True, measure, ())
    if process is not None:
        spread = Variance.of(_one(_numbers(process, "sigma_process", above=0.0), "sigma_process"), np.inf)
        return _Origin(_one(mean, "mean"), np.inf, spread, False, measure, ())
    held = cast(GaugeStudy, source)
    parts = len(held.cells.part_labels)
    text = (
        f"the {parts} parts of the gauge study stand for the process; pass capability= or sigma_process= if they do not"
    )
    sd = held.sd["part"]
    if not sd > 0.0:
        raise DataError("gauge: its parts do not differ, so it does not tell the process; pass capability=")
    at = held.mean if mean is None else _one(mean, "mean")
    return _Origin(
        at, float(parts) if mean is None else np.inf, Variance.of(sd, parts - 1.0), False, measure,
        (Note("parts-as-process", "warning", text),),
    )  # fmt: skip


def _studied(spec: Spec, origin: _Origin, o: _Options, rng: object) -> Misclassification:
    if isinstance(o.resamples, bool) or not isinstance(o.resamples, int) or not _LEAST <= o.resamples <= 10**6:
        raise DataError(f"resamples: got {o.resamples!r}; a whole number from {_LEAST} to 1000000 is wanted")
    v = origin.spread.estimate - (origin.gauge.estimate if origin.inside else 0.0)
    if not v > 0.0:
        raise DataError(
            "gauge: it varies as much as the measured process or more, so nothing is left of the process itself; "
            "improve the gauge, or choose component='repeatability'"
        )
    generator = as_generator(rng)
    drawn = origin.spread.draws(o.resamples, generator)
    noise = origin.gauge.draws(o.resamples, generator)
    left = np.maximum(drawn - noise if origin.inside else drawn, _FLOOR**2 * drawn)
    mean = origin.mean + generator.normal(size=o.resamples) * np.sqrt(drawn / origin.behind_mean)
    gauge = np.concatenate([[origin.gauge.estimate], noise])
    low, high = _accepting(spec, np.full(o.resamples + 1, o.guard))
    p = Process(
        np.concatenate([[origin.mean], mean]), np.sqrt(np.concatenate([[v], left])), np.sqrt(gauge),
        np.full(o.resamples + 1, o.bias), low, high,
    )  # fmt: skip
    risks = risks_of(spec, p)
    tail = 0.5 * (1.0 - o.confidence)
    limits = {}
    for name in _NAMES:
        a, b = np.quantile(getattr(risks, name)[1:], [tail, 1.0 - tail])
        limits[name] = Interval(float(a), float(b), o.confidence)
    return _result(spec, p, risks, FrozenMapping(limits), o.resamples, False, origin.notes)
