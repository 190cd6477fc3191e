"""Figures of capability without assuming normality: histogram with the fit, probability paper, Ppk under each fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from qstats._core.arrays import FloatArray, as_vector
from qstats._core.checks import check_choice
from qstats.capability.nonnormal.fitted import FittedDistribution
from qstats.capability.nonnormal.result import NonnormalCapability
from qstats.errors import DataError
from qstats.figures.capability.facts import nonnormal_facts, with_interval
from qstats.figures.capability.histogram import Classes, Curve, classes_of, draw_classes
from qstats.figures.capability.probability import Paper, draw_paper
from qstats.figures.forest import Forest, draw_forest, forest_axes
from qstats.figures.panels import Format, a_level, a_pvalue, list_facts, new_grid
from qstats.figures.style import INK, in_house_style, name_axis, write_title
from qstats.figures.words_quality import named, say

__all__ = ["draw_nonnormal"]

_PANELS = ("histogram", "probability", "fits")
_MOST = 2000  # ordered values on probability paper: more change no pixel
_FIT: dict[str, Any] = {"color": INK["text"], "linewidth": 1.6, "gid": "fit"}
_POINT: dict[str, Any] = {"color": INK["soft"], "linewidth": 1.0, "linestyle": (0, (2, 2)), "gid": "percentile"}


def _values(r: NonnormalCapability, data: object) -> FloatArray | None:
    """Return the sorted values: the sample is among the fits, unless one family was asked for by name."""
    if data is not None:
        x = np.sort(as_vector(data, "data", missing="drop"))
        x = x[~np.isnan(x)]
        if x.size != r.n:
            raise DataError(f"data: {x.size} values came, but the result was made of {r.n}; pass the same values")
        return x
    for f in r.fits:
        if f.family == "empirical" and f.fitted:
            return np.asarray(f.origin + f.unit * f.theta)
    return None


def _curve(f: FittedDistribution) -> Sequence[Curve]:
    if f.family == "empirical":
        return ()
    return (Curve(lambda x: np.asarray(f.pdf(x)), f.label, _FIT),)


def _percentiles(r: NonnormalCapability) -> Any:
    def draw(ax: Axes, show: Format) -> list[tuple[float, str, str]]:
        left, right = ax.get_xlim()
        named = []
        for at, name in zip(r.percentiles, ("0.135%", "50%", "99.865%"), strict=True):
            if left <= at <= right:
                ax.axvline(at, zorder=2.2, **_POINT)
                named.append((at, name, "center"))
        return named

    return draw


def _draw_histogram(ax: Axes, r: NonnormalCapability, x: FloatArray | None, lang: str) -> int:
    c: Classes | None = None if x is None else classes_of(x)
    points = [v for v in r.percentiles if np.isfinite(v)]
    ends = (points[0], points[-1])
    if c is not None:  # a percentile far out in a heavy tail must not make a needle of the data
        low, high = float(c.edges[0]), float(c.edges[-1])
        reach = 2.0 * (high - low)
        ends = max(min(low, points[0]), low - reach), min(max(high, points[-1]), high + reach)
    return draw_classes(ax, c, _curve(r.chosen), r.spec, ends, lang, _percentiles(r))


def _draw_probability(ax: Axes, r: NonnormalCapability, x: FloatArray | None, family: str | None, lang: str) -> str:
    f = r.chosen if family is None else r.fit(family)
    if f.family == "empirical":
        raise DataError("family: the sample itself has no probability paper; name one of the families fitted")
    if not f.fitted:
        raise DataError(f"family: {f.family!r} could not be fitted ({f.reason}); name another one")
    if x is None:
        raise DataError("data: the result holds no single values, as one family was asked for; pass data= as well")
    rank = np.unique(np.linspace(0, x.size - 1, min(x.size, _MOST)).round().astype(np.intp))
    quantile: Any = lambda p: np.asarray(f.quantile(np.clip(p, 1e-300, 1.0 - 1e-16)))  # noqa: E731 - used twice
    draw_paper(ax, Paper(x[rank], (rank + 0.5) / x.size, x.size, quantile, quantile), r.confidence, lang)
    if f.anderson_darling is None:
        return say("probability", lang, family=named(f, lang))
    a, p = f"{f.anderson_darling:.3g}", a_pvalue(f.pvalue)
    return say("probability tested", lang, family=named(f, lang), a=a, p=p)


def _draw_fits(ax: Axes | None, r: NonnormalCapability, lang: str) -> Axes:
    """Draw Ppk under each adequate fit and the chosen one; the other families stand there with the reason."""
    held = {a.family: a for a in r.alternatives}
    key = "ppk" if r.leads == "percentile" else "z_ppk"
    rows = sorted(r.fits, key=lambda f: (f.family not in held, f.family != r.chosen.family))
    found = [held[f.family].indices[key] if f.family in held else None for f in rows]
    numbers = np.array([(np.nan,) * 3 if e is None else (e.estimate, e.interval.low, e.interval.high) for e in found])
    names = [named(f, lang) for f in rows]
    chosen = [f.family == r.chosen.family for f in rows]
    labels = [f"{name} ({say('chosen', lang)})" if c else name for name, c in zip(names, chosen, strict=True)]
    beside = [_beside(f, None if e is None else with_interval(e, lang), lang) for f, e in zip(rows, found, strict=True)]
    ax = forest_axes(labels, ax)
    strong = np.array([f.adequate for f in rows])
    value, low, high = numbers.T
    forest = Forest(labels, value, low, high, strong=strong, beside=beside)
    draw_forest(ax, forest, say("fit axis" if key == "ppk" else "fit axis z", lang), lang)
    return ax


def _beside(f: FittedDistribution, index: str | None, lang: str) -> str:
    if not f.fitted:
        return say("not fitted", lang)
    p = "" if f.pvalue is None else f"p {a_pvalue(f.pvalue)}"
    if index is None:
        return say("not adequate" if p else "last resort", lang, p=p)
    return f"{index}  {p}".rstrip()


def _with_facts(r: NonnormalCapability, x: FloatArray | None, lang: str, title: str | None) -> Axes:
    facts = nonnormal_facts(r, lang)
    ax, side = new_grid(9.6, max(4.4, 1.0 + 0.185 * len(facts)), 1, 2, width_ratios=(2.0, 1.15))
    rows = _draw_histogram(ax, r, x, lang)
    list_facts(side, facts)
    if x is None:
        name_axis(ax, "x", say("no classes", lang))
    text = say("nonnormal", lang, family=named(r.chosen, lang), level=a_level(r.confidence))
    write_title(ax, title or text, 6.0 + 11.0 * rows)
    return ax


@in_house_style
def draw_nonnormal(
    r: NonnormalCapability, ax: Axes | None = None, *, panel: str | None = None, family: str | None = None,
    data: object = None, lang: str = "en", title: str | None = None,
) -> Axes:  # fmt: skip
    """Draw the values under the chosen distribution, with limits and percentiles, and the indices beside them.

    Parameters
    ----------
    r : NonnormalCapability
    ax : matplotlib Axes, optional
        Then one panel, without the list of indices and without a legend; ``ax.legend()`` adds it.
    panel : {"histogram", "probability", "fits"}, optional
        ``"probability"``: values against the quantiles of a fit, where the fit is a straight line; its band holds each
        ordered value by itself if the fit is the truth. ``"fits"``: Ppk under each adequate fit.
    family : str, optional
        Whose probability paper; the chosen one if not given.
    data : array-like, optional
        The values, for a result made with one named family: it does not hold them.
    lang : {"en", "zh"}
    title : str, optional
    """
    if panel is not None:
        check_choice(panel, "panel", _PANELS)
    if family is not None and panel != "probability":
        raise DataError(f"family: got {family!r}, which is for panel='probability'")
    if panel == "fits":
        ax = _draw_fits(ax, r, lang)
        write_title(ax, title or say("fits", lang, level=a_level(r.confidence)))
        return ax
    x = _values(r, data)
    if panel is None and ax is None:
        return _with_facts(r, x, lang, title)
    given = ax is not None
    ax = ax if ax is not None else new_grid(8.4, 4.2, 1, 1)[0]
    if panel == "probability":
        write_title(ax, title or _draw_probability(ax, r, x, family, lang))
        if not given:
            ax.legend(loc="upper left", fontsize=7.5, frameon=True, framealpha=0.85, edgecolor="none")
        return ax
    rows = _draw_histogram(ax, r, x, lang)
    write_title(ax, title or f"{named(r.chosen, lang)}: Ppk {with_interval(r.index, lang)}", 6.0 + 11.0 * rows)
    return ax
