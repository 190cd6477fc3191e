"""What stands beside a figure of capability: indices, standard deviations, parts per million, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from qstats.capability.nonnormal.result import NonnormalCapability
from qstats.capability.result import Capability
from qstats.figures.panels import a_pvalue, reader
from qstats.figures.words_quality import named, say
from qstats.inference.estimate import Estimate

__all__ = ["capability_facts", "index_line", "nonnormal_facts", "with_interval"]

Facts = list[tuple[str, str]]


def with_interval(e: Estimate, lang: str, digits: int = 3) -> str:
    """Return an estimate with its interval."""

    def show(v: float) -> str:
        if v != v:
            return "–"
        if v in (float("inf"), float("-inf")):
            return "∞" if v > 0 else "-∞"
        return f"{v:,.0f}" if 1000 <= abs(v) < 1e7 else f"{v:.{digits}g}"

    low, high = e.interval.low, e.interval.high
    return say("with interval", lang, estimate=show(e.estimate), low=show(low), high=show(high))


def _state(r: Capability, lang: str) -> str:
    if r.stability.rules == "none":
        return say("not judged", lang)
    if r.stability.demonstrated and r.stability.total:
        return say("stable but", lang, n=f"{r.stability.total:,}", expected=f"{r.stability.expected:.2g}")
    if r.stability.demonstrated:
        return say("stable", lang)
    return say("not stable", lang, n=r.stability.total)


def _numbers(r: Capability, lang: str) -> Facts:
    many = say("values groups", lang, n=f"{r.n:,}", groups=f"{r.subgroups:,}")
    text = many if r.subgroups else say("values", lang, n=f"{r.n:,}")
    show = reader(r.sigma_overall.estimate, r.mean.estimate)
    return [
        (say("process", lang), _state(r, lang)),
        (text, ""),
        (say("mean", lang), show(r.mean.estimate)),
        (say("sigma within", lang), with_interval(r.sigma_within, lang, 4)),
        (say("sigma overall", lang), with_interval(r.sigma_overall, lang, 4)),
    ]


def capability_facts(r: Capability, lang: str) -> Facts:
    """Return state, numbers, indices under the names of the study's vocabulary, and parts per million."""
    facts = _numbers(r, lang)
    facts.append((say("at confidence", lang, level=f"{100 * r.confidence:.4g}%"), ""))
    facts += [(name, with_interval(e, lang)) for name, e in r.terms().values.items()]
    if r.bootstrap is not None:
        facts.append(("Ppk (BCa)", with_interval(r.bootstrap, lang)))
    facts.append((say("ppm", lang), ""))
    facts.append((say("expected within", lang), with_interval(r.expected_ppm.within.total, lang)))
    facts.append((say("expected overall", lang), with_interval(r.expected_ppm.overall.total, lang)))
    facts.append((say("observed", lang), with_interval(r.observed_ppm.total, lang)))
    return facts


def index_line(r: Capability, lang: str) -> str:
    """Return the leading indices in one line, for a figure without room for the list."""
    found: Sequence[tuple[str, Estimate]] = (("Cpk", r.within.cpk), ("Ppk", r.overall.ppk))
    names = {id(e): name for name, e in r.terms().values.items()}
    return "   ".join(f"{names.get(id(e), name)} {with_interval(e, lang)}" for name, e in found)


def nonnormal_facts(r: NonnormalCapability, lang: str) -> Facts:
    """Return the fit, the indices of both kinds, and parts per million."""
    f = r.chosen
    facts: Facts = [(say("values", lang, n=f"{r.n:,}"), ""), (named(f, lang), "")]
    if f.anderson_darling is not None:
        facts.append(("A²", f"{f.anderson_darling:.3g}, p {a_pvalue(f.pvalue)}"))
    facts += [(f"x {p}", reader(r.percentiles[2] - r.percentiles[0], *r.percentiles)(v)) for p, v in _points(r)]
    for kind in ("percentile", "z") if r.leads == "percentile" else ("z", "percentile"):
        names = ("pp", "ppl", "ppu", "ppk") if kind == "percentile" else ("z_ppl", "z_ppu", "z_ppk", "z_bench")
        facts.append((say("by percentiles" if kind == "percentile" else "by tails", lang), ""))
        facts += [
            (_label(n), with_interval(e, lang)) for n in names if (e := getattr(r, n)) is not None
        ]  # fmt: skip
    facts.append((say("ppm", lang), ""))
    facts.append((say("expected ppm", lang), with_interval(r.expected_ppm.total, lang)))
    facts.append((say("observed", lang), with_interval(r.observed_ppm.total, lang)))
    return facts


def _points(r: NonnormalCapability) -> list[tuple[str, float]]:
    return list(zip(("0.135%", "50%", "99.865%"), r.percentiles, strict=True))


def _label(name: str) -> str:
    return "Z.bench" if name == "z_bench" else name.removeprefix("z_").capitalize()
