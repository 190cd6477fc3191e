"""Is the process more capable after the change than before?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import scipy

from qstats._core.checks import check_confidence
from qstats._core.interval import Interval
from qstats._core.notes import Note
from qstats._core.result import Result
from qstats._core.spec import as_spec
from qstats.capability.normal import process_capability
from qstats.capability.result import Capability
from qstats.capability.stability import Stability
from qstats.errors import DataError
from qstats.inference.comparison import Comparison
from qstats.inference.estimate import Estimate
from qstats.inference.means.means import compare_mean_summaries

__all__ = ["CapabilityComparison", "compare_capability"]

_MOVER = "Zou & Donner (2008), Statistics in Medicine 27(10), 1693-1702; Donner & Zou (2012), SMMR 21(4), 347-359"
_F = "Snedecor's F; Kendall & Stuart, The Advanced Theory of Statistics, vol. 2"


@dataclass(frozen=True, slots=True, eq=False)
class CapabilityComparison(Result):
    """Capability after a change against capability before it.

    Parameters
    ----------
    sigma_ratio, sigma_ratio_within : Comparison or None
        Standard deviation after over before, overall and within; None where a sigma was given or has no interval.
    mean_shift : Comparison
        Mean after less mean before, in the unit of the data.
    ppk_difference, cpk_difference : Estimate
        Index after less index before.
    ppk_ratio : Estimate or None
        Index after over index before; None unless both intervals lie above 0.
    ppm_ratio : Estimate
        Expected parts per million (overall) after over before.
    verdict : {"better", "worse", "not shown"}
        Whether the interval of the difference of Ppk lies above 0, below 0, or holds it.
    words : str
        The verdict in a sentence.
    before, after : Estimate
        Ppk of each.
    stability_before, stability_after : Stability
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.capability_comparison/1"
    title: ClassVar[str] = "Capability before and after"

    sigma_ratio: Comparison | None
    sigma_ratio_within: Comparison | None
    mean_shift: Comparison
    ppk_difference: Estimate
    cpk_difference: Estimate
    ppk_ratio: Estimate | None
    ppm_ratio: Estimate
    verdict: str
    words: str
    before: Estimate
    after: Estimate
    stability_before: Stability
    stability_after: Stability
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("verdict", self.words)]
        rows += [(label, _text(e)) for label, e in (("Ppk before", self.before), ("Ppk after", self.after))]
        rows += [(label, _text(e)) for label, e in self._shown()]
        for when, s in (("before", self.stability_before), ("after", self.stability_after)):
            rows.append((f"process {when}", s._rows()[0][1]))
        return [*rows, ("method", self.method)]

    def _shown(self) -> list[tuple[str, Estimate | Comparison]]:
        named: list[tuple[str, Estimate | Comparison | None]] = [
            ("Ppk difference", self.ppk_difference),
            ("Ppk ratio", self.ppk_ratio),
            ("Cpk difference", self.cpk_difference),
            ("sigma ratio, overall", self.sigma_ratio),
            ("sigma ratio, within", self.sigma_ratio_within),
            ("mean shift", self.mean_shift),
            ("expected ppm ratio", self.ppm_ratio),
        ]
        return [(label, e) for label, e in named if e is not None]

    def _columns(self) -> Mapping[str, object]:
        shown = self._shown()
        return {
            "quantity": [label for label, _ in shown],
            "estimate": [e.estimate for _, e in shown],
            "low": [e.interval.low for _, e in shown],
            "high": [e.interval.high for _, e in shown],
            "method": [e.method for _, e in shown],
        }


def _text(e: Estimate | Comparison) -> str:
    return f"{e.estimate:.4g} {e.interval}"


def _study(data: object, name: str, options: Mapping[str, Any]) -> Capability:
    if isinstance(data, Capability):
        given = options["spec"]
        if given is not None and (asked := as_spec(given)) != data.spec:
            raise DataError(f"spec: got {asked}, but {name} was judged by {data.spec}; pass the data themselves")
        return data
    if options["spec"] is None:
        raise DataError(f"spec: nothing came, but {name} are data; pass spec=")
    try:
        return process_capability(data, **options)
    except DataError as problem:
        raise type(problem)(f"{name}: {problem}") from None


