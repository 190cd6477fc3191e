"""Comparisons of two groups: each p-value and its interval come from one procedure and always agree."""
