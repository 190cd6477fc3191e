"""The result of a capability study, and what its numbers are called in the standards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from qstats._core.notes import Note
from qstats._core.result import FrozenMapping, Result
from qstats._core.spec import Spec
from qstats.capability.sample import Picture
from qstats.capability.stability import Stability
from qstats.capability.words import CapabilityTerms, terms_of
from qstats.inference.estimate import Estimate

__all__ = ["Between", "Capability", "ExpectedPpm", "OverallIndices", "Ppm", "WithinIndices"]


@dataclass(frozen=True, slots=True, eq=False)
class WithinIndices:
    """Indices with the standard deviation within subgroups (between neighbours): what the process could do.

    Parameters
    ----------
    cp, cpl, cpu, cpk : Estimate or None
        None where the specification has not that side.
    """

    cp: Estimate | None
    cpl: Estimate | None
    cpu: Estimate | None
    cpk: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class OverallIndices:
    """Indices with the standard deviation of all values: what the customer got.

    Parameters
    ----------
    pp, ppl, ppu, ppk : Estimate or None
        None where the specification has not that side.
    """

    pp: Estimate | None
    ppl: Estimate | None
    ppu: Estimate | None
    ppk: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Ppm:
    """Parts per million beyond the specification.

    Parameters
    ----------
    below, above : Estimate or None
        None where there is no such specification (a physical boundary is none).
    total : Estimate
    """

    below: Estimate | None
    above: Estimate | None
    total: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedPpm:
    """Parts per million that a normal process of these means and sigmas has beyond the specification."""

    within: Ppm
    overall: Ppm


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """Variation between subgroups beyond what their inside explains, and indices with both.

    Parameters
    ----------
    sigma : float
        Standard deviation between subgroups, in the unit of the data; 0 where the means scatter no more than chance.
    sigma_total : Estimate
        ``sqrt(sigma_between**2 + sigma_within**2)``.
    cp_bw, cpk_bw : Estimate or None
        Indices with it.
    """

    sigma: float
    sigma_total: Estimate
    cp_bw: Estimate | None
    cpk_bw: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Capability(Result):
    """Capability of one characteristic.

    Parameters
    ----------
    within : WithinIndices
        Cp, Cpl, Cpu, Cpk.
    overall : OverallIndices
        Pp, Ppl, Ppu, Ppk.
    cpm, cpmk : Estimate or None
        Indices about the target; None where there is none.
    z_bench_within, z_bench_overall : Estimate
        The z beyond which a standard normal has the expected fraction.
    expected_ppm : ExpectedPpm
        From the normal distribution, within and overall.
    observed_ppm : Ppm
        Counted.
    mean, sigma_within, sigma_overall : Estimate
        In the unit of the data.
    df_within : float
        Degrees of freedom of sigma_within; infinite: given, NaN: no agreed number.
    factor_within : float
        ``factor_within * sigma_within`` is the s of the intervals: c4(df + 1) takes the unbiasing back.
    n, subgroups : int
        Values; subgroups (0: single values).
    spec : Spec
    stability : Stability
    between : Between or None
        Where there are subgroups.
    bootstrap : Estimate or None
        Ppk with its bootstrap interval, where asked for.
    picture : Picture
        What a histogram, a probability plot and a six-panel display need.
    sigma, vocabulary, convention : str
        Estimator of sigma within, words of the summary, whose rules.
    method, reference : str
    notes : tuple of Note
    """

    schema: ClassVar[str] = "qstats.capability/1"
    title: ClassVar[str] = "Process capability"

    within: WithinIndices
    overall: OverallIndices
    cpm: Estimate | None
    cpmk: Estimate | None
    z_bench_within: Estimate
    z_bench_overall: Estimate
    expected_ppm: ExpectedPpm
    observed_ppm: Ppm
    mean: Estimate
    sigma_within: Estimate
    sigma_overall: Estimate
    df_within: float
    factor_within: float
    n: int
    subgroups: int
    spec: Spec
    stability: Stability
    between: Between | None
    bootstrap: Estimate | None
    picture: Picture
    sigma: str
    vocabulary: str
    convention: str
    method: str
    reference: str
    notes: tuple[Note, ...] = ()

    @property
    def confidence(self) -> float:
        """Confidence of every interval."""
        return self.mean.interval.confidence

    def terms(self, vocabulary: str | None = None) -> CapabilityTerms:
        """Return the indices under the names of a standard.

        Parameters
        ----------
        vocabulary : {"aiag2005", "iso22514", "aiagvda2026"}, optional
            Left out: the one the study was made with.
        """
        return terms_of(self._indices(), self.stability, vocabulary or self.vocabulary)

    def _indices(self) -> FrozenMapping[str, Estimate]:
        return FrozenMapping({name: e for name, e in self._named() if e is not None})

    def _named(self) -> Iterator[tuple[str, Estimate | None]]:
        for family in (self.within, self.overall):
            for name in family.__dataclass_fields__:
                yield name, getattr(family, name)
        yield "cpm", self.cpm
        yield "cpmk", self.cpmk
        if self.between is not None:
            yield "cp_bw", self.between.cp_bw
            yield "cpk_bw", self.between.cpk_bw

    def lower_bound(
        self, required: float | None = None, *, index: str = "cpk", confidence: float | None = None
    ) -> CapabilityBound:
        """Return the one-sided lower confidence bound of Cpk or Ppk, and whether it reaches what is required.

        Parameters
        ----------
        required : float, optional
            The index the customer asks for, such as 1.33.
        index : {"cpk", "ppk"}
        confidence : float, optional
            One-sided; left out: that of the study.

        Returns
        -------
        CapabilityBound
        """
        from qstats.capability.bound import bound_of

        return bound_of(self, required, index, self.confidence if confidence is None else confidence)

    def _rows(self) -> list[tuple[str, str]]:
        rows = [("specification", str(self.spec)), ("values", f"{self.n}" + self._groups_text())]
        rows += self.stability._rows()[:1]
        rows += [("mean", _fine(self.mean)), ("sigma within", _text(self.sigma_within))]
        rows += [("sigma overall", _text(self.sigma_overall))]
        rows += [(name, _text(e)) for name, e in self.terms().values.items()]
        rows += [("Z.bench within, overall", f"{_text(self.z_bench_within)}, {_text(self.z_bench_overall)}")]
        expected = self.expected_ppm
        rows += [(f"expected ppm {w}", _text(getattr(expected, w).total)) for w in ("within", "overall")]
        rows += [("observed ppm", _text(self.observed_ppm.total))]
        if self.bootstrap is not None:
            rows.append(("Ppk by bootstrap", _text(self.bootstrap)))
        return [*rows, ("confidence of each interval", f"{self.confidence:.4g}"), ("method", self.method)]

    def _groups_text(self) -> str:
        return f" in {self.subgroups} subgroups" if self.subgroups else ", single"

    def _remarks(self) -> tuple[Note, ...]:
        return (*self.notes, *self.terms().notes)

    def _columns(self) -> Mapping[str, object]:
        named = [*self._indices().items(), ("z_bench_within", self.z_bench_within)]
        named += [("z_bench_overall", self.z_bench_overall), ("mean", self.mean)]
        named += [("sigma_within", self.sigma_within), ("sigma_overall", self.sigma_overall)]
        expected = self.expected_ppm
        ppm = {"expected_ppm_within": expected.within, "expected_ppm_overall": expected.overall}
        for name, part in (ppm | {"observed_ppm": self.observed_ppm}).items():
            sides = (("below", part.below), ("above", part.above), ("total", part.total))
            named += [(f"{name}_{side}", e) for side, e in sides if e is not None]
        return {
            "quantity": [name for name, _ in named],
            "estimate": [e.estimate for _, e in named],
            "low": [e.interval.low for _, e in named],
            "high": [e.interval.high for _, e in named],
            "method": [e.method for _, e in named],
        }


@dataclass(frozen=True, slots=True, eq=False)
class CapabilityBound(Result):
    """A lower confidence bound of an index, held against what is required.

    Parameters
    ----------
    index : {"cpk", "ppk"}
    estimate, lower : float
        The index, and the bound it exceeds at the confidence given.
    confidence : float
        One-sided.
    required : float or None
    reached : bool or None
        Whether `lower` is at least `required`: capability is then demonstrated, not only estimated.
    n : int
        Values there are.
    n_needed : int or None
        Values with which a process as capable as this estimate would be demonstrated with a chance of 80 %; None where
        no number is enough (the estimate does not exceed what is required) or nothing is required.
    method, reference : str
    """

    schema: ClassVar[str] = "qstats.capability_bound/1"
    title: ClassVar[str] = "Demonstrated capability"

    index: str
    estimate: float
    lower: float
    confidence: float
    required: float | None
    reached: bool | None
    n: int
    n_needed: int | None
    method: str
    reference: str

    def _rows(self) -> list[tuple[str, str]]:
        rows = [
            (self.index.capitalize(), f"{self.estimate:.4g}"),
            (f"lower bound, {self.confidence:.4g} one-sided", f"{self.lower:.4g}"),
        ]
        if self.required is not None:
            rows.append(("required", f"{self.required:.4g}: {'reached' if self.reached else 'not shown'}"))
            needed = "no number would do" if self.n_needed is None else f"{self.n_needed}"
            rows.append(("values needed to show it (chance 80 %)", f"{needed}; there are {self.n}"))
        return [*rows, ("method", self.method)]

    def _columns(self) -> Mapping[str, object]:
        return {name: [getattr(self, name)] for name in self.__dataclass_fields__}


def _fine(e: Estimate) -> str:
    """The mean with the digits its interval is wide: 11.994 (11.987, 12.001), not 11.99 (11.99, 12)."""
    width = 0.5 * (e.interval.high - e.interval.low)
    digits = min(max(1 - math.floor(math.log10(width)), 0), 15) if 0.0 < width < math.inf else 6
    return f"{e.estimate:.{digits}f} ({e.interval.low:.{digits}f}, {e.interval.high:.{digits}f})"


def _text(e: Estimate) -> str:
    return f"{e.estimate:.4g} {e.interval}"
