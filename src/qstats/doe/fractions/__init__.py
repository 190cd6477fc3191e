"""Regular two-level fractions: words, search, blocks, fold-over."""

from qstats.doe.fractions.door import fractional_factorial

__all__ = ["fractional_factorial"]