def _difference(name: str, after: Estimate, before: Estimate) -> Estimate:
    """Return the difference of two independent estimates by the method of variance estimates recovery (MOVER)."""
    a, b = after.interval, before.interval
    gap = after.estimate - before.estimate
    low = gap - math.hypot(after.estimate - a.low, b.high - before.estimate)
    high = gap + math.hypot(a.high - after.estimate, before.estimate - b.low)
    limits = Interval(low, high, a.confidence)
    return Estimate(name, gap, limits, after.n + before.n, "MOVER of the two intervals", _MOVER)


def _logged(e: Estimate) -> Estimate:
    limits = Interval(math.log(e.interval.low), math.log(e.interval.high), e.interval.confidence)
    return Estimate(e.name, math.log(e.estimate), limits, e.n, e.method, e.reference)


def _exp(x: float) -> float:
    return math.inf if x > 709.0 else math.exp(x)


def _raised(name: str, e: Estimate) -> Estimate:
    limits = Interval(_exp(e.interval.low), _exp(e.interval.high), e.interval.confidence)
    return Estimate(name, _exp(e.estimate), limits, e.n, "MOVER of the two intervals, logarithms", _MOVER)


def _ratio(name: str, after: Estimate, before: Estimate) -> Estimate | None:
    if min(after.interval.low, before.interval.low) <= 0.0 or math.isinf(
        max(after.interval.high, before.interval.high)
    ):
        return None
    return _raised(name, _difference(name, _logged(after), _logged(before)))


def _ppm_ratio(after: Capability, before: Capability) -> Estimate:
    """Return the ratio of the fractions beyond, from z-bench: logarithms never vanish, however small the tail."""

    def logged(z: Estimate) -> Estimate:
        p, low, high = (float(scipy.special.log_ndtr(-v)) for v in (z.estimate, z.interval.high, z.interval.low))
        return Estimate(z.name, p, Interval(low, high, z.interval.confidence), z.n, z.method, z.reference)

    return _raised("ppm ratio", _difference("ppm ratio", logged(after.z_bench_overall), logged(before.z_bench_overall)))


def _sigma_ratio(
    after: tuple[float, float, float], before: tuple[float, float, float], n: tuple[int, int], confidence: float
) -> Comparison | None:
    """Return the ratio of two standard deviations by F; each is (sigma, s of the interval, df)."""
    (sigma, s, df), (sigma0, s0, df0) = after, before
    if not (math.isfinite(df) and math.isfinite(df0)):
        return None
    f, tail = (s / s0) ** 2, 0.5 * (1.0 - confidence)
    below, above = float(scipy.special.fdtr(df, df0, f)), float(scipy.special.fdtrc(df, df0, f))
    low = s / s0 / math.sqrt(float(scipy.special.fdtri(df, df0, 1.0 - tail)))
    high = s / s0 * math.sqrt(float(scipy.special.fdtri(df0, df, 1.0 - tail)))
    pvalue = min(1.0, 2.0 * min(below, above))
    return Comparison(
        "sd_ratio", sigma / sigma0, Interval(low, high, confidence), pvalue, "two-sided", 1.0, f,
        (float(n[0]), float(n[1])), f"F, {df:.6g} and {df0:.6g} df", _F, (), (sigma, sigma0), None,
    )  # fmt: skip


def _parts(study: Capability, within: bool) -> tuple[float, float, float]:
    if within:
        sigma = study.sigma_within.estimate
        return sigma, sigma * study.factor_within, study.df_within
    sigma = study.sigma_overall.estimate
    return sigma, sigma, study.n - 1.0


def _verdict(difference: Estimate, after: Capability, before: Capability) -> tuple[str, str]:
    limits = difference.interval
    verdict = "better" if limits.low > 0 else "worse" if limits.high < 0 else "not shown"
    what = f"Ppk {before.overall.ppk.estimate:.3g} before, {after.overall.ppk.estimate:.3g} after"
    said = {
        "better": f"the process is more capable: {what}",
        "worse": f"the process is less capable: {what}",
        "not shown": f"no change of capability is shown: {what}, difference {limits}",
    }
    return verdict, said[verdict]


