"""Short names of factors in words, and words from texts such as ``E=-ABCD``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qstats._core.notes import Note
from qstats.errors import DesignError

__all__ = ["Letters"]

_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # no I: it is the identity of defining relations
_LONGEST = 2000


class Letters:
    """One letter for each factor: its name where all names are single letters, else A, B, ... in order.

    Parameters
    ----------
    names : sequence of str
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.own = all(len(n) == 1 and n.isalpha() and n not in "Ii" for n in names)
        many = _LETTERS + _LETTERS.lower()
        plain = [many[i] if i < len(many) else f"X{i + 1}" for i in range(len(names))]
        # a name that is another factor's letter would be read two ways: then words are written in names
        clash = any(n in plain and plain.index(n) != j for j, n in enumerate(names))
        self.symbols = list(names) if self.own or clash else plain
        self.join = "" if all(len(s) == 1 for s in self.symbols) else ":"

    def text(self, word: int, sign: int = 1) -> str:
        """Return a set of factors (bit j = factor j) as letters, with a minus where the sign is negative."""
        letters = self.join.join(s for j, s in enumerate(self.symbols) if word >> j & 1)
        return ("-" if sign < 0 else "") + (letters or "I")

    def generator(self, j: int, word: int, sign: int) -> str:
        """Return ``E=-ABC``: factor j is sign times the product of the other factors of the word."""
        return f"{self.symbols[j]}={self.text(word & ~(1 << j), sign)}"

    def legend(self) -> tuple[Note, ...]:
        """Return what the letters stand for, where they are not the names."""
        if self.own or self.symbols == list(self.names):
            return ()
        pairs = ", ".join(f"{s} = {n}" for s, n in zip(self.symbols, self.names, strict=True) if s != n)
        return (Note("letters", "info", f"letters in words: {pairs}"),)

    # ---- reading ----

    def factor(self, text: str, where: str) -> int:
        """Return which factor a name or a letter means."""
        if text in self.names:
            return self.names.index(text)
        if text in self.symbols:
            return self.symbols.index(text)
        known = ", ".join(f"{n!r}" if s == n else f"{n!r} ({s})" for s, n in zip(self.symbols, self.names, strict=True))
        raise DesignError(f"{where}: {text[:60]!r} is no factor; there are {known}")

    def word(self, text: str, where: str) -> int:
        """Return the set of factors of a product: ``ABC``, ``A*B*C``, ``speed:glue``."""
        text = text.strip()
        if text in self.names:
            return 1 << self.names.index(text)
        parts = [p.strip() for p in re.split(r"[*:·×]", text)]
        if len(parts) == 1:
            parts = text.split() if any(c.isspace() for c in text) else self._run_together(text)
        word = 0
        for part in parts:
            if not part:
                raise DesignError(f"{where}: a factor is missing in {text[:60]!r}")
            bit = 1 << self.factor(part, where)
            if word & bit:
                raise DesignError(f"{where}: {part!r} stands twice in {text[:60]!r}")
            word |= bit
        return word

    def _run_together(self, text: str) -> list[str]:
        return [text] if text in self.symbols else list(text)

    def read(self, text: object, number: int) -> tuple[int | None, int, int]:
        """Return the generated factor (None where unsaid), the set of factors it is the product of, and the sign."""
        where = f"generators, entry {number}"
        if not isinstance(text, str):
            raise DesignError(f"{where}: got {text!r}; text such as 'E=ABCD' is wanted")
        if len(text) > _LONGEST:
            raise DesignError(f"{where}: {len(text)} characters; at most {_LONGEST} are taken")
        left, equals, right = text.rpartition("=")
        if left.count("="):
            raise DesignError(f"{where}: got {text[:60]!r}; one = at most")
        right = right.strip()
        sign = -1 if right[:1] in ("-", "\N{MINUS SIGN}") else 1
        if right[:1] in ("+", "-", "\N{MINUS SIGN}"):
            right = right[1:]
        if not right.strip() or (equals and not left.strip()):
            raise DesignError(f"{where}: got {text[:60]!r}; text such as 'E=ABCD' is wanted")
        return (self.factor(left.strip(), where) if equals else None), self.word(right, where), sign
