"""Words, numbers and signs of a constraint."""

from __future__ import annotations

import unicodedata

from qstats.doe.cursor import Token
from qstats.errors import FormulaError

__all__ = ["tokens_of"]

_WORDS = ("if", "then", "and", "or", "in")
_SIGNS = ("<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "^", "(", ")", ",")


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text, "end" the last; kinds "name", "number", "text", "word" or the sign itself."""
    found: list[Token] = []
    i = 0
    while i < len(text):
        c = text[i]
        sign = next((s for s in _SIGNS if text.startswith(s, i)), None)
        if c in " \t\n\r":
            i += 1
        elif sign:
            found.append(Token(sign, sign, i))
            i += len(sign)
        elif c in "`'\"":
            end = text.find(c, i + 1)
            if end < 0:
                raise FormulaError(f"constraint: {c} at position {i} is never closed")
            found.append(Token("name" if c == "`" else "text", text[i + 1 : end], i))
            i = end + 1
        else:
            end, kind = _word(text, i)
            word = text[i:end]
            found.append(Token("word" if kind == "name" and word in _WORDS else kind, word, i))
            i = end
    return [*found, Token("end", "", len(text))]


def _word(text: str, i: int) -> tuple[int, str]:
    """End of the number or name at position i, and which of them it is."""
    end = i
    if text[i] in "0123456789.":
        while end < len(text) and text[end] in "0123456789.":
            end += 1
        if end < len(text) and text[end] in "eE":
            tail = end + 1 + (end + 1 < len(text) and text[end + 1] in "+-")
            stop = tail
            while stop < len(text) and text[stop] in "0123456789":
                stop += 1
            end = stop if stop > tail else end
        word = text[i:end]
        if word.count(".") > 1 or word == "." or (end < len(text) and (text[end].isalnum() or text[end] == "_")):
            raise FormulaError(f"constraint: {text[i : end + 1][:40]!r} at position {i} is no number")
        return end, "number"
    while end < len(text) and (text[end].isalnum() or text[end] == "_" or unicodedata.combining(text[end])):
        end += 1
    if end == i:
        raise FormulaError(f"constraint: {text[i]!r} at position {i} has no meaning; put such names in `...`")
    return end, "name"
