"""Figure of an attribute agreement study: who agrees with himself, with the standard, with the others."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from qstats.figures.axes import percent_axis
from qstats.figures.forest import Forest, draw_forest, forest_axes
from qstats.figures.panels import a_level
from qstats.figures.style import INK, in_house_style, write_title
from qstats.figures.words_quality import say
from qstats.msa.agreement.coefficient import AgreementCoefficient
from qstats.msa.agreement.result import AgreementStudy
from qstats.msa.agreement.shares import AgreementShare

__all__ = ["draw_agreement"]

_CUTS = (0.8, 0.9)  # AIAG MSA 4th ed., chapter III section C: effectiveness

Row = tuple[str, AgreementShare, AgreementCoefficient | None, bool]


def _rows(s: AgreementStudy, lang: str) -> list[Row]:
    found: list[Row] = []
    for key, shares, kappas in (
        ("within appraiser", s.within, s.within_kappa),
        ("with standard", s.versus_standard, s.versus_standard_kappa),
    ):
        strong = key == "with standard"
        found += [(say(key, lang, name=name), share, kappas.get(name), strong) for name, share in shares.items()]
    if s.between is not None:
        found.append((say("between appraisers", lang), s.between, s.between_kappa, False))
    if s.all_versus_standard is not None:
        found.append((say("all with standard", lang), s.all_versus_standard, s.all_versus_standard_kappa, True))
    return [row for row in found if row[1].estimate is not None]


def _beside(share: AgreementShare, kappa: AgreementCoefficient | None) -> str:
    text = f"{share.count} / {share.n}"
    if kappa is None or kappa.estimate is None:
        return text
    limits = "" if kappa.interval is None else f" ({kappa.interval.low:.2f}, {kappa.interval.high:.2f})"
    return f"{text}  κ {kappa.estimate:.2f}{limits}"


@in_house_style
def draw_agreement(s: AgreementStudy, ax: Axes | None = None, *, lang: str = "en", title: str | None = None) -> Axes:
    """Draw the share of parts on which answers agree, with exact intervals and kappa beside; filled: with the standard.

    The dotted lines are AIAG's limits of effectiveness, 80 and 90 %.

    Parameters
    ----------
    s : AgreementStudy
    ax : matplotlib Axes, optional
    lang : {"en", "zh"}
    title : str, optional
    """
    rows = _rows(s, lang)
    labels = [row[0] for row in rows]
    ax = forest_axes(labels, ax)
    limits = [(r[1].estimate, r[1].interval.low, r[1].interval.high) for r in rows if r[1].interval is not None]
    value, low, high = np.array(limits, dtype=np.float64).reshape(-1, 3).T
    strong = np.array([row[3] for row in rows], dtype=np.bool_)
    for cut in _CUTS if s.versus_standard else ():
        ax.axvline(cut, color=INK["line"], linewidth=0.9, linestyle=":", zorder=1, gid="class limit")
    forest = Forest(labels, value, low, high, strong=strong, beside=[_beside(row[1], row[2]) for row in rows])
    draw_forest(ax, forest, say("agreement axis", lang, level=a_level(s.confidence)), lang)
    percent_axis(ax, "x")
    ax.set_xlim(-0.02, 1.02)
    write_title(ax, title or say("agreement", lang, parts=f"{len(s.parts):,}", appraisers=len(s.appraisers)))
    return ax
