"""From text to a model: a small grammar of its own, so that no text of a user is ever run.

::

    sum   := prod (("+" | "-") prod)*
    prod  := inter ("*" inter)*
    inter := atom (":" atom)*
    atom  := (name | "`" any "`" | "(" sum ")" | "1" | "0" | "." | call) ["^" int]
    call  := ("log" | "sqrt" | "inv") "(" name ")" | "poly" "(" name "," int ")"
           | ("FO" | "TWI" | "PQ" | "SO") "(" name ("," name)* ")"
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence
from typing import Any

from qstats.doe.cursor import Cursor, Token
from qstats.doe.factor import Factor
from qstats.doe.terms import FUNCTIONS, MOST_POWER, MOST_TERMS, Model, Part, Term, named_model
from qstats.errors import FormulaError

__all__ = ["as_model", "parse_model", "planned_model"]

_LONGEST = 2000
_GROUPS = ("FO", "TWI", "PQ", "SO")
_SIGNS = "+-*:^(),."
_NAMED = ("linear", "interactions", "quadratic")

Terms = dict[Term, None]  # an ordered set


def _tokens(text: str) -> list[Token]:
    """Kinds: "name", "quoted", "int", "end", or the sign itself."""
    found: list[Token] = []
    i = 0
    while i < len(text):
        c = text[i]
        if c in " \t\n\r":
            i += 1
        elif c in _SIGNS:
            found.append(Token(c, c, i))
            i += 1
        elif c == "`":
            end = text.find("`", i + 1)
            if end < 0:
                raise FormulaError(f"model: the name that begins at position {i} has no closing `")
            found.append(Token("quoted", text[i + 1 : end], i))
            i = end + 1
        else:
            end = i
            while end < len(text) and (text[end].isalnum() or text[end] == "_" or unicodedata.combining(text[end])):
                end += 1
            if end == i:
                raise FormulaError(f"model: {c!r} at position {i} has no meaning; put names with such signs in `...`")
            word = text[i:end]
            found.append(Token("int" if word.isascii() and word.isdigit() else "name", word, i))
            i = end
    return [*found, Token("end", "", len(text))]


class _Parser(Cursor):
    """Recursive descent over the tokens; every rule returns the set of terms it stands for."""

    def __init__(self, text: str, factors: Sequence[Factor]) -> None:
        super().__init__(_tokens(text), "model")
        self.factors = {f.name: f for f in factors}
        self.order = {f.name: i for i, f in enumerate(factors)}

    def whole(self) -> Terms:
        terms = self.sum()
        self.want("end")
        return terms

    def sum(self) -> Terms:
        self.deeper()
        terms = {} if self.sees("-") else self.prod()
        while self.sees("+", "-"):
            if self.next().kind == "+":
                terms = {**terms, **self.prod()}
            else:
                gone = self.prod()
                terms = {t: None for t in terms if t not in gone}
            self.check(terms)
        self.depth -= 1
        return terms

    def prod(self) -> Terms:
        terms = self.inter()
        while self.sees("*"):
            self.next()
            other = self.inter()
            terms = {**terms, **other, **self.cross(terms, other)}
            self.check(terms)
        return terms

    def inter(self) -> Terms:
        terms = self.atom()
        while self.sees(":"):
            self.next()
            terms = self.cross(terms, self.atom())
            self.check(terms)
        return terms

    def atom(self) -> Terms:
        token = self.next()
        group = token.kind == "("
        if group:
            terms = self.sum()
            self.want(")")
        elif token.kind == "int":
            if token.text not in ("0", "1"):
                raise FormulaError(
                    f"model: the number {token.text} at position {token.at}; only 1 and 0 stand for terms"
                )
            terms = {Term(): None} if token.text == "1" else {}
        elif token.kind == ".":
            terms = {Term((Part(name),)): None for name in self.factors}
        elif token.kind == "name" and self.sees("("):
            terms = self.call(token)
        elif token.kind in ("name", "quoted"):
            terms = {Term((Part(self.name(token)),)): None}
        else:
            raise FormulaError(f"model: {token.text or 'the end'!r} at position {token.at}, where a term is wanted")
        return self.power(terms, group) if self.sees("^") else terms

    def power(self, terms: Terms, group: bool) -> Terms:
        self.next()
        token = self.want("int")
        n = int(token.text[:4])
        if not 1 <= n <= MOST_POWER:
            raise FormulaError(f"model: the power {token.text} at position {token.at}; 1 to {MOST_POWER} is taken")
        if group:  # all products of up to n different terms
            out = dict(terms)
            for _ in range(n - 1):
                out = {**out, **self.cross(out, terms, repeat=False)}
                self.check(out)
            return out
        (term,) = terms if len(terms) == 1 else (Term(),)
        if len(term.parts) != 1:
            raise FormulaError(f"model: the power at position {token.at} stands behind something that is no factor")
        part = term.parts[0]
        return {Term((Part(part.name, part.power * n, part.function),)): None}

    def call(self, token: Token) -> Terms:
        if token.text not in (*FUNCTIONS, *_GROUPS, "poly"):
            known = ", ".join((*FUNCTIONS, "poly", *_GROUPS))
            raise FormulaError(
                f"model: {token.text!r} at position {token.at} is no function known here; there are {known}"
            )
        self.want("(")
        names = [self.factor_name()]
        power = 0
        while self.sees(","):
            self.next()
            if token.text == "poly":
                power = self.small(self.want("int"))
                break
            names.append(self.factor_name())
        self.want(")")
        if token.text == "poly":
            if not power:
                raise FormulaError(f"model: poly at position {token.at} wants a name and a power, as in poly(speed, 2)")
            return {Term((Part(names[0], p),)): None for p in range(1, power + 1)}
        if token.text in FUNCTIONS:
            if len(names) != 1:
                raise FormulaError(f"model: {token.text} at position {token.at} takes one name")
            return {Term((Part(names[0], 1, token.text),)): None}
        return self.group(token.text, names)

    def small(self, token: Token) -> int:
        n = int(token.text[:4])
        if not 1 <= n <= MOST_POWER:
            raise FormulaError(f"model: the power {token.text} at position {token.at}; 1 to {MOST_POWER} is taken")
        return n

    def group(self, kind: str, names: list[str]) -> Terms:
        """First-order, two-way, pure quadratic and second-order terms, as in response surface work."""
        first = [Term((Part(n),)) for n in names]
        pairs = [self.times(a, b) for a, b in itertools.combinations(first, 2)]
        squares = [Term((Part(n, 2),)) for n in names if self.factors[n].numeric]
        terms = {"FO": first, "TWI": pairs, "PQ": squares, "SO": [*first, *pairs, *squares]}[kind]
        return dict.fromkeys(terms)

    def factor_name(self) -> str:
        if not self.sees("name", "quoted"):
            self.want("name")
        return self.name(self.next())

    def name(self, token: Token) -> str:
        name = unicodedata.normalize("NFC", token.text.strip())
        if name not in self.factors:
            known = ", ".join(map(repr, self.factors)) or "none"
            raise FormulaError(f"model: {name[:60]!r} at position {token.at} is no factor; there are {known}")
        return name

    def cross(self, a: Terms, b: Terms, *, repeat: bool = True) -> Terms:
        if len(a) * len(b) > MOST_TERMS * MOST_TERMS:
            raise FormulaError(f"model: more than {MOST_TERMS} terms")
        made = (self.times(x, y) for x in a for y in b if repeat or not set(x.names) & set(y.names))
        return dict.fromkeys(made)

    def times(self, a: Term, b: Term) -> Term:
        parts: dict[tuple[str, str], int] = {}
        for part in (*a.parts, *b.parts):
            key = (part.name, part.function)
            # a factor of text times itself is itself; a number becomes a power
            power = parts.get(key, 0) + part.power
            parts[key] = power if self.factors[part.name].numeric else 1
            if parts[key] > MOST_POWER:
                raise FormulaError(f"model: a power of {part.name!r} above {MOST_POWER}")
        ordered = sorted(parts.items(), key=lambda item: (self.order[item[0][0]], item[0][1]))
        return Term(tuple(Part(name, power, function) for (name, function), power in ordered))

    def check(self, terms: Terms) -> None:
        if len(terms) > MOST_TERMS:
            raise FormulaError(f"model: more than {MOST_TERMS} terms")


def parse_model(text: str, factors: Sequence[Factor], *, intercept: bool = True) -> Model:
    """Return the model that a text stands for.

    Parameters
    ----------
    text : str
        Such as ``"speed * glue + speed^2"``; names that are no plain words stand in backticks.
    factors : sequence of Factor
    intercept : bool
        Whether the constant belongs to it unless the text takes it out (``- 1`` or ``0 +``).

    Raises
    ------
    FormulaError
        Anything the grammar does not hold; nothing is evaluated, imported or opened.

    Examples
    --------
    >>> from qstats.doe.factor import as_factors
    >>> str(parse_model("(A + B)^2 + A^2", as_factors(["A", "B"])))
    '1 + A + B + A:B + A^2'
    """
    if not isinstance(text, str):
        raise FormulaError(f"model: got a {type(text).__name__}; text is wanted")
    if len(text) > _LONGEST:
        raise FormulaError(f"model: {len(text)} characters; at most {_LONGEST} are taken")
    text = unicodedata.normalize("NFC", text)
    if "~" in text:
        raise FormulaError("model: leave out the response and the ~; terms alone are wanted")
    parser = _Parser(text, factors)
    terms = parser.whole()
    tokens = [t.kind + t.text for t in parser.tokens]
    refused = "int0" in tokens or any(a == "--" and b == "int1" for a, b in itertools.pairwise(tokens))
    if intercept and not refused:
        terms = {Term(): None, **terms}
    if not terms:
        raise FormulaError("model: no term is left")
    return Model.of(terms, [f.name for f in factors])


def planned_model(terms: Sequence[str], factors: Sequence[Factor]) -> Model:
    """Return the model that a design was made for; a main-effects model where it was made for none."""
    if len(terms) == 1 and terms[0] in _NAMED and terms[0] not in {f.name for f in factors}:
        return named_model(terms[0], factors)
    if terms:
        return parse_model(" + ".join(terms), factors, intercept="1" in terms)
    return named_model("linear", factors)


def as_model(model: Any, factors: Sequence[Factor]) -> Model:
    """Return a model from a name, a text, a list of term texts, or a model."""
    if isinstance(model, Model):
        known = {f.name for f in factors}
        lost = sorted({name for term in model for name in term.names} - known)
        if lost:
            raise FormulaError(f"model: {', '.join(map(repr, lost))} is no factor of this design")
        return model
    mixture = bool(factors) and all(f.kind == "mixture" for f in factors)
    if isinstance(model, str):
        if model in _NAMED and model not in {f.name for f in factors}:
            return named_model(model, factors)
        return parse_model(model, factors, intercept=not mixture)
    if isinstance(model, list | tuple) and model and all(isinstance(t, str) for t in model):
        texts = [text for text in model if text.strip() != "0"]
        parsed = [t for text in texts for t in parse_model(text, factors, intercept=False)]
        constant = [] if mixture or "0" in model else [Term()]
        return Model.of([*constant, *parsed], [f.name for f in factors])
    raise FormulaError(f"model: got {model!r}; a text, a list of terms, or one of {', '.join(_NAMED)} is wanted")
