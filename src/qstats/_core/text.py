"""How wide a text stands, where letters have one width and Chinese characters two."""

from __future__ import annotations

import unicodedata

__all__ = ["char_width", "text_width"]


def char_width(ch: str) -> int:
    """Return the columns of one character."""
    if unicodedata.combining(ch):
        return 0
    return 2 if unicodedata.east_asian_width(ch) in "WF" else 1


def text_width(text: str) -> int:
    """Return the width in Latin letters; a Chinese character counts two."""
    return len(text) if text.isascii() else sum(char_width(ch) for ch in text)
