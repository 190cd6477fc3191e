"""The word table of the evidence on strata and on other categories, English and Chinese side by side."""

from __future__ import annotations

__all__ = ["EVIDENCE_MORE"]

# code -> ((title, sentence) in English, the same in Chinese)
EVIDENCE_MORE: dict[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "mix_adjusted": (
        ("Adjusted for the mix", "The same effect pooled over the strata (Mantel-Haenszel, or weighted by precision)."),
        ("按构成调整", "各层合并后的同一效果（Mantel-Haenszel 法或按精度加权）。"),
    ),
    "mix_homogeneity": (
        ("Strata alike", "P-value of the strata having one common effect."),
        ("各层一致性", "各层效果相同的 p 值。"),
    ),
    "placebo": (
        ("Other category", "The same change where nothing was done."),
        ("其他类别", "未采取措施的类别的同一变化。"),
    ),
    "placebo_pooled": (
        ("Other categories together", "The same change of all that was not targeted, added up."),
        ("其他类别合计", "全部非目标类别合计的同一变化。"),
    ),
    "placebo_rank": (
        (
            "Rank among categories",
            "Share of categories, the targeted one among them, that changed for the better at least as much.",
        ),
        ("在各类别中的位次", "变化至少同样有利的类别（含目标类别）所占比例。"),
    ),
    "placebo_contrast": (
        ("Target against other categories", "The change of the target relative to the change of all others."),
        ("目标相对其他类别", "目标的变化相对于其他类别合计的变化。"),
    ),
}
