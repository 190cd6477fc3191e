"""Walking over the tokens of a text by rules of a grammar: what models and constraints share."""

from __future__ import annotations

from typing import NamedTuple

from qstats.errors import FormulaError

__all__ = ["Cursor", "Token"]

_DEEPEST = 32


class Token(NamedTuple):
    """A word, a number or a sign, and where it stands."""

    kind: str  # "name", "end", other words of the grammar, or the sign itself
    text: str
    at: int


class Cursor:
    """A place among the tokens of one text; the rules of a grammar move it on.

    Parameters
    ----------
    tokens : list of Token
        The last one is of kind "end".
    what : str
        The argument that errors name.
    """

    def __init__(self, tokens: list[Token], what: str) -> None:
        self.tokens = tokens
        self.what = what
        self.at = 0
        self.depth = 0

    def next(self) -> Token:
        """Take the token here."""
        token = self.tokens[self.at]
        self.at += 1
        return token

    def sees(self, *kinds: str) -> bool:
        """Tell whether the token here is one of these kinds."""
        return self.tokens[self.at].kind in kinds

    def want(self, kind: str) -> Token:
        """Take the token here, which must be of this kind."""
        if not self.sees(kind):
            raise self.lost(repr(kind))
        return self.next()

    def lost(self, wanted: str) -> FormulaError:
        """Return the error that says what stands here and what is wanted."""
        token = self.tokens[self.at]
        return FormulaError(f"{self.what}: {token.text[:60] or 'the end'!r} at position {token.at}; {wanted} is wanted")

    def deeper(self) -> None:
        """Go into a bracket; too many within one another are refused before Python's own stack is."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise FormulaError(f"{self.what}: more than {_DEEPEST} brackets within one another")
