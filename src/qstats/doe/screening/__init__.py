"""Screening designs: Plackett-Burman, definitive screening, orthogonal arrays."""