def _notes(after: Capability, before: Capability) -> tuple[Note, ...]:
    out = []
    shaky = [name for name, s in (("before", before), ("after", after)) if not s.stability.demonstrated]
    if shaky:
        text = f"stability is not shown {' and '.join(shaky)}: the comparison describes these data, not the process"
        out.append(Note("not-stable", "serious", text))
    if after.spec.to_dict() != before.spec.to_dict():
        text = f"the specifications differ ({before.spec}; {after.spec}): indices change with them"
        out.append(Note("different-specs", "serious", text))
    if after.sigma != before.sigma:
        out.append(Note("different-sigma", "warning", f"sigma within by {before.sigma} before, {after.sigma} after"))
    return tuple(out)


def compare_capability(
    before: object,
    after: object,
    *,
    spec: object = None,
    values: object = None,
    by: object = None,
    size: object = None,
    order_by: object = None,
    sigma: object = None,
    confidence: float = 0.95,
    rules: object = "western_electric",
    missing: str = "raise",
) -> CapabilityComparison:
    r"""Tell whether a process is more capable after a change: spread, mean, Ppk, Cpk and ppm, each with its interval.

    Use it for two periods of one characteristic. Not as the proof that the change was the cause: other things change in
    time too; and not where the values are far from normal.

    Parameters
    ----------
    before, after : array-like, frame or Capability
        Data as for `process_capability`, or its results.
    spec : Spec or pair of float, optional
        Wanted unless both are results.
    values, by, size, order_by, sigma, rules, missing
        As in `process_capability`, for both.
    confidence : float
        Of every interval; results must have been made with the same.

    Returns
    -------
    CapabilityComparison

    Raises
    ------
    DataError
        As `process_capability`; two results with different confidence.

    Notes
    -----
    Standard deviations by F, means by Welch's t. Differences of indices recover the variances from the two intervals
    (MOVER): :math:`d \mp \sqrt{(\hat a - l_a)^2 + (u_b - \hat b)^2}`; ratios the same on logarithms.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27(10), 1693-1702. Welch (1947), Biometrika 34, 28-35.

    Examples
    --------
    >>> import numpy as np
    >>> from qstats import Spec, compare_capability
    >>> rng = np.random.default_rng(1)
    >>> got = compare_capability(rng.normal(10, 1.5, (30, 5)), rng.normal(10, 1, (30, 5)), spec=Spec(6, 14))
    >>> got.verdict, round(got.sigma_ratio.estimate, 2)
    ('better', 0.73)
    """
    level = check_confidence(confidence)
    options = {
        "spec": spec, "values": values, "by": by, "size": size, "order_by": order_by, "sigma": sigma,
        "confidence": level, "rules": rules, "missing": missing,
    }  # fmt: skip
    first, second = _study(before, "before", options), _study(after, "after", options)
    for name, study in (("before", first), ("after", second)):
        if study.confidence != level:
            raise DataError(f"{name}: made with confidence {study.confidence:g}, {level:g} is wanted; pass confidence=")
    n = (second.n, first.n)
    difference = _difference("Ppk difference", second.overall.ppk, first.overall.ppk)
    verdict, words = _verdict(difference, second, first)
    means = [v for s in (second, first) for v in (s.mean.estimate, s.sigma_overall.estimate, s.n)]
    shift = compare_mean_summaries(*means, confidence=level)
    assert isinstance(shift, Comparison)
    return CapabilityComparison(
        _sigma_ratio(_parts(second, False), _parts(first, False), n, level),
        _sigma_ratio(_parts(second, True), _parts(first, True), n, level), shift, difference,
        _difference("Cpk difference", second.within.cpk, first.within.cpk),
        _ratio("Ppk ratio", second.overall.ppk, first.overall.ppk), _ppm_ratio(second, first), verdict, words,
        first.overall.ppk, second.overall.ppk, first.stability, second.stability,
        "F for the spread, Welch's t for the mean, MOVER for indices and ppm", _MOVER, _notes(second, first),
    )  # fmt: skip
