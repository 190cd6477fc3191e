"""From text to limits of an experiment: a small grammar of its own, so that no text of a user is ever run.

::

    rule    := ["if" any "then"] any
    any     := all ("or" all)*
    all     := compare ("and" compare)*
    compare := sum (op sum)+ | name ("==" | "!=") level | name "in" "(" level ("," level)* ")" | "(" any ")"
    op      := "<=" | "<" | ">=" | ">"
    sum     := product (("+" | "-") product)*
    product := sign (("*" | "/") sign)*
    sign    := ["-" | "+"] power
    power   := (number | name | "`" any "`" | "(" sum ")") ["^" whole number]

Names stand for settings in natural units. What comes out is a tree of polynomials: its value is at most zero where the
rule holds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qstats._core.arrays import FloatArray
from qstats.doe.cursor import Cursor, Token
from qstats.doe.exchange.polynomial import LARGEST, MOST_POWER, SLACK, Columns, Excess, Poly, excess_of, plus, times
from qstats.doe.exchange.tokens import tokens_of
from qstats.doe.factor import Factor
from qstats.errors import FormulaError

__all__ = ["Rule", "parse_rule", "rules_of"]

_LONGEST = 2000
_MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """What settings must keep.

    Parameters
    ----------
    text : str
    excess : callable
        From natural settings (category: number of the level) to an array: at most 0 where the rule holds.
    names : tuple of str
        Factors in it.
    """

    text: str
    excess: Excess
    names: tuple[str, ...]


class _Parser(Cursor):
    """Recursive descent; sums give polynomials, comparisons give their excess."""

    def __init__(self, text: str, factors: Sequence[Factor]) -> None:
        super().__init__(tokens_of(text), "constraint")
        self.factors = {f.name: f for f in factors}
        self.names: dict[str, None] = {}

    def word(self, text: str) -> bool:
        token = self.tokens[self.at]
        return token.kind == "word" and token.text == text

    def rule(self) -> Excess:
        if self.word("if"):
            self.next()
            given = self.any()
            if not self.word("then"):
                raise self.lost("'then'")
            self.next()
            held = self.any()
            self.want("end")
            return lambda c: np.minimum(2.0 * SLACK - given(c), held(c))
        found = self.any()
        self.want("end")
        return found

    def any(self) -> Excess:
        self.deeper()
        found = [self.all()]
        while self.word("or"):
            self.next()
            found.append(self.all())
        self.depth -= 1
        return found[0] if len(found) == 1 else lambda c: np.minimum.reduce([f(c) for f in found])

    def all(self) -> Excess:
        found = [self.compare()]
        while self.word("and"):
            self.next()
            found.append(self.compare())
        return found[0] if len(found) == 1 else lambda c: np.maximum.reduce([f(c) for f in found])

    def compare(self) -> Excess:
        if self.sees("(") and self._holds_comparison():
            self.next()
            inner = self.any()
            self.want(")")
            return inner
        if self.sees("name"):
            following = self.tokens[self.at + 1]
            if following.kind in ("==", "!=") or following == (following.kind, "in", following.at):
                return self.level()
        sums = [self.sum()]
        found: list[Excess] = []
        while self.sees("<=", "<", ">=", ">"):
            sign = self.next().kind
            sums.append(self.sum())
            low, high = (sums[-2], sums[-1]) if sign[0] == "<" else (sums[-1], sums[-2])
            found.append(excess_of(plus(low, high, -1.0), self.factors, strict=len(sign) == 1))
        if self.sees("==", "!="):
            raise FormulaError(
                "constraint: == and != compare one factor with levels; "
                "an equation of sums leaves no room (shares that sum to 1 are mixture factors)"
            )
        if not found:
            raise self.lost("one of <=, <, >=, >")
        return found[0] if len(found) == 1 else lambda c: np.maximum.reduce([f(c) for f in found])

    def _holds_comparison(self) -> bool:
        """Whether the bracket that opens here holds a comparison, not a sum."""
        deep = 0
        for token in self.tokens[self.at :]:
            deep += (token.kind == "(") - (token.kind == ")")
            if deep == 0:
                return False
            if token.kind in ("<", "<=", ">", ">=", "==", "!=") or (token.kind == "word" and token.text == "in"):
                return True
        return False

    def level(self) -> Excess:
        factor = self.factor(self.next())
        sign = self.next()
        if sign.text == "in":
            self.want("(")
            chosen = [self.setting(factor)]
            while self.sees(","):
                self.next()
                chosen.append(self.setting(factor))
            self.want(")")
        else:
            chosen = [self.setting(factor)]
        name, wanted = factor.name, np.array(chosen)
        inside = -1.0 if sign.text != "!=" else 1.0

        def excess(c: Columns) -> FloatArray:
            near = np.abs(c[name][..., None] - wanted) <= SLACK * (1.0 + np.abs(wanted))
            return np.where(near.any(axis=-1), inside, -inside)

        return excess

    def setting(self, factor: Factor) -> float:
        negative = self.sees("-")
        if negative:
            self.next()
        if not self.sees("text", "number"):
            raise self.lost(f"a level of {factor.name!r} (text in quotes)")
        token = self.next()
        if factor.kind == "categorical":
            text = ("-" if negative else "") + token.text
            if text not in factor.levels:
                raise FormulaError(
                    f"constraint: {factor.name!r} has no level {text[:60]!r}; "
                    f"there are {', '.join(map(repr, factor.levels))}"
                )
            return float(factor.levels.index(text))
        if factor.kind != "discrete":
            raise FormulaError(f"constraint: {factor.name!r} has a range; compare it by <= or >=")
        if token.kind != "number" or (-float(token.text) if negative else float(token.text)) not in factor.levels:
            raise FormulaError(f"constraint: {factor.name!r} has no level {token.text[:60]!r}; got {factor.levels}")
        return -float(token.text) if negative else float(token.text)

    def factor(self, token: Token) -> Factor:
        name = unicodedata.normalize("NFC", token.text.strip())
        if name not in self.factors:
            known = ", ".join(map(repr, self.factors))
            raise FormulaError(f"constraint: {name[:60]!r} at position {token.at} is no factor; there are {known}")
        self.names[name] = None
        return self.factors[name]

    def sum(self) -> Poly:
        self.deeper()
        total = self.product()
        while self.sees("+", "-"):
            sign = 1.0 if self.next().kind == "+" else -1.0
            total = plus(total, self.product(), sign)
        self.depth -= 1
        return total

    def product(self) -> Poly:
        total = self.sign()
        while self.sees("*", "/"):
            if self.next().kind == "*":
                total = times(total, self.sign())
            else:
                at = self.tokens[self.at].at
                below = self.sign()
                if set(below) - {()} or not below.get((), 0.0):
                    raise FormulaError(f"constraint: at position {at} something is divided by what is no number but 0")
                total = times(total, {(): 1.0 / below[()]})
        return total

    def sign(self) -> Poly:
        if self.sees("-", "+"):
            factor = -1.0 if self.next().kind == "-" else 1.0
            return times({(): factor}, self.power())
        return self.power()

    def power(self) -> Poly:
        token = self.tokens[self.at]
        if self.sees("number"):
            base: Poly = {(): _number(self.next())}
        elif self.sees("name"):
            factor = self.factor(self.next())
            if not factor.numeric:
                raise FormulaError(f"constraint: {factor.name!r} at position {token.at} is text and cannot be added")
            base = {((factor.name, 1),): 1.0}
        elif self.sees("("):
            self.next()
            base = self.sum()
            self.want(")")
        else:
            raise self.lost("a number or a factor")
        if not self.sees("^"):
            return base
        self.next()
        shown = self.want("number")
        if not shown.text.isdigit() or not 1 <= int(shown.text[:4]) <= MOST_POWER:
            raise FormulaError(f"constraint: the power {shown.text[:20]} at position {shown.at}; 1 to {MOST_POWER}")
        total = base
        for _ in range(int(shown.text) - 1):
            total = times(total, base)
        return total


def _number(token: Token) -> float:
    value = float(token.text)
    if not value <= LARGEST:
        raise FormulaError(f"constraint: the number {token.text[:40]} at position {token.at} is too large")
    return value


def parse_rule(text: str, factors: Sequence[Factor]) -> Rule:
    """Return the limit a text stands for.

    Parameters
    ----------
    text : str
        Such as ``"2*T + P <= 400"``, ``"10 <= A + B <= 20"`` or ``"if glue == 'B' then T <= 180"``, in natural units.
    factors : sequence of Factor

    Raises
    ------
    FormulaError
        Anything the grammar does not hold; nothing is evaluated, imported or opened.

    Examples
    --------
    >>> from qstats.doe.factor import as_factors
    >>> rule = parse_rule("2*T + P <= 400", as_factors({"T": (100, 200), "P": (0, 90)}))
    >>> rule.names
    ('T', 'P')
    """
    if not isinstance(text, str):
        raise FormulaError(f"constraint: got a {type(text).__name__}; text is wanted")
    if len(text) > _LONGEST:
        raise FormulaError(f"constraint: {len(text)} characters; at most {_LONGEST} are taken")
    parser = _Parser(unicodedata.normalize("NFC", text), factors)
    excess = parser.rule()
    return Rule(text, excess, tuple(parser.names))


def rules_of(constraints: Any, disallowed: Any, factors: Sequence[Factor]) -> tuple[Rule, ...]:
    """Return limits from texts, and from combinations that must not occur (texts, or mappings of name to setting)."""
    texts = _listed(constraints, "constraints")
    banned = _listed(disallowed, "disallowed")
    found = [parse_rule(text, factors) for text in texts]
    for given in banned:
        rule = _banned(given, factors) if isinstance(given, Mapping) else parse_rule(given, factors)
        found.append(Rule(f"not ({rule.text})", _never(rule.excess), rule.names))
    return tuple(found)


def _never(excess: Excess) -> Excess:
    return lambda c: 2.0 * SLACK - excess(c)


def _listed(given: Any, name: str) -> list[Any]:
    if isinstance(given, str | Mapping):
        return [given]
    if not isinstance(given, Sequence):
        raise FormulaError(f"{name}: got {given!r}; texts are wanted, such as '2*T + P <= 400'")
    if len(given) > _MOST_RULES:
        raise FormulaError(f"{name}: {len(given)} came; at most {_MOST_RULES} are taken")
    return list(given)


def _banned(given: Mapping[Any, Any], factors: Sequence[Factor]) -> Rule:
    """A combination such as {"glue": "B", "T": (180, 200)} as a rule; a pair on a range is from and to."""
    if not given:
        raise FormulaError("disallowed: an empty mapping; a setting or a range for each of some factors is wanted")
    texts = []
    known = {f.name: f for f in factors}
    for name, value in given.items():
        if name not in known:
            raise FormulaError(f"disallowed: {name!r} is no factor; there are {', '.join(map(repr, known))}")
        values = list(value) if isinstance(value, list | tuple) else [value]
        if known[name].levels:
            # a text that holds both kinds of quotes cannot stand in the grammar
            quote = '"' if any("'" in str(v) for v in values) else "'"
            category = known[name].kind == "categorical"
            shown = ", ".join(f"{quote}{v}{quote}" if category else repr(v) for v in values)
            texts.append(f"`{name}` in ({shown})")
        elif len(values) == 2:
            texts.append(f"{values[0]!r} <= `{name}` <= {values[1]!r}")
        else:
            raise FormulaError(f"disallowed: {name!r} has a range; (from, to) is wanted, got {value!r}")
    return parse_rule(" and ".join(texts), factors)
